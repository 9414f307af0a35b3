"""The WebSocket that keeps itself up, against a real socket on loopback."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import picows
import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from octopus_desktop.net import websocket
from octopus_desktop.net.websocket import WebSocket

Handler = Callable[[ServerConnection], Awaitable[None]]


class Heard:
    """A listener that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.frames: list[bytes] = []
        self.changed = asyncio.Event()

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self.changed.set()

    def on_connecting(self) -> None:
        self._tell("connecting")

    def on_up(self) -> None:
        self._tell("up")

    def on_frames(self, payloads: Iterator[bytes], ts_received_ns: int) -> None:
        for payload in payloads:
            self.frames.append(payload)
            self.changed.set()
            if payload == b"boom":
                raise ValueError("a listener's own mistake")

    def on_quiet(self, quiet: bool) -> None:
        self._tell(f"quiet {quiet}")

    def on_down(self, reason: str) -> None:
        self._tell(f"down: {reason}")

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


Make = Callable[[Handler], Awaitable[tuple[WebSocket, Heard]]]


@pytest.fixture
async def link() -> AsyncIterator[Make]:
    servers: list[Server] = []
    sockets: list[WebSocket] = []

    async def make(handler: Handler) -> tuple[WebSocket, Heard]:
        server = await serve(handler, "127.0.0.1", 0)
        servers.append(server)
        port = next(iter(server.sockets)).getsockname()[1]
        heard = Heard()
        one = WebSocket(f"ws://127.0.0.1:{port}/?signature=deadbeef99", heard, name="test", slowest_reconnect_s=0.1)
        sockets.append(one)
        one.start()
        return one, heard

    yield make
    for one in sockets:
        await one.stop()
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_frames_come_after_the_word_that_it_is_up(
    link: Make,
) -> None:
    """The first message may ride in the handshake's packet; it is heard all the same, and not before `up`."""

    async def handler(connection: ServerConnection) -> None:
        await connection.send("first")
        await connection.send(["frag", "men", "ted"])
        async for message in connection:
            await connection.send(message)

    one, heard = await link(handler)
    await heard.until(lambda: len(heard.frames) == 2)
    assert heard.told == ["connecting", "up"]
    assert one.send(b"echo")
    await heard.until(lambda: len(heard.frames) == 3)
    assert heard.frames == [b"first", b"fragmented", b"echo"]
    assert one.is_up


async def test_it_comes_back_and_says_why_it_went(
    link: Make,
) -> None:
    """The venue closes the line: the reason is told, and the link is there again."""

    async def handler(connection: ServerConnection) -> None:
        await connection.close(1008, "go away")

    _, heard = await link(handler)
    await heard.until(lambda: heard.told.count("up") >= 2)
    assert any(told == "down: closed by the venue (1008: go away)" for told in heard.told)


async def test_nobody_there(caplog: pytest.LogCaptureFixture) -> None:
    """No server: it keeps trying, writes nothing, and its log holds no secret."""
    heard = Heard()
    one = WebSocket("ws://127.0.0.1:9/?signature=deadbeef99", heard, name="test", slowest_reconnect_s=0.05)
    with caplog.at_level(logging.DEBUG):
        one.start()
        await heard.until(lambda: len([told for told in heard.told if told.startswith("down")]) >= 3)
        assert not one.send(b"lost")
        await one.stop()
    assert "deadbeef99" not in caplog.text
    assert "deadbeef99" not in str(heard.told)


async def test_a_failing_listener_costs_one_message(
    link: Make,
) -> None:
    """A message that cannot be handled does not take the connection with it."""

    async def handler(connection: ServerConnection) -> None:
        await connection.send("boom")
        await connection.send("after")
        await connection.wait_closed()

    _, heard = await link(handler)
    await heard.until(lambda: len(heard.frames) == 2)
    assert heard.told == ["connecting", "up"]


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    key = re.findall(rb"(?i)sec-websocket-key: *(\S+)", head)[0]
    answer = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + answer + b"\r\n\r\n"
    )
    await writer.drain()


async def test_an_end_in_the_middle_of_the_handshake_leaves_nothing_open() -> None:
    """The venue sees the socket close, and nobody is told that the link is up."""
    called, ended = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        await asyncio.sleep(0.1)
        await accept(reader, writer)
        assert await reader.read() == b""
        ended.set()
        writer.close()

    async with await asyncio.start_server(slow, "127.0.0.1", 0) as server:
        heard = Heard()
        one = WebSocket(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", heard, name="test")
        one.start()
        await called.wait()
        await one.stop()
        assert not one.is_up
        assert "up" not in heard.told
        async with asyncio.timeout(3):
            await ended.wait()


async def test_silence_is_told_within_a_second_and_then_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is open and dead is worse than a broken one: it is called quiet, then given up and made anew."""
    monkeypatch.setattr(websocket, "CUT_AFTER_S", 1.6)
    shut = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        await shut.wait()
        writer.close()

    server = await asyncio.start_server(deaf, "127.0.0.1", 0)
    heard = Heard()
    port = server.sockets[0].getsockname()[1]
    one = WebSocket(f"ws://127.0.0.1:{port}/", heard, name="test", slowest_reconnect_s=0.05)
    one.start()
    await heard.until(lambda: heard.told.count("up") >= 2)
    assert heard.told[:3] == ["connecting", "up", "quiet True"]
    assert heard.told[3].startswith("down: silent for")
    await one.stop()
    shut.set()
    server.close()
    await server.wait_closed()


async def test_an_idle_link_that_answers_pings_is_not_quiet(
    link: Make,
) -> None:
    """A calm market is no dead line: our own pings show that the venue is there, and how far away."""

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()

    one, heard = await link(handler)
    await asyncio.sleep(1.8)
    assert heard.told == ["connecting", "up"]
    assert 0 < one.round_trip_ns < 1_000_000_000


class LastWord:
    """A whole text message as picows shows it."""

    msg_type = picows.WSMsgType.TEXT
    fin = True

    def get_payload_as_bytes(self) -> bytes:
        return b"filled"


async def test_what_came_just_before_the_end_is_handed_over_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last word on a line, a fill perhaps, is heard before the line is said to be down."""
    heard = Heard()
    link = WebSocket("ws://127.0.0.1:1", heard, name="test")
    known_at_the_end: list[list[bytes]] = []

    async def one_connection(frames: Any) -> str:
        frames.on_ws_frame(None, LastWord())
        return "the line broke"

    def on_down(reason: str) -> None:
        known_at_the_end.append(heard.frames.copy())
        heard.changed.set()

    monkeypatch.setattr(link, "_one_connection", one_connection)
    monkeypatch.setattr(heard, "on_down", on_down)
    link.start()
    await heard.until(lambda: bool(known_at_the_end))
    await link.stop()
    assert known_at_the_end[0] == [b"filled"]
