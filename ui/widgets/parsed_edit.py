"""An entry for what is typed as text and read as a value: a number, a duration, a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QWidget

from ui.theme import fonts
from ui.widgets.line_edit import LineEdit

V = TypeVar("V")


class ParsedEdit(LineEdit, Generic[V]):
    """A right-aligned entry. `parse` raises ValueError with a sentence; then the border turns red and the tooltip
    says it."""

    value_changed = Signal(object)
    """The new value, or None while the text is empty or can't be used."""

    def __init__(
        self, parse: Callable[[str], V], parent: QWidget | None = None, *, name: str, tooltip: str, example: str = ""
    ) -> None:
        super().__init__(parent)
        self._parse = parse
        self._value: V | None = None
        self._reason = self._extra_reason = ""
        self._hint = tooltip
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setFont(fonts.numbers(fonts.BASE))
        self.setProperty("numeric", True)
        self.setPlaceholderText(example)
        self.setAccessibleName(name)
        self.setToolTip(tooltip)
        self.textChanged.connect(self._read)

    @property
    def reason(self) -> str:
        """Why the text can't be used, in a sentence; empty when it can."""
        return self._reason or self._extra_reason

    def value(self) -> V | None:
        """What was read; None when the entry is empty or can't be used."""
        return self._value

    def set_reason(self, reason: str) -> None:
        """Mark the entry for a reason it can't know itself ("above your balance"); empty clears it."""
        self._extra_reason = reason
        self._mark()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.selectAll()

    def _read(self, text: str) -> None:
        before = self._value, self._reason
        self._value, self._reason = None, ""
        if text.strip():
            try:
                self._value = self._parse(text)
            except ValueError as error:
                self._reason = str(error)
        self._mark()
        if (self._value, self._reason) != before:
            self.value_changed.emit(self._value)

    def _mark(self) -> None:
        self.setToolTip(self.reason or self._hint)
        invalid = bool(self.reason)
        if bool(self.property("invalid")) != invalid:
            self.setProperty("invalid", invalid)
            self.style().unpolish(self)
            self.style().polish(self)
