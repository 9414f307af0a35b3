"""Own orders as lines across the chart, own fills as arrows at their candles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from ui.chart.candles import draw_rects
from ui.chart.scene import ChartFill, ChartOrder, Scene
from ui.theme.numbers import format_price

_TAG_HEIGHT = 16
_DASH = (6, 4)


class OrderLayer:
    """Dashed lines with a tag of side, quantity and kind; on the axis, their price."""

    def __init__(self) -> None:
        self.orders: Sequence[ChartOrder] = ()

    def paint(self, painter: QPainter, scene: Scene) -> None:
        shown = self._shown(scene)
        if not shown:
            return
        dpr, colors = scene.dpr, scene.colors
        on, off = (round(part * dpr) for part in _DASH)
        starts = np.arange(0, scene.viewport.width, on + off, dtype=np.int32)
        for order, y in shown:
            dashes = np.empty((len(starts), 4), np.int32)
            dashes[:, 0], dashes[:, 2] = starts, starts + on - 1
            dashes[:, 1], dashes[:, 3] = y, y + scene.hair - 1
            draw_rects(painter, dashes, colors.side_soft(order.is_buy) if order.pending else colors.side(order.is_buy))
        painter.save()
        painter.scale(dpr, dpr)
        edge = scene.viewport.width / dpr - 8
        before = -100.0
        right = edge
        for order, y in shown:
            middle = y / dpr
            text = " ".join(part for part in ("Buy" if order.is_buy else "Sell", order.quantity, order.label) if part)
            width = scene.words.width(text) + 12
            if middle - before >= _TAG_HEIGHT:
                right, before = edge, middle  # tags that would cover each other stand side by side
            box = QRectF(right - width, round(middle) - _TAG_HEIGHT / 2, width, _TAG_HEIGHT)
            right -= width + 4
            side = colors.side_soft(order.is_buy) if order.pending else colors.side(order.is_buy)
            painter.setPen(QPen(side, 1))
            painter.setBrush(colors.bg0)
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
            painter.setPen(colors.text_lo if order.pending else colors.side(order.is_buy))
            scene.words.left(painter, box.left() + 6, box.center().y(), text)
        painter.restore()

    def paint_axis(self, painter: QPainter, scene: Scene) -> None:
        """Prices on the axis; the painter is in logical pixels."""
        left = scene.viewport.width / scene.dpr
        width = scene.axis_width / scene.dpr
        for order, y in self._shown(scene):
            side = scene.colors.side_soft(order.is_buy) if order.pending else scene.colors.side(order.is_buy)
            box = QRectF(left, round(y / scene.dpr) - _TAG_HEIGHT / 2, width, _TAG_HEIGHT)
            painter.setPen(QPen(side, 1))
            painter.setBrush(scene.colors.bg0)
            painter.drawRect(box.adjusted(0.5, 0.5, -1.5, -0.5))
            painter.setPen(scene.colors.text_hi)
            scene.numbers.right(painter, left + width - 8, box.center().y(), format_price(order.price, scene.precision))

    def _shown(self, scene: Scene) -> list[tuple[ChartOrder, int]]:
        placed = [(order, round(scene.viewport.y_of(order.price))) for order in self.orders]
        inside = [(order, y) for order, y in placed if 0 <= y < scene.viewport.height]
        return sorted(inside, key=lambda entry: entry[1])


class FillLayer:
    """A small arrow per fill, pointing at its price: up from below for a buy, down from above for a sell."""

    def __init__(self) -> None:
        self.fills: Sequence[ChartFill] = ()

    def paint(self, painter: QPainter, scene: Scene) -> None:
        if not self.fills or not len(scene.series):
            return
        view = scene.viewport
        half = 4.5 * scene.dpr
        drawn: set[tuple[int, int, bool]] = set()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(scene.colors.bg0, scene.dpr))
        for fill in self.fills:
            index = scene.index_of(fill.ts_ns)
            if not view.left - 1 <= index <= view.right + 1:
                continue
            x, y = view.x_of(index + 0.5), view.y_of(fill.price)
            spot = (int(x / half), int(y / half), fill.is_buy)
            if spot in drawn:  # one order filled in many parts is one arrow
                continue
            drawn.add(spot)
            sign = 1.0 if fill.is_buy else -1.0
            tip = y + sign * 2 * scene.dpr
            arrow = [
                QPointF(x, tip),
                QPointF(x - half, tip + sign * 2 * half),
                QPointF(x + half, tip + sign * 2 * half),
            ]
            painter.setBrush(scene.colors.side(fill.is_buy))
            painter.drawPolygon(QPolygonF(arrow), Qt.FillRule.OddEvenFill)
        painter.restore()
