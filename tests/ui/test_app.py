"""The whole program over a scripted node, in a process of its own: opens, goes on, ends in good order."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

_PROGRAM = """
import json, sys, logging
from pathlib import Path
sys.path[:0] = [{here!r}, {root!r}]
logging.basicConfig(level=logging.INFO)
from octopus_desktop.model.errors import StorageError
from octopus_desktop.model.identifiers import Venue
from octopus_desktop.model.profile import Dialect, Mode, Profile
from ui.app import main
from ui.options import Options
import ui.main_window

profile = Profile("demo", Venue("SIM"), Dialect.BINANCE_SPOT, Mode.DEMO)
nodes = []
def factory():
    from scripted_day import scripted_session
    nodes.append(scripted_session())
    return nodes[0]
def when_furnished(work):
    build = ui.main_window.MainWindow._start_frames
    def start(window, *args):
        build(window, *args)
        window.furnished.connect(lambda: work(window))
    ui.main_window.MainWindow._start_frames = start
{body}
node = nodes[0] if nodes else None
print(json.dumps({{"code": code, "started": node and node.started, "stopped": node and node.stopped,
                  "settings": node and sorted(node.settings)}}))
"""

_MAIN = """
code = main(Options(profile, size=(1280, 720){options}), factory)
"""


_SCREENSHOT = """
from octopus_desktop import cli, local_node
local_node.LocalNode = lambda *args, **more: factory()
code = cli.main({words!r})
"""


def run(body: str, **environment: str) -> tuple[dict[str, object], str]:
    """The program's last line, and what it wrote on standard error."""
    program = _PROGRAM.format(here=str(HERE), root=str(HERE.parent.parent), body=body)
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(answer, dict)
    return answer, done.stderr


def pixels(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height


@pytest.mark.parametrize(("scale", "size"), [(1.0, (1280, 720)), (2.0, (2560, 1440))])
def test_a_session_leaves_a_picture_and_ends(tmp_path: Path, scale: float, size: tuple[int, int]) -> None:
    """The screenshot command opens a real session, writes it at the screen's own pixels, and ends with 0."""
    out = tmp_path / "terminal.png"
    options = f", scale={scale}, screenshot_after_s=0.6, screenshot_out=Path({str(out)!r})"
    answer, errors = run(_MAIN.format(options=options))
    assert (answer["code"], answer["started"], answer["stopped"]) == (0, True, True)
    assert pixels(out) == size
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("of_the_desktop", "asked", "size"),
    [
        ("1", [], (1280, 720)),
        ("1.5", [], (1920, 1080)),
        ("2", [], (2560, 1440)),
        ("2", ["--scale", "1"], (1280, 720)),
        ("1", ["--scale", "1.5"], (1920, 1080)),
    ],
)
def test_the_screenshot_command_follows_the_scale_of_the_desktop(
    tmp_path: Path, of_the_desktop: str, asked: list[str], size: tuple[int, int]
) -> None:
    """QT_SCALE_FACTOR counts, unless the command itself says another scale."""
    out = tmp_path / "terminal.png"
    words = ["screenshot", "--after", "0.6", "--size", "1280x720", "--data-dir", str(tmp_path / "data"), "--out"]
    answer, errors = run(_SCREENSHOT.format(words=[*words, str(out), *asked]), QT_SCALE_FACTOR=of_the_desktop)
    assert (answer["code"], answer["stopped"]) == (0, True)
    assert pixels(out) == size
    assert "Traceback" not in errors


def test_a_closed_window_keeps_the_layout_and_stops_the_node() -> None:
    """Closing writes the layout, stops the engine behind the window, and leaves nothing running."""
    body = "when_furnished(lambda window: window.close())" + _MAIN.format(options="")
    answer, errors = run(body)
    assert (answer["code"], answer["stopped"]) == (0, True)
    assert "window.layout" in answer["settings"]  # type: ignore[operator]  # a list
    assert "Traceback" not in errors


def test_what_nobody_caught_is_told_and_the_session_goes_on(tmp_path: Path) -> None:
    """A mistake anywhere is in the log, a toast and a crash report; the terminal lives to take its picture."""
    out = tmp_path / "after.png"
    body = f"""
from PySide6.QtCore import QTimer
import threading
from octopus_desktop.health.crash import CrashReports
crashes = CrashReports(Path({str(tmp_path / "logs")!r}))
crashes.install()
locked = []
crashes.listen(locked.append)
told = []
def break_it(window):
    import asyncio
    asyncio.get_event_loop().call_soon([].pop)
    window.toasts.show = lambda kind, title, text="", **more: told.append(text)
    QTimer.singleShot(0, lambda: 1 // 0)
    def elsewhere():
        raise RuntimeError("on a thread")
    threading.Thread(target=elsewhere).start()
when_furnished(break_it)
""" + _MAIN.format(options=f", screenshot_after_s=0.6, screenshot_out=Path({str(out)!r})")
    body += "\nassert any('ZeroDivisionError' in text for text in told), told"
    body += "\nassert any('on a thread' in text for text in told), told"
    body += "\nassert any('empty list' in text for text in told), told"
    body += "\nassert len(told) == len(locked) == 3, (told, locked)"
    body += "\ncrashes.close()"
    answer, errors = run(body)
    assert answer["code"] == 0
    assert out.exists()
    assert "not caught: ZeroDivisionError" in errors
    reports = "".join(report.read_text() for report in (tmp_path / "logs").glob("crash-*.txt"))
    assert all(word in reports for word in ("ZeroDivisionError", "on a thread", "empty list", "Qt: 6."))


def test_a_node_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """No data, no profile: the window says why it does not start, and the exit code is 1."""
    body = """
def factory():
    raise StorageError("The data file was written by a newer version.")
""" + _MAIN.format(options=f", screenshot_after_s=0.1, screenshot_out=Path({str(tmp_path / 'x.png')!r})")
    answer, errors = run(body)
    assert answer["code"] == 1
    assert "The terminal could not start: The data file was written by a newer version." in errors.splitlines()


def test_a_picture_of_a_failure_is_no_success(tmp_path: Path) -> None:
    """Where the engine cannot start, the picture shows that, standard error says it, and the exit code is 1."""
    out = tmp_path / "x.png"
    body = """
from octopus_desktop.model.events import EngineFailed
def fail(window):
    nodes[0].emit(EngineFailed("The data cannot be opened", "It is open elsewhere.", nodes[0].now_ns))
when_furnished(fail)
""" + _MAIN.format(options=f", screenshot_after_s=0.6, screenshot_out=Path({str(out)!r})")
    answer, errors = run(body)
    assert answer["code"] == 1
    assert out.exists()
    assert "The data cannot be opened: It is open elsewhere." in errors.splitlines()


def test_a_window_without_an_engine_is_no_success() -> None:
    """The second window on the same data says so on standard error at once, and when it is closed the code is 1."""
    body = """
from octopus_desktop.model.events import EngineFailed
from PySide6.QtCore import QTimer
def fail(window):
    for _ in range(2):
        nodes[0].emit(EngineFailed("The data cannot be opened", "It is open elsewhere.", nodes[0].now_ns))
    window.frames.ticked.connect(lambda: QTimer.singleShot(0, window.close))
when_furnished(fail)
""" + _MAIN.format(options="")
    answer, errors = run(body)
    assert (answer["code"], answer["stopped"]) == (1, True)
    assert errors.splitlines().count("The data cannot be opened: It is open elsewhere.") == 1


def test_what_qt_says_is_in_the_log_and_not_in_the_terminal(tmp_path: Path) -> None:
    """A floating pane drawn into memory says nothing to the trader; a warning of Qt's is a line of the log."""
    out = tmp_path / "floating.png"
    body = """
from PySide6.QtCore import qWarning
lines = []
class Lines(logging.Handler):
    def emit(self, record):
        lines.append((record.levelname, record.getMessage()))
logging.getLogger().handlers[:] = [Lines()]
def float_one(window):
    window.docks["fills"].toggle_floating()
    qWarning("a pixmap is null")
when_furnished(float_one)
""" + _MAIN.format(options=f", screenshot_after_s=0.6, screenshot_out=Path({str(out)!r})")
    body += "\nassert ('WARNING', 'Qt: a pixmap is null') in lines, lines"
    body += "\nassert not [line for line in lines if 'plugin' in line[1]], lines"
    answer, errors = run(body)
    assert answer["code"] == 0
    assert errors == ""


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Standard error has the sentence: there is no window to show it in."""
    answer, errors = run(_MAIN.format(options=f", screenshot_after_s=0.1, screenshot_out=Path({str(tmp_path)!r})"))
    assert answer["code"] == 1
    assert f"The picture {tmp_path} cannot be written." in errors.splitlines()


def test_the_first_window_waits_for_nothing_heavy() -> None:
    """Before the first paint neither numpy nor SQLAlchemy, the panes or the second event loop are imported."""
    body = """
from types import ModuleType
from PySide6 import QtCore
seen = []
sys.modules["ui.terminal"] = session = ModuleType("ui.terminal")
session.run = lambda *args: seen.extend([*sys.modules, *vars(QtCore)]) or 0
code = main(Options(profile), factory)
heavy = {"numpy", "sqlalchemy", "qasync", "asyncio", "ui.panes.chart", "ui.palette", "rapidfuzz", "aiohttp"}
enums = {"Qt"}
assert "ui.main_window" in seen
assert not (heavy | enums) & set(seen), (heavy | enums) & set(seen)
"""
    assert run(body)[0]["code"] == 0
