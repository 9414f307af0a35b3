"""Algos of the real engine on the real embedded exchange, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from octopus_desktop.model.algos import (
    Algo,
    AlgoStatus,
    AnyAlgoSpec,
    Bracket,
    Chase,
    GoodTillDate,
    Iceberg,
    Oco,
    OnRestart,
    Scale,
    Target,
    TrailingStop,
    Twap,
)
from octopus_desktop.model.commands import AmendOrder, CancelOrder, Done, StartAlgo, StopAlgo, Subscribe
from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import AlgoId, new_algo_id, new_client_order_id
from octopus_desktop.model.orders import ZERO, Order, OrderIntent, OrderStatus, OrderType, Side
from tests.e2e.session import BTC, Session, ask_exchange, limit, market
from tests.simulator_process import Caller

pytestmark = pytest.mark.xdist_group("exchange")
D = Decimal


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Session(tmp_path) as session:
        begin(session)
        yield session


def begin(session: Session) -> None:
    session.execute(Subscribe(BTC, Channel.QUOTES))
    session.open_for_orders()
    session.touch()


def start(session: Session, spec: AnyAlgoSpec, on_restart: OnRestart = OnRestart.RESUME) -> AlgoId:
    name = new_algo_id()
    outcome = session.execute(StartAlgo(name, spec, on_restart))
    assert outcome == Done(), outcome
    session.until(lambda: name in session.state.algos, "the algo known")
    return name


def algo(session: Session, name: AlgoId) -> Algo:
    return session.state.algos[name]


def working(session: Session, name: AlgoId, role: str) -> list[Order]:
    return [
        order
        for order in session.state.working.values()
        if order.intent.parent == name and order.intent.role == role and order.status in _RESTING
    ]


_RESTING = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)


def under(orders: list[Order]) -> Decimal:
    return sum((order.remaining for order in orders), ZERO)


def tick(session: Session, price: float) -> Decimal:
    return session.state.instruments[BTC].price(price)


def owned(session: Session) -> Decimal:
    """Bought by fills, less the fees taken from them, in lots."""
    bought = sum((fill.quantity - fill.fee for fill in session.state.fills if fill.side is Side.BUY), ZERO)
    sold = sum((fill.quantity for fill in session.state.fills if fill.side is Side.SELL), ZERO)
    return session.state.instruments[BTC].quantity(bought - sold)


def open_there(session: Session) -> set[str]:
    exchange = session.node._engine._exchange
    assert exchange is not None
    assert exchange.urls is not None
    truth = ask_exchange(exchange.urls.rest, "account")
    return {order["clientOrderId"] for order in truth["openOrders"]}


def stop_wholly(session: Session, name: AlgoId) -> None:
    assert session.execute(StopAlgo(name, keep_protection=False)) == Done()
    session.until(lambda: algo(session, name).status.is_over, "stopped")
    session.until(lambda: not open_there(session) and not session.state.working, "nothing works any more")


def bracket(session: Session, quantity: str, price: Decimal) -> Bracket:
    size = D(quantity)
    entry = OrderIntent(new_client_order_id(), BTC, Side.BUY, OrderType.LIMIT, size, price)
    return Bracket(
        instrument_id=BTC,
        side=Side.BUY,
        quantity=size,
        entry=entry,
        stop_trigger=tick(session, float(price) * 0.97),
        targets=(
            Target(tick(session, float(price) * 1.03), size / 2),
            Target(tick(session, float(price) * 1.04), size / 2),
        ),
    )


def begun_to_fill(session: Session) -> AlgoId:
    """A bracket whose bid rests at the touch; made anew where the market has left it behind."""
    for _ in range(20):
        name = start(session, bracket(session, "0.6", tick(session, session.touch()[0])))
        end = time.monotonic() + 4.0
        while time.monotonic() < end:
            if algo(session, name).filled_as("entry"):
                return name
            session.pump()
            time.sleep(0.01)
        stop_wholly(session, name)
        if owned(session):  # it came in while the bid was called back, and is sold by hand
            session.submit(market(Side.SELL, str(owned(session))))
            session.until(lambda: not owned(session), "sold")
    raise AssertionError("the market ran away from twenty bids")


def test_a_bracket_protects_each_fill_and_rests_as_pairs(session: Session) -> None:
    """A bid that fills in parts is under one growing stop; what came in then rests as pairs of target and stop."""
    name = begun_to_fill(session)
    session.until(lambda: under(working(session, name, "stop")) == owned(session), "all that came in is under a stop")
    entries = working(session, name, "entry")
    if entries:
        session.execute(CancelOrder(entries[0].client_order_id))
    session.until(lambda: not working(session, name, "entry"), "the entry is over")

    def paired() -> bool:
        targets, stops = working(session, name, "target"), working(session, name, "stop")
        return bool(targets) and under(targets) == under(stops) == owned(session)

    session.until(paired, "everything rests in pairs")
    pairs = {order.intent.list_id for order in working(session, name, "stop")}
    assert pairs == {order.intent.list_id for order in working(session, name, "target")}
    stop_wholly(session, name)


def test_a_bracket_that_is_stopped_leaves_its_protection(session: Session) -> None:
    """Ended by the trader, the position stays under what rests at the venue."""
    name = start(session, bracket(session, "0.1", tick(session, session.touch()[1] * 1.001)))
    session.until(lambda: len(working(session, name, "stop")) == 2, "both pairs rest")
    assert session.execute(StopAlgo(name)) == Done()
    session.until(lambda: algo(session, name).status is AlgoStatus.STOPPED, "stopped")
    assert "stays at the venue" in algo(session, name).reason
    assert len(open_there(session)) == 4


def test_a_bracket_goes_on_after_a_restart(tmp_path: Path) -> None:
    """What filled while the program was away is protected by the next start."""
    with Session(tmp_path) as session:
        begin(session)
        name = start(session, bracket(session, "0.2", tick(session, session.touch()[1] * 1.001)))
        session.until(lambda: algo(session, name).filled_as("entry"), "filled")
    with Session(tmp_path) as session:
        session.open_for_orders()
        session.until(lambda: algo(session, name).status is AlgoStatus.RUNNING, "it runs")
        session.until(lambda: under(working(session, name, "stop")) == owned(session), "protected")
        session.until(lambda: len(working(session, name, "target")) == 2, "both targets rest")
        stop_wholly(session, name)


def test_an_oco_leaves_by_the_side_that_is_reached(session: Session) -> None:
    """One list at the venue; the market reaches one side and the other is gone."""
    session.execute(Subscribe(BTC, Channel.BOOK))
    buy = market(Side.BUY, "0.1")
    session.submit(buy)
    session.until(lambda: session.status(buy) is OrderStatus.FILLED, "bought")
    session.until(lambda: session.free("BTC") >= D("0.09"), "the coins")
    bid, ask = session.touch()
    spec = Oco(
        instrument_id=BTC,
        side=Side.SELL,
        quantity=D("0.09"),
        price=tick(session, ask + 8),
        stop_trigger=tick(session, bid - 8),
    )
    name = start(session, spec)
    assert algo(session, name).native
    sell_through(session, spec.stop_trigger)
    session.until(lambda: algo(session, name).status is AlgoStatus.COMPLETED, "one side reached")
    assert algo(session, name).filled_as() == D("0.09")
    session.until(lambda: not open_there(session), "nothing rests")


def sell_through(session: Session, price: Decimal) -> None:
    """Somebody else's selling, of coins that came from outside, until a trade is at `price` or below."""
    exchange = session.node._engine._exchange
    assert exchange is not None
    assert exchange.urls is not None
    assert exchange.credentials is not None
    rest, keys = exchange.urls.rest, exchange.credentials
    caller = Caller(
        {
            **{"rest": rest, "control": f"{rest}/control"},
            **{"api_key": keys.api_key, "api_secret": keys.secret.reveal()},
        }
    )
    caller.control("POST", "deposit", {"asset": "BTC", "amount": "400"})
    for _ in range(80):
        order = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "5"}
        status, answer = caller.signed("POST", "/api/v3/order", newOrderRespType="FULL", **order)
        assert status == 200, answer
        if min(D(fill["price"]) for fill in answer["fills"]) <= price:
            return
    raise AssertionError(f"the market does not fall to {price}")


def test_a_twap_buys_all_of_it(session: Session) -> None:
    """Five market slices, the sum is exact."""
    spec = Twap(instrument_id=BTC, side=Side.BUY, quantity=D("0.01003"), duration_s=3.0, slices=5, jitter=0.5)
    name = start(session, spec)
    session.until(lambda: algo(session, name).status is AlgoStatus.COMPLETED, "done")
    assert algo(session, name).filled_as("slice") == D("0.01003")
    assert len(algo(session, name).children) == 5


def test_a_chase_follows_and_takes_the_rest_at_its_timeout(session: Session) -> None:
    """It moves in one request with the touch, and in the end everything is bought."""
    spec = Chase(
        instrument_id=BTC,
        side=Side.BUY,
        quantity=D("0.5"),
        limit_price=tick(session, session.touch()[1] * 1.01),
        step=D("0.5"),
        timeout_s=6.0,
        take_at_timeout=True,
    )
    name = start(session, spec)
    session.until(lambda: algo(session, name).status is AlgoStatus.COMPLETED, "done")
    assert algo(session, name).filled_as("slice") == D("0.5")
    session.until(lambda: not open_there(session), "nothing rests")


@pytest.mark.parametrize(("display", "native"), [("0.02", True), ("0.0105", False)])
def test_an_iceberg_is_filled_whole(session: Session, display: str, native: bool) -> None:
    """By the venue up to ten parts, worked here with more; both buy all of it."""
    price = tick(session, session.touch()[1] * 1.001)
    spec = Iceberg(instrument_id=BTC, side=Side.BUY, quantity=D("0.11"), price=price, display_quantity=D(display))
    name = start(session, spec)
    assert algo(session, name).native is native
    session.until(lambda: algo(session, name).status is AlgoStatus.COMPLETED, "done")
    assert algo(session, name).filled_as("slice") == D("0.11")


def test_a_scale_rests_and_is_stopped(session: Session) -> None:
    """Twelve orders across a range, more than may leave within a second; a stop takes them all back."""
    bid = session.touch()[0]
    spec = Scale(
        instrument_id=BTC,
        side=Side.BUY,
        quantity=D("0.1"),
        first_price=tick(session, bid * 0.98),
        last_price=tick(session, bid * 0.95),
        count=12,
        skew=D(2),
    )
    name = start(session, spec)
    session.until(lambda: len(working(session, name, "slice")) == 12, "all rest")
    assert under(working(session, name, "slice")) == D("0.1")
    stop_wholly(session, name)


def test_a_trailing_stop_rests_at_the_venue(session: Session) -> None:
    """By a fraction it is the venue's own, and can be canceled."""
    session.submit(market(Side.BUY, "0.1"))
    session.until(lambda: session.state.positions.get(BTC) is not None and session.free("BTC") >= D("0.09"), "bought")
    spec = TrailingStop(instrument_id=BTC, side=Side.SELL, quantity=D("0.09"), fraction=D("0.05"))
    name = start(session, spec)
    session.until(lambda: working(session, name, "stop"), "rests")
    assert algo(session, name).native
    stop_wholly(session, name)


def test_a_good_till_date_order_ends_in_time(session: Session) -> None:
    """It rests, and is canceled at its moment."""
    entry = session.resting_bid()
    now = session.state.market(BTC).quote
    assert now is not None
    spec = GoodTillDate(
        instrument_id=BTC,
        side=Side.BUY,
        quantity=entry.quantity,
        entry=entry,
        expire_ns=now.ts_received_ns + 2_000_000_000,
    )
    name = start(session, spec)
    session.until(lambda: working(session, name, "entry"), "rests")
    session.until(lambda: algo(session, name).status is AlgoStatus.COMPLETED, "its time is over")
    session.until(lambda: not open_there(session), "nothing rests")


def test_an_order_is_changed_in_one_request(session: Session) -> None:
    """The new price takes the old one's place; exactly one works."""
    old = session.resting_bid()
    session.submit(old)
    session.until(lambda: session.status(old) is OrderStatus.ACCEPTED, "rests")
    assert old.price is not None
    new = limit(Side.BUY, "0.02", tick(session, float(old.price) * 0.99))
    amend = AmendOrder(old.client_order_id, new.client_order_id, price=new.price, quantity=new.quantity)
    assert session.execute(amend) == Done()
    session.until(lambda: session.status(new) is OrderStatus.ACCEPTED, "the new one rests")
    session.until(lambda: session.status(old) is OrderStatus.CANCELED, "the old one is gone")
    assert open_there(session) == {new.client_order_id}


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        (OnRestart.RESUME, AlgoStatus.RUNNING),
        (OnRestart.PAUSE, AlgoStatus.PAUSED),
        (OnRestart.END, AlgoStatus.STOPPED),
    ],
)
def test_the_rule_for_a_restart_is_kept(tmp_path: Path, rule: OnRestart, status: AlgoStatus) -> None:
    """Resume, pause or end, as the trader chose with the algo."""
    with Session(tmp_path) as session:
        begin(session)
        bid = session.touch()[0]
        spec = Scale(
            instrument_id=BTC,
            side=Side.BUY,
            quantity=D("0.02"),
            first_price=tick(session, bid * 0.98),
            last_price=tick(session, bid * 0.97),
            count=2,
        )
        name = start(session, spec, rule)
        session.until(lambda: len(working(session, name, "slice")) == 2, "both rest")
    with Session(tmp_path) as session:
        session.open_for_orders()
        session.until(lambda: algo(session, name).status is status, f"{status}")
        session.until(lambda: len(open_there(session)) == (0 if rule is OnRestart.END else 2), "the orders")
