"""Where the venue's word on an order is in doubt, the client says so; where a message is lost, it tells of that."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import UnreadableRecord, VenueError, VenueUnavailable
from octopus_desktop.model.events import Link, LinkStatus
from octopus_desktop.model.identifiers import ClientOrderId, VenueOrderId
from octopus_desktop.venues.binance import execution as execution_module
from octopus_desktop.venues.binance import session as session_module
from tests.unit.venues.scripted_venue import until
from tests.unit.venues.test_binance_execution import INSTRUMENT, INTENT, made, placed

TRADE = {"id": 5, "orderId": 77, "price": "1", "qty": "1", "commission": "0", "commissionAsset": "BNB", "time": 1}
TRADE |= {"isBuyer": True, "isMaker": False}


@pytest.mark.parametrize(
    ("status", "code"), [(429, -1003), (418, -1003), (500, -1000), (502, -1007), (503, -1008), (500, -2010)]
)
async def test_a_gateways_word_on_an_order_leaves_it_unknown(status: int, code: int) -> None:
    """Asked too much, overloaded, failed: said after the order was sent, none of it tells what became of it."""
    async with made() as running:
        running.venue.api["order.place"] = lambda _: (status, {"code": code, "msg": "busy"})
        await running.start()
        with pytest.raises(VenueError) as lost:
            await running.client.submit(INTENT, INSTRUMENT)
        assert lost.value.outcome_unknown
        assert [call["method"] for call in running.venue.called].count("order.place") == 1


@pytest.mark.parametrize("status", [200, 400])
async def test_an_answer_cut_short_is_asked_for_again(status: int) -> None:
    """Half an answer, or half a refusal, is neither: the question is asked once more."""
    async with made() as running:
        running.venue.raw["/api/v3/order"] = [(status, b'{"code":-2013,"msg":"Order do')]
        running.venue.rest["/api/v3/order"] = lambda _: (200, placed())
        assert await running.client.order(INSTRUMENT, ClientOrderId("od-1"), None) is not None
        assert len(running.venue.asked) == 2


@pytest.mark.parametrize(
    ("path", "answer", "what"),
    [
        ("order", placed("SUSPENDED"), "an order"),
        ("myTrades", [{**TRADE, "price": "-1"}], "a trade"),
        ("account", {"balances": [{"asset": "BTC", "free": "NaN", "locked": "0"}]}, "the account"),
    ],
)
async def test_what_the_venue_has_on_record_and_cannot_be_read_is_asked_for_again(
    path: str, answer: Any, what: str
) -> None:
    """A comparison that meets it is told to the trader and done again: it must not end without a word."""
    async with made() as running:
        running.venue.rest[f"/api/v3/{path}"] = lambda _: (200, answer)
        asked = {
            "order": lambda: running.client.order(INSTRUMENT, ClientOrderId("od-1"), None),
            "myTrades": lambda: running.client.fills(INSTRUMENT, None),
            "account": running.client.balances,
        }
        with pytest.raises(VenueUnavailable, match=f"answer to {what} cannot be read") as told:
            await asked[path]()
        assert told.value.retryable


async def test_one_unreadable_row_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    """An order of a kind not known here is left out of the list: who needs it asks for it. Of a trade at least the id
    is told, with all the others, since nobody would ask for what nobody has heard of."""
    async with made() as running:
        running.venue.rest["/api/v3/allOrders"] = lambda _: (
            200,
            [{**placed("SUSPENDED"), "clientOrderId": "x" * 9_000}, placed(), placed("SUSPENDED")],
        )
        (report,) = await running.client.orders(INSTRUMENT, VenueOrderId("1"))
        assert report.client_order_id == "od-1"
        (said,) = [record.getMessage() for record in caplog.records if "bad message" in record.getMessage()]
        assert len(said) < 800
        running.venue.rest["/api/v3/myTrades"] = lambda _: (
            200,
            [TRADE, {**TRADE, "id": 6, "price": "-1"}, {**TRADE, "id": 7}],
        )
        with pytest.raises(UnreadableRecord) as told:
            await running.client.fills(INSTRUMENT, None)
        assert told.value.trades == [("6", "77")]
        assert [fill.trade_id for fill in told.value.readable] == ["5", "7"]


async def test_an_unreadable_message_of_the_account_is_told_as_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been a fill: the account link goes down and up, after which everything is compared again."""
    monkeypatch.setattr(execution_module, "MISSED_TOLD_AFTER_S", 0.01)
    async with made() as running:
        await running.start()
        await running.venue.tell_account({"e": "executionReport", "s": "BTCUSDT"})
        await until(lambda: LinkStatus.DOWN in running.statuses(Link.ACCOUNT))
        await until(lambda: running.statuses(Link.ACCOUNT)[-1] is LinkStatus.UP)


async def test_an_unreadable_message_may_have_been_the_end_of_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing would ever be told again: it is called off, where it still is there, and opened anew."""
    monkeypatch.setattr(execution_module, "MISSED_TOLD_AFTER_S", 0.01)
    async with made() as running:
        await running.start()
        await running.venue.tell_account({"e": "executionReport", "s": "BTCUSDT"})
        await until(lambda: LinkStatus.DOWN in running.statuses(Link.ACCOUNT))
        await until(lambda: running.statuses(Link.ACCOUNT)[-1] is LinkStatus.UP)
        asked = [call["method"] for call in running.venue.called if call["method"].startswith("userDataStream")]
        opens = "userDataStream.subscribe.signature"
        assert asked == [opens, "userDataStream.unsubscribe", opens]


async def test_a_connection_that_answers_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway with nobody behind it takes connections and answers pings: the next one may be led elsewhere."""
    monkeypatch.setattr(session_module, "ANSWER_WITHIN_S", 0.2)
    async with made() as running:
        answers: list[tuple[int, Any] | None] = [(200, {"subscriptionId": 0}), None]
        connections: set[int] = set()

        def subscribe(_: object) -> tuple[int, Any] | None:
            connections.update(id(socket) for socket in running.venue.sessions)
            return answers.pop()

        running.venue.api["userDataStream.subscribe.signature"] = subscribe
        await running.start()
        assert len(connections) == 2
        assert running.statuses(Link.ACCOUNT)[-1] is LinkStatus.UP


async def test_a_log_on_that_is_tried_again_is_signed_again() -> None:
    """The session had logged on and then failed to listen: the next log-on carries key and signature too."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with made(Credentials("apikeyapikey", pem)) as running:
        running.venue.api["session.logon"] = lambda _: (200, {})
        answers: list[tuple[int, Any]] = [(200, {"subscriptionId": 0}), (429, {"code": -1003, "msg": "busy"})]
        running.venue.api["userDataStream.subscribe"] = lambda _: answers.pop()
        await running.start()
        log_ons = [call["params"] for call in running.venue.called if call["method"] == "session.logon"]
        assert len(log_ons) == 2
        for params in log_ons:
            signature = base64.b64decode(params.pop("signature"))
            payload = "&".join(f"{key}={params[key]}" for key in sorted(params))
            private.public_key().verify(signature, payload.encode())
