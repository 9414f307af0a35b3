"""Where the audit stood at each start and end is noted beside the file: what is cut off with its count shows."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from octopus_desktop.model.errors import StorageError
from octopus_desktop.storage import audit, heads
from octopus_desktop.storage.database import Database
from tests.unit.storage.stored import MEND_HEAD, bend

Open = Callable[[], Database]
FORGET_HEAD = "DELETE FROM meta WHERE key = 'audit_head'"


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        (["DELETE FROM audit WHERE seq > 3", MEND_HEAD], 4),
        (["DELETE FROM audit", FORGET_HEAD], 1),
        (["DROP TABLE audit"], 1),
    ],
)
def test_what_was_cut_off_with_its_count_shows_by_the_noted_heads(
    written: Path, statements: list[str], broken: int
) -> None:
    """Each start and each end noted beside the file how many entries there were."""
    bend(written, *statements)
    verdict = audit.verify(written)
    assert verdict.broken == broken
    assert "10 entries were written" in verdict.what
    heads.heads_of(written).unlink()
    if "DROP" not in statements[0]:
        assert audit.verify(written).broken is None, "the file alone cannot show it"


def test_a_session_that_begins_on_a_cut_audit_says_so(
    opened: Open, written: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At the start, and by the check for ever after: entries that come now do not cover it."""
    bend(written, "DELETE FROM audit WHERE seq > 3", MEND_HEAD)
    database = opened()
    assert "has not the audit that was noted" in caplog.text
    for number in range(20):
        database.audit.append(number, "trader", "command", {"number": number})
    database.close()
    assert audit.verify(written).broken == 10


def test_heads_are_noted_at_each_start_and_end_and_only_added(opened: Open, path: Path) -> None:
    """A data folder of an earlier version has none: it is checked as before, and its own begin with the next start."""
    opened().close()
    heads.heads_of(path).unlink()
    assert audit.verify(path).broken is None
    database = opened()
    (started,) = heads.read(path)
    assert (started.seq, started.hash) == (0, audit.GENESIS)
    database.audit.append(1, "trader", "command", {"number": 1})
    database.close()
    opened().close()
    noted = heads.read(path)
    assert [head.seq for head in noted] == [0, 1, 1, 1]
    assert {head.hash for head in noted[1:]} == {audit.verify(path).head}
    assert stat.S_IMODE(heads.heads_of(path).stat().st_mode) & 0o077 == 0 or sys.platform == "win32"


def test_a_line_of_the_heads_that_was_cut_short_is_passed_over(opened: Open, written: Path) -> None:
    """The power failed while it was written: the next one stands on a line of its own."""
    with heads.heads_of(written).open("a") as file:
        file.write("2026-01-01T00:00:00Z 99 abc")
    opened().close()
    assert [head.seq for head in heads.read(written)] == [0, 10, 10, 10]
    assert audit.verify(written).broken is None


def test_heads_that_cannot_be_read_keep_nobody_from_starting(
    opened: Open, written: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder in their place, or a file of somebody else's: that is said, and trading goes on. A check cannot."""
    heads.heads_of(written).unlink()
    heads.heads_of(written).mkdir()
    database = opened()
    assert "the noted heads of the audit are not looked at" in caplog.text
    database.audit.append(1, "trader", "command", {"number": 1})
    database.close()
    heads.heads_of(written).rmdir()
    assert audit.verify(written).count == 11
    heads.heads_of(written).mkdir()
    with pytest.raises(StorageError):
        audit.verify(written)


def a_year_of_minutes(path: Path, forged: str = "") -> list[str]:
    """Of heads that all are of the audit's end, but for one in the midst of them."""
    verdict = audit.verify(path)
    lines = [
        f"2025-{month:02}-{day:02}T{minute // 60:02}:{minute % 60:02}:00Z {verdict.count} {verdict.head}\n"
        for month in range(1, 13)
        for day in range(1, 29)
        for minute in range(0, 24 * 60, 20)
    ]
    if forged:
        lines[len(lines) // 2 + 7] = forged
    heads.heads_of(path).write_text("".join(lines))
    return lines


def test_a_start_reads_only_the_end_of_the_heads(
    opened: Open, written: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It tells a changed audit by the last one, whatever their number."""
    a_year_of_minutes(written)
    monkeypatch.setattr(heads, "LARGE_BYTES", 1 << 30)

    def whole(_: Path) -> list[heads.Head]:
        raise AssertionError("a start waits for it")

    monkeypatch.setattr(heads, "read", whole)
    opened().close()
    assert "has not the audit" not in caplog.text
    bend(written, "DELETE FROM audit WHERE seq > 3", MEND_HEAD)
    opened().close()
    assert "has not the audit that was noted" in caplog.text


def test_a_large_file_of_heads_is_thinned(opened: Open, written: Path) -> None:
    """The first and the last of each day are left, and what shows that the audit was changed at some time."""
    forged = f"2025-07-01T02:20:00Z 4 {'f' * 64}\n"
    lines = a_year_of_minutes(written, forged)
    opened().close()
    file = heads.heads_of(written)
    left = file.read_text().splitlines(keepends=True)
    assert left[:3] == [lines[0], lines[71], lines[2 * 72 - 1]]
    assert forged in left
    assert lines[-1] in left
    assert len(left) == 1 + 12 * 28 + 1 + 2, "and this session's start and end"
    assert file.stat().st_mode & 0o077 == 0 or sys.platform == "win32"
    assert audit.verify(written).broken == 4
    opened().close()
    assert file.read_text().splitlines(keepends=True)[: len(left)] == left
