"""Which of the day's limits are broken, and which of those the trader goes on in spite of.

Who sets ACTIVE again has read of certain limits with certain figures. That word counts for these, until midnight UTC:
another limit, or the same with another figure, nobody has spoken of yet.
"""

from __future__ import annotations

import msgspec

from octopus_desktop.engine.trading_day import DAY_NS, Standing, TradingDay
from octopus_desktop.model.events import Event, TradingLevelChanged
from octopus_desktop.model.figures import figure
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.safety import DayLimit, DayLimitKind, LevelCause, TradingLevel


class Breach(msgspec.Struct, frozen=True):
    """All that are broken are told together, so that one word of the trader is enough for them. A sentence each."""

    limits: tuple[DayLimit, ...]
    text: str


class DayLimits:
    """What was told and overridden is a fold of the journal: a restart asks nobody twice."""

    def __init__(self, day: TradingDay) -> None:
        self._day = day
        self._since_day = -1
        self._told: set[DayLimit] = set()
        self._overridden: set[DayLimit] = set()

    def apply(self, event: Event) -> None:
        if type(event) is not TradingLevelChanged:
            return
        self._roll(event.ts_ns)
        if event.cause is LevelCause.DAY_LIMIT:
            self._told.update(event.limits)
        elif event.level is TradingLevel.ACTIVE and event.cause is LevelCause.TRADER:
            self._overridden |= self._told

    def breach(self, limits: RiskLimits, now_ns: int) -> Breach | None:
        """None also for the moment in which a price is still to come."""
        self._roll(now_ns)
        judged = [limit for limit in _set(limits) if limit not in self._overridden]
        if not judged:
            return None
        now = self._day.standing(limits.currency, now_ns)
        if now.waits:
            return None
        sentences = {limit: text for limit in judged if (text := _sentence(limit, now)) is not None}
        return Breach(tuple(sentences), " ".join(sentences.values())) if sentences else None

    def refusal(self, limits: RiskLimits, now_ns: int) -> str | None:
        """Of an order that adds."""
        breach = self.breach(limits, now_ns)
        return breach.text if breach is not None else None

    def _roll(self, now_ns: int) -> None:
        day = now_ns // DAY_NS
        if day > self._since_day:
            self._since_day = day
            self._told.clear()
            self._overridden.clear()


def _set(limits: RiskLimits) -> list[DayLimit]:
    figures = ((DayLimitKind.LOSS, limits.max_daily_loss), (DayLimitKind.DRAWDOWN, limits.max_drawdown))
    return [DayLimit(kind, most, limits.currency) for kind, most in figures if most is not None]


def _sentence(limit: DayLimit, now: Standing) -> str | None:
    most = figure(limit.most)
    if limit.kind is DayLimitKind.LOSS:
        if -now.profit < limit.most:
            return None
        return f"The day's loss is {-now.profit:,.2f} {limit.currency}, your limit is {most}."
    if now.drawdown < limit.most:
        return None
    return f"The day is {now.drawdown:,.2f} {limit.currency} below its peak of {now.peak:,.2f}, your limit is {most}."
