"""Nothing that could sign or identify a request reaches a log, an exception or a repr."""

from __future__ import annotations

import re
from typing import Final

_HIDDEN: Final = re.compile(
    r"""(?ix)
    \b(signature|api[-_]?key|apiSecret|secret|listenKey|X-MBX-APIKEY)
    (["']?\s*[=:]\s*["']?)
    ([^"'&\s,}\]]+)
    """
)
_LISTEN_PATH: Final = re.compile(r"(/ws/|/stream\?streams=)([A-Za-z0-9]{40,})")


def redact(text: str) -> str:
    """`text` with the values of signatures, keys and listen keys taken out, from queries, JSON and headers alike."""
    return _LISTEN_PATH.sub(r"\1<hidden>", _HIDDEN.sub(r"\1\2<hidden>", text))
