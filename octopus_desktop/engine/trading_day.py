"""How the day goes: profit since midnight UTC, its peak, losses in a row and the usual size of an order.

A fold of the order events beside `State`, so that a restart knows the day. Each event costs the same however long
the history is.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from statistics import median
from typing import Any, Final

import msgspec

from octopus_desktop.engine.valuation import mark_of, rate_of
from octopus_desktop.model.events import (
    AlgoEnded,
    Event,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderSubmitted,
    TradingLevelChanged,
)
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import InstrumentId, symbol_of, venue_of
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import ZERO, Fill, Order
from octopus_desktop.model.safety import LevelCause, TradingLevel
from octopus_desktop.state import State

logger = logging.getLogger(__name__)

DAY_NS: Final = 86_400_000_000_000
USUAL_OF: Final = 20
USUAL_FEE: Final = Decimal("0.001")
USUAL_FROM: Final = 5
"""Fewer orders than this are no habit yet."""
_WANTED_SIZES: Final = ("", "entry")
"""Roles whose size the trader chose; slices and exits follow from others."""


class _Line:
    """One instrument's day. `held` and `mark` are from its start; `cash` is what the fills since brought, in quote."""

    __slots__ = ("cash", "fees", "held", "last", "mark", "quantity", "realised")

    def __init__(self) -> None:
        self.held = ZERO
        self.mark: Decimal | None = None
        self.cash = ZERO
        self.fees = ZERO
        self.quantity = ZERO
        self.realised = ZERO
        self.last = ZERO


class KeptDay(msgspec.Struct, frozen=True):
    """What the journal does not tell: the prices the day began with, and the most it was worth."""

    start_ns: int
    peak: Decimal
    marks: dict[InstrumentId, Decimal]


class Standing(msgspec.Struct, frozen=True):
    """In the limits' currency. `unvalued` are currencies without a known price, left out of the sums."""

    profit: Decimal
    peak: Decimal
    fees: Decimal
    unvalued: tuple[str, ...] = ()

    @property
    def drawdown(self) -> Decimal:
        return self.peak - self.profit


class TradingDay:
    """Subscribed to the bus before the journal is folded; it reads the state as it is after each event."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.start_ns = 0
        self.peak = ZERO
        self.losses_in_a_row = 0
        self.last_loss_ns = 0
        self._lines: dict[InstrumentId, _Line] = {}
        self._closing: dict[str, Decimal] = {}
        self._sizes: dict[InstrumentId, deque[Decimal]] = {}
        self._usual: dict[InstrumentId, Decimal] = {}
        self._limited_day = -1
        self._overridden_day = -1
        self._apply: dict[type, Callable[[Any], None]] = {
            OrderSubmitted: self._submitted,
            OrderFilled: self._filled,
            OrderCanceled: self._ended,
            OrderExpired: self._ended,
            AlgoEnded: self._algo_ended,
            TradingLevelChanged: self._level_changed,
        }

    def apply(self, event: Event) -> None:
        apply = self._apply.get(type(event))
        if apply is not None:
            apply(event)

    # What it comes to -------------------------------------------------------

    def standing(self, currency: str, now_ns: int) -> Standing:
        """Moves the peak, and the day where a new one has begun."""
        self.roll(now_ns)
        profit = fees = ZERO
        unvalued: set[str] = set()
        for name, line in self._lines.items():
            own = line.cash - line.fees
            if line.quantity or line.held:
                mark = mark_of(self._state, name) or line.last
                if line.mark is None:
                    line.mark = mark  # the session did not see the day begin: it counts from here
                own += line.quantity * mark - line.held * line.mark
            if not own and not line.fees:
                continue
            instrument = self._state.instruments.get(name)
            quote = instrument.quote if instrument is not None else currency
            rate = rate_of(self._state, venue_of(name), quote, currency)
            if rate is None:
                unvalued.add(quote)
                continue
            profit += own * rate
            fees += line.fees * rate
        self.peak = max(self.peak, profit)
        return Standing(profit, self.peak, fees, tuple(sorted(unvalued)))

    def breach(self, limits: RiskLimits, now_ns: int) -> str | None:
        """Which of the day's limits is broken, in a sentence; None also where the trader has said to go on today."""
        if limits.max_daily_loss is None and limits.max_drawdown is None:
            return None
        if self._overridden_day == now_ns // DAY_NS:
            return None
        now = self.standing(limits.currency, now_ns)
        if limits.max_daily_loss is not None and -now.profit >= limits.max_daily_loss:
            most = figure(limits.max_daily_loss)
            return f"The day's loss is {-now.profit:,.2f} {limits.currency}, your limit is {most}."
        if limits.max_drawdown is not None and now.drawdown >= limits.max_drawdown:
            return (
                f"The day is {now.drawdown:,.2f} {limits.currency} below its peak of {now.peak:,.2f}, "
                f"your limit is {figure(limits.max_drawdown)}."
            )
        return None

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
            line.held = line.quantity
            line.mark = mark_of(self._state, name) if seen else None
            line.cash = line.fees = ZERO

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
            if name in self._lines:
                self._lines[name].mark = mark

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
        position = self._state.position_as_told(fill.instrument_id)
        line = self._lines.setdefault(fill.instrument_id, _Line())
        if order is None or position is None:
            return
        if self._state.fills[-1] is not fill:  # told twice: the state counted it once
            if order.status.is_terminal:
                self._settle(order, event.ts_ns)
            return
        # Of coins that were there before the day's profit knows nothing, nor of what selling them brought.
        signed = position.quantity - line.quantity
        self.roll(fill.ts_venue_ns)
        closes = bool(line.quantity) and (line.quantity > 0) != (signed > 0)
        fee = self._fee_in_quote(fill)
        if fill.ts_venue_ns < self.start_ns:
            line.held += signed  # of an earlier day, and heard of only now
        else:
            line.cash -= signed * fill.price
            line.fees += fee
        line.quantity = position.quantity
        line.last = fill.price
        gained, line.realised = position.realised - line.realised, position.realised
        if closes:
            trade = order.intent.parent or event.client_order_id
            self._closing[trade] = self._closing.get(trade, ZERO) + gained - fee
        if order.status.is_terminal:
            self._settle(order, event.ts_ns)

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
        """A trade is over when its closing order is, or the algo that closed in parts."""
        if order.intent.parent is None:
            self._judge(order.client_order_id, now_ns)
            return
        algo = self._state.algos.get(order.intent.parent)
        if algo is None or algo.status.is_over:
            self._judge(order.intent.parent, now_ns)

    def _algo_ended(self, event: AlgoEnded) -> None:
        self._judge(event.algo_id, event.ts_ns)

    def _judge(self, trade: str, now_ns: int) -> None:
        gained = self._closing.pop(trade, None)
        if gained is None:
            return
        if gained < 0:
            self.losses_in_a_row += 1
            self.last_loss_ns = now_ns
        else:
            self.losses_in_a_row = 0

    def _level_changed(self, event: TradingLevelChanged) -> None:
        day = event.ts_ns // DAY_NS
        if event.cause is LevelCause.DAY_LIMIT:
            self._limited_day = day
        elif event.level is TradingLevel.ACTIVE and event.cause is LevelCause.TRADER and self._limited_day == day:
            self._overridden_day = day
