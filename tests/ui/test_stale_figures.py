"""What is worked out from a price that is stale looks stale, in both themes, and comes back with the price."""

from __future__ import annotations

import time

import msgspec
import pytest
from conftest import OpenWindow, settle
from pictures import has_colour, image
from PySide6.QtWidgets import QApplication, QLabel
from scripted_day import scripted_session
from scripted_market import BTC, SIM
from scripted_node import ScriptedNode

from octopus_desktop.model.account import Balance
from octopus_desktop.model.events import (
    Channel,
    Event,
    FeedRecovered,
    FeedStale,
    InstrumentListed,
    Link,
    LinkChanged,
    LinkStatus,
)
from octopus_desktop.model.identifiers import instrument_id
from ui.main_window import MainWindow
from ui.models.table import Table
from ui.panes.balances import BalancesPane
from ui.theme.theme import Theme

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

CHANNELS = (Channel.QUOTES, Channel.TICKER, Channel.BOOK, Channel.TRADES)


def silence(now_ns: int) -> list[Event]:
    return [FeedStale(BTC, channel, now_ns, "silent") for channel in CHANNELS]


def speech(now_ns: int) -> list[Event]:
    return [FeedRecovered(BTC, channel) for channel in CHANNELS]


def cut(now_ns: int) -> list[Event]:
    return [LinkChanged(SIM, Link.MARKET, LinkStatus.DOWN, "cut", now_ns)]


def mend(now_ns: int) -> list[Event]:
    return [LinkChanged(SIM, Link.MARKET, LinkStatus.UP, "", now_ns)]


def figures(window: MainWindow) -> dict[str, QLabel]:
    """What stands outside of tables and comes from a price of now."""
    bar, held = window.bar, window.ticket.held.figures
    return {
        "last": bar.last,
        "change": bar.change.value,
        "high": bar.high.value,
        "low": bar.low.value,
        "volume": bar.volume.value,
        "spread": bar.spread.value,
        "unrealised": held["unrealised"],
    }


def tones(window: MainWindow) -> dict[str, str]:
    return {name: label.property("tone") for name, label in figures(window).items()}


@pytest.mark.parametrize(("ends", "begins"), [(silence, speech), (cut, mend)])
def test_bar_and_ticket_are_grey_while_the_price_is_stale(
    window: MainWindow, node: ScriptedNode, ends: object, begins: object
) -> None:
    """Change, high, low, volume, spread and the position's gain; what was realised stays what it is."""
    assert callable(ends)
    assert callable(begins)
    held = window.ticket.held.figures
    fresh = tones(window)
    assert fresh["change"] == fresh["unrealised"] == "up"
    node.emit(*ends(time.time_ns()))
    settle(window)
    assert set(tones(window).values()) == {"lo"}
    assert window.bar.stale.text().startswith("Stale")
    assert held["realised"].property("tone") == "up"
    assert held["average"].property("tone") == "hi"
    node.emit(*begins(time.time_ns()))
    settle(window)
    came_back = tones(window)
    assert "lo" not in came_back.values(), "without a single trade"
    del came_back["last"], fresh["last"]
    assert came_back == fresh
    assert window.bar.stale.text() == ""


def test_each_figure_follows_its_own_channel(window: MainWindow, node: ScriptedNode) -> None:
    """Trades are silent and the day's ticker is not: the last price is grey, the change of the day is not."""
    node.emit(FeedStale(BTC, Channel.TRADES, time.time_ns(), "silent"))
    settle(window)
    assert (tones(window)["last"], tones(window)["change"]) == ("lo", "up")
    node.emit(FeedRecovered(BTC, Channel.TRADES), FeedStale(BTC, Channel.QUOTES, time.time_ns(), "silent"))
    settle(window)
    assert tones(window)["spread"] == "mid", "the book tells it"


def test_another_instruments_day_is_not_shown_under_this_ones_name(window: MainWindow, node: ScriptedNode) -> None:
    """Of the one chosen nothing came yet: no change, high or spread of the one before stays beside its name."""
    name = instrument_id("NEWUSDT", SIM)
    new = msgspec.structs.replace(node.state.instruments[BTC], instrument_id=name, symbol="NEWUSDT", base="NEW")
    node.emit(InstrumentListed(name, new))
    settle(window)
    window.session.select(name)
    settle(window)
    assert {label.text() for label in figures(window).values()} == {"–"}


@pytest.mark.parametrize("theme_name", ["dark", "light"])
@pytest.mark.parametrize("pane_id", ["positions", "watchlist"])
def test_tables_have_no_colour_while_the_line_is_cut(
    open_terminal: OpenWindow, theme: Theme, theme_name: str, pane_id: str
) -> None:
    """Gain and change lose their green at once: a cut line brings nothing that would repaint them."""
    theme.apply(QApplication.instance(), theme_name)  # type: ignore[arg-type]  # it is one
    node = scripted_session()
    window = open_terminal(node)
    window.focus_pane(pane_id)
    settle(window)
    table = window.panes[pane_id].table  # type: ignore[attr-defined]  # both are tables
    assert isinstance(table, Table)
    up = theme.tokens.up
    assert has_colour(image(table.viewport()), up)
    repainted: list[bool] = []
    table.rows_model.dataChanged.connect(lambda *_: repainted.append(True))
    node.emit(*cut(time.time_ns()))
    settle(window)
    assert repainted
    assert not has_colour(image(table.viewport()), up)
    repainted.clear()
    node.emit(*mend(time.time_ns()))
    settle(window)
    assert repainted
    assert has_colour(image(table.viewport()), up)


def test_what_a_coin_is_worth_is_grey_while_its_price_is_stale(window: MainWindow, node: ScriptedNode) -> None:
    """How many there are is not: and a dollar is worth a dollar."""
    pane = window.panes["balances"]
    assert isinstance(pane, BalancesPane)
    columns = {column.key: column.tone for column in pane.model.columns}
    worth, share = columns["worth"], columns["share"]
    assert worth is not None
    assert share is not None
    rows: dict[str, Balance] = {balance.asset: balance for balance in node.state.balances.values()}
    assert {worth(balance) for balance in rows.values()} == {"text_hi"}
    node.emit(FeedStale(BTC, Channel.TICKER, time.time_ns(), "silent"))
    settle(window)
    assert {asset: worth(balance) for asset, balance in rows.items()} == {
        "BTC": "text_lo",
        "ETH": "text_hi",
        "USDT": "text_hi",
    }
    assert {share(balance) for balance in rows.values()} == {"text_lo"}, "it is a share of a sum with a stale part"
    assert not pane.model.faded(rows["BTC"])
