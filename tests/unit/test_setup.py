"""packaging/setup.sh, in a folder of its own and with nothing to install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_a_half_made_environment_is_made_anew(tmp_path: Path) -> None:
    """A Debian without python3-venv leaves an environment without pip; the next try, with it, works."""
    (tmp_path / "packaging" / "requirements").mkdir(parents=True)
    (tmp_path / "packaging" / "requirements" / "run.txt").touch()
    (tmp_path / "pyproject.toml").touch()
    shutil.copy(ROOT / "packaging" / "setup.sh", tmp_path / "packaging")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "uname").write_text("#!/bin/sh\necho a system that brings all libraries\n")
    (programs / "uname").chmod(0o755)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    done = subprocess.run(
        [tmp_path / "packaging" / "setup.sh", "run"],
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".venv" / ".installed-run").exists()
    assert (tmp_path / ".venv" / "bin" / "octopus-desktop").exists()
