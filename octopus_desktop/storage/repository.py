"""What is kept beside the journal: balances, candles, the log, settings."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, select

from octopus_desktop.model.errors import DataCorrupt, StorageError
from octopus_desktop.model.events import BalanceChanged, LogRecorded, Severity
from octopus_desktop.model.identifiers import InstrumentId, Interval, Venue
from octopus_desktop.model.market import Candles
from octopus_desktop.model.queries import BalancePoint
from octopus_desktop.storage import candles as chunks
from octopus_desktop.storage import schema
from octopus_desktop.storage.failures import translate
from octopus_desktop.storage.writer import Row, Writer

logger = logging.getLogger(__name__)

T = TypeVar("T")

_INSERT_BALANCE = schema.insert_sql(schema.balances_history, without=("seq",))
_INSERT_LOG = schema.insert_sql(schema.log, without=("seq",))
_UPSERT_CHUNK = schema.upsert_sql(schema.candle_chunks)
_UPSERT_SETTING = schema.upsert_sql(schema.settings)
_SELECT_CHUNK: Final = "SELECT data FROM candle_chunks WHERE instrument_id = ? AND interval = ? AND start_ns = ?"


class SqliteRepository:
    """The Repository port. Reads run on a thread of their own, with a connection that can't write.

    Balances and log are written out before they are read, so that a pane shows what it was just told. Candles are
    not: whoever asks for them has the newest from the venue.
    """

    def __init__(self, writer: Writer, engine: Engine, path: Path) -> None:
        self._writer = writer
        self._engine = engine
        self._path = path
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="storage reader")
        self._connection: Connection | None = None
        self._closed = False
        self._balances: dict[tuple[Venue, str], tuple[Decimal, Decimal]] = {}

    # Written in batches -----------------------------------------------------

    def record_balance(self, event: BalanceChanged, ts_ns: int) -> None:
        balance = event.balance
        amounts = (balance.free, balance.locked)
        if self._balances.get((balance.venue, balance.asset)) == amounts:
            return  # the venue repeats itself after every reconnect
        self._balances[balance.venue, balance.asset] = amounts
        values = (ts_ns, balance.venue, balance.asset, str(balance.free), str(balance.locked))
        self._writer.later(Row(_INSERT_BALANCE, values))

    def record_log(self, line: LogRecorded) -> None:
        # A name from the file system may hold half a character, which no UTF-8 text can.
        text = line.text.encode("utf-8", "replace").decode()
        self._writer.later(Row(_INSERT_LOG, (line.ts_ns, line.severity.value, line.source, text)))

    def record_candles(self, candles: Candles) -> None:
        for start, chunk in chunks.split(candles):
            self._writer.later(partial(self._write_chunk, start, chunk))

    def _write_chunk(self, start: int, new: Candles, connection: sqlite3.Connection) -> None:
        place = (new.instrument_id, new.interval.value, start)
        row = connection.execute(_SELECT_CHUNK, place).fetchone()
        if row is not None:
            try:
                new = chunks.merged(chunks.unpack(new.instrument_id, new.interval, [row[0]]), new)
            except ValueError as error:
                logger.error("kept candles of %s %s at %d are replaced: %s", *place, error)
        connection.execute(_UPSERT_CHUNK, (*place, len(new), chunks.pack(new)))

    # Read -------------------------------------------------------------------

    async def candles(
        self, instrument_id: InstrumentId, interval: Interval, limit: int, end_ns: int | None = None
    ) -> Candles:
        return await self._read(partial(_candles, instrument_id, interval, limit, end_ns))

    async def balance_history(self, since_ns: int) -> list[BalancePoint]:
        await self._written()
        return await self._read(partial(_balance_history, since_ns))

    async def log(self, limit: int) -> list[LogRecorded]:
        await self._written()
        return await self._read(partial(_log, limit))

    async def setting(self, key: str) -> str | None:
        return await self._read(partial(_setting, key))

    def record_setting(self, key: str, value: str) -> None:
        self._writer.keep(Row(_UPSERT_SETTING, (key, value)))

    async def save_setting(self, key: str, value: str) -> None:
        await self._writer.commit([Row(_UPSERT_SETTING, (key, value))])

    async def _written(self) -> None:
        try:
            await asyncio.wrap_future(self._writer.flush())
        except StorageError as error:
            logger.warning("what is not written yet is not shown: %s", error)

    async def _read(self, read: Callable[[Connection], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader, self._on_reader, read)
        except RuntimeError as error:
            raise StorageError(f"{self._path} is closed: nothing more is read.") from error

    def _on_reader(self, read: Callable[[Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
                self._connection.exec_driver_sql("PRAGMA query_only=ON")
                self._connection.commit()
            with self._connection.begin():
                return read(self._connection)
        except Exception as error:
            raise translate(getattr(error, "orig", None) or error, self._path) from error

    def close(self) -> None:
        def close_connection() -> None:
            if self._connection is not None:
                self._connection.close()

        if not self._closed:
            self._closed = True
            self._reader.submit(close_connection).result()
            self._reader.shutdown()


def _candles(
    instrument_id: InstrumentId, interval: Interval, limit: int, end_ns: int | None, connection: Connection
) -> Candles:
    table = schema.candle_chunks.c
    query = select(table.count, table.data).where(
        table.instrument_id == instrument_id, table.interval == interval.value
    )
    if end_ns is not None:
        query = query.where(table.start_ns < end_ns)
    blobs: list[bytes] = []
    # The newest chunk may lie half behind `end_ns`: a chunk more than `limit` asks for.
    wanted = limit + chunks.CHUNK
    result = connection.execute(query.order_by(table.start_ns.desc()))
    try:
        for count, data in result:
            blobs.append(data)
            wanted -= count
            if wanted <= 0:
                break
    finally:
        result.close()
    try:
        kept = chunks.unpack(instrument_id, interval, blobs[::-1])
    except ValueError as error:
        raise DataCorrupt(f"Kept candles of {instrument_id} {interval.value} are damaged: {error}.") from error
    if end_ns is not None:
        kept = kept.before(end_ns)
    return kept.tail(limit)


def _balance_history(since_ns: int, connection: Connection) -> list[BalancePoint]:
    table = schema.balances_history.c
    query = (
        select(table.venue, table.asset, table.free, table.locked, table.ts_ns)
        .where(table.ts_ns >= since_ns)
        .order_by(table.ts_ns, table.seq)
    )
    return [
        BalancePoint(Venue(venue), asset, Decimal(free), Decimal(locked), ts_ns)
        for venue, asset, free, locked, ts_ns in connection.execute(query)
    ]


def _log(limit: int, connection: Connection) -> list[LogRecorded]:
    table = schema.log.c
    query = select(table.severity, table.source, table.text, table.ts_ns).order_by(table.seq.desc()).limit(limit)
    lines = [
        LogRecorded(Severity(severity), source, text, ts) for severity, source, text, ts in connection.execute(query)
    ]
    lines.reverse()
    return lines


def _setting(key: str, connection: Connection) -> str | None:
    query = select(schema.settings.c.value).where(schema.settings.c.key == key)
    value: str | None = connection.execute(query).scalar_one_or_none()
    return value
