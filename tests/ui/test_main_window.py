"""The mode of the window, its theme, and the lock of order entry."""

from __future__ import annotations

import pytest
from conftest import OpenWindow, settle
from keyboard import CTRL, press
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from scripted_day import scripted_session
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import LockEntry, UnlockEntry
from octopus_desktop.model.events import LogRecorded, Severity
from octopus_desktop.model.profile import Mode
from ui.dialogs.typed_name import TypedNameDialog
from ui.frame import Dirty
from ui.main_window import MainWindow
from ui.widgets.mode_frame import ModeBadge

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


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


def test_the_status_line_says_how_the_journal_is_and_forgets_what_is_mended(
    window: MainWindow, node: ScriptedNode
) -> None:
    """Red while nothing can be written, quiet again once it can; what else the log says does not matter."""
    journal, writer = window.status.labels["journal"], "octopus_desktop.storage.writer"
    assert journal.text() == "journal ok"
    for severity, source, says in (
        (Severity.ERROR, writer, "journal: see the log"),
        (Severity.INFO, "octopus_desktop.node", "journal: see the log"),
        (Severity.INFO, writer, "journal ok"),
    ):
        node.emit(LogRecorded(severity, source, "words", node.now_ns))
        settle(window)
        window.status.refresh(node.state, Dirty(everything=True))
        assert journal.text() == says


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
