"""What must outlive the process of every account: balances, orders and fills.

SQLite in WAL mode. A commit is in the operating system's hands when it returns, so it survives the death of
this process at any moment; the exchange answers only after it.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import msgspec

from octopus_desktop.simulator.orders import Execution, NewOrder, Order

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS balances (
    account INTEGER, asset TEXT, free INTEGER NOT NULL, locked INTEGER NOT NULL, PRIMARY KEY (account, asset)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (order_id INTEGER PRIMARY KEY, account INTEGER NOT NULL, record BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS executions (
    at INTEGER PRIMARY KEY, account INTEGER NOT NULL, order_id INTEGER NOT NULL, record BLOB NOT NULL
);
"""


class StateFileError(Exception):
    """The state file can't be used; the message says what to do."""


class OrderRecord(msgspec.Struct):
    """An order as it is kept."""

    order_id: int
    account: int
    request: NewOrder
    client_order_id: str
    original_client_id: str
    price: int
    quantity: int
    remaining: int
    status: str
    reason: str
    filled: int
    filled_quote: int
    locked: int
    triggered: bool
    created_ns: int
    updated_ns: int
    working_ns: int
    hidden: int = 0
    extreme: int = 0
    tracking_ns: int = -1
    list_id: int = -1
    list_client_id: str = ""


_SAME = tuple(name for name in OrderRecord.__struct_fields__ if name not in ("order_id", "account", "request"))


class AccountStore:
    """A state file. Used by one process and one thread."""

    def __init__(self, path: Path) -> None:
        fresh = not path.exists()
        if fresh:
            # Created by us first, so that the keys inside are never readable by others.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None, timeout=2.0)
        self._begun = False
        try:
            self._open(path)
        except BaseException:
            self._db.close()
            raise

    def _open(self, path: Path) -> None:
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
            version = self.meta("version")
            if version is None:
                self.set_meta("version", str(_VERSION))
            elif int(version) > _VERSION:
                raise StateFileError(f"{path} was written by a newer version: update, or choose another --state file")
        except sqlite3.OperationalError as error:
            raise StateFileError(f"{path} is in use by another exchange: stop it, or choose another file") from error
        except sqlite3.DatabaseError as error:
            raise StateFileError(f"{path} is not a state file: move it away, or choose another file") from error

    def close(self) -> None:
        self.commit()
        self._db.close()

    def _begin(self) -> None:
        if not self._begun:
            self._db.execute("BEGIN")
            self._begun = True

    def save_order(self, order: Order) -> None:
        self._begin()
        record = OrderRecord(
            order.order_id, order.owner, order.request, **{name: getattr(order, name) for name in _SAME}
        )
        self._db.execute(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?)",
            (order.order_id, order.owner, msgspec.msgpack.encode(record)),
        )

    def save_execution(self, account: int, execution: Execution) -> None:
        self._begin()
        self._db.execute(
            "INSERT INTO executions (account, order_id, record) VALUES (?, ?, ?)",
            (account, execution.order_id, msgspec.msgpack.encode(execution)),
        )

    def save_balance(self, account: int, asset: str, free: int, locked: int) -> None:
        self._begin()
        self._db.execute("INSERT OR REPLACE INTO balances VALUES (?, ?, ?, ?)", (account, asset, free, locked))

    def commit(self) -> None:
        if self._begun:
            self._db.execute("COMMIT")
            self._begun = False

    def meta(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def balances(self) -> list[tuple[int, str, int, int]]:
        return self._db.execute("SELECT account, asset, free, locked FROM balances").fetchall()

    def executions(self) -> list[tuple[int, Execution]]:
        """(account, fill), in the order they happened."""
        rows = self._db.execute("SELECT account, record FROM executions ORDER BY at")
        return [(account, msgspec.msgpack.decode(record, type=Execution)) for account, record in rows]

    def orders(self) -> list[Order]:
        """Oldest first, without their fills."""
        found = []
        for (record,) in self._db.execute("SELECT record FROM orders ORDER BY order_id"):
            kept = msgspec.msgpack.decode(record, type=OrderRecord)
            order = Order(kept.order_id, kept.account, kept.request, kept.created_ns)
            for name in _SAME:
                setattr(order, name, getattr(kept, name))
            found.append(order)
        return found
