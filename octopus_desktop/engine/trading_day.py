"""How the day goes: profit since midnight UTC, its peak, losses in a row and the usual size of an order.

A fold of the order events beside `State`, so that a restart knows the day. Each event costs the same however long
the history is.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from copy import copy
from decimal import Decimal
from statistics import median
from typing import Any, Final

import msgspec

from octopus_desktop.engine.valuation import live_mark_of, mark_of, price_to_come, rate_of, rate_pairs
from octopus_desktop.model.account import Position, by_trade
from octopus_desktop.model.events import (
    AlgoEnded,
    Event,
    InstrumentListed,
    Link,
    LinkChanged,
    LinkStatus,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderSubmitted,
)
from octopus_desktop.model.identifiers import InstrumentId, Venue, symbol_of, venue_of
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import ZERO, Fill, Order, OrderIntent
from octopus_desktop.state import State

logger = logging.getLogger(__name__)

DAY_NS: Final = 86_400_000_000_000
USUAL_OF: Final = 20
USUAL_FEE: Final = Decimal("0.001")
BLIND_FOR_NS: Final = 30_000_000_000
"""So long a price may take to come; at every start it takes a moment. Then the day is judged without it."""
SETTLED_WITHIN_NS: Final = 2_000_000_000
"""So soon a session puts right what was told out of its turn."""
USUAL_FROM: Final = 5
"""Fewer orders than this are no habit yet."""
_WANTED_SIZES: Final = ("", "entry")
"""Roles whose size the trader chose; slices and exits follow from others."""


class _Trade:
    """What the closings of a position brought, those that were judged; below zero it counts as one loss."""

    __slots__ = ("gained",)

    def __init__(self) -> None:
        self.gained = ZERO


class _Line:
    """One instrument's day. `held` and `mark` are from its start; `cash` is what the fills since brought, in quote.

    `mark` is what one of `held` was worth at midnight UTC. Where this session did not see that, it is what an earlier
    one kept of the day; else the first price known of it, be it of a fill of ours (`first`) or the first live one. The
    fill of an earlier day is no price of this one.
    """

    __slots__ = (
        "before",
        "blind_ns",
        "cash",
        "fees",
        "first",
        "held",
        "last",
        "late_ns",
        "mark",
        "newest",
        "position",
        "price",
        "trade",
    )

    def __init__(self, position: Position) -> None:
        self.position = position
        self.held = ZERO
        self.mark: Decimal | None = None
        self.cash = ZERO
        self.fees = ZERO
        self.first: Decimal | None = None
        self.last: Decimal | None = None
        """The newest of a fill of today."""
        self.price: Decimal | None = None
        """The last live one of today in this session."""
        self.newest: Fill | None = None
        self.before: _Line | None = None
        """Itself before a fill was told out of its turn: as they were told they may add up to what never was."""
        self.late_ns = 0
        """When that was, the last time."""
        self.blind_ns = 0
        """Since when a price of it is waited for."""
        self.trade = _Trade()
        """Of its position, since that grew last."""

    @property
    def counts(self) -> bool:
        return bool(self.position.quantity or self.held or self.traded)

    @property
    def traded(self) -> bool:
        return bool(self.cash or self.fees)

    @property
    def is_priced(self) -> bool:
        return self.price is not None or not self.position.quantity

    def out_of_turn(self) -> None:
        """It counts as it was until it is retold."""
        if self.before is None:
            self.before = copy(self)
            self.before.position = self.position.copy()

    def begin(self, mark: Decimal | None) -> None:
        """A day."""
        self.held, self.mark, self.price = self.position.quantity, mark, mark
        self.first = self.last = None
        self.cash = self.fees = ZERO
        if self.before is not None:
            self.before.begin(mark)

    def take(self, fill: Fill, start_ns: int) -> Decimal | None:
        """What a fill that closes gained before its fee; None where it opens."""
        position = self.position
        before, realised = position.quantity, position.realised
        position.apply(fill)
        # Of coins that were there before the day's profit knows nothing, nor of what selling them brought.
        signed = position.quantity - before
        if fill.ts_venue_ns < start_ns:
            self.held += signed  # of an earlier day, and heard of only now
        else:
            self.cash -= signed * fill.price
            self.last = fill.price
            if self.first is None:
                self.first = fill.price
        return position.realised - realised if before * signed < 0 else None

    def retell(self, position: Position, fills: list[Fill], start_ns: int) -> None:
        """The day anew, in the venue's order. Fees are the same in any."""
        self.position, self.before = position, None
        self.held, self.cash, self.first, self.last = position.quantity, ZERO, None, None
        for fill in fills:
            self.take(fill, start_ns)

    def profit(self, live: Decimal | None) -> Decimal:
        """In quote. What has no live price is worth what it was last known at today; without any it stood still."""
        if live is not None:
            self.price = live
        if self.mark is None and self.held:
            self.mark = self.first if self.first is not None else live
        own = self.cash - self.fees
        for now in (self.price, self.last, self.mark):
            if now is not None:
                began = self.mark if self.mark is not None else now
                return own + self.position.quantity * now - self.held * began
        return own

    def is_crumb(self, instrument: Instrument | None, known: Decimal | None) -> bool:
        """Less than an order may be worth, at the price that is known or was paid last: nothing hangs on it.

        One that fell so deep today is none: what it lost may come back.
        """
        if instrument is None or self.newest is None:
            return False
        price = max(self.price or known or self.newest.price, self.last or ZERO, self.mark or ZERO)
        return abs(self.position.quantity) * price < instrument.min_notional


class KeptDay(msgspec.Struct, frozen=True):
    """What the journal does not tell: the prices the day began with, and the most it was worth."""

    start_ns: int
    peak: Decimal
    marks: dict[InstrumentId, Decimal]


class Standing(msgspec.Struct, frozen=True):
    """In the limits' currency. What has no price, `unvalued`, is counted at the last one known of today, or not at all.

    `waits`: one of them will have a price soon. Until then the sums are parts of a whole, and nothing follows from
    them. `overdue` are those whose price should have come by now: the day is judged without it.
    """

    profit: Decimal
    peak: Decimal
    fees: Decimal
    unvalued: tuple[str, ...] = ()
    waits: bool = False
    overdue: tuple[str, ...] = ()

    @property
    def drawdown(self) -> Decimal:
        return max(ZERO, self.peak - self.profit)


class TradingDay:
    """Subscribed to the bus before the journal is folded; it reads the state as it is after each event."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.start_ns = 0
        self.peak = ZERO
        self.losses_in_a_row = 0
        self.last_loss_ns = 0
        self._lines: dict[InstrumentId, _Line] = {}
        self._closing: dict[str, tuple[_Trade, Decimal]] = {}
        """By order or algo: what it closed until now, of which trade."""
        self._begun: dict[str, _Trade] = {}
        """By algo: the trade that its own entry began."""
        self._sizes: dict[InstrumentId, deque[Decimal]] = {}
        self._usual: dict[InstrumentId, Decimal] = {}
        self._seen_ns: dict[Venue, int] = {}
        """Since when there is a market to send prices."""
        self._apply: dict[type, Callable[[Any], None]] = {
            OrderSubmitted: self._submitted,
            OrderFilled: self._filled,
            OrderCanceled: self._ended,
            OrderExpired: self._ended,
            AlgoEnded: self._algo_ended,
            InstrumentListed: self._listed,
            LinkChanged: self._link_changed,
        }

    def apply(self, event: Event) -> None:
        apply = self._apply.get(type(event))
        if apply is not None:
            apply(event)

    # What it comes to -------------------------------------------------------

    def settle(self) -> None:
        """Puts right what was told out of its turn. It may take a tenth of a second: not while an order waits."""
        for name, line in self._lines.items():
            if line.before is not None:
                line.retell(*self._state.fills_since(name, self.start_ns), self.start_ns)

    def standing(self, currency: str, now_ns: int) -> Standing:
        """Moves the day where a new one has begun, and the peak where no price is waited for."""
        self.roll(now_ns)
        state = self._state
        profit = fees = ZERO
        unvalued: set[str] = set()
        overdue: set[str] = set()
        waits, settled = False, True
        for name, told in self._lines.items():
            line = told.before or told
            settled = settled and line is told
            if not line.counts:
                told.blind_ns = 0
                continue
            own = line.profit(live_mark_of(state, name))
            instrument = state.instruments.get(name)
            missing: set[str] = set()
            to_come = False
            if instrument is None or not (line.is_priced or line.is_crumb(instrument, mark_of(state, name))):
                missing.add(symbol_of(name) if instrument is None else instrument.base)
                to_come = price_to_come(state, name)
            if own or line.fees:
                quote = _quote_of(name, instrument, currency)
                rate = rate_of(state, venue_of(name), quote, currency) if quote is not None else None
                if rate is not None:
                    profit += own * rate
                    fees += line.fees * rate
                elif quote is not None:
                    missing.add(quote)
                    pairs = rate_pairs(venue_of(name), quote, currency)
                    to_come = to_come or any(price_to_come(state, pair) for pair in pairs)
            unvalued |= missing
            if not to_come:
                told.blind_ns = 0
            elif self._is_soon(told, venue_of(name), now_ns):
                waits = True
            else:
                overdue |= missing
        if settled and not waits:
            self.peak = max(self.peak, profit)
        return Standing(profit, self.peak, fees, tuple(sorted(unvalued)), waits, tuple(sorted(overdue)))

    def _is_soon(self, line: _Line, venue: Venue, now_ns: int) -> bool:
        line.blind_ns = line.blind_ns or now_ns
        return now_ns - max(line.blind_ns, self._seen_ns.get(venue, 0)) < BLIND_FOR_NS

    def priced_by(self, currency: str) -> set[InstrumentId]:
        """Whose prices the day is valued with: of what is held or may be filled, and of the currencies it is in.

        A crumb that no order can sell has no stream of its own.
        """
        state = self._state
        exposed = {order.intent.instrument_id for order in state.working.values()}
        counted = exposed.copy()
        for name, line in self._lines.items():
            if line.position.quantity and not line.is_crumb(state.instruments.get(name), mark_of(state, name)):
                exposed.add(name)
                counted.add(name)
            elif line.traded or line.price is not None:
                counted.add(name)
        for name in counted:
            instrument = state.instruments.get(name)
            if instrument is not None and instrument.quote != currency:
                exposed.update(rate_pairs(instrument.venue, instrument.quote, currency))
        return exposed & state.instruments.keys()

    def cooldown_until(self, limits: RiskLimits, now_ns: int) -> int | None:
        wanted = limits.losses_before_cooldown
        if not wanted or self.losses_in_a_row < wanted:
            return None
        until = self.last_loss_ns + limits.cooldown_s * 1_000_000_000
        return until if now_ns < until else None

    @property
    def usual_sizes(self) -> dict[InstrumentId, Decimal]:
        return self._usual

    # The day ----------------------------------------------------------------

    def roll(self, now_ns: int) -> None:
        """A new day begins with what is held now at what it is worth now."""
        start = now_ns - now_ns % DAY_NS
        if start <= self.start_ns:
            return
        # A day that ended long before this is told, in a replay or after a sleep, left no prices.
        seen = self.start_ns and start - self.start_ns == DAY_NS
        self.start_ns = start
        self.peak = ZERO
        for name, line in self._lines.items():
            line.begin(live_mark_of(self._state, name) if seen else None)

    def keep(self) -> KeptDay:
        marks = {name: line.mark for name, line in self._lines.items() if line.held and line.mark is not None}
        return KeptDay(self.start_ns, self.peak, marks)

    def remember(self, kept: KeptDay, now_ns: int) -> None:
        """After the journal is folded."""
        self.roll(now_ns)
        if kept.start_ns != self.start_ns:
            return
        self.peak = max(self.peak, kept.peak)
        for name, mark in kept.marks.items():
            line = self._lines.get(name)
            if line is not None:
                line.mark = mark
                if line.before is not None:
                    line.before.mark = mark

    # The fold ---------------------------------------------------------------

    def _submitted(self, event: OrderSubmitted) -> None:
        order = self._state.orders.get(event.client_order_id)
        if order is None or order.adopted or not order.intent.quantity or order.intent.role not in _WANTED_SIZES:
            return
        name = order.intent.instrument_id
        sizes = self._sizes.setdefault(name, deque(maxlen=USUAL_OF))
        sizes.append(order.intent.quantity)
        if len(sizes) >= USUAL_FROM:
            self._usual[name] = median(sizes)

    def _filled(self, event: OrderFilled) -> None:
        fill = event.fill
        order = self._state.orders.get(event.client_order_id)
        if order is None:
            return
        if self._state.fills and self._state.fills[-1] is fill:  # else it was told twice, and counted once
            self.roll(fill.ts_venue_ns)
            self._take(fill, order.intent, event.ts_ns)
        if order.status.is_terminal:
            self._settle(order, event.ts_ns)

    def _take(self, fill: Fill, intent: OrderIntent, now_ns: int) -> None:
        name = fill.instrument_id
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = _Line(Position(name, can_be_short=self._state.can_be_short(name)))
        in_turn = line.newest is None or by_trade(fill) > by_trade(line.newest)
        if in_turn:
            line.newest = fill
            if line.before is not None and now_ns - line.late_ns > SETTLED_WITHIN_NS:
                self._settle_before(fill, line)
        else:
            line.out_of_turn()
            line.late_ns = now_ns
        fee = self._fee_in_quote(fill)
        if fill.ts_venue_ns >= self.start_ns:
            line.fees += fee
        gained = line.take(fill, self.start_ns)
        if gained is not None:
            self._closed(intent, line.trade, gained - fee)
        # It opened, added or turned the position. One told late is of a position that was judged since.
        if in_turn and line.position.quantity * fill.quantity * fill.side.sign > 0:
            line.trade = _Trade()
            if intent.parent is not None:
                self._begun[intent.parent] = line.trade

    def _settle_before(self, fill: Fill, line: _Line) -> None:
        """A fold of the journal has nobody who looks between the fills, and judges as the session did that had."""
        position, fills = self._state.fills_since(fill.instrument_id, self.start_ns)
        if fills and fills[-1] is fill:  # the state has it; it is of an earlier day where it is not among them
            line.retell(position, fills[:-1], self.start_ns)

    def _closed(self, intent: OrderIntent, trade: _Trade, gained: Decimal) -> None:
        """Judged when the order ends, or the algo it is of."""
        closer: str = intent.client_order_id
        if intent.parent is not None:
            closer, trade = intent.parent, self._begun.get(intent.parent, trade)
        _, before = self._closing.get(closer, (trade, ZERO))
        self._closing[closer] = trade, before + gained

    def _listed(self, event: InstrumentListed) -> None:
        """The journal is folded before the venue has said what the instrument is."""
        line = self._lines.get(event.instrument_id)
        if line is not None and line.position.can_be_short is not self._state.can_be_short(event.instrument_id):
            line.out_of_turn()

    def _link_changed(self, event: LinkChanged) -> None:
        if event.link is Link.MARKET and event.status is LinkStatus.UP:
            self._seen_ns.setdefault(event.venue, event.ts_ns)

    def _fee_in_quote(self, fill: Fill) -> Decimal:
        """A fee in a third asset without a known price counts as the instrument's usual fee."""
        if not fill.fee:
            return ZERO
        instrument = self._state.instruments.get(fill.instrument_id)
        if instrument is None:
            # The journal is folded before the venue has listed anything: the symbol tells base and quote.
            symbol = symbol_of(fill.instrument_id)
            if symbol.endswith(fill.fee_asset):
                return fill.fee
            if symbol.startswith(fill.fee_asset):
                return fill.fee * fill.price
            return fill.price * fill.quantity * USUAL_FEE
        if fill.fee_asset == instrument.quote:
            return fill.fee
        if fill.fee_asset == instrument.base:
            return fill.fee * fill.price
        rate = rate_of(self._state, instrument.venue, fill.fee_asset, instrument.quote)
        if rate is not None:
            return fill.fee * rate
        return fill.price * fill.quantity * (instrument.maker_fee if fill.is_maker else instrument.taker_fee)

    def _ended(self, event: OrderCanceled | OrderExpired) -> None:
        order = self._state.orders.get(event.client_order_id)
        if order is not None:
            self._settle(order, event.ts_ns)

    def _settle(self, order: Order, now_ns: int) -> None:
        """Closing is over when the order is, or the algo that closed in parts."""
        if order.intent.parent is None:
            self._judge(order.client_order_id, now_ns)
            return
        algo = self._state.algos.get(order.intent.parent)
        if algo is None or algo.status.is_over:
            self._judge(order.intent.parent, now_ns)

    def _algo_ended(self, event: AlgoEnded) -> None:
        self._judge(event.algo_id, event.ts_ns)

    def _judge(self, closer: str, now_ns: int) -> None:
        """A position closed in parts is one trade: it is lost once, and won when the parts come to a gain after all."""
        if closer not in self._closing:
            return
        trade, gained = self._closing.pop(closer)
        counted = trade.gained < 0
        trade.gained += gained
        if trade.gained >= 0:
            self.losses_in_a_row = 0
            return
        if not counted:
            self.losses_in_a_row += 1
        if gained < 0:
            self.last_loss_ns = now_ns


def _quote_of(name: InstrumentId, instrument: Instrument | None, currency: str) -> str | None:
    """What its money is in; the symbol tells it of what the venue lists no longer."""
    if instrument is not None:
        return instrument.quote
    return currency if symbol_of(name).endswith(currency) else None
