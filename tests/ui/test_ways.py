"""The ways through the window: to a pane, an instrument, a timeframe, by keys and mouse."""

from __future__ import annotations

import pytest
from conftest import settle
from keyboard import CTRL, press
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QWidget
from scripted_market import BTC, ETH, SOL
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import Subscribe, Unsubscribe
from octopus_desktop.model.events import (
    Channel,
)
from octopus_desktop.model.identifiers import Interval
from octopus_desktop.model.queries import CandlesQuery
from ui.main_window import MainWindow

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
DIGITS = [Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4, Qt.Key.Key_5, Qt.Key.Key_6, Qt.Key.Key_7]


def test_every_pane_is_reached_by_its_key(window: MainWindow) -> None:
    """Ctrl and a digit puts the keyboard into a pane, in front of the other tabs."""
    pane_ids = ["chart", "watchlist", "book", "tape", "ticket", "positions", "open_orders"]
    for key, pane_id in zip(DIGITS, pane_ids, strict=True):
        press(window, key, CTRL)
        focused = window.focused_pane()
        assert focused is not None
        assert focused.pane_id == pane_id
        assert focused.is_seen()
        assert [dock.pane.pane_id for dock in window.docks.values() if dock.active] == [pane_id]


def test_f6_walks_through_what_can_be_seen(window: MainWindow) -> None:
    """F6 goes round the panes on the screen and never into one behind other tabs."""
    seen = []
    for _ in range(6):
        press(window, Qt.Key.Key_F6)
        pane = window.focused_pane()
        assert pane is not None
        seen.append(pane.pane_id)
    assert sorted(seen) == sorted(["chart", "watchlist", "book", "tape", "ticket", "positions"])


def test_a_closed_pane_comes_back_from_the_menu(window: MainWindow) -> None:
    """View → Panes shows and closes panes, and its check marks tell which are open."""
    window.focus_pane("tape")
    press(window, Qt.Key.Key_W, CTRL)
    assert window.docks["tape"].isHidden()
    item = window.menus.actions["pane.show_tape"]
    window.menus._check()
    assert not item.isChecked()
    item.trigger()
    settle(window)
    assert window.panes["tape"].is_seen()


def test_the_instrument_chosen_is_shown_by_every_pane(window: MainWindow, node: ScriptedNode) -> None:
    """Return in the watchlist changes chart, book, tape, ticket and bar, and what is streamed."""
    press(window, Qt.Key.Key_2, CTRL)
    press(window, Qt.Key.Key_Down)
    press(window, Qt.Key.Key_Return)
    assert window.session.instrument is not None
    assert window.session.instrument.instrument_id == ETH
    assert window.bar.name.text().startswith("ETHUSDT")
    assert "ETHUSDT" in window.chart.chart.accessibleName()
    assert window.ticket.unit._segments[0].label == "ETH"
    assert window.panes["tape"].view.prints[0].price < 4000
    assert window.panes["book"].view._bids[0].price < 4000
    for channel in (Channel.BOOK, Channel.TRADES):
        assert Subscribe(ETH, channel) in node.commands
        assert Unsubscribe(BTC, channel) in node.commands
    assert Subscribe(ETH, Channel.CANDLES, Interval.M1) in node.commands
    assert any(isinstance(query, CandlesQuery) and query.instrument_id == ETH for query in node.queries)


def test_a_click_in_the_watchlist_chooses(window: MainWindow) -> None:
    """The mouse does what Return does."""
    table = window.watchlist.table
    place = table.visualRect(table.model().index(2, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle(window)
    assert window.session.instrument is not None
    assert window.session.instrument.instrument_id == SOL


def test_the_timeframe_is_two_keys(window: MainWindow, node: ScriptedNode) -> None:
    """G then 3 shows five-minute candles: asked for, streamed, and marked on the control."""
    window.focus_pane("positions")
    press(window, Qt.Key.Key_G)
    press(window, Qt.Key.Key_3)
    assert window.chart.intervals.value == "5m"
    assert Subscribe(BTC, Channel.CANDLES, Interval.M5) in node.commands
    assert Unsubscribe(BTC, Channel.CANDLES, Interval.M1) in node.commands
    assert window.chart.chart.series.time_at(1) - window.chart.chart.series.time_at(0) == Interval.M5.ns


def test_letters_typed_into_a_field_are_text(window: MainWindow) -> None:
    """B in the filter is a letter, not a new ticket."""
    window.focus_pane("positions")
    press(window, Qt.Key.Key_F, CTRL)
    QTest.keyClicks(QApplication.focusWidget(), "bs")
    settle(window)
    pane = window.focused_pane()
    assert pane is not None
    assert pane.pane_id == "positions"
    assert window.positions.filter_edit.text() == "bs"


def test_every_control_has_a_name_and_a_tooltip(window: MainWindow) -> None:
    """A screen reader finds a name for everything that can be used, and the mouse finds a tooltip."""
    for pane_id in window.docks:
        window.focus_pane(pane_id)
        settle(window)
    for kind in (QAbstractButton, QLineEdit, QComboBox):
        for widget in window.findChildren(kind):
            if widget.isVisibleTo(window) and widget.objectName() != "qt_spinbox_lineedit":
                if _inner(widget):
                    continue
                text = widget.text() if isinstance(widget, QAbstractButton) else ""
                assert widget.accessibleName() or text, _path(widget)
                assert widget.toolTip(), _path(widget)


def _inner(widget: QWidget) -> bool:
    """Buttons that Qt itself puts into tab bars, tables and entries."""
    return type(widget).__module__.startswith("PySide6") and widget.metaObject().className() in (
        "QTableCornerButton",
        "CloseButton",
        "QLineEditIconButton",
        "QToolButton",
    )


def _path(widget: QWidget) -> str:
    names = []
    at: QWidget | None = widget
    while at is not None:
        names.append(f"{at.metaObject().className()}:{at.accessibleName()}")
        at = at.parentWidget()
    return " < ".join(names)
