"""What a position is, and what it would be if every working order were filled."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, get_args

from octopus_desktop.model.events import AnyOrderEvent, Event
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.orders import ZERO, Order, OrderIntent, Side
from octopus_desktop.state import State

QUOTED_MARGIN: Final = Decimal("1.02")
"""An order given in quote currency buys or sells a little more than the touch says when the price moves."""

_OF_ORDERS: Final = frozenset(get_args(AnyOrderEvent))
_Key = tuple[InstrumentId, Side]


def position_of(state: State, instrument_id: InstrumentId) -> Decimal:
    """Signed, as our fills add up; on spot never below zero."""
    position = state.positions.get(instrument_id)
    return position.quantity if position is not None else ZERO


def base_quantity(intent: OrderIntent, state: State) -> Decimal | None:
    """What the order asks for in base currency; None where it is given in quote currency and there is no price."""
    if intent.quote_quantity is None:
        return intent.quantity
    market = state.markets.get(intent.instrument_id)
    price = market.last_price if market is not None else None
    if market is not None and (touch := market.touch) is not None:
        price = touch[1] if intent.side is Side.BUY else touch[0]
    return intent.quote_quantity / Decimal(repr(price)) * QUOTED_MARGIN if price else None


def _makes_smaller(held: Decimal, side: Side, quantity: Decimal) -> bool:
    return bool(held) and (held > 0) is (side is Side.SELL) and quantity <= abs(held)


class Exposure:
    """Sums over the working orders, kept by event so that an order costs the same however many work.

    On the bus before the journal is folded; it reads the state as it is after each event.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._sums: dict[_Key, Decimal] = {}
        self._parts: dict[ClientOrderId, tuple[_Key, Decimal]] = {}
        self._linked: dict[_Key, dict[ClientOrderId, Order]] = {}
        """Orders that share their fate with others, or whose quantity follows the price: counted when asked."""

    def apply(self, event: Event) -> None:
        if type(event) in _OF_ORDERS:
            self._renew(event.client_order_id)  # type: ignore[union-attr]  # `in` does not narrow

    def _renew(self, name: ClientOrderId) -> None:
        known = self._parts.pop(name, None)
        if known is not None:
            self._sums[known[0]] -= known[1]
        order = self._state.working.get(name)
        if order is None:
            done = self._state.orders.get(name)
            if done is not None:
                self._linked.get((done.intent.instrument_id, done.intent.side), {}).pop(name, None)
            return
        intent = order.intent
        key = (intent.instrument_id, intent.side)
        if intent.list_id or intent.parent or intent.replaces or intent.quote_quantity is not None:
            self._linked.setdefault(key, {})[name] = order
            return
        rest = order.remaining
        self._parts[name] = (key, rest)
        self._sums[key] = self._sums.get(key, ZERO) + rest

    @property
    def instruments(self) -> set[InstrumentId]:
        """Where something works."""
        plain = {key[0] for key, total in self._sums.items() if total}
        return plain | {key[0] for key, orders in self._linked.items() if orders}

    def working(self, instrument_id: InstrumentId, side: Side, besides: OrderIntent) -> Decimal:
        """The most that the working orders of a side can still fill, `besides` and the order it replaces left out."""
        key = (instrument_id, side)
        total = self._sums.get(key, ZERO)
        for name in (besides.client_order_id, besides.replaces):
            part = self._parts.get(name) if name is not None else None
            if part is not None and part[0] == key:
                total -= part[1]
        linked = self._linked.get(key)
        return sum(self._groups(linked, besides), total) if linked else total

    def _groups(self, linked: dict[ClientOrderId, Order], besides: OrderIntent) -> Iterator[Decimal]:
        """Of orders that cancel each other only one is filled: a list at the venue, a stop and targets beside it."""
        state = self._state
        exclusive: dict[str, dict[str, Decimal]] = {}
        for name, order in linked.items():
            intent = order.intent
            if name in (besides.client_order_id, besides.replaces) or intent.replaces in state.working:
                continue
            rest = order.remaining if intent.quote_quantity is None else base_quantity(intent, state) or ZERO
            group = intent.list_id or intent.parent
            if group is None:
                yield rest
                continue
            roles = exclusive.setdefault(group, {})
            role = name if intent.list_id is not None else intent.role
            roles[role] = roles.get(role, ZERO) + rest
        for group, roles in exclusive.items():
            if group == besides.parent:
                yield roles.get(besides.role, ZERO)
            elif group != besides.list_id:
                yield max(roles.values())

    def reduces(self, intent: OrderIntent) -> bool:
        """Whether it makes smaller for certain what is held, or what its own algo has brought in.

        On spot each sale does: nobody sells there what is not owned, and the venue sees to that. Elsewhere the venue
        sees to what is marked `reduce_only`.
        """
        instrument = self._state.instruments.get(intent.instrument_id)
        if instrument is not None:
            spot = instrument.kind is InstrumentKind.SPOT
            if intent.side is Side.SELL if spot else intent.reduce_only:
                return True
        return self.closes(intent)

    def closes(self, intent: OrderIntent) -> bool:
        """Whether it makes smaller what our fills add up to: with all that works on its side it crosses no zero.

        The fills of an algo are a position of their own, whatever else was traded beside it.
        """
        quantity = base_quantity(intent, self._state)
        if quantity is None:
            return False
        algo = self._state.algos.get(intent.parent) if intent.parent is not None else None
        if algo is not None and _makes_smaller(algo.net, intent.side, quantity):
            return True
        held = position_of(self._state, intent.instrument_id)
        if not _makes_smaller(held, intent.side, quantity):
            return False
        return quantity + self.working(intent.instrument_id, intent.side, intent) <= abs(held)

    def worst_case(self, intent: OrderIntent) -> Decimal | None:
        """The position if this order and all that works on its side were filled; None where it has no price."""
        quantity = base_quantity(intent, self._state)
        if quantity is None:
            return None
        working = self.working(intent.instrument_id, intent.side, intent)
        return position_of(self._state, intent.instrument_id) + intent.side.sign * (quantity + working)
