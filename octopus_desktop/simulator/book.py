"""One instrument's order book: price, then time.

Prices and quantities are whole units of 1e-8. A level is a queue of orders in the order they came; the
participants that make up the market and the accounts' own orders stand in the same queues.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import NamedTuple

from octopus_desktop.simulator.units import UNIT

CROWD = 0
"""The owner of every order that belongs to the market model rather than to an account."""


class Resting:
    """An order as the book sees it. `remaining` shrinks as it is filled.

    Of an iceberg `remaining` is the part that is shown: when it is gone, up to `display` of what is `hidden` takes
    its place, behind all others at the price.
    """

    __slots__ = ("display", "hidden", "is_buy", "order_id", "owner", "price", "remaining", "stp")

    def __init__(self, order_id: int, owner: int, is_buy: bool, price: int, remaining: int, stp: str = "NONE") -> None:
        self.order_id = order_id
        self.owner = owner
        self.is_buy = is_buy
        self.price = price
        self.remaining = remaining
        self.stp = stp
        self.display = 0
        self.hidden = 0


class Match(NamedTuple):
    """One meeting of a taker with a resting order, at the resting order's price."""

    maker: Resting
    price: int
    quantity: int


class Print(NamedTuple):
    """A public trade, money in units of 1e-8."""

    trade_id: int
    price: int
    quantity: int
    ts_ns: int
    buyer_is_maker: bool
    buyer_order_id: int
    seller_order_id: int


class Sweep(NamedTuple):
    """What a taker met: its matches, makers expired by self-trade prevention, and whether it must stop there."""

    matches: list[Match]
    prevented: list[Resting]
    taker_expires: bool


class Side:
    """Half a book. `keys` is sorted so that the best price is last: price for bids, −price for asks."""

    __slots__ = ("is_bid", "keys", "levels", "totals")

    def __init__(self, is_bid: bool) -> None:
        self.is_bid = is_bid
        self.keys: list[int] = []
        self.levels: dict[int, dict[int, Resting]] = {}
        self.totals: dict[int, int] = {}

    def best(self) -> int | None:
        keys = self.keys
        if not keys:
            return None
        return keys[-1] if self.is_bid else -keys[-1]

    def prices(self, limit: int) -> list[int]:
        """The best `limit` prices, best first."""
        top = self.keys[-limit:]
        return top[::-1] if self.is_bid else [-key for key in reversed(top)]

    def depth(self, limit: int) -> list[tuple[int, int]]:
        """The best `limit` levels as (price, quantity), best first."""
        totals = self.totals
        return [(price, totals[price]) for price in self.prices(limit)]

    def drop_level(self, price: int) -> None:
        del self.levels[price]
        del self.totals[price]
        key = price if self.is_bid else -price
        keys = self.keys
        if keys[-1] == key:
            keys.pop()
        else:
            del keys[bisect_left(keys, key)]


class Book:
    """Both sides, the update counter, and the prices touched since somebody last asked."""

    __slots__ = ("asks", "bids", "touched_asks", "touched_bids", "update_id")

    def __init__(self) -> None:
        self.bids = Side(True)
        self.asks = Side(False)
        self.update_id = 0
        """Rises by one with each change of a level, as the venue's `lastUpdateId`."""
        self.touched_bids: set[int] = set()
        self.touched_asks: set[int] = set()

    def add(self, order: Resting) -> None:
        """Queue an order behind all others at its price. The caller has matched it before."""
        price = order.price
        if order.is_buy:
            side, key = self.bids, price
            self.touched_bids.add(price)
        else:
            side, key = self.asks, -price
            self.touched_asks.add(price)
        level = side.levels.get(price)
        if level is None:
            side.levels[price] = {order.order_id: order}
            side.totals[price] = order.remaining
            keys = side.keys
            if keys and key < keys[-1]:
                insort(keys, key)
            else:
                keys.append(key)
        else:
            level[order.order_id] = order
            side.totals[price] += order.remaining
        self.update_id += 1

    def cancel(self, order: Resting) -> bool:
        """Take an order out; False if it no longer rests here."""
        price = order.price
        side = self.bids if order.is_buy else self.asks
        level = side.levels.get(price)
        if level is None or level.pop(order.order_id, None) is None:
            return False
        (self.touched_bids if order.is_buy else self.touched_asks).add(price)
        self.update_id += 1
        if level:
            side.totals[price] -= order.remaining
        else:
            side.drop_level(price)
        return True

    def reduce(self, order: Resting, remaining: int) -> None:
        """Shrink an order where it stands: it keeps its place in the queue."""
        side = self.bids if order.is_buy else self.asks
        side.totals[order.price] -= order.remaining - remaining
        order.remaining = remaining
        (self.touched_bids if order.is_buy else self.touched_asks).add(order.price)
        self.update_id += 1

    def hit(self, order: Resting, quantity: int) -> None:
        """Fill a part of an order, wherever it stands in its queue. An iceberg gives of what it hides as well."""
        side = self.bids if order.is_buy else self.asks
        level = side.levels[order.price]
        shown = order.remaining
        order.hidden -= max(0, quantity - shown)
        order.remaining = max(0, shown - quantity)
        if not order.remaining and order.hidden:
            order.remaining = min(order.display, order.hidden)
            order.hidden -= order.remaining
            level[order.order_id] = level.pop(order.order_id)
        side.totals[order.price] += order.remaining - shown
        if not order.remaining:
            del level[order.order_id]
            if not level:
                side.drop_level(order.price)
        (self.touched_bids if order.is_buy else self.touched_asks).add(order.price)
        self.update_id += 1

    def take(
        self,
        is_buy: bool,
        quantity: int,
        limit: int | None = None,
        *,
        budget: int | None = None,
        lot: int = 1,
        owner: int = CROWD,
        stp: str = "NONE",
    ) -> Sweep:
        """Match a taker against the other side, best price first, oldest order first.

        `limit` is the worst price it accepts. With `budget` (quote units) it stops where the rest of the
        budget no longer buys a lot. `stp` is the venue's self-trade prevention mode for equal owners.
        """
        side, touched = (self.asks, self.touched_asks) if is_buy else (self.bids, self.touched_bids)
        keys, levels, totals = side.keys, side.levels, side.totals
        matches: list[Match] = []
        counted = 0
        prevented: list[Resting] = []
        watch = owner != CROWD and stp != "NONE"
        while quantity > 0 and keys:
            price = -keys[-1] if is_buy else keys[-1]
            if limit is not None and (price > limit if is_buy else price < limit):
                break
            if budget is not None:
                quantity = min(quantity, budget * UNIT // price // lot * lot)
                if quantity <= 0:
                    break
            level = levels[price]
            total = totals[price]
            done: list[Resting] = []
            refilled: list[Resting] = []
            stopped = False
            for maker in level.values():
                if watch and maker.owner == owner:
                    if stp in ("EXPIRE_MAKER", "EXPIRE_BOTH"):
                        prevented.append(maker)
                        done.append(maker)
                        total -= maker.remaining
                    if stp != "EXPIRE_MAKER":
                        stopped = True
                        break
                    continue
                filled = maker.remaining
                if filled > quantity:
                    filled = quantity
                maker.remaining -= filled
                quantity -= filled
                total -= filled
                matches.append(Match(maker, price, filled))
                if not maker.remaining:
                    done.append(maker)
                    if maker.hidden:
                        refilled.append(maker)
                if not quantity:
                    break
            if budget is not None:
                budget -= sum(m.price * m.quantity // UNIT for m in matches[counted:])
                counted = len(matches)
            self.update_id += 1
            touched.add(price)
            for maker in refilled:
                maker.remaining = min(maker.display, maker.hidden)
                maker.hidden -= maker.remaining
                total += maker.remaining
                del level[maker.order_id]
                level[maker.order_id] = maker
                done.remove(maker)
            if len(done) == len(level):
                side.drop_level(price)
            else:
                for maker in done:
                    del level[maker.order_id]
                totals[price] = total
            if stopped:
                return Sweep(matches, prevented, True)
        return Sweep(matches, prevented, False)

    def available(self, is_buy: bool, limit: int | None, enough: int) -> int:
        """How much a taker could get at `limit` or better, counted until `enough`."""
        side = self.asks if is_buy else self.bids
        found = 0
        for key in reversed(side.keys):
            price = key if side.is_bid else -key
            if limit is not None and (price > limit if is_buy else price < limit):
                break
            found += side.totals[price]
            if found >= enough:
                break
        return found

    def cost(self, is_buy: bool, quantity: int) -> int:
        """Quote units a taker of `quantity` would pay or get now, as far as the book reaches."""
        side = self.asks if is_buy else self.bids
        total = 0
        for key in reversed(side.keys):
            price = key if side.is_bid else -key
            here = min(quantity, side.totals[price])
            total += price * here // UNIT
            quantity -= here
            if not quantity:
                break
        return total
