"""Making a profile with a key: asked for, checked with the venue, kept in the keyring, never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from octopus_desktop.config.profiles import ProfileBook, check_name
from octopus_desktop.config.secrets import NO_KEYRING, SecretStore
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import (
    AuthenticationError,
    ClockError,
    ProfileError,
    RequestRefused,
    VenueError,
    sentence,
)
from octopus_desktop.model.profile import Dialect, Mode, Profile
from octopus_desktop.redaction import protect

WITH_ACCOUNT: Final = {Dialect.BINANCE_SPOT}
"""Where orders can be sent. A profile of any other dialect is market data only, and no key is asked for."""
_PEM_END: Final = "-----END"


class Permissions(msgspec.Struct, frozen=True):
    """What a venue says a key may do."""

    trade: bool
    withdraw: bool


Ask = Callable[[str], str]
"""Shows the text and gives what was typed, without echo."""

CheckPermissions = Callable[[Profile, Credentials], Permissions]
"""Asks the venue. Raises VenueError."""


def add_profile(
    name: str,
    preset: Profile,
    ask: Ask,
    store: SecretStore,
    book: ProfileBook,
    check_permissions: CheckPermissions,
    *,
    paper: bool = False,
) -> Profile:
    """The new profile, kept in `book`, its key in `store`. Raises ProfileError or SettingsError, and then neither is.
    A `paper` profile needs no key: its orders never leave this machine.
    """
    check_name(name)
    if name in {profile.name for profile in book.all()}:
        raise ProfileError(f'There is a profile "{name}" already. Choose another name, or remove that one first.')
    profile = msgspec.structs.replace(preset, name=name)
    if paper:
        if preset.dialect not in WITH_ACCOUNT:
            raise ProfileError(
                "Paper trading is on spot venues: a paper account has no margin. Nothing was kept. Choose --venue "
                "binance, or leave --paper out for its market data."
            )
        profile = msgspec.structs.replace(profile, mode=Mode.PAPER)
    if paper or preset.dialect not in WITH_ACCOUNT:
        book.add(profile)
        return profile
    if not store.is_available:
        raise ProfileError(NO_KEYRING)  # before a secret was typed
    api_key = ask("API key: ").strip()
    secret = _ask_secret(ask)
    protect(api_key)
    protect(secret)
    if not api_key or not secret:
        raise ProfileError("Both the key and the secret are needed. Nothing was kept. Add it again with both.")
    credentials = Credentials(api_key, secret)
    try:
        permissions = check_permissions(profile, credentials)
    except VenueError as error:
        raise ProfileError(f"{sentence(error)} Nothing was kept. {_way_out(error)}") from error
    if permissions.withdraw:
        raise ProfileError(
            "This key may withdraw, and a trading terminal must never hold such a key. Nothing was kept. Make a key "
            "without that permission at the venue, and delete this one there."
        )
    if not permissions.trade:
        raise ProfileError(
            "This key may not trade. Nothing was kept. Allow trading for it at the venue (not withdrawals), then try "
            "again."
        )
    store.store(name, credentials)
    try:
        book.add(profile)
    except BaseException:
        store.delete(name)
        raise
    return profile


def _way_out(error: VenueError) -> str:
    match error:
        case AuthenticationError() | RequestRefused():
            return (
                "Check at the venue that the key is whole and may be used from this machine's address, then try again."
            )
        case ClockError():
            return "Set this machine's clock (`octopus-desktop doctor` says how), then try again."
        case _:
            return "Check the network, a proxy or firewall, then try again."


def _ask_secret(ask: Ask) -> str:
    """A private key in PEM has several lines, and a prompt gives one."""
    first = ask("Secret (hidden; for an Ed25519 key paste the whole PEM): ").strip()
    if not first.startswith("-----BEGIN"):
        return first
    lines = first.splitlines()
    pasted = len(lines) > 1  # all at once, in a dialog
    while not lines[-1].startswith(_PEM_END):
        if pasted or len(lines) > 50:
            raise ProfileError(
                "That is no private key in PEM: its END line is missing. Nothing was kept. Paste all of it, from the "
                "BEGIN line to the END line."
            )
        lines.append(ask("").strip())
    return "\n".join(lines) + "\n"
