"""A scale's orders: what the preview shows is what is sent."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from octopus_desktop.model.algos import Scale
from octopus_desktop.model.identifiers import InstrumentId, Venue
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import Side

TICK, LOT = Decimal("0.01"), Decimal("0.00001")
BTC = Instrument(
    InstrumentId("BTCUSDT.SIM"), Venue("SIM"), "BTCUSDT", "BTC", "USDT", InstrumentKind.SPOT, TICK, LOT, LOT,
    Decimal(9000), Decimal(10),
)  # fmt: skip


@given(
    st.decimals("0.001", "10", places=5),
    st.integers(1, 40),
    st.decimals("0.1", "10", places=2),
    st.decimals("60000", "70000", places=2),
    st.decimals("60000", "70000", places=2),
)
def test_rungs_are_the_whole_quantity_between_the_ends(
    quantity: Decimal, count: int, skew: Decimal, first: Decimal, last: Decimal
) -> None:
    """As many orders as asked for, on ticks and in lots, from the first price to the last; together the quantity."""
    spec = Scale(
        instrument_id=BTC.instrument_id,
        side=Side.BUY,
        quantity=quantity,
        first_price=first,
        last_price=last,
        count=count,
        skew=skew,
    )
    rungs = spec.rungs(BTC)
    assert len(rungs) == count
    assert sum(size for _, size in rungs) == quantity
    assert all(not price % TICK and not size % LOT and size >= 0 for price, size in rungs)
    assert rungs[0][0] == first
    assert count == 1 or rungs[-1][0] == last
    sizes = [size for _, size in rungs]
    steepest = (sizes[-1] - sizes[0]) * (1 if skew >= 1 else -1)
    assert count == 1 or steepest >= -LOT * count
