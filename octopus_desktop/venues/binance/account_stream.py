"""What the account tells: subscribed to on the order session, or over a listen key where the venue only knows those.

Sources: https://developers.binance.com/docs/binance-spot-api-docs/websocket-api/user-data-stream-requests; listen
keys are what venues of the older dialect offer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from octopus_desktop.model.errors import LinkError, RequestRefused, VenueError, VenueUnavailable
from octopus_desktop.net.websocket import WebSocket
from octopus_desktop.venues.binance.messages import (
    AccountEvent,
    AccountPosition,
    EventKind,
    ExecutionReport,
    ListenKey,
    ListenKeyExpired,
    StreamEnded,
)
from octopus_desktop.venues.binance.rest import Rest
from octopus_desktop.venues.binance.session import Session
from octopus_desktop.venues.binance.signing import Signer

logger = logging.getLogger(__name__)

KEEP_ALIVE_S: Final = 30 * 60.0
OPEN_WITHIN_S: Final = 10.0

_decode_kind: Final = msgspec.json.Decoder(EventKind).decode
_decode_event: Final = msgspec.json.Decoder(AccountEvent, strict=False).decode
_KNOWN: Final = frozenset(("executionReport", "outboundAccountPosition", "eventStreamTerminated", "listenKeyExpired"))


class AccountStream:
    """`open` returns when the events flow; they go to `on_event` as raw JSON. `lost` forgets what was opened."""

    def __init__(
        self,
        session: Session,
        rest: Rest,
        signer: Signer,
        stream_url: str,
        on_event: Callable[[bytes], None],
    ) -> None:
        self._session = session
        self._rest = rest
        self._signer = signer
        self._stream_url = stream_url
        self._on_event = on_event
        self._listening: _ListenKeyLink | None = None
        self._subscribed = False

    async def open(self) -> None:
        """Raises VenueError; LinkError where the session is down. Where it may be open already it is closed first."""
        if self._subscribed:
            await self._unsubscribe()
        try:
            if self._signer.can_log_on:
                await self._session.request("userDataStream.subscribe", {}, weight=2, signed=False, vital=True)
            else:
                await self._session.request("userDataStream.subscribe.signature", {}, weight=2, vital=True)
            self._subscribed = True
        except (RequestRefused, VenueUnavailable) as error:
            # A method the venue does not know is refused with more than one code, -1000 among them.
            logger.info("the venue has no account stream on its order session (%s); using a listen key", error)
            await self._listen()

    def lost(self) -> None:
        """The session, or the stream on it, is gone."""
        self._subscribed = False
        if self._listening is not None:
            self._listening.end()
            self._listening = None

    async def stop(self) -> None:
        if self._listening is not None:
            listening, self._listening = self._listening, None
            await listening.stop()

    async def _unsubscribe(self) -> None:
        self._subscribed = False
        try:
            await self._session.request("userDataStream.unsubscribe", {}, weight=2, signed=False, vital=True)
        except (RequestRefused, VenueUnavailable) as error:
            logger.info("the old account stream is not called off: %s", error)

    @staticmethod
    def decode(raw: bytes | msgspec.Raw) -> ExecutionReport | AccountPosition | StreamEnded | ListenKeyExpired | None:
        """None: an event of a kind that tells nothing we keep. Raises msgspec.DecodeError."""
        if _decode_kind(raw).e not in _KNOWN:
            return None
        event: ExecutionReport | AccountPosition | StreamEnded | ListenKeyExpired = _decode_event(raw)
        return event

    async def _listen(self) -> None:
        self.lost()
        body = await self._rest.keyed("POST", "userDataStream")
        try:
            key = msgspec.json.decode(body, type=ListenKey).listenKey
        except msgspec.DecodeError as error:
            raise VenueUnavailable("The venue's listen key cannot be read.") from error
        listening = self._listening = _ListenKeyLink(f"{self._stream_url}/ws/{key}", self._rest, key, self._on_event)
        await listening.open()


class _ListenKeyLink:
    """The socket of one listen key. When it breaks it says `listenKeyExpired`, and a new key is asked for."""

    def __init__(self, url: str, rest: Rest, key: str, on_event: Callable[[bytes], None]) -> None:
        self._rest = rest
        self._key = key
        self._on_event = on_event
        self._is_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ended = False
        self._task: asyncio.Task[None] | None = None
        self.socket = WebSocket(url, self, name="account stream")

    async def open(self) -> None:
        self.socket.start()
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                await self._is_open
        except TimeoutError as error:
            raise LinkError("The account stream cannot be reached.") from error
        self._task = asyncio.get_running_loop().create_task(self._keep_alive(), name="keep the listen key alive")

    def end(self) -> None:
        self._ended = True
        if self._task is not None:
            self._task.cancel()
        self._stopping = asyncio.get_running_loop().create_task(self.socket.stop(), name="end the account stream")

    async def stop(self) -> None:
        self.end()
        await self._stopping

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_S)
            try:
                await self._rest.keyed("PUT", "userDataStream", {"listenKey": self._key})
            except VenueError as error:
                logger.warning("the listen key could not be kept alive: %s", error)

    # The socket's listener --------------------------------------------------

    def on_connecting(self) -> None:
        pass

    def on_up(self) -> None:
        if not self._is_open.done():
            self._is_open.set_result(None)

    def on_frames(self, payloads: Iterator[bytes], ts_received_ns: int) -> None:
        for payload in payloads:
            self._on_event(payload)

    def on_quiet(self, quiet: bool) -> None:
        if quiet:
            logger.warning("the account stream is silent")

    def on_down(self, reason: str) -> None:
        if self._is_open.done() and not self._ended:
            self._ended = True
            self._on_event(b'{"e":"listenKeyExpired"}')
