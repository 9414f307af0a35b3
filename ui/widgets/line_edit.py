"""Every entry of text: its letters are its own, the program's chords are the program's."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit

_CHORD: Final = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
_EDITING: Final = tuple(
    getattr(QKeySequence.StandardKey, name)
    for name in (
        "Copy", "Cut", "Paste", "SelectAll", "Undo",
        "MoveToNextWord", "MoveToPreviousWord", "SelectNextWord", "SelectPreviousWord",
        "DeleteStartOfWord", "DeleteEndOfWord",
    )
)  # fmt: skip
"""The chords that stay with the text. Qt claims more: Ctrl+U would erase a price rather than unlock order entry."""
_TAKEN: Final = tuple(
    getattr(QKeySequence.StandardKey, name) for name in ("DeleteCompleteLine", "DeleteEndOfLine", "Delete", "Redo")
)
"""What Qt would make of Ctrl+U, Ctrl+K, Ctrl+D and Ctrl+Shift+Z."""


class LineEdit(QLineEdit):
    """A chord of the program does in it what it does everywhere, and never something else: under a dialog, which shuts
    the window's keys off, it does nothing."""

    def event(self, event: QEvent) -> bool:
        is_override = event.type() == QEvent.Type.ShortcutOverride
        if is_override and isinstance(event, QKeyEvent) and self._is_foreign(event):
            event.ignore()  # QLineEdit would claim it for its text, and still gets what the window has no use for
            return False
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() & _CHORD and any(event.matches(each) for each in _TAKEN):
            event.ignore()
            return
        super().keyPressEvent(event)

    def _is_foreign(self, event: QKeyEvent) -> bool:
        """A key that the window may have an action for."""
        return bool(event.modifiers() & _CHORD) and not any(event.matches(each) for each in _EDITING)
