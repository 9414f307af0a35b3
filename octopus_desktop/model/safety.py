"""How much the engine may do by itself, and what it found when it compared its own sums with the venue's."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from octopus_desktop.model.word import Word


class TradingLevel(Word):
    """Trading practice's three levels; the value is what the screen shows."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    """Only orders that make a position smaller, and cancels."""
    HALTED = "HALTED"
    """Only cancels, and the orders of a flattening that the trader asked for."""

    @property
    def rank(self) -> int:
        """Higher allows less."""
        return _RANKS[self]


_RANKS = {TradingLevel.ACTIVE: 0, TradingLevel.REDUCING: 1, TradingLevel.HALTED: 2}


class LevelCause(Word):
    """Who set the level. What the day's limits set ends with the day; the rest ends when the trader says so."""

    TRADER = "trader"
    KILL_SWITCH = "kill switch"
    DAY_LIMIT = "day limit"
    NEW_DAY = "new day"
    DATA_LOSS = "data loss"


class DayLimitKind(Word):
    """Which figure of `RiskLimits`."""

    LOSS = "daily loss"
    DRAWDOWN = "drawdown"


class DayLimit(msgspec.Struct, frozen=True):
    """A limit of the day as it was when it was told of."""

    kind: DayLimitKind
    most: Decimal
    currency: str


class LedgerDifference(msgspec.Struct, frozen=True):
    """One asset whose balance is not what its last known balance and our fills since add up to."""

    asset: str
    expected: Decimal
    actual: Decimal

    @property
    def difference(self) -> Decimal:
        return self.actual - self.expected
