"""Heads of the audit, noted beside the data file: a line for each start, each end and each minute with news.

A line is a time, the count of entries and the last one's hash. Lines are only added, and only for what is on the disk:
after a loss of power the audit has every head that is noted. A line that was cut short is passed over.
"""

from __future__ import annotations

import logging
import os
import re
import time
from pathlib import Path
from typing import Final, NamedTuple

from octopus_desktop.storage.failures import translate

logger = logging.getLogger(__name__)

SUFFIX: Final = ".heads"
_LINE: Final = re.compile(r"(\S+) (\d{1,18}) ([0-9a-f]{64})")


class Head(NamedTuple):
    noted: str
    seq: int
    hash: str


def heads_of(path: Path) -> Path:
    """Where the heads of the data file `path` are."""
    return path.with_name(path.name + SUFFIX)


def note(path: Path, seq: int, hash_: str) -> None:
    """From any thread. Where it cannot be written that is logged: nothing waits for it, and the next may be."""
    line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {seq} {hash_}\n"
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
        text = heads_of(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise translate(error, heads_of(path)) from error
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return [Head(line[1], int(line[2]), line[3]) for line in found if line is not None]
