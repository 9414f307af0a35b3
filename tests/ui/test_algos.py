"""The table of algos: what they do, and the keys that pause, resume and stop them."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from conftest import OpenWindow, settle
from keyboard import CTRL, SHIFT, press
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from scripted_day import place, scripted_session
from scripted_market import BTC
from scripted_node import ScriptedNode

from octopus_desktop.model.algos import AlgoStatus, OnRestart, Twap
from octopus_desktop.model.commands import PauseAlgo, ResumeAlgo, StopAlgo
from octopus_desktop.model.events import AlgoEnded, AlgoPaused, AlgoProgressed, AlgoStarted
from octopus_desktop.model.identifiers import AlgoId
from octopus_desktop.model.orders import Side
from ui.dialogs.quit import QuitDialog
from ui.layout import LAYOUT_SETTING
from ui.main_window import MainWindow

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

TWAP = AlgoId("al-1")


def start_twap(node: ScriptedNode, algo_id: AlgoId = TWAP) -> None:
    spec = Twap(instrument_id=BTC, side=Side.BUY, quantity=Decimal("0.4"), duration_s=600.0, slices=4)
    node.emit(AlgoStarted(algo_id, node.now_ns, spec, OnRestart.PAUSE))


def row(window: MainWindow) -> dict[str, str]:
    (algo,) = window.algos.table.shown_rows()
    return {column.key: column.text(algo) for column in window.algos.model.columns}


def test_an_algo_shows_what_its_orders_did(window: MainWindow, node: ScriptedNode) -> None:
    """Filled, progress and average are those of its orders, and its note is there as it says it."""
    press(window, Qt.Key.Key_A, CTRL | SHIFT)
    assert window.algos.overlay.text == "No algos"
    start_twap(node)
    order_id = place(node, BTC, Side.BUY, "67411.00", "0.1", parent=TWAP, role="slice")
    node.fill(order_id, Decimal("67411.00"), Decimal("0.1"), complete=True)
    node.emit(AlgoProgressed(TWAP, node.now_ns, "1 of 4 slices"))
    settle(window)
    told = row(window)
    assert (told["kind"], told["side"], told["filled"], told["progress"].strip()) == (
        "TWAP",
        "Buy",
        "0.10000",
        "25\xa0%",
    )
    assert (told["average"], told["status"], told["note"]) == ("67,411.00", "Running", "1 of 4 slices")
    assert (told["where"], told["restart"]) == ("Held here", "Waits")
    assert window.docks["algos"].windowTitle() == "Algos 1"


def test_algos_are_paused_resumed_and_stopped_by_keys(window: MainWindow, node: ScriptedNode) -> None:
    """P, R and Del in the table; the status follows."""
    start_twap(node)
    press(window, Qt.Key.Key_A, CTRL | SHIFT)
    press(window, Qt.Key.Key_P)
    assert node.of(PauseAlgo) == [PauseAlgo(TWAP)]
    assert row(window)["status"] == "Paused"
    press(window, Qt.Key.Key_R)
    assert node.of(ResumeAlgo) == [ResumeAlgo(TWAP)]
    press(window, Qt.Key.Key_Delete)
    assert node.of(StopAlgo) == [StopAlgo(TWAP, keep_protection=True)]
    assert row(window)["status"] == "Stopped"
    press(window, Qt.Key.Key_Delete)
    assert len(node.of(StopAlgo)) == 1, "what is over cannot be stopped"


def test_buttons_offer_only_what_can_be_done(window: MainWindow, node: ScriptedNode) -> None:
    """A running algo can be paused and stopped, a paused one resumed, one that is over nothing."""
    start_twap(node)
    press(window, Qt.Key.Key_A, CTRL | SHIFT)

    def may() -> list[str]:
        return [button.text() for button, _ in window.algos._buttons if button.isEnabled()]

    assert may() == ["Pause", "Stop"]
    node.emit(AlgoPaused(TWAP, node.now_ns, "The price is stale."))
    settle(window)
    assert may() == ["Resume", "Stop"]
    assert row(window)["note"] == "The price is stale."
    node.emit(AlgoEnded(TWAP, node.now_ns, AlgoStatus.COMPLETED))
    settle(window)
    assert may() == []


def test_what_is_at_work_stands_above_what_is_over(window: MainWindow, node: ScriptedNode) -> None:
    """The algo that Del and P are for is at the top, however many have ended since it began."""
    start_twap(node)
    node.now_ns += 1_000_000_000
    start_twap(node, AlgoId("al-2"))
    node.emit(AlgoEnded(AlgoId("al-2"), node.now_ns, AlgoStatus.COMPLETED))
    window.focus_pane("algos")
    settle(window)
    assert [algo.algo_id for algo in window.algos.table.shown_rows()] == [TWAP, AlgoId("al-2")]


def test_what_becomes_of_algos_is_told(window: MainWindow, node: ScriptedNode) -> None:
    """The trader hears of an algo that paused by itself, failed or completed, wherever he is."""
    start_twap(node)
    node.emit(AlgoPaused(TWAP, node.now_ns, "The price is stale."))
    start_twap(node, AlgoId("al-2"))
    node.emit(AlgoEnded(AlgoId("al-2"), node.now_ns, AlgoStatus.FAILED, "No order was accepted."))
    settle(window)
    told = [f"{toast.title}: {toast.text}" for toast in window.toasts.toasts]
    assert "TWAP paused: Buy 0.40000 BTCUSDT. The price is stale." in told
    assert "TWAP failed: Buy 0.40000 BTCUSDT. No order was accepted." in told


def test_a_layout_kept_before_there_was_the_pane_seats_it(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """After an upgrade the trader's own layout stands, and the new pane is behind the tabs below."""
    first = open_terminal(node)
    first.docks["tape"].close()
    first.removeDockWidget(first.docks["algos"])  # as in the version that had none
    first.layout_keeper.keep()
    first.session.save_now()
    kept = json.loads(node.settings[LAYOUT_SETTING])
    del kept["panes"]
    second = open_terminal(scripted_session(settings={LAYOUT_SETTING: msgspec.json.encode(kept).decode()}))
    assert second.docks["tape"].isHidden()
    assert second.panes["positions"].is_seen()
    assert second.docks["algos"] in second.tabifiedDockWidgets(second.docks["positions"])


def test_quitting_over_an_algo_that_is_held_here_is_asked(window: MainWindow, node: ScriptedNode) -> None:
    """Ctrl+Q names what would stand still; Esc stays, Enter quits. Without such an algo nothing is asked."""
    closing: list[bool] = []
    window.closing.connect(lambda: closing.append(True))
    start_twap(node)
    settle(window)
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_Return):
        assert not closing
        QTest.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
        (dialog,) = [each for each in window.findChildren(QuitDialog) if each.isVisible()]
        assert dialog.quit.text() == "Quit and leave 1 algo"
        QTest.keyClick(dialog, key)
    assert closing == [True]
    node.emit(AlgoEnded(TWAP, node.now_ns, AlgoStatus.COMPLETED))
    settle(window)
    window.run("app.quit")
    assert closing == [True, True]


def test_an_algo_that_starts_is_one_message(window: MainWindow, node: ScriptedNode) -> None:
    """Its orders are in the table; a trader who starts a scale of twenty reads one line, not four."""
    start_twap(node)
    for number in range(3):
        place(node, BTC, Side.BUY, f"{67000 + number}", "0.1", parent=TWAP, role="slice")
        settle(window)
    assert [toast.title for toast in window.toasts.toasts] == ["TWAP started"]
