"""API keys, in the system's own keyring and nowhere else."""

from __future__ import annotations

import logging
from typing import Final, Protocol

import msgspec

from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import ProfileError
from octopus_desktop.redaction import protect

logger = logging.getLogger(__name__)

SERVICE: Final = "octopus-desktop"
NO_KEYRING: Final = (
    "This machine has no keyring that keeps secrets safe, so no key can be kept: none is ever written in clear. "
    "Start one (GNOME Keyring, KWallet or KeePassXC with its Secret Service on), then this program again. Paper "
    "trading needs no key: octopus-desktop profile add NAME --venue binance --paper."
)


class Keyring(Protocol):
    """What is used of a backend of the `keyring` library."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


class _Kept(msgspec.Struct):
    api_key: str
    secret: str


class SecretStore:
    """Keys by profile. Blocking: the system may ask the trader to unlock the keyring."""

    def __init__(self, keyring: Keyring | None) -> None:
        """`keyring` None: there is no safe one."""
        self._keyring = keyring

    @classmethod
    def of_system(cls) -> SecretStore:
        return cls(safe_keyring())

    @property
    def is_available(self) -> bool:
        return self._keyring is not None

    def store(self, profile: str, credentials: Credentials) -> None:
        """Raises ProfileError where there is no safe keyring, or it refuses."""
        if self._keyring is None:
            raise ProfileError(NO_KEYRING)
        secret = credentials.secret.reveal()
        protect(secret)
        protect(credentials.api_key)
        kept = msgspec.json.encode(_Kept(credentials.api_key, secret)).decode()
        try:
            self._keyring.set_password(SERVICE, profile, kept)
        except Exception as error:  # noqa: BLE001  # told, by its type
            # A backend may raise anything, and put what it was given into the message: its words stay out of ours.
            raise ProfileError(_refused(error, "keep")) from None

    def load(self, profile: str) -> Credentials | None:
        """None where there is none. Raises ProfileError where the keyring refuses."""
        if self._keyring is None:
            return None
        try:
            text = self._keyring.get_password(SERVICE, profile)
        except Exception as error:  # noqa: BLE001  # told, by its type
            raise ProfileError(_refused(error, "give")) from None
        if text is None:
            return None
        try:
            kept = msgspec.json.decode(text, type=_Kept)
        except msgspec.DecodeError:
            raise ProfileError(
                f'What the keyring has for "{profile}" is not a key of this program. Remove the profile, then add it '
                "again."
            ) from None
        protect(kept.secret)
        protect(kept.api_key)
        return Credentials(kept.api_key, kept.secret)

    def delete(self, profile: str) -> bool | None:
        """Whether there was a key; None where no keyring can be looked into. Raises ProfileError where one refuses."""
        if self._keyring is None:
            return None
        try:
            if self._keyring.get_password(SERVICE, profile) is None:
                return False
            self._keyring.delete_password(SERVICE, profile)
            return True
        except Exception as error:  # noqa: BLE001  # told, by its type
            raise ProfileError(_refused(error, "delete")) from None


def _refused(error: Exception, what: str) -> str:
    kind = type(error).__name__
    return f"The system's keyring did not {what} the key ({kind}). Is it locked? Unlock it, then try again."


def safe_keyring() -> Keyring | None:
    """The system's backend, None where it would keep nothing or keep it in clear."""
    import keyring  # slow to import, and only LIVE profiles need it
    from keyring.backends import chainer

    backend = keyring.get_keyring()
    candidates = backend.backends if isinstance(backend, chainer.ChainerBackend) else [backend]
    for candidate in candidates:
        if _is_safe(candidate):
            safe: Keyring = candidate
            return safe
    return None


def _is_safe(backend: object) -> bool:
    kind = type(backend)
    module = kind.__module__
    if module in ("keyring.backends.fail", "keyring.backends.null"):
        return False
    if module.startswith("keyrings.alt.") and module != "keyrings.alt.Windows":
        return kind.__name__.startswith("Encrypted")
    return "plaintext" not in kind.__name__.lower()
