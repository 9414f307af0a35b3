"""The cheat sheet: every action that has a key, and what the keys do within a pane, on one page."""

from __future__ import annotations

from typing import Final, NamedTuple

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from octopus_desktop.actions.context import Context
from octopus_desktop.actions.keys import show_keys
from octopus_desktop.actions.registry import ActionRegistry, Menu
from ui.models.cells import fitted
from ui.overlay_page import OverlayPage
from ui.theme import fonts
from ui.theme.text import TextCache
from ui.theme.theme import Theme

_ROW = 20
_HEAD = 28
_COLUMN = 370


class Row(NamedTuple):
    title: str
    keys: tuple[str, ...]


_WITHIN: Final = {
    Context.CHART.value: (
        Row("Move through time (Ctrl: by a screen)", ("Left", "Right")),
        Row("Stretch or press the prices", ("Up", "Down")),
        Row("Zoom", ("+", "-")),
        Row("Walk along the candles", ("Shift+Left", "Shift+Right")),
        Row("First or newest candle", ("Home", "End")),
    ),
    Context.BOOK.value: (
        Row("Choose a price", ("Up", "Down")),
        Row("The chosen price into the ticket", ("Return",)),
        Row("Choose none", ("Esc",)),
    ),
    "In the tape": (
        Row("Back or on by a trade", ("Down", "Up")),
        Row("Back or on by a page", ("PgDown", "PgUp")),
        Row("Newest or oldest trade", ("Home", "End")),
    ),
    Context.TABLE.value: (
        Row("Choose a row (Shift: several)", ("Up", "Down")),
        Row("By a page", ("PgDown", "PgUp")),
    ),
}
"""Keys that a pane answers itself: they move in what it shows, and are no actions."""


def sections(registry: ActionRegistry) -> list[tuple[str, list[Row]]]:
    """Actions with keys: those of the whole window by their menu, the others by where their keys count, beside what
    the pane does with its own."""
    found: dict[str, list[Row]] = {}
    for menu in Menu:
        for action in registry:
            if action.menu is menu and action.context is Context.WINDOW and action.keys:
                found.setdefault(menu.value or "More", []).append(Row(action.title, action.keys))
    for context in Context:
        for action in registry:
            if action.context is context is not Context.WINDOW and action.keys:
                found.setdefault(context.value, []).append(Row(action.title, action.keys))
    for place, rows in _WITHIN.items():
        found.setdefault(place, []).extend(rows)
    return list(found.items())


class _Sheet(QWidget):
    """Paints the sections in as many columns as fit."""

    def __init__(self, theme: Theme, registry: ActionRegistry) -> None:
        super().__init__()
        self._theme = theme
        self._sections = sections(registry)
        self._head = TextCache(fonts.words(fonts.BASE, bold=True))
        self._words = TextCache(fonts.words(fonts.TABLE))
        self._keys = TextCache(fonts.numbers(fonts.TABLE))
        self._columns = 3
        self.setAccessibleName("Keys")
        self.setAccessibleDescription(
            ". ".join(
                f"{row.title}: {' or '.join(map(show_keys, row.keys[:2]))}"
                for _, rows in self._sections
                for row in rows
            )
        )

    def fit(self, width: int) -> None:
        self._columns = max(1, width // _COLUMN)
        self.setFixedHeight(max(sum(heights) for heights in self._split_heights()) + 16)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(3 * _COLUMN, 600)

    def _split(self) -> list[list[tuple[str, list[Row]]]]:
        """Sections in their order, filling columns of about the same height."""
        heights = [_HEAD + _ROW * len(rows) for _, rows in self._sections]
        goal = sum(heights) / self._columns
        columns: list[list[tuple[str, list[Row]]]] = [[]]
        used = 0.0
        for section, height in zip(self._sections, heights, strict=True):
            if columns[-1] and used + height / 2 > goal and len(columns) < self._columns:
                columns.append([])
                used = 0.0
            columns[-1].append(section)
            used += height
        return columns

    def _split_heights(self) -> list[list[int]]:
        return [[_HEAD + _ROW * len(rows) for _, rows in column] for column in self._split()]

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = self._theme.colors
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = self.width() / self._columns
        for number, column in enumerate(self._split()):
            left, top = number * width + 10, 4.0
            for title, rows in column:
                painter.setPen(colors.accent)
                self._head.left(painter, left, top + _HEAD / 2, title)
                top += _HEAD
                for row in rows:
                    self._paint_row(painter, left, top, width - 24, row)
                    top += _ROW
        painter.end()

    def _paint_row(self, painter: QPainter, left: float, top: float, width: float, row: Row) -> None:
        colors = self._theme.colors
        right, middle = left + width, top + _ROW / 2
        for keys in reversed(row.keys[:2]):
            text = show_keys(keys)
            cap = QRectF(right - self._keys.width(text) - 10, top + 1.5, self._keys.width(text) + 10, _ROW - 3)
            painter.setPen(colors.line)
            painter.setBrush(colors.bg2)
            painter.drawRoundedRect(cap, 3, 3)
            painter.setPen(colors.text_hi)
            self._keys.center(painter, cap.center().x(), middle, text)
            right = cap.left() - 5
        painter.setPen(colors.text_mid)
        room = right - left - 6
        title = row.title if self._words.width(row.title) <= room else fitted(self._words, row.title, room)
        self._words.left(painter, left, middle, title)


class CheatSheet(OverlayPage):
    def __init__(self, theme: Theme, window: QWidget, registry: ActionRegistry) -> None:
        super().__init__(theme, window, "Keys")
        self.sheet = _Sheet(theme, registry)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setStyleSheet("background: transparent")
        self.area.setWidget(self.sheet)
        self.column.addWidget(self.area)

    def place_box(self) -> None:
        width = min(3 * _COLUMN + 30, self.width() - 40)
        self.sheet.fit(width - 30)
        height = min(self.sheet.height() + 20, self.height() - 60)
        self.box.setGeometry((self.width() - width) // 2, (self.height() - height) // 2, width, height)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.area.verticalScrollBar()
        match event.key():
            case Qt.Key.Key_Down | Qt.Key.Key_Up:
                bar.setValue(bar.value() + (_ROW if event.key() == Qt.Key.Key_Down else -_ROW))
            case Qt.Key.Key_PageDown | Qt.Key.Key_PageUp:
                bar.setValue(bar.value() + (bar.pageStep() if event.key() == Qt.Key.Key_PageDown else -bar.pageStep()))
            case Qt.Key.Key_F1 | Qt.Key.Key_Question:
                self.close_page()
            case _:
                super().keyPressEvent(event)
