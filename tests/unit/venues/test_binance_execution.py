"""Orders and account on a scripted venue: what is sent, what an answer means, and what silence means."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
import stamina
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import (
    AuthenticationError,
    ClockError,
    LinkError,
    ProfileError,
    RateLimited,
    RequestRefused,
    UnreadableOrders,
    VenueTimeout,
    VenueUnavailable,
)
from octopus_desktop.model.events import BalanceChanged, BreakerChanged, Event, Link, LinkChanged, LinkStatus
from octopus_desktop.model.identifiers import ClientOrderId, VenueOrderId
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import Order, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.profile import Dialect, Mode, Profile
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.net.breaker import FAILURES
from octopus_desktop.venues.binance import history as history_module
from octopus_desktop.venues.binance import session as session_module
from octopus_desktop.venues.binance.execution import BinanceExecution
from octopus_desktop.venues.binance.permissions import AccountPermissions
from octopus_desktop.venues.factory import account_permissions, execution_client
from tests.unit.venues.scripted_venue import BTC, PROFILE, SECRET, VENUE, ScriptedVenue, scripted_venue, until

STEP = Decimal("0.001")
INSTRUMENT = Instrument(
    BTC, VENUE, "BTCUSDT", "BTC", "USDT", InstrumentKind.SPOT, STEP, STEP, STEP, Decimal(100), Decimal(5)
)
INTENT = OrderIntent(ClientOrderId("od-1"), BTC, Side.BUY, OrderType.LIMIT, Decimal("0.5"), Decimal("100.25"))
ORDER = Order(INTENT, OrderStatus.ACCEPTED, 0, 0, VenueOrderId("77"))


def placed(status: str = "NEW", **more: Any) -> dict[str, Any]:
    return {
        **{"symbol": "BTCUSDT", "orderId": 77, "clientOrderId": "od-1", "transactTime": 5, "price": "100.25"},
        **{
            "origQty": "0.5",
            "executedQty": "0",
            "status": status,
            "type": "LIMIT",
            "side": "BUY",
            "timeInForce": "GTC",
        },
        **more,
    }


class Running:
    def __init__(self, venue: ScriptedVenue, client: BinanceExecution) -> None:
        self.venue = venue
        self.client = client
        self.events: list[Event] = []
        self.reports: list[OrderReport] = []

    async def start(self) -> None:
        await self.client.start(self.events.append, self.reports.append)

    def statuses(self, link: Link) -> list[LinkStatus]:
        return [event.status for event in self.events if isinstance(event, LinkChanged) and event.link is link]


@asynccontextmanager
async def made(credentials: Credentials | None = None) -> AsyncIterator[Running]:
    async with scripted_venue() as venue:
        client = execution_client(PROFILE, venue.urls, credentials or venue.credentials)
        assert isinstance(client, BinanceExecution)
        try:
            yield Running(venue, client)
        finally:
            await client.stop()


async def test_a_signed_order_over_the_session() -> None:
    """The order leaves with every field and a signature that the venue can check; the answer brings its fills."""
    async with made() as running:
        fills = [{"price": "100", "qty": "0.5", "commission": "0.1", "commissionAsset": "USDT", "tradeId": 9}]
        running.venue.api["order.place"] = lambda _: (200, placed("FILLED", executedQty="0.5", fills=fills))
        await running.start()
        assert running.statuses(Link.ORDERS)[-1] is LinkStatus.UP
        assert running.statuses(Link.ACCOUNT)[-1] is LinkStatus.UP
        report = await running.client.submit(INTENT, INSTRUMENT)
        assert report.status is OrderStatus.FILLED
        assert report.fills[0].quantity == Decimal("0.5")
        params = dict(running.venue.called[-1]["params"])
        signature = params.pop("signature")
        payload = "&".join(f"{key}={params[key]}" for key in sorted(params))
        assert signature == hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
        assert (params["price"], params["quantity"], params["newOrderRespType"]) == ("100.25", "0.5", "FULL")
        assert params["recvWindow"] <= 5000


def new_private_key() -> str:
    made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.decode()


def written_by(client: BinanceExecution) -> list[bytes]:
    """What it writes on its session from now on."""
    assert client._session is not None
    written: list[bytes] = []
    real = client._session.socket.send

    def send(message: bytes) -> bool:
        written.append(message)
        return real(message)

    client._session.socket.send = send  # type: ignore[method-assign]  # watched
    return written


async def test_calling_is_sending() -> None:
    """The bytes leave before the call returns: nothing else runs on the loop between the key and the wire."""
    async with made() as running:
        running.venue.api["order.place"] = lambda _: (200, placed())
        await running.start()
        written = written_by(running.client)
        answer = running.client.submit(INTENT, INSTRUMENT)
        assert len(written) == 1
        assert (await answer).status is OrderStatus.ACCEPTED


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, -2010, RequestRefused),
        (400, -1013, RequestRefused),
        (400, -1021, ClockError),
        (401, -2015, AuthenticationError),
        (429, -1015, RateLimited),
    ],
)
async def test_a_refusal_is_certain(status: int, code: int, kind: type[Exception]) -> None:
    """The venue said no: the order is not anywhere, and it was sent exactly once."""
    async with made() as running:
        running.venue.api["order.place"] = lambda _: (status, {"code": code, "msg": "no"})
        await running.start()
        with pytest.raises(kind) as refused:
            await running.client.submit(INTENT, INSTRUMENT)
        assert not refused.value.outcome_unknown  # type: ignore[attr-defined]
        assert [call["method"] for call in running.venue.called].count("order.place") == 1


async def test_silence_after_an_order_leaves_it_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accepted or not, nobody knows: the error says so, and the order is not sent a second time."""
    monkeypatch.setattr(session_module, "ANSWER_WITHIN_S", 0.2)
    async with made() as running:
        running.venue.api["order.place"] = lambda _: None
        await running.start()
        with pytest.raises(VenueTimeout) as lost:
            await running.client.submit(INTENT, INSTRUMENT)
        assert lost.value.outcome_unknown
        assert [call["method"] for call in running.venue.called].count("order.place") == 1


async def test_a_cut_line_leaves_orders_unknown_and_comes_back() -> None:
    """The line breaks before the answer: unknown; then both links are up again by themselves."""
    async with made() as running:
        running.venue.api["order.place"] = lambda _: None
        await running.start()
        sending = asyncio.ensure_future(running.client.submit(INTENT, INSTRUMENT))
        await until(lambda: running.venue.called[-1]["method"] == "order.place")
        running.venue.cut()
        with pytest.raises(LinkError) as lost:
            await sending
        assert lost.value.outcome_unknown
        await until(
            lambda: (
                running.statuses(Link.ACCOUNT)[-1] is LinkStatus.UP
                and LinkStatus.DOWN in running.statuses(Link.ACCOUNT)
            )
        )
        assert [call["method"] for call in running.venue.called].count("order.place") == 1


async def test_with_the_line_down_nothing_was_sent() -> None:
    """No connection: the order certainly did not leave, and the error says that too."""
    async with made() as running:
        with pytest.raises(LinkError) as unsent:
            await running.client.submit(INTENT, INSTRUMENT)
        assert not unsent.value.outcome_unknown


async def test_an_unreadable_answer_leaves_the_order_unknown() -> None:
    """The venue did something and told it badly: the order is asked for, not taken for refused."""
    async with made() as running:
        running.venue.api["order.place"] = lambda _: (200, {"orderId": "?"})
        await running.start()
        with pytest.raises(VenueUnavailable) as lost:
            await running.client.submit(INTENT, INSTRUMENT)
        assert lost.value.outcome_unknown


async def test_a_cancel_finds_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session does not answer a cancel: it goes out over REST as well, because cancelling twice does no harm."""
    monkeypatch.setattr(session_module, "ANSWER_WITHIN_S", 0.2)
    async with made() as running:
        running.venue.api["order.cancel"] = lambda _: None
        running.venue.rest["/api/v3/order"] = lambda _: (200, placed("CANCELED", origClientOrderId="od-1"))
        await running.start()
        report = await running.client.cancel(ORDER, INSTRUMENT)
        assert report.status is OrderStatus.CANCELED
        assert any(asked.startswith("DELETE /api/v3/order") for asked in running.venue.asked)


async def test_an_outage_of_the_venue_holds_no_cancel_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """REST has failed so often that it is left alone, and the session is silent: a cancel still goes out, at once."""
    monkeypatch.setattr(session_module, "ANSWER_WITHIN_S", 0.2)
    async with made() as running:
        running.venue.api["order.cancel"] = lambda _: None
        running.venue.rest["/api/v3/order"] = lambda _: (503, {})
        await running.start()
        with stamina.set_testing(True, attempts=4):
            for _ in range(3):
                with pytest.raises(VenueUnavailable):
                    await running.client.order(INSTRUMENT, ClientOrderId("od-1"), None)
                with pytest.raises(VenueUnavailable):
                    await running.client.cancel(ORDER, INSTRUMENT)
        assert sum(asked.startswith("GET /api/v3/order?") for asked in running.venue.asked) == FAILURES
        assert sum(asked.startswith("DELETE") for asked in running.venue.asked) == 12, "each attempt went out"
        told = [event for event in running.events if isinstance(event, BreakerChanged)]
        assert {event.endpoint for event in told} == {"GET order", "DELETE order"}
        running.venue.rest["/api/v3/order"] = lambda _: (200, placed("CANCELED", origClientOrderId="od-1"))
        assert (await running.client.cancel(ORDER, INSTRUMENT)).status is OrderStatus.CANCELED
        assert running.events[-1].open is False  # type: ignore[union-attr]


async def test_a_cancel_of_what_is_gone() -> None:
    """Filled a moment ago: the venue's refusal comes through as one, and REST is not tried."""
    async with made() as running:
        running.venue.api["order.cancel"] = lambda _: (400, {"code": -2011, "msg": "Unknown order sent."})
        await running.start()
        with pytest.raises(RequestRefused) as refused:
            await running.client.cancel(ORDER, INSTRUMENT)
        assert refused.value.code == -2011
        assert not any("DELETE" in asked for asked in running.venue.asked)


async def test_an_order_the_venue_does_not_know() -> None:
    """Asked by our own name, the venue says there is none: that is an answer, not an error."""
    async with made() as running:
        running.venue.rest["/api/v3/order"] = lambda _: (400, {"code": -2013, "msg": "Order does not exist."})
        assert await running.client.order(INSTRUMENT, ClientOrderId("od-1"), None) is None
        assert "origClientOrderId=od-1" in running.venue.asked[-1]


async def test_a_skewed_clock_is_measured_and_the_question_asked_again() -> None:
    """Our clock is ten seconds off: the venue's is measured, and the reader never hears of it."""
    async with made() as running:
        running.venue.clock_ahead_ms = 10_000

        def orders(query: dict[str, str]) -> tuple[int, Any]:
            if abs(int(query["timestamp"]) - running.venue.time_ms()) > 1000:
                return 400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
            return 200, [placed()]

        running.venue.rest["/api/v3/openOrders"] = orders
        reports = await running.client.open_orders()
        assert [report.venue_order_id for report in reports] == ["77"]


async def test_an_open_order_that_cannot_be_read_is_not_passed_over_where_none_may_be_left() -> None:
    """The kill switch asks whether anything works: of an order of a new kind it must hear."""
    async with made() as running:
        await running.start()
        strange = [placed(), {**placed(), "type": "SOMETHING_NEW"}]
        running.venue.rest["/api/v3/openOrders"] = lambda _: (200, strange)
        running.venue.api["openOrders.status"] = lambda _: (200, strange)
        assert len(await running.client.open_orders()) == 1
        with pytest.raises(UnreadableOrders, match="an open order in BTCUSDT cannot be read") as told:
            await running.client.open_orders(pressing=True)
        assert [report.venue_order_id for report in told.value.readable] == ["77"]


async def test_the_account_stream_tells_orders_and_balances() -> None:
    """A fill made elsewhere, a balance that moved: both are heard; nonsense between them is passed over."""
    async with made() as running:
        await running.start()
        report = {
            **{"e": "executionReport", "E": 1, "s": "BTCUSDT", "c": "od-1", "S": "BUY", "o": "LIMIT", "f": "GTC"},
            **{"q": "1", "p": "5", "P": "0", "x": "TRADE", "X": "PARTIALLY_FILLED", "r": "NONE", "i": 77, "l": "0.25"},
            **{"z": "0.25", "L": "5", "n": "0.001", "N": "BNB", "T": 1, "t": 3, "m": True, "C": ""},
        }
        await running.venue.tell_account(report)
        await running.venue.tell_account({**report, "l": "NaN"})
        await running.venue.tell_account({"e": "somethingNew"})
        position = {"e": "outboundAccountPosition", "E": 1, "u": 2, "B": [{"a": "BTC", "f": "1.5", "l": "0.5"}]}
        await running.venue.tell_account(position)
        await until(lambda: any(isinstance(event, BalanceChanged) for event in running.events))
        assert [one.filled_quantity for one in running.reports] == [Decimal("0.25")]
        assert running.reports[0].fills[0].is_maker


async def test_an_ended_account_stream_is_opened_again() -> None:
    """The venue ends the stream on a living line: it is said, and subscribed to anew."""
    async with made() as running:
        await running.start()
        await running.venue.tell_account({"e": "eventStreamTerminated", "E": 1})
        await until(lambda: running.statuses(Link.ACCOUNT).count(LinkStatus.UP) == 2)
        assert LinkStatus.DOWN in running.statuses(Link.ACCOUNT)


async def test_a_venue_of_the_older_dialect_gives_a_listen_key() -> None:
    """No account stream on the order session: a listen key is asked for and its socket listened to."""
    async with made() as running:
        del running.venue.api["userDataStream.subscribe.signature"]
        running.venue.rest["/api/v3/userDataStream"] = lambda _: (200, {"listenKey": "k" * 60})
        await running.start()
        position = {"e": "outboundAccountPosition", "E": 1, "u": 2, "B": [{"a": "BTC", "f": "1.5", "l": "0"}]}
        await running.venue.tell_listeners(position)
        await until(lambda: any(isinstance(event, BalanceChanged) for event in running.events))
        running.venue.cut()
        await until(lambda: LinkStatus.DOWN in running.statuses(Link.ACCOUNT))
        await until(lambda: running.statuses(Link.ACCOUNT)[-1] is LinkStatus.UP)


async def test_a_wrong_key_fails_the_start_and_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """The venue refuses the key: no retry, a sentence that says so, and neither key nor signature anywhere."""
    with caplog.at_level(logging.DEBUG):
        async with made() as running:
            refuse = (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."})
            running.venue.api["userDataStream.subscribe.signature"] = lambda _: refuse
            running.venue.rest["/api/v3/account"] = lambda _: refuse
            with pytest.raises(AuthenticationError) as refused:
                await running.start()
            assert not refused.value.retryable
            with pytest.raises(AuthenticationError):
                await running.client.balances()
            told = caplog.text.replace(running.venue.asked[-1], "")  # aiohttp's own access log of this test's server
            ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("octopus_desktop"))
            assert SECRET not in told
            assert "apikeyapikey" not in ours
            assert "signature=" not in ours


async def test_fills_are_paged_and_named() -> None:
    """A thousand fills a page, from one past the last known; names are those of the orders we know."""
    async with made() as running:

        def trades(query: dict[str, str]) -> tuple[int, Any]:
            first = int(query["fromId"])
            row = {"orderId": 77, "price": "1", "qty": "1", "commission": "0", "commissionAsset": "BNB", "time": 1}
            rows = [{**row, "id": number, "isBuyer": True, "isMaker": False} for number in range(max(first, 5), 1505)]
            return 200, rows[:1000]

        running.venue.rest["/api/v3/myTrades"] = trades
        running.venue.rest["/api/v3/order"] = lambda _: (200, placed())
        await running.client.order(INSTRUMENT, INTENT.client_order_id, None)
        fills = await running.client.fills(INSTRUMENT, None)
        assert [int(fill.trade_id) for fill in fills] == list(range(5, 1505))
        assert {fill.client_order_id for fill in fills} == {"od-1"}
        assert [fill.trade_id for fill in await running.client.fills(INSTRUMENT, "1503")] == ["1504"]


@pytest.mark.parametrize("page", [2, 3, 1000])
async def test_a_trade_with_oneself_is_two_fills_wherever_a_page_ends(
    monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Both of its orders are ours: two rows of one id, and none of them is lost between two pages, or told twice."""
    monkeypatch.setattr(history_module, "TRADES_PAGE", page)
    rows = [(5, 70, True), (6, 70, True), (6, 71, False), (7, 72, True), (8, 70, True), (8, 73, False)]

    def trades(query: dict[str, str]) -> tuple[int, Any]:
        row = {"price": "1", "qty": "1", "commission": "0", "commissionAsset": "BNB", "time": 1, "isMaker": False}
        found = [
            {**row, "id": number, "orderId": order, "isBuyer": buyer}
            for number, order, buyer in rows
            if number >= int(query["fromId"])
        ]
        return 200, found[:page]

    async with made() as running:
        running.venue.rest["/api/v3/myTrades"] = trades
        fills = await running.client.fills(INSTRUMENT, None)
        told = [(int(fill.trade_id), int(fill.venue_order_id), fill.side is Side.BUY) for fill in fills]
        assert told == rows


async def test_a_balance_that_went_to_zero_is_still_told() -> None:
    """Sold out: the asset must be seen to be gone, not just be missing from a list."""
    async with made() as running:
        free = iter(["2", "0", "0", "0"])
        running.venue.rest["/api/v3/account"] = lambda _: (
            200,
            {
                "balances": [
                    {"asset": "BTC", "free": next(free), "locked": "0"},
                    {"asset": "X", "free": "0", "locked": "0"},
                ]
            },
        )
        assert [(one.asset, one.free) for one in await running.client.balances()] == [("BTC", Decimal(2))]
        assert [(one.asset, one.free) for one in await running.client.balances()] == [("BTC", Decimal(0))]


async def test_what_the_key_may_do() -> None:
    """A key that may withdraw is seen for what it is; a test venue that knows no withdrawals says nothing of them."""
    async with made() as running:
        rights = {"enableReading": True, "enableSpotAndMarginTrading": True, "enableWithdrawals": True}
        running.venue.rest["/sapi/v1/account/apiRestrictions"] = lambda _: (200, rights)
        venue = running.venue
        assert await account_permissions(PROFILE, venue.urls, venue.credentials) == AccountPermissions(True, True)
        del running.venue.rest["/sapi/v1/account/apiRestrictions"]
        running.venue.rest["/api/v3/account"] = lambda _: (200, {"balances": [], "canTrade": False})
        assert await account_permissions(PROFILE, venue.urls, venue.credentials) == AccountPermissions(False, None)


async def test_an_ed25519_key_logs_the_session_on() -> None:
    """After the log-on an order carries neither key nor signature, and costs no signing."""
    async with made(Credentials("key", new_private_key())) as running:
        running.venue.api["session.logon"] = lambda _: (200, {"apiKey": "key"})
        running.venue.api["userDataStream.subscribe"] = lambda _: (200, {"subscriptionId": 0})
        running.venue.api["order.place"] = lambda _: (200, placed())
        await running.start()
        await running.client.submit(INTENT, INSTRUMENT)
        assert [call["method"] for call in running.venue.called][:2] == ["session.logon", "userDataStream.subscribe"]
        assert not {"apiKey", "signature"} & set(running.venue.called[-1]["params"])


async def test_futures_orders_are_refused_in_words() -> None:
    """Market data only: the profile says so before anything is sent."""
    profile = Profile("f", VENUE, Dialect.BINANCE_USDM, Mode.DEMO)
    async with scripted_venue() as venue:
        with pytest.raises(ProfileError, match="market data only"):
            execution_client(profile, venue.urls, venue.credentials)
