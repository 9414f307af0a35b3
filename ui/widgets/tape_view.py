"""Time and sales: prints as they come, newest on top, painted by scrolling what is already there."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from ui.theme import fonts
from ui.theme.numbers import format_price, format_quantity
from ui.theme.text import TextCache
from ui.theme.theme import Theme
from ui.widgets.state_overlay import StateOverlay

ROW = 20
LEAST_WIDTH = 208  # price, quantity, and the time to the second
_HEADER = 20
_PAD = 8
_BIG = 6.0  # times the running mean quantity makes a big print
_MEMORY = 0.02  # weight of one print in that mean


class Print(NamedTuple):
    """One public trade. `is_buy` is the side of the aggressor, `ts_ns` UTC nanoseconds."""

    ts_ns: int
    price: float
    quantity: float
    is_buy: bool
    big: bool


class TapeView(QWidget):
    """A painted tape that keeps the newest `capacity` prints. Scrolled back it stands still and says so."""

    price_clicked = Signal(float)
    paused_changed = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, capacity: int = 2000) -> None:
        super().__init__(parent)
        self._theme = theme
        self._colors = theme.colors
        self._numbers = TextCache(fonts.numbers(fonts.TABLE))
        self._bold = TextCache(fonts.numbers(fonts.TABLE, bold=True))
        self._words = TextCache(fonts.words(fonts.TABLE))
        self._prints: deque[Print] = deque(maxlen=max(1000, capacity))  # newest first
        self._precisions = 2, 4
        self._zone: tzinfo = UTC
        self._time_digits = 12
        self._mean = 0.0
        self._scroll = 0  # rows scrolled back
        self._unseen = 0  # prints since scrolling back
        self._fresh = 0  # newest prints that are not in the picture yet
        self._whole = True
        self._picture = QPixmap()
        self._stale = False
        self._overlay = StateOverlay(theme, self, chip_in=self._below)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(LEAST_WIDTH, _HEADER + 3 * ROW)
        self.setAccessibleName("Time and sales")
        theme.changed.connect(self._dress)

    def sizeHint(self) -> QSize:
        return QSize(260, 240)

    @property
    def state_overlay(self) -> StateOverlay:
        return self._overlay

    @property
    def prints(self) -> list[Print]:
        """What is kept, newest first."""
        return list(self._prints)

    @property
    def paused(self) -> bool:
        return self._scroll > 0

    # -- data

    def set_precision(self, price: int, quantity: int) -> None:
        self._precisions = price, quantity
        self._repaint()

    def set_timezone(self, zone: tzinfo) -> None:
        self._zone = zone
        self._repaint()

    def append(self, trades: Iterable[tuple[int, float, float, bool]]) -> None:
        """Add prints, oldest first: (`ts_ns`, price, quantity, aggressor bought)."""
        before = len(self._prints)
        added = 0
        for ts_ns, price, quantity, is_buy in trades:
            big = len(self._prints) >= 20 and quantity > _BIG * self._mean
            self._mean += (quantity - self._mean) * (_MEMORY if self._prints else 1.0)
            self._prints.appendleft(Print(ts_ns, price, quantity, is_buy, big))
            added += 1
        if not added:
            return
        if self._overlay.state in ("empty", "loading", "stale"):
            self.set_stale(None)
            self._overlay.show_state("live")
        if self._scroll:
            self._scroll = min(self._scroll + added, self._last_scroll())
            self._unseen += added
            # Standing still costs nothing but the count in the chip, until what is seen falls off the end.
            self._whole = self._whole or before + added > len(self._prints)
            self.update(self._chip())
        else:
            self._fresh += added
            self.update()

    def precede(self, trades: Sequence[tuple[int, float, float, bool]]) -> None:
        """Put prints, oldest first, under those there are, as far as there is room: none of them is called big."""
        if not self._prints:
            self.append(trades)
            return
        room = (self._prints.maxlen or 0) - len(self._prints)
        newest_first = reversed(trades[max(0, len(trades) - room) :])
        self._prints.extend(Print(*trade, False) for trade in newest_first)
        self._repaint()

    def clear(self) -> None:
        """Forget all prints, as when the instrument changes."""
        self._prints.clear()
        self._mean = 0.0
        self._scroll = self._unseen = 0
        self._repaint()

    def set_stale(self, age_s: float | None) -> None:
        """Show the tape grey with its age; None when it is fresh again."""
        if (age_s is not None) != self._stale:
            self._stale = age_s is not None
            self._scroll_to(self._scroll)  # the end of the tape is elsewhere now
            self._dress()
        if age_s is not None:
            self._overlay.show_state("stale", age_s=age_s)
        elif self._overlay.state == "stale":
            self._overlay.show_state("live")

    def set_empty(self, text: str, hint: str = "") -> None:
        self.clear()
        self._overlay.show_state("empty", text, hint, blank=True)

    def resume(self) -> None:
        """Back to the newest print."""
        self._scroll_to(0)

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        dpr = self.devicePixelRatioF()
        shown = self._shown()
        size = QSize(math.ceil(self.width() * dpr), math.ceil(shown * ROW * dpr))
        if self._picture.size() != size or self._picture.devicePixelRatio() != dpr:
            self._picture = QPixmap(size)
            self._picture.setDevicePixelRatio(dpr)
            self._whole = True
        step = ROW * dpr
        if self._whole or self._fresh >= shown or step != int(step):
            self._paint_rows(0, shown)
        elif self._fresh:
            self._picture.scroll(0, int(step) * self._fresh, self._picture.rect())
            self._paint_rows(0, self._fresh)
        self._whole, self._fresh = False, 0
        painter = QPainter(self)
        painter.fillRect(self._below(), self._colors.bg0)
        painter.drawPixmap(0, _HEADER, self._picture)
        self._paint_header(painter)
        if self._scroll:
            self._paint_chip(painter)
        painter.end()

    def _paint_rows(self, first: int, last: int) -> None:
        painter = QPainter(self._picture)
        painter.fillRect(0, first * ROW, self.width(), (last - first) * ROW, self._colors.bg0)
        price_digits, quantity_digits = self._precisions
        time_edge, price_edge, quantity_edge = self._columns()
        for number in range(first, last):
            place = self._scroll + number
            if place >= len(self._prints):
                break
            trade = self._prints[place]
            top = number * ROW
            middle = top + ROW / 2
            if trade.big:
                tint = self._colors.up_faint if trade.is_buy else self._colors.down_faint
                painter.fillRect(0, top, self.width(), ROW, tint)
                painter.fillRect(0, top, 2, ROW, self._colors.side(trade.is_buy))
            numbers = self._bold if trade.big else self._numbers
            painter.setPen(self._colors.text_lo)
            if time_edge:
                self._numbers.left(painter, _PAD, middle, self._time(trade.ts_ns))
            painter.setPen(self._colors.side(trade.is_buy))
            numbers.right(painter, price_edge, middle, format_price(trade.price, price_digits))
            painter.setPen(self._colors.text_hi)
            numbers.right(painter, quantity_edge, middle, format_quantity(trade.quantity, quantity_digits))
        painter.end()

    def _columns(self) -> tuple[int, int, int]:
        """Width of the time (0 when there is no room for it), right edges of price and quantity.

        A narrow tape drops the milliseconds first.
        """
        width, advance = self.width(), self._numbers.advance
        newest = self._prints[0].price if self._prints else 0.0
        price = round(len(format_price(newest, self._precisions[0])) * advance)
        quantity = round((self._precisions[1] + 4) * advance)
        for self._time_digits in (12, 8):
            moment = _PAD + round(self._time_digits * advance)
            if moment + price + quantity + 3 * _PAD <= width:
                break
        else:
            return 0, _PAD + price, width - _PAD
        # The price stands in the middle of what time and quantity leave.
        free = width - _PAD - moment - price - quantity
        return moment, moment + price + free // 2, width - _PAD

    def _time(self, ts_ns: int) -> str:
        seconds, rest = divmod(ts_ns, 1_000_000_000)
        moment = datetime.fromtimestamp(seconds, self._zone)
        text = f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}.{rest // 1_000_000:03d}"
        return text[: self._time_digits]

    def _paint_header(self, painter: QPainter) -> None:
        painter.fillRect(0, 0, self.width(), _HEADER, self._colors.bg0)
        painter.setPen(self._colors.accent if self.hasFocus() else self._colors.text_lo)
        moment, price, quantity = self._columns()
        if moment:
            self._words.left(painter, _PAD, _HEADER / 2, "Time")
        self._words.right(painter, price, _HEADER / 2, "Price")
        self._words.right(painter, quantity, _HEADER / 2, "Quantity")

    def _chip(self) -> QRect:
        text = self._chip_text()
        width = round(self._words.width(text)) + 20
        return QRect((self.width() - width) // 2, _HEADER + 4, width, 20)

    def _chip_text(self) -> str:
        return f"Paused · {self._unseen:,} newer · Home" if self._unseen else "Paused · Home for the newest"

    def _paint_chip(self, painter: QPainter) -> None:
        box = self._chip()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colors.accent)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(self._colors.on_accent)
        self._words.center(painter, box.left() + box.width() / 2, box.top() + box.height() / 2, self._chip_text())

    def _dress(self) -> None:
        self._colors = self._theme.colors.faded() if self._stale else self._theme.colors
        self._repaint()

    def _repaint(self) -> None:
        self._whole = True
        self.update()

    # -- input

    def _shown(self) -> int:
        """Rows that fit whole. A stale tape leaves the last one out: its age stands there and covers no print."""
        return max(1, (self.height() - _HEADER) // ROW - self._stale)

    def _below(self) -> QRect:
        """What the rows leave."""
        top = _HEADER + self._shown() * ROW
        return QRect(0, top, self.width(), self.height() - top)

    def _last_scroll(self) -> int:
        return max(0, len(self._prints) - self._shown())

    def _scroll_to(self, rows: int) -> None:
        rows = max(0, min(self._last_scroll(), rows))
        if rows == self._scroll:
            return
        was, self._scroll = self.paused, rows
        if not rows:
            self._unseen = 0
        if was != self.paused:
            self.paused_changed.emit(self.paused)
        self._repaint()

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120 if event.angleDelta().y() else event.pixelDelta().y() / 40
        self._scroll_to(self._scroll - round(notches * 3))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = max(1, self._shown() - 1)
        match event.key():
            case Qt.Key.Key_Down:
                self._scroll_to(self._scroll + 1)
            case Qt.Key.Key_Up:
                self._scroll_to(self._scroll - 1)
            case Qt.Key.Key_PageDown:
                self._scroll_to(self._scroll + page)
            case Qt.Key.Key_PageUp:
                self._scroll_to(self._scroll - page)
            case Qt.Key.Key_Home:
                self.resume()
            case Qt.Key.Key_Escape if self._scroll:
                self.resume()
            case Qt.Key.Key_End:
                self._scroll_to(self._last_scroll())
            case _:
                super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        if self._scroll and self._chip().contains(at):
            self.resume()
            return
        row = (at.y() - _HEADER) // ROW
        inside = 0 <= row < self._shown() and self._scroll + row < len(self._prints)
        if event.button() == Qt.MouseButton.LeftButton and inside:
            self.price_clicked.emit(self._prints[self._scroll + row].price)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._whole = True
