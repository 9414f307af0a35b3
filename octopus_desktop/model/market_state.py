"""What is known of one instrument's market at a moment: the part of the state that every tick changes."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Final

from octopus_desktop.model.events import (
    CandleChanged,
    Channel,
    FeedStale,
    MarkPriceChanged,
    QuoteChanged,
    TickerChanged,
)
from octopus_desktop.model.identifiers import Interval
from octopus_desktop.model.market import Trade
from octopus_desktop.model.orderbook import OrderBook

KEPT_TRADES: Final = 200
"""What a tape shows at once when its instrument is chosen again. In a burst a new trade takes the memory of one that it
pushes out; of ten times as many that memory has left the processor's cache, and a trade costs a third more.
"""
OUTLIVED_NS: Final = 10_000_000_000
"""A trade takes from the touch: one so much newer tells that the touch is no longer told of."""


class Market:
    """What is known of one instrument's market."""

    __slots__ = (
        "book",
        "candles",
        "last_trade",
        "mark",
        "moved_ns",
        "quote",
        "stale",
        "stale_candles",
        "ticker",
        "trades",
    )

    def __init__(self) -> None:
        self.book = OrderBook()
        self.quote: QuoteChanged | None = None
        self.last_trade: Trade | None = None
        self.trades: deque[Trade] = deque(maxlen=KEPT_TRADES)
        self.ticker: TickerChanged | None = None
        self.moved_ns = 0
        """When the ticker told another last price than before; it is also sent without a trade."""
        self.mark: MarkPriceChanged | None = None
        self.candles: dict[Interval, CandleChanged] = {}
        self.stale: dict[Channel, FeedStale] = {}
        self.stale_candles: dict[Interval, FeedStale] = {}

    @property
    def touch(self) -> tuple[float, float] | None:
        """Best bid and ask: the newer word of quote and book, None where neither has both sides."""
        quote = self.quote
        book = self.book
        both = book.valid and book.bids.prices and book.asks.prices
        if both and (quote is None or book.ts_venue_ns > quote.ts_venue_ns):
            return book.bids.prices[-1], book.asks.prices[0]
        if quote is not None and quote.bid > 0 and quote.ask > 0:
            return quote.bid, quote.ask
        return None

    @property
    def last_price(self) -> float | None:
        """The newer word of the last trade and the venue's 24-hour ticker: trades come only of what is looked at."""
        trade, ticker = self.last_trade, self.ticker
        if ticker is not None and (trade is None or ticker.ts_venue_ns > trade.ts_venue_ns):
            return ticker.last
        return trade.price if trade is not None else None

    @property
    def live_price(self) -> Decimal | None:
        """The mark price of a perpetual, else the middle of the touch, or what was traded long after that was told.

        None where there is but a last price: it may be days old.
        """
        if self.mark is not None:
            return Decimal(repr(self.mark.mark))
        touch = self.touch
        if touch is None:
            return None
        quote, book, trade = self.quote, self.book, self.last_trade
        told_ns = max(quote.ts_venue_ns if quote is not None else 0, book.ts_venue_ns if book.valid else 0)
        traded_ns = max(self.moved_ns, trade.ts_venue_ns if trade is not None else 0)
        if traded_ns - told_ns > OUTLIVED_NS:
            return Decimal(repr(self.last_price))
        return (Decimal(repr(touch[0])) + Decimal(repr(touch[1]))) / 2

    @property
    def fair_price(self) -> Decimal | None:
        """What a position is valued at: the live price, else the last."""
        live = self.live_price
        if live is not None:
            return live
        last = self.last_price
        return Decimal(repr(last)) if last is not None else None
