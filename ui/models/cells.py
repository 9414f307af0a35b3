"""Paints table cells: figures right-aligned in their own typeface, colours from the tokens, no layout work."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from ui.models.columns import Column, Paint
from ui.theme import fonts
from ui.theme.colors import Colors
from ui.theme.text import TextCache
from ui.theme.theme import Theme
from ui.widgets.sparkline import paint_sparkline

ROW_HEIGHT = 20
PAD = 6


class CellPainter:
    """Paints what a column shows of a row, in a cell of ROW_HEIGHT; the background is there already."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._numbers = TextCache(fonts.numbers(fonts.TABLE))
        self._words = TextCache(fonts.words(fonts.TABLE))

    def width(self, column: Column[Any], row: Any) -> int:
        """What the cell needs to show all of its text."""
        return round((self._numbers if column.right else self._words).width(column.text(row)) + 0.5) + 2 * PAD

    def paint(
        self, painter: QPainter, column: Column[Any], row: Any, left: int, top: int, width: int, *, faded: bool
    ) -> None:
        """`faded`: the row no longer counts, or is old."""
        colors = self._theme.colors
        colour = colors.text_lo if faded else self._colour(column, row, colors)
        if column.paint is Paint.SPARKLINE:
            values = column.raw(row)
            if isinstance(values, np.ndarray):
                box = QRectF(left + PAD, top + 3, width - 2 * PAD, ROW_HEIGHT - 6)
                paint_sparkline(painter, box, values, colour, fill=False)
            return
        if column.paint is Paint.PROGRESS:
            self._progress(painter, QRectF(left, top, width, ROW_HEIGHT), column.raw(row), colour, colors)
        text = column.text(row)
        if not text:
            return
        painter.setPen(colour)
        middle = top + ROW_HEIGHT / 2
        if column.right:
            self._numbers.right(painter, left + width - 1 - PAD, middle, text)
        else:
            cache, room = self._words, width - 2 * PAD
            if cache.width(text) > room:
                text = (fitted_name if column.paint is Paint.NAME else fitted)(cache, text, room)
            cache.left(painter, left + PAD, middle, text)

    def is_cut(self, column: Column[Any], row: Any, width: int) -> bool:
        """Whether a cell so wide leaves something of its words out."""
        return column.paint in (Paint.WORDS, Paint.NAME) and self._words.width(column.text(row)) > width - 2 * PAD

    @staticmethod
    def _colour(column: Column[Any], row: Any, colors: Colors) -> QColor:
        if column.tone is not None:
            colour = getattr(colors, column.tone(row))
            assert isinstance(colour, QColor)
            return colour
        return colors.text_hi if column.right else colors.text_mid

    @staticmethod
    def _progress(painter: QPainter, rect: QRectF, percent: object, colour: QColor, colors: Colors) -> None:
        """A line beneath the figure, so that the figure stays readable."""
        share = min(1.0, max(0.0, float(percent) / 100)) if isinstance(percent, Decimal | float | int) else 0.0
        track = QRectF(rect.left() + PAD, rect.bottom() - 4, rect.width() - 2 * PAD, 2)
        painter.fillRect(track, colors.line)
        track.setWidth(track.width() * share)
        painter.fillRect(track, colour)


def fitted(cache: TextCache, text: str, room: float) -> str:
    """The text cut to `room` pixels with an ellipsis, by halving: logs have long lines."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if cache.width(text[:middle] + "…") <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low] + "…" if low else ""


def fitted_name(cache: TextCache, text: str, room: float) -> str:
    """The name cut to `room` pixels in its middle: `BTCU…210924`."""
    for left_out in range(1, len(text)):
        kept = len(text) - left_out
        head = kept // 2
        cut = f"{text[:head]}…{text[len(text) - (kept - head) :]}"
        if cache.width(cut) <= room:
            return cut
    return ""
