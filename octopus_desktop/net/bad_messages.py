"""Bytes that are not what a venue documents: counted, told once of each kind, and passed over."""

from __future__ import annotations

import logging
from typing import Final

from octopus_desktop.redaction import redact

logger = logging.getLogger(__name__)

SHOWN: Final = 500
KEPT_KINDS: Final = 200


class BadMessages:
    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._kinds: set[str] = set()
        self.count = 0

    def note(self, kind: str, payload: bytes | str, error: Exception | str) -> None:
        """`kind` is short and stable (`trade: not JSON`), or every message would be told."""
        self.count += 1
        if kind in self._kinds or len(self._kinds) >= KEPT_KINDS:
            return
        self._kinds.add(kind)
        text = payload.decode(errors="replace") if isinstance(payload, bytes) else payload
        logger.warning(
            "%s: bad message (%s): %s; further ones of this kind are only counted: %s",
            self._venue,
            kind,
            redact(str(error)),
            redact(text[:SHOWN]),
        )
