"""The embedded exchange as a process of its own, for tests and benches: started, and always ended."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import select
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]


def start(*arguments: str, timeout_s: float = 30.0) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """A running exchange and its ready line. The caller ends it; `simulator` does both."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "octopus_desktop.simulator", "--exit-with-stdin", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=environment,
    )
    assert process.stdout is not None
    try:
        if not select.select([process.stdout], [], [], timeout_s)[0]:
            raise TimeoutError("the exchange did not get ready")
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the exchange ended with code {process.wait(5)}")
        return process, json.loads(line)
    except BaseException:
        stop(process)
        raise


def stop(process: subprocess.Popen[bytes], *, kill: bool = False) -> int:
    """End a process by SIGTERM (SIGKILL with `kill`, or where it does not listen); its exit code."""
    if process.poll() is None:
        if kill:
            process.kill()
        else:
            process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    return process.returncode


@contextmanager
def simulator(seed: int = 1, speed: float = 1, **flags: object) -> Iterator[dict[str, Any]]:
    """The ready line (with `pid`) of an exchange that ends with the block.

    Flags are its arguments with underscores: `state=path`, `drop=0.1`; True for one without a value.
    """
    arguments = ["--seed", str(seed), "--speed", str(speed)]
    for name, value in flags.items():
        arguments.append("--" + name.replace("_", "-"))
        if value is not True:
            arguments.append(str(value))
    process, ready = start(*arguments)
    try:
        yield ready
    finally:
        stop(process)


class Caller:
    """Asks an exchange over REST with nothing but the standard library."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.ready = ready
        self.headers: dict[str, str] = {}
        """Of the last answer."""

    def get(self, path: str, **params: object) -> tuple[int, Any]:
        """(status, decoded answer) of an unsigned request."""
        return self._ask("GET", path, urlencode(params), {})

    def signed(self, method: str, path: str, **params: object) -> tuple[int, Any]:
        """(status, decoded answer) of a request signed now with the account's HMAC key."""
        params.setdefault("timestamp", int(time.time() * 1000))
        query = urlencode(params)
        signature = hmac.new(self.ready["api_secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
        return self._ask(method, path, f"{query}&signature={signature}", {"X-MBX-APIKEY": self.ready["api_key"]})

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Of the control endpoint: faults, cut, clock_skew, deposit, account."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.ready['control']}/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def _ask(self, method: str, path: str, query: str, headers: dict[str, str]) -> tuple[int, Any]:
        request = urllib.request.Request(f"{self.ready['rest']}{path}?{query}", method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                self.headers = dict(answer.headers)
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            self.headers = dict(error.headers)
            with error:
                return error.code, json.load(error)
