"""The sum check: what the venue has against what our fills add up to."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.engine import ledger as room
from octopus_desktop.engine.ledger import LEDGER_SETTING, Ledger
from octopus_desktop.model.account import Balance
from octopus_desktop.model.events import LedgerChecked, OrderAccepted, OrderFilled, OrderInitiated, OrderSubmitted
from octopus_desktop.model.identifiers import TradeId, VenueOrderId
from octopus_desktop.model.orders import Fill, Side
from tests.unit.engine.scripted import BTC, SIM, Desk, Settings, buy


class Books(Desk):
    """A desk with its ledger, and a venue whose balances move with the fills."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = settings or Settings()
        self.ledger = Ledger(self.bus, self.journal, self.settings, self.clock, SIM)  # type: ignore[arg-type]  # the part it needs
        self.totals = {"BTC": Decimal(1), "USDT": Decimal(20000), "BNB": Decimal(2)}
        self._trades = 0

    def trade(self, quantity: str, price: str, side: Side = Side.BUY, fee: tuple[str, str] = ("0", "USDT")) -> Fill:
        """At the venue; `tell` brings it here."""
        self._trades += 1
        intent = buy(quantity, price, side=side)
        amount, asset = Decimal(fee[0]), fee[1]
        fill = Fill(
            BTC,
            intent.client_order_id,
            VenueOrderId(str(self._trades)),
            TradeId(str(self._trades)),
            side,
            Decimal(price),
            Decimal(quantity),
            amount,
            asset,
            False,
            self._trades,
        )
        self.totals["BTC"] += side.sign * fill.quantity
        self.totals["USDT"] -= side.sign * fill.quantity * fill.price
        self.totals[asset] -= amount
        self.intent = intent
        return fill

    def tell(self, fill: Fill) -> None:
        intent = msgspec.structs.replace(
            buy(str(fill.quantity), str(fill.price), side=fill.side), client_order_id=fill.client_order_id
        )
        name = fill.client_order_id
        for event in (
            OrderInitiated(name, 1, intent),
            OrderSubmitted(name, 1),
            OrderAccepted(name, 1, fill.venue_order_id),
            OrderFilled(name, 1, fill, True),
        ):
            self.bus.publish(event)

    def answer(self) -> None:
        """The venue writes its answer now; what happens after this is not in it."""
        self.account.money = [Balance(SIM, asset, total, Decimal(0), 1) for asset, total in self.totals.items()]

    async def check(self) -> LedgerChecked:
        self.answer()
        return await self.ledger.check(self.account)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "QUIET_S", 0.0)
    monkeypatch.setattr(room, "FILL_COMES_WITHIN_S", 0.05)


async def test_our_own_fills_explain_the_balances() -> None:
    """Bought and sold, with fees in a third coin: nothing is left over."""
    desk = Books()
    assert (await desk.check()).differences == ()
    desk.tell(desk.trade("0.1", "60000", fee=("0.01", "BNB")))
    desk.tell(desk.trade("0.04", "61000.55", Side.SELL, fee=("2.44", "USDT")))
    desk.tell(desk.trade("0.01", "60500", fee=("0.00001", "BTC")))
    assert (await desk.check()).differences == ()


async def test_a_fill_that_is_told_after_the_beginning_was_in_it() -> None:
    """Its message was lost, and the totals the check began with held it: it is not asked for a second time."""
    desk = Books()
    late = desk.trade("0.1", "60000")
    desk.answer()
    desk.account.money = [msgspec.structs.replace(balance, ts_venue_ns=100) for balance in desk.account.money]
    assert (await desk.ledger.check(desk.account)).differences == ()
    desk.tell(late)
    desk.tell(msgspec.structs.replace(desk.trade("0.2", "60100"), ts_venue_ns=200))
    assert (await desk.check()).differences == ()


async def test_a_deposit_is_shown_once_and_kept() -> None:
    """What our fills do not explain is told with both sums, written down, and then taken as given."""
    desk = Books()
    await desk.check()
    desk.totals["USDT"] += 500
    checked = await desk.check()
    (found,) = checked.differences
    assert (found.asset, found.difference) == ("USDT", Decimal(500))
    assert checked in desk.journal.events
    assert list(desk.state.unexplained) == [checked]
    assert "USDT +500" in desk.state.notices[-1].text
    assert (await desk.check()).differences == ()
    assert list(desk.state.unexplained) == [checked], "a clean check later hides nothing"


async def test_a_fill_told_while_the_venue_is_asked_is_no_difference() -> None:
    """The answer was written before the fill, the fill overtook it: it is not missing, it is later."""
    desk = Books()
    await desk.check()
    desk.answer()
    ask = desk.account.balances

    async def slow() -> list[Balance]:
        money = await ask()
        desk.tell(desk.trade("0.1", "60000"))
        return money

    desk.account.balances = slow  # type: ignore[method-assign]  # as long as this check lasts
    assert (await desk.ledger.check(desk.account)).differences == ()
    desk.account.balances = ask  # type: ignore[method-assign]  # as long as this check lasts
    assert (await desk.check()).differences == (), "and it counts in the next one"


async def test_a_trade_made_elsewhere_is_no_larger_for_a_fill_told_meanwhile() -> None:
    """Nothing explains all of it, and what came after the answer is not reckoned into it."""
    desk = Books()
    await desk.check()
    desk.totals["BTC"] -= Decimal("0.01")
    desk.totals["USDT"] += 600
    ask, clock = desk.account.balances, itertools.count(100, 100)

    async def slow() -> list[Balance]:
        now = next(clock)
        desk.answer()
        money = [msgspec.structs.replace(balance, ts_venue_ns=now) for balance in await ask()]
        desk.tell(msgspec.structs.replace(desk.trade("0.1", "60000"), ts_venue_ns=now + 50))
        return money

    desk.account.balances = slow  # type: ignore[method-assign]  # as long as this check lasts
    checked = await desk.ledger.check(desk.account)
    found = {difference.asset: difference.difference for difference in checked.differences}
    assert found == {"BTC": Decimal("-0.01"), "USDT": Decimal(600)}
    desk.account.balances = ask  # type: ignore[method-assign]  # as long as this check lasts
    assert (await desk.check()).differences == ()


async def test_a_fill_that_is_still_on_its_way_is_waited_for() -> None:
    """The answer holds a fill that the stream brings a moment later."""

    desk = Books()
    await desk.check()
    fill = desk.trade("0.1", "60000")
    asyncio.get_running_loop().call_later(0.01, desk.tell, fill)
    assert (await desk.check()).differences == ()


async def test_the_baseline_survives_a_restart() -> None:
    """What was filled while the terminal was closed explains itself once it is told."""
    desk = Books()
    await desk.check()
    assert LEDGER_SETTING in desk.settings.kept
    fill = desk.trade("0.1", "60000", fee=("0.006", "BNB"))
    again = Books(desk.settings)
    await again.ledger.remember()
    again.totals = desk.totals
    again.tell(fill)
    assert (await again.check()).differences == ()
    again.totals["BNB"] -= 1
    assert [each.asset for each in (await again.check()).differences] == ["BNB"]
