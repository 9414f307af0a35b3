"""Paper orders in a venue's real book: their place in the queue, and what fills them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from octopus_desktop.model.events import BookBroken, BookChanged, BookReset
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.orders import Side
from octopus_desktop.paper.exchange import ACCOUNT, PaperExchange
from octopus_desktop.paper.mirror import MirroredMarket
from octopus_desktop.simulator.errors import Refusal
from octopus_desktop.simulator.filters import Rules
from octopus_desktop.simulator.orders import NewOrder, Order
from octopus_desktop.simulator.units import UNIT
from tests.printed import printed

BTC = InstrumentId("BTCUSDT.TEST")
RULES = Rules("BTCUSDT", "BTC", "USDT", UNIT // 100, UNIT // 1000, 5 * UNIT, 1000 * UNIT, 1000 * UNIT, 1000, 2000)
SECOND = 1_000_000_000
Levels = Sequence[tuple[float, float]]


class Venue:
    """A real market, told as its events."""

    def __init__(self) -> None:
        self.exchange = PaperExchange(1_000 * SECOND)
        self.market = MirroredMarket(RULES, 1)
        self.exchange.list_market(self.market)
        self.exchange.deposit(ACCOUNT, "USDT", 100_000 * UNIT)
        self.exchange.deposit(ACCOUNT, "BTC", 100 * UNIT)
        self.now = 1
        self.whole([(100.0, 5.0), (99.0, 5.0)], [(101.0, 5.0), (102.0, 5.0)])

    def whole(self, bids: Levels, asks: Levels) -> None:
        self.now += 1
        self.exchange.apply(self.market, BookReset(BTC, list(bids), list(asks), 1, self.now, self.now))

    def book(self, bids: Levels = (), asks: Levels = ()) -> None:
        self.now += 1
        self.exchange.apply(self.market, BookChanged(BTC, list(bids), list(asks), 1, self.now, self.now))

    def sold(self, price: float, quantity: float, *, late: bool = False) -> None:
        self._print(price, quantity, Side.SELL, late)

    def bought(self, price: float, quantity: float) -> None:
        self._print(price, quantity, Side.BUY, False)

    def _print(self, price: float, quantity: float, side: Side, late: bool) -> None:
        self.now += 1
        at = self.now - (1 if late else 0) * 2
        self.exchange.apply(self.market, printed(BTC, price, quantity, side, self.now, at, self.now))

    def place(self, is_buy: bool, kind: str, quantity: float, price: float = 0, **more: int) -> Order:
        request = NewOrder("BTCUSDT", is_buy, kind, round(quantity * UNIT), price=round(price * UNIT), **more)  # type: ignore[arg-type]
        return self.exchange.place(ACCOUNT, request)


@pytest.fixture
def venue() -> Venue:
    return Venue()


def filled(order: Order) -> float:
    return order.filled / UNIT


def test_an_order_stands_behind_all_that_was_displayed(venue: Venue) -> None:
    """Five were there before: the first five sold at the price are theirs, the next is ours."""
    order = venue.place(True, "LIMIT", 2, 100.0)
    venue.sold(100.0, 4.0)
    assert filled(order) == 0
    venue.sold(100.0, 1.5)
    assert filled(order) == 0.5
    assert order.executions[0].price == 100 * UNIT
    assert order.executions[0].is_maker
    venue.sold(100.0, 9.0)
    assert order.status == "FILLED"


def test_a_print_and_the_book_that_tells_of_it_count_once(venue: Venue) -> None:
    """Four were sold, and the book then says that one is left: the queue before us is one, not minus three."""
    order = venue.place(True, "LIMIT", 2, 100.0)
    venue.sold(100.0, 4.0)
    venue.book(bids=[(100.0, 1.0)])
    venue.sold(100.0, 0.9)
    assert filled(order) == 0
    venue.sold(100.0, 0.5)
    assert filled(order) == pytest.approx(0.4)


def test_a_print_the_book_already_shows_is_not_taken_from_the_queue_again(venue: Venue) -> None:
    """The book was quicker than the print: the queue is as the book says."""
    order = venue.place(True, "LIMIT", 2, 100.0)
    venue.book(bids=[(100.0, 1.0)])
    venue.sold(100.0, 4.0, late=True)
    assert filled(order) == 0
    venue.sold(100.0, 1.0)
    assert filled(order) == 0


def test_cancels_shorten_the_queue_in_proportion(venue: Venue) -> None:
    """Five before us, five behind; half of it goes without a trade: two and a half are left before us."""
    order = venue.place(True, "LIMIT", 1, 100.0)
    venue.book(bids=[(100.0, 10.0)])
    venue.book(bids=[(100.0, 5.0)])
    venue.sold(100.0, 2.5)
    assert filled(order) == 0
    venue.sold(100.0, 0.5)
    assert filled(order) == 0.5


def test_what_comes_later_stands_behind(venue: Venue) -> None:
    """The level grows after we came: we still wait for five, not for fifty."""
    order = venue.place(True, "LIMIT", 1, 100.0)
    venue.book(bids=[(100.0, 50.0)])
    venue.sold(100.0, 5.5)
    assert filled(order) == 0.5


def test_a_print_through_fills_no_more_than_was_printed(venue: Venue) -> None:
    """Sold below our bid: who sold would have sold to us first, as much as he had."""
    order = venue.place(True, "LIMIT", 2, 100.0)
    venue.sold(99.0, 0.5)
    assert filled(order) == 0.5
    venue.sold(98.0, 30.0)
    assert order.status == "FILLED"
    assert {one.price for one in order.executions} == {100 * UNIT}


def test_a_late_print_through_still_counts(venue: Venue) -> None:
    """Trades that were missed and came after the book: what passed our price filled us."""
    order = venue.place(True, "LIMIT", 2, 100.0)
    venue.sold(99.0, 0.5, late=True)
    assert filled(order) == 0.5


def test_a_taker_walks_the_displayed_book_and_pays_the_taker_fee(venue: Venue) -> None:
    """Seven bought: five at the best ask, two at the next."""
    order = venue.place(True, "MARKET", 7)
    assert [(one.price // UNIT, one.quantity // UNIT) for one in order.executions] == [(101, 5), (102, 2)]
    assert sum(one.commission for one in order.executions) == 7 * UNIT * 2000 // 1_000_000


def test_what_was_taken_is_not_there_a_second_time(venue: Venue) -> None:
    """The venue still displays the five we took: they are not for us again. What comes new is."""
    venue.place(True, "MARKET", 5)
    venue.book(asks=[(101.0, 5.0)])
    assert venue.place(True, "MARKET", 1).executions[0].price == 102 * UNIT
    venue.book(asks=[(101.0, 8.0)])
    again = venue.place(True, "MARKET", 4)
    assert [(one.price // UNIT, one.quantity // UNIT) for one in again.executions] == [(101, 3), (102, 1)]
    venue.book(asks=[(101.0, 0.0)])
    venue.book(asks=[(101.0, 1.0)])
    assert venue.place(True, "MARKET", 1).executions[0].price == 101 * UNIT


def test_a_resting_order_that_the_book_crosses_is_filled(venue: Venue) -> None:
    """Asks come down to our bid without a print that we heard: filled at our price, as far as they go."""
    order = venue.place(True, "LIMIT", 3, 100.5)
    venue.book(asks=[(100.4, 1.0)])
    assert filled(order) == 1
    assert order.executions[0].price == 10_050 * UNIT // 100
    venue.book(asks=[(100.4, 1.0)])
    assert filled(order) == 1


def test_immediate_orders_and_post_only(venue: Venue) -> None:
    """IOC takes what is there, FOK all or nothing, post-only never takes."""
    ioc = venue.place(True, "LIMIT", 7, 101.0, time_in_force="IOC")  # type: ignore[arg-type]
    assert (ioc.status, filled(ioc)) == ("EXPIRED", 5)
    fok = venue.place(True, "LIMIT", 7, 102.0, time_in_force="FOK")  # type: ignore[arg-type]
    assert (fok.status, filled(fok)) == ("EXPIRED", 0)
    with pytest.raises(Refusal, match="immediately match"):
        venue.place(True, "LIMIT_MAKER", 1, 102.0)


def test_stops_and_trailing_stops_trigger_on_prints(venue: Venue) -> None:
    """Not the book but a trade at the price sets them off."""
    venue.sold(100.0, 0.1)
    stop = venue.place(False, "STOP_LOSS", 1, stop_price=99 * UNIT)
    trailing = venue.place(False, "STOP_LOSS", 1, trailing_bips=200)
    venue.bought(110.0, 0.1)
    venue.whole([(108.0, 5.0), (107.0, 5.0)], [(111.0, 5.0)])
    venue.sold(107.9, 0.1)
    assert trailing.status == "NEW"
    venue.sold(107.8, 0.1)
    assert (stop.status, trailing.status) == ("NEW", "FILLED")
    venue.whole([(98.0, 5.0)], [(99.5, 5.0)])
    assert stop.status == "NEW"
    venue.sold(98.0, 0.1)
    assert stop.status == "FILLED"
    assert stop.executions[0].price == 98 * UNIT


def test_a_list_in_the_real_market(venue: Venue) -> None:
    """The target fills and the stop is gone."""
    venue.sold(100.0, 0.1)
    legs = (
        NewOrder("BTCUSDT", False, "LIMIT_MAKER", UNIT, price=105 * UNIT),
        NewOrder("BTCUSDT", False, "STOP_LOSS", UNIT, stop_price=95 * UNIT),
    )
    group = venue.exchange.place_list(ACCOUNT, legs)
    venue.bought(106.0, 3.0)
    assert [order.status for order in group.orders] == ["FILLED", "EXPIRED"]
    assert venue.exchange.ledger.balance(ACCOUNT, "BTC").locked == 0


def test_an_iceberg_goes_to_the_end_of_the_queue(venue: Venue) -> None:
    """Each shown part waits again behind what came meanwhile."""
    order = venue.place(True, "LIMIT", 2, 100.0, iceberg_quantity=UNIT)
    venue.book(bids=[(100.0, 8.0)])
    venue.sold(100.0, 6.0)
    assert filled(order) == 1
    venue.sold(100.0, 3.0)
    assert filled(order) == 1
    venue.sold(100.0, 1.0)
    assert order.status == "FILLED"


def test_a_gap_in_the_book_is_known(venue: Venue) -> None:
    """Between a gap and the next whole book nothing is traded with it; then orders stand behind all of it."""
    order = venue.place(True, "LIMIT", 1, 100.0)
    venue.exchange.apply(venue.market, BookBroken(BTC, "gap", 0))
    assert not venue.market.is_known
    venue.whole([(100.0, 20.0)], [(101.0, 1.0)])
    assert venue.market.is_known
    venue.sold(100.0, 19.0)
    assert filled(order) == 0
    venue.sold(100.0, 1.5)
    assert filled(order) == 0.5
