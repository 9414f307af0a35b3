"""A stop does what it can: what it could never do is refused at the start, and what it can it does in parts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.engine.algos.work import PATIENCE_NS, SECOND
from octopus_desktop.model.algos import AlgoStatus, AnyAlgoSpec, Bracket, Oco, Target, TrailingStop
from octopus_desktop.model.commands import CancelOrder, Done, Refused, SubmitOrder
from octopus_desktop.model.events import InstrumentListed
from octopus_desktop.model.identifiers import ClientOrderId
from octopus_desktop.model.orders import OrderIntent, OrderType, Side
from octopus_desktop.ports import Capability
from tests.unit.engine.algos.exchange import World, world
from tests.unit.engine.algos.test_bracket import bracket, net
from tests.unit.engine.scripted import BTC

D = Decimal
LONG_S = 120.0
GIVES_UP_S = PATIENCE_NS / SECOND + 5


@pytest.fixture
def market() -> Iterator[World]:
    with world() as there:
        yield there


def account(market: World, base: str, quote: str = "100000") -> None:
    market.exchange.base, market.exchange.quote = D(base), D(quote)
    market.exchange._tell_balances()


def rule(market: World, **rules: Decimal) -> None:
    """Of the venue, for the instrument."""
    listed = msgspec.structs.replace(market.state.instruments[BTC], **rules)
    market.bus.publish(InstrumentListed(BTC, listed))


def trailing(
    quantity: str, side: Side = Side.SELL, offset: str | None = "100", fraction: str | None = None
) -> TrailingStop:
    return TrailingStop(
        instrument_id=BTC,
        side=side,
        quantity=D(quantity),
        offset=D(offset) if offset is not None else None,
        fraction=D(fraction) if fraction is not None else None,
    )


def oco(quantity: str, side: Side = Side.SELL) -> Oco:
    limit, stop = (D(61000), D(59000)) if side is Side.SELL else (D(59000), D(61000))
    return Oco(instrument_id=BTC, side=side, quantity=D(quantity), price=limit, stop_trigger=stop)


def sold(market: World) -> list[Decimal]:
    return [fill.quantity for fill in market.exchange.trades if fill.side is Side.SELL]


# At the start ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (trailing("0.1"), "This needs 0.1 BTC, free is 0.0999"),
        (trailing("0.1", offset=None, fraction="0.01"), "This needs 0.1 BTC, free is 0.0999"),
        (oco("0.1"), "This needs 0.1 BTC, free is 0.0999"),
        (trailing("0.1", Side.BUY), "This needs 6,010.001 USDT, free is 6,005"),
        (oco("0.1", Side.BUY), "This needs 6,100 USDT, free is 6,005"),
    ],
)
def test_what_is_not_free_is_refused_at_the_start(market: World, spec: AnyAlgoSpec, words: str) -> None:
    """The fee was taken from what was bought: a stop for all that was ordered could not sell it, and says so now."""
    account(market, "0.0999", "6005")
    outcome = market.begin(spec)
    assert isinstance(outcome, Refused)
    assert words in outcome.reason
    account(market, "0.1", "6110")
    assert market.begin(spec) == Done()


@pytest.mark.parametrize(
    ("side", "rules", "words"),
    [
        (Side.SELL, {"max_quantity": D(2)}, "The stop would be 5 BTC; the largest order is 2."),
        (
            Side.SELL,
            {"max_notional": D(300_000)},
            "The target at 61,000 would be worth 305,000.00 USDT; the venue takes",
        ),
        (Side.BUY, {"max_notional": D(300_000)}, "The stop would be worth 305,000.00 USDT; the venue takes 300,000 at"),
    ],
)
def test_a_pair_the_venue_does_not_take_is_refused_at_the_start(
    market: World, side: Side, rules: dict[str, Decimal], words: str
) -> None:
    """Its stop, or its target, could never rest."""
    account(market, "5", "1000000")
    rule(market, **rules)
    outcome = market.begin(oco("5", side))
    assert isinstance(outcome, Refused)
    assert words in outcome.reason


# A trailing stop that fires -------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "parts"),
    [
        ({"market_max_quantity": D(2)}, ["2", "2", "1"]),
        ({"market_max_quantity": D("2.49999")}, ["2.49999", "1.25", "1.25001"]),
        ({"max_quantity": D(3)}, ["3", "2"]),
        ({"market_max_notional": D(200_000)}, ["3.32203", "1.67797"]),
    ],
)
def test_what_the_venue_takes_in_parts_leaves_in_parts(
    market: World, rules: dict[str, Decimal], parts: list[str]
) -> None:
    """No part is larger than its largest market order, and none is left that would be too small for one."""
    account(market, "5")
    rule(market, **rules)
    assert market.begin(trailing("5")) == Done()
    market.exchange.move("59000")
    market.run(LONG_S)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert sold(market) == [D(part) for part in parts]


def test_what_is_no_order_at_the_venue_is_followed_here(market: World) -> None:
    """More than the venue's largest order, though it would follow the price by itself."""
    account(market, "5")
    rule(market, max_quantity=D(2))
    market.begin(trailing("5", offset=None, fraction="0.01"))
    assert not market.algo.native
    market.exchange.move("59000")
    market.run(LONG_S)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert sum(sold(market)) == 5


def test_what_has_gone_since_does_not_keep_the_rest_from_leaving(market: World) -> None:
    """A part of the coins was withdrawn after the start: what is there is sold at once, and it is said what was not."""
    account(market, "0.1")
    market.begin(trailing("0.1"))
    account(market, "0.0999")
    market.run()
    market.exchange.move("59000")
    market.run(3)
    assert sold(market) == [D("0.0999")]
    assert "does not have the 0.0001" in market.algo.note
    market.run(GIVES_UP_S)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert market.algo.reason == "0.0001 could not be sold: the account does not have it."


def test_a_stop_without_any_coins_fails_aloud(market: World) -> None:
    """Nothing of it could be sold."""
    account(market, "0.1")
    market.begin(trailing("0.1"))
    account(market, "0")
    market.run()
    market.exchange.move("59000")
    market.run(GIVES_UP_S)
    assert market.algo.status is AlgoStatus.FAILED
    assert "TrailingStop BTCUSDT failed" in market.notices()
    assert not market.exchange.book


def test_coins_of_another_order_are_sold_once_they_are_free(market: World) -> None:
    """It sells what is free, says that the rest is not protected, and does not end before that is sold too."""
    account(market, "1")
    market.begin(trailing("1"))
    other = OrderIntent(ClientOrderId("other"), BTC, Side.SELL, OrderType.LIMIT, D("0.4"), D(62000))
    assert market.do(market.orders.submit(SubmitOrder(other))) == Done()
    market.run()
    market.exchange.move("59000")
    market.run(LONG_S)
    assert sold(market) == [D("0.6")]
    assert market.algo.note == "unprotected: This needs 0.4 BTC, free is 0."
    assert "A position in BTCUSDT is not protected" in market.notices()
    market.do(market.orders.cancel(CancelOrder(other.client_order_id)))
    market.run(3)
    assert sold(market) == [D("0.6"), D("0.4")]
    assert market.algo.status is AlgoStatus.COMPLETED


def test_a_purchase_takes_what_the_money_is_enough_for(market: World) -> None:
    """The price ran away from the stop: it buys for what there is, a little below it, and never for more."""
    account(market, "0", "6020")
    market.begin(trailing("0.1", Side.BUY))
    market.exchange.move("61000")
    market.run(GIVES_UP_S)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert market.exchange.trades[0].quantity == D("0.09671"), "98 % of what is there, by the price as it is known"
    assert D("0.098") < market.algo.filled_as("stop") < D("0.0987")
    assert 0 <= market.exchange.quote < 5
    assert market.algo.reason.endswith("could not be bought: the account does not have the money.")


def test_what_became_too_little_for_an_order_is_told(market: World) -> None:
    """The price fell so far at once that the rest is worth less than the venue's least."""
    account(market, "0.0001")
    market.begin(trailing("0.0001"))
    market.exchange.move("45000")
    market.run(2)
    assert market.algo.status is AlgoStatus.FAILED
    assert market.algo.reason == "0.0001 is left, below the venue's least order."


# A bracket, a pair ----------------------------------------------------------


def held_here(market: World) -> None:
    """A bracket whose stops the venue refuses at first, so that its coins are under nothing."""
    market.exchange.capabilities = frozenset({Capability.AMEND})
    market.crash()
    market.start()


def bought(market: World) -> None:
    market.begin(bracket())
    market.exchange.faults.extend(["refuse"] * 3)


@pytest.mark.parametrize(("refused", "seconds"), [(0, 0.9), (3, 30)])
def test_a_stop_the_price_is_past_leaves_in_parts(market: World, refused: int, seconds: float) -> None:
    """More than one market order may hold: all of it is sold all the same, and where the venue lets it, at once."""
    held_here(market)
    rule(market, market_max_quantity=D("0.4"))
    market.begin(bracket())
    market.exchange.faults.extend(["refuse"] * refused)
    market.exchange.move("58000")
    market.run(seconds)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert sold(market) == [D("0.4"), D("0.4"), net("1") - D("0.8")]


def test_a_stop_the_price_is_past_sells_what_is_there(market: World) -> None:
    """Some of the coins are gone: the others are sold, and what is missing is said to be."""
    held_here(market)
    bought(market)
    market.exchange.move("58000")
    market.exchange.base = D("0.5")
    market.exchange._tell_balances()
    market.run(30)
    assert sum(sold(market)) == D("0.5")
    assert market.algo.note.startswith("unprotected: This needs 0.499 BTC")


def test_a_stop_rests_under_what_is_there(market: World) -> None:
    """Some of the coins are gone: the others are under a stop once the balance had time to follow."""
    held_here(market)
    bought(market)
    market.exchange.move("59800")
    market.exchange.base = D("0.5")
    market.exchange._tell_balances()
    market.run(30)
    assert [order.remaining for order in market.exchange.open_of("stop")] == [D("0.5")]
    assert market.algo.note.startswith("unprotected: This needs 0.999 BTC, free is 0.5")


def test_dust_of_a_stop_the_price_is_past_is_left(market: World) -> None:
    """What is worth less than the venue's least by now cannot leave, and is told once, as what is left."""
    held_here(market)
    market.begin(bracket("0.0001", stop="59000", targets=()))
    market.exchange.faults.extend(["refuse"] * 3)
    market.exchange.move("45000")
    market.run(30)
    assert market.algo.status is AlgoStatus.COMPLETED
    assert "0.00009 is left, below the venue's least order" in market.algo.reason


@pytest.mark.parametrize("capabilities", [frozenset(Capability), frozenset({Capability.AMEND})])
def test_a_target_takes_what_is_there(market: World, capabilities: frozenset[Capability]) -> None:
    """A pair for less than was asked for still leaves by its target."""
    market.exchange.capabilities = capabilities
    market.crash()
    market.start()
    account(market, "1")
    market.exchange.faults.extend(["refuse"] * 20)
    market.begin(oco("1"))
    account(market, "0.7")
    market.exchange.faults.clear()
    market.run(60)
    assert market.exchange.locked_base == D("0.7")
    market.exchange.move("61001")
    market.run(30)
    assert market.algo.filled == {"target": D("0.7")}


# The stop against the price -------------------------------------------------


def entered(entry: OrderIntent, stop: str, target: str) -> Bracket:
    targets = (Target(D(target), entry.quantity),)
    return Bracket(
        instrument_id=BTC,
        side=entry.side,
        quantity=entry.quantity,
        entry=entry,
        stop_trigger=D(stop),
        targets=targets,
    )


def an_entry(side: Side, price: str | None, trigger: str | None = None) -> OrderIntent:
    type_ = OrderType.LIMIT if trigger is None else OrderType.STOP_LIMIT
    limit, at = (D(each) if each is not None else None for each in (price, trigger))
    return OrderIntent(ClientOrderId("entry"), BTC, side, type_, D("0.1"), limit, at)


@pytest.mark.parametrize(
    ("entry", "stop", "target", "words"),
    [
        (an_entry(Side.BUY, "61000"), "60500", "62000", "The stop at 60,500 must be below the price of 60,000.01"),
        (an_entry(Side.SELL, "59000"), "59500", "58000", "The stop at 59,500 must be above the price of 60,000"),
        (an_entry(Side.BUY, "61000"), "59500", "60000", "The target at 60,000 must be above the price of 60,000.01"),
        (
            an_entry(Side.BUY, "62000", "61000"),
            "61500",
            "63000",
            "The stop at 61,500 must be below the price of 61,000",
        ),
        (an_entry(Side.BUY, "61000"), "59500", "60500", None),
        (an_entry(Side.BUY, "59000"), "58500", "59500", None),
    ],
)
def test_a_stop_the_market_is_past_already_is_refused(
    market: World, entry: OrderIntent, stop: str, target: str, words: str | None
) -> None:
    """A limit through the market fills at the touch: a stop between the two would sell at once what was bought."""
    account(market, "1")
    outcome = market.begin(entered(entry, stop, target))
    if words is None:
        assert outcome == Done()
    else:
        assert isinstance(outcome, Refused)
        assert words in outcome.reason
