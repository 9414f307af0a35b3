"""What must outlive the exchange's process beside its accounts: their keys, and the minutes that were live."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from octopus_desktop.simulator.account_store import AccountStore
from octopus_desktop.simulator.auth import Credentials
from octopus_desktop.simulator.history import Candle
from octopus_desktop.simulator.market import Market

_MINUTE = "INSERT OR REPLACE INTO minutes VALUES (?, ?, ?)"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS minutes (
    symbol TEXT, open_s INTEGER, columns BLOB NOT NULL, PRIMARY KEY (symbol, open_s)
) WITHOUT ROWID;
"""


class SqliteStore(AccountStore):
    """The exchange's state file."""

    schema = AccountStore.schema + _SCHEMA

    def save_minutes(self, rows: Iterable[tuple[str, Candle]], now_ns: int) -> None:
        """Keep candles of minutes, and until when they are told; the present ones are written again as they grow."""
        for symbol, candle in rows:
            key = (symbol, candle.open_s)
            self._put(_MINUTE, key, *key, msgspec.msgpack.encode(candle.columns()))
        self.set_meta("now_ns", str(now_ns))

    def credentials(self) -> Credentials | None:
        kept = self.meta("credentials")
        return None if kept is None else msgspec.json.decode(kept, type=Credentials)

    def save_credentials(self, credentials: Credentials) -> None:
        self.set_meta("credentials", msgspec.json.encode(credentials).decode())

    def forget_minutes(self, before_s: int) -> None:
        """Minutes this old are not told from prints any more."""
        self._db.execute("DELETE FROM minutes WHERE open_s < ?", (before_s,))

    def load_minutes(self, market: Market) -> None:
        """Give a market the minutes in which it was live before."""
        rows = self._db.execute(
            "SELECT columns FROM minutes WHERE symbol = ? ORDER BY open_s", (market.listing.symbol,)
        )
        for (columns,) in rows:
            candle = Candle(*msgspec.msgpack.decode(columns, type=tuple[int, ...]))
            market.history.minutes[candle.open_s] = candle
