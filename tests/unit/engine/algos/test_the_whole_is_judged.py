"""The trader's limits hold for all that an algo is to do, in however many orders it does it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.model.algos import (
    AnyAlgoSpec,
    Bracket,
    Chase,
    GoodTillDate,
    Iceberg,
    Oco,
    Scale,
    TrailingStop,
    Twap,
)
from octopus_desktop.model.commands import Done, Refused, SubmitOrder
from octopus_desktop.model.events import InstrumentListed
from octopus_desktop.model.identifiers import ClientOrderId
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.limits import InstrumentLimits
from octopus_desktop.model.orders import OrderIntent, OrderType, Side
from octopus_desktop.ports import Capability
from tests.faults.simulated_time import EPOCH_NS
from tests.unit.engine.algos.exchange import World, world
from tests.unit.engine.scripted import BTC, bitcoin

D = Decimal
TEN = D(10)


@pytest.fixture
def market() -> Iterator[World]:
    """The usual order is 0.001."""
    with world() as there:
        there.exchange.quote, there.exchange.base = D(10**7), D(100)
        there.exchange._tell_balances()
        there.run()
        for number in range(6):
            small = OrderIntent(ClientOrderId(f"o{number}"), BTC, Side.BUY, OrderType.LIMIT, D("0.001"), D(59000))
            assert there.do(there.orders.submit(SubmitOrder(small))) == Done()
        there.run()
        yield there


def limit(market: World, **limits: object) -> None:
    market.risk.limits = msgspec.structs.replace(market.risk.limits, **limits)


def said(market: World, spec: AnyAlgoSpec) -> str:
    """What the ticket would read, which is what a start is refused with."""
    refusal = market.algos.opinion(spec).refusal
    if refusal is not None:
        assert market.begin(spec) == Refused(refusal)
        assert not market.state.algos
    return refusal or ""


def every_kind(side: Side = Side.BUY) -> list[AnyAlgoSpec]:
    """Ten coins of each."""
    better, worse = (D(59000), D(60100)) if side is Side.BUY else (D(61000), D(59900))
    far = D(62000) if side is Side.BUY else D(58000)
    entry = OrderIntent(ClientOrderId("entry"), BTC, side, OrderType.LIMIT, TEN, better)
    what = {"instrument_id": BTC, "side": side, "quantity": TEN}
    return [
        Bracket(**what, entry=entry, stop_trigger=D(58000) if side is Side.BUY else D(62000)),
        Chase(**what, limit_price=worse, step=D(1)),
        GoodTillDate(**what, entry=entry, expire_ns=EPOCH_NS + 10**15),
        Iceberg(**what, price=better, display_quantity=D("0.001")),
        Oco(**what, price=better, stop_trigger=far),
        Scale(**what, first_price=better, last_price=better - 100, count=50),
        TrailingStop(**what, offset=D(100)),
        Twap(**what, duration_s=3600.0, slices=1000),
    ]


@pytest.mark.parametrize("spec", every_kind(), ids=lambda spec: type(spec).__name__)
def test_a_finger_too_fat_is_seen_in_each_kind(market: World, spec: AnyAlgoSpec) -> None:
    """Ten thousand times the usual order is refused as one order, and as one of any kind."""
    order = OrderIntent(ClientOrderId("big"), BTC, Side.BUY, OrderType.LIMIT, TEN, D(59000))
    words = "10 BTC is 10000 times your usual order of 0.001, your limit is 25 times."
    assert market.orders.opinion(order).denial == words
    assert said(market, spec) == words
    limit(market, max_size_multiple=None)
    assert said(market, spec) == ""


@pytest.mark.parametrize("spec", every_kind(), ids=lambda spec: type(spec).__name__)
def test_the_largest_position_holds_for_the_whole(market: World, spec: AnyAlgoSpec) -> None:
    """What all of it would make of the position, with what works already; the sum of all positions likewise."""
    limit(market, max_size_multiple=None, instruments={BTC: InstrumentLimits(max_position=D(10))})
    assert said(market, spec) == "With all working orders filled you would hold 10.006 BTC, your limit is 10."
    limit(market, instruments={}, max_total_notional=D(600_000))
    assert "all positions would be worth 600,360.05 USDT" in said(market, spec)
    limit(market, max_total_notional=None)
    assert said(market, spec) == ""


@pytest.mark.parametrize("spec", every_kind(Side.SELL), ids=lambda spec: type(spec).__name__)
def test_what_reduces_passes(market: World, spec: AnyAlgoSpec) -> None:
    """A sale on spot is held back by no limit, whatever its size."""
    limit(market, max_order_notional=D(10), max_position_notional=D(10), max_total_notional=D(10))
    assert said(market, spec) == ""


@pytest.mark.parametrize("kind", [Oco, TrailingStop])
def test_an_exit_passes_where_there_are_shorts(market: World, kind: type[AnyAlgoSpec]) -> None:
    """Its orders are marked reduce-only there, and the venue sees to it: a position made elsewhere can be protected."""
    market.bus.publish(InstrumentListed(BTC, bitcoin(InstrumentKind.PERPETUAL)))
    spec = next(spec for spec in every_kind() if isinstance(spec, kind))
    assert said(market, spec) == ""


def test_the_limit_for_one_order_holds_for_each_order(market: World) -> None:
    """Cutting into slices is there to stay below it; what leaves in one piece is judged as one."""
    limit(market, max_size_multiple=None, max_order_notional=D(13_000))
    passes = {type(spec).__name__ for spec in every_kind() if said(market, spec) == ""}
    assert passes == {"Iceberg", "Scale", "Twap"}
    words = "The order is worth 600,000.10 USDT, your limit for one order is 13,000."
    chase = Chase(instrument_id=BTC, side=Side.BUY, quantity=TEN, limit_price=D(60100), step=D(1))
    assert said(market, chase) == words
    low = msgspec.structs.replace(chase, quantity=D("0.22"), limit_price=D(59000))
    assert said(market, low) == "", "worth 12,980 at its limit"
    two = Twap(instrument_id=BTC, side=Side.BUY, quantity=TEN, duration_s=3600.0, slices=2)
    assert "The order is worth 300,000.05 USDT" in said(market, two)
    few = msgspec.structs.replace(every_kind()[5], quantity=D("0.8"), count=2, skew=D(3))
    assert "The order is worth 35,340.00 USDT" in said(market, few)


@pytest.mark.parametrize("capabilities", [frozenset(Capability), frozenset()])
def test_an_iceberg_is_one_order_only_where_the_venue_has_it(
    market: World, capabilities: frozenset[Capability]
) -> None:
    """Worked here it leaves in the parts that are shown."""
    market.exchange.capabilities = capabilities
    market.crash()
    market.start()
    limit(market, max_size_multiple=None, max_order_notional=D(6_000))
    spec = Iceberg(instrument_id=BTC, side=Side.BUY, quantity=D("0.5"), price=D(59000), display_quantity=D("0.1"))
    words = "" if not capabilities else "The order is worth 29,500.00 USDT, your limit for one order is 6,000."
    assert said(market, spec) == words
