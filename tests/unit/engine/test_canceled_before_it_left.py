"""Who cancels an order that is still here keeps it here: it never leaves, and says why."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.engine.diary import Diary
from octopus_desktop.engine.orders import NEVER_SENT
from octopus_desktop.model.algos import OnRestart, Scale
from octopus_desktop.model.commands import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    Done,
    Outcome,
    Refused,
    StartAlgo,
    SubmitOrder,
)
from octopus_desktop.model.errors import StorageError
from octopus_desktop.model.events import AnyOrderEvent, OrderInitiated, OrderSubmitted
from octopus_desktop.model.identifiers import ClientOrderId
from octopus_desktop.model.orders import Order, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.state import State
from tests.unit.engine.algos.exchange import ALGO, World, world
from tests.unit.engine.scripted import BTC, Desk, buy, until

D = Decimal
OLD, NEW = ClientOrderId("old"), ClientOrderId("new")


class Disk:
    """Held by another writer until it is `free`. What is asked for is in order all the same."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = asyncio.Event()
        self.error: Exception | None = None
        self._events = desk.journal.events
        monkeypatch.setattr(desk.journal, "commit", self._commit)

    async def _commit(self, events: Sequence[AnyOrderEvent]) -> None:
        mine = list(events)
        self._events += mine
        await self.free.wait()
        if self.error is not None:
            self._events[:] = [event for event in self._events if event not in mine]
            raise self.error


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    await desk.desk.stop()


@pytest.fixture
def disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(desk, monkeypatch)


@pytest.fixture
def canceled_there(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[ClientOrderId]:
    """What the venue was asked to cancel."""
    asked: list[ClientOrderId] = []
    cancel = desk.account.cancel

    async def spy(order: Order, instrument: object) -> object:
        asked.append(order.client_order_id)
        return await cancel(order, instrument)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(desk.account, "cancel", spy)
    return asked


async def start(desk: Desk, intent: OrderIntent, *, flattening: bool = False) -> asyncio.Task[Outcome]:
    command = SubmitOrder(intent, acknowledged=True)
    task = asyncio.ensure_future(desk.desk.submit(command, flattening=flattening))
    await until(lambda: intent.client_order_id in desk.state.orders)
    return task


def read_back(desk: Desk) -> State:
    state = State()
    for event in desk.journal.events:
        state.apply(event)
    return state


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("flattening", [False, True])
async def test_an_order_the_disk_still_holds_is_held_back(
    desk: Desk, disk: Disk, canceled_there: list[ClientOrderId], everything: bool, flattening: bool
) -> None:
    """Nothing leaves, the venue is asked for nothing, and the journal tells the same."""
    intent = buy()
    sending = await start(desk, intent, flattening=flattening)
    if everything:
        assert await desk.desk.cancel_all(CancelAllOrders()) == Done(1)
    else:
        assert await desk.desk.cancel(CancelOrder(intent.client_order_id)) == Done()
    await asyncio.sleep(0.01)
    assert desk.order(intent).cancel_requested
    disk.free.set()
    assert await sending == Refused(NEVER_SENT)
    await asyncio.sleep(0.01)
    assert desk.account.submitted == canceled_there == []
    for state in (desk.state, read_back(desk)):
        order = state.orders[intent.client_order_id]
        assert (order.status, order.reason) == (OrderStatus.CANCELED, NEVER_SENT)
        assert not state.working


async def test_the_log_tells_that_it_was_held_back(desk: Desk, disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    """Not that it was canceled at the venue."""
    desk.bus.subscribe(Diary(desk.state).write)
    with caplog.at_level(logging.INFO):
        intent = buy()
        sending = await start(desk, intent)
        await desk.desk.cancel(CancelOrder(intent.client_order_id))
        disk.free.set()
        await sending
    assert any(NEVER_SENT in record.getMessage() for record in caplog.records if record.name.endswith("diary"))


async def test_a_cancel_in_the_moment_the_disk_is_done_is_in_time(desk: Desk, disk: Disk) -> None:
    """The intent is written and nobody has been told yet: the order is still here."""
    intent = buy()
    sending = await start(desk, intent)
    disk.free.set()
    assert await desk.desk.cancel(CancelOrder(intent.client_order_id)) == Done()
    assert await sending == Refused(NEVER_SENT)
    assert desk.account.submitted == []


async def test_an_order_that_has_left_is_canceled_at_the_venue(
    desk: Desk, disk: Disk, canceled_there: list[ClientOrderId]
) -> None:
    """Its bytes are away, its answer is not there yet."""
    disk.free.set()
    intent = buy()
    assert await desk.submit(intent) == Done()
    assert await desk.desk.cancel(CancelOrder(intent.client_order_id)) == Done()
    await until(lambda: desk.order(intent).status is OrderStatus.CANCELED)
    assert canceled_there == [intent.client_order_id]
    assert desk.order(intent).reason != NEVER_SENT


async def test_a_comparison_asks_the_venue_to_cancel_only_what_has_left(
    desk: Desk, disk: Disk, canceled_there: list[ClientOrderId]
) -> None:
    """It takes up the cancels nobody waits for; this one waits for the disk."""
    intent = buy()
    sending = await start(desk, intent)
    await desk.desk.cancel(CancelOrder(intent.client_order_id))
    desk.desk.resume()
    await asyncio.sleep(0.01)
    assert canceled_there == []
    disk.free.set()
    assert await sending == Refused(NEVER_SENT)


async def test_a_disk_that_says_no_is_told_as_ever(desk: Desk, disk: Disk) -> None:
    """It was canceled and could not be written: it is denied, and does not come back from the journal."""
    intent = buy()
    sending = await start(desk, intent)
    await desk.desk.cancel(CancelOrder(intent.client_order_id))
    disk.error = StorageError("The disk is full.")
    disk.free.set()
    assert isinstance(await sending, Refused)
    for state in (desk.state, read_back(desk)):
        assert state.orders[intent.client_order_id].status is OrderStatus.DENIED
        assert not state.working
    disk.error = None


async def test_after_a_crash_the_wish_is_carried_out_as_ever(
    desk: Desk, disk: Disk, canceled_there: list[ClientOrderId]
) -> None:
    """The program ended between the wish and the last look: nobody knows whether the order left."""
    intent = buy()
    name = intent.client_order_id
    for event in (OrderInitiated(name, 1, intent), OrderSubmitted(name, 1)):
        desk.bus.publish(event)
    await desk.desk.cancel(CancelOrder(name))
    await until(lambda: canceled_there == [name])


# Several orders of one request ----------------------------------------------


@pytest.fixture
def market() -> Iterator[World]:
    with world() as there:
        yield there


def resting(market: World) -> dict[str, Decimal]:
    return {name: order.remaining for name, order in market.exchange.book.items() if order.open}


def pair() -> list[OrderIntent]:
    limit = OrderIntent(
        ClientOrderId("limit"), BTC, Side.SELL, OrderType.LIMIT, D("0.1"), D(61000), list_id="pair", role="target"
    )
    stop = msgspec.structs.replace(
        limit, client_order_id=ClientOrderId("stop"), type=OrderType.STOP, price=None, trigger_price=D(59000)
    )
    return [limit, stop]


@pytest.mark.parametrize("written", [False, True])
def test_a_cancel_of_one_holds_the_pair_back(market: World, written: bool) -> None:
    """While the disk works, and in the moment between the disk and the wire."""
    market.exchange.base = D(1)
    market.exchange._tell_balances()
    intents = pair()

    async def both() -> None:
        if written:
            assert await market.orders.submit_list(intents) == Done(2)
            assert await market.orders.cancel(CancelOrder(intents[1].client_order_id)) == Done()
            return
        sending = asyncio.ensure_future(market.orders.submit_list(intents))
        await asyncio.sleep(0)
        assert await market.orders.cancel(CancelOrder(intents[1].client_order_id)) == Done()
        assert await sending == Refused(NEVER_SENT)

    market.do(both())
    market.run(60)
    assert market.exchange.requests == []
    for intent in intents:
        order = market.state.orders[intent.client_order_id]
        assert (order.status, order.reason) == (OrderStatus.CANCELED, NEVER_SENT)


# Changing an order ----------------------------------------------------------


def rest_half_filled(market: World, *, filled: bool = True) -> None:
    market.do(market.orders.submit(SubmitOrder(OrderIntent(OLD, BTC, Side.BUY, OrderType.LIMIT, D("0.1"), D(59000)))))
    market.run()
    if filled:
        market.exchange.fill(market.exchange.book[OLD], "0.04")
        market.run()
    market.exchange.requests.clear()


@pytest.mark.parametrize("moment_s", [0.0, 0.001, 0.005, 0.012, 0.018])
def test_cancel_all_while_an_order_is_changed_in_two_steps_leaves_nothing(market: World, moment_s: float) -> None:
    """The old one is canceled; the new one, which waits for that, never leaves."""
    rest_half_filled(market)

    async def change() -> None:
        assert await market.amendments.amend(AmendOrder(OLD, NEW, price=D(58000))) == Done(1)
        await asyncio.sleep(moment_s)
        assert isinstance(await market.orders.cancel_all(CancelAllOrders()), Done)

    market.do(change())
    market.run(60)
    assert resting(market) == {}
    assert market.exchange.requests == ["cancel"]
    assert not market.state.working
    new = market.state.orders[NEW]
    assert (new.status, new.reason) == (OrderStatus.CANCELED, NEVER_SENT)
    assert market.state.orders[OLD].status is OrderStatus.CANCELED
    assert market.notices() == []
    assert not market.amendments.is_under_way(market.state.orders[OLD])


def test_a_replacement_that_waits_for_a_slow_venue_ends_at_once(market: World) -> None:
    """The venue takes its time with the old one; the new one is not kept waiting to be called off."""
    rest_half_filled(market)
    market.do(market.amendments.amend(AmendOrder(OLD, NEW, price=D(58000))))
    market.run(0.001)
    assert not market.state.orders[OLD].status.is_terminal
    market.do(market.orders.cancel(CancelOrder(NEW)))
    market.run(60)
    assert market.state.orders[NEW].status is OrderStatus.CANCELED
    assert market.exchange.requests == ["cancel"]
    assert resting(market) == {}


def test_cancel_all_before_a_change_in_one_request_leaves_calls_it_off(market: World) -> None:
    """Between the disk and the wire: the order that rests is canceled, the one that was to replace it stays here."""
    rest_half_filled(market, filled=False)

    async def change() -> None:
        assert await market.amendments.amend(AmendOrder(OLD, NEW, price=D(58000))) == Done(1)
        assert await market.orders.cancel_all(CancelAllOrders()) == Done(2)

    market.do(change())
    market.run(60)
    assert market.exchange.requests == ["cancel"]
    assert resting(market) == {}
    assert market.state.orders[NEW].reason == NEVER_SENT
    assert market.notices() == []


# An algo's orders -----------------------------------------------------------


def test_an_algo_does_not_try_again_what_the_trader_called_off(market: World) -> None:
    """One rung of a scale is canceled while the disk works: the others rest, and it does not come back."""
    spec = Scale(
        instrument_id=BTC, side=Side.BUY, quantity=D("0.1"), first_price=D(59000), last_price=D(58000), count=4
    )

    async def begin() -> None:
        await market.algos.start(StartAlgo(ALGO, spec, OnRestart.RESUME))
        await asyncio.sleep(0)
        assert await market.orders.cancel(CancelOrder(market.algo.children[0])) == Done()

    market.do(begin())
    market.run(60)
    assert len(resting(market)) == 3
    assert len(market.algo.children) == 4
    assert market.state.orders[market.algo.children[0]].reason == NEVER_SENT
