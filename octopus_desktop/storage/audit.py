"""The audit table: who did and decided what, each entry bound to the one before it by a hash.

An edit breaks the hash of its entry, a deletion or a new order breaks the chain, and a tail that was cut off is missed
by the count and head that stand in `meta`, written in the same transaction. Who rewrites all of it, `meta` too, is
found out by a head that was noted elsewhere: the log has it at the end of each session, and `find` looks for it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from itertools import islice, takewhile
from pathlib import Path
from typing import Final

import msgspec

from octopus_desktop.model.errors import StorageError
from octopus_desktop.redaction import redact
from octopus_desktop.storage import schema
from octopus_desktop.storage.failures import translate
from octopus_desktop.storage.writer import Writer

GENESIS: Final = "0" * 64
"""What the first entry has for the hash before it."""
HEAD: Final = "audit_head"
ONCE: Final = 100
"""Entries written without looking whether an order waits for the disk."""

_INSERT: Final = schema.insert_sql(schema.audit)
_UPSERT_META: Final = schema.upsert_sql(schema.meta)
_ALL: Final = "SELECT seq, ts_ns, actor, kind, payload, previous, hash FROM audit ORDER BY seq"
_LAST: Final = (
    "SELECT * FROM (SELECT seq, ts_ns, actor, kind, payload, previous, hash FROM audit ORDER BY seq DESC LIMIT ?) "
    "ORDER BY seq"
)
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

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting: deque[_Waiting] = deque()
        self._asked = False

    def append(self, ts_ns: int, actor: str, kind: str, detail: object) -> None:
        self._waiting.append(_Waiting(ts_ns, actor, kind, detail))
        self._ask()

    def _ask(self) -> None:
        if not self._asked:
            self._asked = True  # before it is handed over: the writer may be quicker than this thread
            if not self._writer.later(self._write):
                self._asked = False

    def _write(self, connection: sqlite3.Connection) -> None:
        self._asked = False
        seq, previous = head(connection)
        batch = self._writer.batch
        # The head shows what an earlier transaction put into the file: only that may be forgotten. What a rollback
        # took back is written anew.
        while self._waiting and 0 < self._waiting[0].seq <= seq and self._waiting[0].batch != batch:
            self._waiting.popleft()
        written = sum(1 for _ in takewhile(lambda entry: 0 < entry.seq <= seq, self._waiting))
        rows: list[tuple[int, int, str, str, str, str, str]] = []
        for entry in islice(self._waiting, written, written + ONCE):
            seq += 1
            entry.seq, entry.batch = seq, batch
            payload = redact(_encoder.encode(entry.detail).decode())
            row = (seq, entry.ts_ns, entry.actor, entry.kind, payload, previous)
            previous = chained(*row)
            rows.append((*row, previous))
        if rows:
            connection.executemany(_INSERT, rows)
            connection.execute(_UPSERT_META, (HEAD, f"{seq} {previous}"))
        if len(self._waiting) > written + len(rows):
            self._ask()


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


# Read from beside a running session -----------------------------------------


def verify(path: Path) -> Verdict:
    """Every entry, one after the other. Raises StorageError where there is no audit to read."""
    with closing(_open(path)) as connection:
        connection.execute("BEGIN")  # one moment, whatever is written meanwhile
        count, previous = 0, GENESIS
        for entry in _entries(connection.execute(_ALL)):
            what = _wrong(entry, count + 1, previous)
            if what:
                return Verdict(count, previous, count + 1, what)
            count, previous = count + 1, entry.hash
        try:
            kept, last = head(connection)
        except ValueError:
            return Verdict(count, previous, count + 1, "the kept count and head are no longer readable")
        if (kept, last) == (count, previous):
            return Verdict(count, previous)
        if kept > count:
            return Verdict(count, previous, count + 1, f"the end was cut off: {kept} entries were written")
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
        raise StorageError(f"{path} has no audit yet: it is of an earlier version. Open it in the terminal once.")
    return connection
