"""The frame in the mode's colour round the whole window, and the badge that names the mode."""

from __future__ import annotations

from PySide6 import QtCore  # for Qt, whose enums can wait until after the first paint
from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
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


class ModeFrame(QObject):
    """Four strips over the edge of a window, always on top.

    Strips, not one widget with a hole: raising that would have the whole window painted anew with each message.
    They take no mouse themselves: what a plain widget does not use goes to the window.
    Give the window `contentsMargins` of `FRAME`, or the strips cover its outermost pixels.
    """

    def __init__(self, theme: Theme, window: QWidget, mode: str = "demo") -> None:
        super().__init__(window)
        self._theme, self._window, self._mode = theme, window, mode.lower()
        self.strips = [QWidget(window) for _ in range(4)]
        for strip in self.strips:
            strip.setAutoFillBackground(True)
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

    def setVisible(self, visible: bool) -> None:
        for strip in self.strips:
            strip.setVisible(visible)

    def raise_(self) -> None:
        for strip in self.strips:
            strip.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self._follow()
        elif event.type() == QEvent.Type.ChildAdded:
            self.raise_()
        return False

    def _dress(self) -> None:
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Window, self._theme.colors.mode(self._mode))
        for strip in self.strips:
            strip.setPalette(palette)

    def _follow(self) -> None:
        width, height = self._window.width(), self._window.height()
        top, bottom, left, right = self.strips
        top.setGeometry(0, 0, width, FRAME)
        bottom.setGeometry(0, height - FRAME, width, FRAME)
        left.setGeometry(0, 0, FRAME, height)
        right.setGeometry(width - FRAME, 0, FRAME, height)
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
