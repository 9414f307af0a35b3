"""The last price: a dotted line across the plot and a tag on the axis that counts down to the candle's close."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QPainter, QPixmap

from ui.chart.axes import LABEL_HEIGHT
from ui.chart.scale import SECOND_NS, format_countdown
from ui.chart.scene import Scene
from ui.theme.numbers import format_price


class LastPrice:
    """Where the line and the tag are. Rectangles are logical."""

    def __init__(self) -> None:
        self._dots: dict[str, QPixmap] = {}  # by colour
        self._dots_size: tuple[int, int] = (0, 0)
        self._row = -1  # device pixel of the line
        self.row = 0
        """Device pixel of the price, or of the edge it left by: above the middle of the tag, which counts down."""
        self.line = QRect()
        self.tag = QRect()

    def place(self, scene: Scene) -> None:
        """Follow the last close. Both rectangles are null where there is none; a price out of view keeps its
        tag, at the edge it left by."""
        if not len(scene.series):
            self._row, self.line, self.tag = -1, QRect(), QRect()
            return
        view, dpr = scene.viewport, scene.dpr
        row = round(view.y_of(scene.series.last()[3]))
        self._row = row if 0 <= row < view.height else -1
        self.row = min(max(0, row), view.height - 1)
        at = self.row / dpr
        self.line = QRect(0, int(at) - 1, round(view.width / dpr), 4) if self._row >= 0 else QRect()
        height = 32
        top = min(max(0, round(at) - 9), max(0, round(scene.plot_height / dpr) - height))
        self.tag = QRect(int(view.width / dpr), top, round(scene.axis_width / dpr) + 1, height)

    @property
    def reach(self) -> QRect:
        """The tag, and the labels of the axis that give way to it where it touches them."""
        return self.tag.adjusted(0, -LABEL_HEIGHT, 0, LABEL_HEIGHT) if not self.tag.isNull() else QRect()

    def paint_line(self, painter: QPainter, scene: Scene, around: Sequence[QRect]) -> None:
        """Across the plot, but not through what lies in its way. The painter is in device pixels."""
        if self._row < 0:
            return
        dots, x = self._dotted(scene), 0
        for box in sorted((box for box in around if box.top() <= self._row <= box.bottom()), key=QRect.left):
            painter.drawPixmap(QPoint(x, self._row), dots, QRect(x, 0, max(0, box.left() - x), dots.height()))
            x = max(x, box.right() + 1)
        painter.drawPixmap(QPoint(x, self._row), dots, QRect(x, 0, dots.width() - x, dots.height()))

    def paint_tag(self, painter: QPainter, scene: Scene, now_ns: int) -> None:
        """The painter is in logical pixels."""
        if self.tag.isNull():
            return
        o, _, _, close, _ = scene.series.last()
        colors = scene.colors
        painter.fillRect(self.tag.adjusted(1, 0, 0, 0), colors.up if close >= o else colors.down)
        painter.setPen(colors.on_side(close >= o))
        right = scene.viewport.width / scene.dpr + scene.axis_width / scene.dpr - 8
        scene.numbers.right(painter, right, self.tag.top() + 9, format_price(close, scene.precision))
        left_s = (scene.series.time_at(len(scene.series) - 1) + scene.interval_ns - now_ns) / SECOND_NS
        scene.numbers.right(painter, right, self.tag.top() + 23, format_countdown(left_s))

    def _dotted(self, scene: Scene) -> QPixmap:
        """The whole line as a picture: one blit is cheaper than two hundred dots."""
        o, _, _, close, _ = scene.series.last()
        colour = scene.colors.up if close >= o else scene.colors.down
        size = (scene.viewport.width, scene.hair)
        if size != self._dots_size or len(self._dots) > 8:
            self._dots, self._dots_size = {}, size
        dots = self._dots.get(colour.name())
        if dots is None:
            dots = self._dots[colour.name()] = QPixmap(*size)
            dots.fill(Qt.GlobalColor.transparent)
            painter = QPainter(dots)
            step = round(3 * scene.dpr)
            for x in range(0, size[0], 2 * step):
                painter.fillRect(x, 0, step, size[1], colour)
            painter.end()
        return dots
