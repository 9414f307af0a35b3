"""The tables `orders` and `fills`, written from the journal: every order is the fold of its own events."""

from __future__ import annotations

import sqlite3

from octopus_desktop.model.orders import Fill, Order
from octopus_desktop.state import State
from octopus_desktop.storage import schema
from octopus_desktop.storage.journal import decode
from octopus_desktop.storage.writer import Writer

_UPSERT_ORDER = schema.upsert_sql(schema.orders)
_UPSERT_FILL = schema.upsert_sql(schema.fills)
_UPSERT_META = schema.upsert_sql(schema.meta)
PROJECTED = "projected_seq"
_NEW = "SELECT seq, client_order_id FROM journal WHERE seq > ? ORDER BY seq"


class Projection:
    """How far it is stands in the file and changes in the same transaction, so that it catches up after a crash."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._asked = False

    def ask(self) -> None:
        """The journal grows: catch up when no order wants the disk. Any thread."""
        if not self._asked:
            self._asked = True  # before it is handed over: the writer may be quicker than this thread
            self._writer.when_idle(self._catch_up)

    def _catch_up(self, connection: sqlite3.Connection) -> None:
        """As far as it comes before an order wants the disk; the rest when that is done."""
        self._asked = False
        known = connection.execute("SELECT value FROM meta WHERE key = ?", (PROJECTED,)).fetchone()
        start = done = int(known[0]) if known else 0
        projected: set[str] = set()
        for seq, name in connection.execute(_NEW, (done,)).fetchall():
            if name not in projected:
                if projected and self._writer.is_wanted:
                    self.ask()
                    break
                projected.add(name)
                self._project(connection, name)
            done = seq
        if done > start:
            connection.execute(_UPSERT_META, (PROJECTED, str(done)))

    def _project(self, connection: sqlite3.Connection, name: str) -> None:
        state = State()
        told = connection.execute("SELECT payload FROM journal WHERE client_order_id = ? ORDER BY seq", (name,))
        for (payload,) in told:
            state.apply(decode(payload))
        connection.executemany(_UPSERT_ORDER, [_order_row(name, order) for order in state.orders.values()])
        connection.executemany(_UPSERT_FILL, [_fill_row(name, fill) for fill in state.fills])


def _order_row(name: str, order: Order) -> tuple[object, ...]:
    intent = order.intent
    return (
        name,
        order.venue_order_id,
        intent.instrument_id,
        intent.side.value,
        intent.type.value,
        intent.tif.value,
        str(intent.quantity),
        _text(intent.quote_quantity),
        _text(intent.price),
        _text(intent.trigger_price),
        intent.reduce_only,
        order.adopted,
        order.status.value,
        order.reason,
        str(order.filled_quantity),
        str(order.filled_notional),
        order.created_ns,
        order.updated_ns,
    )


def _fill_row(name: str, fill: Fill) -> tuple[object, ...]:
    """`name` is the order's: some venues tell a fill by their own order id alone."""
    return (
        fill.instrument_id,
        fill.trade_id,
        fill.side.value,
        name,
        fill.venue_order_id,
        str(fill.price),
        str(fill.quantity),
        str(fill.fee),
        fill.fee_asset,
        fill.is_maker,
        fill.ts_venue_ns,
    )


def _text(number: object | None) -> str | None:
    return None if number is None else str(number)
