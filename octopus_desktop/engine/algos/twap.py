"""TWAP: equal slices over a time, at the market or no worse than a limit.

The plan is by slices, not by the clock: after a pause or a restart the next slice is due at once and the others follow
at their pauses, so that nothing is caught up in one big order. What a slice did not get is in the next one.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random

from octopus_desktop.engine.algos.shape import met_at, off_the_grid, too_small
from octopus_desktop.engine.algos.work import SECOND, Work, sample
from octopus_desktop.engine.cut import is_order
from octopus_desktop.model.algos import AlgoStatus, Twap
from octopus_desktop.model.figures import figure
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import OrderIntent, OrderType, Side, TimeInForce
from octopus_desktop.state import State

MOST_SLICES = 1000


class TwapWork(Work[Twap]):
    spec_type = Twap

    @staticmethod
    def refusal(spec: Twap, instrument: Instrument, state: State, now_ns: int) -> str | None:
        refusal = off_the_grid(instrument, spec.quantity, spec.limit_price)
        if refusal is not None:
            return refusal
        if not 1 <= spec.slices <= MOST_SLICES:
            return f"A TWAP has 1 to {MOST_SLICES} slices."
        if not 0 < spec.duration_s < 7 * 86400:
            return "The duration is above zero, and a week at most."
        if not 0 <= spec.jitter <= 1:
            return "The jitter is between 0 and 1."
        price = spec.limit_price
        if price is None:
            last = state.market(spec.instrument_id).last_price
            touch = state.market(spec.instrument_id).touch
            known = touch[0] if touch is not None else last
            if known is None:
                return f"There is no price of {instrument.symbol} yet to judge the slices by."
            price = instrument.price(known)
        return too_small(instrument, instrument.quantity(spec.quantity / spec.slices), price, "A slice")

    @staticmethod
    def largest(spec: Twap, instrument: Instrument, state: State, native: bool) -> OrderIntent:
        slice_ = instrument.quantity(spec.quantity / spec.slices)
        price = met_at(instrument, spec.side, spec.limit_price, state)
        return sample(spec, OrderType.LIMIT, quantity=slice_, price=price)

    async def step(self) -> None:
        live = self.live()
        sent = int(self.algo.memo.get("slices", "0"))
        filled = self.algo.filled_as()
        if live or self.paused:
            return  # a slice that is not known to be over may fill yet
        rest = self.spec.quantity - filled
        touch = self.touch()
        if rest <= 0 or (touch is not None and not is_order(self.instrument, rest, touch[0])):
            left = f"{figure(rest)} is below the venue's least order." if rest > 0 else ""
            self.end(AlgoStatus.COMPLETED, left)
            return
        if sent >= self.spec.slices:
            why = self.refused_orders()[-1:]
            reason = why[0].reason if why else "the market did not reach the limit"
            self.end(AlgoStatus.COMPLETED, f"{figure(rest)} was not filled: {reason}")
            return
        due = int(self.algo.memo.get("due_ns", "0"))
        if self.now_ns < due:
            self.wake_at(due)
            self._progress(sent, filled)
            return
        if touch is None:
            self.say(self.price_problem())
            return
        await self._slice(sent, touch, rest)

    async def _slice(self, sent: int, touch: tuple[Decimal, Decimal], rest: Decimal) -> None:
        last = sent + 1 == self.spec.slices
        goal = self.spec.quantity if last else self.spec.quantity * (sent + 1) / self.spec.slices
        quantity = rest if last else self.instrument.quantity(goal - (self.spec.quantity - rest))
        price = touch[1] if self.spec.side is Side.BUY else touch[0]
        if not is_order(self.instrument, rest - quantity, price) and rest != quantity:
            quantity = rest  # what would be left could not be ordered any more
        due = self._due(sent + 1)
        count = {"slices": str(sent + 1), "due_ns": str(due)}
        if not is_order(self.instrument, quantity, price) or self._beyond_limit(price):
            self.say(f"slice {sent + 1} of {self.spec.slices} is added to the next one", **count)
            self.wake_at(due)
            return
        denial = self.hindrance(self._order(quantity, touch))
        if denial is not None:
            self.held_up(denial, protects=False)
            return
        # Before the order: a crash between loses a slice's moment, never its quantity.
        self.say(f"slice {sent + 1} of {self.spec.slices}: {figure(quantity)}", **count)
        await self.send(self._order(quantity, touch), room=rest)
        self.wake_at(due)

    def _beyond_limit(self, price: Decimal) -> bool:
        limit = self.spec.limit_price
        return limit is not None and (price - limit) * self.spec.side.sign > 0

    def _order(self, quantity: Decimal, touch: tuple[Decimal, Decimal]) -> OrderIntent:
        limit = self.spec.limit_price
        if limit is None:
            return self.intent("slice", OrderType.MARKET, quantity)
        price = self.taking_price(limit, touch)
        return self.intent("slice", OrderType.LIMIT, quantity, price=price, tif=TimeInForce.IOC)

    def _due(self, slice_: int) -> int:
        """Of the slice after this many. The same moment for the same slice, so a restart moves nothing."""
        pause = self.spec.duration_s / self.spec.slices
        chance = Random(f"{self.algo.algo_id}/{slice_}")  # noqa: S311  # hides a rhythm, guards nothing
        jitter = pause * self.spec.jitter * chance.uniform(-0.5, 0.5)
        return self.now_ns + int((pause + jitter) * SECOND)

    def _progress(self, sent: int, filled: Decimal) -> None:
        whole = self.spec.quantity
        self.say(f"{sent} of {self.spec.slices} slices, {figure(filled)} of {figure(whole)} filled")
