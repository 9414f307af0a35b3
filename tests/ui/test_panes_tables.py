"""Tables: sorted, filtered, copied, exported, and never jumping under the trader's hand."""

from __future__ import annotations

import csv
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import OpenWindow, settle
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionComboBox
from pytestqt.qtbot import QtBot
from scripted_day import connect, place, scripted_session
from scripted_market import BTC, ETH, SIM, SOL, list_market
from scripted_node import ScriptedNode, demo_profile

from octopus_desktop.model.account import Balance
from octopus_desktop.model.commands import Unsubscribe
from octopus_desktop.model.errors import LinkError
from octopus_desktop.model.events import (
    BalanceChanged,
    Channel,
    FeedRecovered,
    FeedStale,
    LogRecorded,
    QuoteChanged,
    Severity,
    TickerChanged,
)
from octopus_desktop.model.identifiers import symbol_of
from octopus_desktop.model.orders import Side
from ui.actions.layout import write_table
from ui.main_window import MainWindow
from ui.models.cells import PAD
from ui.models.columns import Column, Paint, exported, iso, sortable
from ui.models.rows_model import AT_ONCE, RowsModel
from ui.models.table import Table
from ui.panes.all_panes import PANE_CLASSES
from ui.panes.book import BookPane
from ui.panes.table_pane import TablePane
from ui.theme import fonts
from ui.theme.text import TextCache
from ui.theme.theme import Theme

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

CTRL = Qt.KeyboardModifier.ControlModifier


def shown(window: MainWindow, pane_id: str, column: str) -> list[str]:
    """The texts of a column, as they stand on the screen."""
    pane = window.panes[pane_id]
    assert isinstance(pane, TablePane)
    spec = next(each for each in pane.table.rows_model.columns if each.key == column)
    return [spec.text(row) for row in pane.table.shown_rows()]


def press(window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or window, key, modifiers)
    settle(window)


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


def test_the_filter_keeps_what_holds_the_text(window: MainWindow) -> None:
    """Ctrl+F, some letters: only the rows that hold them; Esc shows all again and gives the keyboard back."""
    press(window, Qt.Key.Key_9, CTRL)
    count = len(shown(window, "fills", "instrument"))
    press(window, Qt.Key.Key_F, CTRL)
    QTest.keyClicks(QApplication.focusWidget(), "sol")
    settle(window)
    assert set(shown(window, "fills", "instrument")) == {"SOLUSDT"}
    press(window, Qt.Key.Key_Escape)
    press(window, Qt.Key.Key_Escape)
    assert len(shown(window, "fills", "instrument")) == count
    assert QApplication.focusWidget() is window.panes["fills"].focus_target()


def test_a_filter_that_fits_nothing_says_so(window: MainWindow) -> None:
    """An empty table is never a blank rectangle."""
    window.focus_pane("fills")
    settle(window)
    pane = window.panes["fills"]
    assert isinstance(pane, TablePane)
    pane.filter_edit.setText("nothing like it")
    assert pane.overlay.state == "empty"
    assert "nothing like it" in pane.overlay.text


def test_selected_rows_are_copied_for_a_spreadsheet(window: MainWindow) -> None:
    """Ctrl+C puts the chosen rows on the clipboard, tab-separated under their titles, every digit as it is."""
    press(window, Qt.Key.Key_9, CTRL)
    press(window, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    press(window, Qt.Key.Key_C, CTRL)
    lines = QApplication.clipboard().text().splitlines()
    assert len(lines) == 3
    assert lines[0].split("\t")[:4] == ["Time", "Instrument", "Side", "Price"]
    fills = window.panes["fills"]
    assert isinstance(fills, TablePane)
    for line, fill in zip(lines[1:], fills.table.selected_rows(), strict=True):
        cells = line.split("\t")
        assert cells[:3] == [iso(fill.ts_venue_ns), symbol_of(fill.instrument_id), fill.side.value]
        assert cells[3:6] == [exported(each) for each in (fill.price, fill.quantity, fill.price * fill.quantity)]
    assert [toast.text for toast in window.toasts.toasts if toast.title == "2 rows copied"] == [""]


def test_a_copy_of_a_filtered_table_says_so(window: MainWindow) -> None:
    """Without a selection all that is shown is copied, and the message tells that there is more."""
    pane = window.panes["fills"]
    assert isinstance(pane, TablePane)
    window.focus_pane("fills")
    settle(window)
    pane.filter_edit.setText("sol")
    pane.table.clearSelection()
    window.run("table.copy")
    count = len(pane.table.shown_rows())
    assert len(QApplication.clipboard().text().splitlines()) == count + 1
    toast = window.toasts.toasts[-1]
    assert toast.title.startswith(f"{count} row")
    assert toast.text == f"The filter is on: of {len(pane.table.rows_model.rows)} rows those that hold “sol”."


def test_an_export_is_what_is_shown_with_every_digit(window: MainWindow, node: ScriptedNode, tmp_path: Path) -> None:
    """The CSV has the rows of the screen in its order, numbers unrounded and ungrouped, times to the nanosecond."""
    window.focus_pane("fills")
    settle(window)
    pane = window.panes["fills"]
    assert isinstance(pane, TablePane)
    write_table(window, pane, tmp_path / "fills.csv")
    toast = window.toasts.toasts[-1]
    assert (toast.title, toast.text) == (f"{len(node.state.fills)} rows exported", str(tmp_path / "fills.csv"))
    for column, order in ((3, Qt.SortOrder.AscendingOrder), (3, Qt.SortOrder.DescendingOrder)):
        pane.table.sortByColumn(column, order)
        write_table(window, pane, tmp_path / "fills.csv")
        with (tmp_path / "fills.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        shown_fills = pane.table.shown_rows()
        assert len(rows) == len(shown_fills) == len(node.state.fills)
        for row, fill in zip(rows, shown_fills, strict=True):
            assert Decimal(row["price"]) == fill.price
            assert Decimal(row["fee"]) == fill.fee
            assert row["time"] == iso(fill.ts_venue_ns)
            assert row["side"] == fill.side.value
        prices = [Decimal(row["price"]) for row in rows]
        assert prices == sorted(prices, reverse=order is Qt.SortOrder.DescendingOrder)


def test_an_export_leaves_out_what_the_filter_hides_and_says_so(window: MainWindow, tmp_path: Path) -> None:
    """Whoever filtered by an instrument gets that instrument, and is told that there was more."""
    pane = window.panes["fills"]
    assert isinstance(pane, TablePane)
    window.focus_pane("fills")
    settle(window)
    pane.filter_edit.setText("SOL")
    write_table(window, pane, tmp_path / "fills.csv")
    with (tmp_path / "fills.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["instrument"] for row in rows} == {"SOLUSDT"}
    assert len(rows) < len(pane.table.rows_model.rows)
    toast = window.toasts.toasts[-1]
    assert toast.title.startswith(f"{len(rows)} row")
    said = f"The filter is on: of {len(pane.table.rows_model.rows)} rows those that hold “SOL”."
    assert toast.text == f"{tmp_path / 'fills.csv'}. {said}"


def test_an_export_that_cannot_be_written_is_said(window: MainWindow, tmp_path: Path) -> None:
    """A full disk or a missing folder is a sentence, and the table stays as it is."""
    pane = window.panes["fills"]
    assert isinstance(pane, TablePane)
    write_table(window, pane, tmp_path / "nowhere" / "fills.csv")
    toast = window.toasts.toasts[-1]
    assert (toast.kind, toast.title) == ("error", "Fills is not exported")
    assert "No such file" in toast.text


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


def test_positions_tell_what_was_won_and_what_would_be(window: MainWindow, node: ScriptedNode) -> None:
    """Average entry, mark and both kinds of profit follow the middle of the market, with their signs."""
    window.focus_pane("positions")
    node.now_ns += 1_000_000
    node.emit(QuoteChanged(BTC, 67511.4125, 1.0, 67511.5125, 1.0, node.now_ns, node.now_ns))
    settle(window)
    row = shown(window, "positions", "instrument").index("BTCUSDT")
    assert shown(window, "positions", "quantity")[row] == "+0.20000"
    assert shown(window, "positions", "average")[row] == "67,011.46"
    assert shown(window, "positions", "unrealised")[row] == "+100.00"
    assert shown(window, "positions", "realised")[row] == "+25.99"
    flat = shown(window, "positions", "instrument").index("SOLUSDT")
    assert shown(window, "positions", "side")[flat] == "Flat"
    assert shown(window, "positions", "realised")[flat] == "+156.00"


def test_balances_say_what_the_account_is_worth(window: MainWindow, node: ScriptedNode) -> None:
    """Free, locked and total, and their value at the last price; a change shows in the next frame."""
    window.focus_pane("balances")
    settle(window)
    node.emit(BalanceChanged(Balance(SIM, "BTC", Decimal("1.5"), Decimal("0.5"), node.now_ns)))
    settle(window)
    row = shown(window, "balances", "asset").index("BTC")
    assert shown(window, "balances", "total")[row] == "2.00000000"
    last = node.state.market(BTC).last_price
    assert last is not None
    assert shown(window, "balances", "worth")[row] == f"{last * 2:,.2f}"
    assert shown(window, "balances", "asset")[0] == "BTC"


def test_the_tab_counts_what_is_in_it(window: MainWindow, node: ScriptedNode) -> None:
    """The tabs say how many orders are open and how many positions are held, also from behind."""
    assert window.docks["open_orders"].windowTitle() == "Open orders 5"
    assert window.docks["positions"].windowTitle() == "Positions 2"
    window.open_orders.cancel_all()
    settle(window)
    assert window.docks["open_orders"].windowTitle() == "Open orders"


def test_prices_go_on_where_only_the_ticker_and_quotes_do(window: MainWindow, node: ScriptedNode) -> None:
    """Trades come only of the instrument on the screen: the others' last price, mark and gain follow what does come."""
    node.now_ns += 5_000_000_000
    node.emit(TickerChanged(ETH, 3600.0, 0.02, 3700.0, 3400.0, 1e5, 3.6e8, node.now_ns))
    node.emit(QuoteChanged(ETH, 3599.9, 1.0, 3600.1, 1.0, node.now_ns, node.now_ns))
    settle(window)
    place_of = shown(window, "watchlist", "instrument").index("ETHUSDT")
    assert shown(window, "watchlist", "last")[place_of] == "3,600.00"
    held = shown(window, "positions", "instrument").index("ETHUSDT")
    assert shown(window, "positions", "mark")[held] == "3,600.00"
    row = next(row for row in window.positions.model.rows if row.instrument_id == ETH)
    assert shown(window, "positions", "unrealised")[held] == f"+{(3600 - row.average_price) * row.quantity:,.2f}"


def test_old_prices_in_tables_are_grey_and_say_their_age(window: MainWindow, node: ScriptedNode) -> None:
    """The venue is silent: watchlist and positions say so, and are as before when it is back."""
    panes = (window.watchlist, window.positions)
    assert [pane.overlay.state for pane in panes] == ["live", "live"]
    node.emit(FeedStale(ETH, Channel.QUOTES, node.now_ns - 4_000_000_000, "silent"))
    settle(window)
    for pane in panes:
        assert pane.overlay.state == "stale"
        grey = [name for name in pane.priced() if pane.model.faded(pane.model.rows[pane.model.place(name) or 0])]
        assert grey == [ETH]
    node.emit(FeedRecovered(ETH, Channel.QUOTES))
    settle(window)
    assert [pane.overlay.state for pane in panes] == ["live", "live"]
    assert not any(window.watchlist.model.faded(row) for row in window.watchlist.model.rows)


def test_a_held_instrument_keeps_its_price_out_of_the_watchlist(window: MainWindow, node: ScriptedNode) -> None:
    """Taken from the list while a position is open: its gain goes on, so its prices do."""
    session = window.session
    gone = [name for name in session.watchlist if name in (ETH, SOL)]
    assert len(gone) == 2, "one held with orders, one flat"
    session.set_watchlist([name for name in session.watchlist if name not in gone])
    ended = {command.instrument_id for command in node.of(Unsubscribe)}
    assert SOL in ended
    assert ETH not in ended


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


def test_the_watchlist_is_the_traders_own(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """Del takes an instrument off the list, a search puts one on it, and the next start has the same list."""
    window = open_terminal(node)
    window.focus_pane("watchlist")
    settle(window)
    QTest.keyClick(window.watchlist.table, Qt.Key.Key_Down)
    press(window, Qt.Key.Key_Delete)
    assert "ETHUSDT" not in shown(window, "watchlist", "instrument")
    window.session.save_now()
    again = ScriptedNode(demo_profile(), node.settings)
    list_market(again)
    connect(again)
    second = open_terminal(again)
    assert "ETHUSDT" not in shown(second, "watchlist", "instrument")
    second.session.select(ETH)
    settle(second)
    assert shown(second, "watchlist", "instrument")[-1] == "ETHUSDT"


def test_the_instrument_on_the_screen_stays_on_the_list(window: MainWindow) -> None:
    """What is being traded can't vanish from the watchlist by one key."""
    window.focus_pane("watchlist")
    settle(window)
    press(window, Qt.Key.Key_Delete)
    assert "BTCUSDT" in shown(window, "watchlist", "instrument")
    assert "stays" in window.toasts.toasts[-1].title


def test_only_what_is_watched_is_streamed(open_terminal: OpenWindow) -> None:
    """A venue with thousands of instruments is not asked for all of them."""
    node = ScriptedNode(demo_profile(), {"watchlist": f'["{SOL}"]', "instrument": SOL})
    list_market(node)
    connect(node)
    open_terminal(node)
    asked = {command.instrument_id for command in node.commands if hasattr(command, "instrument_id")}
    assert asked == {SOL}


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


def test_numbers_leave_the_program_as_they_are() -> None:
    """Exports never round or group, and sorting knows nothing from no number."""
    assert exported(Decimal("0.00000001")) == "0.00000001"
    assert exported(Decimal("1E+3")) == "1000"
    assert exported(None) == ""
    assert exported(Side.BUY) == "buy"
    assert sortable(None) < sortable(Decimal(-5))  # type: ignore[operator]  # both are floats
    assert iso(1_760_000_000_123_456_789) == "2025-10-09T08:53:20.123456789Z"


def test_a_day_that_did_not_come_is_asked_for_again(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """The sparklines of the watchlist come as soon as the venue answers, and go on with the day."""
    node.candle_answer = LinkError("cut")
    window = open_terminal(node)
    rows = window.watchlist.model.rows
    assert rows
    assert all(row.trend() is None for row in rows)
    node.candle_answer = None
    now_ns = time.time_ns()
    window.watchlist.each_second(window.session.state, now_ns + 31_000_000_000)
    settle(window)
    assert all(row.trend() is not None for row in rows)
    asked = len(node.queries)
    window.watchlist.each_second(window.session.state, rows[0].ask_at_ns - 1)
    assert len(node.queries) == asked
    window.watchlist.each_second(window.session.state, max(row.ask_at_ns for row in rows))
    assert len(node.queries) == asked + len(rows)


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


def test_the_height_of_the_books_rows_can_be_read(window: MainWindow) -> None:
    """The smallest tick of a cheap coin stands in its box as a whole, also after another instrument was shown."""
    book = window.panes["book"]
    assert isinstance(book, BookPane)
    for symbol in ("ETHUSDT", "DOGEUSDT"):
        name = next(name for name in window.session.state.instruments if symbol in name)
        window.session.select(name)
        settle(window)
        box = book.grouping
        option = QStyleOptionComboBox()
        box.initStyleOption(option)
        field = box.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, box
        )
        texts = [box.itemText(place) for place in range(box.count())]
        assert field.width() >= max(box.fontMetrics().horizontalAdvance(text) for text in texts), texts


def test_a_long_trade_id_stays_in_its_column(window: MainWindow) -> None:
    """Sixteen digits, as PAPER counts, do not run into the word beside them."""
    pane = window.panes["fills"]
    assert isinstance(pane, TablePane)
    column = next(each for each in pane.table.rows_model.columns if each.key == "trade_id")
    assert TextCache(fonts.numbers(fonts.TABLE)).width("1767225600000123") + 2 * PAD <= column.width
