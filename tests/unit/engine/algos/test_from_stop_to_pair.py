"""Coins that go from a plain stop into a pair: how long they are under nothing, whatever fails in between."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from octopus_desktop.engine.algos.stand_in import STAND_IN_NS
from octopus_desktop.engine.algos.work import RETRY_S, SECOND
from octopus_desktop.model.errors import RequestRefused
from octopus_desktop.model.orders import OrderStatus
from tests.unit.engine.algos.exchange import FEE, LATENCY_S, World, world
from tests.unit.engine.algos.test_bracket import bracket, net, stops
from tests.unit.engine.scripted import SIM

ROUND_TRIPS_S = 8 * LATENCY_S
"""Cancel or change the stop, hear that the coins are free, place the pair, and once more for the second one."""
TARGETS = (("61000", "0.6"), ("62000", "0.4"))


@pytest.fixture
def market() -> Iterator[World]:
    """Half of the entry is in, under a plain stop."""
    with world() as there:
        there.begin(bracket(targets=TARGETS))
        (entry,) = there.exchange.open_of("entry")
        there.exchange.fill(entry, "0.5")
        there.run()
        assert stops(there) == net("0.5")
        yield there


def all_in(market: World) -> None:
    """The rest of the entry: from now on the targets may be at the venue."""
    market.exchange.fill(market.exchange.open_of("entry")[0], "0.5")


def bare_for(market: World, seconds: float) -> tuple[float, set[str]]:
    """The longest time in which coins were under no order at the exchange, and what was said meanwhile."""
    longest = since = 0.0
    said: set[str] = set()
    for _ in range(int(seconds * 1000)):
        market.run(0.001)
        bare = market.exchange.base - market.exchange.locked_base
        assert bare >= 0
        if bare * 59000 >= 5:
            since += 0.001
            longest = max(longest, since)
            said.add(market.algo.note)
        else:
            since = 0.0
    return longest, said


def paired(market: World) -> bool:
    return stops(market) == net("1") and len(market.exchange.open_of("target")) == 2


def test_a_round_trip_and_it_is_said(market: World) -> None:
    """Nothing fails: the coins are under nothing for as long as the requests take, and the note says so."""
    all_in(market)
    longest, said = bare_for(market, 2)
    assert longest < ROUND_TRIPS_S
    assert any("unprotected" in note for note in said)
    assert paired(market)


def test_a_pair_that_is_refused_leaves_the_stop_at_once(market: World) -> None:
    """The stop has given up its coins and the venue refuses the pair: they are under a stop with the next request."""
    market.exchange.faults.extend(["", "refuse"])
    all_in(market)
    longest, _ = bare_for(market, 2)
    assert longest < ROUND_TRIPS_S
    assert stops(market) == net("1")


@pytest.mark.parametrize("faults", [["refuse"], ["half"], ["unanswered"]])
def test_a_stop_that_does_not_give_up_its_coins(market: World, faults: list[str]) -> None:
    """The change of the stop is refused, or done by half, or not answered: no pair is sent for coins it still holds,
    and what it lost is covered again."""
    market.exchange.faults.extend(faults)
    all_in(market)
    longest, _ = bare_for(market, 3)
    assert longest < ROUND_TRIPS_S + RETRY_S
    assert stops(market) == net("1")
    assert not [o for o in market.state.orders.values() if "insufficient" in o.reason]


def test_a_cancel_that_fails_leaves_the_stop(market: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue does not cancel the last of the stop: it stays, and so does what it covers."""

    async def refused(*_: object) -> None:
        raise RequestRefused("Too busy.", -1003)

    monkeypatch.setattr(market.exchange, "cancel", refused)
    all_in(market)
    longest, _ = bare_for(market, 5)
    assert longest < ROUND_TRIPS_S
    assert stops(market) == net("1")


def test_a_pair_nobody_knows_of_has_a_stop_stand_in_for_it(market: World) -> None:
    """The pair's request is lost. Until the venue could say that it never comes, another stop covers its coins; then
    the pair is placed anew, and there is one of each."""
    market.exchange.faults.extend(["", "lost"])
    all_in(market)
    longest, said = bare_for(market, 12)
    assert longest < ROUND_TRIPS_S + 2 * STAND_IN_NS / SECOND
    assert any("asked what became of an order" in note for note in said)
    assert stops(market) == net("1")
    assert market.algo.note == "under a stop while the venue is asked what became of an order"
    assert any(order.status is OrderStatus.UNKNOWN for order in market.state.orders.values())
    longest, _ = bare_for(market, 30)
    assert longest < ROUND_TRIPS_S
    assert paired(market)
    assert "A position in BTCUSDT is not protected" not in market.notices()


def test_a_stop_that_stands_in_fires(market: World) -> None:
    """The price falls while the pair is unknown: what is owned is sold, once."""
    market.exchange.faults.extend(["", "lost"])
    all_in(market)
    market.run(2)
    market.exchange.move("58900")
    market.run(60)
    assert market.algo.filled_as("stop") == net("1")
    assert market.exchange.base == 1 - FEE - net("1")
    assert not market.state.working


def test_a_pair_that_was_there_after_all_keeps_its_place(market: World) -> None:
    """Neither its answer nor the stream told of it: the coins are locked, so no stop can stand in for it."""
    market.exchange.faults.extend(["", "unanswered"])
    all_in(market)
    market.run(1.5 * LATENCY_S)  # the entry's fill is told, then nothing more
    told, market.exchange.report = market.exchange.report, lambda _: None
    market.exchange.mute = True
    market.run(5)
    assert any(order.status is OrderStatus.UNKNOWN for order in market.state.orders.values())
    assert len(market.exchange.open_of("target")) == 1
    market.exchange.mute, market.exchange.report = False, told
    market.run(60)
    assert paired(market)
    assert market.exchange.requests.count("list") == 2


def test_with_other_coins_in_the_account_no_second_stop_is_risked(market: World) -> None:
    """There are coins enough for both: two stops could sell what the trader wants to keep, so the venue is waited for
    and the trader told."""
    market.exchange.base += 5
    market.exchange._tell_balances()
    market.exchange.faults.extend(["", "lost"])
    all_in(market)
    market.run(10)
    assert market.exchange.locked_base <= net("1")
    assert "A position in BTCUSDT is not protected" in market.notices()
    market.run(30)
    assert paired(market)


def test_coins_that_the_unknown_pair_has_locked_count_as_within_its_reach(market: World) -> None:
    """The balance tells that coins are locked, and nothing tells by which order: what is free is less than twice as
    much by that alone, and the venue would take a second stop."""
    market.exchange.base += 1
    market.exchange._tell_balances()
    market.exchange.faults.extend(["", "unanswered"])
    all_in(market)
    market.run(1.5 * LATENCY_S)  # the entry's fill is told, then no order
    told, market.exchange.report = market.exchange.report, lambda _: None
    market.exchange.mute = True
    market.run(5)
    assert any(order.status is OrderStatus.UNKNOWN for order in market.state.orders.values())
    assert market.state.balances[SIM, "BTC"].free == 1  # and the pair is for 0.5994
    assert market.exchange.locked_base <= net("1")
    market.exchange.mute, market.exchange.report = False, told
    market.run(60)
    assert paired(market)


def test_near_the_stop_it_stays_where_it_is(market: World) -> None:
    """The price stands just above the trigger: what newly came in goes into a pair, what is under the stop stays there
    with its target held here, until there is room."""
    market.exchange.move("59050")
    market.run(3)
    longest, _ = bare_for(market, 3)
    assert longest == 0
    assert stops(market) == net("1")
    assert [order.intent.price for order in market.exchange.open_of("target")] == [Decimal(62000)]
    market.exchange.move("59800")
    market.run(3)
    assert paired(market)
