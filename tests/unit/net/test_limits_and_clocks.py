"""The request budget, the backoff and the clock offset."""

from __future__ import annotations

import asyncio
import time

import pytest

from octopus_desktop.model.errors import RateLimited
from octopus_desktop.net.backoff import Backoff
from octopus_desktop.net.clock_offset import FIRST_WAIT_S, LONGEST_WAIT_S, ClockDoubt, ClockOffset
from octopus_desktop.net.data_age import DataAge
from octopus_desktop.net.rate_budget import RateBudget


class Now:
    def __init__(self) -> None:
        self.s = 6_000_000.0

    def __call__(self) -> float:
        return self.s


def test_a_share_is_kept_for_orders() -> None:
    """History cannot eat the minute's last fifth: an order or a cancel still goes out."""
    now = Now()
    budget = RateBudget(100, now)
    budget.reserve(80)
    with pytest.raises(RateLimited) as refused:
        budget.reserve(1)
    assert 0 < refused.value.retry_after_s <= 61
    budget.reserve(1, urgent=True)
    assert budget.used == 81
    now.s += 60
    budget.settle(81, None)
    now.s += 60
    budget.reserve(80)


def test_the_venues_count_corrects_ours() -> None:
    """Another program on the same address spends too: the venue's count is the one that is believed."""
    budget = RateBudget(100, Now())
    budget.reserve(5)
    budget.settle(5, 60)
    assert budget.used == 60
    budget.reserve(10)
    budget.reserve(10)
    assert budget.used == 80
    budget.settle(10, 70)
    assert budget.used == 80  # the second request is still on its way
    with pytest.raises(RateLimited):
        budget.reserve(1)


def test_cancelling_everything_waits_for_a_ban_alone() -> None:
    """The kill switch's one request goes out in a pause that the venue asked for; a ban holds that back, too."""
    budget = RateBudget(100, Now())
    budget.block(7.0, banned=False)
    budget.reserve(1, pressing=True)
    budget.block(60.0, banned=True)
    with pytest.raises(RateLimited) as refused:
        budget.reserve(1, pressing=True)
    assert refused.value.retry_after_s == pytest.approx(60.0)


def test_after_a_refusal_nothing_is_asked_until_the_venue_allows() -> None:
    """429 with Retry-After: even an order waits, because asking on turns a pause into a ban."""
    now = Now()
    budget = RateBudget(100, now)
    budget.block(7.0, banned=False)
    with pytest.raises(RateLimited) as refused:
        budget.reserve(1, urgent=True)
    assert refused.value.retry_after_s == pytest.approx(7.0)
    now.s += 7.1
    budget.reserve(1, urgent=True)


async def test_a_reader_waits_for_room() -> None:
    """A read waits as long as its patience lasts, and no longer."""
    budget = RateBudget(100)
    budget.block(0.05, banned=False)
    started = time.monotonic()
    await budget.acquire(1, patience_s=1.0)
    assert time.monotonic() - started >= 0.04
    budget.block(30.0, banned=True)
    with pytest.raises(RateLimited):
        await budget.acquire(1, patience_s=0.1)


def test_backoff_grows_to_its_ceiling_and_starts_over() -> None:
    """Waits spread below a doubling ceiling, never above the slowest, and begin again after success."""
    backoff = Backoff(1.0, 8.0)
    for ceiling in (1.0, 2.0, 4.0, 8.0, 8.0, 8.0):
        assert 0.0 <= backoff.next_s() <= ceiling
    backoff.attempts = 10_000
    assert backoff.next_s() <= 8.0
    backoff.reset()
    assert backoff.next_s() <= 1.0


async def test_the_shortest_round_trip_tells_the_offset() -> None:
    """One slow answer among several does not set the clock wrong."""
    clock = ClockOffset()
    delays = iter([0.08, 0.001, 0.05])

    async def ask() -> int:
        delay = next(delays)
        told = time.time_ns() + 3_000_000_000
        await asyncio.sleep(delay)
        return told

    await clock.measure(ask, rounds=3)
    assert clock.offset_ns == pytest.approx(3_000_000_000, abs=10_000_000)
    assert clock.round_trip_ns < 40_000_000
    assert clock.now_ns() - time.time_ns() == pytest.approx(3_000_000_000, abs=20_000_000)


async def test_a_slow_line_does_not_set_a_clock_wrong_that_was_right() -> None:
    """Answers that come late on one way only would shift the offset by half of it: the sharper measurement stays."""
    clock = ClockOffset()
    moved: list[int] = []
    clock.moved = moved.append

    async def quick() -> int:
        return time.time_ns() + 20_000_000

    async def slow() -> int:
        await asyncio.sleep(0.3)
        return time.time_ns() + 20_000_000

    await clock.measure(quick)
    await clock.measure(slow, rounds=1)
    assert clock.offset_ns == pytest.approx(20_000_000, abs=10_000_000)
    clock.distrust()
    await clock.measure(slow, rounds=1)
    assert clock.offset_ns == pytest.approx(170_000_000, abs=30_000_000), "the venue had refused a time stamp"
    assert moved == []


async def test_a_clock_that_was_set_is_told_also_over_a_slow_line() -> None:
    """Seconds apart is more than a slow line explains: the offset follows, and who asked to hear of it does, once."""
    clock = ClockOffset()
    moved: list[int] = []
    clock.moved = moved.append
    ahead_ns = 0

    async def ask() -> int:
        await asyncio.sleep(0.1 if ahead_ns else 0.0)
        return time.time_ns() + ahead_ns

    await clock.measure(ask)
    ahead_ns = -5_000_000_000
    await clock.measure(ask, rounds=1)
    await clock.measure(ask, rounds=1)
    assert clock.offset_ns == pytest.approx(-5_000_000_000, abs=200_000_000)
    assert moved == [pytest.approx(-5_000_000_000, abs=200_000_000)]


def test_the_age_of_data_is_what_came_lately_by_the_venues_clock() -> None:
    """The middle of the last messages, put right by the offset; one odd message changes nothing, old ones are gone."""
    age = DataAge()
    assert age.age_ns(0, 0) is None
    for number, late_ms in enumerate((40, 42, 9_000, 41, 43)):
        received_ns = 1_000_000_000 + number * 250_000_000
        age.sample(received_ns + 500_000_000 - late_ms * 1_000_000, received_ns)
    assert age.age_ns(2_000_000_000, 500_000_000) == 42_000_000
    assert age.age_ns(2_000_000_000, 0) == -458_000_000, "the clocks were taken for equal"
    assert age.age_ns(6_000_000_000, 0) is None
    age.sample(0, 6_000_000_000)
    age.forget()
    assert age.age_ns(6_000_000_000, 0) is None


def test_a_doubt_about_the_clock_asks_at_once_and_then_ever_more_rarely() -> None:
    """Data that is late for minutes costs a question now and then; data that is well again makes the next one quick."""
    doubt = ClockDoubt()

    def asks(seconds: float, *, odd: bool) -> int:
        nonlocal now
        count = 0
        for _ in range(int(seconds * 4)):
            now += 250_000_000
            count += doubt.doubts(odd, now, now)
        return count

    now = 0
    assert asks(10, odd=False) == 0
    assert asks(0.25, odd=True) == 1
    assert asks(FIRST_WAIT_S, odd=True) == 1
    assert 5 <= asks(600, odd=True) <= 10
    asks(LONGEST_WAIT_S, odd=False)
    assert asks(0.25, odd=True) == 1


def test_our_own_clock_that_was_set_is_a_doubt_without_any_data() -> None:
    """The clock of the computer jumps while nothing is subscribed to: the next order must not bear the wrong time."""
    doubt = ClockDoubt()
    assert not doubt.doubts(False, 1_000_000_000, 0)
    assert not doubt.doubts(False, 1_300_000_000, 250_000_000)
    assert doubt.doubts(False, 6_550_000_000, 500_000_000)
    assert not doubt.doubts(False, 6_800_000_000, 750_000_000)
