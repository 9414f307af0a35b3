"""A LIVE profile on an exchange that misbehaves: locks, keys, clocks, silence, refusals and lost answers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from octopus_desktop.engine.outages import ABOUT
from octopus_desktop.model.commands import ConfirmLive, Done, Refused, SubmitOrder, Subscribe, UnlockEntry
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.events import Channel, FeedStale, OrderUnknown, Severity, VenueMeasured
from octopus_desktop.model.identifiers import Venue
from octopus_desktop.model.orders import OrderStatus
from octopus_desktop.model.profile import Dialect, Mode, Profile, VenueUrls
from tests.e2e.session import Session, ask_exchange
from tests.simulator_process import simulator

pytestmark = pytest.mark.xdist_group("exchange")


@pytest.fixture
def exchange() -> Iterator[dict[str, Any]]:
    with simulator() as ready:
        yield ready


def live(exchange: dict[str, Any], folder: Path, key: str = "", secret: str = "") -> Session:
    """A session on this exchange as if it were a real venue."""
    urls = VenueUrls(exchange["rest"], exchange["ws"], exchange["ws_api"])
    profile = Profile("mine", Venue("BINANCE"), Dialect.BINANCE_SPOT, Mode.LIVE, urls)
    credentials = Credentials(key or exchange["api_key"], secret or exchange["api_secret"])
    session = Session(folder, profile, credentials)
    session.node.execute(Subscribe(session.btc, Channel.QUOTES))
    session.node.execute(Subscribe(session.btc, Channel.BOOK))
    return session


def unlock(session: Session) -> None:
    session.until(lambda: isinstance(session.execute(UnlockEntry("mine")), Done), "entry unlocked")
    session.open_for_orders()
    assert isinstance(session.execute(ConfirmLive("mine")), Done)


def measured(session: Session) -> VenueMeasured:
    session.until(lambda: session.state.measured, "a measurement")
    (last,) = session.state.measured.values()
    return last


def open_orders(exchange: dict[str, Any]) -> list[str]:
    return [order["clientOrderId"] for order in ask_exchange(exchange["rest"], "account")["openOrders"]]


def test_a_live_profile_opens_locked(exchange: dict[str, Any], tmp_path: Path) -> None:
    """Nothing leaves until the trader has typed the profile's name, and a wrong name opens nothing."""
    with live(exchange, tmp_path) as session:
        session.until(lambda: (session.state.entry_locked or "").startswith("LIVE"), "compared with the venue")
        session.touch()
        outcome = session.execute(SubmitOrder(session.resting_bid()))
        assert isinstance(outcome, Refused)
        assert "typing the profile's name" in outcome.reason
        assert isinstance(session.execute(UnlockEntry("Mine?")), Refused)
        unlock(session)
        intent = session.resting_bid()
        session.submit(intent)
        session.until(lambda: session.status(intent) is OrderStatus.ACCEPTED, "accepted")
        assert open_orders(exchange) == [intent.client_order_id]


def test_an_ed25519_key_logs_the_session_on(exchange: dict[str, Any], tmp_path: Path) -> None:
    """With a private key in PEM the session is logged on once, and orders go out without a signature each."""
    with live(exchange, tmp_path, exchange["ed25519_api_key"], exchange["ed25519_private_key"]) as session:
        unlock(session)
        intent = session.resting_bid()
        session.submit(intent)
        session.until(lambda: session.status(intent) is OrderStatus.ACCEPTED, "accepted")
        session.cancel(intent)
        session.until(lambda: session.status(intent) is OrderStatus.CANCELED, "canceled")


def test_a_wrong_key_leaves_the_market(exchange: dict[str, Any], tmp_path: Path) -> None:
    """A refused key is said, order entry stays shut, and the market goes on."""
    with live(exchange, tmp_path, secret="x" * 64) as session:
        session.until(lambda: any("account" in each.title for each in session.state.notices), "a notice")
        session.touch()
        assert session.state.entry_locked is not None


def test_a_skewed_clock_is_measured_again(exchange: dict[str, Any], tmp_path: Path) -> None:
    """The venue's clock jumps by half a minute: orders go through again by themselves, none is sent twice."""
    with live(exchange, tmp_path) as session:
        unlock(session)
        ask_exchange(exchange["rest"], "clock_skew", {"ms": 30_000})

        def goes_through() -> bool:
            intent = session.resting_bid()
            session.execute(SubmitOrder(intent))
            session.until(lambda: session.status(intent) in (OrderStatus.ACCEPTED, OrderStatus.REJECTED), "an answer")
            return session.status(intent) is OrderStatus.ACCEPTED

        session.until(goes_through, "an order under the new clock")
        assert len(open_orders(exchange)) == 1


@pytest.mark.parametrize("skew_ms", [5_000, -5_000])
def test_a_skewed_clock_is_noticed_without_an_order(exchange: dict[str, Any], tmp_path: Path, skew_ms: int) -> None:
    """The data bears the new clock: long before the next regular look the offset is right, and the trader knows."""
    with live(exchange, tmp_path) as session:
        session.until(lambda: session.state.market(session.btc).book.valid, "a book")
        session.until(lambda: measured(session).data_age_ms is not None, "the age of the data")
        ask_exchange(exchange["rest"], "clock_skew", {"ms": skew_ms})
        session.until(lambda: abs(measured(session).clock_offset_ms - skew_ms) < 250, "the offset put right")
        assert [each.title for each in session.state.notices].count("A clock was set") == 1
        session.until(lambda: (measured(session).data_age_ms or 0) < 1_000, "data that is young again")


def test_late_data_is_told_though_the_line_is_quick(exchange: dict[str, Any], tmp_path: Path) -> None:
    """Frames come two seconds late over a line whose pings are quick: the age says so, and the clock stays."""
    with live(exchange, tmp_path) as session:
        session.until(lambda: session.state.market(session.btc).book.valid, "a book")
        session.until(lambda: measured(session).data_age_ms is not None, "the age of the data")
        ask_exchange(exchange["rest"], "faults", {"delay_ms": 2_000})
        session.until(lambda: (measured(session).data_age_ms or 0) > 1_900, "the age of the data")
        assert measured(session).latency_ms < 1_000
        assert abs(measured(session).clock_offset_ms) < 500


def test_an_outage_is_one_message_from_its_beginning_to_its_end(exchange: dict[str, Any], tmp_path: Path) -> None:
    """Lines cut and nothing answers until the comparison fails too: each notice takes the last one's place, in words
    that are nobody's library's, and the last one says that it is over.
    """
    with live(exchange, tmp_path) as session:
        unlock(session)
        ask_exchange(exchange["rest"], "faults", {"refuse": True})
        ask_exchange(exchange["rest"], "cut", {})
        session.until(lambda: any(each.severity is Severity.ERROR for each in session.state.notices), "the outage told")
        ask_exchange(exchange["rest"], "faults", {"refuse": False})
        session.until(lambda: session.state.notices[-1].severity is Severity.INFO, "its end told")
        outage = [each for each in session.state.notices if each.about]
        assert {each.about for each in outage} == {ABOUT}
        assert [each.severity for each in outage].count(Severity.ERROR) == 1
        for each in outage:
            assert each.text.endswith(".")
            for word in ("Errno", "ssl:default", "Server disconnected", "GET /"):
                assert word not in each.text
        session.open_for_orders()


def test_silence_is_stale_and_then_mends(exchange: dict[str, Any], tmp_path: Path) -> None:
    """The exchange freezes without a word: the market turns stale, and lives again when it thaws."""
    with live(exchange, tmp_path) as session:
        unlock(session)
        session.until(lambda: session.state.market(session.btc).book.valid, "a book")
        session.events.clear()
        os.kill(exchange["pid"], signal.SIGSTOP)
        try:
            session.until(lambda: any(isinstance(event, FeedStale) for event in session.events), "stale")
        finally:
            os.kill(exchange["pid"], signal.SIGCONT)
        session.until(lambda: not session.state.market(session.btc).stale, "alive again")
        session.open_for_orders()
        session.until(lambda: session.state.market(session.btc).book.valid, "a sound book")


@pytest.mark.parametrize("status", [503, 500])
def test_an_error_after_the_order_was_taken(exchange: dict[str, Any], tmp_path: Path, status: int) -> None:
    """The venue takes the order and answers with an error: it is UNKNOWN, then found, and there is one of it."""
    with live(exchange, tmp_path) as session:
        unlock(session)
        fault = {"status": status, "path": "order.place", "times": 1, "done": True}
        ask_exchange(exchange["rest"], "faults", {"http": [fault]})
        intent = session.resting_bid()
        session.submit(intent)
        session.until(lambda: session.status(intent) is OrderStatus.ACCEPTED, "found")
        told = [event for event in session.events if isinstance(event, OrderUnknown)]
        assert [event.client_order_id for event in told] in ([], [intent.client_order_id])
        assert open_orders(exchange) == [intent.client_order_id]


def test_too_many_requests_do_not_stop_the_start(exchange: dict[str, Any], tmp_path: Path) -> None:
    """The venue answers 429 to the first questions about the account: the terminal waits as told, and gets there."""
    ask_exchange(exchange["rest"], "faults", {"http": [{"status": 429, "path": "openOrders", "times": 2}]})
    with live(exchange, tmp_path) as session:
        unlock(session)
        assert session.state.reconciled


@pytest.mark.parametrize("fault", ["drop", "duplicate", "truncate", "garbage"])
def test_a_bad_line_does_not_stop_the_market(exchange: dict[str, Any], tmp_path: Path, fault: str) -> None:
    """One frame in five is damaged: the book comes back sound each time, and quotes go on."""
    with live(exchange, tmp_path) as session:
        unlock(session)
        ask_exchange(exchange["rest"], "faults", {fault: 0.2})
        seen = {session.touch()}

        def moves() -> bool:
            touch = session.state.market(session.btc).touch
            if touch is not None:
                seen.add(touch)
            return len(seen) > 3

        session.until(moves, "a market that moves")
        ask_exchange(exchange["rest"], "faults", {fault: 0.0})
        session.until(lambda: session.state.market(session.btc).book.valid, "a sound book")
        bid, ask = session.touch()
        assert bid < ask
