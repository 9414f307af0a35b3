"""The exchange behind sockets: REST, market streams, user data and the WebSocket API on one port.

Each instrument has a moment of its own in every 50 ms: then the exchange's clock moves and what happened in that
instrument is sent, so that the process never works long in one piece. A request moves the clock to its own moment
first. Everything runs on one loop, so nothing is ever half done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import count

import msgspec
from aiohttp import WSMsgType, web

from octopus_desktop.simulator.auth import KeyRing
from octopus_desktop.simulator.connection import Connection
from octopus_desktop.simulator.control import Control
from octopus_desktop.simulator.endpoints import Context
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.faults import Faults
from octopus_desktop.simulator.rest import Rest
from octopus_desktop.simulator.store import SqliteStore
from octopus_desktop.simulator.streams import Streams, Subscriber
from octopus_desktop.simulator.units import SECOND_NS
from octopus_desktop.simulator.user_streams import UserStreams
from octopus_desktop.simulator.ws_api import Session, WsApi

log = logging.getLogger(__name__)

_ROUND_S = 0.05
"""In which every instrument has its moment."""
_SLOTS = 5
"""Moments in a round, while anybody is connected. Not one to each: waking up costs as much as an instrument's work."""
_BOOKS_EVERY = 2
_SECOND_EVERY = 20
"""In rounds; each instrument counts them from another one."""
_STEP_NS = SECOND_NS // 10
"""The most market time that is caught up with in one piece; callers are answered before the next."""
_MAX_STEP_NS = 2 * SECOND_NS
"""The most market time a caller waits for, so that it is answered at about its own moment."""
_SAID_AGAIN_S = 60.0
"""A beat that goes on failing in the same way is told this often."""
_ASLEEP_NS = 120 * SECOND_NS
"""A pause of the machine longer than this is not lived through afterwards."""


class Server:
    """One exchange, served on one port of the loopback interface."""

    def __init__(
        self,
        exchange: Exchange,
        keys: KeyRing,
        users: UserStreams,
        faults: Faults,
        *,
        speed: float = 1.0,
        store: SqliteStore | None = None,
    ) -> None:
        self.exchange = exchange
        self._users = users
        self._faults = faults
        self._speed = speed
        self._store = store
        self._context = Context(exchange)
        self._streams = Streams(exchange)
        self._symbols = list(exchange.markets)
        real_time = speed == 1.0
        self._rest = Rest(self._context, keys, users, faults, real_time=real_time)
        self._ws_api = WsApi(self._context, keys, users, faults, real_time=real_time)
        self.control = Control(self._context, faults, self.cut)
        self._connections: dict[Connection, str] = {}
        self._market_zero = exchange.now_ns
        self._wall_zero = time.monotonic_ns()
        self._runner: web.AppRunner | None = None
        self._beating: asyncio.Task[None] | None = None
        # What this life has lived through and what it completed of the one before: nothing of that is in the store yet.
        self._saved_minute = (exchange.known_until_s or exchange.start_ns // SECOND_NS) // 60 * 60
        self._wall_clock = False
        self.port = 0

    async def start(self, port: int, *, wall_clock: bool = False) -> None:
        """Listen on 127.0.0.1, and let the market live from now on. Raises OSError if the port is taken.

        With `wall_clock` the exchange's clock is the machine's, however long it took to get here.
        """
        app = web.Application(client_max_size=1 << 20)
        app.router.add_get("/ws", self._market_socket)
        app.router.add_get("/ws/{names:.*}", self._market_socket)
        app.router.add_get("/stream", self._market_socket)
        app.router.add_get("/ws-api/v3", self._api_socket)
        app.router.add_routes(self.control.routes())
        app.router.add_route("*", "/{path:.*}", self._rest_request)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, backlog=512)
        await site.start()
        sockets = site._server.sockets if site._server is not None else []  # type: ignore[attr-defined]
        self.port = sockets[0].getsockname()[1]
        self._market_zero, self._wall_zero = self.exchange.now_ns, time.monotonic_ns()
        self._wall_clock = wall_clock and self.exchange.now_ns <= time.time_ns()
        self._beating = asyncio.create_task(self._beat(), name="beat")

    async def stop(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        for connection in list(self._connections):
            await connection.socket.close(code=1001)
        if self._runner is not None:
            await self._runner.cleanup()
        self._save()

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────

    def catch_up(self, at_most_ns: int = _MAX_STEP_NS) -> bool:
        """Bring the exchange to this moment of the wall clock; False if it is too far behind to do at once."""
        if self._wall_clock:
            due = max(time.time_ns(), self.exchange.now_ns)
            if due - self.exchange.now_ns > _ASLEEP_NS:
                self.exchange.sleep_until(due)
        else:
            due = self._market_zero + int((time.monotonic_ns() - self._wall_zero) * self._speed)
        target = min(due, self.exchange.now_ns + at_most_ns)
        self.exchange.advance(target)
        return target == due

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        said, again_at = "", 0.0
        for round_ in count():
            slots = _SLOTS if self._connections else 1
            for slot in range(slots):
                try:
                    while not self.catch_up(_STEP_NS) and loop.time() < due + _ROUND_S:  # noqa: ASYNC110 - its turn
                        await asyncio.sleep(0)
                    self._do_slot(round_, slot, slots)
                except Exception as error:
                    if repr(error) != said or loop.time() > again_at:  # not the same, twenty times a second
                        log.exception("a beat failed")
                        said, again_at = repr(error), loop.time() + _SAID_AGAIN_S
                due = max(due + _ROUND_S / slots, loop.time() - _ROUND_S)
                await asyncio.sleep(max(0.0, due - loop.time()))

    def _do_slot(self, round_: int, slot: int, slots: int) -> None:
        """The frames of the slot's instruments; twice a second, once they are out, what is not of one instrument."""
        for at in range(slot, len(self._symbols), slots):
            phase = round_ + at
            self._streams.beat(self._symbols[at], books=not phase % _BOOKS_EVERY, second=not phase % _SECOND_EVERY)
        if slot == slots - 1:
            if not round_ % _SECOND_EVERY:
                self._streams.tickers_of_all()
            elif not (round_ + _SECOND_EVERY // 2) % _SECOND_EVERY:
                self._save()

    def _save(self) -> None:
        """Keep the live minutes: finished ones as they finish, the present one every second."""
        if self._store is None:
            return
        now_s = self.exchange.now_ns // SECOND_NS
        first = self._saved_minute
        rows = [
            (symbol, candle)
            for symbol, market in self.exchange.markets.items()
            for candle in market.history.minutes_from(first)
        ]
        self._store.save_minutes(rows, self.exchange.now_ns)
        self._saved_minute = now_s // 60 * 60

    # ── sockets ──────────────────────────────────────────────────────────────────────────────────────────

    async def _rest_request(self, request: web.Request) -> web.StreamResponse:
        self.catch_up()
        return await self._rest.handle(request)

    def cut(self, what: str) -> int:
        """Cut open connections of a kind (`all` for every one); how many."""
        chosen = [c for c, kind in self._connections.items() if what in ("all", kind)]
        for connection in chosen:
            connection.cut()
        return len(chosen)

    async def _upgrade(self, request: web.Request, kind: str) -> Connection | None:
        if self._faults.plan.refuse:
            if request.transport is not None:
                request.transport.abort()
            return None
        socket = web.WebSocketResponse(heartbeat=180.0, autoping=True, max_msg_size=1 << 20, compress=False)
        await socket.prepare(request)
        connection = Connection(request, socket, self._faults)
        self._connections[connection] = kind
        return connection

    async def _end(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        await connection.close()

    async def _market_socket(self, request: web.Request) -> web.StreamResponse:
        """`/ws/<stream or listen key>`, `/ws`, and `/stream?streams=a/b` whose frames are wrapped."""
        combined = request.path == "/stream"
        listed = request.query.get("streams", "") if combined else request.match_info.get("names", "")
        names = [name for name in listed.split("/") if name]
        account = None
        for name in list(names):
            owner = self._users.account_of(name, self._context.wall_s())
            if owner is not None:
                account = owner
                names.remove(name)
                key = name
        connection = await self._upgrade(request, "user" if account is not None else "market")
        if connection is None:
            return web.Response(status=503)
        subscriber = Subscriber(connection, combined)
        self._streams.subscribe(subscriber, names)

        def sink(event: bytes) -> None:
            wrapped = b'{"stream":"' + key.encode() + b'","data":' + event + b"}" if combined else event
            connection.send(wrapped, "user")

        if account is not None:
            self._users.listen(account, sink)
        try:
            async for message in connection.socket:
                if message.type is WSMsgType.TEXT:
                    connection.send(self._stream_request(subscriber, message.data), "answer")
        finally:
            self._streams.leave(subscriber)
            if account is not None:
                self._users.leave(account, sink)
            await self._end(connection)
        return connection.socket

    def _stream_request(self, subscriber: Subscriber, text: str) -> bytes:
        identifier = None
        try:
            request = msgspec.json.decode(text)
            identifier, method = request.get("id"), request["method"]
            names = request.get("params") or []
            answer: object = None
            if method == "SUBSCRIBE":
                self._streams.subscribe(subscriber, [str(name) for name in names])
            elif method == "UNSUBSCRIBE":
                self._streams.unsubscribe(subscriber, [str(name) for name in names])
            elif method == "LIST_SUBSCRIPTIONS":
                answer = list(subscriber.streams)
            elif method == "SET_PROPERTY" and names and names[0] == "combined":
                subscriber.combined = bool(names[1])
            elif method == "GET_PROPERTY":
                answer = subscriber.combined
            else:
                raise ValueError(method)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            return msgspec.json.encode({"error": {"code": 2, "msg": f"Invalid request: {error}"}, "id": identifier})
        return msgspec.json.encode({"result": answer, "id": identifier})

    async def _api_socket(self, request: web.Request) -> web.StreamResponse:
        connection = await self._upgrade(request, "ws_api")
        if connection is None:
            return web.Response(status=503)
        session = Session(self._ws_api, connection)
        try:
            async for message in connection.socket:
                if message.type is WSMsgType.TEXT:
                    self.catch_up()
                    await session.handle(message.data)
        finally:
            session.close()
            await self._end(connection)
        return connection.socket
