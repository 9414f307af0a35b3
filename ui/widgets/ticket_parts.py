"""Small pieces the ticket is made of."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from ui.theme.numbers import NOTHING
from ui.theme.theme import Theme


def sum_row(word: str, figure_width: int = 154) -> tuple[QWidget, QLabel]:
    """A word and its figure, and the label of the figure."""
    label, value = QLabel(word), QLabel(NOTHING)
    label.setProperty("tone", "lo")
    value.setProperty("numeric", True)
    value.setProperty("tone", "hi")
    value.setAccessibleName(word)
    value.setStyleSheet("font-size: 11px")
    value.setFixedSize(figure_width, 15)  # a fixed size: a new text lays nothing out anew
    value.setAlignment(Qt.AlignmentFlag.AlignRight)
    line = row_of(label, stretch=True)
    line.addWidget(value)
    box = QWidget()
    box.setLayout(line)
    return box, value


def row_of(*widgets: QWidget, stretch: bool = False, spacing: int = 6) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(spacing)
    for widget in widgets:
        row.addWidget(widget)
    if stretch:
        row.addStretch(1)
    return row


class Hairline(QWidget):
    """A line between two parts of the ticket."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedHeight(1)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colors.line)
        painter.end()
