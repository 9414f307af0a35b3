"""A book of price levels: a dict for what stands at a price, a sorted list for the order of prices."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import Final

from octopus_desktop.model.market import Level

KEPT_CHANGES: Final = 8192
"""Changed prices that wait for a look, at most: nobody may look at a book for days."""


class BookSide:
    """One side. Changes are put in their places when somebody looks: they come far more often than looks."""

    __slots__ = ("_prices", "_quantities", "changed")

    def __init__(self) -> None:
        self._prices: list[float] = []
        self._quantities: dict[float, float] = {}
        self.changed: dict[float, float] = {}
        """What nobody has looked at yet; a zero takes its price out. Written by `update` and by the book."""

    @property
    def prices(self) -> list[float]:
        """Ascending: the best bid is the last, the best ask the first."""
        if self.changed:
            self.settle()
        return self._prices

    @property
    def quantities(self) -> dict[float, float]:
        """By price; none is zero."""
        if self.changed:
            self.settle()
        return self._quantities

    def replace(self, levels: Iterable[Sequence[float]]) -> None:
        self._quantities = {level[0]: level[1] for level in levels if level[1] > 0.0}
        self._prices = sorted(self._quantities)
        self.changed.clear()

    def update(self, levels: Iterable[tuple[float, float]]) -> None:
        """Each level is the new total at its price; zero takes the price out."""
        changed = self.changed
        for price, quantity in levels:  # quicker than `dict.update`, which takes each pair for any sequence
            changed[price] = quantity
        if len(changed) > KEPT_CHANGES:
            self.settle()

    def settle(self) -> None:
        """Put what changed in its place."""
        quantities, prices, changed = self._quantities, self._prices, self.changed
        anew = len(changed) * 8 > len(prices)
        for price, quantity in changed.items():
            if quantity > 0.0:
                if price not in quantities and not anew:
                    insort(prices, price)
                quantities[price] = quantity
            elif quantities.pop(price, None) is not None and not anew:
                del prices[bisect_left(prices, price)]
        changed.clear()
        if anew:
            self._prices = sorted(quantities)


class OrderBook:
    """Both sides, and the venue's number of the last change in them.

    `valid` is False between a gap and the snapshot that mends it: what is shown then is the last good book.
    """

    __slots__ = ("asks", "bids", "last_id", "ts_venue_ns", "valid")

    def __init__(self) -> None:
        self.bids = BookSide()
        self.asks = BookSide()
        self.last_id = 0
        self.ts_venue_ns = 0
        self.valid = False

    def change(
        self, bids: list[tuple[float, float]], asks: list[tuple[float, float]], last_id: int, ts_venue_ns: int
    ) -> None:
        """`BookSide.update` of both sides, in one call: thousands come each second."""
        below, above = self.bids.changed, self.asks.changed
        for price, quantity in bids:
            below[price] = quantity
        for price, quantity in asks:
            above[price] = quantity
        self.last_id = last_id
        self.ts_venue_ns = ts_venue_ns
        if len(below) + len(above) > KEPT_CHANGES:
            self.bids.settle()
            self.asks.settle()

    @property
    def best_bid(self) -> Level | None:
        prices = self.bids.prices
        if not prices:
            return None
        price = prices[-1]
        return Level(price, self.bids.quantities[price])

    @property
    def best_ask(self) -> Level | None:
        prices = self.asks.prices
        if not prices:
            return None
        price = prices[0]
        return Level(price, self.asks.quantities[price])

    def top_bids(self, count: int) -> list[Level]:
        """Best first."""
        quantities = self.bids.quantities
        return [Level(price, quantities[price]) for price in self.bids.prices[: -count - 1 : -1]]

    def top_asks(self, count: int) -> list[Level]:
        """Best first."""
        quantities = self.asks.quantities
        return [Level(price, quantities[price]) for price in self.asks.prices[:count]]
