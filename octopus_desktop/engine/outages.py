"""While a part of the venue is out: another way where there is one, and one word to the trader with what to do.

An outage has many faces (links, requests, endpoints) and is one message, which its graver faces take over and its end
closes: first what the session cannot do without and fails, then the account's stream, then single endpoints.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from octopus_desktop.health.tasks import tell_failure
from octopus_desktop.model.errors import BreakerOpen, LinkError, VenueError, VenueTimeout, sentence
from octopus_desktop.model.events import BreakerChanged, Link, LinkChanged, LinkStatus, Severity

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 3.0
"""Most reconnects are quicker, and compare with the venue by themselves."""
EVERY_S: Final = 5.0
ABOUT: Final = "outage"

Notice = Callable[[Severity, str, str, str], None]
"""Severity, title, text, and what it is about."""


class Outages:
    """On the node's loop. `compare` asks for orders, fills and balances over REST; twice at a time is once."""

    def __init__(
        self, compare: Callable[[], None], notice: Notice, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._compare = compare
        self._notice = notice
        self._sleep = sleep
        self._standing_in: asyncio.Task[None] | None = None
        self._was_up = False
        self._told = False
        self._failing: dict[str, str] = {}
        """What fails and is tried again, and why it does, the newest last."""
        self._kinds: set[tuple[str, type[VenueError]]] = set()
        """Of failures that were told: one of another kind has another cause."""
        self._down: set[Link] = set()
        self._open: dict[str, str] = {}
        """Endpoints that are left alone and were told of, and why."""

    def failed(self, title: str, error: VenueError, wait_s: float | None) -> None:
        """What the session cannot do without; None where it is not tried again. The same once more is no news."""
        told = sentence(error)
        if wait_s is None:
            self.given_up(title)
            self._notice(Severity.ERROR, title, told, ABOUT)
            return
        kind = (title, LinkError if isinstance(error, VenueTimeout | BreakerOpen) else type(error))
        if kind in self._kinds:
            logger.warning("%s: %s Trying again in %.0f s.", title, told, wait_s)
            return
        self._kinds.add(kind)
        self._failing[title] = told
        self._tell_failing(title)

    def given_up(self, title: str) -> bool:
        """Nobody tries it any more. False: it had not failed."""
        self._kinds = {kind for kind in self._kinds if kind[0] != title}
        return self._failing.pop(title, None) is not None

    def worked(self, title: str) -> None:
        if not self.given_up(title):
            return
        if self._failing:
            self._tell_failing(next(reversed(self._failing)))
        elif self._told:
            self._tell_account_down()
        else:
            text = "What waited for it goes on by itself."
            self._notice(Severity.INFO, "The venue answers again", text, ABOUT)

    def passing(self, title: str, text: str) -> None:
        """Something that mends by itself; what is graver and still holds stays on the screen."""
        if self._failing:
            logger.warning("%s: %s", title, text)
        else:
            self._notice(Severity.WARNING, title, text, ABOUT)

    def link_changed(self, event: LinkChanged) -> None:
        if event.status is LinkStatus.UP:
            self._down.discard(event.link)
        else:
            self._down.add(event.link)
        if event.link is not Link.ACCOUNT:
            return
        if event.status is LinkStatus.UP:
            self._was_up = True
            self.stop()
            if self._told:
                self._told = False
                if not self._failing:  # else its own end closes the message
                    text = "Fills and balances come by themselves again."
                    self._notice(Severity.INFO, "The account stream is back", text, ABOUT)
        elif self._was_up and self._standing_in is None:
            self._standing_in = asyncio.get_running_loop().create_task(self._stand_in(), name="account over REST")
            self._standing_in.add_done_callback(tell_failure)

    def breaker_changed(self, event: BreakerChanged) -> None:
        """Told where nothing else tells why: with a link down, or while all waits for it, it is the same outage."""
        if not event.open:
            self._open.pop(event.endpoint, None)
        elif self._failing or self._down:
            logger.warning("%s: %s keeps failing: %s", event.venue, event.endpoint, event.reason)
        elif event.endpoint not in self._open:
            self._open[event.endpoint] = sentence(event.reason)
            others = len(self._open) - 1
            fails = f"and {others} more keep failing" if others else "keeps failing"
            text = (
                f"{self._open[event.endpoint]} It is tried again every few seconds; orders and cancels are not held "
                "back. If it lasts, look at the venue's status page."
            )
            title = f"{event.venue}: {event.endpoint} {fails}"
            self._notice(Severity.WARNING, title, text, f"{ABOUT}: endpoints")

    def stop(self) -> None:
        if self._standing_in is not None:
            self._standing_in.cancel()
            self._standing_in = None

    def _tell_failing(self, title: str) -> None:
        text = (
            f"{self._failing[title]} It is tried again by itself until it works, at least twice a minute. If it lasts, "
            "look at your network and at the venue's status page."
        )
        self._notice(Severity.ERROR, title, text, ABOUT)

    def _tell_account_down(self) -> None:
        text = (
            f"Orders, fills and balances are asked for every {EVERY_S:.0f} s until it is back. Cancelling and closing "
            "work; what adds to a position waits for it."
        )
        self._notice(Severity.WARNING, "The account stream is down", text, ABOUT)

    async def _stand_in(self) -> None:
        await self._sleep(PATIENCE_S)
        self._told = True
        if not self._failing:
            self._tell_account_down()
        while True:
            self._compare()
            await self._sleep(EVERY_S)
