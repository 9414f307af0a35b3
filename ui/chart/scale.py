"""Round numbers for the axes: prices on the instrument's ticks, times on the calendar. No Qt."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

SECOND_NS = 1_000_000_000
MINUTE, HOUR, DAY = 60, 3600, 86_400
MONTH, YEAR = 30 * DAY, 365 * DAY  # nominal: only to choose a step

_TIME_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(HOUR * n for n in (1, 2, 3, 4, 6, 12)),
    *(DAY * n for n in (1, 2, 4, 7, 14)),
    *(MONTH * n for n in (1, 2, 3, 6)),
    *(YEAR * n for n in (1, 2, 5, 10)),
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class TimeTick(NamedTuple):
    """A moment (UTC nanoseconds) and how it is written. Major ones start a day, a month or a year."""

    ts_ns: int
    text: str
    major: bool


def price_step(low: float, high: float, tick: float, most: int) -> float:
    """The smallest of 1, 2, 2.5, 5 × 10ⁿ that is a multiple of `tick` and cuts the range into at most `most`."""
    wanted = (high - low) / max(1, most)
    if not wanted > 0:
        return tick
    exponent = math.floor(math.log10(wanted))
    for power in range(exponent, exponent + 3):
        for factor in (1.0, 2.0, 2.5, 5.0):
            step = factor * 10.0**power
            if step >= wanted * (1 - 1e-9) and (tick <= 0 or _is_multiple(step, tick)):
                return step
    # Ticks such as 0.0003 divide no round number: whole multiples of the tick then.
    return tick * math.ceil(wanted / tick)


def price_ticks(low: float, high: float, tick: float, most: int) -> list[float]:
    """Round prices between `low` and `high`, at most about `most`, each made by one multiplication."""
    step = price_step(low, high, tick, most)
    if not step > 0 or not math.isfinite(low) or not math.isfinite(high):
        return []
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first > 10 * most:
        return []
    return [number * step for number in range(first, last + 1)]


def log_price_ticks(low: float, high: float, tick: float, most: int) -> list[float]:
    """Round prices for a logarithmic axis; the range of one step's size falls back to even steps."""
    if low <= 0 or high / low < 3:
        return price_ticks(low, high, tick, most)
    result = []
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        result += [factor * 10.0**power for factor in (1, 2, 5) if low <= factor * 10.0**power <= high]
    return result[:: max(1, -(-len(result) // max(1, most)))]


def time_step(seconds: float, interval_s: float) -> int:
    """The shortest step of the calendar, in (nominal) seconds, not under `seconds` nor under one candle."""
    wanted = max(seconds, interval_s)
    return next((step for step in _TIME_STEPS if step >= wanted), _TIME_STEPS[-1])


def time_ticks(start_ns: int, stop_ns: int, step: int, zone: tzinfo = UTC) -> list[TimeTick]:
    """Calendar moments between two times, `step` apart on the clock of `zone`, so 06:00 stays 06:00 over DST."""
    start = datetime.fromtimestamp(start_ns / SECOND_NS, zone).replace(tzinfo=None)
    stop = datetime.fromtimestamp(stop_ns / SECOND_NS, zone).replace(tzinfo=None)
    result: list[TimeTick] = []
    moment = _floor(start, step)
    while moment <= stop and len(result) < 500:
        ts_ns = round(moment.replace(tzinfo=zone).timestamp()) * SECOND_NS
        if ts_ns >= start_ns and (not result or ts_ns > result[-1].ts_ns):
            result.append(TimeTick(ts_ns, *_tick_text(moment, step)))
        moment = _next(moment, step)
    return result


def format_moment(ts_ns: int, interval_s: float, zone: tzinfo = UTC) -> str:
    """A candle's open time for the crosshair: `Fri 14 Jan 2022  12:30`, as fine as its interval needs."""
    moment = datetime.fromtimestamp(ts_ns // SECOND_NS, zone)
    day = f"{_WEEKDAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
    if interval_s >= DAY:
        return day
    return f"{day}  {_clock(moment, interval_s < MINUTE)}"


def format_countdown(seconds: float) -> str:
    """`04:31`, `3:04:31`, `2d 3h`: until the candle closes."""
    left = max(0, math.ceil(seconds))
    if left >= DAY:
        return f"{left // DAY}d {left % DAY // HOUR}h"
    if left >= HOUR:
        return f"{left // HOUR}:{left % HOUR // MINUTE:02d}:{left % MINUTE:02d}"
    return f"{left // MINUTE:02d}:{left % MINUTE:02d}"


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _is_multiple(step: float, tick: float) -> bool:
    count = step / tick
    return count >= 1 - 1e-9 and abs(count - round(count)) < 1e-6 * max(1.0, count)


def _tick_text(moment: datetime, step: int) -> tuple[str, bool]:
    at_midnight = moment.hour == moment.minute == moment.second == 0
    if not at_midnight:
        return _clock(moment, step < MINUTE), False
    if moment.day == 1 and moment.month == 1:
        return str(moment.year), True
    if moment.day == 1:
        return _MONTHS[moment.month - 1], True
    return f"{moment.day} {_MONTHS[moment.month - 1]}" if step < DAY else str(moment.day), step < DAY


def _clock(moment: datetime, with_seconds: bool) -> str:
    # strftime would import the time module anew at each call, through Qt's import hook.
    text = f"{moment.hour:02d}:{moment.minute:02d}"
    return f"{text}:{moment.second:02d}" if with_seconds else text


def _floor(moment: datetime, step: int) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if step < DAY:
        passed = (moment - midnight).seconds
        return midnight + timedelta(seconds=passed - passed % step)
    if step < MONTH:
        days = step // DAY
        return midnight.replace(day=1 + (midnight.day - 1) // days * days)
    first = midnight.replace(day=1)
    if step < YEAR:
        months = step // MONTH
        return first.replace(month=1 + (first.month - 1) // months * months)
    years = step // YEAR
    return first.replace(month=1, year=max(1, first.year - first.year % years))


def _next(moment: datetime, step: int) -> datetime:
    if step < DAY:
        return moment + timedelta(seconds=step)
    if step < MONTH:
        days = step // DAY
        following = moment + timedelta(days=days)
        # Steps of several days start anew at the month's first; a last one too near it is left out.
        if following.month == moment.month and (days == 1 or following.day <= 31 - days):
            return following
        return _months_on(moment, 1)
    return _months_on(moment, step // MONTH) if step < YEAR else _months_on(moment, 12 * (step // YEAR))


def _months_on(moment: datetime, months: int) -> datetime:
    number = moment.year * 12 + moment.month - 1 + months
    return moment.replace(year=number // 12, month=number % 12 + 1, day=1)
