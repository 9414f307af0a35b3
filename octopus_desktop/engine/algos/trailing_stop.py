"""Trailing stop: by a fraction at the venue where it has it, else followed here.

What is followed is the touch the order would hit: a sell follows the best bid. The best price is remembered in the
journal at most once a second, so a restart may find it a second old, never lost. It does not fire on a stale price.

Fired, it leaves at the market. Where nobody knows what became of that order a stop right behind the price stands in
for it until the venue has spoken; then the order that never arrived is sent anew.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from octopus_desktop.engine.algos.shape import met_at, not_owned, off_the_grid, possible_now, too_small
from octopus_desktop.engine.algos.stand_in import STAND_IN_NS, THERE, fits_only_one
from octopus_desktop.engine.algos.work import PATIENCE_NS, RETRY_S, SECOND, Tools, Work, sample
from octopus_desktop.engine.cut import is_order
from octopus_desktop.model.algos import Algo, AlgoStatus, TrailingStop
from octopus_desktop.model.figures import figure
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import ZERO, Order, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.ports import Capability
from octopus_desktop.state import State

BIP: Final = Decimal("0.0001")
LEAST_BIPS, MOST_BIPS = 10, 2000
"""Binance's filter TRAILING_DELTA allows 0.1 % to 20 %, in whole hundredths of a per cent."""
AGAIN_S: Final = 1.0
CLOSE: Final = Decimal("0.001")
"""Of the price. So far behind it is a stop that stands in: nearer the venue would find the price past it already."""


class TrailingStopWork(Work[TrailingStop]):
    spec_type = TrailingStop

    def __init__(self, algo: Algo, spec: TrailingStop, tools: Tools, instrument: Instrument) -> None:
        super().__init__(algo, spec, tools, instrument)
        best = algo.memo.get("best")
        self._best = Decimal(best) if best is not None else None
        self._kept_ns = 0

    @staticmethod
    def refusal(spec: TrailingStop, instrument: Instrument, state: State, now_ns: int) -> str | None:
        if (spec.offset is None) == (spec.fraction is None):
            return "A trailing stop follows by an offset or by a fraction: give one of them."
        refusal = off_the_grid(instrument, spec.quantity, spec.offset, spec.activation_price)
        if refusal is not None:
            return refusal
        if spec.fraction is not None and not (spec.fraction.is_finite() and 0 < spec.fraction < 1):
            return "The fraction is between 0 and 1: 0.01 is one per cent."
        touch = state.market(spec.instrument_id).touch
        if touch is None:
            return f"There is no price of {instrument.symbol} yet to follow."
        price = instrument.price(touch[0] if spec.side is Side.SELL else touch[1])
        if spec.offset is not None and spec.offset >= price:
            return f"The offset {figure(spec.offset)} is more than the price."
        stop = TrailingStopWork.largest(spec, instrument, state, False)
        lowest = min(price, stop.trigger_price or price)
        return too_small(instrument, spec.quantity, lowest, "The stop") or not_owned(
            stop, instrument, state, now_ns - PATIENCE_NS
        )

    @staticmethod
    def largest(spec: TrailingStop, instrument: Instrument, state: State, native: bool) -> OrderIntent:
        price = met_at(instrument, spec.side, None, state)
        assert price is not None, "without one it is refused"
        level = _fires_at(spec, instrument, _begins_at(spec, price))
        perpetual = instrument.kind is not InstrumentKind.SPOT
        return sample(spec, OrderType.STOP, trigger=level, reduce_only=perpetual)

    @staticmethod
    def is_native(spec: TrailingStop, capabilities: frozenset[Capability]) -> bool:
        if Capability.TRAILING_FRACTION not in capabilities or spec.fraction is None:
            return False
        bips = spec.fraction / BIP
        return bips == int(bips) and LEAST_BIPS <= bips <= MOST_BIPS

    async def step(self) -> None:
        if live := self.live():
            if not self.algo.native:
                await self._see_to(live)
            return
        rest = self.spec.quantity - self.algo.filled_as()
        if rest <= 0:
            self.end(AlgoStatus.COMPLETED)
        elif self.algo.native:
            await self._at_the_venue()
        elif not self.paused:
            await self._here(rest)

    async def wind_down(self, keep_protection: bool) -> None:
        if keep_protection and self.algo.native and self.live():
            self.end(AlgoStatus.STOPPED, f"{self.algo.reason} The trailing stop stays at the venue.".strip())
        else:
            await super().wind_down(keep_protection)

    async def _at_the_venue(self) -> None:
        sent = list(self.children())
        if sent and sent[-1].status is not OrderStatus.DENIED:
            order = sent[-1]
            status = AlgoStatus.FAILED if order.status is OrderStatus.REJECTED else AlgoStatus.STOPPED
            text = f"The order was {order.status.value} with {figure(self.algo.filled_as())} filled. {order.reason}"
            self.end(status, text.strip())
        elif not self.paused:
            intent = self.intent(
                "stop",
                OrderType.TRAILING_STOP,
                self.spec.quantity,
                trigger=self.spec.activation_price,
                trailing_fraction=self.spec.fraction,
                reduce_only=self.instrument.kind is not InstrumentKind.SPOT,
            )
            if await self.send(intent, room=self.spec.quantity - self.taken()):
                self.say("it follows the price at the venue")

    async def _here(self, rest: Decimal) -> None:
        if self.algo.memo.get("fired"):
            await self._fire(rest)
            return
        touch = self.touch()
        if touch is None:
            self.say(self.price_problem())
            return
        sell = self.spec.side is Side.SELL
        price = touch[0] if sell else touch[1]
        if self._best is None:
            start = self.spec.activation_price
            if start is not None and (price < start if sell else price > start):
                self.say(f"it follows from {figure(start)} on")
                return
            self._best = price
        self._best = max(self._best, price) if sell else min(self._best, price)
        level = _fires_at(self.spec, self.instrument, self._best)
        if price <= level if sell else price >= level:
            self.say(f"fired at {figure(price)}", best=str(self._best), fired="1")
            await self._fire(rest)
        elif self.now_ns - self._kept_ns >= SECOND:
            self._kept_ns = self.now_ns
            self.say(f"best {figure(self._best)}, fires at {figure(level)}", best=str(self._best))
        else:
            self.wake_at(self._kept_ns + SECOND)

    async def _fire(self, rest: Decimal) -> None:
        """Until all of it has left, in as many orders as it takes: what is refused is tried again and told."""
        touch = self.touch()
        if touch is None:
            self.say(self.price_problem())  # a market order depends on the price like nothing else
            return
        refused = self.refused_orders()
        if refused and self.now_ns < refused[-1].updated_ns + int(AGAIN_S * SECOND):
            self.unprotected(refused[-1].reason, self.now_ns - refused[0].updated_ns)
            self.wake_in(AGAIN_S)
            return
        price = touch[0] if self.spec.side is Side.SELL else touch[1]
        if not is_order(self.instrument, rest, price):
            self._leave(f"{figure(rest)} is left, below the venue's least order.")
            return
        intent = self._exit(rest)
        part = possible_now(intent, self.instrument, self._state)
        if is_order(self.instrument, part, price):
            intent = msgspec.structs.replace(intent, quantity=part)
        elif not is_order(self.instrument, min(rest, self._there(price)), price):
            self._wait_for_money(rest)
            return
        await self.send(intent, room=self.spec.quantity - self.taken(), protects=True)

    # An order of which nobody knows ------------------------------------------

    async def _see_to(self, live: list[Order]) -> None:
        unknown = [order for order in live if order.status is OrderStatus.UNKNOWN]
        if unknown:
            await self._stand_in(unknown)
        elif live[0].intent.type is OrderType.STOP and not any(self.unsure(order) for order in live):
            await self._after_the_stand_in(live[0])

    async def _stand_in(self, unknown: list[Order]) -> None:
        first = unknown[0]
        others = [order for order in self.children() if order.intent.replaces == first.client_order_id]
        if any(order.filled_quantity or order.status in THERE for order in others):
            self.say("under a stop while the venue is asked what became of an order")
            return
        since = others[-1].updated_ns if others else first.updated_ns
        self.unprotected("The venue is asked what became of an order.", self.now_ns - first.updated_ns)
        due = since + STAND_IN_NS + len(others) * int(AGAIN_S * SECOND)
        self.wake_at(due if self.now_ns < due else self.now_ns + int(AGAIN_S * SECOND))
        touch = self.touch()
        if self.now_ns < due or touch is None or first.intent.type is not OrderType.MARKET:
            return
        if any(order.status is not OrderStatus.REJECTED for order in others):
            return  # on its way, or the trader took it away
        if not fits_only_one(first, self.instrument, self._state):
            return
        bid, rest = touch[0], first.remaining
        behind = min(self.instrument.price(bid * (1 - CLOSE)), bid - self.instrument.tick_size)
        if not is_order(self.instrument, rest, behind):
            return
        stop = self.intent("stop", OrderType.STOP, rest, trigger=behind)
        stop = msgspec.structs.replace(stop, replaces=first.client_order_id)
        if await self.send(stop, room=rest, protects=True):
            self._tools.amendments.settle(first, self._state.orders[stop.client_order_id])

    async def _after_the_stand_in(self, stop: Order) -> None:
        """The venue has told of the other one: what is left leaves at the market, and lies under the stop until it can.

        Where that one was there after all, the stop is for coins that are sold.
        """
        rest = self.spec.quantity - self.algo.filled_as()
        if rest < stop.remaining:
            await self.clear([stop])
            return
        if stop.filled_quantity:
            return  # it is leaving
        denial = self.price_problem() if self.touch() is None else self.hindrance(self._exit(rest, replaces=stop))
        again_ns = max((order.updated_ns for order in self.refused_orders()), default=0) + int(AGAIN_S * SECOND)
        if denial is None and self.now_ns >= again_ns:
            await self.clear([stop])
        else:
            self.say("under a stop until it can leave at the market")
            self.wake_at(max(again_ns, self.now_ns + int(RETRY_S * SECOND)))

    # ------------------------------------------------------------------------

    def _there(self, price: Decimal) -> Decimal:
        """What the account could sell or buy, if no other order held anything."""
        sell = self.spec.side is Side.SELL
        asset = self.instrument.base if sell else self.instrument.quote
        balance = self._state.balances.get((self.instrument.venue, asset))
        total = balance.total if balance is not None else ZERO
        return total if sell else total / price

    def _wait_for_money(self, rest: Decimal) -> None:
        """It is not in the account: the balance may be late, or the coins are gone."""
        since = self.held_since_ns = self.held_since_ns or self.now_ns
        sell = self.spec.side is Side.SELL
        if self.now_ns - since >= PATIENCE_NS and self._state.entry_locked is None:
            why = "sold: the account does not have it" if sell else "bought: the account does not have the money"
            self._leave(f"{figure(rest)} could not be {why}.")
            return
        self.say(f"waiting: the account does not have the {'' if sell else 'money for '}{figure(rest)} yet")
        self.wake_in(RETRY_S)

    def _exit(self, rest: Decimal, *, replaces: Order | None = None) -> OrderIntent:
        perpetual = self.instrument.kind is not InstrumentKind.SPOT
        intent = self.intent("stop", OrderType.MARKET, rest, reduce_only=perpetual)
        return msgspec.structs.replace(intent, replaces=replaces.client_order_id) if replaces is not None else intent

    def _leave(self, reason: str) -> None:
        """It has done what it could."""
        self.end(AlgoStatus.COMPLETED if self.algo.filled_as() else AlgoStatus.FAILED, reason)


def _begins_at(spec: TrailingStop, price: Decimal) -> Decimal:
    """The first best price, as far as it is known before."""
    start = spec.activation_price
    if start is None:
        return price
    return max(start, price) if spec.side is Side.SELL else min(start, price)


def _fires_at(spec: TrailingStop, instrument: Instrument, best: Decimal) -> Decimal:
    distance = spec.offset if spec.offset is not None else best * (spec.fraction or 0)
    return instrument.price(best - distance if spec.side is Side.SELL else best + distance)
