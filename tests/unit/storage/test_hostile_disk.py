"""Disks that tear, fill up, turn read-only, and other programs that hold the file: orders are refused, none is lost."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from octopus_desktop.model.errors import DiskFull, StorageError
from octopus_desktop.storage import audit, upgrade
from octopus_desktop.storage import writer as writing
from octopus_desktop.storage.database import Database, open_database
from tests.unit.storage.stored import accepted, child, fill, line, sent

Open = Callable[[], Database]


def names(path: Path) -> list[str]:
    """Of the intents in the journal, in order."""
    query = "SELECT client_order_id FROM journal WHERE kind = 'OrderInitiated' ORDER BY seq"
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute(query)]


# Torn writes ----------------------------------------------------------------

WRITE_AND_DIE = """
import asyncio, os, signal, sys
from pathlib import Path
from octopus_desktop.storage.database import open_database
from stored import sent

async def main():
    database = open_database(Path(sys.argv[1]))
    for number in range(20):
        await database.journal.commit(sent(f"od-{number}"))
        database.audit.append(number, "trader", "command", {"number": number})
        database.flush()
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
@pytest.mark.parametrize("seed", range(4))
def test_a_torn_write_costs_the_end_and_never_the_middle(opened: Open, path: Path, seed: int) -> None:
    """A sector of the log that the power cut left half written: what is before it stands, and nothing is made up."""
    opened().close()
    with child(WRITE_AND_DIE, path) as writer:
        writer.wait(30)
    log = path.with_name(path.name + "-wal")
    size = len(log.read_bytes().rstrip(b"\0"))  # behind it is room made beforehand
    chance = random.Random(seed)
    with log.open("r+b") as file:
        file.seek(chance.randrange(size // 4, size - 512) // 512 * 512)
        file.write(chance.randbytes(512))
    opened().flush()
    kept = names(path)
    assert 0 < len(kept) < 20
    assert kept == [f"od-{number}" for number in range(len(kept))]
    assert upgrade.damage(path) is None
    verdict = audit.verify(path)
    assert verdict.broken is None, "what was torn off took its count with it: nobody changed anything"
    kinds = [entry.kind for entry in audit.read(path)]
    assert kinds.count("command") <= 20
    assert kinds.count("recovered") == len(kept), "none of the orders had a decision in it"


# A disk that turns against us -----------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a disk is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_the_audit_of_a_full_disk_comes_later_and_whole(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was refused for want of room is in the audit once there is some; the chain has no hole."""
    monkeypatch.setattr(writing, "RETRY_S", 0.05)
    database = open_database(disk / "octopus.db")
    try:
        database.flush()
        ballast = fill(disk)
        refused = 0
        for number in range(100):
            database.audit.append(number, "trader", "command", {"number": number})
            try:
                await database.journal.commit(sent(f"od-{number}"))
            except DiskFull:
                refused += 1
        assert refused
        ballast.unlink()
        await database.journal.commit(sent("od-after"))
        database.flush()
    finally:
        database.close()
    verdict = audit.verify(database.path)
    assert (verdict.broken, verdict.count) == (None, 100)
    assert names(database.path)[-1] == "od-after"


def test_a_full_disk_at_the_start_is_a_sentence(disk: Path) -> None:
    """No room even to open the file: the message says to make some and to start again, and nothing is damaged."""
    path = disk / "octopus.db"
    open_database(path).close()
    ballast = fill(disk)
    with pytest.raises(StorageError, match=r"is full\. Free some space on it, then start again\.$"):
        open_database(path)
    ballast.unlink()
    open_database(path).close()
    assert upgrade.damage(path) is None


def immutable(is_so: bool, *files: Path) -> bool:
    """No write gets through, not even root's over a file that is open; False where that cannot be had."""
    try:
        return subprocess.run(["chattr", "+i" if is_so else "-i", *files], capture_output=True).returncode == 0
    except OSError:
        return False


def stops_open_files(probe: Path) -> bool:
    """Files in memory (tmpfs) ask for the attribute only when they are opened."""
    with probe.open("wb", buffering=0) as file:
        if not immutable(True, probe):
            return False
        try:
            file.write(b"x")
        except PermissionError:
            return True
        finally:
            immutable(False, probe)
    return False


async def test_files_that_turn_read_only(opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing disk refuses every write from now on: so are orders, with a reason, until it is mended."""
    monkeypatch.setattr(writing, "RETRY_S", 0.05)
    database = opened()
    await database.journal.commit(sent("od-1"))
    database.flush()
    files = path, path.with_name(path.name + "-wal")
    if not stops_open_files(path.with_name("probe")) or not immutable(True, *files):
        pytest.skip("the attribute cannot be set here, or is no hindrance to who has the file open")
    try:
        database.journal.record(accepted("od-1"))
        for name in ("od-2", "od-3"):
            with pytest.raises(StorageError):
                await database.journal.commit(sent(name))
    finally:
        immutable(False, *files)
    await database.journal.commit(sent("od-4"))
    database.close()
    assert names(path) == ["od-1", "od-4"]
    assert upgrade.damage(path) is None


def test_a_read_only_file_is_named(opened: Open, path: Path) -> None:
    """The data file itself was made immutable: the message names it and says what to do; nothing is set aside."""
    opened().close()
    if not immutable(True, path):
        pytest.skip("the attribute cannot be set here")
    try:
        with pytest.raises(StorageError, match="cannot be written") as told:
            open_database(path)
        assert str(path) in str(told.value)
        assert not list(path.parent.glob("*.damaged*"))
    finally:
        immutable(False, path)
    open_database(path).close()


# Another program ------------------------------------------------------------

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
print("free", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octopus_desktop.storage.database.BUSY_S", 0.1)
    monkeypatch.setattr(writing, "RETRY_S", 0.05)


async def test_another_process_holds_the_file_for_longer_than_we_wait(
    impatient: None, opened: Open, path: Path
) -> None:
    """A backup tool locks the file for minutes: each order is refused with its reason, none is written later."""
    database = opened()
    database.flush()
    with child(HOLD, path) as holder:
        assert line(holder) == "held"
        database.journal.record(accepted("od-0"))
        database.audit.append(1, "trader", "command", {})
        for number in range(3):
            with pytest.raises(StorageError, match="another program"):
                await database.journal.commit(sent(f"od-{number}"))
        assert holder.stdin is not None
        holder.stdin.write("go\n")
        holder.stdin.flush()
        assert await asyncio.to_thread(line, holder) == "free"
        await database.journal.commit(sent("od-after"))
        database.flush()
    assert names(path) == ["od-after"]
    assert audit.verify(path).count == 1


def test_another_process_holds_the_file_at_the_start(impatient: None, opened: Open, path: Path) -> None:
    """The start says who may be meant by it, and works once the other program is done."""
    opened().close()
    with child(HOLD, path) as holder:
        assert line(holder) == "held"
        with pytest.raises(StorageError, match="another program"):
            open_database(path)
    open_database(path).close()
