"""Brackets: what is owned is under a stop, and leaves at the targets."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from octopus_desktop.model.algos import AlgoStatus, Bracket, OnRestart, Target
from octopus_desktop.model.commands import CancelAllOrders, Done, Refused
from octopus_desktop.model.identifiers import ClientOrderId
from octopus_desktop.model.orders import OrderIntent, OrderType, Side
from octopus_desktop.ports import Capability
from tests.unit.engine.algos.exchange import FEE, World, world
from tests.unit.engine.scripted import BTC

ONE = Decimal(1)


def bracket(
    quantity: str = "1",
    entry_price: str = "59900",
    stop: str = "59000",
    targets: tuple[tuple[str, str], ...] = (("61000", "0.6"), ("62000", "0.4")),
) -> Bracket:
    size = Decimal(quantity)
    entry = OrderIntent(ClientOrderId("entry"), BTC, Side.BUY, OrderType.LIMIT, size, Decimal(entry_price))
    return Bracket(
        instrument_id=BTC,
        side=Side.BUY,
        quantity=size,
        entry=entry,
        stop_trigger=Decimal(stop),
        targets=tuple(Target(Decimal(price), Decimal(part)) for price, part in targets),
    )


@pytest.fixture
def market() -> Iterator[World]:
    with world() as there:
        yield there


def stops(market: World) -> Decimal:
    return sum((order.remaining for order in market.exchange.open_of("stop")), Decimal(0))


def net(quantity: str) -> Decimal:
    """What arrives of a purchase once the fee is taken from it, on the lot."""
    whole = Decimal(quantity) * (ONE - FEE)
    return whole.quantize(Decimal("0.00001"), "ROUND_DOWN")


def test_each_partial_fill_of_the_entry_is_under_the_stop_at_once(market: World) -> None:
    """The stop grows with each fill, and is never more than what has arrived."""
    assert market.begin(bracket()) == Done()
    (entry,) = market.exchange.open_of("entry")
    assert stops(market) == 0
    market.exchange.fill(entry, "0.3")
    market.run()
    assert stops(market) == net("0.3")
    market.exchange.fill(entry, "0.2")
    market.run()
    assert stops(market) == net("0.5")
    assert len(market.exchange.open_of("stop")) == 1
    assert "amend" in market.exchange.requests


def test_a_full_entry_rests_as_pairs_of_target_and_stop(market: World) -> None:
    """When all is in, each target lies at the venue with a stop that it cancels."""
    market.begin(bracket())
    market.exchange.move("59800")
    market.run(3)
    targets = {order.intent.price: order.remaining for order in market.exchange.open_of("target")}
    whole = net("1")
    assert sum(targets.values()) == whole == stops(market)
    assert targets[Decimal(61000)] == (whole * Decimal("0.6")).quantize(Decimal("0.00001"), "ROUND_DOWN")
    market.exchange.move("61000")
    market.run(3)
    assert stops(market) == targets[Decimal(62000)]
    market.exchange.move("62001")
    market.run(3)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert market.algo.filled_as("target") == whole
    assert not market.state.working


def test_a_stop_that_fires_takes_the_targets_with_it(market: World) -> None:
    """When the stop is hit everything is sold, and no target stays."""
    market.begin(bracket())
    market.exchange.move("59800")
    market.run(3)
    market.exchange.move("58990")
    market.run(3)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert market.algo.filled_as("stop") == net("1")
    assert not market.state.working


def test_a_stop_that_fires_cancels_the_rest_of_the_entry(market: World) -> None:
    """A half-filled entry whose stop was hit buys no more."""
    market.begin(bracket(entry_price="59900"))
    (entry,) = market.exchange.open_of("entry")
    market.exchange.fill(entry, "0.5")
    market.run()
    (stop,) = market.exchange.open_of("stop")
    market.exchange.fill(stop, stop.remaining, Decimal(58990))
    market.run(3)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert not market.state.working


@pytest.mark.parametrize("capabilities", [frozenset(), frozenset({Capability.AMEND})])
def test_without_lists_at_the_venue_targets_are_held_here(market: World, capabilities: frozenset[Capability]) -> None:
    """The stop rests; when the touch reaches a target that part leaves there, and the rest stays under the stop."""
    market.exchange.capabilities = capabilities
    market.crash()
    market.start()
    market.begin(bracket())
    market.exchange.move("59800")
    market.run(3)
    whole = net("1")
    assert stops(market) == whole
    market.exchange.move("61005")
    market.run(3)
    first = (whole * Decimal("0.6")).quantize(Decimal("0.00001"), "ROUND_DOWN")
    assert market.algo.filled_as("target") == first
    assert stops(market) == whole - first
    market.exchange.move("58990")
    market.run(3)
    assert market.algo.filled_as("stop") == whole - first
    assert market.algo.status is AlgoStatus.COMPLETED


def test_a_list_that_the_venue_refuses_goes_back_under_the_stop(market: World) -> None:
    """A refused pair leaves nothing bare: the stop takes it back. Refused again and again, its target is held here."""
    market.begin(bracket(targets=(("61000", "1"),)))
    market.exchange.refused_prices.add(Decimal(61000))
    market.exchange.move("59800")
    market.run(4)
    assert stops(market) == net("1")
    assert not market.exchange.open_of("target")
    market.run(60)
    assert market.exchange.requests.count("list") == 3
    market.exchange.refused_prices.clear()
    market.exchange.move("61010")
    market.run(3)
    assert market.algo.filled == {"entry": ONE, "target": net("1")}


def test_a_list_that_the_venue_refused_once_is_tried_again(market: World) -> None:
    """A passing refusal costs a moment, not the pair."""
    market.begin(bracket(targets=(("61000", "1"),)))
    market.exchange.faults.extend(["", "refuse"])
    market.exchange.move("59800")
    market.run(15)
    assert len(market.exchange.open_of("target")) == 1
    assert stops(market) == net("1")


def test_an_amendment_half_done_is_mended_and_told(market: World) -> None:
    """Where the venue takes the old stop away and refuses the new one, a new stop is there at once."""
    market.begin(bracket())
    (entry,) = market.exchange.open_of("entry")
    market.exchange.fill(entry, "0.3")
    market.run()
    market.exchange.faults.append("half")
    market.exchange.fill(entry, "0.3")
    market.run(3)
    assert stops(market) == net("0.6")
    assert any("the new one is not there" in title for title in market.notices())


@pytest.mark.parametrize("fault", ["unanswered", "lost"])
def test_an_unknown_stop_is_asked_for_and_never_sent_twice(market: World, fault: str) -> None:
    """A stop without an answer counts as if it were there until the venue has said."""
    market.begin(bracket())
    (entry,) = market.exchange.open_of("entry")
    market.exchange.faults.append(fault)
    market.exchange.fill(entry, "0.3")
    market.run(1)
    assert len(market.exchange.open_of("stop")) <= 1
    market.run(60)
    assert stops(market) == net("0.3")


@pytest.mark.parametrize("moment_s", [0.0, 0.002, 0.008, 0.012, 0.022, 0.035, 0.5])
def test_a_restart_finds_the_position_protected(market: World, moment_s: float) -> None:
    """Killed at any moment after a fill, the next start protects what was bought, once."""
    market.begin(bracket())
    (entry,) = market.exchange.open_of("entry")
    market.exchange.fill(entry, "0.3")
    market.run(moment_s)
    market.crash()
    market.start()
    market.run(30)
    assert stops(market) == net("0.3")
    market.exchange.move("59800")
    market.run(5)
    assert stops(market) == net("1")
    assert len(market.exchange.open_of("target")) == 2


def test_end_at_restart_leaves_the_stop(market: World) -> None:
    """The rule END cancels the entry and leaves the position under its stop."""
    market.begin(bracket(), OnRestart.END)
    (entry,) = market.exchange.open_of("entry")
    market.exchange.fill(entry, "0.3")
    market.crash()
    market.start()
    market.run(30)
    assert market.algo.status is AlgoStatus.STOPPED
    assert "stays at the venue" in market.algo.reason
    assert not market.exchange.open_of("entry")
    assert stops(market) == net("0.3")


def test_a_stop_that_was_left_and_is_gone_is_told(market: World) -> None:
    """Nobody looks after it any more, so the trader is told when it is canceled."""
    market.begin(bracket())
    (entry,) = market.exchange.open_of("entry")
    market.exchange.fill(entry, "0.3")
    market.run()
    market.stop()
    assert market.algo.status is AlgoStatus.STOPPED
    market.exchange.cancel_at_the_venue(market.exchange.open_of("stop")[0])
    market.run()
    assert "A stop in BTCUSDT is gone" in market.notices()


def test_a_stop_canceled_by_hand_comes_back_and_that_is_told(market: World) -> None:
    """Cancel all, and the bracket protects again what it bought: the trader is told how to take that away."""
    market.begin(bracket())
    (entry,) = market.exchange.open_of("entry")
    market.exchange.fill(entry, "0.3")
    market.run()
    (stop,) = market.exchange.open_of("stop")
    everything = CancelAllOrders()
    market.algos.canceling(everything)
    market.do(market.orders.cancel_all(everything))
    market.run(30)
    assert stops(market) == net("0.3")
    assert market.exchange.open_of("stop") != [stop]
    assert market.notices().count("The bracket in BTCUSDT places its stop again") == 1


def test_pause_at_restart_still_protects(market: World) -> None:
    """Paused means nothing new, not nothing: a fill of the resting entry goes under the stop."""
    market.begin(bracket(), OnRestart.PAUSE)
    market.crash()
    market.start()
    market.run()
    assert market.algo.status is AlgoStatus.PAUSED
    (entry,) = market.exchange.open_of("entry")
    market.exchange.fill(entry, "0.3")
    market.run()
    assert stops(market) == net("0.3")


def test_a_stop_that_may_not_change_its_size_is_tried_again_and_said(market: World) -> None:
    """The venue takes no more orders of the kind: what is not under the stop is said, and asked for without a storm."""
    market.begin(bracket())
    (entry,) = market.exchange.open_of("entry")
    market.exchange.fill(entry, "0.3")
    market.run(1)
    covered = stops(market)
    market.exchange.requests.clear()
    market.exchange.faults.extend(["refuse"] * 100)
    market.exchange.fill(entry, "0.7")
    market.run(5)
    assert stops(market) == covered
    assert market.algo.note.startswith("unprotected: ")
    assert len(market.exchange.requests) <= 5
    market.exchange.faults.clear()
    market.run(15)
    assert stops(market) == net("1")


def test_stopping_it_wholly_cancels_everything(market: World) -> None:
    """Without protection nothing of it works afterwards."""
    market.begin(bracket())
    market.exchange.move("59800")
    market.run(3)
    assert market.stop(keep=False) == Done()
    assert market.algo.status is AlgoStatus.STOPPED
    assert not market.state.working
    assert not [order for order in market.exchange.book.values() if order.open]


def test_the_kill_switch_stops_it(market: World) -> None:
    """After stop_all nothing leaves any more, and its orders go."""
    market.begin(bracket())
    market.do(market.algos.stop_all("The kill switch was pulled."))
    sent = len(market.exchange.book)
    market.run(5)
    assert len(market.exchange.book) == sent
    assert market.algo.status is AlgoStatus.STOPPED
    assert market.algo.reason == "The kill switch was pulled."


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (bracket(stop="60000"), "must be below"),
        (bracket(targets=(("61000", "0.6"), ("62000", "0.3"))), "do not add up"),
        (bracket(targets=(("58000", "1"),)), "must be above"),
        (bracket(targets=(("61000", "0.99999"), ("62000", "0.00001"))), "the least is 5"),
        (bracket(targets=(("61000", "0.5"), ("61000", "0.5"))), "same price"),
        (bracket(stop="59000.001"), "multiple of the tick"),
    ],
)
def test_a_wrong_spec_is_refused_with_a_sentence(market: World, spec: Bracket, words: str) -> None:
    """What could not work is said before anything is sent."""
    outcome = market.begin(spec)
    assert isinstance(outcome, Refused)
    assert words in outcome.reason
    assert not market.exchange.book


@pytest.mark.parametrize("away", ["0", "0.4"])
def test_a_stop_that_was_leaving_as_the_program_died_is_stood_in_for(market: World, away: str) -> None:
    """Nobody knows whether it arrived: another stop is there in a moment, over what came in meanwhile too."""
    assert market.begin(bracket(), OnRestart.RESUME) == Done()
    (entry,) = market.exchange.open_of("entry")
    market.exchange.faults.append("lost")
    market.exchange.fill(entry, "0.3")
    market.run(0.025)
    market.crash()
    if away != "0":
        market.exchange.fill(entry, away)
    market.start()
    market.run(1)
    arrived = net("0.3") + net(away)
    assert stops(market) == arrived
    market.run(60)
    assert stops(market) == arrived
    assert market.exchange.locked_base == arrived


def test_coins_that_no_order_in_doubt_can_hold_are_sold_below_the_stop(market: World) -> None:
    """A pair was leaving as the program died, and the price is past the stop at the next start."""
    assert market.begin(bracket(), OnRestart.RESUME) == Done()
    (entry,) = market.exchange.open_of("entry")
    market.exchange.fill(entry, "0.3")
    market.run(1)
    market.exchange.faults.append("lost")
    market.exchange.fill(entry, "0.7")
    market.run(0.025)
    market.crash()
    market.start()
    market.run(1)
    market.exchange.move("58000")
    market.run(2)
    assert market.exchange.base < Decimal("0.001")
