"""Small pieces the ticket is made of."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from ui.models.ticket_kinds import GROUPS, Kind
from ui.theme import fonts
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


def kind_box() -> QComboBox:
    """The kinds of order under the names of their groups, which can't be chosen."""
    box = QComboBox()
    model = box.model()
    assert isinstance(model, QStandardItemModel)
    for word, kinds in GROUPS:
        box.addItem(word)
        head = model.item(box.count() - 1)
        head.setFlags(Qt.ItemFlag.NoItemFlags)
        head.setFont(fonts.words(fonts.TABLE, bold=True))
        for kind in kinds:
            box.addItem(kind.value, kind)
    box.setMaxVisibleItems(box.count())
    box.setCurrentIndex(box.findData(Kind.LIMIT))
    return box


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
