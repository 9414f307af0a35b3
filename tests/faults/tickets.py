"""What a trader may type into a ticket, drawn at random around the market as it is."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from random import Random

from octopus_desktop.model.algos import (
    AnyAlgoSpec,
    Bracket,
    Chase,
    GoodTillDate,
    Iceberg,
    Oco,
    Scale,
    Target,
    TrailingStop,
    Twap,
)
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, IntentToken
from octopus_desktop.model.orders import Order, OrderIntent, OrderType, Side, TimeInForce
from octopus_desktop.simulator.units import UNIT
from tests.faults.world import VENUE, World

_TYPES = {
    OrderType.LIMIT: 10,
    OrderType.MARKET: 3,
    OrderType.POST_ONLY: 2,
    OrderType.STOP: 1,
    OrderType.STOP_LIMIT: 1,
    OrderType.TAKE_PROFIT: 1,
    OrderType.TAKE_PROFIT_LIMIT: 0.5,
}
_NOTIONALS = (15, 60, 300, 2000, 6000)


class Tickets:
    def __init__(self, random: Random, world: World) -> None:
        self._random = random
        self._world = world

    def an_order(self, name: ClientOrderId) -> OrderIntent:
        random, at = self._random, self._somewhere()
        side = random.choice((Side.BUY, Side.SELL))
        kind = random.choices(list(_TYPES), list(_TYPES.values()))[0]
        away = random.choice((0.0, 0.0, 0.0002, 0.0006, 0.002, 0.01, -0.0004, -0.002))
        tif = TimeInForce.GTC
        if kind is OrderType.LIMIT:
            tif = random.choices((TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK), (8, 1, 1))[0]
        rises = (side is Side.BUY) == (kind in (OrderType.STOP, OrderType.STOP_LIMIT))
        off = (1 if rises else -1) * random.choice((0.0002, 0.0006, 0.003))
        by_quote = kind is OrderType.MARKET and random.random() < 0.3
        quantity = at.quantity(random.choice(_NOTIONALS) * random.uniform(1.0, 1.5))
        return OrderIntent(
            name,
            at.where,
            side,
            kind,
            Decimal(0) if by_quote else quantity,
            at.price(-side.sign * away) if kind.has_limit else None,
            at.price(off) if kind.has_trigger else None,
            stepped(float(quantity) * at.last, UNIT) if by_quote else None,
            tif,
            token=IntentToken(f"t{name}") if random.random() < 0.8 else None,
        )

    def a_change(self, order: Order) -> tuple[Decimal | None, Decimal | None]:
        """(price, quantity) of an amendment."""
        random = self._random
        at = _Market(self._world, order.intent.instrument_id.partition(".")[0])
        price = at.price(-order.intent.side.sign * random.choice((0.0, 0.0003, 0.002)))
        quantity = at.quantity(random.choice(_NOTIONALS)) if random.random() < 0.5 else None
        return (price if order.intent.type.has_limit else None), quantity

    def an_algo(self, name: ClientOrderId) -> AnyAlgoSpec:
        random, at = self._random, self._somewhere()
        side = random.choice((Side.BUY, Side.SELL))
        sign = side.sign
        quantity = at.quantity(random.choice((200, 1000, 4000, 9000)))
        near, far = random.choice((0.0005, 0.002)), random.choice((0.003, 0.006))
        what = {"instrument_id": at.where, "side": side, "quantity": quantity}
        away = random.choice((-0.0001, 0.0, 0.0, near))
        entry = OrderIntent(
            ClientOrderId(f"e-{name}"), at.where, side, OrderType.LIMIT, quantity, at.price(-sign * away)
        )
        timeout_s = random.choice((None, 5.0))
        half = stepped(float(quantity) / 2, at.lot)
        match random.choice((0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7)):
            case 0:
                targets = (Target(at.price(sign * near), half), Target(at.price(sign * far), quantity - half))
                return Bracket(**what, entry=entry, stop_trigger=at.price(-sign * (away + near)), targets=targets)
            case 1:
                return Oco(**what, price=at.price(-sign * near), stop_trigger=at.price(sign * near))
            case 2:
                return TrailingStop(**what, fraction=Decimal(random.choice(("0.001", "0.004"))))
            case 3:
                expires = self._world.loop.now_ns() + random.choice((2, 10, 60)) * 1_000_000_000
                return GoodTillDate(**what, entry=entry, expire_ns=expires)
            case 4:
                return Iceberg(**what, price=at.price(-sign * near), display_quantity=half)
            case 5:
                return Twap(**what, duration_s=random.choice((3.0, 12.0)), slices=random.choice((3, 6)), jitter=0.3)
            case 6:
                return Scale(**what, first_price=at.price(-sign * near), last_price=at.price(-sign * far), count=4)
            case _:
                return Chase(
                    **what,
                    limit_price=at.price(sign * far),
                    step=Decimal(at.tick).scaleb(-8) * 2,
                    timeout_s=timeout_s,
                    take_at_timeout=timeout_s is not None and random.random() < 0.5,
                )

    def _somewhere(self) -> _Market:
        return _Market(self._world, self._random.choice(sorted(self._world.exchange.markets)))


class _Market:
    def __init__(self, world: World, symbol: str) -> None:
        market = world.exchange.markets[symbol]
        self.where = InstrumentId(f"{symbol}.{VENUE}")
        self.last = market.last_price / UNIT
        self.tick, self.lot = market.listing.tick, market.listing.lot

    def price(self, away: float) -> Decimal:
        return stepped(self.last * (1 + away), self.tick)

    def quantity(self, notional: float) -> Decimal:
        return stepped(notional / self.last, self.lot)


def stepped(x: float, units: int) -> Decimal:
    step = Decimal(units).scaleb(-8)
    return (Decimal(repr(x)) / step).to_integral_value(ROUND_DOWN) * step
