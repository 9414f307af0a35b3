"""Good till date: the order rests at the venue, its end is kept here, also while the algo is paused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from octopus_desktop.engine.algos.shape import off_the_grid, too_small
from octopus_desktop.engine.algos.work import SECOND, Work
from octopus_desktop.model.algos import AlgoStatus, GoodTillDate
from octopus_desktop.model.figures import figure
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import OrderIntent, OrderStatus
from octopus_desktop.state import State


class GoodTillDateWork(Work[GoodTillDate]):
    spec_type = GoodTillDate
    follows_price = False
    guards: ClassVar[bool] = True

    @staticmethod
    def refusal(spec: GoodTillDate, instrument: Instrument, state: State, now_ns: int) -> str | None:
        entry = spec.entry
        same = (entry.instrument_id, entry.side, entry.quantity) == (spec.instrument_id, spec.side, spec.quantity)
        if not same or entry.quote_quantity is not None:
            return "The order's instrument, side and quantity must be those asked for."
        price = entry.price or entry.trigger_price
        if price is None:
            return "An order that rests has a price."
        if spec.expire_ns <= now_ns:
            return "The time until which the order is good is over already."
        return off_the_grid(instrument, spec.quantity, entry.price, entry.trigger_price) or too_small(
            instrument, spec.quantity, price, "The order"
        )

    @staticmethod
    def largest(spec: GoodTillDate, instrument: Instrument, state: State, native: bool) -> OrderIntent:
        return spec.entry

    def blocked(self) -> str | None:
        return None if self.live() else super().blocked()

    async def step(self) -> None:
        expired = self.now_ns >= self.spec.expire_ns
        live = self.live("entry")
        sent = [order for order in self.children("entry") if order.status is not OrderStatus.DENIED]
        if expired:
            if await self.clear(live):
                filled = self.algo.filled_as()
                whole = filled >= self.spec.quantity
                self.end(AlgoStatus.COMPLETED, "" if whole else f"Its time is over, {figure(filled)} filled.")
            return
        self.wake_at(self.spec.expire_ns)
        if live:
            until = datetime.fromtimestamp(self.spec.expire_ns // SECOND, UTC)
            self.say(f"rests until {until:%Y-%m-%d %H:%M:%S} UTC")
        elif sent:
            self._ended(sent[-1].status, sent[-1].reason)
        elif not self.paused:
            entry = msgspec.structs.replace(
                self.spec.entry, client_order_id=self.new_name(), parent=self.algo.algo_id, role="entry", token=None
            )
            await self.send(entry, room=self.spec.quantity - self.taken())

    def _ended(self, status: OrderStatus, reason: str) -> None:
        filled = self.algo.filled_as()
        if status is OrderStatus.FILLED:
            self.end(AlgoStatus.COMPLETED)
        elif status is OrderStatus.REJECTED:
            self.end(AlgoStatus.FAILED, reason)
        else:
            self.end(AlgoStatus.STOPPED, f"The order was {status.value}, {figure(filled)} filled. {reason}".strip())
