"""What is owned and owed."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from octopus_desktop.model.identifiers import InstrumentId, Venue
from octopus_desktop.model.orders import ZERO, Fill


class Balance(msgspec.Struct, frozen=True, gc=False):
    """`locked` stands behind open orders."""

    venue: Venue
    asset: str
    free: Decimal
    locked: Decimal
    ts_venue_ns: int

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


class Position(msgspec.Struct):
    """What our fills in one instrument add up to, at average cost.

    `quantity` is signed where it `can_be_short`. On spot it never is below zero: `from_before` counts what was sold
    without having been bought by any fill of ours, and what that gained is not known. `realised` is of the rest, in
    quote currency and before fees; `fees` sums by asset.
    """

    instrument_id: InstrumentId
    quantity: Decimal = ZERO
    average_price: Decimal = ZERO
    realised: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    fees: dict[str, Decimal] = msgspec.field(default_factory=dict)
    opened_ns: int = 0
    updated_ns: int = 0
    can_be_short: bool = False
    from_before: Decimal = ZERO

    def apply(self, fill: Fill) -> None:
        """Average-cost accounting: adding moves the average, reducing realises, crossing zero does both."""
        if not fill.quantity:
            return  # a trade of nothing has no average
        signed = fill.quantity * fill.side.sign
        before = self.quantity
        if fill.fee:
            self.fees[fill.fee_asset] = self.fees.get(fill.fee_asset, ZERO) + fill.fee
        if signed > 0:
            self.bought += fill.quantity
        else:
            self.sold += fill.quantity
        self.updated_ns = fill.ts_venue_ns
        if signed < -before and not self.can_be_short:
            self.from_before -= before + signed
            signed = -before
            if not before:
                return
        if before == 0 or (before > 0) == (signed > 0):
            cost = self.average_price * abs(before) + fill.price * fill.quantity
            self.quantity = before + signed
            self.average_price = cost / abs(self.quantity)
            if before == 0:
                self.opened_ns = fill.ts_venue_ns
        else:
            closed = min(abs(before), fill.quantity)
            self.realised += (fill.price - self.average_price) * closed * (1 if before > 0 else -1)
            self.quantity = before + signed
            if self.quantity == 0:
                self.average_price = ZERO
            elif (self.quantity > 0) != (before > 0):
                self.average_price = fill.price
                self.opened_ns = fill.ts_venue_ns

    def unrealised(self, mark: Decimal) -> Decimal:
        """In quote currency, at `mark`."""
        return (mark - self.average_price) * self.quantity
