"""What things are worth by the market as it is known, in one currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from octopus_desktop.model.identifiers import InstrumentId, Venue, instrument_id
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.state import State

ONE: Final = Decimal(1)


def mark_of(state: State, name: InstrumentId) -> Decimal | None:
    """The price a position is judged at: a perpetual's mark price, else the middle of the touch, else the last."""
    market = state.markets.get(name)
    if market is None:
        return None
    if market.mark is not None:
        instrument = state.instruments.get(name)
        if instrument is not None and instrument.kind is not InstrumentKind.SPOT:
            return Decimal(repr(market.mark.mark))
    touch = market.touch
    if touch is not None:
        return (Decimal(repr(touch[0])) + Decimal(repr(touch[1]))) / 2
    last = market.last_price
    return Decimal(repr(last)) if last is not None else None


def rate_of(state: State, venue: Venue, asset: str, currency: str) -> Decimal | None:
    """What one unit of `asset` is worth in `currency` at this venue; None where its price is not known."""
    if asset == currency:
        return ONE
    price = mark_of(state, instrument_id(f"{asset}{currency}", venue))
    if price:
        return price
    price = mark_of(state, instrument_id(f"{currency}{asset}", venue))
    return ONE / price if price else None
