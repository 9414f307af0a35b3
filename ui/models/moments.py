"""Durations and moments as a trader types them. No Qt here."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_LONGEST_S: Final = 366 * 86_400
_NS: Final = 1_000_000_000


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `10m`, `1h30m`, `2d`. Raises ValueError with a sentence.

    A bare number is refused: `10` meant as minutes and read as seconds would be an order sixty times as fast.
    """
    raw = text.strip().lower()
    parts = list(_PART.finditer(raw))
    if not parts or re.sub(r"\s", "", _PART.sub("", raw)):
        raise ValueError("Type a time: 90s, 10m, 1h30m or 2d.")
    if not all(part[2] for part in parts):
        raise ValueError(f"Say what of: {parts[-1][1]}s, {parts[-1][1]}m or {parts[-1][1]}h.")
    seconds = sum(float(part[1]) * _UNITS[part[2]] for part in parts)
    if not 0 < seconds <= _LONGEST_S:
        raise ValueError("More than nothing and less than a year.")
    return seconds


def parse_moment(text: str, now_ns: int, zone: tzinfo) -> int:
    """UTC nanoseconds of `2h` from now, `18:30` (today or tomorrow) or `2026-11-30 18:00`, in the screen's zone.

    Raises ValueError with a sentence.
    """
    raw = text.strip()
    now = datetime.fromtimestamp(now_ns / _NS, zone)
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", raw)
    try:
        if clock is not None:
            hour, minute, second = (int(part or 0) for part in clock.groups())
            moment = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
            if moment <= now:
                moment += timedelta(days=1)
            return round(moment.timestamp()) * _NS
        if re.match(r"\d{4}-", raw):
            return round(datetime.fromisoformat(raw).replace(tzinfo=zone).timestamp()) * _NS
    except ValueError as error:
        raise ValueError("There is no such moment.") from error
    try:
        return now_ns + round(parse_duration(raw) * _NS)
    except ValueError as error:
        raise ValueError("Type a time: 2h, 18:30 or 2026-11-30 18:00.") from error


def duration_words(seconds: float) -> str:
    """`90 s`, `10 min`, `1 h 30 min`."""
    whole = round(seconds)
    if whole < 120:
        return f"{seconds:g} s"
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (left, "s"))
    return " ".join(f"{count} {word}" for count, word in parts if count)
