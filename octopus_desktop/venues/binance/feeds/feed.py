"""What every feed of one channel of one instrument has: frame to event, holes filled, staleness told.

A feed is told `opened` when the venue has confirmed its stream, `quiet` when its link shows no life, `lost` when the
link is gone. It says FeedStale at most once until it has recovered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ClassVar, Final

import msgspec

from octopus_desktop.model.events import Channel, FeedRecovered, FeedStale
from octopus_desktop.model.identifiers import InstrumentId, Interval, symbol_of
from octopus_desktop.ports import Publish
from octopus_desktop.venues.binance.product import Product
from octopus_desktop.venues.binance.rest import Rest

SOON_S: Final = 0.6
"""A lively stream speaks by itself within this time; asking as well would only cost weight."""
ON_ITS_WAY_S: Final = 0.3
"""What the venue already answers with may still be on its way over the stream."""


class Surroundings(msgspec.Struct):
    """What every feed of a client needs of it."""

    publish: Publish
    rest: Rest
    product: Product
    spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]


class Feed:
    """`take` is the hot path; its connection puts what a read of the socket brought into `arrived` before.

    `mark` changes with every good message, and also where what the stream missed is filled in. `heard` counts the reads
    of the socket that brought something new; `last_ns` is about when one last did, kept by whoever looks at it. A clock
    reading kept with each message would cost more.
    """

    channel: ClassVar[Channel]
    quiet_factor: ClassVar[float] = 0.0
    """How many of its usual pauses the stream may be silent before that is looked into; 0: judged by the link alone."""
    quiet_least_s: ClassVar[float] = 3.0
    interval: Interval | None = None

    __slots__ = ("_around", "_publish", "_stale", "arrived", "heard", "instrument_id", "last_ns", "stream", "symbol")

    def __init__(self, around: Surroundings, instrument_id: InstrumentId, suffix: str) -> None:
        self._around = around
        self._publish = around.publish
        self.instrument_id = instrument_id
        self.symbol = symbol_of(instrument_id)
        self.stream = f"{self.symbol.lower()}@{suffix}"
        self.arrived: list[bytes] = []
        self.heard = 0
        self.last_ns = 0
        self._stale = False

    @property
    def is_stale(self) -> bool:
        return self._stale

    def take(self, payloads: Iterator[bytes], ts_received_ns: int) -> None:
        """The frames of one read. Raises msgspec.DecodeError or MessageError for a bad one, when all that is in order
        before it was told; called again it goes on behind it.
        """
        for payload in payloads:
            self.frame(payload, ts_received_ns)

    def frame(self, payload: bytes, ts_received_ns: int) -> None:
        """Where `take` has nothing to do for several at once."""
        raise NotImplementedError

    @property
    def mark(self) -> int:
        raise NotImplementedError

    def opened(self) -> None:
        """The venue confirmed the stream; what was missed before is asked for."""
        self._spawn(self._fill(), "fill")

    def quiet(self, reason: str) -> None:
        if not self._stale:
            self._stale = True
            self._publish(FeedStale(self.instrument_id, self.channel, self.last_ns, reason, self.interval))

    def lost(self, reason: str) -> None:
        self.quiet(reason)

    def recovered(self) -> None:
        if self._stale:
            self._stale = False
            self._publish(FeedRecovered(self.instrument_id, self.channel, self.interval))

    def close(self) -> None:
        """Nobody is subscribed any more: what nobody watches is not stale, and the next watcher begins anew."""
        Feed.recovered(self)

    async def missed_something(self) -> bool:
        """Asks the venue whether the silence is only a calm market. Raises VenueError where it cannot be asked."""
        return True

    async def _fill(self) -> None:
        self.recovered()

    def _spawn(self, work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        return self._around.spawn(work, f"{what} {self.stream}")
