"""What the day comes to: from which price it counts, and when its limits are judged."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.engine.trading_day import DAY_NS
from octopus_desktop.model.events import Channel, InstrumentListed, TickerChanged
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import Side
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.state import State
from tests.unit.engine.day import BTC_IN_EUR, ETH, EUR, LONG_AGO, NOW, TODAY, Start, listing, traded
from tests.unit.engine.scripted import BTC

# From which price it counts -------------------------------------------------


@pytest.mark.parametrize("paid", ["60000", "40000"])
async def test_what_is_held_counts_from_a_price_of_today(paid: str) -> None:
    """Bought ten days ago, whatever it cost: the day begins at the first price of today, and ends at what it lost."""
    start = Start([traded(1, LONG_AGO, "1", paid)], max_daily_loss=Decimal(1000), max_drawdown=Decimal(1000))
    before = await start.look()
    assert (before.profit, before.unvalued) == (0, ("BTCUSDT",))
    start.connect(BTC)
    assert (await start.look()).unvalued == ("BTC",)
    start.quote(50000.0)
    status = await start.look()
    assert (status.profit, status.peak, status.unvalued, start.level) == (0, 0, (), TradingLevel.ACTIVE)
    start.quote(45000.0)
    assert (await start.look()).profit == -5000
    assert start.level is TradingLevel.REDUCING
    assert "The day's loss is 5,000.00 USDT" in start.state.level.reason


async def test_a_restart_makes_no_peak() -> None:
    """The price stands still over a restart: there is no fall from a peak that never was, before it is known either."""
    fills = [traded(1, LONG_AGO, "1", "60000")]
    first = Start(fills, max_drawdown=Decimal(1000))
    first.connect(BTC)
    first.quote(50000.0)
    for _ in range(6):
        await first.look()
    again = Start(fills, first.settings, max_drawdown=Decimal(1000))
    await again.guard.remember()
    await again.look()
    again.connect(BTC)
    again.quote(49500.0)
    status = await again.look()
    assert (status.profit, status.peak, again.level) == (-500, 0, TradingLevel.ACTIVE)


async def test_a_fill_of_today_is_a_price_of_today() -> None:
    """The venue sold half by a stop at night: what was held then counts from there, not from the price hours later."""
    start = Start(
        [traded(1, LONG_AGO, "1", "60000"), traded(2, TODAY + 1, "0.5", "50000", Side.SELL)],
    )
    start.connect(BTC)
    start.quote(45000.0)
    assert (await start.look()).profit == -2500
    sold = Start([traded(1, LONG_AGO, "1", "60000"), traded(2, TODAY + 1, "1", "50000", Side.SELL)])
    sold.connect(BTC)
    sold.quote(45000.0)
    assert (await sold.look()).profit == 0


async def test_what_was_bought_today_counts_from_what_it_cost() -> None:
    """It needs no price of the day's beginning; what it is worth now waits for a live one."""
    start = Start([traded(1, TODAY + 1, "1", "60000")], max_daily_loss=Decimal(1000))
    start.connect(BTC)
    assert (await start.look()).unvalued == ("BTC",)
    assert start.level is TradingLevel.ACTIVE
    start.quote(58000.0)
    assert (await start.look()).profit == -2000
    assert start.level is TradingLevel.REDUCING


async def test_a_last_trade_of_some_day_is_no_price_of_today() -> None:
    """The ticker of a thin coin tells a trade of days ago: the day begins at the first quote."""
    start = Start([traded(1, LONG_AGO, "1", "60000")], max_daily_loss=Decimal(1000))
    start.connect(BTC)
    start.bus.publish(TickerChanged(BTC, 50000.0, 0.0, 50000.0, 50000.0, 0.0, 0.0, NOW))
    status = await start.look()
    assert (status.profit, status.unvalued) == (0, ("BTC",))
    start.quote(45000.0)
    assert ((await start.look()).profit, start.level) == (0, TradingLevel.ACTIVE)


async def test_the_price_of_yesterday_is_none_of_today() -> None:
    """Nobody bids at midnight: what is sold in the morning is the day's first price, and there is no gain in it."""
    start = Start([traded(1, LONG_AGO, "1", "60000")], max_drawdown=Decimal(1000))
    start.connect(BTC)
    start.quote(50000.0)
    await start.look()
    start.quote(0.0, ask=50000.0)
    start.clock.ns = TODAY + DAY_NS
    await start.look()
    start.tell(traded(2, start.clock.ns, "0.5", "45000", Side.SELL))
    status = await start.look()
    assert (status.profit, status.peak) == (0, 0)


# When it is judged ----------------------------------------------------------


async def test_half_a_hedge_is_not_judged() -> None:
    """The one price is there, the other is not: what the day comes to is not known, and no peak is made of a part."""
    start = Start(
        [traded(1, TODAY + 1, "1", "60000"), traded(2, TODAY + 1, "10", "3000", name=ETH)],
        max_daily_loss=Decimal(1000),
        max_drawdown=Decimal(1000),
    )
    start.tell(InstrumentListed(BTC, listing(BTC)))
    start.quote(55000.0)
    assert ((await start.look()).unvalued, start.level) == (("ETHUSDT",), TradingLevel.ACTIVE), (
        "the list is still coming"
    )
    start.connect(BTC, ETH)
    assert ((await start.look()).unvalued, start.level) == (("ETH",), TradingLevel.ACTIVE)
    start.quote(65000.0)
    assert (await start.look()).peak == 0
    start.quote(2900.0, ETH)
    assert (await start.look()).peak == 4000
    assert start.level is TradingLevel.ACTIVE
    start.quote(62000.0)
    await start.look()
    assert start.level is TradingLevel.REDUCING


async def test_what_never_gets_a_price_does_not_switch_the_limits_off() -> None:
    """A coin the venue lists no longer, and one it has halted, are named; the rest is judged without them."""
    halted = InstrumentId("OLDUSDT.SIM")
    start = Start(
        [
            traded(1, LONG_AGO, "1", "60000"),
            traded(2, LONG_AGO, "10", "3000", name=ETH),
            traded(3, LONG_AGO, "5", "2", name=halted),
        ],
        max_daily_loss=Decimal(1000),
    )
    start.tell(InstrumentListed(halted, msgspec.structs.replace(listing(halted), trading=False)))
    start.connect(BTC)
    start.quote(60000.0)
    assert (await start.look()).unvalued == ("ETHUSDT", "OLD")
    start.quote(58000.0)
    await start.look()
    assert start.level is TradingLevel.REDUCING


async def test_a_crumb_without_a_price_does_not_switch_the_limits_off() -> None:
    """What is less than the venue takes an order for is not waited for."""
    lost = [traded(1, TODAY + 1, "10", "3000", name=ETH), traded(2, TODAY + 2, "10", "2000", Side.SELL, name=ETH)]
    start = Start([traded(3, LONG_AGO, "0.00001", "60000"), *lost], max_daily_loss=Decimal(1000))
    start.connect(BTC, ETH)
    status = await start.look()
    assert (status.profit, status.unvalued, start.level) == (-10000, (), TradingLevel.REDUCING)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(("rest", "unvalued"), [("0.00001", False), ("0.5", True)])
async def test_what_was_lost_today_counts_though_the_rest_has_no_price(rest: str, unvalued: bool, listed: bool) -> None:
    """Bought and sold at a loss, and then halted or listed no longer: the rest is worth what the sale brought."""
    sold = traded(2, TODAY + 2, str(1 - Decimal(rest)), "50000", Side.SELL)
    start = Start([traded(1, TODAY + 1, "1", "60000"), sold], max_daily_loss=Decimal(1000))
    start.connect(ETH)
    if listed:
        start.tell(InstrumentListed(BTC, msgspec.structs.replace(listing(BTC), trading=False)))
    status = await start.look()
    assert (status.profit, start.level) == (-10000, TradingLevel.REDUCING)
    assert status.unvalued == ((("BTC",) if unvalued else ()) if listed else ("BTCUSDT",))


async def test_a_price_is_waited_for_half_a_minute() -> None:
    """Then the day is judged as if the one without a price stood where it was bought; the wait begins with a market."""
    fills = [traded(1, TODAY + 1, "1", "60000"), traded(2, TODAY + 1, "10", "3000", name=ETH)]
    start = Start(fills, max_daily_loss=Decimal(1000))
    for _ in range(40):
        await start.look()
    start.connect(BTC, ETH)
    start.quote(55000.0)
    for _ in range(29):
        status = await start.look()
        assert (status.profit, status.peak, start.level) == (-5000, 0, TradingLevel.ACTIVE)
    assert start.risk.day_limits.breach(start.risk.limits, start.clock.ns) is None
    await start.look()
    assert start.level is TradingLevel.REDUCING
    assert [notice.title for notice in start.state.notices][-1] == "A price of the day is missing"
    start.quote(2900.0, ETH)
    status = await start.look()
    assert (status.profit, status.unvalued) == (-6000, ())


async def test_a_rate_is_waited_for() -> None:
    """What was gained in euro stands against a loss in dollars only when it is known what a euro is worth."""
    fills = [traded(1, TODAY + 1, "1", "50000", name=BTC_IN_EUR), traded(2, TODAY + 1, "1", "3000", name=ETH)]
    start = Start(fills, max_daily_loss=Decimal(1000))
    start.connect(BTC_IN_EUR, ETH, EUR)
    start.quote(50900.0, BTC_IN_EUR)
    start.quote(1500.0, ETH)
    status = await start.look()
    assert (status.profit, status.unvalued, start.level) == (-1500, ("EUR",), TradingLevel.ACTIVE)
    assert (EUR, Channel.QUOTES) in start.streams.running
    start.quote(1.2, EUR)
    assert ((await start.look()).profit, start.level) == (-420, TradingLevel.ACTIVE)
    start.quote(0.5, EUR)
    await start.look()
    assert start.level is TradingLevel.REDUCING


async def test_an_empty_side_of_the_book_is_no_loss() -> None:
    """For a moment nobody bids: what is held is worth what it was last seen at."""
    start = Start([traded(1, LONG_AGO, "1", "60000")], max_drawdown=Decimal(1000))
    start.connect(BTC)
    for price in (50000.0, 53000.0):
        start.quote(price)
        await start.look()
    start.quote(0.0, ask=53000.0)
    status = await start.look()
    assert (status.profit, status.unvalued, start.level) == (3000, (), TradingLevel.ACTIVE)


async def test_a_price_that_stays_away_is_told_of() -> None:
    """A price that stays away for half a minute is a notice, once, and only where there is a limit of the day."""
    start = Start([traded(1, LONG_AGO, "1", "60000")])
    start.connect(BTC)
    for _ in range(40):
        await start.look()
    assert not start.state.notices
    start.risk.limits = RiskLimits(max_daily_loss=Decimal(1000))
    for _ in range(40):
        await start.look()
    assert [notice.title for notice in start.state.notices] == ["A price of the day is missing"]
    assert "no price of BTC" in start.state.notices[0].text


# What is told late ----------------------------------------------------------


async def test_a_sale_told_before_its_purchase_leaves_nothing_behind() -> None:
    """Bought and sold at one price, told the other way round: nothing is held, and no fall of the price is a loss."""
    fills = [traded(2, TODAY + 2, "1", "60000", Side.SELL), traded(1, TODAY + 1, "1", "60000")]
    for told_after_the_fold in (0, 1, 2):
        start = Start(fills[: 2 - told_after_the_fold], max_daily_loss=Decimal(1000))
        start.connect(BTC)
        start.quote(60000.0)
        await start.look()
        start.tell(*fills[2 - told_after_the_fold :])
        start.quote(55000.0)
        status = await start.look()
        assert start.state.positions[BTC].quantity == 0
        assert (status.profit, start.level) == (0, TradingLevel.ACTIVE)


async def test_an_order_does_not_wait_while_the_day_is_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the next look the day is what it was, and no order is judged by what never was."""
    start = Start([traded(2, TODAY + 2, "1", "60000", Side.SELL)], max_daily_loss=Decimal(1000))
    start.connect(BTC)
    start.quote(55000.0)
    await start.look()
    start.tell(traded(1, TODAY + 1, "1", "60000"))
    with monkeypatch.context() as patched:
        patched.delattr(State, "fills_since")
        assert start.risk.day_limits.breach(start.risk.limits, start.clock.ns) is None
        assert start.risk.status().profit == 0
    start.tell(traded(3, TODAY + 3, "1", "55500"))
    assert start.risk.status().profit == 0
    assert (await start.look()).profit == -500


async def test_a_fill_of_yesterday_told_today_is_held_since_midnight() -> None:
    """It stands before one that was told: what the day began with is put right, and what it lost is the day's."""
    start = Start([traded(2, TODAY - 1, "0.5", "60000", Side.SELL)])
    start.connect(BTC)
    start.quote(60000.0)
    await start.look()
    start.tell(traded(1, TODAY - 2, "1", "60000"))
    await start.look()
    start.quote(58000.0)
    assert (await start.look()).profit == -1000


async def test_a_short_of_the_journal_is_one_when_the_venue_has_listed_its_contract() -> None:
    """The journal does not say what the instrument is: what was sold is a position as soon as that is known."""
    start = Start([traded(1, LONG_AGO, "1", "60000", Side.SELL)], max_daily_loss=Decimal(1000))
    start.tell(InstrumentListed(BTC, listing(BTC, InstrumentKind.PERPETUAL)))
    start.quote(50000.0)
    assert (await start.look()).profit == 0
    start.quote(52000.0)
    assert (await start.look()).profit == -2000
    assert start.level is TradingLevel.REDUCING
