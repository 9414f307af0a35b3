"""Brackets, pairs, trailing stops, slices and pegs, made in the ticket by keys."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from conftest import OpenWindow, settle
from keyboard import ALT, press
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from scripted_day import scripted_session
from scripted_market import BTC
from scripted_node import ScriptedNode

from octopus_desktop.model.algos import (
    Bracket,
    Chase,
    GoodTillDate,
    Iceberg,
    Oco,
    OnRestart,
    Scale,
    Target,
    TrailingStop,
    Twap,
)
from octopus_desktop.model.commands import ConfirmLive, StartAlgo, SubmitOrder
from octopus_desktop.model.events import Channel, EntryUnlocked, FeedStale
from octopus_desktop.model.orders import OrderType, Side
from octopus_desktop.model.profile import Mode
from octopus_desktop.model.queries import Verdict
from ui.dialogs.typed_name import TypedNameDialog
from ui.main_window import MainWindow
from ui.models.ticket_kinds import Kind

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

D = Decimal


def fill(window: MainWindow, **texts: str) -> None:
    """By the field's name; what has no field of its own there is one of the kind's."""
    ticket = window.ticket
    for name, text in texts.items():
        entry = {"price": ticket.price, "amount": ticket.amount}.get(name) or ticket.extras.fields[name]
        assert entry.isVisible(), name
        entry.setFocus()
        entry.clear()
        QTest.keyClicks(entry, text)
    settle(window)


def sent(window: MainWindow, node: ScriptedNode) -> Any:
    """The spec of the one algo that Enter starts."""
    press(window, Qt.Key.Key_Return)
    (command,) = node.of(StartAlgo)
    return command.spec


def open_kind(window: MainWindow, key: Qt.Key, side: Qt.Key = Qt.Key.Key_B) -> None:
    press(window, side)
    press(window, key, ALT)


def test_a_bracket_has_a_stop_and_split_targets(window: MainWindow, node: ScriptedNode) -> None:
    """Entry, stop and two targets in prices; typing a second target splits the position over both."""
    open_kind(window, Qt.Key.Key_K)
    fill(window, price="67000", amount="0.1", stop="66500", target_0="67500", target_1="68000")
    assert "Risk 50.00 USDT · gain 75.00 · 1 : 1.5" in window.ticket.extras.told.text()
    spec = sent(window, node)
    assert isinstance(spec, Bracket)
    assert (spec.side, spec.quantity, spec.stop_trigger, spec.stop_limit) == (Side.BUY, D("0.1"), D(66500), None)
    assert spec.targets == (Target(D(67500), D("0.05")), Target(D(68000), D("0.05")))
    assert (spec.entry.type, spec.entry.price, spec.entry.quantity) == (OrderType.LIMIT, D(67000), D("0.1"))
    assert node.of(StartAlgo)[0].on_restart is OnRestart.PAUSE


@pytest.mark.parametrize("after", [Qt.Key.Key_W, Qt.Key.Key_O])
def test_rows_stay_together_when_the_kind_changes(window: MainWindow, after: Qt.Key) -> None:
    """A form with fewer rows than the one before it does not spread them over the room that is left."""
    open_kind(window, Qt.Key.Key_K)
    press(window, Qt.Key.Key_E, ALT)
    press(window, after, ALT)
    settle(window)
    ticket = window.ticket
    above, below = ticket.amount, ticket.percents[0]
    gap = below.mapTo(ticket, below.rect().topLeft()).y() - above.mapTo(ticket, above.rect().bottomLeft()).y()
    assert 0 < gap < 16


def test_a_brackets_exits_may_be_percentages(window: MainWindow, node: ScriptedNode) -> None:
    """In percent of the entry, on ticks, with parts of the trader's own; they must add up to the whole."""
    open_kind(window, Qt.Key.Key_K)
    window.ticket.extras.exit_unit.choose("percent")
    fill(window, price="67000", amount="0.1", stop="1", target_0="1", target_1="2", share_0="70")
    assert "add up to 120 %" in window.ticket.verdict.text()
    assert not window.ticket.submit_button.isEnabled()
    fill(window, share_1="30")
    spec = sent(window, node)
    assert spec.stop_trigger == D("66330.00")
    assert spec.targets == (Target(D("67670.00"), D("0.07")), Target(D("68340.00"), D("0.03")))


def test_a_bracket_without_a_price_enters_at_the_market(window: MainWindow, node: ScriptedNode) -> None:
    """The entry is a market order, and the stop is held against the price of now."""
    open_kind(window, Qt.Key.Key_K)
    fill(window, amount="0.1", stop="70000")
    assert "The stop must be below the entry" in window.ticket.verdict.text()
    fill(window, stop="66000")
    spec = sent(window, node)
    assert (spec.entry.type, spec.entry.price, spec.targets) == (OrderType.MARKET, None, ())


def test_an_oco_is_a_limit_and_a_stop(window: MainWindow, node: ScriptedNode) -> None:
    """A sale above the market or below it, whichever comes first."""
    open_kind(window, Qt.Key.Key_O, Qt.Key.Key_S)
    fill(window, price="68000", amount="0.1", stop="66500", stop_limit="66400")
    spec = sent(window, node)
    assert isinstance(spec, Oco)
    assert (spec.side, spec.price, spec.stop_trigger, spec.stop_limit) == (Side.SELL, D(68000), D(66500), D(66400))


@pytest.mark.parametrize(("unit", "typed"), [("percent", "1.5"), ("price", "500")])
def test_a_trailing_stop_follows_at_a_distance(window: MainWindow, node: ScriptedNode, unit: str, typed: str) -> None:
    """In percent or in money; from a price on, or at once."""
    open_kind(window, Qt.Key.Key_N, Qt.Key.Key_S)
    window.ticket.extras.offset_unit.choose(unit)
    fill(window, amount="0.1", offset=typed)
    spec = sent(window, node)
    assert isinstance(spec, TrailingStop)
    wanted = (D("0.015"), None) if unit == "percent" else (None, D(500))
    assert (spec.fraction, spec.offset, spec.activation_price) == (*wanted, None)


def test_good_till_date_ends_at_a_moment(window: MainWindow, node: ScriptedNode) -> None:
    """`2h` from now, told as a date; a moment that nobody can read is marked."""
    open_kind(window, Qt.Key.Key_G)
    fill(window, price="67000", amount="0.1", until="soon")
    assert "Type a time" in window.ticket.verdict.text()
    fill(window, until="2h")
    assert "Until" in window.ticket.extras.told.text()
    spec = sent(window, node)
    assert isinstance(spec, GoodTillDate)
    assert spec.entry.price == D(67000)


def test_an_iceberg_shows_a_part(window: MainWindow, node: ScriptedNode) -> None:
    """Less than the whole, in whole lots."""
    open_kind(window, Qt.Key.Key_D)
    fill(window, price="67000", amount="0.1", display="0.2")
    assert "Less than the whole" in window.ticket.verdict.text()
    fill(window, display="0.01")
    spec = sent(window, node)
    assert isinstance(spec, Iceberg)
    assert (spec.price, spec.display_quantity) == (D(67000), D("0.01"))


def test_a_twap_says_its_pace(window: MainWindow, node: ScriptedNode) -> None:
    """How much how often; at the market or no worse than a price; the rule for a restart goes with it."""
    open_kind(window, Qt.Key.Key_W)
    fill(window, amount="0.4", duration="10m", slices="8", jitter="20")
    assert "0.05000 BTC every 75 s" in window.ticket.extras.told.text()
    window.ticket.extras.on_restart.setCurrentIndex(list(OnRestart).index(OnRestart.RESUME))
    spec = sent(window, node)
    assert isinstance(spec, Twap)
    assert (spec.duration_s, spec.slices, spec.limit_price, spec.jitter) == (600.0, 8, None, 0.2)
    assert node.of(StartAlgo)[0].on_restart is OnRestart.RESUME


def test_a_scale_is_previewed_order_by_order(window: MainWindow, node: ScriptedNode) -> None:
    """The preview has the orders that will be placed, and what they cost on average."""
    open_kind(window, Qt.Key.Key_E)
    fill(window, amount="0.3", first="67000", last="66000", count="3", skew="2")
    spec = sent(window, node)
    assert isinstance(spec, Scale)
    assert window.ticket.extras.rungs._rungs == spec.rungs(node.state.instruments[BTC])
    assert [price for price, _ in window.ticket.extras.rungs._rungs] == [D(67000), D(66500), D(66000)]
    assert "Average 66,388.87" in window.ticket.extras.told.text()


def test_a_chase_has_a_limit_a_step_and_an_end(window: MainWindow, node: ScriptedNode) -> None:
    """It is pegged to the touch up to a price, and takes what is left if wanted."""
    open_kind(window, Qt.Key.Key_A)
    fill(window, price="67500", amount="0.1", step="0.5", timeout="60s")
    window.ticket.extras.take.setChecked(True)
    spec = sent(window, node)
    assert isinstance(spec, Chase)
    assert (spec.limit_price, spec.step, spec.timeout_s, spec.take_at_timeout) == (D(67500), D("0.5"), 60.0, True)


def test_enter_twice_starts_one_algo(window: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """A nervous second Enter starts nothing; a moment later the same can be started again, as another one."""
    open_kind(window, Qt.Key.Key_W)
    fill(window, amount="0.4", duration="10m", slices="8")
    press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_Return)
    assert len(node.of(StartAlgo)) == 1
    qtbot.waitUntil(lambda: window.ticket.submit_button.isEnabled())
    press(window, Qt.Key.Key_Return)
    first, second = node.of(StartAlgo)
    assert first.algo_id != second.algo_id


def test_who_holds_it_is_said_before_it_is_sent(window: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """What the engine holds is marked: it works while this terminal runs; what the venue holds says that."""
    open_kind(window, Qt.Key.Key_O, Qt.Key.Key_S)
    fill(window, price="68000", amount="0.1", stop="66500")
    qtbot.waitUntil(lambda: "Held here: works while this terminal runs" in window.ticket.verdict.text())
    node.native = {Oco}
    fill(window, stop="66600")
    qtbot.waitUntil(lambda: "The venue holds it" in window.ticket.verdict.text())


def test_a_stale_price_stops_what_follows_it(window: MainWindow, node: ScriptedNode) -> None:
    """A market order says why it does not go; a limit order goes."""
    node.emit(FeedStale(BTC, Channel.QUOTES, node.now_ns, "silent"))
    settle(window)
    press(window, Qt.Key.Key_B)
    press(window, Qt.Key.Key_M, ALT)
    fill(window, amount="0.1")
    assert "The price is stale" in window.ticket.verdict.text()
    press(window, Qt.Key.Key_Return)
    assert not node.of(SubmitOrder)
    press(window, Qt.Key.Key_L, ALT)
    fill(window, price="67000")
    press(window, Qt.Key.Key_Return)
    assert len(node.of(SubmitOrder)) == 1


def test_a_warning_is_shown_and_then_acknowledged(window: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """What risk warns of stands above the button; pressed under it, the order says that it was read."""
    node.verdict = Verdict(warning="The price is 4 s old.")
    press(window, Qt.Key.Key_B)
    fill(window, price="67000", amount="0.1")
    qtbot.waitUntil(lambda: window.ticket.verdict.text() == "The price is 4 s old.")
    assert window.ticket.verdict.property("tone") == "warn"
    press(window, Qt.Key.Key_Return)
    assert [command.acknowledged for command in node.of(SubmitOrder)] == [True]


def test_a_warning_nobody_saw_is_shown_first(window: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """Sent before the warning was there, the order waits; sent again after a quiet moment it goes, still once."""
    node.warns = "This is ten times your usual size."
    press(window, Qt.Key.Key_B)
    fill(window, price="67000", amount="0.1")
    press(window, Qt.Key.Key_Return)
    assert window.ticket.verdict.text() == "This is ten times your usual size."
    qtbot.waitUntil(window.ticket.submit_button.isEnabled)
    press(window, Qt.Key.Key_Return)
    first, second = node.of(SubmitOrder)
    assert (first.acknowledged, second.acknowledged) == (False, True)
    assert first.intent.token == second.intent.token


def test_the_first_live_order_is_confirmed_by_the_profiles_name(open_terminal: OpenWindow, qtbot: QtBot) -> None:
    """The question names the order, which waits for the name; confirmed, the same order goes. Refused, nothing does."""
    node = scripted_session(Mode.LIVE)
    node.confirmed = False
    node.emit(EntryUnlocked(node.now_ns))
    window = open_terminal(node)
    press(window, Qt.Key.Key_B)
    fill(window, price="67000", amount="0.1")
    press(window, Qt.Key.Key_Return)
    dialog = window.findChild(TypedNameDialog)
    assert dialog is not None
    assert dialog.windowTitle() == dialog.act_button.text() == "Buy 0.1 BTCUSDT at 67,000.00"
    said = [label.text() for label in dialog.findChildren(QLabel)]
    assert "Buy 0.1 BTCUSDT at 67,000.00. This is the first order of this LIVE profile." in said
    assert "Type the profile's name, “live”, to buy 0.1 BTCUSDT at 67,000.00:" in said
    qtbot.keyClicks(dialog.entry, "live")
    qtbot.keyClick(dialog.entry, Qt.Key.Key_Return)
    settle(window)
    assert not dialog.isVisible()
    assert node.of(ConfirmLive) == [ConfirmLive("live")]
    first, second = node.of(SubmitOrder)
    assert first == second
    assert second.intent.client_order_id in node.state.orders


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_no_kind_makes_the_ticket_wider_than_its_pane(
    open_terminal: OpenWindow, node: ScriptedNode, size: tuple[int, int]
) -> None:
    """Whatever is chosen, all fields are inside the pane, no gap is above the button, and it is in sight."""
    window = open_terminal(node, size=size)
    ticket = window.ticket
    for kind in Kind:
        ticket.set_type(kind)
        settle(window)
        assert ticket._fields.minimumSizeHint().width() <= ticket._area.viewport().width(), kind
        assert ticket._area.height() == min(ticket._fields.sizeHint().height(), ticket.height() - ticket._foot.height())
        assert ticket.submit_button.isVisible()
        assert ticket.rect().contains(ticket.submit_button.geometry().translated(ticket._foot.pos())), kind
