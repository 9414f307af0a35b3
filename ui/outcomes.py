"""Tells the trader what became of orders, and what the engine wants seen, as toasts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, assert_never

import msgspec
from PySide6.QtCore import QTimer

from octopus_desktop.model.algos import Algo, AlgoStatus
from octopus_desktop.model.commands import AmendOrder, StartAlgo, SubmitOrder
from octopus_desktop.model.events import (
    AlgoEnded,
    AlgoEvent,
    AlgoPaused,
    AlgoProgressed,
    AlgoResumed,
    AlgoStarted,
    AlgoStopping,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderDenied,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderInitiated,
    OrderRejected,
    OrderSubmitted,
    OrderUnknown,
    Severity,
)
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import ClientOrderId, symbol_of
from octopus_desktop.model.orders import Order, OrderIntent, OrderStatus, OrderType
from octopus_desktop.state import State
from ui.bursts import Bursts
from ui.frame import Dirty
from ui.models.algo_words import kind_word
from ui.panes.order_columns import TYPE_WORDS, Precisions, side_word
from ui.session import Session

_KINDS = {Severity.DEBUG: "info", Severity.INFO: "info", Severity.WARNING: "warn", Severity.ERROR: "alarm"}


_MANY = {OrderAccepted: "{} orders placed", OrderCanceled: "{} orders canceled"}
_FILLS = "{} orders filled, whole or in part"
SETTLED_MS: Final = 250
"""An order that takes several orders of the book fills in several steps: they are one message."""
_SINGLY = 2
"""More good news of one kind in one frame is one message."""


class Outcomes:
    """`since_ns`: what the journal remembers of earlier is history, not news."""

    def __init__(self, session: Session, since_ns: int) -> None:
        self._session = session
        self._since_ns = since_ns
        self._bursts = Bursts(lambda text: session.tell("info", text), session)
        self._filling: set[ClientOrderId] = set()
        self._successors: dict[ClientOrderId, ClientOrderId] = {}
        """Of orders that were changed by another one in their place."""
        self._settling = QTimer(session)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLED_MS)
        self._settling.timeout.connect(self._tell_filling)

    def take(self, dirty: Dirty) -> None:
        """The events of one frame, already folded."""
        state = self._session.state
        filled: set[ClientOrderId] = set()
        told: dict[type[OrderEvent], list[OrderEvent]] = {}
        if dirty.everything:
            self._note_successors(state.working)
        self._note_successors(event.client_order_id for event in dirty.order_events if type(event) is OrderInitiated)
        for event in dirty.order_events:
            if self._shows_elsewhere(event, state):
                continue
            if event.ts_ns >= self._since_ns and event.client_order_id in state.orders:
                if isinstance(event, OrderFilled):
                    filled.add(event.client_order_id)
                else:
                    told.setdefault(type(event), []).append(event)
        for kind, events in told.items():
            many = _MANY.get(kind)
            if many is not None and len(events) > _SINGLY:
                text = many.format(len(events))
                self._bursts.take(many, lambda text=text: self._session.tell("info", text), len(events))  # type: ignore[misc]  # binds the loop's variable
            else:
                for event in events:
                    if many is not None:
                        self._bursts.take(many, lambda event=event: self._tell(event, state))  # type: ignore[misc]  # the same
                    else:
                        self._tell(event, state)
        for order_id in filled:
            if state.orders[order_id].status is OrderStatus.PARTIALLY_FILLED:
                self._filling.add(order_id)  # the rest may be in the next frame
            else:
                self._filling.discard(order_id)
                self._tell_fills(order_id)
        if self._filling and not self._settling.isActive():
            self._settling.start()
        self._tell_algos([each for each in dirty.algo_events if each.ts_ns >= self._since_ns], state)
        for notice in dirty.notices:
            self._session.tell(_KINDS[notice.severity], notice.title, notice.text, notice.about)

    def _tell_filling(self) -> None:
        filling, self._filling = self._filling, set()
        for order_id in filling:
            self._tell_fills(order_id)

    def _tell_fills(self, order_id: ClientOrderId) -> None:
        state = self._session.state
        self._bursts.take(_FILLS, lambda: self._tell_filled(state.orders[order_id], state))

    def _note_successors(self, names: Iterable[ClientOrderId]) -> None:
        orders = self._session.state.orders
        for name in names:
            old = orders[name].intent.replaces
            if old is not None:
                self._successors[old] = name

    def _shows_elsewhere(self, event: OrderEvent, state: State) -> bool:
        """An algo that starts tells of itself, not of each of its orders; of a changed order the new one tells."""
        order = state.orders.get(event.client_order_id)
        match event:
            case OrderAccepted():
                return order is not None and order.intent.parent is not None
            case OrderCanceled():
                return self._successors.get(event.client_order_id) in state.working
            case _:
                return False

    def _tell(self, event: OrderEvent, state: State) -> None:
        order = state.orders[event.client_order_id]
        words = describe(order, state)
        tell = self._session.tell
        match event:
            case OrderAccepted():
                if order.status is OrderStatus.ACCEPTED:
                    tell("info", "Order placed" if order.intent.replaces is None else "Order changed", words)
            case OrderDenied():
                tell("warn", "Not sent", f"{words}. {event.reason}")
            case OrderRejected():
                code = f" ({event.code})" if event.code is not None else ""
                old = state.orders.get(order.intent.replaces) if order.intent.replaces is not None else None
                lost = " The order it was to replace is canceled." if _is_canceled(old) else ""
                tell("error", "Refused by the venue", f"{words}. {event.reason}{code}{lost}")
            case OrderCanceled():
                tell("info", "Order canceled", words)
            case OrderExpired():
                tell("warn", "Order expired", _said(words, event.reason))
            case OrderUnknown():
                tell("warn", "Outcome unknown", f"{words}. The venue is being asked; do not send it again.")
            case OrderCancelRejected():
                tell("warn", "Not canceled", f"{words}. {event.reason}")
            case OrderInitiated() | OrderSubmitted() | OrderCancelRequested():
                pass  # the tables show it
            case _:
                raise TypeError(type(event))

    def _tell_algos(self, events: list[AlgoEvent], state: State) -> None:
        stopped = [each for each in events if isinstance(each, AlgoEnded) and each.status is AlgoStatus.STOPPED]
        if len(stopped) > _SINGLY:
            self._session.tell("info", f"{len(stopped)} algos stopped", stopped[0].reason)
            events = [each for each in events if each not in stopped]
        for event in events:
            algo = state.algos.get(event.algo_id)
            if algo is not None:
                self._tell_algo(event, algo, state)

    def _tell_algo(self, event: AlgoEvent, algo: Algo, state: State) -> None:
        words = describe_algo(algo, state)
        tell = self._session.tell
        match event:
            case AlgoStarted():
                tell("info", f"{kind_word(algo.spec)} started", words)
            case AlgoPaused() if event.reason:
                tell("warn", f"{kind_word(algo.spec)} paused", f"{words}. {event.reason}")
            case AlgoEnded(status=AlgoStatus.COMPLETED):
                tell("success", f"{kind_word(algo.spec)} completed", _said(words, event.reason))
            case AlgoEnded(status=AlgoStatus.FAILED):
                tell("error", f"{kind_word(algo.spec)} failed", f"{words}. {event.reason}")
            case AlgoEnded():
                tell("info", f"{kind_word(algo.spec)} stopped", _said(words, event.reason))
            case AlgoPaused() | AlgoResumed() | AlgoProgressed() | AlgoStopping():
                pass  # the trader's own doing, or progress: the table shows it
            case _:
                raise TypeError(type(event))

    def _tell_filled(self, order: Order, state: State) -> None:
        """One message for all the fills of a frame."""
        write = Precisions(state)
        name = order.intent.instrument_id
        text = f"{side_word(order.intent.side)} {write.quantity(name, order.filled_quantity)} {symbol_of(name)}"
        text += f" at {write.price(name, order.average_price)}"
        title = "Filled" if order.status is OrderStatus.FILLED else "Partly filled"
        self._session.tell("success", title, text)


def _is_canceled(order: Order | None) -> bool:
    return order is not None and order.status is OrderStatus.CANCELED


def describe(order: Order, state: State) -> str:
    """`Buy 0.05000 BTCUSDT, limit 67,390.00`."""
    write = Precisions(state)
    intent = order.intent
    name = intent.instrument_id
    if intent.quote_quantity is not None:
        quantity = f"{intent.quote_quantity:,.2f} worth of"
    else:
        quantity = write.quantity(name, intent.quantity)
    price = intent.price or intent.trigger_price
    at = f" {write.price(name, price)}" if price is not None else ""
    return f"{side_word(intent.side)} {quantity} {symbol_of(name)}, {TYPE_WORDS[intent.type].lower()}{at}"


def act_of(command: SubmitOrder | StartAlgo | AmendOrder, state: State) -> str:
    """`Buy 0.05 BTCUSDT at market`: what a button does that sends it."""
    match command:
        case SubmitOrder(intent=intent):
            return _act(intent, state)
        case StartAlgo(spec=spec):
            words = f"{side_word(spec.side)} {figure(spec.quantity)} {symbol_of(spec.instrument_id)}"
            return f"{words}, {kind_word(spec)}"
        case AmendOrder(price=price, trigger_price=trigger, quantity=quantity):
            old = state.orders[command.client_order_id].intent
            changed = msgspec.structs.replace(
                old,
                price=price or old.price,
                trigger_price=trigger or old.trigger_price,
                quantity=quantity or old.quantity,
            )
            words = _act(changed, state)
            return f"Change to {words[0].lower()}{words[1:]}"
        case _:
            assert_never(command)


def _act(intent: OrderIntent, state: State) -> str:
    name = intent.instrument_id
    instrument = state.instruments.get(name)
    if intent.quote_quantity is None:
        quantity = figure(intent.quantity)
    else:
        quote = f" {instrument.quote}" if instrument is not None else ""
        quantity = f"{intent.quote_quantity:,.2f}{quote} worth of"
    words = f"{side_word(intent.side)} {quantity} {symbol_of(name)}"
    price = intent.price or intent.trigger_price
    at = Precisions(state).price(name, price)
    if price is None:
        return f"{words} at market"
    if intent.type in (OrderType.LIMIT, OrderType.POST_ONLY):
        return f"{words} at {at}"
    return f"{words}, {TYPE_WORDS[intent.type].lower()} {at}"


def describe_algo(algo: Algo, state: State) -> str:
    """`Buy 2.00000 BTCUSDT`."""
    spec = algo.spec
    quantity = Precisions(state).quantity(spec.instrument_id, spec.quantity)
    return f"{side_word(spec.side)} {quantity} {symbol_of(spec.instrument_id)}"


def _said(words: str, reason: str) -> str:
    return f"{words}. {reason}" if reason else words
