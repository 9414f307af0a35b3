"""What a position is, and what it would be if every working order were filled."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.orders import ZERO, OrderIntent, Side
from octopus_desktop.state import State

QUOTED_MARGIN: Final = Decimal("1.02")
"""An order given in quote currency buys or sells a little more than the touch says when the price moves."""


def position_of(state: State, instrument_id: InstrumentId) -> Decimal:
    """Signed, as our fills add up."""
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


def working_quantity(state: State, instrument_id: InstrumentId, side: Side, besides: OrderIntent) -> Decimal:
    """The most that the working orders of one side can still fill, `besides` and the order it replaces left out."""
    return sum(_groups(state, instrument_id, side, besides), ZERO)


def _groups(state: State, instrument_id: InstrumentId, side: Side, besides: OrderIntent) -> Iterator[Decimal]:
    """Of orders that cancel each other only one is filled: a list at the venue, a stop and the targets beside it."""
    exclusive: dict[str, dict[str, Decimal]] = {}
    for name, order in state.working.items():
        intent = order.intent
        if intent.instrument_id != instrument_id or intent.side is not side:
            continue
        if name in (besides.client_order_id, besides.replaces) or intent.replaces in state.working:
            continue
        group = intent.list_id or intent.parent
        rest = order.remaining if intent.quote_quantity is None else base_quantity(intent, state) or ZERO
        if group is None:
            yield rest
        else:
            roles = exclusive.setdefault(group, {})
            role = name if intent.list_id is not None else intent.role
            roles[role] = roles.get(role, ZERO) + rest
    for group, roles in exclusive.items():
        if group == besides.parent:
            yield roles.get(besides.role, ZERO)
        elif group != besides.list_id:
            yield max(roles.values())


def reduces(intent: OrderIntent, state: State) -> bool:
    """Whether it makes the position smaller for certain: with all that works on its side it does not cross zero."""
    if intent.reduce_only:
        instrument = state.instruments.get(intent.instrument_id)
        if instrument is not None and instrument.kind is not InstrumentKind.SPOT:
            return True  # the venue sees to it
    held = position_of(state, intent.instrument_id)
    if not held or (held > 0) == (intent.side is Side.BUY):
        return False
    quantity = base_quantity(intent, state)
    if quantity is None:
        return False
    if quantity > abs(held):
        return False
    return quantity + working_quantity(state, intent.instrument_id, intent.side, intent) <= abs(held)


def worst_case(state: State, intent: OrderIntent) -> Decimal | None:
    """The position if this order and everything that works on its side were filled; None where it has no price."""
    quantity = base_quantity(intent, state)
    if quantity is None:
        return None
    working = working_quantity(state, intent.instrument_id, intent.side, intent)
    return position_of(state, intent.instrument_id) + intent.side.sign * (quantity + working)
