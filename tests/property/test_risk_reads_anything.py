"""Whatever numbers an order brings, risk answers with a sentence or lets a sound one pass."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from octopus_desktop.model.identifiers import new_client_order_id
from octopus_desktop.model.orders import OrderIntent, OrderType, Side
from tests.unit.engine.scripted import BTC, Desk

_ODD = (
    "NaN",
    "sNaN",
    "Infinity",
    "-Infinity",
    "0",
    "-1",
    "1E+40",
    "1E-40",
    "9" * 40,
    "0." + "3" * 40,
    "0.001",
    "60000",
)
_NUMBERS = st.sampled_from([Decimal(text) for text in _ODD]) | st.decimals(allow_nan=True, allow_infinity=True)
_MAYBE = st.none() | _NUMBERS


@given(
    side=st.sampled_from(Side),
    kind=st.sampled_from(OrderType),
    quantity=_NUMBERS,
    price=_MAYBE,
    trigger=_MAYBE,
    quote_quantity=_MAYBE,
    reduce_only=st.booleans(),
)
@example(
    side=Side.BUY,
    kind=OrderType.LIMIT,
    quantity=Decimal("1E+40"),
    price=Decimal(60_000),
    trigger=None,
    quote_quantity=None,
    reduce_only=False,
)
@example(
    side=Side.BUY,
    kind=OrderType.LIMIT,
    quantity=Decimal("0.1"),
    price=Decimal("9" * 40),
    trigger=None,
    quote_quantity=None,
    reduce_only=False,
)
@example(
    side=Side.SELL,
    kind=OrderType.MARKET,
    quantity=Decimal("NaN"),
    price=None,
    trigger=None,
    quote_quantity=None,
    reduce_only=True,
)
def test_risk_never_breaks_on_a_number(
    side: Side,
    kind: OrderType,
    quantity: Decimal,
    price: Decimal | None,
    trigger: Decimal | None,
    quote_quantity: Decimal | None,
    reduce_only: bool,
) -> None:
    intent = OrderIntent(
        new_client_order_id(),
        BTC,
        side,
        kind,
        quantity,
        price=price,
        trigger_price=trigger,
        quote_quantity=quote_quantity,
        reduce_only=reduce_only,
    )
    denial = Desk().desk.opinion(intent).denial
    sound = [number for number in (price, trigger, quote_quantity) if number is not None] or [quantity]
    if denial is None:
        assert all(number.is_finite() and 0 < number < Decimal(10) ** 15 for number in sound)
    else:
        assert denial.endswith((".", ")."))
