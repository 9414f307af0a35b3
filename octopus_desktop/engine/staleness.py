"""Whether what depends on a price may act on it."""

from __future__ import annotations

from typing import Final

from octopus_desktop.model.events import Channel, Link, LinkStatus
from octopus_desktop.model.identifiers import InstrumentId, venue_of
from octopus_desktop.model.orders import OrderIntent, OrderType
from octopus_desktop.state import State

_PRICED: Final = (Channel.QUOTES, Channel.BOOK, Channel.TRADES)


def staleness(state: State, instrument_id: InstrumentId) -> str | None:
    """Why the price of this instrument is not to be trusted now; None while it is."""
    link = state.links.get((venue_of(instrument_id), Link.MARKET))
    if link is not None and link.status is not LinkStatus.UP:
        return "there is no connection to the market"
    market = state.markets.get(instrument_id)
    if market is None:
        return None
    for channel in _PRICED:
        if channel in market.stale:
            return f"{channel.value}: {market.stale[channel].reason}"
    if market.book.last_id and not market.book.valid:
        return "the order book missed a change"
    return None


def depends_on_price(intent: OrderIntent) -> bool:
    """It fills at whatever the market is when it arrives. One with a limit, or a trigger at the venue, does not."""
    return intent.type is OrderType.MARKET
