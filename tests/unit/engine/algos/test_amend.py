"""Changing an order: the old and the new one are both known in the end, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from octopus_desktop.engine.audit import Auditor
from octopus_desktop.engine.confirmation import FirstOrder
from octopus_desktop.engine.entry import Lock
from octopus_desktop.engine.orders import NEVER_SENT
from octopus_desktop.engine.requests import Requests, Trading
from octopus_desktop.model.commands import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    Done,
    Outcome,
    Refused,
    SubmitOrder,
)
from octopus_desktop.model.errors import RequestRefused
from octopus_desktop.model.events import TradingLevelChanged
from octopus_desktop.model.identifiers import ClientOrderId
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import Order, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.profile import Dialect, Mode, Profile
from octopus_desktop.model.safety import LevelCause, TradingLevel
from octopus_desktop.ports import Capability
from tests.unit.engine.algos.exchange import Resting, World, world
from tests.unit.engine.scripted import BTC, SIM

D = Decimal
OLD, NEW = ClientOrderId("old"), ClientOrderId("new")
GONE = "The order in BTCUSDT is gone and the new one is not there"


@pytest.fixture
def market() -> Iterator[World]:
    with world() as there:
        intent = OrderIntent(OLD, BTC, Side.BUY, OrderType.LIMIT, D("0.1"), D(59000))
        there.do(there.orders.submit(SubmitOrder(intent)))
        there.run()
        yield there


def amend(market: World, *, price: str | None = "59500", quantity: str | None = None, seconds: float = 60) -> Outcome:
    command = AmendOrder(
        OLD,
        NEW,
        price=D(price) if price is not None else None,
        quantity=D(quantity) if quantity is not None else None,
    )
    outcome = market.do(market.amendments.amend(command))
    market.run(seconds)
    return outcome


def old(market: World) -> Resting:
    return market.exchange.book[OLD]


def status(market: World, name: ClientOrderId) -> OrderStatus:
    return market.state.orders[name].status


def resting(market: World) -> dict[str, Decimal]:
    return {name: order.remaining for name, order in market.exchange.book.items() if order.open}


@pytest.mark.parametrize("capabilities", [frozenset(Capability), frozenset()])
def test_a_new_price_takes_the_place_of_the_old(market: World, capabilities: frozenset[Capability]) -> None:
    """In one request where the venue has it, else cancel and place; the quantity is the same."""
    market.exchange.capabilities = capabilities
    assert amend(market) == Done()
    assert resting(market) == {NEW: D("0.1")}
    assert status(market, OLD) is OrderStatus.CANCELED
    assert ("amend" in market.exchange.requests) is bool(capabilities)
    assert market.state.orders[NEW].intent.replaces == OLD


def test_what_was_filled_is_not_bought_again(market: World) -> None:
    """The new order is for what is left, and the quantity given counts what was filled."""
    market.exchange.fill(old(market), "0.04")
    market.run()
    amend(market, quantity="0.2")
    assert resting(market) == {NEW: D("0.16")}


@pytest.mark.parametrize("delay_s", [0.0, 0.001, 0.005, 0.012, 0.03, 0.06])
@pytest.mark.parametrize("before", ["0", "0.02"])
def test_a_fill_on_the_way_is_never_bought_twice(market: World, delay_s: float, before: str) -> None:
    """Whenever the fill comes, what is filled and what rests is never more than was asked for."""
    if D(before):
        market.exchange.fill(old(market), before)
        market.run()
    market.do(market.amendments.amend(AmendOrder(OLD, NEW, price=D(59500))))
    market.run(delay_s)
    if old(market).open:
        market.exchange.fill(old(market), "0.03")
    market.run(60)
    bought = sum((fill.quantity for fill in market.exchange.trades), D(0))
    assert bought + sum(resting(market).values()) <= D("0.1")
    assert resting(market) or GONE in market.notices()
    assert all(order.status is not OrderStatus.UNKNOWN for order in market.state.orders.values())


@pytest.mark.parametrize(
    ("fault", "left", "told"),
    [
        ("refuse", {OLD}, False),
        ("half", set(), True),
        ("lost", {OLD}, False),
        ("unanswered", {NEW}, False),
    ],
)
def test_every_outcome_ends_with_both_known(market: World, fault: str, left: set[str], told: bool) -> None:
    """Refused, half done, never arrived or without an answer: the trader is told where nothing is left."""
    market.exchange.faults.append(fault)
    amend(market)
    assert set(resting(market)) == left == set(market.state.working)
    assert (GONE in market.notices()) is told


@pytest.mark.parametrize("fault", ["refuse", "lost", "unanswered"])
def test_cancel_and_place_ends_with_both_known(market: World, fault: str) -> None:
    """The same where the venue has no amendment."""
    market.exchange.capabilities = frozenset()
    market.exchange.faults.append(fault)
    amend(market)
    assert set(resting(market)) == set(market.state.working)
    assert bool(resting(market)) is (fault == "unanswered")
    assert (GONE in market.notices()) is (fault != "unanswered")


@pytest.mark.parametrize("capabilities", [frozenset(Capability), frozenset()])
@pytest.mark.parametrize("fault", ["", "half", "lost", "unanswered"])
@pytest.mark.parametrize("moment_s", [0.0, 0.0015, 0.005, 0.0115, 0.015, 0.025, 0.045])
def test_killed_at_any_moment_both_are_known_after_the_start(
    market: World, capabilities: frozenset[Capability], fault: str, moment_s: float
) -> None:
    """One of the two works, or the trader is told that none does."""
    market.exchange.capabilities = capabilities
    market.exchange.faults.append(fault)
    market.do(market.amendments.amend(AmendOrder(OLD, NEW, price=D(59500))))
    market.run(moment_s)
    earlier = market.notices()
    market.crash()
    market.start()
    market.run(60)
    assert set(resting(market)) == set(market.state.working)
    assert len(resting(market)) <= 1
    assert resting(market) or GONE in [*earlier, *market.notices()]


def test_what_waits_for_the_new_order_waits_no_longer(market: World) -> None:
    """A bracket leaves an order alone that is being changed: it is free again when the new one's fate is known."""
    market.exchange.faults.append("lost")
    market.do(market.amendments.amend(AmendOrder(OLD, NEW, price=D(59500))))
    market.run(0.005)
    market.crash()
    market.start()
    for _ in range(600):
        if market.state.orders[NEW].status.is_terminal:
            break
        market.run(0.1)
    market.run(1)
    assert not market.amendments.is_under_way(market.state.orders[OLD])


def test_nothing_takes_the_place_of_a_canceled_order_once_trading_is_halted(market: World) -> None:
    """The kill switch falls between the cancel and the new order: the new one stays here, and the trader is told."""
    market.exchange.capabilities = frozenset()
    amend(market, seconds=0)
    pulled = TradingLevelChanged(TradingLevel.HALTED, "Pulled.", market.clock.now_ns(), LevelCause.KILL_SWITCH)
    market.bus.publish(pulled)
    market.run(60)
    assert resting(market) == {}
    assert NEW not in market.exchange.book
    assert status(market, NEW) is OrderStatus.REJECTED
    assert market.state.notices[-1].title == GONE


@pytest.mark.parametrize(("lock", "left"), [(Lock.RECONCILING, {NEW: D("0.1")}), (Lock.TRADER, {})])
def test_a_comparison_between_cancel_and_place_loses_no_order(
    market: World, lock: Lock, left: dict[ClientOrderId, Decimal]
) -> None:
    """It begins every few minutes and may take its time: the order is in its place again. The trader's lock holds."""
    market.exchange.capabilities = frozenset()
    amend(market, seconds=0)
    market.lock.shut(lock)
    market.lock.shut(Lock.RECONCILING)
    market.run(60)
    assert resting(market) == left


async def cancel_by_hand(market: World, command: CancelOrder | CancelAllOrders) -> Outcome:
    """As a command of the trader is carried out."""
    others: list[Any] = [None] * 3  # what no order asks for
    profile = Profile("demo", SIM, Dialect.BINANCE_SPOT, Mode.DEMO)
    auditor = Auditor(market.bus, market.clock)
    requests = Requests(
        profile, market.lock, market.subscriptions, others[0], market.risk, *others[1:], FirstOrder(profile), auditor
    )
    requests.trading = Trading(market.orders, market.amendments, market.algos)
    return await requests.execute(command)


MOMENTS_S = [0.0, 0.001, 0.005, 0.0115, 0.015, 0.025, 0.0315, 0.045]


@pytest.mark.parametrize("capabilities", [frozenset(Capability), frozenset()])
@pytest.mark.parametrize("fault", ["", "half", "lost", "unanswered", "refuse"])
@pytest.mark.parametrize("moment_s", MOMENTS_S)
@pytest.mark.parametrize("everything", [False, True])
def test_who_cancels_an_order_that_is_being_changed_has_none_left(
    market: World, capabilities: frozenset[Capability], fault: str, moment_s: float, everything: bool
) -> None:
    """Neither the old one nor the new, wherever they are by then, and nobody tells him to place it again."""
    market.exchange.capabilities = capabilities
    market.exchange.faults.append(fault)
    market.do(market.amendments.amend(AmendOrder(OLD, NEW, price=D(59500))))
    market.run(moment_s)
    earlier = market.notices()
    there = OLD if market.amendments.is_under_way(market.state.orders[OLD]) else next(iter(market.state.working), OLD)
    market.do(cancel_by_hand(market, CancelAllOrders(BTC) if everything else CancelOrder(there)))
    market.run(60)
    assert resting(market) == {}
    assert not market.state.working
    assert market.notices() == earlier


@pytest.mark.parametrize("moment_s", [0.001, 0.005, 0.012])
def test_the_new_one_never_leaves_once_the_old_one_is_canceled_by_hand(market: World, moment_s: float) -> None:
    """In two steps: it waits for the end of the old one, which the trader wants to be the end of both."""
    market.exchange.capabilities = frozenset()
    market.exchange.requests.clear()
    market.do(market.amendments.amend(AmendOrder(OLD, NEW, price=D(59500))))
    market.run(moment_s)
    market.do(cancel_by_hand(market, CancelOrder(OLD)))
    market.run(60)
    assert market.exchange.requests == ["cancel"]
    assert (status(market, NEW), market.state.orders[NEW].reason) == (OrderStatus.CANCELED, NEVER_SENT)


@pytest.mark.parametrize(("end", "word"), [("cancel", "canceled"), ("fill", "filled")])
def test_who_cancels_an_order_that_ended_in_its_change_is_told_of_the_new_one(
    market: World, end: str, word: str
) -> None:
    """The old one is gone and the new one not sent yet: the press was not for nothing, and says so."""
    market.exchange.capabilities = frozenset()
    market.do(market.amendments.amend(AmendOrder(OLD, NEW, price=D(59500))))
    if end == "fill":
        market.exchange.fill(old(market), "0.1")
    while not market.state.orders[OLD].status.is_terminal:
        market.run(0.001)
    outcome = market.do(cancel_by_hand(market, CancelOrder(OLD)))
    assert outcome == Refused(f"The order is {word} already. Its change is called off: the new order is not sent.")
    market.run(60)
    assert (status(market, NEW), NEW in market.exchange.book) == (OrderStatus.CANCELED, False)
    assert market.do(cancel_by_hand(market, CancelOrder(OLD))) == Refused(f"The order is {word} already.")


def test_who_cancels_an_order_whose_change_has_left_is_told_that_the_new_one_goes_too(market: World) -> None:
    """It was sent and not answered yet."""
    market.exchange.capabilities = frozenset()
    market.do(market.amendments.amend(AmendOrder(OLD, NEW, price=D(59500))))
    while not market.orders.has_left(NEW):
        market.run(0.001)
    outcome = market.do(cancel_by_hand(market, CancelOrder(OLD)))
    assert outcome == Refused(
        "The order is canceled already. Its change is called off: the new order is being canceled."
    )
    market.run(60)
    assert resting(market) == {}


def test_a_cancel_that_overtakes_the_change_is_made_good(market: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue takes the cancels first and knows neither wish; the changed order is there a moment later, and goes."""
    amended, canceled, cancel = market.exchange.amend, [], market.exchange.cancel

    async def slow(*asked: Any) -> Any:
        await asyncio.sleep(1)
        return await amended(*asked)

    async def too_early(order: Order, instrument: Instrument) -> Any:
        canceled.append(order.client_order_id)
        if len(canceled) <= 2:
            raise RequestRefused("Too busy.", -1003)
        return await cancel(order, instrument)

    monkeypatch.setattr(market.exchange, "amend", slow)
    monkeypatch.setattr(market.exchange, "cancel", too_early)
    market.do(market.amendments.amend(AmendOrder(OLD, NEW, price=D(59500))))
    market.run(0.1)
    market.do(cancel_by_hand(market, CancelOrder(OLD)))
    market.run(60)
    assert resting(market) == {}
    assert status(market, NEW) is OrderStatus.CANCELED


def test_the_same_name_twice_is_one_amendment(market: World) -> None:
    """A repeated press changes nothing."""
    amend(market)
    assert amend(market) == Done(0)
    assert len(market.exchange.book) == 2


def test_what_cannot_be_changed_is_refused_with_a_sentence(market: World) -> None:
    """Filled too far, being canceled, over, or of a kind without that price."""
    market.exchange.fill(old(market), "0.04")
    market.run()
    assert amend(market, quantity="0.03") == Refused("0.04 is filled already: cancel the order instead.")
    trigger = AmendOrder(OLD, NEW, trigger_price=D(1))
    assert market.do(market.amendments.amend(trigger)) == Refused("A limit order has no trigger price.")
    market.do(market.orders.cancel(CancelOrder(OLD)))
    assert amend(market) == Refused("The order is being canceled.")
    assert amend(market) == Refused("The order is canceled already.")
    assert set(market.state.orders) == {OLD}
