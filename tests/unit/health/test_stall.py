"""A loop that hangs tells where."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from octopus_desktop.health import stall
from octopus_desktop.health.stall import StallWatch

STALL_S = 0.1


class Seen(logging.Handler):
    """Waits for a line of the watch instead of for time to pass."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self._came = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self._came:
            self.records.append(record)
            self._came.notify_all()

    def wait(self, word: str, count: int = 1) -> list[logging.LogRecord]:
        def found() -> list[logging.LogRecord]:
            return [record for record in self.records if word in record.getMessage()]

        with self._came:
            assert self._came.wait_for(lambda: len(found()) >= count, 20), [r.getMessage() for r in self.records]
            return found()


@pytest.fixture
def seen() -> Iterator[Seen]:
    handler = Seen()
    stall.logger.addHandler(handler)
    yield handler
    stall.logger.removeHandler(handler)


class LoopThread:
    """A loop at work, and a watch beside it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        assert self.thread.ident is not None
        self.watch = StallWatch("the test's loop", self.thread.ident, self.loop.call_soon_threadsafe, stall_s=STALL_S)

    def hang(self, release: threading.Event) -> None:
        def the_guilty_function() -> None:
            assert release.wait(20)

        self.loop.call_soon_threadsafe(the_guilty_function)

    def end(self) -> None:
        self.watch.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def running() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.end()


def test_the_stack_is_of_the_moment_it_hangs(seen: Seen, running: LoopThread) -> None:
    """While the loop hangs, the log names the function that holds it; afterwards it says that it went on."""
    release = threading.Event()
    running.hang(release)
    (record,) = seen.wait("stalls")
    assert record.stack_info is not None
    assert "the_guilty_function" in record.stack_info
    assert "the_guilty_function" not in record.getMessage(), "the screen's log shows one line"
    release.set()
    seen.wait("went on after")
    assert len(seen.wait("stalls")) == 1, "one dump a stall"


def test_a_flood_of_stalls_is_cut_off(seen: Seen, running: LoopThread) -> None:
    """A machine under water fills no log: a few dumps a minute."""
    for number in range(1, stall.A_MINUTE + 1):
        release = threading.Event()
        running.hang(release)
        seen.wait("stalls", number)
        release.set()
        seen.wait("went on after", number)
    release = threading.Event()
    running.hang(release)
    quiet = threading.Event()
    running.loop.call_soon_threadsafe(quiet.set)
    assert not quiet.wait(STALL_S * 3), "it hangs"
    release.set()
    assert quiet.wait(20)
    assert len(seen.wait("stalls")) == stall.A_MINUTE


def test_a_watch_ends_with_a_closed_loop() -> None:
    """A loop that is gone is no stall, and the watch can always be stopped."""
    thread = LoopThread()
    thread.loop.call_soon_threadsafe(thread.loop.stop)
    thread.thread.join()
    thread.loop.close()
    thread.watch.stop()
    thread.watch.stop()
