"""A scripted node whose market moves at every frame, for looking at the screen and for measuring it."""

from __future__ import annotations

import time

from scripted_day import connect, trade_a_while
from scripted_market import SIM, list_market
from scripted_node import ScriptedNode, demo_profile

from octopus_desktop.model.events import (
    BookChanged,
    CandleChanged,
    Event,
    QuoteChanged,
    TickerChanged,
    VenueMeasured,
)
from octopus_desktop.model.identifiers import InstrumentId, Interval
from octopus_desktop.model.orders import Side
from octopus_desktop.model.profile import Mode
from tests.printed import printed


class LivelyNode(ScriptedNode):
    """The same, with a market that moves at every frame, by the real clock; for looking at the screen."""

    def take_frame(self) -> list[Event]:
        self.now_ns = time.time_ns()
        for name, market in list(self.state.markets.items()):
            instrument = self.state.instruments[name]
            if self._random.random() < 0.25:
                self._move(name, market.last_price or 1.0, float(instrument.tick_size), instrument.price_precision)
        if self._random.random() < 0.02:
            rate = 780 + 120 * self._random.random()
            self.emit(VenueMeasured(SIM, 11 + self._random.random() * 4, 3.2, 61, 6000, rate, 0, self.now_ns))
        return super().take_frame()

    def _move(self, name: InstrumentId, last: float, tick: float, precision: int) -> None:
        rng, now, market = self._random, self.now_ns, self.state.market(name)
        touch = market.touch
        if touch is None:
            return
        buy = rng.random() < 0.5
        price = touch[1] if buy else touch[0]
        self._number += 1
        quantity = round(rng.lognormvariate(-3, 1.4) * 67000 / last, 5)
        self.emit(
            printed(name, price, quantity, Side.BUY if buy else Side.SELL, self._number + 20_000, now, now + 10**6)
        )
        side = market.book.asks if buy else market.book.bids
        other = market.book.bids if buy else market.book.asks
        changes, behind = [(price, 0.0)], []
        if rng.random() < 0.7:
            changes = [(price, round(rng.lognormvariate(-1.2, 1.1) * 67000 / last, 5))]
        else:
            step = tick if buy else -tick
            inner = (other.prices[-1] if buy else other.prices[0]) + step
            behind = [(round(inner, precision), round(rng.lognormvariate(-1.2, 1.1) * 67000 / last, 5))]
        deep = rng.choice(side.prices[:30] if buy else side.prices[-30:])
        if deep != price:
            changes.append((deep, round(rng.lognormvariate(-1.2, 1.1) * 67000 / last, 5)))
        if market.book.last_id and behind and (behind[0][0] in side.quantities):
            behind = []
        bids, asks = (behind, changes) if buy else (changes, behind)
        self.emit(BookChanged(name, bids, asks, market.book.last_id + 1, now, now))
        bid, ask = market.book.best_bid, market.book.best_ask
        assert bid is not None
        assert ask is not None
        self.emit(QuoteChanged(name, *bid, *ask, now, now))
        ticker = market.ticker
        assert ticker is not None
        self.emit(
            TickerChanged(
                name,
                price,
                ticker.change + (price / last - 1),
                ticker.high,
                ticker.low,
                ticker.volume,
                ticker.quote_volume,
                now,
            )
        )
        for interval in (Interval.M1,):
            opened = now // interval.ns * interval.ns
            old = market.candles.get(interval)
            if old is None or old.open_ns != opened:
                self.emit(CandleChanged(name, interval, opened, price, price, price, price, quantity, False))
            else:
                high, low = max(old.high, price), min(old.low, price)
                self.emit(
                    CandleChanged(name, interval, opened, old.open, high, low, price, old.volume + quantity, False)
                )


def lively_session(mode: Mode = Mode.DEMO, settings: dict[str, str] | None = None) -> LivelyNode:
    """A trading day that goes on, ending now."""
    node = LivelyNode(demo_profile(mode), settings)
    node.now_ns = time.time_ns() - 150_000_000_000
    list_market(node)
    connect(node)
    trade_a_while(node)
    return node
