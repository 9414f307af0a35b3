"""Bracket: an entry, a stop under each part of it as it fills, and targets once all of it is in.

While the entry fills only the stop is at the venue, and it grows with each fill; targets are held here until then
(see `exits`). When the stop fires the rest of the entry is canceled: the idea was wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from octopus_desktop.engine.algos.exits import ExitWork, refusal_of_exits
from octopus_desktop.engine.algos.shape import met_at, off_the_grid
from octopus_desktop.engine.algos.work import Tools
from octopus_desktop.model.algos import Algo, AlgoStatus, Bracket, Target
from octopus_desktop.model.figures import figure
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import ZERO, Order, OrderIntent, OrderStatus, Side
from octopus_desktop.state import State


class BracketWork(ExitWork[Bracket]):
    spec_type = Bracket

    def __init__(self, algo: Algo, spec: Bracket, tools: Tools, instrument: Instrument) -> None:
        super().__init__(algo, spec, tools, instrument)
        self._fees = ZERO
        self._seen = 0

    @staticmethod
    def refusal(spec: Bracket, instrument: Instrument, state: State, now_ns: int) -> str | None:
        entry = spec.entry
        same = (entry.instrument_id, entry.side, entry.quantity) == (spec.instrument_id, spec.side, spec.quantity)
        if not same or entry.quote_quantity is not None:
            return "The entry's instrument, side and quantity must be those of the bracket."
        refusal = off_the_grid(instrument, spec.quantity, entry.price, entry.trigger_price)
        if refusal is not None:
            return refusal
        around = _entered_at(entry, instrument, state)
        if around is None:
            return f"There is no price of {instrument.symbol} yet to judge the stop by."
        exit_side = Side.SELL if spec.side is Side.BUY else Side.BUY
        return refusal_of_exits(
            instrument, exit_side, spec.quantity, spec.stop_trigger, spec.stop_limit, spec.targets, around
        )

    @staticmethod
    def largest(spec: Bracket, instrument: Instrument, state: State, native: bool) -> OrderIntent:
        return spec.entry

    @property
    def exit_side(self) -> Side:
        return Side.SELL if self.spec.side is Side.BUY else Side.BUY

    @property
    def targets(self) -> Sequence[Target]:
        return self.spec.targets

    @property
    def entry(self) -> Order | None:
        """The newest; an entry that the trader changed is the one that took its place."""
        entries = [order for order in self.children("entry") if order.status is not OrderStatus.DENIED]
        return entries[-1] if entries else None

    @property
    def all_there(self) -> bool:
        return self.entry is not None and not self.live("entry")

    def owned(self) -> Decimal:
        """What the entry brought in, less the fee where the venue took it from that."""
        filled = self.algo.filled_as("entry")
        if self.spec.side is Side.BUY and self.instrument.kind is InstrumentKind.SPOT:
            filled -= self._fees_in_base()
        return self.instrument.quantity(max(filled, ZERO))

    def _fees_in_base(self) -> Decimal:
        fills = self._state.fills
        entries = list(self.children("entry"))
        for fill in fills[self._seen :]:
            if fill.fee_asset == self.instrument.base and fill.instrument_id == self.spec.instrument_id:
                ours = any(fill.trade_id in order.trade_ids for order in entries)
                self._fees += fill.fee if ours else ZERO
        self._seen = len(fills)
        return self._fees

    def blocked(self) -> str | None:
        """What is in is protected and leaves at any level; the lock is for the entry."""
        return None if self.all_there else super().blocked()

    async def step(self) -> None:
        entry = self.entry
        if self.fired and self.live("entry"):
            await self.clear(self.live("entry"))
        elif entry is None and not self.paused:
            await self._enter()
            return
        quiet = await self.look_after(targets=not self.paused)
        if quiet and self.all_there and not self.live():
            self._finish()
        elif quiet:
            self._tell_progress()

    async def wind_down(self, keep_protection: bool) -> None:
        if not keep_protection:
            await super().wind_down(keep_protection)
            return
        gone = await self.clear(self.live("entry"))
        if await self.look_after(targets=False) and gone:
            stays = "The stop stays at the venue." if self.live() else ""
            self.end(AlgoStatus.STOPPED, f"{self.algo.reason} {stays}".strip())

    async def _enter(self) -> None:
        entry = msgspec.structs.replace(
            self.spec.entry,
            client_order_id=self.new_name(),
            parent=self.algo.algo_id,
            role="entry",
            token=None,
        )
        if await self.send(entry, room=self.spec.quantity - self.taken("entry")):
            self.say("the entry is sent")

    def _finish(self) -> None:
        entry = self.entry
        assert entry is not None
        filled = self.algo.filled_as("entry")
        if not filled:
            status = AlgoStatus.FAILED if entry.status is OrderStatus.REJECTED else AlgoStatus.STOPPED
            self.end(
                status, f"The entry was {entry.status.value} and nothing was bought or sold. {entry.reason}".strip()
            )
            return
        left = self.to_leave()
        dust = f" {figure(left)} is left, below the venue's least order." if left > 0 else ""
        out = "the stop" if self.fired else "the targets"
        self.end(AlgoStatus.COMPLETED, f"Left by {out}.{dust}")

    def _tell_progress(self) -> None:
        entered, left = self.algo.filled_as("entry"), self.to_leave()
        covered = sum((order.remaining for order in self.live("stop")), ZERO)
        small = left - covered
        whole = self.spec.quantity
        text = f"{figure(entered)} of {figure(whole)} entered, {figure(covered)} under a stop"
        if small > 0:
            text = f"unprotected: {figure(small)} is below the venue's least order; {text}"
        self.say(text)


def _entered_at(entry: OrderIntent, instrument: Instrument, state: State) -> Decimal | None:
    """The price its fills begin at: one that waits begins at its trigger, a limit through the market at the touch."""
    trigger, limit = entry.trigger_price, entry.price
    if trigger is None:
        return met_at(instrument, entry.side, limit, state)
    if limit is None:
        return trigger
    return min(limit, trigger) if entry.side is Side.BUY else max(limit, trigger)
