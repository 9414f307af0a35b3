"""A trailing stop has fired, and nobody knows what became of its market order: protected meanwhile, and sold once."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from octopus_desktop.engine.algos.stand_in import STAND_IN_NS
from octopus_desktop.engine.algos.work import SECOND
from octopus_desktop.model.algos import AlgoStatus
from octopus_desktop.model.events import QuoteChanged
from octopus_desktop.model.orders import OrderStatus, OrderType
from tests.unit.engine.algos.exchange import LATENCY_S, World, world
from tests.unit.engine.algos.test_amend import GONE
from tests.unit.engine.algos.test_triggers import trailing
from tests.unit.engine.scripted import BTC

D = Decimal
HALF = D("0.5")
SOON_S = STAND_IN_NS / SECOND + 5 * LATENCY_S
SPOKEN_S = 30.0
"""By then the venue could say that the order never comes, and what followed from that is done."""


@pytest.fixture
def market() -> Iterator[World]:
    """Half a coin to sell, and less than as much again beside it."""
    with world() as there:
        have(there, "0.9")
        there.begin(trailing(offset="500"))
        yield there


def have(market: World, coins: str) -> None:
    market.exchange.base = D(coins)
    market.exchange._tell_balances()
    market.run(0.1)


def fire_and_die(market: World, fault: str = "lost") -> None:
    """The order is in the journal; the program is gone before the venue has answered."""
    market.exchange.faults.append(fault)
    market.exchange.move("59000")
    market.run(0.005)
    assert [order.status for order in market.state.orders.values()] == [OrderStatus.SUBMITTED]
    if fault == "unanswered":
        market.run(LATENCY_S)
    market.crash()


def sold(market: World) -> Decimal:
    return sum((fill.quantity for fill in market.exchange.trades), D(0))


def stand_ins(market: World) -> list[Decimal | None]:
    return [one.intent.trigger_price for one in market.exchange.open_of("stop") if one.intent.type is OrderType.STOP]


def ends_sold_once(market: World) -> None:
    market.run(SPOKEN_S)
    assert sold(market) == HALF
    assert market.algo.status is AlgoStatus.COMPLETED
    assert not market.state.working
    assert market.exchange.locked_base == 0


def test_after_the_start_a_stop_stands_behind_the_price_at_once(market: World) -> None:
    """And what it holds leaves at the market as soon as the venue could say that the order never comes."""
    fire_and_die(market)
    market.start()
    market.run(SOON_S)
    assert stand_ins(market) == [D("58941.00")]
    assert market.exchange.locked_base == HALF
    assert market.algo.note == "under a stop while the venue is asked what became of an order"
    ends_sold_once(market)
    assert market.exchange.trades[0].price == D(59000)
    assert market.notices() == []


def test_the_stop_sells_where_the_price_goes_on_falling(market: World) -> None:
    """Before the venue has spoken. What it then says makes no second sale."""
    fire_and_die(market)
    market.start()
    market.run(SOON_S)
    market.exchange.move("58900")
    market.run(1)
    assert sold(market) == HALF
    ends_sold_once(market)


def test_what_was_sold_is_not_sold_again(market: World) -> None:
    """It arrived as the program died: the start asks for it, and that is all."""
    fire_and_die(market, "unanswered")
    assert sold(market) == HALF
    market.start()
    ends_sold_once(market)
    assert len(market.exchange.book) == 1


def test_what_was_sold_unseen_leaves_too_few_coins_for_a_stop(market: World) -> None:
    """Neither the answer nor the stream told of it, and the venue does not say for a while."""
    told, market.exchange.report = market.exchange.report, lambda _: None
    market.exchange.publish, tell = lambda _: None, market.exchange.publish
    market.exchange.faults.append("unanswered")
    tell(QuoteChanged(BTC, 59000.0, 1.0, 59000.01, 1.0, market.loop.now_ns(), market.loop.now_ns()))
    market.exchange.mute = True
    market.exchange.bid = D(59000)
    market.run(5)
    assert sold(market) == HALF
    assert any(order.status is OrderStatus.UNKNOWN for order in market.state.orders.values())
    assert len(market.exchange.book) == 1
    market.exchange.mute, market.exchange.report, market.exchange.publish = False, told, tell
    ends_sold_once(market)


def test_an_answer_that_is_lost_while_it_runs_is_the_same(market: World) -> None:
    """The connection breaks under the order; no program died."""
    market.exchange.faults.append("lost")
    market.exchange.move("59000")
    market.run(SOON_S)
    assert market.exchange.locked_base == HALF
    ends_sold_once(market)


def test_an_order_that_arrives_late_finds_its_coins_under_the_stop(market: World) -> None:
    """The venue refuses it, so the stop is the only one."""
    market.exchange.faults.append("lost")
    market.exchange.move("59000")
    market.run(SOON_S)
    (late,) = (order.intent for order in market.state.orders.values() if order.status is OrderStatus.UNKNOWN)
    assert market.exchange._problem([late]) == "Account has insufficient balance."


def test_with_coins_enough_for_both_nothing_is_risked(market: World) -> None:
    """The order may still arrive and sell, and a stop would sell the trader's other coins: he is told instead."""
    have(market, "1")
    fire_and_die(market)
    market.start()
    market.run(5)
    assert market.exchange.book == {}
    assert "A position in BTCUSDT is not protected" in market.notices()
    ends_sold_once(market)


def test_a_stop_that_the_price_overtakes_is_placed_further_down(market: World) -> None:
    """The venue refuses it, for the price is past it by then; the next one is behind the price again."""
    fire_and_die(market)
    market.exchange.faults.append("refuse")
    market.start()
    market.run(SOON_S)
    assert stand_ins(market) == []
    market.exchange.move("58000")
    market.run(2)
    assert stand_ins(market) == [D("57942.00")]
    ends_sold_once(market)
    assert GONE not in market.notices(), "nobody is to place by hand what the algo places"


def test_the_stop_stays_while_there_is_no_price_to_leave_at(market: World) -> None:
    """A market order waits for a price; what protects meanwhile is not given up before."""
    fire_and_die(market)
    market.start()
    market.run(SOON_S)
    market.go_stale()
    market.run(SPOKEN_S)
    assert market.exchange.locked_base == HALF
    market.recover()
    market.exchange.tell_quote()
    ends_sold_once(market)


@pytest.mark.parametrize("after_s", [0.1, SOON_S - 0.02, SOON_S + 1, 15.9, 16.5])
def test_killed_once_more_it_still_sells_once(market: World, after_s: float) -> None:
    """Before the stop, on its way, under it, or as it is given up for the market order."""
    fire_and_die(market)
    market.start()
    market.run(after_s)
    market.crash()
    market.start()
    ends_sold_once(market)


@pytest.mark.parametrize("fault", ["lost", "unanswered"])
def test_nobody_knows_of_the_stop_either(market: World, fault: str) -> None:
    """One of them is found or none, and half a coin is sold."""
    fire_and_die(market)
    market.exchange.faults.append(fault)
    market.start()
    ends_sold_once(market)


def test_stopped_by_the_trader_nothing_is_left(market: World) -> None:
    """Neither the stop nor an order at the market."""
    fire_and_die(market)
    market.start()
    market.run(SOON_S)
    market.stop()
    market.run(SPOKEN_S)
    assert market.algo.status is AlgoStatus.STOPPED
    assert sold(market) == 0
    assert market.exchange.locked_base == 0
