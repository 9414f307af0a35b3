"""The whole terminal against the embedded exchange's process: keys and mouse in, screen and the exchange's book out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from octopus_desktop.local_node import LocalNode
from octopus_desktop.model.events import KillStep
from octopus_desktop.model.orders import OrderStatus
from octopus_desktop.model.safety import TradingLevel
from tests.e2e.session import BTC, DEMO, SIM, ask_exchange
from ui.app import open_window
from ui.dialogs.amend import AmendDialog
from ui.main_window import MainWindow
from ui.options import Options
from ui.theme.theme import Theme

pytestmark = [
    pytest.mark.xdist_group("exchange"),
    # Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
    pytest.mark.qt_log_ignore("This plugin does not support", extend=True),
]
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
PATIENCE_MS = 40_000


class Terminal:
    """A window and its node; `restart` closes both and opens them again on the same data."""

    def __init__(self, qtbot: QtBot, theme: Theme, folder: Path) -> None:
        self._qtbot, self._theme, self._folder = qtbot, theme, folder
        self.open()

    def open(self) -> None:
        self.node = LocalNode(DEMO, self._folder, credentials=lambda: None)
        self.window: MainWindow = open_window(self.node, self._theme, Options(DEMO, size=(1600, 1000)))
        self.node.start()
        with self._qtbot.waitExposed(self.window):
            self.window.show()
        self.window.activateWindow()
        self.until(lambda: self.state.entry_locked is None, "order entry open")
        self.until(lambda: self.window.session.instrument is not None, "an instrument")
        self.until(lambda: self.state.market(BTC).book.valid, "a book")
        self.until(lambda: self.state.market(BTC).touch is not None, "a quote")

    def close(self) -> None:
        self.window.frames.stop()
        self.window.session.save_now()
        self.window.may_close = True
        self.window.close()
        self.node.stop()
        self.window.deleteLater()
        QApplication.processEvents()

    def restart(self) -> None:
        self.close()
        self.open()

    @property
    def state(self) -> Any:
        return self.window.session.state

    def until(self, condition: Callable[[], Any], what: str) -> None:
        def holds() -> None:
            assert condition(), what

        self._qtbot.waitUntil(holds, timeout=PATIENCE_MS)

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(QApplication.focusWidget() or self.window, key, modifiers)
        QApplication.processEvents()

    def type_text(self, text: str) -> None:
        target = QApplication.focusWidget()
        assert target is not None
        QTest.keyClicks(target, text)
        QApplication.processEvents()

    def truth(self) -> Any:
        """The exchange's own account."""
        exchange = self.node._engine._exchange
        assert exchange is not None
        assert exchange.urls is not None
        return ask_exchange(exchange.urls.rest, "account")

    def exchange(self) -> str:
        exchange = self.node._engine._exchange
        assert exchange is not None
        assert exchange.urls is not None
        return exchange.urls.rest

    def assert_balances_agree(self) -> None:
        def agree() -> bool:
            theirs = {
                asset: (Decimal(row["free"]), Decimal(row["locked"])) for asset, row in self.truth()["balances"].items()
            }
            ours = {asset: (each.free, each.locked) for (_, asset), each in self.state.balances.items()}
            return all(ours.get(asset, (Decimal(0), Decimal(0))) == amounts for asset, amounts in theirs.items())

        self.until(agree, "balances as the exchange has them")


@pytest.fixture
def terminal(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Terminal]:
    theme = Theme()
    theme.apply(qapp, "dark")
    terminal = Terminal(qtbot, theme, tmp_path)
    yield terminal
    terminal.close()


def resting_price(terminal: Terminal) -> str:
    bid, _ = terminal.state.market(BTC).touch
    return f"{bid * 0.97:.2f}"


def test_a_limit_order_by_keys_rests_shows_and_is_canceled(terminal: Terminal) -> None:
    """B, a price, Tab, a quantity, Enter; then Ctrl+7 and Del. At each step the exchange's own book agrees."""
    window = terminal.window
    terminal.press(Qt.Key.Key_B)
    terminal.type_text(resting_price(terminal))
    terminal.press(Qt.Key.Key_Tab)
    terminal.type_text("0.05")
    terminal.until(window.ticket.submit_button.isEnabled, "the ticket is ready")
    assert window.ticket.submit_button.text() == "Buy 0.05 BTC"
    terminal.press(Qt.Key.Key_Return)
    terminal.press(Qt.Key.Key_Return)
    terminal.press(Qt.Key.Key_7, CTRL)
    terminal.until(lambda: len(window.open_orders.model.rows) == 1, "the order in the table")
    (order,) = terminal.state.working.values()
    terminal.until(lambda: order.status is OrderStatus.ACCEPTED, "accepted")
    assert [each["clientOrderId"] for each in terminal.truth()["openOrders"]] == [order.client_order_id]
    terminal.assert_balances_agree()
    terminal.until(lambda: window.open_orders.table.selected_rows(), "a selected row")
    terminal.press(Qt.Key.Key_Delete)
    terminal.until(lambda: order.status is OrderStatus.CANCELED, "canceled")
    terminal.until(lambda: not window.open_orders.model.rows, "an empty table")
    assert terminal.truth()["openOrders"] == []
    terminal.assert_balances_agree()


def test_a_market_order_fills_and_everything_agrees(terminal: Terminal) -> None:
    """A market buy by keys: position, fills, history and balances are those of the exchange's account."""
    window = terminal.window
    terminal.press(Qt.Key.Key_B)
    terminal.press(Qt.Key.Key_M, Qt.KeyboardModifier.AltModifier)
    window.ticket.amount.setFocus()
    window.ticket.amount.selectAll()
    terminal.type_text("0.2")
    terminal.until(window.ticket.submit_button.isEnabled, "the ticket is ready")
    terminal.press(Qt.Key.Key_Return)
    terminal.until(lambda: terminal.state.fills, "a fill")
    terminal.until(lambda: not terminal.state.working, "the order is over")
    (order,) = terminal.state.orders.values()
    assert order.status is OrderStatus.FILLED
    trades = terminal.truth()["trades"]
    assert sorted(str(each["id"]) for each in trades) == sorted(fill.trade_id for fill in terminal.state.fills)
    assert sum(Decimal(each["qty"]) for each in trades) == Decimal("0.2")
    assert {each["commissionAsset"] for each in trades} == {"BTC"}
    fees = sum(Decimal(each["commission"]) for each in trades)
    assert terminal.state.positions[BTC].quantity == Decimal("0.2") - fees, "what arrived"
    cost = sum(Decimal(each["quoteQty"]) for each in trades)
    assert order.filled_notional == cost
    terminal.assert_balances_agree()
    for pane, count in (("fills", len(trades)), ("positions", 1), ("order_history", 1)):
        window.focus_pane(pane)
        terminal.until(lambda pane=pane, count=count: len(window.panes[pane].model.rows) == count, f"rows in {pane}")
    (status,) = {link.status.value for (venue, _), link in terminal.state.links.items() if venue == SIM}
    assert status == "up"


def test_a_click_in_the_book_and_enter_is_an_order(terminal: Terminal) -> None:
    """Click a bid, type a quantity, Enter: the order is at the price that was clicked, whatever the book does then."""
    window = terminal.window
    view = window.panes["book"].focus_target()
    row: list[tuple[int, float]] = []

    def find() -> bool:
        row[:] = [
            (y, found[0])
            for y in range(0, view.height(), 4)
            if (found := view.row_at(QPoint(40, y))) is not None and found[1]
        ][-1:]
        return bool(row)

    terminal.until(find, "a bid on the screen")
    window.frames.stop()  # the book stands still for the moment between aiming and clicking
    find()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(40, row[0][0] + 2))
    window.frames.start()
    price = terminal.state.instruments[BTC].price(row[0][1])
    assert window.ticket.price.value() == price
    window.ticket.amount.setFocus()
    window.ticket.amount.selectAll()
    terminal.type_text("0.01")
    terminal.until(window.ticket.submit_button.isEnabled, "the ticket is ready")
    terminal.press(Qt.Key.Key_Return)
    terminal.until(lambda: terminal.state.orders, "an order")
    (order,) = terminal.state.orders.values()
    terminal.until(lambda: order.venue_order_id is not None, "the venue's word")
    assert order.intent.price == price
    assert {each["price"] for each in terminal.truth()["orders"]} == {f"{price:.8f}"}


def test_a_restart_brings_all_of_it_back(terminal: Terminal) -> None:
    """Orders, fills, position, the chosen instrument and timeframe are there again after a restart."""
    window = terminal.window
    terminal.press(Qt.Key.Key_B)
    terminal.type_text(resting_price(terminal))
    terminal.press(Qt.Key.Key_Tab)
    terminal.type_text("0.05")
    terminal.until(window.ticket.submit_button.isEnabled, "the ticket is ready")
    terminal.press(Qt.Key.Key_Return)
    terminal.until(lambda: any(o.status is OrderStatus.ACCEPTED for o in terminal.state.working.values()), "resting")
    terminal.press(Qt.Key.Key_S)
    terminal.press(Qt.Key.Key_M, Qt.KeyboardModifier.AltModifier)
    window.ticket.amount.setFocus()
    window.ticket.amount.selectAll()
    terminal.type_text("0.1")
    terminal.until(window.ticket.submit_button.isEnabled, "the ticket is ready")
    terminal.press(Qt.Key.Key_Return)
    terminal.until(lambda: terminal.state.positions.get(BTC) is not None, "a position")
    terminal.until(lambda: len(terminal.state.working) == 1, "one order is left")
    window.run("chart.interval_15m")
    before = (dict(terminal.state.orders), list(terminal.state.fills), terminal.state.positions[BTC])
    terminal.restart()
    window = terminal.window
    assert list(terminal.state.orders) == list(before[0])
    assert terminal.state.fills == before[1]
    assert terminal.state.positions[BTC] == before[2]
    assert window.session.interval.value == "15m"
    window.focus_pane("open_orders")
    terminal.until(lambda: len(window.open_orders.model.rows) == 1, "the resting order in the table")
    terminal.assert_balances_agree()


def test_the_link_is_cut_and_comes_back(terminal: Terminal) -> None:
    """All sockets die: the ticket shuts and says why, the status line shows it, and all of it heals by itself."""
    window = terminal.window
    ask_exchange(terminal.exchange(), "faults", {"refuse": True})
    ask_exchange(terminal.exchange(), "cut", {})
    terminal.until(lambda: terminal.state.entry_locked is not None, "entry locked")
    terminal.until(lambda: terminal.state.market(BTC).stale, "the market is stale")
    terminal.until(lambda: not window.ticket.submit_button.isEnabled(), "the ticket is shut")
    ask_exchange(terminal.exchange(), "faults", {"refuse": False})
    terminal.until(lambda: terminal.state.entry_locked is None, "entry open again")
    terminal.until(lambda: not terminal.state.market(BTC).stale, "the market lives again")
    terminal.until(lambda: terminal.state.market(BTC).book.valid, "a sound book")
    terminal.assert_balances_agree()


def test_history_fills_the_chart_before_the_eye(terminal: Terminal) -> None:
    """The chart has its candles, and those of an hour after a key."""
    chart = terminal.window.chart.chart
    terminal.until(lambda: len(chart.series) > 300, "minutes of history")
    terminal.window.run("chart.interval_1h")
    hour = 3_600_000_000_000
    terminal.until(lambda: len(chart.series) > 300 and int(chart.series.times[1] - chart.series.times[0]) == hour, "1h")


def test_a_scale_is_placed_changed_and_killed_by_keys(terminal: Terminal) -> None:
    """Three orders from one Enter, one moved by F2, all gone with the kill switch; HALTED after a restart, too."""
    window, ticket = terminal.window, terminal.window.ticket
    bid, _ = terminal.state.market(BTC).touch
    terminal.press(Qt.Key.Key_B)
    terminal.press(Qt.Key.Key_E, Qt.KeyboardModifier.AltModifier)
    ticket.amount.setText("0.06")
    for name, text in (("first", f"{bid * 0.98:.2f}"), ("last", f"{bid * 0.97:.2f}"), ("count", "3")):
        ticket.extras.fields[name].setText(text)
    ticket.amount.setFocus()
    terminal.until(ticket.submit_button.isEnabled, "the ticket is ready")
    terminal.until(lambda: "Held here" in ticket.verdict.text(), "the engine's word on who holds it")
    terminal.press(Qt.Key.Key_Return)
    terminal.until(lambda: len(terminal.truth()["openOrders"]) == 3, "three orders at the exchange")
    terminal.until(lambda: len(terminal.state.working) == 3, "three orders on the screen")
    rungs = [order.intent.price for order in terminal.state.working.values()]
    (algo,) = terminal.state.algos.values()
    spec = algo.spec
    assert rungs == [price for price, _ in spec.rungs(terminal.state.instruments[BTC])]

    terminal.press(Qt.Key.Key_7, CTRL)
    terminal.until(lambda: len(window.open_orders.model.rows) == 3, "three orders in the table")
    terminal.until(
        lambda: all(order.status is OrderStatus.ACCEPTED for order in terminal.state.working.values()), "accepted"
    )
    terminal.press(Qt.Key.Key_F2)
    dialog = window.findChild(AmendDialog)
    assert dialog is not None
    moved = f"{bid * 0.96:.2f}"
    dialog.entries["price"].setText(moved)
    QTest.keyClick(dialog.entries["price"], Qt.Key.Key_Return)
    terminal.until(
        lambda: any(Decimal(each["price"]) == Decimal(moved) for each in terminal.truth()["openOrders"]), "moved"
    )

    terminal.until(lambda: not dialog.isVisible(), "the dialog is gone")
    window.activateWindow()  # as a window manager does
    terminal.until(lambda: QApplication.activeWindow() is window, "the window in front")
    terminal.press(Qt.Key.Key_K, CTRL | SHIFT)
    terminal.until(lambda: not terminal.truth()["openOrders"], "no order at the exchange")
    done = KillStep.VERIFY_CANCELED
    terminal.until(lambda: done in terminal.state.kill and terminal.state.kill[done].done, "verified")
    terminal.until(lambda: window.kill_panel.rows[done][0].text() == "●", "seen in the panel")
    assert terminal.state.level.level is TradingLevel.HALTED
    assert all(each.status.is_over for each in terminal.state.algos.values())
    terminal.restart()
    terminal.until(lambda: terminal.window.top.level.level is TradingLevel.HALTED, "still halted")
    assert terminal.window.kill_panel.isHidden()
    terminal.press(Qt.Key.Key_A, CTRL | Qt.KeyboardModifier.AltModifier)
    terminal.until(lambda: terminal.window.top.level.level is TradingLevel.ACTIVE, "active again")
    terminal.assert_balances_agree()
