"""How long to wait before the next attempt."""

from __future__ import annotations

import random


class Backoff:
    """Exponential with full jitter: uniform between zero and `start * 2^n`, at most `slowest`; seconds.

    Full jitter because after an outage at the venue all clients come back at once.
    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, start_s: float, slowest_s: float) -> None:
        self._start = start_s
        self._slowest = slowest_s
        self.attempts = 0

    def next_s(self) -> float:
        ceiling = min(self._slowest, self._start * 2.0 ** min(self.attempts, 32))
        self.attempts += 1
        return random.uniform(0.0, ceiling)  # noqa: S311  # spreads load, guards nothing

    def reset(self) -> None:
        self.attempts = 0
