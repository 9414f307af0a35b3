"""What signs requests to a venue."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec


class Credentials(msgspec.Struct, frozen=True):
    """An API key and its secret: an HMAC secret, or a private Ed25519 key in PEM.

    Neither repr, str nor a pickle shows them; nothing but a signature is ever made of them.
    """

    api_key: str
    secret: str

    @property
    def is_ed25519(self) -> bool:
        return self.secret.lstrip().startswith("-----BEGIN")

    def __repr__(self) -> str:
        return "Credentials(hidden)"

    __str__ = __repr__

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are never pickled")
