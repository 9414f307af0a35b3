"""Opens the terminal: a window at once, what is in it a moment later, and an orderly end."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
from PySide6.QtCore import QByteArray, QSize
from PySide6.QtWidgets import QApplication

from ui.layout import LAYOUT_SETTING
from ui.main_window import MainWindow
from ui.options import Options
from ui.qt_messages import logged
from ui.theme.theme import Theme, application
from ui.theme.tokens import THEMES

if TYPE_CHECKING:
    from octopus_desktop.ports import Node
    from ui.dialogs.profile import AddProfile

SWITCH_S: Final = 0.0001
"""After which a thread at work gives the interpreter up: what is imported beside the window must not hold it up."""


def open_window(node: Node, theme: Theme, options: Options, *, since_ns: int | None = None) -> MainWindow:
    """A window over any node, furnished at once and not shown yet. The node is the caller's to start and stop.

    `since_ns`: orders' events before this are history, and raise no toast (None: before now).
    """
    size = QSize(*options.size) if options.size is not None else None
    window = MainWindow(theme, options.profile, safe_mode=options.safe_mode, size=size, preferences=options.preferences)
    for _ in window.furnish(node, since_ns=since_ns):
        pass
    return window


def main(
    options: Options,
    node_factory: Callable[[], Node],
    *,
    setting: Callable[[str], str | None] = lambda key: None,
    add_profile: AddProfile | None = None,
) -> int:
    """Run until the window is closed; the exit code.

    `node_factory` is called on a thread of its own once the window is painted: it may import and open what it needs.
    `setting` answers what an earlier session kept before there is a node (theme, place of the window).
    """
    if options.scale is not None:
        os.environ["QT_SCALE_FACTOR"] = str(options.scale)
    app = application("octopus-desktop")
    with logged():
        return _open(app, options, node_factory, setting, add_profile)


def _open(
    app: QApplication,
    options: Options,
    node_factory: Callable[[], Node],
    setting: Callable[[str], str | None],
    add_profile: AddProfile | None,
) -> int:
    app.setApplicationName("Octopus Desktop")
    app.setDesktopFileName("octopus-desktop")
    app.setQuitOnLastWindowClosed(False)  # the loop ends when everything is written, not when the window is gone
    theme = Theme()
    name, colour_blind = _look(options, setting)
    theme.apply(app, name, colour_blind)
    size = QSize(*options.size) if options.size is not None else None
    window = MainWindow(theme, options.profile, safe_mode=options.safe_mode, size=size, preferences=options.preferences)
    window.colour_blind = colour_blind
    window.add_profile = add_profile
    if size is None and not options.safe_mode:
        _place_early(window, setting(LAYOUT_SETTING))
    window.show()
    app.processEvents()  # painted, before anything else is even imported
    _load(app, "ui.terminal")
    from ui.terminal import run

    return run(app, window, options, node_factory)


def _load(app: QApplication, module: str) -> None:
    """Import what follows the first paint (asyncio, a second event loop) while the window goes on living."""
    sys.setswitchinterval(SWITCH_S)
    loading = threading.Thread(target=importlib.import_module, args=(module,), name="loading")
    loading.start()
    while loading.is_alive():
        app.processEvents()
        loading.join(0.005)


def _look(options: Options, setting: Callable[[str], str | None]) -> tuple[str, bool]:
    kept = setting("theme")
    name = options.theme or (kept if kept in THEMES else None) or "dark"
    blind = options.colour_blind if options.colour_blind is not None else setting("colour_blind") == "yes"
    return name, blind


def _place_early(window: MainWindow, layout: str | None) -> None:
    """The window opens where it was closed, and doesn't jump there later."""
    try:
        geometry = msgspec.json.decode(layout)["geometry"] if layout else None
    except (msgspec.DecodeError, KeyError, TypeError):
        return  # said once, when the whole layout is read
    if isinstance(geometry, str):
        window.restoreGeometry(QByteArray.fromBase64(geometry.encode()))
