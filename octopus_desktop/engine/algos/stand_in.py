"""A stop in the place of an order of which nobody knows whether it is there: when it cannot become a second sale.

Only where the venue sees to it that no more than one of the two is there: coins are locked once, and there are not
enough of them for both. Where there are, no size would do: beside the other one only nothing sells no more than the
position, and what the venue would refuse beside it is more than the position by itself.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from octopus_desktop.engine.algos.work import SECOND
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import ZERO, Order, OrderStatus, Side
from octopus_desktop.state import State

STAND_IN_NS: Final = SECOND // 4
"""How long an order may be unknown before a stop stands in for it: most are found at the first question."""
THERE: Final = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)


def fits_only_one(order: Order, instrument: Instrument, state: State) -> bool:
    """Whether the venue would refuse the later of `order` and another one like it."""
    if instrument.kind is not InstrumentKind.SPOT or order.intent.side is not Side.SELL:
        return False
    balance = state.balances.get((instrument.venue, instrument.base))
    if balance is None:
        return False
    # Of what is locked already `order` may be the one that locks it, so only what others hold is out of reach.
    return max(balance.free, balance.total - _held(instrument, state)) < 2 * order.remaining


def _held(instrument: Instrument, state: State) -> Decimal:
    """What the orders that are there for certain lock of its coins."""
    held, lists = ZERO, set()
    for order in state.working.values():
        listed = state.instruments.get(order.intent.instrument_id)
        if order.status not in THERE or order.intent.side is not Side.SELL or listed is None:
            continue
        if (listed.venue, listed.base) != (instrument.venue, instrument.base):
            continue
        if order.intent.list_id is not None:  # the orders of one list lock their coins once
            if order.intent.list_id in lists:
                continue
            lists.add(order.intent.list_id)
        held += order.remaining
    return held
