"""Once per display frame: what happened is folded into the screen's own state, and what it touched is repainted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal

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
    LedgerChecked,
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
from octopus_desktop.model.identifiers import AlgoId, ClientOrderId, InstrumentId
from octopus_desktop.model.market import Trade
from octopus_desktop.model.orders import Fill
from octopus_desktop.ports import Node
from octopus_desktop.state import State

logger = logging.getLogger(__name__)

FRAME_MS: Final = 16
HIDDEN_MS: Final = 250
FOLD_S: Final = 0.012
"""How much of a frame may go into folding before the rest waits for the next one."""
_CHUNK: Final = 256
SLOW_BEAT_MS: Final = 200
"""How often tables of numbers are brought up to date: faster than anybody reads, a tenth of the paint work."""


class Dirty:
    """What the events of one or more frames touched. `everything`: start from the state, not from the marks."""

    def __init__(self, *, everything: bool = False) -> None:
        self.everything = everything
        self.events = 0
        self.instruments: set[InstrumentId] = set()
        self.books: set[InstrumentId] = set()
        self.quotes: set[InstrumentId] = set()
        self.tickers: set[InstrumentId] = set()
        self.feeds: set[InstrumentId] = set()
        self.trades: dict[InstrumentId, list[Trade]] = {}
        self.candles: dict[InstrumentId, list[CandleChanged]] = {}
        self.orders: set[ClientOrderId] = set()
        self.order_events: list[OrderEvent] = []
        self.fills: list[Fill] = []
        self.algos: set[AlgoId] = set()
        self.algo_events: list[AlgoEvent] = []
        self.balances = False
        self.system = False
        self.log: list[LogRecorded] = []
        self.notices: list[NoticeRaised] = []
        self._mark: dict[type, Callable[[Any], None]] = {
            InstrumentListed: lambda event: self.instruments.add(event.instrument_id),
            TradesPrinted: self._trades,
            QuoteChanged: lambda event: self.quotes.add(event.instrument_id),
            BookReset: lambda event: self.books.add(event.instrument_id),
            BookChanged: lambda event: self.books.add(event.instrument_id),
            BookBroken: self._book_broken,
            CandleChanged: lambda event: self.candles.setdefault(event.instrument_id, []).append(event),
            TickerChanged: lambda event: self.tickers.add(event.instrument_id),
            MarkPriceChanged: lambda event: self.tickers.add(event.instrument_id),
            FeedStale: lambda event: self.feeds.add(event.instrument_id),
            FeedRecovered: lambda event: self.feeds.add(event.instrument_id),
            OrderFilled: self._filled,
            BalanceChanged: self._balance,
            LinkChanged: self._system,
            VenueMeasured: self._system,
            EntryLocked: self._system,
            EntryUnlocked: self._system,
            Reconciled: self._system,
            AccountMissing: self._system,
            TradingLevelChanged: self._system,
            KillProgressed: self._system,
            LedgerChecked: self._system,
            BreakerChanged: self._system,
            LogRecorded: self.log.append,
            NoticeRaised: self.notices.append,
            EngineFailed: self._system,
        }
        for kind in (
            OrderInitiated,
            OrderDenied,
            OrderSubmitted,
            OrderAccepted,
            OrderRejected,
            OrderCanceled,
            OrderExpired,
            OrderUnknown,
            OrderCancelRequested,
            OrderCancelRejected,
        ):
            self._mark[kind] = self._order
        for algo_kind in (AlgoStarted, AlgoProgressed, AlgoPaused, AlgoResumed, AlgoStopping, AlgoEnded):
            self._mark[algo_kind] = self._algo

    def __bool__(self) -> bool:
        return self.everything or self.events > 0

    def add(self, event: Event) -> None:
        self.events += 1
        self._mark[type(event)](event)

    def clear(self) -> None:
        """As new: an accumulator is emptied in place, because its marks are bound to its sets."""
        self.everything = self.balances = self.system = False
        self.events = 0
        for gathered in (
            self.instruments,
            self.books,
            self.quotes,
            self.tickers,
            self.feeds,
            self.trades,
            self.candles,
            self.orders,
            self.order_events,
            self.fills,
            self.algos,
            self.algo_events,
            self.log,
            self.notices,
        ):
            gathered.clear()

    def _trades(self, event: TradesPrinted) -> None:
        self.trades.setdefault(event.instrument_id, []).extend(event.trades)

    def _book_broken(self, event: BookBroken) -> None:
        self.books.add(event.instrument_id)
        self.feeds.add(event.instrument_id)

    def _order(self, event: OrderEvent) -> None:
        self.orders.add(event.client_order_id)
        self.order_events.append(event)

    def _filled(self, event: OrderFilled) -> None:
        self._order(event)
        self.fills.append(event.fill)

    def _algo(self, event: AlgoEvent) -> None:
        self.algos.add(event.algo_id)
        self.algo_events.append(event)

    def _balance(self, event: BalanceChanged) -> None:
        self.balances = True

    def _system(self, event: object) -> None:
        self.system = True


class Painted(Protocol):
    """What the frame loop brings up to date: a pane, a bar, the status line."""

    slow: bool
    missed: bool
    """It was not on the screen while things changed: it gets everything when it is back."""

    def is_seen(self) -> bool:
        """Qt keeps a dock behind other tabs visible and moves it aside: that doesn't count."""
        ...

    def refresh(self, state: State, dirty: Dirty) -> None:
        """Show what changed. The state is of one moment for all panes."""
        ...

    def each_second(self, state: State, now_ns: int) -> None:
        """Ages, clocks and what else changes by itself."""
        ...


class FrameLoop(QObject):
    """Takes the node's frame, folds it, and hands each visible pane what was touched. `start` once the node runs."""

    ticked = Signal(object)
    """The `Dirty` of every frame in which anything happened, before the panes get it. Valid during the call."""

    def __init__(self, node: Node, state: State, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._node = node
        self._state = state
        self._panes: list[Painted] = []
        self._dirty = Dirty()
        self._gathered = Dirty()
        self._backlog: list[Event] = []
        self._slow_due = 0.0
        self._second = 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.turn)

    def add(self, pane: Painted) -> None:
        self._panes.append(pane)

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def set_hidden(self, hidden: bool) -> None:
        """A window nobody sees still folds what happens, a few times a second."""
        self._timer.setInterval(HIDDEN_MS if hidden else FRAME_MS)

    def turn(self) -> None:
        """One frame."""
        state, dirty, gathered = self._state, self._dirty, self._gathered
        dirty.clear()
        for event in self._next_events():
            state.apply(event)
            dirty.add(event)
            gathered.add(event)
        if dirty:
            self.ticked.emit(dirty)
        now = time.monotonic()
        slow = now >= self._slow_due
        for pane in self._panes:
            if not pane.is_seen():
                pane.missed = True
            elif pane.missed:
                pane.missed = False
                self._guarded(pane, Dirty(everything=True))
            elif pane.slow:
                # Our own orders never wait for the slow beat.
                if (slow and gathered) or dirty.order_events:
                    self._guarded(pane, gathered)
            elif dirty:
                self._guarded(pane, dirty)
        if slow:
            self._slow_due = now + SLOW_BEAT_MS / 1000
            gathered.clear()
        now_ns = time.time_ns()
        if now_ns // 1_000_000_000 != self._second:  # the wall clock's own, so that a clock on the screen never drifts
            self._second = now_ns // 1_000_000_000
            for pane in self._panes:
                if pane.is_seen():
                    pane.each_second(state, now_ns)

    def _next_events(self) -> Iterator[Event]:
        """In their order, as many as fit into a frame: a long journal at the start must not freeze the window."""
        events = self._node.take_frame()
        if self._backlog:
            self._backlog.extend(events)
            events, self._backlog = self._backlog, []
        until = time.monotonic() + FOLD_S
        for first in range(0, len(events), _CHUNK):
            if first and time.monotonic() > until:
                self._backlog = events[first:]
                return
            yield from events[first : first + _CHUNK]

    def _guarded(self, pane: Painted, dirty: Dirty) -> None:
        """One pane's mistake must not keep the others from being painted."""
        try:
            pane.refresh(self._state, dirty)
        except Exception:
            logger.exception("%s could not be brought up to date", type(pane).__name__)
            # Shown again from the state, at the next slow beat at the earliest.
            QTimer.singleShot(1000, self, lambda: setattr(pane, "missed", True))
