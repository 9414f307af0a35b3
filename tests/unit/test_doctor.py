"""The doctor says what is wrong with a machine, and what to do."""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from octopus_desktop import doctor
from octopus_desktop.config.paths import folders
from octopus_desktop.config.profiles import DEMO, preset
from octopus_desktop.config.secrets import SecretStore
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import VenueUnavailable
from octopus_desktop.model.profile import Profile, VenueUrls
from octopus_desktop.storage.database import open_database

LIVE = msgspec.structs.replace(preset("binance"), name="mine")


@contextmanager
def venue(offset_ms: int = 0, status: int = 200) -> Iterator[str]:
    """A venue's clock on this machine; the address of its REST interface."""

    class Clock(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"serverTime": time.time_ns() // 1_000_000 + offset_ms}).encode()
            self.send_response(status if self.path == "/api/v3/time" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Clock)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def at(rest: str, profile: Profile = DEMO) -> Profile:
    return msgspec.structs.replace(profile, urls=VenueUrls(rest, "ws://127.0.0.1:9", "ws://127.0.0.1:9"))


def test_a_sound_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """All is well: one line each, exit code 0, no advice that frightens."""
    monkeypatch.setattr(doctor, "display", lambda: doctor.Check("display", True, "xcb, 2560x1440 at 100%"))
    with venue() as rest:
        monkeypatch.setattr(doctor, "DEMO", at(rest))
        monkeypatch.setattr("octopus_desktop.config.profiles.DEMO", at(rest))
        code = doctor.main(argparse.Namespace(profile="demo", data_dir=tmp_path))
    said = capsys.readouterr().out
    assert code == 0, said
    assert "BAD" not in said
    for name in (
        "Python",
        "Qt",
        "display",
        "settings",
        "profiles",
        "profile ",
        "keyring",
        "disk",
        "data file",
        "venue",
        "clock",
    ):
        assert f"ok   {name}" in said


def test_one_bad_line_is_exit_code_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script that sets machines up sees from the exit code that something is left to do."""
    checks = [doctor.Check("disk", True, "fine"), doctor.Check("display", False, "none", "Buy a monitor.")]
    monkeypatch.setattr(doctor, "checks", lambda profile, data_dir: iter(checks))
    assert doctor.main(argparse.Namespace(profile="demo", data_dir=tmp_path)) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in said[:2]] == ["ok  ", "BAD "]
    assert said[2].endswith("Buy a monitor.")


def test_qt_is_there() -> None:
    """Qt is found and its system libraries load, checked in a process of its own."""
    check = doctor.qt()
    assert check.ok, check.detail
    assert check.detail.startswith("6.")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("raise ModuleNotFoundError(\"No module named 'PySide6'\")", "make run"),
        ("raise ImportError('libEGL.so.1: cannot open shared object file')", "libegl1"),
        ("import os; os.abort()", "libxcb-cursor0"),
    ],
)
def test_qt_that_does_not_load(program: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package, a missing system library, and a library that ends the process each have their advice."""
    monkeypatch.setattr(doctor, "_QT", program)
    check = doctor.qt()
    assert not check.ok
    assert check.detail
    assert words in check.advice


def test_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a desktop is told how to see the terminal all the same."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    check = doctor.display()
    assert not check.ok
    assert "screenshot" in check.advice


def test_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Qt can open a window, the screens are named."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    check = doctor.display()
    assert check.ok, check.detail
    assert check.detail.startswith("offscreen, ")


def test_a_display_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A display that is named and does not answer is found out."""
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not doctor.display().ok


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    """A mistake in the settings is found before the terminal refuses to start."""
    places = folders(tmp_path)
    assert doctor.settings(places).ok
    places.settings_file.write_text('theme = "drak"')
    check = doctor.settings(places)
    assert not check.ok
    assert 'Did you mean "dark"' in check.detail


@pytest.mark.parametrize(
    ("profile", "available", "kept", "ok", "words"),
    [
        (DEMO, False, False, True, "DEMO needs none"),
        (LIVE, False, False, False, "none that keeps secrets safe"),
        (LIVE, True, False, False, "no key for mine"),
        (LIVE, True, True, True, "there"),
    ],
)
def test_the_keyring(
    profile: Profile, available: bool, kept: bool, ok: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo needs no keyring; an account does, and its key in it."""

    class Fake(SecretStore):
        is_available = available

        def load(self, profile: str) -> Credentials | None:
            return Credentials("key", "secret") if kept else None

    monkeypatch.setattr(SecretStore, "of_system", lambda: Fake(None))
    check = doctor.keyring(profile)
    assert check.ok is ok
    assert words in check.detail


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    """A data folder that cannot be is named, with the way out."""
    (tmp_path / "data").write_text("")
    check = doctor.disk(tmp_path / "data")
    assert not check.ok
    assert "--data-dir" in check.advice


def test_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An almost full disk is told before it is full."""
    assert doctor.disk(tmp_path).ok
    monkeypatch.setattr(doctor, "ROOM_NEEDED", 1 << 60)
    check = doctor.disk(tmp_path)
    assert not check.ok
    assert "Free some space" in check.advice


def test_the_data_file(tmp_path: Path) -> None:
    """A sound, a future and a damaged data file are told apart, and looking changes none of them."""
    path = tmp_path / "octopus.db"
    assert "none yet" in doctor.data_file(path).detail
    database = open_database(path)
    assert doctor.data_file(path).ok, "also while the terminal is open"
    database.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0900'")
    check = doctor.data_file(path)
    assert not check.ok
    assert "0900" in check.detail
    path.write_bytes(b"no database " * 1000)
    check = doctor.data_file(path)
    assert not check.ok
    assert "damaged" in check.detail
    assert path.read_bytes() == b"no database " * 1000


@pytest.mark.parametrize(("offset_ms", "ok"), [(0, True), (500, True), (2500, False), (-2500, False)])
def test_a_skewed_clock(offset_ms: int, ok: bool) -> None:
    """A clock the venue would refuse orders for is told, with how to set it."""
    with venue(offset_ms) as rest:
        reach, clock = doctor.venue(at(rest))
    assert reach.ok
    assert clock.ok is ok
    assert (clock.advice == "") is ok


def test_a_venue_out_of_reach() -> None:
    """No network, or a venue that answers with an error: what to look at, and the clock is not passed over."""
    with venue(status=503) as rest:
        check, clock = doctor.venue(at(rest))
        assert not check.ok
        assert "503" in check.detail
    check, clock = doctor.venue(at(rest))
    assert not check.ok
    assert "firewall" in check.advice
    assert (clock.name, clock.ok, clock.detail) == ("clock", False, "not known")
    assert "the venue's, which does not answer" in clock.advice


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = [", "is not TOML"),
        ("profiles = 3", "[profiles.NAME]"),
        ('[profiles.mine]\nvenue = "BINANCE"', 'the profile "mine" cannot be used'),
    ],
)
def test_profiles_that_cannot_be_read(text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has an account hears of a broken profiles.toml, though the demo profile opens without it."""
    monkeypatch.setattr(doctor, "venue", lambda profile: iter([doctor.Check("venue", True, "")]))
    file = folders(tmp_path).profiles_file
    file.write_text(text)
    found = {check.name: check for check in doctor.run_doctor("demo", tmp_path)}
    assert found["profile"].ok
    assert not found["profiles"].ok
    assert str(file) in found["profiles"].detail
    assert words in found["profiles"].detail
    assert f"Correct {file}, or move it away" in found["profiles"].advice


def test_the_embedded_exchange_starts() -> None:
    """The demo's own exchange is started, asked the time, and ended again."""
    reach, clock = doctor.venue(DEMO)
    assert reach.ok, reach.detail
    assert "embedded exchange" in reach.detail
    assert clock.ok


def test_an_embedded_exchange_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it said when it failed is in the line."""

    class Broken:
        def __init__(self, state: Path) -> None:
            pass

        async def start(self) -> None:
            await asyncio.sleep(0)
            raise VenueUnavailable("it said:\nno module named exchange")

        async def stop(self) -> None:
            pass

    monkeypatch.setattr(doctor, "EmbeddedExchange", Broken)
    check, _ = doctor.venue(DEMO)
    assert not check.ok
    assert check.detail == "SIM: it said: no module named exchange"


def test_an_unknown_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped profile is one bad line; the rest is still checked."""
    monkeypatch.setattr(doctor, "venue", lambda profile: iter([doctor.Check("venue", True, "")]))
    found = {check.name: check for check in doctor.run_doctor("mien", tmp_path)}
    assert not found["profile"].ok
    assert found["disk"].ok
    assert "DEMO" in found["keyring"].detail
