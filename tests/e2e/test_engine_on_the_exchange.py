"""The engine against the embedded exchange, both real, over real sockets; no screen."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from octopus_desktop.model.commands import CancelAllOrders, Done, Refused, SubmitOrder, Subscribe
from octopus_desktop.model.events import Channel, NoticeRaised, OrderUnknown, Reconciled
from octopus_desktop.model.identifiers import Interval
from octopus_desktop.model.orders import OrderStatus, OrderType, Side
from octopus_desktop.model.queries import CandlesQuery
from tests.e2e.session import BTC, Session, ask_exchange, limit, market

pytestmark = pytest.mark.xdist_group("exchange")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Session(tmp_path) as session:
        session.execute(Subscribe(BTC, Channel.QUOTES))
        session.execute(Subscribe(BTC, Channel.TRADES))
        session.execute(Subscribe(BTC, Channel.BOOK))
        session.open_for_orders()
        yield session


def exchange_of(session: Session) -> str:
    """Where the embedded exchange of this session listens."""
    exchange = session.node._engine._exchange
    assert exchange is not None
    assert exchange.urls is not None
    return exchange.urls.rest


def assert_agrees_with_the_exchange(session: Session) -> None:
    """Balances and open orders here are those of the exchange's own account."""
    truth = ask_exchange(exchange_of(session), "account")
    theirs = {
        asset: (Decimal(row["free"]), Decimal(row["locked"]))
        for asset, row in truth["balances"].items()
        if Decimal(row["free"]) or Decimal(row["locked"])
    }

    def ours() -> dict[str, tuple[Decimal, Decimal]]:
        return {
            asset: (balance.free, balance.locked)
            for (_, asset), balance in session.state.balances.items()
            if balance.total
        }

    session.until(lambda: ours() == theirs, f"balances {ours()} equal to {theirs}")
    open_there = {order["clientOrderId"] for order in truth["openOrders"]}
    assert set(session.state.working) == open_there


def test_a_limit_order_rests_and_is_canceled(session: Session) -> None:
    """A bid below the market rests, locks its money, and gives it back when cancelled."""
    before = session.free("USDT")
    intent = session.resting_bid()
    session.submit(intent)
    session.until(lambda: session.status(intent) is OrderStatus.ACCEPTED, "accepted")
    assert intent.price is not None
    session.until(lambda: session.free("USDT") == before - intent.price * intent.quantity, "money locked")
    assert_agrees_with_the_exchange(session)
    session.cancel(intent)
    session.until(lambda: session.status(intent) is OrderStatus.CANCELED, "canceled")
    session.until(lambda: session.free("USDT") == before, "money free again")
    assert_agrees_with_the_exchange(session)


def test_a_market_order_fills(session: Session) -> None:
    """A market buy fills at once; position, fees and balances are those of the exchange."""
    intent = market(Side.BUY, "0.25")
    session.submit(intent)
    session.until(lambda: session.status(intent) is OrderStatus.FILLED, "filled")
    position = session.state.positions[BTC]
    assert position.quantity == Decimal("0.24975"), "0.25 less its fee"
    assert sum(fill.quantity for fill in session.state.fills) == Decimal("0.25")
    assert position.fees["BTC"] == Decimal("0.00025")
    assert_agrees_with_the_exchange(session)
    session.submit(market(Side.SELL, "0.1"))
    session.until(lambda: session.state.positions[BTC].quantity == Decimal("0.14975"), "reduced")
    assert_agrees_with_the_exchange(session)


@pytest.mark.parametrize("type_", [OrderType.STOP, OrderType.TAKE_PROFIT])
def test_a_trigger_order_rests(session: Session, type_: OrderType) -> None:
    """A stop and a take-profit wait at the exchange until the market gets there, and can be cancelled."""
    bid, ask = session.touch()
    away = ask * 1.05 if type_ is OrderType.STOP else bid * 0.95
    intent = limit(Side.BUY, "0.01", Decimal(1))
    price = session.state.instruments[BTC].price(away)

    intent = msgspec.structs.replace(intent, type=type_, price=None, trigger_price=price)
    session.submit(intent)
    session.until(lambda: session.status(intent) is OrderStatus.ACCEPTED, "accepted")
    assert session.execute(CancelAllOrders()) == Done(1)
    session.until(lambda: session.status(intent) is OrderStatus.CANCELED, "canceled")


def test_a_post_only_order_that_would_take_is_rejected(session: Session) -> None:
    """The venue's refusal reaches the trader in its own words."""

    _, ask = session.touch()
    price = session.state.instruments[BTC].price(ask * 1.01)
    intent = msgspec.structs.replace(limit(Side.BUY, "0.01", price), type=OrderType.POST_ONLY)
    session.submit(intent)
    session.until(lambda: session.status(intent) is OrderStatus.REJECTED, "rejected")
    order = session.order(intent)
    assert order is not None
    assert "immediately match" in order.reason


def test_a_restart_brings_everything_back(tmp_path: Path) -> None:
    """Orders, fills, position and balances after a restart are what they were."""
    with Session(tmp_path) as first:
        first.execute(Subscribe(BTC, Channel.QUOTES))
        first.open_for_orders()
        resting, taking = first.resting_bid(), market(Side.BUY, "0.1")
        for intent in (resting, taking):
            first.submit(intent)
        first.until(lambda: first.status(taking) is OrderStatus.FILLED, "filled")
        first.until(lambda: first.status(resting) is OrderStatus.ACCEPTED, "accepted")
        assert_agrees_with_the_exchange(first)
        fills, position = list(first.state.fills), first.state.positions[BTC]
    with Session(tmp_path) as second:
        second.open_for_orders()
        assert second.status(resting) is OrderStatus.ACCEPTED
        assert second.status(taking) is OrderStatus.FILLED
        assert second.state.fills == fills
        assert second.state.positions[BTC] == position
        assert_agrees_with_the_exchange(second)


def test_a_second_one_on_the_same_data_says_so(session: Session, tmp_path: Path) -> None:
    """It touches nothing and names what to do; the first one goes on."""
    session.open_for_orders()
    with Session(tmp_path) as second:
        second.until(lambda: second.state.failure is not None, "a failure that is told")
        assert second.state.failure is not None
        assert "is open in another Octopus Desktop" in second.state.failure.text
        assert second.state.entry_locked is not None
    session.submit(market(Side.BUY, "0.01"))


def test_an_order_without_an_answer_is_asked_for(session: Session) -> None:
    """The exchange accepts the order and never answers: it is UNKNOWN, then found, and there is one of it."""
    ask_exchange(exchange_of(session), "faults", {"swallow": [{"what": "order.place"}]})
    intent = session.resting_bid()
    session.submit(intent)
    session.until(lambda: session.status(intent) is OrderStatus.ACCEPTED, "found")
    truth = ask_exchange(exchange_of(session), "account")
    assert [order["clientOrderId"] for order in truth["openOrders"]] == [intent.client_order_id]


def test_a_cut_line_comes_back_by_itself(session: Session) -> None:
    """All sockets are cut: entry locks, then the links come back, orders are compared, and entry opens."""
    intent = session.resting_bid()
    session.submit(intent)
    session.until(lambda: session.status(intent) is OrderStatus.ACCEPTED, "accepted")
    session.events.clear()
    ask_exchange(exchange_of(session), "cut", {})
    session.until(lambda: session.state.entry_locked is not None, "entry locked")
    session.open_for_orders()
    assert any(isinstance(event, Reconciled) for event in session.events)
    trades = len(session.state.market(BTC).trades)
    session.until(lambda: len(session.state.market(BTC).trades) > trades, "trades again")
    session.until(lambda: session.state.market(BTC).book.valid, "a book again")
    session.until(lambda: not session.state.market(BTC).stale, "fresh prices again")
    another = session.resting_bid("0.02")
    session.submit(another)
    session.until(lambda: session.status(another) is OrderStatus.ACCEPTED, "accepted after the cut")
    assert_agrees_with_the_exchange(session)


def test_an_exchange_that_dies_is_started_again(session: Session) -> None:
    """The exchange's process is killed: it comes back with the same account, and so do we."""
    intent = session.resting_bid()
    session.submit(intent)
    session.until(lambda: session.status(intent) is OrderStatus.ACCEPTED, "accepted")
    exchange = session.node._engine._exchange
    assert exchange is not None
    assert exchange._process is not None
    exchange._process.kill()
    session.until(lambda: any(isinstance(event, NoticeRaised) for event in session.events), "a notice")
    session.until(lambda: session.state.entry_locked is not None, "entry locked")
    session.open_for_orders()
    session.until(lambda: session.status(intent) is OrderStatus.ACCEPTED, "still there")
    assert_agrees_with_the_exchange(session)


def test_the_second_enter_is_no_second_order(session: Session) -> None:
    """Two commands with one token, as fast as the program can send them, are one order at the exchange."""
    first = session.resting_bid("0.01", "ticket-7")
    second = session.resting_bid("0.01", "ticket-7")
    answers = [session.node.execute(SubmitOrder(first)), session.node.execute(SubmitOrder(second))]
    assert [answer.result(10) for answer in answers] == [Done(), Done(0)]
    session.until(lambda: session.status(first) is OrderStatus.ACCEPTED, "accepted")
    truth = ask_exchange(exchange_of(session), "account")
    assert len(truth["openOrders"]) == 1


def test_risk_stops_it_before_the_wire(session: Session) -> None:
    """An order beyond the free balance is denied here; the exchange never hears of it."""
    intent = limit(Side.SELL, "0.6", session.state.instruments[BTC].price(session.touch()[1]))
    outcome = session.execute(SubmitOrder(intent))
    assert outcome == Refused("This needs 0.6 BTC, free is 0.5.")
    session.until(lambda: session.status(intent) is OrderStatus.DENIED, "denied")
    assert not any(isinstance(event, OrderUnknown) for event in session.events)


def test_a_year_of_candles_joins_the_live_market(session: Session) -> None:
    """History and the live market meet without a seam: the last close is near the touch, and no minute is missing."""
    candles = session.node.query(CandlesQuery(BTC, Interval.M1, 2500)).result(30)
    assert len(candles) == 2500
    steps = candles.open_ns[1:] - candles.open_ns[:-1]
    assert (steps == Interval.M1.ns).all()
    bid, ask = session.touch()
    assert abs(candles.close[-1] / ((bid + ask) / 2) - 1) < 0.01
    days = session.node.query(CandlesQuery(BTC, Interval.D1, 365)).result(30)
    assert len(days) == 365
