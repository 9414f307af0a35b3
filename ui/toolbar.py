"""The toolbar as a view of the registry: what a hand on the mouse does most."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from octopus_desktop.actions.keys import show_keys
from octopus_desktop.actions.registry import Action, ActionRegistry


class Toolbar(QWidget):
    """A button for each action that has one, in the order of their declaration. None of them takes the keyboard."""

    def __init__(self, registry: ActionRegistry, run: Callable[[str], None]) -> None:
        super().__init__()
        self.setAccessibleName("Toolbar")
        self.buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for action in registry:
            if action.button:
                button = self.buttons[action.id] = QPushButton(action.button)
                button.setProperty("role", "flat")
                button.setStyleSheet("min-height: 18px; max-height: 18px; padding: 0 8px")
                button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
                button.setToolTip(tip_of(action))
                button.clicked.connect(lambda checked=False, action_id=action.id: run(action_id))
                row.addWidget(button)


def tip_of(action: Action) -> str:
    """What a button says of itself: the action's sentence and its key."""
    return f"{action.doc} ({show_keys(action.keys[0])})" if action.keys else action.doc
