"""Asking the venue: for an order whose outcome is in doubt, and for trades that a report counts and does not tell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from octopus_desktop.model.errors import VenueError
from octopus_desktop.model.events import AnyOrderEvent, Cause, OrderRejected, OrderUnknown
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId
from octopus_desktop.model.orders import Fill, Order, OrderStatus
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.ports import Clock, ExecutionClient
from octopus_desktop.state import State

logger = logging.getLogger(__name__)

NEVER_ARRIVED_NS: Final = 15_000_000_000
"""A request is refused by the venue once its receive window (at most 5 s here) has passed. An order that the venue
still does not know this long after it was sent cannot arrive any more."""
FIRST_ASK_S: Final = 0.25
SLOWEST_ASK_S: Final = 15.0

Apply = Callable[[OrderReport, tuple[Fill, ...], Cause], bool]
"""What the venue has said goes into the state; False where fills are still missing."""


class Inquiry:
    """On the node's loop, one for an order desk. It sends nothing that changes an order."""

    def __init__(
        self,
        state: State,
        client: ExecutionClient,
        clock: Clock,
        *,
        apply: Apply,
        publish: Callable[[AnyOrderEvent], None],
        spawn: Callable[[Coroutine[Any, Any, None], str], None],
    ) -> None:
        self._state = state
        self._client = client
        self._clock = clock
        self._apply = apply
        self._publish = publish
        self._spawn = spawn
        self._asking: set[ClientOrderId] = set()
        self._fetching: dict[ClientOrderId, tuple[OrderReport, Cause]] = {}
        self._leaving: set[ClientOrderId] = set()
        self._left_ns: dict[ClientOrderId, int] = {}
        self._born_ns = clock.monotonic_ns()

    # What may still arrive --------------------------------------------------

    def leaving(self, names: Iterable[ClientOrderId]) -> None:
        """From now on, and until they are `settled`, nobody may conclude that they never arrived."""
        self._leaving.update(names)

    def settled(self, names: Iterable[ClientOrderId]) -> None:
        """They were held back, or their request failed or was answered."""
        self._leaving.difference_update(names)

    def left(self, name: ClientOrderId, *, anew: bool = False) -> None:
        """It left and its outcome is open: its time to arrive begins, if it has not begun; `anew`: in any case."""
        if anew or name not in self._left_ns:
            self._left_ns[name] = self._clock.monotonic_ns()

    def _cannot_arrive(self, name: ClientOrderId) -> bool:
        """An order from an earlier life of this program may have left until the end of that.

        By a clock that nobody sets: a wall clock put forward meanwhile would call it lost while it can still arrive.
        """
        if name in self._leaving:
            return False
        return self._clock.monotonic_ns() - self._left_ns.get(name, self._born_ns) > NEVER_ARRIVED_NS

    # Where an order stands --------------------------------------------------

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
        """True once the venue has told where the order stands. Raises VenueError where it cannot be asked.

        `extra` are fills of the order known from elsewhere.
        """
        name = order.client_order_id
        instrument = self._state.instruments.get(order.intent.instrument_id)
        if instrument is None:
            logger.warning("order %s: its instrument is not listed, cannot ask for it", name)
            return False
        report = await self._client.order(instrument, name, order.venue_order_id)
        if report is not None:
            self.take(report, extra, cause)
            return True
        if order.status.is_terminal:
            return True
        if order.venue_order_id is not None:
            logger.error("the venue does not know order %s any more, though it once accepted it", name)
        elif self._cannot_arrive(name):
            self._publish(
                OrderRejected(name, self._clock.now_ns(), "The venue never received this order.", cause=cause)
            )
            return True
        elif order.status is OrderStatus.SUBMITTED and name not in self._leaving:
            reason = "This program ended before the venue had answered. The order may still arrive; it is asked for."
            self._publish(OrderUnknown(name, self._clock.now_ns(), reason, cause=cause))
        return False

    # Trades that are counted and not told -----------------------------------

    def take(self, report: OrderReport, extra: tuple[Fill, ...] = (), cause: Cause = Cause.TOLD) -> None:
        """Apply a report, whoever brought it; what it leaves out is fetched."""
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


def _is_older(report: OrderReport, known: OrderReport) -> bool:
    """Two reports of one order, over two sockets: fills only grow, and of two with the same fills the end is later."""
    if report.filled_quantity != known.filled_quantity:
        return report.filled_quantity < known.filled_quantity
    return known.status.is_terminal and not report.status.is_terminal
