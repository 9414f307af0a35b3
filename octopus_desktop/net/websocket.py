"""A WebSocket that keeps itself up: connects, watches for life, reconnects."""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import Iterator
from operator import length_hint
from typing import Any, Final, Protocol

import picows

from octopus_desktop.net.backoff import Backoff
from octopus_desktop.net.unreached import why
from octopus_desktop.redaction import redact

logger = logging.getLogger(__name__)
# picows tells of each handshake with its whole address; a listen key in it is as good as a password.
_picows_logger = logging.getLogger(f"{__name__}.picows")
_picows_logger.setLevel(logging.WARNING)

CONNECT_TIMEOUT_S: Final = 5.0
WATCH_EVERY_S: Final = 0.2
PING_AFTER_S: Final = 0.4
"""Two pings a second on an idle link, hardly any on a busy one: they count among the messages a venue allows."""
MEASURE_EVERY_S: Final = 5.0
"""A busy link is pinged too, now and then, for its round trip."""
QUIET_AFTER_S: Final = 1.0
CUT_AFTER_S: Final = 6.0
STEADY_AFTER_S: Final = 10.0
HANDSHAKE_LEFT_S: Final = 0.5
"""So long an end waits for a connection that is being made."""
MAX_FRAME: Final = 16 * 1024 * 1024

_TEXT: Final = picows.WSMsgType.TEXT
_PING: Final = picows.WSMsgType.PING
_PONG: Final = picows.WSMsgType.PONG
_CLOSE: Final = picows.WSMsgType.CLOSE


class Listener(Protocol):
    """Who gets what the socket says. Everything is called on the loop, and nothing may block."""

    def on_connecting(self) -> None: ...

    def on_up(self) -> None: ...

    def on_frames(self, payloads: Iterator[bytes], ts_received_ns: int) -> None:
        """Whole text or binary messages, in their order: what one read of the socket brought.

        What it raises is logged and costs the message it had taken last; it is then called again with the rest.
        """
        ...

    def on_quiet(self, quiet: bool) -> None:
        """True: no sign of life for `QUIET_AFTER_S`, though the socket is open. False: it is back."""
        ...

    def on_down(self, reason: str) -> None: ...


class WebSocket:
    """`start` once; from then on it is up or on its way up until `stop`.

    Signs of life are frames and pongs. A link that shows none is reported quiet within a second, and cut and
    reconnected after `CUT_AFTER_S`.
    """

    def __init__(self, url: str, listener: Listener, *, name: str, slowest_reconnect_s: float = 5.0) -> None:
        self.url = url
        self._listener = listener
        self._name = name
        self._backoff = Backoff(0.25, slowest_reconnect_s)
        self._transport: Any = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._connecting = False
        self._cut_reason = ""
        self._exactly = ""
        self._last_logged = ""
        self._opened_at = 0.0
        self.messages = 0
        self.controls = 0
        self.round_trip_ns = 0

    @property
    def is_up(self) -> bool:
        return self._transport is not None

    def start(self) -> None:
        assert self._task is None, "a WebSocket is started once"
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"{self._name} link")

    async def stop(self) -> None:
        self._stopping.set()
        transport = self._transport
        if transport is not None:
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect(graceful=False)
        if self._task is not None:
            if transport is None:
                if self._connecting:
                    # picows leaves the socket of a canceled handshake open; nearly always it is through in a moment.
                    await asyncio.wait([self._task], timeout=HANDSHAKE_LEFT_S)
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def send(self, message: bytes) -> bool:
        """The bytes are with the operating system, or in the transport's buffer behind earlier ones, on return.

        False: the link is down and nothing was written.
        """
        transport = self._transport
        if transport is None or transport.is_disconnected or transport.is_close_frame_sent:
            return False
        transport.send(_TEXT, message)
        return True

    def cut(self, reason: str) -> None:
        """Give this connection up and make a new one."""
        if self._transport is not None:
            self._cut_reason = reason
            self._transport.disconnect(graceful=False)

    def opened(self, transport: picows.WSTransport) -> None:
        """The handshake is done, and no frame was read yet."""
        if self._stopping.is_set():
            transport.disconnect(graceful=False)
            return
        self._cut_reason = ""
        self._opened_at = time.monotonic()
        self._transport = transport
        self._listener.on_up()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            self._opened_at = 0.0
            self._listener.on_connecting()
            frames = _Frames(self, self._listener)
            reason = await self._one_connection(frames)
            frames.hand_over()  # what came just before the end
            if self._opened_at and time.monotonic() - self._opened_at > STEADY_AFTER_S:
                self._backoff.reset()
                self._last_logged = ""
            if self._stopping.is_set():
                reason = "closed by us"
            elif reason != self._last_logged:
                logger.warning("%s: %s; reconnecting%s", self._name, reason, self._exactly)
                self._last_logged = reason
            self._listener.on_down(reason)
            if not self._stopping.is_set():
                await asyncio.sleep(self._backoff.next_s())

    async def _one_connection(self, frames: _Frames) -> str:
        """Until it ends; the reason why it did, without secrets and in words for the trader."""
        watch: _Watch | None = None
        self._exactly = ""
        self._connecting = True
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                transport, _ = await picows.ws_connect(
                    lambda: frames,
                    self.url,
                    websocket_handshake_timeout=CONNECT_TIMEOUT_S,
                    disconnect_on_exception=False,
                    max_frame_size=MAX_FRAME,
                    logger_name=_picows_logger,
                )
            self._connecting = False
            watch = _Watch(self, transport, self._listener, asyncio.get_running_loop())
            await transport.wait_disconnected()
        except TimeoutError:
            return f"no connection within {CONNECT_TIMEOUT_S:.0f} s"
        except (OSError, picows.WSError) as error:
            self._exactly = f" ({type(error).__name__}: {redact(str(error).strip())[:300]})"
            return "the venue answers and opens no stream" if isinstance(error, picows.WSError) else why(error)
        finally:
            self._transport = None
            self._connecting = False
            if watch is not None:
                watch.stop()
        return self._cut_reason or _close_reason(transport)


class _Frames(picows.WSListener):
    """Puts fragments together, and keeps a failing listener from costing the connection.

    Messages are handed over when their read is through, not one by one.
    """

    def __init__(self, link: WebSocket, listener: Listener) -> None:
        self._link = link
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._arrived: list[bytes] = []
        self._arrived_ns = 0
        self._parts: list[bytes] = []
        self._told: set[type[Exception]] = set()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._link.opened(transport)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        kind = frame.msg_type
        if kind == _TEXT and frame.fin:
            payload = frame.get_payload_as_bytes()
        elif kind == _PONG:
            self._link.controls += 1
            self._pong(frame.get_payload_as_bytes())
            return
        elif kind == _PING:
            self._link.controls += 1
            return
        elif kind == _CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
            return
        else:
            self._link.controls += 1
            self._parts.append(frame.get_payload_as_bytes())
            if not frame.fin:
                return
            payload = b"".join(self._parts)
            self._parts.clear()
        if not self._arrived:
            self._arrived_ns = time.time_ns()
            self._loop.call_soon(self.hand_over)
        self._arrived.append(payload)

    def hand_over(self) -> None:
        """Once for all messages of a read: what is done once for many costs each of them next to nothing."""
        arrived, self._arrived = self._arrived, []
        self._link.messages += len(arrived)
        payloads = iter(arrived)
        while length_hint(payloads):
            try:
                self._listener.on_frames(payloads, self._arrived_ns)
            except Exception as error:
                if type(error) not in self._told:  # once: it may be every message from now on
                    self._told.add(type(error))
                    payload = arrived[-length_hint(payloads) - 1]
                    logger.exception(
                        "a message could not be handled: %s", redact(payload[:500].decode(errors="replace"))
                    )

    def _pong(self, payload: bytes) -> None:
        if len(payload) == 8:
            (sent,) = struct.unpack(">Q", payload)
            self._link.round_trip_ns = max(0, time.monotonic_ns() - sent)


class _Watch:
    """Looks for life a few times a second while a connection is open."""

    def __init__(
        self, link: WebSocket, transport: picows.WSTransport, listener: Listener, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._link = link
        self._transport = transport
        self._listener = listener
        self._loop = loop
        self._seen = link.messages + link.controls
        self._alive_at = self._looked_at = self._pinged_at = loop.time()
        self._quiet = False
        self._timer = loop.call_later(WATCH_EVERY_S, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        self._timer = self._loop.call_later(WATCH_EVERY_S, self._look)
        late = now - self._looked_at > 3 * WATCH_EVERY_S
        self._looked_at = now
        life = self._link.messages + self._link.controls
        if life != self._seen or late:
            # A look that comes late (a machine that slept, a loop that was busy) says nothing about the venue.
            self._seen = life
            self._alive_at = now
            if self._quiet and not late:
                self._quiet = False
                self._listener.on_quiet(False)
        silence = now - self._alive_at
        idle = silence >= PING_AFTER_S - WATCH_EVERY_S / 2 and now - self._pinged_at >= PING_AFTER_S
        if idle or now - self._pinged_at >= MEASURE_EVERY_S:
            self._pinged_at = now
            self._transport.send_ping(struct.pack(">Q", time.monotonic_ns()))
        if silence >= QUIET_AFTER_S - WATCH_EVERY_S / 2 and not self._quiet:
            self._quiet = True
            self._listener.on_quiet(True)
        if silence >= CUT_AFTER_S:
            self._link.cut(f"silent for {silence:.0f} s")


def _close_reason(transport: picows.WSTransport) -> str:
    handshake = transport.close_handshake
    if handshake is None or handshake.recv is None:
        return "the connection broke"
    code = handshake.recv.code
    text = redact(str(handshake.recv.reason or ""))[:200]
    return f"closed by the venue ({getattr(code, 'value', code)}{': ' + text if text else ''})"
