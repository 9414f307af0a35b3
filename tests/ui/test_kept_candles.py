"""The chart while the venue does not answer: what is kept on the disk, said to be old, until the venue's word comes."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from octopus_desktop.model.events import Link, LinkChanged, LinkStatus
from octopus_desktop.model.identifiers import Interval, instrument_id
from octopus_desktop.model.queries import CandlesQuery, Query
from tests.ui.conftest import OpenWindow, settle
from tests.ui.scripted_market import SIM, candle_walk, list_market
from tests.ui.scripted_node import ScriptedNode, demo_profile
from ui.main_window import MainWindow

BTC = instrument_id("BTCUSDT", SIM)
ETH = instrument_id("ETHUSDT", SIM)


class SilentVenue(ScriptedNode):
    """Of candles it has those of the disk alone, until the test answers `waiting`."""

    def __init__(self) -> None:
        super().__init__(demo_profile(), {"instrument": BTC})
        self.waiting: list[tuple[CandlesQuery, Future[Any]]] = []

    def query(self, query: Query[Any]) -> Future[Any]:
        if isinstance(query, CandlesQuery) and not query.kept:
            self.queries.append(query)
            answer: Future[Any] = Future()
            self.waiting.append((query, answer))
            return answer
        return super().query(query)

    def of_the_chart(self) -> list[tuple[CandlesQuery, Future[Any]]]:
        return [(query, answer) for query, answer in self.waiting if query.limit >= 1000]


@pytest.fixture
def silent() -> SilentVenue:
    return SilentVenue()


def second(window: MainWindow, node: ScriptedNode) -> None:
    window.chart.each_second(window.session.state, node.now_ns)
    settle(window)


def test_a_start_without_a_venue_shows_what_is_kept(open_terminal: OpenWindow, silent: SilentVenue) -> None:
    """Nothing is listed yet: last session's instrument has its candles, marked as old, and its past can be scrolled to.

    With the venue the whole comes in their place; meanwhile they stay.
    """
    window = open_terminal(silent)
    second(window, silent)
    chart = window.chart.chart
    assert (len(chart.series), chart.state_overlay.state) == (1000, "stale")
    assert chart.state_overlay.text.startswith("Kept on this disk, waiting for the venue")
    assert "BTCUSDT" in chart.accessibleName()
    first = chart.series.time_at(0)
    chart.history_needed.emit(first)
    settle(window)
    assert chart.series.time_at(0) < first
    assert [query.kept for query in silent.queries if isinstance(query, CandlesQuery)] == [True, True]
    window.session.set_interval(Interval.H1)
    settle(window)
    assert (len(chart.series), chart.state_overlay.state) == (1000, "stale")
    list_market(silent)
    settle(window)
    assert len(chart.series) == 1000
    query, answer = silent.of_the_chart()[-1]
    assert (query.instrument_id, query.interval) == (BTC, Interval.H1)
    answer.set_result(candle_walk(query, 60_000.0, silent.now_ns)._cut(slice(1, None)))
    settle(window)
    assert len(chart.series) == 999
    assert "Kept" not in chart.state_overlay.text


def test_a_venue_that_is_slow_leaves_no_empty_chart(
    open_terminal: OpenWindow, silent: SilentVenue, qtbot: QtBot
) -> None:
    """Another instrument in the middle of an outage: what is kept of it is there long before the venue is given up."""
    list_market(silent)
    window = open_terminal(silent)
    window.session.select(ETH)
    settle(window)
    chart = window.chart.chart
    assert chart.state_overlay.state == "loading"
    qtbot.waitUntil(lambda: len(chart.series) == 1000)
    assert chart.state_overlay.state == "stale"


def test_what_was_shown_in_an_outage_is_asked_for_again_after_it(window: MainWindow, node: ScriptedNode) -> None:
    """The stretch between what was kept and what comes now must not stay a hole in the chart."""
    node.emit(LinkChanged(SIM, Link.MARKET, LinkStatus.DOWN, "cut", node.now_ns))
    settle(window)
    node.now_ns -= 3600 * 10**9
    window.chart.load()
    settle(window)
    asked = len(node.queries)
    second(window, node)
    assert len(node.queries) == asked
    node.emit(LinkChanged(SIM, Link.MARKET, LinkStatus.UP, "", node.now_ns))
    settle(window)
    second(window, node)
    second(window, node)
    assert [type(query) for query in node.queries[asked:]] == [CandlesQuery]
