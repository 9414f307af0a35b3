"""Sockets made of timers: the real clients on one side, the real exchange's server on the other, faults between.

`picows.ws_connect` and `aiohttp.ClientSession` are replaced on the engine's side, `web.WebSocketResponse` and
`web.Request` on the exchange's; everything above them is what the product runs.
"""

from __future__ import annotations

import asyncio
import contextvars
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from random import Random
from typing import Any, Final
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import picows
from aiohttp import WSMsgType, web
from multidict import CIMultiDict

from octopus_desktop.simulator.server import Server
from tests.faults.exchange_process import ExchangeProcess
from tests.faults.simulated_time import Life, SimulatedLoop, current_life
from tests.faults.timeline import Timeline

_GONE: Final = object()
_CREATED: Final = re.compile(r'"(?:new|working|pending|above|below)ClientOrderId":"([^"]+)"')
_OF_ACCOUNT: Final = b'{"subscriptionId":'
_APART_S: Final = 1e-7
"""Between two frames of one direction: timers of the same moment have no order, a stream of bytes has."""


class Trouble:
    """What is wrong with the line now. Shares are of requests and frames."""

    def __init__(self) -> None:
        self.latency_s = 0.0
        self.http_latency_s = 0.0
        self.refuse = False
        self.silent = False
        """Nothing arrives, and nobody is told: what is sent waits until the line is back, or is lost with it."""
        self.lose_request = 0.0
        self.lose_answer = 0.0
        self.tear_answer = 0.0
        """The answer comes cut short."""
        self.account_silent = False
        """As `silent`, for what the account tells and for nothing else."""


class Network:
    """`random` decides fates; the exchange's side runs in its process, so that no kill of the engine touches it."""

    def __init__(self, loop: SimulatedLoop, random: Random, timeline: Timeline, process: ExchangeProcess) -> None:
        self.loop = loop
        self.random = random
        self.timeline = timeline
        self._process = process
        self._asked: set[asyncio.Future[web.Response | None]] = set()
        self.trouble = Trouble()
        self.lines: dict[_Line, None] = {}
        self.held: list[Callable[[], object]] = []
        self.on_sent: Callable[[str], None] = _nobody
        self.on_create: Callable[[str], None] = _nobody
        """Called with the name of each order on the moment its first byte leaves."""

    @property
    def server(self) -> Server:
        return self._process.server

    @property
    def world(self) -> contextvars.Context:
        """Where the exchange's side of a connection runs."""
        return self._process.life.context

    @property
    def refuses(self) -> bool:
        return self.trouble.refuse or not self._process.is_up

    def latency_s(self) -> float:
        return self.random.uniform(0.001, 0.02) + self.trouble.latency_s

    def strikes(self, share: float) -> bool:
        return share > 0.0 and self.random.random() < share

    async def _while_silent(self) -> None:
        while self.trouble.silent:  # noqa: ASYNC110  # a plain attribute, and waiting is free here
            await asyncio.sleep(0.2)

    def in_world(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return self.loop.create_task(work, context=self.world.copy())

    def cut(self) -> int:
        """Every open connection breaks; what is under way may or may not arrive."""
        lines = list(self.lines)
        for line in lines:
            line.break_()
        return len(lines)

    def exchange_gone(self) -> None:
        """Its process was killed: the system resets every connection, and nothing is answered any more."""
        self.cut()
        for answer in self._asked:
            if not answer.done():
                answer.set_result(None)

    def end_account_streams(self) -> None:
        """By the venue, while the order session goes on: a listen key's socket breaks, a subscription is called off."""
        for line in list(self.lines):
            if line.is_of_account:
                line.break_()
        for sinks in self._process.users._sinks.values():
            for sink in list(sinks):
                sink(b'{"e":"eventStreamTerminated","E":0}')
            sinks.clear()

    def change(self, trouble: Trouble) -> None:
        self.trouble = trouble
        if not trouble.account_silent:
            for line in self.lines:
                line.release()
        if not trouble.silent:
            held, self.held = self.held, []
            for arrive in held:
                arrive()

    def close_ends_of(self, life: Life, *, cut: bool = False) -> None:
        """The engine's process is gone: the system closes its sockets, behind what it had taken for sending.

        `cut`: the system is gone, too.
        """
        for line in list(self.lines):
            if line.owner is life:
                if cut:
                    line.break_()
                else:
                    line.hang_up()

    # ── WebSocket ────────────────────────────────────────────────────────────────────────────────────────

    async def ws_connect(self, factory: Callable[[], Any], url: str, **_: Any) -> tuple[Any, Any]:
        await asyncio.sleep(self.latency_s())
        await self._while_silent()
        line = _Line(self, url, factory())
        while line.is_of_account and self.trouble.account_silent:  # noqa: ASYNC110  # as in `_while_silent`
            await asyncio.sleep(0.2)
        if self.refuses:
            raise ConnectionRefusedError(111, "Connection refused")
        await line.open()
        return line.client, line.listener

    # ── HTTP ─────────────────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def http(self, method: str, url: Any, headers: Any) -> AsyncIterator[_Answer]:
        target = str(url)
        self.timeline.note("http >", f"{method} {target}")
        trouble = self.trouble
        if self.refuses:
            await asyncio.sleep(self.latency_s())
            raise aiohttp.ClientOSError(111, "Connection refused")
        await self._while_silent()
        arrives = self.latency_s() + self.trouble.http_latency_s
        if self.strikes(trouble.lose_request):
            await asyncio.sleep(arrives)
            raise aiohttp.ServerDisconnectedError
        self.on_sent(f"{method} {urlsplit(target).path}")
        if not self._process.is_up:
            raise aiohttp.ClientOSError(111, "Connection refused")
        answer: asyncio.Future[web.Response | None] = self.loop.create_future()
        self._asked.add(answer)
        request = _Request(method, target, headers)
        self.in_world(self._serve(request, arrives, answer))
        try:
            response = await answer
        finally:
            self._asked.discard(answer)
            request.transport = None  # whoever still works on it sees that nobody waits
        await asyncio.sleep(self.latency_s())
        await self._while_silent()
        if response is None or self.strikes(self.trouble.lose_answer):
            raise aiohttp.ServerDisconnectedError
        body = response.body
        assert isinstance(body, bytes)
        if self.strikes(self.trouble.tear_answer) and body:
            body = body[: self.random.randrange(len(body))]
        self.timeline.note("http <", f"{response.status} {body[:400].decode(errors='replace')}")
        yield _Answer(response.status, response.headers, body)

    async def _serve(self, request: _Request, arrives: float, answer: asyncio.Future[web.Response | None]) -> None:
        await asyncio.sleep(arrives)
        response = await self.server._rest_request(request)  # type: ignore[arg-type]
        if not answer.done():
            answer.set_result(None if request.aborted else response)  # type: ignore[arg-type]


class _Answer:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = CIMultiDict(headers)
        self._body = body

    async def read(self) -> bytes:
        return self._body


class _ClientSession:
    """In place of aiohttp.ClientSession."""

    network: Network

    def __init__(self, **_: Any) -> None:
        pass

    def request(self, method: str, url: Any, *, headers: Any, allow_redirects: bool) -> Any:
        return self.network.http(method, url, headers)

    async def close(self) -> None:
        pass


class _Request:
    """In place of web.Request: what the handlers of the exchange read of it."""

    def __init__(self, method: str, url: str, headers: Any = None) -> None:
        parts = urlsplit(url)
        self.method = method
        self.path = parts.path
        self.rel_url = self
        self.raw_query_string = parts.query
        self.query = dict(parse_qsl(parts.query))
        self.match_info = {"names": parts.path.removeprefix("/ws/")}
        self.headers = CIMultiDict(headers or {})
        self.transport: _Request | None = self
        self.aborted = False
        self.line: _Line | None = None

    async def read(self) -> bytes:
        return b""

    def abort(self) -> None:
        self.aborted = True
        if self.line is not None:
            self.line.break_()


class _Message:
    """In place of aiohttp.WSMessage."""

    type = WSMsgType.TEXT

    def __init__(self, data: str) -> None:
        self.data = data


class _ServerSocket:
    """In place of web.WebSocketResponse."""

    def __init__(self, **_: Any) -> None:
        self._line: _Line | None = None
        self._in: asyncio.Queue[Any] = asyncio.Queue()

    async def prepare(self, request: _Request) -> None:
        assert request.line is not None
        self._line = request.line
        self._line.accepted(self)

    def put(self, item: object) -> None:
        self._in.put_nowait(item)

    def __aiter__(self) -> _ServerSocket:
        return self

    async def __anext__(self) -> _Message:
        item = await self._in.get()
        if item is _GONE:
            raise StopAsyncIteration
        return _Message(item.decode())

    async def send_frame(self, frame: bytes, kind: WSMsgType) -> None:
        assert self._line is not None
        if self._line.broken:
            raise ConnectionResetError
        self._line.down(frame)

    async def close(self, code: int = 1000) -> None:
        if self._line is not None:
            self._line.break_()


class _Frame:
    """What a picows listener reads of a frame."""

    __slots__ = ("_payload", "fin", "msg_type")

    def __init__(self, kind: Any, payload: bytes) -> None:
        self.msg_type = kind
        self.fin = True
        self._payload = payload

    def get_payload_as_bytes(self) -> bytes:
        return self._payload


class _Client:
    """In place of picows.WSTransport."""

    close_handshake = None
    is_close_frame_sent = False

    def __init__(self, line: _Line) -> None:
        self._line = line
        self.gone = asyncio.Event()

    @property
    def is_disconnected(self) -> bool:
        return self.gone.is_set()

    def send(self, kind: Any, message: bytes) -> None:
        self._line.up(message)

    def send_ping(self, payload: bytes) -> None:
        self._line.ping(payload)

    def send_close(self, code: Any = None) -> None:
        pass

    def disconnect(self, graceful: bool = True) -> None:
        self._line.hang_up()
        self.gone.set()

    async def wait_disconnected(self) -> None:
        await self.gone.wait()


class _Line:
    """One WebSocket connection: two directions, each in order, each with its own delay."""

    def __init__(self, network: Network, url: str, listener: Any) -> None:
        self._network = network
        self._loop = network.loop
        self.listener = listener
        self.owner = current_life()
        self._life = contextvars.copy_context()
        self.client = _Client(self)
        self._request = _Request("GET", url)
        self._request.line = self
        self.is_of_account = self._request.path.startswith("/ws/")
        """Behind a listen key, where the venue has the account's events on a socket of their own."""
        self._withheld: list[bytes] = []
        self._socket: _ServerSocket | None = None
        self._accepted: asyncio.Future[None] = network.loop.create_future()
        self._up_at = 0.0
        self._down_at = 0.0
        self.broken = False

    async def open(self) -> None:
        server = self._network.server
        api = self._request.path == "/ws-api/v3"
        handler = server._api_socket if api else server._market_socket
        self._network.in_world(handler(self._request))  # type: ignore[arg-type]
        await self._accepted
        await asyncio.sleep(self._network.latency_s())
        if self.broken or self._network.server is not server or self._network.refuses:
            raise ConnectionResetError(104, "Connection reset by peer")  # also where the exchange went meanwhile
        self._network.lines[self] = None
        self.listener.on_ws_connected(self.client)

    def accepted(self, socket: _ServerSocket) -> None:
        self._socket = socket
        if not self._accepted.done():
            self._accepted.set_result(None)

    # What travels: a timer each way. On a silent line it is held until the line is back.

    def up(self, message: bytes) -> None:
        self._network.timeline.note("ws >", message)
        text = message.decode()
        self._network.on_sent(text)
        for name in _CREATED.findall(text):
            self._network.on_create(name)
        self._up_at = max(self._up_at + _APART_S, self._loop.now_s + self._network.latency_s())
        self._travel(self._up_at, self._arrive_up, message, self._network.world)

    def _arrive_up(self, message: bytes) -> None:
        if self._socket is not None and not self._request.aborted:
            self._socket.put(message)

    def down(self, frame: bytes) -> None:
        if self._network.trouble.account_silent and (self.is_of_account or frame.startswith(_OF_ACCOUNT)):
            self._withheld.append(frame)
            return
        self._down_at = max(self._down_at + _APART_S, self._loop.now_s + self._network.latency_s())
        self._travel(self._down_at, self._arrive_down, frame, self._life)

    def release(self) -> None:
        withheld, self._withheld = self._withheld, []
        for frame in withheld:
            self.down(frame)

    def _arrive_down(self, frame: bytes) -> None:
        if not self.broken:
            if self._network.strikes(self._network.trouble.tear_answer * 0.5) and frame:
                frame = frame[: self._network.random.randrange(len(frame))]
            self._network.timeline.note("ws <", frame)
            self.listener.on_ws_frame(self.client, _Frame(picows.WSMsgType.TEXT, frame))

    @property
    def _mute(self) -> bool:
        trouble = self._network.trouble
        return trouble.silent or (trouble.account_silent and self.is_of_account)

    def ping(self, payload: bytes) -> None:
        if not self._mute and not self.broken:
            delay = self._network.trouble.latency_s * 2 + 0.01
            self._loop.call_later(delay, self._pong, payload, context=self._life)

    def _pong(self, payload: bytes) -> None:
        if not self.broken and not self._mute:
            self.listener.on_ws_frame(self.client, _Frame(picows.WSMsgType.PONG, payload))

    def _travel(self, at: float, arrive: Callable[[bytes], None], data: bytes, context: contextvars.Context) -> None:
        def due() -> None:
            if self._network.trouble.silent:
                self._network.held.append(lambda: self._loop.call_soon(arrive, data, context=context))
            else:
                arrive(data)

        self._loop.call_at(at, due, context=context)

    # How it ends.

    def break_(self) -> None:
        """Cut between the two: the engine sees it a moment later; of what was sent, some still arrives."""
        if self.broken:
            return
        self._network.lines.pop(self, None)
        if self._network.random.random() < 0.5:
            self._request.aborted = True  # nothing that is under way arrives
        self.broken = True
        if not self._accepted.done():
            self._accepted.set_result(None)
        self._loop.call_later(self._network.latency_s(), self.client.gone.set, context=self._life)
        self._loop.call_later(self._network.latency_s() + 0.05, self._end_of_stream, context=self._network.world)

    def hang_up(self) -> None:
        """The engine closes its end: everything it sent before arrives first."""
        if self.broken:
            return
        self._network.lines.pop(self, None)
        self.broken = True
        at = max(self._up_at, self._loop.now_s + self._network.latency_s()) + 0.001
        self._loop.call_at(at, self._end_of_stream, context=self._network.world)

    def _end_of_stream(self) -> None:
        if self._socket is not None:
            self._socket.put(_GONE)


def _nobody(_: str) -> None:
    pass


@contextmanager
def wired(network: Network) -> Iterator[None]:
    """Within the block every socket of this process is one of `network`."""
    session = type("ClientSession", (_ClientSession,), {"network": network})
    with (
        mock.patch.object(picows, "ws_connect", network.ws_connect),
        mock.patch.object(aiohttp, "ClientSession", session),
        mock.patch.object(aiohttp, "TCPConnector", return_value=None),
        mock.patch.object(web, "WebSocketResponse", _ServerSocket),
    ):
        yield
