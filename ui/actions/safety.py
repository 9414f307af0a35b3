"""Handlers of the actions in `octopus_desktop/actions/safety.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from octopus_desktop.actions.safety import level_action
from octopus_desktop.model.commands import KillSwitch, SetTradingLevel
from octopus_desktop.model.profile import Mode
from octopus_desktop.model.safety import TradingLevel

if TYPE_CHECKING:
    from ui.main_window import MainWindow


def handlers(window: MainWindow) -> dict[str, Callable[[], object]]:
    session = window.session

    def set_level(level: TradingLevel) -> None:
        away = session.state.level.level is not TradingLevel.ACTIVE
        if level is TradingLevel.ACTIVE and away and session.node.profile.mode is Mode.LIVE:
            window.questions.activate()
        else:
            session.execute(SetTradingLevel(level))

    def pull() -> None:
        session.execute(KillSwitch())
        window.kill_panel.pulled()

    def setter(level: TradingLevel) -> Callable[[], None]:
        return lambda: set_level(level)

    return {
        "kill.pull": pull,
        "kill.flatten": window.kill_panel.ask,
        "risk.limits": window.questions.risk_limits,
        "ledger.show": window.questions.ledger,
        **{level_action(level): setter(level) for level in TradingLevel},
    }


def checks(window: MainWindow) -> dict[str, Callable[[], bool]]:
    """What the toggles among them say now."""

    def is_on(level: TradingLevel) -> Callable[[], bool]:
        return lambda: window.session.state.level.level is level

    return {level_action(level): is_on(level) for level in TradingLevel}
