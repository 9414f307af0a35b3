"""The layout: kept over restarts, reset, whole on every screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import OpenWindow, settle
from keyboard import CTRL, SHIFT, press
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_day import scripted_session
from scripted_market import SOL
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import SaveSetting, SubmitOrder
from octopus_desktop.model.identifiers import Interval
from ui.layout import LAYOUT_SETTING
from ui.main_window import MainWindow
from ui.panes.book import BookPane
from ui.panes.table_pane import TablePane
from ui.panes.tape import TapePane

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_the_layout_is_there_again_after_a_restart(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """What was closed, floated and put in front is so again, and so are columns, instrument and timeframe."""
    first = open_terminal(node, size=(1500, 900))
    first.docks["log"].close()
    first.docks["tape"].setFloating(True)
    first.docks["fills"].raise_()
    first.open_orders.table.setColumnWidth(2, 61)
    first.open_orders.table.sortByColumn(4, Qt.SortOrder.AscendingOrder)
    first.session.select(SOL)
    first.session.set_interval(Interval.H1)
    settle(first)
    first.close()
    again = scripted_session(settings=node.settings)
    second = open_terminal(again, size=None)
    assert second.docks["log"].isHidden()
    assert second.docks["tape"].isFloating()
    assert second.panes["fills"].is_seen()
    assert not second.panes["positions"].is_seen()
    assert second.open_orders.table.columnWidth(2) == 61
    header = second.open_orders.table.horizontalHeader()
    assert (header.sortIndicatorSection(), header.sortIndicatorOrder()) == (4, Qt.SortOrder.AscendingOrder)
    assert second.session.instrument is not None
    assert second.session.instrument.instrument_id == SOL
    assert second.chart.intervals.value == "1h"


@pytest.mark.parametrize(
    "kept", ["", "no json", '{"geometry": 5, "state": "AAAA"}', '{"geometry": "AA", "state": "AA"}']
)
def test_a_broken_layout_is_not_the_end(open_terminal: OpenWindow, kept: str, qtbot: QtBot) -> None:
    """A layout that cannot be read leaves the default one."""
    node = scripted_session(settings={LAYOUT_SETTING: kept})
    window = open_terminal(node)
    assert window.panes["chart"].is_seen()
    assert window.panes["ticket"].is_seen()


def test_the_key_of_the_layout_holds_no_version(window: MainWindow, node: ScriptedNode) -> None:
    """An upgrade of the program finds the layout of the last one."""
    window.layout_keeper.keep()
    window.session.save_now()
    saved = {command.key for command in node.of(SaveSetting)}
    assert LAYOUT_SETTING in saved
    assert not [key for key in saved if any(character.isdigit() for character in key)]


def over_the_tabs(window: MainWindow) -> list[str]:
    below = [pane for pane in window.panes.values() if pane.controls and pane.controls.parentWidget() is window]
    return [pane.pane_id for pane in below if pane.controls and pane.controls.isVisible()]


def test_only_the_front_panes_controls_lie_over_the_tabs_after_a_reset(window: MainWindow, qtbot: QtBot) -> None:
    """One filter, that of the tab in front, however often the layout is put back."""
    for front in ("positions", "log", "positions"):
        window.focus_pane(front)
        settle(window)
        press(window, Qt.Key.Key_R, CTRL | SHIFT)
        settle(window)
        qtbot.waitUntil(lambda: over_the_tabs(window) == ["positions"])
        assert QApplication.focusWidget() is window.chart.focus_target()


def test_reset_puts_every_pane_back(window: MainWindow) -> None:
    """Ctrl+Shift+R: closed and floating panes are where they were at the first start."""
    window.docks["book"].close()
    window.docks["chart"].setFloating(True)
    press(window, Qt.Key.Key_R, CTRL | SHIFT)
    assert not window.docks["chart"].isFloating()
    assert window.panes["book"].is_seen()
    chart, ticket = window.docks["chart"].geometry(), window.docks["ticket"].geometry()
    assert chart.right() < ticket.left()
    assert chart.width() > ticket.width()


def test_safe_mode_has_the_default_layout_and_sends_nothing(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """Safe mode ignores the kept layout without overwriting it, and no order leaves the ticket."""
    first = open_terminal(node)
    first.docks["chart"].close()
    settle(first)
    first.close()
    kept = node.settings[LAYOUT_SETTING]
    again = scripted_session(settings=node.settings)
    window = open_terminal(again, safe_mode=True)
    assert window.panes["chart"].is_seen()
    window.ticket.price.setText("67000")
    window.ticket.amount.setText("0.05")
    window.ticket.submit()
    assert not again.of(SubmitOrder)
    assert "Safe mode" in window.ticket.verdict.text()
    window.close()
    assert again.settings[LAYOUT_SETTING] == kept


def test_what_is_saved_at_the_end_is_saved_before_the_node_stops(window: MainWindow, node: ScriptedNode) -> None:
    """Closing writes the layout at once, and only then asks whoever opened the window to stop the node."""
    seen: list[bool] = []
    window.closing.connect(lambda: seen.append(LAYOUT_SETTING in node.settings))
    window.close()
    assert seen == [True]
    assert window.isVisible()
    assert set(json.loads(node.settings[LAYOUT_SETTING])) == {"geometry", "state", "size", "panes"}


@pytest.mark.parametrize("size", [(1600, 1000), (1280, 720)])
def test_a_picture_of_the_window_is_whole(
    open_terminal: OpenWindow, node: ScriptedNode, size: tuple[int, int], tmp_path: Path
) -> None:
    """The screenshot has the window's size, and no pane of the default layout lies outside it or over another."""
    window = open_terminal(node, size=size)
    assert window.write_picture(tmp_path / "window.png")
    picture = QImage(str(tmp_path / "window.png"))
    assert (picture.width(), picture.height()) == size
    seen = [pane for pane in window.panes.values() if pane.is_seen()]
    boxes = [pane.rect().translated(pane.mapTo(window, QPoint(0, 0))) for pane in seen]
    for index, box in enumerate(boxes):
        assert window.rect().contains(box), seen[index].pane_id
        for other in boxes[index + 1 :]:
            assert not box.intersects(other)


def test_a_picture_that_cannot_be_written_is_said(window: MainWindow, tmp_path: Path) -> None:
    """A folder that isn't there is an answer, not an exception."""
    assert not window.write_picture(tmp_path / "nowhere" / "window.png")


def test_the_controls_over_the_tabs_are_whole(window: MainWindow) -> None:
    """The buttons beside the tabs show their whole text, also after it has grown."""
    window.focus_pane("open_orders")
    settle(window)
    settle(window)
    for widget in (window.open_orders.cancel_button, window.open_orders.cancel_all_button):
        assert widget.isVisible()
        assert widget.width() >= widget.sizeHint().width()
        assert window.rect().contains(widget.rect().translated(widget.mapTo(window, QPoint(0, 0))))


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000), (2560, 1440)])
def test_the_default_workspace_is_whole(open_terminal: OpenWindow, node: ScriptedNode, size: tuple[int, int]) -> None:
    """On a laptop as on a large screen nothing of the default layout is cut off or scrolls sideways."""
    window = open_terminal(node, size=size)
    for pane in window.panes.values():
        if isinstance(pane, TablePane) and pane.is_seen():
            assert not pane.table.horizontalScrollBar().isVisible(), pane.title
    header = window.watchlist.table.horizontalHeader()
    shown = [column.key for section, column in enumerate(window.watchlist.model.columns)
             if not header.isSectionHidden(section)]  # fmt: skip
    assert shown[:4] == ["instrument", "last", "change", "trend"]
    tape, book = window.panes["tape"], window.panes["book"]
    assert isinstance(tape, TapePane)
    assert isinstance(book, BookPane)
    assert tape.view._columns()[0] > 0, "the tape has its time"
    assert book.grouping.width() >= book.grouping.minimumSizeHint().width()
    assert window.ticket.held.isVisible()
    assert window.ticket.held.figures["unrealised"].isVisible()
    assert not window.ticket._area.verticalScrollBar().isVisible()


def test_a_layout_of_a_large_screen_fits_a_small_one(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """The layout kept at the desk, opened on the laptop: the chart keeps the largest share."""
    first = open_terminal(node, size=(2560, 1440))
    first.layout_keeper.keep()
    first.session.save_now()
    second = open_terminal(scripted_session(settings=dict(node.settings)), size=(1280, 720))
    widths = {pane_id: second.panes[pane_id].width() for pane_id in ("watchlist", "chart", "book", "ticket")}
    assert max(widths, key=lambda pane_id: widths[pane_id]) == "chart"
    assert widths["chart"] > 450
