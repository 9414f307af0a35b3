"""Opening the data file: the first time, again, and when something is wrong with it."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from octopus_desktop.model.errors import DataFromFuture, DataInUse, DiskFull, StorageError
from octopus_desktop.model.events import OrderInitiated
from octopus_desktop.storage import schema, upgrade
from octopus_desktop.storage.database import Database, connect, open_database
from tests.unit.storage.stored import child, line, sent

Open = Callable[[], Database]


async def test_everything_is_there_after_a_restart(opened: Open) -> None:
    """Orders of yesterday's session are known when the terminal opens today."""
    first = opened()
    events = sent("od-1") + sent("od-2")
    await first.journal.commit(events)
    first.close()
    assert opened().journal.read() == events


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_nobody_else_can_read_it(opened: Open, path: Path) -> None:
    """Other users of the machine can't look at a trader's orders."""
    opened().flush()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for part in path.parent.iterdir():
        assert stat.S_IMODE(part.stat().st_mode) == 0o600, part


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_a_file_that_others_could_read_is_closed_to_them(opened: Open, path: Path) -> None:
    """A data file copied back with a loose mode is private again after the next start."""
    opened().close()
    path.chmod(0o644)
    opened()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_migrations_make_the_tables_of_the_schema(opened: Open, path: Path) -> None:
    """A file of a fresh start and the code that reads it agree on every table and column."""
    opened().close()
    engine = connect(path)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == schema.REVISION
    engine.dispose()


def test_the_journal_cannot_be_rewritten(opened: Open, path: Path) -> None:
    """No program, this one included, changes what once happened to an order."""
    database = opened()
    database.journal.record(sent("od-1")[0])
    database.close()
    with closing(sqlite3.connect(path)) as connection:
        for act in ("UPDATE journal SET kind = ''", "DELETE FROM journal"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(act)


# Two at once ----------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from types import SimpleNamespace
from octopus_desktop.storage.database import open_database
database = open_database(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.readline()
"""


def test_a_second_instance_is_told_who_has_the_file(path: Path) -> None:
    """Starting the terminal twice on one profile names the process that is there already, and harms nothing."""
    with child(HOLD, path) as holder:
        assert line(holder) == "open"
        with pytest.raises(DataInUse, match=str(holder.pid)) as refused:
            open_database(path)
        assert "--profile or --data-dir" in str(refused.value)


def test_a_killed_instance_leaves_no_lock(path: Path) -> None:
    """After a crash the terminal starts again at once; there is no lock file to delete by hand."""
    with child(HOLD, path) as holder:
        assert line(holder) == "open"
        holder.kill()
        holder.wait()
        open_database(path).close()


# Damage ---------------------------------------------------------------------


def test_a_damaged_file_is_set_aside(opened: Open, path: Path) -> None:
    """Bytes gone bad on the disk: the file is kept under a name the notice tells, and this start has a new one."""
    opened().close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        for page in range(1, size // 4096):
            file.seek(page * 4096)
            file.write(b"\xde\xad\xbe\xef" * 64)
    damaged = path.read_bytes()
    database = opened()
    (aside,) = path.parent.glob("octopus.db.damaged-*[0-9]")
    assert database.replaced is not None
    assert f"It is kept as {aside}" in database.replaced.notice
    assert "settings and limits begin anew" in database.replaced.notice
    assert aside.read_bytes() == damaged
    assert aside.with_name(f"{aside.name}.heads").exists()
    assert database.journal.read() == []
    database.told()
    database.close()
    assert opened().replaced is None, "the next start has nothing to tell"


def test_what_can_be_read_of_a_damaged_file_is_given_on(opened: Open, path: Path) -> None:
    """The journal is gone, the limits beside it are not; a text that is none any more takes nothing else down."""
    database = opened()
    database.repository.record_setting("risk.limits", "{}")
    database.close()
    spoil(path, "journal")
    database = opened()
    assert database.replaced is not None
    assert database.replaced.settings == {"risk.limits": "{}"}
    assert "settings and limits were read out of it" in database.replaced.notice
    database.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO settings VALUES ('a', CAST(x'ff' AS TEXT))")
    spoil(path, "journal")
    database = opened()
    assert database.replaced is not None
    assert database.replaced.settings == {}


def test_a_start_that_ended_too_soon_leaves_the_loss_to_the_next(
    opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the file was set aside: before there is a new one, or when that knows nothing of it yet."""
    database = opened()
    database.repository.record_setting("risk.limits", "{}")
    database.close()
    spoil(path, "journal")
    with monkeypatch.context() as killed:
        killed.setattr("octopus_desktop.storage.database.connect", _killed)
        with pytest.raises(StorageError):
            open_database(path)
    path.unlink()
    first = opened()
    first.close()
    second = opened()
    assert first.replaced is not None
    assert second.replaced == first.replaced
    assert second.replaced.settings == {"risk.limits": "{}"}
    (aside,) = path.parent.glob("octopus.db.damaged-*[0-9]")
    assert f"It is kept as {aside}" in second.replaced.notice
    second.told()
    second.close()
    assert opened().replaced is None


def test_killed_in_the_middle_of_setting_aside_the_next_start_does_it(
    opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note is out of the way and the file is not: it is damaged still, and what was left is cleared away."""
    opened().close()
    spoil(path, "journal")
    rename = Path.rename

    def some(self: Path, target: Path) -> Path:
        if self == path:
            raise OSError("killed")
        return rename(self, target)

    with monkeypatch.context() as killed:
        killed.setattr(Path, "rename", some)
        with pytest.raises(StorageError):
            open_database(path)
    monkeypatch.setattr("time.strftime", lambda *_: "20990101-000000")  # a moment later
    database = opened()
    assert database.replaced is not None
    database.told()
    database.close()
    assert opened().replaced is None
    assert len(list(path.parent.glob("octopus.db.damaged-*[0-9]"))) == 1
    assert not list(path.parent.glob("*.untold"))


def _killed(path: Path) -> Engine:
    raise OSError("killed")


def test_the_last_backup_is_named(opened: Open, path: Path) -> None:
    """An upgrade left a sound copy: the way back to it is in the notice."""
    opened().close()
    backup = path.with_name("octopus.db.before-0002.bak")
    backup.write_bytes(path.read_bytes())
    spoil(path, "journal")
    replaced = opened().replaced
    assert replaced is not None
    assert f"quit, copy {backup} to {path}, and start again" in replaced.notice


def spoil(path: Path, table: str) -> None:
    """The first page of the table, gone bad on the disk."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xde\xad\xbe\xef" * 64)


def test_a_file_that_is_no_database_is_set_aside(opened: Open, path: Path) -> None:
    """Something else was saved under the data file's name."""
    path.parent.mkdir()
    path.write_bytes(b"this was a letter to my bank\n" * 300)
    replaced = opened().replaced
    assert replaced is not None
    assert "not a database" in replaced.notice
    (aside,) = path.parent.glob("octopus.db.damaged-*[0-9]")
    assert aside.read_bytes().startswith(b"this was a letter")


def test_damaged_twice_keeps_both(opened: Open, path: Path) -> None:
    """The second damaged file of a bad day does not overwrite the first."""
    path.parent.mkdir()
    for text in (b"one" * 500, b"two" * 500):
        path.write_bytes(text)
        opened().close()
    kept = {aside.read_bytes()[:3] for aside in path.parent.glob("octopus.db.damaged-*[0-9]")}
    assert kept == {b"one", b"two"}


def test_another_programs_database_is_left_alone(path: Path) -> None:
    """`--data-dir` pointed at somebody else's file says so and does not touch it."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(StorageError, match="not one of Octopus Desktop's"):
        open_database(path)
    assert path.read_bytes() == before


WRITE_AND_DIE = """
import asyncio, os, signal, sys
from pathlib import Path
from types import SimpleNamespace
from octopus_desktop.storage.database import open_database
from stored import sent

async def main():
    database = open_database(Path(sys.argv[1]))
    for number in range(20):
        await database.journal.commit(sent(f"od-{number}"))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_truncated_log_gives_what_is_whole(opened: Open, path: Path) -> None:
    """A power cut that tore the end off the write-ahead log costs at most that end, never the file."""
    opened().close()
    with child(WRITE_AND_DIE, path) as writer:
        writer.wait(30)
    log = path.with_name(path.name + "-wal")
    size = len(log.read_bytes().rstrip(b"\0"))  # behind it is room made beforehand
    os.truncate(log, size * 2 // 3 + 11)
    events = opened().journal.read()
    initiated = [event.client_order_id for event in events if isinstance(event, OrderInitiated)]
    assert 0 < len(initiated) < 20
    assert initiated == [f"od-{number}" for number in range(len(initiated))]
    assert len(events) == 2 * len(initiated)


# Versions -------------------------------------------------------------------


def test_a_file_from_the_future_is_refused_and_not_touched(opened: Open, path: Path) -> None:
    """After going back to an older program the message says which version wrote the file and what to do."""
    opened().close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0907'")
        connection.execute("UPDATE meta SET value = '9.7.0' WHERE key = 'program'")
    before = path.read_bytes()
    with pytest.raises(DataFromFuture) as told:
        open_database(path)
    for part in ("9.7.0", "0907", schema.REVISION, "Install", "--data-dir"):
        assert part in str(told.value)
    assert path.read_bytes() == before


NEXT = """
import os, signal
from alembic import op
import sqlalchemy as sa
revision = "9999"
down_revision = "{head}"

def upgrade():
    with op.batch_alter_table("orders") as batch:
        batch.add_column(sa.Column("note", sa.Text))
    op.create_table("notes", sa.Column("text", sa.Text))
    {end}
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Callable[[str], Path]:
    """The program's migrations and one more that ends as the test says."""

    def make(end: str = "pass") -> Path:
        folder = tmp_path / "migrations"
        (folder / "versions").mkdir(parents=True, exist_ok=True)
        package = Path(upgrade.__file__).parent / "migrations"
        for script in (package / "env.py", *(package / "versions").glob("v*.py")):
            (folder / script.relative_to(package)).write_text(script.read_text())
        (folder / "versions" / "v9999_next.py").write_text(NEXT.format(head=schema.REVISION, end=end))
        return folder

    return make


def _columns(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[1] for row in connection.execute("PRAGMA table_info(orders)")}


async def test_an_upgrade_backs_the_file_up_first(opened: Open, path: Path, scripts: Callable[[str], Path]) -> None:
    """The new program changes the file only after a whole copy of the old one lies beside it."""
    database = opened()
    await database.journal.commit(sent("od-1"))
    database.close()
    engine = connect(path)
    upgrade.upgrade(path, engine, head="9999", scripts=scripts("pass"))
    engine.dispose()
    assert upgrade.revision(path) == "9999"
    assert "note" in _columns(path)
    backup = path.with_name("octopus.db.before-9999.bak")
    assert upgrade.revision(backup) == schema.REVISION
    assert "note" not in _columns(backup)
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (2,)
    if sys.platform != "win32":
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_a_failing_upgrade_changes_nothing(opened: Open, path: Path, scripts: Callable[[str], Path]) -> None:
    """An upgrade that fails half way leaves the old version in place, as a whole."""
    opened().close()
    engine = connect(path)
    with pytest.raises(RuntimeError, match="half way"):
        upgrade.upgrade(path, engine, head="9999", scripts=scripts('raise RuntimeError("half way")'))
    engine.dispose()
    assert upgrade.revision(path) == schema.REVISION
    assert "note" not in _columns(path)
    opened()


UPGRADE = """
import sys
from pathlib import Path
from types import SimpleNamespace
from octopus_desktop.storage import upgrade
from octopus_desktop.storage.database import connect
path = Path(sys.argv[1])
upgrade.upgrade(path, connect(path), head="9999", scripts=Path(sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_an_interrupted_upgrade_is_done_again(opened: Open, path: Path, scripts: Callable[[str], Path]) -> None:
    """The machine goes off in the middle of an upgrade: the next start finds the old file and upgrades it."""
    opened().close()
    with child(UPGRADE, path, scripts("os.kill(os.getpid(), signal.SIGKILL)")) as upgrading:
        assert upgrading.wait(30) == -signal.SIGKILL
    assert upgrade.revision(path) == schema.REVISION
    assert "note" not in _columns(path)
    engine = connect(path)
    upgrade.upgrade(path, engine, head="9999", scripts=scripts("pass"))
    engine.dispose()
    assert upgrade.revision(path) == "9999"
    assert upgrade.damage(path) is None


def test_no_room_for_the_backup(
    opened: Open, path: Path, scripts: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without room for the copy the upgrade does not begin."""
    opened().close()
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    engine = connect(path)
    with pytest.raises(DiskFull, match="backed up"):
        upgrade.upgrade(path, engine, head="9999", scripts=scripts("pass"))
    engine.dispose()
    assert upgrade.revision(path) == schema.REVISION


# Places that can't be written to --------------------------------------------


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """A disk that is mounted read-only once the function is called: root writes past file modes, not past that."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")

    def protect() -> Path:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        return disk

    yield protect
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_read_only_folder_is_named(read_only_disk: Callable[[], Path], tmp_path: Path) -> None:
    """A data folder that can't be written to is named, with what to do about it."""
    path = tmp_path / "disk" / "octopus.db"
    open_database(path).close()
    read_only_disk()
    with pytest.raises(StorageError, match="cannot be written") as told:
        open_database(path)
    assert str(path) in str(told.value)
    assert "--data-dir" in str(told.value)
    assert not list(path.parent.glob("*.damaged*"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_a_read_only_folder_without_root(tmp_path: Path) -> None:
    """The same for an ordinary user and a folder that is not his."""
    if os.geteuid() == 0:
        pytest.skip("root writes past file modes; the read-only disk is the test for root")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="cannot be written"):
            open_database(tmp_path / "octopus.db")
    finally:
        tmp_path.chmod(0o700)
