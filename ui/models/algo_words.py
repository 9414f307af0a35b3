"""What the trader calls an algo. No Qt here."""

from __future__ import annotations

from typing import assert_never

from octopus_desktop.model.algos import (
    AnyAlgoSpec,
    Bracket,
    Chase,
    GoodTillDate,
    Iceberg,
    Oco,
    Scale,
    TrailingStop,
    Twap,
)


def kind_word(spec: AnyAlgoSpec) -> str:
    """As the trader calls it."""
    match spec:
        case Bracket():
            return "Bracket"
        case Oco():
            return "OCO"
        case TrailingStop():
            return "Trailing stop"
        case GoodTillDate():
            return "Good till date"
        case Iceberg():
            return "Iceberg"
        case Twap():
            return "TWAP"
        case Scale():
            return "Scale"
        case Chase():
            return "Chase"
        case _:
            assert_never(spec)
