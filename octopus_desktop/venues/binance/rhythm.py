"""When the silence of a stream is longer than that stream's own habit."""

from __future__ import annotations

from typing import Final

NEEDED: Final = 8
SMOOTHING: Final = 0.1
MOST_PATIENCE: Final = 64.0
FORGIVEN: Final = 0.98


class Rhythm:
    """Looked at a few times a second. A burst counts as one message, so that it doesn't pass for a habit.

    Allowed silence is `factor` average pauses and at least `least_s`; a factor of zero allows any. `calm` doubles what
    is allowed, when a look at the venue has shown that nothing was missed. A pause with a `restart` in it is an outage
    and no habit: it doesn't count, or the next outage would be noticed later.
    """

    __slots__ = ("_average_s", "_count", "_factor", "_habit", "_least_s", "_mark", "_patience", "_since_ns", "last_ns")

    def __init__(self, factor: float, least_s: float, mark: int) -> None:
        self._factor = factor
        self._least_s = least_s
        self._mark = mark
        self._patience = 1.0
        self._habit = True
        self._average_s = 0.0
        self._count = 0
        self._since_ns = 0
        self.last_ns = 0
        """When the stream was last seen to have moved; zero for never."""

    def overdue(self, mark: int, now_ns: int) -> bool:
        """`mark` changes whenever something came."""
        if mark != self._mark:
            self._mark = mark
            if self.last_ns and self._habit:
                pause_s = max(0.0, (now_ns - self.last_ns) / 1e9)
                weight = max(SMOOTHING, 1.0 / (self._count + 1))
                self._average_s += (pause_s - self._average_s) * weight
                self._count += 1
            self.last_ns = self._since_ns = now_ns
            self._habit = True
            return False
        if not self._factor or self._count < NEEDED:
            return False
        allowed_s = max(self._least_s, self._factor * self._average_s) * self._patience
        return (now_ns - self._since_ns) / 1e9 > allowed_s

    def forgive(self) -> None:
        """It moves again: what was allowed for a calm goes, little by little."""
        self._patience = max(1.0, self._patience * FORGIVEN)

    def calm(self, now_ns: int) -> None:
        self._patience = min(MOST_PATIENCE, self._patience * 2.0)
        self._since_ns = now_ns

    def restart(self, now_ns: int) -> None:
        """The stream was opened anew, or is known to have missed something."""
        self._since_ns = now_ns
        self._habit = False
