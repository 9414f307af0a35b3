"""An order's way from the call to its bytes on the socket, beside a blocking socket that sends the same."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import hmac
import multiprocessing
import os
import re
import socket
import struct
import time
from collections.abc import Callable
from decimal import Decimal
from multiprocessing.connection import Connection as Pipe

import msgspec

from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.identifiers import ClientOrderId, Venue, instrument_id
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import OrderIntent, OrderType, Side
from octopus_desktop.model.profile import VenueUrls
from octopus_desktop.venues.binance.execution import BinanceExecution
from octopus_desktop.venues.binance.host import Host
from octopus_desktop.venues.binance.product import SPOT
from octopus_desktop.venues.binance.rest import Rest
from octopus_desktop.venues.binance.session import Session
from octopus_desktop.venues.binance.signing import Signer

ORDERS = 1000
WARM = 200
VENUE = Venue("BENCH")
KEY, SECRET = "k" * 64, "s" * 64
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def _serve(pipe: Pipe) -> None:
    """Stamps the moment it has a request whole, and puts it in the answer. Raw sockets: nothing of ours is in it."""
    _stay_on(-1)
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            _serve_one(connection)


def _serve_one(connection: socket.socket) -> None:
    first = connection.recv(65536)
    if first.startswith(b"GET"):
        key = re.findall(rb"(?i)sec-websocket-key: *(\S+)", first)[0]
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        first = b""
    while True:
        data = first or connection.recv(65536)
        stamp = time.monotonic_ns()
        first = b""
        if not data:
            return
        if data[0] & 15 == 1:
            body = _answer(_request_id(data), stamp)
            connection.sendall(b"\x81\x7e" + struct.pack(">H", len(body)) + body)
        elif data[0] & 0x80 == 0:
            connection.sendall(b"%d\n" % stamp)


def _request_id(frame: bytes) -> int:
    start = 8 if frame[1] & 127 == 126 else 6
    mask = frame[start - 4 : start]
    text = bytes(byte ^ mask[position % 4] for position, byte in enumerate(frame[start : start + 24]))
    return int(text.split(b":", 1)[1].split(b",", 1)[0])


def _answer(request: int, stamp: int) -> bytes:
    return (
        b'{"id":%d,"status":200,"result":{"symbol":"BTCUSDT","orderId":%d,"clientOrderId":"o","transactTime":1,'
        b'"price":"30000.00","origQty":"0.001","executedQty":"0","status":"NEW","timeInForce":"GTC","type":"LIMIT",'
        b'"side":"BUY","fills":[]}}' % (request, stamp)
    )


def _blocking(port: int) -> list[int]:
    """What the venue must be told in any case: the fields, the time and a signature, over a socket that is open."""
    ways = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: "
        for number in range(ORDERS):
            called = time.monotonic_ns()
            query = (
                f"symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=30000"
                f"&newClientOrderId=o{number}&recvWindow=5000&timestamp={int(time.time() * 1000)}"
            )
            signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
            body = f"{query}&signature={signature}".encode()
            connection.sendall(head + b"%d\r\n\r\n" % len(body) + body)
            ways.append(int(connection.recv(64)) - called)
    return ways[WARM:]


async def _ours(port: int) -> list[int]:
    """`BinanceExecution.submit`, signed in the call."""
    host = Host(VENUE, SPOT)
    host.budget.limit = 10**9
    signer = Signer(Credentials(KEY, SECRET))
    url = f"ws://127.0.0.1:{port}/ws-api/v3"
    execution = BinanceExecution(
        VENUE, Rest("http://127.0.0.1:1", SPOT, host, signer), host, signer, VenueUrls("http://127.0.0.1:1", url, url)
    )
    up = asyncio.Event()
    session = Session(
        url,
        host,
        signer,
        "bench",
        on_up=up.set,
        on_down=_ignore,
        on_connecting=lambda: None,
        on_event=_ignore,
        on_unreadable=lambda: None,
    )
    execution._session = session
    session.start()
    await up.wait()
    name = instrument_id("BTCUSDT", VENUE)
    step = Decimal("0.001")
    instrument = Instrument(
        name, VENUE, "BTCUSDT", "BTC", "USDT", InstrumentKind.SPOT, step, step, step, Decimal(100), Decimal(5)
    )
    ways = []
    for number in range(ORDERS):
        intent = OrderIntent(
            ClientOrderId(f"o{number}"), name, Side.BUY, OrderType.LIMIT, Decimal("0.001"), Decimal("30000")
        )
        called = time.monotonic_ns()
        report = await execution.submit(intent, instrument)
        ways.append(int(report.venue_order_id) - called)
    await session.stop()
    return ways[WARM:]


def _ignore(_: str | msgspec.Raw) -> None:
    pass


def _stay_on(core: int) -> Callable[[], None]:
    """On one core of those there are, where the system lets us; what is returned undoes it.

    Venue and client on cores of their own: else the system puts a client that blocks at once beside its venue, where
    waking it takes a fifth of the time, in some runs and not in others.
    """
    if not hasattr(os, "sched_setaffinity"):
        return lambda: None
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[core]})
    return lambda: os.sched_setaffinity(0, before)


def measure() -> list[dict[str, object]]:
    ours_end, theirs_end = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs_end,), daemon=True)
    server.start()
    move_again = _stay_on(0)
    try:
        port = ours_end.recv()
        gc.collect()
        value, floor = float("inf"), float("inf")
        for _ in range(24):  # of a busy machine the quietest moment, for both
            floor = min(floor, _middle(_blocking(port)))
            value = min(value, _middle(_run(_ours(port))))
    finally:
        move_again()
        server.kill()
        server.join()
    return [
        {
            "name": "order call → bytes at the venue, signed",
            "value": value,
            "unit": "µs",
            "better": "lower",
            "versus": "blocking socket, signed",
            "versus_value": floor,
            "ratio": value / floor,
            "goal": "ratio <= 2",
            "ok": value / floor <= 2.0,
        }
    ]


def _run(work: object) -> list[int]:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)  # type: ignore[arg-type]
    return uvloop.run(work)  # type: ignore[arg-type, no-any-return]


def _middle(ways: list[int]) -> float:
    return sorted(ways)[len(ways) // 2] / 1000


if __name__ == "__main__":
    for row in measure():
        print(row)
