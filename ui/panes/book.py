"""The order book of the instrument on the screen. A click on a price puts it into the ticket."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from octopus_desktop.actions.context import Context
from octopus_desktop.model.events import Channel
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import Order, Side
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.models.own_orders import OwnOrders
from ui.panes.pane import Pane, stale_age_s
from ui.session import Session
from ui.widgets.book_view import BookView

_GROUPS: Final = (1, 10, 50, 100, 500)
_DEEPEST: Final = 4000
"""Levels looked at, at most, to fill rows that gather many ticks."""


class BookPane(Pane):
    pane_id = "book"
    title = "Order book"
    contexts = (Context.BOOK,)
    hint = QSize(290, 420)

    price_chosen = Signal(float, object)
    """Price, and the `Side` of an order that would rest there beside what was clicked."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.view = BookView(session.theme, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)
        self.setFocusProxy(self.view)
        self.view.setToolTip("Click a price, or Enter on it: it is in the ticket")
        self.view.price_clicked.connect(self._clicked)
        self.grouping = QComboBox()
        self.grouping.setAccessibleName("Prices gathered in rows of")
        self.grouping.setToolTip("Gather prices in rows of this height")
        self.grouping.setStyleSheet("min-height: 16px; max-height: 18px; padding: 0 18px 0 6px; border: none")
        self.grouping.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.grouping.currentIndexChanged.connect(self._grouped)
        self.controls = self.grouping
        self._precisions = 2, 5
        self._tick = 0.01
        self._own = OwnOrders[tuple[float, float]](_price_and_rest)
        session.instrument_changed.connect(self._show)
        self.view.state_overlay.show_state("loading", "Waiting for the book", blank=True)

    def focus_target(self) -> QWidget:
        return self.view

    def _show(self, instrument: Instrument) -> None:
        self._precisions = instrument.price_precision, instrument.quantity_precision
        self._tick = float(instrument.tick_size)
        self.grouping.blockSignals(True)
        self.grouping.clear()
        for ticks in _GROUPS:
            self.grouping.addItem(figure(instrument.tick_size * ticks), ticks)
        self.grouping.blockSignals(False)
        self.grouping.ensurePolished()
        # A title bar does not follow what it holds.
        self.grouping.setFixedWidth(self.grouping.sizeHint().expandedTo(self.grouping.minimumSizeHint()).width())
        self.view.set_grouping(1)
        self.view.set_book([], [], self._tick, *self._precisions)
        self.view.state_overlay.show_state("loading", "Waiting for the book", blank=True)
        self.missed = True

    def _grouped(self) -> None:
        self.view.set_grouping(int(self.grouping.currentData() or 1))
        self.missed = True

    def _clicked(self, price: float, side: str) -> None:
        self.price_chosen.emit(price, Side.BUY if side == "bid" else Side.SELL)

    def refresh(self, state: State, dirty: Dirty) -> None:
        instrument = self.session.instrument
        if instrument is None:
            return
        name = instrument.instrument_id
        if dirty.everything or dirty.orders:
            self._show_own(state, name, dirty)
        if dirty.everything or name in dirty.books or name in dirty.feeds:
            book = state.market(name).book
            if book.bids.prices or book.asks.prices:
                count = min(_DEEPEST, (self.view.row_count() + 2) * self.view.grouping)
                self.view.set_book(book.top_bids(count), book.top_asks(count), self._tick, *self._precisions)
            if dirty.everything or name in dirty.feeds:
                self._show_age(state, None)

    def each_second(self, state: State, now_ns: int) -> None:
        self._show_age(state, now_ns)

    def _show_own(self, state: State, name: InstrumentId, dirty: Dirty) -> None:
        if not self._own.take(state, name, dirty):
            return
        own: dict[float, float] = {}
        for price, quantity in self._own.shown:
            own[price] = own.get(price, 0.0) + quantity
        self.view.set_own_orders(own)

    def _show_age(self, state: State, now_ns: int | None) -> None:
        instrument = self.session.instrument
        if instrument is None:
            return
        market = state.market(instrument.instrument_id)
        if not market.book.bids.prices and not market.book.asks.prices:
            return
        age = stale_age_s(state, instrument.instrument_id, Channel.BOOK, now_ns or market.book.ts_venue_ns)
        if age is None and not market.book.valid:
            age = max(0.0, ((now_ns or market.book.ts_venue_ns) - market.book.ts_venue_ns) / 1e9)
        self.view.set_stale(age)

    def best(self, side: Side) -> Decimal | None:
        """The best price of that side of the book, on a tick."""
        instrument = self.session.instrument
        touch = self.session.state.market(instrument.instrument_id).touch if instrument is not None else None
        if instrument is None or touch is None:
            return None
        return instrument.price(touch[0] if side is Side.BUY else touch[1])


def _price_and_rest(order: Order) -> tuple[float, float] | None:
    price = order.intent.price
    return (float(price), float(order.remaining)) if price is not None else None
