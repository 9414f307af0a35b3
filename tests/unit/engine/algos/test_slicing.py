"""Scale, TWAP, iceberg and chase: all of the quantity is worked, and never more."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from octopus_desktop.engine.entry import Lock
from octopus_desktop.model.algos import AlgoStatus, AnyAlgoSpec, Chase, Iceberg, OnRestart, Scale, Twap
from octopus_desktop.model.commands import AmendOrder, CancelAllOrders, Done, Refused, StartAlgo
from octopus_desktop.model.events import TradingLevelChanged
from octopus_desktop.model.identifiers import AlgoId, ClientOrderId
from octopus_desktop.model.orders import OrderStatus, OrderType, Side
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.ports import Capability
from tests.unit.engine.algos.exchange import ALGO, World, world
from tests.unit.engine.scripted import BTC

D = Decimal
_OTHER = AlgoId("al-other")


def _start(spec: AnyAlgoSpec) -> StartAlgo:
    return StartAlgo(ALGO, spec, OnRestart.RESUME)


@pytest.fixture
def market() -> Iterator[World]:
    with world() as there:
        yield there


def scale(quantity: str = "0.1", count: int = 4, skew: str = "1", first: str = "59000", last: str = "58000") -> Scale:
    return Scale(
        instrument_id=BTC,
        side=Side.BUY,
        quantity=D(quantity),
        first_price=D(first),
        last_price=D(last),
        count=count,
        skew=D(skew),
    )


def twap(quantity: str = "0.1", slices: int = 4, limit: str | None = None, jitter: float = 0.0) -> Twap:
    return Twap(
        instrument_id=BTC,
        side=Side.BUY,
        quantity=D(quantity),
        duration_s=40.0,
        slices=slices,
        limit_price=D(limit) if limit is not None else None,
        jitter=jitter,
    )


def iceberg(quantity: str = "0.1", display: str = "0.03") -> Iceberg:
    return Iceberg(
        instrument_id=BTC, side=Side.BUY, quantity=D(quantity), price=D("59900"), display_quantity=D(display)
    )


def chase(*, timeout_s: float | None = None, take: bool = False, step: str = "10", limit: str = "60500") -> Chase:
    return Chase(
        instrument_id=BTC,
        side=Side.BUY,
        quantity=D("0.1"),
        limit_price=D(limit),
        step=D(step),
        timeout_s=timeout_s,
        take_at_timeout=take,
    )


def filled(market: World) -> Decimal:
    return sum((fill.quantity for fill in market.exchange.trades), D(0))


# Scale ----------------------------------------------------------------------


@pytest.mark.parametrize(("count", "skew"), [(4, "1"), (7, "2"), (3, "0.5")])
def test_a_scale_rests_all_of_its_quantity_across_the_range(market: World, count: int, skew: str) -> None:
    """The orders' prices go from first to last, and their sizes add up to the last lot."""
    assert market.begin(scale(count=count, skew=skew)) == Done()
    market.run(5)
    orders = market.exchange.open_of("slice")
    assert sum(order.intent.quantity for order in orders) == D("0.1")
    assert [order.intent.price for order in (orders[0], orders[-1])] == [D("59000.00"), D(58000)]
    assert len(orders) == count
    market.exchange.move("57000")
    market.run()
    assert market.algo.status is AlgoStatus.COMPLETED
    assert filled(market) == D("0.1")


@pytest.mark.parametrize("moment_s", [0.0, 0.0012, 0.005, 0.0125, 0.03])
def test_a_scale_killed_while_it_places_its_orders_places_each_once(market: World, moment_s: float) -> None:
    """After the restart every rung is there once."""
    market.do(market.algos.start(_start(scale())))
    market.run(moment_s)
    market.crash()
    market.start()
    market.run(40)
    orders = market.exchange.open_of("slice")
    assert len({order.intent.price for order in orders}) == len(orders) == 4


def test_a_scale_whose_order_the_venue_refuses_tries_it_again_and_then_says_so(market: World) -> None:
    """A rung that stays refused is counted and told; the others stay."""
    market.exchange.refused_prices.add(D("59000.00"))
    market.begin(scale())
    market.run(30)
    assert len(market.exchange.open_of("slice")) == 3
    assert market.exchange.requests.count("submit") == 6
    market.exchange.move("57000")
    market.run()
    assert market.algo.status is AlgoStatus.STOPPED
    assert "1 were refused by the venue" in market.algo.reason


def _enlarge(market: World, quantity: str, price: str | None = None) -> None:
    """By hand, the first order that rests."""
    first = market.exchange.open_of("slice")[0]
    command = AmendOrder(
        first.intent.client_order_id, ClientOrderId("larger"), quantity=D(quantity), price=D(price) if price else None
    )
    assert market.do(market.amendments.amend(command)) == Done(1)


@pytest.mark.parametrize(
    ("larger", "last", "told"),
    [("0.1", None, "1 left out"), ("0.05", None, "1 left out"), ("0.04", "0.01", "1 placed smaller")],
)
def test_a_scale_with_an_order_made_larger_by_hand_places_no_more_than_is_left(
    market: World, larger: str, last: str | None, told: str
) -> None:
    """A rung the venue refused a moment ago is to be placed still: it gets the room there is, and that is told."""
    market.exchange.refused_prices.add(D("58000.00"))
    market.begin(scale())
    assert len(market.exchange.open_of("slice")) == 3
    _enlarge(market, larger)
    market.exchange.refused_prices.clear()
    market.run(30)
    assert market.algo.status is AlgoStatus.RUNNING
    assert f"{told}: orders made larger by hand took the room" in market.algo.note
    lowest = [order.remaining for order in market.exchange.open_of("slice") if order.intent.price == D(58000)]
    assert lowest == ([D(last)] if last is not None else [])
    market.exchange.move("57000")
    market.run()
    assert market.algo.status is AlgoStatus.COMPLETED
    assert told in market.algo.reason
    assert filled(market) == max(D("0.1"), D(larger) + D("0.05"))


def test_a_scale_brings_no_order_for_one_that_was_canceled(market: World) -> None:
    """A rung was left out for want of room; then everything is canceled: nothing new comes of it."""
    market.exchange.refused_prices.add(D("58000.00"))
    market.begin(scale())
    _enlarge(market, "0.1")
    market.exchange.refused_prices.clear()
    market.run(30)
    market.do(market.orders.cancel_all(CancelAllOrders()))
    market.run(30)
    assert not market.exchange.open_of("slice")
    assert market.algo.status is AlgoStatus.STOPPED
    assert "1 left out" in market.algo.reason


@pytest.mark.parametrize("capabilities", [frozenset(Capability), frozenset()])
def test_a_rung_waits_while_another_is_being_changed(market: World, capabilities: frozenset[Capability]) -> None:
    """Both orders of a change count until one is gone: the rung is not called off for that, it comes afterwards."""
    market.exchange.capabilities = capabilities
    market.exchange.refused_prices.add(D("58000.00"))
    market.begin(scale())
    market.exchange.refused_prices.clear()
    refused = market.algo.children[-1]
    due = market.state.orders[refused].updated_ns + 5_000_000_000
    market.run((due - market.loop.now_ns()) / 1e9 - 0.005)
    _enlarge(market, "0.025", "58900")
    market.run(30)
    assert market.algo.status is AlgoStatus.RUNNING
    assert sum(order.remaining for order in market.exchange.open_of("slice")) == D("0.1")
    assert len(market.exchange.open_of("slice")) == 4


# TWAP -----------------------------------------------------------------------


@pytest.mark.parametrize("jitter", [0.0, 0.8])
def test_a_twap_buys_everything_in_its_time(market: World, jitter: float) -> None:
    """Four slices in forty seconds; their sum is the whole."""
    market.begin(twap("0.10003", jitter=jitter))
    assert len(market.exchange.trades) == 1
    market.run(100)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert filled(market) == D("0.10003")
    assert len(market.exchange.trades) == 4


def test_a_twap_adds_what_a_slice_did_not_get_to_the_next(market: World) -> None:
    """A refused slice is not lost: its part goes with the next."""
    market.exchange.faults.append("refuse")
    market.begin(twap())
    assert filled(market) == 0
    market.run(10)
    assert filled(market) == D("0.05")
    market.run(60)
    assert filled(market) == D("0.1")


def test_a_twap_with_a_limit_waits_for_it(market: World) -> None:
    """Nothing is bought above the limit; the price comes back and the rest is bought."""
    market.begin(twap(limit="59900"))
    market.run(25)
    assert not market.exchange.trades
    market.exchange.move("59890")
    market.run(30)
    assert filled(market) == D("0.1")


def test_a_twap_does_not_fire_on_a_stale_price(market: World) -> None:
    """Market orders wait until the price is fresh, and the note says so."""
    market.go_stale()
    market.begin(twap())
    market.run(15)
    assert not market.exchange.book
    assert market.algo.note == "waiting: the price is stale"
    market.recover()
    market.run(100)
    assert filled(market) == D("0.1")


def test_a_paused_twap_does_not_catch_up_in_one_order(market: World) -> None:
    """After a long pause the slices go on at their own size."""
    market.begin(twap())
    market.pause()
    market.run(300)
    assert len(market.exchange.trades) == 1
    market.resume()
    assert [fill.quantity for fill in market.exchange.trades] == [D("0.025"), D("0.025")]


@pytest.mark.parametrize("fault", ["", "lost", "unanswered"])
@pytest.mark.parametrize("moment_s", [0.0005, 0.0015, 0.005, 0.0125, 0.03, 12.0])
def test_a_twap_killed_at_any_moment_never_buys_twice(market: World, moment_s: float, fault: str) -> None:
    """An order without an answer counts as filled until the venue has said otherwise."""
    market.exchange.faults.append(fault)
    market.do(market.algos.start(_start(twap())))
    market.run(moment_s)
    market.crash()
    market.start()
    market.run(200)
    assert filled(market) == D("0.1")
    assert market.algo.status is AlgoStatus.COMPLETED


# Iceberg --------------------------------------------------------------------


def test_an_iceberg_is_one_order_at_a_venue_that_has_it(market: World) -> None:
    """The venue shows a part; nothing is sliced here."""
    market.begin(iceberg())
    (order,) = market.exchange.open_of("slice")
    assert (order.intent.quantity, order.intent.display_quantity) == (D("0.1"), D("0.03"))
    assert market.algo.native


def test_an_iceberg_worked_here_shows_one_part_at_a_time(market: World) -> None:
    """The next part comes when the one before is filled, the last takes the rest."""
    market.exchange.capabilities = frozenset()
    market.crash()
    market.start()
    market.begin(iceberg("0.1", "0.03"))
    parts = []
    while market.exchange.open_of("slice"):
        (part,) = market.exchange.open_of("slice")
        parts.append(part.intent.quantity)
        market.exchange.fill(part, part.remaining)
        market.run()
    assert parts == [D("0.03"), D("0.03"), D("0.03"), D("0.01")]
    assert market.algo.status is AlgoStatus.COMPLETED


# Chase ----------------------------------------------------------------------


def test_a_chase_follows_the_touch_up_to_its_limit(market: World) -> None:
    """It moves with the bid in one request, stays when the bid falls, and never passes the limit."""
    market.begin(chase())
    market.exchange.move("60020")
    market.run()
    assert [order.intent.price for order in market.exchange.open_of("slice")] == [D(60020)]
    market.exchange.move("60025")
    market.run()
    assert market.exchange.open_of("slice")[0].intent.price == D(60020)
    market.exchange.move("60700")
    market.run()
    assert market.exchange.open_of("slice")[0].intent.price == D(60500)
    assert "cancel" not in market.exchange.requests


def test_a_chase_counts_what_filled_while_it_moved(market: World) -> None:
    """Part fills stay; the sum is the whole and no more."""
    market.begin(chase())
    (order,) = market.exchange.open_of("slice")
    market.exchange.fill(order, "0.04")
    market.exchange.move("60050")
    market.run(2)
    (order,) = market.exchange.open_of("slice")
    assert order.remaining == D("0.06")
    market.exchange.fill(order, "0.06")
    market.run()
    assert market.algo.status is AlgoStatus.COMPLETED
    assert filled(market) == D("0.1")


@pytest.mark.parametrize("fault", ["half", "lost", "unanswered", "refuse"])
def test_a_chase_survives_any_outcome_of_a_move(market: World, fault: str) -> None:
    """Whatever becomes of a move, one order works in the end."""
    market.begin(chase())
    market.exchange.faults.append(fault)
    market.exchange.move("60050")
    market.run(60)
    assert [order.intent.price for order in market.exchange.open_of("slice")] == [D(60050)]
    assert len(market.state.working) == 1


@pytest.mark.parametrize(("take", "bought"), [(True, D("0.1")), (False, D(0))])
def test_a_chase_ends_at_its_timeout(market: World, take: bool, bought: Decimal) -> None:
    """It is canceled, or the rest is taken at once."""
    market.begin(chase(timeout_s=10, take=take))
    market.run(15)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert filled(market) == bought
    assert not market.state.working


def test_a_chase_stays_where_it_is_on_a_stale_price(market: World) -> None:
    """No move without a fresh price."""
    market.begin(chase())
    market.go_stale()
    market.exchange.move("60100")
    market.run()
    assert market.exchange.open_of("slice")[0].intent.price == D(60000)
    assert market.algo.note == "waiting: the price is stale"


def test_a_chase_whose_order_the_trader_cancels_is_over(market: World) -> None:
    """It does not come back by itself."""
    market.begin(chase())
    market.exchange.cancel_at_the_venue(market.exchange.open_of("slice")[0])
    market.run(5)
    assert market.algo.status is AlgoStatus.STOPPED
    assert not market.exchange.open_of("slice")


# All of them ----------------------------------------------------------------


def test_the_same_algo_twice_is_one(market: World) -> None:
    """A second press with the same name changes nothing."""
    market.begin(chase())
    assert market.begin(chase()) == Done(0)
    assert len(market.exchange.open_of("slice")) == 1


def test_a_lock_by_the_trader_pauses_and_refuses(market: World) -> None:
    """What adds risk pauses with the lock's own sentence, and no new one starts."""
    market.begin(twap())
    market.lock.shut(Lock.TRADER)
    market.run(30)
    assert market.algo.status is AlgoStatus.PAUSED
    assert market.algo.reason == "You locked order entry."
    assert len(market.exchange.trades) == 1
    assert market.begin(chase(), name=_OTHER) == Refused("You locked order entry.")


def test_the_level_pauses_what_adds_risk(market: World) -> None:
    """REDUCING pauses a purchase."""
    market.begin(twap())
    market.bus.publish(TradingLevelChanged(TradingLevel.REDUCING, "The day's loss.", market.clock.now_ns()))
    market.run()
    assert market.algo.status is AlgoStatus.PAUSED
    assert "REDUCING" in market.algo.reason


def test_a_passing_trouble_does_not_pause(market: World) -> None:
    """While the venue is compared with, an algo waits and goes on by itself."""
    market.begin(twap())
    market.lock.shut(Lock.RECONCILING)
    market.run(30)
    assert market.algo.status is AlgoStatus.RUNNING
    market.lock.open(Lock.RECONCILING)
    market.run(60)
    assert filled(market) == D("0.1")


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        (OnRestart.RESUME, AlgoStatus.RUNNING),
        (OnRestart.PAUSE, AlgoStatus.PAUSED),
        (OnRestart.END, AlgoStatus.STOPPED),
    ],
)
def test_each_goes_on_after_a_restart_by_its_rule(market: World, rule: OnRestart, status: AlgoStatus) -> None:
    """Resume, pause or end, as the trader chose."""
    market.begin(chase(), rule)
    market.crash()
    market.start()
    market.run(3)
    assert market.algo.status is status
    assert bool(market.exchange.open_of("slice")) is (rule is not OnRestart.END)


def test_stop_cancels_its_orders(market: World) -> None:
    """After a stop nothing of it works."""
    market.begin(scale())
    market.run(3)
    market.stop()
    assert market.algo.status is AlgoStatus.STOPPED
    assert all(order.status is OrderStatus.CANCELED for order in market.state.orders.values())


def test_an_order_that_may_not_leave_pauses_the_algo(market: World) -> None:
    """Without the money it waits a moment and then pauses with the reason."""
    market.exchange.quote = D(100)
    market.exchange.move("60000")
    market.exchange._tell_balances()
    market.begin(chase())
    market.run(10)
    assert market.algo.status is AlgoStatus.PAUSED
    assert "free is" in market.algo.reason
    assert not market.state.orders


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (scale(count=1), "2 to 100"),
        (scale(skew="0"), "skew"),
        (scale(count=9, first="59000", last="58999.95"), "tick"),
        (scale("0.0003", count=9), "the least is 5"),
        (twap(slices=0), "slices"),
        (twap("0.0001", slices=4), "the least is 5"),
        (twap(jitter=2.0), "jitter"),
        (iceberg("0.1", "0.1"), "no iceberg"),
        (iceberg("0.1", "0.00001"), "the least is 5"),
        (chase(take=True), "timeout"),
        (chase(limit="60000.001"), "tick"),
    ],
)
def test_a_wrong_spec_is_refused_with_a_sentence(market: World, spec: AnyAlgoSpec, words: str) -> None:
    """What could not work is said before anything is sent."""
    outcome = market.begin(spec)
    assert isinstance(outcome, Refused)
    assert words in outcome.reason
    assert not market.exchange.book


def test_a_twap_without_a_limit_sends_market_orders(market: World) -> None:
    """And with one, limit orders that fill at once or not at all."""
    market.begin(twap())
    (order,) = market.exchange.book.values()
    assert order.intent.type is OrderType.MARKET
