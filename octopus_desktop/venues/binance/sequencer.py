"""One instrument's book kept whole: a snapshot, and every change after it, in order, once.

One rule serves both products. An update holds the new totals of every price that changed after update `before` and
up to update `u`; spot says `before` as `U - 1`, futures as `pu`.

* `u` at or below the book's id: old or told twice, dropped.
* `before` at the book's id: the next one. Below it: the first after a snapshot, which covers what the snapshot has
  and more; totals, not differences, so applying it is sound.
* `before` above the book's id: something was missed. The book is broken until a new snapshot.

Sources: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams (how to manage a local order
book correctly) and the same chapter of the USD-M documentation. Where the futures' rule asks for `U <= lastUpdateId`
on the first update, `pu <= lastUpdateId` says the same and also fits an update that starts right behind the snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from octopus_desktop.model.events import BookBroken, BookChanged, BookReset
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.venues.binance.messages import MS, DepthFrame, DepthSnapshot, DepthUpdate, Levels

KEPT_UPDATES: Final = 5_000
_NO_BOOK: Final = -2


class BookSequencer:
    """`want_snapshot` is called when one is needed; whoever is called gets it and hands it to `snapshot`."""

    __slots__ = ("_instrument_id", "_last", "_pending", "_publish", "_want_snapshot", "gaps")

    def __init__(
        self,
        instrument_id: InstrumentId,
        publish: Callable[[BookReset | BookChanged | BookBroken], None],
        want_snapshot: Callable[[], None],
    ) -> None:
        self._instrument_id = instrument_id
        self._publish = publish
        self._want_snapshot = want_snapshot
        self._last = _NO_BOOK
        self._pending: list[tuple[DepthUpdate, int]] = []
        self.gaps = 0

    @property
    def is_live(self) -> bool:
        return self._last != _NO_BOOK

    @property
    def mark(self) -> int:
        """Changes with every update that was not a repeat."""
        return self._last + len(self._pending) + self.gaps

    @property
    def last_id(self) -> int:
        return self._last

    def take(self, frames: Iterable[DepthFrame], ts_received_ns: int) -> None:
        """Updates that came together. Those that follow on each other are told as one change, also when decoding a
        later one fails.
        """
        last = self._last
        told: DepthUpdate | None = None
        bids: Levels = []
        asks: Levels = []
        try:
            for frame in frames:
                message = frame.data
                before = message.pu
                if before is None:
                    before = message.U - 1
                if before == last:
                    last = message.u
                    if told is None:
                        bids, asks = message.b, message.a
                    else:
                        bids += message.b
                        asks += message.a
                    told = message
                else:
                    self._last = last
                    if told is not None:
                        self._tell(bids, asks, told, ts_received_ns)
                        told = None
                    self._out_of_line(message, before, ts_received_ns)
                    last = self._last
        finally:
            self._last = last
            if told is not None:
                self._tell(bids, asks, told, ts_received_ns)

    def _tell(self, bids: Levels, asks: Levels, last: DepthUpdate, ts_received_ns: int) -> None:
        self._publish(BookChanged(self._instrument_id, bids, asks, last.u, last.E * MS, ts_received_ns))

    def snapshot(self, message: DepthSnapshot, ts_venue_ns: int, ts_received_ns: int) -> bool:
        """Starts the book over. False where the snapshot is older than what was missed: ask again, a little later."""
        last = message.last_update_id
        rest = sorted((kept for kept in self._pending if kept[0].u > last), key=lambda kept: kept[0].u)
        if rest:
            first = rest[0][0]
            if (first.pu if first.pu is not None else first.U - 1) > last:
                return False
        self._pending = []
        self._last = last
        self._publish(
            BookReset(
                self._instrument_id,
                message.bids,
                message.asks,
                last,
                message.E * MS or ts_venue_ns,
                ts_received_ns,
            )
        )
        for update, received in rest:
            self.take((DepthFrame(update),), received)
        return True

    def broken(self, reason: str, ts_ns: int) -> None:
        """The link went, or something showed that updates are missing."""
        if self.is_live:
            self._last = _NO_BOOK
            self._publish(BookBroken(self._instrument_id, reason, ts_ns))
        self._pending = []

    def _out_of_line(self, message: DepthUpdate, before: int, ts_received_ns: int) -> None:
        if self._last == _NO_BOOK:
            self._keep(message, ts_received_ns)
        elif message.u <= self._last:
            return
        elif before < self._last:
            self._last = message.u
            self._tell(message.b, message.a, message, ts_received_ns)
        else:
            self.gaps += 1
            last = self._last
            self.broken(f"updates {last + 1} to {before} are missing", ts_received_ns)
            self._keep(message, ts_received_ns)
            self._want_snapshot()

    def _keep(self, message: DepthUpdate, ts_received_ns: int) -> None:
        self._pending.append((message, ts_received_ns))
        if len(self._pending) > KEPT_UPDATES:
            del self._pending[: KEPT_UPDATES // 2]
