"""Whom a session talks to: the built-in demo, and what the trader added in `profiles.toml`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from octopus_desktop.config.documents import nearest, read, write
from octopus_desktop.model.errors import ProfileError
from octopus_desktop.model.identifiers import Venue
from octopus_desktop.model.profile import Dialect, Mode, Profile, VenueUrls

DEMO: Final = Profile("demo", Venue("SIM"), Dialect.BINANCE_SPOT, Mode.DEMO)
PAPER: Final = Profile("paper", Venue("SIM"), Dialect.BINANCE_SPOT, Mode.PAPER)
"""Paper trading on the embedded exchange's market, for a machine without a network."""
BUILT_IN: Final = {profile.name: profile for profile in (DEMO, PAPER)}

PRESETS: Final = {
    "binance": Profile(
        "binance",
        Venue("BINANCE"),
        Dialect.BINANCE_SPOT,
        Mode.LIVE,
        VenueUrls(
            rest="https://api.binance.com",
            stream="wss://stream.binance.com:9443",
            ws_api="wss://ws-api.binance.com:443/ws-api/v3",
        ),
    ),
    "binance-usdm": Profile(
        "binance-usdm",
        Venue("BINANCE_FUTURES"),
        Dialect.BINANCE_USDM,
        Mode.LIVE,
        VenueUrls(
            rest="https://fapi.binance.com",
            stream="wss://fstream.binance.com",
            ws_api="wss://ws-fapi.binance.com/ws-fapi/v1",
        ),
    ),
}
"""What `profile add --venue` knows. A preset has no account of its own: a profile made from it has."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
# A profile's name is a folder's, and Windows has none of these.
_DEVICES: Final = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


class ProfileBook:
    """The profiles of one `profiles.toml`. Every method may raise ProfileError or SettingsError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> list[Profile]:
        """The built-in ones first, then by name."""
        entries = self._entries(read(self._path))
        return [*BUILT_IN.values(), *(self._profile(name, entries[name]) for name in sorted(entries))]

    def get(self, name: str) -> Profile:
        if name in BUILT_IN:
            return BUILT_IN[name]
        entries = self._entries(read(self._path))
        if name not in entries:
            known = [*BUILT_IN, *entries]
            raise ProfileError(
                f'There is no profile "{name}".{nearest(name, known)} There is: {", ".join(known)}. '
                "`octopus-desktop profile add NAME --venue binance` makes one."
            )
        return self._profile(name, entries[name])

    def add(self, profile: Profile) -> None:
        check_name(profile.name)
        document = read(self._path)
        entries = self._entries(document)
        if profile.name in entries:
            raise ProfileError(
                f'There is a profile "{profile.name}" already. Choose another name, or remove that one first.'
            )
        entry = {key: value for key, value in msgspec.to_builtins(profile).items() if value is not None}
        del entry["name"]
        document["profiles"] = {**entries, profile.name: entry}
        write(self._path, document)

    def remove(self, name: str) -> Profile:
        """Its data folder stays. The key in the keyring is the caller's to delete."""
        profile = self.get(name)
        if name in BUILT_IN:
            raise ProfileError(f"The {name} profile is built in and cannot be removed.")
        document = read(self._path)
        del document["profiles"][name]
        write(self._path, document)
        return profile

    def _entries(self, document: dict[str, Any]) -> dict[str, Any]:
        entries = document.get("profiles", {})
        if not isinstance(entries, dict):
            raise ProfileError(f"{self._path}: write every profile as a section of its own, [profiles.NAME].")
        return entries

    def _profile(self, name: str, entry: Any) -> Profile:
        try:
            check_name(name)
            if not isinstance(entry, dict):
                raise ProfileError("it must be a section with venue, dialect and mode.")
            unknown = entry.keys() - set(Profile.__struct_fields__)
            if unknown:
                key = min(unknown)
                raise ProfileError(f"{key} is not known.{nearest(key, Profile.__struct_fields__)}")
            profile = msgspec.convert({**entry, "name": name}, Profile)
            _check_urls(profile)
        except (msgspec.ValidationError, ProfileError) as error:
            raise ProfileError(f'{self._path}: the profile "{name}" cannot be used: {error}') from error
        return profile


def check_name(name: str) -> None:
    """Raises ProfileError."""
    if name in BUILT_IN:
        raise ProfileError(f'The name "{name}" belongs to the built-in profile. Choose another.')
    if not _NAME.fullmatch(name) or name in _DEVICES:
        raise ProfileError(
            f'"{name}" cannot be the name of a profile: 1 to 32 characters of a-z, 0-9, - and _, the first a letter or '
            "digit, and no name that Windows keeps for a device. Choose such a name, like my-account."
        )


def _check_urls(profile: Profile) -> None:
    """A badge must not lie, and a key must not travel in clear. Raises ProfileError."""
    if profile.urls is None:
        if profile.mode is not Mode.DEMO:
            raise ProfileError(f"a {profile.mode.value} profile needs its venue's addresses in `urls`.")
        return
    for url, schemes in (
        (profile.urls.rest, ("https", "http")),
        (profile.urls.stream, ("wss", "ws")),
        (profile.urls.ws_api, ("wss", "ws")),
    ):
        parts = urlsplit(url)
        here = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if parts.scheme not in schemes or not parts.hostname:
            raise ProfileError(f"{url} is no address that starts with {schemes[0]}://.")
        if not here and parts.scheme != schemes[0]:
            raise ProfileError(f"{url} would send in clear. Write {schemes[0]}:// instead.")
        if not here and profile.mode is Mode.DEMO:
            raise ProfileError(f"{url} is not on this machine, so the mode cannot be DEMO. Write LIVE or PAPER.")


def preset(venue: str) -> Profile:
    """Raises ProfileError."""
    if venue not in PRESETS:
        raise ProfileError(
            f'There is no venue "{venue}".{nearest(venue, PRESETS)} Choose one of these: {", ".join(PRESETS)}.'
        )
    return PRESETS[venue]
