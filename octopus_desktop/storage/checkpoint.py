"""The thread that moves the write-ahead log into the data file.

SQLite would do it within the commit that fills the log: some milliseconds in which the writer does nothing else, and an
order waits. A passive checkpoint runs beside writers and readers instead. The log begins anew, in the room it has,
with the first write after one that got to its end; at a few commits a second nearly every one does.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

logger = logging.getLogger(__name__)

EVERY_S: Final = 5.0
"""A busy terminal writes about a megabyte in this time."""


class Checkpointer:
    """Runs from its making until `close`, which returns when it has ended."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._failing = False
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="storage checkpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(EVERY_S):
            try:
                connection = self._engine.raw_connection()
                try:
                    connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
                finally:
                    connection.close()
            except (sqlite3.Error, SQLAlchemyError) as error:
                # The log only grows meanwhile; what is in it is as safe there.
                if not self._failing:
                    logger.warning("the write-ahead log could not be moved into the data file: %s", error)
                self._failing = True
            else:
                self._failing = False
