"""Watches the day's limits: what is lost without an order counts too, so it looks each second and after each fill."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import msgspec

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.level import Levels
from octopus_desktop.engine.risk import Risk
from octopus_desktop.engine.trading_day import DAY_NS, KeptDay
from octopus_desktop.model.events import Event, NoticeRaised, OrderFilled, Severity
from octopus_desktop.model.safety import LevelCause, TradingLevel
from octopus_desktop.ports import Clock, Repository

logger = logging.getLogger(__name__)

LOOKS_EVERY_S: Final = 1.0
KEPT_EVERY_NS: Final = 5_000_000_000
DAY_SETTING: Final = "risk.day"


class DayGuard:
    """A broken limit sets REDUCING until the next day (UTC), or until the trader sets another level."""

    def __init__(self, bus: Bus, risk: Risk, levels: Levels, clock: Clock, repository: Repository) -> None:
        self._bus = bus
        self._risk = risk
        self._levels = levels
        self._clock = clock
        self._repository = repository
        self._kept: KeptDay | None = None
        self._kept_ns = 0
        self._filled = asyncio.Event()
        bus.subscribe(self._heard)

    async def remember(self) -> None:
        """What an earlier session knew of this day; after the journal is folded."""
        text = await self._repository.setting(DAY_SETTING)
        if text is None:
            return
        try:
            kept = msgspec.json.decode(text, type=KeptDay)
        except msgspec.DecodeError as error:
            logger.warning("the day's beginning cannot be read, it counts from now: %s", error)
        else:
            self._risk.day.remember(kept, self._clock.now_ns())

    async def watch(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOKS_EVERY_S):
                    await self._filled.wait()
            except TimeoutError:
                pass  # nothing was filled, but prices move
            self._filled.clear()
            await self.look()

    async def look(self) -> None:
        """Once. The level of a new day comes first: its limits are its own."""
        now = self._clock.now_ns()
        level = self._bus.state.level
        if level.cause is LevelCause.DAY_LIMIT and level.ts_ns // DAY_NS < now // DAY_NS:
            await self._levels.end_of_day()
        breach = self._risk.day.breach(self._risk.limits, now)
        if breach is not None and self._levels.level is TradingLevel.ACTIVE:
            await self._levels.lower(TradingLevel.REDUCING, breach, LevelCause.DAY_LIMIT)
            text = f"{breach} Until tomorrow (UTC) only what reduces a position leaves, unless you set the level."
            self._bus.publish(NoticeRaised(Severity.WARNING, "The day's limit is reached", text, now))
        self._keep(now)

    def _keep(self, now_ns: int) -> None:
        self._risk.day.standing(self._risk.limits.currency, now_ns)
        kept = self._risk.day.keep()
        if kept != self._kept and now_ns - self._kept_ns >= KEPT_EVERY_NS:
            self._kept, self._kept_ns = kept, now_ns
            self._repository.record_setting(DAY_SETTING, msgspec.json.encode(kept).decode())

    def _heard(self, event: Event) -> None:
        if type(event) is OrderFilled:
            self._filled.set()
