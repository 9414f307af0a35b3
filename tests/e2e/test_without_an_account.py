"""Sessions that get no account: the market goes on, and the screen is told why nothing else comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from octopus_desktop.model.commands import Refused, SubmitOrder
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.identifiers import Venue
from octopus_desktop.model.orders import Side
from octopus_desktop.model.profile import Dialect, Mode, Profile, VenueUrls
from tests.e2e.replay import needs_recordings, replay
from tests.e2e.session import SIM, Session, market
from tests.simulator_process import simulator


@pytest.fixture(scope="module")
def here() -> Iterator[Profile]:
    with simulator() as ready:
        yield profile(ready)


def profile(ready: dict[str, Any]) -> Profile:
    urls = VenueUrls(ready["rest"], ready["ws"], ready["ws_api"])
    return Profile("mine", SIM, Dialect.BINANCE_SPOT, Mode.LIVE, urls)


def why(session: Session) -> str:
    session.until(lambda: session.state.no_account, "it is told that there is no account")
    assert session.state.no_account is not None
    assert session.state.instruments, "the market is there"
    return session.state.no_account.reason


def test_a_profile_whose_key_is_not_there(here: Profile, tmp_path: Path) -> None:
    """Its keyring has none: said once, with the way to one, and an order is refused with the same word."""
    with Session(tmp_path, here) as session:
        assert why(session).startswith("It has no key.")
        outcome = session.execute(SubmitOrder(market(Side.BUY, "0.01")))
        assert outcome == Refused("No account in this profile: market data only, no order can be sent.")
        assert session.state.entry_locked == outcome.reason


def test_a_key_that_the_venue_refuses(here: Profile, tmp_path: Path) -> None:
    """Withdrawn at the venue meanwhile: the panes are told the venue's own reason."""
    with Session(tmp_path, here, Credentials("k" * 64, "s" * 64)) as session:
        assert why(session).startswith("The venue refused the key: ")
        assert session.state.entry_locked == "The venue refused the key: market data only, no order can be sent."


@needs_recordings
@pytest.mark.timeout(60)
async def test_futures_are_market_data_only_with_and_without_a_key(tmp_path: Path) -> None:
    """A key that is left over under the profile's name changes nothing, and breaks nothing."""
    async with replay("BINANCE_FUTURES") as running:
        urls = VenueUrls(running.url, running.url.replace("http", "ws"), running.url.replace("http", "ws"))
        futures = Profile("fut", Venue("BINANCE_FUTURES"), Dialect.BINANCE_USDM, Mode.LIVE, urls)
        for number, credentials in enumerate((None, Credentials("k" * 64, "s" * 64))):
            with Session(tmp_path / str(number), futures, credentials) as session:
                assert why(session) == "USD-M futures are market data only here; orders need a spot profile."
                assert "internal error" not in str(session.state.entry_locked)
