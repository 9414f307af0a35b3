"""Where a session keeps its files."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from octopus_desktop.model.profile import Profile

APPLICATION: Final = "octopus-desktop"
DATABASE_NAME: Final = "octopus.db"
"""In a profile's folder: all that the program remembers of it."""
EXCHANGE_STATE_NAME: Final = "exchange.db"
"""Beside it, where the profile has the embedded exchange: the account and orders there."""
PAPER_STATE_NAME: Final = "paper.db"
"""Beside it, where the profile is a PAPER one: its account and orders."""


class Folders(msgspec.Struct, frozen=True):
    """`config` holds what the trader writes (settings, profiles), `data` what the program writes."""

    config: Path
    data: Path

    @property
    def settings_file(self) -> Path:
        return self.config / "settings.toml"

    @property
    def profiles_file(self) -> Path:
        return self.config / "profiles.toml"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    def of_profile(self, profile: Profile) -> Path:
        """Its data file is in here, and nothing of any other profile."""
        if profile.data_dir is not None:
            return Path(profile.data_dir).expanduser().absolute()
        return self.data / "profiles" / profile.name


def folders(data_dir: Path | None = None) -> Folders:
    """The system's own places, or all of it below `data_dir`: a session there leaves nothing anywhere else."""
    if data_dir is not None:
        root = data_dir.expanduser().absolute()
        return Folders(root, root)
    return Folders(
        platformdirs.user_config_path(APPLICATION, appauthor=False),
        platformdirs.user_data_path(APPLICATION, appauthor=False),
    )


def make_private(folder: Path) -> Path:
    """Creates it for its owner alone; one that is there already is left as it is. Raises OSError."""
    missing = [folder, *folder.parents]
    for path in reversed(missing):
        if not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)
    return folder


def open_private(path: Path) -> None:
    """Creates the file for its owner alone; one that is there already is left as it is. Raises OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))


def write_private(path: Path, text: str) -> None:
    """Replaces the file by one with `text`, for its owner alone: all of it or, after a crash, none. Raises OSError."""
    make_private(path.parent)
    target = path.resolve()  # a link to a file elsewhere stays a link
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with open(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if sys.platform != "win32":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name itself
        finally:
            os.close(folder)


def set_aside(path: Path, *suffixes: str) -> Path:
    """Moves a damaged data file, and what belongs to it by these suffixes and SQLite's own, out of the way.

    Where it is now. The file itself goes last: until then the next start finds it damaged, and goes on. Raises OSError.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    name, number = f"{path.name}.damaged-{stamp}", 1
    while path.with_name(name).exists():
        number += 1
        name = f"{path.name}.damaged-{stamp}+{number}"
    for suffix in ("-wal", "-shm", *suffixes, ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(name + suffix))
    return path.with_name(name)
