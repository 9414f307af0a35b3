"""Docks under the mouse: a tab is pulled out of its row, and nothing is dragged in the way that crashes Qt."""

from __future__ import annotations

import json

import pytest
from conftest import OpenWindow, settle
from keyboard import CTRL, press
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QTabBar, QWidget
from pytestqt.qtbot import QtBot
from scripted_day import scripted_session
from scripted_node import ScriptedNode

from ui.layout import LAYOUT_SETTING
from ui.main_window import MainWindow
from ui.panes.table_pane import TablePane

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

LEFT = Qt.MouseButton.LeftButton
GROUPED = (
    "AAAA/wAAAAD9AAAAAgAAAAIAAAY6AAACl/wBAAAABPsAAAAcAHAAYQBuAGUALgB3AGEAdABjAGgAbABpAHMAdAEAAAADAAABtQAA"
    "APwA////+wAAABQAcABhAG4AZQAuAGMAaABhAHIAdAEAAAG8AAADLwAAAKAA/////AAABAYAAAEjAAAAAAD////8AgAAAAH7AAAA"
    "EgBwAGEAbgBlAC4AdABhAHAAZQIAAABkAAAAZAAAASwAAAEs+wAAABYAcABhAG4AZQAuAHQAaQBjAGsAZQB0AQAABO8AAAFOAAAA"
    "9AD///8AAAADAAAGOgAAAO78AQAAAAH8AAAAAwAABjoAAACNAP////oAAAAAAQAAAAf7AAAAHABwAGEAbgBlAC4AcABvAHMAaQB0"
    "AGkAbwBuAHMBAAAAAP////8AAAA+AP////sAAAAgAHAAYQBuAGUALgBvAHAAZQBuAF8AbwByAGQAZQByAHMBAAAAAP////8AAAA+"
    "AP////sAAAAUAHAAYQBuAGUALgBhAGwAZwBvAHMBAAAAAP////8AAAA+AP////sAAAAkAHAAYQBuAGUALgBvAHIAZABlAHIAXwBo"
    "AGkAcwB0AG8AcgB5AQAAAAD/////AAAAPgD////7AAAAFABwAGEAbgBlAC4AZgBpAGwAbABzAQAAAAD/////AAAAPgD////7AAAA"
    "GgBwAGEAbgBlAC4AYgBhAGwAYQBuAGMAZQBzAQAAAAD/////AAAAPgD////7AAAAEABwAGEAbgBlAC4AbABvAGcBAAAAAP////8A"
    "AAA+AP///wAABjoAAAAAAAAABAAAAAQAAAAIAAAACPkAAABkAAAAZAAAAggAAAGP/AEAAAAB/AAAAAEAAAGjAAAA0AD////6AAAA"
    "AAEAAAAC+wAAABIAcABhAG4AZQAuAGIAbwBvAGsFAAAAAP////8AAADQAP////sAAAASAHAAYQBuAGUALgB0AGEAcABlBQAAAAD/"
    "////AAAA0AD////8AAAAAA=="
)
"""Qt's state of the docks, with tape and book as tabs of one floating window."""


def tab_of(window: MainWindow, pane_id: str) -> tuple[QTabBar, QPoint]:
    """The row of tabs that the pane is in, and the middle of its tab."""
    title = window.docks[pane_id].windowTitle()
    for bar in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        for index in range(bar.count()):
            if bar.isVisible() and bar.tabText(index) == title:
                return bar, bar.tabRect(index).center()
    raise AssertionError(f"{title} has no tab")


def drag(window: MainWindow, held: QWidget, at: QPoint, to: QPoint, *, let_go: bool = True) -> None:
    """With the left button, to a point of the screen, in some steps."""
    start = held.mapToGlobal(at)
    QTest.mousePress(held, LEFT, pos=at)
    for step in range(1, 6):
        target = QWidget.mouseGrabber() or held
        QTest.mouseMove(target, target.mapFromGlobal(start + (to - start) * step / 5))
        settle(window)
    if let_go:
        target = QWidget.mouseGrabber() or held
        QTest.mouseRelease(target, LEFT, pos=target.mapFromGlobal(to))
        settle(window)


def test_qt_does_not_drag_docks_in_groups(window: MainWindow) -> None:
    """With it a few dragged tabs end in a segmentation fault, in raise() of a dock or soon after."""
    assert not window.dockOptions() & QMainWindow.DockOption.GroupedDragging


def test_a_tab_is_pulled_out_of_its_row(window: MainWindow, qtbot: QtBot) -> None:
    """Dragged away it is a window under the mouse, with its title bar and its filter; the others stay in the row."""
    bar, at = tab_of(window, "fills")
    to = window.mapToGlobal(QPoint(2 * window.width(), 300))
    drag(window, bar, at, to)
    dock = window.docks["fills"]
    assert dock.isFloating()
    assert QRect(dock.mapToGlobal(QPoint(0, 0)), dock.bar.size()).contains(to)
    qtbot.waitUntil(lambda: not dock.bar.collapsed)
    controls = dock.pane.controls
    assert controls is not None
    qtbot.waitUntil(lambda: controls.parentWidget() is dock.bar)
    assert all(not window.docks[pane_id].isFloating() for pane_id in ("positions", "open_orders", "log"))
    drag(window, dock.bar, QPoint(30, 10), window.docks["chart"].mapToGlobal(window.docks["chart"].rect().center()))
    qtbot.waitUntil(lambda: window.tabifiedDockWidgets(dock) == [window.docks["chart"]])
    assert not dock.isFloating()


def test_a_tab_is_dragged_straight_into_another_place(window: MainWindow, qtbot: QtBot) -> None:
    """Pulled out and dropped over the chart in one go, it shares tabs with the chart."""
    bar, at = tab_of(window, "balances")
    chart = window.docks["chart"]
    drag(window, bar, at, chart.mapToGlobal(chart.rect().center()))
    qtbot.waitUntil(lambda: window.tabifiedDockWidgets(window.docks["balances"]) == [chart])
    qtbot.waitUntil(window.panes["balances"].is_seen)


def test_tabs_change_places_within_their_row(window: MainWindow) -> None:
    """A tab that is moved along its row stays in it."""
    bar, at = tab_of(window, "positions")
    _, there = tab_of(window, "algos")
    drag(window, bar, at, bar.mapToGlobal(QPoint(there.x(), at.y() + 4)))
    assert not window.docks["positions"].isFloating()
    assert tab_of(window, "positions")[1].x() > tab_of(window, "open_orders")[1].x()


def test_a_click_on_a_tab_pulls_nothing_out(window: MainWindow) -> None:
    """Nor does a mouse that moves over the window later, or another button."""
    bar, at = tab_of(window, "fills")
    QTest.mouseClick(bar, LEFT, pos=at)
    QTest.mouseMove(bar, at - QPoint(0, 200))
    QTest.mousePress(bar, Qt.MouseButton.RightButton, pos=at)
    QTest.mouseMove(bar, at - QPoint(0, 200))
    QTest.mouseRelease(bar, Qt.MouseButton.RightButton, pos=at)
    settle(window)
    assert window.panes["fills"].is_seen()
    assert not window.docks["fills"].isFloating()


def test_panes_that_floated_together_float_by_themselves(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """A layout of earlier, kept when Qt could drag groups: each pane has a window of its own, none of them lost."""
    first = open_terminal(node)
    first.layout_keeper.keep()
    first.session.save_now()
    kept = {**json.loads(node.settings[LAYOUT_SETTING]), "state": GROUPED}
    window = open_terminal(scripted_session(settings={LAYOUT_SETTING: json.dumps(kept)}))
    screen = QApplication.primaryScreen().geometry()
    for pane_id in ("tape", "book"):
        dock = window.docks[pane_id]
        assert dock.isFloating(), pane_id
        assert dock.window() is dock
        assert screen.intersects(dock.geometry())
        assert not dock.bar.collapsed
    assert window.docks["tape"].pos() != window.docks["book"].pos()
    window.run("layout.reset")
    settle(window)
    assert [pane_id for pane_id, dock in window.docks.items() if dock.isFloating()] == []


def test_a_page_gives_the_keyboard_back_where_there_is_something_left(window: MainWindow) -> None:
    """The row of tabs that had it went while the palette was open: that is no error, which would lock order entry."""
    press(window, Qt.Key.Key_1, CTRL)
    bar = QTabBar(window)
    bar.addTab("One")
    bar.show()
    bar.setFocus()
    press(window, Qt.Key.Key_K, CTRL)
    bar.deleteLater()
    QApplication.sendPostedEvents(bar, 52)  # DeferredDelete
    press(window, Qt.Key.Key_Escape)
    assert window.palette_page.isHidden()
    press(window, Qt.Key.Key_9, CTRL)
    pane = window.panes["fills"]
    assert isinstance(pane, TablePane)
    assert pane.table.hasFocus()
