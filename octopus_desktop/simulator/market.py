"""One instrument's public side: its book, its prints, its candles and the statistics of its last day."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from octopus_desktop.simulator.book import Book, Match, Print
from octopus_desktop.simulator.history import Candle, History
from octopus_desktop.simulator.listings import Listing
from octopus_desktop.simulator.path import GENESIS_S, Path
from octopus_desktop.simulator.units import DAY_S, SECOND_NS, UNIT, notional

TRADES_KEPT = 5_000


class AggregatePrint(NamedTuple):
    """What one taker did at one price."""

    aggregate_id: int
    price: int
    quantity: int
    first_id: int
    last_id: int
    ts_ns: int
    buyer_is_maker: bool


class DayStatistics(NamedTuple):
    """The last 24 hours; `open_ns` and `close_ns` bound them."""

    candle: Candle
    previous_close: int
    open_ns: int
    close_ns: int
    first_id: int


class Market:
    """The market of one listing. The exchange drives it; the server reads it."""

    def __init__(self, listing: Listing, path: Path, now_ns: int) -> None:
        self.listing = listing
        self.path = path
        self.history = History(path)
        self.book = Book()
        self.trades: deque[Print] = deque(maxlen=TRADES_KEPT)
        self.aggregates: deque[AggregatePrint] = deque(maxlen=TRADES_KEPT)
        # Identifiers follow the clock, faster than anybody trades: a restart never reuses one.
        base = now_ns // SECOND_NS - GENESIS_S
        self.next_trade_id = base * 60
        self.next_aggregate_id = base * 40
        self.last_price = 0
        self._average_minute = -1
        self._before: deque[tuple[int, int]] = deque(maxlen=4)
        self._day_minute = 0
        self._minutes: deque[Candle] = deque(maxlen=1440)
        nothing = Candle(0, 0, 0, 0, 0)
        self._day = (nothing, nothing)

    def print_matches(self, is_buy: bool, taker_id: int, matches: list[Match], ts_ns: int) -> list[Print]:
        """Make a taker's matches public; one print each, one aggregate a price."""
        second = ts_ns // SECOND_NS
        self.history.roll(second, self.last_price)
        prints = []
        at_price = 0
        first_id = self.next_trade_id
        for maker, price, quantity in matches:
            trade_id = self.next_trade_id
            self.next_trade_id += 1
            buyer, seller = (taker_id, maker.order_id) if is_buy else (maker.order_id, taker_id)
            one = Print(trade_id, price, quantity, ts_ns, not is_buy, buyer, seller)
            prints.append(one)
            self.history.print(second, price, quantity, notional(price, quantity), is_buy)
            if price == self.last_price and at_price:
                at_price += quantity
            else:
                if at_price:
                    self._aggregate(at_price, first_id, trade_id - 1, ts_ns, not is_buy)
                at_price, first_id = quantity, trade_id
            self.last_price = price
        if at_price:
            self._aggregate(at_price, first_id, self.next_trade_id - 1, ts_ns, not is_buy)
        self.trades.extend(prints)
        return prints

    def _aggregate(self, quantity: int, first_id: int, last_id: int, ts_ns: int, buyer_is_maker: bool) -> None:
        self.aggregates.append(
            AggregatePrint(self.next_aggregate_id, self.last_price, quantity, first_id, last_id, ts_ns, buyer_is_maker)
        )
        self.next_aggregate_id += 1

    def average_price(self, now_ns: int) -> int:
        """Volume-weighted over this minute and the four before; the last price where nothing traded."""
        minute = now_ns // SECOND_NS // 60
        if minute != self._average_minute:
            missing = min(minute - self._average_minute, self._before.maxlen or 0)
            self._average_minute = minute
            fresh = self.history.candles("1m", minute * 60, (minute - missing) * 60, minute * 60 - 1, missing)
            self._before.extend((candle.volume, candle.quote) for candle in fresh)
        volume, quote = (sum(column) for column in zip(*self._before, strict=True))
        present = self.history.minutes.get(minute * 60)
        if present is not None:
            volume, quote = volume + present.volume, quote + present.quote
        return quote * UNIT // volume if volume else self.last_price

    def day_statistics(self, now_ns: int) -> DayStatistics:
        """The rolling 24 hours, to the minute at their far end."""
        now_s = now_ns // SECOND_NS
        self.history.roll(now_s, self.last_price)
        minute = now_s // 60
        if minute != self._day_minute:
            missing = min(minute - self._day_minute, 1440)
            fresh = self.history.candles("1m", now_s, (minute - missing) * 60, None, missing + 1)
            self._day_minute = minute
            self._minutes.extend(fresh[:-1])
            rest = iter(self._minutes)
            before, whole = next(rest), next(rest).copy()
            for candle in rest:
                whole.follow(candle)
            self._day = (before, whole)
        before, whole = self._day
        whole = whole.copy()
        whole.follow(self.history.minutes[minute * 60])
        return DayStatistics(
            whole, before.close, now_ns - DAY_S * SECOND_NS, now_ns, max(0, self.next_trade_id - whole.trades)
        )
