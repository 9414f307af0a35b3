"""The kill switch and the trading level on a venue that does what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.engine.entry import Lock
from octopus_desktop.engine.kill_switch import Switch
from octopus_desktop.engine.level import Levels
from octopus_desktop.model.account import Balance
from octopus_desktop.model.commands import Done, KillSwitch, Refused, SetTradingLevel
from octopus_desktop.model.errors import LinkError, RateLimited, StorageError
from octopus_desktop.model.events import BalanceChanged, InstrumentListed, KillProgressed, KillStep, TradingLevelChanged
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.profile import Dialect, Mode, Profile
from octopus_desktop.model.safety import TradingLevel
from tests.unit.engine.scripted import BTC, SIM, Desk, bitcoin, buy, until

DEMO = Profile("demo", SIM, Dialect.BINANCE_SPOT, Mode.DEMO)
LIVE = Profile("mine", SIM, Dialect.BINANCE_SPOT, Mode.LIVE)


class Algos:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    async def stop_all(self, reason: str) -> None:
        self.reasons.append(reason)


class Safety(Desk):
    """A desk with its trading level and its kill switch."""

    def __init__(self, profile: Profile = DEMO) -> None:
        super().__init__()
        self.algos = Algos()
        self.levels = Levels(self.bus, self.clock, profile)
        self.kill = Switch(self.bus, self.levels, self.clock)

    def open(self) -> Safety:
        self.levels.connect(self.journal)
        self.kill.open(self.journal)
        self.kill.connect(self.desk, self.account, self.algos)
        return self

    async def hold(self, quantity: str = "0.1", fee: str = "0") -> None:
        """A position of our own fills."""
        intent = buy(quantity)
        await self.submit(intent)
        await until(lambda: self.order(intent).status is OrderStatus.ACCEPTED)
        self.account.fill(intent.client_order_id, quantity, 1)
        await self.desk.inquiry.ask(self.order(intent))
        await until(lambda: self.order(intent).status is OrderStatus.FILLED)

    async def rest(self, price: str = "50000", side: Side = Side.BUY, quantity: str = "0.001") -> OrderIntent:
        intent = buy(quantity, price, side=side)
        assert await self.submit(intent) == Done()
        await until(lambda: self.order(intent).status is OrderStatus.ACCEPTED)
        return intent

    def done(self, step: KillStep) -> bool:
        return step in self.state.kill and self.state.kill[step].done


@pytest.fixture
async def desk() -> AsyncIterator[Safety]:
    desk = Safety().open()
    yield desk
    await desk.kill.stop()
    await desk.desk.stop()


async def test_everything_is_canceled_and_verified(desk: Safety) -> None:
    """Pulled once: algos are told to stop, nothing new leaves, no order works, and the venue was asked."""
    for price in ("50000", "51000", "52000"):
        await desk.rest(price)
    assert await desk.kill.pull(KillSwitch()) == Done()
    assert desk.state.level.level is TradingLevel.HALTED
    assert isinstance(await desk.submit(buy("0.001")), Refused)
    await until(lambda: desk.done(KillStep.VERIFY_CANCELED))
    assert desk.algos.reasons == ["The kill switch was pulled."]
    assert not desk.state.working
    assert await desk.account.open_orders() == []
    assert KillStep.FLATTEN not in desk.state.kill


async def test_an_order_nobody_here_knows_is_canceled_too(desk: Safety) -> None:
    """What another terminal of the same account left at the venue does not survive the switch."""
    other = buy("0.001", "40000")
    await desk.account.submit(other, bitcoin())
    await desk.kill.pull(KillSwitch())
    await until(lambda: desk.done(KillStep.VERIFY_CANCELED))
    assert desk.account.book[other.client_order_id].status is OrderStatus.CANCELED


async def test_it_goes_on_until_the_venue_answers(desk: Safety) -> None:
    """The venue refuses every request for a while: the switch tries again, and says what it waits for."""
    await desk.rest()
    desk.account.fail_cancel = RateLimited("429: too many requests", 1.0)
    desk.account.fail_open = LinkError("cut")
    await desk.kill.pull(KillSwitch())
    await until(lambda: "cut" in desk.state.kill[KillStep.CANCEL].text)
    assert not desk.done(KillStep.VERIFY_CANCELED)
    desk.account.fail_cancel = desk.account.fail_open = None
    await until(lambda: desk.done(KillStep.VERIFY_CANCELED))
    assert not desk.state.working


async def test_positions_are_closed_when_asked(desk: Safety) -> None:
    """The second step sells what was bought, waits for its fill, and leaves what is too little to trade."""
    await desk.hold("0.1")
    await desk.rest("70000", Side.SELL, "0.05")
    desk.account.money = [Balance(SIM, "BTC", Decimal("0.0999"), Decimal(0), 1)]  # the fee was taken in BTC
    await desk.kill.pull(KillSwitch(flatten=True))
    await until(lambda: any(i.role == "flatten" for i in desk.account.submitted))
    (closing,) = [i for i in desk.account.submitted if i.role == "flatten"]
    assert (closing.side, closing.type, closing.quantity) == (Side.SELL, OrderType.MARKET, Decimal("0.09990"))
    await until(lambda: desk.order(closing).status is OrderStatus.ACCEPTED)
    desk.account.fill(closing.client_order_id, "0.0999", 2)
    desk.account.money = [Balance(SIM, "BTC", Decimal(0), Decimal(0), 1)]
    await desk.desk.inquiry.ask(desk.order(closing))
    await until(lambda: desk.done(KillStep.VERIFY_FLAT))
    assert "0.0001 BTC" in desk.state.kill[KillStep.VERIFY_FLAT].text
    assert len([i for i in desk.account.submitted if i.role == "flatten"]) == 1


async def test_coins_under_canceled_orders_are_sold_though_the_venue_tells_no_balances(desk: Safety) -> None:
    """All of it was locked behind a target, and asking for the balances is refused: it is sold all the same."""
    await desk.hold("0.1")
    await desk.rest("70000", Side.SELL, "0.1")
    desk.bus.publish(BalanceChanged(Balance(SIM, "BTC", Decimal(0), Decimal("0.1"), 2)))
    desk.account.fail_balances = RateLimited("429: too many requests", 1.0)
    await desk.kill.pull(KillSwitch(flatten=True))
    await until(lambda: any(i.role == "flatten" for i in desk.account.submitted))
    assert not desk.done(KillStep.FLATTEN)
    (closing,) = [i for i in desk.account.submitted if i.role == "flatten"]
    assert closing.quantity == Decimal("0.1")
    await until(lambda: desk.order(closing).status is OrderStatus.ACCEPTED)
    desk.account.fill(closing.client_order_id, "0.1", 2)
    await desk.desk.inquiry.ask(desk.order(closing))
    await until(lambda: desk.done(KillStep.VERIFY_FLAT))
    assert desk.state.positions[BTC].quantity == 0


async def test_a_position_whose_coins_are_not_free_is_not_called_closed(desk: Safety) -> None:
    """The venue says they are locked still: nothing can be sold yet, and the switch waits and says so."""
    await desk.hold("0.1")
    desk.account.money = [Balance(SIM, "BTC", Decimal(0), Decimal("0.1"), 2)]
    await desk.kill.pull(KillSwitch(flatten=True))
    await until(lambda: KillStep.FLATTEN in desk.state.kill and "not free" in desk.state.kill[KillStep.FLATTEN].text)
    assert not desk.done(KillStep.FLATTEN)
    desk.account.money = [Balance(SIM, "BTC", Decimal("0.1"), Decimal(0), 3)]
    await until(lambda: any(i.role == "flatten" for i in desk.account.submitted))


async def test_coins_that_left_the_account_are_named_as_gone(desk: Safety) -> None:
    """Withdrawn meanwhile: the venue says that there are none, so nothing can be closed, and the trader reads which."""
    await desk.hold("0.1")
    desk.account.money = [Balance(SIM, "BTC", Decimal(0), Decimal(0), 2)]
    await desk.kill.pull(KillSwitch(flatten=True))
    await until(lambda: desk.done(KillStep.VERIFY_FLAT))
    assert "not in the account any more: 0.1 BTC" in desk.state.kill[KillStep.VERIFY_FLAT].text
    assert not any(i.role == "flatten" for i in desk.account.submitted)


async def test_a_position_in_an_instrument_that_is_not_listed_any_more_is_named(desk: Safety) -> None:
    """Delisted: nothing can be sent for it. The switch ends, and does not say that nothing is open."""
    await desk.hold("0.1")
    del desk.state.instruments[BTC]
    await desk.kill.pull(KillSwitch(flatten=True))
    await until(lambda: desk.done(KillStep.FLATTEN))
    assert "BTCUSDT: not listed any more" in desk.state.kill[KillStep.VERIFY_FLAT].text
    assert not desk.done(KillStep.VERIFY_FLAT)
    await until(lambda: desk.kill._run is not None and desk.kill._run.done())


async def test_an_open_order_nobody_can_read_is_canceled_with_its_instrument(desk: Safety) -> None:
    """Made elsewhere, of a new kind: everything in its instrument is canceled, and the venue has none then."""
    strange = buy("0.001", "40000")
    await desk.account.submit(strange, bitcoin())
    desk.account.unreadable.add(strange.client_order_id)
    await desk.kill.pull(KillSwitch())
    await until(lambda: desk.done(KillStep.VERIFY_CANCELED))
    assert desk.account.book[strange.client_order_id].status is OrderStatus.CANCELED


async def test_what_cannot_be_verified_keeps_no_position_open(desk: Safety) -> None:
    """The list of open orders is refused for good: of ours none is left, so the position is closed all the same."""
    await desk.hold("0.1")
    await desk.rest("70000", Side.SELL, "0.05")
    desk.account.money = [Balance(SIM, "BTC", Decimal("0.1"), Decimal(0), 1)]
    desk.account.fail_open = LinkError("cut")
    await desk.kill.pull(KillSwitch(flatten=True))
    await until(lambda: any(i.role == "flatten" for i in desk.account.submitted), turns=30_000)
    assert not desk.done(KillStep.VERIFY_CANCELED)
    (closing,) = [i for i in desk.account.submitted if i.role == "flatten"]
    await until(lambda: desk.order(closing).status is OrderStatus.ACCEPTED)
    desk.account.fill(closing.client_order_id, "0.1", 2)
    await desk.desk.inquiry.ask(desk.order(closing))
    await until(lambda: desk.done(KillStep.VERIFY_FLAT))
    desk.account.fail_open = None
    await until(lambda: desk.done(KillStep.VERIFY_CANCELED), turns=30_000)


async def test_a_position_worth_more_than_one_order_may_be_is_closed_in_parts(desk: Safety) -> None:
    await desk.hold("0.1")
    desk.bus.publish(InstrumentListed(BTC, msgspec.structs.replace(bitcoin(), market_max_notional=Decimal(5000))))
    desk.account.money = [Balance(SIM, "BTC", Decimal("0.1"), Decimal(0), 1)]
    await desk.kill.pull(KillSwitch(flatten=True))
    sold, left = 0, Decimal("0.1")
    while left:
        await until(lambda: len([i for i in desk.account.submitted if i.role == "flatten"]) > sold)  # noqa: B023  # called before the loop turns
        closing = [i for i in desk.account.submitted if i.role == "flatten"][-1]
        assert closing.quantity * 60_000 <= 5_000
        await until(lambda: desk.order(closing).status is OrderStatus.ACCEPTED)  # noqa: B023  # called before the loop turns
        sold, left = sold + 1, left - closing.quantity
        desk.account.fill(closing.client_order_id, str(closing.quantity), sold + 1)
        desk.account.money = [Balance(SIM, "BTC", left, Decimal(0), sold + 1)]
        await desk.desk.inquiry.ask(desk.order(closing))
    await until(lambda: desk.done(KillStep.VERIFY_FLAT))
    assert desk.state.positions[BTC].quantity == 0
    assert sold == 2


async def test_an_unclear_closing_order_is_not_sent_twice(desk: Safety) -> None:
    """The closing order's answer is lost: it is asked for, and no second one leaves meanwhile."""
    await desk.hold("0.1")
    desk.account.money = [Balance(SIM, "BTC", Decimal("0.1"), Decimal(0), 1)]
    desk.account.fail_submit = LinkError("cut")
    desk.account.accept_though_failing = True
    desk.account.fail_order = LinkError("cut")
    await desk.kill.pull(KillSwitch(flatten=True))
    await until(lambda: any(order.status is OrderStatus.UNKNOWN for order in desk.state.working.values()))
    await desk.kill.pull(KillSwitch(flatten=True))
    (closing,) = [i for i in desk.account.submitted if i.role == "flatten"]
    desk.account.fill(closing.client_order_id, "0.1", 2)
    desk.account.fail_order = desk.account.fail_submit = None
    await until(lambda: desk.done(KillStep.VERIFY_FLAT))
    assert len([i for i in desk.account.submitted if i.role == "flatten"]) == 1
    assert desk.state.positions[BTC].quantity == 0


async def test_twice_is_once(desk: Safety) -> None:
    """A second press while the first is at work starts nothing anew."""
    await desk.rest()
    desk.account.fail_open = LinkError("cut")
    assert await desk.kill.pull(KillSwitch()) == Done()
    assert await desk.kill.pull(KillSwitch()) == Done()
    desk.account.fail_open = None
    await until(lambda: desk.done(KillStep.VERIFY_CANCELED))
    assert len(desk.algos.reasons) == 1
    assert sum(isinstance(event, TradingLevelChanged) for event in desk.journal.events) == 1


async def test_a_switch_that_was_not_verified_goes_on_after_a_restart(desk: Safety) -> None:
    """The program dies between the press and the venue's word: the next start is halted, says so, and cancels on."""
    await desk.rest()
    desk.account.fail_open = desk.account.fail_cancel = LinkError("cut")
    await desk.kill.pull(KillSwitch(flatten=True))
    await until(lambda: KillStep.CANCEL in desk.state.kill)
    await desk.kill.stop()

    again = Safety()
    again.account = desk.account
    for event in desk.journal.events:
        again.bus.publish(event)
    again.desk._client = desk.account
    desk.account.fail_open = desk.account.fail_cancel = None
    again.open()
    assert again.state.level.level is TradingLevel.HALTED
    assert "1 orders" in again.state.notices[-1].text
    await until(lambda: again.done(KillStep.VERIFY_CANCELED))
    assert not again.state.working
    assert not again.done(KillStep.FLATTEN), "no order leaves after a restart that nobody asked for"
    await again.kill.stop()
    await again.desk.stop()


async def test_a_dead_disk_does_not_stop_the_switch(desk: Safety) -> None:
    """The level cannot be written: it is HALTED all the same, and everything is canceled."""
    await desk.rest()
    desk.journal.failing = StorageError("The disk is full.")
    assert await desk.kill.pull(KillSwitch()) == Done()
    assert desk.state.level.level is TradingLevel.HALTED
    await until(lambda: desk.done(KillStep.VERIFY_CANCELED))


async def test_an_order_caught_by_the_switch_on_its_way_to_the_disk_never_leaves(desk: Safety) -> None:
    """Enter and the kill switch in one moment: the order was not on the wire yet, and stays off it."""
    intent = buy("0.001", "50000")
    sending = asyncio.create_task(desk.submit(intent))
    await asyncio.sleep(0)
    await desk.kill.pull(KillSwitch())
    outcome = await sending
    assert isinstance(outcome, Refused)
    assert desk.order(intent).status is OrderStatus.REJECTED
    assert desk.account.submitted == []


async def test_reducing_lets_only_the_smaller_through(desk: Safety) -> None:
    """At REDUCING a sale of what is held passes, a purchase does not, and where one can be short sales cannot add up
    to more than is held."""
    desk.bus.publish(InstrumentListed(BTC, bitcoin(InstrumentKind.PERPETUAL)))
    await desk.hold("0.1")
    assert await desk.levels.set(SetTradingLevel(TradingLevel.REDUCING)) == Done()
    outcome = await desk.submit(buy("0.001"))
    assert isinstance(outcome, Refused)
    assert "only orders that make a position smaller" in outcome.reason
    await desk.rest("70000", Side.SELL, "0.06")
    assert isinstance(await desk.submit(buy("0.05", "70000", side=Side.SELL)), Refused)
    assert await desk.submit(buy("0.04", "70000", side=Side.SELL)) == Done()


async def test_on_spot_every_sale_reduces(desk: Safety) -> None:
    """Coins that were there before any fill of ours can be sold at REDUCING, as far as they are free; a purchase after
    it is one, and closes nothing."""
    assert await desk.levels.set(SetTradingLevel(TradingLevel.REDUCING)) == Done()
    await desk.rest("70000", Side.SELL, "0.6")
    outcome = await desk.submit(buy("1.1", "70000", side=Side.SELL))
    assert isinstance(outcome, Refused)
    assert "needs 1.1 BTC, free is 1" in outcome.reason
    assert isinstance(await desk.submit(buy("0.1")), Refused)


async def test_flattening_on_spot_never_buys_back(desk: Safety) -> None:
    """Coins held from before were sold: that is no short. What was bought since is sold, and no more."""
    sold = await desk.rest("70000", Side.SELL, "0.6")
    desk.account.fill(sold.client_order_id, "0.6", 1)
    await desk.desk.inquiry.ask(desk.order(sold))
    await until(lambda: desk.order(sold).status is OrderStatus.FILLED)
    assert desk.state.positions[BTC].quantity == 0
    assert desk.state.positions[BTC].from_before == Decimal("0.6")
    await desk.kill.pull(KillSwitch(flatten=True))
    await until(lambda: desk.done(KillStep.VERIFY_FLAT))
    assert [i for i in desk.account.submitted if i.role == "flatten"] == []


async def test_what_reduces_passes_the_trader_s_lock_and_a_comparison(desk: Safety) -> None:
    """Locked by the trader or while comparing with the venue a position can still be closed; without a link not."""
    await desk.hold("0.1")
    for lock in (Lock.TRADER, Lock.RECONCILING):
        desk.lock.shut(lock)
    assert isinstance(await desk.submit(buy("0.001")), Refused)
    assert await desk.submit(buy("0.01", "70000", side=Side.SELL)) == Done()
    desk.lock.shut(Lock.LINK)
    assert isinstance(await desk.submit(buy("0.01", "70000", side=Side.SELL)), Refused)


async def test_a_live_profile_goes_back_to_active_by_its_name() -> None:
    """On LIVE the way back is typed; the way down never is."""
    desk = Safety(LIVE).open()
    assert await desk.levels.set(SetTradingLevel(TradingLevel.HALTED)) == Done()
    assert isinstance(await desk.levels.set(SetTradingLevel(TradingLevel.ACTIVE, "Mine")), Refused)
    assert desk.state.level.level is TradingLevel.HALTED
    assert await desk.levels.set(SetTradingLevel(TradingLevel.ACTIVE, "mine")) == Done()
    assert desk.state.level.level is TradingLevel.ACTIVE


async def test_trading_again_ends_a_switch_that_is_at_work(desk: Safety) -> None:
    """The trader sets ACTIVE while the venue does not answer: nothing is canceled behind their back later."""
    await desk.rest()
    desk.account.fail_open = desk.account.fail_cancel = LinkError("cut")
    await desk.kill.pull(KillSwitch())
    await until(lambda: KillStep.CANCEL in desk.state.kill)
    assert await desk.levels.set(SetTradingLevel(TradingLevel.ACTIVE)) == Done()
    assert "Look at the open orders" in desk.state.notices[-1].text


async def test_a_press_before_there_is_a_venue_is_kept() -> None:
    """Pulled while the terminal still starts: it is halted at once and cancels when the venue is there."""
    desk = Safety()
    assert await desk.kill.pull(KillSwitch()) == Done()
    desk.open()
    await until(lambda: desk.done(KillStep.VERIFY_CANCELED))
    assert any(isinstance(event, TradingLevelChanged) for event in desk.journal.events)
    assert any(isinstance(event, KillProgressed) for event in desk.journal.events)
    await desk.kill.stop()
    await desk.desk.stop()
