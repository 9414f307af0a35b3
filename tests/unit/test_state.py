"""The fold: what a trader sees after something happened."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import msgspec
import pytest

from octopus_desktop.model.account import Balance
from octopus_desktop.model.events import (
    BalanceChanged,
    BookBroken,
    BookChanged,
    BookReset,
    CandleChanged,
    Channel,
    EntryLocked,
    EntryUnlocked,
    Event,
    FeedRecovered,
    FeedStale,
    InstrumentListed,
    Link,
    LinkChanged,
    LinkStatus,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderEvent,
    OrderFilled,
    OrderInitiated,
    OrderRejected,
    OrderSubmitted,
    OrderUnknown,
    QuoteChanged,
    TickerChanged,
)
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, Interval, TradeId, Venue, VenueOrderId
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.orders import Fill, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.state import State
from tests.printed import printed
from tests.unit.engine.scripted import bitcoin

SIM = Venue("SIM")
BTC = InstrumentId("BTCUSDT.SIM")
NAME = ClientOrderId("od-1")


def after(*events: Event) -> State:
    state = State()
    for event in events:
        state.apply(event)
    return state


def initiated(quantity: str = "1", quote: str | None = None, side: Side = Side.BUY) -> OrderInitiated:
    kind = OrderType.MARKET if quote else OrderType.LIMIT
    price = None if quote else Decimal(100)
    quote_quantity = Decimal(quote) if quote else None
    return OrderInitiated(NAME, 1, OrderIntent(NAME, BTC, side, kind, Decimal(quantity), price, None, quote_quantity))


def filled(trade: str, quantity: str, *, complete: bool = False, price: str = "100") -> OrderFilled:
    fill = Fill(
        BTC,
        NAME,
        VenueOrderId("v"),
        TradeId(trade),
        Side.BUY,
        Decimal(price),
        Decimal(quantity),
        Decimal(0),
        "BTC",
        True,
        5,
    )
    return OrderFilled(NAME, 5, fill, complete)


def test_every_event_has_its_place() -> None:
    """Nothing that can happen is unknown to the state."""
    assert set(State()._apply) == set(get_args(Event))


# Orders ---------------------------------------------------------------------


def test_a_late_acceptance_keeps_why_it_ended() -> None:
    """The answer to the request comes after the cancel on the other socket: the reason stays on the screen."""
    state = after(
        initiated(),
        OrderSubmitted(NAME, 2),
        OrderCanceled(NAME, 3, "self-trade"),
        OrderAccepted(NAME, 4, VenueOrderId("v")),
    )
    order = state.orders[NAME]
    assert order.status is OrderStatus.CANCELED
    assert order.reason == "self-trade"
    assert order.venue_order_id == "v"


def test_an_order_found_again_is_no_longer_in_doubt() -> None:
    """The reason for UNKNOWN goes when the venue has spoken."""
    state = after(initiated(), OrderSubmitted(NAME, 2), OrderUnknown(NAME, 3, "timeout"))
    assert state.orders[NAME].reason == "timeout"
    state.apply(OrderAccepted(NAME, 4, VenueOrderId("v")))
    assert state.orders[NAME].reason == ""
    assert NAME in state.working


def test_an_order_in_quote_currency_ends_with_the_venues_word() -> None:
    """A market order for 250 USDT has no base quantity to fill up to: the venue says when it is whole."""
    state = after(initiated("0", quote="250"), OrderSubmitted(NAME, 2), filled("1", "1"))
    assert state.orders[NAME].status is OrderStatus.PARTIALLY_FILLED
    state.apply(filled("2", "1.5", complete=True, price="101"))
    order = state.orders[NAME]
    assert order.status is OrderStatus.FILLED
    assert order.average_price == Decimal("100.6")
    assert order.remaining == 0


def test_a_fill_after_the_cancel_counts_and_one_that_completes_wins() -> None:
    """The fill crossed the cancel: it is in the position, and a whole order is filled, not canceled."""
    state = after(initiated(), OrderSubmitted(NAME, 2), OrderCanceled(NAME, 3), filled("1", "0.4"))
    assert state.orders[NAME].status is OrderStatus.CANCELED
    assert state.positions[BTC].quantity == Decimal("0.4")
    state.apply(filled("2", "0.6"))
    assert state.orders[NAME].status is OrderStatus.FILLED
    assert state.working == {}


def test_a_filled_order_keeps_no_word_of_a_cancel_that_came_too_late() -> None:
    """Whichever of the two is told first."""
    late = OrderCancelRejected(NAME, 3, "Unknown order sent (code -2011).")
    for events in ((late, filled("1", "1")), (filled("1", "1"), late)):
        order = after(initiated(), OrderSubmitted(NAME, 2), *events).orders[NAME]
        assert (order.status, order.reason) == (OrderStatus.FILLED, "")
    order = after(initiated(), OrderSubmitted(NAME, 2), late).orders[NAME]
    assert order.reason == late.reason


def test_a_refusal_that_was_wrong_is_taken_back() -> None:
    """An order fills that was thought rejected: it is working again, and the fill counts."""
    state = after(initiated(), OrderSubmitted(NAME, 2), OrderRejected(NAME, 3, "duplicate"), filled("1", "0.4"))
    assert state.orders[NAME].status is OrderStatus.PARTIALLY_FILLED
    assert state.orders[NAME].reason == ""
    assert NAME in state.working


def test_a_fill_of_nothing_breaks_nothing() -> None:
    """A venue that tells a trade of zero must not stop the terminal."""
    state = after(initiated(), OrderSubmitted(NAME, 2), filled("1", "0"))
    assert state.positions[BTC].quantity == 0
    assert state.positions[BTC].average_price == 0
    state.apply(filled("2", "1"))
    assert state.positions[BTC].average_price == 100
    assert state.positions[BTC].opened_ns == 5


def sold(trade: str, quantity: str, price: str = "100") -> OrderFilled:
    told = filled(trade, quantity, price=price)
    return msgspec.structs.replace(told, fill=msgspec.structs.replace(told.fill, side=Side.SELL))


def test_a_purchase_told_after_its_sale_was_still_before_it() -> None:
    """The venue counts its trades: coins bought and sold again are gone, in whatever order one hears of it."""
    told = after(initiated("9", quote="900"), OrderSubmitted(NAME, 2), sold("10", "1"), filled("9", "1", price="90"))
    position = told.positions[BTC]
    assert (position.quantity, position.from_before, position.realised) == (0, 0, 10)


def test_what_can_be_short_is_short() -> None:
    """The journal is read before the venue has listed anything; a perpetual that was sold is short once it is known."""
    state = after(initiated("9", quote="900"), OrderSubmitted(NAME, 2), sold("1", "1"))
    assert (state.positions[BTC].quantity, state.positions[BTC].from_before) == (0, 1)
    state.apply(InstrumentListed(BTC, bitcoin(InstrumentKind.PERPETUAL)))
    assert (state.positions[BTC].quantity, state.positions[BTC].from_before) == (-1, 0)
    state.apply(filled("2", "1", price="90"))
    assert (state.positions[BTC].quantity, state.positions[BTC].realised) == (0, 10)


def test_an_event_of_an_unknown_order_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It changes nothing, and it is not silent."""
    state = after(OrderAccepted(NAME, 4, VenueOrderId("v")), filled("1", "1"))
    assert state.orders == {}
    assert state.fills == []
    assert caplog.text.count("never initiated: od-1") == 2


def test_order_events_say_which_and_when() -> None:
    """Every order event can be put into the journal by order and time."""
    for kind in get_args(Event):
        if kind.__name__.startswith("Order"):
            assert issubclass(kind, OrderEvent)
            assert kind.__struct_fields__[:2] == ("client_order_id", "ts_ns")


# Markets --------------------------------------------------------------------


def book(last: int, ts: int = 10) -> BookReset:
    return BookReset(BTC, [(99.0, 1.0), (98.0, 2.0)], [(101.0, 1.0), (102.0, 2.0)], last, ts, ts)


def test_a_book_that_missed_a_change_is_not_trusted() -> None:
    """It stays on screen as it was, and gives no touch to trade against, until the next snapshot."""
    state = after(book(5), BookChanged(BTC, [(99.0, 0.0)], [(100.5, 3.0)], 6, 11, 11))
    assert state.market(BTC).touch == (98.0, 100.5)
    assert state.market(BTC).book.last_id == 6
    state.apply(BookBroken(BTC, "gap", 12))
    assert state.market(BTC).touch is None
    assert state.market(BTC).book.bids.prices == [98.0]
    state.apply(book(9, 13))
    assert state.market(BTC).touch == (99.0, 101.0)


def test_the_touch_is_the_newer_word() -> None:
    """Quote and book come over two streams; the later one counts."""
    state = after(book(5, ts=10), QuoteChanged(BTC, 99.5, 1.0, 100.5, 1.0, 20, 20))
    assert state.market(BTC).touch == (99.5, 100.5)
    state.apply(BookChanged(BTC, [(99.7, 1.0)], [], 6, 30, 30))
    assert state.market(BTC).touch == (99.7, 101.0)


def test_the_last_price_is_the_last_trades() -> None:
    """Before the first trade of the session the venue's ticker stands in."""
    ticker = TickerChanged(BTC, 50.0, 0.01, 60.0, 40.0, 5.0, 250.0, 1)
    state = after(ticker)
    assert state.market(BTC).last_price == 50.0
    state.apply(printed(BTC, 51.0, 1.0, Side.SELL, 7, 2, 2))
    assert state.market(BTC).last_price == 51.0
    assert state.market(InstrumentId("ETHUSDT.SIM")).last_price is None


def test_stale_is_per_stream() -> None:
    """A quiet tape does not grey out the book."""
    state = after(FeedStale(BTC, Channel.TRADES, 1, "quiet"), FeedStale(BTC, Channel.BOOK, 1, "gap"))
    state.apply(FeedRecovered(BTC, Channel.BOOK))
    assert set(state.market(BTC).stale) == {Channel.TRADES}


def test_stale_candles_are_per_interval() -> None:
    """The minute recovers, the hour is still quiet; neither is a word about prices."""
    state = after(*(FeedStale(BTC, Channel.CANDLES, 1, "quiet", each) for each in (Interval.M1, Interval.H1)))
    state.apply(FeedRecovered(BTC, Channel.CANDLES, Interval.M1))
    assert set(state.market(BTC).stale_candles) == {Interval.H1}
    assert not state.market(BTC).stale


def test_the_latest_of_everything_that_has_one() -> None:
    """Candles by interval, balances by asset, links by kind."""
    first = CandleChanged(BTC, Interval.M1, 0, 1.0, 1.0, 1.0, 1.0, 1.0, False)
    second = CandleChanged(BTC, Interval.M1, 0, 1.0, 2.0, 1.0, 2.0, 2.0, True)
    up = LinkChanged(SIM, Link.MARKET, LinkStatus.UP, "", 2)
    state = after(
        first,
        second,
        BalanceChanged(Balance(SIM, "USDT", Decimal(1), Decimal(0), 1)),
        BalanceChanged(Balance(SIM, "USDT", Decimal(2), Decimal(1), 2)),
        LinkChanged(SIM, Link.MARKET, LinkStatus.DOWN, "cut", 1),
        up,
    )
    assert state.market(BTC).candles == {Interval.M1: second}
    assert state.balances[SIM, "USDT"].total == 3
    assert state.links == {(SIM, Link.MARKET): up}


def test_a_touch_that_trades_left_behind_is_no_price() -> None:
    """The quotes of a coin ended and its trades went on: it is worth the last. A ticker also comes without a trade."""
    second = 1_000_000_000

    def ticker(last: float, at_s: int) -> TickerChanged:
        return TickerChanged(BTC, last, 0.0, last, last, 0.0, 0.0, at_s * second)

    quote = QuoteChanged(BTC, 49.0, 1.0, 51.0, 1.0, 100 * second, 100 * second)
    state = after(ticker(40.0, 90), quote, ticker(40.0, 3600))
    market = state.market(BTC)
    assert market.live_price == market.fair_price == 50, "nothing was traded since"
    state.apply(ticker(45.0, 105))
    assert market.live_price == 50, "the same moment"
    state.apply(ticker(46.0, 111))
    assert market.live_price == market.fair_price == 46
    state.apply(QuoteChanged(BTC, 45.0, 1.0, 47.0, 1.0, 112 * second, 112 * second))
    assert market.live_price == 46
    traded = printed(BTC, 44.0, 1.0, Side.SELL, 1, 123 * second, 123 * second)
    state.apply(traded)
    assert market.live_price == 44


def test_a_last_price_alone_is_not_live() -> None:
    """It may be days old: good enough to be shown, not to begin a day with."""
    market = after(TickerChanged(BTC, 40.0, 0.0, 40.0, 40.0, 0.0, 0.0, 90)).market(BTC)
    assert (market.live_price, market.fair_price) == (None, 40)


def test_entry_is_locked_from_the_start() -> None:
    """No order leaves before the venue was asked."""
    assert after().entry_locked
    assert after(EntryUnlocked(1)).entry_locked is None
    assert after(EntryUnlocked(1), EntryLocked("link down", 2)).entry_locked == "link down"
