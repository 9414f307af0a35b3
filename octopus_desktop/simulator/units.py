"""Exact money as integers: every price, quantity and amount is counted in units of 1e-8.

Every listing's tick × lot is a multiple of 1e-8, so a notional is exact as well.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

UNIT = 100_000_000
SECOND_NS = 1_000_000_000
DAY_S = 86_400


def to_units(text: str) -> int:
    """A decimal string in units.

    Raises ValueError where it is no plain decimal number, or is finer than 1e-8.
    """
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"not a decimal number: {text!r}") from error
    if not value.is_finite():
        raise ValueError(f"not a finite number: {text!r}")
    scaled = value.scaleb(8)
    units = int(scaled)
    if units != scaled:
        raise ValueError(f"more than 8 decimals: {text!r}")
    return units


def spelled(units: int) -> str:
    """The venue's spelling: always eight decimals."""
    if units < 0:
        return "-" + spelled(-units)
    return f"{units // UNIT}.{units % UNIT:08d}"


def notional(price: int, quantity: int) -> int:
    """Quote amount of `quantity` at `price`, all in units."""
    return price * quantity // UNIT
