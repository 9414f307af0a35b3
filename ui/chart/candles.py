"""Candles and volume as batches of rectangles: numpy makes them, one call paints them."""

from __future__ import annotations

from typing import cast

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6 import __version_info__ as _pyside
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter

from ui.chart.scene import Scene
from ui.chart.series import Floats, Slice

Rects = NDArray[np.int32]  # (n, 4): left, top, right, bottom, both ends inside, as QRect keeps them

_BODY = 0.78  # share of the spacing a body takes
_FAR = 1 << 20  # a price far off the screen must not overflow a pixel


def draw_rects(painter: QPainter, rects: Rects, colour: QColor) -> None:
    """Fill all rectangles in one call, straight from the array's memory."""
    if not len(rects):
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(colour))
    if _pyside >= (6, 9):
        painter.drawRects(cast(QRect, shiboken6.wrapInstance(rects.ctypes.data, QRect)), len(rects))
        return
    # Before 6.9 only the floating-point overload takes a pointer; it is 2.7 times slower.
    boxes = rects.astype(np.float64)
    boxes[:, 2:] += 1.0 - boxes[:, :2]
    painter.drawRects(cast(QRectF, shiboken6.wrapInstance(boxes.ctypes.data, QRectF)), len(boxes))


def body_width(spacing: float, wick: int) -> int:
    """Pixels of a body: of one parity with its wick, so that the wick sits in its middle."""
    width = max(wick, int(spacing * _BODY))
    if width > wick and (width - wick) % 2:
        width -= 1
    # A one-pixel gap between neighbours is worth more than a wide body.
    return width


def candle_rects(scene: Scene, part: Slice) -> tuple[Rects, Rects]:
    """Wicks and bodies of a slice: those that closed up (or unchanged), and those that closed down."""
    if not len(part.candles.open):
        return _NONE, _NONE
    o, h, low, c, _ = part.candles
    view = scene.viewport
    wick = scene.hair if view.spacing * part.width >= 2 * scene.hair else 1
    body = body_width(view.spacing * part.width, wick)
    left = _middles(scene, part, wick)
    y_open, y_high, y_low, y_close = _ys(scene, o), _ys(scene, h), _ys(scene, low), _ys(scene, c)
    count = len(left)
    boxes = np.empty((2 if body > wick else 1, count, 4), np.int32)
    boxes[0, :, 0] = left
    boxes[0, :, 1] = y_high
    boxes[0, :, 2] = left + (wick - 1)
    boxes[0, :, 3] = y_low
    if body > wick:
        side = (body - wick) // 2
        boxes[1, :, 0] = left - side
        boxes[1, :, 1] = np.minimum(y_open, y_close)
        boxes[1, :, 2] = left + (wick - 1 + side)
        boxes[1, :, 3] = np.maximum(np.maximum(y_open, y_close), boxes[1, :, 1] + (scene.hair - 1))
    up = c >= o
    return _pick(boxes, up), _pick(boxes, ~up)


def volume_rects(scene: Scene, part: Slice) -> tuple[Rects, Rects]:
    """Volume bars of a slice, under candles that closed up, and down."""
    count = len(part.candles.volume)
    if not count or not scene.volume_height:
        return _NONE, _NONE
    o, _, _, c, v = part.candles
    view = scene.viewport
    wick = scene.hair if view.spacing * part.width >= 2 * scene.hair else 1
    body = body_width(view.spacing * part.width, wick)
    left = _middles(scene, part, wick) - (body - wick) // 2
    bottom = scene.plot_height - 1
    room = scene.volume_height - round(6 * scene.dpr)
    boxes = np.empty((1, count, 4), np.int32)
    boxes[0, :, 0] = left
    boxes[0, :, 1] = bottom - (v * (room / scene.highest_volume)).astype(np.int32)
    boxes[0, :, 2] = left + (body - 1)
    boxes[0, :, 3] = bottom
    up = c >= o
    return _pick(boxes, up), _pick(boxes, ~up)


class CandleLayer:
    """All candles in view but the last group, which changes with every trade and is painted live."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        paint_candles(painter, scene, without_last(scene, scene.visible()))


class VolumeLayer:
    def paint(self, painter: QPainter, scene: Scene) -> None:
        paint_volume(painter, scene, without_last(scene, scene.visible()))


def paint_candles(painter: QPainter, scene: Scene, part: Slice) -> None:
    up, down = candle_rects(scene, part)
    draw_rects(painter, up, scene.colors.up)
    draw_rects(painter, down, scene.colors.down)


def paint_volume(painter: QPainter, scene: Scene, part: Slice) -> None:
    up, down = volume_rects(scene, part)
    draw_rects(painter, up, scene.colors.up_soft)
    draw_rects(painter, down, scene.colors.down_soft)


def without_last(scene: Scene, part: Slice) -> Slice:
    """The slice without the group that holds the series' last candle."""
    groups = len(part.candles.open)
    if not groups or part.first + groups * part.width < len(scene.series):
        return part
    return part._replace(candles=type(part.candles)(*(column[:-1] for column in part.candles)))


def last_group(scene: Scene) -> Slice | None:
    """The group with the last candle, if any of it is in view."""
    count = len(scene.series)
    if not count or scene.viewport.right <= count - 1 or scene.viewport.left >= count:
        return None
    return scene.series.slice(count - 1, count, scene.viewport.level())


def group_span(scene: Scene, part: Slice) -> tuple[int, int]:
    """Leftmost and rightmost pixel the last group of a slice can touch."""
    view = scene.viewport
    index = part.first + (len(part.candles.open) - 1) * part.width
    left = view.x_of(index)
    return int(left) - 2, int(left + max(1.0, view.spacing * part.width)) + 2


_NONE: Rects = np.empty((0, 4), np.int32)


def _middles(scene: Scene, part: Slice, wick: int) -> NDArray[np.int32]:
    """Left pixel of each group's wick."""
    view = scene.viewport
    spacing = view.spacing * part.width
    first = view.x_of(part.first) + (spacing - wick) / 2
    # One rounding for all where spacing is whole, so that gaps are even.
    left: NDArray[np.int32] = np.floor(first + np.arange(len(part.candles.open)) * spacing + 1e-6).astype(np.int32)
    return left


def _ys(scene: Scene, prices: Floats) -> NDArray[np.int32]:
    view = scene.viewport
    if view.log:
        top, bottom = np.log(view.high), np.log(view.low)
        y = (top - np.log(np.maximum(prices, 1e-300))) * ((view.height - 1) / (top - bottom))
    else:
        y = (view.high - prices) * ((view.height - 1) / (view.high - view.low))
    rows: NDArray[np.int32] = np.clip(y + 0.5, -_FAR, _FAR).astype(np.int32)
    return rows


def _pick(boxes: NDArray[np.int32], chosen: NDArray[np.bool_]) -> Rects:
    return np.ascontiguousarray(boxes[:, chosen].reshape(-1, 4))
