"""A furnished window over a scripted node, shown and settled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

sys.path.insert(0, str(Path(__file__).parent))  # importmode=importlib leaves test folders off the path

from scripted_day import scripted_session
from scripted_node import ScriptedNode

from ui.app import open_window
from ui.main_window import MainWindow
from ui.options import Options
from ui.preferences import DEFAULTS, Preferences
from ui.theme.theme import Theme

OpenWindow = Callable[..., MainWindow]


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    theme = Theme()
    theme.apply(qapp, "dark")
    return theme


@pytest.fixture
def open_terminal(qtbot: QtBot, theme: Theme) -> Iterator[OpenWindow]:
    """Opens windows and closes them, in good order or bad."""
    windows: list[MainWindow] = []

    def open_it(
        node: ScriptedNode,
        size: tuple[int, int] | None = (1600, 1000),
        safe_mode: bool = False,
        preferences: Preferences = DEFAULTS,
        settled: bool = True,
    ) -> MainWindow:
        options = Options(
            node.profile,
            size=size,
            safe_mode=safe_mode,
            local_time=preferences.local_time,
            watchlist=preferences.watchlist,
            instrument=preferences.instrument,
        )
        window = open_window(node, theme, options, since_ns=node.now_ns)
        windows.append(window)
        window.frames.stop()  # the test turns the frames, so that nothing depends on the clock
        node.start()
        with qtbot.waitExposed(window):
            window.show()
        window.activateWindow()
        qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
        if settled:
            settle(window)
        return window

    yield open_it
    for window in windows:
        window.frames.stop()
        window.may_close = True
        window.close()
        window.deleteLater()
    QApplication.processEvents()


@pytest.fixture
def node() -> ScriptedNode:
    return scripted_session()


@pytest.fixture
def window(open_terminal: OpenWindow, node: ScriptedNode) -> MainWindow:
    return open_terminal(node)


def settle(window: MainWindow) -> None:
    """Answers of the node arrive, a frame is folded, and what changed is painted; all slow panes, too."""
    for _ in range(3):
        QApplication.processEvents()
        window.frames._slow_due = 0.0
        window.frames.turn()
    QApplication.processEvents()
