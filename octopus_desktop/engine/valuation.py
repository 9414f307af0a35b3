"""What things are worth by the market as it is known, in one currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from octopus_desktop.model.events import Channel, Link
from octopus_desktop.model.identifiers import InstrumentId, Venue, instrument_id, venue_of
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.state import State

ONE: Final = Decimal(1)


def mark_of(state: State, name: InstrumentId) -> Decimal | None:
    """The price a position is judged at, the same that the screen shows; None where nothing is known."""
    market = state.markets.get(name)
    return market.fair_price if market is not None else None


def live_mark_of(state: State, name: InstrumentId) -> Decimal | None:
    """As `mark_of`, but no price whose age is not known."""
    market = state.markets.get(name)
    return market.live_price if market is not None else None


def rate_of(state: State, venue: Venue, asset: str, currency: str) -> Decimal | None:
    """What one unit of `asset` is worth in `currency` at this venue; None where its price is not known."""
    if asset == currency:
        return ONE
    there, back = rate_pairs(venue, asset, currency)
    price = mark_of(state, there)
    if price:
        return price
    price = mark_of(state, back)
    return ONE / price if price else None


def rate_pairs(venue: Venue, asset: str, currency: str) -> tuple[InstrumentId, InstrumentId]:
    """What tells a rate: the asset in the currency, the currency in the asset. A venue lists one of them, or none."""
    return instrument_id(f"{asset}{currency}", venue), instrument_id(f"{currency}{asset}", venue)


def price_channel(instrument: Instrument) -> Channel:
    """The one stream it takes for `mark_of`."""
    return Channel.QUOTES if instrument.kind is InstrumentKind.SPOT else Channel.MARK_PRICE


def price_to_come(state: State, name: InstrumentId) -> bool:
    """Whether a price that is not known is worth waiting for; an instrument that is not traded or listed has none."""
    instrument = state.instruments.get(name)
    if instrument is None:
        return (venue_of(name), Link.MARKET) not in state.links  # it is first told of when all are listed
    return instrument.trading and state.market(name).live_price is None
