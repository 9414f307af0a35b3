"""One HTTP session to one venue: timeouts, typed errors, and nothing secret in any of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from octopus_desktop.model.errors import LinkError, VenueTimeout
from octopus_desktop.net.unreached import why
from octopus_desktop.redaction import redact

if TYPE_CHECKING:
    import aiohttp

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 5.0
CONNECTIONS: Final = 8


class Answer(msgspec.Struct, frozen=True):
    """`headers` are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpSession:
    """Nothing is retried here: whoever asks knows whether asking twice is harmless."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url
        self._session: aiohttp.ClientSession | None = None
        self._last_logged = ""

    async def request(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Answer:
        """`query` is sent byte for byte as given: a signature covers it.

        Any status is an answer. Raises LinkError and VenueTimeout, worded without the query.
        """
        import aiohttp  # a quarter of a second that the first window need not wait for
        import yarl

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, ttl_dns_cache=300),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
                trust_env=True,
            )
        url = yarl.URL(f"{self._base}{path}{'?' if query else ''}{query}", encoded=True)
        try:
            async with asyncio.timeout(timeout_s):
                async with self._session.request(method, url, headers=headers, allow_redirects=False) as response:
                    answer = Answer(response.status, response.headers, await response.read())
                    self._last_logged = ""
                    return answer
        except TimeoutError:
            raise VenueTimeout(f"{method} {path}: no answer from {url.host} within {timeout_s:.0f} s.") from None
        except (aiohttp.ClientError, OSError) as error:
            # The cause is cut off on purpose: aiohttp's errors carry the address, and with it the signature.
            told = redact(str(error)) or type(error).__name__
            if told != self._last_logged:
                self._last_logged = told
                logger.warning("%s %s: %s: %s", method, path, type(error).__name__, told)
            raise LinkError(f"{url.host} cannot be reached: {why(error)}.") from None

    async def close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()
            # aiohttp closes its sockets on the loop's next turns.
            await asyncio.sleep(0)
