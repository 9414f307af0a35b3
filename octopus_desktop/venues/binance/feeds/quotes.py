"""Best bid and ask."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from octopus_desktop.model.errors import BreakerOpen, MessageError, RateLimited, VenueError
from octopus_desktop.model.events import Channel, QuoteChanged
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.net.backoff import Backoff
from octopus_desktop.venues.binance import parse
from octopus_desktop.venues.binance.feeds.feed import ON_ITS_WAY_S, SOON_S, Feed, Surroundings
from octopus_desktop.venues.binance.messages import MS, BookTicker, BookTickerFrame, RestQuote

logger = logging.getLogger(__name__)

_decode_quote: Final = msgspec.json.Decoder(BookTickerFrame, strict=False).decode
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 15.0


class QuoteFeed(Feed):
    channel = Channel.QUOTES
    quiet_factor = 10.0
    quiet_least_s = 2.0

    __slots__ = ("_clock", "_event", "_filling", "_last_id")

    def __init__(self, around: Surroundings, instrument_id: InstrumentId) -> None:
        super().__init__(around, instrument_id, "bookTicker")
        self._clock = around.rest.host.clock
        self._event: QuoteChanged | None = None
        self._filling: asyncio.Task[None] | None = None
        self._last_id = 0

    def take(self, payloads: Iterator[bytes], ts_received_ns: int) -> None:
        last: BookTicker | None = None
        last_id = self._last_id
        try:
            for frame in map(_decode_quote, payloads):
                message = frame.data
                if message.u > last_id:
                    last_id = message.u
                    last = message
        finally:
            if last is not None:
                self._last_id = last_id
                self._tell(last, ts_received_ns)

    def _tell(self, message: BookTicker, ts_received_ns: int) -> None:
        event = self._event = QuoteChanged(
            self.instrument_id,
            message.b,
            message.B,
            message.a,
            message.A,
            # Spot sends no time with a quote: ours, moved by the measured offset, is the nearest there is.
            message.T * MS or ts_received_ns + self._clock.offset_ns,
            ts_received_ns,
        )
        self._publish(event)
        if self._stale:
            self.recovered()

    @property
    def mark(self) -> int:
        return self._last_id

    def opened(self) -> None:
        self._last_id = 0
        self._fill_no_longer()
        self._filling = self._spawn(self._fill(), "fill")

    def lost(self, reason: str) -> None:
        self._fill_no_longer()
        super().lost(reason)

    def close(self) -> None:
        """What was told last is no price for whoever comes back to it later: nobody bids any more, and nobody asks."""
        self._fill_no_longer()
        if self._event is not None:
            now_ns = time.time_ns()
            at_venue = now_ns + self._clock.offset_ns
            self._event = None
            self._publish(QuoteChanged(self.instrument_id, 0.0, 0.0, 0.0, 0.0, at_venue, now_ns))
        super().close()

    def _fill_no_longer(self) -> None:
        if self._filling is not None:
            self._filling.cancel()
            self._filling = None

    async def missed_something(self) -> bool:
        before, known = self._last_id, self._event
        asked = await self._ask()
        await asyncio.sleep(ON_ITS_WAY_S)
        return self._last_id == before and (
            known is None
            or (asked.bidPrice, asked.bidQty, asked.askPrice, asked.askQty)
            != (known.bid, known.bid_quantity, known.ask, known.ask_quantity)
        )

    async def _fill(self) -> None:
        """The quote of now: a thin instrument may not send one for minutes. Asked for until the stream or the venue
        tells one."""
        before = self.mark
        backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        wait_s = SOON_S
        while True:
            await asyncio.sleep(wait_s)
            if self.mark != before:
                break
            try:
                asked = await self._ask()
            except (VenueError, MessageError) as error:
                logger.info("%s: the quote of now could not be had: %s", self.stream, error)
                if isinstance(error, VenueError) and not error.retryable:
                    break
                wait_s = SOON_S + backoff.next_s()
                if isinstance(error, RateLimited | BreakerOpen):
                    wait_s = max(wait_s, error.retry_after_s)
                continue
            if self.mark == before:
                now_ns = time.time_ns()
                at_venue = now_ns + self._clock.offset_ns
                self._event = parse.rest_quote(self.instrument_id, asked, at_venue, now_ns)
                self._publish(self._event)
            break
        self.recovered()

    async def _ask(self) -> RestQuote:
        weight = self._around.product.quote_weight
        return await self._around.rest.get("ticker/bookTicker", RestQuote, {"symbol": self.symbol}, weight=weight)
