"""How long comparing takes after a long absence: 500 open orders and 10,000 fills, all unknown here.

The engine meets the exchange's own process over its sockets; every order is adopted, every fill kept and journalled.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from octopus_desktop.engine import comparisons
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.events import Reconciled
from octopus_desktop.model.identifiers import Venue
from octopus_desktop.model.orders import OrderStatus
from octopus_desktop.model.profile import Dialect, Mode, Profile, VenueUrls
from octopus_desktop.node import Engine
from octopus_desktop.simulator.listings import LISTINGS
from octopus_desktop.simulator.main import ACCOUNT, open_exchange
from octopus_desktop.simulator.orders import NewOrder
from octopus_desktop.simulator.store import SqliteStore
from octopus_desktop.simulator.units import UNIT, to_units
from octopus_desktop.simulator.user_streams import UserStreams
from tests.simulator_process import simulator

OPEN_ORDERS = 500
FILLS = 10_000
GOAL_S = 3.0
VENUE = Venue("SIM")


def an_active_account(state: Path) -> int:
    """Writes an exchange whose account has been trading elsewhere; returns how many fills it has."""
    store = SqliteStore(state)
    exchange, _ = open_exchange(7, time.time_ns(), 1.0, UserStreams(), store)
    for asset in {listing.base for listing in LISTINGS} | {"USDT"}:
        exchange.deposit(ACCOUNT, asset, to_units(Decimal(10_000_000)))
    symbols = [listing.symbol for listing in LISTINGS if listing.quote == "USDT"]
    for number in range(OPEN_ORDERS):
        market = exchange.markets[symbols[number % len(symbols)]]
        tick, lot = market.listing.tick, market.listing.lot
        price = market.last_price * 9 // 10 // tick * tick - number * tick  # far enough to rest whatever happens
        exchange.place(ACCOUNT, NewOrder(market.listing.symbol, True, "LIMIT", _least(price, lot), price=price))
    fills, number = 0, 0
    while fills < FILLS:
        market = exchange.markets[symbols[number // 2 % len(symbols)]]
        quantity = _least(market.last_price, market.listing.lot)
        order = exchange.place(ACCOUNT, NewOrder(market.listing.symbol, number % 2 == 0, "MARKET", quantity))
        number += 1
        fills += len(order.executions)
        if number % 500 == 0:
            exchange.advance(exchange.now_ns + 100_000_000)
    store.set_meta("now_ns", str(exchange.now_ns))
    store.close()
    return fills


def _least(price: int, lot: int) -> int:
    """Worth about 20 of the quote currency."""
    return max(lot, -(-20 * UNIT * UNIT // price // lot) * lot)


async def _compare(ready: dict[str, Any], folder: Path) -> tuple[float, int, int]:
    """Seconds, and how many open orders and fills are known after it."""
    urls = VenueUrls(ready["rest"], ready["ws"], ready["ws_api"])
    profile = Profile("bench", VENUE, Dialect.BINANCE_SPOT, Mode.DEMO, urls)
    engine = Engine(profile, folder, credentials=lambda: Credentials(ready["api_key"], ready["api_secret"]))
    started, done = [0.0], asyncio.Event()

    def look(event: object) -> None:
        if isinstance(event, Reconciled):
            done.set()

    reconcile = comparisons.reconcile

    async def timed(*arguments: Any) -> Any:
        started[0] = time.perf_counter()
        result = await reconcile(*arguments)
        started.append(time.perf_counter())
        return result

    comparisons.reconcile = timed  # type: ignore[assignment]
    engine.bus.subscribe(look)
    running = asyncio.create_task(engine.run())
    try:
        await asyncio.wait_for(done.wait(), 120)
        resting = [o for o in engine.state.working.values() if o.status is OrderStatus.ACCEPTED]
        return started[1] - started[0], len(resting), len(engine.state.fills)
    finally:
        comparisons.reconcile = reconcile
        engine.stop()
        await running


def measure() -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "exchange.sqlite"
        made = an_active_account(state)
        with simulator(seed=7, state=state) as ready:
            seconds, resting, fills = asyncio.run(_compare(ready, Path(folder) / "data"))
    if resting < OPEN_ORDERS or fills < made:
        raise RuntimeError(f"{resting} open orders and {fills} of {made} fills are known: the figure would be void")
    return [
        {
            "name": f"comparing with the venue: {OPEN_ORDERS} open orders, {made:,} fills, none known",
            "value": seconds,
            "unit": "s",
            "better": "lower",
            "versus": None,
            "versus_value": None,
            "ratio": None,
            "goal": f"<= {GOAL_S:.0f} s",
            "ok": seconds <= GOAL_S,
        }
    ]


if __name__ == "__main__":
    print(measure())
