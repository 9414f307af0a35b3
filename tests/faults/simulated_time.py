"""An event loop whose clock is a number: waiting costs nothing, and the same seed is the same run."""

from __future__ import annotations

import asyncio
import contextvars
import os
import random
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from unittest import mock

import circuitbreaker

T = TypeVar("T")

EPOCH_NS: Final = 1_780_000_000_000_000_000
"""What the clock on the wall shows when the loop's shows zero."""

_LIFE: contextvars.ContextVar[Life | None] = contextvars.ContextVar("life", default=None)


class Life:
    """One life of the engine's process: everything started in `context` stops for ever at `kill`, as after SIGKILL.

    A step is what runs between two awaits, so a kill falls on an await: no `finally`, no callback, no word to anyone.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.steps = 0
        self.dies_at: int | None = None
        self.on_death: Callable[[], None] | None = None
        self.context = contextvars.copy_context()
        self.context.run(_LIFE.set, self)

    def run(self, callback: Callable[..., object], *args: object) -> None:
        if self.dead:
            return
        self.steps += 1
        if self.dies_at is not None and self.steps >= self.dies_at:
            self.kill()
            return
        callback(*args)

    def kill(self) -> None:
        if not self.dead:
            self.dead = True
            if self.on_death is not None:
                self.on_death()


def current_life() -> Life | None:
    return _LIFE.get()


class _Selector:
    """Nothing is ever ready: the loop waits for its next timer, and time is there at once."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everything waits for something that no timer will bring")
        if timeout > 0:
            self._loop.now_s += timeout
        return []


class SimulatedLoop(asyncio.BaseEventLoop):
    """Single-threaded: what asks for a thread is run at once, where it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self._selector = _Selector(self)
        self._clock_resolution = 1e-6
        self.tasks: list[asyncio.Task[Any]] = []
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        return self.now_s

    def time_ns(self) -> int:
        return round(self.now_s * 1e9)

    def now_ns(self) -> int:
        """UTC."""
        return EPOCH_NS + self.time_ns()

    def wall_s(self) -> float:
        return self.now_ns() / 1e9

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
        context = context if context is not None else contextvars.copy_context()
        life = context.get(_LIFE)
        if life is None:
            return super().call_soon(callback, *args, context=context)
        return super().call_soon(life.run, callback, *args, context=context)

    call_soon_threadsafe = call_soon

    def call_at(
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        context = context if context is not None else contextvars.copy_context()
        life = context.get(_LIFE)
        if life is None:
            return super().call_at(when, callback, *args, context=context)
        return super().call_at(when, life.run, callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now_s + delay, callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]  # a coroutine in name only
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # whoever waits gets it
            done.set_exception(error)
        return done

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], **options: Any
    ) -> asyncio.Task[T]:
        task: asyncio.Task[T] = asyncio.Task(work, loop=loop, **options)
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # the dead leave theirs behind
        self.tasks.append(task)
        return task

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def end(self) -> None:
        """Closes what was left behind by the dead, out of the world and in no particular order."""
        for task in self.tasks:
            if not task.done():
                work = task.get_coro()
                try:
                    work.close()
                except (RuntimeError, Exception):  # noqa: BLE001  # its `finally` finds no world any more
                    pass
        self.tasks.clear()
        self.close()


@contextmanager
def simulated_time(seed: int) -> Iterator[SimulatedLoop]:
    """Within the block `time`, `random` and `os.urandom` belong to the loop and the seed."""
    loop = SimulatedLoop()
    chance = random.Random(f"urandom {seed}")
    before = random.getstate()
    random.seed(seed)
    with (
        mock.patch.object(time, "time_ns", loop.now_ns),
        mock.patch.object(time, "time", loop.wall_s),
        mock.patch.object(time, "monotonic", loop.time),
        mock.patch.object(circuitbreaker, "monotonic", loop.time),  # it has its own name for it
        mock.patch.object(time, "monotonic_ns", loop.time_ns),
        mock.patch.object(time, "perf_counter", loop.time),
        mock.patch.object(time, "perf_counter_ns", loop.time_ns),
        mock.patch.object(time, "sleep", _no_sleep),
        mock.patch.object(os, "urandom", chance.randbytes),
    ):
        try:
            yield loop
        finally:
            loop.end()
            random.setstate(before)


def _no_sleep(seconds: float) -> None:
    """The writer's last tries at the end of a process: nobody else is running."""
