"""Public trades, whole: what was missed is asked for before anything after it is told."""

from __future__ import annotations

import logging
import time
from typing import Final

import msgspec

from octopus_desktop.model.errors import MessageError, VenueError
from octopus_desktop.model.events import Channel, TradePrinted
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.orders import Side
from octopus_desktop.venues.binance import parse
from octopus_desktop.venues.binance.feeds.feed import Feed, Surroundings
from octopus_desktop.venues.binance.messages import (
    AggTrade,
    AggTradeFrame,
    RestAggTrade,
)
from octopus_desktop.venues.binance.parse import MS

logger = logging.getLogger(__name__)

TRADES_PAGE: Final = 1000
MOST_PAGES: Final = 20
"""Of missed trades asked for after an outage; what is older is for the history to show."""
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL
_decode_trade: Final = msgspec.json.Decoder(AggTradeFrame, strict=False).decode


class TradeFeed(Feed):
    """Aggregate trades: their ids rise by one, so a hole shows at once and is filled by id before anything after it."""

    channel = Channel.TRADES
    quiet_factor = 40.0
    quiet_least_s = 15.0

    __slots__ = ("_expected", "_filling", "_known", "_pending")

    def __init__(self, around: Surroundings, instrument_id: InstrumentId) -> None:
        super().__init__(around, instrument_id, "aggTrade")
        self._expected = -1
        self._known = -1
        self._filling = False
        self._pending: list[tuple[AggTrade, int]] = []

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        message = _decode_trade(payload).data
        number = message.a
        if number == self._expected:
            self._expected = number + 1
            # parse.trade, written out: a call would be a tenth of the whole way.
            self._publish(
                TradePrinted(
                    self.instrument_id,
                    message.p,
                    message.q,
                    _SELL if message.m else _BUY,
                    number,
                    message.T * MS,
                    ts_received_ns,
                )
            )
        else:
            self._out_of_line(message, ts_received_ns)

    @property
    def mark(self) -> int:
        return self._expected + len(self._pending)

    def opened(self) -> None:
        if self._known >= 0 or self._expected >= 0:
            self._start_filling()
        else:
            self.recovered()

    async def missed_something(self) -> bool:
        rows = await self._ask({"limit": 1})
        return bool(rows) and rows[-1].a >= self._expected

    def _out_of_line(self, message: AggTrade, ts_received_ns: int) -> None:
        if self._filling:
            self._pending.append((message, ts_received_ns))
        elif self._expected < 0:
            self._expected = message.a + 1
            self._publish(parse.trade(self.instrument_id, message, ts_received_ns))
        elif message.a > self._expected:
            self._pending.append((message, ts_received_ns))
            self._start_filling()

    def _start_filling(self) -> None:
        if not self._filling:
            self._filling = True
            if self._expected >= 0:
                self._known = self._expected - 1
            self._expected = -1
            self._spawn(self._fill(), "fill")

    async def _fill(self) -> None:
        first = self._known + 1
        try:
            for _ in range(MOST_PAGES):
                rows = await self._ask({"fromId": first, "limit": TRADES_PAGE})
                now_ns = time.time_ns()
                for row in rows:
                    if row.a >= first:
                        first = row.a + 1
                        self._publish(parse.trade(self.instrument_id, row, now_ns))
                if len(rows) < TRADES_PAGE:
                    break
            if first == self._known + 1 and await self._numbers_started_over():
                first = 0
        except (VenueError, MessageError) as error:
            logger.warning("%s: trades after %d could not be had: %s", self.stream, first - 1, error)
        finally:
            self._filling = False
            pending, self._pending = self._pending, []
            for message, received in sorted(pending, key=lambda kept: kept[0].a):
                if message.a >= first:
                    first = message.a + 1
                    self._publish(parse.trade(self.instrument_id, message, received))
            self._expected = first
        self.recovered()

    async def _numbers_started_over(self) -> bool:
        """A test venue that was reset counts from one again; waiting for the old number would be waiting forever."""
        rows = await self._ask({"limit": 1})
        return bool(rows) and rows[-1].a < self._known

    async def _ask(self, params: dict[str, object]) -> list[RestAggTrade]:
        weight = self._around.product.trades_weight
        return await self._around.rest.get(
            "aggTrades", list[RestAggTrade], {"symbol": self.symbol, **params}, weight=weight
        )
