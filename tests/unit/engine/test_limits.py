"""The trader's own limits: what adds risk is refused with the numbers, what reduces it never is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.engine.day_guard import DAY_SETTING, DayGuard
from octopus_desktop.engine.level import Levels
from octopus_desktop.engine.subscriptions import Subscriptions
from octopus_desktop.engine.trading_day import DAY_NS
from octopus_desktop.model.account import Balance
from octopus_desktop.model.algos import Bracket, OnRestart
from octopus_desktop.model.commands import Done, NeedsAcknowledgement, Refused, SetTradingLevel, SubmitOrder
from octopus_desktop.model.events import (
    AlgoStarted,
    BalanceChanged,
    BookBroken,
    BookReset,
    Channel,
    FeedRecovered,
    FeedStale,
    InstrumentListed,
    Link,
    LinkChanged,
    LinkStatus,
    QuoteChanged,
)
from octopus_desktop.model.identifiers import AlgoId, InstrumentId, new_algo_id, symbol_of
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.limits import Hours, InstrumentLimits, RiskLimits
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.profile import Dialect, Mode, Profile
from octopus_desktop.model.safety import TradingLevel
from tests.unit.engine.scripted import BTC, SIM, Desk, Settings, bitcoin, buy, until


class Trading(Desk):
    """A desk whose orders are filled when the test says so."""

    def __init__(self, limits: RiskLimits | None = None) -> None:
        super().__init__(limits)
        self.levels = Levels(self.bus, self.clock, Profile("demo", SIM, Dialect.BINANCE_SPOT, Mode.DEMO))
        self.levels.connect(self.journal)
        self.settings = Settings()
        self.subscriptions = Subscriptions()
        self.guard = DayGuard(self.bus, self.risk, self.levels, self.subscriptions, self.clock, self.settings)  # type: ignore[arg-type]  # the part it needs
        self._trade = 0

    def limit(self, **limits: object) -> None:
        self.risk.limits = msgspec.structs.replace(self.risk.limits, **limits)

    def quote(self, bid: float, ask: float) -> None:
        self.bus.publish(QuoteChanged(BTC, bid, 1.0, ask, 1.0, 1, 1))

    async def filled(self, quantity: str, price: str, side: Side = Side.BUY) -> OrderIntent:
        intent = buy(quantity, price, side=side)
        assert await self.submit(intent) == Done(), self.said(intent)
        await until(lambda: self.order(intent).status is OrderStatus.ACCEPTED)
        self._trade += 1
        fill = self.account.fill(intent.client_order_id, quantity, self._trade)
        now = self.clock.now_ns()
        self.account.trades[-1] = msgspec.structs.replace(fill, fee=Decimal(0), ts_venue_ns=now)
        await self.desk.inquiry.ask(self.order(intent))
        await until(lambda: self.order(intent).status is OrderStatus.FILLED)
        return intent

    def said(self, intent: OrderIntent) -> str:
        return self.desk.opinion(intent).denial or ""


@pytest.fixture
async def desk() -> AsyncIterator[Trading]:
    desk = Trading()
    yield desk
    await desk.desk.stop()


def sell(quantity: str, price: str | None = "60000", type_: OrderType = OrderType.LIMIT) -> OrderIntent:
    return buy(quantity, price, side=Side.SELL, type_=type_)


# Positions ------------------------------------------------------------------


async def test_working_orders_count_towards_the_largest_position(desk: Trading) -> None:
    """Half is held, a third is on its way: what is left of the limit is the rest, to the coin."""
    desk.limit(instruments={BTC: InstrumentLimits(max_position=Decimal("0.1"))})
    await desk.filled("0.05", "60000")
    await desk.submit(buy("0.03", "59000"))
    assert "you would hold 0.101 BTC, your limit is 0.1" in desk.said(buy("0.021", "59000"))
    assert desk.said(buy("0.02", "59000")) == ""
    assert desk.said(sell("0.05")) == ""


async def test_the_worth_of_a_position_and_of_all_is_limited(desk: Trading) -> None:
    """An order that is small by itself is too much on top of what is held."""
    desk.limit(max_position_notional=Decimal(7000))
    await desk.filled("0.1", "60000")
    assert "would be worth 7,200.00 USDT, your limit is 7,000" in desk.said(buy("0.02"))
    desk.limit(max_position_notional=None, max_total_notional=Decimal(7000))
    assert "all positions would be worth 7,200.00 USDT" in desk.said(buy("0.02"))
    desk.limit(instruments={BTC: InstrumentLimits(max_order_notional=Decimal(600))}, max_total_notional=None)
    assert "your limit for one order is 600" in desk.said(buy("0.02"))


async def test_one_coin_is_limited_over_all_its_instruments(desk: Trading) -> None:
    """What is held against one currency and what works against another are one coin; other coins are not."""
    dear = InstrumentId("BTCEUR.SIM")
    for name, base, quote in ((dear, "BTC", "EUR"), ("EURUSDT.SIM", "EUR", "USDT"), ("ETHUSDT.SIM", "ETH", "USDT")):
        name = InstrumentId(name)
        listed = msgspec.structs.replace(bitcoin(), instrument_id=name, symbol=symbol_of(name), base=base, quote=quote)
        desk.bus.publish(InstrumentListed(name, listed))
    for name, bid, ask in ((dear, 49999.0, 50001.0), ("EURUSDT.SIM", 1.199, 1.201), ("ETHUSDT.SIM", 2999.0, 3001.0)):
        desk.bus.publish(QuoteChanged(InstrumentId(name), bid, 1.0, ask, 1.0, 1, 1))
    desk.bus.publish(BalanceChanged(Balance(SIM, "EUR", Decimal(20000), Decimal(0), 1)))
    await desk.filled("0.1", "60000")
    desk.limit(max_asset_notional=Decimal(7000))
    more = msgspec.structs.replace(buy("0.02", "50000"), instrument_id=dear)
    said = desk.said(more)
    assert "your BTC would be worth 7,200.00 USDT over all its instruments, your limit for one coin is 7,000" in said
    assert desk.said(msgspec.structs.replace(more, quantity=Decimal("0.016"))) == ""
    other = msgspec.structs.replace(buy("3", "3000"), instrument_id=InstrumentId("ETHUSDT.SIM"))
    assert "your ETH would be worth 9,000.00 USDT" in desk.said(other)
    assert desk.said(msgspec.structs.replace(other, quantity=Decimal(2))) == ""
    desk.limit(max_asset_notional=Decimal(1))
    assert desk.said(sell("0.1")) == ""


async def test_what_was_held_before_is_sold_without_a_short(desk: Trading) -> None:
    """The sale of older coins is no position, no profit and no loss, whatever the price does then; what it reduces
    passes every limit, and what is bought afterwards is a position of its own."""
    desk.limit(max_position_notional=Decimal(1000), max_total_notional=Decimal(1000), max_daily_loss=Decimal(1))
    assert desk.said(sell("0.5")) == ""
    await desk.filled("0.5", "60000", Side.SELL)
    desk.quote(70000.0, 70000.02)
    assert desk.risk.status().profit == 0
    assert desk.risk.status().losses_in_a_row == 0
    assert "would be worth 1,400" in desk.said(buy("0.02", "70000"))
    assert desk.said(buy("0.01", "70000")) == ""
    desk.limit(max_position_notional=None, max_total_notional=None)
    await desk.filled("0.01", "70000")
    position = desk.state.positions[BTC]
    assert (position.quantity, position.average_price, position.realised) == (Decimal("0.01"), 70000, 0)
    await desk.filled("0.02", "70100", Side.SELL)
    assert (desk.risk.status().profit, desk.state.positions[BTC].from_before) == (1, Decimal("0.51"))


async def test_only_what_was_bought_is_closed(desk: Trading) -> None:
    """A sale of older coins reduces and closes nothing: as the first order of a LIVE profile it is still confirmed."""
    exposure = desk.risk.exposure
    assert (exposure.reduces(sell("0.1")), exposure.closes(sell("0.1"))) == (True, False)
    await desk.filled("0.1", "60000")
    assert exposure.closes(sell("0.1"))
    assert not exposure.closes(sell("0.1001"))
    assert not exposure.reduces(buy("0.1"))
    assert not exposure.reduces(msgspec.structs.replace(buy("0.1"), reduce_only=True)), "no spot venue sees to it"


async def test_a_bracket_that_sold_on_spot_may_buy_back(desk: Trading) -> None:
    """Its exit closes what its own entry sold, at REDUCING too; any other purchase adds."""
    algo = new_algo_id()
    entry = msgspec.structs.replace(sell("0.2"), parent=algo, role="entry")
    spec = Bracket(instrument_id=BTC, side=Side.SELL, quantity=Decimal("0.2"), entry=entry, stop_trigger=Decimal(61000))
    desk.bus.publish(AlgoStarted(algo, 1, spec, OnRestart.RESUME))
    assert await desk.submit(entry) == Done()
    await until(lambda: desk.order(entry).status is OrderStatus.ACCEPTED)
    desk.account.fill(entry.client_order_id, "0.2", 50)
    await desk.desk.inquiry.ask(desk.order(entry))
    await until(lambda: desk.order(entry).status is OrderStatus.FILLED)
    await desk.levels.set(SetTradingLevel(TradingLevel.REDUCING))
    assert desk.said(msgspec.structs.replace(buy("0.2"), parent=algo, role="stop")) == ""
    assert "REDUCING" in desk.said(msgspec.structs.replace(buy("0.2001"), parent=algo, role="stop"))
    assert "REDUCING" in desk.said(buy("0.2"))


# Size, price, pace, hours ---------------------------------------------------


async def test_a_finger_too_fat_is_seen(desk: Trading) -> None:
    """After some orders of a usual size one of many times that is held back; a closing one is not."""
    desk.limit(max_size_multiple=Decimal(10))
    for _ in range(5):
        await desk.filled("0.01", "60000")
    assert desk.said(buy("0.1")) == ""
    assert "20 times your usual order of 0.01" in desk.said(buy("0.2"))
    desk.limit(max_size_multiple=Decimal(2))
    assert desk.said(sell("0.05")) == ""


async def test_the_price_collar_has_two_sides(desk: Trading) -> None:
    """A price through the market pays too much; one far away from it is a digit too few."""
    assert "10.0 % through the market" in desk.said(buy("0.01", "66000"))
    assert desk.said(buy("0.01", "6000")) == ""
    desk.limit(max_resting_distance=Decimal("0.5"))
    assert "90.0 % away from the market" in desk.said(buy("0.01", "6000"))
    desk.bus.publish(InstrumentListed(BTC, bitcoin(InstrumentKind.PERPETUAL)))
    assert "66.7 % away from the market" in desk.said(sell("0.01", "100000"))
    stop = OrderIntent(
        buy().client_order_id, BTC, Side.BUY, OrderType.STOP_LIMIT, Decimal("0.01"), Decimal(70000), Decimal(61000)
    )
    assert "through its trigger" in desk.said(stop)


async def test_a_minute_has_a_limit_of_its_own(desk: Trading) -> None:
    """Slow enough for the second, too many for the minute."""
    desk.limit(max_orders_per_minute=3)
    for _ in range(3):
        assert await desk.submit(buy("0.001")) == Done()
        desk.clock.ns += 2_000_000_000
    assert "More than 3 orders within a minute" in desk.said(buy("0.001"))
    desk.clock.ns += 60_000_000_000
    assert desk.said(buy("0.001")) == ""


async def test_outside_the_hours_nothing_is_added(desk: Trading) -> None:
    """The clock of the test stands at 22:13 UTC; hours may pass midnight."""
    await desk.filled("0.05", "60000")
    desk.limit(hours=Hours(8 * 60, 17 * 60))
    assert "It is 22:13 UTC, your trading hours are 08:00 to 17:00 UTC" in desk.said(buy("0.01"))
    assert desk.said(sell("0.05")) == ""
    desk.limit(hours=Hours(22 * 60, 6 * 60))
    assert desk.said(buy("0.01")) == ""


def test_limits_of_an_earlier_version_are_read() -> None:
    """What was saved before there were more limits keeps its numbers, and the new ones start at their defaults."""
    old = b'{"max_order_notional":"123","max_touch_distance":"0.01","max_orders_per_second":2,"max_open_orders":3}'
    limits = msgspec.json.decode(old, type=RiskLimits)
    assert limits == RiskLimits(Decimal(123), Decimal("0.01"), 2, 3)
    full = RiskLimits(hours=Hours(0, 60), instruments={BTC: InstrumentLimits(Decimal(1))}, max_daily_loss=Decimal(5))
    assert msgspec.json.decode(msgspec.json.encode(full), type=RiskLimits) == full


# The day --------------------------------------------------------------------


async def test_a_day_s_loss_sets_reducing_until_tomorrow(desk: Trading) -> None:
    """The price falls under what is held: the level goes down by itself, with a notice, and comes back with the day."""
    desk.limit(max_daily_loss=Decimal(100))
    await desk.filled("0.1", "60000")
    await desk.guard.look()
    assert desk.levels.level is TradingLevel.ACTIVE
    desk.quote(58900.0, 58900.02)
    assert "The day's loss is 110.00 USDT, your limit is 100" in desk.said(buy("0.001", "58900"))
    await desk.guard.look()
    assert desk.levels.level is TradingLevel.REDUCING
    assert "110.00 USDT" in desk.state.notices[-1].text
    assert desk.said(sell("0.1", "58900")) == ""
    desk.clock.ns += DAY_NS
    await desk.guard.look()
    assert desk.levels.level is TradingLevel.ACTIVE
    assert desk.risk.status().profit == 0, "yesterday's loss is yesterday's"


async def test_the_trader_may_go_on_after_a_day_s_loss(desk: Trading) -> None:
    """Set back to ACTIVE by hand, the limit does not strike again today; tomorrow it does."""
    desk.limit(max_daily_loss=Decimal(100))
    await desk.filled("0.1", "60000")
    desk.quote(58900.0, 58900.02)
    await desk.guard.look()
    assert await desk.levels.set(SetTradingLevel(TradingLevel.ACTIVE)) == Done()
    await desk.guard.look()
    assert desk.levels.level is TradingLevel.ACTIVE
    assert desk.said(buy("0.001", "58900")) == ""
    desk.clock.ns += DAY_NS
    await desk.guard.look()
    desk.quote(57000.0, 57000.02)
    await desk.guard.look()
    assert desk.levels.level is TradingLevel.REDUCING


async def test_a_fall_from_the_day_s_peak_counts(desk: Trading) -> None:
    """The day is still won, but far below what it was."""
    desk.limit(max_drawdown=Decimal(150))
    await desk.filled("0.1", "60000")
    desk.quote(62000.0, 62000.02)
    await desk.guard.look()
    desk.quote(60400.0, 60400.02)
    await desk.guard.look()
    assert desk.levels.level is TradingLevel.REDUCING
    status = desk.risk.status()
    assert (status.profit, status.peak, status.drawdown) == (Decimal("40.001"), Decimal("200.001"), Decimal(160))


async def test_the_day_is_the_same_after_a_restart(desk: Trading) -> None:
    """The journal tells the trades, the setting the peak and the prices the day began with."""
    await desk.filled("0.1", "60000")
    desk.clock.ns += DAY_NS
    await desk.guard.look()
    desk.quote(60500.0, 60500.02)
    await desk.filled("0.04", "60500", Side.SELL)
    desk.clock.ns += 10_000_000_000
    await desk.guard.look()
    before = desk.risk.status()
    again = Trading()
    again.clock.ns = desk.clock.ns
    again.quote(60500.0, 60500.02)
    for event in desk.journal.events:
        again.bus.publish(event)
    again.settings.kept = dict(desk.settings.kept)
    assert DAY_SETTING in again.settings.kept
    await again.guard.remember()
    after = again.risk.status()
    assert (after.profit, after.peak, after.usual_sizes) == (before.profit, before.peak, before.usual_sizes)
    assert before.profit > 0


async def test_losses_in_a_row_call_for_a_pause(desk: Trading) -> None:
    """Two losing trades: nothing is added for a while, closing goes on, and a win starts the count anew."""
    desk.limit(losses_before_cooldown=2, cooldown_s=300)
    for _ in range(2):
        await desk.filled("0.02", "60000")
        await desk.filled("0.02", "59900", Side.SELL)
    assert "2 losing trades in a row: nothing is added for another 5:00 minutes" in desk.said(buy("0.01"))
    status = desk.risk.status()
    assert (status.losses_in_a_row, status.cooldown_until_ns) == (2, desk.clock.ns + 300 * 10**9)
    desk.clock.ns += 301 * 10**9
    await desk.filled("0.02", "60000")
    await desk.filled("0.02", "60100", Side.SELL)
    assert desk.risk.status().losses_in_a_row == 0


# Stale prices ---------------------------------------------------------------


async def test_no_market_order_on_a_stale_price(desk: Trading) -> None:
    """The quotes are silent: a market order is refused, a limit order goes once the trader has read the warning."""
    desk.bus.publish(FeedStale(BTC, Channel.QUOTES, 1, "silent for 5 s"))
    outcome = await desk.submit(buy("0.01", None, type_=OrderType.MARKET))
    assert isinstance(outcome, Refused)
    assert "silent for 5 s" in outcome.reason
    assert "no market order" in outcome.reason
    intent = buy("0.01", token="ticket-1")
    outcome = await desk.submit(intent)
    assert isinstance(outcome, NeedsAcknowledgement)
    assert intent.client_order_id not in desk.state.orders
    assert desk.desk.opinion(intent).warning == outcome.reason
    assert await desk.desk.submit(SubmitOrder(intent, acknowledged=True)) == Done()
    desk.bus.publish(FeedRecovered(BTC, Channel.QUOTES))
    assert await desk.submit(buy("0.01", None, type_=OrderType.MARKET)) == Done()


async def test_a_position_can_be_closed_on_a_stale_price(desk: Trading) -> None:
    """What reduces is never refused: it goes after the warning."""
    await desk.filled("0.05", "60000")
    desk.bus.publish(LinkChanged(SIM, Link.MARKET, LinkStatus.DOWN, "cut", 1))
    closing = sell("0.05", None, OrderType.MARKET)
    assert isinstance(await desk.submit(closing), NeedsAcknowledgement)
    assert await desk.desk.submit(SubmitOrder(closing, acknowledged=True)) == Done()


async def test_a_broken_book_is_stale(desk: Trading) -> None:
    """Until the next whole book nothing is bought at the market."""
    desk.bus.publish(BookReset(BTC, [(60000.0, 1.0)], [(60000.01, 1.0)], 1, 1, 1))
    assert desk.said(buy("0.01", None, type_=OrderType.MARKET)) == ""
    desk.bus.publish(BookBroken(BTC, "gap", 1))
    assert "missed a change" in desk.said(buy("0.01", None, type_=OrderType.MARKET))


# Brackets -------------------------------------------------------------------


async def test_a_brackets_exit_reduces_whatever_else_was_sold(desk: Trading) -> None:
    """The fills of all add up to a short; the entry is protected all the same, by as much as it brought, not more."""
    desk.bus.publish(InstrumentListed(BTC, bitcoin(InstrumentKind.PERPETUAL)))
    algo = new_algo_id()
    entry = msgspec.structs.replace(buy("0.2"), parent=algo, role="entry")
    spec = Bracket(instrument_id=BTC, side=Side.BUY, quantity=Decimal("0.2"), entry=entry, stop_trigger=Decimal(59000))
    desk.bus.publish(AlgoStarted(algo, 1, spec, OnRestart.RESUME))
    await desk.filled("0.3", "60000", Side.SELL)
    assert await desk.submit(entry) == Done()
    await until(lambda: desk.order(entry).status is OrderStatus.ACCEPTED)
    desk.account.fill(entry.client_order_id, "0.2", 50)
    await desk.desk.inquiry.ask(desk.order(entry))
    await until(lambda: desk.order(entry).status is OrderStatus.FILLED)
    await desk.levels.set(SetTradingLevel(TradingLevel.REDUCING))

    def exit_of(quantity: str, parent: AlgoId | None) -> OrderIntent:
        return msgspec.structs.replace(sell(quantity), parent=parent, role="stop")

    assert desk.said(exit_of("0.2", algo)) == ""
    assert "REDUCING" in desk.said(exit_of("0.2001", algo))
    assert "REDUCING" in desk.said(exit_of("0.2", None))
