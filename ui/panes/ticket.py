"""The order ticket: says what an order would cost and what risk thinks of it, then sends it once."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from octopus_desktop.actions.context import Context
from octopus_desktop.model.account import Position
from octopus_desktop.model.commands import Done, Outcome, SubmitOrder
from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import ClientOrderId, IntentToken, new_client_order_id
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import OrderStatus, OrderType, Side, TimeInForce
from octopus_desktop.model.queries import RiskQuery
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.models.ticket_draft import Draft, Estimate, Unit, estimate, intent_of
from ui.panes.instrument_bar import set_text
from ui.panes.order_columns import TYPE_WORDS, side_word
from ui.panes.pane import Pane, stale_age_s
from ui.panes.positions import mark_of, sign_tone
from ui.session import Session
from ui.theme.numbers import NOTHING, format_change, format_price, format_quantity
from ui.theme.theme import Theme
from ui.widgets.number_edit import NumberEdit
from ui.widgets.segmented import Segment, Segmented

RISK_AFTER_MS: Final = 120
REARM_AFTER_MS: Final = 900
"""A key struck twice in haste is one order: so long after an outcome the same ticket cannot be sent again."""

_TYPES: Final = (
    OrderType.LIMIT,
    OrderType.MARKET,
    OrderType.STOP,
    OrderType.STOP_LIMIT,
    OrderType.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_LIMIT,
)
_PERCENTS: Final = (25, 50, 75, 100)
_ON_THE_WAY: Final = {OrderStatus.INITIATED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN}
_TONES: Final = {"up": "up", "down": "down", "text_mid": "mid"}


class TicketPane(Pane):
    pane_id = "ticket"
    title = "Order ticket"
    contexts = (Context.TICKET,)
    slow = True
    hint = QSize(270, 600)

    unlock_wanted = Signal()
    close_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._build()
        self._told = Estimate()
        self._verdict: str | None = None
        self._asked_risk = 0
        self._token = _new_token()
        self._sent: ClientOrderId | None = None
        self._risk = QTimer(self)
        self._risk.setSingleShot(True)
        self._risk.setInterval(RISK_AFTER_MS)
        self._risk.timeout.connect(self._ask_risk)
        self._rearm = QTimer(self)
        self._rearm.setSingleShot(True)
        self._rearm.setInterval(REARM_AFTER_MS)
        self._rearm.timeout.connect(self._arm)
        session.instrument_changed.connect(self._show)
        self._laid_out()

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
        self.type = QComboBox()
        for kind in _TYPES:
            self.type.addItem(TYPE_WORDS[kind], kind)
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
        self.sums = {key: self._sum_row(word) for key, word in _SUMS}
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
        self._place()
        self.side.changed.connect(self._edited)
        self.type.currentIndexChanged.connect(self._laid_out)
        self.tif.currentIndexChanged.connect(self._edited)
        self.unit.changed.connect(self._unit_changed)
        for entry in (self.price, self.trigger, self.amount):
            entry.value_changed.connect(self._edited)
        self.post_only.toggled.connect(self._edited)
        self.reduce_only.toggled.connect(self._edited)

    def _place(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(6)
        column.addWidget(self.side)
        column.addLayout(_row(self.type, self.tif))
        self._trigger_box = self._field("Trigger price", self.trigger)
        self._price_box = self._field("Limit price", self.price, self.bid, self.ask)
        column.addWidget(self._trigger_box)
        column.addWidget(self._price_box)
        column.addWidget(self._field("Quantity", self.amount, self.unit))
        column.addLayout(_row(*self.percents, spacing=4))
        column.addLayout(_row(self.post_only, self.reduce_only, stretch=True))
        column.addWidget(_Hairline(self.session.theme))
        sums = QVBoxLayout()
        sums.setSpacing(3)
        for box, _ in self.sums.values():
            sums.addLayout(box)
        column.addLayout(sums)
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
        foot.setContentsMargins(10, 0, 10, 8)
        foot.setSpacing(6)
        foot.addWidget(self.verdict)
        foot.addWidget(self.locked)
        foot.addWidget(self.submit_button)
        self._build_position()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._area)
        outer.addWidget(self._foot)
        outer.addWidget(self.position_box)
        outer.addStretch(1)

    def _build_position(self) -> None:
        """What is held in this instrument, where the decision about it is made."""
        self.position_box = QWidget()
        column = QVBoxLayout(self.position_box)
        column.setContentsMargins(10, 0, 10, 8)
        column.setSpacing(3)
        column.addWidget(_Hairline(self.session.theme))
        column.addSpacing(5)
        self.held = {key: self._sum_row(word) for key, word in _HELD}
        for box, _ in self.held.values():
            column.addLayout(box)
        self.close_button = QPushButton("Close position…")
        self.close_button.setToolTip("Fill the ticket with the order that closes the position (Ctrl+Shift+C)")
        self.close_button.clicked.connect(self.close_wanted)
        column.addSpacing(3)
        column.addWidget(self.close_button)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_height()

    def _share_height(self) -> None:
        """The position is shown where there is room for it beneath the whole ticket."""
        fields = self._fields.sizeHint().height()
        self._area.setFixedHeight(max(60, min(fields, self.height() - self._foot.sizeHint().height())))
        needed = fields + self._foot.sizeHint().height() + self.position_box.sizeHint().height()
        self.position_box.setVisible(self.height() >= needed)

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
        head = _row(label, stretch=True)
        for widget in beside:
            head.addWidget(widget)
        column.addLayout(head)
        column.addWidget(entry)
        return box

    @staticmethod
    def _sum_row(word: str) -> tuple[QHBoxLayout, QLabel]:
        label, value = QLabel(word), QLabel(NOTHING)
        label.setProperty("tone", "lo")
        value.setProperty("numeric", True)
        value.setProperty("tone", "hi")
        value.setAccessibleName(word)
        value.setStyleSheet("font-size: 11px")
        value.setFixedSize(154, 15)  # a fixed size: a new text lays nothing out anew
        value.setAlignment(Qt.AlignmentFlag.AlignRight)
        row = _row(label, stretch=True)
        row.addWidget(value)
        return row, value

    def focus_target(self) -> QWidget:
        return self.price if self._draft.type.has_limit else self.amount

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
        )

    def take_side(self, side: Side) -> None:
        """Bring the keyboard to the field that comes first."""
        self.side.choose(side.value)
        target = self.focus_target()
        if isinstance(target, NumberEdit) and target is self.price and target.value() is not None:
            target = self.amount
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)
        if isinstance(target, NumberEdit):
            target.selectAll()

    def take_price(self, price: float, side: Side | None) -> None:
        """A price of the market into the ticket, and the side where one was meant."""
        instrument = self.session.instrument
        if instrument is None or price <= 0:
            return
        if stale_age_s(self.session.state, instrument.instrument_id, Channel.BOOK, 0) is not None:
            self.session.tell("warn", "The market is stale", "A price from the screen may be wrong by now; type it.")
            return
        if not self._draft.type.has_limit and not self._draft.type.has_trigger:
            self.set_type(OrderType.LIMIT)
        if side is not None:
            self.side.choose(side.value)
        entry = self.price if self._draft.type.has_limit else self.trigger
        entry.setText(format_price(instrument.price(price), instrument.price_precision))

    def take_touch(self, side: Side) -> None:
        """The best bid (BUY) or ask (SELL)."""
        instrument = self.session.instrument
        touch = self.session.state.market(instrument.instrument_id).touch if instrument is not None else None
        if touch is None:
            self.session.tell("info", "There is no quote yet", "The price stays as it is.")
        else:
            self.take_price(touch[0] if side is Side.BUY else touch[1], None)

    def take_closing(self, position: Position) -> None:
        """The market order that closes a position. It is not sent."""
        self.session.select(position.instrument_id)
        self.set_type(OrderType.MARKET)
        self.side.choose((Side.SELL if position.quantity > 0 else Side.BUY).value)
        self.unit.choose(Unit.BASE.value)
        instrument = self.session.instrument
        if instrument is not None:
            self.amount.setText(format_quantity(abs(position.quantity), instrument.quantity_precision))
        self.reduce_only.setChecked(True)
        self.amount.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def set_type(self, kind: OrderType) -> None:
        self.type.setCurrentIndex(_TYPES.index(kind))

    def next_type(self) -> None:
        self.type.setCurrentIndex((self.type.currentIndex() + 1) % len(_TYPES))

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
        self._name_units(instrument)
        self.reduce_only.setVisible(instrument.kind is not InstrumentKind.SPOT)
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
        QWidget.setTabOrder(self.amount, self.unit)
        old.hide()
        old.setParent(None)  # out of the tab order now, not when the event loop gets to deleting it
        old.deleteLater()
        self._step_amount(instrument)

    def _unit_changed(self, value: str) -> None:
        """The same amount means another thing now: start it anew."""
        instrument = self.session.instrument
        if instrument is not None:
            self._step_amount(instrument)
        self.amount.set_value(None)
        self._edited()

    def _step_amount(self, instrument: Instrument) -> None:
        unit = Unit(self.unit.value)
        self.amount.set_range(Decimal(0), Decimal(100) if unit is Unit.PERCENT else None)
        steps = {Unit.BASE: instrument.lot_size, Unit.QUOTE: Decimal(1), Unit.PERCENT: Decimal(1)}
        self.amount.set_step(steps[unit])

    def _laid_out(self) -> None:
        """The fields that this type of order has."""
        draft = self._draft
        self._price_box.setVisible(draft.type.has_limit)
        self._trigger_box.setVisible(draft.type.has_trigger)
        self.tif.setEnabled(draft.type.has_limit)
        self.post_only.setVisible(draft.type is OrderType.LIMIT)
        self._edited()
        self._fields.layout().activate()  # type: ignore[union-attr]  # it has one
        self._share_height()

    # What it comes to -------------------------------------------------------

    def _edited(self) -> None:
        """The ticket is another one now: it may be sent, as an order of its own."""
        self._token = _new_token()
        self._sent = None
        self._rearm.stop()
        self._verdict = None
        self.tif.setDisabled(self.post_only.isChecked() or not self._draft.type.has_limit)
        self._work_out()
        self._risk.start()

    def _work_out(self) -> None:
        instrument = self.session.instrument
        draft = self._draft
        if instrument is None:
            self._told = Estimate(problem="Waiting for the venue.")
        else:
            self._told = estimate(draft, instrument, self.session.state)
        self._mark_field(self._told)
        self._write_sums(instrument)
        self._write_button(instrument)

    def _mark_field(self, told: Estimate) -> None:
        """A wrong entry is marked where it stands; an empty one is no mistake yet."""
        for name, entry in (("price", self.price), ("trigger", self.trigger), ("amount", self.amount)):
            wrong = told.field == name and entry.value() is not None
            reason = told.problem if wrong else ""
            if entry.property("said") != reason:
                entry.setProperty("said", reason)
                entry.set_reason(reason)

    def _write_sums(self, instrument: Instrument | None) -> None:
        told = self._told
        texts = {"quantity": NOTHING, "cost": NOTHING, "fee": NOTHING, "free": NOTHING, "after": NOTHING}
        after_tone = "hi"
        if instrument is not None:
            digits = 2 if told.asset == instrument.quote else min(8, instrument.quantity_precision)
            texts["free"] = f"{format_price(told.free, digits)} {told.asset}"
            if told.cost is not None and told.fee is not None and told.free_after is not None:
                about = "≈ " if told.quote_quantity is not None else ""
                texts["quantity"] = (
                    f"{about}{format_quantity(told.quantity, instrument.quantity_precision)} {instrument.base}"
                )
                texts["cost"] = f"{format_price(told.cost, 2)} {instrument.quote}"
                rate = (instrument.maker_fee if told.maker else instrument.taker_fee) * 100
                texts["fee"] = f"{format_price(told.fee, 2)} {instrument.quote} · {rate.normalize():f} %"
                texts["after"] = f"{format_price(told.free_after, digits)} {told.asset}"
                after_tone = "danger" if told.free_after < 0 else "hi"
        for key, (_, label) in self.sums.items():
            set_text(label, texts[key], after_tone if key == "after" else "hi")

    def _write_button(self, instrument: Instrument | None) -> None:
        draft, told = self._draft, self._told
        word = side_word(draft.side)
        base = instrument.base if instrument is not None else ""
        if told.quote_quantity is not None and instrument is not None:
            act = f"{word} {base} for {format_price(told.quote_quantity, 2)} {instrument.quote}"
        elif told.quantity is not None and not told.problem:
            act = f"{word} {_short(told.quantity)} {base}"
        else:
            act = f"{word} {base}"
        locked = self.session.state.entry_locked
        # Most locks open by themselves (a link, a comparison); only those the trader can open have a button.
        can_unlock = locked is not None and "lock" in locked.lower() and not self.session.safe_mode
        if self.locked.isHidden() is can_unlock:
            self.locked.setVisible(can_unlock)
            self.submit_button.setHidden(can_unlock)
            self._share_height()
        if self._sent is not None:
            act = f"Sent · {act}"
        self.submit_button.setText(act)
        self.submit_button.setAccessibleName(act)
        self.submit_button.setEnabled(not self._why_not())
        if self.submit_button.property("role") != draft.side.value:
            self.submit_button.setProperty("role", draft.side.value)
            self.submit_button.style().unpolish(self.submit_button)
            self.submit_button.style().polish(self.submit_button)
        self._write_verdict(locked)

    def _write_verdict(self, locked: str | None) -> None:
        told = self._told
        reasons = [entry.reason for entry in (self.price, self.trigger, self.amount) if entry.isVisible()]
        wrong = next((reason for reason in reasons if reason), "")
        if self.session.safe_mode:
            text, tone = "Safe mode: order entry is off.", "warn"
        elif locked is not None:
            text, tone = locked, "warn"
        elif wrong:
            text, tone = wrong, "danger"
        elif told.problem:
            text, tone = told.problem, "lo"
        elif self._verdict:
            text, tone = self._verdict, "danger"
        elif self._verdict is None:
            text, tone = "Asking risk…", "lo"
        else:
            text, tone = "✓ Within your limits", "up"
        set_text(self.verdict, text, tone)

    def _ask_risk(self) -> None:
        instrument = self.session.instrument
        if instrument is None or self._told.problem:
            return
        self._asked_risk += 1
        number = self._asked_risk
        # The opinion is of an order that will never be: it takes a name of its own.
        intent = intent_of(self._draft, self._told, instrument, ClientOrderId("opinion"), None)
        self.session.query(
            RiskQuery(intent),
            lambda reason: self._risk_said(number, reason or ""),
            lambda reason: self._risk_said(number, reason),
        )

    def _risk_said(self, number: int, reason: str) -> None:
        if number == self._asked_risk and not self._risk.isActive():
            self._verdict = reason
            self._write_verdict(self.session.state.entry_locked)

    # Sending it -------------------------------------------------------------

    def _why_not(self) -> str:
        """Why the button does nothing now; empty when it sends."""
        if self.session.safe_mode:
            return "Safe mode: order entry is off."
        if self.session.state.entry_locked is not None:
            return self.session.state.entry_locked
        reasons = [entry.reason for entry in (self.price, self.trigger, self.amount) if entry.isVisibleTo(self)]
        wrong = next((reason for reason in reasons if reason), "")
        return wrong or self._told.problem or ("It is sent already." if self._sent is not None else "")

    def submit(self) -> None:
        """Send the order, once: pressed again on the same ticket it is the same intent, and nothing happens."""
        if self._sent is not None:
            return
        self._work_out()
        instrument = self.session.instrument
        why_not = self._why_not()
        if why_not or instrument is None:
            self.session.tell("warn", "Not sent", why_not or "There is no instrument yet.")
            return
        order_id = new_client_order_id()
        intent = intent_of(self._draft, self._told, instrument, order_id, self._token)
        self._sent = order_id
        self._write_button(instrument)
        self.session.execute(SubmitOrder(intent), lambda outcome: self._answered(order_id, outcome))

    def _answered(self, order_id: ClientOrderId, outcome: Outcome) -> None:
        """Refused before it left: the events of the order tell the trader why, if it became one."""
        if isinstance(outcome, Done):
            return
        if order_id not in self.session.state.orders:
            self.session.tell("error", "Not sent", outcome.reason)
        if order_id == self._sent:
            self._rearm.start()

    def _arm(self) -> None:
        """The outcome is known and the haste is over: the same order may be sent again, as another one."""
        self._sent = None
        self._token = _new_token()
        self._work_out()
        self._risk.start()

    # Once per frame ---------------------------------------------------------

    def refresh(self, state: State, dirty: Dirty) -> None:
        if self._sent is not None and not self._rearm.isActive():
            order = state.orders.get(self._sent)
            if order is not None and order.status not in _ON_THE_WAY:
                self._rearm.start()
        instrument = self.session.instrument
        name = instrument.instrument_id if instrument is not None else None
        if dirty.everything or dirty.balances or dirty.system or name in dirty.quotes or name in dirty.instruments:
            self._work_out()
        self._write_position(state)

    def each_second(self, state: State, now_ns: int) -> None:
        """The market moves under the ticket; so may what risk thinks of it."""
        if not self._risk.isActive() and self._sent is None:
            self._ask_risk()

    def _write_position(self, state: State) -> None:
        instrument = self.session.instrument
        position = state.positions.get(instrument.instrument_id) if instrument is not None else None
        held = position is not None and position.quantity != 0
        self.close_button.setEnabled(held)
        if instrument is None or position is None or not held:
            for _, label in self.held.values():
                set_text(label, NOTHING, "lo")
            return
        mark = mark_of(state, instrument.instrument_id)
        gain = position.unrealised(mark) if mark is not None else None
        digits, lots = instrument.price_precision, instrument.quantity_precision
        texts = {
            "position": (f"{format_change(position.quantity, lots)} {instrument.base}", position.quantity),
            "average": (format_price(position.average_price, digits), None),
            "unrealised": (f"{format_change(gain, 2)} {instrument.quote}", gain),
            "realised": (f"{format_change(position.realised, 2)} {instrument.quote}", position.realised),
        }
        for key, (text, signed) in texts.items():
            set_text(self.held[key][1], text, _TONES[sign_tone(signed)] if key != "average" else "hi")


_SUMS: Final = (
    ("quantity", "Quantity"),
    ("cost", "Value"),
    ("fee", "Fee"),
    ("free", "Free now"),
    ("after", "Free after"),
)
_HELD: Final = (
    ("position", "Position"),
    ("average", "Average entry"),
    ("unrealised", "Unrealised"),
    ("realised", "Realised"),
)
_UNIT_WORDS: Final = {Unit.BASE: "Coins", Unit.QUOTE: "Money", Unit.PERCENT: "%"}
_UNIT_TIPS: Final = {
    Unit.BASE: "In coins (Alt+U for the next)",
    Unit.QUOTE: "In money (Alt+U for the next)",
    Unit.PERCENT: "In percent of what is free (Alt+U for the next)",
}


def _new_token() -> IntentToken:
    return IntentToken(secrets.token_hex(8))


def _short(quantity: Decimal) -> str:
    """`0.05`, not `0.05000`: the button is read, not compared."""
    return f"{quantity.normalize():,f}"


def _row(*widgets: QWidget, stretch: bool = False, spacing: int = 6) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(spacing)
    for widget in widgets:
        row.addWidget(widget)
    if stretch:
        row.addStretch(1)
    return row


class _Hairline(QWidget):
    """A line between two parts of the ticket."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedHeight(1)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colors.line)
        painter.end()
