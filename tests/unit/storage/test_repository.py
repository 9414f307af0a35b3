"""What is kept beside the journal, and read back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octopus_desktop.model.account import Balance
from octopus_desktop.model.errors import DataCorrupt, StorageError
from octopus_desktop.model.events import BalanceChanged, LogRecorded, Severity
from octopus_desktop.model.identifiers import Interval, Venue
from octopus_desktop.model.market import Candles
from octopus_desktop.storage import candles as chunks
from octopus_desktop.storage import database as opening
from octopus_desktop.storage.database import Database
from tests.unit.storage.stored import BTC, candles, same

Open = Callable[[], Database]


def balance(free: str, asset: str = "USDT") -> BalanceChanged:
    return BalanceChanged(Balance(Venue("SIM"), asset, Decimal(free), Decimal("0.10"), 1))


async def test_balances_are_kept_to_the_last_digit(opened: Open) -> None:
    """A balance of eight decimals comes back as the venue wrote it."""
    database = opened()
    database.repository.record_balance(balance("0.10000000"), 5)
    (point,) = await database.repository.balance_history(0)
    assert str(point.free) == "0.10000000"
    assert str(point.locked) == "0.10"
    assert point.ts_ns == 5


async def test_a_balance_told_again_is_one_point(opened: Open) -> None:
    """The venue repeats every balance at each reconnect; the history has the changes."""
    database = opened()
    for ts_ns, free in enumerate(["1", "1", "2", "1"]):
        database.repository.record_balance(balance(free), ts_ns)
    history = await database.repository.balance_history(0)
    assert [(point.ts_ns, point.free) for point in history] == [(0, Decimal(1)), (2, Decimal(2)), (3, Decimal(1))]
    assert [point.ts_ns for point in await database.repository.balance_history(2)] == [2, 3]


async def test_the_log_of_earlier_sessions_is_there(opened: Open) -> None:
    """The log pane shows the last lines of yesterday, oldest first."""
    first = opened()
    for number in range(5):
        first.repository.record_log(LogRecorded(Severity.WARNING, "engine", f"line {number}", number))
    first.close()
    lines = await opened().repository.log(3)
    assert [line.text for line in lines] == ["line 2", "line 3", "line 4"]
    assert lines[0] == LogRecorded(Severity.WARNING, "engine", "line 2", 2)


async def test_a_log_line_of_any_text_is_kept(opened: Open) -> None:
    """A file name in a broken encoding does not take its log line with it."""
    database = opened()
    database.repository.record_log(LogRecorded(Severity.INFO, "engine", "caf\udce9 \x00 ☕", 1))
    (line,) = await database.repository.log(1)
    assert line.text == "caf? \x00 ☕"


async def test_the_log_does_not_grow_for_ever(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start keeps the newest lines and forgets the oldest."""
    monkeypatch.setattr(opening, "KEPT_LOG_LINES", 10)
    first = opened()
    for number in range(25):
        first.repository.record_log(LogRecorded(Severity.INFO, "engine", str(number), number))
    first.close()
    lines = await opened().repository.log(100)
    assert [line.text for line in lines] == [str(number) for number in range(15, 25)]


async def test_settings_are_durable_when_told(opened: Open, path: Path) -> None:
    """A layout that was saved is in the file, replaced by the next one."""
    database = opened()
    await database.repository.save_setting("layout", "one")
    await database.repository.save_setting("layout", "zwei ☕")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT value FROM settings").fetchall() == [("zwei ☕",)]
    assert await database.repository.setting("layout") == "zwei ☕"
    assert await database.repository.setting("colour") is None


# Candles --------------------------------------------------------------------


async def test_candles_come_back_as_they_were(opened: Open) -> None:
    """A chart drawn from the disk is the chart that was drawn from the venue."""
    database = opened()
    history = candles(5000, first=700)
    database.repository.record_candles(history)
    database.flush()
    kept = await database.repository.candles(BTC, Interval.M1, 5000)
    assert same(kept, history)
    assert kept.open_ns.dtype == np.int64
    assert kept.close.dtype == np.float64


async def test_the_newest_before_a_time(opened: Open) -> None:
    """Scrolling back asks for some candles before the oldest on screen, and gets exactly those."""
    database = opened()
    history = candles(5000)
    database.repository.record_candles(history)
    database.flush()
    for end, limit in ((3000, 10), (1024, 1024), (1025, 2000), (4999, 1), (0, 5), (9000, 3)):
        kept = await database.repository.candles(BTC, Interval.M1, limit, end * Interval.M1.ns)
        low, high = max(0, min(end, 5000) - limit), min(end, 5000)
        assert same(kept, history.before(high * Interval.M1.ns).tail(high - low)), (end, limit)


async def test_series_do_not_mix(opened: Open) -> None:
    """Hours are not shown among minutes."""
    database = opened()
    database.repository.record_candles(candles(10))
    database.repository.record_candles(candles(7, interval=Interval.H1))
    database.flush()
    assert len(await database.repository.candles(BTC, Interval.M1, 100)) == 10
    assert len(await database.repository.candles(BTC, Interval.H1, 100)) == 7
    assert len(await database.repository.candles(BTC, Interval.D1, 100)) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), min_size=1, max_size=8))
def test_pieces_in_any_order_make_one_history(pieces: list[tuple[int, int]]) -> None:
    """History fetched in overlapping pieces, older after newer, with holes: each candle once, the newest word of it."""
    whole: dict[int, float] = {}
    kept: dict[int, Candles] = {}
    plain = chunks.CHUNK
    chunks.CHUNK = 16  # type: ignore[misc]  # several chunks with few candles
    try:
        for seed, (first, count) in enumerate(pieces):
            piece = candles(count, first=first, seed=seed)
            whole.update(zip(piece.open_ns.tolist(), piece.close.tolist(), strict=True))
            for start, new in chunks.split(piece):
                blob = chunks.pack(chunks.merged(kept[start], new) if start in kept else new)
                kept[start] = chunks.unpack(BTC, Interval.M1, [blob])
                assert len(kept[start]) <= 16
        series = chunks.unpack(BTC, Interval.M1, [chunks.pack(kept[start]) for start in sorted(kept)])
    finally:
        chunks.CHUNK = plain  # type: ignore[misc]
    assert series.open_ns.tolist() == sorted(whole)
    assert series.close.tolist() == [whole[open_ns] for open_ns in sorted(whole)]


async def test_damaged_candles_are_an_error_and_then_replaced(
    opened: Open, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A chunk cut short is told, not drawn; fetching it again mends it."""
    database = opened()
    history = candles(100)
    database.repository.record_candles(history)
    database.flush()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE candle_chunks SET data = substr(data, 1, 1001)")
    with pytest.raises(DataCorrupt, match=BTC):
        await database.repository.candles(BTC, Interval.M1, 100)
    database.repository.record_candles(history)
    database.flush()
    assert same(await database.repository.candles(BTC, Interval.M1, 100), history)
    assert "are replaced" in caplog.text


async def test_a_chunk_on_disk_is_little_endian_columns(opened: Open, path: Path) -> None:
    """Other tools can read the candles by what the schema says of them."""
    database = opened()
    history = candles(3, first=5)
    database.repository.record_candles(history)
    database.flush()
    with closing(sqlite3.connect(path)) as connection:
        count, blob = connection.execute("SELECT count, data FROM candle_chunks").fetchone()
    assert count == 3
    assert np.frombuffer(blob[:24], "<i8").tolist() == history.open_ns.tolist()
    assert np.frombuffer(blob[-24:], "<f8").tolist() == history.volume.tolist()


async def test_reading_cannot_write(opened: Open) -> None:
    """Whatever a pane asks for, only the writer changes the file."""
    database = opened()

    def sneak(connection: object) -> None:
        connection.exec_driver_sql("DELETE FROM settings")  # type: ignore[attr-defined]

    with pytest.raises(StorageError, match="cannot be written"):
        await database.repository._read(sneak)
