"""Somebody at the keyboard: random commands, some of them clumsy, and some orders made on the venue's own page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import ROUND_DOWN, Decimal
from itertools import count
from random import Random

import msgspec

from octopus_desktop.model.commands import CancelAllOrders, CancelOrder, Done, NeedsAcknowledgement, Reconcile, SubmitOrder
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, IntentToken
from octopus_desktop.model.orders import OrderIntent, OrderType, Side, TimeInForce
from octopus_desktop.simulator.errors import Refusal
from octopus_desktop.simulator.orders import NewOrder
from octopus_desktop.simulator.units import UNIT
from tests.faults.world import ACCOUNT, VENUE, World


class Trader:
    def __init__(self, seed: int, world: World) -> None:
        self._random = Random(f"trader {seed}")
        self._world = world
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
            (0.7, self._cancel_all),
            (1.5, self._order_outside),
            (0.8, self._cancel_outside),
            (0.6, self._reconcile),
        ]
        (act,) = self._random.choices([a for _, a in actions], [w for w, _ in actions])
        await act()

    # ── at this terminal ─────────────────────────────────────────────────────────────────────────────────

    async def _submit(self) -> None:
        await self._send(self._an_intent(self._name()))

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
            first = self._an_intent(self._name())
            await asyncio.gather(self._send(first), self._send(first))
            return
        old = self._random.choice(self._pressed[-5:])
        if self._random.random() < 0.5:
            old = msgspec.structs.replace(old, client_order_id=self._name())
        await self._send(old)

    async def _cancel(self) -> None:
        if self._world.alive and self._world.state.working:
            name = self._random.choice(list(self._world.state.working))
            await self._world.execute(CancelOrder(name))

    async def _cancel_all(self) -> None:
        await self._world.execute(CancelAllOrders())

    async def _reconcile(self) -> None:
        await self._world.execute(Reconcile(VENUE))

    def _name(self) -> ClientOrderId:
        return ClientOrderId(f"c{self._seed}-{next(self._numbers)}")

    def _an_intent(self, name: ClientOrderId) -> OrderIntent:
        random = self._random
        symbol = random.choice(sorted(self._world.exchange.markets))
        market = self._world.exchange.markets[symbol]
        listing = market.listing
        side = random.choice((Side.BUY, Side.SELL))
        kind = random.choices(
            (
                OrderType.LIMIT,
                OrderType.MARKET,
                OrderType.POST_ONLY,
                OrderType.STOP,
                OrderType.STOP_LIMIT,
                OrderType.TAKE_PROFIT,
            ),
            (10, 3, 2, 1, 1, 1),
        )[0]
        last = market.last_price / UNIT
        quantity = random.choice((15, 60, 300, 2000, 6000)) * random.uniform(1.0, 1.5) / last
        away = random.choice((0.0, 0.0, 0.0002, 0.0006, 0.002, 0.01, -0.0004, -0.002))
        price = _stepped(last * (1 - side.sign * away), listing.tick)
        tif = TimeInForce.GTC
        if kind is OrderType.LIMIT:
            tif = random.choices((TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK), (8, 1, 1))[0]
        rises = (side is Side.BUY) == (kind in (OrderType.STOP, OrderType.STOP_LIMIT))
        trigger = _stepped(last * (1 + (1 if rises else -1) * random.choice((0.0002, 0.0006, 0.003))), listing.tick)
        by_quote = kind is OrderType.MARKET and random.random() < 0.3
        return OrderIntent(
            name,
            InstrumentId(f"{symbol}.{VENUE}"),
            side,
            kind,
            Decimal(0) if by_quote else _stepped(quantity, listing.lot),
            price if kind.has_limit else None,
            trigger if kind.has_trigger else None,
            _stepped(quantity * last, UNIT) if by_quote else None,
            tif,
            token=IntentToken(f"t{name}") if random.random() < 0.8 else None,
        )

    # ── on the venue's own page ──────────────────────────────────────────────────────────────────────────

    async def _order_outside(self) -> None:
        random, exchange = self._random, self._world.exchange
        if not self._world.has_compared():
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
            quantity=int(_stepped(random.choice((20, 400)) * UNIT / market.last_price, market.listing.lot) * UNIT),
            price=0 if at_market else int(_stepped(market.last_price / UNIT * (1 + away), market.listing.tick) * UNIT),
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
        self._world.server.catch_up()
        resting = self._world.exchange.open_orders(ACCOUNT)
        if resting:
            order = self._random.choice(resting)
            self._world.timeline.note("outside", f"canceled {order.client_order_id}")
            self._world.exchange.cancel(ACCOUNT, order.symbol, order.order_id, None)


def _stepped(x: float, units: int) -> Decimal:
    step = Decimal(units).scaleb(-8)
    return (Decimal(repr(x)) / step).to_integral_value(ROUND_DOWN) * step
