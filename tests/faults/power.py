"""What is on the disk, and what only the system had taken: a kill keeps both, a loss of power the first alone.

SQLite syncs its write-ahead log when a connection in synchronous FULL commits, and when it is checkpointed; a
connection in NORMAL commits without. What the log holds is read from its index (https://www.sqlite.org/walformat.html):
the frames in it, the salts that change when it begins anew, and how many of its frames a checkpoint has synced and
moved into the file.
"""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

SECTOR: Final = 512
_LOG_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_INDEX: Final = struct.Struct("=14xHI12x8s")
"""Size of a page, number of frames, salts; behind it a second copy, and then the frames that are in the file."""
_IN_THE_FILE: Final = 96


class _Log(NamedTuple):
    frames: int
    page: int
    salts: bytes
    moved: int

    def length(self, frames: int) -> int:
        return _LOG_HEADER + frames * (_FRAME_HEADER + self.page)


class Platter:
    """One data file with its write-ahead log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log_path = path.with_name(path.name + "-wal")
        self._index_path = path.with_name(path.name + "-shm")
        self._synced = (b"", 0)

    def sync(self) -> None:
        """A commit has just waited for the disk: with it is all that was written before."""
        log = self._log()
        if log is not None:
            self._synced = (log.salts, log.frames)

    def after_a_kill(self) -> tuple[bytes, bytes]:
        """File and log."""
        return self._path.read_bytes(), self._log_path.read_bytes() if self._log_path.exists() else b""

    def after_a_power_loss(self, random: Random) -> tuple[bytes, bytes]:
        """Of what was not synced nothing is there, or the first part, or some sectors and not others."""
        file, written = self.after_a_kill()
        log = self._log()
        if log is None or not written:
            return file, written  # nobody had it open since it was left: the system has written it back long since
        salts, frames = self._synced
        safe = max(frames if salts == log.salts else 0, log.moved)
        start, end = log.length(safe), log.length(log.frames)
        share = random.choice((0.0, 0.5, 0.95))
        torn = random.random() < 0.5
        kept = bytearray(written)
        gone = False
        for at in range(start, end, SECTOR):
            gone = (gone and torn) or random.random() >= share
            if gone:
                until = min(at + SECTOR, end)
                kept[at:until] = bytes(until - at)
        return file, bytes(kept)

    def leave(self, file: bytes, log: bytes) -> None:
        """As the next start finds it. Nobody has it open. What was synced in an earlier life still is."""
        self._path.write_bytes(file)
        self._log_path.unlink(missing_ok=True)
        self._index_path.unlink(missing_ok=True)
        if log:
            self._log_path.write_bytes(log)
        else:
            self._synced = (b"", 0)

    def _log(self) -> _Log | None:
        """None: there is none, or nothing was ever written to it."""
        if not self._index_path.exists():
            return None
        with self._index_path.open("rb") as index:
            head = index.read(_IN_THE_FILE + 4)
        if len(head) < _IN_THE_FILE + 4:
            return None
        page, frames, salts = _INDEX.unpack_from(head)
        (moved,) = struct.unpack_from("=I", head, _IN_THE_FILE)
        return _Log(frames, 65536 if page == 1 else page, salts, moved) if page else None
