"""Everything that can go wrong, drawn at random, one after another and on top of each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from random import Random
from typing import Any

import msgspec

from octopus_desktop.simulator.faults import FaultPlan, HttpFault, Swallow
from tests.faults.network import Trouble
from tests.faults.world import World

_PATHS = ("", "order", "order.place", "order.cancel", "/api/v3/order", "openOrders", "myTrades", "account", "time")
_AT_LEAST_S = {"exchange restarted": 0.5, "market silent": 2.0, "account silent": 2.0, "account ended": 3.0}
"""What is over before anybody here notices it is no misfortune."""


class Misfortune:
    """On an `honest` line what is lost is told by a cut or by an unreadable frame: nothing is lost in silence."""

    def __init__(self, seed: int, world: World, *, honest: bool) -> None:
        self._random = Random(f"misfortune {seed}")
        self._world = world
        self._honest = honest
        self._plans: list[dict[str, Any]] = []
        self._lines: list[dict[str, Any]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._countdown: int | None = None
        world.network.on_sent = self._sent

    async def strike(self) -> None:
        """One misfortune begins; it ends by itself."""
        random = self._random
        kind, weight = zip(*self._kinds().items(), strict=True)
        (name,) = random.choices(kind, [w for w, _ in weight])
        trouble = self._kinds()[name][1]()
        lasts = random.choice((0.1, 0.5, 1.5, 4.0, 7.0)) * random.uniform(0.5, 1.0) + _AT_LEAST_S.get(name, 0.0)
        self._world.timeline.note("fault", f"{name} for {lasts:.2f} s")
        self._world.timeline.counts[f"fault {name}"] += 1
        task = asyncio.get_running_loop().create_task(self._lasting(trouble, lasts))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lasting(self, trouble: AbstractContextManager[object], seconds: float) -> None:
        world = self._world
        world.troubles += 1
        try:
            with trouble:
                await asyncio.sleep(seconds)
        finally:
            world.troubles -= 1
            world.well_since = world.loop.now_s

    async def end(self) -> None:
        """The world is well again."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._countdown = None
        self._world.power_fails = False
        self._world.disk.trouble = None
        self._world.disk.slow_s = 0.0
        self._world.timeline.note("fault", "none any more")

    # ── what there is ────────────────────────────────────────────────────────────────────────────────────

    def _kinds(self) -> dict[str, tuple[float, Callable[[], AbstractContextManager[object]]]]:
        random = self._random
        frames = random.choice(("user", "user", "all"))
        share = random.choice((0.05, 0.3, 1.0))

        def plan(**fields: Any) -> Callable[[], AbstractContextManager[object]]:
            return lambda: self._planned(fields)

        def line(**fields: Any) -> Callable[[], AbstractContextManager[object]]:
            return lambda: self._lined(fields)

        return {
            "delay": (1, plan(delay_ms=random.choice((30.0, 300.0, 2500.0)))),
            "drop": (0 if self._honest else 1, plan(drop=share, frames=frames)),
            "duplicate": (1, plan(duplicate=share, frames=frames)),
            "truncate": (1, plan(truncate=share, frames=frames)),
            "garbage": (0.5, plan(garbage=share, frames=frames)),
            "cut frames": (1, plan(cut=min(share, 0.3), frames=frames)),
            "refuse": (1, plan(refuse=True)),
            "error": (3, plan(http=[self._http_fault()])),
            "swallow": (1.5, plan(swallow=[self._swallow()])),
            "clock skew": (0.7, plan(clock_skew_ms=random.choice((-9000, -2000, -800, 800, 2000, 9000)))),
            "slow line": (1, line(latency_s=random.choice((0.2, 1.0, 3.0, 6.0)))),
            "silent line": (1.5, line(silent=True)),
            "no route": (1, line(refuse=True)),
            "lost requests": (1, line(lose_request=random.uniform(0.1, 1.0))),
            "lost answers": (1.5, line(lose_answer=random.uniform(0.1, 1.0))),
            "torn answers": (1, line(tear_answer=random.uniform(0.1, 1.0))),
            "cut line": (2, self._cut),
            "disk locked": (1, lambda: self._disk("locked")),
            "disk full": (0.7, lambda: self._disk("full")),
            "disk broken": (0.7, lambda: self._disk("broken")),
            "disk ghost": (0.5, lambda: self._disk("ghost")),
            "disk slow": (0.7, self._slow_disk),
            "kill": (1.8, self._kill_soon),
            "power": (1.0, self._power_soon),
            "exchange restarted": (1, self._exchange_away),
            "market silent": (1.5, self._market_silent),
            "account silent": (1, line(account_silent=True)),
            "account ended": (1.2, self.account_ended),
        }

    def _http_fault(self) -> HttpFault:
        random = self._random
        return HttpFault(
            status=random.choice((429, 418, 500, 502, 503, 504)),
            path=random.choice(_PATHS),
            every=random.choice((1, 1, 2, 3)),
            times=random.choice((0, 1, 3)),
            retry_after_s=random.choice((1, 2, 5)),
            done=random.random() < 0.5,
        )

    def _swallow(self) -> Swallow:
        what = self._random.choice(("order.place", "order.cancel", "/api/v3/order", "/api/v3/myTrades", "order"))
        return Swallow(what, times=self._random.choice((1, 2, 5)))

    @contextmanager
    def _planned(self, fields: dict[str, Any]) -> Iterator[None]:
        self._plans.append(fields)
        self._replan()
        try:
            yield
        finally:
            self._plans.remove(fields)
            self._replan()

    def _replan(self) -> None:
        merged: dict[str, Any] = {}
        for fields in self._plans:
            for name, value in fields.items():
                merged[name] = merged[name] + value if name in merged and name in ("http", "swallow") else value
        self._world.server.control.apply(msgspec.structs.replace(FaultPlan(), **merged))

    @contextmanager
    def _lined(self, fields: dict[str, Any]) -> Iterator[None]:
        self._lines.append(fields)
        self._reline()
        try:
            yield
        finally:
            self._lines.remove(fields)
            self._reline()

    def _reline(self) -> None:
        trouble = Trouble()
        for fields in self._lines:
            for name, value in fields.items():
                setattr(trouble, name, value)
        self._world.network.change(trouble)

    @contextmanager
    def _cut(self) -> Iterator[None]:
        self._world.network.cut()
        yield

    @contextmanager
    def _disk(self, trouble: str) -> Iterator[None]:
        self._world.disk.trouble = trouble
        try:
            yield
        finally:
            self._world.disk.trouble = None

    @contextmanager
    def _slow_disk(self) -> Iterator[None]:
        self._world.disk.slow_s = self._random.choice((0.05, 0.5, 3.0, 9.0))
        try:
            yield
        finally:
            self._world.disk.slow_s = 0.0

    @contextmanager
    def _kill_soon(self) -> Iterator[None]:
        """At a random await: after so many steps of any kind, or right behind something that matters."""
        if self._random.random() < 0.4:
            life = self._world.life
            life.dies_at = life.steps + int(2 ** self._random.uniform(0, 9))
        else:
            self._countdown = self._random.choice((1, 1, 2, 3, 5))
        yield

    @contextmanager
    def _power_soon(self) -> Iterator[None]:
        self._world.power_fails = True
        with self._kill_soon():
            yield

    @contextmanager
    def _exchange_away(self) -> Iterator[None]:
        if not self._world.process.is_up:
            yield
            return
        self._world.kill_exchange()
        try:
            yield
        finally:
            self._world.process.start()

    @contextmanager
    def _market_silent(self) -> Iterator[None]:
        self._world.market_line.silences += 1
        try:
            yield
        finally:
            self._world.market_line.silences -= 1

    @contextmanager
    def account_ended(self) -> Iterator[None]:
        """The stream alone; the session goes on. No new one opens meanwhile."""
        with self._planned({"http": [HttpFault(503, path="userDataStream")]}):
            self._world.network.end_account_streams()
            yield

    def _sent(self, what: str) -> None:
        """Something left for the venue, or became an event."""
        if self._countdown is None or not self._world.alive:
            return
        if "order" not in what.lower():
            return
        self._countdown -= 1
        if self._countdown <= 0:
            self._countdown = None
            life = self._world.life
            life.dies_at = life.steps + self._random.choice((1, 1, 2, 3, 4, 6, 10))
