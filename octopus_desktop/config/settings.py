"""What the trader can set in `settings.toml`."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec

from octopus_desktop.config.documents import SettingsError, nearest, read, write
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.limits import Hours, InstrumentLimits, RiskLimits

logger = logging.getLogger(__name__)

SectionT = TypeVar("SectionT", bound=msgspec.Struct)

NO_LIMIT: Final = "none"
"""TOML has no word for it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`colour_blind` draws up and down in blue and orange. `watchlist` and `instrument` are symbols and count at a
    profile's first start, an empty watchlist being the best-known coins; later the window keeps its own. `risk` is
    what a profile starts with; what is set in its window is kept with the profile and counts from then on.
    """

    theme: Literal["dark", "light"] = "dark"
    colour_blind: bool = False
    time_zone: Literal["utc", "local"] = "utc"
    watchlist: tuple[str, ...] = ()
    instrument: str = "BTCUSDT"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    risk: RiskLimits = RiskLimits()


def load_settings(path: Path) -> Settings:
    """The defaults where the file or a key is absent; an unknown key is logged and kept.

    Raises SettingsError for a value that cannot be: a limit that was mistyped must not silently be another one.
    """
    document = read(path)
    return Settings(**_fields(document, Settings, path, ""))


def save_settings(path: Path, settings: Settings) -> None:
    """Writes what differs from the defaults, and what the file has that is not known here. Raises SettingsError."""
    document = read(path)
    _put(document, settings, Settings())
    write(path, document)


def _fields(document: dict[str, Any], kind: type[msgspec.Struct], path: Path, section: str) -> dict[str, Any]:
    known = {field.name: field.type for field in msgspec.structs.fields(kind)}
    found: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{section}{key}"
        if key not in known:
            logger.warning("%s: %s is not known and is ignored.%s", path, name, nearest(key, known))
        elif name == "risk":
            found[key] = _section(value, RiskLimits, path, name)
        elif name == "risk.hours":
            found[key] = _hours(value, path, name)
        elif name == "risk.instruments":
            found[key] = _instruments(value, path, name)
        else:
            found[key] = _value(value, known[key], path, name)
            if name == "risk.allowed":
                _check_names(found[key] or (), path, name)
    return found


def _section(value: Any, kind: type[SectionT], path: Path, name: str) -> SectionT:
    if not isinstance(value, dict):
        raise SettingsError(f"{path}: {name} is a section: write it as [{name}] with its keys below.")
    fields = _fields(value, kind, path, f"{name}.")
    try:
        return kind(**fields)
    except ValueError as error:
        raise SettingsError(f"{path}: {name}.{error}.") from error


def _hours(value: Any, path: Path, name: str) -> Hours | None:
    if value == NO_LIMIT:
        return None
    try:
        return Hours.parse(_value(value, str, path, name))
    except ValueError as error:
        raise SettingsError(f"{path}: {name} = {_shown(value)}: {error}.") from error


def _instruments(value: Any, path: Path, name: str) -> dict[InstrumentId, InstrumentLimits]:
    if not isinstance(value, dict):
        raise SettingsError(f'{path}: {name} holds sections: write [{name}."BTCUSDT.BINANCE"] with its keys below.')
    _check_names(value, path, name)
    return {
        InstrumentId(symbol): _section(fields, InstrumentLimits, path, f"{name}.{symbol}")
        for symbol, fields in value.items()
    }


def _check_names(names: Iterable[str], path: Path, name: str) -> None:
    """A limit under a name that means no instrument would be no limit at all."""
    for symbol in names:
        if not all(symbol.rpartition(".")):
            raise SettingsError(
                f'{path}: {name}: write {symbol} with its venue and in quotes, like "{symbol}.BINANCE".'
            )


def _value(value: Any, kind: Any, path: Path, name: str) -> Any:
    given = [part for part in get_args(kind) if part is not NoneType]
    if get_origin(kind) is UnionType and len(given) == 1:
        if value == NO_LIMIT:
            return None
        kind = given[0]
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        words = get_args(kind) if get_origin(kind) is Literal else ()
        allowed = ", ".join(f'"{word}"' for word in words)
        near = nearest(value, words) if words and isinstance(value, str) else ""
        must = f"it must be one of {allowed}." if words else f"{_plain(str(error))}."
        raise SettingsError(f"{path}: {name} = {_shown(value)}: {must}{near}") from error


def _plain(error: str) -> str:
    """msgspec's words, in a trader's."""
    for theirs, ours in (
        ("Expected ", "expected "),
        ("Invalid decimal string", "expected a number"),
        ("`bool`", "true or false"),
        ("`str`", "a text"),
        ("`int`", "a whole number"),
        ("`decimal`", "a number"),
        ("`array`", "a list"),
        (" - at `$`", ""),
    ):
        error = error.replace(theirs, ours)
    return error


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _put(document: dict[str, Any], settings: msgspec.Struct, defaults: msgspec.Struct) -> None:
    for field in msgspec.structs.fields(settings):
        key, value, default = field.name, getattr(settings, field.name), getattr(defaults, field.name)
        if isinstance(value, RiskLimits):
            _put(document.setdefault(key, {}), value, default)
        elif isinstance(value, dict):
            sections = document.setdefault(key, {})
            for gone in sections.keys() - value.keys():
                del sections[gone]
            for name, each in value.items():
                _put(sections.setdefault(name, {}), each, InstrumentLimits())
        elif value == default:
            document.pop(key, None)
        else:
            document[key] = _plain_data(value)
        if document.get(key) == {}:
            del document[key]


def _plain_data(value: Any) -> Any:
    if value is None:
        return NO_LIMIT
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Hours):
        return value.as_typed
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value
