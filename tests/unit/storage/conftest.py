from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from octopus_desktop.storage.database import Database, open_database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profile" / "octopus.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[[], Database]]:
    """Opens the data file; closed after the test, however it ends."""
    databases: list[Database] = []

    def open_it() -> Database:
        databases.append(open_database(path))
        return databases[-1]

    yield open_it
    for database in databases:
        database.close()


@pytest.fixture
def written(opened: Callable[[], Database], path: Path) -> Path:
    """A file with ten entries."""
    database = opened()
    for number in range(1, 11):
        database.audit.append(number, "trader", "command", {"number": number})
    database.close()
    return path
