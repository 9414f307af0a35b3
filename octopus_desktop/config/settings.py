"""What the trader can set in `settings.toml`."""

from __future__ import annotations

import logging
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec

from octopus_desktop.config.documents import SettingsError, nearest, read, write
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.limits import RiskLimits

logger = logging.getLogger(__name__)

Positive = Annotated[int, msgspec.Meta(ge=1)]


class RiskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The limits a profile starts with; what is set in its window is kept with the profile and counts from then on.

    As RiskLimits: notional in quote currency, distance a fraction of the touch price, `allowed` absent for all.
    """

    max_order_notional: Decimal = RiskLimits().max_order_notional
    max_touch_distance: Decimal = RiskLimits().max_touch_distance
    max_orders_per_second: Positive = RiskLimits().max_orders_per_second
    max_open_orders: Positive = RiskLimits().max_open_orders
    allowed: frozenset[InstrumentId] | None = None

    def __post_init__(self) -> None:
        for name in ("max_order_notional", "max_touch_distance"):
            value: Decimal = getattr(self, name)
            if not value.is_finite() or value <= 0:
                raise ValueError(f"{name} must be above zero")

    def limits(self) -> RiskLimits:
        return RiskLimits(
            self.max_order_notional,
            self.max_touch_distance,
            self.max_orders_per_second,
            self.max_open_orders,
            self.allowed,
        )


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`colour_blind` draws up and down in blue and orange. `watchlist` and `instrument` are symbols and count at a
    profile's first start, an empty watchlist being the best-known coins; later the window keeps its own.
    """

    theme: Literal["dark", "light"] = "dark"
    colour_blind: bool = False
    time_zone: Literal["utc", "local"] = "utc"
    watchlist: tuple[str, ...] = ()
    instrument: str = "BTCUSDT"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    risk: RiskSettings = RiskSettings()


_SECTIONS: Final = {"risk": RiskSettings}


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
    found = {}
    for key, value in document.items():
        name = f"{section}{key}"
        if key not in known:
            logger.warning("%s: %s is not known and is ignored.%s", path, name, nearest(key, known))
        elif key in _SECTIONS and not section:
            if not isinstance(value, dict):
                raise SettingsError(f"{path}: {name} is a section: write it as [{name}] with its keys below.")
            fields = _fields(value, _SECTIONS[key], path, f"{key}.")
            try:
                found[key] = _SECTIONS[key](**fields)
            except ValueError as error:
                raise SettingsError(f"{path}: {name}.{error}.") from error
        else:
            found[key] = _value(value, known[key], path, name)
    return found


def _value(value: Any, kind: Any, path: Path, name: str) -> Any:
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
        value, default = getattr(settings, field.name), getattr(defaults, field.name)
        if isinstance(value, msgspec.Struct):
            section = document.setdefault(field.name, {})
            _put(section, value, default)
            if not section:
                del document[field.name]
        elif value == default or value is None:
            document.pop(field.name, None)
        else:
            document[field.name] = _plain_data(value)


def _plain_data(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value
