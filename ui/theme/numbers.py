"""How numbers are written on the screen, and read from what a trader types. No Qt here."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation

from octopus_desktop.model.figures import BEYOND

Number = float | int | Decimal

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"

_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
_SUFFIXES = {"k": 3, "m": 6}
_TYPED = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?([km]?)")


def format_price(value: Number | None, precision: int) -> str:
    """`67,412.30`: thousands separated, fixed digits. What is no number is a dash."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:z,.{precision}f}"
    return MINUS + text[1:] if text[0] == "-" else text


format_quantity = format_price


def format_change(value: Number | None, precision: int) -> str:
    """`+12.30`, `−4.00`, `0.00`: the sign is always there, and nothing has none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:+z,.{precision}f}"
    if not any(digit in text for digit in "123456789"):
        return text[1:]
    return MINUS + text[1:] if text[0] == "-" else text


def format_percent(percent: Number | None, precision: int = 2) -> str:
    """`+1.84 %`; `percent` is already in percent, not a share of one."""
    text = format_change(percent, precision)
    return text if text == NOTHING else f"{text}\N{NO-BREAK SPACE}%"


def format_compact(value: Number | None, digits: int = 3) -> str:
    """`1.23M`, `842`, `12.3K`: `digits` significant ones, for volumes that are only looked at."""
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(float(value))
    sign = MINUS if value < 0 else ""
    for scale, letter in _SCALES:
        # What would round up to the next scale's 1 belongs there: 999,999 is 1.00M, not 1,000K.
        if size >= scale * (1 - 0.5 * 10.0**-digits):
            return sign + _significant(size / scale, digits) + letter
    if size == 0:
        return "0"
    return sign + _significant(size, digits)


def count_of(count: int, word: str) -> str:
    """`1 order`, `7 orders`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def format_age(seconds: float) -> str:
    """`4 s`, `3 min`, `2 h`: how old something is."""
    if seconds < 100:
        return f"{int(seconds)} s"
    if seconds < 6000:
        return f"{int(seconds // 60)} min"
    return f"{int(seconds // 3600)} h"


def parse_number(text: str) -> Decimal:
    """The number a trader typed or pasted: `1.5m`, `67,412.30`, `67 412.3`, `−2`, `.5`.

    Commas, blanks, underscores and apostrophes between digits separate thousands. A single comma that can't
    (`0,5`, `12,34`) raises, because a comma for a point would be a thousandfold mistake. Raises `ValueError`
    with a sentence for the trader.
    """
    raw = text.strip().replace(MINUS, "-").lower()
    if not raw:
        raise ValueError("Type a number.")
    whole = raw.partition(".")[0]
    if "," in whole and not re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+[km]?", whole):
        raise ValueError("A comma separates thousands; use a point for decimals.")
    if "," in raw.partition(".")[2]:
        raise ValueError("A comma separates thousands and can't follow the point.")
    bare = re.sub(r"[,_' \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}]", "", raw)
    match = _TYPED.fullmatch(bare)
    if match is None or not (match[2] or match[3]):
        raise ValueError(f"“{text.strip()}” is not a number.")
    sign, units, decimals, suffix = match.groups(default="")
    try:
        number = Decimal(f"{sign}{units or 0}.{decimals or 0}")
    except InvalidOperation as error:  # digits of other scripts that Decimal can't take together
        raise ValueError(f"“{text.strip()}” is not a number.") from error
    scaled = number.scaleb(_SUFFIXES.get(suffix, 0))
    if abs(scaled) >= BEYOND:
        raise ValueError("No market has so large a number.")
    return scaled.quantize(Decimal(1)) if scaled == scaled.to_integral_value() else scaled.normalize()


_IN_NUMBERS = frozenset(f"0123456789.,+-{MINUS}_'kKmMeE \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}")


def may_be_in_number(character: str) -> bool:
    """What `parse_number` has a use for, and the E of `1e5`: without it that would read 15, with it it is refused."""
    return character in _IN_NUMBERS


def decimals_of(step: Number) -> int:
    """Digits behind the point that a tick or lot needs: `0.25` is 2, `10` is 0."""
    exponent = Decimal(str(step)).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _significant(size: float, digits: int) -> str:
    before = int(f"{size:.{digits - 1}e}".partition("e")[2]) + 1  # digits before the point, after rounding
    return f"{size:,.{max(0, digits - before)}f}"
