"""An engine whose day a test tells: its fills, its prices, its looks."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.day_guard import DayGuard
from octopus_desktop.engine.entry import EntryLock
from octopus_desktop.engine.level import Levels
from octopus_desktop.engine.risk import Risk
from octopus_desktop.engine.subscriptions import Subscriptions
from octopus_desktop.engine.trading_day import DAY_NS
from octopus_desktop.model.events import (
    Channel,
    Event,
    InstrumentListed,
    Link,
    LinkChanged,
    LinkStatus,
    OrderAccepted,
    OrderFilled,
    OrderInitiated,
    OrderSubmitted,
    QuoteChanged,
)
from octopus_desktop.model.identifiers import InstrumentId, Interval, TradeId, VenueOrderId, symbol_of
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import ZERO, Fill, OrderIntent, Side
from octopus_desktop.model.profile import Dialect, Mode, Profile
from octopus_desktop.model.queries import RiskStatus
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.state import State
from tests.unit.engine.scripted import BTC, SIM, ManualClock, MemoryJournal, Settings, bitcoin, buy

ETH = InstrumentId("ETHUSDT.SIM")
EUR = InstrumentId("EURUSDT.SIM")
BTC_IN_EUR = InstrumentId("BTCEUR.SIM")
NOW = ManualClock().ns
TODAY = NOW - NOW % DAY_NS
LONG_AGO = TODAY - 10 * DAY_NS


def listing(name: InstrumentId, kind: InstrumentKind = InstrumentKind.SPOT) -> Instrument:
    quote = "EUR" if name == BTC_IN_EUR else "USDT"
    base = symbol_of(name).removesuffix(quote)
    return msgspec.structs.replace(bitcoin(kind), instrument_id=name, symbol=symbol_of(name), base=base, quote=quote)


def traded(trade: int, ts_ns: int, quantity: str, price: str, side: Side = Side.BUY, name: InstrumentId = BTC) -> Event:
    """The fill; the events before it are `opened` from it."""
    intent = msgspec.structs.replace(buy(quantity, price, side=side), instrument_id=name)
    number = VenueOrderId(str(trade))
    amount = Decimal(quantity)
    fill = Fill(
        name,
        intent.client_order_id,
        number,
        TradeId(str(trade)),
        side,
        Decimal(price),
        amount,
        ZERO,
        "USDT",
        True,
        ts_ns,
    )
    return OrderFilled(intent.client_order_id, ts_ns, fill, True)


def opened(filled: OrderFilled) -> list[Event]:
    fill, name, ts_ns = filled.fill, filled.client_order_id, filled.ts_ns
    intent = OrderIntent(name, fill.instrument_id, fill.side, buy().type, fill.quantity, fill.price)
    return [
        OrderInitiated(name, ts_ns, intent),
        OrderSubmitted(name, ts_ns),
        OrderAccepted(name, ts_ns, fill.venue_order_id),
    ]


class Streams:
    """A MarketDataClient as far as subscribing goes."""

    def __init__(self) -> None:
        self.running: set[tuple[InstrumentId, Channel]] = set()
        self.ended: list[tuple[InstrumentId, Channel]] = []

    def subscribe(self, name: InstrumentId, channel: Channel, interval: Interval | None = None) -> None:
        assert (name, channel) not in self.running
        self.running.add((name, channel))

    def unsubscribe(self, name: InstrumentId, channel: Channel, interval: Interval | None = None) -> None:
        self.running.remove((name, channel))
        self.ended.append((name, channel))


class Start:
    """An engine that has folded its journal, before it has a market; at 22:13 UTC."""

    def __init__(self, fills: Iterable[Event], settings: Settings | None = None, **limits: object) -> None:
        self.state = State()
        self.bus = Bus(self.state)
        self.clock = ManualClock()
        self.settings = settings or Settings()
        self.streams = Streams()
        self.subscriptions = Subscriptions()
        self.risk = Risk(self.bus, EntryLock(self.bus, self.clock), self.clock, RiskLimits(**limits))  # type: ignore[arg-type]  # by name
        self.levels = Levels(self.bus, self.clock, Profile("demo", SIM, Dialect.BINANCE_SPOT, Mode.DEMO))
        self.tell(*fills)
        self.levels.connect(MemoryJournal())
        self.guard = DayGuard(self.bus, self.risk, self.levels, self.subscriptions, self.clock, self.settings)  # type: ignore[arg-type]  # the part it needs

    def tell(self, *events: Event) -> None:
        for event in events:
            for each in (*opened(event), event) if isinstance(event, OrderFilled) else (event,):
                self.bus.publish(each)

    def connect(self, *names: InstrumentId) -> None:
        """The venue's list, whole, and then its link."""
        for name in names:
            self.bus.publish(InstrumentListed(name, listing(name)))
        self.bus.publish(LinkChanged(SIM, Link.MARKET, LinkStatus.UP, "", self.clock.ns))
        self.subscriptions.connect(self.streams)  # type: ignore[arg-type]  # the part it needs

    def quote(self, price: float, name: InstrumentId = BTC, ask: float | None = None) -> None:
        self.bus.publish(
            QuoteChanged(name, price, 1.0, price if ask is None else ask, 1.0, self.clock.ns, self.clock.ns)
        )

    async def look(self) -> RiskStatus:
        self.clock.ns += 1_000_000_000
        await self.guard.look()
        return self.risk.status()

    @property
    def level(self) -> TradingLevel:
        return self.levels.level
