"""Going on after a limit of the day was told: for what that counts, and for what not."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.engine.trading_day import DAY_NS
from octopus_desktop.model.commands import Done, SetTradingLevel
from octopus_desktop.model.events import TradingLevelChanged
from octopus_desktop.model.safety import LevelCause, TradingLevel
from tests.unit.engine.day import TODAY, Start, traded
from tests.unit.engine.scripted import BTC

BOUGHT = traded(1, TODAY + 1, "1", "50000")


class Day(Start):
    """One bitcoin, bought today at 50,000."""

    def __init__(self, **limits: object) -> None:
        super().__init__([BOUGHT], **limits)
        self.changes: list[TradingLevelChanged] = []
        self.bus.subscribe(lambda event: self.changes.append(event) if type(event) is TradingLevelChanged else None)
        self.connect(BTC)

    def limit(self, **limits: object) -> None:
        self.risk.limits = msgspec.structs.replace(self.risk.limits, **limits)

    async def at(self, price: float) -> TradingLevel:
        self.quote(price)
        await self.look()
        return self.level

    async def go_on(self) -> None:
        assert await self.levels.set(SetTradingLevel(TradingLevel.ACTIVE)) == Done()

    @property
    def reason(self) -> str:
        return self.state.level.reason


async def test_going_on_after_a_loss_leaves_the_drawdown_limit_on() -> None:
    """The trader was told of the loss and accepts it; of the fall from the peak he has not heard yet."""
    day = Day(max_daily_loss=Decimal(1000), max_drawdown=Decimal(4000))
    assert await day.at(50500.0) is TradingLevel.ACTIVE
    assert await day.at(48900.0) is TradingLevel.REDUCING
    assert (day.reason.startswith("The day's loss"), "peak" in day.reason) == (True, False)
    await day.go_on()
    assert await day.at(47000.0) is TradingLevel.ACTIVE
    assert await day.at(46400.0) is TradingLevel.REDUCING
    assert "below its peak of 500.00" in day.reason
    assert "The day's loss" not in day.reason, "that one was overridden"
    await day.go_on()
    assert await day.at(40000.0) is TradingLevel.ACTIVE


async def test_what_is_broken_together_is_told_and_overridden_together() -> None:
    """A day without a win falls as far from its peak as it loses: one word is enough for both."""
    day = Day(max_daily_loss=Decimal(1000), max_drawdown=Decimal(1000))
    assert await day.at(48900.0) is TradingLevel.REDUCING
    assert "The day's loss is 1,100.00" in day.reason
    assert "1,100.00 USDT below its peak" in day.reason
    await day.go_on()
    assert await day.at(45000.0) is TradingLevel.ACTIVE


@pytest.mark.parametrize("limits", [{"max_drawdown": Decimal(1500)}, {"max_daily_loss": Decimal(500)}])
async def test_a_limit_set_after_the_override_is_judged(limits: dict[str, Decimal]) -> None:
    """Set anew, or set lower: it is a later word than the override."""
    day = Day(max_daily_loss=Decimal(1000))
    assert await day.at(48500.0) is TradingLevel.REDUCING
    await day.go_on()
    assert await day.at(48400.0) is TradingLevel.ACTIVE
    day.limit(**limits)
    assert await day.at(48400.0) is TradingLevel.REDUCING


async def test_a_limit_set_higher_counts_at_its_new_figure() -> None:
    """A thousand were told and accepted; of two thousand nobody has spoken."""
    day = Day(max_daily_loss=Decimal(1000))
    assert await day.at(48900.0) is TradingLevel.REDUCING
    await day.go_on()
    day.limit(max_daily_loss=Decimal(2000))
    assert await day.at(48100.0) is TradingLevel.ACTIVE
    assert await day.at(47900.0) is TradingLevel.REDUCING


async def test_a_figure_lowered_before_going_on_was_not_told() -> None:
    """The word counts for the figure that stood there."""
    day = Day(max_daily_loss=Decimal(1000))
    assert await day.at(48900.0) is TradingLevel.REDUCING
    day.limit(max_daily_loss=Decimal(800))
    await day.go_on()
    assert await day.at(48900.0) is TradingLevel.REDUCING
    assert "your limit is 800" in day.reason


async def test_a_restart_knows_what_was_overridden_and_what_not() -> None:
    """From the journal: the same loss is not told twice in a day, and the other limit still is."""
    day = Day(max_daily_loss=Decimal(1000), max_drawdown=Decimal(4000))
    await day.at(48900.0)
    await day.go_on()
    again = Day(max_daily_loss=Decimal(1000), max_drawdown=Decimal(4000))
    again.clock.ns = day.clock.ns
    again.tell(*day.changes)
    assert await again.at(47000.0) is TradingLevel.ACTIVE
    assert await again.at(45900.0) is TradingLevel.REDUCING
    assert "peak" in again.reason


async def test_an_override_ends_with_the_day() -> None:
    """The next day's loss is told anew."""
    day = Day(max_daily_loss=Decimal(1000))
    await day.at(48900.0)
    await day.go_on()
    day.clock.ns += DAY_NS
    assert await day.at(48900.0) is TradingLevel.ACTIVE, "the day begins at the price of now"
    assert await day.at(47800.0) is TradingLevel.REDUCING
    assert day.state.level.cause is LevelCause.DAY_LIMIT
