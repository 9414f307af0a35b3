"""Changing a working order: one order takes another's place, and both are known in the end.

The replacement's intent names the order whose place it takes, and is in the journal before the first byte leaves. One
request where the venue has it and nothing of the order is filled (a venue that cancels and places does not count what
fills between, so the request asks for an order without fills); else cancel, verify, place. Whatever comes of it, the
venue is asked for both until it has told of both. Two that work are made one, and none that works is told. Who cancels
the old one by hand meanwhile wants neither.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Any, Final

import msgspec

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.health.tasks import tell_failure
from octopus_desktop.model.commands import AmendOrder, CancelOrder, Done, Outcome, Refused
from octopus_desktop.model.errors import AmendHalfDone
from octopus_desktop.model.events import NoticeRaised, Severity
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import ClientOrderId, symbol_of
from octopus_desktop.model.orders import Order, OrderIntent, OrderStatus
from octopus_desktop.ports import Capability, Clock, ExecutionClient

logger = logging.getLogger(__name__)

FIRST_ASK_S: Final = 0.25
SLOWEST_ASK_S: Final = 15.0
LOOK_AGAIN_S: Final = 0.02
_CERTAIN: Final = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
_NOT_THERE: Final = (OrderStatus.REJECTED, OrderStatus.DENIED)


class Amendments:
    """On the node's loop. `restart` takes up what a crash left in the middle."""

    def __init__(self, bus: Bus, orders: OrderDesk, client: ExecutionClient, clock: Clock) -> None:
        self._bus = bus
        self._state = bus.state
        self._orders = orders
        self._client = client
        self._clock = clock
        self._under_way: dict[ClientOrderId, ClientOrderId] = {}
        """The replacement of each order that is being replaced."""
        self._changing: set[ClientOrderId] = set()
        """Of those, what `amend` began: not what a stop stands in for."""
        self._called_off: set[ClientOrderId] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_settled: Callable[[Order], None] = lambda _: None
        """Told of each replacement when both orders are known."""
        self._left = [
            (old, new)
            for new in self._state.working.values()
            if (old := self._state.orders.get(new.intent.replaces or ClientOrderId(""))) is not None
            and not (old.status.is_terminal and new.status in _CERTAIN)
        ]

    def is_under_way(self, order: Order) -> bool:
        """It is being replaced, or takes another's place just now."""
        name = order.client_order_id
        return name in self._under_way or name in self._under_way.values()

    async def amend(self, command: AmendOrder) -> Outcome:
        """Done says that the replacement is in the journal and on its way; the outcome is in the events."""
        if command.replacement in self._state.orders:
            return Done(0)
        old = self._state.orders.get(command.client_order_id)
        if old is None:
            return Refused(f"There is no order {command.client_order_id}.")
        refusal = self._refusal(old, command)
        if refusal is not None:
            return Refused(refusal)
        intent = _replacement(old, command)
        self._under_way[old.client_order_id] = intent.client_order_id
        self._changing.add(old.client_order_id)
        filled = old.filled_quantity
        try:
            outcome = await self._orders.place([intent], lambda: partial(self._carry_out, old, intent, filled))
        except BaseException:
            self._over(old)
            raise
        if isinstance(outcome, Refused):
            self._over(old)
        return outcome

    def call_off(self, names: Iterable[ClientOrderId]) -> None:
        """The trader cancels these: what is to take the place of one goes too, wherever it is by now."""
        meant = set(names)
        for old in self._changing:
            new = self._under_way[old]
            if old in meant or new in meant:
                self._called_off.add(old)
                self._orders.cancel_now(new)

    def called_off(self, command: CancelOrder) -> Refused | None:
        """After `call_off`: what became of the change, where the order itself had ended. None where that is all."""
        name = command.client_order_id
        if name not in self._called_off:
            return None
        old, new = self._state.orders[name], self._state.orders[self._under_way[name]]
        if not (old.status.is_terminal and new.cancel_requested):
            return None
        fate = "is being canceled" if self._orders.has_left(new.client_order_id) else "is not sent"
        return Refused(f"The order is {old.status.value} already. Its change is called off: the new order {fate}.")

    def settle(self, old: Order, new: Order) -> None:
        """`new` was sent because nobody knows whether `old` is there: once both are known one of them is left."""
        self._under_way[old.client_order_id] = new.client_order_id
        self._spawn(self._settle(old, new, canceled=False), f"settle {new.client_order_id}")

    def opinion(self, command: AmendOrder) -> str | None:
        """What `amend` would refuse now; asking leaves no trace."""
        old = self._state.orders[command.client_order_id]
        return self._refusal(old, command) or self._orders.opinion(_replacement(old, command)).denial

    def replacement(self, command: AmendOrder) -> OrderIntent | None:
        """The order it asks for; None where there is none to change."""
        old = self._state.orders.get(command.client_order_id)
        return _replacement(old, command) if old is not None else None

    def restart(self) -> None:
        """After the comparison with the venue: what a crash left in the middle."""
        left, self._left = self._left, []
        for old, new in left:
            self.settle(old, new)

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ------------------------------------------------------------------------

    def _refusal(self, old: Order, command: AmendOrder) -> str | None:
        if old.status.is_terminal:
            return f"The order is {old.status.value} already."
        if old.status not in _CERTAIN:
            return "The venue has not confirmed the order yet: it can be changed once it has."
        if old.cancel_requested:
            return "The order is being canceled."
        if self.is_under_way(old):
            return "The order is being changed already."
        if old.intent.list_id is not None:
            return "The order is one of a pair: cancel the pair and place it anew."
        if command.price is not None and not old.intent.type.has_limit:
            return f"A {old.intent.type.value} order has no limit price."
        if command.trigger_price is not None and not old.intent.type.has_trigger:
            return f"A {old.intent.type.value} order has no trigger price."
        if _replacement(old, command).quantity <= 0:
            return f"{figure(old.filled_quantity)} is filled already: cancel the order instead."
        return None

    async def _carry_out(self, old: Order, intent: OrderIntent, filled: Decimal) -> None:
        """Runs when the journal has the replacement. What was filled since then would be bought twice."""
        new = self._state.orders[intent.client_order_id]
        canceled = False
        if new.cancel_requested:
            self._orders.may_leave([new.client_order_id])
        elif old.status.is_terminal or old.cancel_requested or old.filled_quantity != filled:
            self._orders.refused(new.client_order_id, "Not sent: the order it was to replace had changed.")
        elif Capability.AMEND in self._client.capabilities and not filled:
            canceled = await self._in_one_request(old, intent)
        else:
            await self._in_two(old, new)
        await self._settle(old, new, canceled=canceled)

    async def _in_one_request(self, old: Order, intent: OrderIntent) -> bool:
        """True where the venue said that the old order is canceled."""
        instrument = self._state.instruments[intent.instrument_id]
        if not self._orders.may_leave([intent.client_order_id]):
            return False
        try:
            canceled, placed = await self._client.amend(old, intent, instrument)
        except AmendHalfDone as error:
            self._orders.report(error.canceled)
            self._orders.failed([intent.client_order_id], error)
            return True
        except Exception as error:  # noqa: BLE001  # `failed` logs it: whatever broke, the bytes may have left
            self._orders.failed([intent.client_order_id], error)
            return False
        self._orders.report(canceled)
        self._orders.report(placed)
        return True

    async def _in_two(self, old: Order, new: Order) -> None:
        name = new.client_order_id
        filled = old.filled_quantity
        await self._orders.cancel(CancelOrder(old.client_order_id))
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)  # an end is held back until its fills are known
            if old.status.is_terminal or not old.cancel_requested or new.cancel_requested:
                break
        if not self._orders.may_leave([name]):
            return
        if not old.status.is_terminal:
            self._orders.refused(name, f"Not sent: the old order could not be canceled. {old.reason}")
        elif old.filled_quantity != filled:
            self._orders.refused(name, "Not sent: the old order was filled while it was canceled.")
        elif refusal := self._orders.barred(new.intent):  # the cancel took its time: trading may be halted by now
            self._orders.refused(name, f"Not sent: {refusal}")
        else:
            await self._orders.send(new.intent)()

    async def _settle(self, old: Order, new: Order, *, canceled: bool) -> None:
        """Until the venue has told of both. One of the two works then; anything else is mended or told."""
        while not (new.status.is_terminal or new.status in _CERTAIN):
            self._orders.inquiry.resolve(new)
            await asyncio.sleep(LOOK_AGAIN_S)  # it asks by a pace of its own, and its answer is waited for by others
        # Only now: while the request was under way the answer would have been of before it.
        wait = FIRST_ASK_S
        told = False
        while not old.status.is_terminal and (canceled or not told):
            told = await self._orders.inquiry.ask(old)
            if not told or (canceled and not old.status.is_terminal):
                await asyncio.sleep(wait)
                wait = min(wait * 2, SLOWEST_ASK_S)
        self._judge(old, new)
        self._over(old)
        self.on_settled(new)

    def _over(self, old: Order) -> None:
        name = old.client_order_id
        self._under_way.pop(name, None)
        self._changing.discard(name)
        self._called_off.discard(name)

    def _judge(self, old: Order, new: Order) -> None:
        symbol = symbol_of(old.intent.instrument_id)
        if old.client_order_id in self._called_off:
            if new.status in _CERTAIN:  # its cancel came to the venue before it did
                self._spawn(self._cancel(new), f"cancel {new.client_order_id}")
        elif old.status in _NOT_THERE:
            return  # nothing was there before: whoever sent it goes on from there
        elif old.status.is_terminal and new.status in _NOT_THERE and old.remaining > 0:
            self._tell(
                f"The order in {symbol} is gone and the new one is not there",
                f"{figure(old.remaining)} is in the market no more. {new.reason} Place it again if you still want it.",
            )
        elif old.status in _CERTAIN and new.status in _CERTAIN:
            self._tell(
                f"Two orders in {symbol} work in place of one", "The older one stays; the newer one is being canceled."
            )
            self._spawn(self._cancel(new), f"cancel {new.client_order_id}")

    async def _cancel(self, order: Order) -> None:
        wait = FIRST_ASK_S
        while not order.status.is_terminal:
            await self._orders.cancel(CancelOrder(order.client_order_id))
            await asyncio.sleep(wait)
            wait = min(wait * 2, SLOWEST_ASK_S)

    def _tell(self, title: str, text: str) -> None:
        logger.warning("%s: %s", title, text)
        self._bus.publish(NoticeRaised(Severity.WARNING, title, text, self._clock.now_ns()))

    def _spawn(self, work: Any, name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        tell_failure(task)


def _replacement(old: Order, command: AmendOrder) -> OrderIntent:
    intent = old.intent
    whole = command.quantity if command.quantity is not None else intent.quantity
    return msgspec.structs.replace(
        intent,
        client_order_id=command.replacement,
        quantity=whole - old.filled_quantity,
        price=command.price if command.price is not None else intent.price,
        trigger_price=command.trigger_price if command.trigger_price is not None else intent.trigger_price,
        token=None,
        replaces=old.client_order_id,
    )
