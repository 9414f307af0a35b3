"""How a window is to be opened."""

from __future__ import annotations

from pathlib import Path

import msgspec

from octopus_desktop.model.profile import Profile
from ui.preferences import Preferences


class Options(msgspec.Struct, frozen=True):
    """`size` is in points, `theme` None is the kept one.

    With `screenshot_after_s` the window writes one picture and closes; with `screenshot_every_s` it goes on writing.
    """

    profile: Profile
    theme: str | None = None
    colour_blind: bool | None = None
    safe_mode: bool = False
    size: tuple[int, int] | None = None
    local_time: bool = False
    watchlist: tuple[str, ...] = ()
    instrument: str = ""
    scale: float | None = None
    screenshot_out: Path | None = None
    screenshot_after_s: float | None = None
    screenshot_every_s: float | None = None

    @property
    def preferences(self) -> Preferences:
        return Preferences(self.local_time, self.watchlist, self.instrument)

    @property
    def takes_pictures(self) -> bool:
        asked = self.screenshot_after_s is not None or self.screenshot_every_s is not None
        return asked and self.screenshot_out is not None
