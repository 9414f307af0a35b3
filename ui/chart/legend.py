"""The line at the top left: instrument, interval, and what one candle was."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from ui.chart.scene import Scene
from ui.theme.numbers import format_change, format_compact, format_percent, format_price
from ui.theme.text import TextCache

HEIGHT = 20
_LEFT = 8
_GAP = 7


class _Part(NamedTuple):
    cache: TextCache
    colour: QColor
    text: str
    gap: float


class Legend:
    """Texts of the legend for one candle, kept as a picture: while a chart is panned they stay as they are.

    Logical pixels.
    """

    def __init__(self, bold: TextCache) -> None:
        self._bold = bold
        self._made_from: tuple[object, ...] = ()
        self._parts: list[_Part] = []
        self._lefts: list[float] = []
        self._width = 0.0
        self._picture = QPixmap()  # null when the texts are newer
        self.rect = QRect()  # what it covers

    def show(self, scene: Scene, subtitle: str, index: int | None) -> QRect:
        """Make the texts for a candle (the last one for None). Returns what has to be painted anew."""
        made_from = (
            *self._candle(scene, index),
            scene.title,
            subtitle,
            scene.precision,
            scene.viewport.width,
            scene.dpr,
        )
        if made_from == self._made_from and self._parts:  # as after each step of a pan
            return QRect()
        self._made_from = made_from
        parts = self._make(scene, subtitle, index)
        if parts == self._parts:
            return QRect()
        same = next((n for n, (new, old) in enumerate(zip(parts, self._parts, strict=False)) if new != old), 0)
        before = self._width
        self._parts, self._lefts, self._picture = parts, [], QPixmap()
        x = float(_LEFT)
        for part in parts:
            self._lefts.append(x)
            x += part.cache.width(part.text) + part.gap
        self._width = x
        self.rect = QRect(0, 4, int(x) + 2, HEIGHT)
        start = int(self._lefts[same]) - 1 if parts and same else 0
        return QRect(start, 4, int(max(before, x)) + 2 - start, HEIGHT)

    def reset(self) -> None:
        """Forget the texts: colours or digits are others now."""
        self._parts = []
        self._picture = QPixmap()

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Paint all of it; the painter is clipped to what is painted anew."""
        if self._picture.isNull() or self._picture.devicePixelRatio() != scene.dpr:
            self._picture = self._draw(scene)
        painter.drawPixmap(self.rect.topLeft(), self._picture)

    def _draw(self, scene: Scene) -> QPixmap:
        picture = QPixmap(self.rect.size() * scene.dpr)
        picture.setDevicePixelRatio(scene.dpr)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        backing = QColor(scene.colors.bg0)
        backing.setAlpha(190)
        painter.fillRect(QRect(2, 0, int(self._width) - 4, HEIGHT), backing)
        for (cache, colour, text, _), x in zip(self._parts, self._lefts, strict=True):
            painter.setPen(colour)
            cache.left(painter, x, HEIGHT / 2, text)
        painter.end()
        return picture

    def _make(self, scene: Scene, subtitle: str, index: int | None) -> list[_Part]:
        """As many of the texts as there is room for, the more telling ones first."""
        colors = scene.colors
        title = [_Part(self._bold, colors.text_hi, scene.title, _GAP)] if scene.title else []
        under = [_Part(scene.words, colors.text_lo, subtitle, 2 * _GAP)] if subtitle else []
        prices, change, volume = self._numbers(scene, index)
        edge = scene.viewport.width / scene.dpr - _LEFT
        for parts in (
            title + under + prices + change + volume,
            title + prices + change + volume,
            title + prices + change,
            title + prices[-2:] + change,
            title + under,
        ):
            if sum(part.cache.width(part.text) + part.gap for part in parts) <= edge:
                return parts
        return title

    def _numbers(self, scene: Scene, index: int | None) -> tuple[list[_Part], list[_Part], list[_Part]]:
        """Open to close with their letters, the change, and the volume; nothing for an empty series."""
        colors, numbers, words = scene.colors, scene.numbers, scene.words
        candle = self._candle(scene, index)
        if not candle:
            return [], [], []
        o, h, low, c, v, base = candle
        prices = []
        for letter, price in (("O", o), ("H", h), ("L", low), ("C", c)):
            prices.append(_Part(words, colors.text_lo, letter, 4))
            prices.append(_Part(numbers, colors.text_hi, format_price(price, scene.precision), _GAP))
        percent = format_percent((c / base - 1) * 100 if base > 0 else None)
        text = f"{format_change(c - base, scene.precision)} ({percent})"
        # The sign of the number and its colour agree, also where a candle closed up but under the one before.
        change = [_Part(numbers, colors.up if c >= base else colors.down, text, 2 * _GAP)]
        volume = [_Part(words, colors.text_lo, "Vol", 4), _Part(numbers, colors.text_mid, format_compact(v), _GAP)]
        return prices, change, volume

    @staticmethod
    def _candle(scene: Scene, index: int | None) -> tuple[float, ...]:
        """A candle's five numbers and what its change is told against; nothing for an empty series."""
        count = len(scene.series)
        if not count:
            return ()
        index = count - 1 if index is None else max(0, min(count - 1, index))
        candle = scene.series.at(index)
        # Against the close before, as a day's change is told; the very first candle has only its open.
        return (*candle, scene.series.at(index - 1)[3] if index else candle[0])
