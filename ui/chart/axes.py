"""The grid under the candles, and the two axes beside them."""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import lru_cache

import numpy as np
from PySide6.QtGui import QPainter

from ui.chart.candles import draw_rects
from ui.chart.scale import SECOND_NS, YEAR, TimeTick, log_price_ticks, price_ticks, time_step, time_ticks
from ui.chart.scene import Scene
from ui.chart.series import Times
from ui.theme.numbers import format_compact, format_price

_PRICE_EVERY = 48  # logical pixels from one price label to the next, at least
_TIME_EVERY = 84
AXIS_HEIGHT = 22
LABEL_HEIGHT = 14
VOLUME_AIR = 1.1  # how much higher than its highest bar the volume's room is
_VOLUME_LABEL_FROM = 40  # logical pixels of that room
_PAD = 8
_BLOCK = 64  # ticks made at once
_LONGEST_S = 20 * YEAR  # but not of more years: 64 bits of nanoseconds end in 2262


class Axes:
    """Ticks of one view; made once per view and painted as grid, then as labels."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        view = scene.viewport
        most = max(2, int(view.height / (_PRICE_EVERY * scene.dpr)))
        make = log_price_ticks if view.is_log else price_ticks
        prices = make(view.low, view.high, scene.tick, most) if len(scene.series) else []
        self.prices = [(price, view.y_of(price)) for price in prices]
        self.times = self._times()

    def paint_grid(self, painter: QPainter) -> None:
        """Hairlines across the plot, device pixels."""
        scene = self._scene
        width, hair = scene.viewport.width, scene.hair - 1
        lines = [(0, int(y), width - 1, int(y) + hair) for _, y in self.prices]
        lines += [(int(x), 0, int(x) + hair, scene.plot_height - 1) for x, _ in self.times if x < width]
        draw_rects(painter, np.array(lines, np.int32).reshape(-1, 4), scene.colors.grid)

    def paint_labels(self, painter: QPainter) -> list[float]:
        """Both axes; the painter is in logical pixels. Returns the rows of the labels beside the plot."""
        scene = self._scene
        dpr, colors = scene.dpr, scene.colors
        plot_width, plot_height = scene.viewport.width / dpr, scene.plot_height / dpr
        painter.setPen(colors.text_mid)
        right = plot_width + scene.axis_width / dpr - _PAD
        rows = []
        for price, y in self.prices:
            middle = y / dpr
            if 7 <= middle <= scene.viewport.height / dpr - 5:
                scene.numbers.right(painter, right, middle, _price_label(price, scene.precision))
                rows.append(middle)
        if scene.volume_height >= _VOLUME_LABEL_FROM * dpr and len(scene.series):
            # At the top of the highest bar in view.
            middle = plot_height - (scene.volume_height / dpr - 6) / VOLUME_AIR
            painter.setPen(colors.text_lo)
            scene.numbers.right(painter, right, middle, format_compact(scene.highest_volume / VOLUME_AIR))
            rows.append(middle)
        middle = plot_height + AXIS_HEIGHT / 2
        for x, tick in self.times:
            half = scene.numbers.width(tick.text) / 2
            at = x / dpr
            if at - half < 2 or at + half > plot_width - 2:
                continue
            painter.setPen(colors.text_hi if tick.major else colors.text_mid)
            scene.numbers.center(painter, at, middle, tick.text)
        return rows

    def _times(self) -> list[tuple[float, TimeTick]]:
        """Ticks with the pixel of their candle's middle, none nearer to its neighbour than a label's room."""
        scene = self._scene
        view, count = scene.viewport, len(scene.series)
        if not count:
            return []
        room = _TIME_EVERY * scene.dpr
        interval_s = scene.interval_ns / SECOND_NS
        step = time_step(room / view.spacing * interval_s, interval_s)
        start, stop = scene.time_of(max(0.0, view.left)), scene.time_of(view.right)
        block = _block_s(step) * SECOND_NS
        ticks, moments = _ticks_in(start // block, stop // block + 1, step, scene.zone or UTC)
        first, last = np.searchsorted(moments, (start, stop + 1)).tolist()
        placed: list[tuple[float, TimeTick]] = []
        for tick, index in zip(ticks[first:last], scene.first_from(moments[first:last]), strict=True):
            x = view.x_of(index + 0.5)
            # Where time has holes, ticks fall together: the greater one stays.
            if placed and x - placed[-1][0] < room * 0.7:
                if tick.major and not placed[-1][1].major:
                    placed[-1] = (x, tick)
                continue
            placed.append((x, tick))
        return placed


_price_label = lru_cache(maxsize=512)(format_price)  # while a chart is panned the same prices stay on its axis


def _block_s(step: int) -> int:
    return step * max(1, min(_BLOCK, _LONGEST_S // step))


@lru_cache(maxsize=64)
def _ticks_in(first: int, last: int, step: int, zone: tzinfo) -> tuple[list[TimeTick], Times]:
    """Ticks from block `first` up to block `last`: panning stays within a few blocks, and calendars are slow."""
    block = _block_s(step) * SECOND_NS
    ticks = time_ticks(first * block, last * block, step, zone)
    return ticks, np.array([tick.ts_ns for tick in ticks], np.int64)


def axis_width(scene: Scene) -> int:
    """Device pixels the widest price of the view needs, never under that of the last price."""
    view = scene.viewport
    longest = max(len(format_price(price, scene.precision)) for price in (view.low, view.high))
    return round((longest * scene.numbers.advance + 2 * _PAD) * scene.dpr)
