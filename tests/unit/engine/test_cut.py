"""A quantity the venue does not take at once leaves in parts, and each part is an order."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octopus_desktop.engine.cut import cut, is_order
from octopus_desktop.model.orders import ZERO
from tests.unit.engine.scripted import bitcoin

D = Decimal
PRICE = D(60000)


@pytest.mark.parametrize(
    ("rules", "quantity", "market", "part"),
    [
        ({}, "5", True, "5"),
        ({}, "0.000019", True, "0.00001"),
        ({}, "0", True, "0"),
        ({"max_quantity": D(3)}, "5", True, "3"),
        ({"max_quantity": D(3), "market_max_quantity": D(2)}, "5", True, "2"),
        ({"max_quantity": D(3), "market_max_quantity": D(2)}, "5", False, "3"),
        ({"market_max_quantity": D("2.49999")}, "2.5", True, "1.25"),
        ({"market_max_notional": D(120_000)}, "5", True, "1.96"),
        ({"max_notional": D(120_000)}, "5", False, "2"),
    ],
)
def test_one_order_takes_the_most_and_leaves_no_crumb(
    rules: dict[str, Decimal], quantity: str, market: bool, part: str
) -> None:
    """The largest order; half of it all where what is left would be too little for one."""
    assert cut(msgspec.structs.replace(bitcoin(), **rules), D(quantity), PRICE, market=market) == D(part)


def test_without_a_price_it_is_cut_by_the_quantity() -> None:
    """A position is closed even when no quote has come."""
    instrument = msgspec.structs.replace(bitcoin(), market_max_quantity=D(2), market_max_notional=D(100))
    assert cut(instrument, D(5), None) == 2
    assert cut(msgspec.structs.replace(instrument, min_quantity=D("0.1")), D("2.05"), None) == D("1.02500")


@given(
    lots=st.integers(10, 10_000_000),
    most=st.integers(10, 1_000_000),
)
def test_the_parts_are_orders_and_all_of_it(lots: int, most: int) -> None:
    """Cut again and again until nothing is left: no part is refused."""
    instrument = msgspec.structs.replace(bitcoin(), market_max_quantity=max(D(most), D(lots) / 50) * D("0.00002"))
    left = D(lots) * D("0.00001")
    while left:
        part = cut(instrument, left, PRICE)
        assert ZERO < part <= (instrument.market_max_quantity or ZERO)
        assert is_order(instrument, part, PRICE)
        left -= part
