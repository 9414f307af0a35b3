from hypothesis import given
from hypothesis import strategies as st

from octopus_desktop.engine.frames import FrameBuffer
from octopus_desktop.model.events import (
    BookBroken,
    BookChanged,
    BookReset,
    Event,
    QuoteChanged,
    TradesPrinted,
)
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.orders import Side
from octopus_desktop.state import State
from tests.printed import printed

BTC = InstrumentId("BTCUSDT.SIM")
LEVELS = st.lists(st.tuples(st.integers(1, 9).map(float), st.integers(0, 3).map(float)), max_size=4)
BOOK_EVENTS = st.lists(
    st.one_of(
        st.builds(BookReset, st.just(BTC), LEVELS, LEVELS, st.integers(1, 99), st.just(1), st.just(1)),
        st.builds(BookChanged, st.just(BTC), LEVELS, LEVELS, st.integers(1, 99), st.just(1), st.just(1)),
        st.builds(BookBroken, st.just(BTC), st.just("gap"), st.just(1)),
    ),
    max_size=30,
)


def trade(number: int) -> TradesPrinted:
    return printed(BTC, 1.0, 1.0, Side.BUY, number, number, number)


def test_every_trade_and_only_the_last_quote_reach_the_screen() -> None:
    """The tape misses nothing; of the quotes only the one that counts is painted."""
    buffer = FrameBuffer()
    for number in range(1000):
        buffer.put(trade(number))
        buffer.put(QuoteChanged(BTC, float(number), 1.0, number + 1.0, 1.0, number, number))
    frame = buffer.take()
    assert [trade.trade_id for event in frame if isinstance(event, TradesPrinted) for trade in event.trades] == list(
        range(1000)
    )
    assert [event.bid for event in frame if isinstance(event, QuoteChanged)] == [999.0]
    assert buffer.take() == []


@given(BOOK_EVENTS, st.sets(st.integers(0, 30)))
def test_the_merged_book_is_the_book(events: list[Event], frames_after: set[int]) -> None:
    """However the changes fall into frames, the screen's book equals the node's."""
    node, screen, buffer = State(), State(), FrameBuffer()
    for number, event in enumerate(events):
        node.apply(event)
        buffer.put(event)
        if number in frames_after:
            for merged in buffer.take():
                screen.apply(merged)
    for merged in buffer.take():
        screen.apply(merged)
    ours, theirs = node.market(BTC).book, screen.market(BTC).book
    assert (ours.bids.quantities, ours.asks.quantities) == (theirs.bids.quantities, theirs.asks.quantities)
    assert (ours.bids.prices, ours.valid, ours.last_id) == (theirs.bids.prices, theirs.valid, theirs.last_id)


def test_a_screen_that_sleeps_does_not_eat_the_memory() -> None:
    """A laptop that slept misses the oldest trades and knows how many."""
    buffer = FrameBuffer()
    for number in range(200_001):
        buffer.put(trade(number))
    frame = buffer.take()
    assert len(frame) == 200_001 - buffer.dropped_trades
    assert buffer.dropped_trades > 0
    assert isinstance(frame[-1], TradesPrinted)
    assert frame[-1].trades[-1].trade_id == 200_000
