"""The day's profit is that of the venue's own order of trades, in whatever order they were told."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.trading_day import DAY_NS, TradingDay
from octopus_desktop.model.events import (
    InstrumentListed,
    OrderAccepted,
    OrderFilled,
    OrderInitiated,
    OrderSubmitted,
    QuoteChanged,
)
from octopus_desktop.model.identifiers import ClientOrderId, TradeId, VenueOrderId
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.orders import ZERO, Fill, OrderIntent, OrderType, Side
from octopus_desktop.state import State
from tests.unit.engine.scripted import BTC, ManualClock, bitcoin

NOW = ManualClock().ns
TODAY = NOW - NOW % DAY_NS
ALMOST = Decimal("1e-12")

trades = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.integers(1, 1000).map(lambda lots: Decimal(lots) / 100),
        st.integers(1, 100_000).map(Decimal),
        st.sampled_from([ZERO, Decimal("0.25")]),
    ),
    max_size=12,
)
prices = st.integers(1, 100_000).map(float)


class Day:
    def __init__(self, kind: InstrumentKind, *, listed: bool) -> None:
        self.state = State()
        self.bus = Bus(self.state)
        self.day = TradingDay(self.state)
        self.bus.subscribe(self.day.apply)
        self.listing = InstrumentListed(BTC, bitcoin(kind))
        if listed:
            self.bus.publish(self.listing)

    def quote(self, price: float) -> None:
        self.bus.publish(QuoteChanged(BTC, price, 1.0, price, 1.0, NOW, NOW))

    def tell(self, fills: Sequence[Fill], look: Random | None = None) -> None:
        for fill in fills:
            name = fill.client_order_id
            intent = OrderIntent(name, BTC, fill.side, OrderType.LIMIT, fill.quantity, fill.price)
            self.bus.publish(OrderInitiated(name, NOW, intent))
            self.bus.publish(OrderSubmitted(name, NOW))
            self.bus.publish(OrderAccepted(name, NOW, fill.venue_order_id))
            self.bus.publish(OrderFilled(name, NOW, fill, True))
            if look is not None and look.random() < 0.3:
                self.profit()

    def profit(self) -> tuple[Decimal, Decimal]:
        self.day.settle()
        standing = self.day.standing("USDT", NOW)
        return standing.profit, standing.fees


def filled(sequence: list[tuple[Side, Decimal, Decimal, Decimal]], first: int, ts_ns: int) -> list[Fill]:
    return [
        Fill(BTC, ClientOrderId(f"od{n}"), VenueOrderId(f"{n}"), TradeId(f"{n}"), *rest, "USDT", True, ts_ns + n)
        for n, rest in enumerate(sequence, first)
    ]


def settled_by_hand(
    before: list[Fill], today: list[Fill], begins: float, ends: float, kind: InstrumentKind
) -> tuple[Decimal, Decimal]:
    """Money in, money out, and what is held: on spot only as much is sold as was bought."""
    held = cash = started = ZERO
    for number, fill in enumerate([*before, *today]):
        started = held if number == len(before) else started
        quantity = fill.quantity
        if kind is InstrumentKind.SPOT and fill.side is Side.SELL:
            quantity = min(quantity, held)
        held += quantity * fill.side.sign
        cash -= quantity * fill.side.sign * fill.price if number >= len(before) else ZERO
    started = started if today else held
    fees = sum((fill.fee for fill in today), ZERO)
    return cash - fees + held * Decimal(ends) - started * Decimal(begins), fees


@given(trades, trades, prices, prices, st.randoms(use_true_random=False), st.sampled_from(InstrumentKind))
def test_the_day_s_profit_does_not_depend_on_what_is_told_first(
    before: list[tuple[Side, Decimal, Decimal, Decimal]],
    today: list[tuple[Side, Decimal, Decimal, Decimal]],
    begins: float,
    ends: float,
    chance: Random,
    kind: InstrumentKind,
) -> None:
    """Two days of trades, each told in any order, looked at whenever: money out less money in, and what is held."""
    earlier = filled(before, 1, TODAY - DAY_NS)
    later = filled(today, len(before) + 1, TODAY)
    wanted = settled_by_hand(earlier, later, begins, ends, kind)
    chance.shuffle(earlier)
    chance.shuffle(later)
    told = Day(kind, listed=True)
    told.tell(earlier)
    told.quote(begins)
    told.profit()
    told.tell(later, look=chance)
    told.quote(ends)
    profit, fees = told.profit()
    assert abs(profit - wanted[0]) < ALMOST
    assert fees == wanted[1]


@given(trades, trades, prices, st.randoms(use_true_random=False), st.sampled_from(InstrumentKind))
def test_nor_on_the_day_it_is_told(
    before: list[tuple[Side, Decimal, Decimal, Decimal]],
    today: list[tuple[Side, Decimal, Decimal, Decimal]],
    ends: float,
    chance: Random,
    kind: InstrumentKind,
) -> None:
    """A journal in which the trades of yesterday stand among those of today, folded before the market is known: its
    day is that of the journal in the venue's order."""
    fills = [*filled(before, 1, TODAY - DAY_NS), *filled(today, len(before) + 1, TODAY)]
    results = []
    for shuffled in (False, True):
        if shuffled:
            chance.shuffle(fills)
        day = Day(kind, listed=False)
        day.tell(fills)
        day.bus.publish(day.listing)
        day.quote(ends)
        results.append(day.profit())
    assert abs(results[0][0] - results[1][0]) < ALMOST
    assert results[0][1] == results[1][1]
