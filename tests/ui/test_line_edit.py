"""Entries of text: the program's chords are the program's in every one of them."""

from __future__ import annotations

import pytest
from conftest import settle
from keyboard import CTRL, SHIFT, press, write
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import CancelAllOrders, CancelOrder, UnlockEntry
from ui.main_window import MainWindow
from ui.panes.table_pane import TablePane
from ui.widgets.line_edit import LineEdit

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


UNLOCK_PALETTE_DISMISS = (Qt.Key.Key_U, Qt.Key.Key_K, Qt.Key.Key_D)


def ask_everything(window: MainWindow) -> list[QDialog]:
    """Each dialog that has an entry of text, open."""
    window.add_profile = lambda name, venue, credentials: None  # type: ignore[assignment,return-value]  # is not called
    for ask in (
        lambda: window.run("profile.add"),
        lambda: window.run("risk.limits"),
        window.questions.unlock,
        window.open_orders.amend_selected,
    ):
        ask()
        settle(window)
    return [dialog for dialog in window.findChildren(QDialog) if dialog.findChildren(QLineEdit)]


def test_no_entry_of_text_is_left_to_qt(window: MainWindow) -> None:
    """Ticket, filters, search and dialogs have one kind of entry: what holds in one of them holds in all."""
    press(window, Qt.Key.Key_7, CTRL)
    dialogs = ask_everything(window)
    assert len(dialogs) == 4
    entries = window.findChildren(QLineEdit)
    assert len(entries) > 30
    assert [entry.accessibleName() for entry in entries if not isinstance(entry, LineEdit)] == []


def test_order_entry_is_unlocked_from_a_filter(window: MainWindow, node: ScriptedNode) -> None:
    """Ctrl+U and Ctrl+Shift+Z do in the filter what they do elsewhere, and its text stays."""
    press(window, Qt.Key.Key_9, CTRL)
    press(window, Qt.Key.Key_F, CTRL)
    write(window, "solo")
    press(window, Qt.Key.Key_Backspace)
    press(window, Qt.Key.Key_U, CTRL)
    assert len(node.of(UnlockEntry)) == 1
    press(window, Qt.Key.Key_Z, CTRL | SHIFT)
    assert node.of(CancelAllOrders) or node.of(CancelOrder)
    pane = window.panes["fills"]
    assert isinstance(pane, TablePane)
    assert pane.filter_edit.text() == "sol"
    assert pane.filter_edit.hasFocus()


def test_what_edits_a_filter_still_does(window: MainWindow) -> None:
    """Its own chords, letters and keys stay with the text, also where they are the program's elsewhere."""
    press(window, Qt.Key.Key_7, CTRL)
    press(window, Qt.Key.Key_F, CTRL)
    write(window, "/buy some")
    entry = window.open_orders.filter_edit
    assert entry.text() == "/buy some"
    press(window, Qt.Key.Key_Backspace, CTRL)
    press(window, Qt.Key.Key_Home)
    press(window, Qt.Key.Key_Delete)
    assert entry.text() == "buy "
    press(window, Qt.Key.Key_A, CTRL)
    press(window, Qt.Key.Key_X, CTRL)
    assert (entry.text(), QApplication.clipboard().text()) == ("", "buy ")


def test_no_chord_of_the_program_edits_what_a_dialog_asks_for(window: MainWindow) -> None:
    """The window's keys are shut off under a dialog: unlock, palette, dismiss and cancel do nothing there."""
    press(window, Qt.Key.Key_7, CTRL)
    tried = 0
    for dialog in ask_everything(window):
        for entry in dialog.findChildren(LineEdit):
            if not entry.isEnabled():
                continue
            entry.setText("")
            QTest.keyClicks(entry, "123")
            QTest.keyClick(entry, Qt.Key.Key_Backspace)
            QTest.keyClick(entry, Qt.Key.Key_Z, CTRL)
            undone = entry.text()
            QTest.keyClick(entry, Qt.Key.Key_Z, CTRL | SHIFT)
            assert entry.text() == undone, (dialog.windowTitle(), entry.accessibleName())
            for key in UNLOCK_PALETTE_DISMISS:
                entry.setText("12")
                entry.setCursorPosition(0)
                QTest.keyClick(entry, key, CTRL)
                assert entry.text() == "12", (dialog.windowTitle(), entry.accessibleName(), key)
            tried += 1
    assert tried > 15
    assert window.palette_page.isHidden()
