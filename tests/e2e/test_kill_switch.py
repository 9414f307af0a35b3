"""The kill switch on a LIVE profile whose exchange misbehaves while it is pulled."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from octopus_desktop.model.commands import (
    AmendOrder,
    ConfirmLive,
    Done,
    KillSwitch,
    NeedsConfirmation,
    Refused,
    SetTradingLevel,
    SubmitOrder,
    Subscribe,
    UnlockEntry,
)
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.events import Channel, KillStep
from octopus_desktop.model.identifiers import Venue, new_client_order_id
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.profile import Dialect, Mode, Profile, VenueUrls
from octopus_desktop.model.queries import RiskStatusQuery
from octopus_desktop.model.safety import TradingLevel
from tests.e2e.session import Session, ask_exchange
from tests.simulator_process import simulator

pytestmark = pytest.mark.xdist_group("exchange")


@pytest.fixture
def exchange() -> Iterator[dict[str, Any]]:
    with simulator() as ready:
        yield ready


def live(exchange: dict[str, Any], folder: Path) -> Session:
    urls = VenueUrls(exchange["rest"], exchange["ws"], exchange["ws_api"])
    profile = Profile("mine", Venue("BINANCE"), Dialect.BINANCE_SPOT, Mode.LIVE, urls)
    session = Session(folder, profile, Credentials(exchange["api_key"], exchange["api_secret"]))
    session.node.execute(Subscribe(session.btc, Channel.QUOTES))
    return session


def unlock(session: Session) -> None:
    session.until(lambda: isinstance(session.execute(UnlockEntry("mine")), Done), "entry unlocked")
    session.open_for_orders()
    session.touch()


def open_orders(exchange: dict[str, Any]) -> list[str]:
    return [order["clientOrderId"] for order in ask_exchange(exchange["rest"], "account")["openOrders"]]


def done(session: Session, step: KillStep) -> bool:
    return step in session.state.kill and session.state.kill[step].done


REST_REFUSES = {"http": [{"status": 429, "path": "/api/"}], "cut": 1.0, "frames": "market"}
SESSION_IS_CUT = {"cut": 1.0, "frames": "all"}


@pytest.mark.parametrize("fault", [REST_REFUSES, SESSION_IS_CUT], ids=["rest says 429, streams are cut", "only rest"])
def test_it_cancels_by_whichever_way_answers(exchange: dict[str, Any], tmp_path: Path, fault: dict[str, Any]) -> None:
    """REST answers 429 and the market is cut, or every socket is cut: the orders are gone all the same, verified."""
    with live(exchange, tmp_path) as session:
        unlock(session)
        first = session.resting_bid()
        assert isinstance(session.execute(SubmitOrder(first)), NeedsConfirmation)
        assert session.order(first) is None
        assert isinstance(session.execute(ConfirmLive("yours")), Refused)
        assert session.execute(ConfirmLive("mine")) == Done()
        intents = [first, session.resting_bid(), session.resting_bid()]
        for intent in intents:
            session.submit(intent)
        session.until(lambda: all(session.status(i) is OrderStatus.ACCEPTED for i in intents), "accepted")
        ask_exchange(exchange["rest"], "faults", fault)
        assert session.execute(KillSwitch()) == Done()
        session.until(lambda: done(session, KillStep.VERIFY_CANCELED), "verified")
        assert open_orders(exchange) == []
        assert session.state.level.level is TradingLevel.HALTED
        assert isinstance(session.execute(SubmitOrder(session.resting_bid())), Refused)


def test_the_first_order_is_confirmed_also_where_it_changes_one_made_elsewhere(
    exchange: dict[str, Any], tmp_path: Path
) -> None:
    """A terminal that never sent an order adopts one and makes it larger: that one is its first."""
    with live(exchange, tmp_path / "elsewhere") as session:
        unlock(session)
        session.execute(ConfirmLive("mine"))
        theirs = session.resting_bid()
        session.submit(theirs)
        session.until(lambda: session.status(theirs) is OrderStatus.ACCEPTED, "accepted")
    with live(exchange, tmp_path / "here") as session:
        session.until(lambda: session.status(theirs) is OrderStatus.ACCEPTED, "adopted")
        unlock(session)
        change = AmendOrder(theirs.client_order_id, new_client_order_id(), quantity=theirs.quantity * 2)
        assert isinstance(session.execute(change), NeedsConfirmation)
        assert open_orders(exchange) == [theirs.client_order_id]
        assert session.execute(ConfirmLive("mine")) == Done()
        assert session.execute(change) == Done()
        session.until(lambda: open_orders(exchange) == [change.replacement], "changed")


def test_it_closes_what_is_open_and_stays_halted_over_a_restart(exchange: dict[str, Any], tmp_path: Path) -> None:
    """Bought, pulled with the second step: sold again and verified; the next start is halted until it is typed."""
    with live(exchange, tmp_path) as session:
        unlock(session)
        session.execute(ConfirmLive("mine"))
        bought = OrderIntent(new_client_order_id(), session.btc, Side.BUY, OrderType.MARKET, Decimal("0.01"))
        session.submit(bought)
        session.until(lambda: session.status(bought) is OrderStatus.FILLED, "filled")
        session.submit(session.resting_bid())
        session.execute(KillSwitch(flatten=True))
        session.until(lambda: done(session, KillStep.VERIFY_FLAT), "flat")
        position = session.state.positions[session.btc]
        assert abs(position.quantity) < Decimal("0.0001")
        assert open_orders(exchange) == []
        status = session.node.query(RiskStatusQuery()).result(10)
        assert status.level is TradingLevel.HALTED
        assert status.fees > 0
        assert status.profit < 0, "a spread and two fees"
    with live(exchange, tmp_path) as session:
        session.until(lambda: session.state.reconciled, "compared with the venue")
        assert session.state.level.level is TradingLevel.HALTED
        assert any("HALTED" in notice.title for notice in session.state.notices)
        unlock(session)
        assert isinstance(session.execute(SubmitOrder(session.resting_bid())), Refused)
        assert isinstance(session.execute(SetTradingLevel(TradingLevel.ACTIVE)), Refused)
        assert session.execute(SetTradingLevel(TradingLevel.ACTIVE, "mine")) == Done()
        session.submit(session.resting_bid())
