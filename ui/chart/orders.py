"""Own orders as lines across the chart, own fills as arrows at their candles."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from ui.chart.scene import ChartFill, ChartOrder, Scene
from ui.theme.numbers import format_price
from ui.theme.text import TextCache

T = TypeVar("T")

_TAG_HEIGHT = 16
_UNDER_LEGEND = 26
_DASH, _GAP = 6, 4
_SINGLY = 60  # so many lines of orders can still be told apart
_ARROW = 4.5  # half the width of a fill's arrow, logical pixels
_ARROW_AIR = 2
_MOST = 256  # kept tags; orders come and go all day


class _Kept(Generic[T]):
    """A list that is made anew only when what it comes from is another."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._made: list[T] = []

    def of(self, key: tuple[object, ...], make: Callable[[], list[T]]) -> list[T]:
        if key != self._key:
            self._key, self._made = key, make()
        return self._made


class OrderLayer:
    """Dashed lines with a tag of side, quantity and kind at the left, where it hides no new candle.

    Tags and dashes are kept as small pictures: twenty orders must not slow a drag down.
    """

    def __init__(self) -> None:
        self.tags: list[QRect] = []
        """Where tags were painted, device pixels: no line goes through them."""
        self._orders: list[ChartOrder] = []
        self._prices: list[float] = []  # negative, as bisect wants them to ascend
        self._pictures: dict[tuple[object, ...], QPixmap] = {}
        # A tick asks for both, and changes neither.
        self._placed: _Kept[tuple[ChartOrder, int]] = _Kept()
        self._axis_tags: _Kept[tuple[int, QPixmap]] = _Kept()

    @property
    def orders(self) -> list[ChartOrder]:
        """From the highest price down."""
        return self._orders

    @orders.setter
    def orders(self, orders: Iterable[ChartOrder]) -> None:
        self._orders = sorted(orders, key=lambda order: -order.price)
        self._prices = [-order.price for order in self._orders]
        self._placed, self._axis_tags = _Kept(), _Kept()

    def paint(self, painter: QPainter, scene: Scene) -> None:
        dpr = scene.dpr
        edge = round(8 * dpr)
        before, left = -100 * _TAG_HEIGHT, edge
        self.tags = []
        shown = self._shown(scene)
        for order, y in shown:
            painter.drawPixmap(0, y, self._dashes(scene, _colours(scene, order)[0]))
        for order, y in shown:
            line, ink = _colours(scene, order)
            text = " ".join(part for part in ("Buy" if order.is_buy else "Sell", order.quantity, order.label) if part)
            tag = self._tag(scene, scene.words, text, line, ink)
            if y - before >= _TAG_HEIGHT * dpr:
                left, before = edge, y  # tags that would cover each other stand side by side
            top = max(y - tag.height() // 2, round(_UNDER_LEGEND * dpr))
            box = QRect(left, top, tag.width(), tag.height())
            painter.drawPixmap(box.topLeft(), tag)
            self.tags.append(box)
            left += tag.width() + round(4 * dpr)

    def axis_tags(self, scene: Scene) -> list[tuple[int, QPixmap]]:
        """Prices for the axis: device row and picture, from the top down. Two stops at one price have one."""
        shown = self._shown(scene)
        return self._axis_tags.of(
            (shown, scene.precision, scene.axis_width, scene.colors), lambda: self._make_axis_tags(scene, shown)
        )

    def _make_axis_tags(self, scene: Scene, shown: list[tuple[ChartOrder, int]]) -> list[tuple[int, QPixmap]]:
        tags: list[tuple[int, QPixmap]] = []
        seen: set[tuple[str, int]] = set()
        for order, y in shown:
            line, _ = _colours(scene, order)
            text = format_price(order.price, scene.precision)
            if (text, line.rgb()) in seen:
                continue
            seen.add((text, line.rgb()))
            tags.append((y, self._tag(scene, scene.numbers, text, line, scene.colors.text_hi, scene.axis_width)))
        return tags

    def _shown(self, scene: Scene) -> list[tuple[ChartOrder, int]]:
        """Those in view, from the top down; of very many, one line for all of a side that would cover each other."""
        view = scene.viewport
        return self._placed.of((view.low, view.high, view.height, view.log, scene.dpr), lambda: self._place(scene))

    def _place(self, scene: Scene) -> list[tuple[ChartOrder, int]]:
        view = scene.viewport
        first, end = bisect_left(self._prices, -view.high), bisect_right(self._prices, -view.low)
        placed = [(order, round(view.y_of(order.price))) for order in self._orders[first:end]]
        return placed if len(placed) <= _SINGLY else _gathered(placed, round(_TAG_HEIGHT * scene.dpr))

    def _dashes(self, scene: Scene, colour: QColor) -> QPixmap:
        key = ("dashes", scene.viewport.width, scene.dpr, colour.rgb())
        picture = self._pictures.get(key)
        if picture is None:
            picture = self._keep(key, QPixmap(scene.viewport.width, scene.hair))
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            on, off = round(_DASH * scene.dpr), round(_GAP * scene.dpr)
            for x in range(0, scene.viewport.width, on + off):
                painter.fillRect(x, 0, on, scene.hair, colour)
            painter.end()
        return picture

    def _tag(
        self, scene: Scene, cache: TextCache, text: str, line: QColor, ink: QColor, width: int | None = None
    ) -> QPixmap:
        """A framed text in device pixels; right-aligned in `width` where that is given."""
        key = (text, line.rgb(), ink.rgb(), scene.colors.bg0.rgb(), scene.dpr, width)
        picture = self._pictures.get(key)
        if picture is None:
            dpr = scene.dpr
            wide = cache.width(text) + 12 if width is None else width / dpr
            picture = self._keep(key, QPixmap(round(wide * dpr), round(_TAG_HEIGHT * dpr)))
            painter = QPainter(picture)
            painter.fillRect(picture.rect(), line)
            hair = scene.hair
            painter.fillRect(picture.rect().adjusted(hair, hair, -hair, -hair), scene.colors.bg0)
            painter.scale(dpr, dpr)
            painter.setPen(ink)
            if width is None:
                cache.left(painter, 6, _TAG_HEIGHT / 2, text)
            else:
                cache.right(painter, wide - 8, _TAG_HEIGHT / 2, text)
            painter.end()
        return picture

    def _keep(self, key: tuple[object, ...], picture: QPixmap) -> QPixmap:
        if len(self._pictures) >= _MOST:
            self._pictures.clear()
        self._pictures[key] = picture
        return picture


def _gathered(placed: list[tuple[ChartOrder, int]], height: int) -> list[tuple[ChartOrder, int]]:
    """One order in the place of all of a side within a tag's height; it says how many they are."""
    groups: dict[tuple[int, bool], list[tuple[ChartOrder, int]]] = {}
    for order, y in placed:
        groups.setdefault((y // height, order.is_buy), []).append((order, y))
    return [
        group[0]
        if len(group) == 1
        else (ChartOrder("", is_buy, group[0][0].price, f"{len(group)} orders"), group[0][1])
        for (_, is_buy), group in groups.items()
    ]


def _colours(scene: Scene, order: ChartOrder) -> tuple[QColor, QColor]:
    """Line and text of an order; a pending one is dimmed."""
    if order.pending:
        return scene.colors.side_soft(order.is_buy), scene.colors.text_lo
    side = scene.colors.side(order.is_buy)
    return side, side


class FillLayer:
    """A small arrow per fill, pointing at its price: up from below for a buy, down from above for a sell."""

    def __init__(self) -> None:
        self._fills: list[ChartFill] = []
        self._times: list[int] = []
        self._pictures: dict[tuple[bool, int, int, float], QPixmap] = {}

    @property
    def fills(self) -> list[ChartFill]:
        """In order of time."""
        return self._fills

    @fills.setter
    def fills(self, fills: Sequence[ChartFill]) -> None:
        self._fills = sorted(fills, key=lambda fill: fill.ts_ns)
        self._times = [fill.ts_ns for fill in self._fills]

    def paint(self, painter: QPainter, scene: Scene) -> None:
        if not self._fills or not len(scene.series):
            return
        view = scene.viewport
        half = _ARROW * scene.dpr
        # Of a year's fills only those in view cost anything.
        first = bisect_left(self._times, scene.time_of(max(0.0, view.left - 1)))
        last = bisect_right(self._times, scene.time_of(view.right + 1))
        drawn: set[tuple[int, int, bool]] = set()
        arrows = {is_buy: self._arrow(scene, is_buy) for is_buy in (True, False)}
        for fill in self._fills[first:last]:
            x, y = view.x_of(scene.index_of(fill.ts_ns) + 0.5), view.y_of(fill.price)
            spot = (int(x / half), int(y / half), fill.is_buy)
            if spot in drawn:  # one order filled in many parts is one arrow
                continue
            drawn.add(spot)
            arrow = arrows[fill.is_buy]
            air = round((_ARROW_AIR - 1) * scene.dpr)  # between price and tip, less the picture's own edge
            top = round(y) + air if fill.is_buy else round(y) - air - arrow.height()
            painter.drawPixmap(round(x) - arrow.width() // 2, top, arrow)

    def _arrow(self, scene: Scene, is_buy: bool) -> QPixmap:
        """Kept as a picture: a day of scalping has hundreds in view."""
        colour = scene.colors.side(is_buy)
        key = (is_buy, colour.rgb(), scene.colors.bg0.rgb(), scene.dpr)
        picture = self._pictures.get(key)
        if picture is None:
            half, edge = _ARROW * scene.dpr, scene.dpr
            side = math.ceil(2 * (half + edge)) | 1  # odd: the tip stands on the middle of its candle
            picture = QPixmap(side, side)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(scene.colors.bg0, scene.dpr))
            painter.setBrush(colour)
            tip, foot = (edge, edge + 2 * half) if is_buy else (side - edge, side - edge - 2 * half)
            middle = side / 2
            painter.drawPolygon([QPointF(middle, tip), QPointF(middle - half, foot), QPointF(middle + half, foot)])
            painter.end()
            self._pictures[key] = picture  # a theme's two sides, at a scale or two
        return picture
