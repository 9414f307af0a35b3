"""The watchlist is the trader's own, and what is on it or held is what is streamed."""

from __future__ import annotations

import time

import pytest
from conftest import OpenWindow, settle
from keyboard import press
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from scripted_day import connect
from scripted_market import ETH, SOL, list_market
from scripted_node import ScriptedNode, demo_profile
from table_texts import shown

from octopus_desktop.model.commands import Unsubscribe
from octopus_desktop.model.errors import LinkError
from ui.main_window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


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


def test_a_held_instrument_keeps_its_price_out_of_the_watchlist(window: MainWindow, node: ScriptedNode) -> None:
    """Taken from the list while a position is open: its gain goes on, so its prices do."""
    session = window.session
    gone = [name for name in session.watchlist if name in (ETH, SOL)]
    assert len(gone) == 2, "one held with orders, one flat"
    session.set_watchlist([name for name in session.watchlist if name not in gone])
    ended = {command.instrument_id for command in node.of(Unsubscribe)}
    assert SOL in ended
    assert ETH not in ended


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
