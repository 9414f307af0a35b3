"""How old a link's data is when it arrives, from a few messages a second."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Final

RECENT: Final = 5
"""Messages: about the last second of a link that is looked at four times in it."""
FORGOTTEN_S: Final = 3.0


class DataAge:
    """`sample` a message's own time and ours; the age is their distance, put right by the offset of the clocks."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=RECENT)

    def sample(self, sent_ns: int, received_ns: int) -> None:
        """`sent_ns` is on the venue's clock, `received_ns` on ours."""
        self._samples.append((received_ns, received_ns - sent_ns))

    def age_ns(self, now_ns: int, offset_ns: int) -> int | None:
        """The median of what came lately, None where nothing did. `offset_ns` is venue minus ours.

        Below zero it says that one of the clocks has moved since the offset was measured.
        """
        recent = [apart for received_ns, apart in self._samples if abs(now_ns - received_ns) < FORGOTTEN_S * 1e9]
        return int(median(recent)) + offset_ns if recent else None

    def forget(self) -> None:
        """A clock was set: what was measured by it says nothing any more."""
        self._samples.clear()
