"""Paints table cells: figures right-aligned in their own typeface, colours from the tokens, no layout work."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ui.models.columns import Column, Paint
from ui.models.rows_model import RowsModel
from ui.theme import fonts
from ui.theme.colors import Colors
from ui.theme.text import TextCache
from ui.theme.theme import Theme
from ui.widgets.sparkline import paint_sparkline

ROW_HEIGHT = 20
PAD = 6


class CellDelegate(QStyledItemDelegate):
    """Given the view's row model through `locate`, which turns an index of the view into a row of the model."""

    def __init__(
        self,
        theme: Theme,
        model: RowsModel[Any],
        locate: Callable[[QModelIndex | QPersistentModelIndex], int],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._model = model
        self._locate = locate
        self._numbers = TextCache(fonts.numbers(fonts.TABLE))
        self._words = TextCache(fonts.words(fonts.TABLE))

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(self._model.columns[index.column()].width, ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colors = self._theme.colors
        rect = option.rect
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, colors.select)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, colors.hover)
        column: Column[Any] = self._model.columns[index.column()]
        row = self._model.rows[self._locate(index)]
        colour = self._colour(column, row, colors)
        if column.paint is Paint.SPARKLINE:
            values = column.raw(row)
            if isinstance(values, np.ndarray):
                self._sparkline(painter, QRectF(rect).adjusted(PAD, 3, -PAD, -3), values, colour)
            return
        if column.paint is Paint.PROGRESS:
            self._progress(painter, QRectF(rect), column.raw(row), colour, colors)
        text = column.text(row)
        if not text:
            return
        painter.setPen(colour)
        middle = rect.top() + rect.height() / 2
        if column.right:
            self._numbers.right(painter, rect.right() - PAD, middle, text)
        else:
            cache, room = self._words, rect.width() - 2 * PAD
            if cache.width(text) > room:
                text = fitted(cache, text, room)
            cache.left(painter, rect.left() + PAD, middle, text)

    def _colour(self, column: Column[Any], row: Any, colors: Colors) -> QColor:
        if self._model.faded(row):
            return colors.text_lo
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

    @staticmethod
    def _sparkline(painter: QPainter, rect: QRectF, values: NDArray[np.float64], colour: QColor) -> None:
        paint_sparkline(painter, rect, values, colour, fill=False)


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
