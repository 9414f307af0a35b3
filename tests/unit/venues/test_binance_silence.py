"""A market line that says nothing: when that is a calm market, when it is stale, and when it is believed again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from octopus_desktop.model.events import (
    BookChanged,
    BookReset,
    Channel,
    Event,
    FeedRecovered,
    FeedStale,
    QuoteChanged,
)
from octopus_desktop.venues.binance import connection as connection_module
from octopus_desktop.venues.binance import stream as stream_module
from octopus_desktop.venues.binance.feeds import quotes
from octopus_desktop.venues.binance.rhythm import Rhythm
from tests.unit.venues.scripted_venue import BTC, ScriptedVenue, named, of, running, until


@pytest.fixture(autouse=True)
def in_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that takes half a second takes a tenth."""
    monkeypatch.setattr(connection_module, "SILENT_LEAST_S", 0.1)
    monkeypatch.setattr(connection_module, "ON_ITS_WAY_S", 0.02)
    monkeypatch.setattr(quotes, "ON_ITS_WAY_S", 0.0)
    monkeypatch.setattr(stream_module, "LOOK_EVERY_S", 0.02)


class Market:
    """Its stream tells one more lot at the bid each time; `asked` is what REST tells."""

    def __init__(self, venue: ScriptedVenue) -> None:
        self._venue = venue
        self._numbers = count(1)
        self.asked = {"symbol": "BTCUSDT", "bidPrice": "99", "bidQty": "20", "askPrice": "101", "askQty": "1"}
        venue.rest["/api/v3/ticker/bookTicker"] = lambda _: (200, self.asked)

    async def speak(self, *symbols: str, times: int = 1) -> None:
        for _ in range(times):
            number = next(self._numbers)
            told = {"u": number, "b": "99", "B": str(number), "a": "101", "A": "1"}
            for symbol in symbols or ("BTCUSDT",):
                await self._venue.say(f"{symbol.lower()}@bookTicker", {**told, "s": symbol})
            await asyncio.sleep(0.03)


@asynccontextmanager
async def lively() -> AsyncIterator[tuple[ScriptedVenue, Market, list[Event]]]:
    """A market whose quotes have come long enough to be missed."""
    async with running() as (venue, client, events):
        market = Market(venue)
        client.subscribe(BTC, Channel.QUOTES)
        await until(lambda: venue.subscribed)
        await market.speak(times=20)
        yield venue, market, events


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent line is cut and a price asked for, in a tenth of a second."""
    monkeypatch.setattr(connection_module, "CUT_AFTER_S", 0.1)
    monkeypatch.setattr(quotes, "SOON_S", 0.02)


@pytest.mark.parametrize("with_garbage", [False, True])
async def test_a_line_that_brings_nothing_is_stale_at_once(with_garbage: bool) -> None:
    """Pings are answered and nothing comes, or nothing that can be read: all its prices are old until one comes."""
    async with lively() as (venue, market, events):
        assert not of(events, FeedStale)
        market.asked["bidQty"] = "777"
        for _ in range(100):
            if with_garbage:
                await venue.streams[0].send_str('{"stream":"btcusdt@bookTicker","data":{"u":2')
            await asyncio.sleep(0.02)
            if of(events, FeedStale):
                break
        (stale,) = of(events, FeedStale)
        assert stale.channel is Channel.QUOTES
        assert "nothing comes" in stale.reason
        await asyncio.sleep(0.3)
        assert not of(events, FeedRecovered)
        await market.speak(times=3)
        await until(lambda: of(events, FeedRecovered))


@pytest.mark.usefixtures("soon")
async def test_a_new_line_is_believed_when_it_speaks() -> None:
    """The silent line was cut and the next one is as silent: a price asked for over REST makes nothing live."""
    async with lively() as (venue, market, events):
        market.asked["bidQty"] = "777"
        await until(lambda: len(venue.subscribed) >= 3)  # two lines later
        await asyncio.sleep(0.1)
        assert len(of(events, FeedStale)) == 1
        assert not of(events, FeedRecovered)
        await market.speak(times=3)
        await until(lambda: of(events, FeedRecovered))


@pytest.mark.usefixtures("soon")
async def test_a_new_line_is_believed_when_nothing_was_missed() -> None:
    """What was silent has nothing to say still, and the venue says so."""
    async with lively() as (venue, market, events):
        market.asked["bidQty"] = "777"
        await until(lambda: of(events, FeedStale))
        market.asked["bidQty"] = "20"  # as it was told last
        await until(lambda: of(events, FeedRecovered))
        assert len(venue.subscribed) >= 2


async def test_what_a_silent_line_withheld_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It speaks again, of one instrument: the other's price is the venue's of now, not the one from before."""
    monkeypatch.setattr(quotes, "SOON_S", 0.05)
    async with running() as (venue, client, events):
        market = Market(venue)
        for instrument in (BTC, named("ETHUSDT")):
            client.subscribe(instrument, Channel.QUOTES)
        await until(lambda: sum(len(request["params"]) for request in venue.subscribed) == 2)
        await market.speak("BTCUSDT", "ETHUSDT", times=20)
        market.asked["bidQty"] = "777"
        await until(lambda: len(of(events, FeedStale)) == 2)
        await market.speak("ETHUSDT")
        await until(lambda: BTC in {event.instrument_id for event in of(events, FeedRecovered)})
        last = [event for event in of(events, QuoteChanged) if event.instrument_id == BTC][-1]
        assert last.bid_quantity == 777


async def test_what_is_asked_for_after_a_cut_is_no_word_of_the_stream() -> None:
    """The stream is silent since before the first cut, though a whole book came over REST between the two."""
    async with running() as (venue, client, events):
        snapshot: dict[str, Any] = {"lastUpdateId": 20, "bids": [["99", "1"]], "asks": [["101", "1"]]}
        venue.rest["/api/v3/depth"] = lambda _: (200, snapshot)
        client.subscribe(BTC, Channel.BOOK)
        await until(lambda: of(events, BookReset))
        update = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": 21, "u": 22, "b": [["98", "2"]], "a": []}
        await venue.say("btcusdt@depth@100ms", update)
        await until(lambda: of(events, BookChanged))
        await asyncio.sleep(0.1)
        for cuts in (1, 2):
            snapshot["lastUpdateId"] = 30 * cuts
            venue.cut()
            await until(lambda cuts=cuts: len(of(events, FeedRecovered)) == cuts)
            await asyncio.sleep(0.1)
        first, second = of(events, FeedStale)
        assert 0 < first.last_ns == second.last_ns


async def test_a_calm_market_is_not_stale() -> None:
    """The venue is asked, and says that nothing has happened."""
    async with lively() as (venue, _, events):
        asked = len(venue.asked)
        await until(lambda: len(venue.asked) > asked)
        await asyncio.sleep(0.3)
        assert not of(events, FeedStale)


def test_silence_beyond_habit() -> None:
    """A stream that spoke every quarter second is missed after seconds; one that never spoke much is not."""
    second = 1_000_000_000
    lively = Rhythm(20.0, 3.0, 0)
    now = 0
    for mark in range(1, 40):
        now += second // 4
        assert not lively.overdue(mark, now)
    assert not lively.overdue(39, now + 4 * second)
    assert lively.overdue(39, now + 6 * second)
    lively.calm(now + 6 * second)
    assert not lively.overdue(39, now + 12 * second)
    thin = Rhythm(20.0, 3.0, 0)
    for mark in range(1, 5):
        thin.overdue(mark, mark * 30 * second)
    assert not thin.overdue(4, 10_000 * second)


def test_an_outage_is_no_habit() -> None:
    """What the stream was not heard for until it was opened anew allows it no longer silence than before."""
    second = 1_000_000_000
    stream = Rhythm(2.5, 0.5, 0)
    now = mark = 0
    for _ in range(40):
        now, mark = now + second // 10, mark + 1
        assert not stream.overdue(mark, now)
    for _ in range(5):
        now += 20 * second
        stream.restart(now)
        for _ in range(3):
            now, mark = now + second // 10, mark + 1
            assert not stream.overdue(mark, now)
        assert stream.overdue(mark, now + second * 6 // 10)
