"""Positions and balances: what is held, what it is worth at the prices of now, and how old those are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from conftest import settle
from scripted_market import BTC, ETH, SIM
from scripted_node import ScriptedNode
from table_texts import shown

from octopus_desktop.model.account import Balance
from octopus_desktop.model.events import BalanceChanged, Channel, FeedRecovered, FeedStale, QuoteChanged, TickerChanged
from ui.main_window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


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
