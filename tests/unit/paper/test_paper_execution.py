"""The paper venue behind the port: what it refuses, what it keeps, and what it makes up for after a pause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octopus_desktop.model.errors import AmendHalfDone, RequestRefused, VenueError, VenueUnavailable
from octopus_desktop.model.events import (
    BalanceChanged,
    BookReset,
    Channel,
    Event,
    FeedStale,
    InstrumentListed,
    Link,
    LinkChanged,
)
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, Interval, Venue
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.market import Candles
from octopus_desktop.model.orders import Order, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.paper import execution as execution_module
from octopus_desktop.paper.execution import PaperExecution
from octopus_desktop.state import State
from tests.printed import printed

VENUE = Venue("TEST")
BTC = InstrumentId("BTCUSDT.TEST")
CENT, LOT = Decimal("0.01"), Decimal("0.001")
INSTRUMENT = Instrument(
    BTC, VENUE, "BTCUSDT", "BTC", "USDT", InstrumentKind.SPOT, CENT, LOT, LOT, Decimal(100), Decimal(5)
)

MINUTE_NS = 60_000_000_000


class Clock:
    def __init__(self) -> None:
        self.ns = 1_800_000_000 * 1_000_000_000

    def now_ns(self) -> int:
        return self.ns

    monotonic_ns = now_ns


class World:
    """A venue's market, the state that folds it, and a paper account on it that can be started again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.candles: Candles | VenueError = Candles.empty(BTC, Interval.M1)
        self.begin()

    def begin(self, listed: bool = True) -> None:
        self.state = State()
        self.reports: list[OrderReport] = []
        self.events: list[Event] = []
        self.watched: list[tuple[InstrumentId, Channel]] = []
        if listed:
            self.state.apply(InstrumentListed(BTC, INSTRUMENT))
        self.paper = PaperExecution(
            VENUE, self.state, self.clock, self.path, lambda *topic: self.watched.append(topic), self._ask
        )

    async def _ask(self, where: InstrumentId, interval: Interval, count: int, end: int | None) -> Candles:
        if isinstance(self.candles, VenueError):
            raise self.candles
        return self.candles

    async def start(self) -> None:
        await self.paper.start(self.events.append, self.reports.append)

    def say(self, event: Event) -> None:
        self.clock.ns += 1_000_000
        self.state.apply(event)
        self.paper.see(event)

    def book(self, bid: float = 100.0, ask: float = 101.0) -> None:
        now = self.clock.ns
        self.say(BookReset(BTC, [(bid, 5.0), (bid - 10, 50.0)], [(ask, 5.0), (ask + 10, 50.0)], 1, now, now))

    def printed(self, price: float, quantity: float, side: Side) -> None:
        at = self.clock.ns + 2_000_000
        self.say(printed(BTC, price, quantity, side, at, at, at))

    async def again(self, listed: bool = True) -> None:
        """As after a restart."""
        await self.paper.stop()
        self.begin(listed)
        await self.start()

    def total(self, asset: str) -> tuple[Decimal, Decimal]:
        found = [e.balance for e in self.events if isinstance(e, BalanceChanged) and e.balance.asset == asset]
        return found[-1].free, found[-1].locked


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    one = World(tmp_path / "paper.db")
    await one.start()
    yield one
    await one.paper.stop()


def buy(
    name: str, price: str | None, quantity: str = "1", kind: OrderType = OrderType.LIMIT, **more: Any
) -> OrderIntent:
    limit = Decimal(price) if price is not None else None
    return OrderIntent(ClientOrderId(name), BTC, more.pop("side", Side.BUY), kind, Decimal(quantity), limit, **more)


def known(report: OrderReport) -> Order:
    return Order(report.intent, report.status, 0, 0, report.venue_order_id)


async def test_it_starts_with_its_account_and_its_links(world: World) -> None:
    """100,000 USDT unless the profile says otherwise, once; order entry and account are up."""
    assert world.total("USDT") == (100_000, 0)
    assert {e.link for e in world.events if isinstance(e, LinkChanged)} == {Link.ORDERS, Link.ACCOUNT}
    await world.again()
    assert [one.free for one in await world.paper.balances() if one.asset == "USDT"] == [100_000]


async def test_an_order_waits_for_the_book(world: World) -> None:
    """An instrument nobody looks at is watched with its first order, and placed when its book is there."""
    placing = asyncio.create_task(world.paper.submit(buy("a", "100"), INSTRUMENT))
    await asyncio.sleep(0)
    assert world.watched == [(BTC, Channel.TRADES), (BTC, Channel.BOOK)]
    assert not world.reports
    world.book()
    report = await placing
    assert report.status is OrderStatus.ACCEPTED
    assert [one.status for one in world.reports] == [OrderStatus.ACCEPTED]
    assert world.total("USDT") == (99_900, 100)


async def test_no_book_no_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the book does not come, or is stale, the order is refused: certainly not placed."""
    monkeypatch.setattr(execution_module, "BOOK_WITHIN_S", 0.01)
    with pytest.raises(RequestRefused, match="did not come"):
        await world.paper.submit(buy("a", "100"), INSTRUMENT)
    world.book()
    world.say(FeedStale(BTC, Channel.BOOK, 0, "the line is down"))
    with pytest.raises(RequestRefused, match="stale"):
        await world.paper.submit(buy("b", "100"), INSTRUMENT)
    assert await world.paper.open_orders() == []
    assert await world.paper.order(INSTRUMENT, ClientOrderId("a"), None) is None


async def test_every_way_to_place_amend_and_cancel(world: World) -> None:
    """List, trailing stop, iceberg; an amendment done, refused, and half done; and the cancel of everything."""
    world.state.apply(printed(BTC, 100.0, 1.0, Side.BUY, 1, 1, 1))
    world.book()
    rest = await world.paper.submit(buy("a", "99"), INSTRUMENT)
    old, new = await world.paper.amend(known(rest), buy("b", "98", display_quantity=Decimal("0.2")), INSTRUMENT)
    assert (old.status, new.status) == (OrderStatus.CANCELED, OrderStatus.ACCEPTED)
    assert new.intent.display_quantity == Decimal("0.2")
    with pytest.raises(RequestRefused, match="PRICE_FILTER"):
        await world.paper.amend(known(new), buy("c", "98.005"), INSTRUMENT)
    with pytest.raises(AmendHalfDone, match="insufficient balance") as half:
        await world.paper.amend(known(new), buy("c", "450", "90", side=Side.SELL), INSTRUMENT)
    assert half.value.canceled.client_order_id == "b"
    bought = await world.paper.submit(buy("d", None, "2", OrderType.MARKET), INSTRUMENT)
    assert (bought.status, bought.filled_quantity) == (OrderStatus.FILLED, 2)
    legs = [
        buy("t", "120", side=Side.SELL, list_id="l"),
        buy("s", None, kind=OrderType.STOP, trigger_price=Decimal(80), side=Side.SELL, list_id="l"),
    ]
    pair = await world.paper.submit_list(legs, INSTRUMENT)
    assert {one.intent.list_id for one in pair} == {"l"}
    trailing = buy("r", None, "0.5", OrderType.TRAILING_STOP, side=Side.SELL, trailing_fraction=Decimal("0.05"))
    follows = await world.paper.submit(trailing, INSTRUMENT)
    assert follows.intent.trailing_fraction == Decimal("0.05")
    gone = await world.paper.cancel_all(INSTRUMENT)
    assert {(one.client_order_id, one.status) for one in gone} == {(n, OrderStatus.CANCELED) for n in ("t", "s", "r")}
    assert world.total("BTC")[1] == 0
    assert await world.paper.cancel_all(INSTRUMENT) == []
    with pytest.raises(RequestRefused, match="Unknown order"):
        await world.paper.cancel(known(pair[0]), INSTRUMENT)


async def test_what_it_knew_it_knows_after_a_restart(world: World) -> None:
    """Open orders with a trailing stop's best price, fills, balances; and the queue is behind what stands there now."""
    world.state.apply(printed(BTC, 100.0, 1.0, Side.BUY, 1, 1, 1))
    world.book()
    await world.paper.submit(buy("m", None, "2", OrderType.MARKET), INSTRUMENT)
    await world.paper.submit(buy("a", "100"), INSTRUMENT)
    trailing = buy("r", None, "0.5", OrderType.TRAILING_STOP, side=Side.SELL, trailing_fraction=Decimal("0.05"))
    await world.paper.submit(trailing, INSTRUMENT)
    world.printed(105.0, 0.1, Side.BUY)
    before = {one.client_order_id: one for one in await world.paper.open_orders()}
    fills, balances = await world.paper.fills(INSTRUMENT, None), world.paper._exchange.ledger.assets(1)
    await world.again()
    after = {one.client_order_id: one for one in await world.paper.open_orders()}
    assert {name: one.intent for name, one in after.items()} == {name: one.intent for name, one in before.items()}
    assert await world.paper.fills(INSTRUMENT, None) == fills
    assert world.paper._exchange.ledger.assets(1) == balances
    assert world.watched == [(BTC, Channel.TRADES), (BTC, Channel.BOOK)]
    world.book(bid=100.0)
    world.printed(100.0, 4.9, Side.SELL)
    assert not world.reports
    world.printed(99.75, 0.1, Side.SELL)
    names = [(one.client_order_id, one.status) for one in world.reports]
    assert ("a", OrderStatus.PARTIALLY_FILLED) in names
    assert ("r", OrderStatus.FILLED) in names, "5 % below 105 is 99.75"


def minutes(world: World, *rows: tuple[int, float, float, float]) -> Candles:
    """(minutes ago, low, high, volume)."""
    opened = np.array([world.clock.ns - ago * MINUTE_NS for ago, *_ in rows], np.int64)
    low, high, volume = (np.array([row[at] for row in rows], np.float64) for at in (1, 2, 3))
    return Candles(BTC, Interval.M1, opened, low, high, low, high, volume)


async def test_what_the_market_passed_meanwhile_is_made_up_for(world: World) -> None:
    """The terminal was closed for an hour, and the price went through the bid: filled, by no more than was traded."""
    world.book()
    await world.paper.submit(buy("deep", "90", "10"), INSTRUMENT)
    await world.paper.submit(buy("deeper", "80", "10"), INSTRUMENT)
    await world.paper.stop()
    world.clock.ns += 60 * MINUTE_NS
    world.candles = minutes(world, (90, 1.0, 100.0, 50.0), (30, 89.0, 95.0, 4.0), (20, 90.0, 95.0, 4.0))
    world.begin()
    await world.start()
    filled = {one.client_order_id: one.filled_quantity for one in await world.paper.open_orders()}
    assert filled == {"deep": 4, "deeper": 0}
    assert {fill.price for fill in await world.paper.fills(INSTRUMENT, None)} == {90}


async def test_what_was_traded_meanwhile_is_shared(world: World) -> None:
    """By price, then by time, as a venue would: three orders are not each filled with the same trade."""
    world.book()
    for name, price in (("late", "94.5"), ("first", "95"), ("second", "95"), ("third", "95")):
        await world.paper.submit(buy(name, price), INSTRUMENT)
    await world.paper.stop()
    world.clock.ns += 10 * MINUTE_NS
    world.candles = minutes(world, (6, 94.0, 96.0, 1.25), (5, 94.9, 96.0, 0.5), (4, 94.0, 96.0, 1.0))
    world.begin()
    await world.start()
    reports = [
        await world.paper.order(INSTRUMENT, ClientOrderId(n), None) for n in ("first", "second", "third", "late")
    ]
    assert [report.filled_quantity for report in reports if report is not None] == [1, 1, Decimal("0.75"), 0]
    assert sum(fill.quantity for fill in await world.paper.fills(INSTRUMENT, None)) == Decimal("2.75")


async def test_a_trade_meanwhile_fills_a_bid_or_an_offer(world: World) -> None:
    """The price went through both: what was traded is there for both of them together."""
    world.book()
    await world.paper.submit(buy("have", None, "3", OrderType.MARKET), INSTRUMENT)
    await world.paper.submit(buy("bid", "95"), INSTRUMENT)
    await world.paper.submit(buy("offer", "105", side=Side.SELL), INSTRUMENT)
    await world.paper.stop()
    world.clock.ns += 10 * MINUTE_NS
    world.candles = minutes(world, (5, 94.0, 106.0, 1.5))
    world.begin()
    await world.start()
    bid, offer = [await world.paper.order(INSTRUMENT, ClientOrderId(name), None) for name in ("bid", "offer")]
    assert bid is not None
    assert offer is not None
    assert (bid.filled_quantity, offer.filled_quantity) == (1, Decimal("0.5"))


async def test_a_venue_that_cannot_be_asked_costs_no_start(world: World) -> None:
    """No candles: what passed meanwhile is not known, and the account opens all the same."""
    world.book()
    await world.paper.submit(buy("deep", "90", "10"), INSTRUMENT)
    world.clock.ns += 60 * MINUTE_NS
    world.candles = VenueUnavailable("down")
    await world.again()
    assert [one.filled_quantity for one in await world.paper.open_orders()] == [0]


async def test_an_instrument_that_is_listed_no_more(world: World) -> None:
    """Its order can still be seen and canceled; its money is free again."""
    world.book()
    report = await world.paper.submit(buy("a", "100"), INSTRUMENT)
    await world.again(listed=False)
    assert (await world.paper.cancel(known(report), INSTRUMENT)).status is OrderStatus.CANCELED
    assert world.total("USDT") == (100_000, 0)


async def test_a_file_that_is_none_of_ours(tmp_path: Path) -> None:
    """Said in words, and no retry will help."""
    (tmp_path / "paper.db").write_bytes(b"something else" * 100)
    world = World(tmp_path / "paper.db")
    with pytest.raises(VenueError, match="not a state file") as told:
        await world.start()
    assert not told.value.retryable
