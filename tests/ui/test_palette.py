"""The palette: found by a few letters, run by Return, out of the way by Esc."""

from __future__ import annotations

import pytest
from conftest import settle
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scripted_market import SOL
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import CancelAllOrders
from ui.main_window import MainWindow
from ui.offers import RECENT_SETTING
from ui.palette import Entry, ranked

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

CTRL = Qt.KeyboardModifier.ControlModifier


def open_palette(window: MainWindow, text: str = "", key: Qt.Key = Qt.Key.Key_K) -> None:
    QTest.keyClick(QApplication.focusWidget() or window, key, CTRL)
    settle(window)
    QTest.keyClicks(QApplication.focusWidget(), text)
    settle(window)


def press(window: MainWindow, key: Qt.Key) -> None:
    QTest.keyClick(QApplication.focusWidget() or window, key)
    settle(window)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("cancel all", "Cancel all orders"),
        ("can all", "Cancel all orders"),
        ("cnacel all", "Cancel all orders"),
        ("reset", "Reset the layout"),
        ("full", "Full screen"),
        ("solusdt", "SOLUSDT"),
        ("sol", "SOLUSDT"),
        ("5 min", "5 minutes candles"),
        ("unlock", "Unlock order entry…"),
        ("csv", "Export the table as CSV…"),
    ],
)
def test_a_few_letters_find_it(window: MainWindow, typed: str, first: str) -> None:
    """The first thing found is what a trader means, also with a letter out of place."""
    open_palette(window, typed)
    assert window.palette_page.shown[0].title == first


def test_return_runs_what_is_chosen(window: MainWindow, node: ScriptedNode) -> None:
    """Ctrl+K, some letters, Return: the action is done, the palette gone, the keyboard back where it was."""
    window.focus_pane("book")
    before = QApplication.focusWidget()
    open_palette(window, "cancel all")
    press(window, Qt.Key.Key_Return)
    assert node.of(CancelAllOrders) == [CancelAllOrders()]
    assert window.palette_page.isHidden()
    assert QApplication.focusWidget() is before


def test_the_arrows_choose(window: MainWindow) -> None:
    """Down and Up go round the list without leaving the search."""
    open_palette(window, "theme")
    press(window, Qt.Key.Key_Down)
    assert window.palette_page.list.currentIndex().row() == 1
    press(window, Qt.Key.Key_Up)
    press(window, Qt.Key.Key_Up)
    assert window.palette_page.list.currentIndex().row() == len(window.palette_page.shown) - 1


def test_esc_does_nothing_but_close(window: MainWindow, node: ScriptedNode) -> None:
    """Esc puts the palette away and nothing is done."""
    open_palette(window, "cancel all")
    press(window, Qt.Key.Key_Escape)
    assert window.palette_page.isHidden()
    assert not node.of(CancelAllOrders)


def test_every_entry_shows_its_keys(window: MainWindow) -> None:
    """The palette teaches the keyboard: an action with a key shows it."""
    open_palette(window)
    keys = {entry.entry_id: entry.keys for entry in window.palette_page.shown}
    for action in window.registry:
        if action.keys and action.id in keys:
            assert keys[action.id], action.id


def test_what_was_used_last_comes_first(window: MainWindow, node: ScriptedNode) -> None:
    """An empty search offers what was used last, also after a restart."""
    open_palette(window, "newest")
    press(window, Qt.Key.Key_Return)
    open_palette(window)
    assert window.palette_page.shown[0].entry_id == "chart.newest"
    window.session.save_now()
    assert node.settings[RECENT_SETTING].startswith("chart.newest")


def test_the_instrument_search_lists_instruments_only(window: MainWindow) -> None:
    """Ctrl+L finds an instrument by its name and shows it everywhere."""
    open_palette(window, "so", Qt.Key.Key_L)
    assert all(entry.entry_id in window.session.state.instruments for entry in window.palette_page.shown)
    press(window, Qt.Key.Key_Return)
    assert window.session.instrument is not None
    assert window.session.instrument.instrument_id == SOL


def test_keys_of_the_window_rest_while_it_is_open(window: MainWindow, node: ScriptedNode) -> None:
    """A key pressed over the palette does nothing in the panes behind it."""
    open_palette(window)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_X, CTRL | Qt.KeyboardModifier.ShiftModifier)
    settle(window)
    assert not node.of(CancelAllOrders)


def test_nothing_found_is_an_empty_list() -> None:
    """A search that fits nothing offers nothing, rather than something else."""
    entries = [Entry("a", "Cancel all orders", "Cancel every order.", lambda: None)]
    assert ranked(entries, "zzqxw") == []
    assert ranked([], "any") == []
    assert ranked(entries, "   ") == entries
