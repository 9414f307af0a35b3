"""An order goes before painting: the screen waits for it a moment, and never longer."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from pytestqt.qtbot import QtBot
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import CancelAllOrders, Command, Done, Outcome
from ui.session import Session
from ui.theme.theme import Theme


class AnsweringLater(ScriptedNode):
    """Its answers come from another thread, as a real node's do, or never."""

    def __init__(self, *, ever: bool) -> None:
        super().__init__()
        self.ever = ever
        self.last: Future[Outcome] = Future()

    def execute(self, command: Command) -> Future[Outcome]:
        answer = self.last = Future[Outcome]()
        if self.ever:
            threading.Thread(target=answer.set_result, args=(Done(),)).start()
        return answer


def test_an_order_command_has_its_outcome_before_anything_is_painted(qtbot: QtBot) -> None:
    """The answer that is a moment away is there when `execute` returns; the callback still comes by the event loop."""
    node = AnsweringLater(ever=True)
    session = Session(node, Theme())
    told: list[Outcome] = []
    session.execute(CancelAllOrders(), told.append)
    assert node.last.done()
    assert told == []
    qtbot.waitUntil(lambda: told == [Done()])


def test_a_node_that_does_not_answer_does_not_hold_the_screen(qtbot: QtBot) -> None:
    """It returns without an answer, and the answer is still taken when it comes."""
    node = AnsweringLater(ever=False)
    session = Session(node, Theme())
    told: list[Outcome] = []
    session.execute(CancelAllOrders(), told.append)
    assert not node.last.done()
    node.last.set_result(Done(3))
    qtbot.waitUntil(lambda: told == [Done(3)])
