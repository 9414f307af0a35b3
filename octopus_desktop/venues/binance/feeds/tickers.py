"""The day in one line, and the mark price of a perpetual."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import msgspec

from octopus_desktop.model.errors import MessageError, VenueError
from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.venues.binance import parse
from octopus_desktop.venues.binance.feeds.feed import SOON_S, Feed, Surroundings
from octopus_desktop.venues.binance.messages import (
    MarkPriceFrame,
    RestTicker,
    TickerFrame,
)

logger = logging.getLogger(__name__)
_decode_ticker: Final = msgspec.json.Decoder(TickerFrame, strict=False).decode
_decode_mark: Final = msgspec.json.Decoder(MarkPriceFrame, strict=False).decode


class TickerFeed(Feed):
    channel = Channel.TICKER
    quiet_factor = 10.0
    quiet_least_s = 10.0

    __slots__ = ("_count",)

    def __init__(self, around: Surroundings, instrument_id: InstrumentId) -> None:
        super().__init__(around, instrument_id, "ticker")
        self._count = 0

    @property
    def mark(self) -> int:
        return self._count

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        event = parse.ticker(self.instrument_id, _decode_ticker(payload).data)
        self._count += 1
        self._publish(event)

    async def _fill(self) -> None:
        before = self.mark
        await asyncio.sleep(2 * SOON_S)
        if self.mark != before:
            self.recovered()
            return
        weight = self._around.product.ticker_weight
        try:
            asked = await self._around.rest.get("ticker/24hr", RestTicker, {"symbol": self.symbol}, weight=weight)
        except (VenueError, MessageError) as error:
            logger.info("%s: the ticker of now could not be had: %s", self.stream, error)
        else:
            if self.mark == before:
                self._publish(parse.rest_ticker(self.instrument_id, asked))
        self.recovered()


class MarkPriceFeed(Feed):
    """Sent once a second whatever happens."""

    channel = Channel.MARK_PRICE
    quiet_factor = 3.0

    __slots__ = ("_count",)

    def __init__(self, around: Surroundings, instrument_id: InstrumentId) -> None:
        super().__init__(around, instrument_id, "markPrice@1s")
        self._count = 0

    @property
    def mark(self) -> int:
        return self._count

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        event = parse.mark_price(self.instrument_id, _decode_mark(payload).data)
        self._count += 1
        self._publish(event)
        if self._stale:
            self.recovered()

    def opened(self) -> None:
        """Recovered with the first message, at most a second away."""
