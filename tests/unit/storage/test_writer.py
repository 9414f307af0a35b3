"""The writer's promises when disks fill up, others hold the file, and processes die."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from octopus_desktop.model.errors import DiskFull, StorageError
from octopus_desktop.model.events import LogRecorded, OrderInitiated, Severity
from octopus_desktop.storage import writer as writing
from octopus_desktop.storage.database import Database, open_database
from octopus_desktop.storage.writer import Row
from tests.unit.storage.stored import accepted, candles, child, fill, line, sent

Open = Callable[[], Database]


def journal_of(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [f"{kind} {name}" for kind, name in connection.execute("SELECT kind, client_order_id FROM journal")]


# Killed ---------------------------------------------------------------------

COMMIT_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from octopus_desktop.storage.database import open_database
from stored import accepted, candles, sent

async def main():
    database = open_database(Path(sys.argv[1]))
    number = 0
    async def trader(own):
        nonlocal number
        while True:
            number += 1
            name = f"od-{number}"
            await database.journal.commit(sent(name))
            print(name, flush=True)
            database.journal.record(accepted(name))
            database.repository.record_candles(candles(300, first=number * 300))
    await asyncio.gather(*(trader(own) for own in range(4)))

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
@pytest.mark.parametrize("after", [1, 37, 150])
def test_every_acknowledged_order_survives_a_kill(opened: Open, path: Path, after: int) -> None:
    """kill -9 in the middle of commits: every order the program was told is safe is there, and whole."""
    with child(COMMIT_FOR_EVER, path) as busy:
        acknowledged = [line(busy) for _ in range(after)]
        busy.send_signal(signal.SIGKILL)
        busy.wait()
        assert busy.stdout is not None
        acknowledged += [name for name in busy.stdout.read().split("\n") if name.startswith("od-")][:-1]
    events = opened().journal.read()
    kept = [event.client_order_id for event in events if isinstance(event, OrderInitiated)]
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))
    for name in kept:
        kinds = [type(event).__name__ for event in events if event.client_order_id == name]
        assert kinds[:2] == ["OrderInitiated", "OrderSubmitted"], "an intent is never kept without its submission"


# Disk full ------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


async def test_a_full_disk_stops_orders_and_loses_nothing(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No order is told to be safe while the disk is full; what happened meanwhile is written once there is room."""
    monkeypatch.setattr(writing, "RETRY_S", 0.05)
    path = small_disk / "octopus.db"
    database = open_database(path)
    try:
        await database.journal.commit(sent("od-1"))
        database.flush()
        ballast = fill(small_disk)
        refused = []
        for number in range(2, 60):
            try:
                await database.journal.commit(sent(f"od-{number}"))
            except DiskFull as error:
                refused.append((f"od-{number}", str(error)))
        assert refused, "the log of 2 MB had no end"
        assert all("Free some space" in text for _, text in refused)
        database.journal.record(accepted("od-1"))
        database.repository.record_log(LogRecorded(Severity.INFO, "test", "while full", 5))
        several = await asyncio.gather(
            *(database.journal.commit(sent(f"late-{number}")) for number in range(5)), return_exceptions=True
        )
        assert [type(outcome) for outcome in several] == [DiskFull] * 5, "every waiter is told"
        with pytest.raises(DiskFull):
            database.flush()

        ballast.unlink()
        await database.journal.commit(sent("od-after"))
        database.flush()
    finally:
        database.close()
    kept = journal_of(path)
    assert "OrderAccepted od-1" in kept
    assert kept[-2:] == ["OrderInitiated od-after", "OrderSubmitted od-after"]
    for name, _ in refused:
        assert f"OrderInitiated {name}" not in kept, "what was refused never turns up later"
    reopened = open_database(path)
    try:
        assert [one.text for one in await reopened.repository.log(10)] == ["while full"]
    finally:
        reopened.close()
    told = [record.getMessage() for record in caplog.records if "nothing can be written" in record.getMessage()]
    assert 1 <= len(told) <= 3, "the log is not flooded while the disk is full"


LIMITED = """
import asyncio, resource, signal, sys
from pathlib import Path
from octopus_desktop.model.errors import DiskFull
from octopus_desktop.storage.database import open_database
from stored import sent

async def main():
    database = open_database(Path(sys.argv[1]))
    await database.journal.commit(sent("od-1"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    try:
        for number in range(2, 1000):
            await database.journal.commit(sent(f"od-{number}"))
    except DiskFull as error:
        print("full", flush=True)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await database.journal.commit(sent("od-after"))
    database.close()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits on Windows")
def test_a_quota_is_a_refusal_too(path: Path, opened: Open) -> None:
    """A limit on the size of files refuses the order like a full disk, and writing goes on when it is lifted."""
    with child(LIMITED, path) as limited:
        said = line(limited)
        assert said == "full" or said.startswith("StorageError"), said
        assert limited.wait(30) == 0
    names = [event.client_order_id for event in opened().journal.read()]
    assert names[0] == "od-1"
    assert names[-1] == "od-after"


# Somebody else holds the file -----------------------------------------------


async def test_another_writer_delays_and_then_refuses(
    opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database browser with an open transaction: the order waits, is refused with a reason, later ones go on."""
    monkeypatch.setattr(writing, "RETRY_S", 0.05)
    monkeypatch.setattr("octopus_desktop.storage.database.BUSY_S", 0.2)
    database = opened()
    database.flush()
    with closing(sqlite3.connect(path, isolation_level=None)) as browser:
        browser.execute("BEGIN IMMEDIATE")
        database.journal.record(accepted("od-0"))
        with pytest.raises(StorageError, match="another program"):
            await database.journal.commit(sent("od-1"))
        waiting = asyncio.create_task(database.journal.commit(sent("od-2")))
        await asyncio.sleep(0.05)
        browser.execute("ROLLBACK")
        await waiting
    assert journal_of(path) == ["OrderAccepted od-0", "OrderInitiated od-2", "OrderSubmitted od-2"]


async def test_a_reader_never_delays_an_order(opened: Open, path: Path) -> None:
    """Somebody reads the file with another tool for minutes: orders are kept all the same."""
    database = opened()
    database.flush()
    with closing(sqlite3.connect(path, isolation_level=None)) as browser:
        browser.execute("BEGIN")
        assert browser.execute("SELECT count(*) FROM journal").fetchone() == (0,)
        await database.journal.commit(sent("od-1"))
        assert browser.execute("SELECT count(*) FROM journal").fetchone() == (0,), "it sees one moment"
        browser.execute("COMMIT")
        assert browser.execute("SELECT count(*) FROM journal").fetchone() == (2,)


# Order and grouping ---------------------------------------------------------


async def test_what_happened_stands_in_its_order(opened: Open, path: Path) -> None:
    """What was recorded before a commit stands before it in the journal."""
    database = opened()
    await database.journal.commit(sent("od-1"))
    database.journal.record(accepted("od-1"))
    await database.journal.commit(sent("od-2"))
    database.journal.record(accepted("od-2"))
    database.flush()
    kinds = ["OrderInitiated", "OrderSubmitted", "OrderAccepted"]
    assert journal_of(path) == [f"{kind} od-{number}" for number in (1, 2) for kind in kinds]


async def test_waiting_commits_share_a_transaction(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelling and replacing a ladder of orders does not wait for the disk once an order."""
    transactions = 0
    plain = writing._transaction
    gate = threading.Event()

    def counted(connection: sqlite3.Connection) -> object:
        nonlocal transactions
        transactions += 1
        gate.wait(5)
        return plain(connection)

    database = opened()
    database.flush()
    monkeypatch.setattr(writing, "_transaction", counted)
    waiting = [asyncio.create_task(database.journal.commit(sent(f"od-{number}"))) for number in range(50)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*waiting)
    assert transactions <= 3
    assert len(database.journal.read()) == 100


async def test_an_order_goes_before_a_pile_of_candles(opened: Open) -> None:
    """A year of history on its way to the disk holds an order up for one chunk at most."""
    database = opened()
    database.flush()
    started, go_on = threading.Event(), threading.Event()
    seen: list[int] = []

    def chunk(connection: sqlite3.Connection) -> None:
        if not seen:
            started.set()
            go_on.wait(5)
        (orders,) = connection.execute("SELECT count(*) FROM journal").fetchone()
        seen.append(orders)

    for _ in range(20):
        database._writer.later(chunk)
    await asyncio.to_thread(started.wait, 5)
    waiting = asyncio.create_task(database.journal.commit(sent("od-1")))
    await asyncio.sleep(0)
    go_on.set()
    await waiting
    database.flush()
    assert seen == [0] + [2] * 19


async def test_a_row_that_cannot_be_written_harms_no_other(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    """One broken record is dropped with a line in the log; its neighbours are written."""
    database = opened()
    insert = "INSERT INTO settings (key, value) VALUES (?, ?)"
    for number in range(3):
        database._writer.later(Row(insert, (f"key {number}", "kept")))
    database._writer.later(Row(insert, ("key 3", object())))
    database._writer.keep(Row(insert, ("lone surrogate", "\udcff")))
    for number in range(4, 7):
        database._writer.keep(Row(insert, (f"key {number}", "kept")))
    database.flush()
    assert [await database.repository.setting(f"key {number}") for number in range(7)] == [
        *["kept"] * 3,
        None,
        *["kept"] * 3,
    ]
    assert await database.repository.setting("lone surrogate") is None
    assert len([record for record in caplog.records if "cannot be written" in record.getMessage()]) == 2


async def test_a_refused_commit_does_not_take_others_with_it(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    """Of two commits in one transaction the sound one succeeds."""
    database = opened()
    insert = "INSERT INTO settings (key, value) VALUES (?, ?)"
    good, bad = await asyncio.gather(
        database._writer.commit([Row(insert, ("good", "1"))]),
        database._writer.commit([Row(insert, ("bad", object()))]),
        return_exceptions=True,
    )
    assert good is None
    assert isinstance(bad, StorageError)
    assert await database.repository.setting("good") == "1"


async def test_a_disk_that_stays_full_costs_log_lines_and_no_order(
    opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Hours without room fill no memory: the newest log lines go, events of orders and their rows do not."""
    monkeypatch.setattr(writing, "RETRY_S", 0.02)
    monkeypatch.setattr(writing, "KEPT_WAITING", 50)
    database = opened()
    database.flush()
    plain = writing._transaction

    def full(connection: sqlite3.Connection) -> object:
        raise DiskFull("full")

    monkeypatch.setattr(writing, "_transaction", full)
    for number in range(200):
        database.repository.record_log(LogRecorded(Severity.INFO, "test", str(number), number))
    for event in sent("od-1"):
        database.journal.record(event)
    with pytest.raises(DiskFull):
        database.flush()
    monkeypatch.setattr(writing, "_transaction", plain)
    database.flush()
    assert [line.text for line in await database.repository.log(500)] == [str(number) for number in range(50)]
    assert "lines of log, balances and candles were dropped" in caplog.text
    assert journal_of(path) == ["OrderInitiated od-1", "OrderSubmitted od-1"]
    database.journal.record(accepted("od-1"))
    database.flush()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT status FROM orders").fetchall() == [("accepted",)]


async def test_a_disk_that_is_full_is_told_once(
    opened: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows that come meanwhile, and orders for which the log still has room, do not tell that it is written again."""
    caplog.set_level(logging.INFO, logger=writing.__name__)
    monkeypatch.setattr(writing, "RETRY_S", 0.02)
    monkeypatch.setattr(writing, "BATCH_S", 0.005)
    database = opened()
    database.flush()
    plain = writing._transaction

    def full(connection: sqlite3.Connection) -> object:
        raise DiskFull("full")

    monkeypatch.setattr(writing, "_transaction", full)
    for number in range(30):
        database.repository.record_log(LogRecorded(Severity.INFO, "test", str(number), number))
        await asyncio.sleep(0.01)
        if number % 10 == 9:
            await database.journal.commit(sent(f"od-{number}"))

    def said() -> list[str]:
        return [record.levelname for record in caplog.records if record.name == writing.__name__]

    assert said() == ["ERROR"]
    monkeypatch.setattr(writing, "_transaction", plain)
    database.flush()
    for _ in range(500):  # it is told behind the flush
        if len(said()) > 1:
            break
        await asyncio.sleep(0.01)
    assert said() == ["ERROR", "INFO"]


async def test_nothing_is_accepted_after_the_end(opened: Open) -> None:
    """An order that comes while the program ends is refused, not lost."""
    database = opened()
    database.close()
    with pytest.raises(StorageError, match="closed"):
        await database.journal.commit(sent("od-1"))
    with pytest.raises(StorageError, match="closed"):
        await database.repository.setting("key")


def test_closing_writes_what_is_left(opened: Open, path: Path) -> None:
    """Closing the window a moment after a fill keeps the fill, and leaves one file of it behind."""
    database = opened()
    database.journal.record(accepted("od-1"))
    database.repository.record_candles(candles(2000))
    database.close()
    assert journal_of(path) == ["OrderAccepted od-1"]
    assert sorted(part.name for part in path.parent.iterdir()) == ["octopus.db", "octopus.db.heads", "octopus.db.lock"]


async def test_a_caller_that_gave_up_stops_nobody(opened: Open) -> None:
    """A task that is cancelled while it waits for the disk leaves the writer at work."""
    database = opened()
    waiting = asyncio.create_task(database.journal.commit(sent("od-1")))
    await asyncio.sleep(0)
    waiting.cancel()
    await database.journal.commit(sent("od-2"))
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_a_loop_that_is_gone_stops_nobody(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    """An engine that ended in the middle of a commit leaves the writer at work for what follows."""
    caplog.set_level(logging.ERROR)
    database = opened()
    loop = asyncio.new_event_loop()
    told = threading.Event()
    plain = database._writer._write_requests

    def late(requests: list[writing._Durable]) -> None:
        told.wait(5)
        plain(requests)

    database._writer._write_requests = late  # type: ignore[method-assign]
    task = loop.create_task(database.journal.commit(sent("od-1")))
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    told.set()
    database.flush()
    assert len(database.journal.read()) == 2
    assert any("could not be told" in record.getMessage() for record in caplog.records)


def test_the_log_has_room_before_the_first_order(opened: Open, path: Path) -> None:
    """An order's sync waits for its bytes and for no file that grows."""
    database = opened()
    log = path.with_name(path.name + "-wal")
    room = log.stat().st_size
    assert room == writing.LOG_BYTES
    assert log.stat().st_mode & 0o077 == 0
    asyncio.run(database.journal.commit(sent("od-1")))
    assert log.stat().st_size == room
    assert len(database.journal.read()) == 2


def test_a_disk_that_is_nearly_full_keeps_its_room_for_orders(
    opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=writing.LOG_BYTES)
    monkeypatch.setattr(writing.shutil, "disk_usage", lambda _: usage)
    opened()
    assert path.with_name(path.name + "-wal").stat().st_size < writing.LOG_BYTES
