"""The price axis where tags meet: order prices make room for the last price, and for them the axis' own labels."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QPainter, QPixmap

from ui.chart.axes import LABEL_HEIGHT
from ui.chart.last_price import LastPrice
from ui.chart.scene import Scene


class AxisTags:
    """Tags of own orders on the axis, none over another nor under that of the last price. Device pixels."""

    def __init__(self) -> None:
        self._tags: list[tuple[int, QPixmap]] = []  # top, picture
        self._hidden: list[QRect] = []
        self._placed_from: tuple[object, ...] = ()

    def place(
        self, scene: Scene, tags: Sequence[tuple[int, QPixmap]], last: LastPrice, labels: Sequence[float]
    ) -> list[QRect]:
        """Find a place for every tag: (row of its price, picture), from the top down. Returns what looks different.

        `labels` are the logical rows of the axis' labels.
        """
        dpr, box = scene.dpr, last.tag
        taken = None if box.isNull() else (round(box.top() * dpr), round((box.bottom() + 1) * dpr), last.row)
        before = self._placed_from
        if before and before[0] is tags and before[1] is labels and before[2] == taken:  # as after most ticks
            return []
        self._placed_from = (tags, labels, taken)
        placed = _stacked(tags, taken, scene.plot_height)
        spans = [(top, top + picture.height()) for top, picture in placed] + ([taken[:2]] if taken else [])
        half = round(LABEL_HEIGHT / 2 * dpr)
        left, width = scene.viewport.width + 2 * scene.hair, scene.axis_width - 2 * scene.hair
        hidden = [
            QRect(left, round(row * dpr) - half, width, 2 * half)
            for row in labels
            if any(top < round(row * dpr) + half and round(row * dpr) - half < end for top, end in spans)
        ]
        changed = [box for box in (*hidden, *self._hidden) if (box in hidden) != (box in self._hidden)]
        if placed != self._tags:
            old, new = ([_box(scene, *tag) for tag in each] for each in (self._tags, placed))
            changed += [box for box in (*old, *new) if (box in old) != (box in new)]
        self._tags, self._hidden = placed, hidden
        return changed

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Over the picture, under the tag of the last price; the painter is in device pixels."""
        for label in self._hidden:
            painter.fillRect(label, scene.colors.bg0)
        for top, picture in self._tags:
            painter.drawPixmap(QPoint(scene.viewport.width, top), picture)


def _box(scene: Scene, top: int, picture: QPixmap) -> QRect:
    return QRect(scene.viewport.width, top, picture.width(), picture.height())


def _stacked(
    tags: Sequence[tuple[int, QPixmap]], taken: tuple[int, int, int] | None, height: int
) -> list[tuple[int, QPixmap]]:
    """Each as near to its price as the others leave it: those above the last price pushed up, the others down.

    `taken` are the first row of the last price's tag, the row behind it, and that of the price.
    """
    border = taken[2] if taken is not None else -1
    above, below = [], []
    limit = taken[0] if taken is not None else 0
    for row, picture in reversed(tags):
        if row < border:
            limit = min(row + picture.height() // 2, limit)
            above.append((max(0, limit - picture.height()), picture))
            limit -= picture.height()
    limit = taken[1] if taken is not None else 0
    for row, picture in tags:
        if row >= border:
            limit = max(row - picture.height() // 2, limit)
            below.append((min(limit, height - picture.height()), picture))
            limit += picture.height()
    return [*reversed(above), *below]
