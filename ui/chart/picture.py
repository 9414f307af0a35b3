"""The chart's cached picture: everything that stays while prices tick, and the one strip that doesn't."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QPainter, QPixmap

from ui.chart.axes import Axes
from ui.chart.candles import LastRects, group_span, last_group, last_rects, paint_last
from ui.chart.scene import Layer, Scene
from ui.theme.text import TextCache


class Picture:
    """Two pixmaps in device pixels: `base` without the last candle, `strip` with it over a piece of the base.

    Both reach the screen the same way, so that at 150 %, where a widget may start between two pixels, the
    live candle lies exactly where the base left room for it.
    """

    def __init__(self) -> None:
        self._base = QPixmap()
        self._strip = QPixmap()
        self._mark = QPixmap()
        self._mark_key: tuple[str, int, float] | None = None
        self._covered = (QRect(), QRect())  # by the candle and by its volume, in the picture's pixels
        self.label_rows: list[float] = []  # logical rows of the price axis' labels
        self.live = QRect()  # device pixels of the strip; null when the last candle is out of view

    def render(self, scene: Scene, size: tuple[int, int], layers: Sequence[Layer], mark: TextCache) -> None:
        """Paint everything but the last candle anew. `size` is the widget's in device pixels."""
        if (self._base.width(), self._base.height()) != size:
            self._base = QPixmap(*size)
        painter = QPainter(self._base)
        painter.fillRect(self._base.rect(), scene.colors.bg0)
        axes = Axes(scene)
        axes.paint_grid(painter)
        self._paint_watermark(painter, scene, mark)
        painter.setClipRect(0, 0, scene.viewport.width, scene.plot_height)
        for layer in layers:
            layer.paint(painter, scene)
        painter.setClipping(False)
        self._paint_borders(painter, scene)
        painter.save()
        painter.scale(scene.dpr, scene.dpr)
        self.label_rows = axes.paint_labels(painter)
        painter.restore()
        painter.end()
        self._start_live(scene)

    def refresh_live(self, scene: Scene) -> list[QRect]:
        """Paint the last candle anew; returns the device pixels that changed.

        Only the rows its old and new shape cover: a whole column of a wide picture touches a memory page a
        row, and that alone took longer than all the rest.
        """
        part = last_group(scene)
        if part is None or self._strip.isNull() or self.live.isEmpty():
            return []
        shapes = last_rects(scene, part)
        changed = [
            old.united(new).intersected(self.live)
            for old, new in zip(self._covered, _covered(shapes), strict=True)
            if not (old.isEmpty() and new.isEmpty())
        ]
        left = self.live.left()
        painter = QPainter(self._strip)
        for area in changed:
            painter.drawPixmap(area.translated(-left, 0), self._base, area)
        self._paint_last(painter, scene, shapes)
        painter.end()
        return changed

    def _start_live(self, scene: Scene) -> None:
        """Make the strip for the view there is now."""
        part = last_group(scene)
        self.live = QRect()
        if part is None:
            return
        left, right = group_span(scene, part)
        left, right = max(0, left), min(scene.viewport.width, right)
        self.live = QRect(left, 0, max(0, right - left), scene.plot_height)
        if self.live.isEmpty():
            return
        if self._strip.size() != self.live.size():
            self._strip = QPixmap(self.live.size())
        painter = QPainter(self._strip)
        painter.drawPixmap(QPoint(0, 0), self._base, self.live)
        self._paint_last(painter, scene, last_rects(scene, part))
        painter.end()

    def _paint_last(self, painter: QPainter, scene: Scene, shapes: LastRects) -> None:
        painter.translate(-self.live.left(), 0)
        paint_last(painter, scene, shapes)
        self._covered = _covered(shapes)

    def blit(self, painter: QPainter, area: QRect) -> None:
        """Copy device pixels of `area` to a painter that is in device pixels too."""
        both = area.intersected(self.live)
        if both != area:
            painter.drawPixmap(area, self._base, area)
        if not both.isEmpty():
            painter.drawPixmap(both, self._strip, both.translated(-self.live.left(), 0))

    def _paint_watermark(self, painter: QPainter, scene: Scene, mark: TextCache) -> None:
        """The instrument's name, large and faint, in the middle of the plot where there is room."""
        dpr = scene.dpr
        key = (scene.title, scene.colors.bg0.rgb(), dpr)
        if key != self._mark_key:
            self._mark_key = key
            width = mark.width(scene.title)
            self._mark = QPixmap(round(width * dpr), round(mark.height * dpr)) if scene.title else QPixmap()
            if scene.title:
                self._mark.fill(Qt.GlobalColor.transparent)
                onto = QPainter(self._mark)
                onto.scale(dpr, dpr)
                onto.setPen(scene.colors.watermark)
                mark.left(onto, 0, mark.height / 2, scene.title)
                onto.end()
        width, height = self._mark.width(), self._mark.height()
        if 0 < width < scene.viewport.width * 0.9:
            at = QPoint((scene.viewport.width - width) // 2, (scene.viewport.height - height) // 2)
            painter.drawPixmap(at, self._mark)

    @staticmethod
    def _paint_borders(painter: QPainter, scene: Scene) -> None:
        width, height, hair = scene.viewport.width, scene.plot_height, scene.hair
        painter.fillRect(width, 0, hair, height + hair, scene.colors.line)
        painter.fillRect(0, height, width + scene.axis_width, hair, scene.colors.line)


def _covered(shapes: LastRects) -> tuple[QRect, QRect]:
    return shapes.wick.united(shapes.body), shapes.volume
