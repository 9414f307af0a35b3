"""Thousands of orders: the screen shows what changed of them, and says much in few words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from conftest import settle
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_day import place
from scripted_market import BTC, ETH
from scripted_node import ScriptedNode

from octopus_desktop.model.events import OrderCanceled
from octopus_desktop.model.orders import Side
from ui.bursts import Bursts
from ui.chart.scene import ChartOrder
from ui.main_window import MainWindow
from ui.models.rows_model import RowsModel

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def own_prices(window: MainWindow) -> list[float]:
    return sorted(order.price for order in window.chart.chart._orders.orders)


def test_chart_and_book_follow_each_order(window: MainWindow, node: ScriptedNode) -> None:
    """An order that comes, is filled in part, or goes is so on the chart and in the book, and no other is touched."""
    before = own_prices(window)
    order_id = place(node, BTC, Side.BUY, "67412.00", "0.4")
    place(node, ETH, Side.BUY, "3400.00", "1")
    settle(window)
    assert own_prices(window) == sorted([*before, 67412.0])
    assert window.panes["book"].view._own[67412.0] == 0.4
    node.fill(order_id, Decimal(67412), Decimal("0.1"), complete=False)
    settle(window)
    (order,) = [each for each in window.chart.chart._orders.orders if each.order_id == order_id]
    assert order.quantity == "0.30000"
    node.emit(OrderCanceled(order_id, node.now_ns))
    settle(window)
    assert own_prices(window) == before
    window.session.select(ETH)
    settle(window)
    assert 3400.0 in own_prices(window)
    assert 67390.0 not in own_prices(window)


def test_orders_that_would_cover_each_other_are_one_line(window: MainWindow, node: ScriptedNode) -> None:
    """Of hundreds of orders the chart draws as many lines as can be told apart, each with its number of orders."""
    for number in range(300):
        place(node, BTC, Side.BUY if number % 2 else Side.SELL, f"{67200 + number * 1.4:.2f}", "0.01")
    settle(window)
    layer, scene = window.chart.chart._orders, window.chart.chart._scene
    inside = [order for order in layer.orders if scene.viewport.low <= order.price <= scene.viewport.high]
    shown = [order for order, _ in layer._shown(scene)]
    counts = [int(order.quantity.split()[0]) if "orders" in order.quantity else 1 for order in shown]
    assert len(inside) > 60
    assert sum(counts) == len(inside)
    assert len(shown) <= 2 * (scene.viewport.height // 16 + 1)
    assert all(isinstance(order, ChartOrder) for order in shown)


def test_messages_that_come_by_the_dozen_are_counted(qtbot: QtBot) -> None:
    """The first two are told singly, those of the same second in one sentence; a lone one keeps its own words."""
    told: list[str] = []
    bursts = Bursts(told.append)
    for number in range(7):
        bursts.take("{} orders filled", lambda number=number: told.append(f"filled {number}"))
    bursts.take("{} orders placed", lambda: told.append("placed"))
    assert told == ["filled 0", "filled 1", "placed"]
    bursts.flush()
    assert told[3:] == ["5 orders filled"]
    bursts.take("{} orders placed", lambda: told.append("placed again"))
    bursts.take("{} orders placed", lambda: told.append("and again"))
    bursts.flush()
    assert told[4:] == ["placed again", "and again"]


def test_rows_know_their_places_after_any_change(qapp: QApplication) -> None:
    """Whatever comes and goes, each key leads to its row."""
    model = RowsModel[tuple[int, str]]([], lambda row: row[0])
    model.append((number, "old") for number in range(200))
    model.flush()
    for key in (0, 57, 58, 199, 130):
        model.remove(key)
    model.upsert((57, "new"))
    model.upsert((60, "changed"))
    model.drop_first(3)
    assert len(model.rows) == 193
    assert [model.place(key) for key, _ in model.rows] == list(range(193))
    assert [model.place(key) for key in (0, 1, 58, 130)] == [None] * 4
    assert model.rows[model.place(60) or 0] == (60, "changed")
