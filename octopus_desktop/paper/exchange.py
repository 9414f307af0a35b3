"""The matching engine moved by the venue's events: its prints fill our orders, its book is what they trade with."""

from __future__ import annotations

from heapq import merge
from itertools import count

from octopus_desktop.model.events import BookBroken, BookChanged, BookReset, TradesPrinted
from octopus_desktop.model.market import Trade
from octopus_desktop.model.orders import Side
from octopus_desktop.paper.mirror import MirroredMarket
from octopus_desktop.paper.words import units
from octopus_desktop.simulator.account_store import AccountStore
from octopus_desktop.simulator.accounts import Listener
from octopus_desktop.simulator.matching import Matching
from octopus_desktop.simulator.orders import Order

ACCOUNT = 1


class PaperExchange(Matching[MirroredMarket]):
    """One account. Whoever owns it sets `now_ns` before each call."""

    def __init__(self, now_ns: int, listener: Listener | None = None, store: AccountStore | None = None) -> None:
        # Numbers follow the clock faster than anybody trades, so that a restart never gives one twice.
        super().__init__(now_ns, count(now_ns // 1_000), listener, store)

    def settle_up(self) -> None:
        """What restoring or an event has changed: stored, then told."""
        self._settle_up()

    def resting(self, symbol: str) -> list[Order]:
        """As they share what was traded: on each side the best price first, then the oldest; of two sides the older."""
        market = self.markets[symbol]
        return list(merge(self._resting(market, True), self._resting(market, False), key=lambda order: order.order_id))

    def apply(self, market: MirroredMarket, event: BookReset | BookChanged | BookBroken | TradesPrinted) -> None:
        match event:
            case TradesPrinted():
                for trade in event.trades:
                    self._printed(market, trade)
            case BookReset():
                market.reset(event.bids, event.asks, event.ts_venue_ns)
                self._uncross(market)
            case BookChanged():
                market.change(event.bids, event.asks, event.ts_venue_ns)
                self._uncross(market)
            case BookBroken():
                market.lose()
        self._settle_up()

    def _printed(self, market: MirroredMarket, trade: Trade) -> None:
        """Who stands at a better price was there first; then the queue at the print's price, from its front."""
        is_buy = trade.aggressor is Side.BUY
        price, left = units(trade.price), units(trade.quantity)
        late = market.is_late(trade.ts_venue_ns)
        for order in self._resting(market, not is_buy):
            if left and (order.price > price if order.is_buy else order.price < price):
                left -= self._hit(market, order, left)
        market.last_price = price
        matches = []
        if not late:
            # A late print is in the queues already, as a change of the book: it says only what was passed.
            market.printed_at(is_buy, price, units(trade.quantity), trade.ts_venue_ns)
            matches = market.book.take(is_buy, left, price).matches
        self.take_from_outside(market, is_buy, 0, matches)

    def _uncross(self, market: MirroredMarket) -> None:
        """The venue displays what a resting order of ours asks for: it is filled, at its price, as far as that goes."""
        for is_buy in (True, False):
            for order in self._resting(market, is_buy):
                there = market.book.available(is_buy, order.price, order.unfilled)
                if not there:
                    break
                sweep = market.book.take(is_buy, min(there, order.unfilled), order.price)
                market.print_matches(is_buy, order.order_id, sweep.matches, self.now_ns)
                self._hit(market, order, sum(match.quantity for match in sweep.matches))

    def _hit(self, market: MirroredMarket, order: Order, quantity: int) -> int:
        filled = min(order.unfilled, quantity)
        self.fill_resting(market, order, filled)
        return filled

    def _resting(self, market: MirroredMarket, is_buy: bool) -> list[Order]:
        """Best price first, then the oldest."""
        mine = [
            order
            for order in self.open_orders(ACCOUNT, market.listing.symbol)
            if order.is_buy is is_buy and order.triggered
        ]
        return sorted(mine, key=lambda order: -order.price if is_buy else order.price)
