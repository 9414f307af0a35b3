"""Public trades, whole: what was missed is asked for before anything after it is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from octopus_desktop.model.errors import MessageError, VenueError
from octopus_desktop.model.events import Channel, TradesPrinted
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.market import Trade
from octopus_desktop.venues.binance.feeds.feed import Feed, Surroundings
from octopus_desktop.venues.binance.messages import AggTrade, AggTradeFrame

logger = logging.getLogger(__name__)

TRADES_PAGE: Final = 1000
MOST_PAGES: Final = 20
"""Of missed trades asked for after an outage; what is older is for the history to show."""
_NONE: Final = -2
"""Instead of the last trade's number, where there is none or it is being asked for what is missing."""
_decode_trade: Final = msgspec.json.Decoder(AggTradeFrame, strict=False).decode


class TradeFeed(Feed):
    """Aggregate trades: their ids rise by one, so a hole shows at once and is filled by id before anything after it."""

    channel = Channel.TRADES
    quiet_factor = 40.0
    quiet_least_s = 15.0

    __slots__ = ("_filling", "_known", "_last", "_pending")

    def __init__(self, around: Surroundings, instrument_id: InstrumentId) -> None:
        super().__init__(around, instrument_id, "aggTrade")
        self._last = _NONE
        self._known = -1
        self._filling = False
        self._pending: list[AggTrade] = []

    def take(self, payloads: Iterator[bytes], ts_received_ns: int) -> None:
        came: list[Trade] = []
        last = self._last
        try:
            for frame in map(_decode_trade, payloads):
                trade = frame.data
                number = trade.trade_id
                if number - last == 1:  # compared so, no number is made that has to be thrown away
                    last = number
                    came.append(trade)
                elif self._filling:
                    self._pending.append(trade)
                elif last == _NONE:
                    last = number
                    came.append(trade)
                elif number > last:
                    self._pending.append(trade)
                    self._last = last
                    self._start_filling()
                    last = self._last
        finally:
            self._last = last
            if came:
                self._publish(TradesPrinted(self.instrument_id, came, ts_received_ns))

    @property
    def mark(self) -> int:
        return self._last + len(self._pending)

    def opened(self) -> None:
        if self._known >= 0 or self._last != _NONE:
            self._start_filling()
        else:
            self.recovered()

    async def missed_something(self) -> bool:
        rows = await self._ask({"limit": 1})
        return bool(rows) and rows[-1].trade_id > self._last

    def _start_filling(self) -> None:
        if not self._filling:
            self._filling = True
            if self._last != _NONE:
                self._known = self._last
            self._last = _NONE
            self._spawn(self._fill(), "fill")

    async def _fill(self) -> None:
        first = self._known + 1
        try:
            for _ in range(MOST_PAGES):
                rows = await self._ask({"fromId": first, "limit": TRADES_PAGE})
                first = self._tell_from(first, rows)
                if len(rows) < TRADES_PAGE:
                    break
            if first == self._known + 1 and await self._numbers_started_over():
                first = 0
        except (VenueError, MessageError) as error:
            logger.warning("%s: trades after %d could not be had: %s", self.stream, first - 1, error)
        finally:
            self._filling = False
            pending, self._pending = self._pending, []
            self._last = self._tell_from(first, sorted(pending, key=lambda trade: trade.trade_id)) - 1
        self.recovered()

    def _tell_from(self, first: int, trades: Iterable[AggTrade]) -> int:
        """Those of `trades`, in order, that were not told yet; the number after the last."""
        fresh: list[Trade] = []
        for trade in trades:
            if trade.trade_id >= first:
                first = trade.trade_id + 1
                fresh.append(trade)
        if fresh:
            self._publish(TradesPrinted(self.instrument_id, fresh, time.time_ns()))
        return first

    async def _numbers_started_over(self) -> bool:
        """A test venue that was reset counts from one again; waiting for the old number would be waiting forever."""
        rows = await self._ask({"limit": 1})
        return bool(rows) and rows[-1].trade_id < self._known

    async def _ask(self, params: dict[str, object]) -> list[AggTrade]:
        weight = self._around.product.trades_weight
        return await self._around.rest.get(
            "aggTrades", list[AggTrade], {"symbol": self.symbol, **params}, weight=weight
        )
