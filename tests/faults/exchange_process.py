"""The exchange's process: killed like any other, and started again by the product's own way back from its file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest import mock

from octopus_desktop.simulator import auth, main, ws_api
from octopus_desktop.simulator.errors import Refusal
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.faults import Faults
from octopus_desktop.simulator.listings import LISTINGS
from octopus_desktop.simulator.params import Params
from octopus_desktop.simulator.server import Server
from octopus_desktop.simulator.store import SqliteStore
from octopus_desktop.simulator.user_streams import UserStreams
from tests.faults.simulated_time import Life, SimulatedLoop
from tests.faults.timeline import Timeline

DEPOSITS: Final = (("USDT", "200000"), ("BNB", "150"), ("LTC", "600"))
WARM_UP_S: Final = 2
SAVES_EVERY_S: Final = 1.0
"""As the server does by its own beat."""
_session_method: Final = ws_api.Session._session_method


class ExchangeProcess:
    """`exchange` and `server` are those of its present life; while it is down, of the one before."""

    exchange: Exchange
    server: Server
    life: Life
    users: UserStreams

    def __init__(
        self,
        seed: int,
        loop: SimulatedLoop,
        folder: Path,
        timeline: Timeline,
        faults: Faults,
        keys: auth.Credentials,
        random: Random,
    ) -> None:
        self._seed = seed
        self._loop = loop
        self._path = folder / "exchange.sqlite3"
        self._timeline = timeline
        self._faults = faults
        self._keys = keys
        symbols = {"BNBUSDT", "LTCUSDT"} if random.random() < 0.25 else {"BNBUSDT"}
        self.of_older_dialect = random.random() < 0.2
        """The account's events have a socket of their own, behind a listen key."""
        self._listings = [listing for listing in LISTINGS if listing.symbol in symbols]
        self._store: SqliteStore | None = None
        self._saved_at = 0.0
        self.start()

    def session_method(self, session: ws_api.Session, method: str, values: dict[str, str], params: Params) -> Any:
        """In place of the session's own."""
        if self.of_older_dialect and method.startswith("userDataStream.subscribe"):
            raise Refusal(-1000, f"Unknown method: {method}")
        return _session_method(session, method, values, params)

    @property
    def is_up(self) -> bool:
        return not self.life.dead

    def start(self) -> None:
        self.life = Life("exchange")
        self.life.context.run(self._open)
        self._timeline.note("exchange", f"up with {len(self.exchange.markets)} markets")

    def _open(self) -> None:
        store = self._store = SqliteStore(self._path)
        users = self.users = UserStreams()
        with (
            mock.patch.multiple(
                main, WARM_UP_S=WARM_UP_S, FIRST_DEPOSIT=DEPOSITS, Exchange=partial(Exchange, listings=self._listings)
            ),
            mock.patch.object(auth.Credentials, "generate", return_value=self._keys),
        ):
            self.exchange, credentials = main.open_exchange(self._seed, self._loop.now_ns(), 1.0, users, store)
        keyring = auth.KeyRing()
        keyring.add(credentials)
        self.server = Server(self.exchange, keyring, users, self._faults, store=store)
        self.server._wall_clock = True

    def kill(self) -> None:
        """What it had answered is in its file; what was on its way in or out of it is gone."""
        self._timeline.note("exchange", "killed")
        self.life.kill()
        self.close()

    def beat(self) -> None:
        self.server.catch_up()
        if self._loop.now_s - self._saved_at >= SAVES_EVERY_S:
            self._saved_at = self._loop.now_s
            self.server._save()

    def close(self) -> None:
        if self._store is not None:
            self._store._db.close()
            self._store = None
