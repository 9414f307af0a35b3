"""The price each instrument ought to have: a function of seed, instrument and time alone.

A day is drawn from a walk whose volatility is itself a sum of slow processes; inside a day the path is
refined by splitting: a cell of time with known ends, extremes, variance and volume becomes two, and so on
down to 100 ms. Each split draws the share of variance first (a multiplicative cascade: calm and wild
stretches on every scale, hence clustered volatility and fat tails; Mandelbrot, Fisher and Calvet, "A
Multifractal Model of Asset Returns", 1997), then the middle price as that of a Brownian bridge of which
both ends and both extremes are known. A cell's high and low are thus drawn once and handed down, so the
candles of every interval agree with each other exactly, and a thousand of any interval cost milliseconds.

All randomness is a hash of (seed, instrument, scale, index): nothing has to be kept to know any moment.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from octopus_desktop.simulator.listings import Listing
from octopus_desktop.simulator.units import DAY_S

Floats = NDArray[np.float64]

GENESIS_S = 1_546_300_800
"""2019-01-01 UTC: where every history begins."""
ANCHOR_S = 1_794_700_800
"""2026-11-15 UTC: the day on which each instrument stands at its listed price level."""
_ANCHOR_DAY = (ANCHOR_S - GENESIS_S) // DAY_S

SPLITS = (2, 2, 3, 2, 2, 2, 3, 5, 2, 2, 3, 5, 2, 5)
"""Day → 12 h → 6 h → 2 h → 1 h → 30 m → 15 m → 5 m → 1 m → 30 s → 15 s → 5 s → 1 s → 500 ms → 100 ms."""

_CELLS_PER_DAY = tuple(int(np.prod(SPLITS[:depth], dtype=np.int64)) for depth in range(len(SPLITS) + 1))
DEPTH_OF_SECONDS = {DAY_S // cells: depth for depth, cells in enumerate(_CELLS_PER_DAY) if DAY_S % cells == 0}
"""Scales whose cells are whole seconds: length in seconds → depth of the tree."""
DEPTH_100MS = len(SPLITS)

# How unevenly variance falls on the two halves of a split, by depth. Days and hours are lumpy, seconds too.
_CASCADE = (0.20, 0.20, 0.22, 0.22, 0.20, 0.18, 0.18, 0.18, 0.20, 0.22, 0.24, 0.26, 0.20, 0.20)


class Cells(NamedTuple):
    """Columns of equal length: log price at both ends, its extremes, its variance, and base volume."""

    first: Floats
    last: Floats
    high: Floats
    low: Floats
    variance: Floats
    volume: Floats

    def cut(self, start: int, stop: int) -> Cells:
        return Cells(*(column[start:stop] for column in self))


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's finalizer (Steele, Lea and Flood, 2014): neighbours in, unrelated bits out."""
    value = value ^ (value >> np.uint64(30))
    value = value * np.uint64(0xBF58476D1CE4E5B9)
    value = value ^ (value >> np.uint64(27))
    value = value * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def key_of(*parts: int | str) -> int:
    """A 64-bit key of a few words, the same in every process and on every machine."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        data = str(part).encode()
        for byte in data + b"\x1f":
            state = ((state ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return state


def _uniform(key: int, index: NDArray[np.int64]) -> Floats:
    """Numbers in (0, 1), one for each index, the same for the same key."""
    with np.errstate(over="ignore"):
        raw = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
        bits = _mix(_mix(raw) + np.uint64(key))
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _normal(key: int, index: NDArray[np.int64]) -> Floats:
    one, two = _uniform(key, index), _uniform(key ^ 0x5DEECE66D, index)
    return np.sqrt(-2.0 * np.log(one)) * np.cos(2.0 * np.pi * two)


def _day_shape(second_of_day: Floats) -> Floats:
    """How busy a moment of the day is against the average: Europe's and America's hours, quiet at night."""
    hour = second_of_day / 3600.0
    america = np.exp(-0.5 * ((hour - 14.8) / 2.2) ** 2)
    europe = np.exp(-0.5 * ((hour - 8.3) / 1.8) ** 2)
    asia = np.exp(-0.5 * ((hour - 1.0) / 1.5) ** 2)
    return 0.62 + 1.15 * america + 0.45 * europe + 0.30 * asia


_SHAPE: Floats = np.zeros(1441)
_SHAPE[1:] = np.cumsum(_day_shape((np.arange(1440, dtype=np.float64) + 0.5) * 60.0))
_SHAPE /= _SHAPE[-1]


def _share_of_day(edge_s: Floats) -> Floats:
    """Cumulative activity at a second of the day, 0 to 1."""
    return np.asarray(np.interp(edge_s, np.arange(1441) * 60.0, _SHAPE), dtype=np.float64)


class Path:
    """The path of one listing under one seed. Thread-safe once a day has been reached."""

    def __init__(self, seed: int, listing: Listing) -> None:
        self.listing = listing
        self._own = key_of(seed, listing.symbol)
        self._common = key_of(seed, "market")
        self._beta = listing.beta
        self._days = 0
        self._cells = Cells(*(np.empty(0) for _ in range(6)))
        self._reach_day(_ANCHOR_DAY + 366)

    def cells(self, depth: int, start: int, stop: int) -> Cells:
        """Cells `start` to `stop` (exclusive) of one scale, numbered from genesis.

        `depth` is an index into SPLITS: 0 is days. Raises ValueError before genesis.
        """
        work = self.refine(depth, start, stop)
        while True:
            try:
                next(work)
            except StopIteration as end:
                found: Cells = end.value
                return found

    def refine(self, depth: int, start: int, stop: int) -> Generator[None, None, Cells]:
        """As `cells`, a part of the work at a time: for who must not be long at it."""
        if start < 0:
            raise ValueError("there is no market before 2019-01-01")
        per_day = _CELLS_PER_DAY[depth]
        first_day, last_day = start // per_day, (max(stop - 1, start)) // per_day
        self._reach_day(last_day + 1)
        cells = self._cells.cut(first_day, last_day + 1)
        offset = first_day
        for level in range(depth):
            parts = SPLITS[level]
            cells = yield from self._split(cells, offset, level, parts)
            offset *= parts
            # Only what the next scale needs: the cut keeps the work in proportion to the answer.
            finer = per_day // _CELLS_PER_DAY[level + 1]
            lower, upper = start // finer - offset, -(-stop // finer) - offset
            cells = cells.cut(lower, upper)
            offset += lower
        return cells

    def seconds(self, interval_s: int, start_s: int, stop_s: int) -> Cells:
        """Cells of `interval_s` seconds (a key of DEPTH_OF_SECONDS) that cover the Unix seconds given."""
        return self.cells(
            DEPTH_OF_SECONDS[interval_s], (start_s - GENESIS_S) // interval_s, -(-(stop_s - GENESIS_S) // interval_s)
        )

    # ── a day from the days before it ────────────────────────────────────────────────────────────────────

    def _reach_day(self, days: int) -> None:
        if days <= self._days:
            return
        days = max(days, self._days + 366)
        index = np.arange(days, dtype=np.int64)
        listing, beta = self.listing, self._beta
        own = np.sqrt(1.0 - beta * beta)
        move = beta * _normal(self._common, index) + own * _normal(self._own, index)
        # Log volatility: three mean-reverting processes with memories of days, weeks and months.
        log_vol = np.zeros(days)
        for memory, weight in ((3.0, 0.30), (20.0, 0.30), (120.0, 0.25)):
            key = key_of("volatility", int(memory))
            shock = 0.85 * _normal(self._common ^ key, index) + 0.527 * _normal(self._own ^ key, index)
            log_vol += weight * _relax(shock, memory)
        volatility = listing.daily_volatility * np.exp(log_vol - 0.12)
        step = volatility * move
        # A weak pull home, so that a price is still of its own order of magnitude after years.
        log_price = np.empty(days + 1)
        log_price[0] = level = 0.0
        for day in range(days):
            level += float(step[day]) - 0.0016 * level
            log_price[day + 1] = level
        log_price += np.log(listing.level) - log_price[_ANCHOR_DAY]
        first, last = log_price[:-1], log_price[1:]
        variance = volatility**2
        high, low = _extremes(first, last, variance, self._own ^ key_of("day"), index)
        noise = 0.22 * _normal(self._own ^ key_of("volume"), index)
        weekend = np.where((index + 1) % 7 < 2, 0.72, 1.0)  # 2019-01-01 was a Tuesday
        volume = listing.daily_volume * weekend * np.exp(0.9 * log_vol + noise + 0.5 * (np.abs(move) - 0.8))
        self._cells = Cells(first, last, high, low, variance, volume)
        self._days = days

    # ── a scale from the coarser one ─────────────────────────────────────────────────────────────────────

    def _split(self, cells: Cells, offset: int, level: int, parts: int) -> Generator[None, None, Cells]:
        count = len(cells.first)
        index = np.arange(offset, offset + count, dtype=np.int64)
        length = DAY_S / _CELLS_PER_DAY[level]
        if level < 8:  # below a minute the day's shape is flat
            opened = ((index * length) % DAY_S).astype(np.float64)
            edges = np.stack([_share_of_day(opened + length * k / parts) for k in range(parts + 1)])
            shares = np.diff(edges, axis=0)
        else:
            shares = np.full((parts, count), 1.0 / parts)
        rest, columns = cells, []
        for part in range(parts - 1):
            weight = shares[part] / shares[part:].sum(axis=0)
            head, rest = self._halve(rest, weight, key_of(level, part), index, level)
            columns.append(head)
            yield
        columns.append(rest)
        return Cells(*(np.stack([c[k] for c in columns], axis=1).reshape(-1) for k in range(6)))

    def _halve(
        self, cells: Cells, weight: Floats, key: int, index: NDArray[np.int64], level: int
    ) -> tuple[Cells, Cells]:
        first, last, high, low, variance, volume = cells
        own_key, common_key = self._own ^ key, self._common ^ key
        own = np.sqrt(1.0 - self._beta**2)
        tilt = 2.0 * _CASCADE[level] * (0.7 * _normal(common_key ^ 1, index) + 0.714 * _normal(own_key ^ 1, index))
        odds = weight / (1.0 - weight)
        share = 1.0 / (1.0 + np.exp(-tilt) / odds)
        left_variance, right_variance = variance * share, variance * (1.0 - share)
        draw = self._beta * _normal(common_key ^ 2, index) + own * _normal(own_key ^ 2, index)
        middle = _middle(cells, left_variance, right_variance, draw)
        high_l, high_r = _share_extreme(first, middle, last, high, left_variance, right_variance, own_key ^ 3, index)
        low_l, low_r = _share_extreme(-first, -middle, -last, -low, left_variance, right_variance, own_key ^ 4, index)
        low_l, low_r = -low_l, -low_r
        # Volume follows volatility, less than in proportion, with a mind of its own besides.
        lean = 0.65 * tilt + 1.1 * _CASCADE[level] * _normal(own_key ^ 5, index)
        volume_share = 1.0 / (1.0 + np.exp(-lean) / odds)
        return (
            Cells(first, middle, high_l, low_l, left_variance, volume * volume_share),
            Cells(middle, last, high_r, low_r, right_variance, volume * (1.0 - volume_share)),
        )


def _relax(shock: Floats, memory: float) -> Floats:
    """A stationary, unit-variance process that forgets over `memory` steps."""
    keep = float(np.exp(-1.0 / memory))
    fresh = float(np.sqrt(1.0 - keep * keep))
    out = np.empty_like(shock)
    level = 0.0
    for i, value in enumerate(shock.tolist()):
        level = keep * level + fresh * value
        out[i] = level
    return out


def _reach_law(first: Floats, last: Floats, high: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Of a Brownian bridge's highest point: its density at `high`, and the chance that it stays below."""
    above = 2.0 * (high - first) * (high - last) / variance
    stays = -np.expm1(-above)
    return (2.0 * high - first - last) / variance * (1.0 - stays), stays


_GRID = (np.arange(14, dtype=np.float64)[:, None] + 0.5) / 14


def _middle(cells: Cells, left: Floats, right: Floats, draw: Floats) -> Floats:
    """The price between two halves, drawn from its law given both ends and both extremes.

    The law is taken at 14 points of the range between the extremes; `draw` is a standard normal, of which
    the result is a rising function, so that what is correlated stays correlated.
    """
    first, last, high, low, variance, _ = cells
    width = high - low
    at = low + _GRID * width
    share = left / variance
    spread = variance * share * (1.0 - share)
    usual = np.exp(-0.5 * (at - first - (last - first) * share) ** 2 / spread)
    weight = usual
    for sign, bound in ((1.0, high), (-1.0, low)):
        density_l, stays_l = _reach_law(sign * first, sign * at, sign * bound, left)
        density_r, stays_r = _reach_law(sign * at, sign * last, sign * bound, right)
        weight = weight * (density_l * stays_r + density_r * stays_l)
    ladder = np.cumsum(weight, axis=0)
    total = ladder[-1]
    # Where the law underflows there is no choice to make: the straight way.
    sound = total > 1e-280
    ladder = ladder / np.where(sound, total, 1.0)
    # The normal law as a logistic curve (Bowling et al., 2009), to one part in seven thousand.
    chance = 1.0 / (1.0 + np.exp(-1.5976 * draw - 0.07056 * draw**3))
    step = np.minimum((ladder < chance).sum(axis=0), len(_GRID) - 1)
    column = np.arange(len(first))
    upper = ladder[step, column]
    lower = np.where(step > 0, ladder[np.maximum(step - 1, 0), column], 0.0)
    inside = np.clip((chance - lower) / np.maximum(upper - lower, 1e-300), 0.0, 1.0)
    bent = low + (step + inside) / len(_GRID) * width
    straight = np.clip(first + (last - first) * share, low, high)
    return np.where(sound, bent, straight)


def _share_extreme(
    first: Floats,
    middle: Floats,
    last: Floats,
    high: Floats,
    left: Floats,
    right: Floats,
    key: int,
    index: NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """The highs of two halves of which one must be `high`, by the law of the bridge (low: signs turned)."""
    density_l, stays_l = _reach_law(first, middle, high, left)
    density_r, stays_r = _reach_law(middle, last, high, right)
    odds_l, odds_r = density_l * stays_r, density_r * stays_l
    is_left = _uniform(key ^ 31, index) * (odds_l + odds_r) < odds_l
    # The other half's own high, given that it stays below.
    one, two = np.where(is_left, middle, first), np.where(is_left, last, middle)
    variance, stays = np.where(is_left, right, left), np.where(is_left, stays_r, stays_l)
    reach = -np.log1p(-_uniform(key ^ 17, index) * stays)
    lesser = 0.5 * (one + two + np.sqrt((two - one) ** 2 + 2.0 * variance * reach))
    lesser = np.clip(lesser, np.maximum(one, two), high)
    return np.where(is_left, high, lesser), np.where(is_left, lesser, high)


def _extremes(
    first: Floats, last: Floats, variance: Floats, key: int, index: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """The high and the low of a Brownian bridge, drawn by its known law (each alone)."""
    gap2 = (last - first) ** 2
    high = 0.5 * (first + last + np.sqrt(gap2 - 2.0 * variance * np.log(_uniform(key ^ 17, index))))
    low = 0.5 * (first + last - np.sqrt(gap2 - 2.0 * variance * np.log(_uniform(key ^ 23, index))))
    return high, low
