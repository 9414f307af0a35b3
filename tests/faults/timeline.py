"""What happened in a seed, in the order in which it happened, for whoever has to find out why it failed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

_SECRETS = re.compile(r"""((?:signature|apiKey|X-MBX-APIKEY)["']?[=:]\s*["']?)[^"'&,}\s]+""")


class Timeline:
    """`note` costs a count; the text is kept only where somebody will read it (`kept`)."""

    def __init__(self, now_s: Callable[[], float], folder: Path, *, kept: bool) -> None:
        self._now = now_s
        self._folder = str(folder)
        self.kept = kept
        self.lines: list[str] = []
        self.counts: Counter[str] = Counter()

    def note(self, kind: str, text: object = "") -> None:
        self.counts[kind] += 1
        if self.kept:
            told = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
            told = _SECRETS.sub(r"\1…", told).replace(self._folder, "data")
            self.lines.append(f"{self._now():10.4f}  {kind:<12} {told[:600]}")
