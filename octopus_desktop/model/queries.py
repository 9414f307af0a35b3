"""What may be asked of a node: history, and opinions that change nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from octopus_desktop.model.events import LogRecorded, TradePrinted
from octopus_desktop.model.identifiers import InstrumentId, Interval, Venue
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.market import Candles
from octopus_desktop.model.orders import OrderIntent

T = TypeVar("T", covariant=True)


class Query(msgspec.Struct, Generic[T], frozen=True):
    """Answered by a `T`, or by a VenueError or StorageError."""


class CandlesQuery(Query[Candles], frozen=True):
    """At most `limit` candles that opened before `end_ns` (None: up to now), oldest first."""

    instrument_id: InstrumentId
    interval: Interval
    limit: int
    end_ns: int | None = None


class RecentTradesQuery(Query[list[TradePrinted]], frozen=True):
    """The venue's last public trades, oldest first."""

    instrument_id: InstrumentId
    limit: int


class RiskQuery(Query[str | None], frozen=True):
    """Would this order be denied now? The sentence that `OrderDenied` would carry, or None."""

    intent: OrderIntent


class LimitsQuery(Query[RiskLimits], frozen=True):
    pass


class BalancePoint(msgspec.Struct, frozen=True):
    venue: Venue
    asset: str
    free: Decimal
    locked: Decimal
    ts_ns: int


class BalanceHistoryQuery(Query[list[BalancePoint]], frozen=True):
    """Oldest first, since `since_ns`."""

    since_ns: int = 0


class LogQuery(Query[list[LogRecorded]], frozen=True):
    """The last `limit` lines of the log of this and earlier sessions, oldest first."""

    limit: int
