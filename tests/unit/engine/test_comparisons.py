"""When a comparison that failed is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from octopus_desktop.engine.comparisons import Comparisons
from octopus_desktop.engine.entry import Lock
from octopus_desktop.engine.ledger import Ledger
from octopus_desktop.model.errors import LinkError, VenueError
from octopus_desktop.net import policy
from octopus_desktop.ports import Repository
from tests.unit.engine.scripted import Desk, until
from tests.unit.engine.test_strangers import Settings, Sound


class Line:
    """Comparisons by the error policy, whose waits outlast the test, with a venue that is asked and does not answer."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.failures = 0
        self.comparisons = Comparisons(desk.bus, desk.lock, desk.clock, self._retried, self._clean)
        desk.account.fail_open = LinkError("no line")

    async def _retried(self, attempt: Callable[[], Awaitable[None]], title: str, at_once: asyncio.Event) -> None:
        await policy.until_it_works(attempt, self._failed, at_once)

    def _failed(self, error: VenueError, wait_s: float | None) -> None:
        assert wait_s is not None
        assert wait_s > 1000
        self.failures += 1

    async def _clean(self) -> None:
        """Nothing waits for it here."""

    async def start(self) -> None:
        await self.comparisons.remember(cast(Repository, Settings()), cast(Ledger, Sound()))
        self.comparisons.start(self.desk.desk, cast(Any, self.desk.account))

    async def failed(self, times: int) -> None:
        """And no more than that."""
        await until(lambda: self.failures == times)
        for _ in range(20):
            await asyncio.sleep(0)
        assert self.failures == times

    @property
    def is_shut(self) -> bool:
        return self.desk.lock.holds(Lock.RECONCILING)


@pytest.fixture
async def line(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    monkeypatch.setattr(policy, "START_S", 10_000.0)
    monkeypatch.setattr(policy, "SLOWEST_S", 10_000.0)
    desk = Desk()
    line = Line(desk)
    await line.start()
    yield line
    await line.comparisons.stop()
    await desk.desk.stop()


async def test_a_line_that_is_back_is_not_waited_for(line: Line) -> None:
    """Entry opens with the first answer, not at the end of a wait from the outage."""
    await line.failed(1)
    line.desk.account.fail_open = None
    line.comparisons.ask(at_once=True)
    await until(lambda: not line.is_shut)


async def test_each_line_that_is_back_is_one_attempt(line: Line) -> None:
    """It is out again at once: the venue is not hammered. While nothing is back the waits are what they are."""
    await line.failed(1)
    line.comparisons.ask()
    await line.failed(1)
    line.comparisons.ask(at_once=True)
    await line.failed(2)
    line.comparisons.ask(at_once=True)
    await line.failed(3)
    assert line.is_shut


async def test_the_line_is_back_while_an_attempt_fails(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt went out before: it is not canceled, and the next one follows it."""
    await line.failed(1)
    answering, asked = asyncio.Event(), 0

    async def open_orders(*, pressing: bool = False) -> list[object]:
        nonlocal asked
        asked += 1
        if asked == 1:
            await answering.wait()
            raise LinkError("no line")
        return []

    monkeypatch.setattr(line.desk.account, "open_orders", open_orders)
    line.comparisons.ask(at_once=True)
    await until(lambda: asked == 1)
    line.comparisons.ask(at_once=True)
    answering.set()
    await until(lambda: not line.is_shut)
    assert line.failures == 2
