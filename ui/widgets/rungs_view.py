"""A scale's orders before they are sent: price, quantity, and a bar for each."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.theme import fonts
from ui.theme.numbers import format_price
from ui.theme.text import TextCache
from ui.theme.theme import Theme

_ROW: Final = 15
_MOST: Final = 6
_FEW: Final = 3


class RungsView(QWidget):
    """Shows six rows at most, three where it is `tight`: of more orders the first ones, how many are left out, and the
    last."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._numbers = TextCache(fonts.numbers(fonts.TABLE))
        self._rungs: list[tuple[Decimal, Decimal]] = []
        self._precisions = 2, 5
        self._buy = True
        self._most = _MOST
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("The orders of the scale")
        self.setToolTip("The orders that the scale places")
        theme.changed.connect(self.update)

    def show_rungs(
        self, rungs: Sequence[tuple[Decimal, Decimal]], price_precision: int, quantity_precision: int, *, buy: bool
    ) -> None:
        """(price, quantity) of each, the first first."""
        grown = len(self._lines(list(rungs))) != len(self._lines(self._rungs))
        self._rungs, self._buy = list(rungs), buy
        self._precisions = price_precision, quantity_precision
        if grown:
            self.updateGeometry()
        self.update()

    def set_tight(self, tight: bool) -> None:
        self._most = _FEW if tight else _MOST
        self.updateGeometry()
        self.update()

    def _lines(self, rungs: list[tuple[Decimal, Decimal]]) -> list[tuple[Decimal, Decimal] | int]:
        """Rungs, and the number of those left out in their place."""
        if len(rungs) <= self._most:
            return list(rungs)
        return [*rungs[: self._most - 2], len(rungs) - self._most + 1, rungs[-1]]

    def sizeHint(self) -> QSize:
        return QSize(200, max(1, len(self._lines(self._rungs))) * _ROW)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = self._theme.colors
        painter = QPainter(self)
        largest = max((quantity for _, quantity in self._rungs), default=Decimal(0))
        middle = self.width() * 0.46
        for place, line in enumerate(self._lines(self._rungs)):
            top = place * _ROW
            if isinstance(line, int):
                painter.setPen(colors.text_lo)
                self._numbers.right(painter, middle, top + _ROW / 2, f"… {line} more")
                continue
            price, quantity = line
            share = float(quantity / largest) if largest else 0.0
            room = self.width() - middle - 8
            painter.fillRect(
                round(self.width() - room * share), top + 1, round(room * share), _ROW - 2, colors.side_soft(self._buy)
            )
            painter.setPen(colors.side(self._buy))
            self._numbers.right(painter, middle, top + _ROW / 2, format_price(price, self._precisions[0]))
            painter.setPen(colors.text_hi)
            self._numbers.right(painter, self.width() - 4, top + _ROW / 2, format_price(quantity, self._precisions[1]))
        painter.end()
