"""What the price chart costs: a tick, a pan, and how that depends on how many candles there are."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from ui.chart.chart_widget import PriceChart
from ui.chart.scene import ChartOrder
from ui.theme.theme import Theme

MINUTE_NS = 60_000_000_000
SIZE = (1200, 700)
ROUNDS = 25
Floats = NDArray[np.float64]
Columns = tuple[NDArray[np.int64], Floats, Floats, Floats, Floats, Floats]


class NaiveChart(QWidget):
    """What one writes first: every paint draws each visible candle as a line and a box."""

    def __init__(self, columns: Columns, visible: int) -> None:
        super().__init__()
        _, *self.prices = columns
        self.visible = visible
        self.stop = len(columns[0])

    def paintEvent(self, event: QPaintEvent) -> None:
        o, h, low, c, v = (column[self.stop - self.visible : self.stop] for column in self.prices)
        top, bottom, most = float(h.max()), float(low.min()), float(v.max())
        scale, step = (self.height() * 0.8) / (top - bottom), (self.width() - 70) / self.visible
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#0E1116"))
        colours = QColor("#36CB92"), QColor("#F25C6E")
        for number in range(len(o)):
            x = number * step
            painter.setPen(colours[int(c[number] < o[number])])
            painter.setBrush(colours[int(c[number] < o[number])])
            painter.drawLine(
                QPointF(x + step / 2, (top - h[number]) * scale), QPointF(x + step / 2, (top - low[number]) * scale)
            )
            high, deep = max(o[number], c[number]), min(o[number], c[number])
            painter.drawRect(QRectF(x, (top - high) * scale, step * 0.7, (high - deep) * scale))
            tall = v[number] / most * self.height() * 0.16
            painter.drawRect(QRectF(x, self.height() - tall, step * 0.7, tall))
        for number in range(8):
            painter.drawText(QPointF(self.width() - 66, number * self.height() / 8), f"{top - number:,.2f}")
        painter.end()


def candles(count: int) -> Columns:
    """A seeded random walk of so many minutes."""
    rng = np.random.default_rng(7)
    close = 40_000 + rng.normal(0, 12, count).cumsum()
    open_ = np.concatenate([[40_000], close[:-1]])
    wick = np.abs(rng.normal(0, 6, (2, count)))
    t = np.arange(count, dtype=np.int64) * MINUTE_NS + 1_600_000_000_000_000_000
    high, low = np.maximum(open_, close) + wick[0], np.minimum(open_, close) - wick[1]
    return t, open_, high, low, close, rng.exponential(10, count)


def chart(app: QApplication, theme: Theme, columns: Columns, visible: int) -> PriceChart:
    widget = PriceChart(theme)
    widget.resize(*SIZE)
    widget.set_instrument("BTCUSDT", 2, 0.01)
    widget.set_interval(MINUTE_NS)
    widget.set_candles(*columns)
    widget.show()
    settle(app)
    widget.viewport.wanted_spacing = widget.viewport.width / visible
    widget.show_last()
    settle(app)
    return widget


def settle(app: QApplication) -> None:
    for _ in range(6):
        app.processEvents()
        time.sleep(0.003)


def step_ms(app: QApplication, do: Callable[[], object], count: int) -> float:
    """Median time of an action and the paint it leads to."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        do()
        app.processEvents()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def in_turn(app: QApplication, *actions: tuple[Callable[[], object], int]) -> list[float]:
    """The least of the medians of each action, so many times a round. A noisy neighbour disturbs all alike."""
    rounds = [[step_ms(app, do, count) for do, count in actions] for _ in range(ROUNDS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def ticker(widget: PriceChart) -> Callable[[], None]:
    """Changes of the last candle within what is on the screen."""
    o, h, low, _, v = widget.series.last()
    t = widget.series.time_at(len(widget.series) - 1)
    rng = np.random.default_rng(1)
    prices = iter(np.tile(low + (h - low) * rng.random(512), 8).tolist())

    def tick() -> None:
        widget.update_candle(t, o, h, low, next(prices), v)

    return tick


def panner(widget: PriceChart, visible: int) -> Callable[[], None]:
    """A hundredth of the screen to the left, each time."""

    def pan() -> None:
        view = widget.viewport
        view.pan(view.width / 100, len(widget.series))
        if view.left < visible:
            view.show_last(len(widget.series))
        widget.refresh()

    return pan


def measure() -> list[dict[str, object]]:
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme = Theme()
    theme.apply(app)
    visible = 1000
    short, long = candles(1_000), candles(1_000_000)
    charts = {count: chart(app, theme, data, visible) for count, data in ((1_000, short), (1_000_000, long))}
    naive = NaiveChart(long, visible)
    naive.resize(*SIZE)
    naive.show()
    settle(app)

    def pan_naive() -> None:
        naive.stop = naive.stop - 10 if naive.stop > 2 * visible else len(long[0])
        naive.update()

    def show(count: int) -> None:
        naive.visible = count
        widget.viewport.wanted_spacing = widget.viewport.width / count
        widget.show_last()
        settle(app)

    widget = charts[1_000_000]
    tick_short, tick_long, naive_tick = in_turn(
        app, (ticker(charts[1_000]), 150), (ticker(widget), 150), (naive.update, 5)
    )
    pan, naive_pan = in_turn(app, (panner(widget, visible), 50), (pan_naive, 5))
    show(5000)
    pan_wide, naive_wide = in_turn(app, (panner(widget, 5000), 50), (pan_naive, 2))
    show(visible)
    last = widget.series.last()[3]
    widget.set_orders([ChartOrder(str(n), n % 2 == 0, last + (n - 10) * 8, "0.5", "Limit") for n in range(20)])
    QTest.mouseMove(widget, widget.rect().center())
    settle(app)
    pan_full, naive_full = in_turn(app, (panner(widget, visible), 50), (pan_naive, 5))
    for each in (*charts.values(), naive):
        each.close()
        each.deleteLater()
    app.processEvents()
    return [
        row("chart: last candle changes, 1M candles against 1k", tick_long, tick_short, 1.5, longest=True),
        row("chart: last candle changes, against a candle-by-candle painter", tick_long, naive_tick, 40),
        row("chart: pan a step, 1000 visible, against a candle-by-candle painter", pan, naive_pan, 10),
        row("chart: pan a step, 5000 visible, against a candle-by-candle painter", pan_wide, naive_wide, 40),
        row("chart: pan a step with crosshair and 20 orders", pan_full, naive_full, 4),
    ]


def row(name: str, value: float, versus: float, goal: float, *, longest: bool = False) -> dict[str, object]:
    """A row of the table; `longest` when the value may be at most `goal` times the other."""
    ratio = value / versus if longest else versus / value
    return {
        "name": name,
        "value": round(value, 4),
        "unit": "ms",
        "better": "lower",
        "versus": "the same with 1k candles" if longest else "candle-by-candle QPainter",
        "versus_value": round(versus, 4),
        "ratio": round(ratio, 2),
        "goal": f"ratio {'<=' if longest else '>='} {goal}",
        "ok": ratio <= goal if longest else ratio >= goal,
    }


if __name__ == "__main__":
    for line in measure():
        print(line)
