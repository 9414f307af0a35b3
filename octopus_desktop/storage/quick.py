"""Settings of the window, read with the standard library alone: the first window can't wait for SQLAlchemy."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

BUSY_S: Final = 0.2


def read_settings(path: Path) -> dict[str, str]:
    """Everything kept by `Repository.save_setting`. Empty where there is no file or it can't be read, never an error:
    the window then opens with its defaults, and opening the file for good tells what is wrong with it.
    """
    if not path.exists():
        return {}
    try:
        return _read(path, "mode=ro")
    except sqlite3.Error as error:
        # Text that is no UTF-8 is an error of the Python module's own, which has no code.
        code = getattr(error, "sqlite_errorcode", None)
        if code != sqlite3.SQLITE_CANTOPEN and "readonly" not in str(error):
            logger.warning("settings in %s cannot be read: %s", path, error)
            return {}
    # A folder that can't be written to has no room for the index of the write-ahead log. Then nobody writes there
    # either, and the file may be read as it stands.
    try:
        return _read(path, "immutable=1")
    except sqlite3.Error as error:
        logger.warning("settings in %s cannot be read: %s", path, error)
        return {}


def _read(path: Path, how: str) -> dict[str, str]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=BUSY_S)) as connection:
        return {
            key: value
            for key, value in connection.execute("SELECT key, value FROM settings")
            if isinstance(key, str) and isinstance(value, str)
        }
