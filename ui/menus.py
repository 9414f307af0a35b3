"""The menu bar as a view of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar

from octopus_desktop.actions.keys import show_keys
from octopus_desktop.actions.registry import Action, ActionRegistry, Menu

MENU_TITLES: Mapping[Menu, str] = {
    Menu.FILE: "&File",
    Menu.TRADE: "T&rade",
    Menu.INSTRUMENT: "&Instrument",
    Menu.CHART: "&Chart",
    Menu.VIEW: "&View",
    Menu.HELP: "&Help",
}
"""With the letter that opens each with Alt; a test holds them apart from the registry's keys."""


class Menus:
    """Fills a menu bar once; states of toggles are read when a menu opens."""

    def __init__(
        self,
        registry: ActionRegistry,
        bar: QMenuBar,
        run: Callable[[str], None],
        checked: Callable[[str], bool],
    ) -> None:
        self._run, self._checked = run, checked
        self.actions: dict[str, QAction] = {}
        self._toggles: list[str] = []
        for menu in Menu:
            if menu is Menu.NONE:
                continue
            top = bar.addMenu(MENU_TITLES[menu])
            top.setToolTipsVisible(True)
            top.aboutToShow.connect(self._check)
            self._fill(top, [action for action in registry if action.menu is menu])

    def _fill(self, top: QMenu, actions: list[Action]) -> None:
        submenus: dict[str, QMenu] = {}
        group: str | None = None
        for action in actions:
            if action.submenu:
                menu = submenus.get(action.submenu)
                if menu is None:
                    menu = submenus[action.submenu] = top.addMenu(action.submenu)
                    menu.setToolTipsVisible(True)
                    menu.aboutToShow.connect(self._check)
            else:
                if group is not None and action.group != group:
                    top.addSeparator()
                group, menu = action.group, top
            menu.addAction(self._item(action, top))

    def _item(self, action: Action, parent: QMenu) -> QAction:
        # The text behind the tab stands where Qt puts a shortcut; the key itself is the registry's.
        keys = f"\t{show_keys(action.keys[0])}" if action.keys else ""
        item = QAction(action.title.replace("&", "&&") + keys, parent)
        item.setToolTip(action.doc)
        item.setStatusTip("")
        item.setCheckable(action.toggles)
        item.triggered.connect(lambda checked=False, action_id=action.id: self._run(action_id))
        if action.toggles:
            self._toggles.append(action.id)
        self.actions[action.id] = item
        return item

    def _check(self) -> None:
        for action_id in self._toggles:
            self.actions[action_id].setChecked(self._checked(action_id))
