"""What a venue's rules make of an algo's sizes: what is too small, and how a quantity is cut without losing a lot."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from octopus_desktop.engine.filters import no_price, no_quantity, off_lot, off_tick
from octopus_desktop.model.figures import figure
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import ZERO


def off_the_grid(instrument: Instrument, quantity: Decimal, *prices: Decimal | None) -> str | None:
    """A sentence where a number is not one the venue takes."""
    for price in prices:
        if price is not None and (wrong := no_price(price) or off_tick(instrument, price)):
            return wrong
    return no_quantity(quantity) or off_lot(instrument, quantity)


def too_small(instrument: Instrument, quantity: Decimal, price: Decimal, what: str) -> str | None:
    """A sentence where an order of `quantity` at `price` would be below the venue's least."""
    if quantity < instrument.min_quantity:
        return f"{what} would be {figure(quantity)} {instrument.base}; the least is {figure(instrument.min_quantity)}."
    if quantity * price < instrument.min_notional:
        least = figure(instrument.min_notional)
        return f"{what} would be worth {quantity * price:,.2f} {instrument.quote}; the least is {least}."
    return None


def is_order(instrument: Instrument, quantity: Decimal, price: Decimal) -> bool:
    return too_small(instrument, quantity, price, "") is None


def split(instrument: Instrument, quantity: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Parts in proportion to `weights`, each on the lot; the last takes what rounding left."""
    whole = sum(weights, ZERO)
    parts = [instrument.quantity(quantity * weight / whole) for weight in weights[:-1]]
    return [*parts, quantity - sum(parts, ZERO)]
