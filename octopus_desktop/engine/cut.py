"""What of a quantity may leave in one order, so that what is left is an order too."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from octopus_desktop.model.instrument import Instrument

MARGIN: Final = Decimal("0.98")
"""The price of a market order is the venue's to say: so much less than what is allowed or paid for by ours."""


def is_order(instrument: Instrument, quantity: Decimal, price: Decimal) -> bool:
    """Whether the venue takes so little."""
    return quantity >= instrument.min_quantity and quantity * price >= instrument.min_notional


def cut(instrument: Instrument, quantity: Decimal, price: Decimal | None, *, market: bool = True) -> Decimal:
    """The most of `quantity` that one market order may hold now, on the lot; zero where that is less than a lot.

    What it leaves is nothing or an order too, judged by the quantity alone where `price` is not known. `market` False:
    for an order that waits for its price.
    """
    whole = instrument.quantity(quantity)
    most, worth = instrument.max_quantity, instrument.max_notional
    if market:
        most, worth = min(most, instrument.market_max_quantity or most), instrument.market_max_notional
    if worth is not None and price:
        most = min(most, worth / price * (MARGIN if market else 1))
    if whole <= most:
        return whole
    most = instrument.quantity(most)
    left = whole - most
    left_is_order = is_order(instrument, left, price) if price else left >= instrument.min_quantity
    return most if left_is_order else instrument.quantity(whole / 2)
