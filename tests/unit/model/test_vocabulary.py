"""Names, instruments, books and candles: what every room takes for granted."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octopus_desktop.model.identifiers import (
    InstrumentId,
    Interval,
    Venue,
    instrument_id,
    new_client_order_id,
    symbol_of,
    venue_of,
)
from octopus_desktop.model.instrument import Instrument, InstrumentKind, decimals_of
from octopus_desktop.model.market import Candles, Level
from octopus_desktop.model.orderbook import OrderBook
from octopus_desktop.model.orders import LIFECYCLE, OrderStatus, Step

BTC = InstrumentId("BTCUSDT.SIM")


def listed(tick: str = "0.01", lot: str = "0.00001", **fields: Any) -> Instrument:
    return Instrument(
        BTC,
        Venue("SIM"),
        "BTCUSDT",
        "BTC",
        "USDT",
        InstrumentKind.SPOT,
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
        min_quantity=Decimal(lot),
        max_quantity=Decimal(9000),
        min_notional=Decimal(5),
        **fields,
    )


# Names ----------------------------------------------------------------------


def test_client_order_ids_fit_every_venue_and_sort_by_time() -> None:
    """Every order has a name that Binance takes, never one twice, and newer ones sort behind older ones."""
    names = [new_client_order_id() for _ in range(2000)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[.A-Z:/a-z0-9_-]{1,36}", name) for name in names)
    times = [name.split("-")[1] for name in names]
    assert times == sorted(times)


def test_an_instrument_is_named_by_symbol_and_venue() -> None:
    """A venue's symbol may have dots of its own."""
    name = instrument_id("BTC.USD-PERP", Venue("SIM"))
    assert (symbol_of(name), venue_of(name)) == ("BTC.USD-PERP", "SIM")


def test_every_interval_has_a_length() -> None:
    """A timeframe on the chart's menu is as long as its label says."""
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    for interval in Interval:
        assert interval.ns == int(interval.value[:-1]) * seconds[interval.value[-1]] * 1_000_000_000


# Instruments ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("tick", "x", "price"),
    [
        ("0.01", 60000.005, "60000.01"),
        ("0.01", 0.1 + 0.2, "0.30"),
        ("0.50", 100.30, "100.5"),
        ("10", 60004.9, "60000"),
        ("1E+1", 60005, "60010"),
        ("0.00000001", 1e-8, "0.00000001"),
    ],
)
def test_a_price_is_at_the_nearest_tick(tick: str, x: float, price: str) -> None:
    """A click between two ticks takes the nearer one, written as the venue wants it."""
    assert f"{listed(tick).price(x):f}" == price


def test_a_quantity_is_never_rounded_up() -> None:
    """100 % of the free balance stays affordable."""
    assert str(listed(lot="0.001").quantity(0.0019999)) == "0.001"
    assert listed(lot="0.001").quantity(Decimal("0.0009")) == 0


@given(st.decimals("0", "1e6", places=8), st.sampled_from(["0.01", "0.5", "0.00001", "10", "0.25"]))
def test_rounding_twice_is_rounding_once(x: Decimal, step: str) -> None:
    """What the ticket shows is what is sent."""
    instrument = listed(tick=step, lot=step)
    price, quantity = instrument.price(x), instrument.quantity(x)
    assert instrument.price(price) == price
    assert instrument.quantity(quantity) == quantity
    assert abs(price - x) <= Decimal(step) / 2
    assert 0 <= x - quantity < Decimal(step)
    assert price % Decimal(step) == quantity % Decimal(step) == 0


def test_precision_follows_from_the_steps() -> None:
    """The screen shows as many digits as the venue has, also after a trip through JSON."""
    instrument = listed("0.10", "1.000")
    assert (instrument.price_precision, instrument.quantity_precision) == (1, 0)
    again = msgspec.json.decode(msgspec.json.encode(instrument), type=Instrument)
    assert again == instrument
    assert decimals_of(Decimal("1E-8")) == 8


@pytest.mark.parametrize(("tick", "lot"), [("0", "1"), ("0.01", "0"), ("-0.01", "1")])
def test_an_instrument_without_a_step_is_refused(tick: str, lot: str) -> None:
    """A listing that would divide by zero later is refused when it is read."""
    with pytest.raises(ValueError, match="must be positive"):
        listed(tick, lot)


# Books ----------------------------------------------------------------------

levels = st.lists(
    st.tuples(st.integers(1, 30).map(float), st.sampled_from([0.0, 0.5, 1.0, 2.0])), min_size=0, max_size=12
)


@given(levels, st.lists(levels, max_size=8))
def test_a_book_side_is_a_sorted_dict(
    snapshot: list[tuple[float, float]], changes: list[list[tuple[float, float]]]
) -> None:
    """Whatever comes, each price stands once, in order, with the last quantity told, and none without one."""
    book = OrderBook()
    book.bids.replace(snapshot)
    expected = {price: quantity for price, quantity in snapshot if quantity}
    for change in changes:
        book.bids.update(change)
        for price, quantity in change:
            expected[price] = quantity
            if not quantity:
                del expected[price]
    assert book.bids.quantities == expected
    assert book.bids.prices == sorted(expected)
    best = sorted(expected, reverse=True)
    assert book.top_bids(3) == [Level(price, expected[price]) for price in best[:3]]
    book.asks.replace(expected.items())
    assert book.top_asks(3) == [Level(price, expected[price]) for price in sorted(expected)[:3]]
    assert (book.best_bid is None) == (book.best_ask is None) == (not expected)
    if book.best_bid and book.best_ask:
        assert book.best_bid.price == max(expected)
        assert book.best_ask.price == min(expected)


# Candles --------------------------------------------------------------------


def minutes(first: int, count: int, close: float) -> Candles:
    column = np.full(count, close)
    open_ns = (np.arange(count, dtype=np.int64) + first) * Interval.M1.ns
    return Candles(BTC, Interval.M1, open_ns, column, column, column, column, column)


def test_newer_candles_replace_older_ones() -> None:
    """History that overlaps the live candles shows each minute once, as it was told last."""
    both = minutes(0, 10, 1.0).joined(minutes(7, 5, 2.0))
    assert both.close.tolist() == [1.0] * 7 + [2.0] * 5
    assert np.all(np.diff(both.open_ns) == Interval.M1.ns)
    assert both.joined(Candles.empty(BTC, Interval.M1)) is both
    assert len(Candles.empty(BTC, Interval.M1).joined(both)) == 12


def test_the_end_and_the_beginning_of_a_series() -> None:
    """Asking for more than there is gives what there is."""
    series = minutes(5, 10, 1.0)
    assert len(series.tail(3)) == 3
    assert len(series.tail(99)) == 10
    assert len(series.tail(0)) == 0
    assert series.before(8 * Interval.M1.ns).open_ns.tolist() == [n * Interval.M1.ns for n in (5, 6, 7)]


# The lifecycle --------------------------------------------------------------


def test_every_status_is_in_the_table() -> None:
    """No order is in a state that nothing leads to or that nobody thought about."""
    assert set(LIFECYCLE) == set(OrderStatus)
    reached = {after for steps in LIFECYCLE.values() for after in steps.values()}
    assert reached | {OrderStatus.INITIATED} == set(OrderStatus)
    assert {step for steps in LIFECYCLE.values() for step in steps} == set(Step)


def test_only_a_fill_or_the_venues_word_follows_an_end() -> None:
    """An order that has ended is revived by nothing we do ourselves."""
    ours = {Step.DENY, Step.SUBMIT, Step.LOSE_TRACK}
    for status in OrderStatus:
        assert status.is_terminal != (status.is_working or status is OrderStatus.INITIATED)
        if status.is_terminal:
            assert not ours & set(LIFECYCLE[status])
