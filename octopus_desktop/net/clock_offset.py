"""How far a venue's clock is from ours, and when that is to be asked anew."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

ROUNDS: Final = 5
DRIFT: Final = 100e-6
"""What a bad quartz loses or gains, as a share of the time that has passed."""
MOVED_NS: Final = 250_000_000
"""A clock that was set, and did not merely drift."""
FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 120.0


class ClockOffset:
    """`offset_ns` is venue minus local; zero until measured. `round_trip_ns` belongs to the measurement that won.

    `moved` hears by how many ns the offset changed where a clock was set.
    """

    def __init__(self) -> None:
        self.offset_ns = 0
        self.round_trip_ns = 0
        self.measured = False
        self.moved: Callable[[int], None] = lambda by_ns: None
        self._measured_at = 0.0
        self._trusted = False

    def now_ns(self) -> int:
        """The venue's clock as far as we know it, UTC."""
        return time.time_ns() + self.offset_ns

    async def measure(self, ask: Callable[[], Awaitable[int]], rounds: int = ROUNDS) -> None:
        """`ask` returns the venue's time in UTC nanoseconds; its errors pass through.

        Of several round trips the shortest wins, because half of it bounds the error (RFC 5905, clock filter). For the
        same reason an earlier measurement stays where this one, over a line that has become slow, is vaguer and does
        not contradict it.
        """
        best: tuple[int, int] | None = None
        for _ in range(rounds):
            sent = time.perf_counter_ns()
            venue_ns = await ask()
            round_trip = time.perf_counter_ns() - sent
            offset = venue_ns - (time.time_ns() - round_trip // 2)
            if best is None or round_trip < best[0]:
                best = (round_trip, offset)
        if best is not None:
            self._take(*best)

    def distrust(self) -> None:
        """The venue refused a timestamp: the next measurement counts, however vague."""
        self._trusted = False

    def _take(self, round_trip_ns: int, offset_ns: int) -> None:
        now = time.monotonic()
        moved_ns = offset_ns - self.offset_ns
        before_ns = self.round_trip_ns / 2 + (now - self._measured_at) * DRIFT * 1e9
        unsure_ns = before_ns + round_trip_ns / 2
        if self._trusted and round_trip_ns / 2 > before_ns and abs(moved_ns) <= unsure_ns:
            return
        was_measured = self.measured
        self.round_trip_ns, self.offset_ns = round_trip_ns, offset_ns
        self.measured = self._trusted = True
        self._measured_at = now
        if was_measured and abs(moved_ns) > max(MOVED_NS, unsure_ns):
            self.moved(moved_ns)


class ClockDoubt:
    """Whether the venue is to be asked for its time before the turn of it has come.

    Called a few times a second. Where the answer was that no clock had moved (the data really is late) the next
    question waits twice as long.
    """

    def __init__(self) -> None:
        self._wait_s = FIRST_WAIT_S
        self._asked_at: float | None = None
        self._wall_minus_steady_ns: int | None = None

    def doubts(self, odd: bool, wall_ns: int, steady_ns: int) -> bool:
        """`odd`: the data came from the future, or is strangely old. A clock of ours that was set shows by itself."""
        apart = wall_ns - steady_ns
        was, self._wall_minus_steady_ns = self._wall_minus_steady_ns, apart
        if was is not None and abs(apart - was) > MOVED_NS:
            self._asked_at = steady_ns / 1e9
            return True
        now = steady_ns / 1e9
        waited = self._asked_at is None or now - self._asked_at >= self._wait_s
        if not odd:
            if waited:
                self._wait_s = FIRST_WAIT_S
            return False
        if not waited:
            return False
        if self._asked_at is not None:
            self._wait_s = min(LONGEST_WAIT_S, self._wait_s * 2)
        self._asked_at = now
        return True
