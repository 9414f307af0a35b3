"""The order book: asks above, spread between, bids below, painted row by row and only where something changed."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from ui.theme import fonts
from ui.theme.numbers import format_price, format_quantity
from ui.theme.text import TextCache
from ui.theme.theme import Theme
from ui.widgets.book_rows import BookRow, BookRows, Level, book_rows, spread_text
from ui.widgets.state_overlay import StateOverlay

ROW = 20
LEAST_WIDTH = 208  # price, quantity, and mid and spread in one row
_HEADER = 20
_SPREAD = 28
_GUTTER = 14  # left of the prices, for own orders
_PAD = 8
_ARROW = 16  # beside the middle
_FLASH_S = 0.18
_THREE_COLUMNS = 210  # narrower than this, the cumulative column is left out


class _Cell(NamedTuple):
    """Everything a painted row depends on: an equal one needs no repaint."""

    price: str
    quantity: str
    cumulative: str
    is_bid: bool
    bar: int
    own_bar: int
    flash: int
    own: bool
    hover: bool
    selected: bool


class _Place(NamedTuple):
    """Where a row is, and the row, if the book has one for it."""

    top: int
    height: int
    row: BookRow | None
    is_bid: bool

    def holds(self, y: int) -> bool:
        return self.top <= y < self.top + self.height


class _Scale(NamedTuple):
    """What all rows of one paint share: pixels per cumulative and per own quantity, and the time (seconds)."""

    depth: float
    quantity: float
    now: float


class BookView(QWidget):
    """A painted order book. Prices come and go as floats; what an order needs is made by the instrument."""

    price_clicked = Signal(float, str)
    """A row was clicked, or Enter pressed on it: its price, and "bid" or "ask" by its half of the book."""
    price_hovered = Signal(object)
    """The price (float) under the pointer, or None."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._colors = theme.colors
        self._numbers = TextCache(fonts.numbers(fonts.TABLE))
        self._words = TextCache(fonts.words(fonts.TABLE))
        self._middle = TextCache(fonts.numbers(fonts.HEADING, bold=True))
        self._bids: Sequence[Level] = ()
        self._asks: Sequence[Level] = ()
        self._own: dict[float, float] = {}
        self._tick, self._group = 0.01, 1
        self._price_precision, self._quantity_precision = 2, 4
        self._rows = BookRows()
        self._quantities: dict[float, float] = {}
        self._flashes: dict[float, tuple[float, int]] = {}  # price → until when, and whether it grew
        self._mid_seen: float | None = None
        self._rose: bool | None = None
        self._picture = QPixmap()
        self._painted: dict[int, _Cell | str | None] = {}  # top of row → what is there
        self._edges = 0, 0, 0
        self._changed = self._touched = True
        self._stale = False
        self._hover: QPoint | None = None
        self._selected: tuple[float, bool] | None = None
        self._fade = QTimer(self)
        self._fade.setSingleShot(True)
        self._fade.setInterval(round(_FLASH_S * 1000) + 10)
        self._fade.timeout.connect(self._touch)
        self._overlay = StateOverlay(theme, self, chip_in=self._beside_mid)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(LEAST_WIDTH, _HEADER + _SPREAD + 2 * ROW)
        self.setAccessibleName("Order book")
        theme.changed.connect(self._dress)

    def sizeHint(self) -> QSize:
        return QSize(260, 480)

    @property
    def state_overlay(self) -> StateOverlay:
        return self._overlay

    # -- data

    def set_book(
        self, bids: Sequence[Level], asks: Sequence[Level], tick: float, price_precision: int, quantity_precision: int
    ) -> None:
        """Show a book: (price, quantity) pairs, best first. Cheap to call; the work is done once per frame."""
        self._bids, self._asks, self._tick = bids, asks, tick
        self._price_precision, self._quantity_precision = price_precision, quantity_precision
        if self._overlay.state != "live" and (bids or asks):
            self._overlay.show_state("live")
            self._fade_out(False)
        self._changed = True
        self._touch()

    def set_grouping(self, ticks: int) -> None:
        """Gather prices in rows of so many ticks."""
        self._group = max(1, ticks)
        self._quantities.clear()
        self._changed = True
        self._touch()

    @property
    def grouping(self) -> int:
        return self._group

    def set_own_orders(self, orders: Mapping[float, float]) -> None:
        """Quantities of own open orders by price."""
        self._own = dict(orders)
        self._changed = True
        self._touch()

    def set_stale(self, age_s: float | None) -> None:
        """Show the book grey with its age; None when it is fresh again."""
        if age_s is None:
            if self._overlay.state == "stale":
                self._overlay.show_state("live")
        else:
            self._overlay.show_state("stale", age_s=age_s)
        self._fade_out(age_s is not None)

    def set_empty(self, text: str, hint: str = "") -> None:
        """Show no book but a sentence that says why."""
        self._bids = self._asks = ()
        self._quantities.clear()
        self._flashes.clear()
        self._changed = True
        self._overlay.show_state("empty", text, hint, blank=True)
        self._touch()

    def row_count(self) -> int:
        """Rows on each side: as many as fill the height best."""
        return max(1, round(self._side() / ROW))

    def _side(self) -> int:
        """The height that each side has. The spread takes the odd pixel."""
        return max(0, self.height() - _HEADER - _SPREAD) // 2

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._changed:
            self._gather()
        dpr = self.devicePixelRatioF()
        size = QSize(math.ceil(self.width() * dpr), math.ceil(self.height() * dpr))
        if self._picture.size() != size or self._picture.devicePixelRatio() != dpr:
            self._picture = QPixmap(size)
            self._picture.setDevicePixelRatio(dpr)
            self._painted.clear()
        if self._touched or not self._painted:
            self._touched = False
            self._paint_changes()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        painter.end()

    def _paint_changes(self) -> None:
        """Bring those rows of the picture up to date that differ from what is painted."""
        edges = self._columns()
        if edges != self._edges:
            self._edges = edges
            self._painted.clear()
        painter = QPainter(self._picture)
        if not self._painted:
            painter.fillRect(self.rect(), self._colors.bg0)
            self._paint_header(painter)
        scale = _Scale(
            self.width() / (self._rows.deepest or 1.0),
            self.width() * 0.4 / (self._rows.highest_quantity or 1.0),
            time.monotonic(),
        )
        for place in self._places():
            cell = self._cell(place, place.row, scale) if place.row is not None else None
            if place.top not in self._painted or self._painted[place.top] != cell:
                self._paint_row(painter, place, cell)
                self._painted[place.top] = cell
        self._paint_spread(painter)
        painter.end()

    def _touch(self) -> None:
        """Look for changes at the next paint."""
        self._touched = True
        self.update()

    def _gather(self) -> None:
        """Make the rows that fit, and note which quantities changed since the last paint."""
        self._changed = False
        self._rows = book_rows(
            self._bids, self._asks, self.row_count(), tick=self._tick, group=self._group, own=self._own
        )
        self._follow_mid()
        now = time.monotonic()
        self._flashes = {price: flash for price, flash in self._flashes.items() if flash[0] > now}
        quantities = {}
        for row in (*self._rows.bids, *self._rows.asks):
            quantities[row.price] = row.quantity
            known = self._quantities.get(row.price)
            if known is not None and known != row.quantity:
                self._flashes[row.price] = (now + _FLASH_S, 1 if row.quantity > known else -1)
        self._quantities = quantities
        if self._flashes and not self._fade.isActive():
            self._fade.start()

    def _follow_mid(self) -> None:
        """Whether the last move of the middle was up; one of the spread alone moves it nowhere."""
        mid = self._mid()
        if mid is None:
            self._rose = None
        elif self._mid_seen is not None and abs(mid - self._mid_seen) > self._tick / 4:
            self._rose = mid > self._mid_seen
        self._mid_seen = mid

    def _mid(self) -> float | None:
        return (self._bids[0][0] + self._asks[0][0]) / 2 if self._bids and self._asks else None

    def _mid_end(self) -> float:
        """Where its text ends, with room for the digit that comes and goes: what is beside it stays where it is."""
        return _GUTTER + self._middle.width(format_price(self._mid(), self._price_precision + 1))

    def _beside_mid(self) -> QRect:
        """The room of the spread, for the age of a stale book: no price is covered, no title, and it is looked at."""
        top, left = _HEADER + self._side(), math.ceil(self._mid_end()) + _ARROW
        return QRect(left, top, self.width() - left, self.height() - self._side() - top)

    def _mid_text(self, mid: float) -> str:
        """At the instrument's precision, and a digit more where the mid lies between two of its prices."""
        digits = self._price_precision
        between = abs(round(mid, digits) - mid) > 0.01 * 10.0**-digits
        return format_price(mid, digits + between)

    def _places(self) -> list[_Place]:
        """Every place a row can be, empty ones too. The rows share the height to the last pixel."""
        count, side = self.row_count(), self._side()
        middle, below = _HEADER + side, self.height() - side
        ends = [round(number * side / count) for number in range(count + 1)]
        places: list[_Place] = []
        for rows, is_bid in ((self._rows.asks, False), (self._rows.bids, True)):
            for number, (near, far) in enumerate(pairwise(ends)):
                top = below + near if is_bid else middle - far
                places.append(_Place(top, far - near, rows[number] if number < len(rows) else None, is_bid))
        return places

    def _cell(self, place: _Place, row: BookRow, scale: _Scale) -> _Cell:
        flash = self._flashes.get(row.price)
        return _Cell(
            format_price(row.price, self._price_precision),
            format_quantity(row.quantity, self._quantity_precision),
            format_quantity(row.cumulative, self._quantity_precision) if self._edges[2] else "",
            place.is_bid,
            round(row.cumulative * scale.depth),
            round(row.quantity * scale.quantity),
            flash[1] if flash is not None and flash[0] > scale.now else 0,
            row.own > 0,
            self._hover is not None and place.holds(self._hover.y()),
            self._selected == (row.price, place.is_bid),
        )

    def _columns(self) -> tuple[int, int, int]:
        """Right edges of price, quantity and cumulative; 0 for a column that doesn't fit."""
        width = self.width() - _PAD
        longest = max((row.price for row in (*self._rows.bids[:1], *self._rows.asks[-1:])), default=0.0)
        price = _GUTTER + round(len(format_price(longest, self._price_precision)) * self._numbers.advance) + 2
        if self.width() < _THREE_COLUMNS:
            return price, width, 0
        return price, price + (width - price) // 2, width

    def _paint_row(self, painter: QPainter, place: _Place, cell: _Cell | None) -> None:
        colors, width = self._colors, self.width()
        top, height = place.top, place.height
        if cell is None:
            painter.fillRect(0, top, width, height, colors.bg0)
            return
        painter.fillRect(0, top, width, height, colors.hover if cell.hover else colors.bg0)
        faint, soft = (colors.up_faint, colors.up_soft) if cell.is_bid else (colors.down_faint, colors.down_soft)
        painter.fillRect(width - cell.bar, top, cell.bar, height - 1, faint)
        painter.fillRect(width - cell.own_bar, top, cell.own_bar, height - 1, soft)
        middle = top + height / 2
        price, quantity, cumulative = self._edges
        painter.setPen(colors.side(cell.is_bid))
        self._numbers.right(painter, price, middle, cell.price)
        painter.setPen((colors.text_hi, colors.up, colors.down)[cell.flash])
        self._numbers.right(painter, quantity, middle, cell.quantity)
        if cumulative:
            painter.setPen(colors.text_mid)
            self._numbers.right(painter, cumulative, middle, cell.cumulative)
        if cell.own:
            _paint_mark(painter, QPointF(4, middle), colors.accent)
        if cell.selected:
            painter.setPen(colors.accent)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(0, top, width - 1, height - 1)

    def _paint_header(self, painter: QPainter) -> None:
        painter.setPen(self._colors.text_lo)
        price, quantity, cumulative = self._edges
        self._words.right(painter, price, _HEADER / 2, "Price")
        self._words.right(painter, quantity, _HEADER / 2, "Quantity")
        if cumulative:
            self._words.right(painter, cumulative, _HEADER / 2, "Total")

    def _paint_spread(self, painter: QPainter) -> None:
        colors, top, width = self._colors, _HEADER + self._side(), self.width()
        height = self.height() - self._side() - top
        mid = self._mid()
        spread, mid_text = "", self._mid_text(mid) if mid is not None else ""
        if mid is not None and not self._stale:  # the age stands in its place
            ticks, points = spread_text(self._bids[0][0], self._asks[0][0], self._tick)
            spread = f"{ticks:,} tick{'' if ticks == 1 else 's'} · {points:.2f} bp"
        has_book = bool(self._bids or self._asks)
        key = f"{mid_text}|{spread}|{self._rose}|{self.hasFocus()}|{has_book}"
        if self._painted.get(top) == key:
            return
        self._painted[top] = key
        painter.fillRect(0, top, width, height, colors.bg1 if has_book else colors.bg0)
        middle = top + height / 2
        painter.setPen(colors.text_hi)
        self._middle.left(painter, _GUTTER, middle, mid_text)
        end = self._mid_end()
        if mid_text and self._rose is not None:
            _paint_arrow(painter, QPointF(end + 9, middle), self._rose, colors.up if self._rose else colors.down)
        room = width - end - _ARROW - 2 * _PAD
        painter.setPen(colors.text_mid)
        for text in (f"Spread {spread}", spread, spread.partition(" · ")[2]):
            if spread and self._words.width(text) <= room:
                self._words.right(painter, width - _PAD, middle, text)
                break
        if self.hasFocus():
            painter.fillRect(0, top, 2, height, colors.accent)

    def _dress(self) -> None:
        self._colors = self._theme.colors.faded() if self._stale else self._theme.colors
        self._painted.clear()
        self._touch()

    def _fade_out(self, stale: bool) -> None:
        if stale != self._stale:
            self._stale = stale
            self._dress()

    # -- input

    def row_at(self, at: QPoint) -> tuple[float, bool] | None:
        """Price of the row at a position, and whether it is a bid."""
        for place in self._places():
            if place.row is not None and place.holds(at.y()):
                return place.row.price, place.is_bid
        return None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(event.position().toPoint())

    def leaveEvent(self, event: QEvent) -> None:
        self._point(None)

    def _point(self, at: QPoint | None) -> None:
        self._hover = at
        row = self.row_at(at) if at is not None else None
        self.setCursor(Qt.CursorShape.PointingHandCursor if row is not None else Qt.CursorShape.ArrowCursor)
        self.price_hovered.emit(row[0] if row is not None else None)
        self._touch()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        row = self.row_at(event.position().toPoint())
        if row is not None:
            self._choose(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Up | Qt.Key.Key_Down:
                self._select_next(-1 if event.key() == Qt.Key.Key_Up else 1)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if self._selected is not None:
                self._choose(self._selected)
            case Qt.Key.Key_Escape if self._selected is not None:
                self._selected = None
                self._touch()
            case _:
                super().keyPressEvent(event)

    def _select_next(self, step: int) -> None:
        """Move the selection, which stays with its price when the book moves under it."""
        rows = [(row.price, False) for row in reversed(self._rows.asks)] + [
            (row.price, True) for row in self._rows.bids
        ]
        if not rows:
            return
        if self._selected in rows:
            index = rows.index(self._selected) + step
        else:
            index = len(self._rows.asks) - (1 if step < 0 else 0)
        self._selected = rows[max(0, min(len(rows) - 1, index))]
        self._touch()

    def _choose(self, row: tuple[float, bool]) -> None:
        price, is_bid = row
        self.price_clicked.emit(price, "bid" if is_bid else "ask")

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._explain(event)
            return True
        return super().event(event)

    def _explain(self, event: QHelpEvent) -> None:
        """Own quantity in the row under the pointer."""
        for place in self._places():
            if place.row is not None and place.row.own and place.holds(event.pos().y()):
                own = format_quantity(place.row.own, self._quantity_precision)
                QToolTip.showText(event.globalPos(), f"Own orders here: {own}", self)
                return
        QToolTip.hideText()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._touch()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._touch()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._painted.clear()
        self._changed = self._touched = True


def _paint_arrow(painter: QPainter, at: QPointF, up: bool, colour: QColor) -> None:
    """A small triangle with its middle at `at`."""
    tip = -4 if up else 4
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([at + QPointF(0, tip), at + QPointF(-4.5, -tip), at + QPointF(4.5, -tip)]))
    painter.restore()


def _paint_mark(painter: QPainter, at: QPointF, colour: QColor) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([at + QPointF(0, -4), at + QPointF(6, 0), at + QPointF(0, 4)]))
    painter.restore()
