"""Time and sales: the public trades of the instrument on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.market import Trade
from octopus_desktop.model.orders import Side
from octopus_desktop.model.queries import RecentTradesQuery
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.panes.pane import Pane, stale_age_s
from ui.session import Session
from ui.widgets.tape_view import TapeView

_EARLIER = 100


class TapePane(Pane):
    pane_id = "tape"
    title = "Time and sales"
    hint = QSize(290, 240)

    price_chosen = Signal(float, object)
    """Price, and no side: a print says where the market was, not what to do."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.view = TapeView(session.theme, self)
        self.view.set_timezone(session.zone)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)
        self.setFocusProxy(self.view)
        self.view.setToolTip("Click a print: its price is in the ticket")
        self.view.price_clicked.connect(lambda price: self.price_chosen.emit(price, None))
        session.instrument_changed.connect(self._show)
        self.view.state_overlay.show_state("loading", "Waiting for trades", blank=True)
        self._first_id: int | None = None
        self._last_id: int | None = None
        """Of the oldest and the newest print that are shown."""

    def focus_target(self) -> QWidget:
        return self.view

    def _show(self, instrument: Instrument) -> None:
        self._clear()
        self.view.set_precision(instrument.price_precision, instrument.quantity_precision)
        self.view.state_overlay.show_state("loading", "Waiting for trades", blank=True)
        self.missed = True
        name = instrument.instrument_id
        query = RecentTradesQuery(name, _EARLIER)
        self.session.query(query, lambda trades: self._earlier(name, trades), lambda reason: None)

    def _earlier(self, name: InstrumentId, trades: list[Trade]) -> None:
        """What was printed before we listened goes under what came since."""
        shown = self.session.instrument
        if shown is None or shown.instrument_id != name:
            return
        live = self.session.state.market(name).trades
        if self._first_id is None and live:
            self._append(live)
        older = [trade for trade in trades if self._first_id is None or trade.trade_id < self._first_id]
        if older:
            self._first_id = older[0].trade_id
            if self._last_id is None:
                self._last_id = older[-1].trade_id
            self.view.precede(_prints(older))

    def refresh(self, state: State, dirty: Dirty) -> None:
        instrument = self.session.instrument
        if instrument is None:
            return
        name = instrument.instrument_id
        if dirty.everything:
            self._catch_up(state.market(name).trades)
        elif name in dirty.trades:
            self._append(dirty.trades[name])
        if dirty.everything or name in dirty.feeds:
            self.each_second(state, state.market(name).book.ts_venue_ns)

    def each_second(self, state: State, now_ns: int) -> None:
        instrument = self.session.instrument
        if instrument is not None and self.view.prints:
            self.view.set_stale(stale_age_s(state, instrument.instrument_id, Channel.TRADES, now_ns))

    def _catch_up(self, kept: Sequence[Trade]) -> None:
        """Everything that is kept, behind what is shown where the two meet, instead of it where they don't."""
        if not kept or kept[-1].trade_id == self._last_id:
            return
        meets = self._last_id is not None and kept[0].trade_id - 1 <= self._last_id < kept[-1].trade_id
        if not meets:
            self._clear()
        self._append([trade for trade in kept if self._last_id is None or trade.trade_id > self._last_id])

    def _clear(self) -> None:
        self._first_id = self._last_id = None
        self.view.clear()

    def _append(self, trades: Sequence[Trade]) -> None:
        if self._first_id is None:
            self._first_id = trades[0].trade_id
        self._last_id = trades[-1].trade_id
        self.view.append(_prints(trades))


def _prints(trades: Iterable[Trade]) -> list[tuple[int, float, float, bool]]:
    return [(trade.ts_venue_ns, trade.price, trade.quantity, trade.aggressor is Side.BUY) for trade in trades]
