"""Gathers what happened between two display frames, so that the message rate never sets the paint rate."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Final

from octopus_desktop.model.events import (
    BookChanged,
    BookReset,
    CandleChanged,
    Event,
    MarkPriceChanged,
    QuoteChanged,
    TickerChanged,
    TradesPrinted,
    VenueMeasured,
)
from octopus_desktop.model.identifiers import InstrumentId

KEPT_TRADES: Final = 200_000
"""What a screen that stopped asking (a laptop asleep, a window dragged) may miss out on: the oldest trades."""


class _MergedBook:
    """The changes of one book since the last frame as one change."""

    __slots__ = ("asks", "bids", "last_id", "ts_received_ns", "ts_venue_ns")

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        self.last_id = 0
        self.ts_venue_ns = 0
        self.ts_received_ns = 0

    def event(self, instrument_id: InstrumentId) -> BookChanged:
        bids, asks = list(self.bids.items()), list(self.asks.items())
        return BookChanged(instrument_id, bids, asks, self.last_id, self.ts_venue_ns, self.ts_received_ns)


class FrameBuffer:
    """`put` on the node's thread, `take` on the screen's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.dropped_trades = 0
        self._reset()

    def _reset(self) -> None:
        self._ordered: list[Event] = []
        self._trades: deque[TradesPrinted] = deque()
        self._held_trades = 0
        self._latest: dict[Any, Event] = {}
        self._books: dict[InstrumentId, _MergedBook] = {}

    def put(self, event: Event) -> None:
        kind = type(event)
        with self._lock:
            if kind is TradesPrinted:
                self._keep(event)  # type: ignore[arg-type]  # `kind is` does not narrow
            elif kind is BookChanged:
                self._merge(event)  # type: ignore[arg-type]  # the same
            elif kind is QuoteChanged or kind is TickerChanged or kind is MarkPriceChanged:
                self._latest[kind, event.instrument_id] = event  # type: ignore[union-attr]  # the same
            elif kind is CandleChanged:
                assert isinstance(event, CandleChanged)
                self._latest[kind, event.instrument_id, event.interval, event.open_ns] = event
            elif kind is VenueMeasured:
                assert isinstance(event, VenueMeasured)
                self._latest[kind, event.venue] = event
            elif kind is BookReset:
                assert isinstance(event, BookReset)
                # In its place among the ordered events, behind the BookBroken it mends; older changes are void.
                self._books.pop(event.instrument_id, None)
                self._ordered.append(event)
            else:
                self._ordered.append(event)

    def _keep(self, event: TradesPrinted) -> None:
        self._trades.append(event)
        self._held_trades += len(event.trades)
        while self._held_trades > KEPT_TRADES and len(self._trades) > 1:
            dropped = len(self._trades.popleft().trades)
            self._held_trades -= dropped
            self.dropped_trades += dropped

    def _merge(self, event: BookChanged) -> None:
        merged = self._books.get(event.instrument_id)
        if merged is None:
            merged = self._books[event.instrument_id] = _MergedBook()
        merged.bids.update(event.bids)
        merged.asks.update(event.asks)
        merged.last_id = event.last_id
        merged.ts_venue_ns = event.ts_venue_ns
        merged.ts_received_ns = event.ts_received_ns

    def take(self) -> list[Event]:
        with self._lock:
            ordered, trades, latest, books = self._ordered, self._trades, self._latest, self._books
            self._reset()
        out = ordered
        out.extend(trades)
        out.extend(latest.values())
        for instrument_id, merged in books.items():
            out.append(merged.event(instrument_id))
        return out
