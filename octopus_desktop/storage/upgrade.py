"""What must hold before a data file is used: sound bytes, a version this program knows, and then its own version."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Engine

from octopus_desktop import __version__
from octopus_desktop.config import paths
from octopus_desktop.model.errors import DataFromFuture, DiskFull, StorageError
from octopus_desktop.storage import heads
from octopus_desktop.storage.failures import is_damage
from octopus_desktop.storage.quick import read_settings
from octopus_desktop.storage.schema import REVISION

FULL_CHECK_BYTES: Final = 256 << 20
"""A larger file is checked without its candles, which the venue has too: a start may not take seconds."""
RECORDS: Final = ("journal", "audit", "orders", "fills", "balances_history", "settings", "meta", "alembic_version")


def damage(path: Path) -> str | None:
    """What is wrong with the bytes of the file, None where nothing is. Raises sqlite3.Error where it can't be read."""
    small = path.stat().st_size <= FULL_CHECK_BYTES
    try:
        with closing(_read_only(path)) as connection:
            checks = ["PRAGMA quick_check(1)"]
            if not small:
                tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
                checks = [f"PRAGMA quick_check('{table}')" for table in RECORDS if table in tables]
            for check in checks:
                (said,) = connection.execute(check).fetchone()
                if said != "ok":
                    return str(said).removeprefix("*** in database main ***").strip().replace("\n", " ")
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        return str(error)
    return None


UNTOLD: Final = ".untold"
"""Of a note beside a file that was set aside: what is wrong with it, until the new file has what follows from that."""


class Replaced(NamedTuple):
    """A damaged file, set aside for a new one to begin. `settings` are those that could still be read in it."""

    notice: str
    settings: dict[str, str]


def set_aside(path: Path, what: str) -> Replaced:
    """The file and what belongs to it are moved out of the way. Raises OSError.

    The note goes before the file: wherever this ends, the next start has the damaged file or the note of it.
    """
    paths.write_private(path.with_name(path.name + UNTOLD), what)
    return _replaced(path, paths.set_aside(path, heads.SUFFIX, UNTOLD), what)


def untold(path: Path) -> Replaced | None:
    """What an earlier start set aside, and then ended too soon to write down what follows. Raises OSError."""
    for note in sorted(_notes(path), reverse=True):
        aside = note.with_name(note.name.removesuffix(UNTOLD))
        if aside.exists():
            return _replaced(path, aside, note.read_text(encoding="utf-8"))
    return None


def told(path: Path) -> None:
    """The new file has it all. Raises OSError."""
    for note in _notes(path):
        note.unlink()


def _notes(path: Path) -> list[Path]:
    return list(path.parent.glob(f"{path.name}.damaged-*{UNTOLD}"))


def _replaced(path: Path, aside: Path, what: str) -> Replaced:
    settings = read_settings(aside)
    backups = sorted(path.parent.glob(f"{path.name}.before-*.bak"))
    older = f" To go back to the last backup, quit, copy {backups[-1]} to {path}, and start again." if backups else ""
    kept = "settings and limits were read out of it" if settings else "settings and limits begin anew, too"
    return Replaced(
        f"{path} was damaged ({what}). It is kept as {aside}, and a new one was begun, without the history of orders "
        f"and fills and without algos that were held here; {kept}.{older}",
        settings,
    )


def revision(path: Path) -> str | None:
    """The version of a sound file's tables, None where it has none at all."""
    with closing(_read_only(path)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if not tables:
            return None
        row = None
        if "alembic_version" in tables:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if row is None:
            raise StorageError(
                f"{path} is a SQLite file, but not one of Octopus Desktop's. Move it away, or choose another folder "
                "with --data-dir."
            )
        return str(row[0])


def upgrade(path: Path, engine: Engine, *, head: str = REVISION, scripts: Path | None = None) -> None:
    """Brings the file to `head`, all revisions in one transaction; a file with something in it is backed up first.

    `scripts` is the folder of the migrations, the program's own by default. Raises DataFromFuture for a version it
    does not have, and then has changed nothing.
    """
    here = revision(path)
    if here == head:
        return
    from alembic import command  # slow to import, and only needed here
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    folder = scripts or Path(str(files("octopus_desktop.storage.migrations")))
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    if here is not None:
        if here not in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}:
            raise DataFromFuture(
                f"{path} was written by Octopus Desktop {_program(path)} (data version {here}); this is {__version__} "
                f"and knows versions up to {head}. Install that version or a newer one, or choose another folder with "
                "--data-dir. The file was not changed."
            )
        back_up(path, path.with_name(f"{path.name}.before-{head}.bak"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, head)


def back_up(path: Path, copy: Path) -> None:
    """A sound copy, also while the file is in use; it has its name only once it is whole."""
    size = path.stat().st_size
    if shutil.disk_usage(copy.parent).free < size + (1 << 20):
        raise DiskFull(
            f"{path} must be backed up before it is upgraded, and its disk has no room for {size >> 20} MB more. Free "
            "some space, then start again. The file was not changed."
        )
    part = copy.with_name(copy.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(copy)


def _program(path: Path) -> str:
    try:
        with closing(_read_only(path)) as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'program'").fetchone()
    except sqlite3.Error:  # a later version may keep it elsewhere
        row = None
    return str(row[0]) if row else "of a later version"


def _read_only(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=2)
    connection.execute("PRAGMA query_only=ON")
    return connection
