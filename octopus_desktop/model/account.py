"""What is owned and owed."""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from typing import Final

import msgspec

from octopus_desktop.model.identifiers import InstrumentId, Venue, symbol_of
from octopus_desktop.model.orders import ZERO, Fill

MARK_EACH: Final = 128
"""Fills."""


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

    On spot a fee taken in the instrument's own coin is not held: of 1 BTC bought for a fee of 0.001 BTC 0.999 are left.
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
            if not self.can_be_short and is_base(fill.fee_asset, fill.instrument_id):
                signed -= fill.fee
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
            cost = self.average_price * abs(before) + fill.price * abs(signed)
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

    def copy(self) -> Position:
        return msgspec.structs.replace(self, fees=dict(self.fees))


class FillCourse:
    """The fills of one instrument, and their position, in the order in which the venue made them.

    On spot the order matters: coins that were sold before they were bought had been there before. A fill told late is
    put in its place; what follows from it is made anew by `settle`, from the last mark before it.
    """

    __slots__ = ("_fills", "_late", "_marks", "position")

    def __init__(self, instrument_id: InstrumentId, *, can_be_short: bool) -> None:
        self.position = Position(instrument_id, can_be_short=can_be_short)
        """As the fills were told; after `settle` as the venue made them."""
        self._fills: list[Fill] = []
        self._marks: list[Position] = []
        self._late: int | None = None

    def add(self, fill: Fill) -> bool:
        """True where it came in its turn."""
        self.position.apply(fill)
        trade = by_trade(fill)
        if not self._fills or trade > by_trade(self._fills[-1]):
            self._fills.append(fill)
            if self._late is None and len(self._fills) % MARK_EACH == 0:
                self._marks.append(self.position.copy())
            return self._late is None
        place = bisect_left(self._fills, trade, key=by_trade)
        self._fills.insert(place, fill)
        self._late = place if self._late is None else min(place, self._late)
        return False

    def settle(self, *, can_be_short: bool) -> None:
        if can_be_short is not self.position.can_be_short:
            self._late = 0
        if self._late is None:
            return
        del self._marks[self._late // MARK_EACH :]
        start = len(self._marks) * MARK_EACH
        empty = Position(self.position.instrument_id, can_be_short=can_be_short)
        position = self._marks[-1].copy() if self._marks else empty
        for number in range(start, len(self._fills)):
            position.apply(self._fills[number])
            if (number + 1) % MARK_EACH == 0:
                self._marks.append(position.copy())
        self.position, self._late = position, None

    def since(self, ts_venue_ns: int) -> tuple[Position, list[Fill]]:
        """What was held before the first fill of that time or later, and the fills from there on. After `settle`."""
        first = bisect_left(self._fills, ts_venue_ns, key=lambda fill: fill.ts_venue_ns)
        marked = first // MARK_EACH
        empty = Position(self.position.instrument_id, can_be_short=self.position.can_be_short)
        position = self._marks[marked - 1].copy() if marked else empty
        for fill in self._fills[marked * MARK_EACH : first]:
            position.apply(fill)
        return position, self._fills[first:]


def is_base(asset: str, instrument_id: InstrumentId) -> bool:
    """Whether a fee is taken in what the instrument trades; a venue takes it in that, in the quote or in its own coin,
    and its symbols begin with the base."""
    return symbol_of(instrument_id).startswith(asset)


def by_trade(fill: Fill) -> tuple[int, str, int]:
    """The venue counts the trades of an instrument, in numbers written as text. One with ourselves was bought first."""
    return len(fill.trade_id), fill.trade_id, -fill.side.sign
