"""A book of price levels: a dict for what stands at a price, a sorted list for the order of prices."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from octopus_desktop.model.market import Level


class BookSide:
    """Prices ascending in `prices`; the best bid is the last, the best ask the first."""

    __slots__ = ("prices", "quantities")

    def __init__(self) -> None:
        self.prices: list[float] = []
        self.quantities: dict[float, float] = {}

    def replace(self, levels: Iterable[Sequence[float]]) -> None:
        self.quantities = {level[0]: level[1] for level in levels if level[1] > 0.0}
        self.prices = sorted(self.quantities)

    def update(self, levels: Iterable[Sequence[float]]) -> None:
        """Each level is the new total at its price; zero takes the price out."""
        quantities = self.quantities
        prices = self.prices
        for price, quantity in levels:
            if quantity > 0.0:
                if price not in quantities:
                    insort(prices, price)
                quantities[price] = quantity
            elif quantities.pop(price, None) is not None:
                del prices[bisect_left(prices, price)]


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
        if not self.bids.prices:
            return None
        price = self.bids.prices[-1]
        return Level(price, self.bids.quantities[price])

    @property
    def best_ask(self) -> Level | None:
        if not self.asks.prices:
            return None
        price = self.asks.prices[0]
        return Level(price, self.asks.quantities[price])

    def top_bids(self, count: int) -> list[Level]:
        """Best first."""
        quantities = self.bids.quantities
        return [Level(price, quantities[price]) for price in self.bids.prices[: -count - 1 : -1]]

    def top_asks(self, count: int) -> list[Level]:
        """Best first."""
        quantities = self.asks.quantities
        return [Level(price, quantities[price]) for price in self.asks.prices[:count]]
