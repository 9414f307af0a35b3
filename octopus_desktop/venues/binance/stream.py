"""Binance's market data: instruments, streams, history. The MarketDataClient of spot and USD-M futures."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any, Final

from octopus_desktop.health.tasks import tell_failure
from octopus_desktop.model.errors import MessageError, VenueError
from octopus_desktop.model.events import (
    Channel,
    FeedStale,
    InstrumentListed,
    Link,
    LinkChanged,
    LinkStatus,
    NoticeRaised,
    Severity,
    VenueMeasured,
)
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import InstrumentId, Interval, Venue, symbol_of
from octopus_desktop.model.market import Candles, Trade
from octopus_desktop.net.clock_offset import ClockDoubt
from octopus_desktop.ports import Publish
from octopus_desktop.venues.binance import parse
from octopus_desktop.venues.binance.connection import Connection
from octopus_desktop.venues.binance.feeds.book import BookFeed
from octopus_desktop.venues.binance.feeds.candles import CandleFeed
from octopus_desktop.venues.binance.feeds.feed import Feed, Surroundings
from octopus_desktop.venues.binance.feeds.quotes import QuoteFeed
from octopus_desktop.venues.binance.feeds.tickers import MarkPriceFeed, TickerFeed
from octopus_desktop.venues.binance.feeds.trades import TradeFeed
from octopus_desktop.venues.binance.host import Host
from octopus_desktop.venues.binance.messages import MS, AggTrade, ExchangeInfo, RestKline
from octopus_desktop.venues.binance.product import Product
from octopus_desktop.venues.binance.rest import Rest

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.25
MEASURE_EVERY_S: Final = 1.0
CLOCK_EVERY_S: Final = 120.0
CLOCK_SOON_S: Final = 5.0
FROM_THE_FUTURE_NS: Final = -250_000_000
STRANGELY_OLD_NS: Final = 1_000_000_000
"""The data itself may be so late; the venue's time, asked for, tells that from a clock that was set."""
LISTED_A_TURN: Final = 200
TRADES_PAGE: Final = 1000

Topic = tuple[InstrumentId, Channel, Interval | None]


class BinanceMarketData:
    """See ports.MarketDataClient."""

    def __init__(self, venue: Venue, product: Product, rest: Rest, host: Host, stream_url: str) -> None:
        self.venue = venue
        self._product = product
        self._rest = rest
        self._host = host
        self._url = f"{stream_url}/stream"
        self._publish: Publish = _not_started
        self._around = Surroundings(lambda event: self._publish(event), rest, product, self._spawn)
        self._connections: list[Connection] = []
        self._statuses: dict[int, tuple[LinkStatus, str]] = {}
        self._told: tuple[LinkStatus, str] | None = None
        self._feeds: dict[Topic, tuple[Feed, Connection]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._doubt = ClockDoubt()
        self._stopping = False

    # The port ---------------------------------------------------------------

    async def start(self, publish: Publish) -> None:
        """See ports.MarketDataClient. It may be called again after it failed."""
        self._publish = self._around.publish = self._host.breakers.publish = publish
        self._host.clock.moved = self._clock_moved
        await self._list_instruments()
        await self._measure_clock()
        self._stopping = False
        self._connection_with_room()
        self._spawn(self._look_after(), "look after the streams")
        self._spawn(self._measure(), "measure the venue")
        self._spawn(self._keep_the_clock(), "keep the clock")

    async def stop(self) -> None:
        self._stopping = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in self._connections:
            await connection.stop()
        self._connections.clear()
        self._feeds.clear()
        await self._rest.close()

    def subscribe(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None = None) -> None:
        topic = (instrument_id, channel, interval)
        if topic in self._feeds:
            return
        feed = self._feed(instrument_id, channel, interval)
        if isinstance(feed, str):
            logger.warning("%s of %s: %s", channel.value, instrument_id, feed)
            self._publish(FeedStale(instrument_id, channel, 0, feed, interval))
            return
        connection = self._connection_with_room()
        self._feeds[topic] = (feed, connection)
        connection.add(feed)

    def unsubscribe(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None = None) -> None:
        held = self._feeds.pop((instrument_id, channel, interval), None)
        if held is not None:
            feed, connection = held
            connection.remove(feed)

    async def candles(
        self, instrument_id: InstrumentId, interval: Interval, limit: int, end_ns: int | None = None
    ) -> Candles:
        if interval not in self._product.intervals:
            logger.info("%s: %s offers no %s candles", instrument_id, self._product.name, interval.value)
            return Candles.empty(instrument_id, interval)
        pages: list[list[RestKline]] = []
        left = limit
        end_ms = (end_ns - 1) // MS if end_ns is not None else None
        while left > 0:
            asked = min(left, self._product.candles_limit)
            params: dict[str, object] = {
                "symbol": symbol_of(instrument_id),
                "interval": interval.value,
                "limit": asked,
            }
            if end_ms is not None:
                params["endTime"] = end_ms
            rows = await self._rest.get("klines", list[RestKline], params, weight=self._product.candles_weight)
            rows = rows[-asked:]
            if not rows:
                break
            pages.append(rows)
            left -= len(rows)
            if len(rows) < asked:
                break
            end_ms = rows[0].open_ms - 1
        return parse.candles(instrument_id, interval, (row for page in reversed(pages) for row in page))

    async def recent_trades(self, instrument_id: InstrumentId, limit: int) -> list[Trade]:
        params = {"symbol": symbol_of(instrument_id), "limit": min(limit, TRADES_PAGE)}
        rows = await self._rest.get("aggTrades", list[AggTrade], params, weight=self._product.trades_weight)
        return list[Trade](rows[-limit:])

    # ------------------------------------------------------------------------

    def _feed(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None) -> Feed | str:
        """The feed, or why there is none."""
        around = self._around
        match channel:
            case Channel.TRADES:
                return TradeFeed(around, instrument_id)
            case Channel.QUOTES:
                return QuoteFeed(around, instrument_id)
            case Channel.BOOK:
                return BookFeed(around, instrument_id)
            case Channel.TICKER:
                return TickerFeed(around, instrument_id)
            case Channel.CANDLES:
                if interval is None:
                    return "candles are subscribed to with an interval"
                if interval not in self._product.intervals:
                    return f"{self._product.name} offers no {interval.value} candles"
                return CandleFeed(around, instrument_id, interval)
            case Channel.MARK_PRICE:
                if not self._product.has_mark_price:
                    return f"{self._product.name} has no mark price"
                return MarkPriceFeed(around, instrument_id)

    def _connection_with_room(self) -> Connection:
        for connection in self._connections:
            if len(connection) < self._product.streams_per_connection:
                return connection
        number = len(self._connections)
        connection = Connection(
            self._url,
            self._around,
            f"{self.venue} market data {number + 1}",
            lambda status, reason: self._link(number, status, reason),
        )
        self._connections.append(connection)
        connection.start()
        return connection

    def _link(self, number: int, status: LinkStatus, reason: str) -> None:
        """The market link is as good as its worst connection."""
        self._statuses[number] = (status, reason)
        worst = min(self._statuses.values(), key=lambda known: _GOODNESS[known[0]])
        if worst != self._told:
            self._told = worst
            self._publish(LinkChanged(self.venue, Link.MARKET, worst[0], worst[1], time.time_ns()))

    async def _list_instruments(self) -> None:
        info = await self._rest.get("exchangeInfo", ExchangeInfo, weight=self._product.instruments_weight)
        self._host.budget.limit = parse.weight_limit(info, self._product.weight_limit)
        for number, raw in enumerate(info.symbols):
            try:
                instrument = parse.instrument(raw, self.venue, self._product)
            except MessageError as error:
                self._host.bad.note("exchangeInfo symbol", bytes(raw), error)
            else:
                self._publish(InstrumentListed(instrument.instrument_id, instrument))
            if number % LISTED_A_TURN == LISTED_A_TURN - 1:
                await asyncio.sleep(0)  # thousands of instruments must not hold up an order

    async def _measure_clock(self) -> None:
        try:
            await self._rest.measure_clock()
        except (VenueError, MessageError) as error:
            logger.warning("%s: its clock could not be read: %s", self.venue, error)

    async def _keep_the_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_EVERY_S if self._host.clock.measured else CLOCK_SOON_S)
            await self._measure_clock()

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now_ns = time.time_ns()
            for connection in self._connections:
                connection.look(now_ns)
            ages = self._ages(now_ns)
            odd = bool(ages) and (min(ages) < FROM_THE_FUTURE_NS or max(ages) > STRANGELY_OLD_NS)
            if self._doubt.doubts(odd, now_ns, time.monotonic_ns()):
                self._spawn(self._measure_clock(), "ask for the venue's time")

    def _ages(self, now_ns: int) -> list[int]:
        """How old the data of each connection is that had any lately."""
        offset_ns = self._host.clock.offset_ns
        ages = (connection.age.age_ns(now_ns, offset_ns) for connection in self._connections)
        return [age for age in ages if age is not None]

    def _clock_moved(self, by_ns: int) -> None:
        for connection in self._connections:
            connection.age.forget()
        offset_ns = self._host.clock.offset_ns
        logger.warning(
            "%s: its clock moved by %+d ms against ours, to %+d ms", self.venue, by_ns // MS, offset_ns // MS
        )
        apart, by = (figure(Decimal(abs(ns)) / 1_000_000_000, 1) for ns in (offset_ns, by_ns))
        now = f"is now {apart} s {'ahead of' if offset_ns > 0 else 'behind'}" if apart != "0" else "now agrees with"
        text = (
            f"The clock of {self.venue} went {by} s {'forward' if by_ns > 0 else 'back'} and {now} this computer's: "
            "one of the two was set. Orders are stamped with the venue's time all the same. If this computer's is the "
            "wrong one, have it set over the network."
        )
        self._publish(NoticeRaised(Severity.WARNING, "A clock was set", text, time.time_ns()))

    async def _measure(self) -> None:
        before, at = 0, time.monotonic()
        while True:
            await asyncio.sleep(MEASURE_EVERY_S)
            count, now = sum(connection.socket.messages for connection in self._connections), time.monotonic()
            round_trip = self._connections[0].socket.round_trip_ns or self._host.clock.round_trip_ns
            ages = self._ages(time.time_ns())
            self._publish(
                VenueMeasured(
                    self.venue,
                    round_trip / 1e6,
                    self._host.clock.offset_ns / 1e6,
                    self._host.budget.used,
                    self._host.budget.limit,
                    (count - before) / (now - at),
                    self._host.bad.count,
                    time.time_ns(),
                    max(0, *ages) / 1e6 if ages else None,
                )
            )
            before, at = count, now

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=f"{self.venue}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        tell_failure(task)


_GOODNESS: Final = {LinkStatus.DOWN: 0, LinkStatus.CONNECTING: 1, LinkStatus.UP: 2}


def _not_started(event: object) -> None:
    raise RuntimeError("the client was not started")
