from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octopus_desktop.engine.lifecycle import progress
from octopus_desktop.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderInitiated,
    OrderRejected,
    OrderSubmitted,
    OrderUnknown,
)
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, TradeId, VenueOrderId
from octopus_desktop.model.orders import Fill, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.state import State

NAME = ClientOrderId("od-1")
BTC = InstrumentId("BTCUSDT.SIM")


def intent(quantity: str = "3") -> OrderIntent:
    return OrderIntent(NAME, BTC, Side.BUY, OrderType.LIMIT, Decimal(quantity), Decimal(100))


def fill(number: int, quantity: str = "1") -> Fill:
    return Fill(
        BTC,
        NAME,
        VenueOrderId("7"),
        TradeId(str(number)),
        Side.BUY,
        Decimal(100),
        Decimal(quantity),
        Decimal(0),
        "BTC",
        True,
        number,
    )


def report(status: OrderStatus, filled: str = "0", *fills: Fill) -> OrderReport:
    return OrderReport(NAME, VenueOrderId("7"), intent(), status, Decimal(filled), fills, 1)


def submitted() -> State:
    state = State()
    state.apply(OrderInitiated(NAME, 1, intent()))
    state.apply(OrderSubmitted(NAME, 2))
    return state


def told(state: State, *reports: OrderReport) -> None:
    for one in reports:
        for event in progress(state.orders.get(NAME), one, 9).events:
            state.apply(event)


def test_a_fill_may_overtake_the_acceptance() -> None:
    """The account stream can be faster than the answer to the request; both together still make one order."""
    state = submitted()
    told(state, report(OrderStatus.PARTIALLY_FILLED, "1", fill(1)), report(OrderStatus.ACCEPTED))
    assert state.orders[NAME].status is OrderStatus.PARTIALLY_FILLED
    assert state.orders[NAME].filled_quantity == 1


def test_a_trade_told_twice_counts_once() -> None:
    """The answer and the stream both bring the same trade."""
    state = submitted()
    told(state, report(OrderStatus.FILLED, "3", fill(1), fill(2, "2")), report(OrderStatus.FILLED, "3", fill(2, "2")))
    assert state.orders[NAME].status is OrderStatus.FILLED
    assert state.orders[NAME].filled_quantity == 3
    assert len(state.fills) == 2


def test_an_end_waits_for_its_fills() -> None:
    """A cancel that counts a fill nobody told us of does not end the order before that fill is known."""
    state = submitted()
    ended = report(OrderStatus.CANCELED, "1")
    events, missing = progress(state.orders[NAME], ended, 9)
    assert missing == 1
    assert not any(isinstance(event, OrderCanceled) for event in events)
    for event in progress(state.orders[NAME], ended, 9, [fill(1)]).events:
        state.apply(event)
    assert state.orders[NAME].status is OrderStatus.CANCELED
    assert state.orders[NAME].filled_quantity == 1


def test_a_fill_after_the_cancel_still_counts() -> None:
    """The fill crossed the cancel on its way here."""
    state = submitted()
    told(state, report(OrderStatus.CANCELED), report(OrderStatus.PARTIALLY_FILLED, "1", fill(1)))
    assert state.orders[NAME].status is OrderStatus.CANCELED
    assert state.orders[NAME].filled_quantity == 1


def test_an_unknown_order_is_known_again() -> None:
    """After a timeout the venue says that the order rests."""
    state = submitted()
    state.apply(OrderUnknown(NAME, 3, "no answer"))
    told(state, report(OrderStatus.ACCEPTED))
    assert state.orders[NAME].status is OrderStatus.ACCEPTED


def test_an_order_from_elsewhere_is_adopted() -> None:
    """An order placed on the venue's own page shows up here, marked, with its fills."""
    state = State()
    told(state, report(OrderStatus.PARTIALLY_FILLED, "1", fill(1)))
    assert state.orders[NAME].adopted
    assert state.orders[NAME].status is OrderStatus.PARTIALLY_FILLED
    assert NAME in state.working


def test_an_old_report_changes_nothing() -> None:
    """What the venue said before the fill arrives after it."""
    state = submitted()
    told(state, report(OrderStatus.FILLED, "3", fill(1, "3")))
    events, missing = progress(state.orders[NAME], report(OrderStatus.ACCEPTED), 9)
    assert events == []
    assert missing <= 0


@pytest.mark.parametrize("status", [OrderStatus.SUBMITTED, OrderStatus.UNKNOWN])
def test_a_refusal_ends_the_order(status: OrderStatus) -> None:
    """A rejected order is over, whether we had lost track of it or not."""
    state = submitted()
    if status is OrderStatus.UNKNOWN:
        state.apply(OrderUnknown(NAME, 3, "no answer"))
    events, _ = progress(state.orders[NAME], report(OrderStatus.REJECTED), 9)
    assert [type(event) for event in events] == [OrderRejected]


@given(
    st.lists(st.integers(1, 5), max_size=8),
    st.sampled_from([OrderStatus.ACCEPTED, OrderStatus.CANCELED, OrderStatus.PARTIALLY_FILLED, OrderStatus.EXPIRED]),
    st.randoms(use_true_random=False),
)
def test_any_order_of_reports_ends_in_the_same_state(told_trades: list[int], last: OrderStatus, random: object) -> None:
    """Whichever way and however often the venue's words arrive, the filled quantity is the sum of distinct trades."""
    trades = sorted(set(told_trades))
    reports = [report(OrderStatus.PARTIALLY_FILLED, str(i + 1), fill(n)) for i, n in enumerate(trades[:2])]
    reports.append(report(last, str(len(trades[:2]))))
    reports += reports
    random.shuffle(reports)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    state = submitted()
    for one in reports:
        told(state, one)
    for one in reports:  # what is missing is asked for until it is there
        told(state, one)
    order = state.orders[NAME]
    assert order.filled_quantity == len(trades[:2])
    assert len(state.fills) == len(trades[:2])
    if last in (OrderStatus.CANCELED, OrderStatus.EXPIRED):
        assert order.status is last


def test_the_first_word_of_the_venue_is_the_acceptance() -> None:
    """History shows accepted before filled, also when one message brought both."""
    state = submitted()
    events, _ = progress(state.orders[NAME], report(OrderStatus.FILLED, "3", fill(1, "3")), 9)
    assert [type(event) for event in events] == [OrderAccepted, OrderFilled]
