"""The market of the scripted node: eight instruments, their books and prints, and candles that are a walk."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from octopus_desktop.model.events import BookReset, InstrumentListed, QuoteChanged, TickerChanged
from octopus_desktop.model.identifiers import InstrumentId, Venue, instrument_id
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.market import Candles
from octopus_desktop.model.orders import Side
from octopus_desktop.model.queries import CandlesQuery
from tests.printed import printed

if TYPE_CHECKING:
    from scripted_node import ScriptedNode

SIM = Venue("SIM")
BTC, ETH, SOL = (instrument_id(f"{base}USDT", SIM) for base in ("BTC", "ETH", "SOL"))
START_NS = 1_760_000_000_000_000_000

_LISTING = (
    # symbol, last, tick, lot, change, daily volume in base
    ("BTCUSDT", 67412.30, "0.01", "0.00001", 0.0184, 21_480.0),
    ("ETHUSDT", 3481.12, "0.01", "0.0001", -0.0062, 310_204.0),
    ("SOLUSDT", 171.43, "0.01", "0.001", 0.0341, 4_120_880.0),
    ("BNBUSDT", 592.80, "0.01", "0.001", 0.0021, 182_100.0),
    ("XRPUSDT", 0.5214, "0.0001", "1", -0.0118, 302_551_000.0),
    ("DOGEUSDT", 0.12345, "0.00001", "1", 0.0512, 1_204_300_000.0),
    ("ADAUSDT", 0.4471, "0.0001", "0.1", -0.0205, 98_400_000.0),
    ("LINKUSDT", 14.27, "0.01", "0.01", 0.0077, 5_310_000.0),
)


def candle_walk(query: CandlesQuery, last: float, now_ns: int) -> Candles:
    """A walk that ends at the last price; the same query has the same answer."""
    end_ns = query.end_ns if query.end_ns is not None else now_ns + 1
    last_open = (end_ns - 1) // query.interval.ns * query.interval.ns
    opens = np.arange(query.limit, dtype=np.int64)[::-1] * -query.interval.ns + last_open
    noise = np.random.default_rng((int(opens[-1]) + sum(query.instrument_id.encode()) * 7919) % 2**32)
    volatility = 0.0006 * math.sqrt(query.interval.ns / 60e9)
    calm = np.exp(0.5 * np.convolve(noise.standard_normal(query.limit + 40), np.ones(40) / 6, "valid")[: query.limit])
    steps = noise.standard_t(5, query.limit) * volatility * calm
    closes = last * np.exp(np.cumsum(steps) - np.sum(steps))
    first = np.concatenate([closes[:1], closes[:-1]])
    reach = np.abs(noise.standard_normal((2, query.limit))) * volatility * calm * 0.6
    high = np.maximum(first, closes) * (1 + reach[0])
    low = np.minimum(first, closes) * (1 - reach[1])
    volume = np.exp(noise.standard_normal(query.limit) * 0.5) * calm * (1 + np.abs(steps) / volatility) * 12
    return Candles(query.instrument_id, query.interval, opens, first, high, low, closes, volume)


def list_market(node: ScriptedNode) -> None:
    """Eight instruments, their tickers, quotes, books of 500 levels a side, and recent trades."""
    for symbol, last, tick, lot, change, volume in _LISTING:
        name = instrument_id(symbol, SIM)
        instrument = Instrument(
            name,
            SIM,
            symbol,
            symbol.removesuffix("USDT"),
            "USDT",
            InstrumentKind.SPOT,
            Decimal(tick),
            Decimal(lot),
            Decimal(lot),
            Decimal(9000),
            Decimal(10),
        )
        node.emit(InstrumentListed(name, instrument))
        node.emit(TickerChanged(name, last, change, last * 1.021, last * 0.974, volume, volume * last, node.now_ns))
        set_book(node, name, last, float(tick))
        step = float(tick)
        for number in range(60):
            side = Side.BUY if node._random.random() < 0.55 else Side.SELL
            price = round(last + step * node._random.randint(-3, 3), 8)
            quantity = round(node._random.lognormvariate(-3, 1.4) * 67000 / last, 5)
            ts = node.now_ns - (60 - number) * 210_000_000
            node.emit(printed(name, price, quantity, side, 10_000 + number, ts, ts + 4_000_000))


def set_book(node: ScriptedNode, name: InstrumentId, last: float, tick: float, levels: int = 500) -> None:
    noise = random.Random(11)
    scale = 67_000 / last

    def side(sign: int) -> list[tuple[float, float]]:
        at, out = last + sign * tick, []
        for _ in range(levels):
            out.append((round(at, 8), round(noise.lognormvariate(-1.2, 1.1) * scale, 5)))
            at += sign * tick * noise.choice((1, 1, 1, 2, 3))
        return out

    bids, asks = side(-1), side(1)
    node.emit(BookReset(name, bids, asks, 1, node.now_ns, node.now_ns))
    node.emit(QuoteChanged(name, *bids[0], *asks[0], node.now_ns, node.now_ns))
