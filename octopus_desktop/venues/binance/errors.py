"""Binance's error codes as typed errors.

Source: https://developers.binance.com/docs/binance-spot-api-docs/errors
"""

from __future__ import annotations

from typing import Final

import msgspec

from octopus_desktop.model.errors import (
    AuthenticationError,
    ClockError,
    RateLimited,
    RequestRefused,
    VenueError,
    VenueTimeout,
    VenueUnavailable,
)
from octopus_desktop.redaction import redact
from octopus_desktop.venues.binance.messages import Refusal, RefusalData

NO_SUCH_ORDER: Final = -2013
TOO_MANY_ORDERS: Final = -1015
CANCEL_REJECTED: Final = -2011
REPLACE_HALF_DONE: Final = -2021
REPLACE_REFUSED: Final = -2022
NEVER_SENT: Final = 0
"""The code of a refusal of our own, of what the venue would not understand."""
DEFAULT_RETRY_S: Final = 1.0
ORDER_LIMIT_RETRY_S: Final = 10.0
FIREWALL_RETRY_S: Final = 60.0

_KEY_REFUSED: Final = frozenset((-1002, -1022, -1099, -2014, -2015))
_NO_ANSWER: Final = frozenset((-1006, -1007))
_VENUES_FAULT: Final = frozenset((-1000, -1001, -1016))
_refusal_decoder: Final = msgspec.json.Decoder(Refusal, strict=False)


class ReplaceRefused(RequestRefused):
    """A cancel-replace of which at least one half failed; `data` has the venue's answer to each."""

    def __init__(self, message: str, code: int, data: RefusalData) -> None:
        super().__init__(message, code)
        self.data = data


def from_code(code: int, message: str, retry_after_s: float | None = None) -> VenueError:
    """The error that answers what its catcher asks: retry? was it done? is it the key?"""
    text = f"{redact(message)[:300].rstrip('.')} (code {code})."
    if code == -1021:
        return ClockError(f"The venue refuses our clock: {text}")
    if code in _KEY_REFUSED:
        return AuthenticationError(f"The venue refuses the key or its signature: {text}")
    if code in (-1003, -1008, -1034):
        return RateLimited(f"Asked too much: {text}", DEFAULT_RETRY_S if retry_after_s is None else retry_after_s)
    if code == TOO_MANY_ORDERS:
        return RateLimited(f"Too many orders: {text}", ORDER_LIMIT_RETRY_S if retry_after_s is None else retry_after_s)
    if code in _NO_ANSWER:
        return VenueTimeout(f"The venue does not know what became of the request: {text}")
    if code in _VENUES_FAULT:
        return VenueUnavailable(f"The venue failed: {text}")
    return RequestRefused(text, code)


def from_body(status: int, body: bytes, retry_after_s: float | None) -> VenueError:
    """Of an HTTP answer that is not a success."""
    try:
        refusal = _refusal_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if body.startswith(b"{") and status not in (418, 429):
            # The venue's own words, cut short on their way: what it refused, and why, is not known.
            return VenueUnavailable(f"The venue's refusal (status {status}) cannot be read.")
        refusal = None
    said = refusal.msg if refusal is not None else body[:200].decode(errors="replace")
    return from_refusal(status, refusal.code if refusal is not None else None, said, retry_after_s)


def from_refusal(status: int, code: int | None, said: str, retry_after_s: float | None) -> VenueError:
    """`code` is None where the answer is not the venue's own but a proxy's or a firewall's."""
    said = redact(said)[:300]
    if status in (429, 418):
        wait = DEFAULT_RETRY_S if retry_after_s is None else retry_after_s
        if code == TOO_MANY_ORDERS:
            return from_code(code, said, retry_after_s)
        return RateLimited(f"{'Banned' if status == 418 else 'Asked too much'}, for {wait:.0f} s: {said}", wait)
    if code is not None:
        error = from_code(code, said, retry_after_s)
        # What a failing venue says of an order is no word on it.
        error.outcome_unknown = error.outcome_unknown or status >= 500
        return error
    if status >= 500:
        return VenueUnavailable(f"The venue failed with status {status}: {said}")
    if status == 403:
        return RateLimited(f"The venue's firewall refuses us (403): {said}", FIREWALL_RETRY_S)
    if status == 401:
        return AuthenticationError(f"The venue refuses the key (401): {said}")
    return RequestRefused(f"The venue answered with status {status}: {said}", -status)
