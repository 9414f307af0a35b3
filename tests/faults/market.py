"""The market as the engine is told it: instruments and the touch, straight from the exchange.

The proof is about orders and account, so the public streams are left out; they have tests of their own.
"""

from __future__ import annotations

import asyncio

import msgspec

from octopus_desktop.model.errors import VenueUnavailable
from octopus_desktop.model.events import (
    Channel,
    InstrumentListed,
    Link,
    LinkChanged,
    LinkStatus,
    QuoteChanged,
    TradePrinted,
)
from octopus_desktop.model.identifiers import InstrumentId, Interval, Venue
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.market import Candles
from octopus_desktop.model.orders import Side
from octopus_desktop.ports import Publish
from octopus_desktop.simulator import endpoints_market
from octopus_desktop.simulator.endpoints import Context
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.params import Params
from octopus_desktop.simulator.units import UNIT
from octopus_desktop.venues.binance import parse
from octopus_desktop.venues.binance.messages import ExchangeInfo
from octopus_desktop.venues.binance.product import SPOT
from tests.faults.simulated_time import SimulatedLoop

TOLD_EVERY_S = 0.5


class MarketFeed:
    """See ports.MarketDataClient."""

    def __init__(self, venue: Venue, exchange: Exchange, loop: SimulatedLoop) -> None:
        self.venue = venue
        self._exchange = exchange
        self._loop = loop
        self._publish: Publish | None = None
        self._telling: asyncio.Task[None] | None = None

    async def start(self, publish: Publish) -> None:
        self._publish = publish
        for instrument in listed(self._exchange, self.venue):
            publish(InstrumentListed(instrument.instrument_id, instrument))
        publish(LinkChanged(self.venue, Link.MARKET, LinkStatus.UP, "", self._loop.now_ns()))
        self._telling = asyncio.create_task(self._tell(publish))

    async def stop(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def _tell(self, publish: Publish) -> None:
        while True:
            now = self._loop.now_ns()
            for symbol, market in self._exchange.markets.items():
                where = InstrumentId(f"{symbol}.{self.venue}")
                bid, ask = market.book.bids.best(), market.book.asks.best()
                if bid is not None and ask is not None:
                    publish(QuoteChanged(where, bid / UNIT, 1.0, ask / UNIT, 1.0, now, now))
                publish(TradePrinted(where, market.last_price / UNIT, 1.0, Side.BUY, 0, now, now))
            await asyncio.sleep(TOLD_EVERY_S)

    def subscribe(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None = None) -> None:
        pass

    def unsubscribe(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None = None) -> None:
        pass

    async def candles(
        self, instrument_id: InstrumentId, interval: Interval, limit: int, end_ns: int | None = None
    ) -> Candles:
        raise VenueUnavailable("There is no history here.")

    async def recent_trades(self, instrument_id: InstrumentId, limit: int) -> list[TradePrinted]:
        return []


def listed(exchange: Exchange, venue: Venue) -> list[Instrument]:
    """As the exchange tells them itself."""
    handler = next(one.handler for one in endpoints_market.ENDPOINTS if one.ws == "exchangeInfo")
    told = handler(Context(exchange), 0, Params({}))
    raw = told if isinstance(told, bytes) else msgspec.json.encode(told)
    info = msgspec.json.decode(raw, type=ExchangeInfo, strict=False)
    return [parse.instrument(symbol, venue, SPOT) for symbol in info.symbols]
