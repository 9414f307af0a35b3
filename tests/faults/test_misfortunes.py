"""The misfortunes that hit one thing alone, each arranged; and that a terminal which ignores one is found out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.engine import orders, risk
from octopus_desktop.engine.algos.exits import ExitWork
from octopus_desktop.engine.outages import EVERY_S, PATIENCE_S, Outages
from octopus_desktop.model.algos import Algo, AlgoStatus, Bracket, OnRestart, Target
from octopus_desktop.model.commands import (
    Done,
    KillSwitch,
    NeedsAcknowledgement,
    Outcome,
    Refused,
    StartAlgo,
    SubmitOrder,
)
from octopus_desktop.model.events import Link, LinkStatus
from octopus_desktop.model.identifiers import AlgoId, ClientOrderId, InstrumentId
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.simulator.orders import NewOrder
from octopus_desktop.simulator.units import UNIT, to_units
from octopus_desktop.storage import writer
from tests.faults.misfortune import Misfortune
from tests.faults.network import Trouble
from tests.faults.test_chaos import goes_on_after_an_outage
from tests.faults.tickets import stepped
from tests.faults.world import ACCOUNT, VENUE, World, a_world

BNB = InstrumentId(f"BNBUSDT.{VENUE}")
NAME = ClientOrderId("bid")
SOMEBODY = 2
Story = Callable[[World], Awaitable[None]]


def told(story: Story, *, seed: int = 3, of_older_dialect: bool = False) -> None:
    with a_world(seed) as world:
        world.process.of_older_dialect = of_older_dialect
        world.loop.run_until_complete(story(world))
        assert world.broken_rules == []


async def until(condition: Callable[[], object], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  # of many kinds
            await asyncio.sleep(0.05)


async def opened(world: World) -> None:
    """Order entry is open; the crowd stays where it is, and leaves room for a bid before all others."""
    world.open_market()
    world.start_engine()
    await until(lambda: world.state.entry_locked is None and world.state.market(BNB).touch is not None)
    world.freeze_market()
    for asset in ("BNB", "USDT"):
        world.exchange.deposit(SOMEBODY, asset, to_units("1000000"))
    ask = world.exchange.markets["BNBUSDT"].book.asks.best()
    assert ask is not None
    best = NewOrder("BNBUSDT", True, "LIMIT", to_units("200"), price=ask, time_in_force="IOC")
    world.exchange.place(SOMEBODY, best)


def inside(world: World) -> Decimal:
    """A price between the best bid and the best ask: an order to buy at it is the next to be filled."""
    market = world.exchange.markets["BNBUSDT"]
    bid, ask = market.book.bids.best(), market.book.asks.best()
    assert bid is not None
    assert ask is not None
    assert ask - market.listing.tick > bid
    return (Decimal(ask - market.listing.tick) / UNIT).quantize(Decimal("0.01"))


def a_bid(world: World, quantity: str, kind: OrderType = OrderType.LIMIT) -> OrderIntent:
    price = inside(world) if kind is OrderType.LIMIT else None
    return OrderIntent(NAME, BNB, Side.BUY, kind, Decimal(quantity), price)


def somebody_sells(world: World, quantity: str) -> None:
    world.exchange.place(SOMEBODY, NewOrder("BNBUSDT", False, "MARKET", quantity=to_units(quantity)))


async def submitted(world: World, intent: OrderIntent) -> Outcome | None:
    return await world.execute(SubmitOrder(intent, acknowledged=True))


# ── the power fails ──────────────────────────────────────────────────────────────────────────────────────


async def the_power_fails_behind_an_order(world: World) -> None:
    """The order is on the wire; nothing that came after its commit had to be synced."""
    await opened(world)
    assert await submitted(world, a_bid(world, "0.5")) == Done(1)
    await until(lambda: world.state.orders[NAME].status is OrderStatus.ACCEPTED)
    world.power_fails = True
    world.kill("behind an order")
    world.start_engine()
    await until(lambda: world.state.entry_locked is None)
    order = world.state.orders[NAME]
    assert not order.adopted
    assert order.status is OrderStatus.ACCEPTED


def test_an_order_outlasts_the_power() -> None:
    """What was said to be taken is on the disk itself, not only in the system's memory."""
    told(the_power_fails_behind_an_order)


async def the_power_fails_two_lives_later(world: World) -> None:
    """Killed, then a start that cannot open its data, then no power: what had been synced before all that is there."""
    await opened(world)
    assert await submitted(world, a_bid(world, "0.5")) == Done(1)
    await until(lambda: world.state.orders[NAME].status is OrderStatus.ACCEPTED)
    world.kill("behind an order")
    world.disk.trouble = "full"
    world.start_engine()
    await asyncio.sleep(1)
    world.power_fails = True
    world.kill("while nothing is open")
    world.disk.trouble = None
    world.start_engine()
    await until(lambda: world.state.entry_locked is None)
    assert not world.state.orders[NAME].adopted


def test_what_was_synced_stays_through_a_start_that_failed() -> None:
    """A log that nobody had open since is as it was."""
    told(the_power_fails_two_lives_later)


async def the_power_fails_behind_the_first_comparison(world: World) -> None:
    await opened(world)
    world.exchange.place(ACCOUNT, NewOrder("BNBUSDT", True, "MARKET", to_units("0.5"), client_order_id="web_1"))
    await until(lambda: ClientOrderId("web_1") in world.state.orders)
    world.power_fails = True
    world.kill("behind the first comparison")
    world.start_engine()
    await until(lambda: world.state.entry_locked is None)
    bought = sum(fill.quantity for fill in world.state.fills)
    assert bought == Decimal("0.5")


def test_a_trade_elsewhere_is_known_after_the_power_failed() -> None:
    """The first comparison parts the account's past from what happens since: it is on the disk before entry opens."""
    for seed in range(3, 8):
        told(the_power_fails_behind_the_first_comparison, seed=seed)


def test_a_journal_that_is_not_synced_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    tuned = writer._tuned
    monkeypatch.setattr(writer, "_tuned", lambda connection, synchronous: tuned(connection, "NORMAL"))
    with pytest.raises(AssertionError):
        told(the_power_fails_behind_an_order, seed=4)


# ── the exchange restarts ────────────────────────────────────────────────────────────────────────────────


async def the_exchange_restarts(world: World) -> None:
    await opened(world)
    assert await submitted(world, a_bid(world, "0.5")) == Done(1)
    await until(lambda: world.state.orders[NAME].status is OrderStatus.ACCEPTED)
    somebody_sells(world, "0.2")
    world.kill_exchange()
    await until(lambda: world.state.entry_locked is not None)
    assert isinstance(await submitted(world, a_bid(world, "0.5", OrderType.MARKET)), Done | Refused)
    await asyncio.sleep(4.0)
    world.process.start()
    await until(lambda: world.state.entry_locked is None)
    there = world.exchange.find(ACCOUNT, "BNBUSDT", None, NAME)
    await until(lambda: world.state.orders[NAME].filled_quantity == Decimal(there.filled).scaleb(-8))
    assert there.filled >= to_units("0.2"), "the fill was told by nobody before it went"


def test_a_fill_that_the_exchange_told_nobody_of_before_it_went() -> None:
    """It is killed right behind a fill and comes back with its account: the fill is known here."""
    told(the_exchange_restarts)


def test_who_takes_up_where_it_was_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on_after_an_outage(monkeypatch)
    with pytest.raises(TimeoutError):
        told(the_exchange_restarts)


# ── the market is silent ─────────────────────────────────────────────────────────────────────────────────


async def the_market_is_silent(world: World) -> None:
    await opened(world)
    world.market_line.silences = 1
    await until(lambda: world.market_line.is_stale)
    refused = await submitted(world, a_bid(world, "0.5", OrderType.MARKET))
    assert isinstance(refused, Refused)
    assert "may be old" in refused.reason
    limit = msgspec.structs.replace(a_bid(world, "0.5"), client_order_id=ClientOrderId("limit"))
    assert isinstance(await world.execute(SubmitOrder(limit)), NeedsAcknowledgement)
    world.market_line.silences = 0
    await until(lambda: not world.market_line.is_stale)
    assert await world.execute(SubmitOrder(limit)) == Done(1)


def test_no_market_order_on_a_price_that_stands_still() -> None:
    """The socket is open and nothing comes: what depends on the price is refused, a limit asks first."""
    told(the_market_is_silent)


async def the_market_falls_silent_while_the_disk_works(world: World) -> None:
    await opened(world)
    world.disk.slow_s = 5.0
    await asyncio.sleep(1.0)  # behind a turn that was due before
    asked = asyncio.ensure_future(submitted(world, a_bid(world, "0.5", OrderType.MARKET)))
    await asyncio.sleep(0.1)
    world.market_line.silences = 1
    outcome = await asked
    assert isinstance(outcome, Refused)
    assert world.state.orders[NAME].status is OrderStatus.REJECTED


def test_no_market_order_on_a_price_that_stood_still_before_it_left() -> None:
    """The disk took seconds, and the price went stale meanwhile: the order does not leave any more."""
    told(the_market_falls_silent_while_the_disk_works)


@pytest.mark.parametrize("story", [the_market_is_silent, the_market_falls_silent_while_the_disk_works])
def test_who_fires_on_stale_prices_is_found_out(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "staleness", lambda *_: None)
    monkeypatch.setattr(orders, "staleness", lambda *_: None)
    with a_world(3) as world:
        with suppress(AssertionError):
            world.loop.run_until_complete(story(world))
        assert any("left on a stale price" in rule for rule in world.broken_rules)


# ── the account stream alone ─────────────────────────────────────────────────────────────────────────────


async def the_account_stream_is_gone(world: World) -> None:
    await opened(world)
    assert await submitted(world, a_bid(world, "0.5")) == Done(1)
    await until(lambda: world.state.orders[NAME].status is OrderStatus.ACCEPTED)
    with Misfortune(1, world, honest=True).account_ended():
        await until(lambda: link(world, Link.ACCOUNT) is not LinkStatus.UP)
        await asyncio.sleep(PATIENCE_S + 2.0)
        somebody_sells(world, "0.5")
        order = world.state.orders[NAME]
        await until(lambda: order.status is OrderStatus.FILLED, EVERY_S + 2.0)
        assert link(world, Link.ACCOUNT) is not LinkStatus.UP
        assert link(world, Link.ORDERS) is LinkStatus.UP
    await until(lambda: world.state.entry_locked is None, 120.0)


def link(world: World, which: Link) -> LinkStatus:
    return world.state.links[VENUE, which].status


def test_rest_stands_in_for_the_account_stream() -> None:
    """Only the account stream is gone: what is filled meanwhile is known by asking, and it comes back by itself."""
    told(the_account_stream_is_gone)


def test_rest_stands_in_for_a_listen_keys_socket() -> None:
    """As above, where the account's events have a socket of their own."""
    told(the_account_stream_is_gone, of_older_dialect=True)


def test_who_only_waits_for_the_account_stream_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outages, "link_changed", lambda *_: None)
    with pytest.raises(TimeoutError):
        told(the_account_stream_is_gone)


async def the_trader_wants_out_without_the_account_stream(world: World) -> None:
    await opened(world)
    assert await submitted(world, a_bid(world, "4", OrderType.MARKET)) == Done(1)
    await until(lambda: held(world) > 3)
    with Misfortune(1, world, honest=True).account_ended():
        await until(lambda: link(world, Link.ACCOUNT) is not LinkStatus.UP)
        assert link(world, Link.ORDERS) is LinkStatus.UP
        another = OrderIntent(ClientOrderId("more"), BNB, Side.BUY, OrderType.MARKET, Decimal(1))
        refused = await submitted(world, another)
        assert isinstance(refused, Refused)
        assert "account stream" in refused.reason
        less = OrderIntent(ClientOrderId("less"), BNB, Side.SELL, OrderType.MARKET, Decimal(1))
        assert await submitted(world, less) == Done(1)
        await until(lambda: world.state.orders[less.client_order_id].status is OrderStatus.FILLED, EVERY_S)
        assert await world.execute(KillSwitch(flatten=True)) == Done()
        await until(lambda: held(world) < 1, PATIENCE_S + 2 * EVERY_S)
        assert link(world, Link.ACCOUNT) is not LinkStatus.UP


def held(world: World) -> Decimal:
    """By what was filled, as it is known here."""
    position = world.state.positions.get(BNB)
    return position.quantity if position is not None else Decimal(0)


def test_what_reduces_leaves_without_the_account_stream() -> None:
    """A sale and the kill switch close the position while only the account stream is gone; what adds is held back."""
    told(the_trader_wants_out_without_the_account_stream)


async def an_entry_is_filled_without_the_account_stream(world: World) -> None:
    algo = await a_bracket(world)
    with Misfortune(1, world, honest=True).account_ended():
        await until(lambda: link(world, Link.ACCOUNT) is not LinkStatus.UP)
        somebody_sells(world, "4")
        await until(lambda: algo.filled_as("entry") == 4, PATIENCE_S + EVERY_S + 2.0)
        await until(lambda: is_under_its_stop(world, algo), 2.0)
        assert world.protection.uncovered(world.exchange, world.state) == []
        assert link(world, Link.ACCOUNT) is not LinkStatus.UP


def is_under_its_stop(world: World, algo: Algo) -> bool:
    children = [world.state.orders[name] for name in algo.children]
    return any(child.intent.role == "stop" and child.status is OrderStatus.ACCEPTED for child in children)


def test_the_stop_needs_no_account_stream() -> None:
    """The entry's fill is known by asking, and is under its stop then, not when the stream is back."""
    told(an_entry_is_filled_without_the_account_stream)


async def the_account_is_told_late(world: World) -> None:
    await opened(world)
    assert await submitted(world, a_bid(world, "0.5")) == Done(1)
    await until(lambda: world.state.orders[NAME].status is OrderStatus.ACCEPTED)
    silent = Trouble()
    silent.account_silent = True
    world.network.change(silent)
    somebody_sells(world, "0.2")
    somebody_sells(world, "0.3")
    await asyncio.sleep(8.0)
    world.network.change(Trouble())
    await until(lambda: world.state.orders[NAME].status is OrderStatus.FILLED)
    assert len(world.state.fills) == 2


def test_what_the_account_tells_late_counts_once() -> None:
    told(the_account_is_told_late)


# ── the stop covers what was filled ──────────────────────────────────────────────────────────────────────


async def a_bracket(world: World) -> Algo:
    """Its entry is the next order to be filled."""
    await opened(world)
    entry = a_bid(world, "4")
    assert entry.price is not None
    targets = (Target(stepped(float(entry.price) * 1.05, 1_000_000), Decimal(4)),)
    bracket = Bracket(
        instrument_id=BNB,
        side=Side.BUY,
        quantity=Decimal(4),
        entry=entry,
        stop_trigger=stepped(float(entry.price) * 0.95, 1_000_000),
        targets=targets,
    )
    assert await world.execute(StartAlgo(AlgoId("al-1"), bracket, OnRestart.RESUME)) == Done()
    algo = world.state.algos[AlgoId("al-1")]
    await until(lambda: algo.children and world.state.orders[algo.children[0]].status is OrderStatus.ACCEPTED)
    return algo


async def an_entry_is_filled_in_parts(world: World) -> None:
    algo = await a_bracket(world)
    for _ in range(2):
        somebody_sells(world, "1")
        await asyncio.sleep(2.0)
    assert algo.filled_as("entry") >= 2
    assert algo.status is AlgoStatus.RUNNING
    assert world.protection.uncovered(world.exchange, world.state) == []


def test_the_stop_grows_with_what_was_filled() -> None:
    """By the exchange's own book, not by what is known here."""
    told(an_entry_is_filled_in_parts)


def test_a_stop_that_does_not_grow_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def left_as_it_is(*_: object) -> None:
        return None

    monkeypatch.setattr(ExitWork, "_resize", left_as_it_is)
    with pytest.raises(AssertionError):
        told(an_entry_is_filled_in_parts)
