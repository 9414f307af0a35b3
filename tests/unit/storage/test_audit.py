"""The audit shows every way of changing what it says."""

from __future__ import annotations

import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from octopus_desktop import cli, redaction
from octopus_desktop.model.errors import DiskFull, StorageError
from octopus_desktop.model.events import OrderCancelRequested, TradingLevelChanged
from octopus_desktop.model.identifiers import ClientOrderId
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.storage import audit, heads, schema, upgrade
from octopus_desktop.storage import writer as writing
from octopus_desktop.storage.database import Database, connect, open_database
from tests.unit.storage.stored import MEND_HEAD, accepted, bend, child, line, sent

Open = Callable[[], Database]


def test_what_was_appended_is_there_in_order(written: Path) -> None:
    """The audit of a session reads as it happened, and is sound."""
    entries = list(audit.read(written))
    assert [msgspec.json.decode(entry.payload)["number"] for entry in entries] == list(range(1, 11))
    verdict = audit.verify(written)
    assert (verdict.count, verdict.broken, verdict.head) == (10, None, entries[-1].hash)
    assert [entry.seq for entry in audit.read(written, 3)] == [8, 9, 10]


def test_the_chain_goes_on_in_the_next_session(opened: Open, written: Path) -> None:
    """A session continues the chain of the one before it."""
    database = opened()
    database.audit.append(11, "program", "program", {"what": "started"})
    database.close()
    assert audit.verify(written) == audit.Verdict(11, list(audit.read(written))[-1].hash)


def test_it_is_append_only(written: Path) -> None:
    """No program changes or deletes an entry by the way."""
    with closing(sqlite3.connect(written)) as connection:
        for act in ("UPDATE audit SET kind = ''", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(act)


@pytest.mark.parametrize(
    ("statements", "broken", "what"),
    [
        (["UPDATE audit SET payload = '{}' WHERE seq = 4"], 4, "changed"),
        (["UPDATE audit SET ts_ns = 99 WHERE seq = 1"], 1, "changed"),
        (["UPDATE audit SET ts_ns = 'noon' WHERE seq = 1"], 1, "changed"),
        (["UPDATE audit SET actor = x'00' WHERE seq = 2"], 2, "changed"),
        (["UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 3) WHERE seq = 4"], 4, "changed"),
        (["DELETE FROM audit WHERE seq = 5"], 5, "missing"),
        (["DELETE FROM audit WHERE seq BETWEEN 5 AND 7"], 5, "5 to 7 are missing"),
        (["DELETE FROM audit WHERE seq = 5", "UPDATE audit SET seq = seq - 1 WHERE seq > 5"], 5, "follow"),
        (
            [
                "UPDATE audit SET seq = 100 WHERE seq = 6",
                "UPDATE audit SET seq = 6 WHERE seq = 7",
                "UPDATE audit SET seq = 7 WHERE seq = 100",
            ],
            6,
            "follow",
        ),
        (["DELETE FROM audit WHERE seq > 8"], 9, "cut off: 10"),
        (["DELETE FROM audit"], 1, "cut off: 10"),
        (["DELETE FROM audit WHERE seq = 1"], 1, "missing"),
        (["DELETE FROM meta WHERE key = 'audit_head'"], 10, "where the chain was left"),
        (["UPDATE meta SET value = 'none' WHERE key = 'audit_head'"], 11, "no longer readable"),
    ],
)
def test_every_change_shows(written: Path, statements: list[str], broken: int, what: str) -> None:
    """An edit, a deletion, another order, a cut tail: the check names the first entry that is not as it was."""
    bend(written, *statements)
    verdict = audit.verify(written)
    assert verdict.broken == broken
    assert what in verdict.what


def test_an_audit_written_anew_is_found_out_by_a_noted_head(written: Path) -> None:
    """Who rewrites the whole chain cannot make it end in, or contain, a head that was noted before: beside the file,
    or where he cannot reach."""
    noted = audit.verify(written).head
    with closing(sqlite3.connect(written)) as connection:
        rows = connection.execute("SELECT seq, ts_ns, actor, kind, payload FROM audit ORDER BY seq").fetchall()
    previous, forged = audit.GENESIS, []
    for row in rows:
        changed = (*row[:4], '{"number":0}', previous)
        previous = audit.chained(*changed)
        forged.append(f"UPDATE audit SET payload = '{changed[4]}', previous = '{changed[5]}', hash = '{previous}' "
                      f"WHERE seq = {row[0]}")  # fmt: skip
    bend(written, *forged, f"UPDATE meta SET value = '10 {previous}' WHERE key = 'audit_head'")
    verdict = audit.verify(written)
    assert (verdict.broken, "noted in octopus.db.heads" in verdict.what) == (10, True)
    heads.heads_of(written).unlink()
    assert audit.verify(written).broken is None, "the chain alone cannot show it"
    assert audit.find(written, noted) is None


async def test_what_is_committed_is_on_the_disk_and_its_head_noted(
    opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No batch is waited for, however much there is; and a batch alone notes nothing, as it syncs nothing."""
    monkeypatch.setattr(writing, "BATCH_S", 600.0)
    database = opened()
    for number in range(1, 251):
        database.audit.append(number, "trader", "command", {"number": number})
    await database.audit.commit()
    assert audit.verify(path).count == 250
    assert heads.read(path)[-1][1:] == (250, audit.verify(path).head)
    database.audit.append(251, "trader", "command", {"number": 251})
    database.flush()
    assert heads.read(path)[-1].seq == 250
    await database.audit.commit()
    assert heads.read(path)[-1].seq == 251
    numbers = [msgspec.json.decode(entry.payload)["number"] for entry in audit.read(path)]
    assert numbers == list(range(1, 252))


async def test_a_commit_on_a_disk_that_fails_loses_nothing(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and written with the first batch that can be; no head is noted that is not there."""
    monkeypatch.setattr(writing, "RETRY_S", 0.01)
    database = opened()
    plain = writing._transaction

    def failing(_: sqlite3.Connection) -> Any:
        raise DiskFull("full")

    monkeypatch.setattr(writing, "_transaction", failing)
    database.audit.append(1, "trader", "command", {"number": 1})
    with pytest.raises(DiskFull):
        await database.audit.commit()
    monkeypatch.setattr(writing, "_transaction", plain)
    assert [head.seq for head in heads.read(database.path)] == [0]
    database.flush()
    assert audit.verify(database.path).count == 1


# What a crash took -----------------------------------------------------------


COMMIT_AND_DIE = """
import asyncio, os, sys
from pathlib import Path
from octopus_desktop.model.commands import SubmitOrder
from octopus_desktop.storage.database import open_database
from stored import sent
database = open_database(Path(sys.argv[1]))
first, submitted = sent("od-1", 5)
async def order():
    database.audit.append(4, "trader", "command", SubmitOrder(first.intent))
    await database.journal.commit([first, submitted])
    os._exit(9)
asyncio.run(order())
"""


def recovered(path: Path) -> list[tuple[int, str, str]]:
    """Time, kind of event, and whose."""
    found = [(entry.ts_ns, entry.kind, msgspec.json.decode(entry.payload)) for entry in audit.read(path)]
    return [
        (ts_ns, detail["event"]["type"], detail["event"].get("client_order_id", ""))
        for ts_ns, kind, detail in found
        if kind == "recovered"
    ]


def test_an_order_that_the_audit_lost_is_copied_from_the_journal(opened: Open, path: Path) -> None:
    """The program died right after the order was written, before the audit's batch: the next start adds it, marked as
    such and with its own time, once."""
    with child(COMMIT_AND_DIE, path) as dying:
        assert dying.wait(60) == 9
    assert audit.verify(path).count == 0
    opened().close()
    assert recovered(path) == [(5, "OrderInitiated", "od-1")]
    (entry,) = audit.read(path)
    assert (entry.actor, msgspec.json.decode(entry.payload)["entry"]) == ("program", 1)
    assert audit.verify(path).broken is None
    opened().close()
    assert audit.verify(path).count == 1


async def test_only_what_is_missing_is_copied(opened: Open, path: Path) -> None:
    """Not an order whose decision is there, not one made elsewhere; a cancel, a level and an algo where they are
    younger than the last entry."""
    database = opened()
    there, _ = sent("od-1", 10)
    lost, _ = sent("od-2", 10)
    elsewhere = msgspec.structs.replace(sent("od-3", 10)[0], adopted=True)
    database.audit.append(11, "risk", "risk", {"approved": True, "reason": "", "order": there.intent})
    before, after = OrderCancelRequested(ClientOrderId("od-1"), 9), OrderCancelRequested(ClientOrderId("od-2"), 12)
    level = TradingLevelChanged(TradingLevel.HALTED, "You set it.", 13)
    await database.journal.commit([there, lost, elsewhere, before, after, level, accepted("od-2", 14)])
    database.close()
    opened().close()
    assert recovered(path) == [
        (10, "OrderInitiated", "od-2"),
        (12, "OrderCancelRequested", "od-2"),
        (13, "TradingLevelChanged", ""),
    ]


async def test_orders_from_before_the_audit_are_not_missing_in_it(
    opened: Open, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file of a version without it: nothing was lost there. What a crash takes from then on is copied."""
    database = opened()
    await database.journal.commit([sent(f"od-{number}", number)[0] for number in range(1, 200)])
    database.close()
    bend(path, "DELETE FROM meta WHERE key IN ('audit_covered', 'audit_head', 'audit_noted')")
    database = opened()
    assert "the audit lacked" not in caplog.text
    await database.journal.commit([sent("od-new", 500)[0]])
    database.close()
    assert recovered(path) == []
    opened().close()
    assert recovered(path) == [(500, "OrderInitiated", "od-new")]


def test_an_audit_that_was_changed_keeps_nobody_from_starting(
    opened: Open, written: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The check tells what was done to it; trading goes on."""
    bend(
        written,
        "UPDATE audit SET payload = 'none', ts_ns = 'noon' WHERE seq = 10",
        "UPDATE meta SET value = 'none' WHERE key = 'audit_head'",
        "UPDATE meta SET value = '0 0' WHERE key = 'audit_covered'",
    )
    opened().close()
    assert "its head cannot be read" in caplog.text
    assert audit.verify(written).broken == 10


def test_a_damaged_file_takes_its_heads_along(opened: Open, written: Path) -> None:
    """The empty one that follows is not held against what the damaged one had."""
    written.write_bytes(b"\0" * 100_000)
    opened().close()
    (aside,) = written.parent.glob(f"{written.name}.damaged-*[0-9]")
    assert [head.seq for head in heads.read(aside)] == [0, 10]
    assert {head.seq for head in heads.read(written)} == {0}
    assert audit.verify(written).broken is None


def test_a_secret_never_gets_in(opened: Open, path: Path) -> None:
    """A key that somehow stands in a command is taken out before it is chained."""
    redaction.protect("canary-of-the-audit-1")
    database = opened()
    database.audit.append(1, "trader", "command", {"note": "canary-of-the-audit-1", "secret": "another"})
    database.close()
    (entry,) = audit.read(path)
    assert "canary" not in entry.payload
    assert "another" not in entry.payload
    assert audit.verify(path).broken is None


def test_a_disk_that_fails_loses_and_doubles_nothing(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of the time when nothing could be written come once, in order, as soon as it can."""
    monkeypatch.setattr(writing, "RETRY_S", 0.01)
    database = opened()
    database.flush()
    plain = writing._transaction
    fails = 0

    class Failing:
        """A transaction whose commit fails, after everything in it was done."""

        def __init__(self, connection: sqlite3.Connection) -> None:
            self._connection = connection

        def __enter__(self) -> sqlite3.Connection:
            self._connection.execute("BEGIN IMMEDIATE")
            return self._connection

        def __exit__(self, *_: object) -> None:
            nonlocal fails
            fails += 1
            self._connection.execute("ROLLBACK")
            raise DiskFull("full")

    monkeypatch.setattr(writing, "_transaction", Failing)
    for number in range(1, 251):
        database.audit.append(number, "trader", "command", {"number": number})
        if number % 100 == 0:
            with pytest.raises(DiskFull):
                database.flush()
    monkeypatch.setattr(writing, "_transaction", plain)
    database.flush()
    database.audit.append(251, "trader", "command", {"number": 251})
    database.close()
    assert fails >= 2
    entries = list(audit.read(database.path))
    assert [msgspec.json.decode(entry.payload)["number"] for entry in entries] == list(range(1, 252))
    assert audit.verify(database.path).broken is None


APPEND_AND_DIE = """
import sys, time
from pathlib import Path
from octopus_desktop.storage.database import open_database
database = open_database(Path(sys.argv[1]))
for number in range(1, 100_000):
    database.audit.append(number, "trader", "command", {"number": number})
    if number % 50 == 0:
        database.flush()
        print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_kill_leaves_a_sound_chain(opened: Open, path: Path) -> None:
    """kill -9 in the middle: what was written is there, sound, and the next session continues it."""
    with child(APPEND_AND_DIE, path) as busy:
        for _ in range(5):
            written = int(line(busy))
        busy.send_signal(signal.SIGKILL)
        busy.wait()
    database = opened()
    database.audit.append(1, "program", "program", {"number": 0})
    database.close()
    verdict = audit.verify(path)
    assert verdict.broken is None
    assert verdict.count > written
    numbers = [msgspec.json.decode(entry.payload)["number"] for entry in audit.read(path)]
    assert numbers == [*range(1, len(numbers)), 0]


def test_a_running_session_can_be_checked(opened: Open, path: Path) -> None:
    """`audit verify` beside an open terminal sees one sound moment and delays nothing."""
    database = opened()
    database.audit.append(1, "program", "program", {})
    database.flush()
    assert audit.verify(path).count == 1


def test_a_file_of_the_first_version_is_upgraded(path: Path) -> None:
    """A file from before the audit keeps its orders, is backed up, and gets an empty audit."""
    path.parent.mkdir()
    engine = connect(path)
    upgrade.upgrade(path, engine, head="0001")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO journal (ts_ns, kind, client_order_id, payload) VALUES (1, 'x', 'od-1', 'y')"
        )
    engine.dispose()
    with pytest.raises(StorageError, match="no audit yet"):
        audit.verify(path)
    engine = connect(path)
    upgrade.upgrade(path, engine)
    engine.dispose()
    assert upgrade.revision(path) == schema.REVISION
    backup = path.with_name(f"{path.name}.before-{schema.REVISION}.bak")
    assert upgrade.revision(backup) == "0001"
    for file in (path, backup):
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT client_order_id FROM journal").fetchall() == [("od-1",)]
    assert audit.verify(path) == audit.Verdict(0, audit.GENESIS)


# The command ----------------------------------------------------------------


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    database = open_database(tmp_path / "profiles" / "demo" / "octopus.db")
    for number in range(1, 4):
        database.audit.append(number * 1_000_000_000, "trader", "command", {"text": f"a, b {number}"})
    database.close()
    return tmp_path


def test_verify_says_one_line(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command answers with a line and an exit code that a script can use."""
    assert cli.main(["audit", "verify", "--data-dir", str(data_dir)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("ok: 3 entries, none changed, head ")
    head = said.split()[-1]
    assert cli.main(["audit", "verify", "--data-dir", str(data_dir), "--head", head]) == 0
    assert cli.main(["audit", "verify", "--data-dir", str(data_dir), "--head", "0" * 64]) == 1
    capsys.readouterr()
    bend(data_dir / "profiles" / "demo" / "octopus.db", "UPDATE audit SET kind = 'x' WHERE seq = 2")
    assert cli.main(["audit", "verify", "--data-dir", str(data_dir)]) == 1
    said = capsys.readouterr().out
    assert said.startswith("BROKEN at entry 2 ")
    assert said.count("\n") == 1


def test_verify_reads_the_noted_heads_by_itself(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cut tail is BROKEN though its count was mended; without the heads the command says what it cannot see."""
    path = data_dir / "profiles" / "demo" / "octopus.db"
    bend(path, "DELETE FROM audit WHERE seq > 1", MEND_HEAD)
    assert cli.main(["audit", "verify", "--data-dir", str(data_dir)]) == 1
    assert capsys.readouterr().out.startswith("BROKEN at entry 2 ")
    heads.heads_of(path).unlink()
    assert cli.main(["audit", "verify", "--data-dir", str(data_dir)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("ok: 1 entries")
    assert "octopus.db.heads" in told.err


def test_verify_without_a_file_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped folder is an error, not a sound audit."""
    assert cli.main(["audit", "verify", "--data-dir", str(tmp_path)]) == 1
    assert "no data file" in capsys.readouterr().err


def test_show_and_export(data_dir: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The last entries on the screen, all of them in a file for a spreadsheet or a script."""
    assert cli.main(["audit", "show", "--limit", "2", "--data-dir", str(data_dir)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in shown] == ["2", "3"]
    assert "1970-01-01T00:00:03.000Z trader" in shown[1]
    out = tmp_path / "audit.csv"
    assert cli.main(["audit", "export", "--out", str(out), "--data-dir", str(data_dir)]) == 0
    assert out.read_text().splitlines()[1].split(",", 4)[:4] == ["1", "1970-01-01T00:00:01.000Z", "trader", "command"]
    capsys.readouterr()
    assert cli.main(["audit", "export", "--format", "jsonl", "--data-dir", str(data_dir)]) == 0
    rows = [msgspec.json.decode(row) for row in capsys.readouterr().out.splitlines()]
    assert [msgspec.json.decode(row["payload"])["text"] for row in rows] == ["a, b 1", "a, b 2", "a, b 3"]
