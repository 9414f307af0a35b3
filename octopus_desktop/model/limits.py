"""The trader's own limits, checked before the wire."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import msgspec

from octopus_desktop.model.identifiers import InstrumentId

MINUTE_NS: Final = 60_000_000_000
MINUTES_A_DAY: Final = 24 * 60


class Hours(msgspec.Struct, frozen=True):
    """A part of each day, in minutes after midnight UTC; `until_minute` is outside. It may pass midnight."""

    from_minute: int
    until_minute: int

    def __post_init__(self) -> None:
        if not (0 <= self.from_minute < MINUTES_A_DAY and 0 < self.until_minute <= MINUTES_A_DAY):
            raise ValueError("a day has 24 hours of 60 minutes")

    @classmethod
    def parse(cls, text: str) -> Hours:
        """`08:00 - 20:30`; 00:00 as the end is the midnight that ends the day. Raises ValueError with a sentence."""
        match = re.fullmatch(r"\s*(\d{1,2}):([0-5]\d)\s*(?:-|–|to)\s*(\d{1,2}):([0-5]\d)\s*", text)
        if match is None:
            raise ValueError("type 08:00 - 20:30, in UTC")
        begin, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if begin == end != 0:
            raise ValueError(f"it begins and ends at {_clock(begin)}, type 00:00 - 24:00 for the whole day")
        return cls(begin, end or MINUTES_A_DAY)

    @property
    def as_typed(self) -> str:
        return f"{_clock(self.from_minute)} - {_clock(self.until_minute)}"

    def contains(self, now_ns: int) -> bool:
        minute = now_ns // MINUTE_NS % MINUTES_A_DAY
        if self.from_minute < self.until_minute:
            return self.from_minute <= minute < self.until_minute
        return minute >= self.from_minute or minute < self.until_minute

    def __str__(self) -> str:
        return f"{_clock(self.from_minute)} to {_clock(self.until_minute)} UTC"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


class InstrumentLimits(msgspec.Struct, frozen=True):
    """Of one instrument; None leaves it to the limits of all. `max_position` is in base currency, the rest in quote."""

    max_position: Decimal | None = None
    max_position_notional: Decimal | None = None
    max_order_notional: Decimal | None = None

    def __post_init__(self) -> None:
        _check(self)


class RiskLimits(msgspec.Struct, frozen=True):
    """None is no limit. A trade that makes a position smaller passes all of them.

    `max_order_notional` and `max_position_notional` are in the instrument's quote currency, `max_total_notional`
    (all positions), `max_asset_notional` (those in one base asset, whatever they are quoted in), `max_daily_loss` and
    `max_drawdown` (from the day's peak) in `currency`. Working orders count towards a position as if they were filled.
    The price collar is a fraction of the touch: `max_touch_distance` through the market, `max_resting_distance` away
    from it. `max_size_multiple` bounds an order by the median of the instrument's last orders. After
    `losses_before_cooldown` losing trades in a row nothing is added for `cooldown_s`; all that closes a position until
    it is flat or grows again is one trade, lost as soon as the orders that are over come to less than zero. `allowed`
    None means every instrument, `hours` None the whole day.
    """

    max_order_notional: Decimal = Decimal(50_000)
    max_touch_distance: Decimal = Decimal("0.05")
    max_orders_per_second: int = 10
    max_open_orders: int = 200
    allowed: frozenset[InstrumentId] | None = None
    max_resting_distance: Decimal | None = None
    max_orders_per_minute: int = 300
    max_position_notional: Decimal | None = None
    max_total_notional: Decimal | None = None
    max_asset_notional: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_drawdown: Decimal | None = None
    max_size_multiple: Decimal | None = Decimal(25)
    losses_before_cooldown: int | None = None
    cooldown_s: int = 900
    hours: Hours | None = None
    instruments: dict[InstrumentId, InstrumentLimits] = {}  # msgspec copies an empty default
    currency: str = "USDT"

    def __post_init__(self) -> None:
        """Raises ValueError: a limit that cannot be must not be mistaken for none."""
        _check(self)
        for name in ("max_orders_per_second", "max_orders_per_minute", "max_open_orders", "losses_before_cooldown"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}: it must be 1 or more")
        if self.cooldown_s < 0:
            raise ValueError(f"cooldown_s is {self.cooldown_s}: it must be zero or more")
        if not self.currency:
            raise ValueError("currency is missing: write the one you count in, like USDT")


def _check(limits: msgspec.Struct) -> None:
    for name in limits.__struct_fields__:
        value = getattr(limits, name)
        if isinstance(value, Decimal) and not (value.is_finite() and value >= 0):
            raise ValueError(f"{name} is {value}: it must be a number, zero or more")
