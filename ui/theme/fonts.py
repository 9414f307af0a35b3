"""The two shipped typefaces: Inter for words, JetBrains Mono for numbers. Four sizes, two weights."""

from __future__ import annotations

import logging

from PySide6.QtGui import QFont, QFontDatabase

from ui.theme.resources import resources_dir

log = logging.getLogger(__name__)

# Pixels at 100 %; Qt multiplies by the screen's scale.
TABLE = 11
BASE = 12
HEADING = 14
PRICE = 18

WORDS = "Inter"
NUMBERS = "JetBrains Mono"

_FILES = ("Inter-Regular.otf", "Inter-SemiBold.otf", "JetBrainsMono-Regular.ttf", "JetBrainsMono-Bold.ttf")


def load_fonts() -> list[str]:
    """Register the shipped fonts with Qt and return the families now at hand. Needs a QGuiApplication.

    A font that can't be read is logged, and Qt falls back to the platform's own.
    """
    families: list[str] = []
    for name in _FILES:
        path = resources_dir() / "fonts" / name
        number = QFontDatabase.addApplicationFont(str(path))
        if number < 0:
            log.warning("font %s can't be read; the system's own is used", path)
            continue
        families += QFontDatabase.applicationFontFamilies(number)
    return sorted(set(families))


def words(size: int = BASE, *, bold: bool = False) -> QFont:
    """Inter, with tabular figures so that a number inside a sentence doesn't jump."""
    font = QFont(WORDS)
    font.setPixelSize(size)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def numbers(size: int = TABLE, *, bold: bool = False) -> QFont:
    """JetBrains Mono, its programming ligatures off: `->` and `--` are two signs to a trader."""
    font = QFont(NUMBERS)
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPixelSize(size)
    font.setWeight(QFont.Weight.Bold if bold else QFont.Weight.Normal)
    font.setFeature(QFont.Tag("liga"), 0)
    font.setFeature(QFont.Tag("calt"), 0)
    return font
