"""Actions on the algos at work."""

from __future__ import annotations

from typing import Final

from octopus_desktop.actions.context import Context
from octopus_desktop.actions.registry import Action, Menu

_T, _A = Menu.TRADE, Context.ALGOS

ACTIONS: Final = (
    Action(
        "algo.pause",
        "Pause the selected algos",
        "Send nothing new; what rests at the venue stays.",
        _T,
        _A,
        keys=("P",),
        submenu="Algos",
    ),
    Action("algo.resume", "Resume the selected algos", "Let them go on.", _T, _A, keys=("R",), submenu="Algos"),
    Action(
        "algo.stop",
        "Stop the selected algos",
        "Cancel their orders and end them; a stop that protects a position stays.",
        _T,
        _A,
        keys=("Del",),
        submenu="Algos",
    ),
    Action(
        "algo.stop_wholly",
        "Stop the selected algos with their stops",
        "Cancel all their orders, stops that protect a position too, and end them.",
        _T,
        _A,
        keys=("Shift+Del",),
        submenu="Algos",
    ),
)
