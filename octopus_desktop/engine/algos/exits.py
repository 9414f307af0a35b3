"""Leaving what is owned: a stop under all of it at all times, and targets.

On spot a resting stop and a resting target both lock the coins, so a coin is under a plain stop, or in a pair at the
venue (a target and a stop that cancel each other), never in both. What has no pair (the venue has none, refused it, or
the part is below its least order, or the entry still fills) is under the plain stop, and its target is held here: when
the touch is there, the stop gives up that quantity and a limit order takes the price at once; what it did not get goes
back under the stop. The stop is the side that rests: it protects also when this terminal does not run.

No request of the venue makes a pair of a stop, so coins that go from the one into the other are under nothing for a
round trip. It is said while it lasts, and it is not done near the stop. Refused, they are under the stop again at once;
where nobody knows, another stop stands in for it until the venue has spoken.

Each look does one thing and waits for its outcome, so what is known is never older than what is done.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import ClassVar, Final, TypeVar

import msgspec

from octopus_desktop.engine.algos.shape import not_owned, off_the_grid, possible_now, split, too_large, too_small
from octopus_desktop.engine.algos.stand_in import STAND_IN_NS, THERE, fits_only_one
from octopus_desktop.engine.algos.work import PATIENCE_NS, SECOND, Tools, Work
from octopus_desktop.engine.cut import is_order
from octopus_desktop.engine.filters import filters
from octopus_desktop.model.algos import Algo, Bracket, Oco, Target
from octopus_desktop.model.figures import figure
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import ZERO, Order, OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from octopus_desktop.ports import Capability

NAKED_NS: Final = SECOND
"""How long a target that fills may stand without its stop: the venue takes the stop away with the first part."""
AGAIN_NS: Final = SECOND
NEAR: Final = Decimal("0.002")
"""Of the price. So near to its trigger the stop stays where it is: its coins are under nothing for a round trip when
they go into a pair, and the target can be held here meanwhile."""
NO_PAIRS_NS: Final = 30 * SECOND
PAIR_AGAIN_NS: Final = 5 * SECOND
MOST_PAIRS_REFUSED: Final = 3
SLOWEST_AGAIN_NS: Final = 10 * SECOND

SpecT = TypeVar("SpecT", bound=Bracket | Oco)


class _Exits:
    """The exit orders as they are now, and what they leave open."""

    def __init__(self, live: list[Order], to_leave: Decimal) -> None:
        by_list: dict[str, list[Order]] = {}
        for order in live:
            if order.intent.list_id is not None:
                by_list.setdefault(order.intent.list_id, []).append(order)
        self.pairs = [pair for pair in by_list.values() if len(pair) == 2]
        paired = {order.client_order_id for pair in self.pairs for order in pair}
        alone = [order for order in live if order.client_order_id not in paired]
        self.stops = [order for order in alone if order.intent.role == "stop"]
        self.targets = [order for order in alone if order.intent.role == "target"]
        self.to_leave = to_leave
        self.protected = _rest(self.stops) + _rest(pair[0] for pair in self.pairs)
        self.free = to_leave - self.protected - _rest(self.targets)
        """Under no order at all; below zero where orders would sell more than there is."""

    def at(self, price: Decimal) -> Decimal:
        """What rests at a target's price."""
        paired = [order for pair in self.pairs for order in pair]
        return _rest(o for o in (*paired, *self.targets) if o.intent.role == "target" and o.intent.price == price)


class ExitWork(Work[SpecT]):
    guards: ClassVar[bool] = True

    def __init__(self, algo: Algo, spec: SpecT, tools: Tools, instrument: Instrument) -> None:
        super().__init__(algo, spec, tools, instrument)
        self._no_pairs_until_ns = 0
        self._taken_ns: dict[Decimal, int] = {}
        self._short_until_ns = 0
        """A stop is not to grow before the balance has followed what was free: it would be given up for coins that are
        not there."""
        self._gone = ZERO
        """Of what should be owned: it was waited for while a stop held the others, and is not in the account."""
        self._gone_until_ns = 0

    # What the kinds say -----------------------------------------------------

    @property
    @abstractmethod
    def exit_side(self) -> Side: ...

    @property
    @abstractmethod
    def targets(self) -> Sequence[Target]: ...

    @abstractmethod
    def owned(self) -> Decimal:
        """What may leave, on the lot."""

    @property
    @abstractmethod
    def all_there(self) -> bool:
        """Nothing more comes in: from now on targets may rest at the venue."""

    # ------------------------------------------------------------------------

    @property
    def trigger(self) -> Decimal:
        """Of the stop: where the trader last put it."""
        for order in reversed(list(self.children("stop"))):
            if order.intent.trigger_price is not None and order.status is not OrderStatus.REJECTED:
                return order.intent.trigger_price
        return self.spec.stop_trigger

    @property
    def fired(self) -> bool:
        return any(order.filled_quantity for order in self.children("stop"))

    def to_leave(self) -> Decimal:
        return self.owned() - self.algo.filled_as("stop", "target")

    async def look_after(self, *, targets: bool) -> bool:
        """The next thing to do for what is owned; True when nothing is left to be done now.

        `targets` False: only the stop is seen to.
        """
        live = self.live("stop", "target")
        unsure = [order for order in live if self.unsure(order)]
        if unsure:
            unknown = [order for order in unsure if order.status is OrderStatus.UNKNOWN]
            alone = len(unknown) == len(unsure)
            # What no order would hold, whatever the venue says of those in doubt, does not wait for its word.
            bare = _Exits(live, self.to_leave()).free if unknown and alone else ZERO
            if self._is_order(bare) and not self._must_wait():
                await self.send(self._free_part(self._protection(bare)), room=bare, protects=True)
            elif unknown:
                await self._stand_in(unknown, alone=alone)
            return False
        gone = self._gone if self.now_ns < self._gone_until_ns else ZERO
        now = _Exits(live, self.to_leave() - gone)
        targets = targets and not self.fired
        if self.fired and now.targets:
            await self.clear(now.targets)
            return False
        if now.free < 0:
            await self._shrink(now, -now.free)
            return False
        if now.targets:
            return await self._naked(now.targets)
        if targets and self._is_there(now) and (await self._take(now) or await self._pair(now)):
            return False
        if now.free > 0 and (self._is_order(now.free) or self._growing(now)):
            await self._protect(now)
            return False
        if gone:
            self.wake_at(self._gone_until_ns)
        return not gone

    # The steps of a look ----------------------------------------------------

    async def _shrink(self, now: _Exits, by: Decimal) -> None:
        """The plain stop gives up this much; what would be below the venue's least goes wholly."""
        plain = [order for order in now.stops if not order.filled_quantity]
        if plain:
            stop, rest = plain[0], plain[0].remaining - by
            if rest > 0 and self._is_order(rest):
                await self._resize(stop, rest)
            else:
                await self.clear([stop])
        elif now.pairs:
            await self.clear(now.pairs[-1][:1])  # the venue takes the other one with it

    def _is_there(self, now: _Exits) -> bool:
        """Whether the targets can reckon with what is under no order: the balance has it, or may be late by a moment.

        Else the stop is seen to first. What it could not take on after that moment is left out for another one, in
        which the stop and the targets share what there is: a stop given up for more would only be placed anew.
        """
        bare = self._stop(now.free)
        if not now.free or not_owned(bare, self.instrument, self._state, self.now_ns - PATIENCE_NS) is None:
            return True
        there = possible_now(bare, self.instrument, self._state)
        if not self._growing(now):
            return not self._waited_long() or self._is_order(there)
        if self._waited_long():
            self._gone = self.to_leave() - now.to_leave + now.free - there
            self._gone_until_ns = self.now_ns + AGAIN_NS
            self.wake_at(self.now_ns)
        return False

    async def _naked(self, targets: list[Order]) -> bool:
        """Targets whose stop is gone, because they are being filled."""
        since = max(order.updated_ns for order in self.children("stop", "target"))
        if self.now_ns - since < NAKED_NS:
            self.say(f"unprotected for a moment: {figure(_rest(targets))} is leaving at its target")
            self.wake_at(since + NAKED_NS)
        else:
            await self.clear(targets)
        return False

    async def _stand_in(self, unknown: list[Order], *, alone: bool) -> None:
        """A stop for coins of which nobody knows whether an order holds them.

        `Amendments` settles which one of the two it is when the venue has spoken.
        """
        names = {order.client_order_id for order in unknown}
        others = [order for order in self.children("stop") if order.intent.replaces in names]
        if any(order.status in THERE for order in others):
            self.say("under a stop while the venue is asked what became of an order")
            return
        since = min(order.updated_ns for order in unknown)
        self.unprotected("The venue is asked what became of an order.", self.now_ns - since)
        due = since + STAND_IN_NS
        self.wake_at(due if self.now_ns < due else self.now_ns + AGAIN_NS)
        first = unknown[0]
        one = len(unknown) == 1 or all(order.intent.list_id == first.intent.list_id for order in unknown)
        if others or not alone or not one or self.now_ns < due:
            return
        rest = first.remaining
        if not fits_only_one(first, self.instrument, self._state) or not self._is_order(rest):
            return
        intent = msgspec.structs.replace(self._protection(rest), replaces=first.client_order_id)
        if await self.send(intent, room=rest, protects=True):
            self._tools.amendments.settle(first, self._state.orders[intent.client_order_id])

    async def _take(self, now: _Exits) -> bool:
        """A target that is held here and that the touch has reached."""
        touch = self.touch()
        if touch is None:
            return False
        for target, need in self._needs(now):
            reached = touch[0] >= target.price if self.exit_side is Side.SELL else touch[1] <= target.price
            due = self._taken_ns.get(target.price, 0) + AGAIN_NS
            if not reached or not is_order(self.instrument, need, target.price):
                continue
            if self.now_ns < due:
                self.wake_at(due)
                continue
            if now.free < need:
                if not self._growing(now):
                    continue  # it is in a pair: the venue does it
                if self._must_wait():
                    continue
                await self._shrink(now, need - now.free)
                return True
            intent = self._exit("target", OrderType.LIMIT, need, price=target.price, tif=TimeInForce.IOC)
            if await self.send(self._free_part(intent), room=now.free, protects=True) or self._waited_long():
                self._taken_ns[target.price] = self.now_ns
            return True
        return False

    async def _pair(self, now: _Exits) -> bool:
        """Targets of what has all come in go to the venue, each with a stop of its own."""
        if Capability.OCO not in self._tools.capabilities or not self.all_there:
            return False
        if self.now_ns < self._no_pairs_until_ns:
            return False
        touch = self.touch()
        for target, need in self._needs(now):
            if not self._is_order(need) or not is_order(self.instrument, need, target.price):
                continue
            if self._was_refused(target) or (touch is not None and not self._between(touch, target)):
                continue
            limit = self._exit("target", OrderType.LIMIT, need, price=target.price)
            if filters(limit, self.instrument, self._state, reducing=True):
                continue  # so far from the price it may not rest
            if now.free < need:
                if not self._growing(now) or self._must_wait():
                    continue  # held here meanwhile; what is under no order comes first
                if touch is None or self._near_the_stop(touch):
                    continue
                self.say(f"unprotected for a moment: {figure(need)} goes from the stop to its target")
                await self._shrink(now, need - now.free)
                return True
            list_id = f"{self.algo.algo_id}-L{len(self.algo.children) + 1}"
            limit = self._free_part(msgspec.structs.replace(limit, list_id=list_id))
            pair = (limit, self._stop(limit.quantity, ahead=1, list_id=list_id))
            if not await self.send(*pair, room=now.free, protects=True) and self._waited_long():
                self._no_pairs_until_ns = self.now_ns + NO_PAIRS_NS
            return True
        return False

    async def _protect(self, now: _Exits) -> None:
        """What is under no order goes under the stop, or leaves where the price is past it already."""
        if self._must_wait():
            refused = self._refused_in_a_row()
            self.unprotected(refused[0].reason, self.now_ns - refused[-1].updated_ns)
            return
        past = self._past(self.touch())
        plain = [order for order in now.stops if not order.filled_quantity]
        if plain and not past:
            if self.now_ns < self._short_until_ns:
                self.wake_at(self._short_until_ns)
                return
            more = self._free_part(self._stop(now.free))
            await self._resize(plain[0], plain[0].remaining + more.quantity)
        elif not past or self._is_order(now.free):
            await self.send(self._free_part(self._protection(now.free)), room=now.free, protects=True)

    async def _resize(self, stop: Order, rest: Decimal) -> None:
        if not self._must_wait():
            await self.amend(stop, quantity=stop.filled_quantity + rest)

    # ------------------------------------------------------------------------

    def _needs(self, now: _Exits) -> list[tuple[Target, Decimal]]:
        """What each target has yet to get, the parts below the venue's least given to the one before."""
        if not self.targets:
            return []
        shares = split(self.instrument, self.owned(), [target.quantity for target in self.targets])
        left = now.to_leave - _rest(pair[0] for pair in now.pairs)
        needs: list[tuple[Target, Decimal]] = []
        for target, share in zip(self.targets, shares, strict=True):
            done = sum((o.filled_quantity for o in self.children("target") if o.intent.price == target.price), ZERO)
            need = min(share - done - now.at(target.price), left)
            if need <= 0:
                continue
            left -= need
            if needs and not self._is_order(need):
                needs[-1] = (needs[-1][0], needs[-1][1] + need)
            else:
                needs.append((target, need))
        return needs

    def _waited_long(self) -> bool:
        """Better under the stop again than bare any longer; for a moment it is only that the balance is late."""
        return self.held_since_ns is not None and self.now_ns - self.held_since_ns >= AGAIN_NS

    def _growing(self, now: _Exits) -> bool:
        """There is a plain stop that can take on even a little."""
        return any(not stop.filled_quantity for stop in now.stops)

    def _free_part(self, intent: OrderIntent) -> OrderIntent:
        """What of it can leave; all of it where nothing can, so that it is said why.

        A balance may be a moment late, so what rests is sent whole for as long. What would fill at once is not: where
        the price is past the stop no moment is lost.
        """
        if intent.type is not OrderType.MARKET and not self._waited_long():
            return intent
        part = possible_now(intent, self.instrument, self._state)
        if part == intent.quantity or not self._is_order(part):
            return intent
        self._short_until_ns = self.now_ns + AGAIN_NS
        return msgspec.structs.replace(intent, quantity=part)

    def _is_order(self, quantity: Decimal) -> bool:
        """At the price that the stop would get by now."""
        price = self.spec.stop_limit or self.trigger
        touch = self.touch() if self.spec.stop_limit is None else None
        if touch is not None and self._past(touch):
            price = touch[0] if self.exit_side is Side.SELL else touch[1]
        return is_order(self.instrument, quantity, price)

    def _past(self, touch: tuple[Decimal, Decimal] | None) -> bool:
        if touch is None:
            return False
        return touch[0] <= self.trigger if self.exit_side is Side.SELL else touch[1] >= self.trigger

    def _near_the_stop(self, touch: tuple[Decimal, Decimal]) -> bool:
        price = touch[0] if self.exit_side is Side.SELL else touch[1]
        return abs(price - self.trigger) < self.trigger * NEAR

    def _between(self, touch: tuple[Decimal, Decimal], target: Target) -> bool:
        """A pair on both sides of the price; the venue takes no other."""
        if self.exit_side is Side.SELL:
            return self.trigger < touch[0] and touch[1] < target.price
        return target.price < touch[0] and touch[1] < self.trigger

    def _was_refused(self, target: Target) -> bool:
        """A pair is tried again a moment later, some times: it may have been refused for what is over by then."""
        refused = [
            order
            for order in self.children("target")
            if order.status is OrderStatus.REJECTED and order.intent.list_id and order.intent.price == target.price
        ]
        if not refused:
            return False
        again_ns = refused[-1].updated_ns + PAIR_AGAIN_NS
        if len(refused) < MOST_PAIRS_REFUSED and self.now_ns < again_ns:
            self.wake_at(again_ns)
        return len(refused) >= MOST_PAIRS_REFUSED or self.now_ns < again_ns

    def _must_wait(self) -> bool:
        """The venue refused a stop, or another size of one, a moment ago: it is asked again after growing pauses."""
        refused = self._refused_in_a_row()
        if not refused:
            return False
        pause_ns: int = min((AGAIN_NS // 4) << min(len(refused), 10), SLOWEST_AGAIN_NS)
        again_ns = refused[0].updated_ns + pause_ns
        if self.now_ns < again_ns:
            self.wake_at(again_ns)
        return self.now_ns < again_ns

    def _refused_in_a_row(self) -> list[Order]:
        """The stops that the venue refused since the last one it took, the newest first."""
        refused = []
        for order in reversed(list(self.children("stop"))):
            if order.status is not OrderStatus.REJECTED:
                break
            refused.append(order)
        return refused

    def _stop(self, quantity: Decimal, *, ahead: int = 0, list_id: str | None = None) -> OrderIntent:
        limit = self.spec.stop_limit
        type_ = OrderType.STOP if limit is None else OrderType.STOP_LIMIT
        return self._exit("stop", type_, quantity, price=limit, trigger=self.trigger, ahead=ahead, list_id=list_id)

    def _protection(self, quantity: Decimal) -> OrderIntent:
        """A stop, or what it would be by now where the price is past it."""
        touch = self.touch()
        if not self._past(touch):
            return self._stop(quantity)
        limit = self.spec.stop_limit
        return self._exit("stop", OrderType.MARKET if limit is None else OrderType.LIMIT, quantity, price=limit)

    def _exit(
        self,
        role: str,
        type_: OrderType,
        quantity: Decimal,
        *,
        price: Decimal | None = None,
        trigger: Decimal | None = None,
        tif: TimeInForce = TimeInForce.GTC,
        ahead: int = 0,
        list_id: str | None = None,
    ) -> OrderIntent:
        return self.intent(
            role,
            type_,
            quantity,
            side=self.exit_side,
            price=price,
            trigger=trigger,
            tif=tif,
            ahead=ahead,
            list_id=list_id,
            reduce_only=self.instrument.kind is not InstrumentKind.SPOT,
        )


def refusal_of_exits(
    instrument: Instrument,
    exit_side: Side,
    quantity: Decimal,
    stop_trigger: Decimal,
    stop_limit: Decimal | None,
    targets: Sequence[Target],
    around: Decimal | None,
) -> str | None:
    """`around`: the price that stop and targets are on either side of, where one is known."""
    refusal = off_the_grid(instrument, quantity, stop_trigger, stop_limit)
    if refusal is not None:
        return refusal
    sell = exit_side is Side.SELL
    worst, better = ("below", "above") if sell else ("above", "below")
    if stop_limit is not None and (stop_limit > stop_trigger if sell else stop_limit < stop_trigger):
        limit, trigger = figure(stop_limit), figure(stop_trigger)
        return f"The stop's limit {limit} must be {worst} its trigger {trigger}, or it could not fill."
    if around is not None and (stop_trigger >= around if sell else stop_trigger <= around):
        return f"The stop at {figure(stop_trigger)} must be {worst} the price of {figure(around)}."
    price = stop_limit or stop_trigger
    refusal = too_small(instrument, quantity, price, "The stop") or too_large(instrument, quantity, price, "The stop")
    if refusal is not None or not targets:
        return refusal
    if sum((target.quantity for target in targets), ZERO) != quantity:
        return f"The targets' quantities do not add up to {figure(quantity)}."
    if len({target.price for target in targets}) != len(targets):
        return "Two targets have the same price: make them one."
    for target in targets:
        refusal = (
            off_the_grid(instrument, target.quantity, target.price)
            or too_small(instrument, target.quantity, target.price, f"The target at {figure(target.price)}")
            or too_large(instrument, target.quantity, target.price, f"The target at {figure(target.price)}")
            or too_small(instrument, target.quantity, price, "The stop of a target")
        )
        if refusal is not None:
            return refusal
        beyond = around if around is not None else stop_trigger
        if target.price <= beyond if sell else target.price >= beyond:
            return f"The target at {figure(target.price)} must be {better} the price of {figure(beyond)}."
    return None


def _rest(orders: Iterable[Order]) -> Decimal:
    return sum((order.remaining for order in orders), ZERO)
