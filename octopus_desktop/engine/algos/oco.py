"""OCO: a limit and a stop on what is there already, the one's execution cancels the other.

At the venue as one list where it has them. Else the stop rests there and the limit is held here: on spot both cannot
rest, since each locks the coins, and of the two it is the stop that must work when this terminal does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from octopus_desktop.engine.algos.exits import ExitWork, refusal_of_exits
from octopus_desktop.engine.algos.shape import not_owned
from octopus_desktop.engine.algos.work import PATIENCE_NS, sample
from octopus_desktop.model.algos import AlgoStatus, Oco, Target
from octopus_desktop.model.figures import figure
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import OrderIntent, OrderType, Side
from octopus_desktop.ports import Capability
from octopus_desktop.state import State


class OcoWork(ExitWork[Oco]):
    spec_type = Oco

    @staticmethod
    def refusal(spec: Oco, instrument: Instrument, state: State, now_ns: int) -> str | None:
        touch = state.market(spec.instrument_id).touch
        around = None
        if touch is not None:
            around = instrument.price(touch[0] if spec.side is Side.SELL else touch[1])
        targets = (Target(spec.price, spec.quantity),)
        stop = OcoWork.largest(spec, instrument, state, False)
        return refusal_of_exits(
            instrument, spec.side, spec.quantity, spec.stop_trigger, spec.stop_limit, targets, around
        ) or not_owned(stop, instrument, state, now_ns - PATIENCE_NS)

    @staticmethod
    def largest(spec: Oco, instrument: Instrument, state: State, native: bool) -> OrderIntent:
        type_ = OrderType.STOP if spec.stop_limit is None else OrderType.STOP_LIMIT
        return sample(
            spec,
            type_,
            price=spec.stop_limit,
            trigger=spec.stop_trigger,
            reduce_only=instrument.kind is not InstrumentKind.SPOT,
        )

    @staticmethod
    def is_native(spec: Oco, capabilities: frozenset[Capability]) -> bool:
        return Capability.OCO in capabilities

    @property
    def exit_side(self) -> Side:
        return self.spec.side

    @property
    def targets(self) -> Sequence[Target]:
        return (Target(self.spec.price, self.spec.quantity),)

    @property
    def all_there(self) -> bool:
        return True

    def owned(self) -> Decimal:
        return self.spec.quantity

    async def step(self) -> None:
        if not self.algo.children and self.paused:
            return
        if not self.live() and any(self.canceled_elsewhere(order) for order in self.children()) and not self.fired:
            self.end(AlgoStatus.STOPPED, f"Its orders were canceled; {figure(self.algo.filled_as())} filled.")
            return
        if await self.look_after(targets=not self.paused):
            if not self.live():
                left = self.to_leave()
                dust = f" {figure(left)} is left, below the venue's least order." if left > 0 else ""
                self.end(AlgoStatus.COMPLETED, f"Left by the {'stop' if self.fired else 'limit'}.{dust}")
            else:
                self.say(f"{figure(self.to_leave())} between {figure(self.trigger)} and {figure(self.spec.price)}")
        elif not self._ever_there() and self.held_since_ns and self.now_ns - self.held_since_ns > PATIENCE_NS:
            self.end(AlgoStatus.FAILED, f"Nothing was sent. {self.algo.note}")

    def _ever_there(self) -> bool:
        return len(self.refused_orders()) < len(self.algo.children)
