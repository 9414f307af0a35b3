"""python-binance, written by people who only know the real venue, works against the embedded exchange."""

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


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    with simulator(seed=6) as line:
        yield line


def _client(ready: dict[str, Any], secret: str | None = None) -> Any:
    from binance import AsyncClient

    client = AsyncClient(ready["api_key"], secret or ready["api_secret"])
    client.API_URL = ready["rest"] + "/api"
    client.MARGIN_API_URL = ready["rest"] + "/sapi"
    client.ws_api._url = ready["ws_api"]
    return client


@pytest.fixture
async def client(ready: dict[str, Any]) -> AsyncIterator[Any]:
    one = _client(ready)
    yield one
    await one.close_connection()


@pytest.fixture
def manager(client: Any, ready: dict[str, Any]) -> Any:
    from binance import BinanceSocketManager

    manager = BinanceSocketManager(client)
    manager.STREAM_URL = ready["ws"] + "/"
    return manager


async def test_market_data(client: Any) -> None:
    """Rules, ticker, book and candles over REST."""
    await client.ping()
    info = await client.get_symbol_info("BTCUSDT")
    assert {row["filterType"] for row in info["filters"]} >= {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL"}
    book = await client.get_order_book(symbol="BTCUSDT", limit=100)
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])
    candles = await client.get_historical_klines("BTCUSDT", "1h", "3 days ago UTC")
    assert 71 <= len(candles) <= 73
    ticker = await client.get_ticker(symbol="BTCUSDT")
    assert ticker["symbol"] == "BTCUSDT"
    assert await client.get_recent_trades(symbol="BTCUSDT")


async def test_orders(client: Any) -> None:
    """A limit order rests and is canceled; a market order fills and is among my trades."""
    price = f"{float((await client.get_avg_price(symbol='BTCUSDT'))['price']) * 0.9:.2f}"
    order = await client.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price=price)
    assert order["status"] == "NEW"
    assert [one["orderId"] for one in await client.get_open_orders(symbol="BTCUSDT")] == [order["orderId"]]
    gone = await client.cancel_order(symbol="BTCUSDT", orderId=order["orderId"])
    assert gone["status"] == "CANCELED"
    filled = await client.order_market_sell(symbol="BTCUSDT", quantity="0.01")
    assert filled["status"] == "FILLED"
    mine = await client.get_my_trades(symbol="BTCUSDT")
    assert mine[-1]["orderId"] == filled["orderId"]
    restrictions = await client.get_account_api_permissions()
    assert restrictions["enableWithdrawals"] is False


async def test_a_list_of_two_orders(client: Any) -> None:
    """One cancels the other: placed in one request, found as a list, and canceled as one."""
    price = float((await client.get_avg_price(symbol="BTCUSDT"))["price"])
    placed = await client.create_oco_order(
        symbol="BTCUSDT",
        side="SELL",
        quantity="0.01",
        aboveType="LIMIT_MAKER",
        abovePrice=f"{price * 1.1:.2f}",
        belowType="STOP_LOSS_LIMIT",
        belowStopPrice=f"{price * 0.9:.2f}",
        belowPrice=f"{price * 0.89:.2f}",
        belowTimeInForce="GTC",
    )
    assert (placed["contingencyType"], placed["listOrderStatus"]) == ("OCO", "EXECUTING")
    assert [one["type"] for one in placed["orderReports"]] == ["LIMIT_MAKER", "STOP_LOSS_LIMIT"]
    number = placed["orderListId"]
    assert {one["orderListId"] for one in await client.get_open_orders(symbol="BTCUSDT")} == {number}
    assert [one["orderListId"] for one in await client.get_open_oco_orders()] == [number]
    gone = await client.v3_delete_order_list(symbol="BTCUSDT", orderListId=number)
    assert {one["status"] for one in gone["orderReports"]} == {"CANCELED"}
    assert (await client.v3_get_order_list(orderListId=number))["listOrderStatus"] == "ALL_DONE"
    assert not await client.get_open_oco_orders()
    assert (await client.get_asset_balance("BTC"))["locked"] == "0.00000000"


async def test_a_list_over_the_websocket_api(client: Any) -> None:
    """The same over the session; canceling one order of it cancels the list."""
    price = float((await client.get_avg_price(symbol="BTCUSDT"))["price"])
    placed = await client.ws_create_oco_order(
        symbol="BTCUSDT",
        side="BUY",
        quantity="0.01",
        aboveType="STOP_LOSS",
        aboveStopPrice=f"{price * 1.1:.2f}",
        belowType="LIMIT_MAKER",
        belowPrice=f"{price * 0.9:.2f}",
    )
    assert placed["listStatusType"] == "EXEC_STARTED"
    gone = await client.ws_cancel_order(symbol="BTCUSDT", orderId=placed["orders"][0]["orderId"])
    assert [one["status"] for one in gone["orderReports"]] == ["CANCELED", "CANCELED"]


async def test_refusals(client: Any, ready: dict[str, Any]) -> None:
    """−1022 for a wrong signature, −1013 for a bad filter, −2013 for an unknown order."""
    from binance.exceptions import BinanceAPIException

    with pytest.raises(BinanceAPIException) as refused:
        await client.get_order(symbol="BTCUSDT", orderId=1)
    assert refused.value.code == -2013
    with pytest.raises(BinanceAPIException) as refused:
        await client.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="50000.001")
    assert (refused.value.code, refused.value.message) == (-1013, "Filter failure: PRICE_FILTER")
    stranger = _client(ready, "x" * 64)
    try:
        with pytest.raises(BinanceAPIException) as refused:
            await stranger.get_account()
        assert refused.value.code == -1022
    finally:
        await stranger.close_connection()


async def test_streams(manager: Any) -> None:
    """Prints, book and candles arrive on single and combined streams."""
    async with manager.trade_socket("BTCUSDT") as stream:
        assert (await asyncio.wait_for(stream.recv(), 20))["e"] == "trade"
    async with manager.depth_socket("BTCUSDT", interval=100) as stream:
        first = await asyncio.wait_for(stream.recv(), 20)
        second = await asyncio.wait_for(stream.recv(), 20)
        assert second["U"] == first["u"] + 1
    async with manager.multiplex_socket(["btcusdt@aggTrade", "ethusdt@bookTicker"]) as stream:
        message = await asyncio.wait_for(stream.recv(), 20)
        assert message["stream"] in ("btcusdt@aggTrade", "ethusdt@bookTicker")


async def test_user_socket(client: Any, manager: Any) -> None:
    """An order's life and the new balances arrive on the user data stream."""
    async with manager.user_socket() as stream:
        await client.order_market_buy(symbol="SOLUSDT", quantity="1")
        seen: list[tuple[str, str]] = []
        while ("outboundAccountPosition", "") not in seen:
            message = await asyncio.wait_for(stream.recv(), 20)
            seen.append((message["e"], message.get("x", "")))
    assert seen[0] == ("executionReport", "NEW")
    assert ("executionReport", "TRADE") in seen


async def test_orders_over_the_websocket_api(client: Any) -> None:
    """Placing and canceling through the WebSocket API."""
    price = f"{float((await client.get_avg_price(symbol='BTCUSDT'))['price']) * 0.9:.2f}"
    order = await client.ws_create_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=price
    )
    assert order["status"] == "NEW"
    gone = await client.ws_cancel_order(symbol="BTCUSDT", orderId=order["orderId"])
    assert gone["status"] == "CANCELED"
