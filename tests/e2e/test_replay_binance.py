"""The client on recorded traffic of Binance spot and USD-M futures, sound and damaged.

The truth comes from the same recordings, replayed by other code by the venue's documented rules.
"""

from __future__ import annotations

import pytest

from octopus_desktop.model.events import BookBroken, FeedRecovered, FeedStale, LinkChanged, LinkStatus, VenueMeasured
from tests.e2e.replay import assert_books_are_true, assert_trades_are_all_there, needs_recordings, replay

pytestmark = [needs_recordings, pytest.mark.timeout(90)]
BOTH = pytest.mark.parametrize("exchange", ["BINANCE", "BINANCE_FUTURES"])


@BOTH
async def test_sound_traffic(exchange: str) -> None:
    """Every trade is there, and every book ends as the exchange had it, to the last level."""
    async with replay(exchange) as running:
        await running.run()
        assert_books_are_true(running)
        assert_trades_are_all_there(running)
        assert not running.of(BookBroken)
        for symbol, truth in running.truth["quotes"].items():
            quote = running.state.market(running.name(symbol)).quote
            assert (quote.bid, quote.ask) == (float(truth["last"]["bid"]), float(truth["last"]["ask"]))


@BOTH
async def test_as_fast_as_it_goes(exchange: str) -> None:
    """Thirty seconds of market in one burst: nothing is lost."""
    async with replay(exchange, speed=0) as running:
        await running.run()
        assert_books_are_true(running)
        assert_trades_are_all_there(running)


@BOTH
async def test_lost_updates(exchange: str) -> None:
    """Lost updates break the book where they are missed, and a snapshot mends it."""
    async with replay(exchange, "--drop", "13") as running:
        await running.run()
        assert running.of(BookBroken)
        assert_books_are_true(running, counts=False)
        assert_trades_are_all_there(running)


@BOTH
async def test_repeated_updates(exchange: str) -> None:
    """Updates sent twice change nothing, and break nothing."""
    async with replay(exchange, "--dup", "3") as running:
        await running.run()
        assert not running.of(BookBroken)
        assert_books_are_true(running)


@BOTH
async def test_garbage_between_the_frames(exchange: str) -> None:
    """Truncated frames are counted and passed over; the market behind them is whole."""
    async with replay(exchange, "--garbage", "5") as running:
        await running.run()
        assert_books_are_true(running)
        assert_trades_are_all_there(running)
        await running.until(lambda: running.of(VenueMeasured)[-1].bad_messages > 10, 3.0)
        assert running.of(VenueMeasured)[-1].bad_messages > 10


@BOTH
async def test_a_cut_line(exchange: str) -> None:
    """The line breaks: stale is said at once, the link comes back, and the books end true."""
    async with replay(exchange, "--cut", "2") as running:
        await running.run()
        downs = [event for event in running.of(LinkChanged) if event.status is LinkStatus.DOWN]
        stale = running.of(FeedStale)
        assert downs
        assert stale
        await running.until(lambda: len(running.of(FeedRecovered)) >= len(stale), 10.0)
        assert {(e.instrument_id, e.channel) for e in stale} == {
            (e.instrument_id, e.channel) for e in running.of(FeedRecovered)
        }
        assert_books_are_true(running, counts=False)


@BOTH
async def test_requests_refused_for_being_too_many(exchange: str) -> None:
    """The venue refuses every fourth request: asking waits as long as it is told to, and the books come whole."""
    async with replay(exchange, "--rest-every", "4", speed=5.0) as running:
        await running.run()
        assert_books_are_true(running, counts=False)


@BOTH
async def test_slow_snapshots(exchange: str) -> None:
    """Updates that come before their snapshot are kept for it."""
    async with replay(exchange, "--snapshot-delay", "1.5") as running:
        await running.run()
        assert_books_are_true(running, counts=False)


async def test_everything_at_once() -> None:
    """Lost, repeated and damaged frames, a cut line and refused requests together still end on the true books."""
    faults = ("--drop", "20", "--dup", "7", "--garbage", "9", "--cut", "3", "--rest-every", "7")
    async with replay("BINANCE_FUTURES", *faults, speed=5.0) as running:
        await running.run()
        assert_books_are_true(running, counts=False)
