"""Heads of the audit, noted beside the data file: a line for each start, each end, each minute with news, and each
entry that was on the disk before its outcome was told.

A line is a time, the count of entries and the last one's hash. Lines are only added, and only for what is on the disk:
after a loss of power the audit has every head that is noted. A line that was cut short is passed over. A file that has
become large is thinned at a start: of each day its last head is left, which is bound to all before it.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from octopus_desktop.config.paths import write_private
from octopus_desktop.storage.failures import translate

logger = logging.getLogger(__name__)

SUFFIX: Final = ".heads"
LARGE_BYTES: Final = 1 << 20
"""About a week of minutes."""
_TAIL_BYTES: Final = 4096
_DAY: Final = len("2026-01-01")
_LINE: Final = re.compile(r"(\S+) (\d{1,18}) ([0-9a-f]{64})")


class Head(NamedTuple):
    noted: str
    seq: int
    hash: str

    @property
    def line(self) -> str:
        return f"{self.noted} {self.seq} {self.hash}\n"


def heads_of(path: Path) -> Path:
    """Where the heads of the data file `path` are."""
    return path.with_name(path.name + SUFFIX)


def note(path: Path, seq: int, hash_: str) -> None:
    """From any thread. Where it cannot be written that is logged: nothing waits for it, and the next may be."""
    line = Head(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), seq, hash_).line
    try:
        file = os.open(heads_of(path), os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        try:
            os.write(file, line.encode() if _is_whole(file) else f"\n{line}".encode())
        finally:
            os.close(file)
    except OSError as error:
        logger.warning("the head of the audit, entry %d, could not be noted: %s", seq, translate(error, heads_of(path)))


def _is_whole(file: int) -> bool:
    """Whether the last line was not cut short."""
    size = os.fstat(file).st_size
    if not size:
        return True
    os.lseek(file, size - 1, os.SEEK_SET)
    return os.read(file, 1) == b"\n"


def read(path: Path) -> list[Head]:
    """Oldest first; none where none was ever noted. Raises StorageError where they cannot be read."""
    try:
        return _parsed(heads_of(path).read_bytes())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise translate(error, heads_of(path)) from error


def last(path: Path) -> Head | None:
    """None where none was ever noted. A start waits for it, so only the end is read. Raises StorageError."""
    try:
        with heads_of(path).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            noted = _parsed(file.read())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise translate(error, heads_of(path)) from error
    return noted[-1] if noted else None


def thin(path: Path, is_sound: Callable[[Head], bool]) -> None:
    """Leaves of a large file the first head, the last of each day, and every one that the audit does not have: they
    show that it was changed. Raises StorageError where it cannot be done; then the file is as it was."""
    try:
        if heads_of(path).stat().st_size <= LARGE_BYTES:
            return
        noted = read(path)
        following = [*noted[1:], None]
        left = [
            head
            for number, (head, after) in enumerate(zip(noted, following, strict=True))
            if not number or after is None or head.noted[:_DAY] != after.noted[:_DAY] or not is_sound(head)
        ]
        write_private(heads_of(path), "".join(head.line for head in left))
    except FileNotFoundError:
        return
    except OSError as error:
        raise translate(error, heads_of(path)) from error


def _parsed(text: bytes) -> list[Head]:
    found = (_LINE.fullmatch(line) for line in text.decode(errors="replace").splitlines())
    return [Head(line[1], int(line[2]), line[3]) for line in found if line is not None]
