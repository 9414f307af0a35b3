"""What must stay in sight: the row that a key means, the button that sends, the figures of the ticket."""

from __future__ import annotations

from decimal import Decimal

import pytest
from conftest import OpenWindow, settle
from keyboard import ALT, CTRL, press, write
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from scripted_day import place
from scripted_market import BTC
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import CancelOrder
from octopus_desktop.model.orders import Side
from octopus_desktop.model.queries import Verdict
from ui.dialogs.risk_limits import RiskLimitsDialog
from ui.main_window import MainWindow
from ui.models.ticket_kinds import Kind

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def box(widget: QWidget, window: MainWindow) -> QRect:
    return widget.rect().translated(widget.mapTo(window, QPoint(0, 0)))


@pytest.fixture
def small(open_terminal: OpenWindow, node: ScriptedNode) -> MainWindow:
    return open_terminal(node, size=(1280, 720))


@pytest.mark.parametrize("with_keyboard", [True, False])
def test_the_order_that_del_means_is_in_sight(small: MainWindow, node: ScriptedNode, with_keyboard: bool) -> None:
    """New orders come in above the selected one, while the keyboard is in the table or before it comes back."""
    press(small, Qt.Key.Key_7, CTRL)
    table = small.open_orders.table
    meant = table.selected_rows()
    if not with_keyboard:
        press(small, Qt.Key.Key_1, CTRL)
    for number in range(9):
        place(node, BTC, Side.BUY, f"{66000 + number}", "0.01")
        settle(small)
    if not with_keyboard:
        press(small, Qt.Key.Key_7, CTRL)
    assert table.selected_rows() == meant
    row = table.visualRect(table.currentIndex())
    assert table.viewport().rect().contains(row.center())
    press(small, Qt.Key.Key_Delete)
    assert [command.client_order_id for command in node.of(CancelOrder)] == [meant[0].client_order_id]


def tell_four(window: MainWindow) -> QRect:
    """As many messages as pass at a time, with two lines each; where they lie."""
    for number in range(4):
        window.session.tell("warn", f"Message {number}", "With a second line that says what to do about it now.")
    settle(window)
    return box(window.toasts.layer, window)


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000), (2560, 1440)])
def test_messages_lie_over_the_oldest_candles(
    open_terminal: OpenWindow, node: ScriptedNode, size: tuple[int, int]
) -> None:
    """No order, price, button or table is under them, nor the candles of now and the axis of prices."""
    window = open_terminal(node, size=size)
    lie = tell_four(window)
    chart = box(window.chart.chart, window)
    assert chart.contains(lie)
    assert lie.right() < chart.right() - 140
    assert not any(lie.intersects(box(pane, window)) for pane in window.panes.values()
                   if pane.is_seen() and pane is not window.chart)  # fmt: skip


def test_messages_go_with_the_chart(window: MainWindow) -> None:
    """They are over it after it was moved, and out of the way of what lies in its place."""
    lie = tell_four(window)
    window.docks["watchlist"].close()
    settle(window)
    moved = box(window.toasts.layer, window)
    assert moved.left() < lie.left() - 200
    assert box(window.chart.chart, window).contains(moved)


def test_messages_do_not_lie_over_the_ticket(small: MainWindow) -> None:
    """Without a chart to lie over: the button that sends can be pressed. Without the ticket they take the corner."""
    small.docks["chart"].setFloating(True)
    settle(small)
    assert not tell_four(small).intersects(box(small.ticket, small))
    small.docks["ticket"].close()
    settle(small)
    assert box(small.toasts.layer, small).right() > small.width() - 30


def test_a_long_reason_lies_over_nothing(small: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """Four lines of why, and every figure above and below is whole."""
    reason = "With all working orders filled your BTC would be worth 6,599.45 USDT over all its instruments, "
    node.verdict = Verdict(f"{reason}your limit for one coin is 5,000.")
    ticket = small.ticket
    ticket.set_type(Kind.MARKET)
    ticket.amount.setText("0.09")
    qtbot.waitUntil(lambda: ticket.verdict.text() == node.verdict.denial)
    settle(small)
    said, area, button = (box(widget, small) for widget in (ticket.verdict, ticket._area, ticket.submit_button))
    assert said.height() >= ticket.verdict.heightForWidth(ticket.verdict.width())
    assert area.bottom() < said.top()
    assert said.bottom() < button.top()
    for widget in (ticket._area, ticket._foot, ticket.held):
        if widget.isVisible():
            assert box(ticket, small).contains(box(widget, small))
    assert not ticket._area.verticalScrollBar().isVisible()


def test_the_figures_of_the_position_are_whole(small: MainWindow) -> None:
    """No figure is cut at the edge of the ticket, beside the longest word as beside the shortest."""
    for figure in small.ticket.held.figures.values():
        row = figure.parentWidget()
        assert row is not None
        assert row.rect().contains(figure.geometry())


def test_a_scale_fits_a_small_screen(small: MainWindow) -> None:
    """Its orders are told in three lines where six are too many; with none there is no empty line."""
    press(small, Qt.Key.Key_B)
    press(small, Qt.Key.Key_E, ALT)
    ticket = small.ticket
    assert not ticket.extras.rungs.isVisible()
    ticket.amount.setText("0.3")
    for name, text in (("first", "67000"), ("last", "66000"), ("count", "9")):
        ticket.extras.fields[name].setText(text)
    settle(small)
    assert ticket.extras.rungs.isVisible()
    assert not ticket._area.verticalScrollBar().isVisible()
    assert len(ticket.extras.rungs._lines(ticket.extras.rungs._rungs)) == 3


def test_the_stop_of_a_bracket_is_readable(small: MainWindow) -> None:
    """A price of six figures is whole in each field that takes one: a cut digit is another price."""
    press(small, Qt.Key.Key_B)
    press(small, Qt.Key.Key_K, ALT)
    fields = small.ticket.extras.fields
    names = ("stop", "stop_limit", "target_0", "target_1", "target_2")
    for name in names:
        fields[name].setText("123,456.78")
        settle(small)
    assert small.ticket._area.verticalScrollBar().isVisible()  # which takes its part of the room
    for name in names:
        entry = fields[name]
        room = entry.width() - 18  # padding, border, Qt's own margin
        assert entry.fontMetrics().horizontalAdvance(entry.text()) <= room, name
    assert fields["share_0"].fontMetrics().horizontalAdvance("100") <= fields["share_0"].width() - 18


def test_the_limits_are_typed_over(small: MainWindow, node: ScriptedNode) -> None:
    """The first limit is selected when the dialog opens: what is typed replaces it."""
    small.run("risk.limits")
    settle(small)
    write(small, "7000")
    dialog = small.findChild(RiskLimitsDialog)
    assert dialog is not None
    assert dialog.limits().max_order_notional == Decimal(7000)
    dialog.close()
