"""The venue's spelling of what the exchange knows: JSON-ready answers, and stream frames as bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from octopus_desktop.simulator import filters
from octopus_desktop.simulator.history import Candle, end_of
from octopus_desktop.simulator.listings import Listing
from octopus_desktop.simulator.market import AggregatePrint, DayStatistics, Market, Print
from octopus_desktop.simulator.orders import LIMIT_TYPES, STP_MODES, Execution, Order
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
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
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
            {"filterType": "ICEBERG_PARTS", "limit": 10},
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
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": filters.MAX_OPEN_ORDERS},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": filters.MAX_TRIGGER_ORDERS},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": list(STP_MODES),
    }


# ── what belongs to accounts ─────────────────────────────────────────────────────────────────────────────


def _shown_price(order: Order) -> str:
    return spelled(order.price if order.type in LIMIT_TYPES else 0)


def _extras(order: Order) -> Json:
    extras: Json = {}
    if order.stop_price:
        extras["stopPrice"] = spelled(order.stop_price)
    if order.request.strategy_id is not None:
        extras["strategyId"] = order.request.strategy_id
    if order.request.strategy_type is not None:
        extras["strategyType"] = order.request.strategy_type
    return extras


def order_status(order: Order) -> Json:
    """As `GET order`, `openOrders` and `allOrders` tell it."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.name,
        "price": _shown_price(order),
        "origQty": spelled(order.quantity),
        "executedQty": spelled(order.filled),
        "origQuoteOrderQty": spelled(order.quote_quantity),
        "cummulativeQuoteQty": spelled(order.filled_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": "BUY" if order.is_buy else "SELL",
        "stopPrice": spelled(order.stop_price),
        "icebergQty": spelled(0),
        "time": ms(order.created_ns),
        "updateTime": ms(order.updated_ns),
        "isWorking": order.triggered,
        "workingTime": ms(order.working_ns) if order.triggered else -1,
        "selfTradePreventionMode": order.stp,
    }


def order_ack(order: Order) -> Json:
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": ms(order.updated_ns),
    }


def order_result(order: Order) -> Json:
    return (
        order_ack(order)
        | {
            "price": _shown_price(order),
            "origQty": spelled(order.quantity),
            "executedQty": spelled(order.filled),
            "origQuoteOrderQty": spelled(order.quote_quantity),
            "cummulativeQuoteQty": spelled(order.filled_quote),
            "status": order.status,
            "timeInForce": order.time_in_force,
            "type": order.type,
            "side": "BUY" if order.is_buy else "SELL",
            "workingTime": ms(order.working_ns) if order.triggered else -1,
            "selfTradePreventionMode": order.stp,
        }
        | _extras(order)
    )


def order_full(order: Order) -> Json:
    return order_result(order) | {
        "fills": [
            {
                "price": spelled(fill.price),
                "qty": spelled(fill.quantity),
                "commission": spelled(fill.commission),
                "commissionAsset": fill.commission_asset,
                "tradeId": fill.trade_id,
            }
            for fill in order.executions
        ]
    }


def canceled(order: Order) -> Json:
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.original_client_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": ms(order.updated_ns),
        "price": _shown_price(order),
        "origQty": spelled(order.quantity),
        "executedQty": spelled(order.filled),
        "origQuoteOrderQty": spelled(order.quote_quantity),
        "cummulativeQuoteQty": spelled(order.filled_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": "BUY" if order.is_buy else "SELL",
        "selfTradePreventionMode": order.stp,
    } | _extras(order)


def my_trade(fill: Execution) -> Json:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": spelled(fill.price),
        "qty": spelled(fill.quantity),
        "quoteQty": spelled(fill.quote_quantity),
        "commission": spelled(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": ms(fill.ts_ns),
        "isBuyer": fill.is_buy,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def execution_report(order: Order, kind: str, fill: Execution | None, now_ns: int, event_id: int) -> Json:
    report: Json = {
        "e": "executionReport",
        "E": ms(now_ns),
        "s": order.symbol,
        "c": order.client_order_id,
        "S": "BUY" if order.is_buy else "SELL",
        "o": order.type,
        "f": order.time_in_force,
        "q": spelled(order.quantity),
        "p": _shown_price(order),
        "P": spelled(order.stop_price),
        "F": spelled(0),
        "g": -1,
        "C": order.original_client_id if kind in ("CANCELED", "REPLACED") else "",
        "x": kind,
        "X": order.status,
        "r": "NONE",
        "i": order.order_id,
        "l": spelled(fill.quantity if fill else 0),
        "z": spelled(order.filled),
        "L": spelled(fill.price if fill else 0),
        "n": spelled(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": ms(order.updated_ns),
        "t": fill.trade_id if fill else -1,
        "I": event_id,
        "w": order.is_open and order.triggered and not (fill is None and kind != "NEW"),
        "m": bool(fill and fill.is_maker),
        "M": False,
        "O": ms(order.created_ns),
        "Z": spelled(order.filled_quote),
        "Y": spelled(fill.quote_quantity if fill else 0),
        "Q": spelled(order.quote_quantity),
        "V": order.stp,
    }
    if order.triggered:
        report["W"] = ms(order.working_ns)
    if order.request.strategy_id is not None:
        report["j"] = order.request.strategy_id
    if order.request.strategy_type is not None:
        report["J"] = order.request.strategy_type
    if kind == "EXPIRED" and order.reason:
        report["eR"] = order.reason
    return report
