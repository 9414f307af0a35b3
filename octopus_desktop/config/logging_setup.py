"""The log file of the program, written on a thread of its own so that a slow disk delays nobody."""

from __future__ import annotations

import logging
import logging.handlers
import os
import queue
import sys
import time
from pathlib import Path
from typing import Final

from octopus_desktop.config import redaction
from octopus_desktop.config.paths import make_private

FILE_NAME: Final = "octopus.log"
LARGEST_BYTES: Final = 5 << 20
KEPT_FILES: Final = 5
NAMES: Final = ("octopus_desktop", "ui")


class LogFile:
    """From construction until `close`, which returns when every line is written.

    `level` is for this program's own lines; of libraries the file gets warnings and errors. Raises OSError where the
    folder cannot be written.
    """

    def __init__(self, folder: Path, level: str = "INFO", *, console: bool = False) -> None:
        redaction.install()
        make_private(folder)
        handlers: list[logging.Handler] = [_PrivateFile(folder / FILE_NAME)]
        if console:
            handlers.append(logging.StreamHandler(sys.stderr))
        layout = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-8s %(threadName)s %(name)s: %(message)s")
        layout.converter = time.gmtime
        layout.datefmt = "%Y-%m-%dT%H:%M:%S"
        for handler in handlers:
            handler.setFormatter(layout)
        self._handlers = handlers
        waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        self._queue = logging.handlers.QueueHandler(waiting)
        self._listener = logging.handlers.QueueListener(waiting, *handlers)
        self._listener.start()
        root = logging.getLogger()
        root.addHandler(self._queue)
        root.setLevel(logging.WARNING)
        for name in NAMES:
            logging.getLogger(name).setLevel(level)
        logging.captureWarnings(True)

    def close(self) -> None:
        logging.captureWarnings(False)
        logging.getLogger().removeHandler(self._queue)
        self._listener.stop()
        for handler in self._handlers:
            handler.close()


class _PrivateFile(logging.handlers.RotatingFileHandler):
    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LARGEST_BYTES, backupCount=KEPT_FILES, encoding="utf-8", errors="replace")

    def _open(self):  # type: ignore[no-untyped-def]  # the stub's return type is a TextIOWrapper of private parts
        os.close(os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        return super()._open()
