"""The line at the top left: instrument, interval, and what one candle was."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter

from ui.chart.scene import Scene
from ui.theme.numbers import format_change, format_compact, format_percent, format_price
from ui.theme.text import TextCache

HEIGHT = 20
_LEFT = 8
_GAP = 7


class Legend:
    """Texts of the legend for one candle. Logical pixels."""

    def __init__(self, bold: TextCache) -> None:
        self._bold = bold
        self._parts: list[tuple[TextCache, QColor, str, float]] = []
        self.rect = QRect(0, 4, 1, HEIGHT)

    def show(self, scene: Scene, subtitle: str, index: int | None) -> bool:
        """Make the texts for a candle (the last one for None). True when they differ from before."""
        colors, numbers = scene.colors, scene.numbers
        parts: list[tuple[TextCache, QColor, str, float]] = []
        if scene.title:
            parts.append((self._bold, colors.text_hi, scene.title, _GAP))
        if subtitle:
            parts.append((scene.words, colors.text_lo, subtitle, 2 * _GAP))
        count = len(scene.series)
        if count:
            index = count - 1 if index is None else max(0, min(count - 1, index))
            o, h, low, c, v = scene.series.at(index)
            # Against the close before, as a day's change is told; the very first candle has only its open.
            base = scene.series.at(index - 1)[3] if index else o
            tone = colors.up if c >= o else colors.down
            for letter, price in (("O", o), ("H", h), ("L", low), ("C", c)):
                parts.append((scene.words, colors.text_lo, letter, 4))
                parts.append((numbers, tone, format_price(price, scene.precision), _GAP))
            percent = format_percent((c / base - 1) * 100 if base > 0 else None)
            parts.append((numbers, tone, f"{format_change(c - base, scene.precision)} ({percent})", 2 * _GAP))
            parts.append((scene.words, colors.text_lo, "Vol", 4))
            parts.append((numbers, colors.text_mid, format_compact(v), _GAP))
        if parts == self._parts:
            return False
        self._parts = parts
        width = _LEFT + sum(cache.width(text) + gap for cache, _, text, gap in parts)
        # Only ever wider within a view of one instrument: what a longer text leaves must be wiped too.
        self.rect = QRect(0, 4, max(self.rect.width(), int(width) + 2), HEIGHT)
        return True

    def reset(self) -> None:
        self._parts = []
        self.rect = QRect(0, 4, 1, HEIGHT)

    def paint(self, painter: QPainter, scene: Scene) -> None:
        x, middle = float(_LEFT), self.rect.top() + HEIGHT / 2
        edge = scene.viewport.width / scene.dpr
        width = min(edge, _LEFT + sum(cache.width(text) + gap for cache, _, text, gap in self._parts))
        backing = QColor(scene.colors.bg0)
        backing.setAlpha(190)
        painter.fillRect(QRect(2, self.rect.top(), int(width) - 4, HEIGHT), backing)
        for cache, colour, text, gap in self._parts:
            if x + cache.width(text) > edge:
                break
            painter.setPen(colour)
            cache.left(painter, x, middle, text)
            x += cache.width(text) + gap
