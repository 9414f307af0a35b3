"""What can be traded, and the one door from looking (float) to acting (Decimal)."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import msgspec

from octopus_desktop.model.identifiers import InstrumentId, Venue
from octopus_desktop.model.word import Word


class InstrumentKind(Word):
    SPOT = "spot"
    PERPETUAL = "perpetual"
    FUTURE = "future"


def decimals_of(step: Decimal) -> int:
    """Digits behind the point that a step needs: 0.01 -> 2, 10 -> 0."""
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int), "a step is a finite number"
    return max(0, -exponent)


class Instrument(msgspec.Struct, frozen=True, gc=False):
    """An instrument and the venue's rules for orders in it.

    `min_notional` and `max_notional` are in quote currency, for market orders the most is `market_max_notional`.
    `price_up` and `price_down` bound an order's price as
    multiples of the venue's average price (None: no band). Fees are fractions (0.001 is 0.1 %).
    """

    instrument_id: InstrumentId
    venue: Venue
    symbol: str
    base: str
    quote: str
    kind: InstrumentKind
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    max_notional: Decimal | None = None
    market_max_quantity: Decimal | None = None
    market_max_notional: Decimal | None = None
    price_up: Decimal | None = None
    price_down: Decimal | None = None
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    trading: bool = True
    price_precision: int = 0
    quantity_precision: int = 0

    def __post_init__(self) -> None:
        if self.tick_size <= 0 or self.lot_size <= 0:
            raise ValueError(f"{self.instrument_id}: tick {self.tick_size} and lot {self.lot_size} must be positive")
        # Frozen: the derived precisions are set once, here, past the guard.
        msgspec.structs.force_setattr(self, "price_precision", decimals_of(self.tick_size))
        msgspec.structs.force_setattr(self, "quantity_precision", decimals_of(self.lot_size))

    def price(self, x: float | Decimal) -> Decimal:
        """`x` at the nearest tick."""
        value = x if isinstance(x, Decimal) else Decimal(repr(x))
        ticks = (value / self.tick_size).quantize(Decimal(1), ROUND_HALF_UP)
        return (ticks * self.tick_size).quantize(Decimal(1).scaleb(-self.price_precision))

    def quantity(self, x: float | Decimal) -> Decimal:
        """`x` cut to the lot, never up: what one can afford stays affordable."""
        value = x if isinstance(x, Decimal) else Decimal(repr(x))
        lots = (value / self.lot_size).quantize(Decimal(1), ROUND_DOWN)
        return (lots * self.lot_size).quantize(Decimal(1).scaleb(-self.quantity_precision))
