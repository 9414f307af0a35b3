"""The row above everything: menus, search, kill switch, trading level and mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6 import QtCore
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenuBar, QPushButton, QVBoxLayout, QWidget

from octopus_desktop.model.profile import Mode
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.theme.icons import icon
from ui.theme.theme import Theme
from ui.widgets.level_badge import LevelBadge
from ui.widgets.mode_frame import ModeBadge

if TYPE_CHECKING:
    from octopus_desktop.actions.registry import ActionRegistry
    from ui.toolbar import Toolbar


class TopRow(QWidget):
    """Always there, so that nobody has to look for the kill switch. The instrument bar goes into `column`."""

    slow = False

    def __init__(self, theme: Theme, mode: Mode) -> None:
        super().__init__()
        self._theme = theme
        self.missed = True
        self.toolbar: Toolbar | None = None
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        self._row = row = QHBoxLayout()
        row.setContentsMargins(4, 0, 8, 0)
        row.setSpacing(8)
        self.menu_bar = QMenuBar()
        self.menu_bar.setNativeMenuBar(False)
        self.menu_bar.setStyleSheet("border: none")
        self.menu_bar.setAccessibleName("Menu")
        self.search = QPushButton()
        self.search.setProperty("role", "flat")
        self.search.setStyleSheet("min-height: 18px; max-height: 18px")
        self.search.setAccessibleName("Find any action or instrument")
        self.search.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        self.kill = QPushButton()
        self.kill.setProperty("role", "alarm")
        self.kill.setStyleSheet("min-height: 16px; max-height: 16px; padding: 0 8px")
        self.kill.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)  # Tab and Enter must not get there by chance
        self.level = LevelBadge(theme)
        self._widgets = (self.menu_bar, self.search, self.kill, self.level, ModeBadge(theme, mode.value))
        for widget in self._widgets:
            row.addWidget(widget, 1 if widget is self.menu_bar else 0)
        self.search.hide()  # until they have their words
        self.kill.hide()
        self.column.addLayout(row)
        theme.changed.connect(self._dress)
        self._dress()

    def fill(self, registry: ActionRegistry, run: Callable[[str], None]) -> None:
        """Give the buttons their actions: words, keys and what they do are the registry's."""
        from octopus_desktop.actions.keys import show_keys  # after the first paint, as the registry
        from ui.toolbar import Toolbar, tip_of

        find, kill = registry["palette.open"], registry["kill.pull"]
        self.search.setText(f"Find anything  {show_keys(find.keys[0])}")
        self.search.setToolTip(tip_of(find))
        self.kill.setText(kill.title)
        self.kill.setToolTip(tip_of(kill))
        for button, action in ((self.search, find), (self.kill, kill)):
            button.clicked.connect(lambda checked=False, action_id=action.id: run(action_id))
            button.show()
        self.toolbar = Toolbar(registry, run)
        self._row.insertWidget(1, self.toolbar)
        self._make_room()

    def _make_room(self) -> None:
        """Where the window is too narrow for all, the toolbar goes: its actions have their keys, and their menus."""
        if self.toolbar is not None:
            needed = self._row.spacing() * len(self._widgets)
            needed += sum(widget.sizeHint().width() for widget in (*self._widgets, self.toolbar))
            self.toolbar.setVisible(self.width() >= needed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _dress(self) -> None:
        self.search.setIcon(icon("search", self._theme.tokens, 14))

    def is_seen(self) -> bool:
        return self.isVisible()

    def refresh(self, state: State, dirty: Dirty) -> None:
        if dirty.everything or dirty.system:
            self.level.set_level(state.level.level, state.level.reason)

    def each_second(self, state: State, now_ns: int) -> None:
        """Nothing here ages."""
