"""A candle chart as one writes it with pyqtgraph: two linked plots, each item paints the candles that are in view."""

from __future__ import annotations

import os

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import numpy as np
import pyqtgraph
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from tests.bench.bench_chart import Columns

UP, DOWN = "#36CB92", "#F25C6E"
WIDE = 0.7


class _Bars(pyqtgraph.GraphicsObject):  # type: ignore[misc]  # pyqtgraph is untyped
    """`first` and `count` say which candles are in view; pens and brushes are made once."""

    def __init__(self, columns: Columns, count: int) -> None:
        super().__init__()
        self.open, self.high, self.low, self.close, self.volume = (column.tolist() for column in columns[1:])
        self.bottom, self.top = float(np.min(columns[3])), float(np.max(columns[2]))
        self.most = float(np.max(columns[5]))
        self.first, self.count = 0, count
        self.pens = pyqtgraph.mkPen(UP), pyqtgraph.mkPen(DOWN)
        self.brushes = pyqtgraph.mkBrush(UP), pyqtgraph.mkBrush(DOWN)

    def look_at(self, first: int) -> None:
        self.first = first
        self.update()


class Candles(_Bars):
    def boundingRect(self) -> QRectF:
        return QRectF(0.0, self.bottom, len(self.open), self.top - self.bottom)

    def paint(self, painter: QPainter, *_: object) -> None:
        for at in range(self.first, self.first + self.count):
            down = self.close[at] < self.open[at]
            painter.setPen(self.pens[down])
            painter.setBrush(self.brushes[down])
            painter.drawLine(QPointF(at, self.low[at]), QPointF(at, self.high[at]))
            painter.drawRect(QRectF(at - WIDE / 2, self.open[at], WIDE, self.close[at] - self.open[at]))


class Volumes(_Bars):
    def boundingRect(self) -> QRectF:
        return QRectF(0.0, 0.0, len(self.open), self.most)

    def paint(self, painter: QPainter, *_: object) -> None:
        for at in range(self.first, self.first + self.count):
            down = self.close[at] < self.open[at]
            painter.setPen(self.pens[down])
            painter.setBrush(self.brushes[down])
            painter.drawRect(QRectF(at - WIDE / 2, 0.0, WIDE, self.volume[at]))


class PeerChart:
    """`pan` moves it by three candles, back and forth; `widget` is what is shown.

    Without the grid of ours: pyqtgraph's own would cost it as much again.
    """

    def __init__(self, columns: Columns, visible: int) -> None:
        self.widget: QWidget = pyqtgraph.GraphicsLayoutWidget()
        price, volume = self.widget.addPlot(0, 0), self.widget.addPlot(1, 0)  # type: ignore[attr-defined]  # its own
        volume.setXLink(price)
        volume.setMaximumHeight(150)
        self._price = price
        self._items = Candles(columns, visible), Volumes(columns, visible)
        price.addItem(self._items[0])
        volume.addItem(self._items[1])
        volume.setYRange(0.0, self._items[1].most)
        self._visible, self._left, self._step = visible, len(columns[0]) // 2, 3
        self.pan()

    def pan(self) -> None:
        self._left += self._step
        middle = len(self._items[0].open) // 2
        if abs(self._left - middle) > middle // 2:
            self._step = -self._step
        first, last = self._left, self._left + self._visible
        for item in self._items:
            item.look_at(first)
        self._price.setXRange(first, last, padding=0)
        self._price.setYRange(min(self._items[0].low[first:last]), max(self._items[0].high[first:last]))
