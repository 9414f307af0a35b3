"""The kill switch, the trading level and what stands beside them."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from conftest import OpenWindow, settle
from keyboard import ALT, CTRL, SHIFT, press
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_day import scripted_session
from scripted_market import BTC, ETH, SIM
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import KillSwitch, SetRiskLimits, SetTradingLevel
from octopus_desktop.model.events import BreakerChanged, KillProgressed, KillStep, LedgerChecked, TradingLevelChanged
from octopus_desktop.model.limits import Hours, InstrumentLimits, RiskLimits
from octopus_desktop.model.profile import Mode
from octopus_desktop.model.safety import LedgerDifference, TradingLevel
from ui.dialogs.ledger import LedgerDialog
from ui.dialogs.risk_limits import RiskLimitsDialog
from ui.dialogs.typed_name import TypedNameDialog
from ui.main_window import MainWindow
from ui.models.columns import clock

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


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


@pytest.mark.parametrize("over", ["palette.open", "help.keys", "risk.limits"])
def test_no_page_and_no_dialog_is_in_its_way(window: MainWindow, node: ScriptedNode, over: str) -> None:
    """The key works over the palette, over the cheat sheet and in a dialog."""
    window.run(over)
    settle(window)
    dialog = window.findChild(RiskLimitsDialog)
    if dialog is not None:
        dialog.activateWindow()
        dialog.entries["max_order_notional"].setFocus()
        settle(window)
        assert QApplication.activeWindow() is dialog
    press(window, Qt.Key.Key_K, CTRL | SHIFT)
    assert node.of(KillSwitch) == [KillSwitch()]


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


def test_flatten_that_is_declined_leaves_nothing_on_the_screen(window: MainWindow, node: ScriptedNode) -> None:
    """The panel that came up for the question goes with the answer; one that tells of a pulled switch stays."""
    for _ in range(2):
        press(window, Qt.Key.Key_Q, CTRL | SHIFT)
        press(window, Qt.Key.Key_Q, CTRL | SHIFT)
        assert window.kill_panel.yes_button.isVisible()
        press(window, Qt.Key.Key_Escape)
        assert window.kill_panel.isHidden()
    press(window, Qt.Key.Key_K, CTRL | SHIFT)
    press(window, Qt.Key.Key_Q, CTRL | SHIFT)
    press(window, Qt.Key.Key_Escape)
    assert window.kill_panel.isVisible()
    assert node.of(KillSwitch) == [KillSwitch()]


def test_the_kill_switch_is_worked_by_keys_alone(window: MainWindow, node: ScriptedNode) -> None:
    """Pull, Flatten, Tab, Enter, Esc: positions are closed, and the keyboard is back where it was."""
    press(window, Qt.Key.Key_7, CTRL)
    before = QApplication.focusWidget()
    press(window, Qt.Key.Key_K, CTRL | SHIFT)
    press(window, Qt.Key.Key_Q, CTRL | SHIFT)
    press(window, Qt.Key.Key_Return)
    assert window.kill_panel.yes_button.isHidden(), "Enter pressed the button that leaves them open"
    press(window, Qt.Key.Key_Q, CTRL | SHIFT)
    press(window, Qt.Key.Key_Tab)
    press(window, Qt.Key.Key_Return)
    assert node.of(KillSwitch) == [KillSwitch(), KillSwitch(flatten=True)]
    press(window, Qt.Key.Key_Escape)
    assert window.kill_panel.isHidden()
    assert QApplication.focusWidget() is before


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


def test_a_switch_pulled_yesterday_is_history(open_terminal: OpenWindow, node: ScriptedNode) -> None:
    """What the journal remembers of an earlier session does not bring the panel up at the start."""
    node.emit(KillProgressed(KillStep.VERIFY_CANCELED, True, "the venue has none", node.now_ns - 1))
    window = open_terminal(node)
    assert window.kill_panel.isHidden()


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
    word = "open" if level is TradingLevel.ACTIVE else level.value.lower()
    assert window.status.labels["entry"].text() == f"entry {word}"


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


def test_an_open_breaker_is_on_the_status_line(window: MainWindow, node: ScriptedNode) -> None:
    """Which endpoint is left alone, and until when; closed, it is gone."""
    label = window.status.labels["breakers"]
    assert label.isHidden()
    until = node.now_ns + 30_000_000_000
    node.emit(BreakerChanged(SIM, "GET /api/v3/account", True, "5 failures in a row", until, node.now_ns))
    settle(window)
    assert label.text() == f"breaker open: GET /api/v3/account until {clock(until, window.session.zone)}"
    assert "5 failures in a row" in label.toolTip()
    node.emit(BreakerChanged(SIM, "GET /api/v3/account", False, "", 0, node.now_ns))
    settle(window)
    assert label.isHidden()


def test_a_ledger_difference_is_one_click_from_its_table(window: MainWindow, node: ScriptedNode) -> None:
    """What our fills don't explain is said on the status line, and told in a table: expected, actual, difference."""
    assert window.status.ledger.isHidden()
    found = LedgerDifference("USDT", Decimal("81204.55"), Decimal("81304.55"))
    node.emit(LedgerChecked(SIM, (found,), node.now_ns))
    settle(window)
    assert window.status.ledger.text() == "ledger: 1 difference"
    QTest.mouseClick(window.status.ledger, Qt.MouseButton.LeftButton)
    dialog = window.findChild(LedgerDialog)
    assert dialog is not None
    (line,) = dialog.table.shown_rows()
    told = {column.key: column.text(line) for column in dialog.model.columns}
    assert (told["expected"], told["actual"], told["difference"]) == ("81,204.55", "81,304.55", "+100.00")
    assert dialog.overlay.state == "live"
    dialog.accept()
    node.emit(LedgerChecked(SIM, (), node.now_ns + 1))
    settle(window)
    assert window.status.ledger.isHidden()


def test_a_ledger_without_differences_says_so(window: MainWindow, node: ScriptedNode) -> None:
    """The table is never a blank rectangle: not compared yet, or nothing to tell."""
    window.run("ledger.show")
    dialog = window.findChild(LedgerDialog)
    assert dialog is not None
    assert dialog.overlay.text == "Not compared yet"
    node.emit(LedgerChecked(SIM, (), node.now_ns))
    settle(window)
    dialog.write(window.session.state)
    assert dialog.overlay.text == "No differences"


def test_the_limits_are_set_as_they_are_shown(window: MainWindow, node: ScriptedNode) -> None:
    """Percent and minutes on the screen, fractions and seconds in the limits; an empty field is no limit."""
    window.run("risk.limits")
    settle(window)
    dialog = window.findChild(RiskLimitsDialog)
    assert dialog is not None
    assert dialog.entries["max_touch_distance"].text() == "5"
    assert dialog.entries["max_daily_loss"].text() == ""
    for key, text in (
        ("max_order_notional", "20k"),
        ("max_touch_distance", "2.5"),
        ("max_daily_loss", "500"),
        ("max_asset_notional", "2.5k"),
        ("losses_before_cooldown", "3"),
        ("cooldown_s", "30"),
        ("max_size_multiple", ""),
    ):
        dialog.entries[key].setText(text)
    dialog.allowed.setText("btcusdt, ETHUSDT")
    dialog.hours.setText("08:00 - 20:30")
    dialog.add.click()
    dialog.rows[BTC]["max_position"].setText("2")
    dialog.keep.click()
    settle(window)
    (command,) = node.of(SetRiskLimits)
    assert command.limits == msgspec.structs.replace(
        RiskLimits(),
        max_order_notional=Decimal(20_000),
        max_touch_distance=Decimal("0.025"),
        max_daily_loss=Decimal(500),
        max_asset_notional=Decimal(2500),
        losses_before_cooldown=3,
        cooldown_s=1800,
        max_size_multiple=None,
        allowed=frozenset({BTC, ETH}),
        hours=Hours(480, 1230),
        instruments={BTC: InstrumentLimits(max_position=Decimal(2))},
    )
    assert not dialog.isVisible()


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("max_order_notional", "", "Worth at most: type a number"),
        ("max_orders_per_second", "2.5", "Orders a second: a whole number"),
        ("allowed", "BTCUSD", "SIM has no BTCUSD"),
        ("hours", "all day", "Allowed hours: type"),
    ],
)
def test_a_limit_that_cannot_be_is_said(
    window: MainWindow, node: ScriptedNode, field: str, text: str, says: str
) -> None:
    """Nothing is set while one field is wrong, and the sentence names it."""
    window.run("risk.limits")
    settle(window)
    dialog = window.findChild(RiskLimitsDialog)
    assert dialog is not None
    entry = dialog.entries[field] if field in dialog.entries else getattr(dialog, field)
    entry.setText(text)
    dialog.keep.click()
    assert says in dialog.problem.text()
    assert not node.of(SetRiskLimits)
    assert dialog.isVisible()


def test_the_day_is_told_beside_its_limits(window: MainWindow, node: ScriptedNode) -> None:
    """Profit, peak, drawdown, fees and the rate of orders are those of the engine."""
    window.run("risk.limits")
    settle(window)
    settle(window)
    dialog = window.findChild(RiskLimitsDialog)
    assert dialog is not None
    assert dialog.day["level"].text() == "ACTIVE"
    assert dialog.day["orders"].text() == "0 / 0"
    assert dialog.day["fees"].text() != "–"


def test_a_day_without_every_price_is_said_to_be_one(
    window: MainWindow, node: ScriptedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the profit stands whose price is missing in it."""
    status = node._risk.status
    monkeypatch.setattr(
        node._risk, "status", lambda: msgspec.structs.replace(status(), profit=Decimal(5), unvalued=("ETH", "SOL"))
    )
    window.run("risk.limits")
    settle(window)
    settle(window)
    dialog = window.findChild(RiskLimitsDialog)
    assert dialog is not None
    assert dialog.day["profit"].text().endswith("5.00 · without ETH and 1 more")
