"""The tables that other programs read are the fold of the journal."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from octopus_desktop.model.events import LogRecorded, OrderCanceled, Severity
from octopus_desktop.model.identifiers import ClientOrderId
from octopus_desktop.model.orders import Side
from octopus_desktop.storage import writer
from octopus_desktop.storage.database import Database
from octopus_desktop.storage.projection import Projection
from tests.unit.storage.stored import accepted, child, filled, line, sent

Open = Callable[[], Database]


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def until_there(path: Path, query: str) -> None:
    while not rows(path, query):
        time.sleep(0.01)


async def test_an_order_and_its_fills_are_rows(opened: Open, path: Path) -> None:
    """A spreadsheet that opens the file sees each order once with its end, and each fill once."""
    database = opened()
    await database.journal.commit(sent("od-1"))
    for event in (accepted("od-1"), filled("od-1", "7"), filled("od-1", "8", "0.2", ts_ns=9)):
        database.journal.record(event)
    await database.journal.commit(sent("od-2"))
    database.journal.record(OrderCanceled(ClientOrderId("od-2"), 11, "by hand"))
    database.flush()
    columns = "client_order_id, status, filled_quantity, price, reason, venue_order_id, updated_ns"
    assert rows(path, f"SELECT {columns} FROM orders ORDER BY client_order_id") == [
        ("od-1", "filled", "0.3", "60000.10", "", "v-od-1", 9),
        ("od-2", "canceled", "0", "60000.10", "by hand", None, 11),
    ]
    assert rows(path, "SELECT trade_id, quantity, fee, client_order_id FROM fills ORDER BY trade_id") == [
        ("7", "0.1", "0.0001", "od-1"),
        ("8", "0.2", "0.0001", "od-1"),
    ]


async def test_it_follows_from_session_to_session(opened: Open, path: Path) -> None:
    """A fill of today's session completes the order of yesterday's."""
    database = opened()
    await database.journal.commit(sent("od-1"))
    database.journal.record(filled("od-1", "7"))
    database.close()
    database = opened()
    database.journal.record(filled("od-1", "8", "0.2"))
    database.close()
    ((status, quantity),) = rows(path, "SELECT status, filled_quantity FROM orders")
    assert (status, Decimal(quantity)) == ("filled", Decimal("0.3"))


async def test_a_trade_with_oneself_is_two_fills(opened: Open, path: Path) -> None:
    """One trade at the venue, both sides ours, and a venue that names only its own orders: both fills are rows."""
    database = opened()
    for name, side in (("od-1", Side.BUY), ("od-2", Side.SELL)):
        await database.journal.commit(sent(name))
        event = filled(name, "7")
        fill = msgspec.structs.replace(event.fill, side=side, client_order_id=ClientOrderId(""))
        database.journal.record(msgspec.structs.replace(event, fill=fill))
    database.flush()
    assert rows(path, "SELECT trade_id, side, client_order_id FROM fills ORDER BY side") == [
        ("7", "buy", "od-1"),
        ("7", "sell", "od-2"),
    ]


async def test_it_waits_for_a_quiet_moment(opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While orders come the tables wait: what is kept for other programs holds no order up."""
    monkeypatch.setattr(writer, "QUIET_S", 600.0)
    database = opened()
    await database.journal.commit(sent("od-1"))
    database.repository.record_log(LogRecorded(Severity.INFO, "test", "a batch has been written", 1))
    await asyncio.to_thread(until_there, path, "SELECT 1 FROM log")
    assert rows(path, "SELECT client_order_id FROM orders") == []
    database.flush()
    assert rows(path, "SELECT client_order_id FROM orders") == [("od-1",)]


@pytest.mark.parametrize("limit", ["QUIET_S", "LATEST_S"])
async def test_it_comes_by_itself(opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """After a quiet moment, or where there is none after a while, the tables have the newest orders."""
    monkeypatch.setattr(writer, "QUIET_S", 600.0)
    monkeypatch.setattr(writer, limit, 0.01)
    database = opened()
    await database.journal.commit(sent("od-1"))
    await asyncio.to_thread(until_there, path, "SELECT 1 FROM orders")


async def test_an_order_goes_before_the_rest_of_it(opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long catching up stops after one order as soon as another wants the disk, and then goes on to the end."""
    monkeypatch.setattr(writer, "QUIET_S", 600.0)
    database = opened()
    database.flush()
    for number in range(20):
        await database.journal.commit(sent(f"od-{number}"))
    started, go_on = threading.Event(), threading.Event()
    seen: list[tuple[int, int]] = []
    plain = Projection._project

    def slowly(self: Projection, connection: sqlite3.Connection, name: str) -> None:
        started.set()
        go_on.wait(5)
        plain(self, connection, name)
        (journal,) = connection.execute("SELECT count(*) FROM journal").fetchone()
        (orders,) = connection.execute("SELECT count(*) FROM orders").fetchone()
        seen.append((orders, journal))

    monkeypatch.setattr(Projection, "_project", slowly)
    flushed = asyncio.create_task(asyncio.to_thread(database.flush))
    await asyncio.to_thread(started.wait, 5)
    urgent = asyncio.create_task(database.journal.commit(sent("urgent")))
    await asyncio.sleep(0)
    go_on.set()
    await urgent
    await flushed
    database.flush()
    assert seen == [(1, 40), *((number, 42) for number in range(2, 22))]


COMMIT_AND_DIE = """
import asyncio, sys
from pathlib import Path
from octopus_desktop.storage import writer
from octopus_desktop.model.orders import Side
from octopus_desktop.storage.database import open_database
from stored import sent

async def main():
    writer.BATCH_S = 600
    database = open_database(Path(sys.argv[1]))
    await database.journal.commit(sent("od-1"))
    print("committed", flush=True)
    sys.stdin.readline()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_it_catches_up_after_a_crash(opened: Open, path: Path) -> None:
    """An order that was in the journal when the program died, and not yet in the table, is there after the start."""
    with child(COMMIT_AND_DIE, path) as dying:
        assert line(dying) == "committed"
        dying.send_signal(signal.SIGKILL)
        dying.wait()
    assert rows(path, "SELECT count(*) FROM orders") == [(0,)]
    opened().flush()
    assert rows(path, "SELECT client_order_id, status FROM orders") == [("od-1", "submitted")]
