"""What goes into the audit: every command with its outcome, every risk decision, override, login, start and end.

What is urgent does not wait for it: the order journal has it, and what a crash takes from the audit is copied from
there. Of any other command the outcome is told when its entries are on the disk.

Left out on purpose: Subscribe, Unsubscribe and SaveSetting. They are the window's housekeeping, come by the dozen and
can neither trade nor change what may be traded.
"""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import Any, Final

import msgspec

from octopus_desktop.engine.bus import Bus
from octopus_desktop.health.tasks import tell_failure
from octopus_desktop.model.commands import (
    Command,
    ConfirmLive,
    Done,
    Outcome,
    Reconcile,
    SaveSetting,
    SetRiskLimits,
    SetTradingLevel,
    SubmitOrder,
    Subscribe,
    UnlockEntry,
    Unsubscribe,
    UrgentCommand,
)
from octopus_desktop.model.errors import StorageError
from octopus_desktop.model.events import (
    EntryLocked,
    EntryUnlocked,
    Event,
    KillProgressed,
    NoticeRaised,
    OrderDenied,
    OrderSubmitted,
    Severity,
    TradingLevelChanged,
)
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import OrderIntent
from octopus_desktop.model.profile import Mode
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.ports import Audit, Clock

logger = logging.getLogger(__name__)

TOGETHER_S: Final = 0.02
"""Entries are handed on together, so that nothing of it runs between an order's commit and its bytes."""
COMMITTED_EVERY_S: Final = 60.0
"""The head is noted outside of the data file so often, where there is news."""

_TOLD: Final = {OrderSubmitted, OrderDenied, EntryLocked, EntryUnlocked, TradingLevelChanged, KillProgressed}
"""The rest is the market, and what the order journal has itself."""


_HOUSEKEEPING: Final = (Subscribe, Unsubscribe, SaveSetting)
_TYPED: Final = (UnlockEntry, SetTradingLevel, ConfirmLive)


class Actor(Enum):
    TRADER = "trader"
    RISK = "risk"
    ENGINE = "engine"
    PROGRAM = "program"


class _Decision(msgspec.Struct, frozen=True):
    approved: bool
    reason: str
    order: OrderIntent


class _Outcome(msgspec.Struct, frozen=True):
    command: str
    outcome: Outcome


class _Override(msgspec.Struct, frozen=True, omit_defaults=True):
    what: str
    old: RiskLimits | TradingLevel | None = None
    new: RiskLimits | TradingLevel | None = None
    reason: str = ""


class Auditor:
    """On the node's loop. It begins with the session, before the data file is open: entries wait for `connect`."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._state = bus.state
        self._bus = bus
        self._clock = clock
        self._audit: Audit | None = None
        self._noted: list[tuple[int, str, str, object]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._news = False
        self._committing: asyncio.Task[None] | None = None
        self._level = TradingLevel.ACTIVE

    def connect(self, audit: Audit) -> None:
        """The file is open and the journal folded: from now on events are told, too."""
        self._audit = audit
        self._level = self._state.level.level
        self._bus.subscribe(self._told)
        self._hand_on()
        self._committing = asyncio.get_running_loop().create_task(self._commit_regularly(audit), name="audit")
        self._committing.add_done_callback(tell_failure)

    def close(self) -> None:
        """Hands on what waits; nothing after it is kept."""
        if self._committing is not None:
            self._committing.cancel()
        self._hand_on()
        self._audit = None

    def note(self, actor: Actor, kind: str, detail: object) -> None:
        """`detail` is JSON once it is written: a struct that does not change, or a dict nobody else has."""
        self._noted.append((self._clock.now_ns(), actor.value, kind, detail))
        self._news = True
        if self._audit is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TOGETHER_S, self._hand_on)

    def asked(self, command: Command) -> None:
        """Before it is carried out: one that never ends is in the audit all the same."""
        if isinstance(command, _HOUSEKEEPING):
            return
        self.note(Actor.TRADER, "command", _discreet(command))
        if isinstance(command, SubmitOrder) and command.acknowledged:
            self.note(Actor.TRADER, "override", _Override("warning acknowledged"))

    def unlocked(self, mode: Mode) -> None:
        """By the trader; whether something else still locks order entry is in the outcome."""
        self.note(Actor.TRADER, "override", _Override("order entry unlocked"))
        if mode is Mode.LIVE:
            self.note(Actor.TRADER, "login", {"what": "LIVE unlocked"})

    def answered(self, command: Command, outcome: Outcome, limits: RiskLimits) -> None:
        """`limits` are those from before it."""
        match command:
            case Subscribe() | Unsubscribe() | SaveSetting():
                return
            case SubmitOrder() if isinstance(outcome, Done):
                return  # risk's decision says it
            case SetRiskLimits() if isinstance(outcome, Done):
                self.note(Actor.TRADER, "override", _Override("limits changed", limits, command.limits))
            case ConfirmLive() if isinstance(outcome, Done):
                self.note(Actor.TRADER, "override", _Override("LIVE orders confirmed"))
            case _:
                pass
        self.note(Actor.ENGINE, "outcome", _Outcome(type(command).__name__, outcome))

    async def written(self, command: Command) -> None:
        """Returns when the outcome may be told: its entries are on the disk, or it is a command that does not wait.

        On a disk that fails it is told all the same, as it stands, and that the audit has not got it yet.
        """
        if self._audit is None or not _waits(command):
            return
        self._hand_on()
        try:
            await self._audit.commit()
        except StorageError as error:
            what = type(command).__name__
            text = f"It is written as soon as the disk takes it: {error}"
            logger.error("%s is not in the audit yet: %s", what, error)
            self._bus.publish(
                NoticeRaised(Severity.WARNING, f"{what} is not in the audit yet", text, self._clock.now_ns())
            )

    async def _commit_regularly(self, audit: Audit) -> None:
        while True:
            await asyncio.sleep(COMMITTED_EVERY_S)
            if not self._news:
                continue
            self._news = False
            self._hand_on()
            try:
                await audit.commit()
            except StorageError as error:
                logger.warning("the head of the audit is noted later: %s", error)
                self._news = True

    def _told(self, event: Event) -> None:
        if type(event) in _TOLD:  # of thousands a second from the market one look is enough
            self._tell(event)

    def _tell(self, event: Event) -> None:
        match event:
            case OrderSubmitted():
                self._decided(event, "")
            case OrderDenied():
                self._decided(event, event.reason)
            case EntryLocked():
                self.note(Actor.ENGINE, "entry", {"locked": event.reason})
            case EntryUnlocked():
                self.note(Actor.ENGINE, "entry", {"locked": None})
            case TradingLevelChanged():
                changed = _Override("level changed", self._level, event.level, event.reason)
                self.note(Actor.ENGINE, "override", changed)
                self._level = event.level
            case KillProgressed() if event.done:
                self.note(Actor.ENGINE, "kill", {"step": event.step.value, "text": event.text})
            case _:
                pass

    def _decided(self, event: OrderSubmitted | OrderDenied, reason: str) -> None:
        order = self._state.orders.get(event.client_order_id)
        if order is not None and not order.adopted:  # made elsewhere, where nobody here judged it
            self.note(Actor.RISK, "risk", _Decision(isinstance(event, OrderSubmitted), reason, order.intent))

    def _hand_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._audit is not None:
            noted, self._noted = self._noted, []
            for entry in noted:
                self._audit.append(*entry)


def _waits(command: Command) -> bool:
    """Whether its outcome waits for the disk; what is urgent never does, but for a warning that somebody has read."""
    if isinstance(command, UrgentCommand):
        return isinstance(command, SubmitOrder) and command.acknowledged
    return not isinstance(command, (*_HOUSEKEEPING, Reconcile))


def _discreet(command: Command) -> Any:
    """What was typed to confirm may be anything, a password by mistake; that it was right is in the outcome."""
    if isinstance(command, _TYPED):
        return msgspec.structs.replace(command, typed="")
    return command
