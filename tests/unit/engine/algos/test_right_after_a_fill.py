"""Protection is asked for the moment a fill is told, and the balance is told after it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from octopus_desktop.model.algos import AnyAlgoSpec
from octopus_desktop.model.commands import Done, Refused, SubmitOrder
from octopus_desktop.model.identifiers import new_client_order_id
from octopus_desktop.model.orders import OrderIntent, OrderType, Side
from tests.unit.engine.algos.exchange import World, world
from tests.unit.engine.algos.test_bracket import net, stops
from tests.unit.engine.algos.test_what_can_leave import account, oco, trailing
from tests.unit.engine.scripted import BTC

D = Decimal
LATE_S = 0.3
LONG_PAST_S = 30.0


@pytest.fixture
def market() -> Iterator[World]:
    with world() as there:
        yield there


def trade(market: World, side: Side, quantity: str) -> None:
    intent = OrderIntent(new_client_order_id(), BTC, side, OrderType.MARKET, D(quantity))
    assert market.do(market.orders.submit(SubmitOrder(intent, acknowledged=True))) == Done()
    market.run(LATE_S)


def hold_balances_back(market: World, monkeypatch: pytest.MonkeyPatch) -> None:
    market.run()
    monkeypatch.setattr(market.exchange, "_tell_balances", lambda: None)


@pytest.mark.parametrize("spec", [oco("0.0999"), trailing("0.0999"), trailing("0.0999", offset=None, fraction="0.01")])
def test_what_was_just_bought_may_be_protected(
    market: World, spec: AnyAlgoSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that came in, less the fee, though the balance still says that nothing is there."""
    account(market, "0")
    hold_balances_back(market, monkeypatch)
    trade(market, Side.BUY, "0.1")
    assert market.begin(spec) == Done()


def test_it_rests_once_the_balance_has_followed(market: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started before, the pair is at the venue with the balance."""
    account(market, "0")
    with monkeypatch.context() as patch:
        hold_balances_back(market, patch)
        trade(market, Side.BUY, "0.1")
        assert market.begin(oco("0.0999")) == Done()
        assert not stops(market)
    market.exchange._tell_balances()
    market.run(LATE_S)
    assert stops(market) == net("0.1")


@pytest.mark.parametrize("start", [oco, trailing])
@pytest.mark.parametrize(("quantity", "needs"), [("0.1", "0.1"), ("0.2", "0.2")])
def test_more_than_came_in_is_refused(
    market: World, start: object, quantity: str, needs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fee was taken from it, or it was never bought."""
    account(market, "0")
    hold_balances_back(market, monkeypatch)
    trade(market, Side.BUY, "0.1")
    spec = oco(quantity) if start is oco else trailing(quantity)
    assert market.begin(spec) == Refused(f"This needs {needs} BTC, free is 0.")


@pytest.mark.parametrize("spec", [oco("0.09"), trailing("0.09")])
def test_what_was_sold_again_is_not_there(market: World, spec: AnyAlgoSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bought, and a part of it sold, before any balance was told."""
    account(market, "0.05")
    hold_balances_back(market, monkeypatch)
    trade(market, Side.BUY, "0.1")
    trade(market, Side.SELL, "0.05")
    trade(market, Side.SELL, "0.05")
    assert market.begin(spec) == Refused("This needs 0.09 BTC, free is 0.05.")


@pytest.mark.parametrize("spec", [oco("0.09"), trailing("0.09")])
@pytest.mark.parametrize("told", [True, False])
def test_what_was_bought_long_ago_and_is_gone_is_refused(market: World, spec: AnyAlgoSpec, told: bool) -> None:
    """Our fills remember it, the account does not have it: a withdrawal is no fill. A venue may leave out what is
    zero."""
    account(market, "0")
    trade(market, Side.BUY, "0.1")
    account(market, "0")
    market.run(LONG_PAST_S)
    if not told:
        market.state.balances = {}
    assert market.begin(spec) == Refused("This needs 0.09 BTC, free is 0.")


@pytest.mark.parametrize("spec", [oco("0.09", Side.BUY), trailing("0.09", Side.BUY)])
def test_what_was_just_sold_may_be_bought_back(
    market: World, spec: AnyAlgoSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the money that it brought."""
    account(market, "0.1", "0")
    assert isinstance(market.begin(spec), Refused)
    hold_balances_back(market, monkeypatch)
    trade(market, Side.SELL, "0.1")
    assert market.begin(spec) == Done()
