"""Frames: everything that happened arrives, in order, and nobody who isn't seen is painted."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from conftest import settle
from PySide6.QtWidgets import QApplication
from scripted_day import place
from scripted_market import BTC, ETH
from scripted_node import ScriptedNode

import ui.frame
from octopus_desktop.model.events import OrderCanceled
from octopus_desktop.model.identifiers import ClientOrderId
from octopus_desktop.model.market_state import KEPT_TRADES
from octopus_desktop.model.orders import Side
from tests.printed import printed
from ui.frame import Dirty
from ui.main_window import MainWindow
from ui.panes.tape import TapePane

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_a_long_journal_is_folded_over_several_frames(
    window: MainWindow, node: ScriptedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of events at once are all shown in the end, in their order, and no frame takes them all."""
    monkeypatch.setattr(ui.frame, "FOLD_S", 0.0)
    before = len(window.session.state.orders)
    for _ in range(400):
        order_id = place(node, BTC, Side.BUY, "67000.00", "0.01")
        node.emit(OrderCanceled(order_id, node.now_ns))
    window.frames.turn()
    first = len(window.session.state.orders) - before
    assert 0 < first < 400
    for _ in range(20):
        window.frames.turn()
    assert list(window.session.state.orders) == list(node.state.orders)
    assert not window.session.state.working.keys() ^ node.state.working.keys()


def test_a_pane_behind_others_is_not_painted_and_catches_up(
    window: MainWindow, node: ScriptedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tab nobody sees costs nothing, and has everything when it is brought up."""
    pane = window.panes["order_history"]
    seen: list[bool] = []
    refresh = pane.refresh
    monkeypatch.setattr(pane, "refresh", lambda state, dirty: (seen.append(dirty.everything), refresh(state, dirty)))
    order_id = place(node, BTC, Side.BUY, "67000.00", "0.01")
    node.emit(OrderCanceled(order_id, node.now_ns))
    settle(window)
    assert seen == []
    window.focus_pane("order_history")
    settle(window)
    assert seen[0] is True
    assert pane.table.shown_rows()[0].client_order_id == order_id  # type: ignore[attr-defined]  # a TablePane


def test_a_minimised_window_still_follows(window: MainWindow, node: ScriptedNode) -> None:
    """Behind other programs the state is kept up to date, at a slow rate."""
    window.showMinimized()
    QApplication.processEvents()
    assert window.frames._timer.interval() == ui.frame.HIDDEN_MS
    node.emit(printed(BTC, 67000.0, 1.0, Side.BUY, 99_999, node.now_ns, node.now_ns))
    window.frames.turn()
    assert window.session.state.market(BTC).last_price == 67000.0
    window.showNormal()
    QApplication.processEvents()
    assert window.frames._timer.interval() == ui.frame.FRAME_MS


def test_marks_are_emptied_in_place() -> None:
    """An accumulator used again holds nothing of the last round."""
    dirty = Dirty()
    for event in (
        printed(BTC, 67000.0, 1.0, Side.BUY, 1, 1, 1),
        OrderCanceled(ClientOrderId("od-none"), 1),
    ):
        dirty.add(event)
    assert dirty
    assert dirty.trades
    assert dirty.order_events
    dirty.clear()
    assert not dirty
    assert not dirty.trades
    assert not dirty.orders
    assert not dirty.order_events


def test_the_tape_keeps_what_came_before_the_earlier_trades(window: MainWindow, node: ScriptedNode) -> None:
    """The venue's answer took its time, in a market so busy that State has let go of the first prints already."""
    node.earlier_trades = Future()
    window.session.select(ETH)
    window.session.select(BTC)
    settle(window)
    tape = window.panes["tape"]
    assert isinstance(tape, TapePane)
    known = [trade.trade_id for trade in window.session.state.market(BTC).trades]
    came = range(known[-1] + 1, known[-1] + KEPT_TRADES + 101)
    for first in range(came.start, came.stop, 50):
        for number in came[first - came.start : first - came.start + 50]:
            node.emit(printed(BTC, 67_000.0, 1.0, Side.BUY, number, number, node.now_ns))
        window.frames.turn()
    earlier = range(known[0] - 10, known[0] + 20)
    node.earlier_trades.set_result(
        [trade for number in earlier for trade in printed(BTC, 67_000.0, 1.0, Side.BUY, number, number, 1).trades]
    )
    settle(window)
    times = [trade.ts_ns for trade in tape.view.prints]
    assert times[: len(came)] == list(reversed(came))
    assert times[-10:] == list(reversed(range(known[0] - 10, known[0])))
    assert len(times) == len(came) + len(known) + 10


def test_a_tape_behind_another_pane_keeps_what_it_showed(window: MainWindow, node: ScriptedNode) -> None:
    """It catches up behind what it has, though State holds less than the tape; after a hole it begins anew."""
    tape = window.panes["tape"]
    assert isinstance(tape, TapePane)
    number = window.session.state.market(BTC).trades[-1].trade_id

    def trade(count: int) -> None:
        nonlocal number
        for _ in range(count):
            number += 1
            node.emit(printed(BTC, 67_000.0, 1.0, Side.BUY, number, number, node.now_ns))
        window.frames.turn()

    trade(KEPT_TRADES)
    shown = len(tape.view.prints)
    assert shown > KEPT_TRADES
    for unseen, left in ((50, shown + 50), (KEPT_TRADES + 50, KEPT_TRADES)):
        tape.missed = True
        tape.hide()
        trade(unseen)
        tape.show()
        settle(window)
        times = [each.ts_ns for each in tape.view.prints]
        assert len(times) == left
        assert times[:KEPT_TRADES] == list(range(number, number - KEPT_TRADES, -1))


def test_the_clock_turns_with_the_wall_clock(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second on the screen is the one of now: neither a late frame nor a set clock leaves it behind."""
    second = 1_000_000_000
    start = 1_767_225_600 * second
    for after, says in ((0.9, "00"), (1.0, "01"), (1.9, "01"), (2.02, "02"), (5.5, "05"), (2.5, "02")):
        monkeypatch.setattr("ui.frame.time.time_ns", lambda after=after: start + round(after * second))
        window.frames.turn()
        assert window.status.time.text().split()[0].endswith(f":{says}"), after
