"""The order journal: what happened to our orders, in order, for ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import Engine, select

from octopus_desktop.model.errors import DataCorrupt
from octopus_desktop.model.events import AlgoEvent, JournalEvent, OrderEvent
from octopus_desktop.storage import schema
from octopus_desktop.storage.failures import translate
from octopus_desktop.storage.writer import Row, Writer

_INSERT = schema.insert_sql(schema.journal, without=("seq",))
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[JournalEvent] = msgspec.json.Decoder(JournalEvent)


def encode(event: JournalEvent) -> str:
    return _encoder.encode(event).decode()


def decode(payload: str) -> JournalEvent:
    """Raises msgspec.DecodeError (or a subclass) where it is no order event of this version."""
    return _decoder.decode(payload)


class SqliteJournal:
    """The Journal port. `written` is called for each event on its way to the file."""

    def __init__(self, writer: Writer, engine: Engine, path: Path, written: Callable[[], None]) -> None:
        self._writer = writer
        self._engine = engine
        self._path = path
        self._written = written

    async def commit(self, events: Sequence[JournalEvent]) -> None:
        self._written()
        await self._writer.commit([_row(event) for event in events])

    def record(self, event: JournalEvent) -> None:
        self._writer.keep(_row(event))
        self._written()

    def read(self) -> list[JournalEvent]:
        table = schema.journal.c
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(select(table.seq, table.payload).order_by(table.seq)).fetchall()
        except Exception as error:
            raise translate(_cause(error), self._path) from error
        events = []
        for seq, payload in rows:
            try:
                events.append(decode(payload))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise DataCorrupt(
                    f"Entry {seq} of the order journal in {self._path} cannot be read ({error}). Nothing was changed. "
                    "Move the file away to start without its history; the venue's orders and balances are then "
                    "fetched again."
                ) from error
        return events


def _row(event: JournalEvent) -> Row:
    return Row(_INSERT, (event.ts_ns, type(event).__name__, _subject(event), encode(event)))


def _subject(event: JournalEvent) -> str:
    """Whose events are read together: an order's, an algo's, or nobody's."""
    if isinstance(event, OrderEvent):
        return event.client_order_id
    return event.algo_id if isinstance(event, AlgoEvent) else ""


def _cause(error: Exception) -> BaseException:
    """SQLAlchemy wraps what the driver raised."""
    original: BaseException | None = getattr(error, "orig", None)
    return original or error
