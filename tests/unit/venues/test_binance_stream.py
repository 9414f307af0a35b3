"""The market-data client on a scripted venue: subscriptions, holes, refusals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from octopus_desktop.model.errors import RateLimited, VenueError
from octopus_desktop.model.events import (
    BookBroken,
    BookReset,
    CandleChanged,
    Channel,
    Event,
    FeedRecovered,
    FeedStale,
    InstrumentListed,
    Link,
    LinkChanged,
    LinkStatus,
    NoticeRaised,
    QuoteChanged,
    TradesPrinted,
    VenueMeasured,
)
from octopus_desktop.model.identifiers import Interval
from octopus_desktop.net import rate_budget
from octopus_desktop.ports import MarketDataClient
from octopus_desktop.state import State
from octopus_desktop.venues.binance import connection as connection_module
from octopus_desktop.venues.binance.feeds import quotes
from octopus_desktop.venues.factory import market_data_client
from tests.unit.venues.scripted_venue import (
    BTC,
    PROFILE,
    ScriptedVenue,
    named,
    of,
    running,
    scripted_venue,
    trade,
    until,
)


def trades(events: list[Event]) -> list[int]:
    """Their numbers, in the order in which they were told."""
    return [trade.trade_id for event in of(events, TradesPrinted) for trade in event.trades]


async def test_instruments_links_and_measurements() -> None:
    """At the start every readable instrument is listed, the link is told, and once a second how the venue does."""
    async with running() as (_, client, events):
        assert [event.instrument_id for event in of(events, InstrumentListed)] == [BTC]
        await until(lambda: of(events, VenueMeasured))
        statuses = [(event.link, event.status) for event in of(events, LinkChanged)]
        assert statuses == [(Link.MARKET, LinkStatus.CONNECTING), (Link.MARKET, LinkStatus.UP)]
        measured = of(events, VenueMeasured)[0]
        assert measured.bad_messages == 1, "the instrument that cannot be read"
        assert abs(measured.clock_offset_ms) < 500
        assert measured.weight_used >= 7
        del client


@asynccontextmanager
async def tickers(venue: ScriptedVenue, client: MarketDataClient) -> AsyncIterator[list[int]]:
    """One every 50 ms, dated by the venue's clock; so many ms late as the list says."""
    client.subscribe(BTC, Channel.TICKER)
    await until(lambda: venue.subscribed)
    late_ms = [0]
    day = {"P": "1", "c": "100", "h": "101", "l": "99", "v": "1", "q": "100"}

    async def speak() -> None:
        while True:
            await venue.say("btcusdt@ticker", {"e": "24hrTicker", "E": venue.time_ms() - late_ms[0], **day})
            await asyncio.sleep(0.05)

    speaking = asyncio.create_task(speak())
    try:
        yield late_ms
    finally:
        speaking.cancel()


async def test_data_that_comes_late_is_told_though_the_pings_are_quick() -> None:
    """What is traded on is as old as its own time says: neither the round trip nor the clock is blamed for it."""
    async with running() as (venue, client, events), tickers(venue, client) as late_ms:
        await until(lambda: any(event.data_age_ms is not None for event in of(events, VenueMeasured)))
        assert 0 <= of(events, VenueMeasured)[-1].data_age_ms < 500
        late_ms[0] = 1_700
        await until(lambda: 1_600 < of(events, VenueMeasured)[-1].data_age_ms < 2_200)
        measured = of(events, VenueMeasured)[-1]
        assert measured.latency_ms < 500
        assert abs(measured.clock_offset_ms) < 200
        assert not of(events, NoticeRaised)


@pytest.mark.parametrize("ahead_ms", [5_000, -5_000])
async def test_a_clock_that_is_set_is_noticed_by_the_data(ahead_ms: int, caplog: pytest.LogCaptureFixture) -> None:
    """The regular look at the venue's clock is two minutes away: data from the future, or the past, asks at once."""
    async with running() as (venue, client, events), tickers(venue, client):
        await until(lambda: any(event.data_age_ms is not None for event in of(events, VenueMeasured)))
        venue.clock_ahead_ms = ahead_ms
        await until(lambda: abs(of(events, VenueMeasured)[-1].clock_offset_ms - ahead_ms) < 200)
        (notice,) = of(events, NoticeRaised)
        assert notice.title == "A clock was set"
        assert f"5 s {'ahead of' if ahead_ms > 0 else 'behind'} this computer's" in notice.text
        assert caplog.text.count("its clock moved") == 1
        asked = len([path for path in venue.asked if "/time" in path])
        count = len(of(events, VenueMeasured))
        await until(lambda: len(of(events, VenueMeasured)) > count + 1)
        assert all(event.data_age_ms is None or event.data_age_ms >= 0 for event in of(events, VenueMeasured))
        assert of(events, VenueMeasured)[-1].data_age_ms < 500
        assert len([path for path in venue.asked if "/time" in path]) == asked, "asked once"


async def test_the_first_quote_is_asked_for_until_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thin instrument sends none for hours: answers that cannot be read leave it without a price no longer."""
    monkeypatch.setattr(quotes, "SOON_S", 0.01)
    monkeypatch.setattr(quotes, "FIRST_WAIT_S", 0.01)
    async with running() as (venue, client, events):
        path = "/api/v3/ticker/bookTicker"
        venue.raw[path] = [(200, b"not a quote"), (200, b"{}")] * 3
        venue.rest[path] = lambda _: (200, {"bidPrice": "99", "bidQty": "1", "askPrice": "101", "askQty": "2"})
        client.subscribe(BTC, Channel.QUOTES)
        await until(lambda: of(events, QuoteChanged))
        assert (of(events, QuoteChanged)[0].bid, of(events, QuoteChanged)[0].ask) == (99.0, 101.0)
        assert not venue.raw[path]


async def test_a_quote_is_none_when_nobody_is_subscribed() -> None:
    """An hour later it would be taken for the price: the last word is that there is no bid and no ask."""
    async with running() as (venue, client, events):
        client.subscribe(BTC, Channel.QUOTES)
        await until(lambda: venue.subscribed)
        await venue.say("btcusdt@bookTicker", {"u": 1, "s": "BTCUSDT", "b": "99", "B": "1", "a": "101", "A": "1"})
        await until(lambda: of(events, QuoteChanged))
        state = State()
        for event in events:
            state.apply(event)
        assert state.market(BTC).live_price == 100
        told = len(events)
        client.unsubscribe(BTC, Channel.QUOTES)
        for event in events[told:]:
            state.apply(event)
        assert (state.market(BTC).touch, state.market(BTC).live_price) == (None, None)


async def test_many_wishes_are_few_messages() -> None:
    """A whole watchlist is subscribed to in a message or two: the venue drops who sends more than five a second."""
    async with running() as (venue, client, _):
        for number in range(120):
            client.subscribe(named(f"X{number}USDT"), Channel.QUOTES)
            client.subscribe(named(f"X{number}USDT"), Channel.QUOTES)
        await until(lambda: sum(len(asked["params"]) for asked in venue.subscribed) == 120)
        assert len(venue.subscribed) == 2
        client.unsubscribe(named("X1USDT"), Channel.QUOTES)
        await until(lambda: venue.subscribed[-1]["method"] == "UNSUBSCRIBE")
        assert venue.subscribed[-1]["params"] == ["x1usdt@bookTicker"]


async def test_missed_trades_are_fetched_by_number() -> None:
    """A hole in the trades' numbers is filled from history before the next trade is shown; none is shown twice."""
    async with running() as (venue, client, events):
        asked: list[dict[str, str]] = []

        def history(query: dict[str, str]) -> tuple[int, Any]:
            asked.append(query)
            return 200, [trade(number) for number in range(int(query["fromId"]), 8)]

        venue.rest["/api/v3/aggTrades"] = history
        client.subscribe(BTC, Channel.TRADES)
        await until(lambda: venue.subscribed)
        for number in (3, 4, 4, 7, 8, 2, 9):
            await venue.say("btcusdt@aggTrade", trade(number))
        await until(lambda: len(trades(events)) == 7)
        assert trades(events) == [3, 4, 5, 6, 7, 8, 9]
        assert len(asked) == 1


async def test_after_a_cut_the_hole_is_filled() -> None:
    """The line breaks: stale at once. When it is back the missed trades and candles come from history."""
    async with running() as (venue, client, events):
        venue.rest["/api/v3/aggTrades"] = lambda q: (200, [trade(number) for number in range(int(q["fromId"]), 6)])
        venue.rest["/api/v3/klines"] = lambda q: (
            200,
            [[t, "1", "2", "1", "2", "5", t + 59_999] for t in (60_000, 120_000) if t >= int(q["startTime"])],
        )
        client.subscribe(BTC, Channel.TRADES)
        client.subscribe(BTC, Channel.CANDLES, Interval.M1)
        client.subscribe(BTC, Channel.BOOK)
        await until(lambda: of(events, BookReset))
        await venue.say("btcusdt@aggTrade", trade(2))
        body = {"t": 60_000, "T": 119_999, "i": "1m", "o": "1", "c": "1", "h": "1", "l": "1", "v": "1", "x": False}
        await venue.say("btcusdt@kline_1m", {"e": "kline", "E": 1, "s": "BTCUSDT", "k": body})
        await until(lambda: of(events, CandleChanged))
        venue.cut()
        await until(lambda: len(of(events, FeedStale)) == 3)
        assert of(events, BookBroken)
        await until(lambda: len(of(events, FeedRecovered)) == 3)
        assert trades(events) == [2, 3, 4, 5]
        assert [(event.open_ns, event.closed) for event in of(events, CandleChanged)][1:] == [
            (60_000_000_000, True),
            (120_000_000_000, True),
        ]
        assert len(of(events, BookReset)) == 2
        down = next(event for event in of(events, LinkChanged) if event.status is LinkStatus.DOWN)
        assert down.reason


async def test_a_venue_that_counts_from_one_again() -> None:
    """A test venue was reset while we were away: its new, lower numbers are believed."""
    async with running() as (venue, client, events):
        venue.rest["/api/v3/aggTrades"] = lambda query: (200, [] if "fromId" in query else [trade(5)])
        client.subscribe(BTC, Channel.TRADES)
        await until(lambda: venue.subscribed)
        await venue.say("btcusdt@aggTrade", trade(1000))
        await until(lambda: trades(events))
        venue.cut()
        await until(lambda: of(events, FeedRecovered))
        await venue.say("btcusdt@aggTrade", trade(6))
        await until(lambda: trades(events)[-1] == 6)


async def test_a_snapshot_older_than_the_updates_is_not_believed() -> None:
    """The venue's snapshot lags behind its stream: it is asked again until one fits."""
    async with running() as (venue, client, events):
        answers = iter([5, 6, 20])
        latest = [20]

        def depth(_: dict[str, str]) -> tuple[int, Any]:
            latest[0] = next(answers, latest[0])
            return 200, {"lastUpdateId": latest[0], "bids": [["99", "1"]], "asks": []}

        venue.rest["/api/v3/depth"] = depth
        venue.confirms = False
        client.subscribe(BTC, Channel.BOOK)
        await until(lambda: venue.subscribed)
        for first in (15, 18):
            update = {
                "e": "depthUpdate",
                "E": 1,
                "s": "BTCUSDT",
                "U": first,
                "u": first + 2,
                "b": [["98", "2"]],
                "a": [],
            }
            await venue.say("btcusdt@depth@100ms", update)
        await venue.streams[0].send_str('{"result":null,"id":1}')
        await until(lambda: of(events, BookReset))
        assert [event.last_id for event in of(events, BookReset)] == [20]


async def test_garbage_is_counted_and_the_stream_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """Nonsense between two quotes: one line in the log for each kind, and both quotes are there."""
    async with running() as (venue, client, events):
        client.subscribe(BTC, Channel.QUOTES)
        await until(lambda: venue.subscribed)
        quote = {"u": 1, "s": "BTCUSDT", "b": "99", "B": "1", "a": "101", "A": "1"}
        with caplog.at_level(logging.WARNING):
            await venue.say("btcusdt@bookTicker", quote)
            for _ in range(50):
                await venue.streams[0].send_str('{"stream":"btcusdt@bookTicker","data":{"u":2')
                await venue.say("btcusdt@bookTicker", {**quote, "b": "NaN"})
                await venue.say("ethusdt@bookTicker", quote)
                await venue.streams[0].send_bytes(b"\xff\x00")
            await venue.say("btcusdt@bookTicker", {**quote, "u": 3, "new_field": [1, {"x": None}]})
            await until(lambda: len(of(events, QuoteChanged)) == 2)
        await until(lambda: of(events, VenueMeasured) and of(events, VenueMeasured)[-1].bad_messages == 201)
        told = [record.getMessage().partition(")")[0] for record in caplog.records if "bad message" in record.message]
        assert len(told) == len(set(told)) == 5, "four kinds of nonsense, and the unreadable instrument"


async def test_a_refused_subscription_is_told() -> None:
    """An unknown instrument: its pane says why nothing comes."""
    async with running() as (venue, client, events):
        venue.confirms = False
        client.subscribe(named("NOPEUSDT"), Channel.TRADES)
        await until(lambda: venue.subscribed)
        await venue.streams[0].send_str('{"error":{"code":2,"msg":"Invalid request"},"id":1}')
        await until(lambda: of(events, FeedStale))
        assert "refused" in of(events, FeedStale)[0].reason


async def test_what_the_product_does_not_offer_is_told() -> None:
    """Spot has no mark price: the pane hears it at once and does not wait for ever."""
    async with running() as (_, client, events):
        client.subscribe(BTC, Channel.MARK_PRICE)
        assert of(events, FeedStale)[0].channel is Channel.MARK_PRICE


async def test_an_unconfirmed_subscription_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue lost our request: it is made again, not waited for."""
    monkeypatch.setattr(connection_module, "CONFIRM_WITHIN_S", 0.3)
    async with running() as (venue, client, _):
        venue.confirms = False
        client.subscribe(BTC, Channel.TRADES)
        await until(lambda: len(venue.subscribed) >= 2)
        assert venue.subscribed[0]["params"] == venue.subscribed[1]["params"]


async def test_reads_wait_out_a_refusal_and_give_up_on_a_ban() -> None:
    """429 is waited out as long as the venue says; a long ban is told at once."""
    async with running() as (venue, client, _):
        answers = iter([(429, {"code": -1003, "msg": "Too many requests."}), (200, [trade(1)])])
        venue.rest["/api/v3/aggTrades"] = lambda _: next(answers)
        trades = await client.recent_trades(BTC, 10)
        assert [one.trade_id for one in trades] == [1]


async def test_a_venue_that_is_not_there() -> None:
    """Nothing listens: a typed error with a sentence, no traceback from a library."""
    async with scripted_venue() as venue:
        urls = venue.urls
    client = market_data_client(PROFILE, urls)
    with pytest.raises(VenueError) as refused:
        await client.start(lambda event: None)
    assert refused.value.retryable
    await client.stop()


async def test_history_is_paged_backwards() -> None:
    """More candles than a request may bring: the pages join without a seam or a repeat."""
    async with running() as (venue, client, _):

        def klines(query: dict[str, str]) -> tuple[int, Any]:
            end = int(query.get("endTime", 3_000 * 60_000 - 1))
            last = end // 60_000
            first = max(0, last - int(query["limit"]) + 1)
            return 200, [[t * 60_000, "1", "2", "1", "2", "5"] for t in range(first, last + 1)]

        venue.rest["/api/v3/klines"] = klines
        candles = await client.candles(BTC, Interval.M1, 2500)
        assert len(candles) == 2500
        assert set((candles.open_ns[1:] - candles.open_ns[:-1]).tolist()) == {60_000_000_000}
        earlier = await client.candles(BTC, Interval.M1, 10, end_ns=60_000_000_000 * 5)
        assert earlier.open_ns.tolist() == [minute * 60_000_000_000 for minute in range(5)]


def test_the_budget_error_is_one_a_caller_can_wait_for() -> None:
    """Out of weight: the error says for how long."""
    budget = rate_budget.RateBudget(10)
    budget.reserve(8)
    with pytest.raises(RateLimited) as refused:
        budget.reserve(8)
    assert refused.value.retryable
    assert refused.value.retry_after_s > 0
