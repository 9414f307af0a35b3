"""The market as the engine is told it: instruments and the touch, straight from the exchange.

The proof is about orders and account, so the public streams are left out; they have tests of their own. What the real
client says of them is said here too: that they are silent, that the exchange is gone, and that they are back.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from octopus_desktop.model.errors import VenueUnavailable
from octopus_desktop.model.events import (
    Channel,
    FeedRecovered,
    FeedStale,
    InstrumentListed,
    Link,
    LinkChanged,
    LinkStatus,
    QuoteChanged,
)
from octopus_desktop.model.identifiers import InstrumentId, Interval, Venue
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.market import Candles, Trade
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
from tests.faults.exchange_process import ExchangeProcess
from tests.faults.simulated_time import Life, SimulatedLoop
from tests.printed import printed

TOLD_EVERY_S: Final = 0.5
QUIET_AFTER_S: Final = 1.0
_CHANNELS: Final = (Channel.QUOTES, Channel.TRADES)


class MarketLine:
    """What is wrong with the public streams now, and what the engine was told of it."""

    def __init__(self) -> None:
        self.silences = 0
        """The sockets are open, and nothing comes."""
        self.is_stale = False
        """Told to the engine that lives now."""


class MarketFeed:
    """See ports.MarketDataClient."""

    def __init__(self, venue: Venue, process: ExchangeProcess, line: MarketLine, loop: SimulatedLoop) -> None:
        self.venue = venue
        self._process = process
        self._line = line
        self._loop = loop
        self._telling: asyncio.Task[None] | None = None
        self._told_at = loop.now_s

    @property
    def _exchange(self) -> Exchange:
        return self._process.exchange

    async def start(self, publish: Publish) -> None:
        if not self._process.is_up:
            raise VenueUnavailable("The exchange cannot be reached.")
        for instrument in listed(self._exchange, self.venue):
            publish(InstrumentListed(instrument.instrument_id, instrument))
        self._link(publish, LinkStatus.UP)
        self._telling = asyncio.create_task(self._tell(publish))

    async def stop(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def _tell(self, publish: Publish) -> None:
        connected: Life | None = self._process.life
        while True:
            there = self._process.life if self._process.is_up else None
            if connected is not there and connected is not None:
                self._link(publish, LinkStatus.DOWN)
                self._become(publish, stale=True)
            if connected is not there and there is not None:
                self._link(publish, LinkStatus.UP)
            connected = there
            if connected is not None and not self._line.silences:
                self._told_at = self._loop.now_s
                self._tell_prices(publish)
                self._become(publish, stale=False)
            elif self._loop.now_s - self._told_at >= QUIET_AFTER_S:
                self._become(publish, stale=True)
            await asyncio.sleep(TOLD_EVERY_S)

    def _tell_prices(self, publish: Publish) -> None:
        now = self._loop.now_ns()
        for symbol, market in self._exchange.markets.items():
            where = InstrumentId(f"{symbol}.{self.venue}")
            bid, ask = market.book.bids.best(), market.book.asks.best()
            if bid is not None and ask is not None:
                publish(QuoteChanged(where, bid / UNIT, 1.0, ask / UNIT, 1.0, now, now))
            publish(printed(where, market.last_price / UNIT, 1.0, Side.BUY, 0, now, now))

    def _become(self, publish: Publish, *, stale: bool) -> None:
        if stale is self._line.is_stale:
            return
        self._line.is_stale = stale
        for symbol in self._exchange.markets:
            where = InstrumentId(f"{symbol}.{self.venue}")
            for channel in _CHANNELS:
                publish(
                    FeedStale(where, channel, self._loop.now_ns(), "no sign of life")
                    if stale
                    else FeedRecovered(where, channel)
                )

    def _link(self, publish: Publish, status: LinkStatus) -> None:
        reason = "" if status is LinkStatus.UP else "the connection broke"
        publish(LinkChanged(self.venue, Link.MARKET, status, reason, self._loop.now_ns()))

    def subscribe(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None = None) -> None:
        pass

    def unsubscribe(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None = None) -> None:
        pass

    async def candles(
        self, instrument_id: InstrumentId, interval: Interval, limit: int, end_ns: int | None = None
    ) -> Candles:
        raise VenueUnavailable("There is no history here.")

    async def recent_trades(self, instrument_id: InstrumentId, limit: int) -> list[Trade]:
        return []


def listed(exchange: Exchange, venue: Venue) -> list[Instrument]:
    """As the exchange tells them itself."""
    handler = next(one.handler for one in endpoints_market.ENDPOINTS if one.ws == "exchangeInfo")
    told = handler(Context(exchange), 0, Params({}))
    raw = told if isinstance(told, bytes) else msgspec.json.encode(told)
    info = msgspec.json.decode(raw, type=ExchangeInfo, strict=False)
    return [parse.instrument(symbol, venue, SPOT) for symbol in info.symbols]
