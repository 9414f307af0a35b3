"""The write-ahead log is moved into the data file beside the writer."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from octopus_desktop.storage import checkpoint
from octopus_desktop.storage import writer as writing
from octopus_desktop.storage.database import Database
from tests.unit.storage.stored import candles, sent

Open = Callable[[], Database]
PATIENCE_S = 20.0


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def in_the_file_alone(path: Path, aside: Path) -> int:
    """Entries of the journal that are found without the log; none where the copy fell into a checkpoint and is torn."""
    shutil.copy(path, aside)
    with closing(sqlite3.connect(aside)) as connection:
        try:
            (count,) = connection.execute("SELECT count(*) FROM journal").fetchone()
        except sqlite3.DatabaseError:
            return 0
    return int(count)


def test_what_was_written_gets_into_the_file_and_the_log_keeps_to_its_room(
    opened: Open, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it runs: more is written than the log has room for, and it is written over each time."""
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.02)
    database = opened()
    log = path.with_name(path.name + "-wal")
    wrote = 0
    for number in range(1, 100):
        database.repository.record_candles(candles(5_000, first=number * 5_000))
        asyncio.run(database.journal.commit(sent(f"od-{number}")))
        database.flush()
        wrote += 5_000 * 6 * 8
        if wrote > 2 * writing.LOG_BYTES:
            break
        until(lambda least=2 * number: in_the_file_alone(path, tmp_path / "copy") >= least)  # type: ignore[misc]
    assert wrote > 2 * writing.LOG_BYTES
    assert log.stat().st_size == writing.LOG_BYTES


def test_a_log_that_cannot_be_moved_is_told_once_and_orders_go_on(
    opened: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.01)
    tried: list[int] = []
    real = Engine.raw_connection

    def broken(engine: Engine) -> Any:
        tried.append(1)
        raise sqlite3.OperationalError("disk I/O error")

    caplog.set_level(logging.WARNING)
    database = opened()
    with monkeypatch.context() as trouble:
        trouble.setattr(Engine, "raw_connection", broken)
        until(lambda: len(tried) >= 3)
        asyncio.run(database.journal.commit(sent("od-1")))
    assert Engine.raw_connection is real
    told = [record for record in caplog.records if "could not be moved" in record.getMessage()]
    assert len(told) == 1
    assert len(database.journal.read()) == 2
