"""Everybody else: makers who quote around the path, takers who come in bursts, and orders that come and go.

One crowd to an instrument. It works in steps of 100 ms: at each step the makers look at where the path is,
takers are scheduled at moments inside it, and part of the book is renewed. All randomness is one generator,
so that the same seed, start and orders of the accounts give the same market.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random

import numpy as np

from octopus_desktop.simulator.book import CROWD, Book, Match, Resting
from octopus_desktop.simulator.path import DEPTH_100MS, GENESIS_S, Path, key_of
from octopus_desktop.simulator.units import DAY_S, SECOND_NS, UNIT

STEP_NS = 100_000_000
LEVELS = 1_250
"""Levels a side that the crowd keeps up."""
_BLOCK = 1_000
"""Steps of the path that are drawn at once."""
_REACH = 0.012
"""How far from the touch the last of those levels stands, as a share of the price, where ticks are fine."""

Took = Callable[[bool, int, list[Match], int], None]
"""(is_buy, order id, matches, time): the crowd's taker met resting orders."""


class Crowd:
    """The participants of one instrument's market."""

    def __init__(
        self, seed: int, path: Path, book: Book, start_ns: int, next_id: Callable[[], int], took: Took,
        activity: float = 1.0,
    ) -> None:  # fmt: skip
        self._listing = listing = path.listing
        self._path = path
        self._book = book
        self._next_id = next_id
        self._took = took
        self._activity = activity
        self._random = Random(key_of(seed, listing.symbol, start_ns))
        self._tick = listing.tick
        self._block_start = -1
        self._refs: list[float] = []
        self._flow: list[float] = []
        self._restless: list[float] = []
        self._drawing_start = -1
        self._drawing: Iterator[None] = iter(())
        self._drawn = (self._refs, self._flow, self._restless)
        self._mean_size = listing.daily_volume / DAY_S / listing.trades_per_second
        self._tick_share = listing.tick / UNIT / listing.level
        self._coarse = self._tick_share / (self._tick_share + 3e-5)
        self._reach_ticks = max(0.0, _REACH / self._tick_share - LEVELS)
        self._excitement = 0.0
        self._leans_buy = True
        self._center = 0.0
        self._patience = 1.0
        self._orders: list[Resting] = []
        self._near: list[Resting] = []

    # ── the path ─────────────────────────────────────────────────────────────────────────────────────────

    def look(self, step: int) -> tuple[float, float]:
        """Where the price ought to be at a step (counted since genesis), and the base volume of its second."""
        if not 0 <= step - self._block_start < len(self._refs):
            self._draw_from(step)
            for _ in self._drawing:
                pass
            self._block_start = step
            self._refs, self._flow, self._restless = self._drawn
        at = step - self._block_start
        return self._refs[at], self._flow[at]

    def look_ahead(self) -> None:
        """Do a part of what the steps after this block will ask for: at once it would take ten times as long."""
        self._draw_from(self._block_start + len(self._refs))
        next(self._drawing, None)

    def _draw_from(self, step: int) -> None:
        if self._drawing_start != step:
            self._drawing_start, self._drawing = step, self._draw(step)

    def _draw(self, step: int) -> Iterator[None]:
        """Columns of a block: where the price ought to be, the base volume, and how restless it is."""
        cells = yield from self._path.refine(DEPTH_100MS, step, step + _BLOCK + 60)
        smooth = np.convolve(cells.volume, np.ones(10), mode="valid")
        variance = np.convolve(cells.variance, np.ones(50) / 5.0, mode="valid")
        self._drawn = (
            np.exp(cells.last).tolist()[:_BLOCK],
            smooth[:_BLOCK].tolist(),
            np.sqrt(variance[:_BLOCK]).tolist(),
        )

    # ── a book to begin with ─────────────────────────────────────────────────────────────────────────────

    def open_book(self, step: int, ts_ns: int) -> None:
        """Fill both sides around the path. What an account left resting there is traded with first."""
        reference, _ = self.look(step)
        self._center = reference
        bid = self._touch_of(reference)
        for is_buy, touch in ((True, bid), (False, bid + 1)):
            self._take(is_buy, 1 << 60, touch * self._tick, ts_ns)
            self._stand_at_touch(is_buy, touch, ts_ns)
            for rank in range(1, LEVELS + 30):
                self._add(is_buy, touch, self._distance(rank + self._random.random()), ts_ns)
            side = self._book.bids if is_buy else self._book.asks
            for _ in range(2 * LEVELS):
                if len(side.keys) >= LEVELS:
                    break
                self._add_level(is_buy, touch, ts_ns)

    def leave(self) -> None:
        """Take every order of the crowd out of the book."""
        for side in (self._book.bids, self._book.asks):
            for price in side.prices(len(side.keys)):
                for order in list(side.levels[price].values()):
                    if order.owner == CROWD:
                        self._book.cancel(order)
        self._orders.clear()
        self._near.clear()

    # ── one step ─────────────────────────────────────────────────────────────────────────────────────────

    def plan(self, step: int, start_ns: int) -> tuple[int, list[int]]:
        """Moments inside the step: when the makers look, and when takers come."""
        _, flow = self.look(step)
        listing, random = self._listing, self._random
        usual = listing.daily_volume / DAY_S
        base = listing.trades_per_second * (flow / usual) ** 0.55 * self._activity
        rate = (0.62 * base + self._excitement) * 0.1
        self._excitement *= 0.80
        # Knuth's Poisson draw: rates are small.
        edge, count, product = math.exp(-min(rate, 30.0)), 0, random.random()
        while product > edge:
            count += 1
            product *= random.random()
        # Each arrival makes the next likelier for about half a second (a Hawkes process).
        self._excitement += count * 0.72
        self._excitement = min(self._excitement, 12.0 * listing.trades_per_second)
        makers_at = start_ns + int(random.random() * STEP_NS)
        return makers_at, [start_ns + int(random.random() * STEP_NS) for _ in range(count)]

    def requote(self, step: int, ts_ns: int) -> None:
        """The makers look at the path, move the touch if it has left them, and renew part of the book."""
        reference, flow = self.look(step)
        random = self._random
        tick = self._tick / UNIT
        restless = self._restless[step - self._block_start]
        slack = max(0.32 * restless * reference, 0.62 * tick) * self._patience
        if abs(reference - self._center) > slack:
            self._center = reference
            self._patience = 0.35 + random.expovariate(1.5)
            self._move_touch(self._touch_of(reference), flow, ts_ns)
        else:
            self._mend_touch(ts_ns)
        self._breathe(ts_ns)

    def taker(self, step: int, ts_ns: int) -> None:
        """One aggressor: signs come in runs, sizes have a heavy tail."""
        random, book = self._random, self._book
        bid, ask = book.bids.best(), book.asks.best()
        if bid is None or ask is None:
            return
        reference, flow = self.look(step)
        middle = (bid + ask) / 2
        pull = (reference * UNIT - middle) / max(middle * 4e-5, self._tick)
        stay = 0.72 + 0.12 * max(-1.0, min(1.0, pull if self._leans_buy else -pull))
        if random.random() > stay:
            self._leans_buy = not self._leans_buy
        is_buy = self._leans_buy
        usual = self._listing.daily_volume / DAY_S
        size = self._mean_size * (flow / usual) ** 0.45 / self._activity
        quantity = size * 0.24 * random.lognormvariate(0.0, 1.55)
        if random.random() < 0.004:
            quantity *= 8.0
        quantity = self._round_size(quantity, middle)
        # Few walk the book; most take what stands at the touch and leave the rest.
        slip = int(random.expovariate(1.0) * max(1.0, middle * 2e-5 / self._tick)) * self._tick
        self._take(is_buy, quantity, ask + slip if is_buy else bid - slip, ts_ns)

    # ── parts of a step ──────────────────────────────────────────────────────────────────────────────────

    def _touch_of(self, reference: float) -> int:
        """The best bid, in ticks, that straddles a price with the ask one tick above."""
        return max(2, math.floor(reference * UNIT / self._tick))

    def _move_touch(self, bid: int, flow: float, ts_ns: int) -> None:
        """Quotes on the wrong side of the new price are pulled or swept, and the touch is built anew."""
        book, random, tick = self._book, self._random, self._tick
        ask = bid + 1
        # In a hurry the makers leave a gap, and close it in the steps after.
        if random.random() < 0.25 * (1.0 - self._coarse):
            ask += int(random.expovariate(1.0) * 6)
        best_bid, best_ask = book.bids.best(), book.asks.best()
        up = best_ask is not None and best_ask < ask * tick
        down = best_bid is not None and best_bid > bid * tick
        spare = int(flow * 0.30 * random.expovariate(1.0) * UNIT)
        if up:
            self._pull(False, ask * tick, spare)
            self._take(True, 1 << 60, (ask - 1) * tick, ts_ns)
        if down:
            self._pull(True, bid * tick, spare)
            self._take(False, 1 << 60, (bid + 1) * tick, ts_ns)
        self._stand_at_touch(True, bid, ts_ns)
        self._stand_at_touch(False, ask, ts_ns)
        # Behind a moved touch the book is empty: fill some of it now, the rest grows back by itself.
        side, touch, old = (True, bid, best_bid) if up else (False, ask, best_ask)
        if old is not None:
            hole = abs(touch - old // tick)
            for _ in range(min(12, hole // 8 + 2)):
                self._add(side, touch, 1 + random.random() ** 1.6 * min(hole, 4000), ts_ns)

    def _mend_touch(self, ts_ns: int) -> None:
        """Close a spread that takers have opened, around where the makers believe the price to be."""
        book, tick = self._book, self._tick
        bid = self._touch_of(self._center) * tick
        thin = 0.25 * self._listing.touch_quantity * UNIT
        best_bid, best_ask = book.bids.best(), book.asks.best()
        if best_bid is None or best_bid < bid or (best_bid == bid and book.bids.totals[bid] < thin):
            self._stand_at_touch(True, bid // tick, ts_ns)
        ask = bid + tick
        if best_ask is None or best_ask > ask or (best_ask == ask and book.asks.totals[ask] < thin):
            self._stand_at_touch(False, ask // tick, ts_ns)

    def _stand_at_touch(self, is_buy: bool, touch: int, ts_ns: int) -> None:
        random = self._random
        for _ in range(random.randrange(2, 5)):
            quantity = self._listing.touch_quantity * 0.33 * random.lognormvariate(-0.25, 0.8)
            self._place(is_buy, touch * self._tick, self._round_size(quantity, touch * self._tick), ts_ns, near=True)

    def _breathe(self, ts_ns: int) -> None:
        """Orders come and go: most near the touch, and enough far away to keep the book deep."""
        random, book, tick = self._random, self._book, self._tick
        for is_buy, side in ((True, book.bids), (False, book.asks)):
            best = side.best()
            if best is None:
                continue
            touch = best // tick
            short = LEVELS - len(side.keys)
            arrivals = 2 if random.random() < self._activity else 1
            for _ in range(arrivals):
                near = random.random() ** 3.0 * 60.0
                self._add(is_buy, touch, self._distance(near), ts_ns, near=True)
            if short > 0:
                for _ in range(min(6, 1 + short // 20)):
                    self._add_level(is_buy, touch, ts_ns)
            elif short < -120:
                self._drop_far(is_buy, 40)
        near_orders = self._near
        for _ in range(5):
            if len(near_orders) > 90 and random.random() < len(near_orders) / 260:
                self._cancel_one(near_orders)
        surplus = len(self._orders) - 5 * LEVELS
        if surplus > 0 or random.random() < 0.4:
            for _ in range(max(1, min(12, surplus))):
                self._cancel_one(self._orders)

    def _add_level(self, is_buy: bool, touch: int, ts_ns: int) -> None:
        """An order at a price where nobody stands yet, if a few looks find one."""
        levels = (self._book.bids if is_buy else self._book.asks).levels
        for _ in range(4):
            distance = self._distance(1.05 * LEVELS * self._random.random() ** 0.8)
            level = touch - int(distance) if is_buy else touch + int(distance)
            if level * self._tick not in levels:
                break
        self._add(is_buy, touch, distance, ts_ns)

    def _distance(self, rank: float) -> float:
        """How many ticks behind the touch the level of a rank stands: dense first, then ever sparser."""
        return rank + self._reach_ticks * math.pow(rank / LEVELS, 2.2)

    def _add(self, is_buy: bool, touch: int, distance: float, ts_ns: int, near: bool = False) -> None:
        """An order `distance` ticks behind the touch, sized as that depth usually is."""
        random = self._random
        ticks = int(distance)
        level = touch - ticks if is_buy else touch + ticks
        if ticks > 20 and random.random() < 0.3:  # people like round numbers
            step = 100 if self._tick_share < 1e-5 else 10
            level = round(level / step) * step
        if level < 1:
            return
        away = ticks * self._tick_share
        hump = (away / 0.0025) * math.exp(1.0 - away / 0.0025) if away < 0.03 else 0.0
        weight = (0.035 + 0.10 * hump) * (1.0 - self._coarse) + (0.35 + 0.5 * hump) * self._coarse
        if level % 1000 == 0:
            weight *= 4.0
        elif level % 100 == 0:
            weight *= 2.2
        elif level % 50 == 0:
            weight *= 1.4
        if random.random() < 0.004:
            weight *= random.uniform(8.0, 25.0)
        quantity = self._listing.touch_quantity * weight * random.lognormvariate(-0.4, 1.0)
        price = level * self._tick
        self._place(is_buy, price, self._round_size(quantity, price), ts_ns, near)

    def _round_size(self, quantity: float, price: float) -> int:
        """A quantity in units, never below the smallest order, now and then a round one as people type it."""
        lot = self._listing.lot
        least = self._listing.min_notional * 1.2 * UNIT / price
        units = max(quantity * UNIT, least)
        if self._random.random() < 0.22:
            scale = 10.0 ** math.floor(math.log10(units))
            units = max(least, round(units / scale) * scale)
        return max(lot, math.ceil(units / lot) * lot)

    def _place(self, is_buy: bool, price: int, quantity: int, ts_ns: int, near: bool = False) -> None:
        book = self._book
        other = book.asks.best() if is_buy else book.bids.best()
        if other is not None and (price >= other if is_buy else price <= other):
            return  # makers do not cross
        order = Resting(self._next_id(), CROWD, is_buy, price, quantity)
        book.add(order)
        if near:
            self._near.append(order)
            return
        self._orders.append(order)

    def _take(self, is_buy: bool, quantity: int, limit: int, ts_ns: int) -> None:
        sweep = self._book.take(is_buy, quantity, limit)
        if sweep.matches:
            self._took(is_buy, self._next_id(), sweep.matches, ts_ns)

    def _pull(self, is_buy: bool, beyond: int, spare: int) -> None:
        """Cancel the crowd's orders better than `beyond`, leaving about `spare` for whoever is fast."""
        book = self._book
        side = book.bids if is_buy else book.asks
        for price in side.prices(LEVELS):
            if price <= beyond if is_buy else price >= beyond:
                return
            for order in list(side.levels[price].values()):
                if order.owner != CROWD:
                    continue
                if spare >= order.remaining:
                    spare -= order.remaining
                elif spare > self._listing.lot:
                    book.reduce(order, spare // self._listing.lot * self._listing.lot)
                    spare = 0
                else:
                    book.cancel(order)

    def _cancel_one(self, orders: list[Resting]) -> None:
        """Cancel a random order of a list; those already filled or pulled just leave the list."""
        if not orders:
            return
        for _ in range(6):
            at = self._random.randrange(len(orders))
            order = orders[at]
            orders[at] = orders[-1]
            orders.pop()
            if self._book.cancel(order) or not orders:
                return

    def _drop_far(self, is_buy: bool, count: int) -> None:
        """Give up the levels that the market has left furthest behind, unless an account stands there."""
        book = self._book
        side = book.bids if is_buy else book.asks
        for key in side.keys[:count]:
            for order in list(side.levels[abs(key)].values()):
                if order.owner == CROWD:
                    book.cancel(order)


def step_of(ts_ns: int) -> int:
    """Which step since genesis contains a moment."""
    return (ts_ns - GENESIS_S * SECOND_NS) // STEP_NS
