"""What a venue lets one address ask in a minute, shared by everything in this process that asks it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from octopus_desktop.model.errors import RateLimited
from octopus_desktop.net.turns import Turns

logger = logging.getLogger(__name__)

WINDOW_S: Final = 60.0
ORDERS_SHARE: Final = 0.2
"""Of each minute's weight, what history and snapshots may never touch: it stays for orders, cancels and queries."""
DEFAULT_RETRY_S: Final = 1.0
TELL_EVERY_S: Final = 60.0


class RateBudget:
    """Reserve before asking, settle after the answer. The venue's own count corrects ours.

    The venue counts in whole minutes of its own clock; `now_s` is therefore that clock where the offset is known.
    """

    def __init__(self, limit: int, now_s: Callable[[], float] = time.time) -> None:
        self.limit = limit
        self.turns = Turns()
        self._now = now_s
        self._window = 0
        self._used = 0
        self._in_flight = 0
        self._blocked_until = 0.0
        self._banned_until = 0.0
        self._told_at = 0.0

    @property
    def used(self) -> int:
        """In the current minute, requests on their way included."""
        self._roll(self._now())
        return self._used + self._in_flight

    def reserve(self, weight: int, *, urgent: bool = False, pressing: bool = False) -> None:
        """Takes `weight` now, or raises RateLimited with the seconds until there may be room.

        `urgent` may also take the share that is kept free for orders. `pressing` asks although the venue wants a
        pause: the one request that cancels everything may be let through. Only a ban holds it back.
        """
        wait = max(0.0, self._banned_until - self._now()) if pressing else self._wait_s(weight, urgent)
        if wait > 0.0:
            raise RateLimited(f"The venue's request limit leaves no room for {wait:.1f} s.", wait)
        self._in_flight += weight

    async def acquire(
        self, weight: int, *, urgent: bool = False, patience_s: float = 0.0, first: bool = False
    ) -> int | None:
        """As `reserve`, but waits up to `patience_s` for room, and after a pause for its turn; `first` has it at once.

        Returns what `turns.tried` is to be told with, where this request tries whether a pause is over.
        """
        deadline = self._now() + patience_s
        turn: int | None = None
        while True:
            wait = self._wait_s(weight, urgent)
            if wait <= 0.0 and not first and turn != self.turns.pauses:
                wait = self.turns.wait_s(urgent, deadline - self._now())
                turn = None if self.turns.in_doubt else self.turns.pauses
            if wait <= 0.0:
                break
            if self._now() + wait > deadline:
                raise RateLimited(f"The venue's request limit leaves no room for {wait:.1f} s.", wait)
            await asyncio.sleep(wait)
        self._in_flight += weight
        return self.turns.leaves()

    def settle(self, weight: int, venue_used: int | None) -> None:
        """The answer to a reserved request is here, with the venue's count where it sent one."""
        self._roll(self._now())
        self._in_flight = max(0, self._in_flight - weight)
        if venue_used is None:
            self._used += weight
        else:
            # Answers overtake each other: within a minute the larger count is the later one.
            self._used = max(self._used, venue_used)

    def block(self, seconds: float | None, *, banned: bool) -> float:
        """The venue said stop (429), or shut us out (418). Returns the seconds of silence it asks for."""
        wait = DEFAULT_RETRY_S if seconds is None else seconds
        now = self._now()
        self._blocked_until = max(self._blocked_until, now + wait)
        if banned:
            self._banned_until = self._blocked_until
        self.turns.pause()
        level = logging.INFO
        if banned or now - self._told_at > TELL_EVERY_S:
            level, self._told_at = logging.WARNING, now
        logger.log(level, "%s for %.0f s", "banned by the venue" if banned else "the venue refuses requests", wait)
        return wait

    def _wait_s(self, weight: int, urgent: bool) -> float:
        now = self._now()
        if now < self._blocked_until:
            return self._blocked_until - now
        self._roll(now)
        used = self._used + self._in_flight
        ceiling = self.limit if urgent else int(self.limit * (1.0 - ORDERS_SHARE))
        if used + weight <= ceiling or not used:
            return 0.0
        return (self._window + 1) * WINDOW_S - now + 0.05

    def _roll(self, now: float) -> None:
        window = int(now // WINDOW_S)
        if window != self._window:
            self._window = window
            self._used = 0
