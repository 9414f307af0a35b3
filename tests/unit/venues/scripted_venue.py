"""A venue on loopback that says what the test tells it to, in Binance's dialect, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.events import Event
from octopus_desktop.model.identifiers import InstrumentId, Venue, instrument_id
from octopus_desktop.model.profile import Dialect, Mode, Profile, VenueUrls
from octopus_desktop.ports import MarketDataClient
from octopus_desktop.venues.factory import market_data_client

VENUE = Venue("SCRIPT")
BTC = instrument_id("BTCUSDT", VENUE)
SECRET = "s3cr3t" * 8
PROFILE = Profile("script", VENUE, Dialect.BINANCE_SPOT, Mode.DEMO)
SYMBOL = {
    **{"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT"},
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "100", "stepSize": "0.001"},
    ],
}

Answer = tuple[int, Any] | None
"""Status and JSON; None: never answer."""


class ScriptedVenue:
    """`rest` and `api` answer requests by path or method; `streams` are the open market sockets."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []
        self.called: list[dict[str, Any]] = []
        self.subscribed: list[dict[str, Any]] = []
        self.rest: dict[str, Callable[[dict[str, str]], Answer]] = {
            "/api/v3/exchangeInfo": lambda _: (200, {"rateLimits": [], "symbols": [SYMBOL, {"symbol": "ODD"}]}),
            "/api/v3/time": lambda _: (200, {"serverTime": self.time_ms()}),
            "/api/v3/depth": lambda _: (200, {"lastUpdateId": 10, "bids": [["99", "1"]], "asks": [["101", "1"]]}),
        }
        self.api: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "userDataStream.subscribe.signature": lambda _: (200, {"subscriptionId": 0})
        }
        self.raw: dict[str, list[tuple[int, bytes]]] = {}
        """By path, each given once and before anything else: bytes as they are."""
        self.streams: list[web.WebSocketResponse] = []
        self.sessions: list[web.WebSocketResponse] = []
        self.listeners: list[web.WebSocketResponse] = []
        self.clock_ahead_ms = 0
        self.confirms = True

    def time_ms(self) -> int:
        import time

        return int(time.time() * 1000) + self.clock_ahead_ms

    @property
    def urls(self) -> VenueUrls:
        base = f"127.0.0.1:{self.port}"
        return VenueUrls(f"http://{base}", f"ws://{base}", f"ws://{base}/ws-api/v3")

    @property
    def credentials(self) -> Credentials:
        return Credentials("apikeyapikey", SECRET)

    async def say(self, stream: str, data: Any) -> None:
        for socket in self.streams:
            await socket.send_str(json.dumps({"stream": stream, "data": data}, separators=(",", ":")))

    async def tell_account(self, event: Any) -> None:
        for socket in self.sessions:
            await socket.send_str(json.dumps({"subscriptionId": 0, "event": event}))

    async def tell_listeners(self, event: Any) -> None:
        for socket in self.listeners:
            await socket.send_str(json.dumps(event))

    def cut(self) -> None:
        for socket in (*self.streams, *self.sessions, *self.listeners):
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.abort()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/stream":
            return await self._stream(request)
        if request.path == "/ws-api/v3":
            return await self._api(request)
        if request.path.startswith("/ws/"):
            return await self._listen(request)
        self.asked.append(f"{request.method} {request.path_qs}")
        if self.raw.get(request.path):
            status, payload = self.raw[request.path].pop(0)
            return web.Response(status=status, body=payload)
        answer = self.rest.get(request.path, lambda _: (404, {"code": -404, "msg": "no such path"}))(
            dict(request.query)
        )
        if answer is None:
            await asyncio.sleep(3600)
            raise AssertionError
        status, body = answer
        headers = {"X-MBX-USED-WEIGHT-1M": "7"}
        if status in (418, 429):
            headers["Retry-After"] = "1"
        return web.json_response(body, status=status, headers=headers)

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.streams.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                asked = json.loads(message.data)
                self.subscribed.append(asked)
                if self.confirms:
                    await socket.send_str(json.dumps({"result": None, "id": asked["id"]}))
        self.streams.remove(socket)
        return socket

    async def _listen(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.listeners.append(socket)
        async for _ in socket:
            pass
        self.listeners.remove(socket)
        return socket

    async def _api(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sessions.append(socket)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            call = json.loads(message.data)
            self.called.append(call)
            missing: Callable[[dict[str, Any]], Answer] = lambda _: (400, {"code": -1000, "msg": "?"})  # noqa: E731
            answer = self.api.get(call["method"], missing)(call.get("params", {}))
            if answer is not None:
                status, body = answer
                key = "result" if status < 300 else "error"
                limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}]
                limits[0].update(limit=6000, count=9)  # type: ignore[call-overload]
                await socket.send_str(json.dumps({"id": call["id"], "status": status, key: body, "rateLimits": limits}))
        self.sessions.remove(socket)
        return socket


@asynccontextmanager
async def scripted_venue() -> AsyncIterator[ScriptedVenue]:
    venue = ScriptedVenue()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", venue.serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    venue.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield venue
    finally:
        await runner.cleanup()


async def until(condition: Callable[[], Any], seconds: float = 8.0) -> None:
    """Waits for it, and fails where it never comes."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # of many kinds
            await asyncio.sleep(0.01)


def trade(number: int, price: str = "100") -> dict[str, Any]:
    return {"e": "aggTrade", "E": 1, "s": "BTCUSDT", "a": number, "p": price, "q": "1", "T": number, "m": False}


def named(symbol: str) -> InstrumentId:
    return instrument_id(symbol, VENUE)


@asynccontextmanager
async def running() -> AsyncIterator[tuple[ScriptedVenue, MarketDataClient, list[Event]]]:
    async with scripted_venue() as venue:
        client = market_data_client(PROFILE, venue.urls)
        events: list[Event] = []
        try:
            await client.start(events.append)
            await until(lambda: venue.streams)
            yield venue, client, events
        finally:
            await client.stop()


def of(events: list[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
