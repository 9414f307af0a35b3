"""The order book: snapshots asked for, changes handed to the sequencer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from octopus_desktop.model.errors import MessageError, RateLimited, VenueError
from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.net.backoff import Backoff
from octopus_desktop.venues.binance.feeds.feed import ON_ITS_WAY_S, SOON_S, Feed, Surroundings
from octopus_desktop.venues.binance.messages import (
    DepthFrame,
    DepthSnapshot,
)
from octopus_desktop.venues.binance.sequencer import BookSequencer

logger = logging.getLogger(__name__)

NEAR_LEVELS: Final = 100
"""A side of the book, where request weight is scarce."""
TELL_AFTER: Final = 3
"""Failed snapshots before the log calls it a warning: one refused request is everyday."""
_decode_depth: Final = msgspec.json.Decoder(DepthFrame, strict=False).decode


class BookFeed(Feed):
    channel = Channel.BOOK
    quiet_factor = 10.0
    quiet_least_s = 2.0

    __slots__ = ("_backoff", "_closed", "_fetching", "_sequencer", "_wanted")

    def __init__(self, around: Surroundings, instrument_id: InstrumentId) -> None:
        super().__init__(around, instrument_id, "depth@100ms")
        self._sequencer = BookSequencer(instrument_id, around.publish, self._want_snapshot)
        self._backoff = Backoff(0.5, 15.0)
        self._wanted = False
        self._closed = False
        self._fetching: asyncio.Task[None] | None = None

    @property
    def mark(self) -> int:
        return self._sequencer.mark

    def take(self, payloads: Iterator[bytes], ts_received_ns: int) -> None:
        self._sequencer.take(map(_decode_depth, payloads), ts_received_ns)

    def opened(self) -> None:
        if self._sequencer.is_live:
            self._sequencer.broken("subscribed anew", time.time_ns())
        self._want_snapshot()

    def lost(self, reason: str) -> None:
        super().lost(reason)
        self._sequencer.broken(reason, time.time_ns())

    def recovered(self) -> None:
        if self._sequencer.is_live:
            super().recovered()

    def close(self) -> None:
        super().close()
        self._closed = True
        if self._fetching is not None:
            self._fetching.cancel()

    async def missed_something(self) -> bool:
        before = self.mark
        top = await self._ask(5)
        await asyncio.sleep(ON_ITS_WAY_S)
        return self.mark == before and top.last_update_id > self._sequencer.last_id

    def _want_snapshot(self) -> None:
        self._wanted = True
        if self._fetching is None and not self._closed:
            self._fetching = self._spawn(self._fetch(), "snapshot")

    async def _fetch(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                wait_s = await self._one_snapshot()
                if wait_s is None:
                    self._backoff.reset()
                else:
                    self._wanted = True
                    await asyncio.sleep(wait_s)
        finally:
            self._fetching = None
        self.recovered()

    async def _one_snapshot(self) -> float | None:
        """None: the book is whole again. Otherwise the seconds until asking again may help."""
        product, budget = self._around.product, self._around.rest.host.budget
        whole = product.depth_limit
        # Many gaps at once would spend the minute on deep books, and leave some with none: then a near one is better.
        scarce = budget.used + product.depth_weight(whole) > budget.limit // 2
        try:
            asked = await self._ask(NEAR_LEVELS if scarce else whole)
        except (VenueError, MessageError) as error:
            level = logging.WARNING if self._backoff.attempts == TELL_AFTER else logging.INFO
            logger.log(level, "%s: no snapshot of the book yet: %s", self.stream, error)
            wait_s = SOON_S / 6 + self._backoff.next_s()
            return max(wait_s, error.retry_after_s) if isinstance(error, RateLimited) else wait_s
        now_ns = time.time_ns()
        at_venue = now_ns + self._around.rest.host.clock.offset_ns
        if self._sequencer.snapshot(asked, at_venue, now_ns):
            return None
        return SOON_S / 6 + self._backoff.next_s()

    async def _ask(self, limit: int) -> DepthSnapshot:
        weight = self._around.product.depth_weight(limit)
        params = {"symbol": self.symbol, "limit": limit}
        return await self._around.rest.get("depth", DepthSnapshot, params, weight=weight, attempts=1)
