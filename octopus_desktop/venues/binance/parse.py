"""Binance's spelling of the market ends here: wire structs to events and instruments.

Raises MessageError where the shape is right and the content cannot be.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from octopus_desktop.model.errors import MessageError
from octopus_desktop.model.events import CandleChanged, MarkPriceChanged, QuoteChanged, TickerChanged
from octopus_desktop.model.identifiers import InstrumentId, Interval, Venue, instrument_id
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.market import Candles
from octopus_desktop.venues.binance.messages import (
    MS,
    ExchangeInfo,
    Filter,
    Kline,
    MarkPrice,
    RestKline,
    RestQuote,
    RestTicker,
    SymbolInfo,
    Ticker,
)
from octopus_desktop.venues.binance.product import Product

_KINDS: Final = {
    None: InstrumentKind.SPOT,
    "PERPETUAL": InstrumentKind.PERPETUAL,
    "TRADIFI_PERPETUAL": InstrumentKind.PERPETUAL,
}
_UNLIMITED: Final = Decimal("1E+15")
_symbol_decoder: Final = msgspec.json.Decoder(SymbolInfo, strict=False)


def rest_quote(name: InstrumentId, message: RestQuote, ts_venue_ns: int, ts_received_ns: int) -> QuoteChanged:
    return QuoteChanged(
        name,
        message.bidPrice,
        message.bidQty,
        message.askPrice,
        message.askQty,
        message.time * MS or ts_venue_ns,
        ts_received_ns,
    )


def candle(name: InstrumentId, interval: Interval, message: Kline) -> CandleChanged:
    body = message.k
    return CandleChanged(name, interval, body.t * MS, body.o, body.h, body.l, body.c, body.v, body.x)


def rest_candle(name: InstrumentId, interval: Interval, row: RestKline, venue_now_ns: int) -> CandleChanged:
    open_ns = row.open_ms * MS
    closed = open_ns + interval.ns <= venue_now_ns
    return CandleChanged(name, interval, open_ns, row.open, row.high, row.low, row.close, row.volume, closed)


def ticker(name: InstrumentId, message: Ticker) -> TickerChanged:
    return TickerChanged(name, message.c, message.P / 100.0, message.h, message.l, message.v, message.q, message.E * MS)


def rest_ticker(name: InstrumentId, message: RestTicker) -> TickerChanged:
    return TickerChanged(
        name,
        message.lastPrice,
        message.priceChangePercent / 100.0,
        message.highPrice,
        message.lowPrice,
        message.volume,
        message.quoteVolume,
        message.closeTime * MS,
    )


def mark_price(name: InstrumentId, message: MarkPrice) -> MarkPriceChanged:
    rate = message.r if isinstance(message.r, float) else 0.0
    return MarkPriceChanged(name, message.p, message.i, rate, message.T * MS, message.E * MS)


def candles(name: InstrumentId, interval: Interval, rows: Iterable[RestKline]) -> Candles:
    """Columns; a row that does not rise in time is left out."""
    kept: list[RestKline] = []
    last = -1
    for row in rows:
        if row.open_ms > last:
            kept.append(row)
            last = row.open_ms
    return Candles(
        name,
        interval,
        np.array([row.open_ms * MS for row in kept], np.int64),
        np.array([row.open for row in kept], np.float64),
        np.array([row.high for row in kept], np.float64),
        np.array([row.low for row in kept], np.float64),
        np.array([row.close for row in kept], np.float64),
        np.array([row.volume for row in kept], np.float64),
    )


def weight_limit(info: ExchangeInfo, default: int) -> int:
    """What one address may ask in a minute."""
    for rule in info.rate_limits:
        if rule.rateLimitType == "REQUEST_WEIGHT" and rule.interval == "MINUTE" and rule.intervalNum == 1:
            return rule.limit
    return default


def instrument(raw: bytes | msgspec.Raw, venue: Venue, product: Product) -> Instrument:
    try:
        info = _symbol_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageError(f"exchangeInfo: {error}") from error
    filters = {one.filter_type: one for one in info.filters}
    price = filters.get("PRICE_FILTER")
    lot = filters.get("LOT_SIZE")
    if price is None or lot is None:
        raise MessageError(f"{info.symbol} has no price filter or lot size")
    market_lot = filters.get("MARKET_LOT_SIZE")
    least, most, most_to_market = _notional(filters)
    up, down = _band(filters)
    try:
        return Instrument(
            instrument_id=instrument_id(info.symbol, venue),
            venue=venue,
            symbol=info.symbol,
            base=info.base_asset,
            quote=info.quote_asset,
            kind=_KINDS.get(info.contract_type, InstrumentKind.FUTURE),
            tick_size=_positive(price.tick_size) or Decimal("0.00000001"),
            lot_size=_positive(lot.step_size) or Decimal("0.00000001"),
            min_quantity=_positive(lot.min_quantity) or Decimal(0),
            max_quantity=_positive(lot.max_quantity) or _UNLIMITED,
            min_notional=least,
            max_notional=most,
            market_max_quantity=_positive(market_lot.max_quantity) if market_lot is not None else None,
            market_max_notional=most_to_market,
            price_up=up,
            price_down=down,
            maker_fee=product.maker_fee,
            taker_fee=product.taker_fee,
            trading=info.status == "TRADING",
        )
    except (ValueError, ArithmeticError) as error:
        raise MessageError(f"{info.symbol}: {error}") from error


def _positive(x: Decimal | None) -> Decimal | None:
    """A filter that is switched off says zero."""
    if x is None:
        return None
    if not x.is_finite() or x < 0:
        raise ValueError(f"{x} in a filter")
    return x or None


def _notional(filters: dict[str, Filter]) -> tuple[Decimal, Decimal | None, Decimal | None]:
    """The least, the most, and the most of a market order.

    `NOTIONAL` took the place of `MIN_NOTIONAL` on spot; futures call the same number `notional`.
    """
    both = filters.get("NOTIONAL")
    if both is not None:
        most = _positive(both.max_notional)
        return _positive(both.min_notional) or Decimal(0), most, most if both.apply_max_to_market else None
    least = filters.get("MIN_NOTIONAL")
    if least is None:
        return Decimal(0), None, None
    return _positive(least.min_notional) or _positive(least.notional) or Decimal(0), None, None


def _band(filters: dict[str, Filter]) -> tuple[Decimal | None, Decimal | None]:
    """The narrower of the bands for buying and selling, so that what passes it passes either."""
    by_side = filters.get("PERCENT_PRICE_BY_SIDE")
    if by_side is not None:
        ups = [x for x in (_positive(by_side.bid_multiplier_up), _positive(by_side.ask_multiplier_up)) if x]
        downs = [x for x in (_positive(by_side.bid_multiplier_down), _positive(by_side.ask_multiplier_down)) if x]
        return min(ups, default=None), max(downs, default=None)
    band = filters.get("PERCENT_PRICE")
    if band is not None:
        return _positive(band.multiplier_up), _positive(band.multiplier_down)
    return None, None
