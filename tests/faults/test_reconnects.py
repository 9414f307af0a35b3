"""Single bad moments, arranged instead of drawn: what the random days meet too seldom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

from octopus_desktop.model.commands import CancelOrder, Done, Reconcile, SubmitOrder
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId
from octopus_desktop.model.orders import Order, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.simulator.units import UNIT
from tests.faults.network import Trouble
from tests.faults.tickets import stepped
from tests.faults.world import ACCOUNT, VENUE, World, a_world

NAME = ClientOrderId("resting")


async def resting_order(world: World) -> Order:
    world.open_market()
    world.start_engine()
    await until(lambda: world.state.entry_locked is None)
    market = world.exchange.markets["BNBUSDT"]
    price = stepped(market.last_price / UNIT * 0.98, market.listing.tick)
    where = InstrumentId(f"BNBUSDT.{VENUE}")
    intent = OrderIntent(NAME, where, Side.BUY, OrderType.LIMIT, Decimal("0.5"), price)
    assert await world.execute(SubmitOrder(intent)) == Done()
    await until(lambda: world.state.orders[NAME].status is OrderStatus.ACCEPTED)
    return world.state.orders[NAME]


async def until(condition: Callable[[], object], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  # of many kinds
            await asyncio.sleep(0.05)


def canceled_elsewhere(world: World, order: Order) -> None:
    world.server.catch_up()
    world.exchange.cancel(ACCOUNT, "BNBUSDT", int(order.venue_order_id or 0), None)


def test_a_line_that_breaks_during_a_comparison_is_followed_by_another() -> None:
    """The order was canceled at the venue while the line was cut, behind the list the comparison had already read."""

    async def story(world: World) -> None:
        order = await resting_order(world)
        asked: list[str] = []
        world.network.on_sent = asked.append
        slow = Trouble()
        slow.http_latency_s = 2.0
        world.network.change(slow)
        await world.execute(Reconcile(VENUE))
        await until(lambda: any("myTrades" in what for what in asked))
        world.network.cut()
        canceled_elsewhere(world, order)
        await until(lambda: order.status is OrderStatus.CANCELED)

    with a_world(1) as world:
        world.loop.run_until_complete(story(world))


def test_a_cancel_is_carried_out_by_the_next_start() -> None:
    """Killed behind the key: the cancel is in the journal and never reached the venue."""

    async def story(world: World) -> None:
        await resting_order(world)
        silent = Trouble()
        silent.silent = True
        world.network.change(silent)
        await world.execute(CancelOrder(NAME))
        await asyncio.sleep(0.3)  # the row is written with the next batch
        world.kill("behind the cancel")
        world.network.held.clear()
        world.network.change(Trouble())
        world.start_engine()
        await until(lambda: NAME in world.state.orders and world.state.orders[NAME].status is OrderStatus.CANCELED)

    with a_world(2) as world:
        world.loop.run_until_complete(story(world))
