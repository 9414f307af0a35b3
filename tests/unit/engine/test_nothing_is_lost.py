"""What the chaos runs found, each as the trader would have met it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.engine.inquiry import NEVER_ARRIVED_NS
from octopus_desktop.engine.lifecycle import progress
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.engine.reconciliation import reconcile
from octopus_desktop.model.account import Balance
from octopus_desktop.model.commands import CancelOrder, Done
from octopus_desktop.model.errors import LinkError, StorageError, VenueTimeout
from octopus_desktop.model.events import (
    BalanceChanged,
    OrderCancelRequested,
    OrderDenied,
    OrderFilled,
    OrderInitiated,
    OrderSubmitted,
)
from octopus_desktop.model.identifiers import ClientOrderId, VenueOrderId
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.state import State
from tests.unit.engine.scripted import BTC, SIM, Desk, buy, until


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    await desk.desk.stop()


async def compare(desk: Desk) -> None:
    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)


async def restarted(desk: Desk) -> None:
    """The desk of the next start, on what the journal remembers."""
    await desk.desk.stop()
    desk.desk = OrderDesk(desk.bus, desk.journal, desk.account, desk.lock, desk.clock, desk.risk)


def elsewhere(desk: Desk, intent: OrderIntent, number: int) -> None:
    """Made on the venue's own page; nobody tells us."""
    name = intent.client_order_id
    desk.account.book[name] = OrderReport(
        name, VenueOrderId(str(number)), intent, OrderStatus.ACCEPTED, Decimal(0), (), 1
    )


async def test_one_keypress_is_one_order_across_a_restart(desk: Desk) -> None:
    """The ticket's token is in the journal: after a crash the same keypress is still the same order."""
    intent = buy(token="ticket-7")
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    await restarted(desk)
    assert await desk.submit(buy(token="ticket-7")) == Done(0)
    assert desk.account.submitted == [intent]


async def test_a_disk_that_said_no_and_kept_it_all_the_same(desk: Desk) -> None:
    """The commit failed, so nothing was sent; the rows are in the file. What is read back is a denied order."""
    intent = buy()
    desk.journal.failing = StorageError("disk I/O error")
    await desk.submit(intent)
    events = desk.journal.events
    assert [type(event) for event in events] == [OrderInitiated, OrderDenied]
    name = intent.client_order_id
    state = State()
    for event in (OrderInitiated(name, 1, intent), OrderSubmitted(name, 1), *events):
        state.apply(event)
    assert state.orders[name].status is OrderStatus.DENIED
    assert name not in state.working


async def test_every_order_a_dead_disk_denied_is_remembered(desk: Desk) -> None:
    """Two keys pressed while the disk was full: both denials are in the journal once it can be written."""
    desk.journal.failing = StorageError("The disk is full.")
    first, second = buy("0.01"), buy("0.02")
    await asyncio.gather(desk.submit(first), desk.submit(second))
    denied = {event.client_order_id for event in desk.journal.events if isinstance(event, OrderDenied)}
    assert denied == {first.client_order_id, second.client_order_id}


async def test_a_cancel_asked_for_before_a_crash_is_carried_out(desk: Desk) -> None:
    """The program ended between the key and the venue's answer: the next comparison cancels the order."""
    intent = buy()
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    desk.bus.publish(OrderCancelRequested(intent.client_order_id, 5))
    await restarted(desk)
    await compare(desk)
    await until(lambda: desk.order(intent).status is OrderStatus.CANCELED)


async def test_a_cancel_pressed_again_after_a_crash_is_sent(desk: Desk) -> None:
    """The order still says that it is being canceled; the trader presses once more and something happens."""
    intent = buy()
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    desk.bus.publish(OrderCancelRequested(intent.client_order_id, 5))
    await restarted(desk)
    assert await desk.desk.cancel(CancelOrder(intent.client_order_id)) == Done()
    await until(lambda: desk.order(intent).status is OrderStatus.CANCELED)


async def test_never_arrived_is_counted_from_the_end_of_the_request(desk: Desk) -> None:
    """A slow disk held the order back for half a minute: it may have left only now, so it is not called lost."""
    intent = buy()
    desk.account.fail_submit = VenueTimeout("no answer")
    await desk.submit(intent)
    desk.clock.ns += 2 * NEVER_ARRIVED_NS
    await until(lambda: desk.order(intent).status is OrderStatus.UNKNOWN)
    assert not await desk.desk.inquiry.ask(desk.order(intent))
    desk.clock.ns += NEVER_ARRIVED_NS + 1
    assert await desk.desk.inquiry.ask(desk.order(intent))


async def test_an_order_of_the_last_session_may_have_left_until_its_end(desk: Desk) -> None:
    """It was submitted long ago and the program ended just now: the venue gets its time before it is called lost."""
    intent = buy()
    name = intent.client_order_id
    for event in (OrderInitiated(name, desk.clock.ns, intent), OrderSubmitted(name, desk.clock.ns)):
        desk.bus.publish(event)
    desk.clock.ns += 2 * NEVER_ARRIVED_NS
    await restarted(desk)
    assert not await desk.desk.inquiry.ask(desk.order(intent))
    assert desk.order(intent).status is OrderStatus.UNKNOWN, "its outcome is in doubt, and that is to be seen"
    desk.clock.ns += NEVER_ARRIVED_NS + 1
    assert await desk.desk.inquiry.ask(desk.order(intent))
    assert desk.order(intent).status is OrderStatus.REJECTED


async def test_a_fill_older_than_our_newest_is_found(desk: Desk) -> None:
    """The stream lost a fill of an order made elsewhere and told a later one of ours: both are known in the end."""
    mine = buy("0.05")
    await desk.submit(mine)
    await until(lambda: desk.order(mine).status is OrderStatus.ACCEPTED)
    await compare(desk)
    theirs = buy("0.02")
    elsewhere(desk, theirs, 50)
    desk.account.fill(theirs.client_order_id, "0.02", 3)
    told = desk.account.fill(mine.client_order_id, "0.05", 5)
    desk.desk.report(msgspec.structs.replace(desk.account.book[mine.client_order_id], fills=(told,)))
    assert [fill.trade_id for fill in desk.state.fills] == ["5"]
    await compare(desk)
    assert sorted(fill.trade_id for fill in desk.state.fills) == ["3", "5"]


async def test_a_trade_elsewhere_in_an_instrument_never_traded_here(desk: Desk) -> None:
    """Both sides of the instrument changed since the last comparison: its trades are asked for."""
    await compare(desk)
    desk.compared.totals = {"BTC": Decimal(1), "USDT": Decimal(20000)}
    theirs = buy("0.02")
    elsewhere(desk, theirs, 50)
    desk.account.fill(theirs.client_order_id, "0.02", 3)
    desk.account.money = [
        Balance(SIM, "BTC", Decimal("1.02"), Decimal(0), 2),
        Balance(SIM, "USDT", Decimal(18800), Decimal(0), 2),
    ]
    await compare(desk)
    assert desk.order(theirs).adopted
    assert desk.state.positions[BTC].quantity == Decimal("0.02")


async def test_a_balance_told_while_the_venue_is_asked_is_not_overwritten(desk: Desk) -> None:
    """The stream's newer balance stands against the answer that was on its way."""
    newer = Balance(SIM, "USDT", Decimal(7), Decimal(0), 9)
    older = Balance(SIM, "USDT", Decimal(20000), Decimal(0), 3)
    answers = 0

    async def balances() -> list[Balance]:
        nonlocal answers
        answers += 1
        if answers == 1:
            desk.bus.publish(BalanceChanged(newer))
            return [older]
        return [newer]

    desk.account.balances = balances  # type: ignore[method-assign]
    await compare(desk)
    assert desk.state.balances[SIM, "USDT"] is newer


async def test_a_comparison_that_could_not_ask_is_not_a_comparison(desk: Desk) -> None:
    """One working order could not be asked for: order entry stays locked, the comparison is made again."""
    intent = buy()
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    desk.account.end(intent.client_order_id, OrderStatus.CANCELED)
    desk.account.fail_order = LinkError("cut")
    with pytest.raises(LinkError):
        await compare(desk)
    desk.account.fail_order = None
    await compare(desk)
    assert desk.order(intent).status is OrderStatus.CANCELED


def test_an_order_in_quote_currency_is_done_when_the_venue_says_so() -> None:
    """Its fills are all known and the word that it is filled comes after them: it does not stay half filled."""
    name = ClientOrderId("od-9")
    intent = OrderIntent(name, BTC, buy().side, OrderType.MARKET, Decimal(0), quote_quantity=Decimal(600))
    desk = Desk()
    desk.account.book[name] = OrderReport(
        name, VenueOrderId("9"), intent, OrderStatus.PARTIALLY_FILLED, Decimal(0), (), 1
    )
    fill = desk.account.fill(name, "0.01", 1)
    report = msgspec.structs.replace(desk.account.book[name], status=OrderStatus.PARTIALLY_FILLED, fills=(fill,))
    state = desk.state
    for event in (OrderInitiated(name, 1, intent), OrderSubmitted(name, 1), *progress(None, report, 2).events[2:]):
        state.apply(event)
    assert state.orders[name].status is OrderStatus.PARTIALLY_FILLED
    done = msgspec.structs.replace(report, status=OrderStatus.FILLED, fills=())
    events, missing = progress(state.orders[name], done, 3)
    assert (events, missing) == ([], Decimal("0.01")), "its trades are asked for once more"
    events, _ = progress(state.orders[name], done, 3, [fill])
    assert [type(event) for event in events] == [OrderFilled]
    state.apply(events[0])
    assert state.orders[name].status is OrderStatus.FILLED
    assert len(state.fills) == 1


def test_an_order_called_rejected_that_the_venue_canceled_is_over() -> None:
    """The venue knew it after all, and has canceled it since: it does not come back to life as working."""
    desk = Desk()
    intent = buy()
    name = intent.client_order_id
    for event in (OrderInitiated(name, 1, intent), OrderSubmitted(name, 1)):
        desk.state.apply(event)
    rejected = OrderReport(name, VenueOrderId(""), intent, OrderStatus.REJECTED, Decimal(0), (), 1)
    canceled = OrderReport(name, VenueOrderId("7"), intent, OrderStatus.CANCELED, Decimal(0), (), 1)
    for report in (rejected, canceled):
        for event in progress(desk.state.orders[name], report, 2).events:
            desk.state.apply(event)
    assert desk.state.orders[name].status is OrderStatus.CANCELED
