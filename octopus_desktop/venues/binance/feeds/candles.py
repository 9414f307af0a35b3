"""Candles of one timeframe."""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from octopus_desktop.model.errors import MessageError, VenueError
from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import InstrumentId, Interval
from octopus_desktop.venues.binance import parse
from octopus_desktop.venues.binance.feeds.feed import Feed, Surroundings
from octopus_desktop.venues.binance.messages import MS, KlineFrame, RestKline

logger = logging.getLogger(__name__)
_decode_kline: Final = msgspec.json.Decoder(KlineFrame, strict=False).decode


class CandleFeed(Feed):
    channel = Channel.CANDLES

    __slots__ = ("_count", "_interval", "_last_open_ns", "interval")

    def __init__(self, around: Surroundings, instrument_id: InstrumentId, interval: Interval) -> None:
        super().__init__(around, instrument_id, f"kline_{interval.value}")
        self.interval = self._interval = interval
        self._last_open_ns = 0
        self._count = 0

    @property
    def mark(self) -> int:
        return self._count

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        event = parse.candle(self.instrument_id, self._interval, _decode_kline(payload).data)
        self._count += 1
        if event.open_ns < self._last_open_ns:
            return
        self._last_open_ns = event.open_ns
        self._publish(event)
        if self._stale:
            self.recovered()

    async def _fill(self) -> None:
        """The candles since the last one that was seen."""
        if self._last_open_ns:
            params = {
                "symbol": self.symbol,
                "interval": self._interval.value,
                "startTime": self._last_open_ns // MS,
                "limit": self._around.product.candles_limit,
            }
            weight = self._around.product.candles_weight
            try:
                rows = await self._around.rest.get("klines", list[RestKline], params, weight=weight)
            except (VenueError, MessageError) as error:
                logger.warning("%s: candles of the outage could not be had: %s", self.stream, error)
            else:
                now_ns = self._around.rest.host.clock.now_ns()
                for row in rows:
                    event = parse.rest_candle(self.instrument_id, self._interval, row, now_ns)
                    if event.open_ns >= self._last_open_ns:
                        self._last_open_ns = event.open_ns
                        self._publish(event)
        self.recovered()
