"""OCO, trailing stop and good till date."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from octopus_desktop.model.algos import AlgoStatus, AnyAlgoSpec, GoodTillDate, Oco, OnRestart, TrailingStop
from octopus_desktop.model.commands import Refused, StartAlgo
from octopus_desktop.model.identifiers import ClientOrderId
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.ports import Capability
from tests.faults.simulated_time import EPOCH_NS
from tests.unit.engine.algos.exchange import ALGO, World, world
from tests.unit.engine.scripted import BTC

D = Decimal
MINUTE = 60_000_000_000


@pytest.fixture
def market() -> Iterator[World]:
    with world() as there:
        there.exchange.base = D(1)
        there.exchange._tell_balances()
        yield there


def oco(price: str = "61000", stop: str = "59000", quantity: str = "0.5") -> Oco:
    return Oco(instrument_id=BTC, side=Side.SELL, quantity=D(quantity), price=D(price), stop_trigger=D(stop))


def trailing(
    offset: str | None = None, fraction: str | None = None, activation: str | None = None, quantity: str = "0.5"
) -> TrailingStop:
    return TrailingStop(
        instrument_id=BTC,
        side=Side.SELL,
        quantity=D(quantity),
        offset=D(offset) if offset is not None else None,
        fraction=D(fraction) if fraction is not None else None,
        activation_price=D(activation) if activation is not None else None,
    )


def good_till(minutes: int = 1, price: str = "59000") -> GoodTillDate:
    entry = OrderIntent(ClientOrderId("gtd"), BTC, Side.BUY, OrderType.LIMIT, D("0.1"), D(price))
    return GoodTillDate(
        instrument_id=BTC, side=Side.BUY, quantity=D("0.1"), entry=entry, expire_ns=EPOCH_NS + minutes * MINUTE
    )


@pytest.mark.parametrize("capabilities", [frozenset(Capability), frozenset({Capability.AMEND}), frozenset()])
@pytest.mark.parametrize(("to", "role"), [("61001", "target"), ("58990", "stop")])
def test_one_side_of_an_oco_cancels_the_other(
    market: World, capabilities: frozenset[Capability], to: str, role: str
) -> None:
    """Native or held here, exactly the one quantity leaves."""
    market.exchange.capabilities = capabilities
    market.crash()
    market.start()
    market.begin(oco())
    market.run(2)
    assert market.algo.native is (Capability.OCO in capabilities)
    assert market.exchange.locked_base == D("0.5")
    market.exchange.move(to)
    market.run(5)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert market.algo.filled == {role: D("0.5")}
    assert not market.state.working


def test_an_oco_whose_coins_are_gone_fails_and_sends_nothing(market: World) -> None:
    """They were there when it was asked for and are not when it begins: it ends with the reason."""
    market.do(market.algos.start(StartAlgo(ALGO, oco(), OnRestart.RESUME)))
    market.crash()
    market.exchange.base = D(0)
    market.start()
    market.exchange._tell_balances()
    market.run(20)
    assert market.algo.status is AlgoStatus.FAILED
    assert "This needs 0.5 BTC, free is 0" in market.algo.reason
    assert not market.exchange.book


def test_an_oco_that_the_trader_cancels_is_over(market: World) -> None:
    """The pair does not come back."""
    market.begin(oco())
    market.exchange.cancel_at_the_venue(market.exchange.open_of("target")[0])
    market.run(5)
    assert market.algo.status is AlgoStatus.STOPPED
    assert not market.state.working


def test_a_trailing_fraction_is_the_venues(market: World) -> None:
    """In whole hundredths of a per cent the venue follows by itself."""
    market.begin(trailing(fraction="0.01"))
    (order,) = market.exchange.open_of("stop")
    assert order.intent.type is OrderType.TRAILING_STOP
    assert order.intent.trailing_fraction == D("0.01")
    market.stop()
    assert "stays at the venue" in market.algo.reason
    assert order.open


@pytest.mark.parametrize("spec", [trailing(offset="500"), trailing(fraction="0.005555")])
def test_a_trailing_stop_held_here_follows_and_never_turns_back(market: World, spec: TrailingStop) -> None:
    """It sells at the market once the bid has come back by the distance from its best."""
    market.begin(spec)
    for bid in ("60500", "61000", "60800", "60700"):
        market.exchange.move(bid)
        market.run()
    assert not market.exchange.book
    assert not market.algo.native
    market.exchange.move("60400")
    market.run()
    assert market.algo.status is AlgoStatus.COMPLETED
    assert market.algo.filled_as("stop") == D("0.5")


@pytest.mark.parametrize("works", [True, False])
def test_what_the_venue_holds_is_not_paused_by_a_restart(market: World, works: bool) -> None:
    """The pair worked there all the time, and goes on; only where it is gone there is something to decide."""
    market.begin(oco(), OnRestart.PAUSE)
    market.run()
    assert market.algo.native
    if not works:
        for order in market.exchange.book.values():
            order.status = OrderStatus.CANCELED
    market.crash()
    market.start()
    market.run()
    assert (market.algo.status is AlgoStatus.RUNNING) is works


def test_a_trailing_stop_remembers_its_best_over_a_restart(market: World) -> None:
    """A high from before the restart still counts."""
    market.begin(trailing(offset="500"))
    market.exchange.move("62000")
    market.run(2)
    market.pause()
    market.resume()
    market.crash()
    market.start()
    market.exchange.move("61400")
    market.run(2)
    assert market.algo.filled_as("stop") == D("0.5")


def test_a_trailing_stop_does_not_fire_on_a_stale_price(market: World) -> None:
    """It waits, says so, and fires when the price is fresh again."""
    market.begin(trailing(offset="500"))
    market.go_stale()
    market.exchange.move("59000")
    market.run()
    assert not market.exchange.book
    assert market.algo.note == "waiting: the price is stale"
    market.recover()
    market.run()
    assert market.algo.status is AlgoStatus.COMPLETED


def test_a_trailing_stop_waits_for_its_activation(market: World) -> None:
    """Before the activation price a fall does nothing."""
    market.begin(trailing(offset="500", activation="60500"))
    market.exchange.move("59000")
    market.run()
    assert not market.exchange.book
    market.exchange.move("60600")
    market.run()
    market.exchange.move("60000")
    market.run()
    assert market.algo.status is AlgoStatus.COMPLETED


@pytest.mark.parametrize("fault", ["refuse", "lost", "unanswered"])
def test_a_fired_trailing_stop_sells_once_whatever_happens(market: World, fault: str) -> None:
    """Refused is tried again, unknown is asked for; it never sells twice."""
    market.begin(trailing(offset="500"))
    market.exchange.faults.append(fault)
    market.exchange.move("59000")
    market.run(60)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert market.exchange.base == D("0.5")


def test_a_good_till_date_order_is_canceled_in_time(market: World) -> None:
    """It rests until then, also while it is paused."""
    market.begin(good_till())
    market.pause()
    market.run(50)
    assert market.exchange.open_of("entry")
    market.run(15)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert not market.state.working


def test_a_good_till_date_order_whose_time_passed_while_away_is_canceled_at_the_start(market: World) -> None:
    """The program was not there at its time: the first thing it does is to cancel."""
    market.begin(good_till(), OnRestart.PAUSE)
    market.crash()
    market.run(120)
    market.start()
    market.run(3)
    assert not market.exchange.open_of("entry")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (oco(price="58000"), "must be above"),
        (oco(stop="60500"), "must be below"),
        (trailing(), "give one of them"),
        (trailing(offset="1", fraction="0.1"), "give one of them"),
        (trailing(fraction="1.5"), "between 0 and 1"),
        (trailing(offset="70000"), "The offset 70,000 is more than the price."),
        (trailing(offset="500", quantity="0.00001"), "the least is 5"),
        (trailing(offset="11000", quantity="0.0001"), "would be worth 4.90 USDT; the least is 5"),
        (good_till(minutes=0), "is over already"),
        (good_till(minutes=-1), "is over already"),
    ],
)
def test_a_wrong_spec_is_refused_with_a_sentence(market: World, spec: AnyAlgoSpec, words: str) -> None:
    """What could not work is said before anything is sent."""
    outcome = market.begin(spec)
    assert isinstance(outcome, Refused)
    assert words in outcome.reason
    assert not market.exchange.book
