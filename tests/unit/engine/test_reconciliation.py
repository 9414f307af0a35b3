"""After a comparison with the venue nothing is missing, whoever made the orders and however many there were."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from msgspec.structs import replace

from octopus_desktop.engine.reconciliation import ASKED_ONE_BY_ONE, reconcile
from octopus_desktop.model.account import Balance
from octopus_desktop.model.errors import VenueUnavailable
from octopus_desktop.model.events import (
    Cause,
    Event,
    OrderCanceled,
    OrderEvent,
    OrderFilled,
    OrderInitiated,
    OrderSubmitted,
    Reconciled,
)
from octopus_desktop.model.identifiers import VenueOrderId
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import OrderIntent, OrderStatus
from octopus_desktop.model.reports import OrderReport
from tests.unit.engine.scripted import BTC, SIM, Desk, buy, until


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    await desk.desk.stop()


def made_elsewhere(desk: Desk, intent: OrderIntent, number: int) -> None:
    name = intent.client_order_id
    desk.account.book[name] = OrderReport(
        name, VenueOrderId(str(number)), intent, OrderStatus.ACCEPTED, Decimal(0), (), 1
    )


@pytest.mark.parametrize("count", [1, ASKED_ONE_BY_ONE + 3])
async def test_orders_of_another_terminal_come_with_all_their_fills(desk: Desk, count: int) -> None:
    """Some still rest half filled, some are over; few are asked for singly, many by the page."""
    resting, over = buy("0.4"), [buy("0.2") for _ in range(count)]
    made_elsewhere(desk, resting, 7)
    desk.account.fill(resting.client_order_id, "0.1", 1)
    for number, intent in enumerate(over):
        made_elsewhere(desk, intent, 20 + number)
        desk.account.fill(intent.client_order_id, "0.05", 10 + 2 * number)
        desk.account.fill(intent.client_order_id, "0.15", 11 + 2 * number)

    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)

    assert {event.cause for event in desk.journal.events if isinstance(event, OrderEvent)} == {Cause.RECONCILED}
    half = desk.order(resting)
    assert (half.status, half.filled_quantity, half.adopted) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.1"), True)
    for intent in over:
        order = desk.order(intent)
        assert (order.status, order.filled_quantity, order.adopted) == (OrderStatus.FILLED, Decimal("0.2"), True)
    assert sorted(int(fill.trade_id) for fill in desk.state.fills) == sorted(
        int(f.trade_id) for f in desk.account.trades
    )

    again = await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    assert again.differences == 0


async def test_fills_of_our_own_order_while_nobody_listened(desk: Desk) -> None:
    """It was half filled and canceled at the venue: the fills come before its end."""
    intent = buy("0.3")
    await desk.submit(intent)
    await desk.desk.stop()
    desk.account.book.clear()
    made_elsewhere(desk, intent, 101)
    desk.account.fill(intent.client_order_id, "0.1", 5)
    desk.account.fill(intent.client_order_id, "0.1", 6)
    desk.account.end(intent.client_order_id, OrderStatus.CANCELED)

    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)

    causes = [(type(event), event.cause) for event in desk.journal.events if isinstance(event, OrderEvent)]
    assert causes[:2] == [(OrderInitiated, Cause.TOLD), (OrderSubmitted, Cause.TOLD)]
    assert causes[-1] == (OrderCanceled, Cause.RECONCILED)
    order = desk.order(intent)
    assert (order.status, order.filled_quantity, order.adopted) == (OrderStatus.CANCELED, Decimal("0.2"), False)


async def test_a_trade_the_venue_tells_later_is_still_found_by_comparing(desk: Desk) -> None:
    """The comparison sees that something was filled, and the list of trades lags behind: fetched a moment later, the
    trade is told as what the comparison found."""
    intent = buy("0.3")
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    desk.account.fill(intent.client_order_id, "0.1", 5)
    late, desk.account.trades = desk.account.trades, []
    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    assert desk.order(intent).filled_quantity == 0
    desk.account.trades = late
    await until(lambda: desk.order(intent).filled_quantity == Decimal("0.1"))
    (filled,) = [event for event in desk.journal.events if isinstance(event, OrderFilled)]
    assert filled.cause is Cause.RECONCILED


async def test_who_told_first_that_a_trade_is_missing_is_its_cause(desk: Desk) -> None:
    """The stream told of it; a comparison that sees it too meanwhile changes nothing about that."""
    intent = buy("0.3")
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    desk.account.fill(intent.client_order_id, "0.1", 5)
    late, desk.account.trades = desk.account.trades, []
    desk.desk.report(desk.account.book[intent.client_order_id])
    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    desk.account.trades = late
    await until(lambda: desk.order(intent).filled_quantity == Decimal("0.1"))
    (filled,) = [event for event in desk.journal.events if isinstance(event, OrderFilled)]
    assert filled.cause is Cause.TOLD


def just_traded(desk: Desk) -> None:
    desk.account.trades = [replace(fill, ts_venue_ns=desk.clock.ns) for fill in desk.account.trades]


@pytest.mark.parametrize("count", [1, ASKED_ONE_BY_ONE + 3])
async def test_a_trade_whose_order_is_told_later_is_not_passed_by(desk: Desk, count: int) -> None:
    """Made and filled elsewhere, and the venue's orders are a step behind its trades: the comparison is no clean one,
    and the next one finds them all."""
    resting = buy("0.3")
    made_elsewhere(desk, resting, 7)
    desk.account.fill(resting.client_order_id, "0.1", 1)
    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    over = [buy("0.2") for _ in range(count)]
    for number, intent in enumerate(over):
        made_elsewhere(desk, intent, 20 + number)
        desk.account.fill(intent.client_order_id, "0.2", 10 + number)
    just_traded(desk)
    late = desk.account.book
    desk.account.book = {resting.client_order_id: late[resting.client_order_id]}
    told: list[Event] = []
    desk.bus.subscribe(told.append)
    with pytest.raises(VenueUnavailable, match=r"trade 1\d in BTCUSDT"):
        await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    assert not any(isinstance(event, Reconciled) for event in told)
    assert [one.trade_id for one in desk.compared.strangers] == [str(10 + number) for number in range(count)]
    desk.account.book = late
    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    assert [desk.order(intent).filled_quantity for intent in over] == [Decimal("0.2")] * count
    assert (desk.compared.trades[BTC], desk.compared.strangers) == (str(9 + count), [])


async def test_what_the_list_of_orders_does_not_name_is_asked_for_by_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many orders are asked for by the page; one that the page is behind with is asked for singly."""
    resting, over = buy("0.3"), [buy("0.2") for _ in range(ASKED_ONE_BY_ONE + 3)]
    made_elsewhere(desk, resting, 7)
    for number, intent in enumerate(over):
        made_elsewhere(desk, intent, 20 + number)
        desk.account.fill(intent.client_order_id, "0.2", 10 + number)
    just_traded(desk)
    whole = desk.account.orders

    async def behind(instrument: Instrument, first: VenueOrderId) -> list[OrderReport]:
        return (await whole(instrument, first))[:-3]

    monkeypatch.setattr(desk.account, "orders", behind)
    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    assert [desk.order(intent).filled_quantity for intent in over] == [Decimal("0.2")] * len(over)


async def test_an_old_trade_without_an_order_keeps_nobody_from_trading(desk: Desk) -> None:
    """The venue tells of it no more: what comes after it counts, and its order is asked for each time."""
    resting, old, new = buy("0.3"), buy("0.1"), buy("0.2")
    made_elsewhere(desk, resting, 6)
    made_elsewhere(desk, old, 7)
    desk.account.fill(old.client_order_id, "0.1", 5)
    made_elsewhere(desk, new, 8)
    desk.account.fill(new.client_order_id, "0.2", 6)
    forgotten = desk.account.book.pop(old.client_order_id)
    for _ in range(2):
        await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
        assert [one.trade_id for one in desk.compared.strangers] == ["5"]
        assert desk.compared.trades == {BTC: "6"}
    assert desk.order(new).filled_quantity == Decimal("0.2")
    desk.account.book[old.client_order_id] = forgotten
    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    assert desk.order(old).filled_quantity == Decimal("0.1")
    assert desk.compared.strangers == []


async def test_a_trade_in_an_instrument_nobody_traded_here_is_found_the_second_time(desk: Desk) -> None:
    """Only the balances lead to it; they still do after a comparison that could not tell whose it was."""
    desk.account.money = [
        Balance(SIM, "USDT", Decimal(20000), Decimal(0), 1),
        Balance(SIM, "BTC", Decimal(1), Decimal(0), 1),
    ]
    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    intent = buy("0.5")
    made_elsewhere(desk, intent, 7)
    desk.account.fill(intent.client_order_id, "0.5", 5)
    desk.account.money = [
        Balance(SIM, "USDT", Decimal(2), Decimal(0), 2),
        Balance(SIM, "BTC", Decimal("1.5"), Decimal(0), 2),
    ]
    just_traded(desk)
    late, desk.account.book = desk.account.book, {}
    with pytest.raises(VenueUnavailable):
        await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    desk.account.book = late
    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    assert desk.order(intent).filled_quantity == Decimal("0.5")
