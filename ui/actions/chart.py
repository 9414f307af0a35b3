"""Handlers of the actions in `octopus_desktop/actions/chart.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from octopus_desktop.actions.chart import interval_action
from octopus_desktop.model.identifiers import Interval

if TYPE_CHECKING:
    from ui.main_window import MainWindow

_ZOOM = 1.25


def handlers(window: MainWindow) -> dict[str, Callable[[], object]]:
    session, chart = window.session, window.chart.chart
    intervals = list(Interval)

    def show(interval: Interval) -> Callable[[], None]:
        return lambda: session.set_interval(interval)

    def step(by: int) -> None:
        place = intervals.index(session.interval) + by
        session.set_interval(intervals[max(0, min(len(intervals) - 1, place))])

    return {
        "instrument.search": window.search_instrument,
        "instrument.next": lambda: session.step_instrument(1),
        "instrument.previous": lambda: session.step_instrument(-1),
        "watchlist.open": window.watchlist.open_selected,
        "watchlist.remove": window.watchlist.remove_selected,
        **{interval_action(interval): show(interval) for interval in intervals},
        "chart.longer": lambda: step(1),
        "chart.shorter": lambda: step(-1),
        "chart.zoom_in": lambda: chart.zoom(_ZOOM),
        "chart.zoom_out": lambda: chart.zoom(1 / _ZOOM),
        "chart.newest": chart.show_last,
        "chart.log_scale": lambda: chart.set_log(not chart.viewport.log),
    }


def checks(window: MainWindow) -> dict[str, Callable[[], bool]]:
    """What the toggles among them say now."""
    return {"chart.log_scale": lambda: window.chart.chart.viewport.log}
