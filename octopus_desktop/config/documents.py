"""TOML files that a person edits: read with errors that help, written back without losing what was not understood."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import tomli_w

from octopus_desktop.config.paths import write_private
from octopus_desktop.model.errors import OctopusError


class SettingsError(OctopusError):
    """A file that the trader edits says something that cannot be. It names the file, the key, and what is allowed."""


def read(path: Path) -> dict[str, Any]:
    """Empty where there is no file. Numbers with a point are Decimal. Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not text in UTF-8: {error}. Save it as UTF-8, or move it away.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}. Check who may read it.") from error
    import tomllib  # most starts find no file to read

    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}. Correct it, or move it away to use the defaults.") from error


def write(path: Path, document: dict[str, Any]) -> None:
    """Raises SettingsError; the file then is as it was."""
    try:
        write_private(path, tomli_w.dumps(document))
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {error.strerror}. The change is not kept. Free some space or give your user "
            "write access to it, then try again; or choose another folder with --data-dir."
        ) from error


def nearest(word: str, known: Iterable[str]) -> str:
    """` Did you mean "dark"?`, or nothing where no word is near."""
    from rapidfuzz import process  # only a mistake needs it
    from rapidfuzz.distance import DamerauLevenshtein

    found = process.extractOne(
        word.lower(), list(known), scorer=DamerauLevenshtein.normalized_similarity, score_cutoff=0.6
    )
    return f' Did you mean "{found[0]}"?' if found else ""
