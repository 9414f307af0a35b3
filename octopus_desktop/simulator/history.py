"""Candles of any interval: from the path where nobody watched, from real prints where the market was live.

Minutes made of prints outlive the process and are told for days. Seconds made of prints are not: those of an earlier
life, and those older than two hours, are the path's, near the minute they are in but not its sum.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime
from itertools import takewhile

import numpy as np

from octopus_desktop.simulator.path import DEPTH_OF_SECONDS, GENESIS_S, Cells, Path
from octopus_desktop.simulator.units import DAY_S, UNIT

INTERVALS = {
    "1s": 1, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "2h": 7200, "4h": 14400,
    "6h": 21600, "8h": 28800, "12h": 43200, "1d": DAY_S, "3d": 3 * DAY_S, "1w": 7 * DAY_S, "1M": 0,
}  # fmt: skip
"""Length in seconds; a month has none."""

_MONDAY = 345_600
"""1970-01-05: weeks open on Mondays."""
_LIVE_SECONDS = 7_200
LIVE_MINUTES_S = 3 * DAY_S
"""How long minutes made of prints are told as such; before, they are the path's again, hardly different."""

_RECENT, _FEW = 32, 64
"""Answers of the path that are kept, and how many candles such an answer may have: what a stream asks each second."""


class Candle:
    """One candle in units of 1e-8. `taker_*` is the part in which the buyer was the aggressor."""

    __slots__ = ("close", "high", "low", "open", "open_s", "quote", "taker_base", "taker_quote", "trades", "volume")

    def __init__(
        self,
        open_s: int,
        open: int,
        high: int,
        low: int,
        close: int,
        volume: int = 0,
        quote: int = 0,
        trades: int = 0,
        taker_base: int = 0,
        taker_quote: int = 0,
    ) -> None:
        self.open_s = open_s
        self.open = open
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume
        self.quote = quote
        self.trades = trades
        self.taker_base = taker_base
        self.taker_quote = taker_quote

    def columns(self) -> tuple[int, ...]:
        return tuple(getattr(self, name) for name in _COLUMNS)

    def copy(self, open_s: int | None = None) -> Candle:
        other = Candle(*self.columns())
        if open_s is not None:
            other.open_s = open_s
        return other

    def follow(self, later: Candle) -> None:
        """Absorb the candle that comes next."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.quote += later.quote
        self.trades += later.trades
        self.taker_base += later.taker_base
        self.taker_quote += later.taker_quote

    def print(self, price: int, quantity: int, quote: int, buyer_takes: bool) -> None:
        """Absorb one trade."""
        if not self.trades and not self.volume:
            self.open = self.high = self.low = price
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += quantity
        self.quote += quote
        self.trades += 1
        if buyer_takes:
            self.taker_base += quantity
            self.taker_quote += quote


_COLUMNS = (
    "open_s", "open", "high", "low", "close", "volume", "quote", "trades", "taker_base", "taker_quote",
)  # fmt: skip


def open_of(interval: str, at_s: int) -> int:
    """When the candle that contains a moment opened, Unix seconds."""
    if interval == "1M":
        day = datetime.fromtimestamp(at_s, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp())
    length = INTERVALS[interval]
    return at_s - (at_s - _MONDAY) % length if interval == "1w" else at_s - at_s % length


def end_of(interval: str, open_s: int) -> int:
    """When the next candle opens."""
    if interval == "1M":
        day = datetime.fromtimestamp(open_s, UTC)
        return open_s + DAY_S * monthrange(day.year, day.month)[1]
    return open_s + INTERVALS[interval]


class History:
    """All candles of one instrument, live ones included."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tick = path.listing.tick
        self._lot = path.listing.lot
        # A taker is about one and a half prints, and a move sweeps more of them.
        self._trade_size = path.listing.daily_volume / DAY_S / path.listing.trades_per_second / 1.7
        self.minutes: dict[int, Candle] = {}
        """The minutes in which the market was live, by opening second, the present one last."""
        self.live_seconds: dict[int, Candle] = {}
        self._whole: dict[tuple[str, int], Candle] = {}
        self._growing: dict[tuple[str, int], tuple[int, Candle | None]] = {}
        self._recent: dict[tuple[int, int, int], list[Candle]] = {}

    # ── the live market writes ───────────────────────────────────────────────────────────────────────────

    def go_live(self, now_s: int, price: int, known_until_s: int = 0) -> None:
        """From here on prints make the candles; what of this minute nobody saw is the path's.

        `known_until_s`: up to where an earlier life of the market has written the minute already.
        """
        minute = now_s - now_s % 60
        broken_off = known_until_s - known_until_s % 60
        if broken_off < minute and broken_off in self.minutes:
            for later in self._from_path(1, known_until_s, broken_off + 60):
                self.minutes[broken_off].follow(later)
        candle = self.minutes.get(minute)
        unseen = self._from_path(1, max(minute, known_until_s) if candle else minute, now_s)
        if candle is None:
            candle = unseen.pop(0).copy(minute) if unseen else Candle(minute, price, price, price, price)
            self.minutes[minute] = candle
        for later in unseen:
            candle.follow(later)
        self.live_seconds[now_s] = Candle(now_s, price, price, price, price)

    def roll(self, now_s: int, price: int) -> None:
        """Time passes: open the candles of this second, with the last price if nothing has traded yet."""
        seconds = self.live_seconds
        if now_s not in seconds:
            last = next(reversed(seconds), now_s - 1)
            for second in range(max(last + 1, now_s - _LIVE_SECONDS), now_s + 1):
                seconds[second] = Candle(second, price, price, price, price)
            while len(seconds) > _LIVE_SECONDS + 600:
                for second in list(seconds)[:600]:
                    del seconds[second]
        minute = now_s - now_s % 60
        if minute not in self.minutes:
            last = next(reversed(self.minutes), minute - 60)
            for opened in range(max(last + 60, minute - DAY_S), minute + 60, 60):
                self.minutes[opened] = Candle(opened, price, price, price, price)
            if len(self.minutes) * 60 > LIVE_MINUTES_S + DAY_S:
                for old in [opened for opened in self.minutes if opened < now_s - LIVE_MINUTES_S]:
                    del self.minutes[old]

    def print(self, now_s: int, price: int, quantity: int, quote: int, buyer_takes: bool) -> None:
        """Absorb one trade into the candles of its second and its minute, which `roll` has opened."""
        self.live_seconds[now_s].print(price, quantity, quote, buyer_takes)
        self.minutes[now_s - now_s % 60].print(price, quantity, quote, buyer_takes)

    def minutes_from(self, first_s: int) -> list[Candle]:
        """The live minutes from an opening second on, the newest first."""
        return list(takewhile(lambda candle: candle.open_s >= first_s, reversed(self.minutes.values())))

    # ── everybody reads ──────────────────────────────────────────────────────────────────────────────────

    def candles(self, interval: str, now_s: int, start_s: int | None, end_s: int | None, limit: int) -> list[Candle]:
        """The venue's rule: from `start_s` on where it is given, else the last `limit` up to `end_s`.

        Both bounds are on a candle's opening second, inclusive. Never a candle that has not yet opened.
        """
        last = open_of(interval, min(now_s, end_s) if end_s is not None else now_s)
        if start_s is not None:
            first = open_of(interval, max(start_s, GENESIS_S))
            if first < max(start_s, GENESIS_S):
                first = end_of(interval, first)
            stop = _forward(interval, first, limit)
            last = min(last, _back(interval, stop, 1))
        else:
            first = _back(interval, last, limit - 1)
            while first < GENESIS_S:
                first = end_of(interval, first)
        if first > last:
            return []
        stop = min(end_of(interval, last), now_s + 1)
        merged = self._merged(interval, first, stop)
        return [candle for candle in merged if candle.open_s <= now_s]

    def _merged(self, interval: str, first: int, stop: int) -> list[Candle]:
        if interval == "1s":
            return self._live_or_path(self.live_seconds, 1, first, stop)
        if interval in ("3d", "1w", "1M"):
            return self._bundled("1d", interval, first, stop)
        if interval == "1m":
            return self._live_or_path(self.minutes, 60, first, stop)
        length = INTERVALS[interval]
        finer = next(s for s in sorted(DEPTH_OF_SECONDS, reverse=True) if length % s == 0)
        if finer != length:
            name = next(n for n, s in INTERVALS.items() if s == finer)
            return self._bundled(name, interval, first, stop)
        minutes = self.minutes
        begun = next(iter(minutes), stop)
        lived = {
            open_s: self._with_live(interval, open_s)
            for open_s in range(first, stop, length)
            if open_s + length > begun and any(opened in minutes for opened in range(open_s, open_s + length, 60))
        }
        return self._live_or_path(lived, length, first, stop)

    def _live_or_path(self, live: dict[int, Candle], length: int, first: int, stop: int) -> list[Candle]:
        """The path is asked only for what is missing: its answer costs milliseconds, however short it is."""
        missing = [open_s for open_s in range(first, stop, length) if open_s not in live]
        plain = {c.open_s: c for c in self._from_path(length, missing[0], missing[-1] + 1)} if missing else {}
        return [live.get(open_s) or plain[open_s] for open_s in range(first, stop, length)]

    def _with_live(self, interval: str, open_s: int) -> Candle:
        """A candle with live minutes in it, put together minute by minute; kept once it is whole."""
        stop = open_s + INTERVALS[interval]
        kept = self._whole.get((interval, open_s))
        if kept is not None:
            return kept
        minutes = self.minutes
        newest = next(reversed(minutes))
        done, whole = self._growing.get((interval, open_s), (open_s, None))
        edge = min(stop, newest)
        if done < edge:
            for part in self._live_or_path(minutes, 60, done, edge):
                if whole is None:
                    whole = part.copy()
                else:
                    whole.follow(part)
            assert whole is not None
            self._growing[interval, open_s] = (edge, whole)
        if newest >= stop:
            assert whole is not None
            self._growing.pop((interval, open_s), None)
            self._whole[interval, open_s] = whole
            return whole
        if whole is None:
            return minutes[newest].copy()
        now = whole.copy()
        now.follow(minutes[newest])
        return now

    def extremes(self, from_s: int, to_s: int) -> tuple[int, int]:
        """The path's lowest and highest price between two moments, to the second for an hour's time."""
        length = 1 if to_s - from_s <= 3_600 else 60 if to_s - from_s <= 30 * DAY_S else 3_600
        found = self._from_path(length, from_s // length * length, to_s)
        return min(candle.low for candle in found), max(candle.high for candle in found)

    def _bundled(self, finer: str, interval: str, first: int, stop: int) -> list[Candle]:
        first = max(first, GENESIS_S)
        out: list[Candle] = []
        edge = 0
        for candle in self._merged(finer, first, stop):
            if candle.open_s >= edge:
                out.append(candle.copy(open_of(interval, candle.open_s)))
                edge = end_of(interval, out[-1].open_s)
            else:
                out[-1].follow(candle)
        return out

    def _from_path(self, length: int, first: int, stop: int) -> list[Candle]:
        if stop <= first:
            return []
        asked = (length, first, stop)
        found = self._recent.get(asked)
        if found is None:
            found = self._spelled(self._path.seconds(length, first, stop), first, length)
            if len(found) <= _FEW:
                self._recent[asked] = found
                if len(self._recent) > _RECENT:
                    del self._recent[next(iter(self._recent))]
        return list(found)

    def _spelled(self, cells: Cells, first: int, length: int) -> list[Candle]:
        """Log prices to ticks, volumes to lots."""
        tick, lot = self._tick, self._lot
        opened, closed, high, low = (
            np.maximum(np.rint(np.exp(column) * (UNIT / tick)), 1).astype(np.int64).tolist()
            for column in (cells.first, cells.last, cells.high, cells.low)
        )
        lots = np.maximum(np.rint(cells.volume * (UNIT / lot)), 1).astype(np.int64)
        middle = np.exp((cells.first + cells.last + cells.high + cells.low) / 4)
        quote = (lots * (lot / UNIT) * middle).tolist()
        lean = np.tanh(0.6 * (cells.last - cells.first) / np.sqrt(cells.variance + 1e-18))
        bought = np.rint(lots * (0.5 + 0.22 * lean)).astype(np.int64).tolist()
        trades = np.maximum(np.rint(cells.volume / self._trade_size), 1).astype(np.int64).tolist()
        out = []
        for i, count in enumerate(lots.tolist()):
            paid = int(quote[i] * UNIT)
            out.append(
                Candle(
                    first + i * length, opened[i] * tick, high[i] * tick, low[i] * tick, closed[i] * tick,
                    count * lot, paid, trades[i], bought[i] * lot, paid * bought[i] // count,
                )
            )  # fmt: skip
        return out


def _forward(interval: str, open_s: int, count: int) -> int:
    if interval != "1M":
        return open_s + count * INTERVALS[interval]
    for _ in range(count):
        open_s = end_of(interval, open_s)
    return open_s


def _back(interval: str, open_s: int, count: int) -> int:
    if interval != "1M":
        return open_s - count * INTERVALS[interval]
    for _ in range(count):
        if open_s <= GENESIS_S:
            break
        open_s = open_of(interval, open_s - 1)
    return open_s
