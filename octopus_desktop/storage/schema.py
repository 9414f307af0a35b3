"""The tables of the data file.

Money is TEXT, as the venue wrote it: a REAL would round it. Times are INTEGER, UTC nanoseconds. The order journal is
the truth; `orders` and `fills` are written from it for whoever reads the file with other tools.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BLOB, Boolean, Column, Index, Insert, Integer, MetaData, Table, Text
from sqlalchemy.dialects import sqlite

REVISION: Final = "0002"
"""The migration that brings a file to these tables."""

metadata: Final = MetaData()

journal: Final = Table(
    "journal",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("ts_ns", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("client_order_id", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Index("journal_by_order", "client_order_id"),
)
"""Append-only, by triggers too. `payload` is the event as JSON, `kind` its type."""

orders: Final = Table(
    "orders",
    metadata,
    Column("client_order_id", Text, primary_key=True),
    Column("venue_order_id", Text),
    Column("instrument_id", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("tif", Text, nullable=False),
    Column("quantity", Text, nullable=False),
    Column("quote_quantity", Text),
    Column("price", Text),
    Column("trigger_price", Text),
    Column("reduce_only", Boolean, nullable=False),
    Column("adopted", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("filled_quantity", Text, nullable=False),
    Column("filled_notional", Text, nullable=False),
    Column("created_ns", Integer, nullable=False),
    Column("updated_ns", Integer, nullable=False),
)

fills: Final = Table(
    "fills",
    metadata,
    Column("instrument_id", Text, primary_key=True),
    Column("trade_id", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("client_order_id", Text, nullable=False),
    Column("venue_order_id", Text, nullable=False),
    Column("price", Text, nullable=False),
    Column("quantity", Text, nullable=False),
    Column("fee", Text, nullable=False),
    Column("fee_asset", Text, nullable=False),
    Column("is_maker", Boolean, nullable=False),
    Column("ts_venue_ns", Integer, nullable=False),
    Index("fills_by_time", "ts_venue_ns"),
)
"""A trade of ours with ourselves is one trade at the venue and two fills here, so the side belongs to its key."""

audit: Final = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("ts_ns", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""Append-only, by triggers and by the chain of hashes that `audit` explains."""

balances_history: Final = Table(
    "balances_history",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("ts_ns", Integer, nullable=False),
    Column("venue", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("free", Text, nullable=False),
    Column("locked", Text, nullable=False),
    Index("balances_by_time", "ts_ns"),
)

candle_chunks: Final = Table(
    "candle_chunks",
    metadata,
    Column("instrument_id", Text, primary_key=True),
    Column("interval", Text, primary_key=True),
    Column("start_ns", Integer, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("data", BLOB, nullable=False),
)
"""`data` is laid out by `candles`."""

settings: Final = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Texts of the window's, and what else is small and named."""

log: Final = Table(
    "log",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("ts_ns", Integer, nullable=False),
    Column("severity", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("text", Text, nullable=False),
)

meta: Final = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Of the file itself: `program` is the version that wrote it last, `projected_seq` how far the projection is,
`audit_head` the count and last hash of the audit."""


def insert_sql(table: Table, *, without: tuple[str, ...] = ()) -> str:
    """An INSERT of every column but `without`, with `?` for each, in the table's order."""
    columns = [column.name for column in table.columns if column.name not in without]
    return _text(sqlite.insert(table).values(dict.fromkeys(columns)))


def upsert_sql(table: Table) -> str:
    """An INSERT of every column that replaces the row with the same primary key."""
    insert = sqlite.insert(table).values(dict.fromkeys(column.name for column in table.columns))
    changed = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    return _text(insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed))


def _text(insert: Insert) -> str:
    return str(insert.compile(dialect=sqlite.dialect(paramstyle="qmark")))
