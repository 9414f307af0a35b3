"""The candles of a chart as arrays, with a pyramid of coarser ones for when many are on the screen. No Qt."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

# Room at either end grows in multiples of this, so that group borders of every level up to it stay where
# they are when history is put in front: else candles would shimmer while scrolling left.
_BLOCK = 1 << 14


class Candles(NamedTuple):
    """Arrays of one length; views into a series, so not to be written to."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


class Slice(NamedTuple):
    """Part of a level: group j covers candles `first + j * width` up to the next. The first may be negative."""

    first: int
    width: int
    candles: Candles


class CandleSeries:
    """Candles by index, oldest first, `len(series)` of them. Open times are UTC nanoseconds, ascending.

    Changing or appending the last candle costs the same however long the series is: coarser levels are
    brought up to date only when one is asked for.
    """

    def __init__(self) -> None:
        self._head = self._tail = _BLOCK
        self._time: Times = np.zeros(2 * _BLOCK, np.int64)
        # levels[0] is the candles themselves; levels[n] has one group for 2**n of them. Empty slots are NaN,
        # with volume 0.
        self._levels: list[NDArray[np.float64]] = [_empty(2 * _BLOCK)]
        self._stale_from: list[int] = [0]  # per level: the first group that is out of date

    def __len__(self) -> int:
        return self._tail - self._head

    @property
    def times(self) -> Times:
        """Open times of all candles."""
        return self._time[self._head : self._tail]

    @property
    def candles(self) -> Candles:
        return Candles(*self._levels[0][:, self._head : self._tail])

    def last(self) -> tuple[float, float, float, float, float]:
        """Open, high, low, close, volume of the last candle. Raises `IndexError` on an empty series."""
        return self.at(len(self) - 1)

    def at(self, index: int) -> tuple[float, float, float, float, float]:
        """Open, high, low, close, volume of one candle. Raises `IndexError` outside of the series."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        o, h, low, c, v = self._levels[0][:, self._head + index].tolist()
        return o, h, low, c, v

    def time_at(self, index: int) -> int:
        return int(self._time[self._head + index])

    def index_at_or_before(self, ts_ns: int) -> int:
        """Index of the candle in which a moment falls; −1 when it is before the first."""
        return int(np.searchsorted(self.times, ts_ns, side="right")) - 1

    def replace(self, t: Times, o: Floats, h: Floats, low: Floats, c: Floats, v: Floats) -> None:
        """Drop what there is and take these, but for rows with a number missing. Copies.

        Raises `ValueError` when lengths differ or time turns back.
        """
        t, o, h, low, c, v = _checked(t, o, h, low, c, v)
        size = _BLOCK * (2 + len(t) // _BLOCK)
        base = self._levels[0]
        if len(self._time) == size:  # memory that is there: new pages cost more than all the rest
            _blank(base[:, self._head : self._tail])
        else:
            self._time, base = np.zeros(size, np.int64), _empty(size)
        self._head = _BLOCK
        self._tail = self._head + len(t)
        self._time[self._head : self._tail] = t
        for row, values in zip(base, (o, h, low, c, v), strict=True):
            row[self._head : self._tail] = values
        self._levels = [base]
        self._stale_from = [0]

    def append(self, t: int, o: float, h: float, low: float, c: float, v: float) -> None:
        """Add a candle. Raises `ValueError` if it isn't newer than the last."""
        if len(self) and t <= int(self._time[self._tail - 1]):
            raise ValueError("a new candle must open after the last one")
        if self._tail == len(self._time):
            self._grow(0, max(_BLOCK, _round_up(len(self) // 2)))
        slot = self._tail
        self._tail += 1
        self._time[slot] = t
        self._levels[0][:, slot] = (o, h, low, c, v)
        self._touch(slot)

    def update_last(self, o: float, h: float, low: float, c: float, v: float) -> None:
        """Change the last candle. Raises `IndexError` on an empty series."""
        if not len(self):
            raise IndexError("no candle to update")
        slot = self._tail - 1
        self._levels[0][:, slot] = (o, h, low, c, v)
        self._touch(slot)

    def prepend(self, t: Times, o: Floats, h: Floats, low: Floats, c: Floats, v: Floats) -> int:
        """Put older candles in front and return how many were taken: those before the first one there is."""
        t, o, h, low, c, v = _checked(t, o, h, low, c, v)
        count = len(t) if not len(self) else int(np.searchsorted(t, self._time[self._head]))
        if not count:
            return 0
        if count > self._head:
            self._grow(_round_up(max(count, len(self) // 2)), 0)
        end = self._head
        self._head -= count
        self._time[self._head : end] = t[:count]
        for row, values in zip(self._levels[0], (o, h, low, c, v), strict=True):
            row[self._head : end] = values[:count]
        for level in range(1, len(self._levels)):
            self._rebuild(level, self._head >> level, (end >> level) + 1)
        return count

    def slice(self, start: int, stop: int, level: int = 0) -> Slice:
        """The groups of `2**level` candles that touch indexes `start` to `stop`, cut to what there is."""
        start, stop = max(0, start) + self._head, min(len(self), stop) + self._head
        array = self._level(level)
        first = start >> level
        last = ((stop - 1) >> level) + 1 if stop > start else first
        return Slice((first << level) - self._head, 1 << level, Candles(*array[:, first:last]))

    def price_range(self, start: int, stop: int) -> tuple[float, float] | None:
        """Lowest low and highest high of candles `start` to `stop`, in time that grows with log of their number."""
        start, stop = max(0, start), min(len(self), stop)
        if start >= stop:
            return None
        level = max(0, (stop - start).bit_length() - 11)
        candles = self.slice(start, stop, level).candles
        # Empty slots are passed over as `nanmin` does, which takes three times as long.
        low, high = float(np.fmin.reduce(candles.low)), float(np.fmax.reduce(candles.high))
        return (low, high) if low == low and high == high else None

    def _level(self, level: int) -> NDArray[np.float64]:
        while len(self._levels) <= level:
            self._levels.append(_empty(max(1, self._levels[-1].shape[1] // 2)))
            self._stale_from.append(0)
        for number in range(1, level + 1):
            stale = self._stale_from[number]
            stop = ((self._tail - 1) >> number) + 1
            if stale < stop:
                self._rebuild(number, max(stale, self._head >> number), stop)
                self._stale_from[number] = stop
        return self._levels[level]

    def _touch(self, slot: int) -> None:
        for level in range(1, len(self._levels)):
            group = slot >> level
            if group < self._stale_from[level]:
                self._stale_from[level] = group

    def _rebuild(self, level: int, start: int, stop: int) -> None:
        """Bring groups `start` to `stop` of a level up to date from the one below."""
        array, below = self._levels[level], self._levels[level - 1]
        stop = min(stop, below.shape[1] // 2, array.shape[1])
        if start >= stop:
            return
        left, right = below[:, 2 * start : 2 * stop : 2], below[:, 2 * start + 1 : 2 * stop : 2]
        into = array[:, start:stop]
        into[0] = np.where(np.isnan(left[0]), right[0], left[0])
        into[1] = np.fmax(left[1], right[1])
        into[2] = np.fmin(left[2], right[2])
        into[3] = np.where(np.isnan(right[3]), left[3], right[3])
        into[4] = left[4] + right[4]

    def _grow(self, front: int, back: int) -> None:
        self._time = np.concatenate([np.zeros(front, np.int64), self._time, np.zeros(back, np.int64)])
        base = np.concatenate([_empty(front), self._levels[0], _empty(back)], axis=1)
        self._head += front
        self._tail += front
        self._levels = [base]
        self._stale_from = [0]


def _empty(size: int) -> NDArray[np.float64]:
    array = np.empty((5, size))
    _blank(array)
    return array


def _blank(slots: NDArray[np.float64]) -> None:
    slots[:4], slots[4] = np.nan, 0.0


def _round_up(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _checked(
    t: Times, o: Floats, h: Floats, low: Floats, c: Floats, v: Floats
) -> tuple[Times, Floats, Floats, Floats, Floats, Floats]:
    t = np.asarray(t, np.int64)
    columns = [np.asarray(column, np.float64) for column in (o, h, low, c, v)]
    if any(len(column) != len(t) for column in columns):
        raise ValueError("columns of a candle series must have one length")
    if len(t) > 1 and not bool(np.all(t[1:] > t[:-1])):
        raise ValueError("candles must be in order of time, each once")
    if not math.isfinite(sum(float(column.sum()) for column in columns)):  # most often there is no hole to look for
        whole = np.isfinite(columns[0] + columns[1] + columns[2] + columns[3] + columns[4])
        t, columns = t[whole], [column[whole] for column in columns]
    return t, columns[0], columns[1], columns[2], columns[3], columns[4]
