"""The registry of the program: every action there is."""

from __future__ import annotations

from octopus_desktop.actions import algos, app, chart, layout, safety, trading
from octopus_desktop.actions.registry import ActionRegistry


def standard_actions() -> ActionRegistry:
    """Menus list them in this order: of the files first, then of the declarations in each."""
    return ActionRegistry(
        (*layout.ACTIONS, *trading.ACTIONS, *algos.ACTIONS, *safety.ACTIONS, *chart.ACTIONS, *app.ACTIONS)
    )
