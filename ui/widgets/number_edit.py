"""An entry for prices and quantities: exact decimals in, exact decimals out."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from ui.theme.numbers import decimals_of, format_price, may_be_in_number, parse_number
from ui.widgets.parsed_edit import ParsedEdit


class NumberEdit(ParsedEdit[Decimal]):
    """A decimal entry.

    Up and Down step by the tick (Shift: ten, Ctrl: a hundred), to the next multiple of it first. `1.5k` and pasted
    thousands separators are read; letters that no number has are the window's keys, unless `keeps_letters`. What can't
    be used turns the border red, and the tooltip says why. The wheel steps only while the entry has the focus:
    scrolling past must not change an order.
    """

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        step: Decimal = Decimal("0.01"),
        minimum: Decimal | None = Decimal(0),
        maximum: Decimal | None = None,
        name: str = "",
        tooltip: str = "",
        keeps_letters: bool = False,
    ) -> None:
        super().__init__(self._number, parent, name=name, tooltip=tooltip)
        self._keeps_letters = keeps_letters
        self._step, self._minimum, self._maximum = step, minimum, maximum
        self._decimals = decimals_of(step)

    def set_value(self, value: Decimal | None) -> None:
        """Write a number, at the step's decimals, or more where it has more; None clears."""
        if value is None:
            self.setText("")
        elif value != self._value or not self.hasFocus():
            self.setText(self._written(value))

    def set_step(self, step: Decimal) -> None:
        """The tick or lot: what one key press changes, and how many decimals are written."""
        self._step, self._decimals = step, decimals_of(step)
        if not self.hasFocus():
            self._tidy()

    def set_range(self, minimum: Decimal | None, maximum: Decimal | None) -> None:
        self._minimum, self._maximum = minimum, maximum
        self._read(self.text())

    def step_by(self, steps: int) -> None:
        """Move by whole steps; a value between two goes to the next one first. Stays within the range."""
        value = self._value if self._value is not None else (self._minimum or Decimal(0))
        ratio = value / self._step
        whole = ratio.to_integral_value(ROUND_FLOOR if steps > 0 else ROUND_CEILING)
        stepped = (whole + steps) * self._step
        if self._minimum is not None:
            stepped = max(stepped, self._minimum)
        if self._maximum is not None:
            stepped = min(stepped, self._maximum)
        self.setText(self._written(stepped))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._is_letter(event):
            event.ignore()
            return
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not self.isReadOnly():
            sign = 1 if event.key() == Qt.Key.Key_Up else -1
            self.step_by(sign * self._factor(event.modifiers()))
            self.selectAll()
            return
        super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self.hasFocus() or self.isReadOnly() or not event.angleDelta().y():
            event.ignore()
            return
        self.step_by((1 if event.angleDelta().y() > 0 else -1) * self._factor(event.modifiers()))
        event.accept()

    def _is_foreign(self, event: QKeyEvent) -> bool:
        return super()._is_foreign(event) or self._is_letter(event)

    def _is_letter(self, event: QKeyEvent) -> bool:
        """A character that no number has: `B` and `S` choose the side, wherever a price or quantity is typed."""
        text = event.text() if event.modifiers() != Qt.KeyboardModifier.ControlModifier else ""
        is_letter = len(text) == 1 and text.isprintable() and not may_be_in_number(text)
        return is_letter and not self._keeps_letters

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._tidy()
        super().focusOutEvent(event)

    @staticmethod
    def _factor(modifiers: Qt.KeyboardModifier) -> int:
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            return 100
        return 10 if modifiers & Qt.KeyboardModifier.ShiftModifier else 1

    def _tidy(self) -> None:
        """Write what was typed as `1.5k` the way numbers are written."""
        if self._value is not None:
            self.setText(self._written(self._value))

    def _written(self, value: Decimal) -> str:
        return format_price(value, max(self._decimals, decimals_of(value)))

    def _number(self, text: str) -> Decimal:
        value = parse_number(text)
        if self._minimum is not None and value < self._minimum:
            if not self._minimum:
                raise ValueError("It can't be below zero.")
            raise ValueError(f"At least {self._written(self._minimum)}.")
        if self._maximum is not None and value > self._maximum:
            raise ValueError(f"At most {self._written(self._maximum)}.")
        return value
