"""Whatever happens to orders, the journal gives back exactly that."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from octopus_desktop.model import events as happened
from octopus_desktop.model.events import AnyOrderEvent
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, IntentToken, TradeId, VenueOrderId
from octopus_desktop.model.orders import Fill, OrderIntent, OrderType, Side, TimeInForce
from octopus_desktop.state import State
from octopus_desktop.storage.database import open_database
from octopus_desktop.storage.journal import decode, encode

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)  # no half characters: JSON has none
numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)
names = st.sampled_from([ClientOrderId(f"od-{number}") for number in range(4)])
times = st.integers(0, 2**63 - 1)
venue_names = words.map(VenueOrderId)

intents = st.builds(
    OrderIntent,
    names,
    words.map(InstrumentId),
    st.sampled_from(Side),
    st.sampled_from(OrderType),
    numbers,
    st.none() | numbers,
    st.none() | numbers,
    st.none() | numbers,
    st.sampled_from(TimeInForce),
    st.booleans(),
    st.none() | words.map(IntentToken),
)
fills = st.builds(
    Fill,
    words.map(InstrumentId),
    names,
    venue_names,
    words.map(TradeId),
    st.sampled_from(Side),
    numbers,
    st.integers(1, 1000).map(Decimal),
    numbers,
    words,
    st.booleans(),
    times,
)
BUILDS: dict[type, st.SearchStrategy[AnyOrderEvent]] = {
    happened.OrderInitiated: st.builds(happened.OrderInitiated, names, times, intents, st.booleans()),
    happened.OrderDenied: st.builds(happened.OrderDenied, names, times, words),
    happened.OrderSubmitted: st.builds(happened.OrderSubmitted, names, times),
    happened.OrderAccepted: st.builds(happened.OrderAccepted, names, times, venue_names),
    happened.OrderRejected: st.builds(
        happened.OrderRejected, names, times, words, st.none() | st.integers(-9999, 9999)
    ),
    happened.OrderFilled: st.builds(happened.OrderFilled, names, times, fills, st.booleans()),
    happened.OrderCanceled: st.builds(happened.OrderCanceled, names, times, words),
    happened.OrderExpired: st.builds(happened.OrderExpired, names, times, words),
    happened.OrderUnknown: st.builds(happened.OrderUnknown, names, times, words),
    happened.OrderCancelRequested: st.builds(happened.OrderCancelRequested, names, times),
    happened.OrderCancelRejected: st.builds(happened.OrderCancelRejected, names, times, words),
}
order_events = st.one_of(*BUILDS.values())


def folded(events: list[AnyOrderEvent]) -> State:
    state = State()
    for event in events:
        state.apply(event)
    return state


@given(order_events)
def test_an_event_is_written_and_read(event: AnyOrderEvent) -> None:
    """Every field of every event, every digit of every number."""
    again = decode(encode(event))
    assert again == event
    assert type(again) is type(event)
    assert repr(again) == repr(event), "0.10 is not 0.1 to a venue"


def test_every_order_event_is_covered() -> None:
    """A new kind of event can't be left out of the journal or of this test."""
    assert set(BUILDS) == set(get_args(AnyOrderEvent))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(order_events, st.booleans()), max_size=40))
def test_the_state_after_a_restart_is_the_state_before(history: list[tuple[AnyOrderEvent, bool]]) -> None:
    """The fold of what was read is the fold of what happened, whichever way each event was written; the tables that
    other programs read say the same."""
    happened_events = [event for event, _ in history]

    async def write(path: Path) -> None:
        database = open_database(path)
        for event, waits in history:
            if waits:
                await database.journal.commit([event])
            else:
                database.journal.record(event)
        database.close()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "octopus.db"
        asyncio.run(write(path))
        database = open_database(path)
        try:
            read = database.journal.read()
        finally:
            database.close()
        with closing(sqlite3.connect(path)) as connection:
            rows: list[Any] = connection.execute(
                "SELECT client_order_id, status, filled_quantity FROM orders"
            ).fetchall()
    assert read == happened_events
    before, after = folded(happened_events), folded(read)
    assert after.orders == before.orders
    assert after.positions == before.positions
    assert after.fills == before.fills
    assert sorted(rows) == sorted(
        (name, order.status.value, str(order.filled_quantity)) for name, order in before.orders.items()
    )
