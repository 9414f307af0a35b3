"""Rows that come and go one by one or by thousands, and never jump under the trader's hand."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from conftest import settle
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from scripted_day import place
from scripted_market import BTC
from scripted_node import ScriptedNode

from octopus_desktop.model.events import LogRecorded, Severity, TickerChanged
from octopus_desktop.model.orders import Side
from ui.main_window import MainWindow
from ui.models.cells import PAD
from ui.models.columns import Column, Paint
from ui.models.rows_model import AT_ONCE, RowsModel
from ui.models.table import Table
from ui.panes.table_pane import TablePane
from ui.theme import fonts
from ui.theme.text import TextCache
from ui.theme.theme import Theme

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_a_selection_survives_what_comes_in(window: MainWindow, node: ScriptedNode) -> None:
    """A new order at the top must not move the selection to another one: Del would cancel the wrong order."""
    window.focus_pane("open_orders")
    settle(window)
    table = window.open_orders.table
    place_of_third = table.visualRect(table.model().index(2, 2)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place_of_third)
    (chosen,) = [row.client_order_id for row in table.selected_rows()]
    place(node, BTC, Side.BUY, "67000.00", "0.01")
    place(node, BTC, Side.BUY, "67001.00", "0.01")
    settle(window)
    assert [row.client_order_id for row in window.open_orders.table.selected_rows()] == [chosen]


def test_columns_keep_their_width_when_digits_come(window: MainWindow, node: ScriptedNode) -> None:
    """A longer number doesn't push its neighbours."""
    table = window.watchlist.table
    widths = [table.columnWidth(section) for section in range(6)]
    node.emit(TickerChanged(BTC, 167412.30, 1.0184, 2e5, 1e5, 1e9, 1e14, node.now_ns))
    settle(window)
    assert [table.columnWidth(section) for section in range(6)] == widths


def test_a_long_trade_id_stays_in_its_column(window: MainWindow) -> None:
    """Sixteen digits, as PAPER counts, do not run into the word beside them."""
    pane = window.panes["fills"]
    assert isinstance(pane, TablePane)
    column = next(each for each in pane.table.rows_model.columns if each.key == "trade_id")
    assert TextCache(fonts.numbers(fonts.TABLE)).width("1767225600000123") + 2 * PAD <= column.width


def test_the_log_opens_at_its_newest_line_and_stays_where_somebody_reads(
    window: MainWindow, node: ScriptedNode
) -> None:
    """Three hundred lines came while it was behind other tabs: the last is in sight. Scrolled up, nothing moves."""
    for number in range(300):
        node.emit(LogRecorded(Severity.INFO, "octopus_desktop.node", f"line {number}", node.now_ns + number))
    settle(window)
    window.focus_pane("log")
    settle(window)
    pane = window.panes["log"]
    assert isinstance(pane, TablePane)
    bar = pane.table.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    node.emit(LogRecorded(Severity.INFO, "octopus_desktop.node", "one more", node.now_ns + 300))
    settle(window)
    assert bar.value() == bar.maximum()
    bar.setValue(10)
    node.emit(LogRecorded(Severity.INFO, "octopus_desktop.node", "and one", node.now_ns + 301))
    settle(window)
    assert bar.value() == 10


def test_rows_change_one_by_one(qtbot: QtBot, theme: Theme) -> None:
    """An update touches its own row: nothing is reset, so scroll and selection stay."""
    columns: list[Column[tuple[str, int]]] = [
        Column("name", "Name", lambda row: row[0], lambda row: row[0], 60, Paint.WORDS),
        Column("count", "Count", lambda row: row[1], lambda row: f"{row[1]:,}", 60),
    ]
    model = RowsModel(columns, lambda row: row[0])
    table = Table(theme, model, "Things", sort=("count", True))
    qtbot.addWidget(table)
    model.append([("a", 9), ("b", 10), ("c", 1000)])
    assert [row[0] for row in table.shown_rows()] == ["c", "b", "a"]
    resets: list[int] = []
    model.modelReset.connect(lambda: resets.append(1))
    model.upsert(("a", 5000))
    model.remove("b")
    model.remove("never there")
    model.replace([("a", 5000), ("d", 7)])
    assert [row[0] for row in table.shown_rows()] == ["a", "d"]
    assert resets == []


@pytest.mark.parametrize(
    "broken", ["", "[]", '{"order": []}', '{"order": ["x"], "widths": {"count": "wide"}, "sort": 7}']
)
def test_a_broken_arrangement_is_left_out(qtbot: QtBot, theme: Theme, broken: str) -> None:
    """What an earlier version kept and this one can't read does no harm."""
    columns: list[Column[int]] = [Column("count", "Count", lambda row: row, str, 60)]
    table = Table(theme, RowsModel(columns, lambda row: row), "Things")
    qtbot.addWidget(table)
    table.arrange(broken)
    assert table.columnWidth(0) == 60


def numbers_model() -> RowsModel[tuple[int, str]]:
    """Rows of a number, which is the key, and a word."""
    columns: list[Column[tuple[int, str]]] = [
        Column("number", "Number", lambda row: row[0], lambda row: str(row[0]), 80),
        Column("word", "Word", lambda row: row[1], lambda row: row[1], 80, Paint.WORDS),
    ]
    return RowsModel(columns, lambda row: row[0])


def test_a_long_history_comes_in_slices_the_newest_first(theme: Theme, qtbot: QtBot) -> None:
    """Thousands of orders: the newest are there at once, the rest follows without a standstill, in its order."""
    model = numbers_model()
    table = Table(theme, model, "Numbers", sort=("number", True))
    qtbot.addWidget(table)
    model.append([(number, "old") for number in range(10)])
    sizes: list[int] = []
    model.rowsInserted.connect(lambda parent, first, last: sizes.append(last - first + 1))
    model.append([(number, "new") for number in range(10, 3010)])
    assert [row[0] for row in table.shown_rows()][:AT_ONCE] == list(range(3009, 3009 - AT_ONCE, -1))
    assert len(model.rows) == 10 + AT_ONCE
    model.upsert((20, "changed while it was coming"))
    model.remove(21)
    model.remove(5)
    model.upsert((3010, "newer"))
    qtbot.waitUntil(lambda: len(model.rows) == 3009)
    assert [row[0] for row in model.rows] == [number for number in range(3011) if number not in (5, 21)]
    assert [row[0] for row in table.shown_rows()] == [row[0] for row in reversed(model.rows)]
    assert all(model.place(row[0]) == place for place, row in enumerate(model.rows))
    assert max(sizes) <= AT_ONCE
    place = model.place(20)
    assert place is not None
    assert model.rows[place][1] == "changed while it was coming"


def test_an_export_waits_for_no_slice(theme: Theme, qtbot: QtBot, tmp_path: Path) -> None:
    """Exported a moment after the table came up, every row is in the file."""
    model = numbers_model()
    table = Table(theme, model, "Numbers")
    qtbot.addWidget(table)
    model.append([(number, "") for number in range(3000)])
    assert table.export(tmp_path / "numbers.csv") == 3000
    with (tmp_path / "numbers.csv").open(newline="") as file:
        assert [int(row["number"]) for row in csv.DictReader(file)] == list(range(3000))


def test_what_is_coming_gives_way_to_another_table(theme: Theme, qtbot: QtBot) -> None:
    """A table filled anew while its last rows still come shows the new ones only."""
    model = numbers_model()
    model.append([(number, "") for number in range(3000)])
    model.replace([(number, "") for number in range(2990, 2995)])
    model.flush()
    assert [row[0] for row in model.rows] == list(range(2990, 2995))
