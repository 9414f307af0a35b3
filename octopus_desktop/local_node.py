"""LocalNode: the engine on a thread and loop of its own, beside the screen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from octopus_desktop.config.paths import DATABASE_NAME
from octopus_desktop.engine.frames import FrameBuffer
from octopus_desktop.model.commands import Command, Outcome, Refused
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import OctopusError, StorageError
from octopus_desktop.model.events import Event, LogRecorded, Severity
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
    ) -> None:
        self.profile = profile
        self._settings = read_settings(data_dir / DATABASE_NAME)
        self._frames = FrameBuffer()
        self._loop = asyncio.new_event_loop() if sys.platform == "win32" else uvloop.new_event_loop()
        self._engine = Engine(profile, data_dir, credentials=credentials, limits=limits, safe_mode=safe_mode)
        self._engine.bus.subscribe(self._frames.put)
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)
        self._log = _LogToEvents(self._loop, self._engine.bus.publish)

    def start(self) -> None:
        # A screen at work on its thread gives the interpreter up fifty times sooner than by default: the p99 of a
        # message's way in fell from 8 ms to below one.
        sys.setswitchinterval(0.0001)
        for name in ("octopus_desktop", "ui"):
            logging.getLogger(name).addHandler(self._log)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._engine.run())
        except Exception:
            logger.exception("the engine ended")
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

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
