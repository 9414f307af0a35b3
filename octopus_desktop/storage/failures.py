"""What SQLite and the system say, in words that tell the trader what to do."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path
from typing import Final

from octopus_desktop.model.errors import DataCorrupt, DiskFull, StorageError

ALMOST_FULL: Final = 1 << 20
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_damage(error: BaseException) -> bool:
    """The bytes are not a sound database, and trying again will not help."""
    return isinstance(error, sqlite3.Error) and _primary(error) in _DAMAGED


def is_passing(error: BaseException) -> bool:
    """The same write may work later: the disk, a lock, memory. Anything else is the row's own fault."""
    return isinstance(error, sqlite3.OperationalError | OSError | MemoryError | StorageError) or is_damage(error)


def translate(error: BaseException, path: Path, *, opening: bool = False) -> StorageError:
    """`opening`: nothing goes on by itself after this, as nothing has begun."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, OSError):
        return _of_system(error, path, opening)
    if not isinstance(error, sqlite3.Error):
        return StorageError(f"{path}: {type(error).__name__}: {error}")
    code = _primary(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_room(path)):
        return _disk_full(path, opening)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageError(
            f"{path} is being written to by another program. Close what has the file open (a database browser, a "
            "backup tool), then try again."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return _read_only(path, str(error))
    if code in _DAMAGED:
        return DataCorrupt(
            f"{path} is damaged ({error}). Quit and start again: the damaged file is then set aside, and what the "
            "venue knows is fetched again."
        )
    return StorageError(f"{path}: {error} ({getattr(error, 'sqlite_errorname', 'SQLite')}). See the log, then restart.")


def _primary(error: sqlite3.Error) -> int:
    # The low byte is the kind of error, the rest its detail. Errors of the Python module itself have no code.
    code: int = getattr(error, "sqlite_errorcode", None) or 0
    return code & 0xFF


def _of_system(error: OSError, path: Path, opening: bool) -> StorageError:
    if error.errno in _FULL:
        return _disk_full(path, opening)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _read_only(path, error.strerror or str(error))
    return StorageError(f"{path}: {error.strerror or error}. Check the folder, or choose another with --data-dir.")


def _no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < ALMOST_FULL
    except OSError:
        return False


def _disk_full(path: Path, opening: bool) -> DiskFull:
    if opening:
        return DiskFull(f"The disk with {path} is full. Free some space on it, then start again.")
    return DiskFull(
        f"The disk with {path} is full. Free some space on it: writing goes on by itself, and no order is sent until "
        "it does."
    )


def _read_only(path: Path, detail: str) -> StorageError:
    return StorageError(
        f"{path} cannot be written ({detail}). Give your user write access to the file and its folder {path.parent}, "
        "or choose another folder with --data-dir."
    )
