"""The WebSocket API: requests by id over one connection that stays logged on, and the account's events on it.

Sources: https://developers.binance.com/docs/binance-spot-api-docs/websocket-api/general-api-information and
https://developers.binance.com/docs/binance-spot-api-docs/websocket-api/authentication-requests
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from octopus_desktop.model.errors import LinkError, RateLimited, VenueTimeout
from octopus_desktop.net.websocket import WebSocket
from octopus_desktop.venues.binance.errors import (
    REPLACE_HALF_DONE,
    REPLACE_REFUSED,
    TOO_MANY_ORDERS,
    ReplaceRefused,
    from_refusal,
)
from octopus_desktop.venues.binance.host import Host
from octopus_desktop.venues.binance.messages import ApiFrame, Refusal
from octopus_desktop.venues.binance.signing import Signer

logger = logging.getLogger(__name__)

RECEIVE_WINDOW_MS: Final = 5000
ANSWER_WITHIN_S: Final = 5.0

_decode: Final = msgspec.json.Decoder(ApiFrame, strict=False).decode
_encode: Final = msgspec.json.Encoder().encode
Params = dict[str, str | int]


class _Pending(msgspec.Struct):
    future: asyncio.Future[msgspec.Raw]
    method: str
    weight: int
    timer: asyncio.TimerHandle
    vital: bool


class Session:
    """`request` writes before it returns; what it returns is the answer to come.

    While the link is down a request raises LinkError with `outcome_unknown` false: nothing was written.
    """

    def __init__(
        self,
        url: str,
        host: Host,
        signer: Signer,
        name: str,
        *,
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        on_connecting: Callable[[], None],
        on_event: Callable[[msgspec.Raw], None],
        on_unreadable: Callable[[], None],
    ) -> None:
        self._host = host
        self._signer = signer
        self._up = on_up
        self._down = on_down
        self._connecting = on_connecting
        self._event = on_event
        self._unreadable = on_unreadable
        self._pending: dict[int, _Pending] = {}
        self._next_id = 1
        self._logged_on = False
        self._loop = asyncio.get_running_loop()
        self.socket = WebSocket(url, self, name=name)

    def start(self) -> None:
        self.socket.start()

    async def stop(self) -> None:
        await self.socket.stop()

    async def log_on(self) -> None:
        """With an Ed25519 key no request after this one needs a signature."""
        if self._signer.can_log_on:
            self._logged_on = False  # the request itself is signed, also where an earlier one had done it
            await self.request("session.logon", {}, weight=2, vital=True)
            self._logged_on = True

    def request(
        self,
        method: str,
        params: Params,
        *,
        weight: int,
        signed: bool = True,
        pressing: bool = False,
        vital: bool = False,
    ) -> asyncio.Future[msgspec.Raw]:
        """`params` must not hold apiKey, timestamp or signature. `pressing` as in RateBudget. A connection on which
        a `vital` request is not answered is given up.

        The future raises what the venue refused with; LinkError and VenueTimeout leave the outcome unknown. Raises
        RateLimited and LinkError at once where nothing was written.
        """
        budget = self._host.budget
        budget.reserve(weight, urgent=True, pressing=pressing)
        number = self._next_id
        self._next_id = number + 1
        if signed:
            params = self._authorised(params)
        if not self.socket.send(_encode({"id": number, "method": method, "params": params})):
            budget.settle(weight, 0)
            error = LinkError(f"{method} was not sent: there is no connection to the venue.")
            error.outcome_unknown = False
            raise error
        future: asyncio.Future[msgspec.Raw] = self._loop.create_future()
        timer = self._loop.call_later(ANSWER_WITHIN_S, self._expire, number)
        self._pending[number] = _Pending(future, method, weight, timer, vital)
        return future

    def _authorised(self, params: Params) -> Params:
        params = params.copy()
        params["recvWindow"] = RECEIVE_WINDOW_MS
        params["timestamp"] = self._host.clock.now_ns() // 1_000_000
        if not self._logged_on:
            params["apiKey"] = self._signer.api_key
            payload = "&".join([f"{key}={params[key]}" for key in sorted(params)])
            params["signature"] = self._signer.sign(payload.encode())
        return params

    # The socket's listener --------------------------------------------------

    def on_connecting(self) -> None:
        self._connecting()

    def on_up(self) -> None:
        self._logged_on = False
        self._up()

    def on_quiet(self, quiet: bool) -> None:
        if quiet:
            logger.warning("the order session is silent")

    def on_down(self, reason: str) -> None:
        self._logged_on = False
        pending, self._pending = self._pending, {}
        for one in pending.values():
            one.timer.cancel()
            self._host.budget.settle(one.weight, None)
            if not one.future.done():
                one.future.set_exception(LinkError(f"{one.method}: {reason} before the venue answered."))
        self._down(reason)

    def on_frames(self, payloads: Iterator[bytes], ts_received_ns: int) -> None:
        for payload in payloads:
            self._frame(payload)

    # ------------------------------------------------------------------------

    def _frame(self, payload: bytes) -> None:
        try:
            frame = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._host.bad.note(f"order session: {type(error).__name__}", payload, error)
            self._unreadable()
            return
        if frame.event:
            self._event(frame.event)
            return
        one = self._pending.pop(frame.id, None) if isinstance(frame.id, int) else None
        if one is None:
            # An answer that came after its timeout: the order was asked for in the meantime.
            if frame.error is not None:
                logger.warning("the venue says of a request nobody waits for: %s", frame.error.msg[:300])
            return
        one.timer.cancel()
        self._host.budget.settle(one.weight, _weight_used(frame))
        if one.future.done():
            return
        if frame.error is None and frame.status < 300:
            one.future.set_result(frame.result)
        else:
            one.future.set_exception(self._refusal(frame))

    def _refusal(self, frame: ApiFrame) -> Exception:
        refusal = frame.error if frame.error is not None else Refusal(-1000, "no reason given")
        after: float | None = None
        if refusal.data is not None and refusal.data.retryAfter:
            after = max(0.0, refusal.data.retryAfter / 1000 - self._host.clock.now_ns() / 1e9)
        error = from_refusal(frame.status, refusal.code, refusal.msg, after)
        if refusal.code in (REPLACE_HALF_DONE, REPLACE_REFUSED) and refusal.data is not None:
            return ReplaceRefused(str(error), refusal.code, refusal.data)
        if isinstance(error, RateLimited) and refusal.code != TOO_MANY_ORDERS:
            # Said after the request was sent: a gateway's count is no word on what the exchange did with it.
            error.outcome_unknown = True
            if frame.status in (418, 429):
                self._host.budget.block(error.retry_after_s, banned=frame.status == 418)
        return error

    def _expire(self, number: int) -> None:
        one = self._pending.pop(number, None)
        if one is None:
            return
        self._host.budget.settle(one.weight, None)
        if not one.future.done():
            one.future.set_exception(VenueTimeout(f"{one.method}: no answer within {ANSWER_WITHIN_S:.0f} s."))
        if one.vital:
            # Somebody takes the connection and answers pings, and nobody is behind: another one may be led elsewhere.
            self.socket.cut(f"{one.method} was not answered")


def _weight_used(frame: ApiFrame) -> int | None:
    for limit in frame.rateLimits:
        if limit.rateLimitType == "REQUEST_WEIGHT" and limit.interval == "MINUTE" and limit.intervalNum == 1:
            return limit.count
    return None
