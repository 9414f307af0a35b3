"""The price chart: candles, volume, own orders and fills, crosshair, on a plain widget painted by hand."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from typing import cast

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from ui.chart.axes import AXIS_HEIGHT, VOLUME_AIR, axis_width
from ui.chart.axis_tags import AxisTags
from ui.chart.candles import CandleLayer
from ui.chart.crosshair import Crosshair
from ui.chart.last_price import LastPrice
from ui.chart.legend import Legend
from ui.chart.navigation import Navigation, Zone
from ui.chart.orders import FillLayer, OrderLayer
from ui.chart.picture import Picture
from ui.chart.scene import ChartFill, ChartOrder, Layer, Scene
from ui.chart.series import CandleSeries, Floats, Times
from ui.chart.viewport import Viewport
from ui.theme import fonts
from ui.theme.text import TextCache
from ui.theme.theme import Theme
from ui.widgets.state_overlay import State, StateOverlay

_VOLUME_SHARE = 0.16
_HISTORY_SCREENS = 1.0  # ask for older candles when fewer screens of them than this are left
_HEADROOM = 46  # logical pixels over the highest candle when prices are fitted
_LEAST_HEADROOM = 26  # and as little as a live candle may leave: the height of the legend
_NEAR_EDGE = 0.015  # share of the price range a live candle may come near the lower border before prices are fitted
_BAND = 64  # logical pixels
_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


class PriceChart(QWidget):
    """A candle chart that costs the same to tick with a thousand candles as with a million.

    Times are UTC nanoseconds. What stays between ticks is kept as a picture; a tick repaints one column, a
    row and a tag.
    """

    history_needed = Signal(object)
    """Older candles are about to be seen: open time (int, ns) of the first one there is. Once per first candle."""
    price_clicked = Signal(float)
    """A click into the plot: its price, on a tick."""
    crosshair_moved = Signal(object, object)
    """Open time (int, ns) and price (float) under the crosshair, or None and None when it left."""

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, *, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._now_ns = now_ns
        self._scene = Scene(
            CandleSeries(),
            Viewport(wanted_spacing=8.0 * self.devicePixelRatioF()),
            theme.colors,
            TextCache(fonts.numbers(fonts.TABLE)),
            TextCache(fonts.words(fonts.TABLE)),
            dpr=self.devicePixelRatioF(),
        )
        self._navigation = Navigation(self._scene)
        self._picture = Picture()
        self._legend = Legend(TextCache(fonts.words(fonts.BASE, bold=True)))
        self._mark = TextCache(fonts.words(44, bold=True))
        self._last_price = LastPrice()
        self._axis_tags = AxisTags()
        self._crosshair = Crosshair()
        self._orders, self._fills = OrderLayer(), FillLayer()
        self._layers: list[Layer] = [CandleLayer(), self._fills, self._orders]
        self._subtitle = ""
        self._state: State = "live"
        self._dirty = True
        self._asked_for: int | None = None
        self._overlay = StateOverlay(theme, self, chip_in=self._below_the_legend)
        self._second = QTimer(self)
        self._second.setInterval(1000)
        self._second.timeout.connect(self._tick_countdown)
        # Nobody reads five numbers sixty times a second; the tag on the axis shows every tick.
        self._legend_due = QTimer(self)
        self._legend_due.setSingleShot(True)
        self._legend_due.setInterval(100)
        self._legend_due.timeout.connect(self._show_legend)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("Price chart")
        theme.changed.connect(self._dress)

    def sizeHint(self) -> QSize:
        return QSize(900, 560)

    # -- data

    @property
    def series(self) -> CandleSeries:
        """What is shown; read it, change it through the chart."""
        return self._scene.series

    @property
    def viewport(self) -> Viewport:
        """What part is seen; after changing it call `refresh`."""
        return self._scene.viewport

    def set_instrument(self, title: str, price_precision: int, tick: float, subtitle: str = "") -> None:
        """Name the instrument; `subtitle` follows the title in the legend ("1m · Binance")."""
        scene = self._scene
        scene.title, scene.precision, scene.tick = title, price_precision, tick
        self._subtitle = subtitle
        scene.axis_width = 0
        self._legend.reset()
        self.setAccessibleName(f"Price chart of {title}")
        self.refresh()

    def set_interval(self, interval_ns: int) -> None:
        """Length of a candle. Set it before the candles of another interval come."""
        self._scene.interval_ns = max(1, interval_ns)
        self.refresh()

    def set_timezone(self, zone: tzinfo | None) -> None:
        """Zone of the times on the axis; None is UTC."""
        self._scene.zone = zone
        self.refresh()

    def set_candles(
        self, t: Times, o: Floats, h: Floats, low: Floats, c: Floats, v: Floats, *, keep_view: bool = False
    ) -> None:
        """Show these candles in place of all there were. Raises `ValueError` if out of order.

        The view goes to the newest; with `keep_view`, for a hole that was filled, it stays at the time it is at.
        """
        scene, view = self._scene, self._scene.viewport
        seen = None if view.following or not keep_view or not len(scene.series) else scene.time_of(view.right)
        scene.series.replace(t, o, h, low, c, v)
        if seen is not None:
            view.right = float(scene.index_of(seen))
        else:
            view.auto_price = view.auto_price or not keep_view
            view.show_last(len(scene.series))
        self._asked_for = None
        self._crosshair.move(scene, None)
        self.refresh()

    def update_candle(self, open_ns: int, o: float, h: float, low: float, c: float, v: float) -> None:
        """Change the last candle, or add one if it opens later. Older ones and non-numbers are left out."""
        series = self._scene.series
        if not math.isfinite(o + h + low + c + v):
            return
        newest = series.time_at(len(series) - 1) if len(series) else None
        if newest is None or open_ns > newest:
            series.append(open_ns, o, h, low, c, v)
            self._scene.viewport.appended(1)
            if newest is None:
                self._scene.viewport.show_last(1)
            self.refresh()
        elif open_ns == newest:
            series.update_last(o, h, low, c, v)
            self._update_live(h, low, v)

    def prepend(self, t: Times, o: Floats, h: Floats, low: Floats, c: Floats, v: Floats) -> int:
        """Put older candles in front; what is on the screen stays there. Returns how many were new."""
        taken = self._scene.series.prepend(t, o, h, low, c, v)
        if taken:
            self._scene.viewport.prepended(taken)
            self.refresh()
        return taken

    def set_orders(self, orders: Iterable[ChartOrder]) -> None:
        """Own open orders, all of them."""
        before = self._orders.orders
        self._orders.orders = orders
        if self._orders.orders != before:
            self.refresh()

    def set_fills(self, fills: Sequence[ChartFill]) -> None:
        """Own executions in this instrument, all of them."""
        self._fills.fills = list(fills)
        self.refresh()

    def add_layer(self, layer: Layer) -> None:
        """Paint one more thing over the candles, under own orders."""
        self._layers.insert(len(self._layers) - 2, layer)
        self.refresh()

    def remove_layer(self, layer: Layer) -> None:
        self._layers.remove(layer)
        self.refresh()

    def set_state(self, state: State, text: str = "", age_s: float = 0.0, hint: str = "", action: str = "") -> None:
        """Say how good the data is; stale data is shown grey. `action` labels a button (`action_triggered`)."""
        changed = (state == "stale") != (self._state == "stale")
        self._state = state
        blank = not len(self._scene.series)
        self._overlay.show_state(state, text, hint, action=action, age_s=age_s, blank=blank)
        if changed:
            self._dress()

    @property
    def state_overlay(self) -> StateOverlay:
        """For its `action_triggered` signal."""
        return self._overlay

    def _below_the_legend(self) -> QRect:
        """Its age stands there, over no figure of the legend or of the axis."""
        return QRect(0, self._legend.rect.bottom() + 1, round(self._scene.viewport.width / self._scene.dpr), 26)

    # -- view

    def refresh(self) -> None:
        """Paint everything anew at the next frame."""
        self._dirty = True
        self.update()

    def set_log(self, log: bool) -> None:
        """A logarithmic price axis, or an even one."""
        self._scene.viewport.log = log
        self._scene.viewport.auto_price = True
        self.refresh()

    def zoom(self, factor: float) -> None:
        """Make candles `factor` times as wide about the right edge."""
        view = self._scene.viewport
        view.zoom(factor, view.width, len(self._scene.series))
        self._moved()

    def show_last(self) -> None:
        """Go to the newest candle and follow it, prices fitted."""
        self._scene.viewport.show_last(len(self._scene.series))
        self._scene.viewport.auto_price = True
        self._moved()

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._dirty:
            self._render()
        scene = self._scene
        region = event.region()
        painter = QPainter(self)
        painter.scale(1 / scene.dpr, 1 / scene.dpr)
        for area in cast(Iterable[QRect], region):
            self._picture.blit(painter, _device(area, scene.dpr))
        self._last_price.paint_line(painter, scene, self._orders.tags)
        self._axis_tags.paint(painter, scene)
        painter.scale(scene.dpr, scene.dpr)
        self._crosshair.paint_hairs(painter, scene)
        if region.intersects(self._legend.rect):
            self._legend.paint(painter, scene)
        if region.intersects(self._last_price.tag):
            self._last_price.paint_tag(painter, scene, self._now_ns())
        self._crosshair.paint_tags(painter, scene)
        if self.hasFocus():
            painter.fillRect(0, 0, self.width(), 1, scene.colors.accent)
        painter.end()

    def _render(self) -> None:
        self._dirty = False
        self._layout()
        scene = self._scene
        size = (math.ceil(self.width() * scene.dpr), math.ceil(self.height() * scene.dpr))
        self._picture.render(scene, size, self._layers, self._mark)
        self._last_price.place(scene)
        self._place_tags()
        self._legend.show(scene, self._subtitle, self._crosshair.index)
        self._ask_for_history()

    def _place_tags(self) -> list[QRect]:
        return self._axis_tags.place(
            self._scene, self._orders.axis_tags(self._scene), self._last_price, self._picture.label_rows
        )

    def _layout(self) -> None:
        """Fit the viewport to the widget, and prices to what is seen."""
        scene, view = self._scene, self._scene.viewport
        dpr = self.devicePixelRatioF()
        if dpr != scene.dpr:
            view.wanted_spacing *= dpr / scene.dpr
            scene.dpr = dpr
            scene.axis_width = 0
        plot_height = max(2, round((self.height() - AXIS_HEIGHT) * dpr))
        scene.volume_height = round(plot_height * _VOLUME_SHARE)
        view.height = max(2, plot_height - scene.volume_height)
        self._fit_prices()
        # Only ever wider: an axis that breathes with its digits would move the whole chart.
        scene.axis_width = max(scene.axis_width, axis_width(scene))
        width = max(2, round(self.width() * dpr) - scene.axis_width)
        if width != view.width:
            view.width = width
            if view.following:
                view.show_last(len(scene.series))
            self._fit_prices()
        volumes = scene.visible().candles.volume
        highest = float(np.maximum.reduce(volumes)) if len(volumes) else 0.0
        scene.highest_volume = highest * VOLUME_AIR if highest > 0 else 1.0

    def _fit_prices(self) -> None:
        scene, view = self._scene, self._scene.viewport
        if view.auto_price and (seen := scene.series.price_range(*view.visible(len(scene.series)))) is not None:
            # The legend stands above the highest candle, not on it; and it has room to rise.
            above = min(0.4, (_HEADROOM * scene.dpr) / view.height)
            view.fit(*seen, above=above / (1 - above), below=0.04)

    def _update_live(self, high: float, low: float, volume: float) -> None:
        scene, view = self._scene, self._scene.viewport
        if self._dirty:
            return
        seen = view.right > len(scene.series) - 1
        room = (view.high - view.low) * _NEAR_EDGE
        outgrown = view.y_of(high) < min(_LEAST_HEADROOM * scene.dpr, view.height / 4) or low < view.low + room
        if seen and ((view.auto_price and outgrown) or volume > scene.highest_volume):
            self.refresh()
            return
        before = self._last_price.line, self._last_price.reach
        self._last_price.place(scene)
        for was, now in zip(before, (self._last_price.line, self._last_price.reach), strict=True):
            both = was.united(now)
            # A band of rows is cheaper to copy than two rows are to keep apart.
            for rect in (both,) if both.height() <= _BAND else (was, now):
                self.update(rect)
        for area in self._picture.refresh_live(scene):
            self.update(_logical(area, scene.dpr))
        for area in self._place_tags():
            self.update(_logical(area, scene.dpr))
        if self._crosshair.index is None and not self._legend_due.isActive():
            self._legend_due.start()

    def _show_legend(self) -> None:
        """Bring the legend up to date; before the first paint there is nothing to update."""
        if not self._dirty:
            self.update(self._legend.show(self._scene, self._subtitle, self._crosshair.index))

    def _tick_countdown(self) -> None:
        if not self._last_price.tag.isNull():
            self.update(self._last_price.tag)

    def _dress(self) -> None:
        colors = self._theme.colors
        self._scene.colors = colors.faded() if self._state == "stale" else colors
        self._legend.reset()
        self.refresh()

    def _ask_for_history(self) -> None:
        scene, view = self._scene, self._scene.viewport
        if not len(scene.series) or view.left > (view.right - view.left) * _HISTORY_SCREENS:
            return
        first = scene.series.time_at(0)
        if first != self._asked_for:
            self._asked_for = first
            self.history_needed.emit(first)

    # -- input

    def _moved(self) -> None:
        """The view changed: prices follow, and the crosshair stands on another candle."""
        if self._crosshair.at is not None:
            self._stand(self._crosshair.at)
        self.refresh()

    def _point(self, at: QPointF | None) -> None:
        """Bring the crosshair to a position of the plot, or take it away, and repaint where it was and is."""
        scene = self._scene
        if at is not None and self._navigation.zone(at) is not Zone.PLOT:
            at = None
        before = self._crosshair.rects(scene)
        self._stand(at)
        for rect in before + self._crosshair.rects(scene):
            self.update(rect)
        self._show_legend()

    def _stand(self, at: QPointF | None) -> None:
        """Move the crosshair, and tell who follows it if its candle or price is another one."""
        scene, crosshair = self._scene, self._crosshair
        before = (crosshair.index, crosshair.price if crosshair.at is not None else None)
        crosshair.move(scene, at)
        price = crosshair.price if at is not None else None
        if before != (crosshair.index, price):
            known = crosshair.index is not None and len(scene.series) > 0
            self.crosshair_moved.emit(scene.time_of(crosshair.index or 0) if known else None, price)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._navigation.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._navigation.move(event):
            if self._crosshair.at is not None:
                self._stand(event.position())
            self.refresh()
        else:
            self._point(event.position())
        shape = {Zone.PLOT: Qt.CursorShape.CrossCursor, Zone.PRICES: Qt.CursorShape.SizeVerCursor}
        self.setCursor(shape.get(self._navigation.zone(event.position()), Qt.CursorShape.SizeHorCursor))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._navigation.release():
            self._point(event.position())
            if len(self._scene.series):
                self.price_clicked.emit(self._crosshair.price)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._navigation.double_click(event):
            self._moved()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._navigation.wheel(event):
            self._moved()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._crosshair.at is not None:
            self._point(None)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier and event.key() in _STEPS:
            self._step_crosshair(_STEPS[Qt.Key(event.key())])
        elif self._navigation.key(event):
            self._moved()
        else:
            super().keyPressEvent(event)

    def _step_crosshair(self, candles: int) -> None:
        """Walk the crosshair by candles, from the newest one on; its price is that candle's close."""
        scene, view = self._scene, self._scene.viewport
        count = len(scene.series)
        if not count:
            return
        start = self._crosshair.index if self._crosshair.index is not None else count - candles
        index = max(0, min(count - 1, start + candles))
        x = view.x_of(index + 0.5)
        if not 0 <= x < view.width:
            view.pan(view.width / 2 - x, count)
            self._fit_prices()
            self.refresh()
        y = min(max(0.0, view.y_of(scene.series.at(index)[3])), view.height - 1.0)
        self._point(QPointF(view.x_of(index + 0.5) / scene.dpr, y / scene.dpr))

    def leaveEvent(self, event: QEvent) -> None:
        self._point(None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update(0, 0, self.width(), 1)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update(0, 0, self.width(), 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._dirty = True

    def showEvent(self, event: QShowEvent) -> None:
        self._second.start()
        self._dirty = True

    def hideEvent(self, event: QHideEvent) -> None:
        self._second.stop()


def _device(area: QRect, dpr: float) -> QRect:
    """The device pixels a logical rectangle touches."""
    if dpr == 1.0:
        return area
    left, top = math.floor(area.left() * dpr), math.floor(area.top() * dpr)
    right, bottom = math.ceil((area.left() + area.width()) * dpr), math.ceil((area.top() + area.height()) * dpr)
    return QRect(left, top, right - left, bottom - top)


def _logical(area: QRect, dpr: float) -> QRect:
    """The logical rectangle that covers some device pixels."""
    if dpr == 1.0:
        return area
    left, top = math.floor(area.left() / dpr), math.floor(area.top() / dpr)
    right, bottom = math.ceil((area.left() + area.width()) / dpr), math.ceil((area.top() + area.height()) / dpr)
    return QRect(left, top, right - left, bottom - top)
