"""A key of a venue's account, kept out of every text a program makes of its objects."""

from __future__ import annotations

from typing import Any, Never


class Secret:
    """A text that no `repr`, `str`, format, comparison, copy or encoder gives away; `reveal()` is the one way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    def __reduce_ex__(self, protocol: Any) -> Never:
        raise TypeError("a secret is not copied, pickled or sent to another process")

    def __bool__(self) -> bool:
        return bool(self._text)


class Credentials:
    """`secret` is the HMAC secret, or a PEM text with an Ed25519 private key."""

    __slots__ = ("api_key", "secret")

    def __init__(self, api_key: str, secret: Secret | str) -> None:
        self.api_key = api_key
        self.secret = secret if isinstance(secret, Secret) else Secret(secret)

    @property
    def is_pem(self) -> bool:
        return self.secret.reveal().lstrip().startswith("-----BEGIN")

    def __repr__(self) -> str:
        return f"Credentials(api_key=…{self.api_key[-4:]}, secret=<secret>)" if self.api_key else "Credentials(none)"

    def __reduce_ex__(self, protocol: Any) -> Never:
        raise TypeError("credentials are not copied, pickled or sent to another process")
