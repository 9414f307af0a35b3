"""What the venue works by itself, through the real client on the embedded exchange: its own book is the judge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import AmendHalfDone, RequestRefused
from octopus_desktop.model.events import Event
from octopus_desktop.model.identifiers import ClientOrderId, Venue, instrument_id
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import Order, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.profile import Dialect, Mode, Profile, VenueUrls
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.venues.binance.execution import BinanceExecution
from octopus_desktop.venues.factory import execution_client
from tests.simulator_process import Caller, simulator

VENUE = Venue("SIM")
BTC = instrument_id("BTCUSDT", VENUE)
LOT = Decimal("0.00001")
INSTRUMENT = Instrument(
    BTC, VENUE, "BTCUSDT", "BTC", "USDT", InstrumentKind.SPOT, Decimal("0.01"), LOT, LOT, Decimal(9000), Decimal(5)
)
QUANTITY = Decimal("0.01")


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    with simulator(seed=8) as line:
        yield line


class Running:
    def __init__(self, ready: dict[str, Any]) -> None:
        urls = VenueUrls(ready["rest"], ready["ws"], ready["ws_api"])
        profile = Profile("native", VENUE, Dialect.BINANCE_SPOT, Mode.DEMO)
        client = execution_client(profile, urls, Credentials(ready["api_key"], ready["api_secret"]))
        assert isinstance(client, BinanceExecution)
        self.client = client
        self.caller = Caller(ready)
        self.events: list[Event] = []
        self.reports: list[OrderReport] = []
        self.last = Decimal(self.caller.get("/api/v3/ticker/price", symbol="BTCUSDT")[1]["price"])

    def price(self, of_last: str) -> Decimal:
        return INSTRUMENT.price(self.last * Decimal(of_last))

    def intent(self, name: str, side: Side, kind: OrderType, **more: Any) -> OrderIntent:
        return OrderIntent(ClientOrderId(name), BTC, side, kind, QUANTITY, **more)

    def truth(self) -> dict[str, dict[str, Any]]:
        """The exchange's own open orders, by our name."""
        return {row["clientOrderId"]: row for row in self.caller.control("GET", "account")["openOrders"]}

    def locked(self, asset: str) -> Decimal:
        return Decimal(self.caller.control("GET", "account")["balances"][asset]["locked"])


@pytest.fixture
async def running(ready: dict[str, Any]) -> AsyncIterator[Running]:
    one = Running(ready)
    await one.client.start(one.events.append, one.reports.append)
    try:
        yield one
    finally:
        await one.client.cancel_all(INSTRUMENT)
        await one.client.stop()


def known(report: OrderReport) -> Order:
    return Order(report.intent, report.status, 0, 0, report.venue_order_id)


async def until(condition: Any, seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # of many kinds
            await asyncio.sleep(0.01)


async def test_a_list_lives_and_ends_as_one(running: Running) -> None:
    """Both legs at the exchange, the coin locked once; a cancel of one ends both, and both ends are reported."""
    target = running.intent("t1", Side.SELL, OrderType.LIMIT, price=running.price("1.1"), list_id="l1")
    stop = running.intent("s1", Side.SELL, OrderType.STOP, trigger_price=running.price("0.9"), list_id="l1")
    placed = await running.client.submit_list([target, stop], INSTRUMENT)
    assert [report.client_order_id for report in placed] == ["t1", "s1"]
    truth = running.truth()
    assert {row["orderListId"] for row in truth.values()} == {truth["t1"]["orderListId"]} != {-1}
    assert running.locked("BTC") == QUANTITY
    reports = {report.client_order_id: report for report in await running.client.open_orders()}
    assert reports["t1"].intent.list_id == reports["s1"].intent.list_id is not None
    report = await running.client.cancel(known(placed[1]), INSTRUMENT)
    assert (report.client_order_id, report.status) == ("s1", OrderStatus.CANCELED)
    await until(
        lambda: {r.client_order_id for r in running.reports if r.status is OrderStatus.CANCELED} == {"t1", "s1"}
    )
    assert not running.truth()
    assert running.locked("BTC") == 0


async def test_a_list_the_exchange_refuses_leaves_nothing(running: Running) -> None:
    """The stop on the wrong side of the price: neither order is there."""
    target = running.intent("t2", Side.SELL, OrderType.LIMIT, price=running.price("1.1"), list_id="l2")
    stop = running.intent("s2", Side.SELL, OrderType.STOP, trigger_price=running.price("1.05"), list_id="l2")
    with pytest.raises(RequestRefused, match="relationship of the prices"):
        await running.client.submit_list([target, stop], INSTRUMENT)
    assert not running.truth()
    for name in ("t2", "s2"):
        assert await running.client.order(INSTRUMENT, ClientOrderId(name), None) is None


async def test_an_amendment_takes_the_place_of_the_order(running: Running) -> None:
    """One request, one order before and one after it; a filter it breaks changes nothing."""
    report = await running.client.submit(
        running.intent("a1", Side.BUY, OrderType.LIMIT, price=running.price("0.9")), INSTRUMENT
    )
    better = running.intent("a2", Side.BUY, OrderType.LIMIT, price=running.price("0.91"))
    old, new = await running.client.amend(known(report), better, INSTRUMENT)
    assert (old.client_order_id, old.status) == ("a1", OrderStatus.CANCELED)
    assert (new.client_order_id, new.status) == ("a2", OrderStatus.ACCEPTED)
    assert list(running.truth()) == ["a2"]
    off_tick = msgspec.structs.replace(better, client_order_id=ClientOrderId("a3"), price=Decimal("60000.001"))
    with pytest.raises(RequestRefused, match="PRICE_FILTER") as refused:
        await running.client.amend(known(new), off_tick, INSTRUMENT)
    assert not isinstance(refused.value, AmendHalfDone)
    assert list(running.truth()) == ["a2"]
    too_much = msgspec.structs.replace(better, client_order_id=ClientOrderId("a4"), quantity=Decimal(100))
    with pytest.raises(AmendHalfDone, match="insufficient balance") as half:
        await running.client.amend(known(new), too_much, INSTRUMENT)
    assert (half.value.canceled.client_order_id, half.value.canceled.status) == ("a2", OrderStatus.CANCELED)
    assert not running.truth()
    with pytest.raises(RequestRefused) as refused:
        await running.client.amend(known(new), better, INSTRUMENT)
    assert refused.value.code == -2011


async def test_trailing_stop_and_iceberg_are_the_venues(running: Running) -> None:
    """Placed, found with their terms when asked and on the account stream, and all canceled by one request."""
    trailing = running.intent("p1", Side.SELL, OrderType.TRAILING_STOP, trailing_fraction=Decimal("0.02"))
    iceberg = running.intent(
        "p2", Side.BUY, OrderType.LIMIT, price=running.price("0.9"), display_quantity=Decimal("0.002")
    )
    for intent in (trailing, iceberg):
        await running.client.submit(intent, INSTRUMENT)
    found = {report.client_order_id: report.intent for report in await running.client.open_orders()}
    assert (found["p1"].type, found["p1"].trailing_fraction) == (OrderType.TRAILING_STOP, Decimal("0.02"))
    assert found["p2"].display_quantity == Decimal("0.002")
    await until(lambda: {report.client_order_id for report in running.reports} >= {"p1", "p2"})
    told = {report.client_order_id: report.intent for report in running.reports}
    assert told["p1"].trailing_fraction == Decimal("0.02")
    assert told["p2"].display_quantity == Decimal("0.002")
    gone = await running.client.cancel_all(INSTRUMENT)
    assert {(report.client_order_id, report.status) for report in gone} == {
        ("p1", OrderStatus.CANCELED),
        ("p2", OrderStatus.CANCELED),
    }
    assert not running.truth()
    assert await running.client.cancel_all(INSTRUMENT) == []
