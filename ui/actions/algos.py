"""Handlers of the actions in `octopus_desktop/actions/algos.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ui.main_window import MainWindow


def handlers(window: MainWindow) -> dict[str, Callable[[], object]]:
    algos = window.algos

    def seen(do: Callable[[], None]) -> Callable[[], None]:
        """What is done to the selected ones is done where they can be seen."""

        def run() -> None:
            window.bring_up("algos")
            do()

        return run

    return {
        "algo.pause": seen(algos.pause),
        "algo.resume": seen(algos.resume),
        "algo.stop": seen(algos.stop),
        "algo.stop_wholly": seen(lambda: algos.stop(keep_protection=False)),
    }
