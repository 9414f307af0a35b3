"""The one thread that writes to the data file.

Two connections, both used by this thread alone, so they never wait for each other. What somebody waits for goes
through the first, in synchronous FULL: the write-ahead log is on the disk before the caller is told, and with it
everything that was written before. The rest goes through the second, in batches and synchronous NORMAL, which needs no
sync of its own. Neither moves the log into the file: another thread does. Changing `synchronous` on one
connection would do too, but a pragma that acts when it is prepared is nothing to build durability on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

from octopus_desktop.health.slices import short_slices
from octopus_desktop.model.errors import StorageError
from octopus_desktop.storage.checkpoint import Checkpointer
from octopus_desktop.storage.failures import is_passing, translate

logger = logging.getLogger(__name__)

BATCH_S: Final = 0.1
BATCH_ROWS: Final = 500
RETRY_S: Final = 1.0
QUIET_S: Final = 0.5
LATEST_S: Final = 10.0
KEPT_WAITING: Final = 100_000
"""Batched rows that may wait for a disk to come back. What an order needs is never dropped."""
LAST_TRIES: Final = 3
LOG_BYTES: Final = 6 * 2**20
"""Of the write-ahead log: several times what comes between two checkpoints."""


class Row(NamedTuple):
    sql: str
    values: tuple[Any, ...]


Work = Row | Callable[[sqlite3.Connection], None]
"""One row, or what a whole function does inside a transaction. It may run again after a rollback."""

Settle = Callable[[StorageError | None], object]
"""Called on the writer's thread, once: with None when the rows are on the disk."""


class _Durable(NamedTuple):
    works: Sequence[Work]
    settle: Settle | None


ONE_STATEMENT: Final = 16
"""Rows that go to the disk as one INSERT; each count is a statement that SQLite keeps prepared."""
_LATER, _NOW, _STOP = "later", "now", "stop"


class Writer:
    """All methods from any thread."""

    log_bytes = LOG_BYTES

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._wake: SimpleQueue[str] = SimpleQueue()
        self._durable: deque[_Durable] = deque()
        self._batch: deque[Work] = deque()
        self._idle: deque[Work] = deque()
        self._idle_since = 0.0
        self._ordered_at = 0.0
        self._flushes: deque[Settle] = deque()
        self._clock_runs = False
        self._failing = False
        self._written = 0
        """Transactions that succeeded."""
        self._dropped = 0
        self.batch = 0
        """The number of the transaction that work runs in: it may ask in which one, and what came of its last."""
        self._closed = False
        self._gate = threading.Lock()
        self._start()

    def _start(self) -> None:
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="storage writer", daemon=True)
        self._thread.start()
        opened.result()

    # From any thread --------------------------------------------------------

    async def commit(self, works: Sequence[Work]) -> None:
        """Returns when `works` are on the disk, all of them. Raises StorageError, and then none of them is or will be.

        Callers that wait at the same time share one transaction.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        with self._gate:
            if self._closed:
                raise StorageError(f"{self._path} is closed: nothing more is written.")
            self._durable.append(_Durable(works, lambda error: loop.call_soon_threadsafe(_resolve, done, error)))
            self._wake.put(_NOW)
        await done

    def keep(self, row: Row) -> None:
        """Write `row` before every commit that is asked for later, at the latest with the next batch. Never lost to
        an error: it is tried until it is written.
        """
        self._durable.append(_Durable((row,), None))
        self._start_clock()

    def later(self, work: Work) -> bool:
        """Write it with the next batch, in order. False: too much waits for a disk to come back, and it is dropped."""
        if len(self._batch) >= KEPT_WAITING:
            self._dropped += 1
            return False
        self._batch.append(work)
        if len(self._batch) == BATCH_ROWS:
            self._wake.put(_NOW)
        else:
            self._start_clock()
        return True

    def when_idle(self, work: Work) -> None:
        """Do it once no order has wanted the disk for QUIET_S, at the latest after LATEST_S, and before any flush or
        the end. Nobody is woken for it: it is seen when the writer next has something to do.
        """
        if not self._idle:
            self._idle_since = time.monotonic()
        self._idle.append(work)

    @property
    def is_wanted(self) -> bool:
        """An order waits for the disk: work that could go on for long stops here, and asks again."""
        return bool(self._durable)

    def flush(self) -> Future[None]:
        """Done when everything asked for before is in the file; StorageError where it can't be for now."""
        done: Future[None] = Future()
        with self._gate:
            if not self._closed:
                self._flushes.append(partial(_resolve, done))
                self._wake.put(_NOW)
                return done
        done.set_result(None)
        return done

    def close(self) -> None:
        """Returns when everything is in the file, or after a few tries that could not put it there."""
        with self._gate:
            self._closed = True
            self._wake.put(_STOP)
        self._thread.join()

    def _start_clock(self) -> None:
        # Set before the wake-up and cleared before the queues are emptied: a row is seen by one or the other.
        if not self._clock_runs:
            self._clock_runs = True
            self._wake.put(_LATER)

    # On the writer's thread -------------------------------------------------

    def _run(self, opened: Future[None]) -> None:
        try:
            self._open_connections()
        except Exception as error:  # noqa: BLE001  # the caller waits for it and raises it
            opened.set_exception(translate(error, self._path, opening=True))
            return
        opened.set_result(None)
        short_slices()
        checkpointer = Checkpointer(self._engine)
        due: float | None = None
        while True:
            dues = [moment for moment in (due, self._idle_due()) if moment is not None]
            try:
                token = self._wake.get(timeout=max(0.0, min(dues) - time.monotonic()) if dues else None)
            except Empty:
                token = _LATER
            if token == _STOP:
                break
            try:
                due = self._turn(token, due)
            except Exception:
                # A defect here must not end the thread that orders wait for.
                logger.exception("the storage writer met an error it does not know")
                due = time.monotonic() + RETRY_S
        checkpointer.close()
        self._finish()
        self._close_connections()

    def _open_connections(self) -> None:
        _make_room(self._path.with_name(self._path.name + "-wal"), self.log_bytes)
        self._connections = [self._engine.raw_connection(), self._engine.raw_connection()]
        full, normal = self._connections
        self._full = _tuned(full, "FULL")
        self._normal = _tuned(normal, "NORMAL")

    def _close_connections(self) -> None:
        for connection in self._connections:
            connection.close()

    def _turn(self, token: str, due: float | None) -> float | None:
        """When the next batch is due, None where there is none."""
        now, written = time.monotonic(), self._written
        error = self._write_durable() if token == _NOW else None
        idle_due = self._idle_due()
        idle = bool(self._flushes) or (idle_due is not None and now >= idle_due)
        full = len(self._batch) >= BATCH_ROWS and not self._failing
        if idle or full or (due is not None and now >= due):
            error = self._write_all(idle=idle)
            due = None
        elif token == _LATER and due is None:
            due = now + BATCH_S
        # What did not try to write tells nothing, nor does an order that fits while the rest still waits.
        if error is not None or (self._written != written and not self._batch and not self._durable):
            self._tell(error)
        return now + RETRY_S if error is not None and due is None else due

    def _tell(self, error: StorageError | None) -> None:
        """Once when writing stops working and once when it works again: the log is written here, too."""
        if error is not None and not self._failing:
            logger.error("nothing can be written for now, trying again every %.0f s: %s", RETRY_S, error)
        elif error is None and self._failing:
            logger.info("%s can be written again", self._path)
        self._failing = error is not None

    def _idle_due(self) -> float | None:
        if not self._idle:
            return None
        return min(max(self._ordered_at, self._idle_since) + QUIET_S, self._idle_since + LATEST_S)

    def _write_all(self, *, idle: bool) -> StorageError | None:
        self._clock_runs = False
        while idle and self._idle:
            self._batch.append(self._idle.popleft())
        error = self._write_durable()
        while self._batch and error is None:
            error = self._write_slice() or self._write_durable()
        while self._flushes:
            self._flushes.popleft()(error)
        if self._dropped and error is None:
            logger.error("%d lines of log, balances and candles were dropped: %s", self._dropped, self._path)
            self._dropped = 0
        return error

    def _write_durable(self) -> StorageError | None:
        """Everything in the ordered lane, in one transaction."""
        requests = [self._durable.popleft() for _ in range(len(self._durable))]
        if not requests:
            return None
        self._ordered_at = time.monotonic()
        try:
            self._write_requests(requests)
        except Exception as error:  # noqa: BLE001  # told to every waiter, or logged
            if is_passing(error) or len(requests) == 1:
                return self._failed(requests, error)
            # One of them can't be written, ever: the others must not suffer from it.
            for done, request in enumerate(requests):
                try:
                    self._write_requests([request])
                except Exception as single:  # noqa: BLE001  # as above
                    if is_passing(single):
                        return self._failed(requests[done:], single)
                    self._failed([request], single)
        return None

    def _write_requests(self, requests: list[_Durable]) -> None:
        waited_for = any(request.settle is not None for request in requests)
        connection = self._full if waited_for else self._normal
        works = [work for request in requests for work in request.works]
        rows = [work for work in works if isinstance(work, Row)]
        single = 0 < len(rows) == len(works) <= ONE_STATEMENT and len({row.sql for row in rows}) == 1
        if single and rows[0].sql.endswith(")"):
            # One statement is a transaction by itself. Each statement gives the interpreter up and waits to get it
            # back, behind a screen that repaints: three of them cost an order more than the disk does.
            values = rows[0].sql.rpartition("(")[2]
            connection.execute(rows[0].sql + f", ({values}" * (len(rows) - 1), [x for row in rows for x in row.values])
        else:
            self.batch += 1
            with _transaction(connection):
                for sql, same in groupby(works, _sql_of):
                    if sql:
                        connection.executemany(sql, [work.values for work in same if isinstance(work, Row)])
                        continue
                    for work in same:
                        assert not isinstance(work, Row)
                        work(connection)
        self._written += 1
        for request in requests:
            if request.settle is not None:
                self._settle(request.settle, None)

    def _failed(self, requests: list[_Durable], error: Exception) -> StorageError | None:
        """Waiters are told and their rows forgotten; what nobody waits for goes back to the front of the lane."""
        told = translate(error, self._path)
        kept = [request for request in requests if request.settle is None]
        for request in requests:
            if request.settle is not None:
                self._settle(request.settle, type(told)(str(told)))
        if not is_passing(error):
            for request in kept:
                logger.critical("cannot be written to %s: %r", self._path, request.works, exc_info=error)
            return None
        self._durable.extendleft(reversed(kept))
        return told

    def _settle(self, settle: Settle, error: StorageError | None) -> None:
        try:
            settle(error)
        except Exception:
            # The loop it wants to wake may be closed; the rows are as they are.
            logger.exception("a caller of the storage writer could not be told")

    def _write_slice(self) -> StorageError | None:
        """The oldest batched work in one transaction; it gives way as soon as an order wants the disk."""
        works = list(islice(self._batch, BATCH_ROWS))
        try:
            done = self._write_works(works)
        except Exception as error:  # noqa: BLE001  # tried again, or logged and dropped
            if is_passing(error):
                return translate(error, self._path)
            if len(works) > 1:
                for work in works:
                    single = self._write_single(work)
                    if single is not None:
                        return single
                return None
            return self._write_single(works[0])
        self._written += 1
        for _ in range(done):
            self._batch.popleft()
        return None

    def _write_single(self, work: Work) -> StorageError | None:
        try:
            self._write_works([work])
        except Exception as error:
            if is_passing(error):
                return translate(error, self._path)
            logger.exception("cannot be written to %s and is dropped: %r", self._path, work)
        self._written += 1
        self._batch.popleft()
        return None

    def _write_works(self, works: list[Work]) -> int:
        done = 0
        self.batch += 1
        with _transaction(self._normal) as connection:
            for sql, same in groupby(works, _sql_of):
                run = list(same)
                if sql:
                    connection.executemany(sql, [work.values for work in run if isinstance(work, Row)])
                    done += len(run)
                    continue
                for work in run:
                    assert not isinstance(work, Row)
                    work(connection)
                    done += 1
                    if self._durable:
                        return done
        return done

    def _finish(self) -> None:
        for attempt in range(LAST_TRIES):
            if attempt:
                time.sleep(RETRY_S)
            error = self._write_all(idle=True)
            if error is None:
                break
        lost = sum(len(request.works) for request in self._durable) + len(self._batch)
        if lost:
            logger.error("%d rows could not be written to %s before the end: %s", lost, self._path, error)
        try:
            self._normal.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as failure:
            logger.warning("the write-ahead log of %s stays beside it: %s", self._path, failure)


def _make_room(log: Path, size: int) -> None:
    """Zeros where the write-ahead log will be. A sync of a file that grows waits for the file system's own journal too,
    ten times as long as for the bytes. SQLite reads a log up to the first frame that is none of its own.
    """
    there = log.stat().st_size if log.exists() else 0
    if there >= size or shutil.disk_usage(log.parent).free < 10 * size:
        return  # what room there is, is for orders
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, bytes(size - there))
        os.fsync(file)
    except OSError as error:
        os.ftruncate(file, there)
        logger.warning("%s could not be made larger beforehand: %s", log, error)
    finally:
        os.close(file)


def _tuned(connection: PoolProxiedConnection, synchronous: str) -> sqlite3.Connection:
    driver = connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute(f"PRAGMA synchronous={synchronous}")
    driver.execute("PRAGMA wal_autocheckpoint=0").fetchall()
    if synchronous == "FULL" and sys.platform == "darwin":
        driver.execute("PRAGMA fullfsync=ON")  # fsync alone leaves it in the drive's cache there
    return driver


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it by itself where the disk is full
            connection.execute("ROLLBACK")
        raise


def _sql_of(work: Work) -> str:
    return work.sql if isinstance(work, Row) else ""


def _resolve(done: asyncio.Future[None] | Future[None], error: StorageError | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
