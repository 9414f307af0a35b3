"""Opening the data file of a profile, and everything that must be true of it first."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from octopus_desktop import __version__
from octopus_desktop.model.errors import StorageError
from octopus_desktop.storage import heads, schema
from octopus_desktop.storage.audit import SqliteAudit, begin, head
from octopus_desktop.storage.failures import translate
from octopus_desktop.storage.journal import SqliteJournal
from octopus_desktop.storage.lock import InstanceLock
from octopus_desktop.storage.projection import Projection
from octopus_desktop.storage.repository import SqliteRepository
from octopus_desktop.storage.upgrade import Replaced, damage, set_aside, told, untold, upgrade
from octopus_desktop.storage.writer import Row, Writer

logger = logging.getLogger(__name__)

BUSY_S: Final = 2.0
"""How long a write waits for another program that is writing to the file."""
KEPT_LOG_LINES: Final = 200_000
_PRUNE_LOG: Final = "DELETE FROM log WHERE seq <= (SELECT max(seq) FROM log) - ?"
_UPSERT_META: Final = schema.upsert_sql(schema.meta)


class Database:
    """An open data file. Made by `open_database`."""

    def __init__(self, path: Path, engine: Engine, lock: InstanceLock, replaced: Replaced | None) -> None:
        """`replaced`: the file is new, because the one that was here is damaged, and `told` was not called yet."""
        self.path = path
        self.replaced = replaced
        self._engine = engine
        self._lock = lock
        self._closed = False
        self._writer = Writer(engine, path)
        projection = Projection(self._writer)
        self.journal = SqliteJournal(self._writer, engine, path, projection.ask)
        self.repository = SqliteRepository(self._writer, engine, path)
        self.audit = SqliteAudit(self._writer, path)
        self._writer.later(Row(_UPSERT_META, ("program", __version__)))
        self._writer.later(Row(_PRUNE_LOG, (KEPT_LOG_LINES,)))
        projection.ask()  # what a crash left behind

    def flush(self) -> None:
        """Returns when everything recorded so far is in the file. Raises StorageError."""
        self._writer.flush().result()

    def told(self) -> None:
        """What follows from the loss of the file that was here is in this one. Raises StorageError."""
        try:
            told(self.path)
        except OSError as error:
            raise translate(error, self.path) from error

    def close(self) -> None:
        """Writes what is left, and lets the next instance in. Blocking; twice is once."""
        self.repository.close()
        self._writer.close()
        if not self._closed:
            self._closed = True
            self._tell_head()
        self._engine.dispose()
        self._lock.release()

    def _tell_head(self) -> None:
        """Noted outside of the file: who rewrites the whole audit cannot make it contain this."""
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY_S)) as connection:
                seq, last = head(connection)
            heads.note(self.path, seq, last)  # the writer's last connection has moved all of it to the disk
            logger.info("the audit ends with entry %d, head %s", seq, last)
        except (sqlite3.Error, ValueError) as error:
            logger.warning("the head of the audit cannot be read: %s", error)


def open_database(path: Path) -> Database:
    """Creates the file, or checks, backs up and upgrades it. Blocking, and for one instance at a time.

    A damaged file is set aside, and a new one is in its place: `replaced` says so, at each start until `told`. Raises a
    StorageError whose message says what to do: DataInUse, DataFromFuture, DiskFull.
    """
    path = path.absolute()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = InstanceLock(path.with_name(path.name + ".lock"))
    except OSError as error:
        raise translate(error, path, opening=True) from error
    try:
        return _open(path, lock)
    except StorageError:
        lock.release()
        raise
    except Exception as error:
        lock.release()
        raise translate(getattr(error, "orig", None) or error, path, opening=True) from error


def _open(path: Path, lock: InstanceLock) -> Database:
    _own(path)
    what = damage(path)
    if what is not None:
        replaced: Replaced | None = set_aside(path, what)
        _own(path)
    else:
        replaced = untold(path)
    engine = connect(path)
    try:
        upgrade(path, engine)
        _switch_to_wal(path, engine)
        _begin_audit(path, engine)
        return Database(path, engine, lock, replaced)
    except BaseException:
        engine.dispose()
        raise


def connect(path: Path) -> Engine:
    """Core on the standard library's driver, which here never opens a transaction by itself."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        connect_args={"isolation_level": None, "timeout": BUSY_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _own(path: Path) -> None:
    """The file is there, and only its owner may read it. SQLite gives its companions the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        if sys.platform != "win32" and path.stat().st_mode & 0o077:
            path.chmod(0o600)
            logger.warning("others could read %s; now only you can", path)


def _switch_to_wal(path: Path, engine: Engine) -> None:
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        (mode,) = driver.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise StorageError(
                f"{path} is on a disk that cannot keep it safe (no write-ahead log, often a network share). Choose a "
                "folder on a disk of this machine with --data-dir."
            )
        # Fails here, with a message, rather than at the first order.
        driver.execute("BEGIN IMMEDIATE")
        driver.execute(_UPSERT_META, ("opened_by", str(os.getpid())))
        driver.execute("COMMIT")


def _begin_audit(path: Path, engine: Engine) -> None:
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        begin(driver, path)
