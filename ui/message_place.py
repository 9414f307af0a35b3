"""Where messages lie: over the oldest candles of the chart, which a trader can spare, rather than over orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPoint, QRect, QSize

from ui.chart.axes import AXIS_HEIGHT

if TYPE_CHECKING:
    from ui.main_window import MainWindow

_GAP: Final = 8
_NEWEST: Final = 150
"""The axis of prices and the candles of now, which no message covers."""
_LEGEND: Final = 28


def place_of_messages(window: MainWindow, size: QSize) -> QPoint | None:
    """The lower left corner of messages that take so much room; None: they lie in the window's own corner.

    Where the chart has no room for them they are left of the ticket, and never over the button that sends.
    """
    if _is_in(window, "chart"):
        chart = window.chart.chart
        plot = QRect(chart.mapTo(window, QPoint(0, 0)), chart.size())
        plot.adjust(_GAP, _LEGEND, -_NEWEST, -AXIS_HEIGHT - _GAP)
        if plot.width() >= size.width() and plot.height() >= size.height():
            return QPoint(plot.left(), plot.bottom())
    ticket = window.docks["ticket"].geometry()
    left = ticket.left() - _GAP - size.width()
    if _is_in(window, "ticket") and ticket.right() > window.width() - 40 and left >= 0:
        return QPoint(left, window.height() - window.status.height() - 2 * _GAP)
    return None


def _is_in(window: MainWindow, pane_id: str) -> bool:
    """To be seen, and not in a window of its own."""
    dock = window.docks[pane_id]
    return not dock.isHidden() and not dock.isFloating() and dock.pane.is_seen()
