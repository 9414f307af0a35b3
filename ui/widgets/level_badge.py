"""The trading level beside the mode, as a word on its colour, and the menu that changes it."""

from __future__ import annotations

from PySide6 import QtCore
from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QAction, QActionGroup, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from octopus_desktop.model.safety import TradingLevel
from ui.theme import fonts
from ui.theme.text import TextCache
from ui.theme.theme import Theme
from ui.theme.tokens import text_on

MEANING = {
    TradingLevel.ACTIVE: "any order within the limits",
    TradingLevel.REDUCING: "only orders that make a position smaller",
    TradingLevel.HALTED: "only cancels",
}


class LevelBadge(QPushButton):
    """ACTIVE is outlined, the others are filled: what is not as usual catches the eye."""

    chosen = Signal(object)
    """The `TradingLevel` that the trader wants."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = TextCache(fonts.words(fonts.TABLE, bold=True))
        self.level = TradingLevel.ACTIVE
        menu = QMenu(self)
        menu.setAccessibleName("Trading level")
        group = QActionGroup(menu)
        self._items: dict[TradingLevel, QAction] = {}
        for level in TradingLevel:
            item = menu.addAction(f"{level.value}: {MEANING[level]}")
            item.setCheckable(True)
            item.triggered.connect(lambda _=False, level=level: self.chosen.emit(level))
            group.addAction(item)
            self._items[level] = item
        menu.aboutToShow.connect(self._check)
        self.setMenu(menu)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self.setStyleSheet("min-height: 0; max-height: 18px; padding: 0")
        self.setFixedSize(self.sizeHint())
        theme.changed.connect(self.update)
        self.set_level(TradingLevel.ACTIVE, "")

    def set_level(self, level: TradingLevel, reason: str) -> None:
        self.level = level
        self.setAccessibleName(f"Trading level {level.value}")
        why = f" {reason}" if reason else ""
        self.setToolTip(
            f"{level.value}: {MEANING[level]}.{why} Press to change it (Ctrl+Alt+A, Ctrl+Alt+R, Ctrl+Alt+H)"
        )
        self.update()

    def _check(self) -> None:
        self._items[self.level].setChecked(True)

    def sizeHint(self) -> QSize:
        """Of the longest word: the badge doesn't change its width with the level."""
        return QSize(round(max(self._text.width(level.value) for level in TradingLevel)) + 28, 18)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = self._theme.colors
        fill = {TradingLevel.REDUCING: colors.warn, TradingLevel.HALTED: colors.danger}.get(self.level)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = QColor(text_on(fill.name())) if fill is not None else colors.up
        painter.setPen(colors.text_hi if self.hasFocus() else fill if fill is not None else colors.line)
        painter.setBrush(fill if fill is not None else colors.bg1)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setPen(text)
        middle = self.height() / 2
        self._text.center(painter, self.width() / 2 - 6, middle, self.level.value)
        right = self.width() - 12
        painter.drawLine(right, round(middle) - 1, right + 3, round(middle) + 2)
        painter.drawLine(right + 3, round(middle) + 2, right + 6, round(middle) - 1)
        painter.end()
