"""The exchange itself: the matching engine with its markets and their crowds, and a clock that is told to move.

It knows no sockets and no wall clock, so a server drives it in real time and a test drives it as fast as it likes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from itertools import count

from octopus_desktop.simulator.accounts import Listener, Store
from octopus_desktop.simulator.book import Match, Print
from octopus_desktop.simulator.crowd import STEP_NS, Crowd, Took, step_of
from octopus_desktop.simulator.listings import LISTINGS, Listing
from octopus_desktop.simulator.market import Market
from octopus_desktop.simulator.matching import Matching
from octopus_desktop.simulator.path import GENESIS_S, Path
from octopus_desktop.simulator.units import SECOND_NS, UNIT

_LOOK_AHEAD_EVERY = 30
"""Steps between a crowd's looks ahead, which take longer than a step's other work: never all crowds at once."""


class Exchange(Matching[Market]):
    """All markets and all accounts at one moment, `now_ns` (UTC)."""

    def __init__(
        self,
        seed: int,
        start_ns: int,
        *,
        listings: Iterable[Listing] = LISTINGS,
        activity: float = 1.0,
        listener: Listener | None = None,
        store: Store | None = None,
    ) -> None:
        if start_ns < (GENESIS_S + 86_400) * SECOND_NS:
            raise ValueError("the market begins on 2019-01-02")
        self.seed = seed
        self._step = step_of(start_ns)
        self.skew_ns = 0
        """How far the clock that callers are told is off the exchange's own: a fault."""
        self.known_until_s = 0
        """Where an earlier life of the market ended, Unix seconds; 0 where there was none."""
        # On a step's edge, so that the same start means the same market to the nanosecond.
        self.start_ns = GENESIS_S * SECOND_NS + self._step * STEP_NS
        super().__init__(self.start_ns, count((self.start_ns // SECOND_NS - GENESIS_S) * 6_000), listener, store)
        self._crowds: dict[str, Crowd] = {}
        self._agenda: list[tuple[int, int, str, bool]] = []
        self._agenda_step = self._step - 1
        for listing in listings:
            path = Path(seed, listing)
            market = Market(listing, path, self.now_ns)
            self.list_market(market)
            self._crowds[listing.symbol] = Crowd(
                seed, path, market.book, self.now_ns, self._ids.__next__, self._taker_of(market), activity
            )

    def _taker_of(self, market: Market) -> Took:
        def took(is_buy: bool, order_id: int, matches: list[Match], ts_ns: int) -> None:
            self.take_from_outside(market, is_buy, order_id, matches)

        return took

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, known_until_s: int = 0) -> None:
        """Open the markets: books are filled, and what accounts left resting stands in them already.

        `known_until_s` is the Unix second up to which an earlier life of the market is on record.
        """
        self.known_until_s = known_until_s
        now_s = self.now_ns // SECOND_NS
        for symbol, market in self.markets.items():
            crowd = self._crowds[symbol]
            reference, _ = crowd.look(self._step)
            tick = market.listing.tick
            market.last_price = round(reference * UNIT / tick) * tick
            market.history.go_live(now_s, market.last_price, known_until_s)
            if known_until_s:
                self._make_up(market, known_until_s, now_s)
            crowd.open_book(self._step, self.now_ns)
            self._fire(market)
        self._settle_up()

    def sleep_until(self, to_ns: int) -> None:
        """Let time pass without living it, as when the machine was asleep: a restart without the restart."""
        from_s = self.now_ns // SECOND_NS
        self._step = step_of(to_ns)
        self._agenda_step = self._step - 1
        self._agenda.clear()
        self.now_ns = max(self.now_ns, to_ns)
        for crowd in self._crowds.values():
            crowd.leave()
        self.open(from_s)

    def advance(self, to_ns: int) -> None:
        """Let the market live until `to_ns`. Never goes back; what is due happens at its own moment."""
        agenda = self._agenda
        while True:
            step_start = GENESIS_S * SECOND_NS + self._step * STEP_NS
            if self._agenda_step < self._step:
                if step_start > to_ns:
                    break
                self._agenda_step = self._step
                self.now_ns = max(self.now_ns, step_start)
                for order, (symbol, crowd) in enumerate(self._crowds.items()):
                    makers_at, takers_at = crowd.plan(self._step, step_start)
                    if (self._step + 3 * order) % _LOOK_AHEAD_EVERY == 0:
                        crowd.look_ahead()
                    heapq.heappush(agenda, (makers_at, order, symbol, True))
                    for at in takers_at:
                        heapq.heappush(agenda, (at, order, symbol, False))
            while agenda and agenda[0][0] <= to_ns:
                self.now_ns, _, symbol, is_maker = heapq.heappop(agenda)
                crowd = self._crowds[symbol]
                (crowd.requote if is_maker else crowd.taker)(self._step, self.now_ns)
            if step_start + STEP_NS > to_ns:
                break
            self._step += 1
        self.now_ns = max(self.now_ns, to_ns)
        now_s = self.now_ns // SECOND_NS
        for market in self.markets.values():
            market.history.roll(now_s, market.last_price)
        self._settle_up()

    def _make_up(self, market: Market, from_s: int, to_s: int) -> None:
        """Fill what the market has passed while nobody was there to see it: at its own price, as a maker.

        Triggers the price has passed in that time are left to the first price now.
        """
        if to_s <= from_s:
            return
        low, high = market.history.extremes(from_s, to_s)
        for orders in list(self._open.values()):
            for order in list(orders.values()):
                if order.symbol != market.listing.symbol or not order.triggered or not order.is_open:
                    continue
                if order.price > low if order.is_buy else order.price < high:
                    market.book.cancel(order)
                    quantity, order.remaining, order.hidden = order.unfilled, 0, 0
                    buyer, seller = (order.order_id, 0) if order.is_buy else (0, order.order_id)
                    one = Print(market.next_trade_id, order.price, quantity, self.now_ns, order.is_buy, buyer, seller)
                    market.next_trade_id += 1
                    self._settle(market, not order.is_buy, None, order, one)
