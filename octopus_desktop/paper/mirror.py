"""One instrument's real market as the matching engine sees it: the venue's book, with our paper orders in its queues.

What the venue displays at a price is an order of the crowd, in pieces between our own orders, so that the ordinary
price-time matching gives our orders a place in the queue:

* placed, an order stands behind all that is displayed at its price;
* a print at its price takes from the front of the queue;
* what else goes is canceled: in proportion, before and behind us; what comes is behind us;
* what we took ourselves stays displayed at the venue, and is not there for us a second time.
"""

from __future__ import annotations

from collections.abc import Iterable

from octopus_desktop.paper.words import units
from octopus_desktop.simulator.book import CROWD, Book, Match, Print, Resting
from octopus_desktop.simulator.filters import Rules

Levels = Iterable[tuple[float, float]]


class _Side:
    """What the venue last displayed, by price, and what we know that its next word may not."""

    def __init__(self, is_bid: bool) -> None:
        self.is_bid = is_bid
        self.displayed: dict[int, int] = {}
        self.taken: dict[int, int] = {}
        """What our own takers took of what is displayed."""
        self.printed: dict[int, list[tuple[int, int]]] = {}
        """Prints (time, quantity) that are newer than the venue's last word on the price."""


class MirroredMarket:
    """See accounts.TradedMarket. `is_known` is False until the first whole book, and between a gap and its mending."""

    def __init__(self, rules: Rules, first_trade_id: int) -> None:
        self.listing = rules
        self.book = Book()
        self.last_price = 0
        self.is_known = False
        self._book_ns = 0
        self._next_id = first_trade_id
        self._bids, self._asks = _Side(True), _Side(False)

    def average_price(self, now_ns: int) -> int:
        """For the filters alone."""
        return self.last_price

    def print_matches(self, is_buy: bool, taker_id: int, matches: list[Match], ts_ns: int) -> list[Print]:
        """Ours alone know of them: the venue's last price stays what it is."""
        side = self._asks if is_buy else self._bids
        prints = []
        for maker, price, quantity in matches:
            if taker_id and maker.owner == CROWD:
                side.taken[price] = side.taken.get(price, 0) + quantity
            buyer, seller = (taker_id, maker.order_id) if is_buy else (maker.order_id, taker_id)
            prints.append(Print(self._new_id(), price, quantity, ts_ns, not is_buy, buyer, seller))
        return prints

    # The venue's book -------------------------------------------------------

    def reset(self, bids: Levels, asks: Levels, ts_ns: int) -> None:
        """The whole book. Orders of ours that stand in it from before a restart stand behind what it displays."""
        self._book_ns = ts_ns
        for side, levels in ((self._bids, bids), (self._asks, asks)):
            totals = {units(price): units(quantity) for price, quantity in levels}
            for price in [price for price in side.displayed if price not in totals]:
                self._sync(side, price, 0, ts_ns)
            for price, total in totals.items():
                self._sync(side, price, total, ts_ns, ahead=not self.is_known)
        self.is_known = True
        if not self.last_price:
            bid, ask = self.book.bids.best(), self.book.asks.best()
            self.last_price = bid or ask or 0

    def change(self, bids: Levels, asks: Levels, ts_ns: int) -> None:
        self._book_ns = ts_ns
        for side, levels in ((self._bids, bids), (self._asks, asks)):
            for price, quantity in levels:
                self._sync(side, units(price), units(quantity), ts_ns)

    def lose(self) -> None:
        self.is_known = False

    def is_late(self, ts_ns: int) -> bool:
        """Whether the book already shows what a print of this time took."""
        return ts_ns <= self._book_ns

    def printed_at(self, is_buy: bool, price: int, quantity: int, ts_ns: int) -> None:
        """A trade at `price`, taken by a buyer or a seller: better prices are gone, and the price has less."""
        side = self._asks if is_buy else self._bids
        for better in self._better(side, price):
            self._set_crowd(side, better, 0)
        side.printed.setdefault(price, []).append((ts_ns, quantity))

    def _better(self, side: _Side, price: int) -> list[int]:
        half = self.book.bids if side.is_bid else self.book.asks
        found = []
        for key in reversed(half.keys):
            at = key if side.is_bid else -key
            if at <= price if side.is_bid else at >= price:
                break
            found.append(at)
        return found

    def _sync(self, side: _Side, price: int, total: int, ts_ns: int, *, ahead: bool = False) -> None:
        """The venue displays `total` at `price`; make the crowd's part of the queue agree."""
        before = side.displayed.get(price, 0)
        if taken := side.taken.get(price, 0):
            # Part of what we took of was canceled or traded since; of what came new we took nothing.
            side.taken[price] = taken = taken * min(total, before) // before if before else 0
        newer = [one for one in side.printed.get(price, ()) if one[0] > ts_ns]
        if newer:
            side.printed[price] = newer
        else:
            side.printed.pop(price, None)
        if total:
            side.displayed[price] = total
        else:
            side.displayed.pop(price, None)
            side.taken.pop(price, None)
        self._set_crowd(side, price, max(0, total - taken - sum(one[1] for one in newer)), ahead=ahead)

    def _set_crowd(self, side: _Side, price: int, target: int, *, ahead: bool = False) -> None:
        half = self.book.bids if side.is_bid else self.book.asks
        level = half.levels.get(price)
        pieces = [one for one in level.values() if one.owner == CROWD] if level is not None else []
        have = sum(piece.remaining for piece in pieces)
        if target > have:
            self._grow(side, price, target - have, ahead=ahead)
        elif target < have:
            left = target
            for piece in pieces:
                # Rounded up from the front: a queue that is a little too long never fills an order too early.
                keep = min(left, -(-piece.remaining * target // have))
                left -= keep
                if keep:
                    self.book.reduce(piece, keep)
                else:
                    self.book.cancel(piece)

    def _grow(self, side: _Side, price: int, quantity: int, *, ahead: bool) -> None:
        half = self.book.bids if side.is_bid else self.book.asks
        level = half.levels.get(price, {})
        last = next(reversed(level.values())) if level else None
        if last is not None and last.owner == CROWD and not ahead:
            self.book.reduce(last, last.remaining + quantity)
            return
        ours = list(level.values()) if ahead else []
        self.book.add(Resting(self._new_id(), CROWD, side.is_bid, price, quantity))
        level = half.levels[price]
        for order in ours:
            level[order.order_id] = level.pop(order.order_id)

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id
