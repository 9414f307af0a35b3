"""While a part of the venue is out: another way where there is one, and a word to the trader with what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from octopus_desktop.health.tasks import tell_failure
from octopus_desktop.model.events import BreakerChanged, Link, LinkChanged, LinkStatus, Severity

PATIENCE_S: Final = 3.0
"""Most reconnects are quicker, and compare with the venue by themselves."""
EVERY_S: Final = 10.0

Notice = Callable[[Severity, str, str], None]


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
        self._open: set[str] = set()

    def link_changed(self, event: LinkChanged) -> None:
        if event.link is not Link.ACCOUNT:
            return
        if event.status is LinkStatus.UP:
            self._was_up = True
            self.stop()
            if self._told:
                self._told = False
                text = "Fills and balances come by themselves again."
                self._notice(Severity.INFO, "The account stream is back", text)
        elif self._was_up and self._standing_in is None:
            self._standing_in = asyncio.get_running_loop().create_task(self._stand_in(), name="account over REST")
            self._standing_in.add_done_callback(tell_failure)

    def breaker_changed(self, event: BreakerChanged) -> None:
        if not event.open:
            self._open.discard(event.endpoint)
        elif event.endpoint not in self._open:
            self._open.add(event.endpoint)
            text = (
                f"{event.reason} It is tried again every few seconds; orders and cancels are not held back. If it "
                "lasts, look at the venue's status page."
            )
            self._notice(Severity.WARNING, f"{event.venue}: {event.endpoint} keeps failing", text)

    def stop(self) -> None:
        if self._standing_in is not None:
            self._standing_in.cancel()
            self._standing_in = None

    async def _stand_in(self) -> None:
        await self._sleep(PATIENCE_S)
        self._told = True
        text = (
            f"Orders, fills and balances are asked for every {EVERY_S:.0f} s until it is back. Cancelling works, new "
            "orders wait for it."
        )
        self._notice(Severity.WARNING, "The account stream is down", text)
        while True:
            self._compare()
            await self._sleep(EVERY_S)
