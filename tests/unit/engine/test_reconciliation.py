"""After a comparison with the venue nothing is missing, whoever made the orders and however many there were."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from octopus_desktop.engine.reconciliation import ASKED_ONE_BY_ONE, reconcile
from octopus_desktop.model.events import (
    Cause,
    OrderCanceled,
    OrderEvent,
    OrderFilled,
    OrderInitiated,
    OrderSubmitted,
)
from octopus_desktop.model.identifiers import VenueOrderId
from octopus_desktop.model.orders import OrderIntent, OrderStatus
from octopus_desktop.model.reports import OrderReport
from tests.unit.engine.scripted import Desk, buy, until


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
