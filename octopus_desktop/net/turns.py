"""After a pause: one request tries whether it is over, and who waited with it follows one by one.

A venue that has just said stop bans the address that comes back with everything at once.
"""

from __future__ import annotations

import random
import time
from typing import Final

LOOKS_S: Final = 0.1
TRIED_FOR_S: Final = 2.0
"""The answer of the one that tries is waited for so long; then another one tries as well."""
APART_S: Final = 0.1
URGENT_APART_S: Final = 0.05
SPREAD_S: Final = 5.0
"""So long after a pause requests leave apart: some of those that wait do so elsewhere, and come a moment later."""


class Turns:
    """Nobody waits here: who asks hears how long to wait. By the steady clock, which is not set."""

    def __init__(self) -> None:
        self.pauses = 0
        """How many there were. A turn that was had before the last one is none."""
        self._doubt = False
        self._tried_at: float | None = None
        self._spread_until = 0.0
        self._next = dict.fromkeys((True, False), 0.0)

    def pause(self) -> None:
        """The venue wants one; nobody knows what it says afterwards."""
        self.pauses += 1
        self._doubt = True
        self._tried_at = None

    def resume(self) -> None:
        """It answers again."""
        self._doubt = False
        self._spread_until = time.monotonic() + SPREAD_S

    def wait_s(self, urgent: bool, patience_s: float) -> float:
        """0 is now. In doubt it is the time until asking here again, else that until a turn, which is kept where it
        comes within `patience_s`."""
        now = time.monotonic()
        if self._doubt:
            if self._tried_at is None or now - self._tried_at >= TRIED_FOR_S:
                return 0.0
            return LOOKS_S * random.uniform(0.25, 0.5 if urgent else 1.0)  # noqa: S311  # spreads load, guards nothing
        turn = max(now, self._next[urgent])
        if turn == now >= self._spread_until:
            return 0.0
        if turn - now <= patience_s:
            apart = URGENT_APART_S if urgent else APART_S
            self._next[urgent] = turn + apart * random.uniform(0.75, 1.25)  # noqa: S311  # spreads load, too
        return turn - now

    @property
    def in_doubt(self) -> bool:
        return self._doubt

    def leaves(self) -> int | None:
        """A request does. What to say to `tried` afterwards, where it tries whether the pause is over."""
        if not self._doubt:
            return None
        self._tried_at = time.monotonic()
        return self.pauses

    def tried(self, pause: int, *, answered: bool) -> None:
        """A refusal has begun the next pause by now, and then this is nothing new. Without an answer the next tries."""
        if pause != self.pauses or not self._doubt:
            return
        self._tried_at = None
        if answered:
            self.resume()
