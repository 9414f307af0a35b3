"""A page over the window: palette and cheat sheet. Esc, or a click beside it, puts it away."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget
from shiboken6 import isValid

from ui.theme.theme import Theme
from ui.widgets.mode_frame import FRAME


class OverlayPage(QWidget):
    """Dims the window and holds a framed box. The keyboard goes back to where it was."""

    closed = Signal()

    def __init__(self, theme: Theme, window: QWidget, name: str) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._before: QWidget | None = None
        self.setAccessibleName(name)
        self.box = QFrame(self)
        self.box.setObjectName("overlay_box")
        self.column = QVBoxLayout(self.box)
        self.column.setContentsMargins(8, 8, 8, 8)
        self.column.setSpacing(6)
        window.installEventFilter(self)
        theme.changed.connect(self._dress)
        self._dress()
        self.hide()

    def _dress(self) -> None:
        t = self._theme.tokens
        self.box.setStyleSheet(
            f"#overlay_box {{ background: {t.bg1}; border: 1px solid {t.line}; border-radius: 6px; }}"
        )

    def open_page(self) -> None:
        self._before = self._window.focusWidget()
        self._fit()
        self.show()
        self.raise_()
        self.focus_first()

    def close_page(self) -> None:
        if not self.isHidden():
            self.hide()
            if self._before is not None and isValid(self._before):  # a row of tabs may be gone meanwhile
                self._before.setFocus(Qt.FocusReason.PopupFocusReason)
            self.closed.emit()

    def focus_first(self) -> None:
        self.setFocus()

    def place_box(self) -> None:
        """Subclasses say where the box is."""
        raise NotImplementedError

    def _fit(self) -> None:
        # The frame that tells the mode is never dimmed.
        self.setGeometry(self._window.rect().adjusted(FRAME, FRAME, -FRAME, -FRAME))
        self.place_box()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._fit()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_page()
        else:
            event.accept()  # nothing of the window behind gets a key

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.box.geometry().contains(event.position().toPoint()):
            self.close_page()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 110 if self._theme.tokens.is_dark else 60))
        painter.end()
