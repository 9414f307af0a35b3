"""The embedded exchange killed and started again, and doing wrong on request."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from octopus_desktop.embedded_exchange import EmbeddedExchange, command
from octopus_desktop.model.errors import VenueUnavailable
from octopus_desktop.simulator.auth import Credentials, KeyRing
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.faults import Faults
from octopus_desktop.simulator.main import NICENESS, open_exchange
from octopus_desktop.simulator.orders import NewOrder
from octopus_desktop.simulator.server import Server
from octopus_desktop.simulator.store import SqliteStore
from octopus_desktop.simulator.units import SECOND_NS, UNIT
from octopus_desktop.simulator.user_streams import UserStreams
from tests.simulator_process import ROOT, Caller, simulator, start, stop

V3 = "/api/v3"
START_NS = 1_795_244_400 * SECOND_NS


def _limit(caller: Caller, share: float = 0.9, **fields: object) -> dict[str, object]:
    ticker = caller.get(f"{V3}/ticker/bookTicker", symbol="BTCUSDT")[1]
    price = f"{float(ticker['bidPrice']) * share:.2f}"
    return {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": price,
    } | fields  # fmt: skip


# ── what outlives the process ────────────────────────────────────────────────────────────────────────────


def test_killed_at_any_moment_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """After kill −9 the same keys open the same account: balances, open and closed orders, fills, candles."""
    state = tmp_path / "exchange.state"
    process, ready = start("--state", str(state), "--seed", "31")
    try:
        caller = Caller(ready)
        resting = [caller.signed("POST", f"{V3}/order", **_limit(caller))[1]["orderId"] for _ in range(5)]
        stop_order = _limit(caller, type="STOP_LOSS", side="SELL", timeInForce="", price="", quantity="0.02")
        stop_order["stopPrice"] = _limit(caller)["price"]
        resting.append(caller.signed("POST", f"{V3}/order", **stop_order)[1]["orderId"])
        gone = caller.signed("POST", f"{V3}/order", **_limit(caller))[1]["orderId"]
        caller.signed("DELETE", f"{V3}/order", symbol="BTCUSDT", orderId=gone)
        caller.signed("POST", f"{V3}/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.05")
        before = caller.control("GET", "account")
    finally:
        stop(process, kill=True)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    with simulator(seed=99, state=state) as again:
        assert [again[k] for k in ("api_key", "api_secret")] == [ready[k] for k in ("api_key", "api_secret")]
        caller = Caller(again)
        assert caller.control("GET", "account") == before
        found = {row["orderId"] for row in caller.signed("GET", f"{V3}/openOrders")[1]}
        assert found == set(resting)
        assert all(row[0] == 200 for row in [caller.signed("DELETE", f"{V3}/openOrders", symbol="BTCUSDT")])
        locked = [row["locked"] for row in caller.signed("GET", f"{V3}/account")[1]["balances"]]
        assert {float(amount) for amount in locked} == {0.0}


def _opened(path: Path, start_ns: int) -> tuple[Exchange, Credentials, SqliteStore]:
    store = SqliteStore(path)
    exchange, credentials = open_exchange(1, start_ns, 1.0, UserStreams(), store)
    return exchange, credentials, store


def _put_down(exchange: Exchange, store: SqliteStore) -> None:
    rows = [(s, c) for s, market in exchange.markets.items() for c in market.history.minutes.values()]
    store.save_minutes(rows, exchange.now_ns)
    store.close()


def test_orders_the_market_passed_meanwhile_are_filled_and_others_still_rest(tmp_path: Path) -> None:
    """Bids above the low of the time away are filled at their own price as maker; deeper ones wait on."""
    path = tmp_path / "state"
    exchange, _, store = _opened(path, START_NS)
    market = exchange.markets["BTCUSDT"]
    away_s = 4 * 3_600
    low, _ = market.history.extremes(START_NS // SECOND_NS, START_NS // SECOND_NS + away_s)
    tick = market.listing.tick
    assert low < market.last_price - 100 * tick
    passed = exchange.place(1, NewOrder("BTCUSDT", True, "LIMIT", quantity=UNIT // 100, price=low + 50 * tick))
    deeper = exchange.place(1, NewOrder("BTCUSDT", True, "LIMIT", quantity=UNIT // 100, price=low - 50 * tick))
    _put_down(exchange, store)
    exchange, _, store = _opened(path, START_NS + away_s * SECOND_NS)
    filled, waits = (exchange.find(1, "BTCUSDT", order.order_id, None) for order in (passed, deeper))
    assert (filled.status, waits.status) == ("FILLED", "NEW")
    assert [(fill.price, fill.is_maker) for fill in filled.executions] == [(passed.price, True)]
    assert filled.executions[0].ts_ns >= START_NS + away_s * SECOND_NS  # none is of a time it has been asked about
    assert exchange.ledger.balance(1, "USDT").locked == waits.locked > 0
    assert exchange.ledger.total("USDT") == exchange.ledger.total("BTC") == 0
    store.close()


def test_minutes_that_were_live_are_told_the_same_after_a_restart(tmp_path: Path) -> None:
    """Candles made of prints win over the path's, also in a later life; the seed is the file's own."""
    exchange, _, store = _opened(tmp_path / "state", START_NS)
    exchange.advance(START_NS + 150 * SECOND_NS)
    first_s = START_NS // SECOND_NS
    before = exchange.markets["BTCUSDT"].history.candles("1m", first_s + 150, first_s, None, 2)
    ids = exchange.markets["BTCUSDT"].next_trade_id
    _put_down(exchange, store)
    exchange, _, store = _opened(tmp_path / "state", START_NS + 170 * SECOND_NS)
    market = exchange.markets["BTCUSDT"]
    after = market.history.candles("1m", first_s + 170, first_s, None, 2)
    assert [c.columns() for c in after] == [c.columns() for c in before]
    assert market.next_trade_id > ids
    (third,) = market.history.candles("1m", first_s + 170, first_s + 120, None, 1)
    assert third.trades > 0
    store.close()


def test_a_minute_broken_off_is_told_the_same_in_every_later_life(tmp_path: Path) -> None:
    """What a start completed or lived through before it served is kept as well: no seam after the next one."""
    minutes: list[dict[str, list[tuple[int, ...]]]] = []
    first_s = START_NS // SECOND_NS - 60
    for at_s in (10, 90, 200):  # the first is open since a second of the minute before
        now_ns = START_NS + at_s * SECOND_NS
        exchange, _, store = _opened(tmp_path / "state", now_ns)
        minutes.append(
            {
                symbol: [c.columns() for c in market.history.candles("1m", first_s + 60 + at_s, first_s, None, 5)]
                for symbol, market in exchange.markets.items()
            }
        )
        Server(exchange, KeyRing(), UserStreams(), Faults(1), store=store)._save()
        store.close()
    for symbol, (before, broken, *_) in minutes[1].items():
        assert before == minutes[0][symbol][0]
        assert [before, broken] == minutes[2][symbol][:2], symbol


def test_a_damaged_state_file_of_the_terminals_exchange_is_set_aside(tmp_path: Path) -> None:
    """The demo goes on with a new account, and the trader is told where the old file is."""
    state = tmp_path / "exchange.db"
    broken = b"not a database, and long enough to look at" * 30
    state.write_bytes(broken)
    exchange = EmbeddedExchange(state)

    async def scene() -> str:
        await exchange.start()
        await exchange.stop()
        return exchange.notice

    notice = asyncio.run(scene())
    (aside,) = tmp_path.glob("exchange.db.damaged-*")
    assert aside.read_bytes() == broken
    assert str(aside) in notice
    assert notice.endswith("nothing was deleted. A new one was begun.")
    assert asyncio.run(scene()) == ""


def test_an_exchange_that_does_not_start_is_told_in_whole_sentences(tmp_path: Path) -> None:
    """What it said last is the reason, and ends like a sentence: others follow."""
    exchange = EmbeddedExchange(tmp_path)
    with pytest.raises(
        VenueUnavailable, match=r"^The embedded exchange did not start: /\S+ cannot be written .*file\.$"
    ):
        asyncio.run(exchange.start())


def test_a_state_file_in_use_or_broken_says_so(tmp_path: Path) -> None:
    """A second exchange on the same file, and a file that is none, end with one sentence and code 1."""
    state = tmp_path / "state"
    with simulator(state=state):
        for path in (state, tmp_path / "broken"):
            (tmp_path / "broken").write_bytes(b"not a database, and long enough to look at" * 30)
            ended = subprocess.run(
                [sys.executable, "-m", "octopus_desktop.simulator", "--state", str(path)],
                capture_output=True, cwd=ROOT, timeout=30, check=False,
            )  # fmt: skip
            assert ended.returncode == 1
            assert str(path) in ended.stderr.decode()
            assert len(ended.stderr.decode().strip().splitlines()) == 1


def test_it_ends_with_its_parent() -> None:
    """When the other end of its standard input closes, the process ends by itself, with code 0."""
    process, _ = start()
    try:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0
    finally:
        stop(process)


@pytest.mark.skipif(sys.platform == "win32", reason="there the parent gives it its priority")
def test_the_terminals_exchange_gives_way_to_it(tmp_path: Path) -> None:
    """The exchange that a terminal starts has less right to a core than the terminal."""
    process = subprocess.Popen(command(tmp_path / "state", 0), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        pid = json.loads(process.stdout.readline())["pid"]
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
    finally:
        stop(process)


# ── wrong on request ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    with simulator(seed=41) as line:
        yield line


@pytest.fixture
def caller(ready: dict[str, Any]) -> Iterator[Caller]:
    caller = Caller(ready)
    yield caller
    caller.control("DELETE", "faults")


def test_error_statuses_on_request(caller: Caller) -> None:
    """The n-th request for a path gets the status asked for, so many times; others are served."""
    caller.control(
        "POST", "faults", {"http": [{"status": 429, "path": "/time", "every": 2, "times": 2, "retry_after_s": 7}]}
    )
    assert [caller.get(f"{V3}/time")[0] for _ in range(6)] == [200, 429, 200, 429, 200, 200]
    caller.control("POST", "faults", {"http": [{"status": 503, "path": "/ping"}]})
    assert caller.get(f"{V3}/ping") == (
        503,
        {
            "code": -1007,
            "msg": "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        },
    )
    assert caller.get(f"{V3}/time")[0] == 200
    caller.control("DELETE", "faults")
    assert caller.get(f"{V3}/ping")[0] == 200


def test_an_order_accepted_and_never_answered(caller: Caller) -> None:
    """The caller times out; the order is there. With `done`, a 503 comes back for an order that was taken."""
    order = _limit(caller, newClientOrderId="silent")
    caller.control("POST", "faults", {"swallow": [{"what": "/api/v3/order", "method": "POST"}]})
    with pytest.raises((TimeoutError, urllib.error.URLError)):
        _impatient(caller, order)
    found = caller.signed("GET", f"{V3}/order", symbol="BTCUSDT", origClientOrderId="silent")[1]
    assert found["status"] == "NEW"
    caller.control("POST", "faults", {"http": [{"status": 503, "path": "/order", "method": "POST", "done": True}]})
    order = _limit(caller, newClientOrderId="unsure")
    assert caller.signed("POST", f"{V3}/order", **order)[1]["code"] == -1007
    found = caller.signed("GET", f"{V3}/order", symbol="BTCUSDT", origClientOrderId="unsure")[1]
    assert found["status"] == "NEW"
    caller.signed("DELETE", f"{V3}/openOrders", symbol="BTCUSDT")


def _impatient(caller: Caller, order: dict[str, object]) -> None:
    query = urlencode(order | {"timestamp": int(time.time() * 1000)})
    signature = hmac.new(caller.ready["api_secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
    request = urllib.request.Request(
        f"{caller.ready['rest']}{V3}/order?{query}&signature={signature}",
        method="POST",
        headers={"X-MBX-APIKEY": caller.ready["api_key"]},
    )
    urllib.request.urlopen(request, timeout=0.7)


def test_frames_lost_doubled_cut_short_and_nonsense(caller: Caller) -> None:
    """Each share does its own harm to market frames, and without faults the stream is whole again."""
    url = f"{caller.ready['ws']}/ws/btcusdt@depth@100ms"

    def gaps_and_breaks(plan: dict[str, Any]) -> tuple[int, int, int]:
        caller.control("POST", "faults", plan)
        gaps = repeats = broken = 0
        with connect(url, compression=None) as stream:
            last = 0
            for _ in range(15):
                try:
                    frame = stream.recv(timeout=10)
                    diff = json.loads(frame)
                    if diff["u"] == last:
                        repeats += 1
                    elif last and diff["U"] != last + 1:
                        gaps += 1
                    last = diff["u"]
                except (ValueError, KeyError, TypeError):
                    broken += 1
                except ConnectionClosed:  # bytes that are no text end the connection on the client's side
                    return gaps, repeats, broken + 1
        return gaps, repeats, broken

    assert gaps_and_breaks({}) == (0, 0, 0)
    assert gaps_and_breaks({"drop": 0.5})[0] > 0
    assert gaps_and_breaks({"drop": 0.0, "duplicate": 0.5})[1] > 0
    assert gaps_and_breaks({"duplicate": 0.0, "truncate": 0.5})[2] > 0
    assert gaps_and_breaks({"truncate": 0.0, "garbage": 0.5})[2] > 0
    caller.control("POST", "faults", {"garbage": 0.0, "cut": 0.5})
    with connect(url, compression=None) as stream, pytest.raises(ConnectionClosed):
        _drain(stream)


def _drain(stream: ClientConnection) -> None:
    while True:
        stream.recv(timeout=10)


def test_cut_refuse_delay_and_skew(caller: Caller) -> None:
    """Sockets cut now, connections refused, answers late, and a clock that is off."""
    with connect(f"{caller.ready['ws']}/ws/btcusdt@bookTicker", compression=None) as stream:
        stream.recv(timeout=10)
        assert caller.control("POST", "cut", {"what": "market"})["cut"] == 1
        with pytest.raises(ConnectionClosed):
            _drain(stream)
    caller.control("POST", "faults", {"refuse": True})
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        caller.get(f"{V3}/ping")
    caller.control("POST", "faults", {"refuse": False, "delay_ms": 300})
    begun = time.monotonic()
    caller.get(f"{V3}/ping")
    assert time.monotonic() - begun >= 0.29
    caller.control("DELETE", "faults")
    caller.control("POST", "clock_skew", {"ms": -60_000})
    assert abs(caller.get(f"{V3}/time")[1]["serverTime"] + 60_000 - time.time() * 1000) < 5_000
    assert caller.signed("GET", f"{V3}/account")[1]["code"] == -1021
    with pytest.raises(urllib.error.HTTPError):
        caller.control("POST", "faults", {"no such": 1})


def test_a_fast_clock_and_a_fixed_start() -> None:
    """At speed 60 from a fixed start, two seconds are about two minutes, and time stamps are no obstacle."""
    with simulator(seed=1, speed=60, start="2026-03-01T12:00:00") as ready:
        caller = Caller(ready)
        first = caller.get(f"{V3}/time")[1]["serverTime"]
        assert 1_772_366_400_000 <= first < 1_772_366_400_000 + 600_000
        time.sleep(2)
        assert caller.get(f"{V3}/time")[1]["serverTime"] - first > 60_000
        assert caller.signed("GET", f"{V3}/account")[0] == 200
