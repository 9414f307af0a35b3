"""A small exchange of one instrument, and the engine's order rooms in front of it, in simulated time.

The exchange locks coins, triggers stops, and takes lists, amendments and icebergs as Binance spot does. Faults are
asked for by name, one for each request to come.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from octopus_desktop.engine.algos.desk import AlgoDesk
from octopus_desktop.engine.amend import Amendments
from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.entry import EntryLock, Lock
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.engine.reconciliation import Compared, reconcile
from octopus_desktop.engine.risk import Risk
from octopus_desktop.engine.subscriptions import Subscriptions
from octopus_desktop.model.account import Balance
from octopus_desktop.model.algos import Algo, AnyAlgoSpec, OnRestart
from octopus_desktop.model.commands import Outcome, PauseAlgo, ResumeAlgo, StartAlgo, StopAlgo
from octopus_desktop.model.errors import AmendHalfDone, LinkError, RequestRefused
from octopus_desktop.model.events import (
    BalanceChanged,
    Channel,
    FeedRecovered,
    FeedStale,
    InstrumentListed,
    JournalEvent,
    QuoteChanged,
)
from octopus_desktop.model.identifiers import AlgoId, ClientOrderId, TradeId, VenueOrderId
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import ZERO, Fill, Order, OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.ports import Capability
from octopus_desktop.state import State
from tests.faults.simulated_time import SimulatedLoop, simulated_time
from tests.unit.engine.scripted import BTC, SIM, bitcoin

T = TypeVar("T")
FEE = Decimal("0.001")
LATENCY_S = 0.01
ALGO = AlgoId("al-test")
_OPEN = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)


@dataclass
class Resting:
    intent: OrderIntent
    number: VenueOrderId
    status: OrderStatus = OrderStatus.ACCEPTED
    filled: Decimal = ZERO
    fills: list[Fill] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.status in _OPEN

    @property
    def remaining(self) -> Decimal:
        return self.intent.quantity - self.filled


class Exchange:
    """An ExecutionClient. `faults`: what becomes of the next requests that create."""

    venue = SIM

    def __init__(self, loop: SimulatedLoop) -> None:
        self.loop = loop
        self.capabilities = frozenset(Capability)
        self.book: dict[ClientOrderId, Resting] = {}
        self.base = Decimal(0)
        self.quote = Decimal(100_000)
        self.bid, self.ask = Decimal(60000), Decimal("60000.01")
        self.faults: deque[str] = deque()
        self.mute = False
        self.refused_prices: set[Decimal] = set()
        self.publish: Callable[[Any], None] = lambda _: None
        self.report: Callable[[OrderReport], None] = lambda _: None
        self.trades: list[Fill] = []
        self.requests: list[str] = []

    # What a test does -------------------------------------------------------

    def move(self, bid: str | Decimal, ask: str | Decimal | None = None) -> None:
        """The touch goes there; stops trigger, and limits the touch has passed fill."""
        self.bid = Decimal(bid)
        self.ask = Decimal(ask) if ask is not None else self.bid + Decimal("0.01")
        self.tell_quote()
        for order in list(self.book.values()):
            if order.open:
                self._match(order)

    def tell_quote(self) -> None:
        now = self.loop.now_ns()
        self.publish(QuoteChanged(BTC, float(self.bid), 1.0, float(self.ask), 1.0, now, now))

    def fill(self, order: Resting, quantity: str | Decimal, price: Decimal | None = None) -> None:
        intent, amount = order.intent, min(Decimal(quantity), order.remaining)
        at = price or intent.price or self.bid
        fee = amount * FEE if intent.side is Side.BUY else amount * at * FEE
        number = TradeId(str(len(self.trades) + 1))
        fee_asset = "BTC" if intent.side is Side.BUY else "USDT"
        now = self.loop.now_ns()
        fill = Fill(
            BTC, intent.client_order_id, order.number, number, intent.side, at, amount, fee, fee_asset, True, now
        )
        self.trades.append(fill)
        order.fills.append(fill)
        order.filled += amount
        order.status = OrderStatus.PARTIALLY_FILLED if order.remaining else OrderStatus.FILLED
        self.base += (amount - fee) if intent.side is Side.BUY else -amount
        self.quote += -amount * at if intent.side is Side.BUY else amount * at - fee
        self._tell(order, fill)
        self._end_partner(order)

    def cancel_at_the_venue(self, order: Resting) -> None:
        order.status = OrderStatus.CANCELED
        self._tell(order)
        self._end_partner(order)

    def open_of(self, role: str) -> list[Resting]:
        return [order for order in self.book.values() if order.open and self.role(order) == role]

    def role(self, order: Resting) -> str:
        return order.intent.role

    @property
    def locked_base(self) -> Decimal:
        lists: set[str] = set()
        locked = ZERO
        for order in self.book.values():
            if order.open and order.intent.side is Side.SELL and order.intent.list_id not in lists:
                locked += order.remaining
                if order.intent.list_id is not None:
                    lists.add(order.intent.list_id)
        return locked

    # The port ---------------------------------------------------------------

    async def start(self, publish: object, report: object) -> None:
        raise AssertionError("the world starts it")

    async def stop(self) -> None:
        raise AssertionError("nobody stops it")

    async def submit(self, intent: OrderIntent, instrument: Instrument) -> OrderReport:
        self.requests.append("submit")
        fault = await self._fault()
        self._refuse_if(fault, [intent])
        order = self._place(intent)
        await self._lose_if(fault)
        return self._told(order)

    async def submit_list(self, intents: Sequence[OrderIntent], instrument: Instrument) -> list[OrderReport]:
        self.requests.append("list")
        fault = await self._fault()
        self._refuse_if(fault, intents)
        orders = [self._place(intent) for intent in intents]
        await self._lose_if(fault)
        return [self._told(order) for order in orders]

    async def amend(self, order: Order, intent: OrderIntent, instrument: Instrument) -> tuple[OrderReport, OrderReport]:
        self.requests.append("amend")
        fault = await self._fault()
        old = self.book.get(order.client_order_id)
        if old is None or old.status is not OrderStatus.ACCEPTED or fault == "refuse":
            raise RequestRefused("The cancel part was refused.", -2022)
        old.status = OrderStatus.CANCELED
        self._tell(old)
        problem = self._problem([intent])
        if fault == "half" or problem is not None:
            raise AmendHalfDone(problem or "The new order was refused.", -2021, self._told(old))
        new = self._place(intent)
        await self._lose_if(fault)
        return self._told(old), self._told(new)

    async def cancel(self, order: Order, instrument: Instrument) -> OrderReport:
        self.requests.append("cancel")
        await asyncio.sleep(LATENCY_S)
        there = self.book.get(order.client_order_id)
        if there is None or not there.open:
            raise RequestRefused("Unknown order sent.", -2011)
        self.cancel_at_the_venue(there)
        return self._told(there)

    async def cancel_all(self, instrument: Instrument) -> list[OrderReport]:
        raise AssertionError("not used here")

    async def order(
        self, instrument: Instrument, client_order_id: ClientOrderId, venue_order_id: VenueOrderId | None
    ) -> OrderReport | None:
        await asyncio.sleep(LATENCY_S)
        if self.mute:
            raise LinkError("No connection.")
        there = self.book.get(client_order_id)
        return self._told(there) if there is not None else None

    async def open_orders(self, *, pressing: bool = False) -> list[OrderReport]:
        return [self._told(order) for order in self.book.values() if order.open]

    async def orders(self, instrument: Instrument, first: VenueOrderId) -> list[OrderReport]:
        return [self._told(order) for order in self.book.values() if int(order.number) >= int(first)]

    async def fills(
        self, instrument: Instrument, after: str | None, venue_order_id: VenueOrderId | None = None
    ) -> list[Fill]:
        return [
            fill
            for fill in self.trades
            if (venue_order_id is None or fill.venue_order_id == venue_order_id)
            and (after is None or int(fill.trade_id) > int(after))
        ]

    async def balances(self) -> list[Balance]:
        now = self.loop.now_ns()
        locked = self.locked_base
        return [
            Balance(SIM, "BTC", self.base - locked, locked, now),
            Balance(SIM, "USDT", self.quote - self._locked_quote(), self._locked_quote(), now),
        ]

    # ------------------------------------------------------------------------

    async def _fault(self) -> str:
        fault = self.faults.popleft() if self.faults else ""
        await asyncio.sleep(LATENCY_S)
        if fault == "lost":
            raise LinkError("The connection broke.")
        return fault

    async def _lose_if(self, fault: str) -> None:
        if fault == "unanswered":
            raise LinkError("The connection broke.")

    def _refuse_if(self, fault: str, intents: Sequence[OrderIntent]) -> None:
        problem = "Refused as told." if fault == "refuse" else self._problem(intents)
        if problem is not None:
            raise RequestRefused(problem, -2010)

    def _problem(self, intents: Sequence[OrderIntent]) -> str | None:
        first = intents[0]
        if first.side is Side.SELL and first.quantity > self.base - self.locked_base:
            return "Account has insufficient balance."
        if _buys(first) and first.quantity * (first.price or self.ask) > self.quote - self._locked_quote():
            return "Account has insufficient balance."
        for intent in intents:
            if intent.price in self.refused_prices:
                return "Refused at this price."
            if intent.type in (OrderType.STOP, OrderType.STOP_LIMIT) and self._triggered(intent):
                return "Stop price would trigger immediately."
            if intent.list_id is not None and intent.type is OrderType.LIMIT and self._crosses(intent):
                return "Order would immediately match and take."
            if intent.client_order_id in self.book:
                return "Duplicate order sent."
        return None

    def _place(self, intent: OrderIntent) -> Resting:
        order = Resting(intent, VenueOrderId(str(len(self.book) + 1)))
        self.book[intent.client_order_id] = order
        self._tell(order)
        self._match(order)
        if order.open and intent.tif is TimeInForce.IOC:
            order.status = OrderStatus.EXPIRED
            self._tell(order)
        return order

    def _match(self, order: Resting) -> None:
        intent = order.intent
        if intent.type is OrderType.MARKET or (intent.type is OrderType.STOP and self._triggered(intent)):
            self.fill(order, order.remaining, self.bid if intent.side is Side.SELL else self.ask)
        elif intent.type in (OrderType.LIMIT, OrderType.POST_ONLY) and self._crosses(intent):
            self.fill(order, order.remaining, intent.price)

    def _triggered(self, intent: OrderIntent) -> bool:
        assert intent.trigger_price is not None
        return self.bid <= intent.trigger_price if intent.side is Side.SELL else self.ask >= intent.trigger_price

    def _crosses(self, intent: OrderIntent) -> bool:
        assert intent.price is not None
        return self.bid >= intent.price if intent.side is Side.SELL else self.ask <= intent.price

    def _end_partner(self, order: Resting) -> None:
        if order.intent.list_id is None:
            return
        for other in self.book.values():
            if other is not order and other.open and other.intent.list_id == order.intent.list_id:
                other.status = OrderStatus.EXPIRED
                self._tell(other)

    def _locked_quote(self) -> Decimal:
        return sum(
            (o.remaining * (o.intent.price or self.ask) for o in self.book.values() if o.open and _buys(o.intent)),
            ZERO,
        )

    def _told(self, order: Resting) -> OrderReport:
        intent = order.intent
        now = self.loop.now_ns()
        return OrderReport(
            intent.client_order_id, order.number, intent, order.status, order.filled, tuple(order.fills), now
        )

    def _tell(self, order: Resting, fill: Fill | None = None) -> None:
        """Over the account stream: the order first, the balances a moment later."""
        report = msgspec.structs.replace(self._told(order), fills=(fill,) if fill is not None else ())
        self.loop.call_later(LATENCY_S, lambda: self.report(report))
        self.loop.call_later(LATENCY_S * 2, self._tell_balances)

    def _tell_balances(self) -> None:
        locked = self.locked_base
        now = self.loop.now_ns()
        self.publish(BalanceChanged(Balance(SIM, "BTC", self.base - locked, locked, now)))
        in_orders = self._locked_quote()
        self.publish(BalanceChanged(Balance(SIM, "USDT", self.quote - in_orders, in_orders, now)))


def _buys(intent: OrderIntent) -> bool:
    return intent.side is Side.BUY


class CrashingJournal:
    """What was only recorded is lost with the program, what was committed is not."""

    def __init__(self) -> None:
        self.kept: list[JournalEvent] = []
        self._waiting: list[JournalEvent] = []

    async def commit(self, events: Sequence[JournalEvent]) -> None:
        self._waiting += events
        await asyncio.sleep(0.001)
        self._flush()

    def record(self, event: JournalEvent) -> None:
        self._waiting.append(event)

    def read(self) -> list[JournalEvent]:
        return list(self.kept)

    def crash(self) -> None:
        self._waiting.clear()

    def _flush(self) -> None:
        self.kept += self._waiting
        self._waiting.clear()


class LoopClock:
    def __init__(self, loop: SimulatedLoop) -> None:
        self.now_ns = loop.now_ns
        self.monotonic_ns = loop.time_ns


class World:
    """The engine's order rooms, wired as the node does it, with the exchange behind them."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self.loop = loop
        self.exchange = Exchange(loop)
        self.journal = CrashingJournal()
        self.clock = LoopClock(loop)
        self.start()

    def start(self) -> None:
        """A first start, or one after `crash`: fold the journal, compare, go on."""
        self.state = State()
        self.bus = Bus(self.state)
        self.lock = EntryLock(self.bus, self.clock)
        limits = RiskLimits(max_orders_per_second=1000, max_orders_per_minute=10_000, max_order_notional=Decimal(10**7))
        self.risk = Risk(self.bus, self.lock, self.clock, limits)
        for event in self.journal.read():
            self.bus.publish(event)
        self.lock.shut(Lock.RECONCILING)
        self.bus.publish(InstrumentListed(BTC, bitcoin()))
        self.exchange.publish = self.bus.publish
        self.orders = OrderDesk(self.bus, self.journal, self.exchange, self.lock, self.clock, self.risk)
        self.exchange.report = self.orders.report
        self.amendments = Amendments(self.bus, self.orders, self.exchange, self.clock)
        self.subscriptions = Subscriptions()
        self.algos = AlgoDesk(
            self.bus,
            self.journal,
            self.orders,
            self.amendments,
            self.exchange,
            self.lock,
            self.subscriptions,
            self.clock,
        )
        self.exchange.tell_quote()
        self.do(self._compare())
        self._feed = self.loop.create_task(self._quote())

    async def _quote(self) -> None:
        while True:
            self.exchange.tell_quote()
            await asyncio.sleep(0.5)

    async def _compare(self) -> None:
        await reconcile(self.bus, self.orders, self.exchange, self.clock, Compared())
        self.lock.open(Lock.RECONCILING)
        self.amendments.restart()
        await self.algos.restart()

    def crash(self) -> None:
        """The program is gone between two awaits; what it had not committed is forgotten."""
        self.exchange.publish = lambda _: None
        self.exchange.report = lambda _: None
        self.journal.crash()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.run(0)

    def end(self) -> None:
        self._feed.cancel()
        self.do(self.algos.close())
        self.do(self.amendments.stop())
        self.do(self.orders.stop())

    # Doing things -----------------------------------------------------------

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def run(self, seconds: float = 1.0) -> None:
        self.do(asyncio.sleep(seconds))

    def begin(self, spec: AnyAlgoSpec, on_restart: OnRestart = OnRestart.RESUME, name: AlgoId = ALGO) -> Outcome:
        outcome = self.do(self.algos.start(StartAlgo(name, spec, on_restart)))
        self.run()
        return outcome

    def stop(self, *, keep: bool = True) -> Outcome:
        outcome = self.do(self.algos.stop(StopAlgo(ALGO, keep)))
        self.run(3)
        return outcome

    def pause(self) -> Outcome:
        return self.do(self.algos.pause(PauseAlgo(ALGO)))

    def resume(self) -> Outcome:
        outcome = self.do(self.algos.resume(ResumeAlgo(ALGO)))
        self.run()
        return outcome

    def go_stale(self) -> None:
        self.bus.publish(FeedStale(BTC, Channel.QUOTES, self.loop.now_ns(), "silence"))

    def recover(self) -> None:
        self.bus.publish(FeedRecovered(BTC, Channel.QUOTES))

    @property
    def algo(self) -> Algo:
        return self.state.algos[ALGO]

    def notices(self) -> list[str]:
        return [notice.title for notice in self.state.notices]


@contextmanager
def world(seed: int = 1) -> Iterator[World]:
    with simulated_time(seed) as loop:
        asyncio.set_event_loop(loop)
        there = World(loop)
        try:
            yield there
        finally:
            there.end()
            asyncio.set_event_loop(None)
