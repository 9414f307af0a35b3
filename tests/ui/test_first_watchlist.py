"""What a first start watches, and how a name too long for its column is shown."""

from __future__ import annotations

from decimal import Decimal

import pytest
from conftest import OpenWindow, settle
from PySide6.QtCore import QEvent
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from scripted_market import SIM
from scripted_node import ScriptedNode

from octopus_desktop.model.events import InstrumentListed, TickerChanged
from octopus_desktop.model.identifiers import instrument_id, symbol_of
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from ui.main_window import MainWindow
from ui.models.cells import fitted_name
from ui.theme import fonts
from ui.theme.text import TextCache

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

LARGE = ("BTC", "ETH", "SOL", "BNB", "XRP", "DOGE", "ADA", "LINK", "AVAX", "LTC", "TRX", "DOT")


def listed(symbol: str, kind: InstrumentKind, *, quote: str = "USDT", trading: bool = True) -> InstrumentListed:
    name, step = instrument_id(symbol, SIM), Decimal("0.01")
    base = symbol.partition(quote)[0]
    instrument = Instrument(
        name, SIM, symbol, base, quote, kind, step, step, step, Decimal(9000), Decimal(5), trading=trading
    )
    return InstrumentListed(name, instrument)


def watched(window: MainWindow) -> list[str]:
    return [symbol_of(name) for name in window.session.watchlist]


def test_a_venue_of_futures_starts_with_the_large_perpetuals(open_terminal: OpenWindow) -> None:
    """The dated ones are listed behind them, of the same coins: they are not what a trader looks at first."""
    node = ScriptedNode()
    for base in ("BCH", *reversed(LARGE)):
        node.emit(listed(f"{base}USDT", InstrumentKind.PERPETUAL))
    for symbol in ("BTCUSDT_210924", "ETHUSDT_210924"):
        node.emit(listed(symbol, InstrumentKind.FUTURE))
    window = open_terminal(node)
    assert watched(window) == [f"{base}USDT" for base in LARGE]
    assert window.session.instrument is not None
    assert window.session.instrument.symbol == "BTCUSDT"


def test_behind_the_known_ones_comes_what_is_traded_most(open_terminal: OpenWindow) -> None:
    """By the volume of the day where it is known, in the venue's order where it is not; nothing dated or not traded."""
    node = ScriptedNode()
    for base in ("AAA", "BBB", "CCC", "BTC"):
        node.emit(listed(f"{base}USDT", InstrumentKind.PERPETUAL))
    node.emit(listed("BTCBUSD", InstrumentKind.PERPETUAL, quote="BUSD"))
    node.emit(listed("DDDUSDT", InstrumentKind.PERPETUAL, trading=False))
    node.emit(listed("BTCUSDT_210924", InstrumentKind.FUTURE))
    for symbol, volume in (("CCCUSDT", 5e6), ("BTCBUSD", 9e9)):
        node.emit(TickerChanged(instrument_id(symbol, SIM), 1.0, 0.0, 1.0, 1.0, volume, volume, node.now_ns))
    assert watched(open_terminal(node)) == ["BTCUSDT", "CCCUSDT", "AAAUSDT", "BBBUSDT", "BTCBUSD"]


def test_a_long_name_keeps_both_its_ends(open_terminal: OpenWindow) -> None:
    """Which coin and which date: what lies between them gives way, and pointing at it tells all of it."""
    node = ScriptedNode()
    for symbol, kind in (("BTCUSDT", InstrumentKind.PERPETUAL), ("BTCUSDT_210924", InstrumentKind.FUTURE)):
        node.emit(listed(symbol, kind))
    window = open_terminal(node)
    window.session.select(instrument_id("BTCUSDT_210924", SIM))
    settle(window)
    table = window.watchlist.table
    told = {}
    for place in range(2):
        index = table.model().index(place, 0)
        QToolTip.hideText()
        at = table.visualRect(index).center()
        event = QHelpEvent(QEvent.Type.ToolTip, at, table.viewport().mapToGlobal(at))
        QApplication.sendEvent(table.viewport(), event)
        told[index.data()] = QToolTip.text()
    assert told == {"BTCUSDT": "", "BTCUSDT_210924": "BTCUSDT_210924"}


def test_a_name_is_cut_in_its_middle(window: MainWindow) -> None:
    """As much of it as there is room for, and no more."""
    cache = TextCache(fonts.words(fonts.TABLE))
    for room in range(24, 90, 3):
        cut = fitted_name(cache, "BTCUSDT_210924", room)
        assert cache.width(cut) <= room
        head, _, tail = cut.partition("…")
        assert "BTCUSDT_210924".startswith(head)
        assert "BTCUSDT_210924".endswith(tail)
        assert len(tail) - len(head) in (0, 1)
