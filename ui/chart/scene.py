"""What a layer of the chart is given to paint from, and what a layer is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol, cast

import numpy as np
from PySide6.QtGui import QPainter

from ui.chart.series import CandleSeries, Slice, Times
from ui.chart.viewport import Viewport
from ui.theme.colors import Colors
from ui.theme.text import TextCache


@dataclass(frozen=True, slots=True)
class ChartOrder:
    """An own open order as the chart shows it. `label` is its kind ("Limit"); a pending one is dimmed."""

    order_id: str
    is_buy: bool
    price: float
    quantity: str
    label: str = ""
    pending: bool = False


@dataclass(frozen=True, slots=True)
class ChartFill:
    """An own execution as the chart shows it. `ts_ns` is UTC nanoseconds."""

    ts_ns: int
    price: float
    quantity: float
    is_buy: bool


@dataclass(slots=True)
class Scene:
    """One moment of the chart. Lengths are device pixels; multiply logical ones by `dpr`.

    The plot is `viewport.width` wide; prices take its upper `viewport.height`, volume the `volume_height` below.
    """

    series: CandleSeries
    viewport: Viewport
    colors: Colors
    numbers: TextCache
    words: TextCache
    dpr: float = 1.0
    volume_height: int = 0
    axis_width: int = 0
    axis_height: int = 0
    highest_volume: float = 1.0
    interval_ns: int = 60_000_000_000
    tick: float = 0.01
    precision: int = 2
    title: str = ""
    zone: tzinfo | None = None

    @property
    def hair(self) -> int:
        """Thickness of the thinnest line that is as bright at 200 % as at 100 %."""
        return max(1, int(self.dpr))

    @property
    def plot_height(self) -> int:
        return self.viewport.height + self.volume_height

    def visible(self) -> Slice:
        """The groups of candles in view, at the level that suits their width."""
        start, stop = self.viewport.visible(len(self.series))
        return self.series.slice(start, stop, self.viewport.level())

    def time_of(self, index: float) -> int:
        """Open time of a candle, continued at the chart's interval to both sides."""
        count = len(self.series)
        whole = int(index // 1)
        if not count:
            return 0
        if whole < 0:
            return self.series.time_at(0) + whole * self.interval_ns
        if whole >= count:
            return self.series.time_at(count - 1) + (whole - count + 1) * self.interval_ns
        return self.series.time_at(whole)

    def index_of(self, ts_ns: int) -> int:
        """Index of the candle in which a moment falls, continued like `time_of`; −1 before the first."""
        count = len(self.series)
        index = self.series.index_at_or_before(ts_ns)
        if index == count - 1 and count:
            index += max(0, (ts_ns - self.series.time_at(index)) // self.interval_ns)
        return index

    def first_from(self, moments: Times) -> list[int]:
        """For each moment, ascending, the first candle that opens at it or after it."""
        count = len(self.series)
        result = np.searchsorted(self.series.times, moments).tolist()
        for number, ts_ns in enumerate(moments.tolist()):
            if result[number] == count and count:
                result[number] += -(-(ts_ns - self.series.time_at(count - 1)) // self.interval_ns) - 1
        return cast(list[int], result)


class Layer(Protocol):
    """One thing painted over the plot: candles, volume, orders; later studies, drawings, a heatmap.

    Layers are painted into the chart's cached picture, in order, with device pixels and clipped to the plot.
    A layer is asked again only when the view or its data changed (`PriceChart.refresh`).
    """

    def paint(self, painter: QPainter, scene: Scene) -> None: ...
