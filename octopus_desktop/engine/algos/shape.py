"""What a venue's rules make of an algo's sizes: what is too small or too large, and how a quantity is cut."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import takewhile

from octopus_desktop.engine.cut import MARGIN, cut, is_order
from octopus_desktop.engine.filters import free_for, funds, no_price, no_quantity, off_lot, off_tick, reference_price
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import Venue
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import ZERO, OrderIntent, OrderType, Side
from octopus_desktop.state import State


def off_the_grid(instrument: Instrument, quantity: Decimal, *prices: Decimal | None) -> str | None:
    """A sentence where a number is not one the venue takes."""
    for price in prices:
        if price is not None and (wrong := no_price(price) or off_tick(instrument, price)):
            return wrong
    return no_quantity(quantity) or off_lot(instrument, quantity)


def too_small(instrument: Instrument, quantity: Decimal, price: Decimal, what: str) -> str | None:
    """A sentence where an order of `quantity` at `price` would be below the venue's least."""
    if is_order(instrument, quantity, price):
        return None
    if quantity < instrument.min_quantity:
        return f"{what} would be {figure(quantity)} {instrument.base}; the least is {figure(instrument.min_quantity)}."
    least = figure(instrument.min_notional)
    return f"{what} would be worth {quantity * price:,.2f} {instrument.quote}; the least is {least}."


def too_large(instrument: Instrument, quantity: Decimal, price: Decimal, what: str) -> str | None:
    """A sentence where the venue does not take `quantity` in one order that waits for its price."""
    if quantity > instrument.max_quantity:
        most = figure(instrument.max_quantity)
        return f"{what} would be {figure(quantity)} {instrument.base}; the largest order is {most}."
    if instrument.max_notional is not None and quantity * price > instrument.max_notional:
        most = figure(instrument.max_notional)
        return f"{what} would be worth {quantity * price:,.2f} {instrument.quote}; the venue takes {most} at most."
    return None


def possible_now(intent: OrderIntent, instrument: Instrument, state: State) -> Decimal:
    """As much of it as can leave in one order: what is free, and no more than the venue takes at once."""
    price, market = reference_price(intent, state), intent.type is OrderType.MARKET
    free = free_for(intent, instrument, state)
    if intent.side is Side.BUY:
        free = free / price if price else ZERO
        if market and free < intent.quantity / MARGIN:
            free *= MARGIN
    return cut(instrument, max(ZERO, min(intent.quantity, free)), price, market=market)


def not_owned(intent: OrderIntent, instrument: Instrument, state: State, since_ns: int) -> str | None:
    """A sentence where what it needs is not free, nor came in by a fill which the balance has not followed yet.

    A balance is told after the fill that changed it, and that is when protection is asked for. `since_ns`: an older
    fill tells nothing, its coins may have left the account.
    """
    refusal = funds(intent, instrument, state)
    if refusal is None:
        return None
    asset = instrument.base if intent.side is Side.SELL else instrument.quote
    price = 1 if intent.side is Side.SELL else reference_price(intent, state) or ZERO
    came_in = _came_in(asset, instrument.venue, state, since_ns)
    return None if came_in > 0 and intent.quantity * price <= free_for(intent, instrument, state) + came_in else refusal


def _came_in(asset: str, venue: Venue, state: State, since_ns: int) -> Decimal:
    """By the newest fills, less what they cost of it: those from after the balance was told."""
    balance = state.balances.get((venue, asset))
    since_ns = max(since_ns, balance.ts_venue_ns if balance is not None else 0)
    total = ZERO
    for fill in takewhile(lambda fill: fill.ts_venue_ns > since_ns, reversed(state.fills)):
        listed = state.instruments.get(fill.instrument_id)
        if listed is None or listed.venue != venue:
            continue
        if listed.base == asset:
            total += fill.quantity * fill.side.sign
        elif listed.quote == asset:
            total -= fill.quantity * fill.price * fill.side.sign
        if fill.fee_asset == asset:
            total -= fill.fee
    return total


def met_at(instrument: Instrument, side: Side, limit: Decimal | None, state: State) -> Decimal | None:
    """Where an order finds the market as it is: the touch, or its limit where the touch has not come to that."""
    touch = state.market(instrument.instrument_id).touch
    if touch is None:
        return limit
    there = instrument.price(touch[1] if side is Side.BUY else touch[0])
    if limit is None:
        return there
    return min(limit, there) if side is Side.BUY else max(limit, there)


def split(instrument: Instrument, quantity: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Parts in proportion to `weights`, each on the lot; the last takes what rounding left."""
    whole = sum(weights, ZERO)
    parts = [instrument.quantity(quantity * weight / whole) for weight in weights[:-1]]
    return [*parts, quantity - sum(parts, ZERO)]
