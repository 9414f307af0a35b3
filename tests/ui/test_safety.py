"""The kill switch, the trading level and what stands beside them."""

from __future__ import annotations

import pytest
from conftest import OpenWindow, settle
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_node import ScriptedNode, scripted_session

from octopus_desktop.model.commands import KillSwitch, SetTradingLevel
from octopus_desktop.model.events import KillProgressed, KillStep, TradingLevelChanged
from octopus_desktop.model.profile import Mode
from octopus_desktop.model.safety import TradingLevel
from ui.dialogs.typed_name import TypedNameDialog
from ui.main_window import MainWindow

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def press(window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or window, key, modifiers)
    settle(window)


@pytest.mark.parametrize("by", ["key in a table", "key in a field", "button"])
def test_the_kill_switch_needs_one_act(window: MainWindow, node: ScriptedNode, by: str) -> None:
    """One key, wherever the keyboard is, or one press of the button that is always there; nothing is asked."""
    window.focus_pane("ticket" if "field" in by else "positions")
    settle(window)
    if by == "button":
        assert window.top.kill.isVisible()
        QTest.mouseClick(window.top.kill, Qt.MouseButton.LeftButton)
        settle(window)
    else:
        press(window, Qt.Key.Key_K, CTRL | SHIFT)
    assert node.of(KillSwitch) == [KillSwitch()]
    assert not node.state.working
    assert window.top.level.level is TradingLevel.HALTED


def test_its_steps_are_shown_as_they_happen(window: MainWindow, node: ScriptedNode) -> None:
    """The panel tells each step while it is worked on and when it is done."""
    assert window.kill_panel.isHidden()
    node.emit(KillProgressed(KillStep.STOP_ALGOS, True, "2 algos stopped", node.now_ns + 1))
    node.emit(KillProgressed(KillStep.CANCEL, False, "3 of 7 left", node.now_ns + 2))
    settle(window)
    rows = window.kill_panel.rows
    assert window.kill_panel.isVisible()
    assert [rows[step][0].text() for step in (KillStep.STOP_ALGOS, KillStep.CANCEL)] == ["●", "◐"]
    assert rows[KillStep.CANCEL][2].text() == "3 of 7 left"
    assert rows[KillStep.VERIFY_CANCELED][0].text() == "○"
    assert rows[KillStep.FLATTEN][1].isHidden()


def test_flattening_is_a_second_step_and_asked(window: MainWindow, node: ScriptedNode) -> None:
    """Positions are closed only after the question was answered; the button says how many."""
    press(window, Qt.Key.Key_K, CTRL | SHIFT)
    panel = window.kill_panel
    assert panel.flatten_button.text() == "Flatten 2 positions…"
    QTest.mouseClick(panel.flatten_button, Qt.MouseButton.LeftButton)
    settle(window)
    assert panel.yes_button.isVisible()
    assert panel.yes_button.text() == "Close 2 positions"
    press(window, Qt.Key.Key_Return)
    assert KillSwitch(flatten=True) not in node.commands, "Enter stands on the button that closes nothing"
    press(window, Qt.Key.Key_Q, CTRL | SHIFT)
    QTest.mouseClick(panel.yes_button, Qt.MouseButton.LeftButton)
    settle(window)
    assert node.of(KillSwitch)[-1] == KillSwitch(flatten=True)
    assert panel.rows[KillStep.FLATTEN][1].isVisible()


def test_a_dismissed_panel_comes_back_with_news(window: MainWindow, node: ScriptedNode) -> None:
    """Esc puts it away, trading stays halted, and the next step brings it up again."""
    press(window, Qt.Key.Key_K, CTRL | SHIFT)
    window.kill_panel.close_button.click()
    settle(window)
    assert window.kill_panel.isHidden()
    assert window.top.level.level is TradingLevel.HALTED
    node.now_ns += 1_000_000
    node.emit(KillProgressed(KillStep.VERIFY_CANCELED, False, "1 order came back", node.now_ns))
    settle(window)
    assert window.kill_panel.isVisible()


@pytest.mark.parametrize("level", list(TradingLevel))
def test_the_level_is_a_word_on_its_colour(window: MainWindow, node: ScriptedNode, level: TradingLevel) -> None:
    """What is not as usual is filled with its colour, and the tooltip says why."""
    node.emit(TradingLevelChanged(level, "The daily loss is reached.", node.now_ns))
    settle(window)
    badge = window.top.level
    assert badge.accessibleName() == f"Trading level {level.value}"
    assert "The daily loss is reached." in badge.toolTip()
    colors = window.theme.colors
    expected = {TradingLevel.ACTIVE: colors.bg1, TradingLevel.REDUCING: colors.warn, TradingLevel.HALTED: colors.danger}
    assert badge.grab().toImage().pixelColor(6, 9) == expected[level]


def test_the_level_is_changed_by_keys(window: MainWindow, node: ScriptedNode) -> None:
    """Ctrl+Alt+R, H and A; the menu has a check mark at the one that holds."""
    for key, level in (
        (Qt.Key.Key_R, TradingLevel.REDUCING),
        (Qt.Key.Key_H, TradingLevel.HALTED),
        (Qt.Key.Key_A, TradingLevel.ACTIVE),
    ):
        press(window, key, CTRL | ALT)
        assert node.of(SetTradingLevel)[-1] == SetTradingLevel(level)
        assert window.top.level.level is level
        window.menus._check()
        on = [each for each in TradingLevel if window.menus.actions[f"level.{each.value.lower()}"].isChecked()]
        assert on == [level]


def test_a_live_profile_is_activated_by_typing_its_name(open_terminal: OpenWindow, qtbot: QtBot) -> None:
    """Halting needs nothing; going back to ACTIVE needs the profile's name."""
    node = scripted_session(Mode.LIVE)
    window = open_terminal(node)
    window.run("level.halted")
    settle(window)
    assert window.top.level.level is TradingLevel.HALTED
    window.run("level.active")
    dialog = window.findChild(TypedNameDialog)
    assert dialog is not None
    assert not dialog.act_button.isEnabled()
    qtbot.keyClicks(dialog.entry, "demo")
    qtbot.keyClick(dialog.entry, Qt.Key.Key_Return)
    settle(window)
    assert dialog.isVisible()
    dialog.entry.clear()
    qtbot.keyClicks(dialog.entry, "live")
    qtbot.keyClick(dialog.entry, Qt.Key.Key_Return)
    settle(window)
    assert not dialog.isVisible()
    assert window.top.level.level is TradingLevel.ACTIVE
