"""API keys of the exchange's accounts, and the check that a request was signed by one of them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from octopus_desktop.simulator.errors import Refusal, illegal, missing

MAX_RECV_WINDOW_MS = 60_000
_AHEAD_MS = 1_000
_TIMESTAMP = "[0-9]{1,20}"
_WINDOW = "[0-9]{1,20}(\\.[0-9]{1,3})?"
"""In milliseconds, to the microsecond."""


class Credentials(msgspec.Struct, frozen=True):
    """The keys of one account: one signs with HMAC, one with Ed25519 (its private half as PEM)."""

    account: int
    api_key: str
    api_secret: str
    ed25519_api_key: str
    ed25519_private_key: str

    @classmethod
    def generate(cls, account: int) -> Credentials:
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return cls(account, _key(), _key(), _key(), pem)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(48), b"AZ").decode()


class Signer:
    """Who a key belongs to, and how its signatures are checked."""

    def __init__(self, account: int, verify: Callable[[bytes, str], bool], *, may_log_on: bool) -> None:
        self.account = account
        self.verify = verify
        self.may_log_on = may_log_on


class KeyRing:
    """Every key the exchange knows."""

    def __init__(self) -> None:
        self._signers: dict[str, Signer] = {}

    def add(self, credentials: Credentials) -> None:
        secret = credentials.api_secret.encode()

        def by_hmac(payload: bytes, signature: str) -> bool:
            expected = hmac.new(secret, payload, hashlib.sha256).hexdigest()
            return hmac.compare_digest(expected, signature.lower())

        loaded = load_pem_private_key(credentials.ed25519_private_key.encode(), None)
        assert isinstance(loaded, Ed25519PrivateKey)
        public: Ed25519PublicKey = loaded.public_key()

        def by_ed25519(payload: bytes, signature: str) -> bool:
            try:
                public.verify(base64.b64decode(signature, validate=True), payload)
            except (InvalidSignature, binascii.Error, ValueError):
                return False
            return True

        self._signers[credentials.api_key] = Signer(credentials.account, by_hmac, may_log_on=False)
        self._signers[credentials.ed25519_api_key] = Signer(credentials.account, by_ed25519, may_log_on=True)

    def signer(self, api_key: str | None) -> Signer:
        """Raises Refusal −2014 for what is no key at all, −2015 for an unknown one."""
        if not api_key or not api_key.isascii() or not api_key.isalnum():
            raise Refusal(-2014, "API-key format invalid.", 401)
        found = self._signers.get(api_key)
        if found is None:
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return found

    def check(self, signer: Signer, payload: bytes, signature: str | None) -> None:
        """Raises Refusal −1022 where the signature is not the key's over exactly this payload."""
        if not signature:
            raise missing("signature")
        if not signer.verify(payload, signature):
            raise Refusal(-1022, "Signature for this request is not valid.")


def check_time(timestamp: str, recv_window: str, now_ms: int, *, real_time: bool) -> None:
    """Raises Refusal −1021 for a request too old or from the future.

    A clock that runs faster than the caller's can't be met by an offset: then (`real_time` false) only the
    form is checked.
    """
    if not timestamp:
        raise missing("timestamp")
    if not re.fullmatch(_TIMESTAMP, timestamp):
        raise illegal("timestamp", f"^{_TIMESTAMP}$")
    if recv_window and not re.fullmatch(_WINDOW, recv_window):
        raise illegal("recvWindow", f"^{_WINDOW}$")
    sent, window = int(timestamp), float(recv_window or 5_000)
    if sent > 10**14:  # some callers send microseconds
        sent //= 1_000
    if window > MAX_RECV_WINDOW_MS:
        raise Refusal(-1131, "recvWindow must be less than 60000.")
    if not real_time:
        return
    if sent >= now_ms + _AHEAD_MS:
        raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - sent > window:
        raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")
