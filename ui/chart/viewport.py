"""What part of a chart is seen: candles and prices to pixels and back. No Qt.

Horizontal unit is the candle: candle `i` fills `[i, i + 1)`, so gaps in time take no room. Pixels are device
pixels here, because a candle is only sharp when its spacing is a whole number of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_SPACING = 0.02
MAX_SPACING = 160.0
# Below this, rounding to whole pixels would make zooming jump.
_SNAP_FROM = 3.0


@dataclass(slots=True)
class Viewport:
    """Plot of `width` × `height` pixels. `right` is the candle index at its right edge.

    `following` keeps the last candle in view as new ones come; `auto_price` fits the prices to what is seen.
    `margin` is how many candles are left free at the right of the newest one.
    """

    width: int = 1
    height: int = 1
    right: float = 0.0
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    following: bool = True
    auto_price: bool = True
    margin: float = 3.0
    wanted_spacing: float = 8.0

    @property
    def spacing(self) -> float:
        """Pixels from one candle to the next: whole ones once they are wide enough to tell."""
        wanted = self.wanted_spacing
        return float(round(wanted)) if wanted >= _SNAP_FROM else wanted

    @property
    def left(self) -> float:
        return self.right - self.width / self.spacing

    @property
    def is_log(self) -> bool:
        """Whether prices are spaced by their logarithm; never below zero, where there is none."""
        return self.log and self.low > 0.0

    # -- candles to pixels

    def x_of(self, index: float) -> float:
        """Pixel of a candle's left border; its middle is at `index + 0.5`."""
        return self.width + (index - self.right) * self.spacing

    def index_at(self, x: float) -> float:
        return self.right + (x - self.width) / self.spacing

    def visible(self, count: int) -> tuple[int, int]:
        """Start and stop of the candles in view, of `count`."""
        return max(0, math.floor(self.left)), max(0, min(count, math.ceil(self.right)))

    def level(self) -> int:
        """How coarse a level gives each group about a pixel and a half at least."""
        return 0 if self.spacing >= 1.0 else math.ceil(math.log2(1.0 / self.spacing))

    # -- prices to pixels

    def y_of(self, price: float) -> float:
        if self.is_log:
            if price <= 0.0:
                return float(self.height)
            top, bottom = math.log(self.high), math.log(self.low)
            return (top - math.log(price)) / (top - bottom) * (self.height - 1)
        return (self.high - price) / (self.high - self.low) * (self.height - 1)

    def price_at(self, y: float) -> float:
        share = y / max(1, self.height - 1)
        if self.is_log:
            top, bottom = math.log(self.high), math.log(self.low)
            return math.exp(top - share * (top - bottom))
        return self.high - share * (self.high - self.low)

    def fit(self, low: float, high: float, *, above: float = 0.06, below: float = 0.06) -> bool:
        """Show prices `low` to `high` with air in shares of their range. True when that changed anything."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return False
        if high <= low:
            room = abs(high) * 0.001 or 1.0
            low, high = low - room, high + room
        if self.log and low > 0:
            ratio = high / low
            low, high = low / ratio**below, high * ratio**above
        else:
            span = high - low
            low, high = low - span * below, high + span * above
        if (low, high) == (self.low, self.high):
            return False
        self.low, self.high = low, high
        return True

    # -- moving

    def resize(self, width: int, height: int) -> None:
        self.width, self.height = max(1, width), max(1, height)

    def pan(self, pixels: float, count: int) -> None:
        """Drag the chart by `pixels` to the right (older candles come in). Some candles always stay in view."""
        self.right -= pixels / self.spacing
        self._keep_in_view(count)
        self.following = self.right >= count

    def pan_price(self, pixels: float) -> None:
        """Drag the chart down by `pixels`; prices are the trader's own from then on."""
        low, high = self.price_at(self.height - 1 - pixels), self.price_at(-pixels)
        self._set_prices(low, high)

    def zoom(self, factor: float, x: float, count: int) -> None:
        """Make candles `factor` times as wide, keeping the one under pixel `x` where it is."""
        anchor = self.index_at(x)
        before = self.spacing
        self.wanted_spacing = min(MAX_SPACING, max(MIN_SPACING, self.wanted_spacing * factor))
        if factor != 1.0 and self.spacing == before and _SNAP_FROM <= before < MAX_SPACING:
            self.wanted_spacing = before + (1.0 if factor > 1.0 else -1.0)
        self.right = anchor - (x - self.width) / self.spacing
        self._keep_in_view(count)
        self.following = self.right >= count

    def zoom_price(self, factor: float, y: float | None = None) -> None:
        """Stretch prices by `factor` about pixel `y` (the middle by default)."""
        y = (self.height - 1) / 2 if y is None else y
        top, bottom = y - y / factor, y + (self.height - 1 - y) / factor
        self._set_prices(self.price_at(bottom), self.price_at(top))

    def show_last(self, count: int) -> None:
        """Go to the newest candle and follow it."""
        self.following = True
        self.right = count + min(self.margin, self.width / self.spacing / 4)

    def show_first(self) -> None:
        self.following = False
        self.right = max(1.0, self.width / self.spacing)

    def appended(self, added: int) -> None:
        """`added` new candles came at the end: what follows moves on by as many."""
        if self.following:
            self.right += added

    def prepended(self, added: int) -> None:
        """`added` candles came in front: the same ones stay on the screen."""
        self.right += added

    def _keep_in_view(self, count: int) -> None:
        shown = self.width / self.spacing
        some = min(3.0, float(count))
        self.right = min(max(self.right, some), count + shown - some)

    def _set_prices(self, low: float, high: float) -> None:
        if not (math.isfinite(low) and math.isfinite(high)) or high - low <= abs(high) * 1e-12:
            return
        if self.log and low <= 0:
            return
        self.low, self.high = low, high
        self.auto_price = False
