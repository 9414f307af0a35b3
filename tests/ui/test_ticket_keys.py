"""Where the keyboard is in the ticket, from the key that chooses an order to the one that sends it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from keyboard import ALT, SHIFT, press, write
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import SubmitOrder
from octopus_desktop.model.orders import OrderType, Side
from ui.main_window import MainWindow

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_a_stop_is_placed_as_it_is_typed(window: MainWindow, node: ScriptedNode) -> None:
    """Sell, stop, its price, its quantity, Enter: a price never lands in the quantity that was left there."""
    window.ticket.amount.setText("0.03")
    press(window, Qt.Key.Key_S)
    press(window, Qt.Key.Key_Y, ALT)
    write(window, "66500")
    press(window, Qt.Key.Key_Tab)
    write(window, "0.02")
    press(window, Qt.Key.Key_Return)
    (command,) = node.of(SubmitOrder)
    intent = command.intent
    assert (intent.side, intent.type) == (Side.SELL, OrderType.STOP)
    assert (intent.trigger_price, intent.quantity) == (Decimal(66500), Decimal("0.02"))


@pytest.mark.parametrize(
    ("key", "field"),
    [
        (Qt.Key.Key_Y, "trigger"),
        (Qt.Key.Key_L, "price"),
        (Qt.Key.Key_M, "amount"),
        (Qt.Key.Key_K, "stop"),
        (Qt.Key.Key_W, "duration"),
        (Qt.Key.Key_E, "first"),
        (Qt.Key.Key_N, "offset"),
    ],
)
def test_a_kind_begins_at_the_first_field_it_needs(window: MainWindow, key: Qt.Key, field: str) -> None:
    """With a quantity in the ticket the keyboard goes to what is still missing, else to the quantity, selected."""
    ticket = window.ticket
    press(window, Qt.Key.Key_B)
    ticket.amount.setText("0.05")
    ticket.extras.fields["display"].setFocus()
    press(window, key, ALT)
    entry = {"trigger": ticket.trigger, "price": ticket.price, "amount": ticket.amount}.get(field)
    assert QApplication.focusWidget() is (entry or ticket.extras.fields[field])
    if field == "amount":
        assert ticket.amount.selectedText() == ticket.amount.text()


def test_b_and_s_choose_the_side_also_while_a_number_is_typed(window: MainWindow) -> None:
    """A letter that no number has is a key: nothing is added to the quantity, and `b` is not a billion."""
    press(window, Qt.Key.Key_B)
    write(window, "67000")
    press(window, Qt.Key.Key_Tab)
    write(window, "0.05")
    press(window, Qt.Key.Key_S)
    assert window.ticket.side.value == Side.SELL.value
    press(window, Qt.Key.Key_B)
    assert window.ticket.side.value == Side.BUY.value
    press(window, Qt.Key.Key_X)
    assert (window.ticket.price.text(), window.ticket.amount.text()) == ("67,000.00", "0.05")


@pytest.mark.parametrize(("kind", "field"), [(Qt.Key.Key_W, "slices"), (Qt.Key.Key_E, "count"), (Qt.Key.Key_A, "step")])
def test_a_duration_in_the_wrong_field_does_not_change_the_side(window: MainWindow, kind: Qt.Key, field: str) -> None:
    """`60s` where a number belongs is marked as wrong; it does not make a sale of a purchase."""
    press(window, Qt.Key.Key_B)
    press(window, kind, ALT)
    window.ticket.extras.fields[field].setFocus()
    write(window, "60s")
    assert window.ticket.side.value == Side.BUY.value
    assert "60s" in window.ticket.extras.fields[field].text()
    assert window.ticket.extras.fields[field].reason


def test_a_duration_without_a_unit_is_asked_about(window: MainWindow) -> None:
    """`10` is neither ten seconds nor ten minutes: an order may not be sixty times as fast as it was meant."""
    press(window, Qt.Key.Key_B)
    press(window, Qt.Key.Key_W, ALT)
    entry = window.ticket.extras.fields["duration"]
    entry.setFocus()
    write(window, "10")
    assert entry.value() is None
    assert entry.reason == "Say what of: 10s, 10m or 10h."
    write(window, "m")
    assert entry.value() == 600.0


@pytest.mark.parametrize("modifiers", [Qt.KeyboardModifier.NoModifier, SHIFT])
def test_tab_goes_round_in_the_ticket(window: MainWindow, modifiers: Qt.KeyboardModifier) -> None:
    """Tab comes to each field and back to the first: what is typed on never ends up in another pane's filter."""
    press(window, Qt.Key.Key_B)
    press(window, Qt.Key.Key_W, ALT)
    first = QApplication.focusWidget()
    assert first is window.ticket.amount
    seen = []
    while True:
        press(window, Qt.Key.Key_Backtab if modifiers else Qt.Key.Key_Tab, modifiers)
        at = QApplication.focusWidget()
        assert at is not None
        assert window.ticket.isAncestorOf(at)
        if at is first:
            break
        assert at not in seen
        seen.append(at)
    fields = window.ticket.extras.fields
    if not modifiers:
        assert seen[:3] == [fields["duration"], fields["slices"], fields["jitter"]]
    assert {window.ticket.price, fields["duration"], fields["slices"], fields["jitter"]} <= {*seen, first}


def test_after_the_touch_is_taken_a_quantity_is_typed(window: MainWindow) -> None:
    """Alt+Up in the price: the ask is the price, and the digits after it are the quantity, never more price."""
    press(window, Qt.Key.Key_B)
    write(window, "67000")
    press(window, Qt.Key.Key_Up, ALT)
    taken = window.ticket.price.text()
    assert taken != "67000"
    write(window, "0.05")
    assert (window.ticket.price.text(), window.ticket.amount.text()) == (taken, "0.05")
    press(window, Qt.Key.Key_Y, ALT)
    assert QApplication.focusWidget() is window.ticket.trigger
    press(window, Qt.Key.Key_Down, ALT)
    assert window.ticket.trigger.selectedText() == window.ticket.trigger.text() != ""


def test_the_fee_of_a_purchase_is_told_in_coins(window: MainWindow) -> None:
    """The venue takes it from what is bought; what it is worth is in the tooltip. A sale pays in money."""
    press(window, Qt.Key.Key_B)
    write(window, "60000")
    press(window, Qt.Key.Key_Tab)
    write(window, "0.05")
    _, fee = window.ticket.sums["fee"]
    assert fee.text() == "0.00005 BTC · 0.1 %"
    assert "3.00 USDT" in fee.toolTip()
    press(window, Qt.Key.Key_S)
    assert (fee.text(), fee.toolTip()) == ("3.00 USDT · 0.1 %", "")
