"""How a number stands in a sentence for the trader, and how large one can be."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

BEYOND: Final = Decimal(10) ** 15
"""No price and no quantity is as large. Below it every tick and lot of a venue fits the 28 digits that `Decimal` counts
with; a remainder or rounding that does not would raise `InvalidOperation`."""


def figure(value: Decimal, decimals: int | None = None) -> str:
    """`60,000.01`, `0.5`, `1,000`: thousands separated, no exponent, no zeros that say nothing.

    With `decimals`, rounded to so many at most.
    """
    text = f"{value:,f}" if decimals is None else f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
