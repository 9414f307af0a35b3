"""What nobody caught is on paper, without a secret, and told."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from octopus_desktop import doctor, redaction
from octopus_desktop.health import crash
from octopus_desktop.health.crash import CrashReports, last_report
from octopus_desktop.health.tasks import tell_failure
from octopus_desktop.model.errors import LinkError

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def reports(tmp_path: Path) -> Iterator[CrashReports]:
    """In place of pytest's own hooks, as in the program."""
    before = sys.excepthook, threading.excepthook
    made = CrashReports(tmp_path / "logs")
    made.install()
    yield made
    made.close()
    assert (sys.excepthook, threading.excepthook) == before


def failing(secret: str) -> None:
    hidden_local = f"local {secret}"
    raise ValueError(f"no answer for api_key={secret} {len(hidden_local)}")


def raise_and_report(reports: CrashReports, secret: str = "canary-of-the-crash-7") -> None:
    try:
        failing(secret)
    except ValueError as error:
        reports.report(error, "the test")


def test_a_report_says_where_and_nothing_secret(
    reports: CrashReports, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The traceback, versions, open orders and the last lines of the log; no key, variable or environment."""
    monkeypatch.setenv("OCTOPUS_TEST_ENVIRONMENT", "environment-canary")
    redaction.install()
    redaction.protect("canary-of-the-crash-7")
    logging.getLogger("octopus_desktop.test").warning("the last line before it, with canary-of-the-crash-7")
    reports.facts = lambda: {"open orders": 3}
    raise_and_report(reports)
    assert reports.last is not None
    text = reports.last.read_text()
    for part in ("ValueError", "in failing", "open orders: 3", "the last line before it", "Python: 3.", "the test"):
        assert part in text
    for hidden in ("canary", "environment-canary", "hidden_local = 'local", os.environ["PATH"]):
        assert hidden not in text
    assert str(reports.last) in caplog.text
    if sys.platform != "win32":
        assert stat.S_IMODE(reports.last.stat().st_mode) == 0o600


def test_the_same_error_again_is_one_report(reports: CrashReports, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error at each repaint is told each time and written once; many different ones stop at a number."""
    told: list[str] = []
    reports.listen(told.append)
    for _ in range(5):
        raise_and_report(reports)
    assert reports.last is not None
    folder = reports.last.parent
    assert len(list(folder.glob("crash-*.txt"))) == 1
    assert len(told) == 5
    for number in range(30):
        try:
            exec(compile("\n" * number + "1 / 0", "made", "exec"))
        except ZeroDivisionError as error:
            reports.report(error, "the test")
    assert len(list(folder.glob("crash-*.txt"))) == crash.A_SESSION
    monkeypatch.setattr(crash, "KEPT", 3)
    later = CrashReports(folder)
    raise_and_report(later)
    assert len(list(folder.glob("crash-*.txt"))) == 3, "the oldest go"
    assert last_report(folder) == later.last


def test_threads_and_the_main_thread_end_here(reports: CrashReports) -> None:
    """An error in any thread, or in a handler of the screen, comes to the same place."""
    told: list[str] = []
    reports.listen(told.append)

    def work() -> None:
        raise RuntimeError("in a thread")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    error = KeyError("in a slot")
    sys.excepthook(KeyError, error, None)
    assert told == ["RuntimeError: in a thread", "KeyError: 'in a slot'"]


def test_a_report_that_cannot_be_written_is_told_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A full or missing disk, or facts that fail: order entry still locks."""
    (tmp_path / "file").write_text("no folder")
    told: list[str] = []
    reports = CrashReports(tmp_path / "file" / "logs")
    reports.listen(lambda what: 1 / 0)
    reports.listen(told.append)
    raise_and_report(reports)
    assert len(told) == 1
    assert "cannot be written" in caplog.text
    sound = CrashReports(tmp_path)
    sound.facts = lambda: {"broken": 1 / 0}
    raise_and_report(sound)
    assert sound.last is not None
    assert "not to be had: ZeroDivisionError" in sound.last.read_text()


DIE = """
import os, signal, sys
from pathlib import Path
from octopus_desktop.health.crash import CrashReports
CrashReports(Path(sys.argv[1])).install()
def deep_in_a_library():
    os.kill(os.getpid(), signal.SIGSEGV)
deep_in_a_library()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to send on Windows")
def test_a_hard_crash_is_found_at_the_next_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A fault in a library ends the process at once; its stacks are a report at the next start."""
    died = subprocess.run([sys.executable, "-c", DIE, tmp_path], cwd=CHECKOUT, capture_output=True)
    assert died.returncode == -signal.SIGSEGV
    again = CrashReports(tmp_path)
    again.install()
    again.close()
    report = last_report(tmp_path)
    assert report is not None
    assert again.earlier == report
    assert "deep_in_a_library" in report.read_text()
    assert str(report) in caplog.text
    assert sorted(tmp_path.iterdir()) == [report], "an orderly session leaves nothing behind"
    check = doctor.crashes(tmp_path)
    assert check.ok
    assert str(report) in check.advice


def test_doctor_without_a_crash(tmp_path: Path) -> None:
    """Nothing to tell is told in a word."""
    assert doctor.crashes(tmp_path / "none").detail == "none"


async def test_a_task_that_dies_of_a_defect_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A defect in the background reaches the loop's handler; a venue that cannot be reached is a line in the log."""
    met: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: met.append(context["exception"]))

    async def work(error: Exception) -> None:
        raise error

    defect = TypeError("a defect")
    for error in (defect, LinkError("the venue cannot be reached"), OSError("the network is gone")):
        task = asyncio.create_task(work(error), name="the work")
        task.add_done_callback(tell_failure)
        await asyncio.gather(task, return_exceptions=True)
    canceled = asyncio.create_task(asyncio.sleep(60))
    canceled.add_done_callback(tell_failure)
    canceled.cancel()
    await asyncio.gather(canceled, return_exceptions=True)
    assert met == [defect]
    assert "the work failed: the venue cannot be reached" in caplog.text
