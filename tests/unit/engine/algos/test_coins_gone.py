"""A part of what was bought has left the account: the rest stays protected, and nothing goes round in circles."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from octopus_desktop.model.events import TickerChanged
from octopus_desktop.ports import Capability
from tests.unit.engine.algos.exchange import World, world
from tests.unit.engine.algos.test_bracket import bracket, net, stops
from tests.unit.engine.algos.test_from_stop_to_pair import ROUND_TRIPS_S, bare_for
from tests.unit.engine.algos.test_what_can_leave import account, rule, sold
from tests.unit.engine.scripted import BTC

D = Decimal
SETTLES_S = 10.0
TEN_MINUTES_S = 600.0
EVERY_HALF_SECOND = 1200


@pytest.fixture
def market() -> Iterator[World]:
    with world() as there:
        yield there


def bought(market: World) -> None:
    """In pairs at the venue where it has them."""
    account(market, "0")
    market.begin(bracket())
    market.exchange.fill(market.exchange.open_of("entry")[0], "1")
    market.run(3)
    assert stops(market) == net("1")


def withdraw(market: World, quantity: str) -> None:
    """Whatever the orders held is free first: they are canceled at the venue."""
    market.exchange.base -= D(quantity)
    market.exchange._tell_balances()
    for order in market.exchange.open_of("stop"):
        market.exchange.cancel_at_the_venue(order)


def nothing_is_sent(market: World) -> None:
    """For ten minutes, and all that there is stays under a stop. What the algo says of it stays the same."""
    requests, covered, note = len(market.exchange.requests), market.exchange.base, market.algo.note
    for _ in range(EVERY_HALF_SECOND):
        market.run(TEN_MINUTES_S / EVERY_HALF_SECOND)
        assert covered - stops(market) < D("0.00001")
        assert market.algo.note == note
    assert market.exchange.requests[requests:] == []


@pytest.mark.parametrize("gone", ["0.00002", "0.03", "0.3", "0.6", "0.9"])
def test_the_rest_comes_to_rest_in_pairs(market: World, gone: str) -> None:
    """The targets share what is left, each with its stop; from then on nothing is sent, for nothing could be better."""
    bought(market)
    withdraw(market, gone)
    market.run(SETTLES_S)
    longest, _ = bare_for(market, SETTLES_S)
    assert longest < ROUND_TRIPS_S
    nothing_is_sent(market)
    assert sum(order.remaining for order in market.exchange.open_of("target")) == stops(market)


@pytest.mark.parametrize("gone", ["0.03", "0.6"])
def test_without_pairs_the_stop_stays(market: World, gone: str) -> None:
    """The targets are held here, and the stop rests untouched under all there is."""
    market.exchange.capabilities = frozenset({Capability.AMEND})
    market.crash()
    market.start()
    bought(market)
    withdraw(market, gone)
    market.run(SETTLES_S)
    nothing_is_sent(market)


@pytest.mark.parametrize(("gone", "parts"), [("0.03", ["0.5994", "0.3696"]), ("0.6", ["0.399"])])
def test_a_target_held_here_sells_what_the_stop_gives_up(market: World, gone: str, parts: list[str]) -> None:
    """The stop holds less than the target is due: all it holds leaves at the target at once."""
    market.exchange.capabilities = frozenset({Capability.AMEND})
    market.crash()
    market.start()
    bought(market)
    withdraw(market, gone)
    market.run(SETTLES_S)
    requests = len(market.exchange.requests)
    market.exchange.move("62001")
    market.run(0.5)
    assert sold(market) == [D(part) for part in parts]
    assert len(market.exchange.requests) - requests == 2 * len(parts)


def test_what_comes_back_is_protected(market: World) -> None:
    """The trader puts the coins back: they are under a stop at once."""
    bought(market)
    withdraw(market, "0.03")
    market.run(SETTLES_S)
    assert stops(market) == net("1") - D("0.03")
    market.exchange.base += D("0.03")
    market.exchange._tell_balances()
    market.run(1)
    assert stops(market) == net("1")
    market.run(SETTLES_S)
    nothing_is_sent(market)


def test_a_target_too_far_for_the_venue_leaves_the_stop_alone(market: World) -> None:
    """Its price is outside the venue's band, so no pair can rest there: the stop is not given up for one."""
    rule(market, price_up=D("1.02"))
    market.bus.publish(TickerChanged(BTC, 60000.0, 0.0, 60000.0, 60000.0, 0.0, 0.0, market.loop.now_ns()))
    account(market, "0")
    market.begin(bracket())
    market.exchange.fill(market.exchange.open_of("entry")[0], "1")
    longest, _ = bare_for(market, 3)
    assert longest < ROUND_TRIPS_S
    assert [order.intent.price for order in market.exchange.open_of("target")] == [D(61000)]
    nothing_is_sent(market)
