"""What the engine raises.

OctopusError
├── VenueError                  talking to a venue failed
│   ├── LinkError               no connection, or it broke: reconnect; what was sent may have arrived
│   ├── VenueTimeout            no answer in time: what was sent may have arrived
│   ├── RateLimited             asked too much: wait `retry_after_s`
│   ├── VenueUnavailable        the venue's fault (5xx, overload): what was sent may have arrived
│   │   ├── UnreadableRecord    an order or trades (`trades`) on record cannot be read: the others are `readable`
│   │   ├── UnreadableOrders    some of the open orders cannot be read (`instruments`): the others are `readable`
│   │   └── BreakerOpen         it failed so often that it is left alone for `retry_after_s`: nothing was sent
│   ├── AuthenticationError     key, signature or permission refused: no retry will help
│   ├── ClockError              our timestamp is outside the venue's window: measure the offset, then retry
│   └── RequestRefused          the venue understood and said no (`code`): no retry will help
│       └── AmendHalfDone       the old order is canceled (`canceled`), the new one refused
├── MessageError                bytes that are not what the venue documents
├── StorageError                the data file
│   ├── DataFromFuture          written by a newer version
│   ├── DataCorrupt             not a sound database
│   ├── DataInUse               another instance has it open
│   └── DiskFull                nothing more can be written
└── ProfileError                a profile or its key cannot be used

`outcome_unknown` says whether a request that failed so may still have taken effect; an order then is UNKNOWN.
All of it is operational: `is_operational` tells it from a defect.
A venue's refusal of an order is an event (`OrderRejected`), not an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from octopus_desktop.model.identifiers import InstrumentId, TradeId, VenueOrderId, symbol_of

if TYPE_CHECKING:
    from octopus_desktop.model.orders import Fill
    from octopus_desktop.model.reports import OrderReport


class OctopusError(Exception):
    """The message tells what happened, to what, and what to do now."""


def is_operational(error: BaseException) -> bool:
    """It belongs to a world with venues, networks and disks in it: wait, try again, tell the trader.

    Anything else is critical, a defect of this program: order entry locks, and a crash report is written.
    """
    return isinstance(error, OctopusError | OSError)


def sentence(told: object) -> str:
    """What an error tells, with its full stop: more may follow it."""
    text = str(told).strip()
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


class VenueError(OctopusError):
    retryable = False
    outcome_unknown = False


class LinkError(VenueError):
    retryable = True
    outcome_unknown = True


class VenueTimeout(VenueError):
    retryable = True
    outcome_unknown = True


class RateLimited(VenueError):
    """Here, before anything was sent; or by the venue, and then an order is UNKNOWN unless it counts orders (-1015)."""

    retryable = True

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class VenueUnavailable(VenueError):
    retryable = True
    outcome_unknown = True


class UnreadableRecord(VenueUnavailable):
    """The answer came, and what it says of an order or of some trades cannot be. `readable` are the other trades."""

    def __init__(
        self, message: str, trades: Sequence[tuple[TradeId, VenueOrderId]] = (), readable: Sequence[Fill] = ()
    ) -> None:
        super().__init__(message)
        self.trades = trades
        self.readable = readable


class UnreadableOrders(VenueUnavailable):
    """Some of the open orders cannot be read: in these instruments. `readable` are the reports of the others."""

    def __init__(self, instruments: frozenset[InstrumentId], readable: Sequence[OrderReport]) -> None:
        symbols = ", ".join(sorted(symbol_of(name) for name in instruments))
        super().__init__(f"an open order in {symbols} cannot be read")
        self.instruments = instruments
        self.readable = readable


class BreakerOpen(VenueUnavailable):
    outcome_unknown = False

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AuthenticationError(VenueError):
    pass


class ClockError(VenueError):
    retryable = True


class RequestRefused(VenueError):
    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class AmendHalfDone(RequestRefused):
    """`canceled` is the report of the order that is gone."""

    def __init__(self, message: str, code: int, canceled: OrderReport) -> None:
        super().__init__(message, code)
        self.canceled = canceled


class MessageError(OctopusError):
    pass


class StorageError(OctopusError):
    pass


class DataFromFuture(StorageError):
    pass


class DataCorrupt(StorageError):
    pass


class DataInUse(StorageError):
    pass


class DiskFull(StorageError):
    pass


class ProfileError(OctopusError):
    pass
