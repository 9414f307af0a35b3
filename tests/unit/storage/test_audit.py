"""The audit shows every way of changing what it says."""

from __future__ import annotations

import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from octopus_desktop import cli, redaction
from octopus_desktop.model.errors import DiskFull, StorageError
from octopus_desktop.storage import audit, schema, upgrade
from octopus_desktop.storage import writer as writing
from octopus_desktop.storage.database import Database, connect, open_database
from tests.unit.storage.stored import child, line

Open = Callable[[], Database]


@pytest.fixture
def written(opened: Open, path: Path) -> Path:
    """A file with ten entries."""
    database = opened()
    for number in range(1, 11):
        database.audit.append(number, "trader", "command", {"number": number})
    database.close()
    return path


def bend(path: Path, *statements: str) -> None:
    """What somebody with the file and a SQLite shell may do: the triggers are no hindrance to him."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("DROP TRIGGER audit_no_delete")
        for statement in statements:
            connection.execute(statement)


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
    """Who rewrites the whole chain cannot make it end in, or contain, the head that was noted before."""
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
    assert audit.verify(written).broken is None, "the chain alone cannot show it"
    assert audit.find(written, noted) is None


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
