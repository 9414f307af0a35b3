"""Public trades for tests that need no venue's bytes."""

from __future__ import annotations

import msgspec

from octopus_desktop.model.events import TradesPrinted
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.orders import Side


class Print(msgspec.Struct, frozen=True):
    """A model.market.Trade."""

    price: float
    quantity: float
    aggressor: Side
    trade_id: int
    ts_venue_ns: int


def printed(
    instrument_id: InstrumentId,
    price: float,
    quantity: float,
    aggressor: Side,
    trade_id: int,
    ts_venue_ns: int,
    ts_received_ns: int,
) -> TradesPrinted:
    """One trade that came alone."""
    return TradesPrinted(instrument_id, [Print(price, quantity, aggressor, trade_id, ts_venue_ns)], ts_received_ns)
