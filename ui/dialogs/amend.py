"""Another price, trigger or quantity for a working order."""

from __future__ import annotations

from decimal import Decimal

from PySide6.QtWidgets import QDialog, QFormLayout, QLabel, QVBoxLayout, QWidget

from octopus_desktop.model.commands import AmendOrder, Done, NeedsConfirmation, Outcome
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import new_client_order_id, symbol_of
from octopus_desktop.model.orders import Order
from ui.dialogs.answers import Answer, answer_row, problem_line
from ui.models.ticket_draft import off_tick
from ui.panes.order_columns import TYPE_WORDS, Precisions, side_word
from ui.questions import Questions
from ui.session import Session
from ui.widgets.number_edit import NumberEdit


class AmendDialog(QDialog):
    """It opens on the price, or the quantity where there is none; Enter sends only what was changed."""

    def __init__(self, session: Session, order: Order, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._order = session, order
        intent = order.intent
        self._instrument = session.state.instruments.get(intent.instrument_id)
        self.setWindowTitle(f"Change the order in {symbol_of(intent.instrument_id)}")
        self.setFixedWidth(340)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        write = Precisions(session.state)
        filled = f", {write.quantity(intent.instrument_id, order.filled_quantity)} filled" if order.trade_ids else ""
        words = QLabel(
            f"{side_word(intent.side)} {TYPE_WORDS[intent.type].lower()} in {symbol_of(intent.instrument_id)}{filled}"
        )
        words.setProperty("tone", "hi")
        column.addWidget(words)
        form = QFormLayout()
        form.setSpacing(8)
        tick = self._instrument.tick_size if self._instrument is not None else Decimal("0.01")
        lot = self._instrument.lot_size if self._instrument is not None else Decimal("0.00001")
        self.entries: dict[str, NumberEdit] = {}
        self._before: dict[str, Decimal] = {}
        for key, word, value, step in (
            ("trigger_price", "Trigger", intent.trigger_price, tick),
            ("price", "Price", intent.price, tick),
            ("quantity", "Quantity", intent.quantity or None, lot),
        ):
            if value is not None:
                entry = NumberEdit(step=step, name=word, tooltip=f"{word}; Up and Down step, Shift by ten")
                entry.set_value(value)
                entry.value_changed.connect(self._check)
                form.addRow(word, entry)
                self.entries[key], self._before[key] = entry, value
        column.addLayout(form)
        self.problem = problem_line()
        column.addWidget(self.problem)
        buttons, self.change = answer_row(
            self,
            Answer("Leave it", "The order stays as it is"),
            Answer("Change the order", "Send the change"),
            self._send,
        )
        column.addLayout(buttons)
        first = self.entries.get("price") or next(iter(self.entries.values()), None)
        if first is not None:
            first.setFocus()
            first.selectAll()
        self._check()

    def _changed(self) -> dict[str, Decimal]:
        values = {key: entry.value() for key, entry in self.entries.items()}
        return {key: value for key, value in values.items() if value is not None and value != self._before[key]}

    def _wrong(self) -> str:
        """Why this can't be sent; empty where it can."""
        for key, entry in self.entries.items():
            value = entry.value()
            if value is None or value <= 0:
                return entry.reason or f"The {entry.accessibleName().lower()} is missing."
            if self._instrument is None:
                continue
            if key == "quantity" and value % self._instrument.lot_size:
                return f"The lot is {figure(self._instrument.lot_size)}."
            if key != "quantity" and (problem := off_tick(value, self._instrument)):
                return problem
        quantity = self.entries["quantity"].value() if "quantity" in self.entries else None
        if quantity is not None and quantity <= self._order.filled_quantity:
            return f"So much is filled already: {figure(self._order.filled_quantity)}. Cancel the order instead."
        return ""

    def _check(self) -> None:
        wrong = self._wrong()
        self.problem.setText(wrong)
        self.change.setEnabled(not wrong and bool(self._changed()))

    def _send(self) -> None:
        order_id = self._order.client_order_id
        command = AmendOrder(order_id, new_client_order_id(), **self._changed())
        self.change.setEnabled(False)
        self._session.execute(command, lambda outcome: self._answered(command, outcome))

    def _answered(self, command: AmendOrder, outcome: Outcome) -> None:
        if isinstance(outcome, Done):
            self.accept()
            return
        self.change.setEnabled(True)
        if isinstance(outcome, NeedsConfirmation):
            Questions(self._session, self).confirm(command, outcome.reason, self._send)
        else:
            self.problem.setText(outcome.reason)
