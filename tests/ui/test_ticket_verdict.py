"""What risk thinks of the ticket, as the button shows it before anything is sent."""

from __future__ import annotations

import time

import pytest
from conftest import settle
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import SubmitOrder
from octopus_desktop.model.events import EntryLocked, EntryUnlocked, TradingLevelChanged
from octopus_desktop.model.queries import AlgoVerdict, Verdict
from octopus_desktop.model.safety import TradingLevel
from ui.main_window import MainWindow
from ui.models.ticket_kinds import Kind
from ui.theme.tokens import THEMES, contrast, tokens

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

REFUSAL = "The order is worth 6,700 USDT; your limit is 5,000."
LOCKED = "Order entry is locked. Ctrl+U unlocks it."


def fill(window: MainWindow) -> None:
    window.ticket.price.setText("67000")
    window.ticket.amount.setText("0.1")
    settle(window)


def button_colours(window: MainWindow) -> tuple[str, str]:
    """The button's fill, and the text that stands out most from it."""
    image = window.ticket.submit_button.grab().toImage()
    fill = image.pixelColor(6, image.height() // 2).name()
    middle = range(image.width() // 4, 3 * image.width() // 4)
    seen = {image.pixelColor(x, y).name() for x in middle for y in range(8, image.height() - 8)}
    return fill, max(seen, key=lambda colour: contrast(colour, fill))


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(("theme_name", "colour_blind"), [(name, blind) for name in THEMES for blind in (False, True)])
def test_an_order_that_risk_denies_has_a_muted_button(
    window: MainWindow, node: ScriptedNode, qtbot: QtBot, side: str, theme_name: str, colour_blind: bool
) -> None:
    """It looks off, can be read, and says why under it; when risk thinks otherwise it is bright again."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    window.session.theme.apply(app, theme_name, colour_blind=colour_blind)
    table = tokens(theme_name, colour_blind=colour_blind)
    bright = (table.up if side == "buy" else table.down).lower()
    window.ticket.side.choose(side)
    fill(window)
    qtbot.waitUntil(lambda: window.ticket.verdict.text() == "✓ Within your limits")
    assert button_colours(window)[0] == bright
    node.verdict = Verdict(REFUSAL)
    window.ticket.amount.setText("0.09")
    qtbot.waitUntil(lambda: window.ticket.verdict.text() == REFUSAL)
    muted, text = button_colours(window)
    assert contrast(muted, table.bg0) < contrast(bright, table.bg0) / 1.5
    assert contrast(text, muted) >= 4.5
    node.verdict = None
    window.ticket.amount.setText("0.08")
    qtbot.waitUntil(lambda: window.ticket.verdict.text() == "✓ Within your limits")
    assert button_colours(window)[0] == bright


def test_a_denied_order_tells_why_when_it_is_pressed(window: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """The engine has the last word, by mouse as by Enter."""
    node.verdict, node.refuses = Verdict(REFUSAL), REFUSAL
    fill(window)
    qtbot.waitUntil(lambda: window.ticket.verdict.text() == REFUSAL)
    QTest.mouseClick(window.ticket.submit_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: REFUSAL in [toast.text for toast in window.toasts.toasts])


def test_a_denied_order_is_told_once(window: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """The engine's answer and the order's own event are one message."""
    window.ticket.price.setText("67000")
    window.ticket.amount.setText("1")
    settle(window)
    QTest.mouseClick(window.ticket.submit_button, Qt.MouseButton.LeftButton)
    settle(window)
    qtbot.waitUntil(lambda: not window.ticket._haste.is_on and window.ticket._sent is None)  # the haste is over
    assert len(node.of(SubmitOrder)) == 1
    assert [toast.title for toast in window.toasts.toasts] == ["Not sent"]


def test_an_algo_that_is_refused_has_a_muted_button(window: MainWindow, node: ScriptedNode, qtbot: QtBot) -> None:
    """Also where each of its orders alone would be within the limits."""
    ticket = window.ticket
    ticket.set_type(Kind.TWAP)
    ticket.amount.setText("0.4")
    ticket.extras.fields["duration"].setText("10m")
    ticket.extras.fields["slices"].setText("8")
    settle(window)
    qtbot.waitUntil(lambda: "Held here" in ticket.verdict.text())
    assert not ticket.submit_button.property("denied")
    node.algo_verdict = AlgoVerdict("Spot can't be sold short.")
    ticket.extras.fields["slices"].setText("9")
    qtbot.waitUntil(lambda: ticket.verdict.text() == "Spot can't be sold short.")
    assert ticket.submit_button.property("denied")


def test_what_risk_said_of_a_lock_goes_with_the_lock(window: MainWindow, node: ScriptedNode) -> None:
    """Unlocked, halted, active again: the ticket says at once what risk says now, not what it said before."""
    ticket = window.ticket
    node.emit(EntryLocked(LOCKED, node.now_ns))
    fill(window)
    ticket._risk.stop()
    ticket._ask_risk()
    settle(window)
    assert ticket.verdict.text() == LOCKED
    node.emit(EntryUnlocked(node.now_ns))
    frame(window)
    assert ticket.verdict.text() == "✓ Within your limits"
    node.verdict = Verdict(REFUSAL)
    node.emit(TradingLevelChanged(TradingLevel.HALTED, "Set by you.", node.now_ns))
    frame(window)
    assert ticket.verdict.text() == REFUSAL
    node.verdict = None
    node.emit(TradingLevelChanged(TradingLevel.ACTIVE, "Set by you.", node.now_ns))
    frame(window)
    assert ticket.verdict.text() == "✓ Within your limits"


def frame(window: MainWindow) -> None:
    """One frame of the slow panes in the middle of a second, and the answers to what they asked."""
    window.frames._slow_due = 0.0
    window.frames._second = time.time_ns() // 1_000_000_000
    window.frames.turn()
    QApplication.processEvents()
