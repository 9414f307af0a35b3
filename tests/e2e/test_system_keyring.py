"""A key in a keyring that is a real one: GNOME's, in a desktop session of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = ("dbus-run-session", "gnome-keyring-daemon")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]
UNLOCKED = "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null"
LOCKED = "gnome-keyring-daemon --start --components=secrets >/dev/null"

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"this machine has no {' and no '.join(MISSING)}")


def session(folder: Path, keyring: str) -> subprocess.CompletedProcess[str]:
    """The keyring ends with the session's bus."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    where = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_RUNTIME_DIR": str(home)}
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = f'{keyring}; exec "{sys.executable}" -m tests.e2e.keyring_session "{folder / "data"}"'
    return subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", command],
        env=environment | where,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_a_key_lives_in_the_systems_keyring(tmp_path: Path) -> None:
    """Added, read back, found in no file, and gone when its profile is."""
    done = session(tmp_path, UNLOCKED)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen == {
        "backend": "keyring.backends.SecretService",
        "added": 0,
        "in_keyring": True,
        "read_back": True,
        "in_clear": [],
        "removed": 0,
        "left": False,
    }


def test_a_locked_keyring_is_said(tmp_path: Path) -> None:
    """Nobody is there to unlock it: the profile is not added, and the trader reads why."""
    session(tmp_path, UNLOCKED)  # makes the keyring, with its password
    done = session(tmp_path, LOCKED)
    assert "Is it locked? Unlock it, then try again." in done.stderr + done.stdout
