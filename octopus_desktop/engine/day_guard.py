"""Watches the day's limits: what is lost without an order counts too, so it looks each second and after each fill.

The prices it judges by are its own wish, whatever the screen shows.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import msgspec

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.level import Levels
from octopus_desktop.engine.risk import Risk
from octopus_desktop.engine.subscriptions import Subscriptions
from octopus_desktop.engine.trading_day import DAY_NS, KeptDay, Standing
from octopus_desktop.engine.valuation import price_channel
from octopus_desktop.model.events import Event, NoticeRaised, OrderFilled, Severity
from octopus_desktop.model.safety import LevelCause, TradingLevel
from octopus_desktop.ports import Clock, Repository

logger = logging.getLogger(__name__)

LOOKS_EVERY_S: Final = 1.0
KEPT_EVERY_NS: Final = 5_000_000_000
DAY_SETTING: Final = "risk.day"


class DayGuard:
    """A broken limit sets REDUCING until the next day (UTC), or until the trader sets another level."""

    def __init__(
        self,
        bus: Bus,
        risk: Risk,
        levels: Levels,
        subscriptions: Subscriptions,
        clock: Clock,
        repository: Repository,
    ) -> None:
        self._bus = bus
        self._risk = risk
        self._levels = levels
        self._subscriptions = subscriptions
        self._clock = clock
        self._repository = repository
        self._kept: KeptDay | None = None
        self._kept_ns = 0
        self._told_overdue = False
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
        limits, day = self._risk.limits, self._risk.day
        day.settle()
        self._hold_prices()
        breach = self._risk.day_limits.breach(limits, now)
        if breach is not None and self._levels.level is TradingLevel.ACTIVE:
            await self._levels.lower(TradingLevel.REDUCING, breach.text, LevelCause.DAY_LIMIT, breach.limits)
            text = f"{breach.text} Until tomorrow (UTC) only what reduces a position leaves, unless you set the level."
            self._bus.publish(NoticeRaised(Severity.WARNING, "The day's limit is reached", text, now))
        standing = day.standing(limits.currency, now)
        self._tell_overdue(standing, now)
        self._keep(now)

    def _hold_prices(self) -> None:
        listed = self._bus.state.instruments
        names = self._risk.day.priced_by(self._risk.limits.currency)
        self._subscriptions.hold({(name, price_channel(listed[name]), None) for name in names})

    def _tell_overdue(self, standing: Standing, now_ns: int) -> None:
        limits = self._risk.limits
        if not standing.overdue or (limits.max_daily_loss is None and limits.max_drawdown is None):
            self._told_overdue = False
        elif not self._told_overdue:
            self._told_overdue = True
            text = (
                f"There is no price of {', '.join(standing.overdue)}: the day's limits are judged "
                "without what it did since it was last known."
            )
            self._bus.publish(NoticeRaised(Severity.WARNING, "A price of the day is missing", text, now_ns))

    def _keep(self, now_ns: int) -> None:
        kept = self._risk.day.keep()
        if kept != self._kept and now_ns - self._kept_ns >= KEPT_EVERY_NS:
            self._kept, self._kept_ns = kept, now_ns
            self._repository.record_setting(DAY_SETTING, msgspec.json.encode(kept).decode())

    def _heard(self, event: Event) -> None:
        if type(event) is OrderFilled:
            self._filled.set()
