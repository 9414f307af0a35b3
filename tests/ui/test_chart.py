"""The price chart as a trader meets it: painted pixels, keys and mouse."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.chart.axes import Axes
from ui.chart.candles import last_group, last_rects
from ui.chart.chart_widget import PriceChart
from ui.chart.scene import ChartFill, ChartOrder, Scene
from ui.chart.viewport import MIN_SPACING
from ui.theme.theme import Theme

MINUTE = 60_000_000_000
START = 1_640_995_200 * 1_000_000_000  # 2022-01-01 00:00 UTC
Floats = NDArray[np.float64]
Columns = tuple[NDArray[np.int64], Floats, Floats, Floats, Floats, Floats]


def columns(count: int, first: int = 0, seed: int = 5) -> Columns:
    rng = np.random.default_rng(seed)
    c = 1000 + rng.normal(0, 3, count).cumsum()
    o = np.concatenate([[1000.0], c[:-1]])
    h, low = np.maximum(o, c) + rng.random(count) * 3, np.minimum(o, c) - rng.random(count) * 3
    t = START + (first + np.arange(count, dtype=np.int64)) * MINUTE
    return t, o, h, low, c, rng.random(count) * 50 + 1


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    theme = Theme()
    theme.apply(qapp, "dark")
    yield theme
    theme.deleteLater()


@pytest.fixture
def chart(theme: Theme, qtbot: QtBot) -> PriceChart:
    widget = PriceChart(theme, now_ns=lambda: START + 500 * MINUTE - 20_000_000_000)
    qtbot.addWidget(widget)
    widget.resize(800, 500)
    widget.set_instrument("BTCUSDT", 2, 0.01, "1m")
    widget.set_interval(MINUTE)
    widget.show()
    widget.set_candles(*columns(500))
    image(widget)
    return widget


def image(widget: PriceChart) -> QImage:
    QApplication.processEvents()
    return widget.grab().toImage()


def scene(widget: PriceChart) -> Scene:
    return widget._scene


def count_pixels(picture: QImage, colour: str) -> int:
    """Pixels of exactly one colour."""
    wanted = int(colour[1:], 16)
    buffer = np.frombuffer(picture.convertToFormat(QImage.Format.Format_RGB32).constBits(), np.uint32)
    return int(((buffer & 0xFFFFFF) == wanted).sum())


def wheel(widget: PriceChart, at: QPoint, notches: int, modifiers: Qt.KeyboardModifier) -> None:
    event = QWheelEvent(
        QPointF(at),
        QPointF(widget.mapToGlobal(at)),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_candles_are_painted_in_both_colours(chart: PriceChart, theme: Theme) -> None:
    """Rising and falling candles are there, and volume under them."""
    picture = image(chart)
    for colour in (theme.tokens.up, theme.tokens.down, theme.colors.up_soft.name(), theme.colors.down_soft.name()):
        assert count_pixels(picture, colour) > 300


@pytest.mark.parametrize("spacing", [0.1, 1.0, 2.5, 4.0, 8.0, 41.0])
@pytest.mark.parametrize("log", [False, True])
def test_live_candle_lies_where_a_full_paint_puts_it(chart: PriceChart, spacing: float, log: bool) -> None:
    """After many ticks the picture is the same, to the pixel, as one painted anew."""
    chart.set_log(log)
    chart.viewport.wanted_spacing = spacing
    chart.show_last()
    image(chart)
    t = chart.series.time_at(499)
    o, h, low, _, v = chart.series.last()
    for number in range(12):
        close = low + (h - low) * number / 11
        chart.update_candle(t, o, h, low, close, v * (0.3 + number / 20))
        QApplication.processEvents()
    chart._show_legend()
    after_ticks = image(chart)
    chart.refresh()
    assert after_ticks == image(chart)


@pytest.mark.parametrize("spacing", [0.1, 1.0, 2.5, 8.0])
def test_last_candle_has_the_shape_it_keeps(chart: PriceChart, spacing: float) -> None:
    """When a candle stops being live it doesn't twitch: both ways of painting give one shape."""
    chart.viewport.wanted_spacing = spacing
    chart.show_last()
    image(chart)
    part = last_group(scene(chart))
    assert part is not None
    live = last_rects(scene(chart), part)
    left = live.volume.left() - 2
    before = image(chart).copy(left, 30, live.volume.width() + 4, scene(chart).plot_height - 30)

    class WholeSeries:
        """Paints the last group the way all others are painted."""

        def paint(self, painter: QPainter, scene: Scene) -> None:
            from ui.chart import candles

            columns = candles._columns(scene, part)
            for pair, colours in (
                (candles.volume_rects(scene, part, columns), (scene.colors.up_soft, scene.colors.down_soft)),
                (candles.candle_rects(scene, part, columns), (scene.colors.up, scene.colors.down)),
            ):
                for rects, colour in zip(pair, colours, strict=True):
                    candles.draw_rects(painter, rects, colour)

    chart.add_layer(WholeSeries())
    after = image(chart).copy(left, 30, live.volume.width() + 4, scene(chart).plot_height - 30)
    assert before == after


def test_tick_repaints_little(chart: PriceChart, qtbot: QtBot) -> None:
    """A trade inside the candle's range leaves the cached picture alone; a new high repaints it."""
    t = chart.series.time_at(499)
    o, h, low, c, v = chart.series.last()
    chart.update_candle(t, o, h, low, (c + low) / 2, v)
    assert not chart._dirty
    chart.update_candle(t, o, h + 500, low, h + 500, v)
    assert chart._dirty
    image(chart)
    assert chart.viewport.high > h + 500


def test_new_candle_is_followed(chart: PriceChart) -> None:
    """The next minute's candle comes into view by itself, and an old one never changes the newest."""
    right = chart.viewport.right
    last = chart.series.last()
    chart.update_candle(START + 500 * MINUTE, 1000, 1001, 999, 1000, 1)
    assert len(chart.series) == 501
    assert chart.viewport.right == right + 1
    chart.update_candle(START + 3 * MINUTE, 1, 2, 0, 1, 1)
    chart.update_candle(START + 501 * MINUTE, float("nan"), 1, 1, 1, 1)
    assert len(chart.series) == 501
    assert chart.series.at(499) == last


def test_first_candle_of_an_empty_chart(theme: Theme, qtbot: QtBot) -> None:
    """An instrument without history starts with its first trade, and a flat one divides by nothing."""
    widget = PriceChart(theme)
    qtbot.addWidget(widget)
    widget.resize(400, 300)
    widget.show()
    image(widget)
    widget.update_candle(START, 5.0, 5.0, 5.0, 5.0, 0.0)
    assert count_pixels(image(widget), theme.tokens.up) > 0
    assert widget.viewport.low < 5 < widget.viewport.high


def test_keys_move_the_view(chart: PriceChart, qtbot: QtBot) -> None:
    """Arrows pan, plus and minus zoom, Home and End go to the ends; other keys pass through."""
    chart.setFocus()
    right, spacing = chart.viewport.right, chart.viewport.spacing
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert chart.viewport.right < right
    assert not chart.viewport.following
    qtbot.keyClick(chart, Qt.Key.Key_Plus)
    assert chart.viewport.spacing > spacing
    qtbot.keyClick(chart, Qt.Key.Key_Minus)
    assert chart.viewport.spacing <= spacing + 1
    qtbot.keyClick(chart, Qt.Key.Key_Home)
    assert chart.viewport.left <= 0
    qtbot.keyClick(chart, Qt.Key.Key_End)
    assert chart.viewport.following
    assert chart.viewport.right > 500


def test_wheel_zooms_and_shift_pans(chart: PriceChart) -> None:
    """The wheel zooms; with Shift it pans; over the price axis it stretches prices."""
    spacing, right = chart.viewport.spacing, chart.viewport.right
    wheel(chart, QPoint(400, 200), 1, Qt.KeyboardModifier.NoModifier)
    assert chart.viewport.spacing > spacing
    wheel(chart, QPoint(400, 200), 3, Qt.KeyboardModifier.ShiftModifier)
    assert chart.viewport.right < right
    assert chart.viewport.auto_price
    wheel(chart, QPoint(chart.width() - 10, 200), 1, Qt.KeyboardModifier.NoModifier)
    assert not chart.viewport.auto_price


def test_drag_pans_and_is_no_click(chart: PriceChart, qtbot: QtBot) -> None:
    """Dragging the chart shows older candles; letting go after it sends no price to the ticket."""
    clicks: list[float] = []
    chart.price_clicked.connect(clicks.append)
    right = chart.viewport.right
    qtbot.mousePress(chart, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    for x in (220, 260, 320):
        qtbot.mouseMove(chart, QPoint(x, 200))
    qtbot.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=QPoint(320, 200))
    assert chart.viewport.right == pytest.approx(right - 120 / chart.viewport.spacing)
    assert clicks == []


def test_click_gives_the_price_on_a_tick(chart: PriceChart, qtbot: QtBot) -> None:
    """A click into the plot is a price the instrument can have, the one under the pointer."""
    chart.set_instrument("BTCUSDT", 1, 0.5)
    image(chart)
    with qtbot.waitSignal(chart.price_clicked) as clicked:
        qtbot.mouseClick(chart, Qt.MouseButton.LeftButton, pos=QPoint(300, 150))
    (price,) = clicked.args or [0.0]
    assert price % 0.5 == 0
    assert price == pytest.approx(chart.viewport.price_at(150), abs=0.3)


def test_double_click_on_prices_fits_them(chart: PriceChart, qtbot: QtBot) -> None:
    """Prices stretched by hand are fitted again by a double click on their axis."""
    chart.viewport.zoom_price(3)
    qtbot.mouseDClick(chart, Qt.MouseButton.LeftButton, pos=QPoint(chart.width() - 10, 100))
    assert chart.viewport.auto_price


def test_history_is_asked_for_once(chart: PriceChart, qtbot: QtBot) -> None:
    """Going to the first candle asks for older ones, once; what comes is put in front without a jump."""
    asked: list[int] = []
    chart.history_needed.connect(asked.append)
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_Home)
    for _ in range(3):
        qtbot.keyClick(chart, Qt.Key.Key_Left)
        image(chart)
    assert asked == [START]
    at = chart.viewport.x_of(0)
    assert chart.prepend(*columns(300, first=-300)) == 300
    assert chart.viewport.x_of(300) == pytest.approx(at)
    qtbot.keyClick(chart, Qt.Key.Key_Home)
    image(chart)
    assert asked == [START, START - 300 * MINUTE]


def test_crosshair_tells_candle_and_price(chart: PriceChart, qtbot: QtBot) -> None:
    """The crosshair snaps to a candle, names its moment, and leaves with Esc and with the pointer."""
    seen: list[tuple[object, object]] = []
    chart.crosshair_moved.connect(lambda moment, price: seen.append((moment, price)))
    plain = image(chart)
    qtbot.mouseMove(chart, QPoint(300, 150))
    index = int(chart.viewport.index_at(300))
    assert seen[-1][0] == START + index * MINUTE
    assert seen[-1][1] == pytest.approx(chart.viewport.price_at(150), abs=0.01)
    assert image(chart) != plain
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_Escape)
    assert seen[-1] == (None, None)
    qtbot.keyClick(chart, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert seen[-1][0] == START + 499 * MINUTE
    qtbot.keyClick(chart, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert seen[-1][0] == START + 498 * MINUTE


def test_moving_crosshair_leaves_no_trace(chart: PriceChart, qtbot: QtBot) -> None:
    """After the pointer has wandered all over and left, the picture is what it was."""
    before = image(chart)
    for x, y in ((10, 10), (400, 250), (700, 60), (500, 470), (790, 200)):
        qtbot.mouseMove(chart, QPoint(x, y))
        QApplication.processEvents()
    chart._point(None)
    assert image(chart) == before


def test_own_orders_and_fills_are_on_the_chart(chart: PriceChart, theme: Theme) -> None:
    """An own order is a line at its price; a fill an arrow; both go when they are gone."""
    plain = image(chart)
    close = chart.series.last()[3]
    orders = [ChartOrder("1", True, close - 3, "0.5", "Limit"), ChartOrder("2", False, close - 9, "1", "Stop", True)]
    chart.set_orders(orders)
    row = round(chart.viewport.y_of(close - 3))
    picture = image(chart)
    line = [picture.pixelColor(x, row).name().upper() for x in range(0, 500)]
    assert line.count(theme.tokens.up) > 200
    chart.set_orders(list(orders))
    assert not chart._dirty  # the same orders again cost nothing
    chart.set_orders([])
    chart.set_fills([ChartFill(START + 490 * MINUTE + 1, close, 1.0, True), ChartFill(0, 1, 1, False)])
    assert image(chart) != plain
    chart.set_fills([])
    assert image(chart) == plain


def test_states(chart: PriceChart, theme: Theme) -> None:
    """Stale data turns grey with its age, a failure says so, and live data looks as before."""
    live = image(chart)
    chart.set_state("stale", age_s=12)
    assert chart.state_overlay.text == "Stale · 12 s"
    assert count_pixels(image(chart), theme.tokens.up) == 0
    chip = chart.state_overlay.geometry()
    assert not chip.intersects(chart._legend.rect)
    assert chip.right() < chart.viewport.width / chart.devicePixelRatioF()  # where the axis begins
    chart.set_state("error", "The venue refused.", hint="Check the clock.", action="Reconnect")
    assert chart.state_overlay.isVisible()
    chart.set_state("live")
    assert not chart.state_overlay.isVisible()
    assert image(chart) == live


def test_theme_change_repaints(chart: PriceChart, theme: Theme, qapp: QApplication) -> None:
    """Switching to light repaints the chart in the light colours."""
    theme.apply(qapp, "light")
    picture = image(chart)
    assert count_pixels(picture, theme.tokens.bg0) > picture.width() * picture.height() / 2
    assert count_pixels(picture, theme.tokens.up) > 100


def test_any_size_and_any_prices(chart: PriceChart) -> None:
    """Tiny and huge windows, tiny and huge prices, one candle or none: nothing breaks."""
    for width, height in ((160, 120), (3000, 200), (200, 1500)):
        chart.resize(width, height)
        image(chart)
    t, o, h, low, c, v = columns(50)
    for scale in (1e-9, 1e12, 0.0):
        chart.set_candles(t, o * scale, h * scale, low * scale, c * scale, v * scale)
        image(chart)
    chart.set_log(True)
    image(chart)
    chart.set_candles(t[:0], o[:0], h[:0], low[:0], c[:0], v[:0])
    image(chart)


def test_the_last_price_runs_through_no_tag(chart: PriceChart, theme: Theme) -> None:
    """An order at the price of now stays readable: the dotted line stops at its tag and goes on behind it."""
    close = chart.series.last()[3]
    chart.set_orders([ChartOrder("1", True, close, "0.5", "Limit")])
    chart.update_candle(chart.series.time_at(499), close + 1, close + 1, close - 1, close, 1.0)  # a falling candle
    picture = image(chart)
    (tag,) = chart._orders.tags
    row = chart._last_price._row
    assert tag.top() < row < tag.bottom()
    inside = [picture.pixelColor(x, row).name().upper() for x in range(tag.left() + 1, tag.right())]
    assert theme.tokens.down not in inside
    beyond = [picture.pixelColor(x, row).name().upper() for x in range(tag.right() + 1, 500)]
    assert theme.tokens.down in beyond


def test_orders_at_one_price_have_one_tag_on_the_axis(chart: PriceChart) -> None:
    """The two stops of a bracket are two orders and one price; a sale there has a tag of its own colour."""
    middle = (chart.viewport.high + chart.viewport.low) / 2
    chart.set_orders([ChartOrder(str(n), n > 1, middle, "1") for n in range(4)])
    image(chart)
    assert len(chart._orders.tags) == 4
    assert len(chart._axis_tags._tags) == 2


def test_tags_on_the_axis_never_cover_each_other(chart: PriceChart) -> None:
    """Orders close together and close to the last price keep a readable price each, and no label shows under them."""
    pixel = (chart.viewport.high - chart.viewport.low) / chart.viewport.height
    t, (o, h, low, _, v) = chart.series.time_at(499), chart.series.last()
    middle = (chart.viewport.high + chart.viewport.low) / 2
    chart.viewport.auto_price = False
    chart.update_candle(t, o, max(h, middle), min(low, middle), middle, v)
    chart.set_orders(
        [ChartOrder(str(n), n > 2, middle + rows * pixel, "1") for n, rows in enumerate((-6, -3, 0, 0, 4, 9))]
    )
    image(chart)
    tags = chart._axis_tags
    last = chart._last_price.tag
    spans = sorted([(top, top + box.height()) for top, box in tags._tags] + [(last.top(), last.bottom() + 1)])
    assert len(spans) == 7
    for (_, end), (top, _) in pairwise(spans):
        assert end <= top
    for row in chart._picture.label_rows:
        covered = any(top - 6 < row < end + 6 for top, end in spans)
        assert covered == any(abs(box.center().y() - row) < 2 for box in tags._hidden)


def test_a_rising_candle_never_runs_under_the_legend(chart: PriceChart) -> None:
    """While the newest candle climbs the prices are fitted again before it reaches the line of numbers at the top."""
    t = chart.series.time_at(499)
    o, h, low, _, v = chart.series.last()
    for _ in range(200):
        h += 0.4
        chart.update_candle(t, o, h, low, h, v)
        image(chart)
        assert chart.viewport.y_of(h) >= chart._legend.rect.bottom()


def test_the_volume_axis_says_how_much(chart: PriceChart) -> None:
    """The highest bar in view has its volume beside it, in the pixels of the axis."""
    with_label = image(chart)
    rows = chart._picture.label_rows
    middle = round(rows[-1])
    assert middle > chart.viewport.height
    axis = with_label.copy(chart.viewport.width + 2, middle - 6, scene(chart).axis_width - 2, 12)
    background = scene(chart).colors.bg0.name()
    assert any(axis.pixelColor(x, y).name() != background for x in range(axis.width()) for y in range(12))


def test_ticks_leave_no_trace_on_the_axis(chart: PriceChart) -> None:
    """Tags pushed about by the price, labels hidden and shown again: after many ticks it looks as painted anew."""
    t, (o, h, low, _, v) = chart.series.time_at(499), chart.series.last()
    pixel = (chart.viewport.high - chart.viewport.low) / chart.viewport.height
    top, bottom = chart.viewport.price_at(60), chart.viewport.price_at(chart.viewport.height - 20)
    chart.update_candle(t, o, max(h, top), min(low, bottom), o, v)
    chart.set_orders([ChartOrder(str(n), n > 2, o + (n - 3) * 9 * pixel, "1") for n in range(6)])
    image(chart)
    for number in range(60):
        chart.update_candle(t, o, max(h, top), min(low, bottom), bottom + (top - bottom) * (number * 7 % 60) / 60, v)
        QApplication.processEvents()
    chart._show_legend()
    after_ticks = image(chart)
    chart.refresh()
    assert after_ticks == image(chart)


@pytest.mark.parametrize("pixels", [-3, 3])
def test_an_order_near_the_last_price_is_on_its_own_side_of_it(chart: PriceChart, pixels: int) -> None:
    """The tag of the last price reaches further down than up: what is below it in price is below it on the axis."""
    close = chart.series.last()[3]
    pixel = (chart.viewport.high - chart.viewport.low) / chart.viewport.height
    chart.set_orders([ChartOrder("1", True, close - pixels * pixel, "1")])
    image(chart)
    ((top, _),) = chart._axis_tags._tags
    tag = chart._last_price.tag
    assert top >= tag.bottom() if pixels > 0 else top < tag.top()


def test_decades_in_view_have_their_ticks(chart: PriceChart) -> None:
    """Zoomed out to the utmost on days: ticks of years, none beyond what a time in nanoseconds can hold."""
    _, *prices = columns(2000)
    days = np.arange(2000, dtype=np.int64) * 86_400_000_000_000 + START
    chart.set_interval(86_400_000_000_000)
    chart.set_candles(days, *prices)
    for spacing in (1.0, 0.3, 0.1, 0.05, MIN_SPACING):
        chart.viewport.wanted_spacing = spacing
        chart.show_last()
        image(chart)  # what is raised while it is painted fails the test
        moments = [tick.ts_ns for _, tick in Axes(scene(chart)).times]
        assert all(START <= moment <= days[-1] for moment in moments)
