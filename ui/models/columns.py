"""What a table's column shows of a row. No Qt here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import Enum
from typing import Generic, TypeVar

Row = TypeVar("Row")


class Paint(Enum):
    """How a cell is painted."""

    NUMBER = "number"
    WORDS = "words"
    NAME = "name"
    """One word, whose end tells as much as its beginning: what does not fit is cut from its middle."""
    SPARKLINE = "sparkline"
    PROGRESS = "progress"
    """A bar of so many percent, which is the column's `raw`, with its text upon it."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """`text` is what is read, `raw` what is sorted by and exported, unrounded. `tone` names a colour token.

    `width` is in logical pixels and doesn't change with the digits. `key` is kept with the layout: never rename one.
    `least` is the width of the table below which the column gives way. `rank` is sorted by in place of `raw`, where
    that is dear to make: thousands of times are compared as numbers, not as texts.
    """

    key: str
    title: str
    raw: Callable[[Row], object]
    text: Callable[[Row], str]
    width: int
    paint: Paint = Paint.NUMBER
    tone: Callable[[Row], str] | None = None
    tip: Callable[[Row], str] | None = None
    least: int = 0
    rank: Callable[[Row], object] | None = None

    @property
    def right(self) -> bool:
        return self.paint in (Paint.NUMBER, Paint.PROGRESS)


def clock(ts_ns: int, zone: tzinfo) -> str:
    """`14:02:33`."""
    return datetime.fromtimestamp(ts_ns // 1_000_000_000, zone).strftime("%H:%M:%S")


def day_and_clock(ts_ns: int, zone: tzinfo) -> str:
    """`10-09 14:02:33`."""
    return datetime.fromtimestamp(ts_ns // 1_000_000_000, zone).strftime("%m-%d %H:%M:%S")


def iso(ts_ns: int) -> str:
    """ISO 8601 with all nine digits, UTC; what an export carries."""
    seconds, rest = divmod(ts_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:09d}Z"


def exported(value: object) -> str:
    """A raw value as a CSV cell: plain digits, no separators, nothing rounded."""
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case Enum():
            return str(value.value)
        case _:
            return str(value)


def sortable(value: object) -> float | str:
    """What Qt compares in C++. A Decimal's nearest float decides the order just as well."""
    match value:
        case None:
            return float("-inf")
        case Decimal() | int() | float():
            return float(value)
        case Enum():
            return str(value.value)
        case _:
            return str(value)
