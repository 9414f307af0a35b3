"""The tokens as QColors, with the few tints that painters derive from them."""

from __future__ import annotations

from PySide6.QtGui import QColor

from ui.theme.tokens import Tokens, mix, text_on


class Colors:
    """One QColor per token, and tints of them. Read-only by convention: painters share it."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.bg0 = QColor(tokens.bg0)
        self.bg1 = QColor(tokens.bg1)
        self.bg2 = QColor(tokens.bg2)
        self.line = QColor(tokens.line)
        self.text_hi = QColor(tokens.text_hi)
        self.text_mid = QColor(tokens.text_mid)
        self.text_lo = QColor(tokens.text_lo)
        self.up = QColor(tokens.up)
        self.down = QColor(tokens.down)
        self.accent = QColor(tokens.accent)
        self.warn = QColor(tokens.warn)
        self.danger = QColor(tokens.danger)
        self.demo = QColor(tokens.demo)
        self.paper = QColor(tokens.paper)
        self.live = QColor(tokens.live)
        # Tints are mixed, not translucent: an opaque fill is several times cheaper to paint.
        self.grid = QColor(mix(tokens.bg0, tokens.line, 0.55))
        self.watermark = QColor(mix(tokens.bg0, tokens.bg2, 0.6))
        self.hover = QColor(mix(tokens.bg0, tokens.bg2, 0.75))
        self.up_soft = QColor(mix(tokens.bg0, tokens.up, 0.28))
        self.down_soft = QColor(mix(tokens.bg0, tokens.down, 0.28))
        self.up_faint = QColor(mix(tokens.bg0, tokens.up, 0.15))
        self.down_faint = QColor(mix(tokens.bg0, tokens.down, 0.15))
        self.select = QColor(mix(tokens.bg0, tokens.accent, 0.22))
        self.on_up = QColor(text_on(tokens.up))
        self.on_down = QColor(text_on(tokens.down))
        self.on_accent = QColor(text_on(tokens.accent))

    def side(self, is_buy: bool) -> QColor:
        return self.up if is_buy else self.down

    def side_soft(self, is_buy: bool) -> QColor:
        return self.up_soft if is_buy else self.down_soft

    def on_side(self, is_buy: bool) -> QColor:
        """Text upon a fill of `side`."""
        return self.on_up if is_buy else self.on_down

    def mode(self, mode: str) -> QColor:
        """Colour of `demo`, `paper` or `live`, in any case. Raises `KeyError` for another word."""
        return {"demo": self.demo, "paper": self.paper, "live": self.live}[mode.lower()]

    def faded(self) -> Colors:
        """The same colours with the life taken out, for data that is stale."""
        t = self.tokens
        grey = mix(t.bg0, t.text_lo, 0.9)
        dark = mix(t.bg0, t.text_lo, 0.68)
        fields = {name: getattr(t, name) for name in t.__struct_fields__}
        fields.update(up=grey, down=dark, text_hi=t.text_lo, text_mid=t.text_lo)
        return Colors(Tokens(**fields))
