"""Binance over HTTP: weights reserved before asking, signatures, typed answers, reads retried."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from octopus_desktop.model.errors import BreakerOpen, ClockError, RateLimited, VenueError, VenueUnavailable
from octopus_desktop.net import policy
from octopus_desktop.net.http import CONNECTIONS, Answer, HttpSession
from octopus_desktop.venues.binance.errors import from_body
from octopus_desktop.venues.binance.host import Host
from octopus_desktop.venues.binance.messages import ServerTime
from octopus_desktop.venues.binance.product import Product
from octopus_desktop.venues.binance.signing import Signer

logger = logging.getLogger(__name__)

T = TypeVar("T")

RECEIVE_WINDOW_MS: Final = 5000
PATIENCE_S: Final = 15.0
URGENT_LINES: Final = 3
OTHER_LINES: Final = CONNECTIONS - URGENT_LINES - 1
"""Reads on their way at a time. The rest wait where a pause still reaches them; one connection is left to cancels."""


class Rest:
    """`path` goes behind the product's prefix, or is whole where it starts with a slash."""

    def __init__(self, base_url: str, product: Product, host: Host, signer: Signer | None = None) -> None:
        self._http = HttpSession(base_url)
        self._product = product
        self.host = host
        self._signer = signer
        self._decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
        self._lines = {True: asyncio.Semaphore(URGENT_LINES), False: asyncio.Semaphore(OTHER_LINES)}

    async def close(self) -> None:
        await self._http.close()

    async def get(
        self, path: str, kind: type[T], params: Mapping[str, object] | None = None, *, weight: int, attempts: int = 0
    ) -> T:
        """A public read. Retried where that may help; raises VenueError."""
        query = urlencode(params or {})
        async for attempt in policy.reads(attempts or policy.READ_ATTEMPTS):
            with attempt:
                decoded = self._decode(path, await self._ask("GET", path, lambda: query, weight, urgent=False), kind)
        return decoded

    async def signed(
        self,
        method: str,
        path: str,
        kind: type[T],
        params: Mapping[str, object] | None = None,
        *,
        weight: int,
        urgent: bool = False,
    ) -> T:
        """A signed request that is harmless to repeat: a read, or a cancel. Never a create."""
        async for attempt in policy.reads():
            with attempt:
                try:
                    answer = await self._ask_signed(method, path, params, weight, urgent)
                except ClockError:
                    self.host.clock.distrust()
                    await self.measure_clock()
                    answer = await self._ask_signed(method, path, params, weight, urgent)
                decoded = self._decode(path, answer, kind)
        return decoded

    async def keyed(self, method: str, path: str, params: Mapping[str, object] | None = None) -> bytes:
        """With the key but without a signature, as listen keys want it."""
        assert self._signer is not None, "the key is set before anything of the account is asked"
        headers = {"X-MBX-APIKEY": self._signer.api_key}
        query = urlencode(params or {})
        return (await self._ask(method, path, lambda: query, 2, urgent=True, headers=headers)).body

    async def time_ns(self) -> int:
        """The venue's clock."""
        # What it waits for its turn would count as the way there and back.
        first = not self.host.budget.turns.in_doubt
        answer = await self._ask("GET", "time", lambda: "", 1, urgent=True, first=first, timeout_s=3.0)
        return self._decode("time", answer, ServerTime).serverTime * 1_000_000

    async def measure_clock(self) -> None:
        await self.host.clock.measure(self.time_ns)

    async def _ask_signed(
        self, method: str, path: str, params: Mapping[str, object] | None, weight: int, urgent: bool
    ) -> Answer:
        signer = self._signer
        assert signer is not None, "the key is set before anything of the account is asked"

        def query() -> str:
            timestamp = self.host.clock.now_ns() // 1_000_000
            text = urlencode({**(params or {}), "recvWindow": RECEIVE_WINDOW_MS, "timestamp": timestamp})
            return f"{text}&signature={quote(signer.sign(text.encode()), safe='')}"

        # Nothing that went before may hold a cancel back.
        headers, first = {"X-MBX-APIKEY": signer.api_key}, method == "DELETE"
        return await self._ask(method, path, query, weight, urgent=urgent, first=first, headers=headers)

    async def _ask(
        self,
        method: str,
        path: str,
        query: Callable[[], str],
        weight: int,
        *,
        urgent: bool,
        first: bool = False,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Answer:
        """`query` is called when the request leaves: a time stamp would grow old while it waits for its turn."""
        whole = path if path.startswith("/") else f"{self._product.rest_prefix}/{path}"
        async with self._turn(weight, urgent=urgent, first=first) as sent:
            try:
                with self.host.breakers.guard(f"{method} {path}", always=method == "DELETE"):
                    answer = await self._http.request(method, whole, query(), headers=headers, timeout_s=timeout_s)
                    sent.answered = True
                    sent.used = _whole_number(answer.headers.get("X-MBX-USED-WEIGHT-1M"))
                    if answer.status < 300:
                        return answer
                    raise self._refusal(answer)
            except BreakerOpen:
                sent.used = 0
                raise

    @asynccontextmanager
    async def _turn(self, weight: int, *, urgent: bool, first: bool) -> AsyncIterator[_Sent]:
        """Room in the budget and, but for who goes `first`, a connection."""
        budget, line = self.host.budget, self._lines[urgent]
        while True:
            tries = await budget.acquire(weight, urgent=urgent, patience_s=PATIENCE_S, first=first)
            sent, pauses = _Sent(), budget.turns.pauses
            try:
                if first:
                    yield sent
                    return
                async with line:
                    if budget.turns.pauses == pauses:
                        yield sent
                        return
                sent.used = 0  # the venue has said stop to another one meanwhile
            finally:
                budget.settle(weight, sent.used)
                if tries is not None:
                    budget.turns.tried(tries, answered=sent.answered)

    def _refusal(self, answer: Answer) -> VenueError:
        error = from_body(answer.status, answer.body, _whole_number(answer.headers.get("Retry-After")))
        if isinstance(error, RateLimited) and answer.status in (418, 429):
            self.host.budget.block(error.retry_after_s, banned=answer.status == 418)
        return error

    def _decode(self, path: str, answer: Answer, kind: type[T]) -> T:
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = msgspec.json.Decoder(kind, strict=False)
        try:
            decoded: T = decoder.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.host.bad.note(f"{path}: {type(error).__name__}", answer.body, error)
            # Of one that was cut short on its way the next may be whole.
            raise VenueUnavailable(f"{path}: the venue's answer cannot be read: {error}") from error
        return decoded


class _Sent:
    """What became of a request: the venue's count of weight where it sent one, and whether it answered at all."""

    __slots__ = ("answered", "used")

    def __init__(self) -> None:
        self.used: int | None = None
        self.answered = False


def _whole_number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
