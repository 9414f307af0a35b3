"""The sum check through any sequence of trades, deposits, checks and restarts: only what was done elsewhere is left."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from octopus_desktop.engine import ledger
from octopus_desktop.model.account import Balance
from octopus_desktop.model.orders import Fill, Side
from tests.unit.engine.test_ledger import Books

sizes = st.sampled_from(["0.001", "0.02", "0.3"])
prices = st.sampled_from(["59000", "60000.55", "61234.01"])
fees = st.tuples(st.sampled_from(["0", "0.0001", "0.25"]), st.sampled_from(["BTC", "USDT", "BNB"]))


class Sums(RuleBasedStateMachine):
    """A venue whose totals move with each trade at once; we hear of it later, or while it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.now = 0
        self.untold: list[Fill] = []
        self.told: list[Fill] = []
        self.elsewhere: dict[str, Decimal] = {}
        self.shown = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(early=st.integers(0, 2))
    def begin(self, early: int) -> None:
        """What was traded before the first check is in its totals, though it may be told only later."""
        self.desk = Books()
        lost = [self._traded("0.02", "60000", Side.BUY, ("0.01", "BNB")) for _ in range(early)]
        self.check(meanwhile=0)
        self.untold += lost

    # What happens -----------------------------------------------------------

    @rule(size=sizes, price=prices, side=st.sampled_from(Side), fee=fees)
    def trade(self, size: str, price: str, side: Side, fee: tuple[str, str]) -> None:
        self.untold.append(self._traded(size, price, side, fee))

    @rule()
    def tell(self) -> None:
        if self.untold:
            self._tell(self.untold.pop(0))

    @rule(asset=st.sampled_from(["USDT", "BTC"]), amount=st.sampled_from(["-0.5", "0.25", "7"]))
    def deposit(self, asset: str, amount: str) -> None:
        self.desk.totals[asset] += Decimal(amount)
        self.elsewhere[asset] = self.elsewhere.get(asset, Decimal(0)) + Decimal(amount)

    @rule()
    def trade_elsewhere(self) -> None:
        """In the same coins, and with its fee in the same third one, as ours."""
        for asset, amount in (("BTC", "-0.0013"), ("USDT", "78.5"), ("BNB", "-0.017")):
            self.deposit(asset, amount)

    @rule(meanwhile=st.integers(0, 2))
    def check(self, meanwhile: int) -> None:
        """What was not told is told while the venue is asked, and trades go on each time it has written its answer."""
        desk = self.desk

        async def balances() -> list[Balance]:
            self.now += 1
            desk.answer()
            answer = [msgspec.structs.replace(balance, ts_venue_ns=self.now) for balance in desk.account.money]
            late, self.untold = self.untold, []
            for _ in range(meanwhile):
                late.append(self._traded("0.001", "60000", Side.BUY, ("0.01", "BNB")))
            asyncio.get_running_loop().call_later(0.001, lambda: [self._tell(fill) for fill in late])
            return answer

        desk.account.balances = balances  # type: ignore[method-assign]  # as long as this check lasts
        found = self.run(desk.ledger.check(desk.account)).differences
        del desk.account.balances
        wanted = {asset: amount for asset, amount in self.elsewhere.items() if amount}
        assert {each.asset: each.difference for each in found} == wanted
        self.shown += bool(found)
        self.elsewhere.clear()
        self.run(asyncio.sleep(0.003))

    @rule()
    def restart(self) -> None:
        """The journal brings our fills back, the settings what was compared last."""
        totals, count = self.desk.totals, self.desk._trades
        self.desk = Books(self.desk.settings)
        self.desk.totals, self.desk._trades, self.shown = totals, count, 0
        for fill in self.told:
            self.desk.tell(fill)
        self.run(self.desk.ledger.remember())

    # What holds -------------------------------------------------------------

    @invariant()
    def each_difference_is_kept(self) -> None:
        if hasattr(self, "desk"):
            assert len(self.desk.state.unexplained) == self.shown

    def teardown(self) -> None:
        try:
            if hasattr(self, "desk"):
                self.check(meanwhile=0)
                self.check(meanwhile=0)
        finally:
            self.loop.close()

    # ------------------------------------------------------------------------

    def _traded(self, size: str, price: str, side: Side, fee: tuple[str, str]) -> Fill:
        self.now += 1
        return msgspec.structs.replace(self.desk.trade(size, price, side, fee), ts_venue_ns=self.now)

    def _tell(self, fill: Fill) -> None:
        self.told.append(fill)
        self.desk.tell(fill)


def test_only_what_was_done_elsewhere_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order trades are done, told and compared: nothing of ours is unexplained, nothing else is hidden."""
    monkeypatch.setattr(ledger, "QUIET_S", 0.0)
    monkeypatch.setattr(ledger, "FILL_COMES_WITHIN_S", 0.02)
    run_state_machine_as_test(
        Sums,
        settings=settings(
            max_examples=60, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
