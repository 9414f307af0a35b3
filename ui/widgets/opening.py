"""What is in a window until it is furnished."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget


class Opening(QWidget):
    """A word in the middle under a moving line.

    The style sheet paints them: a `QPainter` that is handed a colour makes all enums of `Qt`, which takes longer than
    the rest of the first paint.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        line = QProgressBar()
        line.setRange(0, 0)
        line.setTextVisible(False)
        word = QLabel(text)
        word.setProperty("tone", "lo")
        across = QHBoxLayout()
        across.addStretch(1)
        across.addWidget(word)
        across.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(line)
        column.addStretch(1)
        column.addLayout(across)
        column.addStretch(1)
