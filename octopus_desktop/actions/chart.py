"""Actions on the chart and on what instrument the screen shows."""

from __future__ import annotations

from typing import Final

from octopus_desktop.actions.context import Context
from octopus_desktop.actions.registry import Action, Menu
from octopus_desktop.model.identifiers import Interval

_WORDS = {
    Interval.S1: "1 second",
    Interval.M1: "1 minute",
    Interval.M5: "5 minutes",
    Interval.M15: "15 minutes",
    Interval.M30: "30 minutes",
    Interval.H1: "1 hour",
    Interval.H4: "4 hours",
    Interval.D1: "1 day",
}


def interval_action(interval: Interval) -> str:
    """Id of the action that shows candles of this length."""
    return f"chart.interval_{interval.value}"


ACTIONS: Final = (
    Action(
        "instrument.search",
        "Find an instrument…",
        "Choose the instrument that every pane shows.",
        Menu.INSTRUMENT,
        keys=("Ctrl+L", "Ctrl+P", "/"),
    ),
    Action(
        "instrument.next",
        "Next instrument",
        "Show the next instrument of the watchlist.",
        Menu.INSTRUMENT,
        keys=("Ctrl+PgDown", "]"),
        group="step",
        repeats=True,
    ),
    Action(
        "instrument.previous",
        "Previous instrument",
        "Show the previous instrument of the watchlist.",
        Menu.INSTRUMENT,
        keys=("Ctrl+PgUp", "["),
        group="step",
        repeats=True,
    ),
    Action(
        "watchlist.open",
        "Show the selected instrument",
        "Show the watchlist's selected instrument in every pane.",
        Menu.INSTRUMENT,
        Context.WATCHLIST,
        keys=("Return",),
        group="step",
    ),
    Action(
        "watchlist.remove",
        "Take off the watchlist",
        "Take the selected instruments off the watchlist.",
        Menu.INSTRUMENT,
        Context.WATCHLIST,
        keys=("Del",),
        group="step",
    ),
    *(
        Action(
            interval_action(interval),
            f"{_WORDS[interval]} candles",
            f"Show candles of {_WORDS[interval]}.",
            Menu.CHART,
            keys=(f"G {number}",),
            submenu="Timeframe",
        )
        for number, interval in enumerate(Interval, start=1)
    ),
    Action(
        "chart.longer",
        "Longer timeframe",
        "Show the next longer candles.",
        Menu.CHART,
        keys=("Ctrl+Alt+Right",),
        submenu="Timeframe",
    ),
    Action(
        "chart.shorter",
        "Shorter timeframe",
        "Show the next shorter candles.",
        Menu.CHART,
        keys=("Ctrl+Alt+Left",),
        submenu="Timeframe",
    ),
    Action(
        "chart.zoom_in",
        "Zoom in",
        "Fewer and wider candles.",
        Menu.CHART,
        keys=("Ctrl++", "Ctrl+="),
        group="zoom",
        repeats=True,
    ),
    Action(
        "chart.zoom_out",
        "Zoom out",
        "More and narrower candles.",
        Menu.CHART,
        keys=("Ctrl+-",),
        group="zoom",
        repeats=True,
    ),
    Action(
        "chart.newest",
        "Go to the newest candle",
        "Follow the market again, prices fitted.",
        Menu.CHART,
        keys=("Ctrl+End",),
        group="zoom",
    ),
    Action(
        "chart.log_scale",
        "Logarithmic prices",
        "Equal steps are equal percentages.",
        Menu.CHART,
        keys=("Alt+G",),
        group="scale",
        toggles=True,
    ),
)
