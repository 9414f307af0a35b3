"""The moment in which another press is still the one before: a key held down, the second half of a double click."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

QUIET_MS: Final = 900
"""Longer than a held key waits before it repeats. Not every platform tells a repeat from a press."""


class Haste(QObject):
    """Ends when nothing was pressed for a while, however long the pressing took."""

    over = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.timeout.connect(self._look_again)
        # Presses that waited while the screen was busy are still to come when the time is up: they count as pressed.
        self._last_look = QTimer(self)
        self._last_look.setSingleShot(True)
        self._last_look.timeout.connect(self.over)

    @property
    def is_on(self) -> bool:
        return self._quiet.isActive() or self._last_look.isActive()

    def begin(self) -> None:
        self._last_look.stop()
        self._quiet.start(QUIET_MS)

    def end(self) -> None:
        """Something else was done since: the next press is a new one."""
        self._quiet.stop()
        self._last_look.stop()

    def catches(self) -> bool:
        """Whether a press of now is one of haste; it then lasts longer."""
        hasty = self.is_on
        if hasty:
            self.begin()
        return hasty

    def _look_again(self) -> None:
        self._last_look.start(0)
