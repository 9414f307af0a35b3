"""Tables filtered, copied and exported: what is shown leaves the program, and every digit of it."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import settle
from keyboard import CTRL, press
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scripted_node import ScriptedNode
from table_texts import shown

from octopus_desktop.model.identifiers import symbol_of
from octopus_desktop.model.orders import Side
from ui.actions.layout import write_table
from ui.main_window import MainWindow
from ui.models.columns import exported, iso, sortable
from ui.panes.table_pane import TablePane

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


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


def test_numbers_leave_the_program_as_they_are() -> None:
    """Exports never round or group, and sorting knows nothing from no number."""
    assert exported(Decimal("0.00000001")) == "0.00000001"
    assert exported(Decimal("1E+3")) == "1000"
    assert exported(None) == ""
    assert exported(Side.BUY) == "buy"
    assert sortable(None) < sortable(Decimal(-5))  # type: ignore[operator]  # both are floats
    assert iso(1_760_000_000_123_456_789) == "2025-10-09T08:53:20.123456789Z"
