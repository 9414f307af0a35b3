"""The peer's chart: vnpy's, of a trading platform that is kept, drawn with pyqtgraph on the same Qt."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from PySide6.QtWidgets import QWidget

from tests.bench.bench_chart import Columns

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
with tempfile.TemporaryDirectory() as home, mock.patch.dict(os.environ, HOME=home, USERPROFILE=home):
    from vnpy import chart  # makes a folder of its own in the user's home
    from vnpy.trader.constant import Exchange
    from vnpy.trader.object import BarData


class PeerChart:
    """Candles, volume and a crosshair. `pan` moves it by a hundredth of what is visible, back and forth."""

    def __init__(self, columns: Columns, visible: int) -> None:
        widget: Any = chart.ChartWidget()
        widget.add_plot("candle", hide_x_axis=True)
        widget.add_plot("volume", maximum_height=150)
        widget.add_item(chart.CandleItem, "candle", "candle")
        widget.add_item(chart.VolumeItem, "volume", "volume")
        widget.add_cursor()
        widget.update_history([_bar(*row) for row in zip(*(column.tolist() for column in columns), strict=True)])
        self.widget: QWidget = widget
        self._chart = widget
        self._chart._bar_count = visible
        self._right = self._count = len(columns[0])
        self._step = -visible // 100
        self.pan()

    def pan(self) -> None:
        self._right += self._step
        if not self._count // 2 < self._right < self._count:
            self._step = -self._step
        self._chart._right_ix = self._right
        self._chart._update_x_range()


def _bar(time_ns: int, o: float, h: float, low: float, c: float, v: float) -> Any:
    return BarData(
        **{"gateway_name": "", "symbol": "BTCUSDT", "exchange": Exchange.LOCAL, "volume": v},
        **{"open_price": o, "high_price": h, "low_price": low, "close_price": c},
        datetime=datetime.fromtimestamp(time_ns / 1e9, UTC),
    )
