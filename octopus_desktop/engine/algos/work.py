"""What every algo has at hand: its orders, the price, the clock, and one door through which orders leave.

An algo looks at what is known and does the next thing; it remembers nothing of its own between two looks that the
journal does not hold. So a restart goes on exactly as an ordinary next look.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final, Generic, TypeVar

from octopus_desktop.engine.amend import Amendments
from octopus_desktop.engine.entry import PASSING, EntryLock, Lock
from octopus_desktop.engine.level import level_refusal
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.model.algos import Algo, AlgoSpec, AlgoStatus
from octopus_desktop.model.commands import AmendOrder, CancelOrder, Done, SubmitOrder
from octopus_desktop.model.events import (
    AlgoEnded,
    AlgoPaused,
    AlgoProgressed,
    AnyAlgoEvent,
    Channel,
    NoticeRaised,
    QuoteChanged,
    Severity,
)
from octopus_desktop.model.identifiers import ClientOrderId, symbol_of
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import ZERO, Order, OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.ports import Capability, Clock
from octopus_desktop.state import State

logger = logging.getLogger(__name__)

SECOND: Final = 1_000_000_000
PATIENCE_NS: Final = 5 * SECOND
"""How long an order that may not leave is tried again before the algo pauses: money and rates come free by then."""
RETRY_S: Final = 0.25
RECANCEL_S: Final = 1.0
ALARM_NS: Final = SECOND
THROUGH: Final = Decimal("0.01")
ALARM_EVERY_NS: Final = 60 * SECOND
_PASSING: Final = frozenset(lock.value for lock in (*PASSING, Lock.STORAGE))
"""Locks that open by themselves; behind any other stands a person."""
_ON_THE_WAY: Final = (OrderStatus.INITIATED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN)
_NEVER_THERE: Final = (OrderStatus.DENIED, OrderStatus.REJECTED)

SpecT = TypeVar("SpecT", bound=AlgoSpec)


@dataclass(frozen=True, slots=True)
class Tools:
    """What an algo works with. `publish` keeps the event in the journal first."""

    state: State
    orders: OrderDesk
    amendments: Amendments
    lock: EntryLock
    clock: Clock
    publish: Callable[[AnyAlgoEvent], None]
    notify: Callable[[NoticeRaised], None]
    capabilities: frozenset[Capability]


class Work(ABC, Generic[SpecT]):
    """One algo at work. `step` is called whenever something of its own may have changed, never twice at a time."""

    spec_type: ClassVar[type[AlgoSpec]]
    guards: ClassVar[bool] = False
    """It protects a position, so it goes on while it is paused; it asks `paused` before it sends anything else."""

    follows_price: ClassVar[bool] = True
    """It is to be woken by each quote."""

    def __init__(self, algo: Algo, spec: SpecT, tools: Tools, instrument: Instrument) -> None:
        self.algo = algo
        self.spec = spec
        self.instrument = instrument
        self._tools = tools
        self._state = tools.state
        self.wake_ns: int | None = None
        """When it wants to be looked after at the latest, by the clock."""
        self.price_since_ns = 0
        """A quote from before nobody listened is no price."""
        self.held_since_ns: int | None = None
        self._alarm_ns = 0
        self._canceled_ns: dict[ClientOrderId, int] = {}

    @staticmethod
    @abstractmethod
    def refusal(spec: SpecT, instrument: Instrument, state: State, now_ns: int) -> str | None:
        """Why this spec cannot be worked, in a sentence, or None."""

    @staticmethod
    @abstractmethod
    def largest(spec: SpecT, instrument: Instrument, state: State, native: bool) -> OrderIntent:
        """The largest order it would send by now, for what limits one order. Asked only where nothing refuses it."""

    @staticmethod
    def is_native(spec: SpecT, capabilities: frozenset[Capability]) -> bool:
        """The venue works it."""
        return False

    @abstractmethod
    async def step(self) -> None: ...

    async def wind_down(self, keep_protection: bool) -> None:
        """As `step`, while it is being stopped: cancels what works and ends."""
        if await self.clear(self.live()):
            self.end(AlgoStatus.STOPPED, self.algo.reason)

    def blocked(self) -> str | None:
        """The sentence with which it pauses where a person has locked what it would do; None in all ordinary times."""
        if self._state.level.level is TradingLevel.ACTIVE and self._state.entry_locked is None:
            return None
        rest = self.spec.quantity - self.taken()
        if rest <= 0:
            return None
        return locked(self.intent("", OrderType.LIMIT, rest), self._tools)

    # Its orders -------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        return self._tools.clock.now_ns()

    @property
    def paused(self) -> bool:
        return self.algo.status is AlgoStatus.PAUSED

    @property
    def lively(self) -> bool:
        return self.algo.status in (AlgoStatus.RUNNING, AlgoStatus.PAUSED)

    def children(self, *roles: str) -> Iterator[Order]:
        for name in self.algo.children:
            order = self._state.orders[name]
            if not roles or order.intent.role in roles:
                yield order

    def live(self, *roles: str) -> list[Order]:
        return [order for order in self.children(*roles) if not order.status.is_terminal]

    def unsure(self, order: Order) -> bool:
        """Something about it is under way: wait until it is known before anything else is done to it."""
        return (
            order.status in _ON_THE_WAY or order.cancel_requested or self._tools.amendments.is_under_way(order)
        ) and not order.status.is_terminal

    def taken(self, *roles: str) -> Decimal:
        """What its orders of these roles have filled, and what those not over could fill yet."""
        return sum(
            (
                order.filled_quantity if order.status.is_terminal else max(order.intent.quantity, order.filled_quantity)
                for order in self.children(*roles)
            ),
            ZERO,
        )

    def refused_orders(self, *roles: str) -> list[Order]:
        return [order for order in self.children(*roles) if order.status in _NEVER_THERE]

    def canceled_elsewhere(self, order: Order) -> bool:
        """Somebody else canceled it: neither this algo nor an amendment that put another in its place."""
        name = order.client_order_id
        ours = f"cancel {name}" in self.algo.memo or any(other.intent.replaces == name for other in self.children())
        return order.status is OrderStatus.CANCELED and not ours

    def new_name(self, ahead: int = 0) -> ClientOrderId:
        """The same for the same place in its life: what a crash left undecided cannot become a second order."""
        return ClientOrderId(f"{self.algo.algo_id}-{len(self.algo.children) + 1 + ahead}")

    def intent(
        self,
        role: str,
        type_: OrderType,
        quantity: Decimal,
        *,
        side: Side | None = None,
        price: Decimal | None = None,
        trigger: Decimal | None = None,
        tif: TimeInForce = TimeInForce.GTC,
        ahead: int = 0,
        list_id: str | None = None,
        trailing_fraction: Decimal | None = None,
        display_quantity: Decimal | None = None,
        reduce_only: bool = False,
    ) -> OrderIntent:
        return OrderIntent(
            self.new_name(ahead),
            self.spec.instrument_id,
            side or self.spec.side,
            type_,
            quantity,
            price,
            trigger,
            tif=tif,
            reduce_only=reduce_only,
            trailing_fraction=trailing_fraction,
            display_quantity=display_quantity,
            parent=self.algo.algo_id,
            role=role,
            list_id=list_id,
        )

    async def send(self, *intents: OrderIntent, room: Decimal, protects: bool = False) -> bool:
        """The one door. `room` is what may be filled yet; more than that never leaves. False: not now, or not at all.

        Orders with a `list_id` leave as one list. Where one may not leave the algo waits or pauses, and says so.
        """
        if max(intent.quantity for intent in intents) > room:
            raise RuntimeError(f"algo {self.algo.algo_id} would send more than the {room} it may")
        denial = self.hindrance(*intents)
        if denial is not None:
            self.held_up(denial, protects=protects)
            return False
        if len(intents) > 1:
            outcome = await self._tools.orders.submit_list(intents)
        else:
            outcome = await self._tools.orders.submit(SubmitOrder(intents[0], acknowledged=True))
        if not isinstance(outcome, Done):
            self.held_up(outcome.reason, protects=protects)
            return False
        self.held_since_ns = None
        return True

    def hindrance(self, *intents: OrderIntent) -> str | None:
        """What would keep them from leaving now. Asked first, so that no denied order is made each time."""
        verdicts = (self._tools.orders.opinion(intent) for intent in intents)
        return next(filter(None, (verdict.denial for verdict in verdicts)), None)

    async def amend(self, order: Order, *, price: Decimal | None = None, quantity: Decimal | None = None) -> bool:
        """`quantity` counts what `order` has filled."""
        command = AmendOrder(order.client_order_id, self.new_name(), price=price, quantity=quantity)
        denial = self._tools.amendments.opinion(command)
        if denial is not None:
            self.held_up(denial, protects=self.guards)
            return False
        outcome = await self._tools.amendments.amend(command)
        if not isinstance(outcome, Done):
            self.held_up(outcome.reason, protects=self.guards)
            return False
        self.held_since_ns = None
        return True

    async def clear(self, orders: Iterable[Order]) -> bool:
        """Cancel them; True once none of them works any more."""
        clear = True
        for order in orders:
            if order.status.is_terminal:
                continue
            clear = False
            if self.unsure(order):
                continue
            tried = self._canceled_ns.get(order.client_order_id, 0)
            if self.now_ns - tried < int(RECANCEL_S * SECOND):
                self.wake_in(RECANCEL_S)
                continue
            self._canceled_ns[order.client_order_id] = self.now_ns
            self.say(self.algo.note, **{f"cancel {order.client_order_id}": "1"})
            await self._tools.orders.cancel(CancelOrder(order.client_order_id))
        return clear

    # The price --------------------------------------------------------------

    def quote(self) -> QuoteChanged | None:
        """None where the price is not to be acted on; `price_problem` says why."""
        market = self._state.market(self.spec.instrument_id)
        quote = market.quote
        if quote is None or quote.ts_received_ns < self.price_since_ns or quote.bid <= 0 or quote.ask <= 0:
            return None
        book_broken = bool(market.book.last_id) and not market.book.valid and Channel.BOOK in market.stale
        return None if Channel.QUOTES in market.stale or book_broken else quote

    def price_problem(self) -> str:
        stale = Channel.QUOTES in self._state.market(self.spec.instrument_id).stale
        return "waiting: the price is stale" if stale else "waiting: there is no fresh price yet"

    def touch(self) -> tuple[Decimal, Decimal] | None:
        """Best bid and ask as of now, on the tick."""
        quote = self.quote()
        return (self.instrument.price(quote.bid), self.instrument.price(quote.ask)) if quote is not None else None

    def taking_price(self, limit: Decimal, touch: tuple[Decimal, Decimal]) -> Decimal:
        """Fills at once, no worse than `limit`, and no further through the touch than that takes: an order far off the
        market is refused."""
        if self.spec.side is Side.BUY:
            return min(limit, self.instrument.price(touch[1] * (1 + THROUGH)))
        return max(limit, self.instrument.price(touch[0] * (1 - THROUGH)))

    # Telling ----------------------------------------------------------------

    def say(self, note: str, **memo: str) -> None:
        """Only what is new is told."""
        news = {key: value for key, value in memo.items() if self.algo.memo.get(key) != value}
        if (news or note != self.algo.note) and not self.algo.status.is_over:
            self._tools.publish(AlgoProgressed(self.algo.algo_id, self.now_ns, note, news))

    def end(self, status: AlgoStatus, reason: str = "") -> None:
        self._tools.publish(AlgoEnded(self.algo.algo_id, self.now_ns, status, reason))
        if status is AlgoStatus.FAILED:
            self.notice(f"{self.title} failed", reason, Severity.ERROR)

    def pause(self, reason: str) -> None:
        if self.algo.status is AlgoStatus.RUNNING:
            self.held_since_ns = None
            self._tools.publish(AlgoPaused(self.algo.algo_id, self.now_ns, reason))
            self.notice(f"{self.title} is paused", f"{reason} Resume it once that is settled, or stop it.")

    def notice(self, title: str, text: str, severity: Severity = Severity.WARNING) -> None:
        logger.warning("algo %s: %s: %s", self.algo.algo_id, title, text)
        self._tools.notify(NoticeRaised(severity, title, text, self.now_ns))

    @property
    def title(self) -> str:
        return f"{type(self.spec).__name__} {symbol_of(self.spec.instrument_id)}"

    def held_up(self, reason: str, *, protects: bool) -> None:
        """An order may not leave now."""
        now = self.now_ns
        if self.held_since_ns is None:
            self.held_since_ns = now
        waited = now - self.held_since_ns
        self.wake_in(RETRY_S)
        if protects:
            self.unprotected(reason, waited)
        elif reason in _PASSING:
            self.say(f"waiting: {reason}")
        elif self._for_a_person() or waited >= PATIENCE_NS:
            self.pause(reason)
        else:
            self.say(f"waiting: {reason}")

    def unprotected(self, reason: str, waited_ns: int) -> None:
        self.say(f"unprotected: {reason}")
        if waited_ns >= ALARM_NS and self.now_ns >= self._alarm_ns:
            self._alarm_ns = self.now_ns + ALARM_EVERY_NS
            text = f"{reason} It is tried again until it works: close the position yourself if you cannot wait."
            self.notice(f"A position in {symbol_of(self.spec.instrument_id)} is not protected", text, Severity.ERROR)

    def _for_a_person(self) -> bool:
        locked = self._state.entry_locked
        return self._state.level.level is not TradingLevel.ACTIVE or (locked is not None and locked not in _PASSING)

    def wake_in(self, seconds: float) -> None:
        self.wake_at(self.now_ns + int(seconds * SECOND))

    def wake_at(self, ns: int) -> None:
        self.wake_ns = ns if self.wake_ns is None else min(self.wake_ns, ns)


def sample(
    spec: AlgoSpec,
    type_: OrderType,
    *,
    quantity: Decimal | None = None,
    price: Decimal | None = None,
    trigger: Decimal | None = None,
    reduce_only: bool = False,
) -> OrderIntent:
    """An order as an algo would send it, to be judged before there is one; of all its quantity where none is given."""
    whole = spec.quantity if quantity is None else quantity
    name = ClientOrderId("sample")
    return OrderIntent(name, spec.instrument_id, spec.side, type_, whole, price, trigger, reduce_only=reduce_only)


def locked(intent: OrderIntent, tools: Tools) -> str | None:
    """Why a person, not a passing trouble, keeps an order like this from leaving."""
    reducing = tools.orders.reduces(intent)
    refusal = tools.lock.refusal(reducing=reducing)
    if refusal is not None and refusal not in _PASSING:
        return refusal
    return level_refusal(tools.state.level, reducing)
