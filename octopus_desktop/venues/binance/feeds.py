"""What is streamed of one instrument, one class for each channel: frame to event, holes filled, staleness told.

A feed is told `opened` when the venue has confirmed its stream, `quiet` when its link shows no life, `lost` when the
link is gone. It says FeedStale at most once until it has recovered.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final

import msgspec

from octopus_desktop.model.errors import MessageError, RateLimited, VenueError
from octopus_desktop.model.events import Channel, FeedRecovered, FeedStale, QuoteChanged, TradePrinted
from octopus_desktop.model.identifiers import InstrumentId, Interval, symbol_of
from octopus_desktop.model.orders import Side
from octopus_desktop.net.backoff import Backoff
from octopus_desktop.ports import Publish
from octopus_desktop.venues.binance import parse
from octopus_desktop.venues.binance.messages import (
    AggTrade,
    AggTradeFrame,
    BookTickerFrame,
    DepthFrame,
    DepthSnapshot,
    KlineFrame,
    MarkPriceFrame,
    RestAggTrade,
    RestKline,
    RestQuote,
    RestTicker,
    TickerFrame,
)
from octopus_desktop.venues.binance.product import Product
from octopus_desktop.venues.binance.rest import Rest
from octopus_desktop.venues.binance.sequencer import BookSequencer

logger = logging.getLogger(__name__)

TRADES_PAGE: Final = 1000
NEAR_LEVELS: Final = 100
"""A side of the book, where request weight is scarce."""
MOST_PAGES: Final = 20
"""Of missed trades asked for after an outage; what is older is for the history to show."""
SOON_S: Final = 0.6
"""A lively stream speaks by itself within this time; asking as well would only cost weight."""
TELL_AFTER: Final = 3
"""Failed snapshots before the log calls it a warning: one refused request is everyday."""
ON_ITS_WAY_S: Final = 0.3
"""What the venue already answers with may still be on its way over the stream."""

_MS: Final = 1_000_000
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL
_decode_trade: Final = msgspec.json.Decoder(AggTradeFrame, strict=False).decode
_decode_quote: Final = msgspec.json.Decoder(BookTickerFrame, strict=False).decode
_decode_depth: Final = msgspec.json.Decoder(DepthFrame, strict=False).decode
_decode_kline: Final = msgspec.json.Decoder(KlineFrame, strict=False).decode
_decode_ticker: Final = msgspec.json.Decoder(TickerFrame, strict=False).decode
_decode_mark: Final = msgspec.json.Decoder(MarkPriceFrame, strict=False).decode


class Surroundings(msgspec.Struct):
    """What every feed of a client needs of it."""

    publish: Publish
    rest: Rest
    product: Product
    spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]


class Feed:
    """`frame` is the hot path and may raise msgspec.DecodeError or MessageError for a bad one.

    `mark` changes with every good message; `last_ns` is about when it last did, kept by whoever looks at it. A clock
    reading kept with each message would cost more.
    """

    channel: ClassVar[Channel]
    quiet_factor: ClassVar[float] = 0.0
    """How many of its usual pauses the stream may be silent before that is looked into; 0: judged by the link alone."""
    quiet_least_s: ClassVar[float] = 3.0
    interval: Interval | None = None

    __slots__ = ("_around", "_publish", "_stale", "instrument_id", "last_ns", "stream", "symbol")

    def __init__(self, around: Surroundings, instrument_id: InstrumentId, suffix: str) -> None:
        self._around = around
        self._publish = around.publish
        self.instrument_id = instrument_id
        self.symbol = symbol_of(instrument_id)
        self.stream = f"{self.symbol.lower()}@{suffix}"
        self.last_ns = 0
        self._stale = False

    @property
    def is_stale(self) -> bool:
        return self._stale

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        raise NotImplementedError

    @property
    def mark(self) -> int:
        raise NotImplementedError

    def opened(self) -> None:
        """The venue confirmed the stream; what was missed before is asked for."""
        self._spawn(self._fill(), "fill")

    def quiet(self, reason: str) -> None:
        if not self._stale:
            self._stale = True
            self._publish(FeedStale(self.instrument_id, self.channel, self.last_ns, reason, self.interval))

    def lost(self, reason: str) -> None:
        self.quiet(reason)

    def recovered(self) -> None:
        if self._stale:
            self._stale = False
            self._publish(FeedRecovered(self.instrument_id, self.channel, self.interval))

    def close(self) -> None:
        """Nobody is subscribed any more: what nobody watches is not stale, and the next watcher begins anew."""
        Feed.recovered(self)

    async def missed_something(self) -> bool:
        """Asks the venue whether the silence is only a calm market. Raises VenueError where it cannot be asked."""
        return True

    async def _fill(self) -> None:
        self.recovered()

    def _spawn(self, work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        return self._around.spawn(work, f"{what} {self.stream}")


class TradeFeed(Feed):
    """Aggregate trades: their ids rise by one, so a hole shows at once and is filled by id before anything after it."""

    channel = Channel.TRADES
    quiet_factor = 40.0
    quiet_least_s = 15.0

    __slots__ = ("_expected", "_filling", "_known", "_pending")

    def __init__(self, around: Surroundings, instrument_id: InstrumentId) -> None:
        super().__init__(around, instrument_id, "aggTrade")
        self._expected = -1
        self._known = -1
        self._filling = False
        self._pending: list[tuple[AggTrade, int]] = []

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        message = _decode_trade(payload).data
        number = message.a
        if number == self._expected:
            self._expected = number + 1
            # parse.trade, written out: a call would be a tenth of the whole way.
            self._publish(
                TradePrinted(
                    self.instrument_id,
                    message.p,
                    message.q,
                    _SELL if message.m else _BUY,
                    number,
                    message.T * _MS,
                    ts_received_ns,
                )
            )
        else:
            self._out_of_line(message, ts_received_ns)

    @property
    def mark(self) -> int:
        return self._expected + len(self._pending)

    def opened(self) -> None:
        if self._known >= 0 or self._expected >= 0:
            self._start_filling()
        else:
            self.recovered()

    async def missed_something(self) -> bool:
        rows = await self._ask({"limit": 1})
        return bool(rows) and rows[-1].a >= self._expected

    def _out_of_line(self, message: AggTrade, ts_received_ns: int) -> None:
        if self._filling:
            self._pending.append((message, ts_received_ns))
        elif self._expected < 0:
            self._expected = message.a + 1
            self._publish(parse.trade(self.instrument_id, message, ts_received_ns))
        elif message.a > self._expected:
            self._pending.append((message, ts_received_ns))
            self._start_filling()

    def _start_filling(self) -> None:
        if not self._filling:
            self._filling = True
            if self._expected >= 0:
                self._known = self._expected - 1
            self._expected = -1
            self._spawn(self._fill(), "fill")

    async def _fill(self) -> None:
        first = self._known + 1
        try:
            for _ in range(MOST_PAGES):
                rows = await self._ask({"fromId": first, "limit": TRADES_PAGE})
                now_ns = time.time_ns()
                for row in rows:
                    if row.a >= first:
                        first = row.a + 1
                        self._publish(parse.trade(self.instrument_id, row, now_ns))
                if len(rows) < TRADES_PAGE:
                    break
            if first == self._known + 1 and await self._numbers_started_over():
                first = 0
        except (VenueError, MessageError) as error:
            logger.warning("%s: trades after %d could not be had: %s", self.stream, first - 1, error)
        finally:
            self._filling = False
            pending, self._pending = self._pending, []
            for message, received in sorted(pending, key=lambda kept: kept[0].a):
                if message.a >= first:
                    first = message.a + 1
                    self._publish(parse.trade(self.instrument_id, message, received))
            self._expected = first
        self.recovered()

    async def _numbers_started_over(self) -> bool:
        """A test venue that was reset counts from one again; waiting for the old number would be waiting forever."""
        rows = await self._ask({"limit": 1})
        return bool(rows) and rows[-1].a < self._known

    async def _ask(self, params: dict[str, object]) -> list[RestAggTrade]:
        weight = self._around.product.trades_weight
        return await self._around.rest.get(
            "aggTrades", list[RestAggTrade], {"symbol": self.symbol, **params}, weight=weight
        )


class QuoteFeed(Feed):
    channel = Channel.QUOTES
    quiet_factor = 10.0
    quiet_least_s = 2.0

    __slots__ = ("_clock", "_event", "_last_id")

    def __init__(self, around: Surroundings, instrument_id: InstrumentId) -> None:
        super().__init__(around, instrument_id, "bookTicker")
        self._clock = around.rest.host.clock
        self._event: QuoteChanged | None = None
        self._last_id = 0

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        message = _decode_quote(payload).data
        if message.u <= self._last_id:
            return
        self._last_id = message.u
        event = self._event = QuoteChanged(
            self.instrument_id,
            message.b,
            message.B,
            message.a,
            message.A,
            # Spot sends no time with a quote: ours, moved by the measured offset, is the nearest there is.
            message.T * _MS or ts_received_ns + self._clock.offset_ns,
            ts_received_ns,
        )
        self._publish(event)

    @property
    def mark(self) -> int:
        return self._last_id

    def opened(self) -> None:
        self._last_id = 0
        super().opened()

    async def missed_something(self) -> bool:
        before, known = self._last_id, self._event
        asked = await self._ask()
        await asyncio.sleep(ON_ITS_WAY_S)
        return self._last_id == before and (
            known is None
            or (asked.bidPrice, asked.bidQty, asked.askPrice, asked.askQty)
            != (known.bid, known.bid_quantity, known.ask, known.ask_quantity)
        )

    async def _fill(self) -> None:
        """The quote of now: a thin instrument may not send one for minutes."""
        before = self.mark
        await asyncio.sleep(SOON_S)
        if self.mark != before:
            self.recovered()
            return
        try:
            asked = await self._ask()
        except (VenueError, MessageError) as error:
            logger.info("%s: the quote of now could not be had: %s", self.stream, error)
        else:
            if self.mark == before:
                now_ns = time.time_ns()
                at_venue = now_ns + self._around.rest.host.clock.offset_ns
                self._publish(parse.rest_quote(self.instrument_id, asked, at_venue, now_ns))
        self.recovered()

    async def _ask(self) -> RestQuote:
        weight = self._around.product.quote_weight
        return await self._around.rest.get("ticker/bookTicker", RestQuote, {"symbol": self.symbol}, weight=weight)


class BookFeed(Feed):
    channel = Channel.BOOK
    quiet_factor = 10.0
    quiet_least_s = 2.0

    __slots__ = ("_backoff", "_closed", "_fetching", "_sequencer", "_wanted")

    def __init__(self, around: Surroundings, instrument_id: InstrumentId) -> None:
        super().__init__(around, instrument_id, "depth@100ms")
        self._sequencer = BookSequencer(instrument_id, around.publish, self._want_snapshot)
        self._backoff = Backoff(0.5, 15.0)
        self._wanted = False
        self._closed = False
        self._fetching: asyncio.Task[None] | None = None

    @property
    def mark(self) -> int:
        return self._sequencer.mark

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        self._sequencer.update(_decode_depth(payload).data, ts_received_ns)

    def opened(self) -> None:
        if self._sequencer.is_live:
            self._sequencer.broken("subscribed anew", time.time_ns())
        self._want_snapshot()

    def lost(self, reason: str) -> None:
        super().lost(reason)
        self._sequencer.broken(reason, time.time_ns())

    def recovered(self) -> None:
        if self._sequencer.is_live:
            super().recovered()

    def close(self) -> None:
        super().close()
        self._closed = True
        if self._fetching is not None:
            self._fetching.cancel()

    async def missed_something(self) -> bool:
        before = self.mark
        top = await self._ask(5)
        await asyncio.sleep(ON_ITS_WAY_S)
        return self.mark == before and top.last_update_id > self._sequencer.last_id

    def _want_snapshot(self) -> None:
        self._wanted = True
        if self._fetching is None and not self._closed:
            self._fetching = self._spawn(self._fetch(), "snapshot")

    async def _fetch(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                wait_s = await self._one_snapshot()
                if wait_s is None:
                    self._backoff.reset()
                else:
                    self._wanted = True
                    await asyncio.sleep(wait_s)
        finally:
            self._fetching = None
        self.recovered()

    async def _one_snapshot(self) -> float | None:
        """None: the book is whole again. Otherwise the seconds until asking again may help."""
        product, budget = self._around.product, self._around.rest.host.budget
        whole = product.depth_limit
        # Many gaps at once would spend the minute on deep books, and leave some with none: then a near one is better.
        scarce = budget.used + product.depth_weight(whole) > budget.limit // 2
        try:
            asked = await self._ask(NEAR_LEVELS if scarce else whole)
        except (VenueError, MessageError) as error:
            level = logging.WARNING if self._backoff.attempts == TELL_AFTER else logging.INFO
            logger.log(level, "%s: no snapshot of the book yet: %s", self.stream, error)
            wait_s = SOON_S / 6 + self._backoff.next_s()
            return max(wait_s, error.retry_after_s) if isinstance(error, RateLimited) else wait_s
        now_ns = time.time_ns()
        at_venue = now_ns + self._around.rest.host.clock.offset_ns
        if self._sequencer.snapshot(asked, at_venue, now_ns):
            return None
        return SOON_S / 6 + self._backoff.next_s()

    async def _ask(self, limit: int) -> DepthSnapshot:
        weight = self._around.product.depth_weight(limit)
        params = {"symbol": self.symbol, "limit": limit}
        return await self._around.rest.get("depth", DepthSnapshot, params, weight=weight, attempts=1)


class CandleFeed(Feed):
    channel = Channel.CANDLES

    __slots__ = ("_count", "_interval", "_last_open_ns", "interval")

    def __init__(self, around: Surroundings, instrument_id: InstrumentId, interval: Interval) -> None:
        super().__init__(around, instrument_id, f"kline_{interval.value}")
        self.interval = self._interval = interval
        self._last_open_ns = 0
        self._count = 0

    @property
    def mark(self) -> int:
        return self._count

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        event = parse.candle(self.instrument_id, self._interval, _decode_kline(payload).data)
        self._count += 1
        if event.open_ns < self._last_open_ns:
            return
        self._last_open_ns = event.open_ns
        self._publish(event)
        if self._stale:
            self.recovered()

    async def _fill(self) -> None:
        """The candles since the last one that was seen."""
        if self._last_open_ns:
            params = {
                "symbol": self.symbol,
                "interval": self._interval.value,
                "startTime": self._last_open_ns // parse.MS,
                "limit": self._around.product.candles_limit,
            }
            weight = self._around.product.candles_weight
            try:
                rows = await self._around.rest.get("klines", list[RestKline], params, weight=weight)
            except (VenueError, MessageError) as error:
                logger.warning("%s: candles of the outage could not be had: %s", self.stream, error)
            else:
                now_ns = self._around.rest.host.clock.now_ns()
                for row in rows:
                    event = parse.rest_candle(self.instrument_id, self._interval, row, now_ns)
                    if event.open_ns >= self._last_open_ns:
                        self._last_open_ns = event.open_ns
                        self._publish(event)
        self.recovered()


class TickerFeed(Feed):
    channel = Channel.TICKER
    quiet_factor = 10.0
    quiet_least_s = 10.0

    __slots__ = ("_count",)

    def __init__(self, around: Surroundings, instrument_id: InstrumentId) -> None:
        super().__init__(around, instrument_id, "ticker")
        self._count = 0

    @property
    def mark(self) -> int:
        return self._count

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        event = parse.ticker(self.instrument_id, _decode_ticker(payload).data)
        self._count += 1
        self._publish(event)

    async def _fill(self) -> None:
        before = self.mark
        await asyncio.sleep(2 * SOON_S)
        if self.mark != before:
            self.recovered()
            return
        weight = self._around.product.ticker_weight
        try:
            asked = await self._around.rest.get("ticker/24hr", RestTicker, {"symbol": self.symbol}, weight=weight)
        except (VenueError, MessageError) as error:
            logger.info("%s: the ticker of now could not be had: %s", self.stream, error)
        else:
            if self.mark == before:
                self._publish(parse.rest_ticker(self.instrument_id, asked))
        self.recovered()


class MarkPriceFeed(Feed):
    """Sent once a second whatever happens."""

    channel = Channel.MARK_PRICE
    quiet_factor = 3.0

    __slots__ = ("_count",)

    def __init__(self, around: Surroundings, instrument_id: InstrumentId) -> None:
        super().__init__(around, instrument_id, "markPrice@1s")
        self._count = 0

    @property
    def mark(self) -> int:
        return self._count

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        event = parse.mark_price(self.instrument_id, _decode_mark(payload).data)
        self._count += 1
        self._publish(event)
        if self._stale:
            self.recovered()

    def opened(self) -> None:
        """Recovered with the first message, at most a second away."""
