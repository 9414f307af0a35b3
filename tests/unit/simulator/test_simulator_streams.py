"""Streams of the embedded exchange over real sockets: market streams, user data, and the WebSocket API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from websockets.sync.client import ClientConnection, connect

from tests.simulator_process import Caller, simulator

V3 = "/api/v3"


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    with simulator(seed=21) as line:
        yield line


@pytest.fixture
def caller(ready: dict[str, Any]) -> Caller:
    return Caller(ready)


def _open(url: str) -> ClientConnection:
    return connect(url, compression=None, open_timeout=10, max_size=None)


def _until(socket: ClientConnection, wanted: Callable[[Any], bool], seconds: float = 20.0) -> list[Any]:
    """Everything received up to and with the first message that is wanted."""
    seen: list[Any] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen.append(json.loads(socket.recv(timeout=end - time.monotonic())))
        if wanted(seen[-1]):
            return seen
    raise AssertionError(f"not among {len(seen)} messages")


class Api:
    """A session on the WebSocket API, signing as the account."""

    def __init__(self, ready: dict[str, Any], socket: ClientConnection) -> None:
        self.ready = ready
        self.socket = socket
        self.number = 0
        key = load_pem_private_key(ready["ed25519_private_key"].encode(), None)
        assert isinstance(key, Ed25519PrivateKey)
        self.private = key

    def ask(self, method: str, sign: str = "", **params: object) -> Any:
        """The answer; `sign` is hmac, ed25519, or nothing."""
        self.number += 1
        if sign:
            params |= {"timestamp": int(time.time() * 1000)}
            params["apiKey"] = self.ready["api_key" if sign == "hmac" else "ed25519_api_key"]
            payload = "&".join(f"{name}={params[name]}" for name in sorted(params)).encode()
            if sign == "hmac":
                params["signature"] = hmac.new(self.ready["api_secret"].encode(), payload, hashlib.sha256).hexdigest()
            else:
                params["signature"] = base64.b64encode(self.private.sign(payload)).decode()
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        return _until(self.socket, lambda message: message.get("id") == self.number)[-1]


@pytest.fixture
def api(ready: dict[str, Any]) -> Iterator[Api]:
    with _open(ready["ws_api"]) as socket:
        yield Api(ready, socket)


@pytest.mark.parametrize("speed", ["@100ms", ""])
def test_a_book_kept_by_the_documented_rules_equals_the_snapshot(
    ready: dict[str, Any], caller: Caller, speed: str
) -> None:
    """Snapshot plus diffs, U and u without a gap, give the same book as a later snapshot."""
    with _open(f"{ready['ws']}/ws/btcusdt@depth{speed}") as socket:
        diffs = [json.loads(socket.recv(timeout=10))]
        book = caller.get(f"{V3}/depth", symbol="BTCUSDT", limit=5000)[1]
        # A snapshot can be met again only at a diff's own end: ask at once after one, until it falls there.
        for _ in range(60):
            diffs.append(json.loads(socket.recv(timeout=10)))
            target = caller.get(f"{V3}/depth", symbol="BTCUSDT", limit=100)[1]
            if diffs[-1]["u"] == target["lastUpdateId"] > book["lastUpdateId"] and len(diffs) > 3:
                break
        assert diffs[-1]["u"] == target["lastUpdateId"]
    assert all(after["U"] == before["u"] + 1 for before, after in pairwise(diffs))
    assert any(diff["U"] <= book["lastUpdateId"] + 1 <= diff["u"] for diff in diffs)
    for side, name in (("b", "bids"), ("a", "asks")):
        kept = dict(map(tuple, book[name]))
        for diff in (diff for diff in diffs if diff["u"] > book["lastUpdateId"]):
            kept |= dict(map(tuple, diff[side]))
        standing = sorted(((p, q) for p, q in kept.items() if float(q)), key=lambda row: float(row[0]))
        best = standing[:-101:-1] if side == "b" else standing[:100]
        assert best == list(map(tuple, target[name]))


def test_prints_come_once_and_in_order(ready: dict[str, Any], caller: Caller) -> None:
    """Trade ids run on by one; aggregates cover them without a gap; REST tells the same prints."""
    with _open(f"{ready['ws']}/stream?streams=btcusdt@trade/btcusdt@aggTrade") as socket:
        seen = _until(socket, lambda m: m["stream"] == "btcusdt@aggTrade" and m["data"]["l"] > m["data"]["f"], 60)
    trades = [m["data"] for m in seen if m["stream"] == "btcusdt@trade"]
    groups = [m["data"] for m in seen if m["stream"] == "btcusdt@aggTrade"]
    assert all(after["t"] == before["t"] + 1 for before, after in pairwise(trades))
    assert all(after["f"] == before["l"] + 1 and after["a"] == before["a"] + 1 for before, after in pairwise(groups))
    rest = {row["id"]: row for row in caller.get(f"{V3}/trades", symbol="BTCUSDT", limit=1000)[1]}
    for trade in trades:
        assert (rest[trade["t"]]["price"], rest[trade["t"]]["qty"]) == (trade["p"], trade["q"])
    last = groups[-1]
    parts = [trade for trade in trades if last["f"] <= trade["t"] <= last["l"]]
    assert sum(float(part["q"]) for part in parts) == pytest.approx(float(last["q"]))
    assert {part["p"] for part in parts} == {last["p"]}


def test_every_stream_speaks_its_own_shape(ready: dict[str, Any]) -> None:
    """Each kind of stream, subscribed on a bare socket, sends its event; an unknown one sends nothing."""
    names = [
        "btcusdt@depth5", "btcusdt@depth20@100ms", "btcusdt@bookTicker", "btcusdt@kline_1m", "btcusdt@kline_1s",
        "btcusdt@ticker", "btcusdt@miniTicker", "!miniTicker@arr", "!ticker@arr", "btcusdt@avgPrice", "nope@trade",
    ]  # fmt: skip
    with _open(f"{ready['ws']}/stream") as socket:
        socket.send(json.dumps({"method": "SUBSCRIBE", "params": names, "id": 1}))
        answer = _until(socket, lambda m: "id" in m)[-1]
        assert answer == {"result": None, "id": 1}
        shapes: dict[str, Any] = {}
        _until(socket, lambda m: bool(shapes.update({m.get("stream"): m.get("data")})) or len(shapes) >= 10)
        socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 2}))
        assert _until(socket, lambda m: m.get("id") == 2)[-1]["result"] == names
        socket.send(json.dumps({"method": "UNSUBSCRIBE", "params": names, "id": 3}))
        _until(socket, lambda m: m.get("id") == 3)
        with pytest.raises(TimeoutError):
            _until(socket, lambda m: False, seconds=1.2)
        socket.send("nonsense")
        assert "error" in json.loads(socket.recv(timeout=5))
    assert len(shapes["btcusdt@depth5"]["bids"]) == 5
    assert len(shapes["btcusdt@depth20@100ms"]["asks"]) == 20
    assert shapes["btcusdt@bookTicker"].keys() == {"u", "s", "b", "B", "a", "A"}
    assert shapes["btcusdt@kline_1m"]["k"]["i"] == "1m"
    assert shapes["btcusdt@ticker"]["e"] == "24hrTicker"
    assert shapes["!miniTicker@arr"][0]["e"] == "24hrMiniTicker"
    assert float(shapes["btcusdt@avgPrice"]["w"]) > 0


def test_candles_close_once_and_agree_with_rest(ready: dict[str, Any], caller: Caller) -> None:
    """A second's candle is sent as closed once, with the numbers that klines answers for it."""
    with _open(f"{ready['ws']}/ws/btcusdt@kline_1s") as socket:
        seen: list[Any] = []
        while len(seen) < 4:
            candle = json.loads(socket.recv(timeout=10))["k"]
            if candle["x"]:
                seen.append(candle)
    assert all(after["t"] == before["t"] + 1_000 for before, after in pairwise(seen))
    rest = caller.get(f"{V3}/klines", symbol="BTCUSDT", interval="1s", startTime=seen[0]["t"], limit=4)[1]
    assert [row[:6] for row in rest] == [[k["t"], k["o"], k["h"], k["l"], k["c"], k["v"]] for k in seen]


def _limit(caller: Caller, **fields: object) -> dict[str, object]:
    ticker = caller.get(f"{V3}/ticker/bookTicker", symbol="BTCUSDT")[1]
    price = f"{float(ticker['bidPrice']) * 0.9:.2f}"
    return {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": price,
    } | fields  # fmt: skip


def test_user_data_over_a_listen_key(ready: dict[str, Any], caller: Caller) -> None:
    """Placing, filling and canceling are told in order, each followed by the balances it changed."""
    request = urllib.request.Request(
        f"{ready['rest']}{V3}/userDataStream", method="POST", headers={"X-MBX-APIKEY": ready["api_key"]}
    )
    with urllib.request.urlopen(request) as answer:
        key = json.load(answer)["listenKey"]
    with _open(f"{ready['ws']}/ws/{key}") as socket:
        placed = caller.signed("POST", f"{V3}/order", **_limit(caller, newClientOrderId="told"))[1]
        new, balances = (json.loads(socket.recv(timeout=5)) for _ in range(2))
        assert (new["e"], new["x"], new["X"], new["c"], new["w"]) == ("executionReport", "NEW", "NEW", "told", True)
        assert balances["e"] == "outboundAccountPosition"
        assert float(balances["B"][0]["l"]) == pytest.approx(float(placed["price"]) * 0.01)
        caller.signed("DELETE", f"{V3}/order", symbol="BTCUSDT", orderId=placed["orderId"])
        gone = json.loads(socket.recv(timeout=5))
        assert (gone["x"], gone["X"], gone["C"], gone["i"]) == ("CANCELED", "CANCELED", "told", placed["orderId"])
        json.loads(socket.recv(timeout=5))
        bought = caller.signed("POST", f"{V3}/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")[1]
        seen = _until(socket, lambda m: m["e"] == "outboundAccountPosition")
        fills = [m for m in seen if m.get("x") == "TRADE"]
        assert [m["t"] for m in fills] == [fill["tradeId"] for fill in bought["fills"]]
        assert (fills[-1]["X"], fills[-1]["z"], fills[-1]["N"]) == ("FILLED", "0.01000000", "BTC")
        assert {row["a"] for row in seen[-1]["B"]} == {"BTC", "USDT"}
        caller.control("POST", "deposit", {"asset": "USDT", "amount": "12.5"})
        assert _until(socket, lambda m: m["e"] == "balanceUpdate")[-1]["d"] == "12.50000000"


def test_a_session_logs_on_once_and_then_orders_without_signatures(api: Api, caller: Caller) -> None:
    """Ed25519 logs on; orders, queries and user data follow unsigned; after logging out they are refused."""
    assert api.ask("order.status", symbol="BTCUSDT", orderId=1, timestamp=1)["error"]["code"] == -1102
    assert api.ask("session.logon", "hmac")["error"]["code"] == -4056
    logged = api.ask("session.logon", "ed25519")
    assert (logged["status"], logged["result"]["apiKey"]) == (200, api.ready["ed25519_api_key"])
    assert api.ask("userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    now = int(time.time() * 1000)
    api.number += 1
    order = _limit(caller) | {"timestamp": now}
    api.socket.send(json.dumps({"id": api.number, "method": "order.place", "params": order}))
    seen = _until(api.socket, lambda m: m.get("event", {}).get("e") == "outboundAccountPosition")
    if not any(m.get("id") == api.number for m in seen):  # either may come first
        seen += _until(api.socket, lambda m: m.get("id") == api.number)
    placed = next(m for m in seen if m.get("id") == api.number)
    assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
    assert {row["rateLimitType"] for row in placed["rateLimits"]} == {"ORDERS", "REQUEST_WEIGHT"}
    told = [m["event"] for m in seen if m.get("subscriptionId") == 0]
    assert told[0]["i"] == placed["result"]["orderId"]
    open_now = api.ask("openOrders.status", timestamp=now)["result"]
    assert [row["orderId"] for row in open_now] == [placed["result"]["orderId"]]
    assert api.ask("openOrders.cancelAll", symbol="BTCUSDT", timestamp=now)["result"][0]["status"] == "CANCELED"
    assert api.ask("session.status")["result"]["userDataStream"] is True
    assert api.ask("session.logout")["result"]["apiKey"] is None
    assert api.ask("openOrders.status", timestamp=now)["error"]["code"] == -1102


def test_each_request_may_be_signed_instead(api: Api, caller: Caller) -> None:
    """HMAC and Ed25519 signatures per request; errors carry the venue's code and status."""
    for sign in ("hmac", "ed25519"):
        assert api.ask("account.status", sign)["status"] == 200
        assert api.ask("order.test", sign, **_limit(caller))["result"] == {}
    assert api.ask("order.status", "hmac", symbol="BTCUSDT", orderId=7)["error"]["code"] == -2013
    assert api.ask("order.cancel", "hmac", symbol="BTCUSDT", orderId=7)["error"]["code"] == -2011
    assert api.ask("order.place", "hmac", **_limit(caller, quantity="0.000001"))["error"]["code"] == -1013
    assert api.ask("account.status", apiKey=api.ready["api_key"], timestamp=1, signature="00")["error"]["code"] == -1021
    now = int(time.time() * 1000)
    wrong = api.ask("account.status", apiKey=api.ready["api_key"], timestamp=now, signature="00")
    assert (wrong["status"], wrong["error"]["code"]) == (400, -1022)
    assert len(api.ask("depth", symbol="BTCUSDT", limit=5)["result"]["bids"]) == 5
    assert len(api.ask("klines", symbol="BTCUSDT", interval="1m", limit=2)["result"]) == 2
    assert api.ask("ticker.book", symbol="BTCUSDT")["result"]["symbol"] == "BTCUSDT"
    assert api.ask("no.such.method")["status"] == 400
    api.socket.send("{")
    assert json.loads(api.socket.recv(timeout=5))["error"]["code"] == -1135


def test_an_order_over_the_session_may_be_taken_and_never_answered(api: Api, caller: Caller) -> None:
    """With the answer swallowed the order stands all the same; the next request is answered as ever."""
    caller.control("POST", "faults", {"swallow": [{"what": "order.place"}]})
    with pytest.raises(TimeoutError):
        _silent(api, caller)
    found = caller.signed("GET", f"{V3}/order", symbol="BTCUSDT", origClientOrderId="unheard")[1]
    assert found["status"] == "NEW"
    gone = api.ask("order.cancel", "ed25519", symbol="BTCUSDT", origClientOrderId="unheard")
    assert gone["result"]["status"] == "CANCELED"


def _silent(api: Api, caller: Caller) -> None:
    api.number += 1
    params = _limit(caller, newClientOrderId="unheard") | {"timestamp": int(time.time() * 1000)}
    params["apiKey"] = api.ready["ed25519_api_key"]
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params)).encode()
    params["signature"] = base64.b64encode(api.private.sign(payload)).decode()
    api.socket.send(json.dumps({"id": api.number, "method": "order.place", "params": params}))
    _until(api.socket, lambda m: m.get("id") == api.number, seconds=1.5)
