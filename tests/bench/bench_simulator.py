"""The embedded exchange: matching speed in process, and what the process costs while nobody hurries it."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from pathlib import Path
from random import Random
from typing import Any

from octopus_desktop.simulator.book import Book, Resting
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.units import SECOND_NS
from tests.simulator_process import simulator

_ORDERS = 300_000
_WATCH_S = 20.0
_STREAMS = (
    "btcusdt@depth@100ms/btcusdt@aggTrade/btcusdt@trade/btcusdt@bookTicker/"
    "ethusdt@depth@100ms/ethusdt@aggTrade/ethusdt@trade/ethusdt@bookTicker/!miniTicker@arr"
)


def _row(name: str, value: float, unit: str, better: str, goal: str, ok: bool) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "better": better,
        "versus": None,
        "versus_value": None,
        "ratio": None,
        "goal": goal,
        "ok": ok,
    }


def _orders_per_second() -> float:
    """Half of what comes rests, a third is canceled, the rest takes; prices within 200 ticks of the middle."""
    random = Random(7)
    plan = []
    for number in range(_ORDERS):
        draw = random.random()
        is_buy = random.random() < 0.5
        away = int(random.expovariate(1 / 40)) + 1
        price = 10_000 - away if is_buy else 10_000 + away
        plan.append((draw, number, is_buy, price, random.randrange(1, 100), random.random()))
    book = Book()
    alive: list[Resting] = []
    begun = time.perf_counter()
    for draw, number, is_buy, price, quantity, pick in plan:
        if draw < 0.5 or not alive:
            order = Resting(number, 0, is_buy, price, quantity)
            book.add(order)
            alive.append(order)
        elif draw < 0.83:
            at = int(pick * len(alive))
            order, alive[at] = alive[at], alive[-1]
            alive.pop()
            book.cancel(order)
        else:
            book.take(is_buy, quantity, 10_060 if is_buy else 9_940)
    return _ORDERS / (time.perf_counter() - begun)


def _market_seconds_per_second() -> float:
    """How much faster than real time all markets live in process."""
    exchange = Exchange(1, 1_795_244_400 * SECOND_NS)
    exchange.open()
    begun = time.perf_counter()
    exchange.advance(exchange.now_ns + 30 * SECOND_NS)
    return 30 / (time.perf_counter() - begun)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


async def _listen(url: str, seconds: float) -> int:
    import websockets

    frames = 0
    async with websockets.connect(url, compression=None) as socket:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.wait_for(socket.recv(), 10)
            frames += 1
    return frames


def _klines_ms(rest: str) -> float:
    """The slowest interval's time for a thousand candles, the best of three each."""
    slowest = 0.0
    for interval in ("1s", "1m", "5m", "1h", "4h", "1d", "1w"):
        best = 1e9
        for _ in range(3):
            begun = time.perf_counter()
            url = f"{rest}/api/v3/klines?symbol=BTCUSDT&interval={interval}&limit=1000"
            with urllib.request.urlopen(url) as answer:
                answer.read()
            best = min(best, time.perf_counter() - begun)
        slowest = max(slowest, best)
    return slowest * 1e3


def measure() -> list[dict[str, Any]]:
    """Rows for the table of `make bench`."""
    orders = _orders_per_second()
    lived = _market_seconds_per_second()
    with simulator(seed=3) as ready:
        time.sleep(2)
        before = _cpu_s(ready["pid"])
        time.sleep(_WATCH_S)
        alone = (_cpu_s(ready["pid"]) - before) / _WATCH_S * 100
        before = _cpu_s(ready["pid"])
        frames = asyncio.run(_listen(f"{ready['ws']}/stream?streams={_STREAMS}", _WATCH_S))
        watched = (_cpu_s(ready["pid"]) - before) / _WATCH_S * 100
        slowest = _klines_ms(ready["rest"])
    name = f"simulator watched ({frames / _WATCH_S:.0f} frames/s)"
    return [
        _row("matching engine", orders, "orders/s", "higher", ">= 100000", orders >= 100_000),
        _row("market in process", lived, "× real time", "higher", ">= 20", lived >= 20),
        _row("simulator idle, 10 instruments", alone, "% of a core", "lower", "<= 15", alone <= 15),
        _row(name, watched, "% of a core", "lower", "<= 15", watched <= 15),
        _row("1000 candles over REST", slowest, "ms", "lower", "<= 200", slowest <= 200),
    ]
