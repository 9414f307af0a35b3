"""How far a venue's clock is from ours."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

ROUNDS: Final = 5


class ClockOffset:
    """`offset_ns` is venue minus local; zero until measured. `round_trip_ns` belongs to the measurement that won."""

    def __init__(self) -> None:
        self.offset_ns = 0
        self.round_trip_ns = 0
        self.measured = False

    def now_ns(self) -> int:
        """The venue's clock as far as we know it, UTC."""
        return time.time_ns() + self.offset_ns

    async def measure(self, ask: Callable[[], Awaitable[int]], rounds: int = ROUNDS) -> None:
        """`ask` returns the venue's time in UTC nanoseconds; its errors pass through.

        Of several round trips the shortest wins, because half of it bounds the error (RFC 5905, clock filter).
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
            self.round_trip_ns, self.offset_ns = best
            self.measured = True
