"""Bytes of a market message to the changed State, beside ccxt.pro on the same recorded messages in the same run."""

from __future__ import annotations

import asyncio
import gc
import itertools
import re
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from octopus_desktop.model.identifiers import Venue, instrument_id
from octopus_desktop.state import State
from octopus_desktop.venues.binance.connection import Connection
from octopus_desktop.venues.binance.feeds.book import BookFeed
from octopus_desktop.venues.binance.feeds.feed import Feed, Surroundings
from octopus_desktop.venues.binance.feeds.quotes import QuoteFeed
from octopus_desktop.venues.binance.feeds.trades import TradeFeed
from octopus_desktop.venues.binance.host import Host
from octopus_desktop.venues.binance.product import USDM
from octopus_desktop.venues.binance.rest import Rest

CAPTURE = Path(__file__).parents[3] / "shared" / "data" / "captures" / "BINANCE_FUTURES.ws.1.0"
WARM_UP = 5
"""Rounds until State holds as much as it ever does; from then on each new trade pushes an old one out."""
ROUNDS = 160
MESSAGES_A_ROUND = 3_000
READ_BYTES = 64 * 1024
"""Of a socket that has more: what the transport's buffer takes at once."""
VENUE = Venue("BINANCE_FUTURES")
GOALS = {"depth": 9.0, "aggTrade": 35.0, "bookTicker": 35.0}
_LINE = re.compile(r"^\d+\.\d+: (\{.*)$")
_NUMBERS = itertools.count(10**12, 10)


def recorded() -> dict[str, list[bytes]]:
    """Frames by channel, as they came in."""
    by_kind: dict[str, list[bytes]] = defaultdict(list)
    for line in CAPTURE.read_text().splitlines():
        found = _LINE.match(line)
        if found:
            payload = found.group(1).encode()
            kind = payload[11 : payload.index(b'"', 11)].split(b"@")[1].decode()
            by_kind[kind].append(payload)
    return by_kind


def continued(kind: str, payloads: list[bytes], last: dict[str, int]) -> list[bytes]:
    """The same messages again with numbers that go on, so that every one of them is applied and none is a repeat."""
    out = []
    for payload in payloads:
        frame = msgspec.json.decode(payload)
        data = frame["data"]
        number = next(_NUMBERS)
        symbol = data["s"]
        if kind == "depth":
            data["pu"] = last.get(symbol, data["pu"])
            data["U"], data["u"] = number - 3, number
        elif kind == "bookTicker":
            data["u"] = number
        else:
            data["a"] = last.get(symbol, number) + 1
            number = data["a"]
        last[symbol] = number
        out.append(msgspec.json.encode(frame))
    return out


class Ours:
    """The client's own path from a frame: route, decode, event, State."""

    def __init__(self, symbols: list[str]) -> None:
        self.state = State()
        self.applied = 0
        host = Host(VENUE, USDM)
        rest = Rest("http://127.0.0.1:1", USDM, host)
        loop = asyncio.get_running_loop()
        around = Surroundings(self.state.apply, rest, USDM, lambda work, name: loop.create_task(work, name=name))
        self.connection = Connection("ws://127.0.0.1:1", around, "bench", lambda status, reason: None)
        self.books: dict[str, BookFeed] = {}
        for symbol in symbols:
            name = instrument_id(symbol, VENUE)
            book = self.books[symbol] = BookFeed(around, name)
            feeds: list[Feed] = [book, TradeFeed(around, name), QuoteFeed(around, name)]
            for feed in feeds:
                self.connection.add(feed)

    def run(self, payloads: list[bytes]) -> None:
        """Read by read as a socket with a backlog gives them."""
        self._run(payloads, max(1, READ_BYTES * len(payloads) // sum(map(len, payloads))))

    def run_singly(self, payloads: list[bytes]) -> None:
        """As when each message comes alone."""
        self._run(payloads, 1)

    def _run(self, payloads: list[bytes], a_read: int) -> None:
        on_frames = self.connection.on_frames
        now = time.time_ns()
        for first in range(0, len(payloads), a_read):
            on_frames(iter(payloads[first : first + a_read]), now)


class Theirs:
    """ccxt.pro's handle_message with what decoding costs it; its table of markets is as long as the real one."""

    def __init__(self, symbols: list[str]) -> None:
        import ccxt.pro
        from ccxt.async_support.base.ws.client import Client

        self.exchange: Any = ccxt.pro.binanceusdm({"newUpdates": True})
        markets = [self._market(symbol.removesuffix("USDT")) for symbol in symbols]
        self.exchange.set_markets(markets + [self._market(f"X{number}") for number in range(600)])
        url = "wss://fstream.binance.com/ws/1"
        nothing: Callable[..., None] = lambda *_: None  # noqa: E731
        self.client: Any = Client(url, nothing, nothing, nothing, nothing, {})
        self.exchange.clients[url] = self.client
        self.books = {}
        for symbol in symbols:
            book = self.exchange.order_book({}, 1000)
            book["nonce"] = None
            self.exchange.orderbooks[self.exchange.markets_by_id[symbol][0]["symbol"]] = book
            self.books[symbol] = book
        self.applied = 0
        self._decode = _fastest_decoder()

    def _market(self, base: str) -> dict[str, Any]:
        return self.exchange.safe_market_structure(  # type: ignore[no-any-return]
            {
                "id": f"{base}USDT",
                "lowercaseId": f"{base}USDT".lower(),
                "symbol": f"{base}/USDT:USDT",
                **{"base": base, "quote": "USDT", "settle": "USDT", "baseId": base, "quoteId": "USDT"},
                **{"type": "swap", "spot": False, "swap": True, "linear": True, "contract": True},
                **{"contractSize": 1.0, "active": True, "limits": {}, "info": {}},
                "precision": {"price": 1e-4, "amount": 1e-3},
            }
        )

    def run(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self.exchange.handle_message(self.client, self._decode(payload)["data"])

    def run_depth(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            data = self._decode(payload)["data"]
            book = self.books[data["s"]]
            book["nonce"], book["timestamp"] = data["pu"], 1  # in sequence, so that each one is really applied
            self.exchange.handle_message(self.client, data)
            self.applied += book["nonce"] == data["u"]


def _fastest_decoder() -> Callable[[bytes], Any]:
    """ccxt takes orjson where it is installed; msgspec's untyped decoder is as fast."""
    try:
        import orjson
    except ImportError:
        return msgspec.json.Decoder().decode
    return orjson.loads  # type: ignore[no-any-return]


async def _compare() -> list[dict[str, object]]:
    kinds = recorded()
    symbols = sorted({msgspec.json.decode(payload)["data"]["s"] for payload in kinds["depth"]})
    ours, theirs = Ours(symbols), Theirs(symbols)
    try:
        return _rows(kinds, ours, theirs)
    finally:
        await theirs.exchange.close()


def _rows(kinds: dict[str, list[bytes]], ours: Ours, theirs: Theirs) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for kind, goal in GOALS.items():
        last: dict[str, int] = {}
        copies = max(1, MESSAGES_A_ROUND // len(kinds[kind]))
        our_times, single_times, their_times = [], [], []
        for round_ in range(WARM_UP + ROUNDS):
            payloads = continued(kind, kinds[kind] * copies, last)
            if kind == "depth" and not round_:  # from then on both books go on from round to round
                for symbol, book in ours.books.items():
                    _start_book(book, symbol, payloads)
            our_times.append(_timed(ours.run, payloads))
            _check(kind, ours, payloads)
            their_times.append(_timed(theirs.run_depth if kind == "depth" else theirs.run, payloads))
            again = continued(kind, payloads, last)
            single_times.append(_timed(ours.run_singly, again))
            _check(kind, ours, again)
        # Of a busy machine the quietest moment, for all.
        ours_us, single_us, peer = (min(times[WARM_UP:]) for times in (our_times, single_times, their_times))
        rows.append(_row(f"decode + apply: {kind}, reads of {READ_BYTES // 1024} KB", ours_us, peer, goal))
        rows.append(_row(f"decode + apply: {kind}, each message alone", single_us, peer, None))
    assert theirs.applied, "ccxt.pro applied nothing: the comparison would be void"
    return rows


def _row(name: str, value: float, peer: float, goal: float | None) -> dict[str, object]:
    ratio = peer / value
    return {
        **{"name": name, "value": value, "unit": "µs/message", "better": "lower"},
        **{"versus": "ccxt.pro handle_message", "versus_value": peer, "ratio": ratio},
        **{"goal": "" if goal is None else f"ratio >= {goal:.0f}", "ok": goal is None or ratio >= goal},
    }


def _timed(run: Callable[[list[bytes]], None], payloads: list[bytes]) -> float:
    """µs a message; the collector rests meanwhile, as in timeit, or one side pays for the other's garbage."""
    gc.disable()
    try:
        started = time.perf_counter()
        run(payloads)
        return (time.perf_counter() - started) / len(payloads) * 1e6
    finally:
        gc.enable()


def _start_book(book: BookFeed, symbol: str, payloads: list[bytes]) -> None:
    from octopus_desktop.venues.binance.messages import DepthSnapshot

    first = next(data for data in (msgspec.json.decode(p)["data"] for p in payloads) if data["s"] == symbol)
    book._sequencer.snapshot(DepthSnapshot(first["pu"], [], []), 0, 0)


def _check(kind: str, ours: Ours, payloads: list[bytes]) -> None:
    """The last message is in the State: nothing was dropped on the way."""
    data = msgspec.json.decode(payloads[-1])["data"]
    market = ours.state.market(instrument_id(data["s"], VENUE))
    if kind == "depth":
        assert market.book.last_id == data["u"]
    elif kind == "bookTicker":
        assert market.quote is not None
        assert market.quote.bid == float(data["b"])
    else:
        assert market.last_trade is not None
        assert market.last_trade.trade_id == data["a"]
        numbers = [trade.trade_id for trade in market.trades]
        assert numbers == list(range(numbers[0], data["a"] + 1)), "a trade is missing"


def measure() -> list[dict[str, object]]:
    if not CAPTURE.exists():
        return []
    return asyncio.run(_compare())


if __name__ == "__main__":
    for row in measure():
        print(row)
