"""Candle history: what is kept, completed by what the venue has."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import numpy as np

from octopus_desktop.model.errors import StorageError, VenueError, VenueUnavailable
from octopus_desktop.model.market import Candles
from octopus_desktop.model.queries import CandlesQuery
from octopus_desktop.ports import Clock, MarketDataClient, Repository

logger = logging.getLogger(__name__)

WAITS_S: Final = 5.0
"""The venue lists its instruments while it is being connected: who asks at once gets an answer once it is."""


class CandleHistory:
    """Answers CandlesQuery. Closed candles that the venue gave are kept; the forming one never is."""

    def __init__(self, repository: Repository, clock: Clock, *, waits_s: float = WAITS_S) -> None:
        self._repository = repository
        self._clock = clock
        self._waits_s = waits_s
        self._client: MarketDataClient | None = None
        self._connected = asyncio.Event()

    def connect(self, client: MarketDataClient) -> None:
        self._client = client
        self._connected.set()

    async def answer(self, query: CandlesQuery) -> Candles:
        """Raises VenueError only where nothing at all is known; older candles are better than none."""
        kept = await self._kept(query)
        if query.kept:
            return kept
        length = query.interval.ns
        now = self._clock.now_ns()
        end = now + 1 if query.end_ns is None else min(query.end_ns, now + 1)
        newest_open = (end - 1) // length * length
        solid = _solid_tail(kept, length)
        missing = (newest_open - int(solid.open_ns[-1])) // length if len(solid) else query.limit
        wanted = missing if len(solid) + missing >= query.limit else query.limit
        if wanted <= 0:
            return solid.tail(query.limit)
        client = await self._venue()
        if client is None:
            if not len(kept):
                raise VenueUnavailable("There is no connection to the venue yet.")
            return kept
        try:
            fresh = await client.candles(query.instrument_id, query.interval, wanted, query.end_ns)
        except VenueError as error:
            if not len(kept):
                raise
            logger.warning("candles of %s: %s; showing what is kept", query.instrument_id, error)
            return kept
        closed = fresh.before(now // length * length)
        if len(closed):
            self._repository.record_candles(closed)
        return solid.joined(fresh).tail(query.limit) if wanted < query.limit else fresh

    async def _venue(self) -> MarketDataClient | None:
        if self._client is None:
            try:
                await asyncio.wait_for(self._connected.wait(), self._waits_s)
            except TimeoutError:
                logger.info("candles are answered from what is kept: the venue is not connected")
        return self._client

    async def _kept(self, query: CandlesQuery) -> Candles:
        try:
            return await self._repository.candles(query.instrument_id, query.interval, query.limit, query.end_ns)
        except StorageError as error:
            logger.error("candles of %s cannot be read: %s", query.instrument_id, error)
            return Candles.empty(query.instrument_id, query.interval)


def _solid_tail(candles: Candles, length: int) -> Candles:
    """The newest stretch without a hole."""
    if len(candles) < 2:
        return candles
    holes = np.flatnonzero(np.diff(candles.open_ns) != length)
    return candles.tail(len(candles) - int(holes[-1]) - 1) if len(holes) else candles
