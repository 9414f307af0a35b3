"""The trading level: how much may still be done. It is in the journal, so that a restart is no way around it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from octopus_desktop.engine.bus import Bus
from octopus_desktop.model.commands import Done, Outcome, Refused, SetTradingLevel
from octopus_desktop.model.errors import StorageError
from octopus_desktop.model.events import NoticeRaised, Severity, TradingLevelChanged
from octopus_desktop.model.profile import Mode, Profile
from octopus_desktop.model.safety import DayLimit, LevelCause, TradingLevel
from octopus_desktop.ports import Clock, Journal

logger = logging.getLogger(__name__)


class Levels:
    """Going down takes effect at once, whatever the disk does; going up only once it is written."""

    def __init__(self, bus: Bus, clock: Clock, profile: Profile) -> None:
        self._bus = bus
        self._clock = clock
        self._profile = profile
        self._journal: Journal | None = None
        self._early: TradingLevelChanged | None = None
        self._raised: Callable[[], None] = _nobody

    def connect(self, journal: Journal) -> None:
        """The journal is open and folded: a level set before that is the later word."""
        self._journal = journal
        if self._early is not None:
            if self._bus.state.level is not self._early:
                self._bus.publish(self._early)
            journal.record(self._early)

    def when_raised(self, then: Callable[[], None]) -> None:
        """`then` is called after the trader has left HALTED."""
        self._raised = then

    @property
    def level(self) -> TradingLevel:
        return self._bus.state.level.level

    async def set(self, command: SetTradingLevel) -> Outcome:
        if self._journal is None:
            return Refused("The data is not open yet: the level stays.")
        now = self._bus.state.level
        if command.level is now.level and now.cause is not LevelCause.DAY_LIMIT:
            return Done(0)
        trading_again = command.level is TradingLevel.ACTIVE and self._profile.mode is Mode.LIVE
        if trading_again and command.typed.strip() != self._profile.name:
            return Refused(f"Type the profile's name, {self._profile.name}, to trade again.")
        if command.level.rank < self.level.rank:
            return await self._raise(command.level, "You set it.", LevelCause.TRADER)
        await self.lower(command.level, "You set it.", LevelCause.TRADER)
        return Done()

    async def lower(
        self, level: TradingLevel, reason: str, cause: LevelCause, limits: tuple[DayLimit, ...] = ()
    ) -> None:
        """Never refused. Where it is as low already nothing changes, unless the kill switch takes it over."""
        now = self._bus.state.level
        if level.rank < now.level.rank or (level is now.level and cause in (now.cause, LevelCause.DAY_LIMIT)):
            return
        changed = TradingLevelChanged(level, reason, self._clock.now_ns(), cause, limits)
        self._bus.publish(changed)
        if self._journal is None:
            self._early = changed
            return
        try:
            await self._journal.commit([changed])
        except StorageError as error:
            text = f"Until it is written a restart would not know of it: {error}"
            logger.error("the level %s is not in the journal: %s", level.value, error)
            self._bus.publish(NoticeRaised(Severity.ERROR, f"{level.value} is not written", text, changed.ts_ns))
            self._journal.record(changed)  # with whatever is written next

    async def end_of_day(self) -> None:
        """What the day's limits set ends with the day."""
        if self._bus.state.level.cause is LevelCause.DAY_LIMIT and self.level is TradingLevel.REDUCING:
            outcome = await self._raise(TradingLevel.ACTIVE, "A new day (UTC) has begun.", LevelCause.NEW_DAY)
            if isinstance(outcome, Refused):
                logger.error("the level stays at REDUCING: %s", outcome.reason)

    async def _raise(self, level: TradingLevel, reason: str, cause: LevelCause) -> Outcome:
        if self._journal is None:
            return Refused("The data is not open: the level stays.")
        was = self._bus.state.level
        changed = TradingLevelChanged(level, reason, self._clock.now_ns(), cause)
        try:
            await self._journal.commit([changed])
        except StorageError as error:
            return Refused(f"The level stays at {was.level.value}, it could not be written: {error}")
        if self._bus.state.level is not was:
            # The kill switch was pulled while the disk worked; its word is the later one.
            self._journal.record(self._bus.state.level)
            return Refused(f"The level is {self.level.value} now: {self._bus.state.level.reason}")
        self._bus.publish(changed)
        if was.level is TradingLevel.HALTED:
            self._raised()
        return Done()


def level_refusal(state_level: TradingLevelChanged, reducing: bool) -> str | None:
    """Why an order may not leave at this level."""
    match state_level.level:
        case TradingLevel.ACTIVE:
            return None
        case TradingLevel.REDUCING:
            if reducing:
                return None
            return f"The level is REDUCING: only orders that make a position smaller. {state_level.reason}".rstrip()
        case TradingLevel.HALTED:
            return f"The level is HALTED: orders can only be canceled. {state_level.reason}".rstrip()


def _nobody() -> None:
    """Nobody waits for the level to be raised."""
