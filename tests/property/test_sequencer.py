"""The book's sequencer under every disorder a link can make."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from octopus_desktop.model.events import BookBroken, BookChanged, BookReset
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.state import State
from octopus_desktop.venues.binance.messages import DepthFrame, DepthSnapshot, DepthUpdate
from octopus_desktop.venues.binance.sequencer import BookSequencer

NAME = InstrumentId("BTCUSDT.TEST")
Levels = dict[float, float]

levels = st.lists(
    st.tuples(st.integers(90, 110).map(float), st.sampled_from([0.0, 1.0, 2.0, 3.0])), min_size=0, max_size=4
)
feeds = st.lists(st.tuples(levels, levels, st.integers(1, 4)), min_size=1, max_size=25)


class Exchange:
    """The true book, its numbered updates, and a snapshot whenever asked."""

    def __init__(self, wanted: list[tuple[list[tuple[float, float]], list[tuple[float, float]], int]], futures: bool):
        self.updates: list[DepthUpdate] = []
        self.snapshots: list[DepthSnapshot] = []
        bids: Levels = {95.0: 1.0}
        asks: Levels = {105.0: 1.0}
        number = 10
        self._keep(number, bids, asks)
        for new_bids, new_asks, width in wanted:
            before = number
            number += width
            for book, changes in ((bids, new_bids), (asks, new_asks)):
                for price, quantity in changes:
                    if quantity:
                        book[price] = quantity
                    else:
                        book.pop(price, None)
            self.updates.append(
                DepthUpdate(number, before + 1, number, new_bids, new_asks, before if futures else None)
            )
            self._keep(number, bids, asks)

    def _keep(self, number: int, bids: Levels, asks: Levels) -> None:
        self.snapshots.append(DepthSnapshot(number, list(bids.items()), list(asks.items())))


class Client:
    """A sequencer and the State it feeds; what it wants is noted."""

    def __init__(self) -> None:
        self.state = State()
        self.wants = 0
        self.sequencer = BookSequencer(NAME, self._publish, self._want)

    def _publish(self, event: BookReset | BookChanged | BookBroken) -> None:
        book = self.state.market(NAME).book
        if isinstance(event, BookChanged):
            assert book.valid, "a change was applied to a book that is not to be trusted"
            assert event.last_id > book.last_id, "the book went back in time"
        self.state.apply(event)

    def _want(self) -> None:
        self.wants += 1

    def holds(self, truth: DepthSnapshot) -> bool:
        book = self.state.market(NAME).book
        return (
            book.last_id == truth.last_update_id
            and book.bids.quantities == dict(truth.bids)
            and book.asks.quantities == dict(truth.asks)
            and book.bids.prices == sorted(book.bids.quantities)
        )


@given(feeds, st.booleans(), st.data())
@settings(max_examples=200, deadline=None)
def test_any_disorder_ends_on_the_true_book(wanted: list, futures: bool, data: st.DataObject) -> None:
    """Updates lost, repeated and out of order: the book is the venue's or says it is broken, and mends itself."""
    exchange = Exchange(wanted, futures)
    client = Client()
    arriving: list[int] = []
    for position in range(len(exchange.updates)):
        arriving += [position] * data.draw(st.sampled_from([0, 1, 1, 1, 1, 2]), label="times sent")
    for _ in range(data.draw(st.integers(0, 3), label="swaps")):
        if len(arriving) > 1:
            at = data.draw(st.integers(0, len(arriving) - 2))
            arriving[at], arriving[at + 1] = arriving[at + 1], arriving[at]
    client.sequencer.snapshot(exchange.snapshots[0], 0, 0)
    for position in arriving:
        client.sequencer.take([DepthFrame(exchange.updates[position])], position)
        if client.state.market(NAME).book.valid:
            applied = client.state.market(NAME).book.last_id
            assert client.holds(next(s for s in exchange.snapshots if s.last_update_id == applied))
        elif data.draw(st.booleans(), label="snapshot now"):
            client.sequencer.snapshot(exchange.snapshots[data.draw(st.integers(0, position + 1))], 0, 0)
    book = client.state.market(NAME).book
    assert book.valid or client.wants, "broken, and nobody was asked for a snapshot"
    assert client.sequencer.snapshot(exchange.snapshots[-1], 0, 0)
    assert client.holds(exchange.snapshots[-1])


@given(feeds, st.booleans(), st.data())
@settings(max_examples=100, deadline=None)
def test_updates_before_the_snapshot_are_kept(wanted: list, futures: bool, data: st.DataObject) -> None:
    """At the start updates come before the snapshot: none is lost, and an old snapshot is refused, not believed."""
    exchange = Exchange(wanted, futures)
    client = Client()
    missed = data.draw(st.integers(0, len(exchange.updates)), label="sent before we listened")
    for update in exchange.updates[missed:]:
        client.sequencer.take([DepthFrame(update)], 0)
    assert not client.state.market(NAME).book.valid
    taken = data.draw(st.integers(0, len(exchange.updates)), label="snapshot taken after")
    accepted = client.sequencer.snapshot(exchange.snapshots[taken], 0, 0)
    assert accepted == (taken >= missed or missed == len(exchange.updates))
    if accepted and missed < len(exchange.updates):
        assert client.holds(exchange.snapshots[-1])
    assert client.state.market(NAME).book.valid == accepted


def test_a_repeat_changes_nothing() -> None:
    """The same update twice is one update, also where its quantities say otherwise by now."""
    client = Client()
    client.sequencer.snapshot(DepthSnapshot(10, [(95.0, 1.0)], [(105.0, 1.0)]), 0, 0)
    first = DepthUpdate(1, 11, 12, [(95.0, 2.0)], [])
    client.sequencer.take([DepthFrame(first)], 0)
    client.sequencer.take([DepthFrame(DepthUpdate(2, 13, 13, [(95.0, 3.0)], []))], 0)
    client.sequencer.take([DepthFrame(first)], 0)
    assert client.state.market(NAME).book.bids.quantities == {95.0: 3.0}
    assert client.sequencer.gaps == 0


def test_a_gap_breaks_the_book_at_once() -> None:
    """One missing update and the book is not shown as good for a moment longer."""
    client = Client()
    client.sequencer.snapshot(DepthSnapshot(10, [(95.0, 1.0)], [(105.0, 1.0)]), 0, 0)
    client.sequencer.take([DepthFrame(DepthUpdate(1, 13, 14, [(95.0, 2.0)], []))], 0)
    assert not client.state.market(NAME).book.valid
    assert client.wants == 1
    assert not client.sequencer.snapshot(DepthSnapshot(11, [(95.0, 9.0)], []), 0, 0)
    assert client.sequencer.snapshot(DepthSnapshot(12, [(95.0, 9.0)], []), 0, 0)
    assert client.state.market(NAME).book.bids.quantities == {95.0: 2.0}
