import asyncio

import numpy as np
import pytest

from octopus_desktop.engine.candles import CandleHistory
from octopus_desktop.model.errors import LinkError, VenueUnavailable
from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import InstrumentId, Interval
from octopus_desktop.model.market import Candles, Trade
from octopus_desktop.model.queries import CandlesQuery
from octopus_desktop.ports import Publish
from tests.unit.engine.scripted import BTC, SIM, ManualClock

M1 = Interval.M1.ns


def candles(first: int, count: int) -> Candles:
    """Minutes `first` to `first + count`, each with its number as the price."""
    number = np.arange(first, first + count)
    price = number.astype(np.float64)
    return Candles(BTC, Interval.M1, number * M1, price, price, price, price, price)


class Venue:
    venue = SIM

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.asked: list[int] = []
        self.down = False

    async def start(self, publish: Publish) -> None:
        raise AssertionError("history starts nothing")

    async def stop(self) -> None:
        raise AssertionError("history stops nothing")

    def subscribe(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None = None) -> None:
        raise AssertionError("history subscribes to nothing")

    def unsubscribe(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None = None) -> None:
        raise AssertionError("history subscribes to nothing")

    async def recent_trades(self, instrument_id: InstrumentId, limit: int) -> list[Trade]:
        raise AssertionError("history asks for candles")

    async def candles(
        self, instrument_id: InstrumentId, interval: Interval, limit: int, end_ns: int | None = None
    ) -> Candles:
        self.asked.append(limit)
        if self.down:
            raise LinkError("cut")
        whole = candles(0, self.minutes)
        return (whole if end_ns is None else whole.before(end_ns)).tail(limit)


class Kept:
    """A repository of candles only."""

    def __init__(self) -> None:
        self.rows = candles(0, 0)

    def record_candles(self, new: Candles) -> None:
        self.rows = self.rows.before(int(new.open_ns[0])).joined(new)

    async def candles(
        self, instrument_id: InstrumentId, interval: Interval, limit: int, end_ns: int | None = None
    ) -> Candles:
        return (self.rows if end_ns is None else self.rows.before(end_ns)).tail(limit)


@pytest.fixture
def clock() -> ManualClock:
    clock = ManualClock()
    clock.ns = 999 * M1 + M1 // 2  # minute 999 is forming
    return clock


async def test_what_is_kept_is_not_asked_again(clock: ManualClock) -> None:
    """The second look at a chart costs the venue the newest candle only, and shows the same."""
    kept, venue = Kept(), Venue(1000)
    history = CandleHistory(kept, clock)  # type: ignore[arg-type]  # only the candles of a repository
    history.connect(venue)
    query = CandlesQuery(BTC, Interval.M1, 300)
    first = await history.answer(query)
    second = await history.answer(query)
    assert venue.asked == [300, 1]
    assert first.close.tolist() == second.close.tolist() == list(range(700, 1000))


async def test_the_forming_candle_is_never_kept(clock: ManualClock) -> None:
    """A candle kept half-made would be wrong for ever."""
    kept = Kept()
    history = CandleHistory(kept, clock)  # type: ignore[arg-type]  # only the candles of a repository
    history.connect(Venue(1000))
    await history.answer(CandlesQuery(BTC, Interval.M1, 10))
    assert kept.rows.open_ns[-1] == 998 * M1


async def test_a_night_away_is_filled(clock: ManualClock) -> None:
    """Only the missing stretch is asked for, and there is no hole where it joins."""
    kept, venue = Kept(), Venue(1000)
    kept.record_candles(candles(0, 900))
    history = CandleHistory(kept, clock)  # type: ignore[arg-type]  # only the candles of a repository
    history.connect(venue)
    answer = await history.answer(CandlesQuery(BTC, Interval.M1, 500))
    assert venue.asked == [100]
    assert answer.close.tolist() == list(range(500, 1000))


async def test_a_hole_in_what_is_kept_is_not_shown(clock: ManualClock) -> None:
    """Two stretches with a hole between them: the venue is asked for the whole."""
    kept, venue = Kept(), Venue(1000)
    kept.record_candles(candles(0, 500))
    kept.rows = kept.rows.joined(candles(900, 99))
    history = CandleHistory(kept, clock)  # type: ignore[arg-type]  # only the candles of a repository
    history.connect(venue)
    answer = await history.answer(CandlesQuery(BTC, Interval.M1, 300))
    assert venue.asked == [300]
    assert answer.close.tolist() == list(range(700, 1000))


async def test_older_candles_come_from_what_is_kept(clock: ManualClock) -> None:
    """Scrolling back into the past that was seen before asks nobody."""
    kept, venue = Kept(), Venue(1000)
    kept.record_candles(candles(0, 999))
    history = CandleHistory(kept, clock)  # type: ignore[arg-type]  # only the candles of a repository
    history.connect(venue)
    answer = await history.answer(CandlesQuery(BTC, Interval.M1, 100, end_ns=600 * M1))
    assert venue.asked == []
    assert answer.close.tolist() == list(range(500, 600))


async def test_a_cut_line_shows_what_is_kept(clock: ManualClock) -> None:
    """Offline the chart shows what it has; with nothing at all the error is told."""
    kept, venue = Kept(), Venue(1000)
    venue.down = True
    history = CandleHistory(kept, clock)  # type: ignore[arg-type]  # only the candles of a repository
    history.connect(venue)
    with pytest.raises(LinkError):
        await history.answer(CandlesQuery(BTC, Interval.M1, 100))
    kept.record_candles(candles(900, 50))
    answer = await history.answer(CandlesQuery(BTC, Interval.M1, 100))
    assert answer.close.tolist() == list(range(900, 950))


async def test_who_asks_before_the_venue_is_connected_gets_its_candles(clock: ManualClock) -> None:
    """Instruments are listed a moment before the venue answers questions: a chart asked for in between is whole."""
    kept, venue = Kept(), Venue(1000)
    kept.record_candles(candles(0, 900))
    history = CandleHistory(kept, clock)  # type: ignore[arg-type]  # only the candles of a repository
    asked = asyncio.ensure_future(history.answer(CandlesQuery(BTC, Interval.M1, 300)))
    await asyncio.sleep(0)
    assert not asked.done()
    history.connect(venue)
    assert (await asked).close.tolist() == list(range(700, 1000))


async def test_without_a_venue_what_is_kept_is_shown(clock: ManualClock) -> None:
    """Started offline: the chart has what was seen before, and says so where there is nothing at all."""
    kept = Kept()
    history = CandleHistory(kept, clock, waits_s=0.01)  # type: ignore[arg-type]  # only the candles of a repository
    query = CandlesQuery(BTC, Interval.M1, 300)
    with pytest.raises(VenueUnavailable):
        await history.answer(query)
    kept.record_candles(candles(900, 50))
    assert (await history.answer(query)).close.tolist() == list(range(900, 950))


async def test_what_is_kept_is_answered_without_a_venue(clock: ManualClock) -> None:
    """Nobody is waited for where nobody is needed: what was asked for as kept, and a past that is whole on the disk."""
    kept = Kept()
    kept.record_candles(candles(0, 950))
    history = CandleHistory(kept, clock, waits_s=3600.0)  # type: ignore[arg-type]  # only the candles of a repository
    now = await asyncio.wait_for(history.answer(CandlesQuery(BTC, Interval.M1, 100, kept=True)), 5)
    assert now.close.tolist() == list(range(850, 950))
    past = await asyncio.wait_for(history.answer(CandlesQuery(BTC, Interval.M1, 100, end_ns=600 * M1)), 5)
    assert past.close.tolist() == list(range(500, 600))
    nothing = CandleHistory(Kept(), clock, waits_s=3600.0)  # type: ignore[arg-type]  # the same
    assert not len(await asyncio.wait_for(nothing.answer(CandlesQuery(BTC, Interval.M1, 100, kept=True)), 5))
