"""What a lower trading level leaves in the market is told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from octopus_desktop.engine.resting import Resting
from octopus_desktop.model.events import NoticeRaised, TradingLevelChanged
from octopus_desktop.model.orders import OrderStatus, Side
from octopus_desktop.model.safety import LevelCause, TradingLevel
from tests.unit.engine.scripted import Desk, buy, until


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    desk.bus.subscribe(Resting(desk.bus, desk.risk.exposure).hear)
    yield desk
    await desk.desk.stop()


async def rest(desk: Desk, quantity: str, side: Side = Side.BUY, price: str = "59000") -> None:
    intent = buy(quantity, price, side=side)
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)


def lower(desk: Desk, level: TradingLevel, cause: LevelCause = LevelCause.TRADER) -> list[NoticeRaised]:
    before = len(desk.state.notices)
    desk.bus.publish(TradingLevelChanged(level, "told to", 5, cause))
    return list(desk.state.notices)[before:]


async def test_orders_that_add_and_still_rest_are_named(desk: Desk) -> None:
    """The day's limit lets nothing more out, and what is out fills all the same: the trader has to know."""
    await rest(desk, "0.01")
    await rest(desk, "0.02", Side.SELL, "61000")
    (told,) = lower(desk, TradingLevel.REDUCING, LevelCause.DAY_LIMIT)
    assert "One order rests in the market at REDUCING" in told.title
    assert "buy 0.01 BTCUSDT" in told.text
    assert "sell" not in told.text, "it makes a position smaller"
    (told,) = lower(desk, TradingLevel.HALTED)
    assert "No stop is placed" in told.text


async def test_many_are_counted(desk: Desk) -> None:
    """Three are named, of the others it is said that they are there."""
    for _ in range(5):
        await rest(desk, "0.01")
    (told,) = lower(desk, TradingLevel.HALTED)
    assert "5 orders rest" in told.title
    assert "and others" in told.text


async def test_nothing_is_told_where_nothing_can_fill_or_all_is_canceled_anyhow(desk: Desk) -> None:
    assert lower(desk, TradingLevel.REDUCING) == []
    lower(desk, TradingLevel.ACTIVE)
    await rest(desk, "0.01")
    assert lower(desk, TradingLevel.ACTIVE) == []
    assert lower(desk, TradingLevel.HALTED, LevelCause.KILL_SWITCH) == []
