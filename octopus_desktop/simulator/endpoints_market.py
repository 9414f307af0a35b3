"""What anybody may ask: the clock, the rules, books, prints, candles and tickers."""

from __future__ import annotations

from typing import Any

from octopus_desktop.simulator import wire
from octopus_desktop.simulator.endpoints import Context, Endpoint, Security, weigh
from octopus_desktop.simulator.errors import Refusal
from octopus_desktop.simulator.history import INTERVALS
from octopus_desktop.simulator.market import Market
from octopus_desktop.simulator.params import Params
from octopus_desktop.simulator.units import SECOND_NS, spelled


def ping(context: Context, account: int, params: Params) -> Any:
    return {}


def server_time(context: Context, account: int, params: Params) -> Any:
    return {"serverTime": context.now_ms()}


def exchange_info(context: Context, account: int, params: Params) -> Any:
    markets = context.exchange.markets
    names = params.symbols(markets) or list(markets)
    return {
        "timezone": "UTC",
        "serverTime": context.now_ms(),
        "rateLimits": list(wire.RATE_LIMITS),
        "exchangeFilters": [],
        "symbols": [wire.symbol_info(markets[name].listing) for name in names],
    }


def _market(context: Context, params: Params) -> Market:
    return context.exchange.market(params.symbol())


def depth(context: Context, account: int, params: Params) -> Any:
    market = _market(context, params)
    return wire.depth_snapshot(market, params.limit(100, 5_000))


def _depth_weight(params: Params) -> int:
    limit = params.limit(100, 5_000)
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1_000 else 250


def trades(context: Context, account: int, params: Params) -> Any:
    market = _market(context, params)
    return [wire.trade(one) for one in list(market.trades)[-params.limit(500, 1_000) :]]


def historical_trades(context: Context, account: int, params: Params) -> Any:
    market = _market(context, params)
    limit = params.limit(500, 1_000)
    first = params.optional_integer("fromId")
    found = list(market.trades)
    if first is None:
        return [wire.trade(one) for one in found[-limit:]]
    return [wire.trade(one) for one in found if one.trade_id >= first][:limit]


def aggregate_trades(context: Context, account: int, params: Params) -> Any:
    market = _market(context, params)
    limit = params.limit(500, 1_000)
    found = list(market.aggregates)
    first = params.optional_integer("fromId")
    start, end = params.optional_integer("startTime"), params.optional_integer("endTime")
    if first is not None:
        if start is not None or end is not None:
            raise Refusal(-1128, "Combination of optional parameters invalid.")
        return [wire.aggregate(one) for one in found if one.aggregate_id >= first][:limit]
    if end is not None:
        found = [one for one in found if one.ts_ns // 1_000_000 <= end]
    if start is not None:
        return [wire.aggregate(one) for one in found if one.ts_ns // 1_000_000 >= start][:limit]
    return [wire.aggregate(one) for one in found[-limit:]]


def klines(context: Context, account: int, params: Params) -> Any:
    market = _market(context, params)
    interval = params.one_of("interval", INTERVALS)
    start, end = params.optional_integer("startTime"), params.optional_integer("endTime")
    if start is not None and end is not None and start > end:
        return []
    now_s = context.exchange.now_ns // SECOND_NS
    found = market.history.candles(
        interval,
        now_s,
        None if start is None else -(-start // 1000),
        None if end is None else end // 1000,
        params.limit(500, 1_000),
    )
    return [wire.kline(candle, interval) for candle in found]


def average_price(context: Context, account: int, params: Params) -> Any:
    market = _market(context, params)
    price = market.average_price(context.exchange.now_ns)
    return {"mins": 5, "price": spelled(price), "closeTime": context.now_ms()}


def _chosen(context: Context, params: Params) -> tuple[list[Market], bool]:
    """The markets asked for, and whether the answer is a single object."""
    markets = context.exchange.markets
    names = params.symbols(markets)
    return [markets[name] for name in (names or markets)], "symbol" in params


def _one_or_all(rows: list[Any], single: bool) -> Any:
    return rows[0] if single else rows


def ticker_24h(context: Context, account: int, params: Params) -> Any:
    chosen, single = _chosen(context, params)
    kind = params.one_of("type", ("FULL", "MINI"), "FULL")
    now_ns = context.exchange.now_ns
    rows = [wire.day_ticker(market, market.day_statistics(now_ns)) for market in chosen]
    if kind == "MINI":
        rows = [wire.mini_ticker(row) for row in rows]
    return _one_or_all(rows, single)


def ticker_price(context: Context, account: int, params: Params) -> Any:
    chosen, single = _chosen(context, params)
    rows = [{"symbol": m.listing.symbol, "price": spelled(m.last_price)} for m in chosen]
    return _one_or_all(rows, single)


def ticker_book(context: Context, account: int, params: Params) -> Any:
    chosen, single = _chosen(context, params)
    return _one_or_all([wire.book_ticker(market) for market in chosen], single)


def _several(one: int, everything: int) -> Any:
    return lambda params: one if "symbol" in params else everything


def _public(path: str, ws: str | None, handler: Any, weight: Any) -> Endpoint:
    return Endpoint(
        handler,
        ("GET", f"/api/v3/{path}"),
        ws,
        weight if callable(weight) else weigh(weight),
        Security.NONE,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    _public("ping", "ping", ping, 1),
    _public("time", "time", server_time, 1),
    _public("exchangeInfo", "exchangeInfo", exchange_info, 20),
    _public("depth", "depth", depth, _depth_weight),
    _public("trades", "trades.recent", trades, 25),
    _public("historicalTrades", "trades.historical", historical_trades, 25),
    _public("aggTrades", "trades.aggregate", aggregate_trades, 4),
    _public("klines", "klines", klines, 2),
    _public("uiKlines", "uiKlines", klines, 2),
    _public("avgPrice", "avgPrice", average_price, 2),
    _public("ticker/24hr", "ticker.24hr", ticker_24h, _several(2, 80)),
    _public("ticker/price", "ticker.price", ticker_price, _several(2, 4)),
    _public("ticker/bookTicker", "ticker.book", ticker_book, _several(2, 4)),
)
