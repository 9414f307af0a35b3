"""What may be asked of a node: history, and opinions that change nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from octopus_desktop.model.algos import AnyAlgoSpec
from octopus_desktop.model.events import LogRecorded
from octopus_desktop.model.identifiers import InstrumentId, Interval, Venue
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.market import Candles, Trade
from octopus_desktop.model.orders import OrderIntent
from octopus_desktop.model.safety import TradingLevel

T = TypeVar("T", covariant=True)


class Query(msgspec.Struct, Generic[T], frozen=True):
    """Answered by a `T`, or by a VenueError or StorageError."""


class CandlesQuery(Query[Candles], frozen=True):
    """At most `limit` candles that opened before `end_ns` (None: up to now), oldest first.

    `kept`: only what is on this disk, at once; it may have holes and end long ago.
    """

    instrument_id: InstrumentId
    interval: Interval
    limit: int
    end_ns: int | None = None
    kept: bool = False


class RecentTradesQuery(Query[list[Trade]], frozen=True):
    """The venue's last public trades, oldest first."""

    instrument_id: InstrumentId
    limit: int


class Verdict(msgspec.Struct, frozen=True):
    """What risk says of an order before it is sent.

    `denial` is the sentence that `OrderDenied` would carry. `warning` does not stop it: shown before the press, the
    order is then sent `acknowledged`.
    """

    denial: str | None = None
    warning: str | None = None


class RiskQuery(Query[Verdict], frozen=True):
    """Would this order be denied now, or is there something to warn of?"""

    intent: OrderIntent


class AlgoVerdict(msgspec.Struct, frozen=True):
    """What the engine says of an algo before it is started. `native`: the venue would hold it and work it."""

    refusal: str | None = None
    native: bool = False


class AlgoQuery(Query[AlgoVerdict], frozen=True):
    """Would StartAlgo be refused now, and who would hold the algo?"""

    spec: AnyAlgoSpec


class LimitsQuery(Query[RiskLimits], frozen=True):
    pass


class RiskStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where the day stands against the limits. Money in `currency`, the day in UTC.

    `profit` is realised plus unrealised minus fees since the day began, `peak` the most it was. `cooldown_until_ns`
    None: no pause is due. `usual_sizes` is the median of the last orders by instrument, in base currency. What is
    held in `unvalued` currencies has no price: it counts as it was last known today, else as if it had stood still.
    For the moment in which a price is still to come neither the peak moves nor are the limits of the day judged.
    """

    level: TradingLevel
    level_reason: str
    currency: str
    day_start_ns: int
    profit: Decimal
    peak: Decimal
    drawdown: Decimal
    fees: Decimal
    unvalued: tuple[str, ...]
    losses_in_a_row: int
    cooldown_until_ns: int | None
    orders_last_second: int
    orders_last_minute: int
    usual_sizes: dict[InstrumentId, Decimal]


class RiskStatusQuery(Query[RiskStatus], frozen=True):
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
