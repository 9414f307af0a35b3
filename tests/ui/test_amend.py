"""A working order gets another price or quantity by keys."""

from __future__ import annotations

from decimal import Decimal

import pytest
from conftest import OpenWindow, settle
from keyboard import CTRL, press
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scripted_day import place, scripted_session
from scripted_market import BTC
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import AmendOrder, CancelOrder, SubmitOrder
from octopus_desktop.model.events import (
    EntryUnlocked,
    OrderCanceled,
    OrderInitiated,
    OrderRejected,
    OrderSubmitted,
    OrderUnknown,
)
from octopus_desktop.model.identifiers import new_client_order_id
from octopus_desktop.model.orders import OrderIntent, OrderType, Side
from octopus_desktop.model.profile import Mode
from ui.dialogs.amend import AmendDialog
from ui.dialogs.typed_name import TypedNameDialog
from ui.main_window import MainWindow

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def open_dialog(window: MainWindow, key: Qt.Key = Qt.Key.Key_F2) -> AmendDialog:
    press(window, Qt.Key.Key_7, CTRL)
    press(window, key)
    dialog = window.findChild(AmendDialog)
    assert dialog is not None
    return dialog


@pytest.mark.parametrize("key", [Qt.Key.Key_F2, Qt.Key.Key_Return])
def test_a_new_price_is_sent_and_nothing_else(window: MainWindow, node: ScriptedNode, key: Qt.Key) -> None:
    """The key opens on the price; Enter sends it, the quantity stays as it is, and the new order is in the table."""
    order_id = place(node, BTC, Side.BUY, "67000.00", "0.05")
    settle(window)
    dialog = open_dialog(window, key)
    assert QApplication.focusWidget() is dialog.entries["price"]
    assert not dialog.change.isEnabled(), "nothing is changed yet"
    QTest.keyClicks(dialog.entries["price"], "67010")
    QTest.keyClick(dialog.entries["price"], Qt.Key.Key_Return)
    settle(window)
    (command,) = node.of(AmendOrder)
    assert (command.client_order_id, command.price, command.quantity) == (order_id, Decimal(67010), None)
    assert not dialog.isVisible()
    assert command.replacement in node.state.working
    assert order_id not in node.state.working


def test_a_change_that_is_the_first_live_order_is_confirmed_first(open_terminal: OpenWindow) -> None:
    """The profile's name is asked for over the dialog; typed, the same change goes."""
    node = scripted_session(Mode.LIVE)
    node.emit(EntryUnlocked(node.now_ns))
    place(node, BTC, Side.BUY, "67000.00", "0.05")
    node.confirmed = False
    window = open_terminal(node)
    dialog = open_dialog(window)
    QTest.keyClicks(dialog.entries["price"], "67010")
    QTest.keyClick(dialog.entries["price"], Qt.Key.Key_Return)
    settle(window)
    asked = dialog.findChild(TypedNameDialog)
    assert asked is not None
    assert asked.act_button.text() == "Change to buy 0.05 BTCUSDT at 67,010.00"
    QTest.keyClicks(asked.entry, "live")
    QTest.keyClick(asked.entry, Qt.Key.Key_Return)
    settle(window)
    assert not dialog.isVisible()
    assert [command.price for command in node.of(AmendOrder)] == [Decimal(67010)] * 2
    assert node.of(AmendOrder)[-1].replacement in node.state.working


def test_a_stop_limit_has_three_figures(window: MainWindow, node: ScriptedNode) -> None:
    """Trigger, price and quantity, each for itself."""
    place(node, BTC, Side.SELL, "66400.00", "0.2", OrderType.STOP_LIMIT, "66500.00")
    settle(window)
    dialog = open_dialog(window)
    assert list(dialog.entries) == ["trigger_price", "price", "quantity"]
    dialog.entries["trigger_price"].setText("66510")
    dialog.entries["quantity"].setText("0.1")
    dialog.change.click()
    settle(window)
    (command,) = node.of(AmendOrder)
    assert (command.trigger_price, command.price, command.quantity) == (Decimal(66510), None, Decimal("0.1"))


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("price", "67000.005", "The tick is 0.01"),
        ("price", "abc", "not a number"),
        ("quantity", "0.02", "filled already: 0.02"),
        ("quantity", "0.000001", "The lot is"),
    ],
)
def test_what_cannot_be_is_said_and_not_sent(
    window: MainWindow, node: ScriptedNode, field: str, text: str, says: str
) -> None:
    """A price between ticks, or less than what is filled."""
    order_id = place(node, BTC, Side.BUY, "67000.00", "0.05")
    node.fill(order_id, Decimal(67000), Decimal("0.02"), complete=False)
    settle(window)
    dialog = open_dialog(window)
    dialog.entries[field].setText(text)
    assert says in dialog.problem.text()
    QTest.keyClick(dialog.entries[field], Qt.Key.Key_Return)
    assert not node.of(AmendOrder)


def test_the_engines_refusal_stays_in_the_dialog(window: MainWindow, node: ScriptedNode) -> None:
    """Refused, the dialog says why and the order can be changed otherwise."""
    place(node, BTC, Side.BUY, "67000.00", "0.05")
    settle(window)
    dialog = open_dialog(window)
    node.refuses = "It is being changed already."
    dialog.entries["price"].setText("67010")
    dialog.change.click()
    settle(window)
    assert dialog.isVisible()
    assert dialog.problem.text() == "It is being changed already."
    node.refuses = None


def test_an_order_nobody_knows_of_is_not_changed_but_seen(window: MainWindow, node: ScriptedNode) -> None:
    """UNKNOWN is not dim, is counted on the status line, and can't be changed."""
    node.answers = False
    order_id = new_client_order_id()
    intent = OrderIntent(order_id, BTC, Side.BUY, OrderType.LIMIT, Decimal("0.05"), Decimal(67000))
    node.execute(SubmitOrder(intent))
    node.emit(OrderUnknown(order_id, node.now_ns, "no answer in time"))
    press(window, Qt.Key.Key_7, CTRL)
    assert window.status.labels["unknown"].text() == "1 order UNKNOWN"
    assert window.status.labels["unknown"].isVisible()
    assert not window.open_orders.model.faded(node.state.orders[order_id])
    press(window, Qt.Key.Key_F2)
    assert window.findChild(AmendDialog) is None
    assert "The order is unknown. Press F2 again when it is open." in [toast.text for toast in window.toasts.toasts]


def told_on(window: MainWindow, key: Qt.Key) -> tuple[str, str]:
    press(window, key)
    toast = window.toasts.toasts[-1]
    window.toasts.dismiss_newest()
    return toast.title, toast.text


def test_without_an_order_to_change_it_says_what_to_do(window: MainWindow, node: ScriptedNode) -> None:
    """F2 and Del with none selected, with all behind the filter, with several, and with none at all."""
    press(window, Qt.Key.Key_7, CTRL)
    pane = window.open_orders
    pane.table.clearSelection()
    told = told_on(window, Qt.Key.Key_F2)
    assert told == ("No order is selected", "Select one in open orders, then press F2.")
    pane.table.selectAll()
    title, text = told_on(window, Qt.Key.Key_F2)
    assert title == "One order is changed at a time"
    assert text == f"{len(pane.model.rows)} are selected. Select one, then press F2."
    pane.filter_edit.setText("nothing like it")
    told = told_on(window, Qt.Key.Key_F2)
    assert told == ("No order is selected", "The filter hides all: empty it, select an order, then press F2.")
    pane.filter_edit.clear()
    for order_id in list(node.state.working):
        node.execute(CancelOrder(order_id))
    settle(window)
    pane.table.setFocus()
    told = told_on(window, Qt.Key.Key_F2)
    assert told == ("There is no open order to change", "B or S brings up the ticket for a new one.")
    told = told_on(window, Qt.Key.Key_Delete)
    assert told == ("There is no open order to cancel", "B or S brings up the ticket for a new one.")
    assert window.findChild(AmendDialog) is None


def test_one_of_a_pair_is_said_at_once(window: MainWindow, node: ScriptedNode) -> None:
    """No form is filled in for an order that the engine would not change."""
    place(node, BTC, Side.SELL, "69000.00", "0.05", list_id="li-1")
    settle(window)
    press(window, Qt.Key.Key_7, CTRL)
    press(window, Qt.Key.Key_F2)
    assert window.findChild(AmendDialog) is None
    assert "pair" in window.toasts.toasts[-1].title


def test_a_changed_order_is_told_as_one(window: MainWindow, node: ScriptedNode) -> None:
    """To the venue one is canceled and another placed; to the trader his order was changed."""
    place(node, BTC, Side.BUY, "67000.00", "0.05")
    settle(window)
    window.toasts.dismiss_newest()
    dialog = open_dialog(window)
    dialog.entries["price"].setText("67010")
    dialog.change.click()
    settle(window)
    told = [(toast.title, toast.text) for toast in window.toasts.toasts]
    assert told[-1] == ("Order changed", "Buy 0.05000 BTCUSDT, limit 67,010.00")
    assert "Order canceled" not in [title for title, _ in told]


def test_a_change_that_lost_the_order_says_so(window: MainWindow, node: ScriptedNode) -> None:
    """The old one is canceled and the venue refuses the new one: the trader has neither, and is told."""
    old = place(node, BTC, Side.BUY, "67000.00", "0.05")
    new = new_client_order_id()
    intent = OrderIntent(new, BTC, Side.BUY, OrderType.LIMIT, Decimal("0.05"), Decimal(67010), replaces=old)
    node.emit(OrderInitiated(new, node.now_ns, intent), OrderSubmitted(new, node.now_ns))
    node.emit(OrderCanceled(old, node.now_ns), OrderRejected(new, node.now_ns, "Filter failure."))
    settle(window)
    texts = [toast.text for toast in window.toasts.toasts]
    assert any("Filter failure. The order it was to replace is canceled." in text for text in texts)
