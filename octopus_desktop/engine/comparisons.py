"""When orders, fills and balances are compared with the venue, and what waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import msgspec

from octopus_desktop.engine import strangers
from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.entry import EntryLock, Lock
from octopus_desktop.engine.ledger import Ledger
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.engine.reconciliation import Compared, reconcile
from octopus_desktop.health.tasks import tell_failure
from octopus_desktop.model.errors import StorageError, VenueError
from octopus_desktop.model.events import NoticeRaised, Severity
from octopus_desktop.ports import Clock, ExecutionClient, Repository

logger = logging.getLogger(__name__)

EVERY_S: Final = 300.0
COMPARED_SETTING: Final = "reconciled"

Retried = Callable[[Callable[[], Awaitable[None]], str, asyncio.Event], Awaitable[None]]


class Comparisons:
    """On the node's loop. One runs at a time; entry is shut for what adds risk until it is clean.

    `retried` runs an attempt by the error policy until it works, without a wait when the event is set; `clean` is
    awaited after each that did.
    """

    def __init__(
        self, bus: Bus, lock: EntryLock, clock: Clock, retried: Retried, clean: Callable[[], Awaitable[None]]
    ) -> None:
        self._bus = bus
        self._lock = lock
        self._clock = clock
        self._retried = retried
        self._clean = clean
        self._repository: Repository | None = None
        self._ledger: Ledger | None = None
        self._desk: OrderDesk | None = None
        self._client: ExecutionClient | None = None
        self._compared = Compared()
        self._told: set[strangers.Key] = set()
        self._kept = False
        self._again = False
        self._at_once = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None
        self._regular: asyncio.Task[None] | None = None

    async def remember(self, repository: Repository, ledger: Ledger) -> None:
        """How far the last comparison of an earlier session came."""
        self._repository, self._ledger = repository, ledger
        text = await repository.setting(COMPARED_SETTING)
        self._kept = text is not None
        try:
            self._compared = msgspec.json.decode(text, type=Compared) if text is not None else Compared()
        except msgspec.DecodeError as error:
            logger.warning("how far the last comparison came cannot be read, comparing from the beginning: %s", error)

    def start(self, desk: OrderDesk, client: ExecutionClient) -> None:
        """The first one now, then one every few minutes."""
        self._desk, self._client = desk, client
        self.ask()
        self._regular = self._task(self._regularly(), "reconcile regularly")

    def ask(self, *, at_once: bool = False) -> None:
        """What happens while one comparison runs may be news to it or not: then there is another.

        `at_once`: the line is back or the trader asks, so one that failed and waits to be tried again waits no longer.
        """
        if self._desk is None:
            return
        self._again = True
        if self._running is None or self._running.done():
            self._lock.shut(Lock.RECONCILING)
            self._running = self._task(self._run(), "reconcile")
        elif at_once:
            self._at_once.set()

    async def stop(self) -> None:
        for task in (self._regular, self._running, self._checking):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while self._again:
            self._again = False
            self._at_once.clear()
            await self._retried(self._attempt, "Orders cannot be compared with the venue", self._at_once)
            await self._keep()
        self._lock.open(Lock.RECONCILING)
        if self._checking is None or self._checking.done():
            # Beside what follows: it may wait for a fill that is on its way.
            self._checking = self._task(self._check_ledger(), "ledger check")
        await self._clean()

    async def _keep(self) -> None:
        """Behind what the comparison recorded, so that it never claims more than the journal has.

        The first one is on the disk before entry opens, where the disk takes it: nothing else parts the account's past
        from what is traded since, here or elsewhere. A later one may be lost with the power: the next compares from
        further back.
        """
        assert self._repository is not None
        text = msgspec.json.encode(self._compared).decode()
        if not self._kept:
            try:
                await self._repository.save_setting(COMPARED_SETTING, text)
            except StorageError as error:
                logger.warning("that the account was compared is written as soon as it can be: %s", error)
            else:
                self._kept = True
                return
        self._repository.record_setting(COMPARED_SETTING, text)

    async def _attempt(self) -> None:
        assert self._desk is not None
        assert self._client is not None
        done = await reconcile(self._bus, self._desk, self._client, self._clock, self._compared)
        if done.differences:
            logger.info("reconciled with %s: %d differences", done.venue, done.differences)
        self._tell_strangers()

    def _tell_strangers(self) -> None:
        """Each once in a session: they are not in the positions, and nothing else here would show that."""
        there = {one.key for one in self._compared.strangers}
        news = [one for one in self._compared.strangers if one.key not in self._told]
        self._told = there
        if not news:
            return
        for one in news:
            logger.error("not in the positions: %s", one)
        title, text = "Part of the account is not known", strangers.told(news)
        self._bus.publish(NoticeRaised(Severity.WARNING, title, text, self._clock.now_ns()))

    async def _check_ledger(self) -> None:
        assert self._ledger is not None
        assert self._client is not None
        try:
            await self._ledger.check(self._client)
        except VenueError as error:
            logger.warning("the sums could not be checked, the next comparison does it: %s", error)

    async def _regularly(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            if not self._lock.holds(Lock.LINK):
                self.ask()

    def _task(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(tell_failure)
        return task
