"""Where the trader is: which of several actions on one key is meant."""

from __future__ import annotations

from enum import Enum


class Context(Enum):
    """The value is what the cheat sheet calls it. An inner context wins over `WINDOW`.

    `EVERYWHERE` is for what must never wait until a dialog is closed.
    """

    EVERYWHERE = "Always, also in dialogs"
    WINDOW = "Anywhere"
    CHART = "In the chart"
    TICKET = "In the order ticket"
    BOOK = "In the order book"
    WATCHLIST = "In the watchlist"
    ORDERS = "In open orders"
    POSITIONS = "In positions"
    ALGOS = "In algos"
    TABLE = "In any table"


Contexts = tuple[Context, ...]
"""The contexts that hold now, innermost first; it ends with `WINDOW` and `EVERYWHERE`, over a page with the latter
alone."""
