"""The entry for numbers: what is typed, stepped and refused."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from octopus_desktop.actions.catalog import standard_actions
from octopus_desktop.actions.context import Context
from ui.theme.theme import Theme
from ui.widgets.number_edit import NumberEdit
from ui.widgets.parsed_edit import ParsedEdit


@pytest.fixture
def entry(theme: Theme, qtbot: QtBot) -> Iterator[NumberEdit]:
    host = QWidget()
    qtbot.addWidget(host)
    edit = NumberEdit(host, step=Decimal("0.10"), maximum=Decimal(100_000), name="Price", tooltip="Price (P)")
    host.show()
    edit.setFocus()
    yield edit
    host.close()


def test_typed_number_is_an_exact_decimal(entry: NumberEdit, qtbot: QtBot) -> None:
    """What is typed is what is sent, to the last digit."""
    with qtbot.waitSignal(entry.value_changed):
        qtbot.keyClicks(entry, "0.1")
    assert entry.value() == Decimal("0.1")
    entry.set_value(None)
    qtbot.keyClicks(entry, "1.5k")
    assert entry.value() == Decimal(1500)
    entry.clearFocus()
    entry._tidy()
    assert entry.text() == "1,500.0"


def test_an_exponent_is_refused_and_never_left_out(entry: NumberEdit, qtbot: QtBot) -> None:
    """`1e5` typed is not 15: the field says that it is no number."""
    qtbot.keyClicks(entry, "1e5")
    assert entry.text() == "1e5"
    assert entry.value() is None
    assert "not a number" in entry.reason


def test_steps_go_to_the_next_tick(entry: NumberEdit, qtbot: QtBot) -> None:
    """Up and Down move by ticks, from between two ticks to the next one, Shift by ten, never out of range."""
    entry.set_value(Decimal("10.03"))
    qtbot.keyClick(entry, Qt.Key.Key_Up)
    assert entry.value() == Decimal("10.1")
    entry.set_value(Decimal("10.03"))
    qtbot.keyClick(entry, Qt.Key.Key_Down)
    assert entry.value() == Decimal("10.0")
    qtbot.keyClick(entry, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert entry.value() == Decimal("11.0")
    entry.set_value(Decimal("0.1"))
    for _ in range(3):
        qtbot.keyClick(entry, Qt.Key.Key_Down)
    assert entry.value() == 0
    entry.set_value(Decimal("99999.95"))
    qtbot.keyClick(entry, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert entry.value() == Decimal("100000")


def test_unusable_text_says_why(entry: NumberEdit, qtbot: QtBot) -> None:
    """A wrong entry has no value and a red border, and its tooltip is the reason."""
    entry.set_value(Decimal(5))
    with qtbot.waitSignal(entry.value_changed) as changed:
        entry.setText("0,5")
    assert changed.args == [None]
    assert entry.property("invalid") is True
    assert "comma" in entry.toolTip()
    entry.setText("200000")
    assert entry.reason == "At most 100,000.0."
    entry.setText("7")
    assert (entry.reason, entry.toolTip()) == ("", "Price (P)")
    entry.set_reason("Above your balance.")
    assert entry.property("invalid") is True
    assert entry.value() == Decimal(7)


def test_wheel_over_an_unfocused_entry_changes_nothing(entry: NumberEdit) -> None:
    """Scrolling the window past the ticket can't change an order."""

    def turn() -> None:
        event = QWheelEvent(
            QPointF(5, 5),
            QPointF(5, 5),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(entry, event)

    entry.set_value(Decimal(5))
    entry.clearFocus()
    turn()
    assert entry.value() == 5
    entry.setFocus()
    turn()
    assert entry.value() == Decimal("5.1")


def claims(edit: ParsedEdit[Any], keys: str) -> bool:
    """Does the entry keep these keys from the window?"""
    pressed = QKeySequence(keys)[0]
    event = QKeyEvent(QEvent.Type.ShortcutOverride, pressed.key(), pressed.keyboardModifiers())
    event.ignore()
    QApplication.sendEvent(edit, event)
    return event.isAccepted()


@pytest.mark.parametrize("of_numbers", [True, False])
def test_the_windows_keys_are_the_windows_while_a_field_is_typed(entry: NumberEdit, of_numbers: bool) -> None:
    """Ctrl+U unlocks and Ctrl+Shift+Z cancels, where Qt would erase the price, or redo; what edits a text does so."""
    edit: ParsedEdit[Any] = entry if of_numbers else ParsedEdit(float, entry.window(), name="", tooltip="")
    chords = [
        keys
        for action in standard_actions()
        for keys in action.keys
        if action.context in (Context.EVERYWHERE, Context.WINDOW, Context.TICKET) and ("Ctrl" in keys or "Alt" in keys)
    ]
    assert {"Ctrl+U", "Ctrl+Shift+Z", "Ctrl+End"} <= set(chords)
    assert [keys for keys in chords if claims(edit, keys)] == []
    editing = ["Ctrl+A", "Ctrl+C", "Ctrl+V", "Ctrl+X", "Ctrl+Z", "Ctrl+Left", "Del"]
    assert [keys for keys in editing if not claims(edit, keys)] == []
