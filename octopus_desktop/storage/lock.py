"""One instance a data file: a lock of the operating system, which no crash can leave behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from octopus_desktop.model.errors import DataInUse

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FAR: Final = 1 << 30
"""Windows locks bytes and then nobody else may read them: lock one far behind the process id."""


class InstanceLock:
    """Held from construction until `release` or the end of the process.

    A file beside the data file, never the data file itself: closing any handle of that would drop SQLite's own locks
    on it. The file stays when the lock goes; removing it would race with the next holder.
    """

    def __init__(self, path: Path) -> None:
        """Raises DataInUse, with the holder's process id, or OSError."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._file)
        except OSError as error:
            holder = os.read(self._file, 20).decode(errors="replace").strip()
            os.close(self._file)
            who = f"process {holder}" if holder.isdigit() else "another process"
            data = path.with_name(path.name.removesuffix(".lock"))
            raise DataInUse(
                f"{data} is open in another Octopus Desktop ({who}). Go to its window, or start this one with another "
                "--profile or --data-dir."
            ) from error
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Twice is once."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


if sys.platform == "win32":

    def _lock(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(file, 0, os.SEEK_SET)

else:

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
