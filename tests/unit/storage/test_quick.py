"""The window's layout, before anything else is loaded."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from octopus_desktop.storage.database import Database
from octopus_desktop.storage.quick import read_settings
from tests.unit.storage.stored import child, line

Open = Callable[[], Database]


async def test_settings_of_the_last_session(opened: Open, path: Path) -> None:
    """The window opens where it was closed."""
    database = opened()
    await database.repository.save_setting("layout", "two monitors")
    assert read_settings(path) == {"layout": "two monitors"}, "also while it is in use"
    database.close()
    assert read_settings(path) == {"layout": "two monitors"}
    opened()


SAVE_AND_DIE = """
import asyncio, os, signal, sys
from pathlib import Path
from octopus_desktop.storage.database import open_database

async def main():
    database = open_database(Path(sys.argv[1]))
    await database.repository.save_setting("layout", "in the log")
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_settings_after_a_crash(path: Path) -> None:
    """What was saved a moment before a crash is read from the write-ahead log."""
    with child(SAVE_AND_DIE, path) as dying:
        dying.wait(30)
    assert read_settings(path) == {"layout": "in the log"}


def test_no_file_is_no_settings(path: Path) -> None:
    """The first start has the default layout, and reading leaves nothing behind."""
    assert read_settings(path) == {}
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"no database at all " * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_no_settings(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A damaged file costs the layout, not the start."""
    path.parent.mkdir()
    path.write_bytes(content)
    assert read_settings(path) == {}
    assert "cannot be read" in caplog.text


def test_a_locked_file_is_no_settings(path: Path, opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    """Another program that keeps the file to itself does not stop the window from opening."""
    opened().close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert read_settings(path) == {}
    assert "cannot be read" in caplog.text


def test_a_name_with_special_characters(tmp_path: Path) -> None:
    """A folder's name may have any character that a URL would give a meaning to."""
    folder = tmp_path / "50% off? #1 & ü"
    folder.mkdir()
    path = folder / "octopus.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE settings (key TEXT, value TEXT)")
        connection.execute("INSERT INTO settings VALUES ('a', 'b')")
    assert read_settings(path) == {"a": "b"}


IMPORTED = """
import sys
import octopus_desktop.storage.quick
print(sorted({name.partition(".")[0] for name in sys.modules} & {"sqlalchemy", "alembic", "numpy", "msgspec"}))
"""


def test_it_loads_nothing_heavy() -> None:
    """The first window does not wait for a database library."""
    with child(IMPORTED) as python:
        assert line(python) == "[]"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no read-only folders")
def test_a_file_on_a_read_only_disk(tmp_path: Path, opened: Open, path: Path) -> None:
    """A data folder that can't be written to still gives the layout."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    opened().close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO settings VALUES ('layout', 'kept')")
    mount = path.parent
    if subprocess.run(["mount", "--bind", mount, mount], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", mount], check=True)
        assert read_settings(path) == {"layout": "kept"}
    finally:
        subprocess.run(["umount", "-l", mount], check=True)
