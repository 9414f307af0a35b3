"""Crash reports: what nobody caught, on paper, without a secret in it.

A report has the program's and the system's versions, the traceback, every thread's place in the code and the last lines
of the log. It has no local variables, no environment and no command line, and goes through the redaction as a whole.
What ends the process hard (a fault in a library) leaves its stacks by `faulthandler`, and is found at the next start.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import platform
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from octopus_desktop import __version__
from octopus_desktop.config.paths import make_private, open_private, write_private
from octopus_desktop.redaction import redact

logger = logging.getLogger(__name__)

LOG_LINES: Final = 100
A_SESSION: Final = 10
"""An error that comes with each repaint must not fill the disk; one from the same place is written once."""
KEPT: Final = 20
FAULTS: Final = "faults.txt"

Facts = Callable[[], Mapping[str, object]]


class CrashReports:
    """All methods from any thread. `folder` None: nothing is written, whoever listens is told all the same."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._gate = threading.Lock()
        self._places: set[str] = set()
        self._listeners: list[Callable[[str], None]] = []
        self._tail = _LogTail()
        self._faults: IO[bytes] | None = None
        self._before: tuple[Any, Any] | None = None
        self.facts: Facts = dict
        """What the session can tell of itself at the moment of a report: how many orders are open."""
        self.last: Path | None = None
        self.earlier: Path | None = None
        """What the session before left, if it ended in a fault of a library."""

    def install(self) -> None:
        """From now on, until `close`, this is where an error of any thread goes that nobody caught."""
        self._before = sys.excepthook, threading.excepthook
        sys.excepthook = self._of_main
        threading.excepthook = self._of_thread
        logging.getLogger().addHandler(self._tail)
        if self._folder is None:
            return
        try:
            self.earlier = _take_faults(make_private(self._folder))
            open_private(self._folder / FAULTS)
            self._faults = (self._folder / FAULTS).open("ab", buffering=0)
        except OSError as error:
            logger.warning("hard crashes leave no trace in %s: %s", self._folder, error)
            return
        faulthandler.enable(self._faults)
        if self.earlier is not None:
            logger.warning("an earlier session ended in a fault of a library; its stacks are in %s", self.earlier)

    def close(self) -> None:
        """Gives everything back. Twice is once."""
        logging.getLogger().removeHandler(self._tail)
        if self._before is not None:
            sys.excepthook, threading.excepthook = self._before
            self._before = None
        if self._faults is not None:
            faulthandler.disable()
            self._faults.close()
            self._faults = None
            assert self._folder is not None
            path = self._folder / FAULTS
            try:
                if path.stat().st_size == 0:
                    path.unlink()
            except OSError:  # another instance did it, or has it open on Windows: its end takes it away
                pass

    def listen(self, listener: Callable[[str], None]) -> None:
        """It is called with one line about each error, on the thread that met it."""
        self._listeners.append(listener)

    def report(self, error: BaseException, where: str) -> None:
        """Never raises. `where` is the thread, loop or work that met it."""
        what = redact(f"{type(error).__name__}: {error}")
        with self._gate:
            self._write(error, where, what)
        for listener in self._listeners:
            try:
                listener(what)
            except Exception:
                logger.exception("an error could not be told on: %s", what)

    def _write(self, error: BaseException, where: str, what: str) -> None:
        place = _place(error)
        if place in self._places or len(self._places) >= A_SESSION or self._folder is None:
            logger.error("internal error in %s (again or not reported): %s", where, what)
            return
        self._places.add(place)
        try:
            path = _free_name(self._folder, time.time())
            write_private(path, redact(self._text(error, where)))
            _prune(self._folder)
        except Exception:  # the disk may be full, a fact may raise: the error itself must still be told
            logger.exception("internal error in %s: %s; its report cannot be written", where, what)
            return
        self.last = path
        logger.error("internal error in %s: %s; the report is in %s", where, what, path)

    def _text(self, error: BaseException, where: str) -> str:
        head: dict[str, object] = {
            "time": f"{_utc(time.time())}",
            "where": where,
            "program": __version__,
            "platform": platform.platform(),
            "Python": platform.python_version(),
            "Qt": _qt(),
        }
        try:
            head.update(self.facts())
        except Exception as broken:  # noqa: BLE001  # told in the report itself
            head["facts"] = f"not to be had: {type(broken).__name__}"
        lines = ["Octopus Desktop crash report. It holds no keys, no settings and no variables.", ""]
        lines += [f"{name}: {value}" for name, value in head.items()]
        lines += ["", "".join(traceback.format_exception(error)).rstrip(), ""]
        lines += [_threads(), "", f"The last {LOG_LINES} lines of the log", *self._tail.lines()]
        return "\n".join(lines) + "\n"

    def _of_main(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt) and self._before is not None:
            self._before[0](kind, error, trace)
            return
        self.report(error, threading.current_thread().name)

    def _of_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self.report(args.exc_value, args.thread.name if args.thread is not None else "a thread")


def last_report(folder: Path) -> Path | None:
    """The newest one, stacks of a hard crash included."""
    return max(folder.glob("crash-*.txt"), default=None, key=_written_ns)


def _written_ns(path: Path) -> int:
    return path.stat().st_mtime_ns


class _LogTail(logging.Handler):
    """Records as they come; put into lines only when a report wants them. Redaction has made them plain text."""

    def __init__(self) -> None:
        super().__init__()
        self._records: deque[logging.LogRecord] = deque(maxlen=LOG_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)

    def lines(self) -> list[str]:
        return [
            f"{_utc(record.created)} {record.levelname:<8} {record.threadName} {record.name}: {record.getMessage()}"
            for record in list(self._records)
        ]


def _place(error: BaseException) -> str:
    """Where it was raised, as far as it tells two errors apart."""
    frames = traceback.extract_tb(error.__traceback__)
    last = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(error)
    return f"{type(error).__name__} {last}"


def _threads() -> str:
    """Where every thread is. No values, only the code."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = []
    for ident, frame in sys._current_frames().items():
        stack = "".join(traceback.format_stack(frame, limit=30)).rstrip()
        parts.append(f"Thread {names.get(ident, ident)}\n{stack}")
    return "\n\n".join(parts)


def _qt() -> str:
    """Of the process, where it has one; it is not for the engine to load it."""
    core = sys.modules.get("PySide6.QtCore")
    version = getattr(core, "qVersion", None)
    return version() if version is not None else "not loaded"


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03d}Z"


def _free_name(folder: Path, seconds: float, suffix: str = "") -> Path:
    stem = f"crash-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(seconds))}{suffix}"
    path, number = folder / f"{stem}.txt", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}+{number}.txt"
    return path


def _take_faults(folder: Path) -> Path | None:
    """What a hard crash left becomes a report like the others."""
    faults = folder / FAULTS
    if not faults.exists() or faults.stat().st_size == 0:
        return None
    path = _free_name(folder, faults.stat().st_mtime, "-fault")
    os.replace(faults, path)
    return path


def _prune(folder: Path) -> None:
    for path in sorted(folder.glob("crash-*.txt"), key=_written_ns)[:-KEPT]:
        path.unlink(missing_ok=True)
