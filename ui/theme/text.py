"""Short texts painted again and again: those that come back are laid out once, then kept."""

from __future__ import annotations

from PySide6 import QtCore  # for Qt, whose enums can wait until after the first paint
from PySide6.QtCore import QPointF
from PySide6.QtGui import QFont, QFontInfo, QFontMetricsF, QPainter, QStaticText, QTransform

_MOST = 4096  # a day of prices of one instrument; then start anew


class TextCache:
    """Paints texts in one font. The caller sets the pen.

    A text laid out beforehand paints in less time than `drawText` takes, but laying it out costs three times
    as much. So a text is kept from its second use on: prices come back, quantities mostly don't.
    """

    def __init__(self, font: QFont) -> None:
        self.font = font
        self._metrics = QFontMetricsF(font)
        self.height = self._metrics.height()
        self.advance = self._metrics.horizontalAdvance("0")
        self._fixed = QFontInfo(font).fixedPitch()
        self._ascent = self._metrics.ascent()
        # Digits have no descenders: centring their cap height looks right where centring the line doesn't.
        self._rise = self._ascent - self._metrics.capHeight() / 2
        self._widths: dict[str, float] = {}
        self._seen: set[str] = set()
        self._kept: dict[str, QStaticText] = {}

    def width(self, text: str) -> float:
        if self._fixed and text.isascii():
            return len(text) * self.advance
        width = self._widths.get(text)
        if width is None:
            if len(self._widths) >= _MOST:
                self._widths.clear()
            width = self._widths[text] = self._metrics.horizontalAdvance(text)
        return width

    def left(self, painter: QPainter, x: float, middle: float, text: str) -> None:
        """Paint with the left edge at `x` and the digits' middle at `middle`."""
        painter.setFont(self.font)
        top = round(middle - self._rise)
        static = self._kept.get(text)
        if static is not None:
            painter.drawStaticText(QPointF(x, top), static)
            return
        painter.drawText(QPointF(x, top + self._ascent), text)
        self._remember(text)

    def right(self, painter: QPainter, x: float, middle: float, text: str) -> None:
        self.left(painter, x - self.width(text), middle, text)

    def center(self, painter: QPainter, x: float, middle: float, text: str) -> None:
        self.left(painter, x - self.width(text) / 2, middle, text)

    def _remember(self, text: str) -> None:
        if text not in self._seen:
            if len(self._seen) >= _MOST:
                self._seen.clear()
            self._seen.add(text)
            return
        if len(self._kept) >= _MOST:
            self._kept.clear()
        static = QStaticText(text)
        static.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        static.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
        static.prepare(QTransform(), self.font)
        self._kept[text] = static
