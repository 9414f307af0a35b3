"""`octopus-desktop doctor`: is this machine ready, and what to do where it is not."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from octopus_desktop.config.documents import SettingsError
from octopus_desktop.config.paths import DATABASE_NAME, Folders, folders, make_private
from octopus_desktop.config.profiles import DEMO, ProfileBook
from octopus_desktop.config.secrets import SecretStore
from octopus_desktop.config.settings import load_settings
from octopus_desktop.embedded_exchange import EmbeddedExchange
from octopus_desktop.health.crash import last_report
from octopus_desktop.model.errors import OctopusError, ProfileError, StorageError
from octopus_desktop.model.profile import Dialect, Mode, Profile
from octopus_desktop.net.clock_offset import ClockOffset

ROOM_NEEDED: Final = 200 << 20
CLOCK_LIMIT_MS: Final = 1000.0
"""Binance refuses a request whose timestamp is more than a second ahead of its own clock, whatever the window."""
_TIME_PATHS: Final = {Dialect.BINANCE_SPOT: "/api/v3/time", Dialect.BINANCE_USDM: "/fapi/v1/time"}
_QT: Final = "import PySide6.QtWidgets; from PySide6.QtCore import qVersion; print(qVersion())"
_DISPLAY: Final = """
import sys
from PySide6.QtGui import QGuiApplication
app = QGuiApplication(sys.argv)
screens = ", ".join(f"{s.size().width()}x{s.size().height()} at {s.devicePixelRatio():.0%}" for s in app.screens())
print(f"{app.platformName()}, {screens}")
"""
_QT_LIBRARIES: Final = (
    "sudo apt-get install -y libegl1 libgl1 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libxcb-cursor0 "
    "libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 "
    "libxcb-xkb1"
)


class Check(msgspec.Struct, frozen=True):
    """`advice` is what to do; empty where all is well."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


def main(args: argparse.Namespace) -> int:
    """Prints each check as it is made. 0 where all are well, 1 where one is not. Reads `profile` and `data_dir`."""
    bad = 0
    for check in checks(args.profile, args.data_dir):
        bad += not check.ok
        sys.stdout.write(f"{'ok  ' if check.ok else 'BAD '} {check.name:<14} {check.detail}\n")
        if check.advice:
            sys.stdout.write(f"{'':<20}{'→' if _speaks_unicode() else '->'} {check.advice}\n")
        sys.stdout.flush()
    return 1 if bad else 0


def run_doctor(profile: str, data_dir: Path | None) -> list[Check]:
    return list(checks(profile, data_dir))


def checks(profile_name: str, data_dir: Path | None) -> Iterator[Check]:
    """One after the other; the slow ones, Qt and the venue, take a second or two each."""
    places = folders(data_dir)
    yield python()
    yield qt()
    yield display()
    yield settings(places)
    yield profiles(places)
    profile = DEMO
    try:
        profile = ProfileBook(places.profiles_file).get(profile_name)
    except (ProfileError, SettingsError) as error:
        advice = "Choose one with --profile, or mend or add this one. What follows is of the demo profile."
        yield Check("profile", False, str(error), advice)
    else:
        yield Check("profile", True, f"{profile.name}: {profile.venue}, {profile.mode.value}")
    yield keyring(profile)
    folder = places.of_profile(profile)
    yield disk(folder)
    yield data_file(folder / DATABASE_NAME)
    yield crashes(places.logs)
    yield from venue(profile)


def python() -> Check:
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if struct.calcsize("P") != 8:
        return Check("Python", False, f"{detail}, 32 bits", "Install a 64-bit Python: Qt comes for nothing else.")
    return Check("Python", True, detail)


def qt() -> Check:
    """In a process of its own: the engine imports no Qt, and a library that is missing may end the process."""
    code, said = _try(_QT, {"QT_QPA_PLATFORM": "offscreen"})
    if code == 0:
        return Check("Qt", True, said)
    if "No module named" in said:
        return Check("Qt", False, said, "Run `make run`, which installs it, or: pip install 'PySide6-Essentials<6.12'")
    return Check("Qt", False, said, f"Install the system libraries it needs, on Debian or Ubuntu: {_QT_LIBRARIES}")


def display() -> Check:
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return Check(
            "display",
            False,
            "none: neither DISPLAY nor WAYLAND_DISPLAY is set",
            "Start it from a desktop session. Without one, `make run` and `octopus-desktop screenshot` draw offscreen.",
        )
    code, said = _try(_DISPLAY, {})
    if code == 0:
        return Check("display", True, said)
    return Check("display", False, said, f"On Debian or Ubuntu: {_QT_LIBRARIES}")


def _try(program: str, environment: dict[str, str]) -> tuple[int, str]:
    """Exit code, and the last line it said."""
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter and text
            [sys.executable, "-c", program],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, "no answer within 30 s"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return done.returncode, lines[-1][:300] if lines else f"it ended with code {done.returncode}"


def settings(places: Folders) -> Check:
    try:
        load_settings(places.settings_file)
    except SettingsError as error:
        return Check("settings", False, str(error), f"Correct the file, or move {places.settings_file} away.")
    there = "read" if places.settings_file.exists() else "the defaults; the file would be"
    return Check("settings", True, f"{there} {places.settings_file}")


def profiles(places: Folders) -> Check:
    """The whole file: the demo profile is opened without it, and the others are not."""
    path = places.profiles_file
    try:
        found = ProfileBook(path).all()
    except (ProfileError, SettingsError) as error:
        advice = (
            f"Correct {path}, or move it away and add its profiles again with `octopus-desktop profile add`: that "
            "loses no data."
        )
        return Check("profiles", False, str(error), advice)
    if not path.exists():
        return Check("profiles", True, f"the built-in ones; the file of others would be {path}")
    return Check("profiles", True, f"read {path}: {', '.join(profile.name for profile in found)}")


def keyring(profile: Profile) -> Check:
    try:
        store = SecretStore.of_system()
        credentials = store.load(profile.name) if profile.mode is Mode.LIVE else None
    except ProfileError as error:
        return Check("keyring", False, str(error), "Unlock the keyring, then try again.")
    if not store.is_available:
        advice = "To keep API keys: start GNOME Keyring, KWallet, or KeePassXC with its Secret Service on."
        if profile.mode is Mode.LIVE:
            return Check("keyring", False, "none that keeps secrets safe", advice)
        return Check("keyring", True, f"none that keeps secrets safe; {profile.mode.value} needs none", advice)
    if profile.mode is Mode.LIVE and credentials is None:
        return Check(
            "keyring",
            False,
            f"no key for {profile.name}",
            f"Remove and add the profile: `octopus-desktop profile remove {profile.name}`, then `profile add`.",
        )
    return Check("keyring", True, "there")


def disk(folder: Path) -> Check:
    try:
        make_private(folder)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"doctor")
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(
            "disk",
            False,
            f"{folder}: {error.strerror or error}",
            "Give your user write access to it, free some space, or choose another folder with --data-dir.",
        )
    detail = f"{folder}, {free >> 20:,} MB free"
    if free < ROOM_NEEDED:
        return Check("disk", False, detail, f"Free some space: {ROOM_NEEDED >> 20} MB are the least to start with.")
    return Check("disk", True, detail)


def data_file(path: Path) -> Check:
    if not path.exists():
        return Check("data file", True, f"none yet; it will be {path}")
    from octopus_desktop.storage.schema import REVISION
    from octopus_desktop.storage.upgrade import damage, revision

    try:
        what = damage(path)
        if what is not None:
            advice = "The next start keeps it under another name, begins a new one and says what is lost with it."
            return Check("data file", False, f"{path} is damaged: {what}", advice)
        version = revision(path)
    except (sqlite3.Error, OSError, StorageError) as error:
        return Check("data file", False, f"{path}: {error}", "Check who may read it, or choose another --data-dir.")
    size = path.stat().st_size / (1 << 20)
    if version is not None and version > REVISION:
        return Check(
            "data file",
            False,
            f"{path} has data version {version}, this program knows up to {REVISION}",
            "Install the newer program again, or choose another folder with --data-dir.",
        )
    return Check("data file", True, f"{path}, {size:.1f} MB, sound, data version {version or 'none'}")


def crashes(folder: Path) -> Check:
    """Not a fault of the machine, so never bad: what there is to tell whoever mends the program."""
    report = last_report(folder)
    if report is None:
        return Check("last crash", True, "none")
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(report.stat().st_mtime))
    advice = f"Send {report} with a description of what you did; it holds no keys. Delete it when it is old."
    return Check("last crash", True, f"{when} UTC", advice)


def venue(profile: Profile) -> Iterator[Check]:
    try:
        offset = asyncio.run(_measure(profile))
    except (OctopusError, OSError, ValueError, msgspec.MsgspecError) as error:
        advice = (
            "Report it with the log: the embedded exchange needs nothing from outside."
            if profile.urls is None
            else "Check the network, a proxy or firewall, and whether the venue serves your country."
        )
        yield Check("venue", False, " ".join(f"{profile.venue}: {error}".split())[-300:], advice)
        advice = "It is compared with the venue's, which does not answer: mend that, then run this again."
        yield Check("clock", False, "not known", advice)
        return
    name = "the embedded exchange" if profile.urls is None else str(profile.venue)
    yield Check("venue", True, f"{name} answers in {offset.round_trip_ns / 1e6:.0f} ms")
    clock = offset.offset_ns / 1e6
    detail = f"{clock:+.0f} ms from the venue's"
    if abs(clock) > CLOCK_LIMIT_MS:
        advice = "Turn on the system's time synchronisation (`timedatectl set-ntp true` on Linux)."
        yield Check("clock", False, detail, advice)
    else:
        yield Check("clock", True, detail)


async def _measure(profile: Profile) -> ClockOffset:
    if profile.urls is not None:
        return await _ask(profile.urls.rest, profile.dialect)
    with tempfile.TemporaryDirectory(prefix="octopus-doctor-") as folder:
        exchange = EmbeddedExchange(Path(folder) / "exchange.db")
        try:
            await exchange.start()
            assert exchange.urls is not None
            return await _ask(exchange.urls.rest, profile.dialect)
        finally:
            await exchange.stop()


class _Time(msgspec.Struct, rename="camel"):
    server_time: int


async def _ask(rest: str, dialect: Dialect) -> ClockOffset:
    import aiohttp  # slow to import

    offset = ClockOffset()
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:

            async def ask() -> int:
                async with session.get(rest + _TIME_PATHS[dialect]) as response:
                    response.raise_for_status()
                    return msgspec.json.decode(await response.read(), type=_Time).server_time * 1_000_000

            await offset.measure(ask)
    except aiohttp.ClientError as error:
        raise OSError(f"{rest}: {error}") from error
    except TimeoutError as error:
        raise OSError(f"{rest}: no answer within 5 s") from error
    return offset


def _speaks_unicode() -> bool:
    return "utf" in (sys.stdout.encoding or "").lower()
