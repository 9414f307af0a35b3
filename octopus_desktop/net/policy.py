"""What is done about an error of a venue, for everything that is harmless to repeat. The whole policy is here.

* Operational or critical: `model.errors.is_operational`. What is critical is not retried; it locks order entry.
* A read is asked again a few times with backoff and jitter: `reads`.
* What the session cannot do without (the first connection, comparing with the venue) is tried until it works, and each
  failure is told with the seconds until the next attempt: `until_it_works`. A line that is back ends the wait, unless
  the venue asked for it.
* An endpoint that keeps failing is left alone for a while: `breaker`.
* After a pause one request tries whether it is over, and what waited follows one by one: `turns`.
* The account is asked over REST while its stream is down: `engine.outages`.

Creating an order is outside of all this. It is sent once; what is unclear afterwards is asked for (`engine.orders`).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import stamina

from octopus_desktop.model.errors import BreakerOpen, ClockError, RateLimited, VenueError

# Of each retry stamina makes a line; the budget and whoever asked already tell of what matters.
logging.getLogger("stamina").setLevel(logging.ERROR)

T = TypeVar("T")

READ_ATTEMPTS: Final = 4
READ_WITHIN_S: Final = 30.0
LONGEST_RETRY_AFTER_S: Final = 10.0
START_S: Final = 2.0
SLOWEST_S: Final = 30.0


def reads(attempts: int = READ_ATTEMPTS) -> Any:
    """`async for attempt in reads(): with attempt: ...`. Raises the last error."""
    return stamina.retry_context(
        on=_may_help, attempts=attempts, timeout=READ_WITHIN_S, wait_initial=0.2, wait_max=3.0, wait_jitter=0.3
    )


def _may_help(error: Exception) -> bool | float:
    """Whether to ask once more, and after how many seconds where the venue said so."""
    if isinstance(error, BreakerOpen):
        return False
    if isinstance(error, RateLimited):
        return error.retry_after_s if error.retry_after_s <= LONGEST_RETRY_AFTER_S else False
    return isinstance(error, VenueError) and error.retryable and not isinstance(error, ClockError)


async def until_it_works(
    attempt: Callable[[], Awaitable[T]],
    told: Callable[[VenueError, float | None], None],
    at_once: asyncio.Event | None = None,
) -> T:
    """`told` hears of each VenueError and the seconds until the next attempt; None where no retry helps, and then the
    error is raised. A trader who opens the terminal on a train wants it to come up by itself, so there is no last try.

    `at_once` ends one wait, now or the next, and the waits after it begin anew. It is cleared then.
    """
    at_once = at_once or asyncio.Event()
    failures = 0
    while True:
        try:
            return await attempt()
        except VenueError as error:
            if not error.retryable:
                told(error, None)
                raise
            # Half of it is chance: after an outage everybody comes back at once.
            chance = random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, guards nothing
            wait = min(SLOWEST_S, START_S * 2.0 ** min(failures, 16)) * chance
            forbidden: float = getattr(error, "retry_after_s", 0.0)
            told(error, max(wait, forbidden))
        failures += 1
        await asyncio.sleep(forbidden)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait - forbidden):
                await at_once.wait()
            at_once.clear()
            failures = 0
