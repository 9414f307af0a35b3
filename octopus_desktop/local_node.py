"""LocalNode: the engine on a thread and loop of its own, beside the screen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from octopus_desktop.config.paths import DATABASE_NAME
from octopus_desktop.engine.frames import FrameBuffer
from octopus_desktop.health.crash import CrashReports
from octopus_desktop.health.slices import short_slices
from octopus_desktop.health.stall import StallWatch
from octopus_desktop.model.commands import Command, Outcome, Refused
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import OctopusError, StorageError, is_operational
from octopus_desktop.model.events import Event, LogRecorded, NoticeRaised, Severity
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.profile import Profile
from octopus_desktop.model.queries import Query
from octopus_desktop.node import Engine
from octopus_desktop.storage.quick import read_settings

if sys.platform != "win32":
    import uvloop

logger = logging.getLogger(__name__)

T = TypeVar("T")

STOPS_WITHIN_S: Final = 15.0


class _LogToEvents(logging.Handler):
    """Log lines of the program as events, from whatever thread they come."""

    def __init__(self, loop: asyncio.AbstractEventLoop, publish: Callable[[Event], None]) -> None:
        super().__init__(logging.INFO)
        self._loop = loop
        self._publish = publish

    def emit(self, record: logging.LogRecord) -> None:
        severity = (
            Severity.ERROR
            if record.levelno >= logging.ERROR
            else Severity.WARNING
            if record.levelno >= logging.WARNING
            else Severity.INFO
        )
        line = LogRecorded(severity, record.name, record.getMessage(), int(record.created * 1e9))
        # The loop is closed in the last moments of a session; the log file still has the line.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._publish, line)


class LocalNode:
    """The Node port over an Engine on its own thread, so that no repaint ever delays an order or a message."""

    def __init__(
        self,
        profile: Profile,
        data_dir: Path,
        *,
        credentials: Callable[[], Credentials | None],
        limits: RiskLimits | None = None,
        safe_mode: bool = False,
        crashes: CrashReports | None = None,
    ) -> None:
        """`crashes`: where errors of the whole program go; by default those of the engine are only told and logged."""
        self.profile = profile
        self._crashes = crashes or CrashReports(None)
        self._settings = read_settings(data_dir / DATABASE_NAME)
        self._frames = FrameBuffer()
        self._loop = asyncio.new_event_loop() if sys.platform == "win32" else uvloop.new_event_loop()
        self._engine = Engine(profile, data_dir, credentials=credentials, limits=limits, safe_mode=safe_mode)
        self._engine.bus.subscribe(self._frames.put)
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)
        self._log = _LogToEvents(self._loop, self._engine.bus.publish)
        self._crashes.facts = self._facts
        self._crashes.listen(self._defect)

    def start(self) -> None:
        # A screen at work on its thread gives the interpreter up fifty times sooner than by default: the p99 of a
        # message's way in fell from 8 ms to below one.
        sys.setswitchinterval(0.0001)
        for name in ("octopus_desktop", "ui"):
            logging.getLogger(name).addHandler(self._log)
        self._thread.start()

    def _run(self) -> None:
        short_slices()
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(self._not_caught)
        if (stacks := self._crashes.earlier) is not None:
            text = f"Nothing is lost: the journal has its orders, and the venue is asked for them. See {stacks}."
            told = NoticeRaised(Severity.WARNING, "The last session ended in a crash", text, time.time_ns())
            self._loop.call_soon(self._engine.bus.publish, told)
        watch = StallWatch("the engine's loop", threading.get_ident(), self._loop.call_soon_threadsafe)
        try:
            self._loop.run_until_complete(self._engine.run())
        except Exception as error:
            logger.exception("the engine ended")
            self._crashes.report(error, "the engine")
        finally:
            watch.stop()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def _not_caught(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        logger.error("not caught: %s", context.get("message", "an error"), exc_info=error)
        if isinstance(error, BaseException) and not is_operational(error):
            self._crashes.report(error, "the engine's loop")

    def _defect(self, what: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing can be sent any more
            self._loop.call_soon_threadsafe(self._engine.defect, what)

    def _facts(self) -> dict[str, object]:
        state = self._engine.state
        return {
            "mode": self.profile.mode.value,
            "open orders": len(state.working),
            "order entry": state.entry_locked or "open",
        }

    def stop(self) -> None:
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it ended between the two lines
                self._loop.call_soon_threadsafe(self._engine.stop)
            self._thread.join(STOPS_WITHIN_S)
            if self._thread.is_alive():
                logger.error("the engine did not end within %.0f s", STOPS_WITHIN_S)
        for name in ("octopus_desktop", "ui"):
            logging.getLogger(name).removeHandler(self._log)

    def execute(self, command: Command) -> Future[Outcome]:
        return self._submit(self._execute(command))

    async def _execute(self, command: Command) -> Outcome:
        try:
            return await self._engine.execute(command)
        except OctopusError as error:
            return Refused(str(error))
        except Exception as error:
            what = type(command).__name__
            logger.exception("%s failed", what)
            self._crashes.report(error, what)
            return Refused(f"An internal error ({type(error).__name__}): look at what became of it, then go on.")

    def query(self, query: Query[T]) -> Future[T]:
        return self._submit(cast("Coroutine[Any, Any, T]", self._engine.query(query)))

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError as error:
            work.close()
            failed: Future[T] = Future()
            failed.set_exception(StorageError(f"The engine has ended: {error}"))
            return failed

    def take_frame(self) -> list[Event]:
        return self._frames.take()

    def setting(self, key: str) -> str | None:
        return self._settings.get(key)
