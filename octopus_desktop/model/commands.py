"""What someone wants: imperative, and it may be refused."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from octopus_desktop.model.algos import AnyAlgoSpec, OnRestart
from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import AlgoId, ClientOrderId, InstrumentId, Interval, Venue
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import OrderIntent, Side
from octopus_desktop.model.safety import TradingLevel


class SubmitOrder(msgspec.Struct, frozen=True, tag=True):
    """Ask for an order. The outcome is in the events; `Done` only says that the intent is in the journal and sent.

    `acknowledged`: the trader has read what `Verdict.warning` says and wants it all the same.
    """

    intent: OrderIntent
    acknowledged: bool = False


class CancelOrder(msgspec.Struct, frozen=True, tag=True):
    client_order_id: ClientOrderId


class CancelAllOrders(msgspec.Struct, frozen=True, tag=True):
    """Every working order, or those of one instrument or side."""

    instrument_id: InstrumentId | None = None
    side: Side | None = None


class AmendOrder(msgspec.Struct, frozen=True, tag=True):
    """Give a working order another price, trigger or quantity; None leaves it as it is.

    `quantity` counts what is filled already. Where the venue has no amendment the order is canceled and replaced
    under the name `replacement`.
    """

    client_order_id: ClientOrderId
    replacement: ClientOrderId
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    quantity: Decimal | None = None


class StartAlgo(msgspec.Struct, frozen=True, tag=True):
    """The same `algo_id` twice is one algo."""

    algo_id: AlgoId
    spec: AnyAlgoSpec
    on_restart: OnRestart = OnRestart.PAUSE


class PauseAlgo(msgspec.Struct, frozen=True, tag=True):
    """Nothing new is sent; what rests at the venue stays."""

    algo_id: AlgoId


class ResumeAlgo(msgspec.Struct, frozen=True, tag=True):
    algo_id: AlgoId


class StopAlgo(msgspec.Struct, frozen=True, tag=True):
    """Cancels its orders and ends it. `keep_protection`: a stop that protects a position stays at the venue."""

    algo_id: AlgoId
    keep_protection: bool = True


class KillSwitch(msgspec.Struct, frozen=True, tag=True):
    """Stop all algos, halt, cancel every order and verify it. With `flatten`, then close every position and verify.

    Done as soon as it is under way: KillProgressed tells the rest. Never refused, and twice is once.
    """

    flatten: bool = False


class SetTradingLevel(msgspec.Struct, frozen=True, tag=True):
    """On a LIVE profile, going back to ACTIVE needs `typed` to be the profile's name."""

    level: TradingLevel
    typed: str = ""


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


class ConfirmLive(msgspec.Struct, frozen=True, tag=True):
    """Allow this LIVE profile its first order; `typed` must be the profile's name. Asked once, and kept."""

    typed: str


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


TradingCommand = (
    SubmitOrder | CancelOrder | CancelAllOrders | AmendOrder | StartAlgo | PauseAlgo | ResumeAlgo | StopAlgo | Reconcile
)
"""What needs an account to trade on."""
UrgentCommand = SubmitOrder | CancelOrder | CancelAllOrders | AmendOrder | KillSwitch
"""Each millisecond until its bytes are away counts."""
Command = (
    TradingCommand
    | KillSwitch
    | SetTradingLevel
    | Subscribe
    | Unsubscribe
    | UnlockEntry
    | LockEntry
    | ConfirmLive
    | SetRiskLimits
    | SaveSetting
)


class Done(msgspec.Struct, frozen=True, tag=True):
    """The command was carried out. `count`: how many orders it touched."""

    count: int = 1


class Refused(msgspec.Struct, frozen=True, tag=True):
    """One sentence for the trader: what was refused, and why."""

    reason: str


class NeedsConfirmation(Refused, frozen=True, tag=True):
    """The first order of a LIVE profile: ask for the profile's name, `ConfirmLive`, then the same command again.

    Nothing was remembered of the command: its token and its ClientOrderId are as good as new.
    """


class NeedsAcknowledgement(Refused, frozen=True, tag=True):
    """`reason` is a warning the trader has not seen: show it, then the same command again, `acknowledged`.

    Nothing was remembered of the command: its token and its ClientOrderId are as good as new.
    """


Outcome = Done | Refused | NeedsConfirmation | NeedsAcknowledgement
