"""When a pause the venue asked for is over: one request tries, the rest follow one by one, a cancel waits for none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from octopus_desktop.model.errors import LinkError, VenueError
from octopus_desktop.model.identifiers import Venue
from octopus_desktop.net.breaker import FAILURES, OPEN_S
from octopus_desktop.net.http import Answer
from octopus_desktop.venues.binance.host import Host
from octopus_desktop.venues.binance.product import SPOT
from octopus_desktop.venues.binance.rest import Rest
from octopus_desktop.venues.binance.signing import Signer
from tests.faults.simulated_time import SimulatedLoop, simulated_time

READS = 48
ROUND_TRIP_S = 0.05


class Keyed(Signer):
    can_log_on = True
    api_key = "key"

    def __init__(self) -> None:
        pass

    def sign(self, payload: bytes) -> str:
        return "signed"


class Venues:
    """The other end of the HTTP session. It refuses while `busy` says so."""

    def __init__(self, retry_after_s: int = 1) -> None:
        self.host = Host(Venue("SIM"), SPOT)
        self.rest = Rest("http://127.0.0.1:1", SPOT, self.host, Keyed())
        self.rest._http.request = self.request  # type: ignore[method-assign]  # the line is cut off here
        self.busy: Callable[[float], bool] = lambda now: False
        self.retry_after_s = retry_after_s
        self.asked: list[tuple[float, str, str]] = []
        self.refused: list[float] = []
        self.fails = False
        self.round_trip_s: Callable[[], float] = lambda: ROUND_TRIP_S

    async def request(self, method: str, path: str, query: str = "", **_: object) -> Answer:
        now = time.monotonic()
        self.asked.append((now, f"{method} {path.rpartition('/')[2]}", query))
        await asyncio.sleep(self.round_trip_s())
        if self.fails:
            raise LinkError("no line")
        if self.busy(now):
            self.refused.append(now)
            return Answer(429, {"Retry-After": str(self.retry_after_s)}, b'{"code":-1003,"msg":"Too many requests."}')
        return Answer(200, {}, b"{}")

    def read(self, number: int = 0) -> Coroutine[Any, Any, msgspec.Raw]:
        return self.rest.get("klines", msgspec.Raw, {"number": number}, weight=2)

    async def reads(self) -> list[object]:
        return await asyncio.gather(*(self.read(number) for number in range(READS)), return_exceptions=True)

    def times(self, what: str = "", since: float = 0.0) -> list[float]:
        return [at for at, asked, _ in self.asked if asked.startswith(what) and at >= since]


@pytest.fixture
def loop() -> Iterator[SimulatedLoop]:
    with simulated_time(7) as loop:
        yield loop


def run(loop: SimulatedLoop, work: Awaitable[Any]) -> Any:
    return loop.run_until_complete(work)


@pytest.mark.parametrize("retry_after_s", [1, 10])
def test_what_waited_does_not_come_back_at_once(loop: SimulatedLoop, retry_after_s: int) -> None:
    """A venue that is busy for 25 s: each pause costs one refusal, and then all are answered, a few at a time."""
    venue = Venues(retry_after_s)
    venue.busy = lambda now: now < 25.0

    async def insist(number: int) -> None:
        while True:
            try:
                await venue.read(number)
            except VenueError as error:
                await asyncio.sleep(getattr(error, "retry_after_s", 0.5))
            else:
                return

    async def all_of_them() -> None:
        await asyncio.gather(*map(insist, range(READS)))

    run(loop, all_of_them())
    first = sum(at == 0.0 for at in venue.refused)
    assert first < 8, "no more than there are connections"
    assert len(venue.refused) - first <= 25 / retry_after_s
    later = sorted(venue.times(since=25.0))
    assert max(sum(start <= at < start + 1.0 for at in later) for start in later) <= 16


def test_one_that_tries_is_waited_for(loop: SimulatedLoop) -> None:
    """Until it has its answer nothing else is asked; then the others leave apart from each other."""
    venue = Venues()
    venue.host.budget.block(3.0, banned=False)
    answers = run(loop, venue.reads())
    assert not any(isinstance(answer, Exception) for answer in answers)
    times = venue.times()
    assert times[0] == pytest.approx(3.0, abs=0.01)
    assert times[1] >= times[0] + ROUND_TRIP_S
    assert min(later - sooner for sooner, later in pairwise(times)) > 0.05


def test_what_asks_for_orders_does_not_queue_behind_candles(loop: SimulatedLoop) -> None:
    """All panes want their candles, and the account is compared with the venue at the same time."""
    venue = Venues()
    venue.host.budget.block(3.0, banned=False)

    async def both() -> None:
        reads = asyncio.ensure_future(venue.reads())
        await asyncio.sleep(3.5)
        await venue.rest.signed("GET", "openOrders", msgspec.Raw, weight=80, urgent=True)
        assert time.monotonic() < 3.5 + 4 * ROUND_TRIP_S
        await reads

    run(loop, both())


@pytest.mark.parametrize("after_s", [0.0, 3.01, 3.2])
def test_a_cancel_waits_for_no_turn(loop: SimulatedLoop, after_s: float) -> None:
    """Asked in the pause it leaves when that is over; asked while one tries, or while the others queue, at once."""
    venue = Venues()
    venue.round_trip_s = lambda: 0.1
    venue.host.budget.block(3.0, banned=False)

    async def both() -> None:
        reads = asyncio.ensure_future(venue.reads())
        await asyncio.sleep(after_s)
        await venue.rest.signed("DELETE", "order", msgspec.Raw, weight=1, urgent=True)
        await reads

    run(loop, both())
    assert venue.times("DELETE") == [pytest.approx(max(3.0, after_s), abs=0.005)]


def test_a_cancel_has_a_connection_of_its_own(loop: SimulatedLoop) -> None:
    """Reads that nobody answers do not keep it from leaving."""
    venue = Venues()
    venue.round_trip_s = lambda: 8.0

    async def both() -> None:
        reads = asyncio.ensure_future(venue.reads())
        await asyncio.sleep(1.0)
        assert len(venue.asked) < 8
        venue.round_trip_s = lambda: ROUND_TRIP_S
        await venue.rest.signed("DELETE", "order", msgspec.Raw, weight=1, urgent=True)
        assert time.monotonic() < 1.1
        await reads

    run(loop, both())


def test_one_that_gets_no_answer_does_not_keep_the_others(loop: SimulatedLoop) -> None:
    """The one that tries is accepted and never answered: soon another one tries."""
    venue = Venues()
    delays = iter([9.0])
    venue.round_trip_s = lambda: next(delays, ROUND_TRIP_S)
    venue.host.budget.block(1.0, banned=False)

    async def two() -> None:
        lost = asyncio.ensure_future(venue.read(0))
        await asyncio.sleep(0.5)
        await venue.read(1)
        assert time.monotonic() < 3.5
        await lost

    run(loop, two())


def test_a_request_given_up_in_its_try_leaves_it_to_the_next(loop: SimulatedLoop) -> None:
    """Its pane was closed."""
    venue = Venues()
    venue.round_trip_s = lambda: 1.5
    venue.host.budget.block(1.0, banned=False)

    async def two() -> None:
        tries = asyncio.ensure_future(venue.read(0))
        await asyncio.sleep(1.2)
        tries.cancel()
        venue.round_trip_s = lambda: ROUND_TRIP_S
        await venue.read(1)
        assert time.monotonic() < 1.5

    run(loop, two())


def test_who_waited_for_a_turn_signs_with_the_time_at_which_it_leaves(loop: SimulatedLoop) -> None:
    """The venue refuses a time stamp that is older than five seconds."""
    venue = Venues()
    venue.host.budget.block(12.0, banned=False)
    run(loop, venue.rest.signed("GET", "openOrders", msgspec.Raw, weight=80, urgent=True))
    ((at, _, query),) = venue.asked
    assert at == pytest.approx(12.0, abs=0.01)
    assert int(parse_qs(query)["timestamp"][0]) == time.time_ns() // 1_000_000 - ROUND_TRIP_S * 1000


def test_an_endpoint_that_is_well_again_is_not_overrun(loop: SimulatedLoop) -> None:
    """It was left alone for a while; whoever waited for that comes apart."""
    venue = Venues()

    async def outage() -> None:
        venue.fails = True
        for _ in range(FAILURES):
            with pytest.raises(LinkError):
                await venue.rest.get("klines", msgspec.Raw, weight=2, attempts=1)
        venue.fails = False
        await asyncio.sleep(OPEN_S)
        await venue.read()
        await venue.reads()

    run(loop, outage())
    times = venue.times()[-READS:]
    assert times[-1] - times[0] > 3.0
