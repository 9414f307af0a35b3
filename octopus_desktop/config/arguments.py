"""Numbers on the command line: what is out of range is refused there, with a sentence, and not found out later."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

N = TypeVar("N", int, float)


def between(least: N, most: N) -> Callable[[str], N]:
    """For `type=` of an argument: a number from `least` to `most`, a whole one where they are."""
    kind = type(least)

    def read(text: str) -> N:
        try:
            value = kind(text)
        except ValueError:
            what = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None
        if not least <= value <= most:  # nothing lies before or after nan
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    return read
