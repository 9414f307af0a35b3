"""Candles and volume as batches of rectangles: numpy makes them, one call paints them."""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6 import __version_info__ as _pyside
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

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
    painter.setBrush(colour)
    if _pyside >= (6, 9):
        address = rects.__array_interface__["data"][0]  # `rects.ctypes` takes twice as long to make
        painter.drawRects(cast(QRect, shiboken6.wrapInstance(address, QRect)), len(rects))
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
    return width


class Columns(NamedTuple):
    """Where the groups of a slice stand: left pixel of each wick, widths, and the numbers of those that closed up."""

    left: NDArray[np.int32]
    wick: int
    body: int
    up: NDArray[np.intp]
    down: NDArray[np.intp]


def candle_rects(scene: Scene, part: Slice, columns: Columns) -> tuple[Rects, Rects]:
    """Wicks and bodies: those that closed up (or unchanged), and those that closed down."""
    left, wick, body, up, down = columns
    o, h, low, c, _ = part.candles
    boxes = np.empty((2 if body > wick else 1, len(left), 4), np.int32)
    boxes[0, :, 0] = left
    boxes[0, :, 1] = _ys(scene, h)
    boxes[0, :, 2] = left + (wick - 1)
    boxes[0, :, 3] = _ys(scene, low)
    if body > wick:
        side = (body - wick) // 2
        y_open, y_close = _ys(scene, o), _ys(scene, c)
        top = np.minimum(y_open, y_close)
        boxes[1, :, 0] = left - side
        boxes[1, :, 1] = top
        boxes[1, :, 2] = left + (wick - 1 + side)
        boxes[1, :, 3] = np.maximum(np.maximum(y_open, y_close), top + (scene.hair - 1))
    return _pick(boxes, up), _pick(boxes, down)


def volume_rects(scene: Scene, part: Slice, columns: Columns) -> tuple[Rects, Rects]:
    """Volume bars under candles that closed up, and down."""
    if not scene.volume_height:
        return _NONE, _NONE
    left, wick, body, up, down = columns
    bottom = scene.plot_height - 1
    room = scene.volume_height - round(6 * scene.dpr)
    boxes = np.empty((1, len(left), 4), np.int32)
    boxes[0, :, 0] = left - (body - wick) // 2
    boxes[0, :, 1] = bottom - (part.candles.volume * (room / scene.highest_volume)).astype(np.int32)
    boxes[0, :, 2] = boxes[0, :, 0] + (body - 1)
    boxes[0, :, 3] = bottom
    return _pick(boxes, up), _pick(boxes, down)


class LastRects(NamedTuple):
    """The last candle in device pixels; an empty body where there is only a wick."""

    wick: QRect
    body: QRect
    volume: QRect
    up: bool


def last_rects(scene: Scene, part: Slice) -> LastRects:
    """The shape of a slice's last group.

    The same pixels as `candle_rects` and `volume_rects` give; for one candle, plain numbers beat numpy.
    """
    o, h, low, c, v = (float(column[-1]) for column in part.candles)
    view = scene.viewport
    spacing = view.spacing * part.width
    wick = scene.hair if spacing >= 2 * scene.hair else 1
    body = body_width(spacing, wick)
    first = view.x_of(part.first) + (spacing - wick) / 2
    left = math.floor((len(part.candles.open) - 1) * spacing + (first + 1e-6))
    y_open, y_high, y_low, y_close = (_y(scene, price) for price in (o, h, low, c))
    side = (body - wick) // 2 if body > wick else 0
    top, bottom = min(y_open, y_close), max(y_open, y_close)
    if body > wick:
        bottom = max(bottom, top + scene.hair - 1)
    base = scene.plot_height - 1
    room = scene.volume_height - round(6 * scene.dpr)
    tall = int(v * (room / scene.highest_volume))
    return LastRects(
        QRect(left, y_high, wick, y_low - y_high + 1),
        QRect(left - side, top, body, bottom - top + 1) if body > wick else QRect(),
        QRect(left - (body - wick) // 2, base - tall, body, tall + 1) if scene.volume_height else QRect(),
        c >= o,
    )


class CandleLayer:
    """All candles and volume bars in view but the last group, which changes with every trade."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        part = without_last(scene, scene.visible())
        if not len(part.candles.open):
            return
        columns = _columns(scene, part)
        for rects, colour in (
            (volume_rects(scene, part, columns), (scene.colors.up_soft, scene.colors.down_soft)),
            (candle_rects(scene, part, columns), (scene.colors.up, scene.colors.down)),
        ):
            draw_rects(painter, rects[0], colour[0])
            draw_rects(painter, rects[1], colour[1])


def paint_last(painter: QPainter, scene: Scene, shapes: LastRects) -> None:
    wick, body, volume, up = shapes
    colors = scene.colors
    painter.fillRect(volume, colors.up_soft if up else colors.down_soft)
    painter.fillRect(wick, colors.up if up else colors.down)
    painter.fillRect(body, colors.up if up else colors.down)


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


def _columns(scene: Scene, part: Slice) -> Columns:
    view = scene.viewport
    spacing = view.spacing * part.width
    wick = scene.hair if spacing >= 2 * scene.hair else 1
    first = view.x_of(part.first) + (spacing - wick) / 2
    # One rounding for all where spacing is whole, so that gaps are even.
    left: NDArray[np.int32] = np.floor(np.arange(len(part.candles.open)) * spacing + (first + 1e-6)).astype(np.int32)
    up = part.candles.close >= part.candles.open
    return Columns(left, wick, body_width(spacing, wick), up.nonzero()[0], (~up).nonzero()[0])


def _ys(scene: Scene, prices: Floats) -> NDArray[np.int32]:
    view = scene.viewport
    if view.is_log:
        top, bottom = math.log(view.high), math.log(view.low)
        y = (top - np.log(np.maximum(prices, 1e-300))) * ((view.height - 1) / (top - bottom)) + 0.5
    else:
        scale = (view.height - 1) / (view.high - view.low)
        y = prices * -scale + (view.high * scale + 0.5)
    # np.clip costs three times as much on short arrays.
    rows: NDArray[np.int32] = np.minimum(np.maximum(y, -_FAR), _FAR).astype(np.int32)
    return rows


def _y(scene: Scene, price: float) -> int:
    # The very steps of `_ys`, or the last candle would twitch when it stops being live.
    view = scene.viewport
    if view.is_log:
        top, bottom = math.log(view.high), math.log(view.low)
        y = (top - math.log(max(price, 1e-300))) * ((view.height - 1) / (top - bottom)) + 0.5
    else:
        scale = (view.height - 1) / (view.high - view.low)
        y = price * -scale + (view.high * scale + 0.5)
    return int(min(max(y, -_FAR), _FAR))


def _pick(boxes: NDArray[np.int32], chosen: NDArray[np.intp]) -> Rects:
    # By number: a mask takes nine times as long.
    return boxes.take(chosen, axis=1).reshape(-1, 4)
