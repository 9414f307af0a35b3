"""Orders by keys and mouse: what is pressed, what is sent, what is shown."""

from __future__ import annotations

from decimal import Decimal

import pytest
from conftest import settle
from keyboard import ALT, CTRL, SHIFT, press
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_day import place
from scripted_market import BTC, ETH
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import AmendOrder, CancelAllOrders, CancelOrder, SubmitOrder
from octopus_desktop.model.events import Channel, EntryLocked, FeedStale, OrderAccepted, OrderUnknown
from octopus_desktop.model.identifiers import VenueOrderId, new_client_order_id
from octopus_desktop.model.orders import OrderType, Side, TimeInForce
from octopus_desktop.model.queries import RiskQuery, Verdict
from ui.main_window import MainWindow
from ui.models.ticket_kinds import Kind

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def type_text(window: MainWindow, text: str) -> None:
    target = QApplication.focusWidget()
    assert target is not None
    QTest.keyClicks(target, text)
    settle(window)


def fill_ticket(window: MainWindow, price: str, quantity: str) -> None:
    press(window, Qt.Key.Key_B)
    type_text(window, price)
    press(window, Qt.Key.Key_Tab)
    type_text(window, quantity)


def toasts(window: MainWindow) -> list[str]:
    return [f"{toast.title}: {toast.text}" for toast in window.toasts.toasts]


def test_a_limit_order_is_placed_by_keys_only(window: MainWindow, node: ScriptedNode) -> None:
    """B, a price, Tab, a quantity, Enter: the order is at the venue, in open orders, in the book and on the chart."""
    fill_ticket(window, "67000", "0.05")
    assert window.ticket.submit_button.text() == "Buy 0.05 BTC"
    press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_7, CTRL)
    (command,) = node.of(SubmitOrder)
    intent = command.intent
    assert (intent.instrument_id, intent.side, intent.type) == (BTC, Side.BUY, OrderType.LIMIT)
    assert (intent.price, intent.quantity, intent.tif) == (Decimal("67000"), Decimal("0.05"), TimeInForce.GTC)
    assert intent.token is not None
    assert any(order.client_order_id == intent.client_order_id for order in window.open_orders.model.rows)
    assert "Order placed: Buy 0.05000 BTCUSDT, limit 67,000.00" in toasts(window)


def test_enter_struck_twice_is_one_order(window: MainWindow, node: ScriptedNode) -> None:
    """A nervous second Enter sends nothing, whether the venue has answered by then or not."""
    fill_ticket(window, "67000", "0.05")
    node.answers = False
    press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_Return, CTRL)
    assert len(node.of(SubmitOrder)) == 1
    order_id = node.of(SubmitOrder)[0].intent.client_order_id
    node.emit(OrderAccepted(order_id, node.now_ns, VenueOrderId("1")))
    settle(window)
    press(window, Qt.Key.Key_Return)
    assert len(node.of(SubmitOrder)) == 1
    assert not window.ticket.submit_button.isEnabled()


def test_a_changed_ticket_is_another_order(window: MainWindow, node: ScriptedNode) -> None:
    """A new quantity arms the ticket at once, and the order has a token of its own."""
    fill_ticket(window, "67000", "0.05")
    press(window, Qt.Key.Key_Return)
    window.ticket.amount.selectAll()
    type_text(window, "0.06")
    press(window, Qt.Key.Key_Return)
    first, second = (command.intent for command in node.of(SubmitOrder))
    assert second.quantity == Decimal("0.06")
    assert first.token != second.token
    assert first.client_order_id != second.client_order_id


def test_the_same_order_can_be_sent_again_when_its_outcome_is_known(
    qtbot: QtBot, window: MainWindow, node: ScriptedNode
) -> None:
    """The trader who wants the same order twice gets it, a moment after the first one's outcome."""
    fill_ticket(window, "67000", "0.05")
    press(window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.ticket.submit_button.isEnabled())
    press(window, Qt.Key.Key_Return)
    first, second = (command.intent for command in node.of(SubmitOrder))
    assert first.token != second.token


def test_an_unknown_outcome_keeps_the_ticket_shut(window: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """While nobody knows whether the order arrived, the same ticket does not send it again."""
    node.answers = False
    fill_ticket(window, "67000", "0.05")
    press(window, Qt.Key.Key_Return)
    order_id = node.of(SubmitOrder)[0].intent.client_order_id
    node.emit(OrderUnknown(order_id, node.now_ns, "no answer in time"))
    settle(window)
    assert not window.ticket._haste.is_on
    assert not window.ticket.submit_button.isEnabled()
    assert any("Outcome unknown" in text for text in toasts(window))
    press(window, Qt.Key.Key_7, CTRL)
    assert window.open_orders.table.shown_rows()[0].client_order_id == order_id


def test_an_order_is_in_the_table_in_the_frame_after_the_key(window: MainWindow, node: ScriptedNode) -> None:
    """Pending orders are shown dimmed at once, before the venue has said anything."""
    node.answers = False
    window.focus_pane("open_orders")
    fill_ticket(window, "67000", "0.05")
    QTest.keyClick(window.ticket.amount, Qt.Key.Key_Return)
    window.frames.turn()
    pending = window.open_orders.model.rows[-1]
    assert pending.client_order_id == node.of(SubmitOrder)[0].intent.client_order_id
    assert window.open_orders.model.faded(pending)


def test_a_click_in_the_book_is_in_the_ticket(window: MainWindow, node: ScriptedNode) -> None:
    """A bid clicked makes the ticket a buy at that price, an ask a sell; what is typed next is the quantity."""
    view = window.panes["book"].focus_target()
    for is_bid, side in ((True, "buy"), (False, "sell")):
        row = next(
            (y, found[0])
            for y in range(view.height())
            if (found := view.row_at(QPoint(40, y))) is not None and found[1] is is_bid
        )
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(40, row[0] + 2))
        settle(window)
        assert window.ticket.side.value == side
        assert window.ticket.price.value() == node.state.instruments[BTC].price(row[1])
        QTest.keyClicks(QApplication.focusWidget() or window, "0.02")
        assert window.ticket.amount.text() == "0.02"


def test_a_click_in_the_chart_is_a_price(window: MainWindow) -> None:
    """The chart's price goes into the ticket, on a tick, and the side stays."""
    window.ticket.side.choose("sell")
    window.chart.chart.price_clicked.emit(66123.456)
    assert window.ticket.price.value() == Decimal("66123.46")
    assert window.ticket.side.value == "sell"


def test_a_selected_order_is_canceled_by_del(window: MainWindow, node: ScriptedNode) -> None:
    """Ctrl+7 goes into open orders, Del cancels the order the cursor is on, and it is in the history."""
    press(window, Qt.Key.Key_7, CTRL)
    newest = window.open_orders.table.selected_rows()[0]
    press(window, Qt.Key.Key_Delete)
    assert node.of(CancelOrder) == [CancelOrder(newest.client_order_id)]
    settle(window)
    assert window.open_orders.model.place(newest.client_order_id) is None
    press(window, Qt.Key.Key_8, CTRL)
    assert window.panes["order_history"].table.shown_rows()[0].client_order_id == newest.client_order_id


def test_cancel_all_says_how_many_and_cancels_them(window: MainWindow, node: ScriptedNode) -> None:
    """The button names the act, and Ctrl+Shift+X does it from anywhere."""
    count = len(node.state.working)
    press(window, Qt.Key.Key_7, CTRL)
    assert window.open_orders.cancel_all_button.text() == f"Cancel {count} orders"
    press(window, Qt.Key.Key_X, CTRL | SHIFT)
    assert node.of(CancelAllOrders) == [CancelAllOrders()]
    settle(window)
    assert not window.open_orders.model.rows
    assert {f"Canceling {count} orders: ", f"{count} orders canceled: "} <= set(toasts(window))
    assert window.open_orders.overlay.text == "No open orders"


def test_only_the_orders_of_this_instrument_are_canceled(window: MainWindow, node: ScriptedNode) -> None:
    """Ctrl+Shift+Z leaves the orders in other instruments alone."""
    press(window, Qt.Key.Key_Z, CTRL | SHIFT)
    press(window, Qt.Key.Key_7, CTRL)
    assert [order.intent.instrument_id for order in window.open_orders.model.rows] == [ETH]


@pytest.mark.parametrize(
    ("unit", "typed", "quantity", "quote"),
    [("base", "0.1", "0.1", None), ("quote", "1000", "0.01492", None), ("percent", "50", "0.60600", None)],
)
def test_a_quantity_is_counted_as_the_trader_likes(
    window: MainWindow, node: ScriptedNode, unit: str, typed: str, quantity: str, quote: str | None
) -> None:
    """Coins, money or a share of what is free: the order is in whole lots and never above what was meant."""
    press(window, Qt.Key.Key_B)
    type_text(window, "67000")
    while window.ticket.unit.value != unit:
        press(window, Qt.Key.Key_U, ALT)
    window.ticket.amount.setFocus()
    type_text(window, typed)
    told = window.ticket._told
    assert told.quantity == Decimal(quantity)
    assert told.quote_quantity is None
    assert told.cost == Decimal(quantity) * 67000


def test_another_unit_counts_the_same_quantity(window: MainWindow) -> None:
    """Alt+U from coins to money to percent and back is the same order; what cannot be counted is no number at all."""
    ticket = window.ticket
    press(window, Qt.Key.Key_B)
    type_text(window, "67000")
    ticket.amount.setFocus()
    type_text(window, "0.1")
    for unit, amount in (("quote", "6700"), ("percent", "8.2508"), ("base", "0.1")):
        press(window, Qt.Key.Key_U, ALT)
        assert ticket.unit.value == unit
        assert ticket.amount.value() == Decimal(amount)
        assert ticket._told.quantity == Decimal("0.1")
        assert ticket.amount.selectedText() == ticket.amount.text(), "the next key begins another number"
    ticket.price.set_value(None)
    press(window, Qt.Key.Key_U, ALT)
    assert ticket.amount.value() is None


def test_a_market_buy_for_money_spends_exactly_that(window: MainWindow, node: ScriptedNode) -> None:
    """A quarter of the free money at the market is sent as an amount of money, not as a guess in coins."""
    press(window, Qt.Key.Key_B)
    press(window, Qt.Key.Key_M, ALT)
    press(window, Qt.Key.Key_1, ALT)
    assert window.ticket.submit_button.text() == "Buy BTC for 20,301.13 USDT"
    press(window, Qt.Key.Key_Return)
    intent = node.of(SubmitOrder)[0].intent
    assert (intent.type, intent.quantity, intent.quote_quantity) == (OrderType.MARKET, Decimal(0), Decimal("20301.13"))


def test_selling_all_sells_what_is_free(window: MainWindow, node: ScriptedNode) -> None:
    """100 % of a sale is the free coins, cut to the lot."""
    press(window, Qt.Key.Key_S)
    press(window, Qt.Key.Key_M, ALT)
    press(window, Qt.Key.Key_4, ALT)
    press(window, Qt.Key.Key_Return)
    assert node.of(SubmitOrder)[0].intent.quantity == Decimal("0.43120")


def test_a_stop_limit_asks_for_both_prices(window: MainWindow, node: ScriptedNode) -> None:
    """The fields follow the order type, and the order carries trigger and limit."""
    press(window, Qt.Key.Key_S)
    window.ticket.set_type(Kind.STOP_LIMIT)
    settle(window)
    assert window.ticket.trigger.isVisible()
    window.ticket.trigger.setText("66500")
    window.ticket.price.setText("66400")
    window.ticket.amount.setText("0.1")
    window.ticket.amount.setFocus()
    press(window, Qt.Key.Key_Return)
    intent = node.of(SubmitOrder)[0].intent
    assert (intent.type, intent.trigger_price, intent.price) == (
        OrderType.STOP_LIMIT,
        Decimal("66500"),
        Decimal("66400"),
    )


def test_post_only_is_a_limit_order_that_rests(window: MainWindow, node: ScriptedNode) -> None:
    """Alt+P makes it post-only: the fee shown is the maker's, and the venue is told."""
    fill_ticket(window, "67000", "0.05")
    press(window, Qt.Key.Key_P, ALT)
    assert window.ticket._told.maker
    press(window, Qt.Key.Key_Return)
    assert node.of(SubmitOrder)[0].intent.type is OrderType.POST_ONLY


def test_risk_is_asked_before_the_key(qtbot: QtBot, window: MainWindow, node: ScriptedNode) -> None:
    """The ticket says what risk would say while it is being filled in."""
    fill_ticket(window, "67000", "3")
    qtbot.waitUntil(
        lambda: "limit for one order" in window.ticket.verdict.text() or "free is" in window.ticket.verdict.text()
    )
    assert any(isinstance(query, RiskQuery) for query in node.queries)
    assert not node.of(SubmitOrder)
    window.ticket.amount.setText("0.05")
    qtbot.waitUntil(lambda: "Within your limits" in window.ticket.verdict.text())


@pytest.mark.parametrize(
    ("price", "quantity", "says"),
    [
        ("67000.005", "0.05", "nearest price is 67,000.01"),
        ("67000", "0.0000001", "smallest order"),
        ("67000", "", "Type a quantity"),
        ("12,34", "0.05", "comma separates thousands"),
        ("abc", "0.05", "not a number"),
        ("9" * 40, "0.05", "so large a number"),
        ("67000", "9" * 40, "so large a number"),
    ],
)
def test_a_wrong_entry_says_what_is_wrong_and_sends_nothing(
    window: MainWindow, node: ScriptedNode, price: str, quantity: str, says: str
) -> None:
    """What cannot be an order is named beside the fields, and Enter does nothing."""
    window.ticket.price.setText(price)
    window.ticket.amount.setText(quantity)
    window.ticket.amount.setFocus()
    settle(window)
    assert says in window.ticket.verdict.text()
    assert not window.ticket.submit_button.isEnabled()
    press(window, Qt.Key.Key_Return)
    assert not node.of(SubmitOrder)


def test_a_locked_entry_shuts_the_ticket(window: MainWindow, node: ScriptedNode) -> None:
    """While entry is locked the ticket says why, and Enter sends nothing; a lock of the trader's own can be opened."""
    node.emit(EntryLocked("No connection to the venue: orders cannot be sent.", node.now_ns))
    settle(window)
    fill_ticket(window, "67000", "0.05")
    assert "No connection" in window.ticket.verdict.text()
    assert not window.ticket.locked.isVisible()
    press(window, Qt.Key.Key_Return)
    assert not node.of(SubmitOrder)
    node.emit(EntryLocked("You locked order entry.", node.now_ns))
    settle(window)
    assert window.ticket.locked.isVisible()
    QTest.mouseClick(window.ticket.locked, Qt.MouseButton.LeftButton)
    settle(window)
    assert window.ticket.submit_button.isEnabled()


def test_what_reduces_passes_a_locked_entry(window: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """Risk lets an order through although entry is locked, because it closes a position: Enter sends it."""
    node.verdict = Verdict()
    node.emit(EntryLocked("Comparing with the venue: orders are possible in a moment.", node.now_ns))
    settle(window)
    fill_ticket(window, "67000", "0.05")
    qtbot.waitUntil(lambda: window.ticket.submit_button.isEnabled())
    press(window, Qt.Key.Key_Return)
    assert node.of(SubmitOrder)


def test_what_risk_denies_is_said(window: MainWindow, node: ScriptedNode) -> None:
    """An order that risk stops is in the history with its reason, and a toast says it."""
    fill_ticket(window, "67000", "1.2")
    press(window, Qt.Key.Key_Return)
    settle(window)
    assert any(text.startswith("Not sent") and "limit for one order" in text for text in toasts(window))


def test_closing_a_position_fills_the_ticket_and_waits(window: MainWindow, node: ScriptedNode) -> None:
    """Ctrl+Shift+C writes the closing market order; only Enter sends it."""
    press(window, Qt.Key.Key_C, CTRL | SHIFT)
    assert not node.of(SubmitOrder)
    assert window.ticket.submit_button.text() == "Sell 0.2 BTC"
    press(window, Qt.Key.Key_Return)
    intent = node.of(SubmitOrder)[0].intent
    assert (intent.side, intent.type, intent.quantity) == (Side.SELL, OrderType.MARKET, Decimal("0.2"))
    settle(window)
    assert node.state.positions[BTC].quantity == 0


def test_a_position_that_is_closed_is_not_closed_twice(window: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """The ticket that closed it empties: the next Enter, however late, does not open another the other way."""
    press(window, Qt.Key.Key_C, CTRL | SHIFT)
    press(window, Qt.Key.Key_Return)
    settle(window)
    qtbot.waitUntil(lambda: not window.ticket.amount.text())
    press(window, Qt.Key.Key_Return)
    assert len(node.of(SubmitOrder)) == 1


def test_another_instrument_empties_the_ticket(window: MainWindow) -> None:
    """A price of one instrument never becomes the price of another."""
    fill_ticket(window, "67000", "0.05")
    window.session.select(ETH)
    settle(window)
    assert window.ticket.price.value() is None
    assert window.ticket.amount.value() is None


def test_earlier_orders_are_history_not_news(window: MainWindow) -> None:
    """What the journal tells at the start raises no toast."""
    assert toasts(window) == []


def test_a_fill_of_a_resting_order_is_told(window: MainWindow, node: ScriptedNode) -> None:
    """When the market comes to a resting order, the trader hears of it wherever he is."""
    order_id = place(node, BTC, Side.BUY, "67411.00", "0.02")
    node.fill(order_id, Decimal("67411.00"), Decimal("0.02"), complete=True)
    settle(window)
    assert "Filled: Buy 0.02000 BTCUSDT at 67,411.00" in toasts(window)


def test_enter_presses_the_button_it_stands_on(window: MainWindow, node: ScriptedNode) -> None:
    """With the keyboard on another button of the ticket, Enter is that button and never the order."""
    fill_ticket(window, "67000", "0.05")
    window.ticket.held.close_button.setFocus()
    press(window, Qt.Key.Key_Return)
    assert not node.of(SubmitOrder)
    assert window.ticket.submit_button.text() == "Sell 0.2 BTC"


def test_enter_in_an_open_list_chooses_from_it(window: MainWindow, node: ScriptedNode) -> None:
    """Choosing the order type with Down and Enter sends nothing."""
    fill_ticket(window, "67000", "0.05")
    window.ticket.type.setFocus()
    window.ticket.type.showPopup()
    view = window.ticket.type.view()
    QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_Return)
    settle(window)
    assert not node.of(SubmitOrder)
    assert window.ticket.type.currentData() is Kind.MARKET


def test_a_stale_price_does_not_get_into_the_ticket(window: MainWindow, node: ScriptedNode) -> None:
    """While the book is silent, a click on one of its prices is refused and says why; typing one is not."""
    node.emit(FeedStale(BTC, Channel.BOOK, node.now_ns - 5_000_000_000, "silent"))
    settle(window)
    press(window, Qt.Key.Key_Up, ALT)
    assert window.ticket.price.value() is None
    assert any(text.startswith("The market is stale") for text in toasts(window))
    fill_ticket(window, "67000", "0.05")
    press(window, Qt.Key.Key_Return)
    assert len(node.of(SubmitOrder)) == 1


def test_a_changed_order_stays_selected(window: MainWindow, node: ScriptedNode) -> None:
    """F2, another price, Enter, and Del cancels the order that took its place."""
    old = place(node, BTC, Side.BUY, "67000.00", "0.05")
    settle(window)
    press(window, Qt.Key.Key_7, CTRL)
    window.open_orders.table.select_place(window.open_orders.model.place(old) or 0)
    settle(window)
    node.execute(AmendOrder(old, new_client_order_id(), price=Decimal("66990.00")))
    settle(window)
    (selected,) = window.open_orders.table.selected_rows()
    assert (selected.intent.replaces, selected.intent.price) == (old, Decimal("66990.00"))
    press(window, Qt.Key.Key_Delete)
    assert [command.client_order_id for command in node.of(CancelOrder)] == [selected.client_order_id]


def test_after_a_cancel_del_asks_for_an_order(window: MainWindow, node: ScriptedNode) -> None:
    """A second Del doesn't cancel the next order; the pane's key, or an arrow, selects one again."""
    press(window, Qt.Key.Key_7, CTRL)
    press(window, Qt.Key.Key_Delete)
    press(window, Qt.Key.Key_Delete)
    assert len(node.of(CancelOrder)) == 1
    press(window, Qt.Key.Key_7, CTRL)
    assert len(window.open_orders.table.selected_rows()) == 1


def test_home_and_end_go_to_the_first_and_last_row(window: MainWindow) -> None:
    """In a table of rows they are rows, not columns."""
    press(window, Qt.Key.Key_7, CTRL)
    rows = window.open_orders.table.shown_rows()
    press(window, Qt.Key.Key_End)
    assert window.open_orders.table.selected_rows() == [rows[-1]]
    press(window, Qt.Key.Key_Home)
    assert window.open_orders.table.selected_rows() == [rows[0]]
