"""Who gets what and when: instruments have moments of their own, and nothing is lost between them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from itertools import pairwise
from typing import Any
from unittest import mock

import pytest

from octopus_desktop.simulator.auth import KeyRing
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.faults import Faults
from octopus_desktop.simulator.listings import LISTINGS
from octopus_desktop.simulator.server import Server
from octopus_desktop.simulator.streams import Streams, Subscriber
from octopus_desktop.simulator.units import SECOND_NS
from octopus_desktop.simulator.user_streams import UserStreams

START_NS = 1_795_244_400 * SECOND_NS
ROUND_NS = SECOND_NS // 20


class Line:
    """In place of a connection: keeps what is sent."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, Any]] = []

    def send(self, frame: bytes, kind: str) -> None:
        message = json.loads(frame)
        self.frames.append((message["stream"], message["data"]))

    def of(self, stream: str) -> list[Any]:
        return [data for name, data in self.frames if name == stream]


def opened(count: int) -> Exchange:
    exchange = Exchange(5, START_NS, listings=LISTINGS[:count])
    exchange.open()
    exchange.advance(exchange.now_ns + 2 * SECOND_NS)
    return exchange


def listening(streams: Streams, names: list[str]) -> Line:
    line = Line()
    streams.subscribe(Subscriber(line, combined=True), names)  # type: ignore[arg-type]
    return line


@pytest.mark.parametrize("slots", [1, 3, 5])
def test_each_instrument_has_its_moment_in_every_round(slots: int) -> None:
    """In two seconds a book that changes goes out twenty times, tickers twice, each only in its instrument's slot."""
    exchange = opened(5)
    server = Server(exchange, KeyRing(), UserStreams(), Faults(1))
    symbols = [symbol.lower() for symbol in exchange.markets]
    names = [f"{s}@{kind}" for s in symbols for kind in ("depth@100ms", "depth", "kline_1s", "bookTicker")]
    line = listening(server._streams, [*names, "!miniTicker@arr"])
    sent: Counter[str] = Counter()
    for round_ in range(1, 41):
        for slot in range(slots):
            exchange.advance(exchange.now_ns + ROUND_NS // slots)
            server._do_slot(round_, slot, slots)
            own = {symbol for at, symbol in enumerate(symbols) if at % slots == slot}
            assert {name.partition("@")[0] for name, _ in line.frames} <= own | {"!miniTicker"}
            sent.update(name for name, _ in line.frames)
            line.frames.clear()
    for symbol in symbols:
        assert 15 <= sent[f"{symbol}@depth@100ms"] <= 20  # now and then nothing happens in a tenth of a second
        assert sent[f"{symbol}@depth"] == 2
        assert sent[f"{symbol}@bookTicker"] > 10
        assert sent[f"{symbol}@kline_1s"] >= 2
    assert sent["!miniTicker@arr"] == 2


def test_no_two_instruments_make_their_candles_and_tickers_in_one_piece() -> None:
    """What happens once a second happens in another round for each of the ten instruments."""
    server = Server(opened(10), KeyRing(), UserStreams(), Faults(1))
    at: dict[str, list[int]] = {}
    round_ = 0

    def beat(symbol: str, *, books: bool, second: bool) -> None:
        assert books or not second
        if second:
            at.setdefault(symbol, []).append(round_)

    with mock.patch.object(server._streams, "beat", beat):
        for round_ in range(60):
            for slot in range(5):
                server._do_slot(round_, slot, 5)
    assert len(at) == 10
    assert all([after - before for before, after in pairwise(rounds)] == [20, 20] for rounds in at.values())
    assert len({rounds[0] for rounds in at.values()}) == 10


def test_diffs_prints_and_candles_follow_each_other_over_uneven_beats() -> None:
    """However late a beat is: no update, print or closed candle is missing, and none comes twice."""
    exchange = opened(2)
    streams = Streams(exchange)
    line = listening(streams, [f"ethusdt@{kind}" for kind in ("depth@100ms", "depth", "trade", "aggTrade", "kline_1s")])
    book = {side: dict(getattr(exchange.markets["ETHUSDT"].book, side).depth(5_000)) for side in ("bids", "asks")}
    for turn in range(240):
        exchange.advance(exchange.now_ns + (5, 12, 480, 50)[turn % 4] * 1_000_000)
        streams.beat("BTCUSDT", books=True, second=True)
        second = turn % 6 == 0
        streams.beat("ETHUSDT", books=second or turn % 3 == 0, second=second)
    streams.beat("ETHUSDT", books=True, second=True)
    for stream in ("ethusdt@depth@100ms", "ethusdt@depth"):
        assert all(after["U"] == before["u"] + 1 for before, after in pairwise(line.of(stream)))
        kept = {side: dict(levels) for side, levels in book.items()}
        for diff in line.of(stream):
            for side, name in (("bids", "b"), ("asks", "a")):
                for price, quantity in diff[name]:
                    kept[side][round(float(price) * 1e8)] = round(float(quantity) * 1e8)
        for side in ("bids", "asks"):
            standing = {price: quantity for price, quantity in kept[side].items() if quantity}
            assert standing == dict(getattr(exchange.markets["ETHUSDT"].book, side).depth(5_000))
    for stream, number in (("ethusdt@trade", "t"), ("ethusdt@aggTrade", "a")):
        assert len(line.of(stream)) > 20
        assert all(after[number] == before[number] + 1 for before, after in pairwise(line.of(stream)))
    closed = [data["k"]["t"] for data in line.of("ethusdt@kline_1s") if data["k"]["x"]]
    assert len(closed) > 20
    assert all(after == before + 1_000 for before, after in pairwise(closed))
    assert {name.partition("@")[0] for name, _ in line.frames} == {"ethusdt"}


def test_all_tickers_go_out_in_one_frame_and_only_those_that_changed() -> None:
    """`!ticker@arr` holds each instrument that traded since the last one, once, and is not sent empty."""
    exchange = opened(3)
    streams = Streams(exchange)
    line = listening(streams, ["!ticker@arr", "!miniTicker@arr", "btcusdt@ticker"])
    for symbol in exchange.markets:
        streams.beat(symbol, books=True, second=True)
    assert [name for name, _ in line.frames] == ["btcusdt@ticker"]
    streams.tickers_of_all()
    for name in ("!ticker@arr", "!miniTicker@arr"):
        (frame,) = line.of(name)
        assert [row["s"] for row in frame] == list(exchange.markets)
    assert line.of("!ticker@arr")[0][0] == line.of("btcusdt@ticker")[0]
    line.frames.clear()
    for symbol in exchange.markets:
        streams.beat(symbol, books=True, second=True)
    streams.tickers_of_all()
    assert line.frames == []


def test_a_clock_too_fast_for_the_machine_lets_callers_in() -> None:
    """Where the market can't catch up, somebody else has a turn between any two pieces of a tenth of a second."""

    async def scene() -> int:
        exchange = opened(1)
        server = Server(exchange, KeyRing(), UserStreams(), Faults(1), speed=1e6)
        begun, pieces = exchange.now_ns, 0
        beating = asyncio.create_task(server._beat())
        try:
            while pieces < 40:
                await asyncio.sleep(0)
                pieces += 1
                assert exchange.now_ns - begun <= (pieces + 1) * SECOND_NS // 10
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
        return exchange.now_ns - begun

    assert asyncio.run(scene()) > SECOND_NS
