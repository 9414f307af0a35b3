"""The order journal against a bare commit, and candles from the disk to arrays against a row a candle."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from octopus_desktop.model.events import AnyOrderEvent, LogRecorded, OrderInitiated, OrderSubmitted, Severity
from octopus_desktop.model.identifiers import InstrumentId, Interval, new_client_order_id
from octopus_desktop.model.market import Candles
from octopus_desktop.model.orders import OrderIntent, OrderType, Side
from octopus_desktop.storage.database import Database, open_database
from octopus_desktop.storage.journal import encode

T = TypeVar("T")
BTC = InstrumentId("BTCUSDT.SIM")
COMMITS = 600
CANDLES = 100_000
LINES = 50_000


def measure() -> list[dict[str, Any]]:
    # On the disk of the checkout: the system's folder for temporary files is often no disk at all.
    build = Path(__file__).parents[2] / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as folder:
        return _run(_measure(Path(folder)))


def _run(work: Coroutine[Any, Any, T]) -> T:
    """On the loop that the node has."""
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _measure(folder: Path) -> list[dict[str, Any]]:
    database = open_database(folder / "octopus.db")
    try:
        return [*await _commits(database, folder), *await _candles(database, folder), _log(database, folder)]
    finally:
        database.close()


def _sent() -> list[AnyOrderEvent]:
    name = new_client_order_id()
    intent = OrderIntent(name, BTC, Side.BUY, OrderType.LIMIT, Decimal("0.1"), Decimal("60000.10"))
    now = time.time_ns()
    return [OrderInitiated(name, now, intent), OrderSubmitted(name, now)]


async def _commits(database: Database, folder: Path) -> list[dict[str, Any]]:
    """The three take turns, so that the disk's moods are everybody's."""
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as bare:
        bare.execute("PRAGMA journal_mode=WAL")
        bare.execute("PRAGMA synchronous=FULL")
        bare.execute("CREATE TABLE journal (seq INTEGER PRIMARY KEY, ts INTEGER, kind TEXT, name TEXT, payload TEXT)")
        file = os.open(folder / "bytes", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        ours: list[float] = []
        theirs: list[float] = []
        floor: list[float] = []
        for _ in range(COMMITS):
            events = _sent()
            start = time.perf_counter()
            await database.journal.commit(events)
            ours.append(time.perf_counter() - start)

            rows = [(event.ts_ns, type(event).__name__, event.client_order_id, encode(event)) for event in _sent()]
            start = time.perf_counter()
            bare.execute("BEGIN IMMEDIATE")
            bare.executemany("INSERT INTO journal (ts, kind, name, payload) VALUES (?, ?, ?, ?)", rows)
            bare.execute("COMMIT")
            theirs.append(time.perf_counter() - start)

            start = time.perf_counter()
            os.write(file, b"x" * 4096)
            os.fdatasync(file)
            floor.append(time.perf_counter() - start)
        os.close(file)
    own, peer, least = (statistics.median(times) * 1e6 for times in (ours, theirs, floor))
    slow, slow_peer = (float(np.percentile(times, 99)) * 1e6 for times in (ours, theirs))
    return [
        _row("journal commit, p99", slow, "us", "bare sqlite3 commit, FULL, p99", slow_peer, None),
        _row("journal commit, awaited on the node's loop", own, "us", "bare sqlite3 commit, FULL", peer, 2.0),
        _row("journal commit over the disk's own time", own - least, "us", "append 4 KB + fdatasync", least, None),
    ]


async def _candles(database: Database, folder: Path) -> list[dict[str, Any]]:
    columns = np.random.default_rng(1).uniform(1, 100, (5, CANDLES))
    history = Candles(BTC, Interval.M1, np.arange(CANDLES, dtype=np.int64) * Interval.M1.ns, *columns)
    database.repository.record_candles(history)
    database.flush()
    with closing(sqlite3.connect(folder / "rows.db")) as rows:
        rows.execute("CREATE TABLE candles (ts INTEGER PRIMARY KEY, o REAL, h REAL, l REAL, c REAL, v REAL)")
        table = np.vstack([history.open_ns, columns]).T.tolist()
        rows.executemany("INSERT INTO candles VALUES (?, ?, ?, ?, ?, ?)", ((int(row[0]), *row[1:]) for row in table))
        rows.commit()
        del table
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(9):
            gc.collect()
            start = time.perf_counter()
            kept = await database.repository.candles(BTC, Interval.M1, CANDLES)
            ours.append(time.perf_counter() - start)
            assert len(kept) == CANDLES
            theirs.append(_timed(lambda: np.array(rows.execute("SELECT * FROM candles ORDER BY ts").fetchall())))
    own, peer = statistics.median(ours) * 1e3, statistics.median(theirs) * 1e3
    row = _row("100k candles from storage to arrays", own, "ms", "a row a candle, sqlite3", peer, None)
    row["goal"], row["ok"] = "value <= 10 ms", own <= 10
    return [row]


def _log(database: Database, folder: Path) -> dict[str, Any]:
    lines = [LogRecorded(Severity.INFO, "engine", f"line {number}", number) for number in range(LINES)]

    def ours() -> None:
        for line in lines:
            database.repository.record_log(line)
        database.flush()

    def theirs() -> None:
        with closing(sqlite3.connect(folder / "log.db", isolation_level=None)) as bare:
            bare.execute("PRAGMA journal_mode=WAL")
            bare.execute("PRAGMA synchronous=NORMAL")
            bare.execute(
                "CREATE TABLE log (seq INTEGER PRIMARY KEY, ts INTEGER, severity TEXT, source TEXT, text TEXT)"
            )
            values = [(line.ts_ns, line.severity.value, line.source, line.text) for line in lines]
            bare.execute("BEGIN")
            bare.executemany("INSERT INTO log (ts, severity, source, text) VALUES (?, ?, ?, ?)", values)
            bare.execute("COMMIT")

    own, peer = LINES / _timed(ours), LINES / _timed(theirs)
    return {
        "name": "log lines into storage",
        "value": own,
        "unit": "rows/s",
        "better": "higher",
        "versus": "bare executemany, one transaction",
        "versus_value": peer,
        "ratio": own / peer,
        "goal": "ratio >= 0.1",
        "ok": own / peer >= 0.1,
    }


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _row(name: str, own: float, unit: str, versus: str, peer: float, worst: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": own,
        "unit": unit,
        "better": "lower",
        "versus": versus,
        "versus_value": peer,
        "ratio": own / peer,
        "goal": f"ratio <= {worst:g}" if worst else "",
        "ok": worst is None or own / peer <= worst,
    }
