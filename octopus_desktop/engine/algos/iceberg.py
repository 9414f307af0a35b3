"""Iceberg: at the venue where it has it, else one part after the other, each when the one before is filled."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from octopus_desktop.engine.algos.shape import off_the_grid, too_small
from octopus_desktop.engine.algos.work import Work, sample
from octopus_desktop.engine.cut import is_order
from octopus_desktop.model.algos import AlgoStatus, Iceberg
from octopus_desktop.model.figures import figure
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType
from octopus_desktop.ports import Capability
from octopus_desktop.state import State

MOST_PARTS: Final = 10
"""Binance's filter ICEBERG_PARTS. With more parts it is worked here."""


class IcebergWork(Work[Iceberg]):
    spec_type = Iceberg
    follows_price = False

    @staticmethod
    def refusal(spec: Iceberg, instrument: Instrument, state: State, now_ns: int) -> str | None:
        refusal = off_the_grid(instrument, spec.quantity, spec.price) or off_the_grid(instrument, spec.display_quantity)
        if refusal is not None:
            return refusal
        if spec.display_quantity >= spec.quantity:
            return "What is shown must be less than the whole, or it is no iceberg."
        return too_small(instrument, spec.display_quantity, spec.price, "The part that is shown")

    @staticmethod
    def is_native(spec: Iceberg, capabilities: frozenset[Capability]) -> bool:
        return Capability.ICEBERG in capabilities and spec.quantity <= spec.display_quantity * MOST_PARTS

    @staticmethod
    def largest(spec: Iceberg, instrument: Instrument, state: State, native: bool) -> OrderIntent:
        part = spec.quantity if native else spec.display_quantity
        return sample(spec, OrderType.LIMIT, quantity=part, price=spec.price)

    async def step(self) -> None:
        live, filled = self.live(), self.algo.filled_as()
        last = next(
            (order for order in reversed(list(self.children())) if order.status is not OrderStatus.DENIED), None
        )
        if live:
            self.say(f"{figure(filled)} of {figure(self.spec.quantity)} filled")
        elif filled >= self.spec.quantity:
            self.end(AlgoStatus.COMPLETED)
        elif last is not None and last.status is OrderStatus.REJECTED:
            self.end(AlgoStatus.FAILED, f"The venue refused a part, {figure(filled)} filled. {last.reason}")
        elif last is not None and last.status is not OrderStatus.FILLED:
            text = f"A part was {last.status.value}, {figure(filled)} filled. {last.reason}"
            self.end(AlgoStatus.STOPPED, text.strip())
        elif not self.paused:
            await self._next(self.spec.quantity - filled)

    async def _next(self, rest: Decimal) -> None:
        shown = self.spec.display_quantity
        if self.algo.native:
            intent = self.intent("slice", OrderType.LIMIT, rest, price=self.spec.price, display_quantity=shown)
        else:
            # The last part takes what could not be an order by itself.
            part = shown if rest > shown and is_order(self.instrument, rest - shown, self.spec.price) else rest
            intent = self.intent("slice", OrderType.LIMIT, part, price=self.spec.price)
        await self.send(intent, room=self.spec.quantity - self.taken())
