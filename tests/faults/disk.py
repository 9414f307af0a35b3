"""The real storage writer without its thread: its turns happen on the simulated loop, on a disk that fails."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from random import Random
from typing import Any, Final

from octopus_desktop.storage.writer import Writer
from tests.faults.power import Platter
from tests.faults.timeline import Timeline

_CODES: Final = {
    "locked": (sqlite3.SQLITE_BUSY, "database is locked"),
    "full": (sqlite3.SQLITE_FULL, "database or disk is full"),
    "broken": (sqlite3.SQLITE_IOERR, "disk I/O error"),
    "ghost": (sqlite3.SQLITE_IOERR, "disk I/O error"),
}
"""`ghost`: the error comes after the rows are in the file, so that a crash may bring back what was called failed."""

_FULL: Final = 2


class Disk:
    """How long it takes, and what is wrong with it now (a key of `_CODES`, or None)."""

    def __init__(self, random: Random, timeline: Timeline, platter: Platter) -> None:
        self._random = random
        self._timeline = timeline
        self.platter = platter
        self.synced_seq: int | None = None
        """Of the journal's rows, the last one that a loss of power leaves for certain."""
        self.log_pages = random.choice((20, 200, 1000))
        """How long the write-ahead log gets before it is moved into the file; a thousand in the product."""
        self.trouble: str | None = None
        self.slow_s = 0.0
        self.errors = 0
        self.writers: list[SimulatedWriter] = []

    def latency_s(self) -> float:
        return self._random.uniform(0.0002, 0.004) + self.slow_s

    def fail(self, statement: str) -> sqlite3.OperationalError:
        assert self.trouble is not None
        code, text = _CODES[self.trouble]
        error = sqlite3.OperationalError(text)
        error.sqlite_errorcode = code
        error.sqlite_errorname = text
        self.errors += 1
        self._timeline.note("disk", f"{text}: {statement[:60]}")
        return error


class _Connection:
    """A connection whose statements fail while the disk is in trouble."""

    def __init__(self, real: sqlite3.Connection, disk: Disk) -> None:
        self._real = real
        self._disk = disk
        (synchronous,) = real.execute("PRAGMA synchronous").fetchone()
        self._syncs = synchronous >= _FULL

    @property
    def in_transaction(self) -> bool:
        return self._real.in_transaction

    def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        return self._tried(self._real.execute, sql, values)

    def executemany(self, sql: str, values: Any) -> sqlite3.Cursor:
        return self._tried(self._real.executemany, sql, values)

    def _tried(self, run: Any, sql: str, values: Any) -> sqlite3.Cursor:
        trouble = self._disk.trouble
        if sql.startswith(("ROLLBACK", "PRAGMA", "SELECT")):
            return run(sql, values)  # type: ignore[no-any-return]  # `run` is one of two methods
        if trouble is None:
            done = run(sql, values)
            if self._syncs and not self._real.in_transaction:
                self._disk.platter.sync()
                (self._disk.synced_seq,) = self._real.execute("SELECT max(seq) FROM journal").fetchone()
            return done  # type: ignore[no-any-return]  # `run` is one of two methods
        if trouble == "ghost":
            alone = not self._real.in_transaction and not sql.startswith("BEGIN")
            cursor = run(sql, values)
            if alone or sql.startswith("COMMIT"):
                raise self._disk.fail(sql)
            return cursor  # type: ignore[no-any-return]  # `run` is one of two methods
        raise self._disk.fail(sql)


class SimulatedWriter(Writer):
    """The wake-ups that the thread would take from its queue become turns of the loop, a disk's time later."""

    disk: Disk
    """Set on a subclass by whoever makes the world."""
    log_bytes = 0  # the disk of this world has no file system that files grow in

    def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tokens: deque[str] = deque()
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wake = self  # type: ignore[assignment]  # it has the one method that is used
        self._open_connections()
        self._normal.execute(f"PRAGMA wal_autocheckpoint={self.disk.log_pages}").fetchall()
        self._full: Any = _Connection(self._full, self.disk)
        self._normal: Any = _Connection(self._normal, self.disk)
        self.disk.writers.append(self)

    def put(self, token: str) -> None:
        if token == "stop":
            return
        self._tokens.append(token)
        self._loop.call_later(self.disk.latency_s() if token == "now" else 0.0, self._one)

    def _one(self) -> None:
        self._take(self._tokens.popleft())

    def _take(self, token: str) -> None:
        self._due = self._turn(token, self._due)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._due is not None:
            self._timer = self._loop.call_at(self._due + self.disk.slow_s, self._take, "later")

    def close(self) -> None:
        self._closed = True
        self._finish()
        self.let_go()

    def let_go(self) -> None:
        """As the system does when a process ends: what was not written is gone."""
        if self in self.disk.writers:
            self.disk.writers.remove(self)
            self._close_connections()
