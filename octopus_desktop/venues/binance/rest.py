"""Binance over HTTP: weights reserved before asking, signatures, typed answers, reads retried."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from octopus_desktop.model.errors import BreakerOpen, ClockError, RateLimited, VenueError, VenueUnavailable
from octopus_desktop.net import policy
from octopus_desktop.net.http import Answer, HttpSession
from octopus_desktop.venues.binance.errors import from_body
from octopus_desktop.venues.binance.host import Host
from octopus_desktop.venues.binance.messages import ServerTime
from octopus_desktop.venues.binance.product import Product
from octopus_desktop.venues.binance.signing import Signer

logger = logging.getLogger(__name__)

T = TypeVar("T")

RECEIVE_WINDOW_MS: Final = 5000
PATIENCE_S: Final = 15.0


class Rest:
    """`path` goes behind the product's prefix, or is whole where it starts with a slash."""

    def __init__(self, base_url: str, product: Product, host: Host, signer: Signer | None = None) -> None:
        self._http = HttpSession(base_url)
        self._product = product
        self.host = host
        self._signer = signer
        self._decoders: dict[Any, msgspec.json.Decoder[Any]] = {}

    async def close(self) -> None:
        await self._http.close()

    async def get(
        self, path: str, kind: type[T], params: Mapping[str, object] | None = None, *, weight: int, attempts: int = 0
    ) -> T:
        """A public read. Retried where that may help; raises VenueError."""
        query = urlencode(params or {})
        async for attempt in policy.reads(attempts or policy.READ_ATTEMPTS):
            with attempt:
                decoded = self._decode(path, await self._ask("GET", path, query, weight, urgent=False), kind)
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
        return (await self._ask(method, path, urlencode(params or {}), 2, urgent=True, headers=headers)).body

    async def time_ns(self) -> int:
        """The venue's clock."""
        answer = await self._ask("GET", "time", "", 1, urgent=True, timeout_s=3.0)
        return self._decode("time", answer, ServerTime).serverTime * 1_000_000

    async def measure_clock(self) -> None:
        await self.host.clock.measure(self.time_ns)

    async def _ask_signed(
        self, method: str, path: str, params: Mapping[str, object] | None, weight: int, urgent: bool
    ) -> Answer:
        assert self._signer is not None, "the key is set before anything of the account is asked"
        timestamp = self.host.clock.now_ns() // 1_000_000
        query = urlencode({**(params or {}), "recvWindow": RECEIVE_WINDOW_MS, "timestamp": timestamp})
        signature = quote(self._signer.sign(query.encode()), safe="")
        return await self._ask(
            method,
            path,
            f"{query}&signature={signature}",
            weight,
            urgent=urgent,
            headers={"X-MBX-APIKEY": self._signer.api_key},
        )

    async def _ask(
        self,
        method: str,
        path: str,
        query: str,
        weight: int,
        *,
        urgent: bool,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Answer:
        budget = self.host.budget
        await budget.acquire(weight, urgent=urgent, patience_s=PATIENCE_S)
        used: int | None = None
        whole = path if path.startswith("/") else f"{self._product.rest_prefix}/{path}"
        try:
            # Nothing that went wrong before may hold a cancel back.
            with self.host.breakers.guard(f"{method} {path}", always=method == "DELETE"):
                answer = await self._http.request(method, whole, query, headers=headers, timeout_s=timeout_s)
                used = _whole_number(answer.headers.get("X-MBX-USED-WEIGHT-1M"))
                if answer.status < 300:
                    return answer
                raise self._refusal(answer)
        except BreakerOpen:
            used = 0
            raise
        finally:
            budget.settle(weight, used)

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


def _whole_number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
