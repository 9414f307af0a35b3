"""Market streams: who listens to what, and the frames that go out with each beat of an instrument.

Only what somebody has subscribed to is looked at. Books go out every 100 ms or every second, prints and the
touch with each beat, candles and tickers every second. As at a venue the instruments' moments lie apart; tickers
of all of them go out in one frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from octopus_desktop.simulator import wire
from octopus_desktop.simulator.connection import Connection
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.history import INTERVALS, end_of, open_of
from octopus_desktop.simulator.market import Market
from octopus_desktop.simulator.units import SECOND_NS

_NAME = re.compile(
    r"^(?:(?P<symbol>[a-z0-9]+)@(?P<kind>trade|aggTrade|depth|depth5|depth10|depth20|bookTicker|ticker|miniTicker"
    r"|avgPrice|kline_(?P<interval>\w+))(?P<speed>@100ms|@1000ms)?|!(?P<all>ticker|miniTicker)@arr)$"
)


class Subscriber:
    """A connection, and how it wants its frames: bare, or wrapped with the stream's name."""

    __slots__ = ("combined", "connection", "streams")

    def __init__(self, connection: Connection, combined: bool) -> None:
        self.connection = connection
        self.combined = combined
        self.streams: dict[str, None] = {}


class _Diffs:
    """The prices touched since the last frame of one speed, and the update it ended with."""

    __slots__ = ("asks", "bids", "last")

    def __init__(self, last: int) -> None:
        self.bids: set[int] = set()
        self.asks: set[int] = set()
        self.last = last


class Streams:
    """All subscriptions of all connections."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._listeners: dict[str, dict[Subscriber, None]] = {}
        markets = exchange.markets
        self._fast = {symbol: _Diffs(market.book.update_id) for symbol, market in markets.items()}
        self._slow = {symbol: _Diffs(market.book.update_id) for symbol, market in markets.items()}
        self._last_trade = {symbol: market.next_trade_id - 1 for symbol, market in markets.items()}
        self._last_aggregate = {symbol: m.next_aggregate_id - 1 for symbol, m in markets.items()}
        self._touch: dict[str, tuple[int, ...]] = {}
        self._open_candle: dict[str, int] = {}
        self._seen: dict[str, tuple[int, ...]] = {}
        self._changed: dict[str, tuple[bytes, bytes]] = {}
        """Tickers, and short ones, since the last frame of all instruments."""

    # ── subscriptions ────────────────────────────────────────────────────────────────────────────────────

    def known(self, name: str) -> bool:
        """Whether there is such a stream."""
        found = _NAME.match(name)
        if found is None:
            return False
        interval = found["interval"]
        if interval is not None and interval not in INTERVALS:
            return False
        return found["all"] is not None or found["symbol"].upper() in self._exchange.markets

    def subscribe(self, subscriber: Subscriber, names: Iterable[str]) -> None:
        """The venue takes unknown names without complaint, and sends nothing for them; so does this."""
        for name in names:
            subscriber.streams[name] = None
            if self.known(name):
                self._listeners.setdefault(name, {})[subscriber] = None

    def unsubscribe(self, subscriber: Subscriber, names: Iterable[str]) -> None:
        for name in names:
            subscriber.streams.pop(name, None)
            listeners = self._listeners.get(name)
            if listeners is not None:
                listeners.pop(subscriber, None)
                if not listeners:
                    del self._listeners[name]
                    self._open_candle.pop(name, None)
                    self._seen.pop(name, None)

    def leave(self, subscriber: Subscriber) -> None:
        self.unsubscribe(subscriber, list(subscriber.streams))

    # ── beats ────────────────────────────────────────────────────────────────────────────────────────────

    def beat(self, symbol: str, *, books: bool, second: bool) -> None:
        """Send what has happened in an instrument since its last beat.

        `books`: 100 ms have passed; `second`: a second, and then `books` as well.
        """
        market, name = self._exchange.markets[symbol], symbol.lower()
        if books:
            self._collect(symbol, market)
        self._prints(name, market)
        self._touches(name, market)
        if books:
            self._books(name, market, self._fast[symbol], "@100ms")
        if second:
            self._books(name, market, self._slow[symbol], "")
            self._candles(name, market)
            self._average(name, market)
            self._ticker(name, market)

    def tickers_of_all(self) -> None:
        """Send the tickers that changed since the last time, in one frame."""
        for at, name in enumerate(("!ticker@arr", "!miniTicker@arr")):
            if self._changed and name in self._listeners:
                self._send(name, b"[" + b",".join(one[at] for one in self._changed.values()) + b"]")
        self._changed.clear()

    @property
    def _sent_ns(self) -> int:
        """What the frames of now bear as the time they were made."""
        return self._exchange.now_ns + self._exchange.skew_ns

    def _send(self, name: str, frame: bytes) -> None:
        listeners = self._listeners.get(name)
        if not listeners:
            return
        wrapped: bytes | None = None
        for subscriber in listeners:
            if subscriber.combined:
                if wrapped is None:
                    wrapped = b'{"stream":"' + name.encode() + b'","data":' + frame + b"}"
                subscriber.connection.send(wrapped, "market")
            else:
                subscriber.connection.send(frame, "market")

    def _prints(self, name: str, market: Market) -> None:
        symbol, sent_ns = market.listing.symbol, self._sent_ns
        trades, aggregates = name + "@trade", name + "@aggTrade"
        if trades in self._listeners:
            fresh = []
            last = self._last_trade[symbol]
            for one in reversed(market.trades):
                if one.trade_id <= last:
                    break
                fresh.append(one)
            for one in reversed(fresh):
                self._send(trades, wire.trade_event(symbol, one, sent_ns))
        self._last_trade[symbol] = market.next_trade_id - 1
        if aggregates in self._listeners:
            newer = []
            last = self._last_aggregate[symbol]
            for aggregate in reversed(market.aggregates):
                if aggregate.aggregate_id <= last:
                    break
                newer.append(aggregate)
            for aggregate in reversed(newer):
                self._send(aggregates, wire.aggregate_event(symbol, aggregate, sent_ns))
        self._last_aggregate[symbol] = market.next_aggregate_id - 1

    def _touches(self, name: str, market: Market) -> None:
        stream = name + "@bookTicker"
        if stream not in self._listeners:
            return
        now = wire.touch(market)
        if self._touch.get(name) != now:
            self._touch[name] = now
            self._send(stream, wire.book_ticker_event(market))

    def _collect(self, symbol: str, market: Market) -> None:
        book = market.book
        for diffs in (self._fast[symbol], self._slow[symbol]):
            diffs.bids |= book.touched_bids
            diffs.asks |= book.touched_asks
        book.touched_bids.clear()
        book.touched_asks.clear()

    def _books(self, name: str, market: Market, diffs: _Diffs, speed: str) -> None:
        book = market.book
        if diffs.last == book.update_id:
            return
        spellings = (speed,) if speed else ("", "@1000ms")
        frame: bytes | None = None
        for spelling in spellings:
            if name + "@depth" + spelling in self._listeners:
                if frame is None:
                    frame = wire.depth_update(market, diffs.last + 1, diffs.bids, diffs.asks, self._sent_ns)
                self._send(name + "@depth" + spelling, frame)
            for levels in (5, 10, 20):
                stream = f"{name}@depth{levels}{spelling}"
                if stream in self._listeners:
                    self._send(stream, wire.depth_snapshot(market, levels))
        diffs.last = book.update_id
        diffs.bids.clear()
        diffs.asks.clear()

    def _candles(self, name: str, market: Market) -> None:
        now_ns = self._exchange.now_ns
        now_s = now_ns // SECOND_NS
        head = name + "@kline_"
        for stream in [stream for stream in self._listeners if stream.startswith(head)]:
            interval = stream[len(head) :]
            opened = open_of(interval, now_s)
            before = self._open_candle.get(stream, opened)
            candles = market.history.candles(interval, now_s, before, None, 1_000)
            for candle in candles:
                closed = end_of(interval, candle.open_s) <= now_s
                mark = candle.columns()
                if not closed and self._seen.get(stream) == mark:
                    continue
                self._seen[stream] = mark
                self._send(stream, wire.kline_event(market, candle, interval, closed, self._sent_ns))
            self._open_candle[stream] = opened

    def _average(self, name: str, market: Market) -> None:
        # Reckoned whether anybody listens or not: the filters ask for it, and no order is to wait for a minute's first.
        now_ns = self._exchange.now_ns
        price = market.average_price(now_ns)
        if name + "@avgPrice" in self._listeners:
            self._send(name + "@avgPrice", wire.average_price_event(market.listing.symbol, price, self._sent_ns))

    def _ticker(self, name: str, market: Market) -> None:
        wanted = (name + "@ticker", name + "@miniTicker", "!ticker@arr", "!miniTicker@arr")
        mark = (market.next_trade_id, market.last_price)
        if self._seen.get(name) == mark or self._listeners.keys().isdisjoint(wanted):
            return
        self._seen[name] = mark
        now_ns = self._exchange.now_ns
        day = wire.day_ticker(market, market.day_statistics(now_ns))
        full = msgspec.json.encode(wire.ticker_event(day, self._sent_ns))
        mini = msgspec.json.encode(wire.mini_ticker_event(day, self._sent_ns))
        self._changed[name] = (full, mini)
        self._send(name + "@ticker", full)
        self._send(name + "@miniTicker", mini)
