"""The row above everything: menus, search, kill switch, trading level and mode."""

from __future__ import annotations

from PySide6 import QtCore
from PySide6.QtWidgets import QHBoxLayout, QMenuBar, QPushButton, QVBoxLayout, QWidget

from octopus_desktop.model.profile import Mode
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.theme.icons import icon
from ui.theme.theme import Theme
from ui.widgets.level_badge import LevelBadge
from ui.widgets.mode_frame import ModeBadge


class TopRow(QWidget):
    """Always there, so that nobody has to look for the kill switch. The instrument bar goes into `column`."""

    slow = False

    def __init__(self, theme: Theme, mode: Mode) -> None:
        super().__init__()
        self._theme = theme
        self.missed = True
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        row = QHBoxLayout()
        row.setContentsMargins(4, 0, 8, 0)
        row.setSpacing(8)
        self.menu_bar = QMenuBar()
        self.menu_bar.setNativeMenuBar(False)
        self.menu_bar.setStyleSheet("border: none")
        self.menu_bar.setAccessibleName("Menu")
        self.search = QPushButton("Find anything  Ctrl+K")
        self.search.setProperty("role", "flat")
        self.search.setStyleSheet("min-height: 18px; max-height: 18px")
        self.search.setToolTip("Every action and instrument (Ctrl+K)")
        self.search.setAccessibleName("Find any action or instrument")
        self.search.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        self.kill = QPushButton("Kill switch")
        self.kill.setProperty("role", "alarm")
        self.kill.setStyleSheet("min-height: 16px; max-height: 16px; padding: 0 8px")
        self.kill.setToolTip("Stop all algos, cancel every order and halt, at once (Ctrl+Shift+K)")
        self.kill.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)  # Tab and Enter must not get there by chance
        self.level = LevelBadge(theme)
        row.addWidget(self.menu_bar, 1)
        row.addWidget(self.search)
        row.addWidget(self.kill)
        row.addWidget(self.level)
        row.addWidget(ModeBadge(theme, mode.value))
        self.column.addLayout(row)
        theme.changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        self.search.setIcon(icon("search", self._theme.tokens, 14))

    def is_seen(self) -> bool:
        return self.isVisible()

    def refresh(self, state: State, dirty: Dirty) -> None:
        if dirty.everything or dirty.system:
            self.level.set_level(state.level.level, state.level.reason)

    def each_second(self, state: State, now_ns: int) -> None:
        """Nothing here ages."""
