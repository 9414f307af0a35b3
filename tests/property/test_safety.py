"""Invariants of the safety rooms: exposure, trading level and kill switch, ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from octopus_desktop.engine import kill_switch, ledger
from octopus_desktop.engine.exposure import Exposure
from octopus_desktop.engine.ledger import Baseline, added, differences, effect_of
from octopus_desktop.model.account import Balance
from octopus_desktop.model.commands import Done, KillSwitch, SetTradingLevel
from octopus_desktop.model.errors import LinkError, RateLimited
from octopus_desktop.model.events import KillStep, OrderAccepted, OrderCanceled, OrderInitiated, OrderSubmitted
from octopus_desktop.model.identifiers import AlgoId, ClientOrderId, VenueOrderId, new_client_order_id
from octopus_desktop.model.orders import ZERO, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.safety import TradingLevel
from tests.unit.engine.scripted import BTC, SIM, Desk, bitcoin, buy, until
from tests.unit.engine.test_kill_switch import Safety
from tests.unit.engine.test_ledger import Books

sizes = st.integers(1, 50).map(lambda lots: str(Decimal(lots) / 1000))
prices = st.integers(50_000, 70_000).map(str)
sides = st.sampled_from(Side)


# Exposure -------------------------------------------------------------------


@st.composite
def orders(draw: st.DrawFn) -> OrderIntent:
    group = draw(st.sampled_from(["none", "none", "list", "algo"]))
    return msgspec.structs.replace(
        buy(draw(sizes), "60000", side=draw(sides)),
        client_order_id=ClientOrderId(f"{new_client_order_id()}"),
        list_id="pair" if group == "list" else None,
        parent=AlgoId("al-1") if group == "algo" else None,
        role=draw(st.sampled_from(["stop", "target"])) if group == "algo" else "",
    )


@given(st.lists(st.tuples(orders(), st.booleans()), max_size=25), orders())
def test_the_kept_sums_are_those_of_all_working_orders(
    history: list[tuple[OrderIntent, bool]], new: OrderIntent
) -> None:
    """However orders come and go, what is counted by event is what one would count from the beginning."""
    desk = Desk()
    for intent, ends in history:
        name = intent.client_order_id
        desk.bus.publish(OrderInitiated(name, 1, intent))
        desk.bus.publish(OrderSubmitted(name, 1))
        desk.bus.publish(OrderAccepted(name, 1, VenueOrderId(name)))
        if ends:
            desk.bus.publish(OrderCanceled(name, 2))
    anew = Exposure(desk.state)
    for name in desk.state.working:
        anew.apply(OrderSubmitted(name, 1))
    for side in Side:
        assert desk.risk.exposure.working(BTC, side, new) == anew.working(BTC, side, new)
        alone = sum((o.remaining for o in desk.state.working.values() if o.intent.side is side), ZERO)
        assert desk.risk.exposure.working(BTC, side, new) <= alone


# Level and kill switch ------------------------------------------------------


class Pulled(RuleBasedStateMachine):
    """Orders, fills, levels, failing doors and the switch in any order, on a loop of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.number = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def start(self) -> None:
        async def make() -> Safety:
            return Safety().open()

        self.desk: Safety = self.run(make())

    def teardown(self) -> None:
        async def end() -> None:
            await self.desk.kill.stop()
            await self.desk.desk.stop()

        self.run(end())
        self.loop.close()

    @rule(size=sizes, side=sides, market=st.booleans())
    def send(self, size: str, side: Side, market: bool) -> None:
        intent = buy(
            size, None if market else "60000", side=side, type_=OrderType.MARKET if market else OrderType.LIMIT
        )
        level = self.desk.state.level.level
        sent = self.run(self.desk.submit(intent)) == Done()
        if sent:
            assert level is not TradingLevel.HALTED
            if level is TradingLevel.REDUCING:
                assert side is Side.SELL
        self.run(asyncio.sleep(0.002))

    @precondition(lambda self: self.desk.state.working)
    @rule()
    def fill(self) -> None:
        name = next(iter(self.desk.state.working))
        order = self.desk.state.orders[name]
        if order.status is OrderStatus.ACCEPTED and self.desk.account.fail_order is None:
            self.number += 1
            self.desk.account.fill(name, str(order.remaining), self.number)
            self.run(self.desk.desk.inquiry.ask(order))

    @rule(broken=st.booleans())
    def doors(self, broken: bool) -> None:
        account = self.desk.account
        account.fail_cancel = RateLimited("429", 0.0) if broken else None
        account.fail_open = LinkError("cut") if broken else None

    @rule()
    def pull(self) -> None:
        assert self.run(self.desk.kill.pull(KillSwitch())) == Done()
        assert self.desk.state.level.level is TradingLevel.HALTED

    @rule(level=st.sampled_from(TradingLevel))
    def set_level(self, level: TradingLevel) -> None:
        self.run(self.desk.levels.set(SetTradingLevel(level)))
        assert self.desk.state.level.level is level

    @precondition(lambda self: self.desk.kill._pulled)
    @rule()
    def wait_for_it(self) -> None:
        """Once the venue answers, a switch that was not called off is verified: nothing works there."""
        self.desk.account.fail_cancel = self.desk.account.fail_open = None
        self.run(until(lambda: self.desk.done(KillStep.VERIFY_CANCELED) and not self.desk.kill._pulled))
        assert not self.desk.state.working
        assert self.run(self.desk.account.open_orders()) == []

    @invariant()
    def the_journal_says_the_same_level(self) -> None:
        if hasattr(self, "desk"):
            again = Desk()
            for event in self.desk.journal.events:
                again.bus.publish(event)
            assert again.state.level == self.desk.state.level or not self.desk.state.level.ts_ns


def test_the_kill_switch_holds_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """In no order of events does an order leave while HALTED, or one that adds while REDUCING."""
    monkeypatch.setattr(kill_switch, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(kill_switch, "SLOWEST_WAIT_S", 0.002)
    run_state_machine_as_test(
        Pulled,
        settings=settings(
            max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(sizes, sides), max_size=8), st.randoms(use_true_random=False))
def test_flattening_on_spot_sells_what_was_bought_and_nothing_else(history: list[tuple[str, Side]], order: Any) -> None:
    """Whatever was bought and sold, told in whatever order: one sale of what the trades in the venue's order leave."""

    async def session() -> None:
        desk = Safety().open()
        desk.risk.limits = msgspec.structs.replace(desk.risk.limits, max_size_multiple=None)
        held, names, told = ZERO, [], {}
        for number, (size, side) in enumerate(history, 1):
            intent = await desk.rest("60000", side, size)
            names.append(intent)
            told[intent.client_order_id] = desk.account.fill(intent.client_order_id, size, number)
            held = max(ZERO, held + Decimal(size) * side.sign)
        order.shuffle(names)
        for intent in names:
            desk.desk.report(desk.account.book[intent.client_order_id], (told[intent.client_order_id],))
        assert desk.state.positions[BTC].quantity == held if names else not held
        desk.account.money = [Balance(SIM, "BTC", Decimal(5), Decimal(0), 1)]
        await desk.kill.pull(KillSwitch(flatten=True))
        if held:
            await until(lambda: any(i.role == "flatten" for i in desk.account.submitted))
        else:
            await until(lambda: desk.done(KillStep.VERIFY_FLAT))
        closing = [(i.side, i.quantity) for i in desk.account.submitted if i.role == "flatten"]
        assert closing == ([(Side.SELL, held)] if held else [])
        await desk.kill.stop()
        await desk.desk.stop()

    asyncio.run(session())


# Ledger ---------------------------------------------------------------------

trades = st.tuples(sizes, prices, sides, st.sampled_from(["BTC", "USDT", "BNB"]), st.integers(0, 100))


@given(st.lists(trades, max_size=30))
def test_nothing_is_created_or_lost(history: list[tuple[str, str, Side, str, int]]) -> None:
    """The sum of all effects is what was bought and sold, and the fees that were paid: to the last digit."""
    desk = Books()
    fills = [desk.trade(q, p, s, (str(Decimal(fee) / 10**6), asset)) for q, p, s, asset, fee in history]
    start = {"BTC": Decimal(1), "USDT": Decimal(20000), "BNB": Decimal(2)}
    end = added(start, (effect_of(fill, bitcoin(), ZERO) for fill in fills))
    assert differences(end, desk.totals, ZERO) == []
    assert added(end, (effect_of(fill, bitcoin(), ZERO) for fill in fills), -1) == start


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_check_is_clean_wherever_the_answer_falls(data: st.DataObject) -> None:
    """Fills are told before, while and after the venue writes its answer; only a deposit is a difference."""

    async def session() -> None:
        desk = Books()
        desk.ledger._baseline = Baseline(desk.account.venue, 0, dict(desk.totals))
        deposit = data.draw(st.sampled_from([0, 0, 7]))
        for _ in range(data.draw(st.integers(1, 4))):
            ask = data.draw(st.lists(trades, max_size=3))
            before, during, late = (data.draw(st.integers(0, len(ask))) for _ in range(3))
            fills = []
            for at, (q, p, s, asset, fee) in enumerate(ask):
                if at == before:
                    desk.answer()
                fills.append(desk.trade(q, p, s, (str(Decimal(fee) / 10**6), asset)))
            if before >= len(ask):
                desk.answer()
            told = min(before, during)
            for fill in fills[:told]:
                desk.tell(fill)
            money = desk.account.money

            async def balances(money: Any = money, fills: Any = fills, told: int = told, late: int = late) -> Any:
                asyncio.get_running_loop().call_later(0.001 * late, lambda: [desk.tell(fill) for fill in fills[told:]])
                await asyncio.sleep(0)
                return money

            desk.account.balances = balances  # type: ignore[method-assign]
            assert (await desk.ledger.check(desk.account)).differences == ()
            await asyncio.sleep(0.005)
        desk.totals["USDT"] += deposit
        desk.answer()
        del desk.account.balances
        found = (await desk.ledger.check(desk.account)).differences
        assert [(each.asset, each.difference) for each in found] == ([("USDT", Decimal(deposit))] if deposit else [])

    quiet, comes = ledger.QUIET_S, ledger.FILL_COMES_WITHIN_S
    ledger.QUIET_S, ledger.FILL_COMES_WITHIN_S = 0.0, 0.2  # type: ignore[misc]
    try:
        asyncio.run(session())
    finally:
        ledger.QUIET_S, ledger.FILL_COMES_WITHIN_S = quiet, comes  # type: ignore[misc]
