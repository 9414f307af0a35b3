"""Where the shipped files (fonts, icons) are: in a checkout, or inside the installed package."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def resources_dir() -> Path:
    """The folder of the shipped files. Raises `FileNotFoundError` for a broken installation."""
    return find_resources(Path(__file__).resolve().parent.parent)


def find_resources(ui: Path) -> Path:
    """The shipped files that belong to a `ui` package: inside it when installed, beside it in a checkout."""
    for folder in (ui / "_resources", ui.parent / "resources"):
        if (folder / "fonts").is_dir():
            return folder
    raise FileNotFoundError(f"no resources beside {ui}: fonts and icons are missing, reinstall the program")
