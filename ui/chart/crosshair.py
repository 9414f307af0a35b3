"""The crosshair: two hairs, snapped to a candle, with price and time on the axes."""

from __future__ import annotations

from datetime import UTC

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QPainter, QPen

from ui.chart.axes import AXIS_HEIGHT
from ui.chart.scale import SECOND_NS, format_moment
from ui.chart.scene import Scene
from ui.theme.numbers import format_price


class Crosshair:
    """Where the crosshair is. Positions and rectangles are logical pixels."""

    def __init__(self) -> None:
        self.at: QPointF | None = None
        self.index: int | None = None  # of the candle it stands on; may lie beyond the last one
        self.price = 0.0

    def move(self, scene: Scene, at: QPointF | None) -> None:
        """Stand at a position, or nowhere."""
        self.at = at
        if at is None:
            self.index = None
            return
        view = scene.viewport
        self.index = int(view.index_at(at.x() * scene.dpr) // 1)
        price = view.price_at(at.y() * scene.dpr)
        self.price = round(price / scene.tick) * scene.tick if scene.tick > 0 else price

    def rects(self, scene: Scene) -> list[QRect]:
        """What it covers, to be repainted when it moves."""
        if self.at is None or self.index is None:
            return []
        width, height = round(scene.viewport.width / scene.dpr), round(scene.plot_height / scene.dpr)
        x, y = round(self._x(scene)), round(self.at.y())
        return [
            QRect(x - 2, 0, 5, height),
            QRect(0, y - 2, width, 5),
            QRect(width, y - 11, round(scene.axis_width / scene.dpr) + 1, 22),
            self._time_rect(scene).adjusted(-1, 0, 1, 0),
        ]

    def paint_hairs(self, painter: QPainter, scene: Scene) -> None:
        """The two lines; logical pixels."""
        if self.at is None or self.index is None:
            return
        colors, dpr = scene.colors, scene.dpr
        width, height = scene.viewport.width / dpr, scene.plot_height / dpr
        pen = QPen(colors.text_lo, scene.hair / dpr)
        pen.setStyle(Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([4, 4])
        painter.setPen(pen)
        x = (int(self._x(scene) * dpr) + 0.5) / dpr
        y = (int(self.at.y() * dpr) + 0.5) / dpr
        painter.drawLine(QPointF(x, 0), QPointF(x, height))
        painter.drawLine(QPointF(0, y), QPointF(width, y))

    def paint_tags(self, painter: QPainter, scene: Scene) -> None:
        """Price and time on the axes; logical pixels."""
        if self.at is None or self.index is None:
            return
        colors, dpr = scene.colors, scene.dpr
        width, y = scene.viewport.width / dpr, self.at.y()
        if y * dpr < scene.viewport.height:
            tag = QRect(round(width), round(y) - 9, round(scene.axis_width / dpr), 18)
            painter.fillRect(tag.adjusted(1, 0, 0, 0), colors.bg2)
            painter.setPen(colors.text_hi)
            right = width + scene.axis_width / dpr - 8
            scene.numbers.right(painter, right, tag.center().y() + 1, format_price(self.price, scene.precision))
        if len(scene.series):
            box = self._time_rect(scene)
            painter.fillRect(box, colors.bg2)
            painter.setPen(colors.text_hi)
            scene.numbers.center(
                painter, box.left() + box.width() / 2, box.top() + AXIS_HEIGHT / 2 - 1, self._text(scene)
            )

    def _x(self, scene: Scene) -> float:
        index = self.index if self.index is not None else 0
        return scene.viewport.x_of(index + 0.5) / scene.dpr

    def _text(self, scene: Scene) -> str:
        moment = scene.time_of(self.index if self.index is not None else 0)
        return format_moment(moment, scene.interval_ns / SECOND_NS, scene.zone or UTC)

    def _time_rect(self, scene: Scene) -> QRect:
        width = round(scene.numbers.width(self._text(scene))) + 16
        edge = round(scene.viewport.width / scene.dpr)
        left = min(max(0, round(self._x(scene)) - width // 2), max(0, edge - width))
        return QRect(left, round(scene.plot_height / scene.dpr) + 1, width, AXIS_HEIGHT - 2)
