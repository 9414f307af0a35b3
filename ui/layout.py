"""Where the docks are: the default workspace, and the trader's own, kept from one session to the next."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import msgspec
from PySide6 import QtCore
from PySide6.QtCore import QByteArray, QObject, QTimer
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget

from octopus_desktop.actions.layout import PANES

if TYPE_CHECKING:
    from ui.docks import PaneDock
    from ui.session import Session

logger = logging.getLogger(__name__)

LAYOUT_SETTING: Final = "window.layout"
_STATE_VERSION: Final = 0
"""Of Qt's format of a layout, not of the program: it never changes, or a layout would be lost with an upgrade."""
_CASCADE: Final = 24
_BELOW: Final = ("positions", "open_orders", "algos", "order_history", "fills", "balances", "log")
_FIRST_PANES: Final = tuple(pane_id for pane_id, _ in PANES if pane_id != "algos")
"""Those of a layout that doesn't say which panes it knew."""


class Layout(QObject):
    """Places the docks of one window. Safe mode starts with the default workspace and keeps nothing."""

    def __init__(self, window: QMainWindow, docks: dict[str, PaneDock], session: Session, *, safe_mode: bool) -> None:
        super().__init__(window)
        self._window, self._docks, self._session, self._safe_mode = window, docks, session, safe_mode
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(500)
        self._timer.timeout.connect(self.keep)

    def watch(self) -> None:
        """From now on what the trader moves is kept, a moment later."""
        for dock in self._docks.values():
            dock.arranged.connect(self._timer.start)
            dock.topLevelChanged.connect(lambda _: self._timer.start())
            dock.dockLocationChanged.connect(lambda _: self._timer.start())
            dock.visibilityChanged.connect(lambda _: self._timer.start())

    def reset(self) -> None:
        self.place()
        self._timer.start()

    def place(self) -> None:
        """The default workspace."""
        window, docks = self._window, self._docks
        window.setTabPosition(QtCore.Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        top, bottom = QtCore.Qt.DockWidgetArea.TopDockWidgetArea, QtCore.Qt.DockWidgetArea.BottomDockWidgetArea
        side, down = QtCore.Qt.Orientation.Horizontal, QtCore.Qt.Orientation.Vertical
        for dock in docks.values():
            dock.setFloating(False)
            dock.show()
        window.addDockWidget(top, docks["watchlist"])
        window.splitDockWidget(docks["watchlist"], docks["chart"], side)
        window.splitDockWidget(docks["chart"], docks["book"], side)
        window.splitDockWidget(docks["book"], docks["ticket"], side)
        window.splitDockWidget(docks["book"], docks["tape"], down)
        window.addDockWidget(bottom, docks[_BELOW[0]])
        for pane_id in _BELOW[1:]:
            window.tabifyDockWidget(docks[_BELOW[0]], docks[pane_id])
        docks[_BELOW[0]].raise_()
        self._size()

    def _size(self) -> None:
        window, docks, width, height = self._window, self._docks, self._window.width(), self._window.height()
        roomy = width >= 1500
        widths = {"watchlist": 356 if roomy else 256, "book": 290 if roomy else 240, "ticket": 272 if roomy else 256}
        widths["chart"] = max(300, width - sum(widths.values()) - 20)
        across: list[QDockWidget] = [docks[pane_id] for pane_id in widths]
        window.resizeDocks(across, list(widths.values()), QtCore.Qt.Orientation.Horizontal)
        low = max(118, min(236, 118 + (height - 720) * 2 // 5))  # a low window keeps the ticket whole
        low += max(0, height - 1000) // 5  # a high one has room for orders, too
        body = height - low - 110
        window.resizeDocks([docks["chart"], docks["positions"]], [body, low], QtCore.Qt.Orientation.Vertical)
        window.resizeDocks(
            [docks["book"], docks["tape"]], [body * 64 // 100, body * 36 // 100], QtCore.Qt.Orientation.Vertical
        )

    def keep(self) -> None:
        """Geometry and docks into the settings."""
        if self._safe_mode:
            return
        window = self._window
        kept = {
            "geometry": window.saveGeometry().toBase64().toStdString(),
            "state": window.saveState(_STATE_VERSION).toBase64().toStdString(),
            "size": [window.width(), window.height()],
            "panes": list(self._docks),
        }
        self._session.save(LAYOUT_SETTING, msgspec.json.encode(kept).decode())

    def restore(self, *, place_window: bool) -> None:
        """What was kept, over the default workspace; `place_window` False leaves the window's own size alone."""
        window = self._window
        text = None if self._safe_mode else self._session.setting(LAYOUT_SETTING)
        if text is None:
            return
        try:
            kept = msgspec.json.decode(text)
            geometry, state = (QByteArray.fromBase64(kept[key].encode()) for key in ("geometry", "state"))
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            logger.warning("the kept layout cannot be read; the window starts as at first")
            return
        if place_window:
            window.restoreGeometry(geometry)
        if not window.restoreState(state, _STATE_VERSION):
            logger.warning("the kept layout does not fit; the window starts as at first")
            self.place()
            return
        self._part_groups()
        if kept.get("size") != [window.width(), window.height()]:
            self._size()  # Qt would squeeze the chart, whose share is the largest
        self._seat_new_panes(kept.get("panes", _FIRST_PANES))

    def _part_groups(self) -> None:
        """A layout of earlier may hold several panes in one floating window, which Qt drags at the risk of a crash."""
        count = 0
        for dock in self._docks.values():
            group = dock.window()
            if group is not self._window and group is not dock:
                place = group.geometry()
                self._window.addDockWidget(QtCore.Qt.DockWidgetArea.BottomDockWidgetArea, dock)
                dock.setFloating(True)
                dock.setGeometry(place.translated(count * _CASCADE, count * _CASCADE))
                count += 1

    def _seat_new_panes(self, known: object) -> None:
        """A pane that came with a later version goes behind the tabs below, where the layout doesn't know it."""
        known = known if isinstance(known, list | tuple) else _FIRST_PANES
        for pane_id in _BELOW[1:]:
            if pane_id not in known:
                first = self._docks[_BELOW[0]]
                self._window.tabifyDockWidget(first, self._docks[pane_id])
                self._docks[pane_id].show()
                first.raise_()
