"""From what a venue says of an order to the events that bring our state to it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from octopus_desktop.model.events import (
    AnyOrderEvent,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderInitiated,
    OrderRejected,
    OrderSubmitted,
)
from octopus_desktop.model.orders import LIFECYCLE, ZERO, Fill, Order, OrderStatus, Step
from octopus_desktop.model.reports import OrderReport


class Progress(NamedTuple):
    """`missing`: base quantity the venue has filled and nobody has told us the trades of. Ask for them, then report
    again: until then an end (canceled, expired) is held back, so that nothing ends before its fills.

    It is the whole quantity where every trade is known and only that nothing is left is news: an order in quote
    currency shows it by none of its own numbers, so its last trade is told once more, as the one that completed it.
    """

    events: list[AnyOrderEvent]
    missing: Decimal


def progress(order: Order | None, report: OrderReport, now_ns: int, extra: Sequence[Fill] = ()) -> Progress:
    """What `report` adds to `order` (None: never heard of it, so it is adopted). An old report adds nothing."""
    name = report.client_order_id
    events: list[AnyOrderEvent] = []
    if order is None:
        events.append(OrderInitiated(name, now_ns, report.intent, adopted=True))
        status, known, filled, trade_ids = OrderStatus.INITIATED, False, ZERO, set()
    else:
        status, known = order.status, order.venue_order_id is not None
        filled, trade_ids = order.filled_quantity, order.trade_ids
    if status is OrderStatus.INITIATED:
        events.append(OrderSubmitted(name, now_ns))
        status = OrderStatus.SUBMITTED
    if report.status is OrderStatus.REJECTED:
        if not status.is_terminal:
            events.append(OrderRejected(name, now_ns, report.reason))
        return Progress(events, ZERO)
    if not known or status is OrderStatus.UNKNOWN:
        events.append(OrderAccepted(name, now_ns, report.venue_order_id))
        status = LIFECYCLE[status].get(Step.ACCEPT, status)
    seen = set(trade_ids)
    told: Fill | None = None
    complete = False
    for told in (*report.fills, *extra):
        if told.trade_id not in seen:
            seen.add(told.trade_id)
            filled += told.quantity
            complete = report.status is OrderStatus.FILLED and filled >= report.filled_quantity
            events.append(OrderFilled(name, now_ns, told, complete))
    missing = report.filled_quantity - filled
    if missing > 0:
        return Progress(events, missing)
    if not status.is_terminal:
        if report.status is OrderStatus.FILLED and not complete:
            if told is None:
                return Progress(events, report.filled_quantity)
            events.append(OrderFilled(name, now_ns, told, True))
        elif report.status is OrderStatus.CANCELED:
            events.append(OrderCanceled(name, now_ns, report.reason))
        elif report.status is OrderStatus.EXPIRED:
            events.append(OrderExpired(name, now_ns, report.reason))
    return Progress(events, ZERO)
