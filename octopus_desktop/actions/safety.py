"""Actions that bound what can go wrong: the kill switch, the trading level, limits and sums."""

from __future__ import annotations

from typing import Final

from octopus_desktop.actions.context import Context
from octopus_desktop.actions.registry import Action, Menu
from octopus_desktop.model.safety import TradingLevel

_T = Menu.TRADE
_LEVELS = (
    (TradingLevel.ACTIVE, "Any order within the limits.", "Ctrl+Alt+A"),
    (TradingLevel.REDUCING, "Only orders that make a position smaller, and cancels.", "Ctrl+Alt+R"),
    (TradingLevel.HALTED, "Only cancels.", "Ctrl+Alt+H"),
)


def level_action(level: TradingLevel) -> str:
    """Id of the action that sets this trading level."""
    return f"level.{level.value.lower()}"


ACTIONS: Final = (
    Action(
        "kill.pull",
        "Kill switch",
        "Stop all algos, halt, cancel every order and verify it: at once, without asking.",
        _T,
        Context.EVERYWHERE,
        keys=("Ctrl+Shift+K",),
        group="kill",
    ),
    Action(
        "kill.flatten",
        "Flatten positions…",
        "Halt as the kill switch does, then close every position at the market; it asks first.",
        _T,
        keys=("Ctrl+Shift+Q",),
        group="kill",
    ),
    *(
        Action(level_action(level), level.value, doc, _T, keys=(key,), submenu="Trading level", toggles=True)
        for level, doc, key in _LEVELS
    ),
    Action(
        "risk.limits",
        "Risk limits…",
        "See where the day stands, and set what may be risked.",
        _T,
        keys=("Ctrl+Shift+M",),
        group="safety",
    ),
    Action(
        "ledger.show",
        "Ledger differences…",
        "Show where the venue's balances are not what our fills add up to.",
        _T,
        keys=("Ctrl+Shift+D",),
        group="safety",
    ),
)
