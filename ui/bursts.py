"""Good news that comes by the dozen: the first is told at once, the rest is counted and told together."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer

WINDOW_S: Final = 1.0
AT_ONCE: Final = 2
"""So many of one kind within the window are told singly."""


class Bursts(QObject):
    """A message costs a trader's look, and the screen a few milliseconds: fifty in a second are worth neither."""

    def __init__(self, tell: Callable[[str], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tell = tell
        self._told: dict[str, deque[float]] = {}
        self._held: dict[str, list[tuple[int, Callable[[], None]]]] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(round(WINDOW_S * 1000))
        self._timer.timeout.connect(self.flush)

    def take(self, many: str, singly: Callable[[], None], count: int = 1) -> None:
        """`many` names a number of them (`{} orders placed`), `singly` tells this one; it stands for `count`."""
        now = time.monotonic()
        told = self._told.setdefault(many, deque(maxlen=AT_ONCE))
        if many not in self._held and (len(told) < AT_ONCE or now - told[0] > WINDOW_S):
            told.append(now)
            singly()
            return
        self._held.setdefault(many, []).append((count, singly))
        if not self._timer.isActive():
            self._timer.start()

    def flush(self) -> None:
        """The window is over: tell what was held back."""
        held, self._held = self._held, {}
        for many, waiting in held.items():
            self._told[many].append(time.monotonic())
            if len(waiting) == 1:
                waiting[0][1]()
            else:
                self._tell(many.format(sum(count for count, _ in waiting)))
