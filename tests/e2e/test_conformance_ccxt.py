"""ccxt, written by people who only know the real venue, works against the embedded exchange unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.simulator_process import simulator

pytestmark = [
    # Their warnings about their own dependencies are not ours to fix.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SYMBOL = "BTC/USDT"


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    with simulator(seed=5) as line:
        yield line


def _pointed_at(exchange: Any, ready: dict[str, Any]) -> Any:
    for section, url in exchange.urls["api"].items():
        if isinstance(url, str):
            exchange.urls["api"][section] = url.replace("https://api.binance.com", ready["rest"])
    if "ws" in exchange.urls["api"]:
        exchange.urls["api"]["ws"]["spot"] = ready["ws"] + "/ws"
        exchange.urls["api"]["ws"]["ws-api"]["spot"] = ready["ws_api"]
    return exchange


def _config(ready: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiKey": ready["api_key"],
        "secret": ready["api_secret"],
        "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
    }


@pytest.fixture
async def client(ready: dict[str, Any]) -> AsyncIterator[Any]:
    import ccxt.async_support as ccxt

    exchange = _pointed_at(ccxt.binance(_config(ready)), ready)
    yield exchange
    await exchange.close()


@pytest.fixture
async def pro(ready: dict[str, Any]) -> AsyncIterator[Any]:
    import ccxt.pro as ccxtpro

    exchange = _pointed_at(ccxtpro.binance(_config(ready)), ready)
    yield exchange
    await exchange.close()


async def test_markets_with_their_rules(client: Any) -> None:
    """The list of instruments carries tick, lot and smallest notional."""
    markets = await client.load_markets()
    market = markets[SYMBOL]
    assert len(markets) >= 8
    assert market["active"]
    assert (market["precision"]["amount"], market["precision"]["price"]) == (1e-5, 0.01)
    assert market["limits"]["cost"]["min"] == 5


async def test_ticker_book_and_candles(client: Any) -> None:
    """Ticker, book, prints and candles describe one market."""
    ticker = await client.fetch_ticker(SYMBOL)
    book = await client.fetch_order_book(SYMBOL, 1000)
    candles = await client.fetch_ohlcv(SYMBOL, "1m", limit=500)
    trades = await client.fetch_trades(SYMBOL)
    assert ticker["bid"] < ticker["ask"]
    assert abs(ticker["last"] / ticker["bid"] - 1) < 0.01
    assert len(book["bids"]) == len(book["asks"]) == 1000
    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(candles) == 500
    assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in candles)
    assert [row[0] for row in candles] == sorted({row[0] for row in candles})
    assert trades
    assert {trade["side"] for trade in trades} <= {"buy", "sell"}


async def test_an_order_rests_is_found_and_is_canceled(client: Any) -> None:
    """A limit order far from the market rests, locks its money, and gives it back when canceled."""
    await client.load_markets()
    bid = (await client.fetch_ticker(SYMBOL))["bid"]
    price = float(client.price_to_precision(SYMBOL, bid * 0.9))
    order = await client.create_order(SYMBOL, "limit", "buy", 0.01, price)
    assert order["status"] == "open"
    found = await client.fetch_order(order["id"], SYMBOL)
    assert found["price"] == price
    assert order["id"] in [one["id"] for one in await client.fetch_open_orders(SYMBOL)]
    balance = await client.fetch_balance()
    assert balance["USDT"]["used"] == pytest.approx(price * 0.01)
    canceled = await client.cancel_order(order["id"], SYMBOL)
    assert canceled["status"] == "canceled"
    assert (await client.fetch_balance())["USDT"]["used"] == 0
    assert order["id"] in [one["id"] for one in await client.fetch_orders(SYMBOL)]


async def test_a_market_order_fills_and_shows_in_my_trades(client: Any) -> None:
    """A market order fills at once; fills, fee and balances agree."""
    await client.load_markets()
    before = await client.fetch_balance()
    order = await client.create_order("ETH/USDT", "market", "buy", 0.25)
    assert order["status"] == "closed"
    assert order["filled"] == 0.25
    trades = [t for t in await client.fetch_my_trades("ETH/USDT") if t["order"] == order["id"]]
    assert sum(trade["amount"] for trade in trades) == pytest.approx(0.25)
    assert {trade["fee"]["currency"] for trade in trades} == {"ETH"}
    after = await client.fetch_balance()
    assert after["ETH"]["total"] - before["ETH"]["total"] == pytest.approx(0.25 * 0.999)
    assert before["USDT"]["total"] - after["USDT"]["total"] == pytest.approx(order["cost"])


async def test_trailing_stops_icebergs_and_lists(client: Any) -> None:
    """What the venue works by itself is placed, found with its terms, and canceled."""
    await client.load_markets()
    last = (await client.fetch_ticker(SYMBOL))["last"]
    trailing = await client.create_order(
        SYMBOL, "STOP_LOSS_LIMIT", "sell", 0.01, round(last * 0.9, 2), {"trailingDelta": 200}
    )
    iceberg = await client.create_order(SYMBOL, "limit", "buy", 0.1, round(last * 0.9, 2), {"icebergQty": "0.01"})
    found = {one["id"]: one["info"] for one in await client.fetch_open_orders(SYMBOL)}
    assert found[trailing["id"]]["trailingDelta"] == "200"
    assert found[iceberg["id"]]["icebergQty"] == "0.01000000"
    pair = await client.private_post_order_oco(
        {
            **{"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", "price": f"{last * 1.1:.2f}"},
            **{"stopPrice": f"{last * 0.9:.2f}", "stopLimitPrice": f"{last * 0.89:.2f}", "stopLimitTimeInForce": "GTC"},
        }
    )
    assert {one["type"] for one in pair["orderReports"]} == {"LIMIT_MAKER", "STOP_LOSS_LIMIT"}
    lists = await client.private_get_openorderlist()
    assert [one["orderListId"] for one in lists] == [pair["orderListId"]]
    await client.cancel_all_orders(SYMBOL)
    assert not await client.fetch_open_orders(SYMBOL)
    assert (await client.fetch_balance())["BTC"]["used"] == 0
    ended = await client.private_get_allorderlist()
    assert ended[-1]["listOrderStatus"] == "ALL_DONE"


async def test_errors_are_the_kind_clients_know(client: Any, ready: dict[str, Any]) -> None:
    """A wrong signature, a bad filter, an unknown order and an empty purse are told apart."""
    import ccxt.async_support as ccxt

    await client.load_markets()
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await client.fetch_order("12345", SYMBOL)
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await client.cancel_order("12345", SYMBOL)
    with pytest.raises(ccxt.InvalidOrder, match=r"-1013.*LOT_SIZE|-1013.*NOTIONAL"):
        await client.private_post_order({"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.000001"})
    with pytest.raises(ccxt.InsufficientFunds, match="insufficient balance"):
        await client.create_order(SYMBOL, "market", "sell", 90)
    wrong = _pointed_at(ccxt.binance(_config(ready) | {"secret": "x" * 64}), ready)
    try:
        with pytest.raises(ccxt.AuthenticationError, match="-1022"):
            await wrong.fetch_balance()
    finally:
        await wrong.close()


async def test_watch_book_and_trades(pro: Any) -> None:
    """The streamed book stays sorted and uncrossed, and prints arrive."""
    for _ in range(10):
        book = await asyncio.wait_for(pro.watch_order_book(SYMBOL), 20)
        assert book["bids"][0][0] < book["asks"][0][0]
    assert book["nonce"]
    trades = await asyncio.wait_for(pro.watch_trades(SYMBOL), 20)
    assert trades[-1]["price"] > 0
    ticker = await asyncio.wait_for(pro.watch_ticker(SYMBOL), 20)
    assert ticker["last"] > 0
    candles = await asyncio.wait_for(pro.watch_ohlcv(SYMBOL, "1m"), 20)
    assert candles[-1][4] > 0


async def test_watch_orders_tells_the_life_of_an_order(pro: Any) -> None:
    """Placing and canceling arrive on the user data stream, in that order."""
    await pro.load_markets()
    watching = asyncio.create_task(pro.watch_orders(SYMBOL))
    await asyncio.sleep(0.5)
    bid = (await pro.fetch_ticker(SYMBOL))["bid"]
    order = await pro.create_order(SYMBOL, "limit", "buy", 0.01, float(pro.price_to_precision(SYMBOL, bid * 0.8)))
    first = await asyncio.wait_for(watching, 20)
    assert (first[-1]["id"], first[-1]["status"]) == (order["id"], "open")
    watching = asyncio.create_task(pro.watch_orders(SYMBOL))
    await asyncio.sleep(0)
    await pro.cancel_order(order["id"], SYMBOL)
    second = await asyncio.wait_for(watching, 20)
    assert (second[-1]["id"], second[-1]["status"]) == (order["id"], "canceled")


async def test_orders_over_the_websocket_api(pro: Any) -> None:
    """Orders go through the WebSocket API with a signature on each request."""
    await pro.load_markets()
    bid = (await pro.fetch_ticker(SYMBOL))["bid"]
    price = float(pro.price_to_precision(SYMBOL, bid * 0.8))
    order = await asyncio.wait_for(pro.create_order_ws(SYMBOL, "limit", "buy", 0.01, price), 20)
    assert order["status"] == "open"
    found = await asyncio.wait_for(pro.fetch_order_ws(order["id"], SYMBOL), 20)
    assert found["id"] == order["id"]
    canceled = await asyncio.wait_for(pro.cancel_order_ws(order["id"], SYMBOL), 20)
    assert canceled["status"] == "canceled"
