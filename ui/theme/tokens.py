"""The colour tokens: one table for widgets, charts and both themes. No Qt here."""

from __future__ import annotations

import msgspec


class Tokens(msgspec.Struct, frozen=True):
    """Every colour the program uses, as `#RRGGBB`.

    `bg0` is the canvas, `bg1` a panel or header on it, `bg2` a control or hovered row, `line` a border.
    `text_hi` carries prices (7:1 at least), `text_mid` words, `text_lo` labels and units (4.5:1 at least).
    `up` and `down` also stand for buy and sell, and differ in lightness too, for eyes that see no hue.
    """

    name: str
    bg0: str
    bg1: str
    bg2: str
    line: str
    text_hi: str
    text_mid: str
    text_lo: str
    up: str
    down: str
    accent: str
    warn: str
    danger: str
    demo: str
    paper: str
    live: str

    @property
    def is_dark(self) -> bool:
        return luminance(self.bg0) < 0.5


DARK = Tokens(
    name="dark",
    bg0="#0E1116",
    bg1="#141920",
    bg2="#1D242D",
    line="#27303A",
    text_hi="#E8ECF1",
    text_mid="#A9B3BF",
    text_lo="#84909D",
    up="#36CB92",
    down="#F25C6E",
    accent="#6EA0FF",
    warn="#E6B450",
    danger="#F25660",
    demo="#4FB0F5",
    paper="#B79CF7",
    live="#FF8A3D",
)

LIGHT = Tokens(
    name="light",
    bg0="#FAFBFC",
    bg1="#F1F3F6",
    bg2="#E5E9EE",
    line="#D2D8DF",
    text_hi="#12161C",
    text_mid="#414B57",
    text_lo="#586370",
    up="#07744D",
    down="#B0122F",
    accent="#1F5FD6",
    warn="#7D5100",
    danger="#B4152B",
    demo="#0B66AB",
    paper="#6A45C9",
    live="#AD4600",
)

THEMES: dict[str, Tokens] = {"dark": DARK, "light": LIGHT}

# Blue and orange stay apart under every common kind of colour blindness. The accent turns violet with
# them, or a selected row would look like a buy.
_COLOUR_BLIND = {
    "dark": {"up": "#5CA5FF", "down": "#FFB454", "accent": "#B39DFF"},
    "light": {"up": "#0B4FB5", "down": "#A04B00", "accent": "#6A3FC4"},
}


def tokens(name: str, *, colour_blind: bool = False) -> Tokens:
    """The table of a theme. An unknown name raises `KeyError`."""
    table = THEMES[name]
    return msgspec.structs.replace(table, **_COLOUR_BLIND[name]) if colour_blind else table


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of `#RRGGBB`, 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(a: str, b: str, share: float) -> str:
    """The colour `share` (0 to 1) of the way from `a` to `b`, in sRGB."""
    pairs = zip(channels(a), channels(b), strict=True)
    return "#" + "".join(f"{round(x + (y - x) * share):02X}" for x, y in pairs)


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _unit(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def lightness(colour: str) -> float:
    """CIE L*, 0 (black) to 100 (white)."""
    y = luminance(colour)
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def text_on(colour: str) -> str:
    """Black or white text, whichever reads better on `colour`."""
    return max("#0B0E12", "#FFFFFF", key=lambda text: contrast(text, colour))


def _unit(colour: str) -> list[float]:
    return [c / 255 for c in channels(colour)]
