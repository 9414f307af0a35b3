"""The fold: `State.apply(event)` is the only thing that changes what is known.

The node's state, the screen's copy, a restart from the journal and a replay are all this one.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from octopus_desktop.model.account import Balance, FillCourse, Position
from octopus_desktop.model.algos import Algo, AlgoStatus
from octopus_desktop.model.events import (
    AccountMissing,
    AlgoEnded,
    AlgoEvent,
    AlgoPaused,
    AlgoProgressed,
    AlgoResumed,
    AlgoStarted,
    AlgoStopping,
    BalanceChanged,
    BookBroken,
    BookChanged,
    BookReset,
    BreakerChanged,
    CandleChanged,
    EngineFailed,
    EntryLocked,
    EntryUnlocked,
    Event,
    FeedRecovered,
    FeedStale,
    InstrumentListed,
    KillProgressed,
    KillStep,
    LedgerChecked,
    Link,
    LinkChanged,
    LogRecorded,
    MarkPriceChanged,
    NoticeRaised,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderDenied,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderInitiated,
    OrderRejected,
    OrderSubmitted,
    OrderUnknown,
    QuoteChanged,
    Reconciled,
    TickerChanged,
    TradesPrinted,
    TradingLevelChanged,
    VenueMeasured,
)
from octopus_desktop.model.identifiers import AlgoId, ClientOrderId, InstrumentId, Venue
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.market_state import Market
from octopus_desktop.model.orders import LIFECYCLE, ZERO, Fill, Order, OrderStatus, Step
from octopus_desktop.model.safety import TradingLevel

logger = logging.getLogger(__name__)

KEPT_LOG_LINES: Final = 5000
KEPT_LEDGER_CHECKS: Final = 200


class State:
    """Plain attributes, to be read by anyone on the thread that applies the events, and written by nobody else."""

    def __init__(self) -> None:
        self.instruments: dict[InstrumentId, Instrument] = {}
        self.markets: dict[InstrumentId, Market] = {}
        self.orders: dict[ClientOrderId, Order] = {}
        self.working: dict[ClientOrderId, Order] = {}
        self.algos: dict[AlgoId, Algo] = {}
        self.fills: list[Fill] = []
        self._courses: dict[InstrumentId, FillCourse] = {}
        self._positions: dict[InstrumentId, Position] = {}
        self._unsettled: set[InstrumentId] = set()
        self.balances: dict[tuple[Venue, str], Balance] = {}
        self.links: dict[tuple[Venue, Link], LinkChanged] = {}
        self.measured: dict[Venue, VenueMeasured] = {}
        self.reconciled: dict[Venue, Reconciled] = {}
        self.no_account: AccountMissing | None = None
        self.ledger: dict[Venue, LedgerChecked] = {}
        self.unexplained: deque[LedgerChecked] = deque(maxlen=KEPT_LEDGER_CHECKS)
        """The checks that found a difference, this session's and earlier ones'."""
        self.level = TradingLevelChanged(TradingLevel.ACTIVE, "", 0)
        self.kill: dict[KillStep, KillProgressed] = {}
        self.breakers: dict[tuple[Venue, str], BreakerChanged] = {}
        """The open ones."""
        self.entry_locked: str | None = "Starting: not compared with the venue yet."
        self.log: deque[LogRecorded] = deque(maxlen=KEPT_LOG_LINES)
        self.notices: deque[NoticeRaised] = deque(maxlen=100)
        self.failure: EngineFailed | None = None
        self._apply: dict[type, Callable[[Any], None]] = {
            InstrumentListed: self._instrument_listed,
            TradesPrinted: self._trades_printed,
            QuoteChanged: self._quote_changed,
            BookReset: self._book_reset,
            BookChanged: self._book_changed,
            BookBroken: self._book_broken,
            CandleChanged: self._candle_changed,
            TickerChanged: self._ticker_changed,
            MarkPriceChanged: self._mark_price_changed,
            FeedStale: self._feed_stale,
            FeedRecovered: self._feed_recovered,
            OrderInitiated: self._order_initiated,
            OrderDenied: self._order_denied,
            OrderSubmitted: self._order_submitted,
            OrderAccepted: self._order_accepted,
            OrderRejected: self._order_rejected,
            OrderFilled: self._order_filled,
            OrderCanceled: self._order_canceled,
            OrderExpired: self._order_expired,
            OrderUnknown: self._order_unknown,
            OrderCancelRequested: self._order_cancel_requested,
            OrderCancelRejected: self._order_cancel_rejected,
            AlgoStarted: self._algo_started,
            AlgoProgressed: self._algo_progressed,
            AlgoPaused: self._algo_paused,
            AlgoResumed: self._algo_resumed,
            AlgoStopping: self._algo_stopping,
            AlgoEnded: self._algo_ended,
            TradingLevelChanged: self._trading_level_changed,
            KillProgressed: self._kill_progressed,
            LedgerChecked: self._ledger_checked,
            BreakerChanged: self._breaker_changed,
            LinkChanged: self._link_changed,
            VenueMeasured: self._venue_measured,
            BalanceChanged: self._balance_changed,
            EntryLocked: self._entry_locked,
            EntryUnlocked: self._entry_unlocked,
            Reconciled: self._reconciled,
            AccountMissing: self._account_missing,
            LogRecorded: self.log.append,
            NoticeRaised: self.notices.append,
            EngineFailed: self._engine_failed,
        }

    def apply(self, event: Event) -> None:
        self._apply[type(event)](event)

    @property
    def positions(self) -> dict[InstrumentId, Position]:
        """The fold of our fills in the order in which the venue made them, whatever order they were told in."""
        self._settle()
        return self._positions

    def fills_since(self, instrument_id: InstrumentId, ts_venue_ns: int) -> tuple[Position, list[Fill]]:
        """Of an instrument with fills: its position before them, and they themselves in the venue's order."""
        self._settle()
        return self._courses[instrument_id].since(ts_venue_ns)

    def _settle(self) -> None:
        while self._unsettled:
            name = self._unsettled.pop()
            course = self._courses[name]
            course.settle(can_be_short=self.can_be_short(name))
            self._positions[name] = course.position

    def can_be_short(self, instrument_id: InstrumentId) -> bool:
        instrument = self.instruments.get(instrument_id)
        return instrument is not None and instrument.kind is not InstrumentKind.SPOT

    def market(self, instrument_id: InstrumentId) -> Market:
        """Created empty where nothing is known yet, so that a reader always has something to read."""
        market = self.markets.get(instrument_id)
        if market is None:
            market = self.markets[instrument_id] = Market()
        return market

    # Market -----------------------------------------------------------------

    def _instrument_listed(self, event: InstrumentListed) -> None:
        name = event.instrument_id
        self.instruments[name] = event.instrument
        self.market(name)
        position = self._positions.get(name)
        if position is not None and position.can_be_short is not self.can_be_short(name):
            self._unsettled.add(name)  # the journal is folded before the venue has said what the instrument is

    def _trades_printed(self, event: TradesPrinted) -> None:
        market = self.market(event.instrument_id)
        market.last_trade = event.trades[-1]
        market.trades.extend(event.trades)

    def _quote_changed(self, event: QuoteChanged) -> None:
        self.market(event.instrument_id).quote = event

    def _book_reset(self, event: BookReset) -> None:
        book = self.market(event.instrument_id).book
        book.bids.replace(event.bids)
        book.asks.replace(event.asks)
        book.last_id = event.last_id
        book.ts_venue_ns = event.ts_venue_ns
        book.valid = True

    def _book_changed(self, event: BookChanged) -> None:
        try:
            book = self.markets[event.instrument_id].book
        except KeyError:
            book = self.market(event.instrument_id).book
        book.change(event.bids, event.asks, event.last_id, event.ts_venue_ns)

    def _book_broken(self, event: BookBroken) -> None:
        self.market(event.instrument_id).book.valid = False

    def _candle_changed(self, event: CandleChanged) -> None:
        self.market(event.instrument_id).candles[event.interval] = event

    def _ticker_changed(self, event: TickerChanged) -> None:
        market = self.market(event.instrument_id)
        if market.ticker is not None and market.ticker.last != event.last:
            market.moved_ns = event.ts_venue_ns
        market.ticker = event

    def _mark_price_changed(self, event: MarkPriceChanged) -> None:
        self.market(event.instrument_id).mark = event

    def _feed_stale(self, event: FeedStale) -> None:
        market = self.market(event.instrument_id)
        if event.interval is not None:
            market.stale_candles[event.interval] = event
        else:
            market.stale[event.channel] = event

    def _feed_recovered(self, event: FeedRecovered) -> None:
        market = self.market(event.instrument_id)
        if event.interval is not None:
            market.stale_candles.pop(event.interval, None)
        else:
            market.stale.pop(event.channel, None)

    # Orders -----------------------------------------------------------------

    def _order_initiated(self, event: OrderInitiated) -> None:
        if event.client_order_id in self.orders:
            logger.error("order %s initiated twice; the second one changes nothing", event.client_order_id)
            return
        order = Order(event.intent, OrderStatus.INITIATED, event.ts_ns, event.ts_ns, adopted=event.adopted)
        self.orders[event.client_order_id] = order
        self.working[event.client_order_id] = order
        algo = self.algos.get(event.intent.parent) if event.intent.parent is not None else None
        if algo is not None:
            algo.children.append(event.client_order_id)

    def _step(self, event: OrderEvent, step: Step, reason: str = "") -> Order | None:
        """The order after `step`, or None where the event has no order or no place in its lifecycle."""
        order = self.orders.get(event.client_order_id)
        if order is None:
            logger.error("%s for an order that was never initiated: %s", step.value, event.client_order_id)
            return None
        status = LIFECYCLE[order.status].get(step)
        if status is None:
            logger.error("order %s is %s: cannot %s", event.client_order_id, order.status.value, step.value)
            return None
        order.status = status
        order.updated_ns = event.ts_ns
        if reason:
            order.reason = reason
        if status.is_terminal:
            self.working.pop(event.client_order_id, None)
            order.cancel_requested = False
        else:
            self.working[event.client_order_id] = order
        return order

    def _order_denied(self, event: OrderDenied) -> None:
        self._step(event, Step.DENY, event.reason)

    def _order_submitted(self, event: OrderSubmitted) -> None:
        self._step(event, Step.SUBMIT)

    def _order_accepted(self, event: OrderAccepted) -> None:
        order = self._step(event, Step.ACCEPT)
        if order is not None:
            order.venue_order_id = event.venue_order_id
            if not order.status.is_terminal:
                order.reason = ""  # of a doubt that is over; why an order ended stays

    def _order_rejected(self, event: OrderRejected) -> None:
        self._step(event, Step.REJECT, event.reason)

    def _order_filled(self, event: OrderFilled) -> None:
        fill = event.fill
        order = self.orders.get(event.client_order_id)
        if order is not None and fill.trade_id in order.trade_ids:
            if event.complete and not order.status.is_terminal:
                self._step(event, Step.FILL_ALL)  # counted before; that nothing is left is the news
            else:
                logger.error("order %s: trade %s told twice; counted once", event.client_order_id, fill.trade_id)
            return
        filled = (order.filled_quantity if order is not None else Decimal(0)) + fill.quantity
        wanted = order.intent.quantity if order is not None else Decimal(0)
        # The venue's word counts even where less was filled than we wanted: it may have been made smaller elsewhere.
        whole = event.complete or bool(wanted and filled >= wanted)
        order = self._step(event, Step.FILL_ALL if whole else Step.FILL_PART)
        if order is None:
            return
        order.trade_ids.add(fill.trade_id)
        order.filled_quantity = filled
        order.filled_notional += fill.price * fill.quantity
        order.venue_order_id = fill.venue_order_id
        if not order.status.is_terminal or order.status is OrderStatus.FILLED:
            order.reason = ""
        self.fills.append(fill)
        self._count(fill)
        algo = self.algos.get(order.intent.parent) if order.intent.parent is not None else None
        if algo is not None:
            role = order.intent.role
            algo.filled[role] = algo.filled.get(role, ZERO) + fill.quantity
            algo.filled_notional[role] = algo.filled_notional.get(role, ZERO) + fill.price * fill.quantity
            algo.net += fill.quantity * fill.side.sign
            algo.updated_ns = event.ts_ns

    def _count(self, fill: Fill) -> None:
        name = fill.instrument_id
        course = self._courses.get(name)
        if course is None:
            course = self._courses[name] = FillCourse(name, can_be_short=self.can_be_short(name))
            self._positions[name] = course.position
        if not course.add(fill):
            self._unsettled.add(name)

    def _order_canceled(self, event: OrderCanceled) -> None:
        self._step(event, Step.CANCEL, event.reason)

    def _order_expired(self, event: OrderExpired) -> None:
        self._step(event, Step.EXPIRE, event.reason)

    def _order_unknown(self, event: OrderUnknown) -> None:
        self._step(event, Step.LOSE_TRACK, event.reason)

    def _order_cancel_requested(self, event: OrderCancelRequested) -> None:
        order = self.working.get(event.client_order_id)
        if order is not None:
            order.cancel_requested = True
            order.updated_ns = event.ts_ns

    def _order_cancel_rejected(self, event: OrderCancelRejected) -> None:
        order = self.orders.get(event.client_order_id)
        if order is not None:
            order.cancel_requested = False
            if order.status is not OrderStatus.FILLED:  # which is why it was too late
                order.reason = event.reason
            order.updated_ns = event.ts_ns

    # Algos ------------------------------------------------------------------

    def _algo_started(self, event: AlgoStarted) -> None:
        if event.algo_id in self.algos:
            logger.error("algo %s started twice; the second one changes nothing", event.algo_id)
            return
        self.algos[event.algo_id] = Algo(
            event.algo_id, event.spec, event.on_restart, AlgoStatus.RUNNING, event.ts_ns, event.ts_ns, event.native
        )

    def _running(self, event: AlgoEvent) -> Algo | None:
        algo = self.algos.get(event.algo_id)
        if algo is None or algo.status.is_over:
            logger.error("%s for an algo that does not run: %s", type(event).__name__, event.algo_id)
            return None
        algo.updated_ns = event.ts_ns
        return algo

    def _algo_progressed(self, event: AlgoProgressed) -> None:
        algo = self._running(event)
        if algo is not None:
            algo.note = event.note
            algo.memo.update(event.memo)

    def _algo_paused(self, event: AlgoPaused) -> None:
        algo = self._running(event)
        if algo is not None:
            algo.status, algo.reason = AlgoStatus.PAUSED, event.reason

    def _algo_resumed(self, event: AlgoResumed) -> None:
        algo = self._running(event)
        if algo is not None:
            algo.status, algo.reason = AlgoStatus.RUNNING, ""

    def _algo_stopping(self, event: AlgoStopping) -> None:
        algo = self._running(event)
        if algo is not None:
            algo.status, algo.reason = AlgoStatus.STOPPING, event.reason

    def _algo_ended(self, event: AlgoEnded) -> None:
        algo = self._running(event)
        if algo is not None:
            algo.status, algo.reason = event.status, event.reason

    # Account and system -----------------------------------------------------

    def _balance_changed(self, event: BalanceChanged) -> None:
        balance = event.balance
        self.balances[balance.venue, balance.asset] = balance

    def _link_changed(self, event: LinkChanged) -> None:
        self.links[event.venue, event.link] = event

    def _venue_measured(self, event: VenueMeasured) -> None:
        self.measured[event.venue] = event

    def _entry_locked(self, event: EntryLocked) -> None:
        self.entry_locked = event.reason

    def _entry_unlocked(self, event: EntryUnlocked) -> None:
        self.entry_locked = None

    def _reconciled(self, event: Reconciled) -> None:
        self.reconciled[event.venue] = event

    def _account_missing(self, event: AccountMissing) -> None:
        self.no_account = event

    def _ledger_checked(self, event: LedgerChecked) -> None:
        self.ledger[event.venue] = event
        if event.differences:
            self.unexplained.append(event)

    def _engine_failed(self, event: EngineFailed) -> None:
        self.failure = event

    def _trading_level_changed(self, event: TradingLevelChanged) -> None:
        self.level = event

    def _kill_progressed(self, event: KillProgressed) -> None:
        if event.step is KillStep.STOP_ALGOS and not event.done:
            self.kill = {}  # pulled again: what an earlier one did is no longer of interest
        self.kill[event.step] = event

    def _breaker_changed(self, event: BreakerChanged) -> None:
        if event.open:
            self.breakers[event.venue, event.endpoint] = event
        else:
            self.breakers.pop((event.venue, event.endpoint), None)
