"""Events and candles to store, and a child process to be cruel to."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from octopus_desktop.model.events import OrderAccepted, OrderFilled, OrderInitiated, OrderSubmitted
from octopus_desktop.model.identifiers import (
    ClientOrderId,
    InstrumentId,
    Interval,
    TradeId,
    VenueOrderId,
    new_client_order_id,
)
from octopus_desktop.model.market import Candles
from octopus_desktop.model.orders import Fill, OrderIntent, OrderType, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from octopus_desktop.model.events import AnyOrderEvent

BTC = InstrumentId("BTCUSDT.SIM")
CHECKOUT = Path(__file__).parents[3]


def intent(name: str | None = None, quantity: str = "0.3") -> OrderIntent:
    order = ClientOrderId(name) if name is not None else new_client_order_id()
    return OrderIntent(order, BTC, Side.BUY, OrderType.LIMIT, Decimal(quantity), Decimal("60000.10"))


def sent(name: str | None = None, ts_ns: int = 1) -> list[AnyOrderEvent]:
    """What the desk commits before an order leaves."""
    wanted = intent(name)
    return [OrderInitiated(wanted.client_order_id, ts_ns, wanted), OrderSubmitted(wanted.client_order_id, ts_ns)]


def accepted(name: str, ts_ns: int = 2) -> OrderAccepted:
    return OrderAccepted(ClientOrderId(name), ts_ns, VenueOrderId(f"v-{name}"))


def filled(name: str, trade: str, quantity: str = "0.1", ts_ns: int = 3) -> OrderFilled:
    fill = Fill(
        BTC,
        ClientOrderId(name),
        VenueOrderId(f"v-{name}"),
        TradeId(trade),
        Side.BUY,
        Decimal("60000.10"),
        Decimal(quantity),
        Decimal("0.0001"),
        "BTC",
        True,
        ts_ns,
    )
    return OrderFilled(ClientOrderId(name), ts_ns, fill, False)


def candles(count: int, *, first: int = 0, seed: int = 1, interval: Interval = Interval.M1) -> Candles:
    """`count` candles without a hole; `first` is the number of the first since the epoch."""
    columns = np.random.default_rng(seed).uniform(1, 100, (5, count))
    open_ns = (np.arange(count, dtype=np.int64) + first) * interval.ns
    return Candles(BTC, interval, open_ns, *columns)


def same(one: Candles, other: Candles) -> bool:
    columns = ("open_ns", "open", "high", "low", "close", "volume")
    return all(np.array_equal(getattr(one, column), getattr(other, column)) for column in columns)


@contextmanager
def child(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """`program` in an interpreter of its own, ended whatever happens here."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(Path(__file__).parent)])},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                close(stream)


def close(stream: IO[str]) -> None:
    try:
        stream.close()
    except BrokenPipeError:  # what was not read by a dead child
        pass


def line(process: subprocess.Popen[str]) -> str:
    """The next line it prints; its errors where it prints none."""
    assert process.stdout is not None
    assert process.stderr is not None
    text = process.stdout.readline().strip()
    if not text:
        process.wait(10)
        raise AssertionError(f"the child ended with {process.returncode}: {process.stderr.read()}")
    return text


def fill(disk: Path) -> Path:
    """Until not a byte more fits; the file to delete for room again."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 512):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    return ballast


MEND_HEAD = "UPDATE meta SET value = (SELECT seq || ' ' || hash FROM audit ORDER BY seq DESC) WHERE key = 'audit_head'"


def bend(path: Path, *statements: str) -> None:
    """What somebody with the file and a SQLite shell may do: the triggers are no hindrance to him."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("DROP TRIGGER audit_no_delete")
        for statement in statements:
            connection.execute(statement)
