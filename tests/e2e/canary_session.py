"""A session with everything in it that could give a key away; run as a program, the key comes over standard input.

Not a test by itself: test_secrets.py runs it, and then looks into everything it said and left behind.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from octopus_desktop import cli
from octopus_desktop.config import secrets
from octopus_desktop.config.logging_setup import LogFile
from octopus_desktop.config.paths import folders, make_private
from octopus_desktop.config.profiles import ProfileBook
from octopus_desktop.health.crash import CrashReports
from octopus_desktop.local_node import LocalNode
from octopus_desktop.model.commands import (
    CancelAllOrders,
    ConfirmLive,
    Refused,
    SaveSetting,
    SubmitOrder,
    Subscribe,
    UnlockEntry,
)
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import InstrumentId, Venue
from octopus_desktop.model.orders import Side
from octopus_desktop.model.profile import Dialect, Mode, Profile, VenueUrls
from octopus_desktop.state import State
from tests.e2e.session import limit

PATIENCE_S = 40.0


class OneKey:
    """A keyring with the canary in it."""

    def __init__(self, key: str, secret: str) -> None:
        self._kept = msgspec.json.encode({"api_key": key, "secret": secret}).decode()

    def get_password(self, service: str, username: str) -> str | None:
        return self._kept

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("nothing is kept here")

    def delete_password(self, service: str, username: str) -> None:
        raise AssertionError("nothing is deleted here")


class Desk:
    """The session without a screen."""

    def __init__(self, node: LocalNode) -> None:
        self.node = node
        self.state = State()

    def until(self, condition: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition():
            for event in self.node.take_frame():
                self.state.apply(event)
            assert time.monotonic() < end, f"never: {what}; {list(self.state.notices)[-3:]}"
            time.sleep(0.01)

    def say(self, command: Any) -> object:
        return self.node.execute(command).result(PATIENCE_S)


def main(data: Path) -> int:
    ready = msgspec.json.decode(sys.stdin.readline())
    key, secret = ready["api_key"], ready["api_secret"]
    keyring = OneKey(key, secret)
    secrets.safe_keyring = lambda: keyring  # type: ignore[assignment]
    places = folders(data)
    urls = VenueUrls(ready["rest"], ready["ws"], ready["ws_api"])
    profile = Profile("canary", Venue("BINANCE"), Dialect.BINANCE_SPOT, Mode.LIVE, urls)
    ProfileBook(places.profiles_file).add(profile)
    log = LogFile(places.logs, "DEBUG", console=True)
    log.start()
    crashes = CrashReports(places.logs)
    crashes.install()
    store = secrets.SecretStore.of_system()
    credentials = store.load(profile.name)
    print(repr(credentials), str(credentials), repr(store), [credentials], vars(crashes))
    node = LocalNode(
        profile, make_private(places.of_profile(profile)), credentials=lambda: store.load(profile.name), crashes=crashes
    )
    node.start()
    try:
        trade(Desk(node), key, secret)
    finally:
        node.stop()
        crashes.close()
        log.close()
    place = ["--data-dir", str(data), "--profile", profile.name]
    assert cli.main(["audit", "verify", *place]) == 0
    assert cli.main(["audit", "show", "--limit", "1000", *place]) == 0
    for kind in ("csv", "jsonl"):
        assert cli.main(["audit", "export", "--format", kind, "--out", str(data / f"audit.{kind}"), *place]) == 0
    return cli.main(["screenshot", "--after", "3", "--out", str(data / "shot.png"), "--log-level", "debug", *place])


def trade(desk: Desk, key: str, secret: str) -> None:
    btc = InstrumentId("BTCUSDT.BINANCE")
    print(repr(desk.node), repr(desk.node.profile), vars(desk.node._engine))
    desk.until(lambda: "LIVE" in (desk.state.entry_locked or ""), "a LIVE profile, locked")
    # What a trader types or pastes into the wrong place.
    print(desk.say(UnlockEntry(typed=secret)), desk.say(ConfirmLive(typed=secret)))
    print(desk.say(UnlockEntry(typed="canary")), desk.say(ConfirmLive(typed="canary")))
    desk.until(lambda: desk.state.entry_locked is None, "order entry open")
    desk.say(Subscribe(btc, Channel.QUOTES))
    desk.until(lambda: desk.state.market(btc).touch, "a quote")
    touch = desk.state.market(btc).touch
    assert touch is not None
    intent = limit(Side.BUY, "0.01", desk.state.instruments[btc].price(touch[0] * 0.97))
    intent = msgspec.structs.replace(intent, instrument_id=btc)
    desk.say(SubmitOrder(intent))
    desk.until(lambda: intent.client_order_id in desk.state.working, "the order")
    print(desk.say(SubmitOrder(msgspec.structs.replace(intent, instrument_id=InstrumentId(f"{secret}.BINANCE")))))
    desk.say(SaveSetting("colour", "dark"))
    engine = desk.node._engine
    assert engine._execution is not None
    execution: Any = engine._execution
    print(repr(execution), vars(execution), vars(execution._rest), repr(execution._signer), repr(execution._session))

    def boom() -> None:
        local = Credentials(key, secret)
        raise RuntimeError(f"cannot sign apiKey={key} with {local.secret.reveal()} of {local!r}")

    desk.node._loop.call_soon_threadsafe(boom)
    desk.until(lambda: desk.state.entry_locked is not None, "order entry locked by the defect")
    outcome = desk.say(SubmitOrder(msgspec.structs.replace(intent, client_order_id=f"{intent.client_order_id}x")))
    assert isinstance(outcome, Refused), outcome
    desk.say(CancelAllOrders())
    desk.until(lambda: not desk.state.working, "the cancel, which no defect locks")
    print(outcome, desk.say(UnlockEntry(typed="canary")))


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.exit(main(Path(sys.argv[1])))
