"""Scale: limit orders across a range, flat or skewed. They all rest at once; here they are only placed and counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from octopus_desktop.engine.algos.shape import off_the_grid, too_small
from octopus_desktop.engine.algos.work import SECOND, Work, sample
from octopus_desktop.engine.cut import is_order
from octopus_desktop.model.algos import AlgoStatus, Scale
from octopus_desktop.model.figures import figure
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import ZERO, OrderIntent, OrderStatus, OrderType
from octopus_desktop.state import State

MOST_ORDERS: Final = 100
MOST_ATTEMPTS: Final = 3
AGAIN_NS: Final = 5 * SECOND
_SMALLER, _LEFT_OUT = "placed smaller", "left out"
_NEVER_THERE: Final = (OrderStatus.DENIED, OrderStatus.REJECTED)


class ScaleWork(Work[Scale]):
    spec_type = Scale
    follows_price = False

    @staticmethod
    def refusal(spec: Scale, instrument: Instrument, state: State, now_ns: int) -> str | None:
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
            refusal = too_small(instrument, quantity, price, f"The order at {figure(price)}")
            if refusal is not None:
                return refusal
        return None

    @staticmethod
    def largest(spec: Scale, instrument: Instrument, state: State, native: bool) -> OrderIntent:
        price, quantity = max(spec.rungs(instrument), key=lambda rung: rung[0] * rung[1])
        return sample(spec, OrderType.LIMIT, quantity=quantity, price=price)

    async def step(self) -> None:
        rungs = self.spec.rungs(self.instrument)
        there = {order.intent.price for order in self.children() if order.status not in _NEVER_THERE}
        given_up = 0
        for price, quantity in rungs:
            if price in there:
                continue
            refused = [order for order in self.children() if order.intent.price == price]
            again_ns = refused[-1].updated_ns + AGAIN_NS if refused else 0
            if len(refused) >= MOST_ATTEMPTS:
                given_up += 1
            elif self.now_ns < again_ns:
                self.wake_at(again_ns)
            elif not self.paused:
                type_ = OrderType.POST_ONLY if self.spec.post_only else OrderType.LIMIT
                part = self._part(price, quantity)
                if part is None:
                    continue
                intent = self.intent("slice", type_, part, price=price)
                if not self.lively or not await self.send(intent, room=self.spec.quantity - self.taken()):
                    return
                there.add(price)
        left_out = sum(price not in there and self._short(price) == _LEFT_OUT for price, _ in rungs)
        live, filled = self.live(), self.algo.filled_as()
        if len(there) + given_up + left_out == len(rungs) and not live:
            self._finish(filled, given_up)
        else:
            self.say(f"{len(live)} of {len(rungs)} orders rest, {figure(filled)} filled{self._shortened('; ')}")

    def _part(self, price: Decimal, quantity: Decimal) -> Decimal | None:
        """How much of this order there is room for; None where nothing is placed now, or ever.

        Its orders were made larger by hand: the whole stays what it was. What was left out stays out, or an order
        canceled by hand would bring another one.
        """
        if self._short(price) == _LEFT_OUT:
            return None
        room = self.spec.quantity - self.taken()
        if quantity <= room:
            return quantity
        if any(self.unsure(order) for order in self.live()):
            return None  # of an order being changed both count: its end wakes this
        part = self.instrument.quantity(max(room, ZERO))
        fits = part > 0 and is_order(self.instrument, part, price)
        self.say(self.algo.note, **{f"short {price}": _SMALLER if fits else _LEFT_OUT})
        return part if fits else None

    def _short(self, price: Decimal) -> str | None:
        return self.algo.memo.get(f"short {price}")

    def _shortened(self, before: str) -> str:
        kinds = [kind for key, kind in self.algo.memo.items() if key.startswith("short ")]
        told = [f"{kinds.count(kind)} {kind}" for kind in (_SMALLER, _LEFT_OUT) if kind in kinds]
        return f"{before}{' and '.join(told)}: orders made larger by hand took the room" if told else ""

    def _finish(self, filled: Decimal, given_up: int) -> None:
        refused = self.refused_orders()
        why = f" {given_up} were refused by the venue: {refused[-1].reason}" if given_up else ""
        short = self._shortened("")
        why += f" {short}." if short else ""
        if filled >= self.spec.quantity:
            self.end(AlgoStatus.COMPLETED, f"{short}." if short else "")
        elif given_up == self.spec.count:
            self.end(AlgoStatus.FAILED, f"The venue refused every order: {refused[-1].reason}")
        else:
            self.end(AlgoStatus.STOPPED, f"{figure(filled)} filled, the other orders are gone.{why}")
