"""What is done about a venue's errors: asked again, left alone for a while, never a cancel held back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import circuitbreaker
import pytest
import stamina

from octopus_desktop.model.errors import (
    AuthenticationError,
    BreakerOpen,
    LinkError,
    MessageError,
    OctopusError,
    RateLimited,
    RequestRefused,
    VenueError,
    VenueTimeout,
    VenueUnavailable,
    is_operational,
)
from octopus_desktop.model.events import BreakerChanged
from octopus_desktop.model.identifiers import Venue
from octopus_desktop.net import policy
from octopus_desktop.net.breaker import FAILURES, OPEN_S, Breakers

SIM = Venue("SIM")
OUTAGES = (LinkError("no line"), VenueTimeout("no answer"), VenueUnavailable("503"))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(circuitbreaker, "monotonic", clock)
    return clock


class Endpoints:
    """Breakers, and what they told."""

    def __init__(self) -> None:
        self.breakers = Breakers(SIM)
        self.told: list[BreakerChanged] = []
        self.breakers.publish = self.told.append

    def ask(self, error: BaseException | None = None, endpoint: str = "GET order", *, always: bool = False) -> None:
        with self.breakers.guard(endpoint, always=always):
            if error is not None:
                raise error

    def fail(self, times: int, error: Exception = OUTAGES[0]) -> None:
        for _ in range(times):
            with pytest.raises(type(error)):
                self.ask(error)


@pytest.fixture
def endpoints(clock: Clock) -> Endpoints:
    return Endpoints()


@pytest.mark.parametrize("error", OUTAGES)
def test_an_endpoint_that_keeps_failing_is_left_alone(endpoints: Endpoints, error: VenueError) -> None:
    """After some failures in a row nothing is sent there for a while, and the screen is told until when."""
    endpoints.fail(FAILURES - 1, error)
    endpoints.ask()
    endpoints.fail(FAILURES - 1, error)
    assert endpoints.told == [], "a success in between begins the count anew"
    endpoints.fail(1, error)
    with pytest.raises(BreakerOpen, match=r"GET order.*[a-z0-9]\. It is left alone") as refused:
        endpoints.ask()
    assert not refused.value.outcome_unknown, "nothing was sent"
    (told,) = endpoints.told
    assert (told.venue, told.endpoint, told.open, told.reason) == (SIM, "GET order", True, str(error))
    assert told.retry_ns - told.ts_ns == pytest.approx(OPEN_S * 1e9, abs=1e9)
    endpoints.ask(endpoint="GET account")


def test_one_request_tries_it_out(endpoints: Endpoints, clock: Clock) -> None:
    """After the pause one request goes out, the others wait for what it finds."""
    endpoints.fail(FAILURES)
    clock.now += OPEN_S
    with endpoints.breakers.guard("GET order"), pytest.raises(BreakerOpen):
        endpoints.ask()
    assert [event.open for event in endpoints.told] == [True, False]
    endpoints.ask()


def test_a_failed_try_leaves_it_alone_again(endpoints: Endpoints, clock: Clock) -> None:
    """Still out: one failure is enough, and the screen is told the new time."""
    endpoints.fail(FAILURES)
    clock.now += OPEN_S
    endpoints.fail(1)
    with pytest.raises(BreakerOpen):
        endpoints.ask()
    assert [event.open for event in endpoints.told] == [True, True]


def test_a_request_that_was_given_up_says_nothing(endpoints: Endpoints, clock: Clock) -> None:
    """The program ends, or a pane is closed, in the middle of a request: it neither counts nor clears the count."""
    endpoints.fail(FAILURES - 1)
    with pytest.raises(asyncio.CancelledError):
        endpoints.ask(asyncio.CancelledError())
    endpoints.fail(1)
    clock.now += OPEN_S
    with pytest.raises(asyncio.CancelledError):
        endpoints.ask(asyncio.CancelledError())
    endpoints.ask()


@pytest.mark.parametrize("error", [RequestRefused("no", -2013), RateLimited("slow", 1.0), AuthenticationError("key")])
def test_an_answer_is_no_outage(endpoints: Endpoints, error: VenueError) -> None:
    """A venue that says no is there."""
    endpoints.fail(FAILURES * 3, error)
    assert endpoints.told == []
    endpoints.ask()


def test_what_must_go_out_goes_out(endpoints: Endpoints) -> None:
    """A cancel is sent whatever happened before, and its success opens the endpoint again."""
    for _ in range(FAILURES * 2):
        with pytest.raises(VenueUnavailable):
            endpoints.ask(OUTAGES[2], "DELETE order", always=True)
    with pytest.raises(BreakerOpen):
        endpoints.ask(endpoint="DELETE order")
    endpoints.ask(endpoint="DELETE order", always=True)
    assert endpoints.told[-1].open is False


# Retries --------------------------------------------------------------------


@pytest.fixture
def without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=policy.READ_ATTEMPTS):
        yield


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (LinkError("x"), policy.READ_ATTEMPTS),
        (VenueTimeout("x"), policy.READ_ATTEMPTS),
        (VenueUnavailable("x"), policy.READ_ATTEMPTS),
        (RateLimited("x", 1.0), policy.READ_ATTEMPTS),
        (RateLimited("banned", 120.0), 1),
        (RequestRefused("x", -1), 1),
        (AuthenticationError("x"), 1),
        (BreakerOpen("x", 5.0), 1),
        (MessageError("x"), 1),
        (KeyError("a defect"), 1),
    ],
)
async def test_a_read_is_asked_again_where_that_may_help(without_waiting: None, error: Exception, asked: int) -> None:
    """A cut line or an overloaded venue is asked a few times, a refusal or a defect once."""
    tries = 0

    async def ask() -> None:
        nonlocal tries
        async for attempt in policy.reads():
            with attempt:
                tries += 1
                raise error

    with pytest.raises(type(error)):
        await ask()
    assert tries == asked


async def test_what_is_needed_is_tried_until_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal opened on a train comes up by itself; each failure is told with the time of the next attempt."""
    monkeypatch.setattr(policy, "START_S", 0.001)
    monkeypatch.setattr(policy, "SLOWEST_S", 0.01)
    told: list[float | None] = []
    tries = 0

    async def attempt() -> str:
        nonlocal tries
        tries += 1
        if tries < 8:
            raise LinkError("no line")
        return "up"

    assert await policy.until_it_works(attempt, lambda error, wait: told.append(wait)) == "up"
    assert len(told) == 7
    waits = [wait for wait in told if wait is not None]
    assert len(waits) == 7
    assert all(0.0005 <= wait <= 0.01 for wait in waits)
    assert waits[-1] >= 0.005, "it backs off"


@pytest.mark.parametrize("error", [AuthenticationError("key"), ValueError("a defect")])
async def test_what_no_retry_mends_is_raised(error: Exception) -> None:
    """A refused key is told and not tried again; a defect is not a matter of patience."""
    told: list[float | None] = []

    async def attempt() -> None:
        raise error

    with pytest.raises(type(error)):
        await policy.until_it_works(attempt, lambda error, wait: told.append(wait))
    assert told == ([None] if isinstance(error, OctopusError) else [])


@pytest.mark.parametrize("error", [LinkError("no line"), RateLimited("slow", 10_000.0), BreakerOpen("left", 10_000.0)])
async def test_a_line_that_is_back_ends_the_wait(monkeypatch: pytest.MonkeyPatch, error: VenueError) -> None:
    """One attempt goes at once and the waits begin anew; what the venue or its breaker forbids stays forbidden."""
    monkeypatch.setattr(policy, "START_S", 1000.0)
    monkeypatch.setattr(policy, "SLOWEST_S", 4000.0)
    told: list[float | None] = []
    back = asyncio.Event()

    async def attempt() -> None:
        raise error

    trying = asyncio.create_task(policy.until_it_works(attempt, lambda error, wait: told.append(wait), back))
    for _ in range(4):
        for _ in range(20):
            await asyncio.sleep(0)
        back.set()
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)
    if isinstance(error, LinkError):
        assert len(told) == 4
        assert all(wait is not None and 500 <= wait <= 1000 for wait in told)
    else:
        assert told == [10_000.0]


def test_operational_or_critical() -> None:
    """Venues, networks and disks fail in every session; anything else is a defect."""
    assert all(map(is_operational, (*OUTAGES, OSError("disk"), ConnectionResetError(), TimeoutError())))
    assert not any(map(is_operational, (KeyError("x"), AssertionError(), RuntimeError(), MemoryError())))
