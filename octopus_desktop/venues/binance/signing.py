"""Signatures of requests: HMAC-SHA256 with a secret, or Ed25519 with a PEM key.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import ProfileError


class Signer:
    """The key is prepared once. `sign` takes the payload's bytes and gives the signature as text."""

    __slots__ = ("api_key", "can_log_on", "sign")

    def __init__(self, credentials: Credentials) -> None:
        self.api_key = credentials.api_key
        self.can_log_on = credentials.is_pem
        """`session.logon` takes Ed25519 keys only."""
        self.sign: Callable[[bytes], str] = _ed25519(credentials) if credentials.is_pem else _hmac(credentials)

    def __repr__(self) -> str:
        return "Signer(<secret>)"


def _hmac(credentials: Credentials) -> Callable[[bytes], str]:
    prepared = hmac.new(credentials.secret.reveal().encode(), digestmod=hashlib.sha256)

    def sign(payload: bytes) -> str:
        one = prepared.copy()
        one.update(payload)
        return one.hexdigest()

    return sign


def _ed25519(credentials: Credentials) -> Callable[[bytes], str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(credentials.secret.reveal().encode(), password=None)
    except (ValueError, TypeError):
        # Not chained: the cause may quote the key.
        raise ProfileError("The private key cannot be read: an unencrypted Ed25519 key in PEM is needed.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ProfileError("The private key is not an Ed25519 key; RSA keys are not supported.")

    def sign(payload: bytes) -> str:
        return base64.b64encode(key.sign(payload)).decode()

    return sign
