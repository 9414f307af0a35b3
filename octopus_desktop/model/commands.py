"""What someone wants: imperative, and it may be refused."""

from __future__ import annotations

import msgspec

from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, Interval, Venue
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import OrderIntent, Side


class SubmitOrder(msgspec.Struct, frozen=True, tag=True):
    """Ask for an order. The outcome is in the events; `Done` only says that the intent is in the journal and sent."""

    intent: OrderIntent


class CancelOrder(msgspec.Struct, frozen=True, tag=True):
    client_order_id: ClientOrderId


class CancelAllOrders(msgspec.Struct, frozen=True, tag=True):
    """Every working order, or those of one instrument or side."""

    instrument_id: InstrumentId | None = None
    side: Side | None = None


class Subscribe(msgspec.Struct, frozen=True, tag=True):
    """Counted: a channel streams while anyone is subscribed. `interval` goes with `Channel.CANDLES`."""

    instrument_id: InstrumentId
    channel: Channel
    interval: Interval | None = None


class Unsubscribe(msgspec.Struct, frozen=True, tag=True):
    instrument_id: InstrumentId
    channel: Channel
    interval: Interval | None = None


class UnlockEntry(msgspec.Struct, frozen=True, tag=True):
    """On a LIVE profile `typed` must be the profile's name."""

    typed: str = ""


class LockEntry(msgspec.Struct, frozen=True, tag=True):
    pass


class Reconcile(msgspec.Struct, frozen=True, tag=True):
    """Compare with the venue now."""

    venue: Venue


class SetRiskLimits(msgspec.Struct, frozen=True, tag=True):
    """Takes effect with the next order, and is kept."""

    limits: RiskLimits


class SaveSetting(msgspec.Struct, frozen=True, tag=True):
    """Keep a text of the screen's under a name of its own; read back by `Node.setting`."""

    key: str
    value: str


Command = (
    SubmitOrder
    | CancelOrder
    | CancelAllOrders
    | Subscribe
    | Unsubscribe
    | UnlockEntry
    | LockEntry
    | Reconcile
    | SetRiskLimits
    | SaveSetting
)


class Done(msgspec.Struct, frozen=True, tag=True):
    """The command was carried out. `count`: how many orders it touched."""

    count: int = 1


class Refused(msgspec.Struct, frozen=True, tag=True):
    """One sentence for the trader: what was refused, and why."""

    reason: str


Outcome = Done | Refused
