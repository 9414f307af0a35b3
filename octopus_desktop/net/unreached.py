"""Why a host could not be reached, in words for the trader; a library's own are for the log."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Final

_NO_WAY: Final = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}


def why(error: BaseException) -> str:
    """Behind a colon: no capital letter, no full stop."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return "it does not prove that it is what it claims to be (TLS)"
        if isinstance(cause, socket.gaierror):
            return "its name is not known, as when the network is down"
        if isinstance(cause, ConnectionRefusedError):
            return "nothing takes connections there"
        if isinstance(cause, TimeoutError):
            return "it does not answer"
        if isinstance(cause, OSError) and cause.errno in _NO_WAY:
            return "there is no way to it, as when the network is down"
    if any(isinstance(cause, ConnectionError) or "Disconnected" in type(cause).__name__ for cause in causes):
        return "the connection broke"
    return "no connection can be made"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came of, which an aiohttp error keeps in `os_error` too."""
    left = [error]
    seen: list[BaseException] = []
    while left:
        one = left.pop(0)
        if one in seen:
            continue
        seen.append(one)
        yield one
        left += [each for each in (getattr(one, "os_error", None), one.__cause__, one.__context__) if each is not None]
