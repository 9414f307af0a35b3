"""The registry of the program: every action there is."""

from __future__ import annotations

from octopus_desktop.actions import app, chart, layout, trading
from octopus_desktop.actions.registry import ActionRegistry


def standard_actions() -> ActionRegistry:
    """Menus list them in this order: of the files first, then of the declarations in each."""
    return ActionRegistry((*layout.ACTIONS, *trading.ACTIONS, *chart.ACTIONS, *app.ACTIONS))
