"""The venue's spelling of what everybody may know: JSON-ready answers, and stream frames as bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from octopus_desktop.simulator import filters
from octopus_desktop.simulator.book import Print
from octopus_desktop.simulator.history import Candle, end_of
from octopus_desktop.simulator.listings import Listing
from octopus_desktop.simulator.market import AggregatePrint, DayStatistics, Market
from octopus_desktop.simulator.orders import STP_MODES
from octopus_desktop.simulator.units import UNIT, spelled

Json = dict[str, Any]

RATE_LIMITS: tuple[Json, ...] = (
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
)
_ORDER_TYPES = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip


def ms(ts_ns: int) -> int:
    return ts_ns // 1_000_000


def _levels(depth: list[tuple[int, int]]) -> str:
    return ",".join(f'["{p // UNIT}.{p % UNIT:08d}","{q // UNIT}.{q % UNIT:08d}"]' for p, q in depth)


def depth_snapshot(market: Market, limit: int) -> bytes:
    """The REST answer; the partial-depth streams send the same."""
    book = market.book
    return (
        f'{{"lastUpdateId":{book.update_id},"bids":[{_levels(book.bids.depth(limit))}],'
        f'"asks":[{_levels(book.asks.depth(limit))}]}}'
    ).encode()


def depth_update(market: Market, first: int, bids: set[int], asks: set[int], now_ns: int) -> bytes:
    """What became of the prices given; a quantity of zero is a level that is gone."""
    book = market.book
    bid_totals, ask_totals = book.bids.totals, book.asks.totals
    return (
        f'{{"e":"depthUpdate","E":{ms(now_ns)},"s":"{market.listing.symbol}","U":{first},"u":{book.update_id},'
        f'"b":[{_levels([(p, bid_totals.get(p, 0)) for p in sorted(bids, reverse=True)])}],'
        f'"a":[{_levels([(p, ask_totals.get(p, 0)) for p in sorted(asks)])}]}}'
    ).encode()


def trade_event(symbol: str, one: Print, now_ns: int) -> bytes:
    maker = "true" if one.buyer_is_maker else "false"
    return (
        f'{{"e":"trade","E":{ms(now_ns)},"s":"{symbol}","t":{one.trade_id},"p":"{spelled(one.price)}",'
        f'"q":"{spelled(one.quantity)}","T":{ms(one.ts_ns)},"m":{maker},"M":true}}'
    ).encode()


def aggregate_event(symbol: str, one: AggregatePrint, now_ns: int) -> bytes:
    maker = "true" if one.buyer_is_maker else "false"
    return (
        f'{{"e":"aggTrade","E":{ms(now_ns)},"s":"{symbol}","a":{one.aggregate_id},"p":"{spelled(one.price)}",'
        f'"q":"{spelled(one.quantity)}","f":{one.first_id},"l":{one.last_id},"T":{ms(one.ts_ns)},'
        f'"m":{maker},"M":true}}'
    ).encode()


def touch(market: Market) -> tuple[int, int, int, int]:
    """Best bid, its quantity, best ask, its quantity; zeros where a side is empty."""
    book = market.book
    bid, ask = book.bids.best(), book.asks.best()
    return (
        bid or 0, book.bids.totals[bid] if bid else 0, ask or 0, book.asks.totals[ask] if ask else 0,
    )  # fmt: skip


def book_ticker_event(market: Market) -> bytes:
    bid, bid_quantity, ask, ask_quantity = touch(market)
    return (
        f'{{"u":{market.book.update_id},"s":"{market.listing.symbol}","b":"{spelled(bid)}",'
        f'"B":"{spelled(bid_quantity)}","a":"{spelled(ask)}","A":"{spelled(ask_quantity)}"}}'
    ).encode()


def book_ticker(market: Market) -> Json:
    bid, bid_quantity, ask, ask_quantity = touch(market)
    return {
        "symbol": market.listing.symbol,
        "bidPrice": spelled(bid),
        "bidQty": spelled(bid_quantity),
        "askPrice": spelled(ask),
        "askQty": spelled(ask_quantity),
    }


def kline(candle: Candle, interval: str) -> list[Any]:
    return [
        candle.open_s * 1000,
        spelled(candle.open),
        spelled(candle.high),
        spelled(candle.low),
        spelled(candle.close),
        spelled(candle.volume),
        end_of(interval, candle.open_s) * 1000 - 1,
        spelled(candle.quote),
        candle.trades,
        spelled(candle.taker_base),
        spelled(candle.taker_quote),
        "0",
    ]


def kline_event(market: Market, candle: Candle, interval: str, closed: bool, now_ns: int) -> bytes:
    symbol = market.listing.symbol
    last = market.next_trade_id - 1
    return msgspec.json.encode(
        {
            "e": "kline",
            "E": ms(now_ns),
            "s": symbol,
            "k": {
                "t": candle.open_s * 1000,
                "T": end_of(interval, candle.open_s) * 1000 - 1,
                "s": symbol,
                "i": interval,
                "f": max(0, last - candle.trades + 1) if candle.trades else -1,
                "L": last if candle.trades else -1,
                "o": spelled(candle.open),
                "c": spelled(candle.close),
                "h": spelled(candle.high),
                "l": spelled(candle.low),
                "v": spelled(candle.volume),
                "n": candle.trades,
                "x": closed,
                "q": spelled(candle.quote),
                "V": spelled(candle.taker_base),
                "Q": spelled(candle.taker_quote),
                "B": "0",
            },
        }
    )


def day_ticker(market: Market, day: DayStatistics) -> Json:
    candle = day.candle
    bid, bid_quantity, ask, ask_quantity = touch(market)
    change = market.last_price - candle.open
    return {
        "symbol": market.listing.symbol,
        "priceChange": spelled(change),
        "priceChangePercent": f"{100 * change / candle.open:.3f}",
        "weightedAvgPrice": spelled(candle.quote * UNIT // candle.volume if candle.volume else 0),
        "prevClosePrice": spelled(day.previous_close),
        "lastPrice": spelled(market.last_price),
        "lastQty": spelled(market.trades[-1].quantity if market.trades else 0),
        "bidPrice": spelled(bid),
        "bidQty": spelled(bid_quantity),
        "askPrice": spelled(ask),
        "askQty": spelled(ask_quantity),
        "openPrice": spelled(candle.open),
        "highPrice": spelled(candle.high),
        "lowPrice": spelled(candle.low),
        "volume": spelled(candle.volume),
        "quoteVolume": spelled(candle.quote),
        "openTime": ms(day.open_ns),
        "closeTime": ms(day.close_ns),
        "firstId": day.first_id,
        "lastId": market.next_trade_id - 1,
        "count": candle.trades,
    }


_TICKER_KEYS = {
    "s": "symbol", "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "x": "prevClosePrice",
    "c": "lastPrice", "Q": "lastQty", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty",
    "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume", "O": "openTime",
    "C": "closeTime", "F": "firstId", "L": "lastId", "n": "count",
}  # fmt: skip
_MINI_KEYS = ("s", "c", "o", "h", "l", "v", "q")
_MINI_REST = (
    "symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume", "openTime",
    "closeTime", "firstId", "lastId", "count",
)  # fmt: skip


def ticker_event(ticker: Json, now_ns: int) -> Json:
    return {"e": "24hrTicker", "E": ms(now_ns)} | {short: ticker[name] for short, name in _TICKER_KEYS.items()}


def mini_ticker_event(ticker: Json, now_ns: int) -> Json:
    return {"e": "24hrMiniTicker", "E": ms(now_ns)} | {k: ticker[_TICKER_KEYS[k]] for k in _MINI_KEYS}


def mini_ticker(ticker: Json) -> Json:
    return {name: ticker[name] for name in _MINI_REST}


def average_price_event(symbol: str, price: int, now_ns: int) -> bytes:
    now = ms(now_ns)
    return msgspec.json.encode({"e": "avgPrice", "E": now, "s": symbol, "i": "5m", "w": spelled(price), "T": now})


def trade(one: Print) -> Json:
    return {
        "id": one.trade_id,
        "price": spelled(one.price),
        "qty": spelled(one.quantity),
        "quoteQty": spelled(one.price * one.quantity // UNIT),
        "time": ms(one.ts_ns),
        "isBuyerMaker": one.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate(one: AggregatePrint) -> Json:
    return {
        "a": one.aggregate_id,
        "p": spelled(one.price),
        "q": spelled(one.quantity),
        "f": one.first_id,
        "l": one.last_id,
        "T": ms(one.ts_ns),
        "m": one.buyer_is_maker,
        "M": True,
    }


def symbol_info(listing: Listing) -> Json:
    tick, lot = spelled(listing.tick), spelled(listing.lot)
    return {
        "symbol": listing.symbol,
        "status": "TRADING",
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(_ORDER_TYPES),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": spelled(listing.tick * filters.MAX_PRICE_TICKS),
                "tickSize": tick,
            },
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": spelled(listing.max_quantity), "stepSize": lot},
            {"filterType": "ICEBERG_PARTS", "limit": filters.MAX_ICEBERG_PARTS},
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": "0.00000000",
                "maxQty": spelled(listing.max_market_quantity),
                "stepSize": "0.00000000",
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": str(filters.BAND_UP),
                "bidMultiplierDown": str(1 / filters.BAND_DOWN),
                "askMultiplierUp": str(filters.BAND_UP),
                "askMultiplierDown": str(1 / filters.BAND_DOWN),
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": spelled(listing.min_notional),
                "applyMinToMarket": True,
                "maxNotional": spelled(filters.MAX_NOTIONAL),
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {
                "filterType": "TRAILING_DELTA",
                "minTrailingAboveDelta": filters.TRAILING_BIPS[0],
                "maxTrailingAboveDelta": filters.TRAILING_BIPS[1],
                "minTrailingBelowDelta": filters.TRAILING_BIPS[0],
                "maxTrailingBelowDelta": filters.TRAILING_BIPS[1],
            },
            {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": filters.MAX_ORDER_LISTS},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": filters.MAX_OPEN_ORDERS},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": filters.MAX_TRIGGER_ORDERS},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": list(STP_MODES),
    }
