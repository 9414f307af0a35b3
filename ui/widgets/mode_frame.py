"""The frame in the mode's colour round the whole window, and the badge that names the mode."""

from __future__ import annotations

from PySide6 import QtCore  # for Qt, whose enums can wait until after the first paint
from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QRegion
from PySide6.QtWidgets import QWidget

from ui.theme import fonts
from ui.theme.text import TextCache
from ui.theme.theme import Theme
from ui.theme.tokens import text_on

FRAME = 3

_MEANING = {
    "demo": "Demo: the embedded exchange. No real money.",
    "paper": "Paper: a real market, simulated orders. No real money.",
    "live": "Live: real orders, real money.",
}


class ModeFrame(QWidget):
    """Four strips over the edge of a window; everything inside gets the mouse and paints as if it weren't there.

    It takes no mouse itself: what a plain widget does not use goes to the window.
    Give the window `contentsMargins` of `FRAME`, or the strips cover its outermost pixels.
    """

    def __init__(self, theme: Theme, window: QWidget, mode: str = "demo") -> None:
        super().__init__(window)
        self._theme, self._window, self._mode = theme, window, mode.lower()
        self.setAutoFillBackground(True)
        window.installEventFilter(self)
        theme.changed.connect(self._dress)
        self._dress()
        self._follow()

    @property
    def mode(self) -> str:
        return self._mode

    def set_mode(self, mode: str) -> None:
        """`demo`, `paper` or `live`. Raises `KeyError` for another word: a wrong frame is worse than none."""
        self._theme.colors.mode(mode)
        self._mode = mode.lower()
        self._dress()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self._follow()
        elif event.type() == QEvent.Type.ChildAdded:
            self.raise_()
        return False

    def _dress(self) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, self._theme.colors.mode(self._mode))
        self.setPalette(palette)

    def _follow(self) -> None:
        area = self._window.rect()
        self.setGeometry(area)
        # The mask leaves four strips, and keeps repaints of the window's inside from painting this widget along.
        self.setMask(QRegion(area).subtracted(QRegion(area.adjusted(FRAME, FRAME, -FRAME, -FRAME))))
        self.raise_()


class ModeBadge(QWidget):
    """The word DEMO, PAPER or LIVE on the mode's colour."""

    def __init__(self, theme: Theme, mode: str = "demo", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = TextCache(fonts.words(fonts.TABLE, bold=True))
        self._mode = ""
        theme.changed.connect(self.update)
        self.set_mode(mode)

    @property
    def mode(self) -> str:
        return self._mode

    def set_mode(self, mode: str) -> None:
        """As `ModeFrame.set_mode`."""
        self._theme.colors.mode(mode)
        self._mode = mode.lower()
        self.setAccessibleName(self._mode.upper())
        self.setToolTip(_MEANING[self._mode])
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(round(self._text.width(self._mode.upper())) + 16, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self._theme.colors.mode(self._mode)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(self.rect(), 3, 3)
        painter.setPen(QColor(text_on(colour.name())))
        self._text.center(painter, self.width() / 2, self.height() / 2, self._mode.upper())
        painter.end()
