"""Binance's codes, signatures, instruments, orders and account, against what the venue documents and sent."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import (
    AuthenticationError,
    ClockError,
    MessageError,
    ProfileError,
    RateLimited,
    RequestRefused,
    VenueError,
    VenueTimeout,
    VenueUnavailable,
)
from octopus_desktop.model.identifiers import ClientOrderId, TradeId, Venue, VenueOrderId, instrument_id
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from octopus_desktop.venues.binance import parse, parse_orders
from octopus_desktop.venues.binance.account_stream import AccountStream
from octopus_desktop.venues.binance.endings import why_ended
from octopus_desktop.venues.binance.errors import from_body, from_code
from octopus_desktop.venues.binance.messages import (
    Account,
    AccountPosition,
    ExchangeInfo,
    ExecutionReport,
    MyTrade,
    OrderResponse,
    RestKline,
)
from octopus_desktop.venues.binance.product import SPOT, USDM
from octopus_desktop.venues.binance.signing import Signer

SHARED = Path(__file__).parents[4] / "shared" / "data"
FIXTURES = SHARED / "exchange_fixtures" / "crates" / "adapters" / "binance" / "test_data"
VENUE = Venue("TEST")

needs_fixtures = pytest.mark.skipif(not FIXTURES.exists(), reason="the recorded fixtures are not beside this checkout")
needs_captures = pytest.mark.skipif(
    not (SHARED / "captures").exists(), reason="the captures are not beside this checkout"
)


def fixture(name: str) -> bytes:
    raw = (FIXTURES / name).read_bytes()
    whole = json.loads(raw)
    return json.dumps(whole["event"]).encode() if "event" in whole and "subscriptionId" in whole else raw


def answer(name: str) -> OrderResponse:
    return msgspec.json.decode(fixture(f"spot/http_json/{name}"), type=OrderResponse, strict=False)


@pytest.mark.parametrize(
    ("code", "kind", "unknown"),
    [
        (-1021, ClockError, False),
        (-1022, AuthenticationError, False),
        (-2014, AuthenticationError, False),
        (-2015, AuthenticationError, False),
        (-1003, RateLimited, False),
        (-1015, RateLimited, False),
        (-1006, VenueTimeout, True),
        (-1007, VenueTimeout, True),
        (-1001, VenueUnavailable, True),
        (-2010, RequestRefused, False),
        (-2011, RequestRefused, False),
        (-2013, RequestRefused, False),
        (-1013, RequestRefused, False),
    ],
)
def test_codes(code: int, kind: type[VenueError], unknown: bool) -> None:
    """Each code says whether to ask again, and whether the order may have arrived all the same."""
    error = from_code(code, "words of the venue.")
    assert type(error) is kind
    assert error.outcome_unknown is unknown
    assert "words of the venue" in str(error)
    if isinstance(error, RequestRefused):
        assert error.code == code


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b'{"code":-1003,"msg":"Too many requests."}', RateLimited),
        (418, b"<html>", RateLimited),
        (503, b"<html>bad gateway</html>", VenueUnavailable),
        (504, b"", VenueUnavailable),
        (400, b'{"code":-1121,"msg":"Invalid symbol."}', RequestRefused),
        (403, b"firewall", RateLimited),
        (401, b"", AuthenticationError),
        (404, b"not found", RequestRefused),
        (500, b'{"code":-1007,"msg":"Timeout waiting for response from backend server."}', VenueTimeout),
    ],
)
def test_statuses(status: int, body: bytes, kind: type[VenueError]) -> None:
    """An answer that is not the venue's own (a proxy, a firewall) is understood too."""
    assert type(from_body(status, body, None)) is kind


def test_retry_after_is_honoured() -> None:
    """The venue says how long to be silent."""
    error = from_body(429, b"{}", 17)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 17


def test_hmac_signature() -> None:
    """The example in the venue's documentation, byte for byte."""
    signer = Signer(Credentials("key", "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"))
    query = (
        b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
        b"&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    )
    expected = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    assert signer.sign(query) == expected
    assert signer.sign(query) == expected, "the prepared key must not be used up"
    assert not signer.can_log_on


def test_ed25519_signature() -> None:
    """A PEM key signs so that its public half agrees, and may log the session on."""
    import base64

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    signer = Signer(Credentials("key", pem))
    key.public_key().verify(base64.b64decode(signer.sign(b"payload")), b"payload")
    assert signer.can_log_on
    assert pem not in repr(signer)


def test_a_damaged_key_is_refused_without_quoting_it() -> None:
    """A wrong paste is told in words, and the key is not in them."""
    with pytest.raises(ProfileError) as refused:
        Signer(Credentials("key", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"))
    assert "c2VjcmV0" not in str(refused.value)
    assert refused.value.__cause__ is None


def order(kind: OrderType, **more: object) -> OrderIntent:
    return OrderIntent(
        ClientOrderId("od-1"),
        instrument_id("LTCUSDT", VENUE),
        Side.BUY,
        kind,
        Decimal("0.2"),
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("intent", "expected"),
    [
        (
            order(OrderType.LIMIT, price=Decimal(50)),
            {"type": "LIMIT", "quantity": "0.2", "price": "50", "timeInForce": "GTC"},
        ),
        (
            order(OrderType.LIMIT, price=Decimal("5E+1"), tif=TimeInForce.IOC),
            {"type": "LIMIT", "quantity": "0.2", "price": "50", "timeInForce": "IOC"},
        ),
        (order(OrderType.POST_ONLY, price=Decimal(50)), {"type": "LIMIT_MAKER", "quantity": "0.2", "price": "50"}),
        (order(OrderType.MARKET), {"type": "MARKET", "quantity": "0.2"}),
        (order(OrderType.MARKET, quote_quantity=Decimal(10)), {"type": "MARKET", "quoteOrderQty": "10"}),
        (
            order(OrderType.STOP, trigger_price=Decimal("0.00000001")),
            {"type": "STOP_LOSS", "quantity": "0.2", "stopPrice": "0.00000001"},
        ),
        (
            order(OrderType.STOP_LIMIT, price=Decimal(49), trigger_price=Decimal(50)),
            {"type": "STOP_LOSS_LIMIT", "quantity": "0.2", "price": "49", "stopPrice": "50", "timeInForce": "GTC"},
        ),
        (
            order(OrderType.TAKE_PROFIT, trigger_price=Decimal(60)),
            {"type": "TAKE_PROFIT", "quantity": "0.2", "stopPrice": "60"},
        ),
        (
            order(OrderType.TAKE_PROFIT_LIMIT, price=Decimal(61), trigger_price=Decimal(60)),
            {"type": "TAKE_PROFIT_LIMIT", "quantity": "0.2", "price": "61", "stopPrice": "60", "timeInForce": "GTC"},
        ),
    ],
)
def test_order_parameters(intent: OrderIntent, expected: dict[str, str]) -> None:
    """Each type carries exactly the fields the venue wants of it, in plain digits."""
    common = {"newClientOrderId": "od-1", "newOrderRespType": "FULL", "side": "BUY", "symbol": "LTCUSDT"}
    params = parse_orders.order_params(intent, "LTCUSDT")
    assert params == common | expected
    assert list(params) == sorted(params)


@needs_fixtures
def test_a_full_answer_brings_its_fills() -> None:
    """A market order's answer holds each execution with its trade number, so none needs asking for."""
    message = msgspec.json.decode(
        fixture("spot/http_json/new_order_full_response.json"), type=OrderResponse, strict=False
    )
    report = parse_orders.report_of_response(message, VENUE)
    assert report.status is OrderStatus.FILLED
    assert report.filled_quantity == Decimal(10)
    assert sum(fill.quantity for fill in report.fills) == Decimal(10)
    assert report.fills[0].trade_id == TradeId("56")
    assert report.fills[0].fee == Decimal("4.00000000")
    assert report.fills[0].side is Side.SELL
    assert {fill.ts_venue_ns for fill in report.fills} == {1507725176595_000_000}


@needs_fixtures
def test_a_cancel_names_the_order_not_the_cancel() -> None:
    """The venue gives a cancel a name of its own; the order keeps the one it was sent with."""
    message = msgspec.json.decode(
        fixture("spot/http_json/cancel_order_response.json"), type=OrderResponse, strict=False
    )
    report = parse_orders.report_of_response(message, VENUE)
    assert report.client_order_id == "myOrder1"
    assert report.status is OrderStatus.CANCELED
    event = AccountStream.decode(fixture("spot/user_data_json/execution_report_canceled.json"))
    assert isinstance(event, ExecutionReport)
    event.c, event.C = "web_cancel", "od-7"
    assert parse_orders.report_of_event(event, VENUE).client_order_id == "od-7"


@needs_fixtures
@pytest.mark.parametrize(
    ("name", "status", "fills"),
    [
        ("execution_report_new.json", OrderStatus.ACCEPTED, 0),
        ("execution_report_wrapped.json", OrderStatus.ACCEPTED, 0),
        ("execution_report_trade.json", OrderStatus.FILLED, 1),
        ("execution_report_canceled.json", OrderStatus.CANCELED, 0),
        ("execution_report_expired.json", OrderStatus.EXPIRED, 0),
        ("execution_report_stop_loss.json", OrderStatus.ACCEPTED, 0),
    ],
)
def test_execution_reports(name: str, status: OrderStatus, fills: int) -> None:
    """What the account stream says of an order, as the venue documents it."""
    event = AccountStream.decode(fixture(f"spot/user_data_json/{name}"))
    assert isinstance(event, ExecutionReport)
    report = parse_orders.report_of_event(event, VENUE)
    assert report.status is status
    assert len(report.fills) == fills
    if fills:
        fill = report.fills[0]
        assert (fill.price, fill.quantity) == (Decimal(2500), Decimal(1))
        assert (fill.fee, fill.fee_asset, fill.is_maker) == (Decimal("0.001"), "ETH", True)
        assert fill.trade_id == TradeId("98765432")
    if "expired" in name:
        assert "could not fill at once" in report.reason
    if "stop_loss" in name:
        assert report.intent.type is OrderType.STOP_LIMIT
        assert (report.intent.price, report.intent.trigger_price) == (Decimal(2400), Decimal(2450))


@pytest.mark.parametrize(
    ("status", "tif", "reason", "words"),
    [
        ("EXPIRED", "FOK", "INSUFFICIENT_LIQUIDITY", "could not fill all of it at once, so nothing was filled"),
        ("EXPIRED", "FOK", "", "could not fill all of it at once, so nothing was filled"),
        ("EXPIRED", "IOC", "", "could not fill at once was taken back"),
        ("EXPIRED", "GTC", "INSUFFICIENT_LIQUIDITY", "nothing more to fill it with"),
        ("EXPIRED", "IOC", "EXCHANGE_CANCELED", "canceled it by itself"),
        ("EXPIRED", "GTC", "A_WORD_OF_TOMORROW", "The venue's reason: a word of tomorrow."),
        ("EXPIRED_IN_MATCH", "IOC", "", "order of the same account"),
        ("FILLED", "FOK", "", ""),
    ],
)
def test_an_end_has_a_sentence(status: str, tif: str, reason: str, words: str) -> None:
    """A trader reads why, never a name of the venue's protocol."""
    said = why_ended(status, tif, -1, reason)
    assert words in said
    assert bool(words) == bool(said)


@needs_fixtures
def test_balances() -> None:
    """Free and locked, to the digit."""
    event = AccountStream.decode(fixture("spot/user_data_json/account_position.json"))
    assert isinstance(event, AccountPosition)
    usdt, eth = parse_orders.balances_of_event(event, VENUE)
    assert (usdt.asset, usdt.free, usdt.locked) == ("USDT", Decimal("10000.00000000"), Decimal("2500.00000000"))
    assert eth.total == Decimal(5)
    account = msgspec.json.decode(fixture("spot/http_json/account_response.json"), type=Account, strict=False)
    assert parse_orders.balances_of_account(account, VENUE)[0].free == Decimal("4723846.89208129")


@needs_fixtures
@pytest.mark.parametrize("name", ["balance_update.json", "balance_update_wrapped.json", "list_status_wrapped.json"])
def test_account_events_that_tell_nothing_new(name: str) -> None:
    """Kinds of event nobody needs are known and passed over, not logged as bad."""
    assert AccountStream.decode(fixture(f"spot/user_data_json/{name}")) is None


@needs_fixtures
def test_own_trades() -> None:
    """The venue's list of our trades becomes fills; the order's own name is not in it."""
    rows = msgspec.json.decode(fixture("spot/http_json/account_trades_response.json"), type=list[MyTrade], strict=False)
    fill = parse_orders.fill(rows[0], instrument_id("BNBBTC", VENUE), ClientOrderId(""))
    assert (fill.price, fill.fee, fill.fee_asset) == (Decimal("4.00000100"), Decimal("10.10000000"), "BNB")
    assert (fill.venue_order_id, fill.side) == (VenueOrderId("100234"), Side.BUY)


@pytest.mark.parametrize(
    ("field", "value"), [("l", "NaN"), ("L", "-1"), ("z", "Infinity"), ("X", "NEVER_HEARD"), ("S", "HOLD")]
)
def test_a_fill_that_cannot_be_is_not_booked(field: str, value: str) -> None:
    """Not a number, a negative price, an unknown side: an error, never a position."""
    report = {
        **{
            "e": "executionReport",
            "E": 1,
            "s": "A",
            "c": "c",
            "S": "BUY",
            "o": "LIMIT",
            "f": "GTC",
            "q": "1",
            "p": "1",
        },
        **{"P": "0", "x": "TRADE", "X": "FILLED", "r": "NONE", "i": 1, "l": "1", "z": "1", "L": "1", "n": "0", "T": 1},
        **{"t": 1, "m": False},
        field: value,
    }
    event = AccountStream.decode(json.dumps(report).encode())
    assert isinstance(event, ExecutionReport)
    with pytest.raises(MessageError):
        parse_orders.report_of_event(event, VENUE)


def capture(name: str) -> ExchangeInfo:
    for line in (SHARED / "captures" / name).read_text().splitlines():
        if "exchangeInfo -> " in line:
            body = line.partition(" -> ")[2].partition(": ")[2]
            return msgspec.json.decode(body, type=ExchangeInfo, strict=False)
    raise AssertionError("no exchangeInfo in the capture")


@needs_captures
def test_recorded_spot_instruments() -> None:
    """All 1,695 instruments of the recorded exchange, with their filters."""
    info = capture("BINANCE.0")
    instruments = {one.symbol: one for one in (parse.instrument(raw, VENUE, SPOT) for raw in info.symbols)}
    assert len(instruments) == 1695
    assert parse.weight_limit(info, 1) == 1200
    nkn = instruments["NKNUSDT"]
    assert (nkn.tick_size, nkn.lot_size, nkn.min_notional) == (Decimal("0.0001"), Decimal(1), Decimal(10))
    assert (nkn.base, nkn.quote, nkn.kind) == ("NKN", "USDT", InstrumentKind.SPOT)
    assert (nkn.price_up, nkn.price_down) == (Decimal(5), Decimal("0.2"))
    assert nkn.price_precision == 4


@needs_captures
def test_recorded_futures_instruments() -> None:
    """Perpetuals and dated futures are told apart."""
    kinds = {
        one.symbol: one for one in (parse.instrument(raw, VENUE, USDM) for raw in capture("BINANCE_FUTURES.0").symbols)
    }
    assert kinds["SUSHIUSDT"].kind is InstrumentKind.PERPETUAL
    assert kinds["SUSHIUSDT"].min_notional == Decimal(5)
    assert {one.kind for one in kinds.values()} == {InstrumentKind.PERPETUAL, InstrumentKind.FUTURE}


def test_a_price_band_by_side_is_taken_at_its_narrowest() -> None:
    """What passes our check passes the venue's, whichever side the order is on."""
    raw = msgspec.json.encode(
        {
            **{"symbol": "A", "status": "BREAK", "baseAsset": "X", "quoteAsset": "Y"},
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "0.00000000"},
                {"filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "9", "stepSize": "0.1"},
                {
                    "filterType": "PERCENT_PRICE_BY_SIDE",
                    **{"bidMultiplierUp": "1.2", "bidMultiplierDown": "0.2"},
                    **{"askMultiplierUp": "5", "askMultiplierDown": "0.8"},
                },
                {"filterType": "NOTIONAL", "minNotional": "5", "maxNotional": "9000", "applyMaxToMarket": False},
                {"filterType": "SOMETHING_NEW", "limit": 3},
            ],
        }
    )
    one = parse.instrument(raw, VENUE, SPOT)
    assert (one.price_up, one.price_down) == (Decimal("1.2"), Decimal("0.8"))
    assert (one.min_notional, one.max_notional, one.market_max_notional) == (Decimal(5), Decimal(9000), None)
    assert not one.trading
    assert one.tick_size == Decimal("0.00000001")


def test_candles_that_do_not_rise_in_time_are_left_out() -> None:
    """A repeated row would break every chart and study behind it."""
    rows = [RestKline(ms, 1.0, 1.0, 1.0, 1.0, 0.0) for ms in (0, 60_000, 60_000, 30_000, 120_000)]
    from octopus_desktop.model.identifiers import Interval

    candles = parse.candles(instrument_id("A", VENUE), Interval.M1, rows)
    assert candles.open_ns.tolist() == [0, 60_000_000_000, 120_000_000_000]
