"""The log file of the program, written on a thread of its own so that a slow disk delays nobody."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from octopus_desktop import redaction
from octopus_desktop.config.paths import make_private, open_private

if TYPE_CHECKING:
    from octopus_desktop.config.log_writer import LogWriter

FILE_NAME: Final = "octopus.log"
LARGEST_BYTES: Final = 5 << 20
KEPT_FILES: Final = 5
NAMES: Final = ("octopus_desktop", "ui")


class LogFile:
    """From construction until `close`, which returns when every line is written.

    `level` is for this program's own lines; of libraries the file gets warnings and errors. Raises OSError where the
    folder cannot be written. Lines wait until `start`: what writes them takes longer to import than a window to paint.
    """

    def __init__(self, folder: Path, level: str = "INFO", *, console: bool = False) -> None:
        redaction.install()
        self._path = make_private(folder) / FILE_NAME
        open_private(self._path)
        self._console = console
        self._writer: LogWriter | None = None
        self._lines: SimpleQueue[logging.LogRecord] = SimpleQueue()
        self._handler = _Waiting(self._lines)
        root = logging.getLogger()
        root.addHandler(self._handler)
        root.setLevel(logging.WARNING)
        for name in NAMES:
            logging.getLogger(name).setLevel(level)
        logging.captureWarnings(True)

    def start(self) -> None:
        """Write what waits and all that comes. Raises OSError."""
        from octopus_desktop.config.log_writer import LogWriter

        self._writer = LogWriter(self._path, self._lines, LARGEST_BYTES, KEPT_FILES, console=self._console)

    def close(self) -> None:
        """Raises nothing: what a disk does not take is lost, and that is told on standard error."""
        if self._writer is None:
            try:
                self.start()
            except OSError as error:
                if sys.stderr is not None:
                    sys.stderr.write(f"{self._path} cannot be written: {error.strerror or error}.\n")
        logging.captureWarnings(False)
        logging.getLogger().removeHandler(self._handler)
        if self._writer is not None:
            self._writer.close()


class _Waiting(logging.Handler):
    """Records are plain text by now: redaction has put arguments and exceptions into words."""

    def __init__(self, lines: SimpleQueue[logging.LogRecord]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.put(record)
