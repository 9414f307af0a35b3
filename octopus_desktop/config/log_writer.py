"""The thread that writes the log file, and the files it turns over."""

from __future__ import annotations

import logging
import sys
import time
from logging.handlers import QueueListener, RotatingFileHandler
from pathlib import Path
from queue import SimpleQueue

from octopus_desktop.config.paths import open_private


class LogWriter:
    """Writes the records of `lines` until `close`, which returns when all of them are written.

    Raises OSError where the file cannot be opened. What the disk does not take later on is lost.
    """

    def __init__(
        self,
        path: Path,
        lines: SimpleQueue[logging.LogRecord],
        largest_bytes: int,
        kept_files: int,
        *,
        console: bool = False,
    ) -> None:
        file = _PrivateFile(path, maxBytes=largest_bytes, backupCount=kept_files, encoding="utf-8", errors="replace")
        self._handlers: list[logging.Handler] = [file]
        if console:
            self._handlers.append(logging.StreamHandler(sys.stderr))
        layout = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-8s %(threadName)s %(name)s: %(message)s")
        layout.converter = time.gmtime
        layout.datefmt = "%Y-%m-%dT%H:%M:%S"
        for handler in self._handlers:
            handler.setFormatter(layout)
        self._listener = QueueListener(lines, *self._handlers)
        self._listener.start()

    def close(self) -> None:
        self._listener.stop()
        for handler in self._handlers:
            handler.close()


class _PrivateFile(RotatingFileHandler):
    """Lines that the disk does not take are dropped, and the first of them is told, not all: there may be thousands."""

    _told = False

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            self._tell(error)
        else:
            super().handleError(record)

    def close(self) -> None:
        try:
            super().close()
        except OSError as error:  # the last lines, which were still in its buffer
            self._tell(error)

    def _tell(self, error: OSError) -> None:
        """On standard error: the log cannot say it. A program without a console has None there."""
        if not self._told and sys.stderr is not None:
            self._told = True
            why = error.strerror or error
            sys.stderr.write(f"{self.baseFilename} cannot be written: {why}. Lines are lost until it can.\n")

    def _open(self):  # type: ignore[no-untyped-def]  # the stub's return type is a TextIOWrapper of private parts
        open_private(Path(self.baseFilename))
        return super()._open()
