"""A press is one act: keys that are held down, hammered keys, double clicks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import OpenWindow, settle
from keyboard import ALT, CTRL, SHIFT, press
from PySide6.QtCore import QObject, Qt, SignalInstance
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot
from scripted_node import ScriptedNode

import ui.haste
from octopus_desktop.model.commands import KillSwitch, SubmitOrder
from ui.haste import QUIET_MS
from ui.main_window import MainWindow

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

WARNING = "This is ten times your usual size."
STRUCK: dict[str, tuple[int, int]] = {
    "held": (100, 40),
    "hammered": (270, 15),
    "hammered slowly": (QUIET_MS - 1, 5),
}
"""Milliseconds between two presses, and how many."""


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 0
        self.timers: list[Timer] = []

    def pass_by(self, ms: int) -> None:
        end = self.now + ms
        while True:
            due = [timer for timer in self.timers if timer.due is not None and timer.due <= end]
            if not due:
                break
            first = min(due, key=lambda timer: timer.due or 0)
            assert first.due is not None
            self.now, first.due = first.due, None
            first.run()
        self.now = end


class Timer:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.due: int | None = None
        self.timeout = self
        self.run: Callable[[], None] = lambda: None
        clock.timers.append(self)

    def setSingleShot(self, single: bool) -> None:
        assert single

    def connect(self, run: Callable[[], None] | SignalInstance) -> None:
        self.run = run.emit if isinstance(run, SignalInstance) else run

    def start(self, ms: int) -> None:
        self.due = self.clock.now + ms

    def stop(self) -> None:
        self.due = None

    def isActive(self) -> bool:
        return self.due is not None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    def timer(parent: QObject) -> Timer:
        return Timer(clock)

    monkeypatch.setattr(ui.haste, "QTimer", timer)
    return clock


@pytest.fixture
def desk(clock: Clock, open_terminal: OpenWindow, node: ScriptedNode) -> MainWindow:
    """A window whose haste goes by the clock, and a limit order in its ticket."""
    window = open_terminal(node)
    press(window, Qt.Key.Key_B)
    window.ticket.price.setText("67000")
    window.ticket.amount.setText("0.05")
    settle(window)
    return window


def strike(window: MainWindow, by: str) -> None:
    """A press by key goes to whatever has the keyboard; a click, where the button is."""
    if by == "click":
        QTest.mouseClick(window.ticket.submit_button, Qt.MouseButton.LeftButton)
        settle(window)
    else:
        press(window, Qt.Key.Key_Return)


@pytest.mark.parametrize("by", ["key in a field", "key on the button", "click"])
@pytest.mark.parametrize("how", STRUCK)
@pytest.mark.parametrize("kind", [Qt.Key.Key_L, Qt.Key.Key_M])
def test_however_long_it_is_struck_it_is_one_order(
    desk: MainWindow, node: ScriptedNode, clock: Clock, by: str, how: str, kind: Qt.Key
) -> None:
    """Only after a quiet moment is the next press another order, by key as by mouse."""
    press(desk, kind, ALT)
    if by == "key on the button":
        desk.ticket.submit_button.setFocus()
    between, times = STRUCK[how]
    for _ in range(times):
        strike(desk, by)
        clock.pass_by(between)
        settle(desk)
    assert len(node.of(SubmitOrder)) == 1
    clock.pass_by(QUIET_MS)
    settle(desk)
    assert desk.ticket.submit_button.isEnabled()
    strike(desk, by)
    first, second = (command.intent for command in node.of(SubmitOrder))
    assert first.token != second.token


def test_presses_that_waited_for_a_busy_screen_are_presses(desk: MainWindow, node: ScriptedNode, clock: Clock) -> None:
    """When the time is up while keys are still in the queue, those are struck in haste."""
    strike(desk, "key")
    (quiet,) = (timer for timer in clock.timers if timer.isActive())
    quiet.stop()
    quiet.run()
    strike(desk, "key")
    clock.pass_by(QUIET_MS - 1)
    strike(desk, "key")
    assert len(node.of(SubmitOrder)) == 1


@pytest.mark.parametrize("by", ["key", "click"])
def test_a_warning_is_not_acknowledged_by_the_press_that_brought_it(
    desk: MainWindow, node: ScriptedNode, clock: Clock, qtbot: QtBot, by: str
) -> None:
    """It was not read by then, however often that key is struck; a press after a quiet moment says that it was."""
    node.warns = WARNING
    qtbot.waitUntil(lambda: "Within your limits" in desk.ticket.verdict.text())
    for _ in range(10):
        strike(desk, by)
        clock.pass_by(200)
    assert [command.acknowledged for command in node.of(SubmitOrder)] == [False]
    desk.ticket.each_second(node.state, node.now_ns)  # asked again in the meantime, risk has nothing to say
    settle(desk)
    assert desk.ticket.verdict.text() == WARNING
    clock.pass_by(QUIET_MS)
    strike(desk, by)
    first, second = node.of(SubmitOrder)
    assert second.acknowledged
    assert first.intent.token == second.intent.token


def second_half(button: QPushButton) -> None:
    """Of a double click: Qt tells it as such, and not as a press."""
    QTest.mouseDClick(button, Qt.MouseButton.LeftButton)
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton)


def test_the_second_half_of_a_double_click_is_no_order(desk: MainWindow, node: ScriptedNode) -> None:
    """Where the button came up under the mouse after the first half, too."""
    button = desk.ticket.submit_button
    second_half(button)
    assert not node.of(SubmitOrder)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    second_half(button)
    settle(desk)
    assert len(node.of(SubmitOrder)) == 1


def test_the_keyboard_does_not_go_from_the_sent_order_to_another_button(desk: MainWindow) -> None:
    """The button that sends goes off; Close stands after it, and the next Enter would press that."""
    desk.ticket.submit_button.setFocus()
    strike(desk, "key")
    assert QApplication.focusWidget() is desk.ticket.amount


def ask(window: MainWindow) -> None:
    press(window, Qt.Key.Key_Q, CTRL | SHIFT)
    assert window.kill_panel.yes_button.isVisible()


def test_a_held_key_asks_and_does_not_answer(desk: MainWindow, node: ScriptedNode, clock: Clock) -> None:
    """Return on Flatten brings the question up, which stays; the same key struck later answers it."""
    panel = desk.kill_panel
    press(desk, Qt.Key.Key_K, CTRL | SHIFT)
    panel.flatten_button.setFocus()
    for _ in range(20):
        press(desk, Qt.Key.Key_Return)
        clock.pass_by(100)
    assert panel.yes_button.isVisible()
    clock.pass_by(QUIET_MS)
    press(desk, Qt.Key.Key_Return)
    assert panel.yes_button.isHidden()
    assert node.of(KillSwitch) == [KillSwitch()]


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Space])
@pytest.mark.parametrize("answer", ["yes", "no"])
def test_a_held_answer_is_one_answer_and_no_order(
    desk: MainWindow, node: ScriptedNode, clock: Clock, answer: str, key: Qt.Key
) -> None:
    """The panel that came up over a filled ticket keeps the keyboard until the key is let go."""
    ask(desk)
    if answer == "yes":
        press(desk, Qt.Key.Key_Tab)
    for _ in range(20):
        press(desk, key)
        clock.pass_by(100)
    assert node.of(KillSwitch) == [KillSwitch(flatten=True)] * (answer == "yes")
    assert not node.of(SubmitOrder)
    clock.pass_by(QUIET_MS)
    assert desk.kill_panel.isHidden() is (answer == "no")


def test_a_double_click_on_flatten_only_asks(desk: MainWindow, node: ScriptedNode, clock: Clock) -> None:
    """The answer comes up where the question was asked; a click on it counts after a moment."""
    panel = desk.kill_panel
    press(desk, Qt.Key.Key_K, CTRL | SHIFT)
    QTest.mouseClick(panel.flatten_button, Qt.MouseButton.LeftButton)
    settle(desk)
    second_half(panel.yes_button)
    assert node.of(KillSwitch) == [KillSwitch()]
    clock.pass_by(QUIET_MS)
    QTest.mouseClick(panel.yes_button, Qt.MouseButton.LeftButton)
    assert node.of(KillSwitch) == [KillSwitch(), KillSwitch(flatten=True)]
