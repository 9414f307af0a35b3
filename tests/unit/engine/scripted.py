"""A venue's account, a journal and a repository that do what a test tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.entry import EntryLock, Lock
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.engine.reconciliation import Compared
from octopus_desktop.engine.risk import Risk
from octopus_desktop.model.account import Balance
from octopus_desktop.model.commands import SubmitOrder
from octopus_desktop.model.errors import UnreadableOrders, VenueError
from octopus_desktop.model.events import AnyOrderEvent, BalanceChanged, InstrumentListed, QuoteChanged
from octopus_desktop.model.identifiers import (
    ClientOrderId,
    InstrumentId,
    IntentToken,
    TradeId,
    Venue,
    VenueOrderId,
    new_client_order_id,
)
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import Fill, Order, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.ports import Publish
from octopus_desktop.state import State

SIM = Venue("SIM")
BTC = InstrumentId("BTCUSDT.SIM")


def bitcoin(kind: InstrumentKind = InstrumentKind.SPOT) -> Instrument:
    return Instrument(
        BTC,
        SIM,
        "BTCUSDT",
        "BTC",
        "USDT",
        kind,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
        min_quantity=Decimal("0.00001"),
        max_quantity=Decimal(9000),
        min_notional=Decimal(5),
        price_up=Decimal(5),
        price_down=Decimal("0.2"),
    )


def buy(
    quantity: str = "0.1",
    price: str | None = "60000",
    *,
    side: Side = Side.BUY,
    type_: OrderType = OrderType.LIMIT,
    token: str | None = None,
    quote_quantity: str | None = None,
) -> OrderIntent:
    return OrderIntent(
        new_client_order_id(),
        BTC,
        side,
        type_,
        Decimal(quantity),
        Decimal(price) if price is not None else None,
        quote_quantity=Decimal(quote_quantity) if quote_quantity is not None else None,
        token=IntentToken(token) if token is not None else None,
    )


class ManualClock:
    def __init__(self) -> None:
        self.ns = 1_700_000_000_000_000_000

    def now_ns(self) -> int:
        return self.ns

    monotonic_ns = now_ns


class MemoryJournal:
    def __init__(self) -> None:
        self.events: list[AnyOrderEvent] = []
        self.failing: Exception | None = None

    async def commit(self, events: Sequence[AnyOrderEvent]) -> None:
        await asyncio.sleep(0)
        if self.failing is not None:
            raise self.failing
        self.events += events

    def record(self, event: AnyOrderEvent) -> None:
        self.events.append(event)

    def read(self) -> list[AnyOrderEvent]:
        return list(self.events)


class ScriptedAccount:
    """An ExecutionClient. `book` is the venue's own truth; `answers` overrides what a call gives or raises."""

    venue = SIM

    def __init__(self) -> None:
        self.submitted: list[OrderIntent] = []
        self.book: dict[ClientOrderId, OrderReport] = {}
        self.trades: list[Fill] = []
        self.money: list[Balance] = []
        self.fail_submit: VenueError | None = None
        self.accept_though_failing = False
        self.fail_cancel: VenueError | None = None
        self.fail_order: VenueError | None = None
        self.fail_open: VenueError | None = None
        self.fail_balances: VenueError | None = None
        self.unreadable: set[ClientOrderId] = set()
        self.fee_asset = "BNB"

    async def start(self, publish: Publish, report: Callable[[OrderReport], None]) -> None:
        raise AssertionError("the desk never starts it")

    async def stop(self) -> None:
        raise AssertionError("the desk never stops it")

    async def submit(self, intent: OrderIntent, instrument: Instrument) -> OrderReport:
        self.submitted.append(intent)
        await asyncio.sleep(0)
        name = intent.client_order_id
        if self.fail_submit is None or self.accept_though_failing:
            number = VenueOrderId(str(100 + len(self.submitted)))
            self.book[name] = OrderReport(name, number, intent, OrderStatus.ACCEPTED, Decimal(0), (), 1)
        if self.fail_submit is not None:
            raise self.fail_submit
        return self.book[name]

    async def cancel(self, order: Order, instrument: Instrument) -> OrderReport:
        await asyncio.sleep(0)
        if self.fail_cancel is not None:
            raise self.fail_cancel
        return self.end(order.client_order_id, OrderStatus.CANCELED)

    async def order(
        self, instrument: Instrument, client_order_id: ClientOrderId, venue_order_id: VenueOrderId | None
    ) -> OrderReport | None:
        await asyncio.sleep(0)
        if self.fail_order is not None:
            raise self.fail_order
        for name, report in self.book.items():
            if client_order_id == name or (venue_order_id and report.venue_order_id == venue_order_id):
                return report
        return None

    async def orders(self, instrument: Instrument, first: VenueOrderId) -> list[OrderReport]:
        await asyncio.sleep(0)
        found = [report for report in self.book.values() if int(report.venue_order_id) >= int(first)]
        return sorted(found, key=lambda report: int(report.venue_order_id))

    async def cancel_all(self, instrument: Instrument) -> list[OrderReport]:
        await asyncio.sleep(0)
        if self.fail_open is not None:
            raise self.fail_open
        reports = [report for report in self.book.values() if not report.status.is_terminal]
        return [await self.cancel(self._order(report), instrument) for report in reports]

    async def open_orders(self, *, pressing: bool = False) -> list[OrderReport]:
        await asyncio.sleep(0)
        if self.fail_open is not None:
            raise self.fail_open
        reports = [report for report in self.book.values() if not report.status.is_terminal]
        readable = [report for report in reports if report.client_order_id not in self.unreadable]
        if pressing and len(readable) < len(reports):
            raise UnreadableOrders(frozenset({BTC}), readable)
        return readable

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
        if self.fail_balances is not None:
            raise self.fail_balances
        return self.money

    @staticmethod
    def _order(report: OrderReport) -> Order:
        return Order(report.intent, report.status, 1, 1, report.venue_order_id)

    def end(self, name: ClientOrderId, status: OrderStatus) -> OrderReport:
        old = self.book[name]
        new = OrderReport(name, old.venue_order_id, old.intent, status, old.filled_quantity, (), 2)
        self.book[name] = new
        return new

    def fill(self, name: ClientOrderId, quantity: str, trade: int) -> Fill:
        """At the venue only: nobody is told."""
        old = self.book[name]
        filled = old.filled_quantity + Decimal(quantity)
        status = OrderStatus.FILLED if filled >= old.intent.quantity else OrderStatus.PARTIALLY_FILLED
        self.book[name] = OrderReport(name, old.venue_order_id, old.intent, status, filled, (), 2)
        fill = Fill(
            BTC,
            ClientOrderId(""),
            old.venue_order_id,
            TradeId(str(trade)),
            old.intent.side,
            old.intent.price or Decimal(60000),
            Decimal(quantity),
            Decimal("0.0001"),
            self.fee_asset,
            True,
            2,
        )
        self.trades.append(fill)
        return fill


class Desk:
    """A desk that is open for business, with its venue, journal and state within reach."""

    def __init__(self, limits: RiskLimits | None = None) -> None:
        self.state = State()
        self.bus = Bus(self.state)
        self.clock = ManualClock()
        self.journal = MemoryJournal()
        self.account = ScriptedAccount()
        self.compared = Compared()
        self.lock = EntryLock(self.bus, self.clock)
        self.lock.shut(Lock.RECONCILING)
        self.lock.open(Lock.RECONCILING)
        self.bus.publish(InstrumentListed(BTC, bitcoin()))
        self.bus.publish(QuoteChanged(BTC, 60000.0, 1.0, 60000.01, 1.0, 1, 1))
        self.bus.publish(BalanceChanged(Balance(SIM, "USDT", Decimal(20000), Decimal(0), 1)))
        self.bus.publish(BalanceChanged(Balance(SIM, "BTC", Decimal(1), Decimal(0), 1)))
        self.risk = Risk(self.bus, self.lock, self.clock, limits or RiskLimits())
        self.desk = OrderDesk(self.bus, self.journal, self.account, self.lock, self.clock, self.risk)

    async def submit(self, intent: OrderIntent) -> object:
        return await self.desk.submit(SubmitOrder(intent))

    def order(self, intent: OrderIntent) -> Order:
        return self.state.orders[intent.client_order_id]


async def until(condition: Callable[[], bool], turns: int = 5000) -> None:
    for _ in range(turns):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never happened")


class Settings:
    """The part of a repository that keeps settings."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def setting(self, key: str) -> str | None:
        return self.kept.get(key)

    def record_setting(self, key: str, value: str) -> None:
        self.kept[key] = value
