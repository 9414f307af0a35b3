"""What the settings file says about the screen: the zone of its times, and what a first start shows."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from conftest import OpenWindow, settle
from scripted_day import connect, scripted_session
from scripted_market import BTC, ETH, SOL, list_market
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import Subscribe
from octopus_desktop.model.events import Event, InstrumentListed
from ui.models.columns import day_and_clock
from ui.preferences import LOCAL, Preferences, zone_word

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def in_adelaide(monkeypatch: pytest.MonkeyPatch) -> Iterator[ZoneInfo]:
    """A machine in a zone with a half hour and summer time."""
    if sys.platform == "win32":
        pytest.skip("the zone of a process cannot be set there")
    monkeypatch.setenv("TZ", "Australia/Adelaide")
    time.tzset()
    yield ZoneInfo("Australia/Adelaide")
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("month", [1, 4, 7, 10])
def test_local_time_is_that_of_the_day_it_tells_of(in_adelaide: ZoneInfo, month: int) -> None:
    """A fill of last winter stands at the hour the trader's clock showed then, not at today's summer time."""
    moment = datetime(2026, month, 3, 22, 41, 7, tzinfo=UTC)
    local = moment.astimezone(in_adelaide)
    ts_ns = int(moment.timestamp()) * 1_000_000_000
    assert day_and_clock(ts_ns, LOCAL) == local.strftime("%m-%d %H:%M:%S")
    assert moment.astimezone(LOCAL).replace(tzinfo=in_adelaide) == local
    assert zone_word(LOCAL, ts_ns) == ("UTC+10:30" if local.dst() else "UTC+9:30")
    assert local.replace(tzinfo=LOCAL).timestamp() == moment.timestamp()


def test_local_time_is_everywhere_and_said(
    in_adelaide: ZoneInfo, open_terminal: OpenWindow, node: ScriptedNode
) -> None:
    """Status, tables, tape and chart agree on one zone, and the status line says which."""
    window = open_terminal(node, preferences=Preferences(local_time=True))
    window.status.each_second(window.session.state, 1_767_225_600_000_000_000)
    assert window.status.time.text() == "10:30:00 UTC+10:30"
    window.focus_pane("fills")
    settle(window)
    fill = window.session.state.fills[0]
    told = datetime.fromtimestamp(fill.ts_venue_ns // 1_000_000_000, in_adelaide).strftime("%m-%d %H:%M:%S")
    model = window.panes["fills"].table.rows_model  # type: ignore[attr-defined]  # a TablePane
    assert model.columns[0].text(fill).startswith(told)
    assert window.chart.chart._scene.zone is LOCAL
    assert window.panes["tape"].view._zone is LOCAL  # type: ignore[attr-defined]  # a TapePane


def test_utc_is_said_without_a_setting(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """Nobody has to guess what zone a time is in."""
    window = open_terminal(node)
    window.status.each_second(window.session.state, 1_767_225_600_000_000_000)
    assert window.status.time.text() == "00:00:00 UTC"


def test_a_first_start_shows_what_the_settings_name(open_terminal: OpenWindow) -> None:
    """The watchlist and instrument of the settings file; a symbol that isn't listed is left out."""
    chosen = Preferences(watchlist=("SOLUSDT", "NOSUCHUSDT", "ETHUSDT"), instrument="ETHUSDT")
    window = open_terminal(scripted_session(), preferences=chosen)
    assert window.session.watchlist == [SOL, ETH]
    assert window.session.instrument is not None
    assert window.session.instrument.instrument_id == ETH


def test_what_the_window_kept_goes_before_the_settings(open_terminal: OpenWindow) -> None:
    """From the second start on the window's own instrument and watchlist count."""
    kept = scripted_session(settings={"instrument": BTC, "watchlist": f'["{BTC}", "{SOL}"]'})
    window = open_terminal(kept, preferences=Preferences(watchlist=("ETHUSDT",), instrument="ETHUSDT"))
    assert window.session.watchlist == [BTC, SOL]
    assert window.session.instrument is not None
    assert window.session.instrument.instrument_id == BTC


class Piecemeal(ScriptedNode):
    """A venue whose list of instruments is cut by the frames."""

    def take_frame(self) -> list[Event]:
        events = super().take_frame()
        listed = [place for place, event in enumerate(events) if isinstance(event, InstrumentListed)]
        if len(listed) > 1:
            self._pending = events[listed[1] :] + self._pending
            events = events[: listed[1]]
        return events


def piecemeal(settings: dict[str, str] | None = None) -> ScriptedNode:
    node = Piecemeal(settings=settings)
    list_market(node)
    connect(node)
    return node


def test_a_list_that_comes_in_parts_is_waited_for(open_terminal: OpenWindow) -> None:
    """The instruments arrive over several frames: the screen still opens on the last session's, with all coins."""
    window = open_terminal(piecemeal({"instrument": SOL}))
    for _ in range(12):
        settle(window)
    assert window.session.instrument is not None
    assert window.session.instrument.instrument_id == SOL
    assert len(window.session.watchlist) == len(window.session.state.instruments)
    assert [row.instrument.instrument_id for row in window.watchlist.model.rows] == window.session.watchlist


def test_a_choice_of_the_trader_is_never_taken_back(open_terminal: OpenWindow) -> None:
    """Whoever picks an instrument while the list still comes in keeps it."""
    window = open_terminal(piecemeal({"instrument": SOL}), settled=False)
    while ETH not in window.session.state.instruments:
        window.frames.turn()
    assert SOL not in window.session.state.instruments
    window.session.select(ETH)
    for _ in range(12):
        settle(window)
    assert SOL in window.session.state.instruments
    assert window.session.instrument is not None
    assert window.session.instrument.instrument_id == ETH


def test_what_is_held_is_watched_as_soon_as_it_is_known(open_terminal: OpenWindow) -> None:
    """A position in a coin that is in no watchlist has a mark price all the same."""
    node = scripted_session(settings={"watchlist": f'["{BTC}"]', "instrument": BTC})
    held = [name for name, position in node.state.positions.items() if position.quantity and name != BTC]
    assert held
    open_terminal(node)
    watched = {command.instrument_id for command in node.of(Subscribe)}
    assert set(held) <= watched
