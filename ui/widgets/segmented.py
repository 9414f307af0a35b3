"""A row of choices of which one is on: timeframes, Buy | Sell. One stop in the tab order, arrows within."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from ui.theme import fonts
from ui.theme.text import TextCache
from ui.theme.theme import Theme


@dataclass(frozen=True, slots=True)
class Segment:
    """A choice: what it stands for, its label, how it is tinted when on, and its tooltip (with its key)."""

    value: str
    label: str
    tone: str = "accent"  # or "buy", "sell"
    tooltip: str = ""


class Segmented(QWidget):
    """A segmented control. `stretch` makes the segments share all the width."""

    changed = Signal(str)
    """The value chosen by the trader, or by `choose`."""

    def __init__(
        self,
        theme: Theme,
        segments: Sequence[Segment],
        parent: QWidget | None = None,
        *,
        stretch: bool = False,
        height: int = 24,
        name: str = "",
    ) -> None:
        super().__init__(parent)
        if not segments:
            raise ValueError("a segmented control needs at least one segment")
        self._theme = theme
        self._segments = tuple(segments)
        self._index = 0
        self._hover = -1
        self._stretch, self._row = stretch, height
        self._plain = TextCache(fonts.words(fonts.BASE))
        self._bold = TextCache(fonts.words(fonts.BASE, bold=True))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        policy = QSizePolicy.Policy.Expanding if stretch else QSizePolicy.Policy.Fixed
        self.setSizePolicy(policy, QSizePolicy.Policy.Fixed)
        self._name = name or "Choice"
        self._describe()
        theme.changed.connect(self.update)

    @property
    def value(self) -> str:
        return self._segments[self._index].value

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(segment.value for segment in self._segments)

    def set_value(self, value: str) -> None:
        """Switch without a signal, to follow what happened elsewhere. Raises `ValueError` for another value."""
        if value not in self.values:
            raise ValueError(f"no segment {value!r} among {', '.join(self.values)}")
        self._index = self.values.index(value)
        self._describe()
        self.update()

    def choose(self, value: str) -> None:
        """Switch as the trader would: `changed` tells it, unless it is on already."""
        if value != self.value:
            self.set_value(value)
            self.changed.emit(value)

    def sizeHint(self) -> QSize:
        return QSize(sum(self._widths()), self._row)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = self._theme.colors
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.bg1)
        painter.drawRoundedRect(self.rect(), 4, 4)
        for index, (segment, box) in enumerate(zip(self._segments, self._boxes(), strict=True)):
            on = index == self._index
            text = colors.text_mid
            if on:
                fill, text = self._tint(segment)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(fill)
                painter.drawRoundedRect(QRectF(box).adjusted(1, 1, -1, -1), 3, 3)
            elif index == self._hover:
                text = colors.text_hi
            painter.setPen(text if self.isEnabled() else colors.text_lo)
            cache = self._bold if on else self._plain
            cache.center(painter, box.left() + box.width() / 2, box.top() + box.height() / 2, segment.label)
        if self.hasFocus():
            painter.setPen(QPen(colors.accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Left | Qt.Key.Key_Up:
                self._step(-1)
            case Qt.Key.Key_Right | Qt.Key.Key_Down:
                self._step(1)
            case Qt.Key.Key_Home:
                self.choose(self.values[0])
            case Qt.Key.Key_End:
                self.choose(self.values[-1])
            case Qt.Key.Key_Space:
                self.choose(self.values[(self._index + 1) % len(self._segments)])
            case _:
                super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.choose(self.values[index])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self._at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        self._point(-1)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self._at(event.pos())
            if index >= 0 and self._segments[index].tooltip:
                QToolTip.showText(event.globalPos(), self._segments[index].tooltip, self)
                return True
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def _step(self, by: int) -> None:
        self.choose(self.values[max(0, min(len(self._segments) - 1, self._index + by))])

    def _point(self, index: int) -> None:
        if index != self._hover:
            self._hover = index
            self.update()

    def _tint(self, segment: Segment) -> tuple[QColor, QColor]:
        colors = self._theme.colors
        match segment.tone:
            case "buy":
                return colors.up, colors.on_up
            case "sell":
                return colors.down, colors.on_down
            case _:
                return colors.select, colors.text_hi

    def _widths(self) -> list[int]:
        return [max(28, round(self._bold.width(segment.label)) + 16) for segment in self._segments]

    def _boxes(self) -> list[QRect]:
        widths = self._widths()
        if self._stretch:
            share, rest = divmod(self.width(), len(widths))
            widths = [share + (index < rest) for index in range(len(widths))]
        boxes, left = [], 0
        for width in widths:
            boxes.append(QRect(left, 0, width, self.height()))
            left += width
        return boxes

    def _at(self, at: QPoint) -> int:
        return next((index for index, box in enumerate(self._boxes()) if box.contains(at)), -1)

    def _describe(self) -> None:
        self.setAccessibleName(f"{self._name}: {self._segments[self._index].label}")
