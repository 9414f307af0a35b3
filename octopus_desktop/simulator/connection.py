"""One WebSocket connection: frames queue here and leave in order, through the faults."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Literal

from aiohttp import WSMsgType, web

from octopus_desktop.simulator.faults import Faults

_QUEUE = 20_000
"""Frames a slow reader may be behind before it is cut off."""

Kind = Literal["market", "user", "answer"]


class Connection:
    """The sending half of a socket. `send` never waits."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, faults: Faults) -> None:
        self._request = request
        self.socket = socket
        self._faults = faults
        self._queue: deque[tuple[float, bytes]] = deque()
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._writer = asyncio.create_task(self._write(), name="frames out")
        self.closed = False

    def send(self, frame: bytes, kind: Kind) -> None:
        """Queue a frame of text."""
        if self.closed:
            return
        if kind == "answer":
            frames: list[bytes] | None = [frame]
        else:
            frames = self._faults.bend(frame, kind)
        if frames is None or len(self._queue) > _QUEUE:
            self.cut()
            return
        due = self._loop.time() + self._faults.plan.delay_ms / 1000 if self._faults.plan.delay_ms else 0.0
        for one in frames:
            self._queue.append((due, one))
        self._wake.set()

    def cut(self) -> None:
        """Drop the connection as a broken line would: no close frame."""
        self.closed = True
        self._wake.set()
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    async def close(self) -> None:
        self.closed = True
        self._wake.set()
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)

    async def _write(self) -> None:
        queue, socket = self._queue, self.socket
        while not self.closed:
            if not queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            due, frame = queue.popleft()
            if due:
                late = due - self._loop.time()
                if late > 0:
                    await asyncio.sleep(late)
            try:
                await socket.send_frame(frame, WSMsgType.TEXT)
            except (ConnectionError, RuntimeError):
                self.closed = True  # the reader sees the same end and cleans up
