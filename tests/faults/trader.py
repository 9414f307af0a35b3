"""Somebody at the keyboard: random commands, some of them clumsy, and some orders made on the venue's own page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from random import Random

import msgspec

from octopus_desktop.model.algos import OnRestart
from octopus_desktop.model.commands import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    Done,
    KillSwitch,
    NeedsAcknowledgement,
    PauseAlgo,
    Reconcile,
    ResumeAlgo,
    SetTradingLevel,
    StartAlgo,
    StopAlgo,
    SubmitOrder,
)
from octopus_desktop.model.identifiers import AlgoId, ClientOrderId
from octopus_desktop.model.orders import OrderIntent
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.simulator.errors import Refusal
from octopus_desktop.simulator.orders import NewOrder
from octopus_desktop.simulator.units import UNIT
from tests.faults.tickets import Tickets, stepped
from tests.faults.world import ACCOUNT, VENUE, World


class Trader:
    def __init__(self, seed: int, world: World) -> None:
        self._random = Random(f"trader {seed}")
        self._world = world
        self._tickets = Tickets(self._random, world)
        self._numbers = count(1)
        self._seed = seed
        self.sent: dict[ClientOrderId, OrderIntent] = {}
        self.taken: set[ClientOrderId] = set()
        """What the engine said `Done` to: it must never be forgotten."""
        self.outside: set[str] = set()
        self._pressed: list[OrderIntent] = []

    async def act(self) -> None:
        actions: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (10, self._submit),
            (4, self._cancel),
            (1.2, self._press_again),
            (1.5, self._amend),
            (1.8, self._start_algo),
            (0.8, self._turn_algo),
            (0.7, self._cancel_all),
            (1.5, self._order_outside),
            (0.8, self._cancel_outside),
            (0.6, self._reconcile),
            (0.15, self._pull_the_switch),
            (0.5, self._set_level),
        ]
        (act,) = self._random.choices([a for _, a in actions], [w for w, _ in actions])
        await act()

    async def stop_algos(self, keep_protection: bool = True) -> None:
        """At the end of the day."""
        for algo in list(self._world.state.algos.values()):
            if not algo.status.is_over:
                await self._world.execute(StopAlgo(algo.algo_id, keep_protection=keep_protection))

    # ── at this terminal ─────────────────────────────────────────────────────────────────────────────────

    async def _submit(self) -> None:
        await self._send(self._tickets.an_order(self._name()))

    async def _send(self, intent: OrderIntent) -> None:
        self.sent[intent.client_order_id] = intent
        self._pressed.append(intent)
        outcome = await self._world.execute(SubmitOrder(intent))
        if isinstance(outcome, NeedsAcknowledgement):
            outcome = await self._world.execute(SubmitOrder(intent, acknowledged=True))
        if isinstance(outcome, Done) and outcome.count:
            self.taken.add(intent.client_order_id)

    async def _press_again(self) -> None:
        """Enter twice: the same ticket at the same moment, or an old one once more."""
        if self._random.random() < 0.6 or not self._pressed:
            first = self._tickets.an_order(self._name())
            await asyncio.gather(self._send(first), self._send(first))
            return
        old = self._random.choice(self._pressed[-5:])
        if self._random.random() < 0.5:
            old = msgspec.structs.replace(old, client_order_id=self._name())
        await self._send(old)

    async def _amend(self) -> None:
        if self._world.alive and self._world.state.working:
            order = self._random.choice(list(self._world.state.working.values()))
            price, quantity = self._tickets.a_change(order)
            name = self._name()
            change = AmendOrder(order.client_order_id, name, price=price, quantity=quantity)
            outcome = await self._world.execute(change)
            if isinstance(outcome, Done) and outcome.count:
                self.taken.add(name)

    async def _start_algo(self) -> None:
        name = self._name()
        start = StartAlgo(AlgoId(f"al-{name}"), self._tickets.an_algo(name), self._random.choice(list(OnRestart)))
        await self._world.execute(start)

    async def _turn_algo(self) -> None:
        if self._world.alive:
            going = [algo.algo_id for algo in self._world.state.algos.values() if not algo.status.is_over]
            if going:
                algo_id = self._random.choice(going)
                command = self._random.choice((PauseAlgo, ResumeAlgo, ResumeAlgo, StopAlgo))
                await self._world.execute(command(algo_id))

    async def _cancel(self) -> None:
        if self._world.alive and self._world.state.working:
            name = self._random.choice(list(self._world.state.working))
            await self._world.execute(CancelOrder(name))

    async def _cancel_all(self) -> None:
        await self._world.execute(CancelAllOrders())

    async def _reconcile(self) -> None:
        await self._world.execute(Reconcile(VENUE))

    async def _pull_the_switch(self) -> None:
        await self._world.execute(KillSwitch(flatten=self._random.random() < 0.4))

    async def _set_level(self) -> None:
        level = self._random.choice((TradingLevel.ACTIVE, TradingLevel.ACTIVE, TradingLevel.REDUCING))
        await self._world.execute(SetTradingLevel(level))

    def _name(self) -> ClientOrderId:
        return ClientOrderId(f"c{self._seed}-{next(self._numbers)}")

    # ── on the venue's own page ──────────────────────────────────────────────────────────────────────────

    async def _order_outside(self) -> None:
        random, exchange = self._random, self._world.exchange
        if not self._world.process.is_up or not self._world.has_compared():
            return  # before the first comparison the account's past is not this terminal's
        self._world.server.catch_up()
        symbol = random.choice(sorted(exchange.markets))
        market = exchange.markets[symbol]
        is_buy = random.random() < 0.5
        at_market = random.random() < 0.4
        away = random.choice((0.0, 0.0005, 0.003)) * (-1 if is_buy else 1)
        name = f"web_{self._seed}_{next(self._numbers)}"
        request = NewOrder(
            symbol,
            is_buy,
            "MARKET" if at_market else "LIMIT",
            quantity=int(stepped(random.choice((20, 400)) * UNIT / market.last_price, market.listing.lot) * UNIT),
            price=0 if at_market else int(stepped(market.last_price / UNIT * (1 + away), market.listing.tick) * UNIT),
            client_order_id=name,
        )
        try:
            exchange.place(ACCOUNT, request)
        except Refusal as refusal:
            self._world.timeline.note("outside", f"refused {name}: {refusal.message}")
        else:
            self.outside.add(name)
            self._world.timeline.note("outside", f"placed {name}")

    async def _cancel_outside(self) -> None:
        if not self._world.process.is_up:
            return
        self._world.server.catch_up()
        resting = self._world.exchange.open_orders(ACCOUNT)
        if resting:
            order = self._random.choice(resting)
            self._world.timeline.note("outside", f"canceled {order.client_order_id}")
            self._world.exchange.cancel(ACCOUNT, order.symbol, order.order_id, None)
