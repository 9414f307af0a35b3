"""A venue's endpoint that fails again and again is left alone for a while, and the trader sees it.

The counting is circuitbreaker's. Here is what it lacks: one request tries the endpoint out after the pause, not all
that waited; a request that was given up says nothing about the venue; and changes are told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from circuitbreaker import STATE_HALF_OPEN, CircuitBreaker

from octopus_desktop.model.errors import BreakerOpen, LinkError, VenueTimeout, VenueUnavailable, sentence
from octopus_desktop.model.events import BreakerChanged
from octopus_desktop.model.identifiers import Venue

FAILURES: Final = 5
"""In a row. A logical read makes up to four attempts: one such read that fails opens nothing."""
OPEN_S: Final = 10


def _is_outage(kind: type[BaseException], error: BaseException) -> bool:
    """The venue does not answer, or not as it should. A refusal is an answer, a rate limit has its own budget."""
    return isinstance(error, LinkError | VenueTimeout | VenueUnavailable) and not isinstance(error, BreakerOpen)


class Breakers:
    """One for each endpoint of a venue, made when it is first asked. On one loop."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._breakers: dict[str, _Breaker] = {}
        self.publish: Callable[[BreakerChanged], None] = lambda event: None
        self.recovered: Callable[[], None] = lambda: None

    @contextmanager
    def guard(self, endpoint: str, *, always: bool = False) -> Iterator[None]:
        """Around one request. Raises BreakerOpen where the endpoint is left alone, and nothing was sent.

        `always`: it goes out whatever came before, as a cancel must; what comes of it counts all the same.
        """
        breaker = self._breakers.get(endpoint)
        if breaker is None:
            breaker = self._breakers[endpoint] = _Breaker(endpoint)
        probing = breaker.enter(always=always)
        try:
            yield
        except Exception as error:
            breaker.circuit.__exit__(type(error), error, None)
            self._tell(endpoint, breaker)
            raise
        else:
            breaker.circuit.reset()
            self._tell(endpoint, breaker)
        finally:
            if probing:
                breaker.probing = False

    def _tell(self, endpoint: str, breaker: _Breaker) -> None:
        is_open = breaker.circuit.opened
        retry_ns = time.time_ns() + breaker.circuit.open_remaining * 1_000_000_000 if is_open else 0
        if is_open or breaker.told_open:
            breaker.told_open = is_open
            if not is_open:
                self.recovered()
            reason = str(breaker.circuit.last_failure) if is_open else ""
            self.publish(BreakerChanged(self._venue, endpoint, is_open, reason, retry_ns, time.time_ns()))


class _Breaker:
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.circuit = CircuitBreaker(FAILURES, OPEN_S, _is_outage, endpoint)
        self.probing = False
        self.told_open = False

    def enter(self, *, always: bool) -> bool:
        """Whether this request tries the endpoint out."""
        if always:
            return False
        half_open = bool(self.circuit.state == STATE_HALF_OPEN)
        if self.circuit.opened or (half_open and self.probing):
            wait, times = max(1, self.circuit.open_remaining), self.circuit.failure_count
            failed = (
                f"{self.endpoint} of the venue failed {times} times in a row: {sentence(self.circuit.last_failure)}"
            )
            raise BreakerOpen(f"{failed} It is left alone for {wait} s.", wait)
        self.probing = half_open
        return half_open
