"""What a pane shows of our working orders in one instrument, made anew only where an order was touched."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Generic, TypeVar

from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId
from octopus_desktop.model.orders import Order
from octopus_desktop.state import State
from ui.frame import Dirty

T = TypeVar("T")


class OwnOrders(Generic[T]):
    """`make` gives what is shown of an order, None where it has no place there (a market order has no price)."""

    def __init__(self, make: Callable[[Order], T | None]) -> None:
        self._make = make
        self._name: InstrumentId | None = None
        self._shown: dict[ClientOrderId, T] = {}

    @property
    def shown(self) -> Collection[T]:
        return self._shown.values()

    def take(self, state: State, name: InstrumentId, dirty: Dirty) -> bool:
        """Bring it up to date. Thousands of orders are gone through only for another instrument.

        Whether anything is shown differently now.
        """
        touched: Collection[ClientOrderId] = dirty.orders
        changed = dirty.everything or name != self._name
        if changed:
            self._name = name
            self._shown = {}
            touched = state.working.keys()
        for order_id in touched:
            order = state.working.get(order_id)
            made = self._make(order) if order is not None and order.intent.instrument_id == name else None
            if made == self._shown.get(order_id):
                continue
            changed = True
            if made is None:
                del self._shown[order_id]
            else:
                self._shown[order_id] = made
        return changed
