"""Scale: limit orders across a range, flat or skewed. They all rest at once; here they are only placed and counted."""

from __future__ import annotations

from decimal import Decimal

from octopus_desktop.engine.algos.shape import off_the_grid, too_small
from octopus_desktop.engine.algos.work import Work
from octopus_desktop.model.algos import AlgoStatus, Scale
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import OrderStatus, OrderType
from octopus_desktop.state import State

MOST_ORDERS = 100


class ScaleWork(Work[Scale]):
    spec_type = Scale

    @staticmethod
    def refusal(spec: Scale, instrument: Instrument, state: State) -> str | None:
        if not 2 <= spec.count <= MOST_ORDERS:
            return f"A scale has 2 to {MOST_ORDERS} orders."
        if not (spec.skew.is_finite() and spec.skew > 0):
            return "The skew is above zero: 1 is flat, 2 doubles towards the last order."
        refusal = off_the_grid(instrument, spec.quantity, spec.first_price, spec.last_price)
        if refusal is not None:
            return refusal
        if abs(spec.last_price - spec.first_price) < instrument.tick_size * (spec.count - 1):
            return f"{spec.count} orders need prices at least a tick apart: widen the range or take fewer."
        for price, quantity in spec.rungs(instrument):
            refusal = too_small(instrument, quantity, price, f"The order at {price}")
            if refusal is not None:
                return refusal
        return None

    async def step(self) -> None:
        rungs = self.spec.rungs(self.instrument)
        there = {order.intent.price for order in self.children() if order.status is not OrderStatus.DENIED}
        if not self.paused:
            for price, quantity in rungs:
                if price in there:
                    continue
                type_ = OrderType.POST_ONLY if self.spec.post_only else OrderType.LIMIT
                intent = self.intent("slice", type_, quantity, price=price)
                if not self.lively or not await self.send(intent, room=self.spec.quantity - self.taken()):
                    return
                there.add(price)
        placed, filled = len(there), self.algo.filled_as()
        live = self.live()
        if placed == len(rungs) and not live:
            self._finish(filled)
            return
        self.say(f"{len(live)} of {len(rungs)} orders rest, {filled:f} filled")

    def _finish(self, filled: Decimal) -> None:
        refused = [order for order in self.children() if order.status is OrderStatus.REJECTED]
        if filled >= self.spec.quantity:
            self.end(AlgoStatus.COMPLETED)
        elif len(refused) == self.spec.count:
            self.end(AlgoStatus.FAILED, f"The venue refused every order: {refused[-1].reason}")
        else:
            why = f" {len(refused)} were refused by the venue: {refused[-1].reason}" if refused else ""
            self.end(AlgoStatus.STOPPED, f"{filled:f} filled, the other orders are gone.{why}")
