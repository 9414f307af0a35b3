"""A price's recent way as a small line, painted into a rectangle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPen, QPolygonF


def paint_sparkline(
    painter: QPainter, rect: QRectF, values: NDArray[np.float64], colour: QColor, *, fill: bool = True
) -> None:
    """Draw `values`, oldest first, over the whole rectangle. Fewer than two finite ones paint nothing.

    No more points are drawn than there are pixels; of each pixel its last value, so the end is the newest.
    """
    values = values[np.isfinite(values)]
    if len(values) < 2 or rect.width() < 2 or rect.height() < 2:
        return
    most = max(2, int(rect.width()))
    if len(values) > most:
        values = values[np.linspace(0, len(values) - 1, most).round().astype(np.intp)]
    low, high = float(values.min()), float(values.max())
    span = high - low
    x = np.linspace(rect.left(), rect.right(), len(values))
    y = rect.bottom() - (values - low) / span * rect.height() if span > 0 else np.full(len(values), rect.center().y())
    points = [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if fill:
        shade = QLinearGradient(rect.topLeft(), rect.bottomLeft())
        top, bottom = QColor(colour), QColor(colour)
        top.setAlpha(60)
        bottom.setAlpha(0)
        shade.setColorAt(0, top)
        shade.setColorAt(1, bottom)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
        painter.drawPolygon(QPolygonF([*points, rect.bottomRight(), rect.bottomLeft()]))
    painter.setPen(QPen(colour, 1.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF(points))
    painter.restore()
