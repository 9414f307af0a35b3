"""The order desk: an intent in, the journal, the wire, and the venue's word back into events."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, Final

import msgspec

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.entry import EntryLock, Lock
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
    OrderCancelRejected,
    OrderCancelRequested,
    OrderDenied,
    OrderInitiated,
    OrderRejected,
    OrderSubmitted,
    OrderUnknown,
    Severity,
)
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, IntentToken, VenueOrderId
from octopus_desktop.model.orders import Fill, Order, OrderIntent, OrderStatus
from octopus_desktop.model.queries import Verdict
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.ports import Clock, ExecutionClient, Journal

logger = logging.getLogger(__name__)

KEPT_TOKENS: Final = 1000
NEVER_ARRIVED_NS: Final = 15_000_000_000
"""A request is refused by the venue once its receive window (at most 5 s here) has passed. An order that the venue
still does not know this long after it was sent cannot arrive any more."""
FIRST_ASK_S: Final = 0.25
SLOWEST_ASK_S: Final = 15.0
FIRST_WRITE_S: Final = 0.5


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
        self._asking: set[ClientOrderId] = set()
        self._canceling: set[ClientOrderId] = set()
        self._fetching: dict[ClientOrderId, tuple[OrderReport, Cause]] = {}
        self._leaving: set[ClientOrderId] = set()
        self._left_ns: dict[ClientOrderId, int] = {}
        self._born_ns = clock.monotonic_ns()
        self._tasks: set[asyncio.Task[None]] = set()
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
        return await self.place(intents, lambda: self._send_list(intents))

    async def place(
        self,
        intents: Sequence[OrderIntent],
        send: Callable[[], Coroutine[Any, Any, None]],
    ) -> Outcome:
        """The orders of one request: judged, written, then `send`. Where one is denied none of them leaves."""
        verdicts = (self._risk.judge(intent) for intent in intents)
        denial = next(filter(None, (verdict.denial for verdict in verdicts)), None)
        return await self._place(intents, denial, send)

    async def _place(
        self,
        intents: Sequence[OrderIntent],
        denial: str | None,
        send: Callable[[], Coroutine[Any, Any, None]],
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
        self._leaving.update(names)
        try:
            refusal = await self._write(intents, initiated, submitted, flattening=flattening)
        except BaseException:
            self._leaving.difference_update(names)
            raise
        if refusal is not None:
            self._leaving.difference_update(names)
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

    async def _leave(self, names: Sequence[ClientOrderId], sending: Coroutine[Any, Any, None]) -> None:
        """From their intent on until their request failed or was answered, nobody may conclude that the orders never
        arrived."""
        try:
            await sending
        finally:
            self._leaving.difference_update(names)
            for name in names:  # what broke behind the answer leaves it open when it left
                if self._state.orders[name].status in (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN):
                    self._left_ns.setdefault(name, self._clock.monotonic_ns())

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
                wait = min(wait * 2, SLOWEST_ASK_S)
            else:
                break
        self._lock.open(Lock.STORAGE)
        text = "Orders can be sent again."
        self._bus.publish(NoticeRaised(Severity.INFO, "The journal is written again", text, self._clock.now_ns()))

    async def cancel(self, command: CancelOrder) -> Outcome:
        order = self._state.orders.get(command.client_order_id)
        if order is None:
            return Refused(f"There is no order {command.client_order_id}.")
        if order.status.is_terminal:
            return Refused(f"The order is {order.status.value} already.")
        if not order.cancel_requested:
            self._publish(OrderCancelRequested(order.client_order_id, self._clock.now_ns()))
        self._cancel_once(order)
        return Done()

    def _cancel_once(self, order: Order) -> None:
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
        if self._apply(report, extra, cause):
            return
        name = report.client_order_id
        if name not in self._fetching:
            self._spawn(self._fetch_fills(name), f"fills of {name}")
        else:
            known, cause = self._fetching[name]  # what is fetched is news by whoever told first that it is missing
            if _is_older(report, known):
                return  # than the word that is being looked into
        self._fetching[name] = report, cause

    def fetching(self) -> set[InstrumentId]:
        """Where trades are known to be missing still."""
        return {report.intent.instrument_id for report, _ in self._fetching.values()}

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

    def send(self, intent: OrderIntent) -> Coroutine[Any, Any, None]:
        """Once, and only what `place` has written. Its bytes leave before this returns."""
        try:
            answer = self._client.submit(intent, self._state.instruments[intent.instrument_id])
        except Exception as error:  # noqa: BLE001  # told when the order is known as submitted
            return self._answered(intent.client_order_id, _raising(error))
        return self._answered(intent.client_order_id, answer)

    async def _answered(self, name: ClientOrderId, answer: Awaitable[OrderReport]) -> None:
        try:
            report = await answer
        except Exception as error:  # noqa: BLE001  # `failed` logs it: whatever broke, the bytes may have left
            self.failed([name], error)
        else:
            self.report(report)

    async def _send_list(self, intents: Sequence[OrderIntent]) -> None:
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
        for name in names:
            self._leaving.discard(name)
            self._left_ns[name] = self._clock.monotonic_ns()
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
        self.resolve(order)

    def resolve(self, order: Order) -> None:
        """Ask for an order by its ClientOrderId until the venue has spoken."""
        if order.client_order_id not in self._asking and not order.status.is_terminal:
            self._asking.add(order.client_order_id)
            self._spawn(self._resolve(order), f"resolve {order.client_order_id}")

    async def _resolve(self, order: Order) -> None:
        name = order.client_order_id
        wait = FIRST_ASK_S
        try:
            while order.status in (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN):
                if await self.ask(order):
                    return
                await asyncio.sleep(wait)
                wait = min(wait * 2, SLOWEST_ASK_S)
        finally:
            self._asking.discard(name)

    async def ask(self, order: Order) -> bool:
        """As `inquire`; errors are logged, not raised: whoever asks would ask no more."""
        try:
            return await self.inquire(order)
        except VenueError as error:
            logger.warning("asking for order %s: %s", order.client_order_id, error)
        except Exception:
            logger.exception("asking for order %s failed", order.client_order_id)
        return False

    async def inquire(self, order: Order, extra: tuple[Fill, ...] = (), cause: Cause = Cause.TOLD) -> bool:
        """True once the venue has told where the order stands. Raises VenueError where it cannot be asked."""
        name = order.client_order_id
        instrument = self._state.instruments.get(order.intent.instrument_id)
        if instrument is None:
            logger.warning("order %s: its instrument is not listed, cannot ask for it", name)
            return False
        report = await self._client.order(instrument, name, order.venue_order_id)
        if report is not None:
            self.report(report, extra, cause)
            return True
        if order.status.is_terminal:
            return True
        if order.venue_order_id is not None:
            logger.error("the venue does not know order %s any more, though it once accepted it", name)
        elif self._cannot_arrive(order):
            self._publish(
                OrderRejected(name, self._clock.now_ns(), "The venue never received this order.", cause=cause)
            )
            return True
        return False

    def _cannot_arrive(self, order: Order) -> bool:
        """An order from an earlier life of this program may have left until the end of that.

        By a clock that nobody sets: a wall clock put forward meanwhile would call it lost while it can still arrive.
        """
        name = order.client_order_id
        if name in self._leaving:
            return False
        return self._clock.monotonic_ns() - self._left_ns.get(name, self._born_ns) > NEVER_ARRIVED_NS

    async def _cancel(self, order: Order) -> None:
        name = order.client_order_id
        instrument = self._state.instruments[order.intent.instrument_id]
        try:
            report = await self._client.cancel(order, instrument)
        except Exception as error:
            if not isinstance(error, VenueError):
                logger.exception("canceling order %s failed", name)
            # It may have been filled first, or the cancel may have arrived: the order itself is the answer.
            await self.ask(order)
            if not order.status.is_terminal:
                self._publish(OrderCancelRejected(name, self._clock.now_ns(), str(error)))
                if order.status is OrderStatus.UNKNOWN:
                    self.resolve(order)
        else:
            self.report(report)
        finally:
            self._canceling.discard(name)

    async def _fetch_fills(self, name: ClientOrderId) -> None:
        try:
            await self._until_told(name)
        finally:
            del self._fetching[name]

    async def _until_told(self, name: ClientOrderId) -> None:
        """The trades of an order whose report counts more than it tells. Asked until they are all there."""
        wait = FIRST_ASK_S
        # The stream usually brings them itself a moment later; asking at once would be one request an order.
        await asyncio.sleep(wait)
        while True:
            report, _ = self._fetching[name]
            instrument = self._state.instruments[report.intent.instrument_id]
            try:
                fills = await self._client.fills(instrument, None, report.venue_order_id)
            except VenueError as error:
                logger.warning("asking for the fills of order %s: %s", name, error)
            except Exception:
                logger.exception("asking for the fills of order %s failed", name)
            else:
                report, cause = self._fetching[name]
                if self._apply(report, tuple(fills), cause):
                    return
            order = self._state.orders.get(name)
            if order is not None and order.filled_quantity >= report.filled_quantity and order.status.is_terminal:
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, SLOWEST_ASK_S)

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


async def _raising(error: Exception) -> OrderReport:
    raise error


def _is_older(report: OrderReport, known: OrderReport) -> bool:
    """Two reports of one order, over two sockets: fills only grow, and of two with the same fills the end is later."""
    if report.filled_quantity != known.filled_quantity:
        return report.filled_quantity < known.filled_quantity
    return known.status.is_terminal and not report.status.is_terminal
