"""What the window says when something is stale, lost, broken or still to come."""

from __future__ import annotations

import sys
import threading
from decimal import Decimal

import pytest
from conftest import OpenWindow, settle
from keyboard import CTRL, SHIFT, press
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from scripted_day import place
from scripted_market import BTC, SIM
from scripted_node import ScriptedNode, demo_profile

from octopus_desktop.model.commands import SubmitOrder
from octopus_desktop.model.errors import VenueUnavailable
from octopus_desktop.model.events import (
    Channel,
    EngineFailed,
    FeedRecovered,
    FeedStale,
    Link,
    LinkChanged,
    LinkStatus,
    LogRecorded,
    NoticeRaised,
    Severity,
    VenueMeasured,
)
from octopus_desktop.model.orders import Side
from octopus_desktop.model.queries import CandlesQuery
from octopus_desktop.redaction import protect
from ui.main_window import MainWindow
from ui.terminal import Failures
from ui.widgets.state_overlay import StateOverlay

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_a_stale_feed_is_said_in_every_pane_it_feeds(window: MainWindow, node: ScriptedNode) -> None:
    """When the stream falls silent, book, tape, chart and bar say stale with an age, until it is back."""
    book, tape, chart = window.panes["book"].view, window.panes["tape"].view, window.chart.chart
    for channel in (Channel.BOOK, Channel.TRADES):
        node.emit(FeedStale(BTC, channel, node.now_ns - 5_000_000_000, "silent"))
    settle(window)
    for overlay in (book.state_overlay, tape.state_overlay, chart.state_overlay):
        assert overlay.state == "stale"
    assert "Stale" in window.bar.stale.text()
    for channel in (Channel.BOOK, Channel.TRADES):
        node.emit(FeedRecovered(BTC, channel))
    settle(window)
    for overlay in (book.state_overlay, tape.state_overlay, chart.state_overlay):
        assert overlay.state == "live"
    assert window.bar.stale.text() == ""


def test_a_lost_link_is_in_the_status_line(window: MainWindow, node: ScriptedNode) -> None:
    """The status line names the link that is down, in a warning tone."""
    label = window.status.labels["venue"]
    assert label.text() == "SIM ● connected"
    node.emit(LinkChanged(SIM, Link.ORDERS, LinkStatus.DOWN, "cut", node.now_ns))
    settle(window)
    assert "order entry down" in label.text()
    assert label.property("tone") == "danger"


def test_the_status_line_tells_how_the_venue_is(window: MainWindow, node: ScriptedNode) -> None:
    """Latency, load, weight and clock are there; what is out of order is in a warning tone."""
    node.emit(VenueMeasured(SIM, 912.0, -1400.0, 5900, 6000, 1234.0, 3, node.now_ns))
    settle(window)
    labels = window.status.labels
    assert labels["latency"].text() == "912 ms"
    assert labels["messages"].text() == "1,234 msg/s · 3 bad"
    assert labels["weight"].text() == "weight 5900/6000"
    assert labels["clock"].text() == "clock −1,400 ms"
    assert {labels[key].property("tone") for key in ("latency", "messages", "weight", "clock")} == {"warn"}


def test_data_that_comes_late_is_in_the_status_line(window: MainWindow, node: ScriptedNode) -> None:
    """A quick line may bring old data: the larger of the two is shown, and the tooltip tells which is which."""
    label = window.status.labels["latency"]
    for round_trip, age, text, tone in (
        (3.0, 8.0, "8 ms", "mid"),
        (30.0, 8.0, "30 ms", "mid"),
        (3.0, 2_040.0, "data 2,040 ms late", "warn"),
        (12.0, None, "12 ms", "mid"),
    ):
        node.emit(VenueMeasured(SIM, round_trip, 0.0, 1, 6000, 10.0, 0, node.now_ns, age))
        settle(window)
        assert (label.text(), label.property("tone")) == (text, tone)
    assert "Round trip to the venue: 12 ms" in label.toolTip()
    assert "none came lately" in label.toolTip()


def test_a_notice_of_the_engine_is_seen(window: MainWindow, node: ScriptedNode) -> None:
    """What the engine wants seen now is a toast, and stays in the log."""
    node.emit(NoticeRaised(Severity.ERROR, "The disk is full", "Free some space.", node.now_ns))
    settle(window)
    (toast,) = window.toasts.toasts
    assert (toast.kind, toast.title) == ("error", "The disk is full")
    assert not toast._timer.isActive()  # it stays: the window behind it would only seem to wait
    press(window, Qt.Key.Key_D, CTRL)
    assert not window.toasts.toasts


def test_the_end_of_an_outage_takes_its_message_away(window: MainWindow, node: ScriptedNode) -> None:
    """One message while it lasts, whatever becomes of it; another matter's stays; and at its end it goes by itself."""
    node.emit(NoticeRaised(Severity.ERROR, "The disk is full", "Free some space.", node.now_ns))
    node.emit(NoticeRaised(Severity.WARNING, "The account stream is down", "", node.now_ns, "outage"))
    settle(window)
    node.emit(NoticeRaised(Severity.ERROR, "Orders cannot be compared", "", node.now_ns, "outage"))
    settle(window)
    assert [toast.title for toast in window.toasts.toasts] == ["The disk is full", "Orders cannot be compared"]
    assert window.toasts.toasts[-1].stays
    node.emit(NoticeRaised(Severity.INFO, "The venue answers again", "", node.now_ns, "outage"))
    settle(window)
    assert [toast.title for toast in window.toasts.toasts] == ["The disk is full", "The venue answers again"]
    assert not window.toasts.toasts[-1].stays


def test_an_engine_that_cannot_start_is_said_over_everything(window: MainWindow, node: ScriptedNode) -> None:
    """A terminal on data that is open elsewhere says so instead of seeming to wait, and Enter closes it."""
    sentence = "octopus.db is open in another Octopus Desktop."
    for _ in range(2):
        node.emit(EngineFailed("The data cannot be opened", sentence, node.now_ns))
        settle(window)
    (overlay,) = window.findChildren(StateOverlay, options=Qt.FindChildOption.FindDirectChildrenOnly)
    assert overlay.isVisible()
    assert overlay.geometry() == window.rect()
    assert overlay.accessibleName() == f"The data cannot be opened {sentence}"
    told: list[bool] = []
    window.closing.connect(lambda: told.append(True))
    press(window, Qt.Key.Key_Return)
    assert told


@pytest.mark.parametrize("failed", [True, False])
def test_nothing_comes_over_the_page_that_says_it_is_over(window: MainWindow, node: ScriptedNode, failed: bool) -> None:
    """A key that brings up a pane does nothing under the page of a failure or of closing; the page stays on top."""
    press(window, Qt.Key.Key_B)
    if failed:
        node.emit(EngineFailed("The data cannot be opened", "It is open elsewhere.", node.now_ns))
        settle(window)
    else:
        window.show_closing()
    (overlay,) = window.findChildren(StateOverlay, options=Qt.FindChildOption.FindDirectChildrenOnly)
    press(window, Qt.Key.Key_9, CTRL)
    assert not window.panes["fills"].is_seen()
    window.bring_up("fills")  # whatever else may do it
    settle(window)
    over = window.childAt(window.docks["fills"].geometry().center())
    assert over is overlay or overlay.isAncestorOf(over)
    for key, modifiers in ((Qt.Key.Key_Return, CTRL), (Qt.Key.Key_K, CTRL)):
        press(window, key, modifiers)
    assert window.palette_page.isHidden()
    assert not node.of(SubmitOrder)
    assert not window.ticket.isEnabled()


def test_an_order_that_fills_in_steps_is_told_once(window: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """Two executions of one order in two frames are one message; a part that stays a part is told, too."""
    whole, part = (place(node, BTC, Side.BUY, "67000.00", "0.05") for _ in range(2))
    settle(window)
    told: list[str] = []
    window.session.told.connect(lambda kind, title, text: told.append(title))
    window._outcomes._settling.setInterval(3_600_000)  # a slow machine must not decide
    node.fill(whole, Decimal(67000), Decimal("0.02"), complete=False)
    settle(window)
    node.fill(whole, Decimal(67000), Decimal("0.03"), complete=True)
    settle(window)
    assert told == ["Filled"]
    node.fill(part, Decimal(67000), Decimal("0.02"), complete=False)
    window._outcomes._settling.stop()
    window._outcomes._settling.setInterval(0)
    settle(window)
    qtbot.waitUntil(lambda: len(told) > 1)
    assert told == ["Filled", "Partly filled"]


def test_a_pane_that_comes_up_does_not_hide_what_is_told(window: MainWindow) -> None:
    """A toast lies over the panes, whichever pane was brought to the front last."""
    press(window, Qt.Key.Key_7, CTRL)
    window.session.tell("warn", "Not sent", "Type a price.")
    press(window, Qt.Key.Key_6, CTRL)
    press(window, Qt.Key.Key_6, CTRL)
    (toast,) = window.toasts.toasts
    assert toast.isAncestorOf(window.childAt(toast.mapTo(window, QPoint(60, toast.height() // 2))))


def test_a_failing_action_is_told_and_logged(window: MainWindow, caplog: pytest.LogCaptureFixture) -> None:
    """A mistake in the program is a toast and a line in the log, not the end of the session."""
    window.handlers["chart.newest"] = lambda: 1 // 0
    window.run("chart.newest")
    assert "failed" in window.toasts.toasts[-1].title
    assert "chart.newest failed" in caplog.text


def test_a_pane_that_fails_does_not_stop_the_others(
    window: MainWindow, node: ScriptedNode, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One pane's mistake is logged; the next pane still gets the frame."""
    monkeypatch.setattr(window.panes["book"], "refresh", lambda state, dirty: 1 // 0)
    node.emit(VenueMeasured(SIM, 33.0, 0.0, 1, 6000, 10.0, 0, node.now_ns))
    settle(window)
    assert "BookPane could not be brought up to date" in caplog.text
    assert window.status.labels["latency"].text() == "33 ms"


def test_before_the_venue_answers_every_pane_says_what_it_waits_for(open_terminal: OpenWindow) -> None:
    """No blank rectangle: at a first start without a venue each pane says loading, and none is empty without a word."""
    window = open_terminal(ScriptedNode(demo_profile()))
    for pane_id in ("chart", "watchlist", "book", "tape", "positions"):
        pane = window.panes[pane_id]
        overlay = getattr(pane, "overlay", None) or pane.focus_target().state_overlay
        assert overlay.state == "loading", pane_id
        assert overlay.text, pane_id
    assert window.ticket.verdict.text()
    assert not window.ticket.submit_button.isEnabled()


def test_history_that_does_not_come_can_be_asked_for_again(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """The chart says why there is nothing and has a button; pressed, the candles come."""
    node.candle_answer = VenueUnavailable("The venue is overloaded.")
    window = open_terminal(node)
    overlay = window.chart.chart.state_overlay
    assert overlay.state == "error"
    node.candle_answer = None
    QTest.mouseClick(overlay._button, Qt.MouseButton.LeftButton)
    settle(window)
    assert overlay.state == "live"
    assert len(window.chart.chart.series) == 1000


def test_older_candles_come_when_they_are_wanted(window: MainWindow, node: ScriptedNode) -> None:
    """Scrolled to its beginning, the chart asks for what was before, once, and puts it in front."""
    first = window.chart.chart.series.time_at(0)
    window.chart.chart.history_needed.emit(first)
    window.chart.chart.history_needed.emit(first)
    settle(window)
    asked = [query for query in node.queries if isinstance(query, CandlesQuery) and query.end_ns == first]
    assert len(asked) == 1
    assert window.chart.chart.series.time_at(0) < first


def test_the_log_is_followed_and_starts_with_the_last_session(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """The log pane shows earlier lines first, then every line of this session, also those from before it was opened."""
    node.log_lines = [LogRecorded(Severity.INFO, "octopus_desktop.node", "an earlier session", node.now_ns - 10**12)]
    window = open_terminal(node)
    press(window, Qt.Key.Key_L, CTRL | SHIFT)
    texts = [line.event.text for line in window.log.table.shown_rows()]
    assert texts[0] == "an earlier session"
    assert any("2 updates missed" in text for text in texts)
    node.emit(LogRecorded(Severity.ERROR, "octopus_desktop.node", "it broke", node.now_ns + 1))
    settle(window)
    assert window.log.table.shown_rows()[-1].event.text == "it broke"


def test_what_nobody_caught_is_told_without_secrets(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library may put a whole request into its error; a message on the screen is photographed and posted."""
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr("octopus_desktop.redaction._known", set())
    protect("canary-of-a-key")
    failures = Failures(window)
    told: list[str] = []
    monkeypatch.setattr(window.toasts, "show", lambda kind, title, text, *_: told.append(text))
    try:
        sys.excepthook(ValueError, ValueError("no route for canary-of-a-key&signature=abcdef0123456789"), None)
        failures.of_loop(None, {"message": "left behind: canary-of-a-key"})
        settle(window)
    finally:
        failures.release()
    assert told == ["ValueError: no route for [hidden]&signature=[hidden]. The log says more.",
                    "left behind: [hidden]. The log says more."]  # fmt: skip
