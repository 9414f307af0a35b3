"""Average cost: whatever is bought and sold, the money adds up."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from octopus_desktop.model import account
from octopus_desktop.model.account import FillCourse, Position
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, TradeId, VenueOrderId
from octopus_desktop.model.orders import Fill, Side

BTC = InstrumentId("BTCUSDT.SIM")
ALMOST = Decimal("1e-12")
"""An average has 28 digits; what is computed from it is off by less than this."""

trades = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.integers(1, 10_000).map(lambda lots: Decimal(lots) / 1000),
        st.integers(1, 10_000_000).map(lambda ticks: Decimal(ticks) / 100),
        st.sampled_from([Decimal(0), Decimal("0.001"), Decimal("-0.0002")]),
    ),
    max_size=30,
)


def held(sequence: list[tuple[Side, Decimal, Decimal, Decimal]], *, can_be_short: bool = True) -> Position:
    position = Position(BTC, can_be_short=can_be_short)
    for number, (side, quantity, price, fee) in enumerate(sequence):
        name, venue_name, trade = ClientOrderId("od"), VenueOrderId("v"), TradeId(str(number))
        position.apply(Fill(BTC, name, venue_name, trade, side, price, quantity, fee, "BNB", False, number + 1))
    return position


@given(trades, st.integers(1, 10_000_000).map(lambda ticks: Decimal(ticks) / 100))
def test_profit_is_money_out_less_money_in(
    sequence: list[tuple[Side, Decimal, Decimal, Decimal]], mark: Decimal
) -> None:
    """Realised and unrealised profit together are what was received less what was paid, and what is held is worth."""
    position = held(sequence)
    cash = -sum((price * quantity * side.sign for side, quantity, price, _ in sequence), Decimal(0))
    assert abs(position.realised + position.unrealised(mark) - (cash + position.quantity * mark)) < ALMOST * 1000


@given(trades)
def test_the_quantity_is_the_sum(sequence: list[tuple[Side, Decimal, Decimal, Decimal]]) -> None:
    """What is held is what was bought less what was sold, exactly; fees add up exactly too."""
    position = held(sequence)
    assert position.quantity == sum((quantity * side.sign for side, quantity, _, _ in sequence), Decimal(0))
    assert position.bought - position.sold == position.quantity
    assert sum(position.fees.values()) == sum(fee for *_, fee in sequence)


@given(trades)
def test_the_average_lies_among_the_prices_paid(sequence: list[tuple[Side, Decimal, Decimal, Decimal]]) -> None:
    """An average entry is never below the lowest nor above the highest price traded, and none is shown when flat."""
    position = held(sequence)
    if position.quantity == 0:
        assert position.average_price == 0
    else:
        prices = [price for _, _, price, _ in sequence]
        assert min(prices) - ALMOST <= position.average_price <= max(prices) + ALMOST


@given(trades)
def test_buying_back_the_same_way_round(sequence: list[tuple[Side, Decimal, Decimal, Decimal]]) -> None:
    """Short is the mirror of long: with every side turned, quantity and profit change their sign."""
    position = held(sequence)
    mirror = held([(Side.SELL if side is Side.BUY else Side.BUY, *rest) for side, *rest in sequence])  # type: ignore[misc]
    assert mirror.quantity == -position.quantity
    assert mirror.realised == -position.realised
    assert mirror.average_price == position.average_price
    assert mirror.opened_ns == position.opened_ns


@given(trades, st.integers(1, 10_000_000).map(lambda ticks: Decimal(ticks) / 100))
def test_on_spot_nobody_is_short(sequence: list[tuple[Side, Decimal, Decimal, Decimal]], mark: Decimal) -> None:
    """What was sold without having been bought was there before: it makes no position and no profit, and is counted."""
    position = held(sequence, can_be_short=False)
    assert position.quantity >= 0
    assert position.quantity == position.bought - position.sold + position.from_before
    left, cash = Decimal(0), Decimal(0)
    for side, quantity, price, _ in sequence:
        quantity = min(quantity, left) if side is Side.SELL else quantity
        left += quantity * side.sign
        cash -= quantity * side.sign * price
    assert position.quantity == left
    assert abs(position.realised + position.unrealised(mark) - (cash + left * mark)) < ALMOST * 1000
    if position.from_before == 0:
        margin = held(sequence)
        assert (position.quantity, position.realised) == (margin.quantity, margin.realised)


@given(trades, st.randoms(use_true_random=False), st.booleans(), st.integers(1, 5))
def test_the_order_in_which_fills_are_told_does_not_matter(
    sequence: list[tuple[Side, Decimal, Decimal, Decimal]], chance: Random, can_be_short: bool, each: int
) -> None:
    """Late fills are put in their place, whenever one looks, and wherever the last mark was."""
    fills = [
        Fill(BTC, ClientOrderId("od"), VenueOrderId("v"), TradeId(str(n)), side, price, quantity, fee, "BNB", False, n)
        for n, (side, quantity, price, fee) in enumerate(sequence, 1)
    ]
    chance.shuffle(fills)
    kept, account.MARK_EACH = account.MARK_EACH, each  # type: ignore[misc]  # small ones find more
    try:
        course = FillCourse(BTC, can_be_short=can_be_short)
        for fill in fills:
            course.add(fill)
            if chance.random() < 0.3:
                course.settle(can_be_short=can_be_short)
        course.settle(can_be_short=can_be_short)
    finally:
        account.MARK_EACH = kept  # type: ignore[misc]  # as it was
    assert course.position == held(sequence, can_be_short=can_be_short)
