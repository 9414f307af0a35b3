"""Chase: a limit order on the touch of its own side, moved along as the touch moves away, never beyond the limit.

It only ever moves towards the market: an order that is the best bid itself is not pulled back when others leave.
Without a fresh price it stays where it is.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from octopus_desktop.engine.algos.shape import met_at, off_the_grid, too_small
from octopus_desktop.engine.algos.work import SECOND, Work, sample
from octopus_desktop.engine.cut import is_order
from octopus_desktop.model.algos import AlgoStatus, Chase
from octopus_desktop.model.figures import figure
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import Order, OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from octopus_desktop.state import State

BETWEEN_MOVES_NS: Final = SECOND // 4
"""A wild touch would use up the venue's order limits."""
MOST_REFUSALS: Final = 5


class ChaseWork(Work[Chase]):
    spec_type = Chase

    @staticmethod
    def refusal(spec: Chase, instrument: Instrument, state: State, now_ns: int) -> str | None:
        refusal = off_the_grid(instrument, spec.quantity, spec.limit_price, spec.step)
        if refusal is not None:
            return refusal
        if spec.timeout_s is not None and not 0 < spec.timeout_s < 30 * 86400:
            return "The timeout is above zero, and a month at most."
        if spec.take_at_timeout and spec.timeout_s is None:
            return "There is nothing to take at the timeout without a timeout."
        return too_small(instrument, spec.quantity, spec.limit_price, "The order")

    @staticmethod
    def largest(spec: Chase, instrument: Instrument, state: State, native: bool) -> OrderIntent:
        return sample(spec, OrderType.LIMIT, price=met_at(instrument, spec.side, spec.limit_price, state))

    async def step(self) -> None:
        live, filled = self.live(), self.algo.filled_as()
        rest = self.spec.quantity - filled
        if any(self.unsure(order) for order in live):
            return
        if rest <= 0:
            self.end(AlgoStatus.COMPLETED)
        elif self._timed_out():
            await self._time_out(live, rest)
        elif self.paused:
            return
        elif self._gone_elsewhere(live):
            self.end(AlgoStatus.STOPPED, f"Its order was canceled, {figure(filled)} filled.")
        elif self._refusals() >= MOST_REFUSALS:
            self.end(AlgoStatus.FAILED, f"The venue refuses its orders, {figure(filled)} filled. {self._last_reason()}")
        else:
            await self._peg(live, rest)

    async def _peg(self, live: list[Order], rest: Decimal) -> None:
        touch = self.touch()
        if touch is None:
            self.say(self.price_problem())
            return
        price = self._price(touch)
        if not live:
            if not is_order(self.instrument, rest, price):
                self.end(AlgoStatus.COMPLETED, f"{figure(rest)} is left, below the venue's least order.")
            elif self._may_move():
                intent = self.intent("slice", OrderType.LIMIT, rest, price=price)
                await self.send(intent, room=self.spec.quantity - self.taken())
            return
        order = live[0]
        assert order.intent.price is not None
        away = (price - order.intent.price) * self.spec.side.sign
        if away > 0 and (away >= self.spec.step or price == self.spec.limit_price) and self._may_move():
            if is_order(self.instrument, order.remaining, price):
                await self.amend(order, price=price)
            return
        filled, whole = self.algo.filled_as(), self.spec.quantity
        self.say(f"at {figure(order.intent.price)}, {figure(filled)} of {figure(whole)} filled")

    def _price(self, touch: tuple[Decimal, Decimal]) -> Decimal:
        if self.spec.side is Side.BUY:
            return min(touch[0], self.spec.limit_price)
        return max(touch[1], self.spec.limit_price)

    def _may_move(self) -> bool:
        last = max((order.created_ns for order in self.children()), default=0)
        if self.now_ns - last >= BETWEEN_MOVES_NS:
            return True
        self.wake_at(last + BETWEEN_MOVES_NS)
        return False

    def _timed_out(self) -> bool:
        if self.spec.timeout_s is None:
            return False
        end = self.algo.created_ns + int(self.spec.timeout_s * SECOND)
        if self.now_ns >= end:
            return True
        self.wake_at(end)
        return False

    async def _time_out(self, live: list[Order], rest: Decimal) -> None:
        if not await self.clear(live):
            return
        done = self.algo.memo.get("taken")
        if self.spec.take_at_timeout and not done and not self.paused:
            touch = self.touch()
            if touch is None:
                self.say(self.price_problem())
                return
            price = self.taking_price(self.spec.limit_price, touch)
            if is_order(self.instrument, rest, price):
                intent = self.intent("slice", OrderType.LIMIT, rest, price=price, tif=TimeInForce.IOC)
                if await self.send(intent, room=self.spec.quantity - self.taken()):
                    self.say("the rest is taken", taken="1")
                return
        self.end(AlgoStatus.COMPLETED, f"Its time is over, {figure(rest)} was not filled.")

    def _gone_elsewhere(self, live: list[Order]) -> bool:
        if live:
            return False
        sent = [order for order in self.children() if order.status is not OrderStatus.DENIED]
        return bool(sent) and self.canceled_elsewhere(sent[-1])

    def _refusals(self) -> int:
        count = 0
        for order in reversed(list(self.children())):
            if order.status is not OrderStatus.REJECTED or order.intent.replaces is not None:
                break
            count += 1
        return count

    def _last_reason(self) -> str:
        refused = self.refused_orders()
        return refused[-1].reason if refused else ""
