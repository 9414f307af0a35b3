"""Menus, keys and cheat sheet are views of the one registry, and every action has a handler."""

from __future__ import annotations

import re

import pytest
from conftest import settle
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from octopus_desktop.actions.catalog import standard_actions
from octopus_desktop.actions.keys import parse_keys, show_keys
from octopus_desktop.actions.registry import Menu
from octopus_desktop.model.orders import Side
from ui.cheat_sheet import sections
from ui.main_window import MainWindow
from ui.menus import MENU_TITLES
from ui.panes.all_panes import PANE_CLASSES
from ui.shortcuts import qt_sequences

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_every_action_is_handled_and_nothing_else(window: MainWindow) -> None:
    """An action without a handler would be a key that does nothing; a handler without an action can't be reached."""
    assert set(window.handlers) == {action.id for action in window.registry}
    assert set(window.checks) == {action.id for action in window.registry if action.toggles}


def test_every_action_of_a_menu_is_in_it_with_its_key(window: MainWindow) -> None:
    """The menu bar lists what the registry declares, each with the key that does the same."""
    for action in window.registry:
        if action.menu is not Menu.NONE:
            text = window.menus.actions[action.id].text()
            title, _, keys = text.partition("\t")
            assert title.replace("&&", "&") == action.title
            assert keys == (show_keys(action.keys[0]) if action.keys else "")


def test_no_qaction_owns_a_key(window: MainWindow) -> None:
    """Two QActions with one shortcut fire neither, so none has any: the registry has them all."""
    assert [action.text() for action in window.findChildren(QAction) if not action.shortcut().isEmpty()] == []


def test_qt_knows_every_key_and_no_two_are_the_same() -> None:
    """Each sequence of the registry is one that Qt can tell apart from the others."""
    seen: dict[str, str] = {}
    for sequence in standard_actions().trie.sequences:
        for keys in qt_sequences(sequence):
            text = keys.toString(QKeySequence.SequenceFormat.PortableText)
            assert text, sequence
            assert "Unknown" not in text
            assert text not in seen, (sequence, seen.get(text))
            seen[text] = " ".join(sequence)


def test_menu_letters_are_free() -> None:
    """Alt and a letter opens a menu: no action has that key, and no two menus share one."""
    taken = {keys for sequence in standard_actions().trie.sequences for keys in sequence}
    letters = [match[1].upper() for title in MENU_TITLES.values() if (match := re.search("&(.)", title))]
    assert len(letters) == len(set(letters)) == len(MENU_TITLES)
    assert not taken & {f"Alt+{letter}" for letter in letters}


def test_panes_and_their_actions_agree() -> None:
    """Each pane's title in the menu is the one on its tab."""
    registry = standard_actions()
    for pane in PANE_CLASSES:
        assert registry[f"pane.show_{pane.pane_id}"].title == pane.title


def test_the_cheat_sheet_has_every_key() -> None:
    """F1 shows each action that has a key, once, and what chart, book, tape and tables do with their own."""
    listed = [(row.title, row.keys) for _, rows in sections(standard_actions()) for row in rows]
    for action in standard_actions():
        assert listed.count((action.title, action.keys)) == (1 if action.keys else 0), action.id
    by_place = dict(sections(standard_actions()))
    for place, keys in (("chart", "Shift+Left"), ("order book", "Return"), ("tape", "Home"), ("any table", "PgDown")):
        rows = next(rows for title, rows in by_place.items() if title.endswith(place))
        assert any(keys in row.keys for row in rows), place


@pytest.mark.parametrize("key", [Qt.Key.Key_F1, Qt.Key.Key_Question])
def test_the_cheat_sheet_opens_and_closes_by_one_key(window: MainWindow, key: Qt.Key) -> None:
    """F1 or ? opens it, the same key or Esc puts it away."""
    window.focus_pane("chart")
    QTest.keyClick(QApplication.focusWidget(), key)
    settle(window)
    assert window.cheat_sheet.isVisible()
    QTest.keyClick(QApplication.focusWidget(), key)
    settle(window)
    assert not window.cheat_sheet.isVisible()


def test_every_window_action_without_a_question_runs(window: MainWindow, caplog: pytest.LogCaptureFixture) -> None:
    """From a fresh screen, no action of keys, menus or palette fails."""
    asks = {"app.quit", "window.screenshot", "table.export", "profile.add", "window.full_screen"}
    asks |= {"risk.limits", "ledger.show"}
    for action in window.registry:
        if action.id not in asks:
            window.run(action.id)
            settle(window)
            window.palette_page.close_page()
            window.cheat_sheet.close_page()
    assert "failed" not in caplog.text


def test_tooltips_tell_the_keys_that_count(window: MainWindow) -> None:
    """A key named in a tooltip is a key of the registry."""
    known = {show_keys(keys) for action in window.registry for keys in action.keys} | {"Enter", "Esc"}
    told = set()
    for widget in window.ticket.findChildren(object):
        tooltip = widget.toolTip() if hasattr(widget, "toolTip") else ""
        for inside in re.findall(r"\(([^)]*)\)", tooltip):
            told |= set(re.findall(r"(?:Ctrl|Alt|Shift)\+[\w+]+|\bEnter\b|^[BS]$", inside))
    assert told
    assert told <= known, told - known
    assert parse_keys("B") == ("B",)


def test_the_toolbar_is_a_view_of_the_registry(window: MainWindow, qtbot: QtBot) -> None:
    """Each of its buttons says what the registry says and does the same as the key; none takes the keyboard."""
    toolbar = window.top.toolbar
    assert toolbar is not None
    assert list(toolbar.buttons) == [action.id for action in window.registry if action.button]
    for action_id, button in toolbar.buttons.items():
        action = window.registry[action_id]
        assert button.text() == action.button
        assert action.doc in button.toolTip()
        assert button.focusPolicy() is Qt.FocusPolicy.NoFocus
    qtbot.mouseClick(toolbar.buttons["ticket.sell"], Qt.MouseButton.LeftButton)
    assert window.ticket.side.value == Side.SELL.value
    assert window.top.kill.text() == window.registry["kill.pull"].title


def test_a_narrow_window_gives_the_toolbar_up(window: MainWindow, qtbot: QtBot) -> None:
    """Menus, kill switch, level and mode stay whole."""
    toolbar = window.top.toolbar
    assert toolbar is not None
    window.resize(1600, 900)
    qtbot.waitUntil(lambda: toolbar.isVisible())
    window.resize(700, 600)
    qtbot.waitUntil(lambda: not toolbar.isVisible())
    assert window.top.kill.isVisible()
