"""The fields of the risk limits as they are shown and typed. No Qt here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from octopus_desktop.model.identifiers import InstrumentId, Venue, instrument_id, symbol_of
from octopus_desktop.model.limits import Hours, RiskLimits


class Count(Enum):
    """How a limit is counted on the screen."""

    MONEY = "money"
    PERCENT = "percent"
    MULTIPLE = "times"
    WHOLE = "whole"
    MINUTES = "minutes"


@dataclass(frozen=True, slots=True)
class Field:
    """`key` is the attribute of RiskLimits. `optional`: empty is no limit."""

    key: str
    word: str
    tip: str
    count: Count
    optional: bool = True


GROUPS: Final[tuple[tuple[str, tuple[Field, ...]], ...]] = (
    (
        "Each order",
        (
            Field("max_order_notional", "Worth at most", "Of one order, in quote currency", Count.MONEY, False),
            Field("max_touch_distance", "Through the market", "How far its price may cross", Count.PERCENT, False),
            Field("max_resting_distance", "Away from the market", "How far it may rest", Count.PERCENT),
            Field("max_size_multiple", "Times the usual size", "Of the median of the last orders", Count.MULTIPLE),
        ),
    ),
    (
        "Positions",
        (
            Field("max_position_notional", "Each worth at most", "In quote currency", Count.MONEY),
            Field("max_asset_notional", "Each coin worth at most", "Over all its instruments", Count.MONEY),
            Field("max_total_notional", "All worth at most", "In the account's currency", Count.MONEY),
        ),
    ),
    (
        "The day",
        (
            Field("max_daily_loss", "Loss", "Reached, the trading level is REDUCING", Count.MONEY),
            Field("max_drawdown", "Drawdown from its peak", "Reached, the level is REDUCING", Count.MONEY),
            Field("losses_before_cooldown", "Losses in a row", "Then nothing is added for a while", Count.WHOLE),
            Field("cooldown_s", "Pause after them", "In minutes", Count.MINUTES, False),
        ),
    ),
    (
        "Rate",
        (
            Field("max_orders_per_second", "Orders a second", "At most", Count.WHOLE, False),
            Field("max_orders_per_minute", "Orders a minute", "At most", Count.WHOLE, False),
            Field("max_open_orders", "Open orders", "At most, of all instruments", Count.WHOLE, False),
        ),
    ),
)


def shown(field: Field, limits: RiskLimits) -> Decimal | None:
    """The limit as the screen counts it."""
    value = getattr(limits, field.key)
    if value is None:
        return None
    if field.count is Count.MINUTES:
        return (Decimal(value) / 60).normalize()
    return (Decimal(value) * (100 if field.count is Count.PERCENT else 1)).normalize()


def typed(field: Field, value: Decimal | None) -> Decimal | int | None:
    """What RiskLimits keeps of a figure on the screen. Raises ValueError with a sentence."""
    if value is None:
        if field.optional:
            return None
        raise ValueError(f"{field.word}: type a number; this limit is always there.")
    if field.count is Count.PERCENT:
        return value / 100
    if field.count is Count.MINUTES:
        return int(value * 60)
    if field.count is Count.WHOLE:
        if value != value.to_integral_value() or value < 1:
            raise ValueError(f"{field.word}: a whole number, 1 at least.")
        return int(value)
    return value


def hours_text(hours: Hours | None) -> str:
    """`08:00 - 20:30`; empty for the whole day."""
    return hours.as_typed if hours is not None else ""


def parse_hours(text: str) -> Hours | None:
    """UTC. Raises ValueError with a sentence."""
    if not text.strip():
        return None
    try:
        return Hours.parse(text)
    except ValueError as error:
        raise ValueError(f"Allowed hours: {error}; empty is the whole day.") from error


def allowed_text(allowed: frozenset[InstrumentId] | None) -> str:
    """`BTCUSDT, ETHUSDT`; empty for every instrument."""
    return ", ".join(sorted(symbol_of(name) for name in allowed)) if allowed is not None else ""


def parse_allowed(text: str, venue: Venue, listed: set[InstrumentId]) -> frozenset[InstrumentId] | None:
    """Raises ValueError with a sentence."""
    symbols = [part.upper() for part in re.split(r"[,\s]+", text.strip()) if part]
    if not symbols:
        return None
    names = frozenset(instrument_id(symbol, venue) for symbol in symbols)
    unknown = sorted(symbol_of(name) for name in names - listed)
    if unknown and listed:
        raise ValueError(f"Allowed instruments: {venue} has no {unknown[0]}.")
    return names
