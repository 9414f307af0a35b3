"""The trader's own limits, checked before the wire."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from octopus_desktop.model.identifiers import InstrumentId


class RiskLimits(msgspec.Struct, frozen=True):
    """`max_order_notional` is in the instrument's quote currency; `max_touch_distance` a fraction of the touch price;
    `allowed` None means every instrument.
    """

    max_order_notional: Decimal = Decimal(50_000)
    max_touch_distance: Decimal = Decimal("0.05")
    max_orders_per_second: int = 10
    max_open_orders: int = 200
    allowed: frozenset[InstrumentId] | None = None
