"""A key is in the keyring and in memory, and nowhere else."""

from __future__ import annotations

import base64
import json
import os
import struct
import subprocess
import sys
import urllib.parse
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator_process import ROOT, simulator

pytestmark = pytest.mark.xdist_group("exchange")


def forms(secret: str) -> set[bytes]:
    """The ways a text may stand in a file."""
    raw = secret.encode()
    return {
        raw,
        raw[::-1],
        raw.hex().encode(),
        base64.b64encode(raw).rstrip(b"="),
        urllib.parse.quote(secret, safe="").encode(),
        secret.encode("utf-16-le"),
    }


def texts_of_png(picture: bytes) -> Iterator[bytes]:
    """Its text chunks, unpacked."""
    at = 8
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        kind, data = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        if kind in (b"tEXt", b"iTXt"):
            yield data
        elif kind == b"zTXt":
            yield zlib.decompress(data.split(b"\0", 1)[1][1:])
        at += 12 + length


def command_line(pid: int) -> tuple[bytes, bytes]:
    """What anybody on the machine may read of a process, and what its owner may."""
    process = Path("/proc") / str(pid)
    return (process / "cmdline").read_bytes(), (process / "environ").read_bytes()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="process arguments are read from /proc")
def test_a_key_is_nowhere_but_in_the_keyring(tmp_path: Path) -> None:
    """Orders, a defect with the key in its words, exports, a picture: nothing said or left behind has the key in it."""
    data = tmp_path / "data"
    with simulator() as ready:
        session = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.canary_session", str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )
        try:
            assert session.stdin is not None
            session.stdin.write(json.dumps(ready).encode() + b"\n")
            session.stdin.flush()
            arguments, environment = command_line(session.pid)
            out, err = session.communicate(timeout=100)
        finally:
            session.kill()
            session.wait()
    assert session.returncode == 0, err.decode(errors="replace")[-3000:]

    left = {file.relative_to(data).as_posix(): file.read_bytes() for file in data.rglob("*") if file.is_file()}
    for name in ("logs/octopus.log", "profiles/canary/octopus.db", "audit.csv", "audit.jsonl", "shot.png"):
        assert left.get(name), f"{name} is missing among {sorted(left)}"
    (report,) = [text for name, text in left.items() if name.startswith("logs/crash-")]
    assert b"cannot sign" in report
    assert b"open orders: 1" in report
    assert b"[hidden]" in left["logs/octopus.log"], "it went by, and was taken out"
    for kind in (b'"kind":"login"', b'"kind":"command"', b'"kind":"risk"', b'"kind":"error"', b'"kind":"override"'):
        assert kind in left["audit.jsonl"]

    places = {**left, "standard output": out, "standard error": err, "arguments": arguments, "environment": environment}
    places["texts of the picture"] = b"\n".join(texts_of_png(left["shot.png"]))
    for secret in (ready["api_key"], ready["api_secret"]):
        for form in forms(secret):
            assert [name for name, text in places.items() if form in text] == []
