"""The window: layout kept, theme switched, panes reached, mode told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import OpenWindow, settle
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QWidget
from pytestqt.qtbot import QtBot
from scripted_day import scripted_session
from scripted_market import BTC, ETH, SIM, SOL
from scripted_node import ScriptedNode, demo_profile

from octopus_desktop.model.commands import LockEntry, SaveSetting, SubmitOrder, Subscribe, UnlockEntry, Unsubscribe
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
from octopus_desktop.model.identifiers import Interval
from octopus_desktop.model.profile import Mode
from octopus_desktop.model.queries import CandlesQuery
from ui.dialogs.typed_name import TypedNameDialog
from ui.layout import LAYOUT_SETTING
from ui.main_window import MainWindow
from ui.panes.book import BookPane
from ui.panes.table_pane import TablePane
from ui.panes.tape import TapePane
from ui.widgets.mode_frame import ModeBadge
from ui.widgets.state_overlay import StateOverlay

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

DIGITS = [Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4, Qt.Key.Key_5, Qt.Key.Key_6, Qt.Key.Key_7]


def press(window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or window, key, modifiers)
    settle(window)


def test_every_pane_is_reached_by_its_key(window: MainWindow) -> None:
    """Ctrl and a digit puts the keyboard into a pane, in front of the other tabs."""
    pane_ids = ["chart", "watchlist", "book", "tape", "ticket", "positions", "open_orders"]
    for key, pane_id in zip(DIGITS, pane_ids, strict=True):
        press(window, key, CTRL)
        focused = window.focused_pane()
        assert focused is not None
        assert focused.pane_id == pane_id
        assert focused.is_seen()
        assert [dock.pane.pane_id for dock in window.docks.values() if dock.active] == [pane_id]


def test_f6_walks_through_what_can_be_seen(window: MainWindow) -> None:
    """F6 goes round the panes on the screen and never into one behind other tabs."""
    seen = []
    for _ in range(6):
        press(window, Qt.Key.Key_F6)
        pane = window.focused_pane()
        assert pane is not None
        seen.append(pane.pane_id)
    assert sorted(seen) == sorted(["chart", "watchlist", "book", "tape", "ticket", "positions"])


def test_a_closed_pane_comes_back_from_the_menu(window: MainWindow) -> None:
    """View → Panes shows and closes panes, and its check marks tell which are open."""
    window.focus_pane("tape")
    press(window, Qt.Key.Key_W, CTRL)
    assert window.docks["tape"].isHidden()
    item = window.menus.actions["pane.show_tape"]
    window.menus._check()
    assert not item.isChecked()
    item.trigger()
    settle(window)
    assert window.panes["tape"].is_seen()


def test_the_layout_is_there_again_after_a_restart(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """What was closed, floated and put in front is so again, and so are columns, instrument and timeframe."""
    first = open_terminal(node, size=(1500, 900))
    first.docks["log"].close()
    first.docks["tape"].setFloating(True)
    first.docks["fills"].raise_()
    first.open_orders.table.setColumnWidth(2, 61)
    first.open_orders.table.sortByColumn(4, Qt.SortOrder.AscendingOrder)
    first.session.select(SOL)
    first.session.set_interval(Interval.H1)
    settle(first)
    first.close()
    again = scripted_session(settings=node.settings)
    second = open_terminal(again, size=None)
    assert second.docks["log"].isHidden()
    assert second.docks["tape"].isFloating()
    assert second.panes["fills"].is_seen()
    assert not second.panes["positions"].is_seen()
    assert second.open_orders.table.columnWidth(2) == 61
    header = second.open_orders.table.horizontalHeader()
    assert (header.sortIndicatorSection(), header.sortIndicatorOrder()) == (4, Qt.SortOrder.AscendingOrder)
    assert second.session.instrument is not None
    assert second.session.instrument.instrument_id == SOL
    assert second.chart.intervals.value == "1h"


@pytest.mark.parametrize(
    "kept", ["", "no json", '{"geometry": 5, "state": "AAAA"}', '{"geometry": "AA", "state": "AA"}']
)
def test_a_broken_layout_is_not_the_end(open_terminal: OpenWindow, kept: str, qtbot: QtBot) -> None:
    """A layout that cannot be read leaves the default one."""
    node = scripted_session(settings={LAYOUT_SETTING: kept})
    window = open_terminal(node)
    assert window.panes["chart"].is_seen()
    assert window.panes["ticket"].is_seen()


def test_the_key_of_the_layout_holds_no_version(window: MainWindow, node: ScriptedNode) -> None:
    """An upgrade of the program finds the layout of the last one."""
    window.layout_keeper.keep()
    window.session.save_now()
    saved = {command.key for command in node.of(SaveSetting)}
    assert LAYOUT_SETTING in saved
    assert not [key for key in saved if any(character.isdigit() for character in key)]


def test_reset_puts_every_pane_back(window: MainWindow) -> None:
    """Ctrl+Shift+R: closed and floating panes are where they were at the first start."""
    window.docks["book"].close()
    window.docks["chart"].setFloating(True)
    press(window, Qt.Key.Key_R, CTRL | SHIFT)
    assert not window.docks["chart"].isFloating()
    assert window.panes["book"].is_seen()
    chart, ticket = window.docks["chart"].geometry(), window.docks["ticket"].geometry()
    assert chart.right() < ticket.left()
    assert chart.width() > ticket.width()


def test_safe_mode_has_the_default_layout_and_sends_nothing(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """Safe mode ignores the kept layout without overwriting it, and no order leaves the ticket."""
    first = open_terminal(node)
    first.docks["chart"].close()
    settle(first)
    first.close()
    kept = node.settings[LAYOUT_SETTING]
    again = scripted_session(settings=node.settings)
    window = open_terminal(again, safe_mode=True)
    assert window.panes["chart"].is_seen()
    window.ticket.price.setText("67000")
    window.ticket.amount.setText("0.05")
    window.ticket.submit()
    assert not again.of(SubmitOrder)
    assert "Safe mode" in window.ticket.verdict.text()
    window.close()
    assert again.settings[LAYOUT_SETTING] == kept


def test_the_theme_is_switched_live_and_kept(window: MainWindow, node: ScriptedNode) -> None:
    """Ctrl+T makes the whole window light, charts too, and the next start remembers."""
    dark = window.grab().toImage().pixelColor(800, 500).lightness()
    press(window, Qt.Key.Key_T, CTRL)
    assert not window.theme.tokens.is_dark
    assert window.grab().toImage().pixelColor(800, 500).lightness() > dark + 100
    window.run("theme.colour_blind")
    window.session.save_now()
    assert node.settings["theme"] == "light"
    assert node.settings["colour_blind"] == "yes"


@pytest.mark.parametrize("mode", list(Mode))
def test_the_mode_is_told_by_frame_and_word(open_terminal: OpenWindow, mode: Mode) -> None:
    """DEMO, PAPER or LIVE stands on the window in a word, and all round it in its colour, also under a palette."""
    window = open_terminal(scripted_session(mode))
    assert window.findChild(ModeBadge).mode == mode.value.lower()
    assert mode.value in window.windowTitle()
    window.open_palette()
    settle(window)
    picture = window.grab().toImage()
    colour = window.theme.colors.mode(mode.value)
    for x, y in ((1, 500), (1598, 500), (800, 1), (800, 998)):
        assert picture.pixelColor(x, y) == colour, (x, y)


def test_a_live_profile_is_unlocked_by_typing_its_name(open_terminal: OpenWindow, qtbot: QtBot) -> None:
    """The wrong name leaves it locked and says so; the right one opens order entry."""
    node = scripted_session(Mode.LIVE)
    window = open_terminal(node)
    assert "entry locked" in window.status.labels["entry"].text()
    window.run("entry.unlock")
    dialog = window.findChild(TypedNameDialog)
    assert dialog is not None
    qtbot.keyClicks(dialog.entry, "demo")
    qtbot.mouseClick(dialog.act_button, Qt.MouseButton.LeftButton)
    settle(window)
    assert dialog.isVisible()
    assert "Type the profile's name" in dialog.problem.text()
    dialog.entry.clear()
    qtbot.keyClicks(dialog.entry, "live")
    qtbot.keyClick(dialog.entry, Qt.Key.Key_Return)
    settle(window)
    assert not dialog.isVisible()
    assert node.of(UnlockEntry) == [UnlockEntry("demo"), UnlockEntry("live")]
    assert window.status.labels["entry"].text() == "entry open"
    window.run("entry.lock")
    settle(window)
    assert node.of(LockEntry)
    assert "entry locked" in window.status.labels["entry"].text()


def test_the_instrument_chosen_is_shown_by_every_pane(window: MainWindow, node: ScriptedNode) -> None:
    """Return in the watchlist changes chart, book, tape, ticket and bar, and what is streamed."""
    press(window, Qt.Key.Key_2, CTRL)
    press(window, Qt.Key.Key_Down)
    press(window, Qt.Key.Key_Return)
    assert window.session.instrument is not None
    assert window.session.instrument.instrument_id == ETH
    assert window.bar.name.text().startswith("ETHUSDT")
    assert "ETHUSDT" in window.chart.chart.accessibleName()
    assert window.ticket.unit._segments[0].label == "ETH"
    assert window.panes["tape"].view.prints[0].price < 4000
    assert window.panes["book"].view._bids[0].price < 4000
    for channel in (Channel.BOOK, Channel.TRADES):
        assert Subscribe(ETH, channel) in node.commands
        assert Unsubscribe(BTC, channel) in node.commands
    assert Subscribe(ETH, Channel.CANDLES, Interval.M1) in node.commands
    assert any(isinstance(query, CandlesQuery) and query.instrument_id == ETH for query in node.queries)


def test_a_click_in_the_watchlist_chooses(window: MainWindow) -> None:
    """The mouse does what Return does."""
    table = window.watchlist.table
    place = table.visualRect(table.model().index(2, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle(window)
    assert window.session.instrument is not None
    assert window.session.instrument.instrument_id == SOL


def test_the_timeframe_is_two_keys(window: MainWindow, node: ScriptedNode) -> None:
    """G then 3 shows five-minute candles: asked for, streamed, and marked on the control."""
    window.focus_pane("positions")
    press(window, Qt.Key.Key_G)
    press(window, Qt.Key.Key_3)
    assert window.chart.intervals.value == "5m"
    assert Subscribe(BTC, Channel.CANDLES, Interval.M5) in node.commands
    assert Unsubscribe(BTC, Channel.CANDLES, Interval.M1) in node.commands
    assert window.chart.chart.series.time_at(1) - window.chart.chart.series.time_at(0) == Interval.M5.ns


def test_letters_typed_into_a_field_are_text(window: MainWindow) -> None:
    """B in the filter is a letter, not a new ticket."""
    window.focus_pane("positions")
    press(window, Qt.Key.Key_F, CTRL)
    QTest.keyClicks(QApplication.focusWidget(), "bs")
    settle(window)
    pane = window.focused_pane()
    assert pane is not None
    assert pane.pane_id == "positions"
    assert window.positions.filter_edit.text() == "bs"


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


def test_a_notice_of_the_engine_is_seen(window: MainWindow, node: ScriptedNode) -> None:
    """What the engine wants seen now is a toast, and stays in the log."""
    node.emit(NoticeRaised(Severity.ERROR, "The disk is full", "Free some space.", node.now_ns))
    settle(window)
    (toast,) = window.toasts.toasts
    assert (toast.kind, toast.title) == ("error", "The disk is full")
    assert not toast._timer.isActive()  # it stays: the window behind it would only seem to wait
    press(window, Qt.Key.Key_D, CTRL)
    assert not window.toasts.toasts


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


def test_every_control_has_a_name_and_a_tooltip(window: MainWindow) -> None:
    """A screen reader finds a name for everything that can be used, and the mouse finds a tooltip."""
    for pane_id in window.docks:
        window.focus_pane(pane_id)
        settle(window)
    for kind in (QAbstractButton, QLineEdit, QComboBox):
        for widget in window.findChildren(kind):
            if widget.isVisibleTo(window) and widget.objectName() != "qt_spinbox_lineedit":
                if _inner(widget):
                    continue
                text = widget.text() if isinstance(widget, QAbstractButton) else ""
                assert widget.accessibleName() or text, _path(widget)
                assert widget.toolTip(), _path(widget)


def _inner(widget: QWidget) -> bool:
    """Buttons that Qt itself puts into tab bars, tables and entries."""
    return type(widget).__module__.startswith("PySide6") and widget.metaObject().className() in (
        "QTableCornerButton",
        "CloseButton",
        "QLineEditIconButton",
        "QToolButton",
    )


def _path(widget: QWidget) -> str:
    names = []
    at: QWidget | None = widget
    while at is not None:
        names.append(f"{at.metaObject().className()}:{at.accessibleName()}")
        at = at.parentWidget()
    return " < ".join(names)


@pytest.mark.parametrize("size", [(1600, 1000), (1280, 720)])
def test_a_picture_of_the_window_is_whole(
    open_terminal: OpenWindow, node: ScriptedNode, size: tuple[int, int], tmp_path: Path
) -> None:
    """The screenshot has the window's size, and no pane of the default layout lies outside it or over another."""
    window = open_terminal(node, size=size)
    assert window.write_picture(tmp_path / "window.png")
    picture = QImage(str(tmp_path / "window.png"))
    assert (picture.width(), picture.height()) == size
    seen = [pane for pane in window.panes.values() if pane.is_seen()]
    boxes = [pane.rect().translated(pane.mapTo(window, QPoint(0, 0))) for pane in seen]
    for index, box in enumerate(boxes):
        assert window.rect().contains(box), seen[index].pane_id
        for other in boxes[index + 1 :]:
            assert not box.intersects(other)


def test_a_picture_that_cannot_be_written_is_said(window: MainWindow, tmp_path: Path) -> None:
    """A folder that isn't there is an answer, not an exception."""
    assert not window.write_picture(tmp_path / "nowhere" / "window.png")


def test_what_is_saved_at_the_end_is_saved_before_the_node_stops(window: MainWindow, node: ScriptedNode) -> None:
    """Closing writes the layout at once, and only then asks whoever opened the window to stop the node."""
    seen: list[bool] = []
    window.closing.connect(lambda: seen.append(LAYOUT_SETTING in node.settings))
    window.close()
    assert seen == [True]
    assert window.isVisible()
    assert set(json.loads(node.settings[LAYOUT_SETTING])) == {"geometry", "state", "size", "panes"}


def test_the_controls_over_the_tabs_are_whole(window: MainWindow) -> None:
    """The buttons beside the tabs show their whole text, also after it has grown."""
    window.focus_pane("open_orders")
    settle(window)
    settle(window)
    for widget in (window.open_orders.cancel_button, window.open_orders.cancel_all_button):
        assert widget.isVisible()
        assert widget.width() >= widget.sizeHint().width()
        assert window.rect().contains(widget.rect().translated(widget.mapTo(window, QPoint(0, 0))))


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000), (2560, 1440)])
def test_the_default_workspace_is_whole(open_terminal: OpenWindow, node: ScriptedNode, size: tuple[int, int]) -> None:
    """On a laptop as on a large screen nothing of the default layout is cut off or scrolls sideways."""
    window = open_terminal(node, size=size)
    for pane in window.panes.values():
        if isinstance(pane, TablePane) and pane.is_seen():
            assert not pane.table.horizontalScrollBar().isVisible(), pane.title
    header = window.watchlist.table.horizontalHeader()
    shown = [column.key for section, column in enumerate(window.watchlist.model.columns)
             if not header.isSectionHidden(section)]  # fmt: skip
    assert shown[:4] == ["instrument", "last", "change", "trend"]
    tape, book = window.panes["tape"], window.panes["book"]
    assert isinstance(tape, TapePane)
    assert isinstance(book, BookPane)
    assert tape.view._columns()[0] > 0, "the tape has its time"
    assert book.grouping.width() >= book.grouping.minimumSizeHint().width()
    assert window.ticket.held.isVisible()
    assert window.ticket.held.figures["unrealised"].isVisible()
    assert not window.ticket._area.verticalScrollBar().isVisible()


def test_a_layout_of_a_large_screen_fits_a_small_one(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """The layout kept at the desk, opened on the laptop: the chart keeps the largest share."""
    first = open_terminal(node, size=(2560, 1440))
    first.layout_keeper.keep()
    first.session.save_now()
    second = open_terminal(scripted_session(settings=dict(node.settings)), size=(1280, 720))
    widths = {pane_id: second.panes[pane_id].width() for pane_id in ("watchlist", "chart", "book", "ticket")}
    assert max(widths, key=lambda pane_id: widths[pane_id]) == "chart"
    assert widths["chart"] > 450
