"""The form of the order ticket: its fields, what fills them, and the order they draft."""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from octopus_desktop.actions.context import Context
from octopus_desktop.model.account import Position
from octopus_desktop.model.events import Channel
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import Side, TimeInForce
from ui.models.algo_draft import middle_of
from ui.models.ticket_draft import Draft, Unit
from ui.models.ticket_kinds import GROUPS, PRICE_WORDS, Kind, PriceIs, TriggerIs
from ui.panes.pane import Pane, stale_age_s
from ui.panes.ticket_extras import TicketExtras
from ui.panes.ticket_position import Held
from ui.session import Session
from ui.theme.numbers import format_price, format_quantity
from ui.widgets.number_edit import NumberEdit
from ui.widgets.segmented import Segment, Segmented
from ui.widgets.ticket_parts import Hairline, kind_box, row_of, sum_row

_PERCENTS: Final = (25, 50, 75, 100)
_SUMS: Final = (
    ("quantity", "Quantity"),
    ("cost", "Value"),
    ("fee", "Fee"),
    ("free", "Free now"),
    ("after", "Free after"),
)
_WIDE: Final = {"fee": (184,)}
"""A fee in coins has eight decimals."""
_UNIT_WORDS: Final = {Unit.BASE: "Coins", Unit.QUOTE: "Money", Unit.PERCENT: "%"}
_UNIT_TIPS: Final = {
    Unit.BASE: "In coins (Alt+U for the next)",
    Unit.QUOTE: "In money (Alt+U for the next)",
    Unit.PERCENT: "In percent of what is free (Alt+U for the next)",
}


class TicketForm(Pane):
    """A pane of fields. What an edit comes to, and sending it, is `TicketPane`'s."""

    pane_id = "ticket"
    title = "Order ticket"
    contexts = (Context.TICKET,)
    slow = True
    hint = QSize(270, 600)

    unlock_wanted = Signal()
    close_wanted = Signal()

    def __init__(self, session: Session, extras: TicketExtras, held: Held) -> None:
        super().__init__(session)
        self.extras, self.held = extras, held
        self._labels: dict[NumberEdit, QLabel] = {}
        self._foot_shared = 0
        self._is_closing = False
        self._meant: dict[NumberEdit, PriceIs | TriggerIs] = {}
        self._build()

    def set_up(self) -> Generator[None, None, None]:
        """Place what was built and listen to it, in two steps."""
        self._place()
        yield
        self.side.changed.connect(self._edited)
        self.type.currentIndexChanged.connect(self._laid_out)
        self.tif.currentIndexChanged.connect(self._edited)
        self.unit.changed.connect(self._unit_changed)
        for entry in (self.price, self.trigger, self.amount):
            entry.value_changed.connect(self._edited)
        self.extras.changed.connect(self._edited)
        self.extras.resized.connect(self._fit_fields)
        self.post_only.toggled.connect(self._edited)
        self.reduce_only.toggled.connect(self._edited)
        self.session.instrument_changed.connect(self._show)
        self._laid_out()

    def submit(self) -> None:
        """The button was pressed."""
        raise NotImplementedError

    def _edited(self) -> None:
        """The order is another one now."""
        raise NotImplementedError

    def _counted_in(self, unit: Unit) -> Decimal | None:
        """What was typed, in another unit."""
        raise NotImplementedError

    # What it is made of -----------------------------------------------------

    def _build(self) -> None:
        theme = self.session.theme
        self.side = Segmented(
            theme,
            [Segment("buy", "Buy", "buy", "Buy (B)"), Segment("sell", "Sell", "sell", "Sell (S)")],
            stretch=True,
            height=30,
            name="Side",
        )
        self.type = kind_box()
        self.type.setAccessibleName("Order type")
        self.type.setToolTip("Order type (Alt+T for the next)")
        self.tif = QComboBox()
        for tif in TimeInForce:
            self.tif.addItem(tif.value, tif)
        self.tif.setAccessibleName("Time in force")
        self.tif.setToolTip("How long it may wait: until canceled, not at all, or whole or not at all")
        self.tif.setFixedWidth(76)
        self.trigger = NumberEdit(name="Trigger price", tooltip="The last price that sets the order off")
        self.price = NumberEdit(
            name="Price", tooltip="Limit price; a click in the book fills it (Alt+Up ask, Alt+Down bid)"
        )
        self.bid = self._small("Bid", "The best bid (Alt+Down)", lambda: self.take_touch(Side.BUY))
        self.ask = self._small("Ask", "The best ask (Alt+Up)", lambda: self.take_touch(Side.SELL))
        self.amount = NumberEdit(name="Quantity", tooltip="How much; 1.5k is read as 1,500")
        self.unit = Segmented(
            theme, [Segment(unit.value, word) for unit, word in _UNIT_WORDS.items()], height=20, name="Quantity in"
        )
        self.percents = [
            self._small(f"{percent} %", f"{percent} % of what is free (Alt+{number})", self._percent_setter(percent))
            for number, percent in enumerate(_PERCENTS, start=1)
        ]
        self.post_only = QCheckBox("Post only")
        self.post_only.setToolTip("Refused by the venue rather than filled at once (Alt+P)")
        self.reduce_only = QCheckBox("Reduce only")
        self.reduce_only.setToolTip("Never turns the position around")
        self.reduce_only.hide()  # where there are positions to reduce: not at a spot venue
        self.sums = {key: sum_row(word, *_WIDE.get(key, ())) for key, word in _SUMS}
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.verdict.setMinimumHeight(30)
        self.verdict.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.verdict.setTextFormat(Qt.TextFormat.PlainText)
        self.verdict.setAccessibleName("What risk says")
        self.submit_button = QPushButton("Buy")
        self.submit_button.setProperty("role", "buy")
        self.submit_button.setToolTip("Send this order (Enter)")
        self.submit_button.setStyleSheet("min-height: 34px")
        self.submit_button.clicked.connect(self.submit)
        self.locked = QPushButton("Unlock order entry…")
        self.locked.setToolTip("Order entry is locked (Ctrl+U unlocks)")
        self.locked.setStyleSheet("min-height: 34px")
        self.locked.hide()
        self.locked.clicked.connect(self.unlock_wanted)

    def _place(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(6)
        column.addWidget(self.side)
        column.addLayout(row_of(self.type, self.tif))
        self._trigger_box = self._field("Trigger price", self.trigger)
        self._price_box = self._field("Limit price", self.price, self.bid, self.ask)
        column.addWidget(self._trigger_box)
        column.addWidget(self._price_box)
        column.addWidget(self._field("Quantity", self.amount, self.unit))
        percents = QWidget()
        percents.setLayout(row_of(*self.percents, spacing=4))
        column.addWidget(percents)
        column.addWidget(self.extras)
        column.addLayout(row_of(self.post_only, self.reduce_only, stretch=True))
        column.addWidget(Hairline(self.session.theme))
        sums = QVBoxLayout()
        sums.setSpacing(3)
        for box, _ in self.sums.values():
            sums.addWidget(box)
        column.addLayout(sums)
        column.addStretch(1)  # rows stay together for the moment in which the area is still as high as the last form
        self._yielding = [self.sums[key][0] for key in ("free", "quantity")] + [percents, self.sums["after"][0]]
        self._fields = inner
        self._area = QScrollArea(self)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(inner)
        # The fields may scroll in a low window; the button that sends is always in sight.
        self._foot = QWidget()
        foot = QVBoxLayout(self._foot)
        foot.setContentsMargins(10, 4, 10, 8)
        foot.setSpacing(6)
        foot.addWidget(self.verdict)
        foot.addWidget(self.locked)
        foot.addWidget(self.submit_button)
        self.held.close_wanted.connect(self.close_wanted)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._area)
        outer.addWidget(self._foot)
        outer.addWidget(self.held)
        outer.addStretch(1)

    def minimumSizeHint(self) -> QSize:
        """Not that of the layout, which grows with what is shown: a tall ticket may be made low again."""
        return QSize(244, self._foot_height() + 200)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_height()

    def _fit_fields(self) -> None:
        layout = self._fields.layout()
        assert layout is not None
        layout.activate()
        self._share_height()
        # Rows that were shown or hidden just now tell their layouts' heights only by way of the event loop.
        QTimer.singleShot(0, self, self._share_height)

    def _fields_height(self) -> int:
        """A layout within a layout keeps the height it had until the outer one is activated."""
        layout = self._fields.layout()
        assert layout is not None
        layout.activate()
        return self._fields.sizeHint().height()

    def _foot_height(self) -> int:
        """What is said above the button may be four lines long."""
        layout = self._foot.layout()
        assert layout is not None
        layout.activate()
        return layout.heightForWidth(self.width())

    def _fit_verdict(self) -> None:
        """Another sentence may need another number of lines."""
        if self._foot_height() != self._foot_shared:
            self._share_height()

    def _share_height(self) -> None:
        """The fields scroll where they must; what is held is shown as far as there is room beneath the whole ticket.

        What can be read elsewhere, or has keys, gives way first.
        """
        foot = self._foot_shared = self._foot_height()
        for widget in self._yielding:
            widget.show()
        self.extras.rungs.set_tight(False)
        for widget in self._yielding:
            if self._fields_height() + foot <= self.height():
                break
            widget.hide()
        if self._fields_height() + foot > self.height():
            self.extras.rungs.set_tight(True)
        fields = self._fields_height()
        self._area.setFixedHeight(max(60, min(fields, self.height() - foot)))
        self.held.fit(self.height() - fields - foot)

    def _small(self, text: str, tooltip: str, clicked: object) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tooltip)
        button.setAccessibleName(tooltip.partition(" (")[0])
        button.setStyleSheet("min-height: 18px; max-height: 18px; padding: 0 6px")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it has a key; Tab goes from the price to the quantity
        button.clicked.connect(clicked)
        return button

    def _field(self, word: str, entry: NumberEdit, *beside: QWidget) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        label = QLabel(word)
        label.setProperty("tone", "lo")
        label.setBuddy(entry)
        self._labels[entry] = label
        head = row_of(label, stretch=True)
        for widget in beside:
            head.addWidget(widget)
        column.addLayout(head)
        column.addWidget(entry)
        return box

    def focus_target(self) -> QWidget:
        kind = self._draft.kind
        return self.trigger if kind.has_trigger else self.price if kind.has_price else self.amount

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes round in the ticket: what is typed on must not end up in another pane. F6 leaves it."""
        start = QApplication.focusWidget()
        at = start and (start.nextInFocusChain() if forward else start.previousInFocusChain())
        while at is not None and at is not start:
            tabbed = at.focusPolicy() & Qt.FocusPolicy.TabFocus and at.focusProxy() is None
            if tabbed and self.isAncestorOf(at) and at.isVisible() and at.isEnabled():
                at.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
                self._area.ensureWidgetVisible(at)
                return True
            at = at.nextInFocusChain() if forward else at.previousInFocusChain()
        return False

    # Filling it -------------------------------------------------------------

    @property
    def _draft(self) -> Draft:
        return Draft(
            Side(self.side.value),
            self.type.currentData(),
            self.price.value(),
            self.trigger.value(),
            self.amount.value(),
            Unit(self.unit.value),
            self.tif.currentData(),
            self.post_only.isChecked(),
            self.reduce_only.isChecked(),
            middle_of(self.extras.extras()) if self.type.currentData() is Kind.SCALE else None,
        )

    def take_side(self, side: Side) -> None:
        """Choose it, and bring the keyboard to the first price that is missing, else to the quantity."""
        self.side.choose(side.value)
        self._go_to(self._first_gap() or self.amount)

    def take_kind(self, kind: Kind) -> None:
        """Choose it, and bring the keyboard to the first field that it still needs."""
        self.set_type(kind)
        self._go_to(self._first_gap() or self.extras.first_gap() or self.amount)

    def _first_gap(self) -> NumberEdit | None:
        """The first of trigger, price and quantity that this kind needs and that is empty."""
        kind = self._draft.kind
        needed = ((self.trigger, kind.has_trigger), (self.price, kind.needs_price), (self.amount, True))
        return next((entry for entry, is_needed in needed if is_needed and not entry.text()), None)

    def _go_to(self, entry: QLineEdit) -> None:
        entry.setFocus(Qt.FocusReason.ShortcutFocusReason)
        entry.selectAll()
        self._area.ensureWidgetVisible(entry)

    def take_level(self, price: float, side: Side | None) -> None:
        """A price chosen in a list of them. What is typed next is the quantity, or goes on where a price was wanted."""
        entry = self.take_price(price, side)
        if entry is not None:
            self._go_on_from(entry)

    def _go_on_from(self, entry: NumberEdit) -> None:
        stays = entry.hasFocus() and entry is not self.price
        self._go_to(entry if stays else self._first_gap() or self.amount)

    def take_price(self, price: float, side: Side | None) -> NumberEdit | None:
        """A price of the market into the ticket, and the side where one was meant. Returns the field that took it."""
        instrument = self.session.instrument
        if instrument is None or price <= 0:
            return None
        if stale_age_s(self.session.state, instrument.instrument_id, Channel.BOOK, 0) is not None:
            self.session.tell("warn", "The market is stale", "A price from the screen may be wrong by now; type it.")
            return None
        kind = self._draft.kind
        entry = self.extras.takes_price() or (self.trigger if self.trigger.hasFocus() else None)
        if entry is None and kind is Kind.MARKET:
            kind = Kind.LIMIT
            self.set_type(kind)
        if entry is None:
            entry = self.price if kind.has_price else self.trigger if kind.has_trigger else self.extras.price_gap()
            if entry is None:
                self.session.tell("info", "No price to fill", f"{kind.value}: put the keyboard into the one you mean.")
                return None
            if side is not None:
                self.side.choose(side.value)
        entry.setText(format_price(instrument.price(price), instrument.price_precision))
        return entry

    def take_touch(self, side: Side) -> None:
        """The best bid (BUY) or ask (SELL)."""
        instrument = self.session.instrument
        touch = self.session.state.market(instrument.instrument_id).touch if instrument is not None else None
        if touch is None:
            self.session.tell("info", "There is no quote yet", "The price stays as it is.")
        else:
            entry = self.take_price(touch[0] if side is Side.BUY else touch[1], None)
            if entry is not None and entry.hasFocus():
                self._go_on_from(entry)  # what is typed next must not be added to the price

    def take_closing(self, position: Position) -> None:
        """The market order that closes a position. It is not sent."""
        self.session.select(position.instrument_id)
        self.set_type(Kind.MARKET)
        self.side.choose((Side.SELL if position.quantity > 0 else Side.BUY).value)
        self.unit.choose(Unit.BASE.value)
        instrument = self.session.instrument
        if instrument is not None:
            self.amount.setText(format_quantity(abs(position.quantity), instrument.quantity_precision))
        self.reduce_only.setChecked(True)
        self.amount.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._is_closing = True  # until anything is edited

    def set_type(self, kind: Kind) -> None:
        self.type.setCurrentIndex(self.type.findData(kind))

    def step_type(self, by: int) -> None:
        """The next (1) or previous (-1) kind, past the names of their groups."""
        kinds = [kind for _, group in GROUPS for kind in group]
        self.take_kind(kinds[(kinds.index(self.type.currentData()) + by) % len(kinds)])

    def next_unit(self) -> None:
        units = self.unit.values
        self.unit.choose(units[(units.index(self.unit.value) + 1) % len(units)])

    def take_percent(self, percent: int) -> None:
        self.unit.choose(Unit.PERCENT.value)
        self.amount.setText(str(percent))
        self.amount.selectAll()

    def _percent_setter(self, percent: int) -> object:
        return lambda: self.take_percent(percent)

    def _show(self, instrument: Instrument) -> None:
        """Another instrument: a price or quantity of the last one would be a trap."""
        for entry in (self.price, self.trigger, self.amount):
            entry.set_value(None)
        self.price.set_step(instrument.tick_size)
        self.trigger.set_step(instrument.tick_size)
        self.extras.set_instrument(instrument)
        self._name_units(instrument)
        self.reduce_only.setChecked(False)
        self._laid_out()
        self.missed = True

    def _name_units(self, instrument: Instrument) -> None:
        chosen = self.unit.value
        words = {Unit.BASE: instrument.base, Unit.QUOTE: instrument.quote, Unit.PERCENT: "%"}
        segments = [Segment(unit.value, words[unit], tooltip=_UNIT_TIPS[unit]) for unit in Unit]
        old, self.unit = self.unit, Segmented(self.session.theme, segments, height=20, name="Quantity in")
        self.unit.set_value(chosen)
        self.unit.changed.connect(self._unit_changed)
        parent = old.parentWidget()
        layout = parent.layout() if parent is not None else None
        assert layout is not None
        layout.replaceWidget(old, self.unit)
        self.unit.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # Alt+U; Tab goes from the quantity to what comes next
        old.hide()
        old.setParent(None)  # out of the tab order now, not when the event loop gets to deleting it
        old.deleteLater()
        self._step_amount(instrument)

    def _unit_changed(self, value: str) -> None:
        """The same order, counted in the other unit; where it cannot be told, the number would be a trap."""
        amount = self._counted_in(Unit(value))
        instrument = self.session.instrument
        if instrument is not None:
            self._step_amount(instrument)
        self.amount.set_value(amount)
        if self.amount.hasFocus():
            self.amount.selectAll()
        self._edited()

    def _step_amount(self, instrument: Instrument) -> None:
        unit = Unit(self.unit.value)
        self.amount.set_range(Decimal(0), Decimal(100) if unit is Unit.PERCENT else None)
        steps = {Unit.BASE: instrument.lot_size, Unit.QUOTE: Decimal(1), Unit.PERCENT: Decimal(1)}
        self.amount.set_step(steps[unit])

    def _laid_out(self) -> None:
        """The fields that this kind of order has."""
        kind, instrument = self._draft.kind, self.session.instrument
        self._forget(self.price, kind.price_is)
        self._forget(self.trigger, kind.trigger_is)
        self._price_box.setVisible(kind.has_price)
        if kind.has_price:
            self._labels[self.price].setText(PRICE_WORDS[kind])
        self.price.setPlaceholderText("" if kind.needs_price else "market")
        self._trigger_box.setVisible(kind.has_trigger)
        self.tif.setVisible(kind.has_tif)
        self.post_only.setVisible(kind.may_be_post_only)
        has_positions = instrument is not None and instrument.kind is not InstrumentKind.SPOT
        self.reduce_only.setVisible(has_positions and kind.may_be_reduce_only)
        self.extras.show_kind(kind)
        self._edited()
        self._fit_fields()

    def _forget(self, entry: NumberEdit, meaning: PriceIs | TriggerIs | None) -> None:
        """What was typed for a kind that meant another thing by it is not this kind's."""
        if meaning is None:
            return
        if self._meant.get(entry, meaning) is not meaning:
            entry.set_value(None)
        self._meant[entry] = meaning
