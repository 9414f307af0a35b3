"""The order desk: an intent in, the journal, the wire, and the venue's word back into events."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.entry import EntryLock, Lock
from octopus_desktop.engine.inquiry import Inquiry
from octopus_desktop.engine.lifecycle import progress
from octopus_desktop.engine.risk import Risk
from octopus_desktop.engine.staleness import depends_on_price, staleness
from octopus_desktop.health.tasks import tell_failure
from octopus_desktop.model.commands import (
    CancelAllOrders,
    CancelOrder,
    Done,
    NeedsAcknowledgement,
    Outcome,
    Refused,
    SubmitOrder,
)
from octopus_desktop.model.errors import RequestRefused, StorageError, VenueError
from octopus_desktop.model.events import (
    AnyOrderEvent,
    Cause,
    NoticeRaised,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderDenied,
    OrderInitiated,
    OrderRejected,
    OrderSubmitted,
    OrderUnknown,
    Severity,
)
from octopus_desktop.model.identifiers import ClientOrderId, IntentToken, VenueOrderId
from octopus_desktop.model.orders import Fill, Order, OrderIntent, OrderStatus
from octopus_desktop.model.queries import Verdict
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.ports import Clock, ExecutionClient, Journal

logger = logging.getLogger(__name__)

KEPT_TOKENS: Final = 1000
FIRST_WRITE_S: Final = 0.5
SLOWEST_WRITE_S: Final = 15.0
NEVER_SENT: Final = "Never sent: you canceled it before it left."


Sending = Callable[[], Coroutine[Any, Any, None]]
"""Of orders that leave, or have just left: waits until their request has failed or was answered."""


class OrderDesk:
    """On the node's loop. It owns every way an order's state may change.

    An order is in the journal before its first byte leaves. An unclear outcome is UNKNOWN until the venue has
    spoken; a create is never sent twice.
    """

    def __init__(
        self, bus: Bus, journal: Journal, client: ExecutionClient, lock: EntryLock, clock: Clock, risk: Risk
    ) -> None:
        self._bus = bus
        self._state = bus.state
        self._journal = journal
        self._client = client
        self._lock = lock
        self._clock = clock
        self._risk = risk
        self._tokens: OrderedDict[IntentToken, ClientOrderId] = OrderedDict()
        self._by_venue_id: dict[tuple[str, VenueOrderId], ClientOrderId] = {}
        self._canceling: set[ClientOrderId] = set()
        self._here: set[ClientOrderId] = set()
        """On their way, and their bytes have not left yet: the venue cannot cancel what it does not know."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.inquiry = Inquiry(self._state, client, clock, apply=self._apply, publish=self._publish, spawn=self._spawn)
        for order in self._state.orders.values():
            if order.venue_order_id is not None:
                self._by_venue_id[order.intent.instrument_id, order.venue_order_id] = order.client_order_id
            if order.intent.token is not None:
                self._remember(order.intent.token, order.client_order_id)

    # Commands ---------------------------------------------------------------

    async def submit(self, command: SubmitOrder, *, flattening: bool = False) -> Outcome:
        """`flattening`: the kill switch sends it, which HALTED does not hold back."""
        intent = command.intent
        name = intent.client_order_id
        if intent.token is not None and intent.token in self._tokens:
            return Done(0)
        if name in self._state.orders:
            return Done(0)
        verdict = self._risk.judge(intent, flattening=flattening)
        if not command.acknowledged and verdict.denial is None and verdict.warning is not None:
            return NeedsAcknowledgement(verdict.warning)
        if intent.token is not None:
            self._remember(intent.token, name)
        return await self._place([intent], verdict.denial, lambda: self.send(intent), flattening=flattening)

    def _remember(self, token: IntentToken, name: ClientOrderId) -> None:
        self._tokens[token] = name
        while len(self._tokens) > KEPT_TOKENS:
            self._tokens.popitem(last=False)

    async def submit_list(self, intents: Sequence[OrderIntent]) -> Outcome:
        """Orders with one `list_id`, the execution of one cancels the others: all are placed, or none."""
        if any(intent.client_order_id in self._state.orders for intent in intents):
            return Done(0)
        return await self.place(intents, lambda: partial(self._send_list, intents))

    async def place(
        self,
        intents: Sequence[OrderIntent],
        send: Callable[[], Sending],
    ) -> Outcome:
        """The orders of one request: judged, written, then `send`. Where one is denied none of them leaves."""
        verdicts = (self._risk.judge(intent) for intent in intents)
        denial = next(filter(None, (verdict.denial for verdict in verdicts)), None)
        return await self._place(intents, denial, send)

    async def _place(
        self,
        intents: Sequence[OrderIntent],
        denial: str | None,
        send: Callable[[], Sending],
        *,
        flattening: bool = False,
    ) -> Outcome:
        """Judged just now, with nothing awaited since."""
        now = self._clock.now_ns()
        initiated = [OrderInitiated(intent.client_order_id, now, intent) for intent in intents]
        if denial is not None:
            for event in initiated:
                self._publish(event)
                self._publish(OrderDenied(event.client_order_id, now, denial))
            return Refused(denial)
        submitted = [OrderSubmitted(intent.client_order_id, now) for intent in intents]
        names = [intent.client_order_id for intent in intents]
        self.inquiry.leaving(names)
        self._here.update(names)
        try:
            refusal = await self._write(intents, initiated, submitted, flattening=flattening)
        except BaseException:
            self._stays(names)
            raise
        if refusal is not None:
            self._stays(names)
            return refusal
        # What leaves at once does so here; the rest of the engine hears of it while the venue works.
        self._spawn(self._leave(names, send()), f"send {names[0]}")
        for sent in submitted:
            self._bus.publish(sent)
        return Done(len(intents))

    async def _write(
        self,
        intents: Sequence[OrderIntent],
        initiated: Sequence[OrderInitiated],
        submitted: Sequence[OrderSubmitted],
        *,
        flattening: bool,
    ) -> Refused | None:
        """Into the journal; None where they may leave."""
        # Published first: the order is on the screen while the disk works, and counts against the free balance.
        for event in initiated:
            self._risk.note(event.intent, event.ts_ns)
            self._bus.publish(event)
        try:
            await self._journal.commit([*initiated, *submitted])
        except StorageError as error:
            return self._unwritten(initiated, error)
        names = [intent.client_order_id for intent in intents]
        if self._is_canceled(names):
            for sent in submitted:
                self._bus.publish(sent)
            self._hold_back(names)
            return Refused(NEVER_SENT)
        too_late = self._too_late(intents) if not flattening else None
        if too_late is not None:
            for sent in submitted:
                self._bus.publish(sent)
                self.refused(sent.client_order_id, f"Never sent: {too_late} before it left.")
            return Refused(f"{too_late[0].upper()}{too_late[1:]} before the order left.")
        return None

    def _too_late(self, intents: Sequence[OrderIntent]) -> str | None:
        """What happened while the disk worked, and nothing of them has left."""
        if self._state.level.level is TradingLevel.HALTED:
            return "trading was halted"
        for intent in intents:
            if depends_on_price(intent) and not self._risk.exposure.reduces(intent):
                stale = staleness(self._state, intent.instrument_id)
                if stale is not None:
                    return f"the price went stale ({stale})"
        return None

    def may_leave(self, names: Sequence[ClientOrderId]) -> bool:
        """The last look, right before their bytes leave: where one of them was canceled meanwhile they all end here."""
        self._here.difference_update(names)
        if not self._is_canceled(names):
            return True
        self._hold_back(names)
        return False

    def _is_canceled(self, names: Iterable[ClientOrderId]) -> bool:
        """One of a pair never works alone: who cancels it cancels both."""
        return any(self._state.orders[name].cancel_requested for name in names)

    def _hold_back(self, names: Iterable[ClientOrderId]) -> None:
        """Canceled, not refused: nobody tries them again."""
        now = self._clock.now_ns()
        for name in names:
            self._publish(OrderCanceled(name, now, NEVER_SENT))

    def _stays(self, names: Sequence[ClientOrderId]) -> None:
        self._here.difference_update(names)
        self.inquiry.settled(names)

    async def _leave(self, names: Sequence[ClientOrderId], sending: Sending) -> None:
        """From their intent on until their request failed or was answered, nobody may conclude that the orders never
        arrived."""
        try:
            await sending()
        finally:
            self._here.difference_update(names)  # what broke before the last look
            self.inquiry.settled(names)
            for name in names:  # what broke behind the answer leaves it open when it left
                if self._state.orders[name].status in (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN):
                    self.inquiry.left(name)

    def _unwritten(self, initiated: Sequence[OrderInitiated], error: StorageError) -> Refused:
        """What cannot be remembered is not sent, and nothing more is until it can be."""
        now = self._clock.now_ns()
        reason = f"The journal could not be written, so the order was not sent: {error}"
        for event in initiated:
            denied = OrderDenied(event.client_order_id, now, reason)
            # Kept as soon as there is a disk again: the one that said no may have the intent all the same.
            self._journal.record(event)
            self._journal.record(denied)
            self._bus.publish(denied)
        if not self._lock.holds(Lock.STORAGE):
            self._lock.shut(Lock.STORAGE)
            text = f"No order leaves until the journal can be written again; it is tried by itself. {error}"
            self._bus.publish(NoticeRaised(Severity.ERROR, "Order entry is locked", text, now))
            self._spawn(self._until_written(), "wait for the journal")
        return Refused(reason)

    async def _until_written(self) -> None:
        wait = FIRST_WRITE_S
        while True:
            await asyncio.sleep(wait)
            try:
                await self._journal.commit([])
            except StorageError as error:
                logger.warning("the journal still cannot be written: %s", error)
                wait = min(wait * 2, SLOWEST_WRITE_S)
            else:
                break
        self._lock.open(Lock.STORAGE)
        text = "Orders can be sent again."
        self._bus.publish(NoticeRaised(Severity.INFO, "The journal is written again", text, self._clock.now_ns()))

    async def cancel(self, command: CancelOrder) -> Outcome:
        return self.cancel_now(command.client_order_id)

    def cancel_now(self, name: ClientOrderId) -> Outcome:
        """In this step: whoever is about to send the order sees the wish."""
        order = self._state.orders.get(name)
        if order is None:
            return Refused(f"There is no order {name}.")
        if order.status.is_terminal:
            return Refused(f"The order is {order.status.value} already.")
        if not order.cancel_requested:
            self._publish(OrderCancelRequested(order.client_order_id, self._clock.now_ns()))
        self._cancel_once(order)
        return Done()

    def has_left(self, name: ClientOrderId) -> bool:
        """The venue may know of it."""
        return name not in self._here

    def _cancel_once(self, order: Order) -> None:
        if order.client_order_id in self._here:
            return  # the last look before the wire sees the wish
        if order.client_order_id not in self._canceling:
            self._canceling.add(order.client_order_id)
            self._spawn(self._cancel(order), f"cancel {order.client_order_id}")

    def resume(self) -> None:
        """Cancels that were asked for and that nobody is waiting for any more: the program ended in between."""
        for order in list(self._state.working.values()):
            if order.cancel_requested and order.intent.instrument_id in self._state.instruments:
                self._cancel_once(order)

    async def cancel_all(self, command: CancelAllOrders) -> Outcome:
        count = 0
        for order in list(self._state.working.values()):
            wanted = command.instrument_id in (None, order.intent.instrument_id)
            if wanted and command.side in (None, order.intent.side):
                outcome = await self.cancel(CancelOrder(order.client_order_id))
                count += isinstance(outcome, Done)
        return Done(count)

    def opinion(self, intent: OrderIntent) -> Verdict:
        """What `submit` would say, now."""
        return self._risk.judge(intent)

    def barred(self, intent: OrderIntent) -> str | None:
        """Why an order that was judged a while ago may not leave any more."""
        return self._risk.barred(intent)

    def opinion_of_algo(self, whole: OrderIntent, largest: OrderIntent) -> str | None:
        """What the trader's limits say of an algo that would work `whole`, in orders no larger than `largest`."""
        return self._risk.judge_algo(whole, largest)

    def reduces(self, intent: OrderIntent) -> bool:
        """Whether it makes the position smaller for certain."""
        return self._risk.exposure.reduces(intent)

    # The venue's word -------------------------------------------------------

    def report(self, report: OrderReport, extra: tuple[Fill, ...] = (), cause: Cause = Cause.TOLD) -> None:
        """From the account stream, or from whoever asked; `extra` are fills of the order known from elsewhere."""
        self.inquiry.take(report, extra, cause)

    def name_of(self, fill: Fill) -> ClientOrderId | None:
        """Whose fill it is, where the venue names only its own order id."""
        if fill.client_order_id in self._state.orders:
            return fill.client_order_id
        return self._by_venue_id.get((fill.instrument_id, fill.venue_order_id))

    def _apply(self, report: OrderReport, extra: tuple[Fill, ...], cause: Cause) -> bool:
        """False where fills are still missing."""
        name = report.client_order_id
        order = self._state.orders.get(name)
        events, missing = progress(order, report, self._clock.now_ns(), extra)
        for event in events:
            self._publish(event if cause is Cause.TOLD else msgspec.structs.replace(event, cause=cause))
        if report.venue_order_id:
            self._by_venue_id[report.intent.instrument_id, report.venue_order_id] = name
        return missing <= 0

    def _publish(self, event: AnyOrderEvent) -> None:
        self._journal.record(event)
        self._bus.publish(event)

    # On the wire ------------------------------------------------------------

    def send(self, intent: OrderIntent) -> Sending:
        """Once, and only what `place` has written. Its bytes leave before this returns."""
        name = intent.client_order_id
        self._here.discard(name)
        try:
            answer = self._client.submit(intent, self._state.instruments[intent.instrument_id])
        except Exception as error:  # noqa: BLE001  # told as soon as the order is known as submitted
            return partial(self._failed_at_once, name, error)
        return partial(self._answered, name, answer)

    async def _failed_at_once(self, name: ClientOrderId, error: Exception) -> None:
        self.failed([name], error)

    async def _answered(self, name: ClientOrderId, answer: Awaitable[OrderReport]) -> None:
        try:
            report = await answer
        except Exception as error:  # noqa: BLE001  # `failed` logs it: whatever broke, the bytes may have left
            self.failed([name], error)
        else:
            self.report(report)

    async def _send_list(self, intents: Sequence[OrderIntent]) -> None:
        if not self.may_leave([intent.client_order_id for intent in intents]):
            return
        instrument = self._state.instruments[intents[0].instrument_id]
        try:
            reports = await self._client.submit_list(intents, instrument)
        except Exception as error:  # noqa: BLE001  # `failed` logs it: whatever broke, the bytes may have left
            self.failed([intent.client_order_id for intent in intents], error)
        else:
            for report in reports:
                self.report(report)

    def failed(self, names: Iterable[ClientOrderId], error: Exception) -> None:
        """What a request that raised says of the orders it was to create."""
        if isinstance(error, VenueError) and not error.outcome_unknown:
            code = error.code if isinstance(error, RequestRefused) else None
            for name in names:
                self.refused(name, str(error), code)
            return
        reason = str(error)
        if not isinstance(error, VenueError):
            # Whatever broke, the bytes may have left: only the venue knows.
            reason = f"{type(error).__name__} while sending"
            logger.error("sending order %s failed", ", ".join(names), exc_info=error)
        names = list(names)
        self.inquiry.settled(names)
        for name in names:
            self.inquiry.left(name, anew=True)
            self._lost(name, reason)

    def refused(self, name: ClientOrderId, reason: str, code: int | None = None) -> None:
        """It is not at the venue, and never will be."""
        order = self._state.orders[name]
        if order.status in (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN):
            self._publish(OrderRejected(name, self._clock.now_ns(), reason, code))

    def _lost(self, name: ClientOrderId, reason: str) -> None:
        order = self._state.orders[name]
        if order.status is OrderStatus.SUBMITTED:
            self._publish(OrderUnknown(name, self._clock.now_ns(), reason))
        self.inquiry.resolve(order)

    async def _cancel(self, order: Order) -> None:
        name = order.client_order_id
        instrument = self._state.instruments[order.intent.instrument_id]
        try:
            report = await self._client.cancel(order, instrument)
        except Exception as error:
            if not isinstance(error, VenueError):
                logger.exception("canceling order %s failed", name)
            # It may have been filled first, or the cancel may have arrived: the order itself is the answer.
            await self.inquiry.ask(order)
            if not order.status.is_terminal:
                self._publish(OrderCancelRejected(name, self._clock.now_ns(), str(error)))
                if order.status is OrderStatus.UNKNOWN:
                    self.inquiry.resolve(order)
        else:
            self.report(report)
        finally:
            self._canceling.discard(name)

    # ------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        tell_failure(task)

    async def stop(self) -> None:
        """What is on its way stays on its way: the journal knows it, the next start asks for it."""
        await asyncio.sleep(0)  # whoever waits for the answer to what just left has begun to
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
