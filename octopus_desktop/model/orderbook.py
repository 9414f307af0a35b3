"""A book of price levels: a dict for what stands at a price, a sorted list for the order of prices."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from octopus_desktop.model.market import Level


class BookSide:
    """One side. Prices are put in order when somebody looks: changes come far more often than looks."""

    __slots__ = ("_prices", "_unsettled", "quantities")

    def __init__(self) -> None:
        self._prices: list[float] = []
        self._unsettled: set[float] = set()
        self.quantities: dict[float, float] = {}

    @property
    def prices(self) -> list[float]:
        """Ascending: the best bid is the last, the best ask the first."""
        if self._unsettled:
            self._settle()
        return self._prices

    def replace(self, levels: Iterable[Sequence[float]]) -> None:
        self.quantities = {level[0]: level[1] for level in levels if level[1] > 0.0}
        self._prices = sorted(self.quantities)
        self._unsettled.clear()

    def update(self, levels: Iterable[Sequence[float]]) -> None:
        """Each level is the new total at its price; zero takes the price out."""
        quantities = self.quantities
        for price, quantity in levels:
            if quantity > 0.0:
                if price not in quantities:
                    self._unsettled.add(price)
                quantities[price] = quantity
            elif price in quantities:
                del quantities[price]
                self._unsettled.add(price)

    def _settle(self) -> None:
        quantities, prices = self.quantities, self._prices
        if len(self._unsettled) * 8 > len(prices):
            self._prices = sorted(quantities)
        else:
            for price in self._unsettled:
                at = bisect_left(prices, price)
                there = at < len(prices) and prices[at] == price
                if price in quantities:
                    if not there:
                        prices.insert(at, price)
                elif there:
                    del prices[at]
        self._unsettled.clear()


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
