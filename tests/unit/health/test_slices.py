"""A thread asks for the shortest slice."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from octopus_desktop.health import slices

GET = {"x86_64": 315, "aarch64": 275}

CHILD = "from tests.unit.health.test_slices import attributes; print(attributes().runtime)"


def on_a_thread(work: Callable[[], None]) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised again below, on the test's own thread
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def attributes() -> slices._Attributes:
    known = slices._Attributes()
    number = ctypes.c_long(GET[platform.machine()])
    assert ctypes.CDLL(None).syscall(number, 0, ctypes.byref(known), ctypes.sizeof(known), 0) == 0
    return known


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in GET, reason="only Linux has slices that can be asked for"
)
def test_the_thread_has_the_short_slice_and_its_niceness() -> None:
    kernel = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])

    def asks() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 3)
        if not slices.short_slices():
            pytest.skip("this system does not let a thread choose its slice")
        known = attributes()
        assert known.nice == 3
        if kernel >= (6, 12):
            assert known.runtime == slices.SLICE_NS
        asked = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
        assert int(asked.stdout) != slices.SLICE_NS, "a child has an ordinary one"

    on_a_thread(asks)
    assert attributes().runtime != slices.SLICE_NS, "only the thread that asked"


def test_elsewhere_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    assert not slices.short_slices()
