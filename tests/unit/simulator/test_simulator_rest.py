"""REST of the embedded exchange over real sockets: signatures, clock, parameters, weights and error codes."""

from __future__ import annotations

import base64
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.simulator_process import Caller, simulator

V3 = "/api/v3"


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    with simulator(seed=11) as line:
        yield line


@pytest.fixture
def caller(ready: dict[str, Any]) -> Caller:
    return Caller(ready)


def _raw(ready: dict[str, Any], method: str, path: str, body: bytes | None, key: str) -> tuple[int, Any]:
    headers = {"X-MBX-APIKEY": key, "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(ready["rest"] + path, body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, msgspec.json.decode(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, msgspec.json.decode(error.read())


def _limit(caller: Caller, **fields: object) -> dict[str, object]:
    _, ticker = caller.get(f"{V3}/ticker/bookTicker", symbol="BTCUSDT")
    price = f"{float(ticker['bidPrice']) * 0.9:.2f}"
    return {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": price,
    } | fields  # fmt: skip


def test_ready_line_names_everything_and_the_account_is_funded(ready: dict[str, Any], caller: Caller) -> None:
    """A fresh exchange has 100,000 USDT and some coins, and a key that may trade but not withdraw."""
    assert ready.keys() >= {"rest", "ws", "ws_api", "api_key", "api_secret", "pid", "control"}
    _, account = caller.signed("GET", f"{V3}/account", omitZeroBalances="true")
    balances = {row["asset"]: row["free"] for row in account["balances"]}
    assert balances["USDT"] == "100000.00000000"
    assert len(balances) > 3
    _, allowed = caller.signed("GET", "/sapi/v1/account/apiRestrictions")
    assert (allowed["enableSpotAndMarginTrading"], allowed["enableWithdrawals"]) == (True, False)


def test_a_wrong_signature_is_refused(ready: dict[str, Any]) -> None:
    """−1022 for another secret, −1102 for none, −2015 for an unknown key, −2014 for no key at all."""
    wrong = Caller(ready | {"api_secret": "not the secret"})
    assert wrong.signed("GET", f"{V3}/account")[1]["code"] == -1022
    path = f"{V3}/account?timestamp={int(time.time() * 1000)}"
    assert _raw(ready, "GET", path, None, ready["api_key"])[1]["code"] == -1102
    unknown = Caller(ready | {"api_key": "A" * 64})
    assert unknown.signed("GET", f"{V3}/account") == (
        401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
    )  # fmt: skip
    assert _raw(ready, "GET", path + "&signature=00", None, "")[1]["code"] == -2014


def test_an_order_signed_in_its_body_and_one_signed_with_ed25519(ready: dict[str, Any], caller: Caller) -> None:
    """The signature covers query and body as sent; the Ed25519 key signs the same payload in base64."""
    private = load_pem_private_key(ready["ed25519_private_key"].encode(), None)
    assert isinstance(private, Ed25519PrivateKey)
    fields = urlencode(_limit(caller) | {"timestamp": int(time.time() * 1000)})
    signature = base64.b64encode(private.sign(fields.encode())).decode()
    status, order = _raw(
        ready, "POST", f"{V3}/order", f"{fields}&signature={quote(signature)}".encode(), ready["ed25519_api_key"]
    )
    assert (status, order["status"]) == (200, "NEW")
    bent = fields.replace("quantity=0.01", "quantity=0.02")
    status, answer = _raw(
        ready, "POST", f"{V3}/order", f"{bent}&signature={quote(signature)}".encode(), ready["ed25519_api_key"]
    )
    assert answer["code"] == -1022
    assert caller.signed("DELETE", f"{V3}/order", symbol="BTCUSDT", orderId=order["orderId"])[0] == 200


def test_the_clock_is_checked(caller: Caller) -> None:
    """Too old, too far ahead, and a window wider than allowed."""
    now = int(time.time() * 1000)
    assert caller.signed("GET", f"{V3}/account", timestamp=now - 6_000)[1]["code"] == -1021
    assert caller.signed("GET", f"{V3}/account", timestamp=now - 6_000, recvWindow=60_000)[0] == 200
    assert caller.signed("GET", f"{V3}/account", timestamp=now + 5_000)[1]["code"] == -1021
    assert caller.signed("GET", f"{V3}/account", timestamp=now - 6_000, recvWindow="59000.125")[0] == 200
    assert caller.signed("GET", f"{V3}/account", recvWindow=60_001)[1]["code"] == -1131


@pytest.mark.parametrize(
    ("name", "value"),
    [("recvWindow", v) for v in ("abc", "-1", "nan", "1e3", "5_000", "5000.1234")] + [("timestamp", "-5")],
)
def test_a_window_that_is_no_number_is_blamed_by_its_name(caller: Caller, name: str, value: str) -> None:
    """The refusal names the parameter that is wrong, and is not one of the clock."""
    status, answer = caller.signed("GET", f"{V3}/account", **{name: value})
    assert (status, answer["code"]) == (400, -1100)
    assert answer["msg"].startswith(f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}")


def test_parameters_that_nobody_reads_are_counted(caller: Caller) -> None:
    """A misspelled parameter is not an order of another kind: the venue tells how many it has read."""
    status, answer = caller.signed("GET", f"{V3}/order", symbol="BTCUSDT", order_id=1)
    assert (status, answer["code"]) == (400, -1104)
    assert answer["msg"] == "Not all sent parameters were read; read '3' parameter(s) but was sent '4'."


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"symbol": "btc usdt"}, -1100),
        ({"symbol": "БТЦ"}, -1100),
        ({"side": "HOLD"}, -1117),
        ({"type": "MAGIC"}, -1116),
        ({"timeInForce": "LATER"}, -1115),
        ({"timeInForce": ""}, -1102),
        ({"quantity": ""}, -1102),
        ({"quantity": "abc"}, -1100),
        ({"quantity": "-1"}, -1100),
        ({"quantity": "NaN"}, -1100),
        ({"quantity": "1e-3"}, -1100),
        ({"quantity": "0"}, -1013),
        ({"quantity": "0.000000001"}, -1111),
        ({"quantity": "0.000001"}, -1013),
        ({"price": "50000.001"}, -1013),
        ({"price": "0.01"}, -1013),
        ({"quantity": "0.00001"}, -1013),
        ({"quantity": "50"}, -2010),
        ({"stopPrice": "1"}, -1106),
        ({"quoteOrderQty": "500"}, -1106),
        ({"created": "1613138460000"}, -1104),
        ({"timeInForce": "", "timeInforce": "GTC"}, -1104),
        ({"newClientOrderId": "no spaces"}, -1100),
        ({"selfTradePreventionMode": "SOMETIMES"}, -1130),
    ],
)
def test_what_is_wrong_with_an_order_has_its_own_code(caller: Caller, fields: dict[str, str], code: int) -> None:
    """Each mistake is answered with the venue's code, and places nothing."""
    for path in ("order", "order/test"):
        status, answer = caller.signed("POST", f"{V3}/{path}", **_limit(caller, **fields))
        assert (status, answer["code"]) == (400, code), answer
    assert caller.signed("GET", f"{V3}/openOrders")[1] == []


def test_an_order_that_is_not_there(caller: Caller) -> None:
    """−2013 when asked for, −2011 when canceled, −1102 without any name."""
    assert caller.signed("GET", f"{V3}/order", symbol="BTCUSDT", orderId=1)[1]["code"] == -2013
    assert caller.signed("DELETE", f"{V3}/order", symbol="BTCUSDT", origClientOrderId="x")[1]["code"] == -2011
    assert caller.signed("DELETE", f"{V3}/order", symbol="BTCUSDT")[1]["code"] == -1102
    assert caller.signed("DELETE", f"{V3}/openOrders", symbol="BTCUSDT")[1]["code"] == -2011
    assert caller.get(f"{V3}/nothing/here")[0] == 404


def test_an_order_is_told_the_same_everywhere(caller: Caller) -> None:
    """Placed, asked for by either name, among the open, canceled, among all: one order."""
    status, placed = caller.signed("POST", f"{V3}/order", **_limit(caller, newClientOrderId="one-of-mine"))
    assert (status, placed["clientOrderId"], placed["fills"]) == (200, "one-of-mine", [])
    again = caller.signed("POST", f"{V3}/order", **_limit(caller, newClientOrderId="one-of-mine"))
    assert again[1] == {"code": -2010, "msg": "Duplicate order sent."}
    by_name = caller.signed("GET", f"{V3}/order", symbol="BTCUSDT", origClientOrderId="one-of-mine")[1]
    assert by_name == caller.signed("GET", f"{V3}/order", symbol="BTCUSDT", orderId=placed["orderId"])[1]
    assert caller.signed("GET", f"{V3}/openOrders", symbol="BTCUSDT")[1] == [by_name]
    gone = caller.signed("DELETE", f"{V3}/order", symbol="BTCUSDT", origClientOrderId="one-of-mine")[1]
    assert (gone["origClientOrderId"], gone["status"]) == ("one-of-mine", "CANCELED")
    last = caller.signed("GET", f"{V3}/allOrders", symbol="BTCUSDT")[1][-1]
    assert (last["orderId"], last["status"], last["clientOrderId"]) == (placed["orderId"], "CANCELED", "one-of-mine")


def test_answers_come_short_or_long_as_asked(caller: Caller) -> None:
    """ACK, RESULT and FULL; a fill's numbers agree between the answer, my trades and the balances."""
    before = caller.control("GET", "account")["balances"]
    order = {"symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.5"}
    assert "status" not in caller.signed("POST", f"{V3}/order", **order, newOrderRespType="ACK")[1]
    assert "fills" not in caller.signed("POST", f"{V3}/order", **order, newOrderRespType="RESULT")[1]
    full = caller.signed("POST", f"{V3}/order", **order, newOrderRespType="FULL")[1]
    assert sum(float(fill["qty"]) for fill in full["fills"]) == pytest.approx(0.5)
    mine = caller.signed("GET", f"{V3}/myTrades", symbol="ETHUSDT", orderId=full["orderId"])[1]
    assert [row["id"] for row in mine] == [fill["tradeId"] for fill in full["fills"]]
    later = caller.signed("GET", f"{V3}/myTrades", symbol="ETHUSDT", fromId=mine[0]["id"])[1]
    assert later == mine
    after = caller.control("GET", "account")["balances"]
    assert float(after["ETH"]["free"]) - float(before["ETH"]["free"]) == pytest.approx(1.5 * 0.999)


def test_cancel_and_replace_tells_both_halves(caller: Caller) -> None:
    """Both done; a cancel that fails stops the rest; a placing that fails leaves the cancel done."""
    placed = caller.signed("POST", f"{V3}/order", **_limit(caller))[1]
    path, mode = f"{V3}/order/cancelReplace", "STOP_ON_FAILURE"
    fields = _limit(caller, quantity="0.02", cancelReplaceMode=mode, cancelOrderId=placed["orderId"])
    done = caller.signed("POST", path, **fields)[1]
    assert (done["cancelResult"], done["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    status, failed = caller.signed("POST", path, **fields)
    assert (status, failed["code"], failed["data"]["newOrderResult"]) == (400, -2022, "NOT_ATTEMPTED")
    fields |= {"cancelOrderId": done["newOrderResponse"]["orderId"], "quantity": "50"}
    status, half = caller.signed("POST", path, **fields)
    assert (status, half["code"]) == (409, -2021)
    assert half["data"]["newOrderResponse"]["code"] == -2010
    assert caller.signed("GET", f"{V3}/openOrders")[1] == []


def test_market_data_is_of_one_piece(caller: Caller) -> None:
    """Book, tickers, prints and candles of one moment describe one market."""
    book = caller.get(f"{V3}/depth", symbol="SOLUSDT", limit=5000)[1]
    assert min(len(book["bids"]), len(book["asks"])) >= 1000
    assert len(caller.get(f"{V3}/depth", symbol="SOLUSDT", limit=5)[1]["bids"]) == 5
    day = caller.get(f"{V3}/ticker/24hr", symbol="SOLUSDT")[1]
    assert float(day["lowPrice"]) <= float(day["lastPrice"]) <= float(day["highPrice"])
    assert len(caller.get(f"{V3}/ticker/24hr")[1]) >= 8
    assert set(caller.get(f"{V3}/ticker/24hr", symbol="SOLUSDT", type="MINI")[1]) < set(day)
    both = caller.get(f"{V3}/ticker/price", symbols='["BTCUSDT","ETHUSDT"]')[1]
    assert [row["symbol"] for row in both] == ["BTCUSDT", "ETHUSDT"]
    trades = caller.get(f"{V3}/trades", symbol="BTCUSDT", limit=5)[1]
    assert caller.get(f"{V3}/historicalTrades", symbol="BTCUSDT", fromId=trades[0]["id"], limit=1)[1] == trades[:1]
    grouped = caller.get(f"{V3}/aggTrades", symbol="BTCUSDT")[1]
    assert all(row["f"] <= row["l"] for row in grouped)
    year = caller.get(f"{V3}/klines", symbol="BTCUSDT", interval="1m", startTime=1_763_600_000_000, limit=3)[1]
    assert [row[0] for row in year] == [1_763_600_040_000, 1_763_600_100_000, 1_763_600_160_000]
    assert caller.get(f"{V3}/klines", symbol="BTCUSDT", interval="7m")[1]["code"] == -1120
    info = caller.get(f"{V3}/exchangeInfo", symbol="BTCUSDT")[1]
    assert len(info["symbols"]) == 1
    assert len(info["rateLimits"]) >= 3
    assert caller.get(f"{V3}/exchangeInfo", symbol="NOPE")[1]["code"] == -1121


def test_too_many_orders(ready: dict[str, Any], caller: Caller) -> None:
    """The order count is told with each order; past a hundred in ten seconds it is −1015 with 429."""
    time.sleep(10.1 - time.time() % 10)
    fields = _limit(caller)
    caller.signed("POST", f"{V3}/order", **fields)
    assert caller.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    answers = [caller.signed("POST", f"{V3}/order", **fields) for _ in range(105)]
    caller.signed("DELETE", f"{V3}/openOrders", symbol="BTCUSDT")
    if time.time() % 10 < 5:
        assert (answers[-1][0], answers[-1][1]["code"]) == (429, -1015)


def test_weight_is_told_and_its_limit_is_429_and_then_418() -> None:
    """Every answer tells the weight used; past 6,000 a minute it is 429 with Retry-After, and at last 418."""
    with simulator(seed=12) as ready:
        caller = Caller(ready)
        if time.time() % 60 > 50:
            time.sleep(61 - time.time() % 60)
        caller.get(f"{V3}/time")
        assert caller.headers["X-MBX-USED-WEIGHT-1M"] == "1"
        statuses = []
        for _ in range(40):
            status, answer = caller.get(f"{V3}/depth", symbol="BTCUSDT", limit=5000)
            statuses.append(status)
        assert statuses[:23] == [200] * 23
        assert 429 in statuses
        assert statuses[-1] == 418
        assert answer["code"] == -1003
        assert int(caller.headers["Retry-After"]) > 0
