"""The audit table: who did and decided what, each entry bound to the one before it by a hash.

An edit breaks the hash of its entry, a deletion or a new order breaks the chain, and a tail that was cut off is missed
by the count and head that stand in `meta`, written in the same transaction. Who mends `meta` as well is found out by
the heads that are noted beside the file (`heads`). Who edits those, too, leaves nothing here that could show it: only a
head that somebody keeps elsewhere, out of the log or of `audit verify`, and looks for with `find`.

Entries come with the writer's batches, so a program that dies takes the last ones with it. What the order journal has
of them is added at the next start: `recover`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from typing import Final

import msgspec

from octopus_desktop.model.errors import StorageError
from octopus_desktop.redaction import redact
from octopus_desktop.storage import heads, schema
from octopus_desktop.storage.failures import translate
from octopus_desktop.storage.writer import Writer

logger = logging.getLogger(__name__)

GENESIS: Final = "0" * 64
"""What the first entry has for the hash before it."""
HEAD: Final = "audit_head"
NOTED: Final = "audit_noted"
"""When a head was last put on the disk to be noted outside."""
COVERED: Final = "audit_covered"
"""The last entry of the journal, and of the audit, when the audit had all of the journal that belongs into it."""
ONCE: Final = 100
"""Entries written without looking whether an order waits for the disk."""

_INSERT: Final = schema.insert_sql(schema.audit)
_UPSERT_META: Final = schema.upsert_sql(schema.meta)
_ALL: Final = "SELECT seq, ts_ns, actor, kind, payload, previous, hash FROM audit ORDER BY seq"
_LAST: Final = (
    "SELECT * FROM (SELECT seq, ts_ns, actor, kind, payload, previous, hash FROM audit ORDER BY seq DESC LIMIT ?) "
    "ORDER BY seq"
)
_DEEDS: Final = (
    *("OrderInitiated", "OrderCancelRequested", "TradingLevelChanged", "KillProgressed"),
    *("AlgoStarted", "AlgoPaused", "AlgoResumed", "AlgoStopping"),
)
"""What the journal has of commands and decisions; the rest is what came of them."""
_JOURNALED: Final = (
    "SELECT seq, ts_ns, kind, client_order_id, payload FROM journal WHERE seq > ? "  # noqa: S608  # no text of others
    f"AND kind IN ({', '.join(repr(kind) for kind in _DEEDS)}) "
    "AND typeof(ts_ns) = 'integer' AND typeof(payload) = 'text' ORDER BY seq"
)
_DECIDED: Final = "SELECT payload FROM audit WHERE seq > ? AND kind IN ('risk', 'recovered')"
_LAST_TIME: Final = "SELECT ts_ns FROM audit ORDER BY seq DESC LIMIT 1"
_LAST_JOURNALED: Final = "SELECT coalesce(max(seq), 0) FROM journal"
_encoder: Final = msgspec.json.Encoder(enc_hook=str)


class AuditEntry(msgspec.Struct, frozen=True):
    """`payload` is JSON; `hash` covers everything else."""

    seq: int
    ts_ns: int
    actor: str
    kind: str
    payload: str
    previous: str
    hash: str


class _NoTable(StorageError):
    pass


class Verdict(msgspec.Struct, frozen=True):
    """`broken` is the first entry that is not as it was written, `what` says what was done to it."""

    count: int
    head: str
    broken: int | None = None
    what: str = ""


class _Waiting:
    __slots__ = ("actor", "batch", "detail", "kind", "seq", "ts_ns")

    def __init__(self, ts_ns: int, actor: str, kind: str, detail: object) -> None:
        self.ts_ns = ts_ns
        self.actor = actor
        self.kind = kind
        self.detail = detail
        self.seq = 0
        self.batch = 0
        """Its place in the table and the transaction, once it was tried to be put there."""


class SqliteAudit:
    """The Audit port. Entries are put into words, redacted and chained on the writer's thread."""

    def __init__(self, writer: Writer, path: Path) -> None:
        self._writer = writer
        self._path = path
        self._waiting: deque[_Waiting] = deque()
        self._asked = False

    def append(self, ts_ns: int, actor: str, kind: str, detail: object) -> None:
        self._waiting.append(_Waiting(ts_ns, actor, kind, detail))
        self._ask()

    async def commit(self) -> None:
        """The head is then noted outside, too. A few entries at a time: an order may share the transaction."""
        last = self._waiting[-1] if self._waiting else None
        reached: list[tuple[int, str]] = []

        def write(connection: sqlite3.Connection) -> None:
            reached.append(self._chain(connection))
            # What a batch had written before is on the disk only with a commit that changes something.
            connection.execute(_UPSERT_META, (NOTED, str(time.time_ns())))

        try:
            await self._writer.commit([write])
            while last is not None and not 0 < last.seq <= reached[-1][0]:
                await self._writer.commit([write])
        except StorageError:
            self._ask()  # with a batch, as soon as there is a disk again
            raise
        await asyncio.to_thread(heads.note, self._path, *reached[-1])

    def _ask(self) -> None:
        if not self._asked:
            self._asked = True  # before it is handed over: the writer may be quicker than this thread
            if not self._writer.later(self._write):
                self._asked = False

    def _write(self, connection: sqlite3.Connection) -> None:
        self._asked = False
        seq, _ = self._chain(connection)
        if self._waiting and not 0 < self._waiting[-1].seq <= seq:
            self._ask()

    def _chain(self, connection: sqlite3.Connection) -> tuple[int, str]:
        """Up to ONCE entries that wait. Count and last hash then."""
        seq, previous = head(connection)
        batch = self._writer.batch
        # The head shows what an earlier transaction put into the file: only that may be forgotten. What a rollback
        # took back is written anew.
        while self._waiting and 0 < self._waiting[0].seq <= seq and self._waiting[0].batch != batch:
            self._waiting.popleft()
        waiting = list(self._waiting)  # whoever appends meanwhile does not wait for it
        written = sum(1 for _ in takewhile(lambda entry: 0 < entry.seq <= seq, waiting))
        rows: list[tuple[int, int, str, str, str, str, str]] = []
        for entry in waiting[written : written + ONCE]:
            rows.append(_row(seq, previous, entry.ts_ns, entry.actor, entry.kind, entry.detail))
            seq, previous = rows[-1][0], rows[-1][-1]
            entry.seq, entry.batch = seq, batch
        _insert(connection, rows)
        return seq, previous


def _row(
    seq: int, previous: str, ts_ns: int, actor: str, kind: str, detail: object
) -> tuple[int, int, str, str, str, str, str]:
    """The one behind the entry `seq`, whose hash is `previous`."""
    row = (seq + 1, ts_ns, actor, kind, redact(_encoder.encode(detail).decode()), previous)
    return (*row, chained(*row))


def _insert(connection: sqlite3.Connection, rows: list[tuple[int, int, str, str, str, str, str]]) -> None:
    if rows:
        connection.executemany(_INSERT, rows)
        connection.execute(_UPSERT_META, (HEAD, f"{rows[-1][0]} {rows[-1][-1]}"))


def chained(seq: int, ts_ns: int, actor: str, kind: str, payload: str, previous: str) -> str:
    """SHA-256 in hex over all of an entry, as a JSON array so that no two entries read the same."""
    return hashlib.sha256(msgspec.json.encode((previous, seq, ts_ns, actor, kind, payload))).hexdigest()


def head(connection: sqlite3.Connection) -> tuple[int, str]:
    """Count and last hash, as they were kept with the last entry."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (HEAD,)).fetchone()
    if row is None:
        return 0, GENESIS
    count, _, last = str(row[0]).partition(" ")
    return int(count), last


# At a start ------------------------------------------------------------------


class _Named(msgspec.Struct):
    client_order_id: str = ""
    adopted: bool = False


class _Decided(msgspec.Struct):
    """Of an entry about an order: risk's decision, or what was recovered."""

    order: _Named | None = None
    event: _Named | None = None


class _Recovered(msgspec.Struct, frozen=True):
    """`entry` is its number in the journal, `recovered_ns` when it was copied from there."""

    entry: int
    recovered_ns: int
    event: msgspec.Raw


def begin(connection: sqlite3.Connection, path: Path) -> None:
    """Before anything of a session is appended: what an earlier one lost is recovered, and the head noted."""
    connection.execute("PRAGMA synchronous=FULL")  # what is noted must be on the disk
    connection.execute("BEGIN IMMEDIATE")
    try:
        recovered = recover(connection, time.time_ns())
        connection.execute(_UPSERT_META, (NOTED, str(time.time_ns())))
        seq, last = head(connection)
        connection.execute("COMMIT")
    except ValueError as error:
        connection.execute("ROLLBACK")
        logger.error("the audit of %s was changed, its head cannot be read: %s", path, error)
        return
    except BaseException:
        if connection.in_transaction:  # SQLite ends it by itself where the disk is full
            connection.execute("ROLLBACK")
        raise
    if recovered:
        logger.warning("the audit lacked entries of the order journal, which were copied: %d", recovered)
    try:
        noted = heads.last(path)
        if noted is not None and not _has(connection, noted):
            logger.error("%s has not the audit that was noted; octopus-desktop audit verify tells more", path)
        heads.thin(path, lambda head: _has(connection, head))
    except StorageError as error:
        logger.warning("the noted heads of the audit are not looked at: %s", error)
    heads.note(path, seq, last)


def recover(connection: sqlite3.Connection, now_ns: int) -> int:
    """Appends what the journal has and the audit lacks, with the time it had then; how many entries that were.

    Orders are known by name. The rest is missing where it is younger than the last entry: entries never overtake each
    other. Raises ValueError where the audit's own numbers cannot be read.
    """
    seq, previous = head(connection)
    journal_seq, audit_seq = _covered(connection, seq)
    deeds = connection.execute(_JOURNALED, (journal_seq,)).fetchall()
    row = connection.execute(_LAST_TIME).fetchone() if deeds else None
    last_ns = int(row[0]) if row is not None else 0
    known = _orders_in(connection, audit_seq) if deeds else set()
    rows: list[tuple[int, int, str, str, str, str, str]] = []
    for entry, ts_ns, kind, name, payload in deeds:
        if _is_wanted_here(payload) and (name not in known if kind == "OrderInitiated" else ts_ns > last_ns):
            detail = _Recovered(entry, now_ns, msgspec.Raw(payload.encode()))
            rows.append(_row(seq, previous, ts_ns, "program", "recovered", detail))
            seq, previous = rows[-1][0], rows[-1][-1]
    _insert(connection, rows)
    (journaled,) = connection.execute(_LAST_JOURNALED).fetchone()
    connection.execute(_UPSERT_META, (COVERED, f"{journaled} {seq}"))
    return len(rows)


def _covered(connection: sqlite3.Connection, count: int) -> tuple[int, int]:
    """The last entries, of the journal and of the audit, that are not looked at. `count` is that of the audit's."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (COVERED,)).fetchone()
    if row is not None:
        journaled, _, audited = str(row[0]).partition(" ")
        return int(journaled), int(audited)
    if count:
        return 0, 0
    # Every session with an audit has left its mark before its first entry: these orders are from before the audit.
    (journaled,) = connection.execute(_LAST_JOURNALED).fetchone()
    return int(journaled), 0


def _orders_in(connection: sqlite3.Connection, after: int) -> set[str]:
    found = set()
    for (payload,) in connection.execute(_DECIDED, (after,)):
        try:
            decided = msgspec.json.decode(payload, type=_Decided)
        except (msgspec.DecodeError, TypeError):
            continue  # it was changed, which the check tells; it is no proof of an order
        found |= {one.client_order_id for one in (decided.order, decided.event) if one is not None}
    return found


def _is_wanted_here(payload: str) -> bool:
    """Not made elsewhere, where nobody here asked for it; nor what the journal's reader will refuse."""
    try:
        return not msgspec.json.decode(payload, type=_Named).adopted
    except msgspec.DecodeError:
        return False


def _has(connection: sqlite3.Connection, noted: heads.Head) -> bool:
    if not noted.seq:
        return True
    row = connection.execute("SELECT hash FROM audit WHERE seq = ?", (noted.seq,)).fetchone()
    return row is not None and row[0] == noted.hash


# Read from beside a running session -----------------------------------------


def verify(path: Path) -> Verdict:
    """Every entry, one after the other, and the heads that were noted. Raises StorageError where there is no audit."""
    noted: dict[int, set[str]] = {}
    for one in heads.read(path):  # before the file: what is noted is in it
        if one.seq:
            noted.setdefault(one.seq, set()).add(one.hash)
    most = max(noted, default=0)
    try:
        connection = _open(path)
    except _NoTable:
        if most:
            return Verdict(0, GENESIS, 1, f"its table is gone: {most} entries were written")
        raise
    with closing(connection):
        connection.execute("BEGIN")  # one moment, whatever is written meanwhile
        count, previous = 0, GENESIS
        for entry in _entries(connection.execute(_ALL)):
            what = _wrong(entry, count + 1, previous)
            if not what and noted.get(entry.seq, {entry.hash}) != {entry.hash}:
                what = f"it is not the one whose hash was noted in {heads.heads_of(path).name}"
            if what:
                return Verdict(count, previous, count + 1, what)
            count, previous = count + 1, entry.hash
        try:
            kept, last = head(connection)
        except ValueError:
            return Verdict(count, previous, count + 1, "the kept count and head are no longer readable")
        if max(kept, most) > count:
            return Verdict(count, previous, count + 1, f"the end was cut off: {max(kept, most)} entries were written")
        if (kept, last) == (count, previous):
            return Verdict(count, previous)
        return Verdict(count, previous, count or 1, "it is not where the chain was left")


def _wrong(entry: AuditEntry, seq: int, previous: str) -> str:
    if entry.seq != seq:
        return "it is missing" if entry.seq == seq + 1 else f"entries {seq} to {entry.seq - 1} are missing"
    if entry.previous != previous:
        return "it does not follow on the entry before it"
    if entry.hash != chained(entry.seq, entry.ts_ns, entry.actor, entry.kind, entry.payload, entry.previous):
        return "it was changed"
    return ""


def find(path: Path, hash_: str) -> int | None:
    """The entry with this hash, noted at some time as the head."""
    with closing(_open(path)) as connection:
        row = connection.execute("SELECT seq FROM audit WHERE hash = ?", (hash_,)).fetchone()
        return int(row[0]) if row else None


def read(path: Path, limit: int | None = None) -> Iterator[AuditEntry]:
    """Oldest first: all, or the last `limit`. Raises StorageError where there is no audit to read."""
    with closing(_open(path)) as connection:
        yield from _entries(connection.execute(_ALL) if limit is None else connection.execute(_LAST, (limit,)))


def _entries(rows: sqlite3.Cursor) -> Iterator[AuditEntry]:
    for seq, ts_ns, *texts in rows:
        # SQLite keeps whatever type an edit gave it: that breaks the hash, and must not break the reader.
        yield AuditEntry(seq, ts_ns, *(str(text) for text in texts))


def _open(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise StorageError(f"There is no data file {path}. Name the session's --profile and --data-dir.")
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=2)
    except sqlite3.Error as error:
        raise translate(error, path) from error
    try:
        connection.execute("PRAGMA query_only=ON")
        there = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'audit'").fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise translate(error, path) from error
    if there is None:
        connection.close()
        raise _NoTable(f"{path} has no audit yet: it is of an earlier version. Open it in the terminal once.")
    return connection
