"""Every pane of the window, in the order of the registry."""

from __future__ import annotations

from octopus_desktop.actions.layout import PANES
from ui.panes.algos import AlgosPane
from ui.panes.balances import BalancesPane
from ui.panes.book import BookPane
from ui.panes.chart import ChartPane
from ui.panes.fills import FillsPane
from ui.panes.log import LogPane
from ui.panes.open_orders import OpenOrdersPane
from ui.panes.order_history import OrderHistoryPane
from ui.panes.pane import Pane
from ui.panes.positions import PositionsPane
from ui.panes.tape import TapePane
from ui.panes.ticket import TicketPane
from ui.panes.watchlist import WatchlistPane

_CLASSES: tuple[type[Pane], ...] = (
    ChartPane,
    WatchlistPane,
    BookPane,
    TapePane,
    TicketPane,
    PositionsPane,
    OpenOrdersPane,
    OrderHistoryPane,
    FillsPane,
    BalancesPane,
    LogPane,
    AlgosPane,
)
_BY_ID = {pane.pane_id: pane for pane in _CLASSES}

PANE_CLASSES: tuple[type[Pane], ...] = tuple(_BY_ID[pane_id] for pane_id, _ in PANES)
"""Declared for the actions, built here: an id without a class fails at import."""
