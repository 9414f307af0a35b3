"""What must outlive the process of every account: balances, orders and fills.

SQLite in WAL mode. A commit is in the operating system's hands when it returns, so it survives the death of
this process at any moment; the exchange answers only after it. While the disk takes nothing (it is full, it is gone)
the account goes on from memory, and what has changed waits here: the first commit that works writes all of it, and
only the death of the process before that would lose it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from octopus_desktop.simulator.orders import Execution, NewOrder, Order

log = logging.getLogger(__name__)

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
_ORDER = "INSERT OR REPLACE INTO orders VALUES (?, ?, ?)"
_EXECUTION = "INSERT OR REPLACE INTO executions VALUES (?, ?, ?, ?)"
_BALANCE = "INSERT OR REPLACE INTO balances VALUES (?, ?, ?, ?)"
_META = "INSERT OR REPLACE INTO meta VALUES (?, ?)"

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class StateFileError(Exception):
    """The state file can't be used; the message says what to do."""


class StateFileDamaged(StateFileError):
    """Its bytes are no sound state file: `what` is the sentence without what to do."""

    def __init__(self, path: Path, detail: str) -> None:
        self.what = f"{path} is damaged, or not a state file ({detail})."
        super().__init__(f"{self.what} Move it away, or choose another file.")


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

    schema = _SCHEMA

    def __init__(self, path: Path) -> None:
        """Raises StateFileError, and OSError where the file cannot be made."""
        self.path = path
        if not path.exists():
            # Created by us first, so that the keys inside are never readable by others.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._unwritten: dict[tuple[str, object], tuple[object, ...]] = {}
        """Rows by their statement and key, the newest of each: written over and over they are the same."""
        self._is_failing = False
        with in_words(path):
            self._db = sqlite3.connect(path, isolation_level=None, timeout=2.0)
        try:
            with in_words(path):
                self._open()
        except BaseException:
            self._db.close()
            raise

    def _open(self) -> None:
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        (said,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise StateFileDamaged(self.path, str(said).replace("\n", " "))
        self._db.executescript(self.schema)
        version = self.meta("version")
        if version is None:
            self._db.execute(_META, ("version", str(_VERSION)))
        elif int(version) > _VERSION:
            raise StateFileError(f"{self.path} was written by a newer version: update, or choose another file.")
        (self._last_execution,) = self._db.execute("SELECT coalesce(max(at), 0) FROM executions").fetchone()

    def close(self) -> None:
        self.commit()
        self._db.close()

    def _put(self, statement: str, key: object, *row: object) -> None:
        self._unwritten[statement, key] = row

    def save_order(self, order: Order) -> None:
        record = OrderRecord(
            order.order_id, order.owner, order.request, **{name: getattr(order, name) for name in _SAME}
        )
        self._put(_ORDER, order.order_id, order.order_id, order.owner, msgspec.msgpack.encode(record))

    def save_execution(self, account: int, execution: Execution) -> None:
        at = self._last_execution = self._last_execution + 1
        self._put(_EXECUTION, at, at, account, execution.order_id, msgspec.msgpack.encode(execution))

    def save_balance(self, account: int, asset: str, free: int, locked: int) -> None:
        self._put(_BALANCE, (account, asset), account, asset, free, locked)

    def commit(self) -> None:
        """Write what has changed. Where the disk does not take it, it is said once, and the next commit tries again."""
        if not self._unwritten:
            return
        try:
            if not self._db.in_transaction:
                self._db.execute("BEGIN")
            for (statement, _), row in self._unwritten.items():
                self._db.execute(statement, row)
            self._db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if not self._is_failing:
                log.error("%s cannot be written: %s. The account goes on from memory until it can.", self.path, error)
            self._is_failing = True
            # On a full disk SQLite has rolled back by itself; where it has not, and cannot, the next commit goes on.
            with contextlib.suppress(sqlite3.DatabaseError):
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            return
        self._unwritten.clear()
        if self._is_failing:
            self._is_failing = False
            log.warning("%s is written again, with all that had changed.", self.path)

    def meta(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        """Kept together with all that has changed."""
        self._put(_META, name, name, value)
        self.commit()

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


@contextlib.contextmanager
def in_words(path: Path) -> Iterator[None]:
    """What goes wrong while a file is opened and read, as what to do about it. Raises StateFileError."""
    try:
        yield
    except msgspec.DecodeError as error:
        raise StateFileDamaged(path, str(error)) from error
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the low byte is the kind of error
        if code in _IN_USE:
            raise StateFileError(f"{path} is in use by another exchange: stop it, or choose another file.") from error
        if code in _DAMAGED:
            raise StateFileDamaged(path, str(error)) from error
        if code == sqlite3.SQLITE_ERROR:
            raise StateFileError(f"{path} is not a state file ({error}): choose another file.") from error
        raise StateFileError(
            f"{path} cannot be written ({error}): free some space on its disk or allow it, or choose another file."
        ) from error
