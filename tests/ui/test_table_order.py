"""Tables in the order the trader wants: by mouse and by keys, kept, and with what is selected in sight."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from conftest import OpenWindow, settle
from keyboard import CTRL, press
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from scripted_day import place, scripted_session
from scripted_market import BTC
from scripted_node import ScriptedNode

from octopus_desktop.model.orders import Side
from ui.main_window import MainWindow
from ui.models.columns import Paint, sortable
from ui.models.table import Table
from ui.panes.all_panes import PANE_CLASSES
from ui.panes.table_pane import TablePane

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_a_click_on_a_title_sorts_by_the_number_not_the_text(window: MainWindow, qtbot: QtBot) -> None:
    """9 comes before 10, and 66,400 before 67,390.00: columns sort by what they mean."""
    window.focus_pane("open_orders")
    settle(window)
    table = window.open_orders.table
    header = table.horizontalHeader()
    section = next(place for place, column in enumerate(table.rows_model.columns) if column.key == "price")
    for _ in range(2):
        middle = header.sectionViewportPosition(section) + header.sectionSize(section) // 2
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=header.rect().center().__class__(middle, 10))
        settle(window)
        prices = [order.intent.price for order in table.shown_rows()]
        descending = header.sortIndicatorOrder() is Qt.SortOrder.DescendingOrder
        assert prices == sorted(prices, reverse=descending)
    assert Decimal("3550.00") in prices


def sorted_by(table: Table[Any]) -> tuple[str | None, bool]:
    """The column in whose order the rows stand, and whether downwards."""
    header = table.horizontalHeader()
    section = header.sortIndicatorSection()
    key = table.rows_model.columns[section].key if section >= 0 else None
    return key, header.sortIndicatorOrder() is Qt.SortOrder.DescendingOrder


@pytest.mark.parametrize("pane_id", [each.pane_id for each in PANE_CLASSES if issubclass(each, TablePane)])
def test_every_table_is_sorted_by_keys(window: MainWindow, pane_id: str) -> None:
    """> and < go through the columns on the screen and round the end, I turns the order round."""
    window.focus_pane(pane_id)
    settle(window)
    pane = window.panes[pane_id]
    assert isinstance(pane, TablePane)
    table, header = pane.table, pane.table.horizontalHeader()
    first = sorted_by(table)
    on_screen = [
        column.key
        for section, column in enumerate(table.rows_model.columns)
        if not header.isSectionHidden(section) and column.paint is not Paint.SPARKLINE
    ]
    round_trip = [first[0]]
    for _ in range(len(on_screen) + (first[0] is None)):
        press(window, Qt.Key.Key_Greater)
        key, descending = sorted_by(table)
        assert descending == first[1]
        if key is not None:
            column = next(each for each in table.rows_model.columns if each.key == key)
            ranks = [sortable((column.rank or column.raw)(row)) for row in table.shown_rows()]
            ranks = [rank.casefold() if isinstance(rank, str) else rank for rank in ranks]
            assert ranks == sorted(ranks, reverse=descending), key  # type: ignore[type-var]  # of one kind in a column
        else:
            assert table.shown_rows() == list(table.rows_model.rows)
        round_trip.append(key)
    assert round_trip[0] == round_trip[-1]
    assert {key for key in round_trip if key is not None} == set(on_screen)
    for key in reversed(round_trip[:-1]):
        press(window, Qt.Key.Key_Less)
        assert sorted_by(table) == (key, first[1])
    press(window, Qt.Key.Key_Greater)
    press(window, Qt.Key.Key_I)
    assert sorted_by(table) == (round_trip[1], not first[1])


def test_an_order_by_keys_is_there_after_a_restart(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """As it is of one by the mouse; and columns come in the order the trader put them in."""
    first = open_terminal(node)
    press(first, Qt.Key.Key_7, CTRL)
    header = first.open_orders.table.horizontalHeader()
    keys = [column.key for column in first.open_orders.model.columns]
    header.moveSection(keys.index("price"), header.visualIndex(keys.index("time")) + 1)
    press(first, Qt.Key.Key_Greater)
    press(first, Qt.Key.Key_I)
    assert sorted_by(first.open_orders.table) == ("price", False)
    first.session.save_now()
    second = open_terminal(scripted_session(settings=dict(node.settings)))
    assert sorted_by(second.open_orders.table) == ("price", False)


def test_the_order_that_del_means_stays_in_sight_in_another_order(
    open_terminal: OpenWindow, node: ScriptedNode
) -> None:
    """The selected row moves to the other end of the table, and the table with it."""
    for number in range(60):
        place(node, BTC, Side.BUY, f"{60000 + number}", "0.01")
    window = open_terminal(node, size=(1280, 720))
    press(window, Qt.Key.Key_7, CTRL)
    table = window.open_orders.table
    press(window, Qt.Key.Key_Home)
    chosen = table.selected_rows()
    press(window, Qt.Key.Key_I)
    assert table.selected_rows() == chosen
    assert table.currentIndex().row() > 30
    assert table.viewport().rect().contains(table.visualRect(table.currentIndex()).center())


def test_the_title_of_the_order_comes_into_view(window: MainWindow) -> None:
    """In a table that is narrower than its columns the one that is sorted by is seen."""
    window.docks["open_orders"].setFloating(True)
    window.docks["open_orders"].resize(300, 200)
    press(window, Qt.Key.Key_7, CTRL)
    table = window.open_orders.table
    header = table.horizontalHeader()
    assert table.horizontalScrollBar().maximum() > 0
    for _ in range(header.count()):
        press(window, Qt.Key.Key_Less)
        left = header.sectionViewportPosition(header.sortIndicatorSection())
        assert 0 <= left < table.viewport().width()


def test_keys_of_tables_say_where_they_count(window: MainWindow) -> None:
    """Chosen in the palette while the chart has the keyboard, they name what is missing and change no table."""
    press(window, Qt.Key.Key_1, CTRL)
    before = [sorted_by(pane.table) for pane in window.panes.values() if isinstance(pane, TablePane)]
    for action in ("table.sort_next", "table.sort_previous", "table.sort_turn", "table.filter", "table.copy"):
        window.run(action)
        assert window.toasts.toasts[-1].title == "No table is in front", action
        window.toasts.dismiss_newest()
    assert [sorted_by(pane.table) for pane in window.panes.values() if isinstance(pane, TablePane)] == before
