"""What a trader wants to read in the log afterwards: links, comparisons with the venue, each order's course."""

from __future__ import annotations

import logging

from octopus_desktop.model.events import (
    Cause,
    EntryLocked,
    EntryUnlocked,
    Event,
    KillProgressed,
    LedgerChecked,
    LinkChanged,
    LinkStatus,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderSubmitted,
    OrderUnknown,
    Reconciled,
    TradingLevelChanged,
)
from octopus_desktop.model.identifiers import ClientOrderId, symbol_of
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.state import State

logger = logging.getLogger(__name__)


class Diary:
    """A subscriber of the bus. It reads the state as it is after the event."""

    def __init__(self, state: State) -> None:
        self._state = state

    def write(self, event: Event) -> None:
        found = " (found by comparing)" if isinstance(event, OrderEvent) and event.cause is Cause.RECONCILED else ""
        match event:
            case OrderSubmitted():
                self._order(event.client_order_id, f"sent{found}")
            case OrderAccepted():
                self._order(event.client_order_id, f"accepted as {event.venue_order_id}{found}")
            case OrderFilled():
                quantity, price = event.fill.quantity.normalize(), event.fill.price.normalize()
                self._order(event.client_order_id, f"filled {quantity:f} at {price:f}{found}")
            case OrderCanceled():
                self._order(event.client_order_id, f"canceled {event.reason}".rstrip() + found)
            case OrderExpired():
                self._order(event.client_order_id, f"expired {event.reason}".rstrip() + found)
            case OrderRejected() | OrderDenied() | OrderCancelRejected():
                word = {OrderRejected: "rejected", OrderDenied: "denied"}.get(type(event), "not canceled")
                self._order(event.client_order_id, f"{word}: {event.reason}", logging.WARNING)
            case OrderUnknown():
                self._order(event.client_order_id, f"unknown, asking the venue: {event.reason}", logging.WARNING)
            case LinkChanged() if event.status is not LinkStatus.CONNECTING:
                level = logging.INFO if event.status is LinkStatus.UP else logging.WARNING
                text = f"{event.venue} {event.link.value} {event.status.value} {event.reason}"
                logger.log(level, "%s", text.rstrip())
            case Reconciled():
                text = "compared with %s: %d open orders, %d differences mended"
                logger.info(text, event.venue, event.open_orders, event.differences)
            case EntryLocked():
                logger.info("order entry locked: %s", event.reason)
            case EntryUnlocked():
                logger.info("order entry open")
            case TradingLevelChanged():
                calm = event.level is TradingLevel.ACTIVE
                logger.log(logging.INFO if calm else logging.WARNING, "level %s: %s", event.level.value, event.reason)
            case KillProgressed():
                word = "done" if event.done else "at work"
                logger.warning("kill switch: %s %s: %s", event.step.value, word, event.text)
            case LedgerChecked() if not event.differences:
                logger.info("the balances at %s are what our fills add up to", event.venue)
            case _:
                pass  # the market, balances and lines of the log itself: the screen shows them

    def _order(self, name: ClientOrderId, what: str, level: int = logging.INFO) -> None:
        order = self._state.orders.get(name)
        if order is None:
            logger.log(level, "order %s %s", name, what)
            return
        intent = order.intent
        amount = f"{intent.quantity:f}" if intent.quote_quantity is None else f"for {intent.quote_quantity:f}"
        logger.log(level, "%s %s %s %s (%s)", intent.side.value, amount, symbol_of(intent.instrument_id), what, name)
