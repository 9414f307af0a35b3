"""Recorded traffic of the real exchange, served on loopback, and a client on it whose State is kept."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from octopus_desktop.model.events import (
    BookBroken,
    Channel,
    Event,
    FeedRecovered,
    FeedStale,
    LinkChanged,
    TradesPrinted,
    VenueMeasured,
)
from octopus_desktop.model.identifiers import InstrumentId, Interval, Venue, instrument_id
from octopus_desktop.model.profile import Dialect, Mode, Profile, VenueUrls
from octopus_desktop.ports import MarketDataClient
from octopus_desktop.state import State
from octopus_desktop.venues.factory import market_data_client

SHARED = Path(__file__).parents[3] / "shared"
SERVER = SHARED / "tools" / "replay_server.py"
DIALECTS = {"BINANCE": Dialect.BINANCE_SPOT, "BINANCE_FUTURES": Dialect.BINANCE_USDM}

needs_recordings = pytest.mark.skipif(not SERVER.exists(), reason="the recorded traffic is not beside this checkout")


class Replay:
    def __init__(self, exchange: str, port: int) -> None:
        self.exchange = exchange
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.truth: dict[str, Any] = json.loads((SHARED / "data" / "ground_truth" / f"{exchange}.json").read_text())
        self.state = State()
        self.events: list[Event] = []
        self.client: MarketDataClient = self._client()

    def _client(self) -> MarketDataClient:
        profile = Profile("replay", Venue(self.exchange), DIALECTS[self.exchange], Mode.DEMO)
        urls = VenueUrls(self.url, f"ws://127.0.0.1:{self.port}", f"ws://127.0.0.1:{self.port}/ws-api/v3")
        return market_data_client(profile, urls)

    @property
    def symbols(self) -> list[str]:
        return list(self.truth["final_books"])

    def name(self, symbol: str) -> InstrumentId:
        return instrument_id(symbol, Venue(self.exchange))

    def publish(self, event: Event) -> None:
        self.state.apply(event)
        if isinstance(event, TradesPrinted | BookBroken | FeedStale | FeedRecovered | LinkChanged | VenueMeasured):
            self.events.append(event)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def run(self) -> None:
        """Subscribes to everything that was recorded, and returns when all of it was sent and every book is whole."""
        await self.client.start(self.publish)
        for symbol in self.symbols:
            for channel in (Channel.TRADES, Channel.QUOTES, Channel.BOOK):
                self.client.subscribe(self.name(symbol), channel)
            self.client.subscribe(self.name(symbol), Channel.CANDLES, Interval.M1)
        while not (await self.ask("__state"))["done"]:  # noqa: ASYNC110  # the server is another process
            await asyncio.sleep(0.2)
        await self.until(lambda: not self.wrong_books(), 25.0)

    async def until(self, condition: Any, seconds: float) -> None:
        end = asyncio.get_running_loop().time() + seconds
        while not condition() and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110  # of many kinds
            await asyncio.sleep(0.05)

    def wrong_books(self) -> list[str]:
        """Symbols whose book is not on the venue's last update."""
        return [
            symbol
            for symbol in self.symbols
            if not (book := self.state.market(self.name(symbol)).book).valid
            or book.last_id < self.truth["final_books"][symbol]["final_u"]
        ]

    async def ask(self, path: str) -> Any:
        def blocking() -> Any:
            with urllib.request.urlopen(f"{self.url}/{path}", timeout=5) as answer:
                return json.loads(answer.read())

        return await asyncio.to_thread(blocking)


@asynccontextmanager
async def replay(exchange: str, *faults: str, speed: float = 10.0) -> AsyncIterator[Replay]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SERVER), exchange, "--port", str(port), "--speed", str(speed), *faults),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    running = Replay(exchange, port)
    try:
        for _ in range(100):
            try:
                await running.ask("__state")
                break
            except OSError:
                await asyncio.sleep(0.1)
        yield running
    finally:
        await running.client.stop()
        server.terminate()
        await server.wait()


def assert_books_are_true(running: Replay, *, counts: bool = True) -> None:
    """`counts`: also how many levels, and what stands in them. A book that was mended in the middle knows no more
    than the thousand levels a side of its snapshot, so there only the top can be asked for."""
    for symbol in running.symbols:
        truth = running.truth["final_books"][symbol]
        book = running.state.market(running.name(symbol)).book
        assert book.valid, symbol
        assert book.last_id == truth["final_u"], symbol
        assert [list(level) for level in book.top_bids(10)] == _floats(truth["top10_bids"]), symbol
        assert [list(level) for level in book.top_asks(10)] == _floats(truth["top10_asks"]), symbol
        if counts:
            assert len(book.bids.prices) == truth["levels_bid"], symbol
            assert len(book.asks.prices) == truth["levels_ask"], symbol
            assert sum(book.bids.quantities.values()) == pytest.approx(float(truth["sum_bid_qty"])), symbol
            assert sum(book.asks.quantities.values()) == pytest.approx(float(truth["sum_ask_qty"])), symbol


def assert_trades_are_all_there(running: Replay) -> None:
    for symbol, truth in running.truth["trades"].items():
        told = [event for event in running.of(TradesPrinted) if event.instrument_id == running.name(symbol)]
        trades = [trade for event in told for trade in event.trades]
        assert len(trades) == truth["n"], symbol
        assert len({trade.trade_id for trade in trades}) == len(trades), symbol
        assert sum(trade.quantity for trade in trades) == pytest.approx(float(truth["volume"])), symbol
        assert trades[-1].price == float(truth["close"]), symbol
        assert max(trade.price for trade in trades) == float(truth["high"]), symbol
        bought = sum(trade.quantity for trade in trades if trade.aggressor.value == "buy")
        assert bought == pytest.approx(float(truth["taker_buy_volume"])), symbol


def _floats(levels: list[list[str]]) -> list[list[float]]:
    return [[float(price), float(quantity)] for price, quantity in levels]
