"""What the venue does natively, on a scripted venue: amend, lists, trailing stops, icebergs, cancel of everything."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from octopus_desktop.model.errors import AmendHalfDone, RequestRefused, VenueTimeout, VenueUnavailable
from octopus_desktop.model.identifiers import ClientOrderId
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from octopus_desktop.venues.binance.messages import ExecutionReport, OrderResponse
from octopus_desktop.venues.binance.parse_orders import (
    list_params,
    order_params,
    report_of_event,
    report_of_response,
)
from tests.unit.venues.scripted_venue import BTC, VENUE
from tests.unit.venues.test_binance_execution import INSTRUMENT, INTENT, ORDER, made, placed

CHEAPER = OrderIntent(ClientOrderId("od-2"), BTC, Side.BUY, OrderType.LIMIT, Decimal("0.5"), Decimal("99"))
GONE = placed("CANCELED", origClientOrderId="od-1", clientOrderId="x")
REFUSAL = {"code": -2010, "msg": "Account has insufficient balance for requested action."}


def leg(name: str, side: Side, kind: OrderType, **more: Any) -> OrderIntent:
    return OrderIntent(ClientOrderId(name), BTC, side, kind, Decimal("0.5"), list_id="al-1", **more)


def target(side: Side) -> OrderIntent:
    return leg("od-t", side, OrderType.LIMIT, price=Decimal(110))


def stop(side: Side) -> OrderIntent:
    return leg("od-s", side, OrderType.STOP_LIMIT, price=Decimal(89), trigger_price=Decimal(90))


async def test_an_amendment_is_one_request() -> None:
    """The old order goes and the new one comes, or neither: both reports come of one answer."""
    async with made() as running:
        answer = {
            **{"cancelResult": "SUCCESS", "newOrderResult": "SUCCESS", "cancelResponse": GONE},
            "newOrderResponse": placed(clientOrderId="od-2", orderId=78, price="99"),
        }
        running.venue.api["order.cancelReplace"] = lambda _: (200, answer)
        await running.start()
        old, new = await running.client.amend(ORDER, CHEAPER, INSTRUMENT)
        assert (old.client_order_id, old.status) == ("od-1", OrderStatus.CANCELED)
        assert (new.client_order_id, new.status, new.intent.price) == ("od-2", OrderStatus.ACCEPTED, Decimal(99))
        sent = running.venue.called[-1]["params"]
        assert (sent["cancelReplaceMode"], sent["cancelOrderId"], sent["price"]) == ("STOP_ON_FAILURE", "77", "99")
        assert sent["cancelRestrictions"] == "ONLY_NEW"


async def test_an_amendment_the_venue_did_not_begin() -> None:
    """The old order was filled a moment ago: nothing was canceled, nothing placed, and the order is as it was."""
    async with made() as running:
        data = {
            **{"cancelResult": "FAILURE", "newOrderResult": "NOT_ATTEMPTED", "newOrderResponse": None},
            "cancelResponse": {"code": -2011, "msg": "Unknown order sent."},
        }
        refused = {"code": -2022, "msg": "Order cancel-replace failed.", "data": data}
        running.venue.api["order.cancelReplace"] = lambda _: (400, refused)
        await running.start()
        with pytest.raises(RequestRefused) as error:
            await running.client.amend(ORDER, CHEAPER, INSTRUMENT)
        assert not isinstance(error.value, AmendHalfDone)
        assert error.value.code == -2011


async def test_an_amendment_half_done_says_which_half() -> None:
    """The old order is canceled and the new one refused: the error carries the cancel, and the venue's reason."""
    async with made() as running:
        data = {
            **{"cancelResult": "SUCCESS", "newOrderResult": "FAILURE", "cancelResponse": GONE},
            "newOrderResponse": REFUSAL,
        }
        refused = {"code": -2021, "msg": "Order cancel-replace partially failed.", "data": data}
        running.venue.api["order.cancelReplace"] = lambda _: (409, refused)
        await running.start()
        with pytest.raises(AmendHalfDone, match="insufficient balance") as error:
            await running.client.amend(ORDER, CHEAPER, INSTRUMENT)
        assert (error.value.code, error.value.canceled.client_order_id) == (-2010, "od-1")
        assert error.value.canceled.status is OrderStatus.CANCELED


async def test_an_amendment_whose_new_order_is_unknown() -> None:
    """The old order is canceled and the venue lost sight of the new one: the cancel is told, the new one unknown."""
    async with made() as running:
        data = {
            **{"cancelResult": "SUCCESS", "newOrderResult": "FAILURE", "cancelResponse": GONE},
            "newOrderResponse": {"code": -1007, "msg": "Timeout waiting for response from backend server."},
        }
        running.venue.api["order.cancelReplace"] = lambda _: (409, {"code": -2021, "msg": "?", "data": data})
        await running.start()
        with pytest.raises(VenueTimeout) as error:
            await running.client.amend(ORDER, CHEAPER, INSTRUMENT)
        assert error.value.outcome_unknown
        assert [(one.client_order_id, one.status) for one in running.reports] == [("od-1", OrderStatus.CANCELED)]


@pytest.mark.parametrize("cancel", [None, {"orderId": "?"}])
async def test_an_amendment_told_badly_is_unknown(cancel: Any) -> None:
    """Half done, and not to be read which half: nothing is guessed."""
    async with made() as running:
        refused = {"code": -2021, "msg": "?", "data": {"cancelResponse": cancel, "newOrderResponse": REFUSAL}}
        running.venue.api["order.cancelReplace"] = lambda _: (409, refused)
        await running.start()
        with pytest.raises(VenueUnavailable) as error:
            await running.client.amend(ORDER, CHEAPER, INSTRUMENT)
        assert error.value.outcome_unknown


@pytest.mark.parametrize(("side", "above", "below"), [(Side.SELL, "od-t", "od-s"), (Side.BUY, "od-s", "od-t")])
async def test_a_list_is_placed_in_one_request(side: Side, above: str, below: str) -> None:
    """Two orders, one request: who sells has the limit above and the stop below, who buys the other way round."""
    async with made() as running:
        reports = [placed(clientOrderId="od-s", orderId=1), placed(clientOrderId="od-t", orderId=2)]
        running.venue.api["orderList.place.oco"] = lambda _: (200, {"orderListId": 4, "orderReports": reports})
        await running.start()
        told = await running.client.submit_list([target(side), stop(side)], INSTRUMENT)
        assert [one.client_order_id for one in told] == ["od-t", "od-s"]
        sent = running.venue.called[-1]["params"]
        assert (sent["aboveClientOrderId"], sent["belowClientOrderId"]) == (above, below)
        assert (sent["quantity"], sent["listClientOrderId"], sent["side"]) == ("0.5", "al-1", side.name)
        assert {sent["aboveType"], sent["belowType"]} == {"LIMIT_MAKER", "STOP_LOSS_LIMIT"}


async def test_a_list_told_by_half_is_unknown() -> None:
    """The venue names one order of two: what became of the other is asked for, not assumed."""
    async with made() as running:
        reports = [placed(clientOrderId="od-s", orderId=1)]
        running.venue.api["orderList.place.oco"] = lambda _: (200, {"orderListId": 4, "orderReports": reports})
        await running.start()
        with pytest.raises(VenueUnavailable) as error:
            await running.client.submit_list([target(Side.SELL), stop(Side.SELL)], INSTRUMENT)
        assert error.value.outcome_unknown


async def test_a_refused_list_is_none() -> None:
    """All or none: one refusal is of both."""
    async with made() as running:
        running.venue.api["orderList.place.oco"] = lambda _: (400, REFUSAL)
        await running.start()
        with pytest.raises(RequestRefused):
            await running.client.submit_list([target(Side.SELL), stop(Side.SELL)], INSTRUMENT)


def test_what_is_no_list_is_not_sent() -> None:
    """Two stops, or legs of different sides: refused here, in words."""
    for legs in ([stop(Side.SELL)], [stop(Side.SELL), stop(Side.SELL)], [target(Side.BUY), stop(Side.SELL)]):
        with pytest.raises(RequestRefused, match="Not sent"):
            list_params(legs, "BTCUSDT")


async def test_the_cancel_of_one_takes_its_list_along() -> None:
    """One order of a list is canceled: the answer is of both, and the other one is told as well."""
    async with made() as running:
        other = placed("CANCELED", orderId=78, origClientOrderId="od-2", clientOrderId="y")
        running.venue.api["order.cancel"] = lambda _: (200, {"orderListId": 4, "orderReports": [other, GONE]})
        await running.start()
        report = await running.client.cancel(ORDER, INSTRUMENT)
        assert (report.client_order_id, report.status) == ("od-1", OrderStatus.CANCELED)
        assert [one.client_order_id for one in running.reports] == ["od-2"]


async def test_everything_is_canceled_in_one_request() -> None:
    """Single orders and lists, in one answer; where nothing works, that is no error."""
    async with made() as running:
        pair = [placed("CANCELED", orderId=n, origClientOrderId=f"od-{n}") for n in (2, 3)]
        running.venue.api["openOrders.cancelAll"] = lambda _: (200, [GONE, {"orderListId": 4, "orderReports": pair}])
        await running.start()
        reports = await running.client.cancel_all(INSTRUMENT)
        assert [one.client_order_id for one in reports] == ["od-1", "od-2", "od-3"]
        assert {one.status for one in reports} == {OrderStatus.CANCELED}
        nothing = (400, {"code": -2011, "msg": "Unknown order sent."})
        running.venue.api["openOrders.cancelAll"] = lambda _: nothing
        assert await running.client.cancel_all(INSTRUMENT) == []


TRAILING = OrderIntent(
    ClientOrderId("od-3"), BTC, Side.SELL, OrderType.TRAILING_STOP, Decimal(1), trailing_fraction=Decimal("0.015")
)
ICEBERG = msgspec.structs.replace(INTENT, display_quantity=Decimal("0.05"))


@pytest.mark.parametrize(
    ("intent", "expected"),
    [
        (TRAILING, {"type": "STOP_LOSS", "trailingDelta": 150, "stopPrice": None, "timeInForce": None}),
        (
            msgspec.structs.replace(TRAILING, trigger_price=Decimal(110)),
            {"type": "TAKE_PROFIT", "trailingDelta": 150, "stopPrice": "110"},
        ),
        (
            msgspec.structs.replace(TRAILING, price=Decimal(90)),
            {"type": "STOP_LOSS_LIMIT", "price": "90", "timeInForce": "GTC"},
        ),
        (ICEBERG, {"type": "LIMIT", "icebergQty": "0.05", "timeInForce": "GTC"}),
    ],
)
def test_what_the_venue_works_by_itself(intent: OrderIntent, expected: dict[str, Any]) -> None:
    """Trailing stops and icebergs in the venue's own words."""
    params = order_params(intent, "BTCUSDT")
    assert {name: params.get(name) for name in expected} == expected


def test_a_distance_the_venue_cannot_keep() -> None:
    """Half a basis point is not rounded: the order would not be the one that was asked for."""
    with pytest.raises(RequestRefused, match="whole steps"):
        order_params(msgspec.structs.replace(TRAILING, trailing_fraction=Decimal("0.01005")), "BTCUSDT")


EVENT = {
    **{"e": "executionReport", "E": 1, "s": "BTCUSDT", "c": "od-3", "S": "SELL", "o": "STOP_LOSS", "f": "GTC"},
    **{"q": "1", "p": "0", "P": "0", "x": "NEW", "X": "NEW", "r": "NONE", "i": 77, "l": "0"},
    **{"z": "0", "L": "0", "n": "0", "N": None, "T": 1, "t": -1, "m": False, "C": ""},
}


def event(**more: Any) -> ExecutionReport:
    return msgspec.json.decode(msgspec.json.encode({**EVENT, **more}), type=ExecutionReport, strict=False)


def test_they_come_back_from_the_wire() -> None:
    """An order found at the venue is adopted as what it is: trailing, iceberg, one of a list."""
    trailing = report_of_event(event(d=150, D=5), VENUE).intent
    assert (trailing.type, trailing.trailing_fraction) == (OrderType.TRAILING_STOP, Decimal("0.015"))
    assert trailing.trigger_price is None
    answer = placed(icebergQty="0.05", orderListId=4)
    iceberg = report_of_response(msgspec.convert(answer, OrderResponse, strict=False), VENUE).intent
    assert (iceberg.display_quantity, iceberg.list_id, iceberg.tif) == (Decimal("0.05"), "4", TimeInForce.GTC)
    answer = placed(type="TAKE_PROFIT", stopPrice="110", trailingDelta=20, orderListId=-1)
    asked = report_of_response(msgspec.convert(answer, OrderResponse, strict=False), VENUE).intent
    assert (asked.type, asked.trigger_price, asked.trailing_fraction) == (
        OrderType.TRAILING_STOP,
        Decimal(110),
        Decimal("0.002"),
    )
    assert asked.list_id is None


def test_the_other_leg_says_why_it_ended() -> None:
    """The target was filled: the stop ends as expired, and its reason is not its time in force."""
    report = report_of_event(event(x="EXPIRED", X="EXPIRED", g=4), VENUE)
    assert report.status is OrderStatus.EXPIRED
    assert "other order of its list" in report.reason
