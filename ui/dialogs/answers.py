"""What a dialog ends with: the sentence of what is wrong, and the two ways out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QWidget


class Answer(NamedTuple):
    """What a button says, and its tooltip without the key."""

    word: str
    tip: str


def problem_line() -> QLabel:
    """Empty until something is wrong. It has room for two lines, so that nothing moves when it is said."""
    line = QLabel()
    line.setMinimumHeight(2 * line.fontMetrics().lineSpacing())
    line.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    line.setProperty("tone", "danger")
    line.setTextFormat(Qt.TextFormat.PlainText)
    line.setWordWrap(True)
    return line


def answer_row(
    dialog: QDialog,
    leave: Answer,
    act: Answer,
    send: Callable[[], None],
    *,
    role: str = "primary",
    beside: QWidget | None = None,
) -> tuple[QHBoxLayout, QPushButton]:
    """The row of buttons and the one that acts: Esc leaves, Enter sends. `beside` stands at the left."""
    row = QHBoxLayout()
    if beside is not None:
        row.addWidget(beside)
    row.addStretch(1)
    out = QPushButton(leave.word)
    out.setToolTip(f"{leave.tip} (Esc)")
    out.setAutoDefault(False)
    out.clicked.connect(dialog.reject)
    button = QPushButton(act.word)
    button.setProperty("role", role)
    button.setToolTip(f"{act.tip} (Enter)")
    button.setDefault(True)
    button.clicked.connect(send)
    row.addWidget(out)
    row.addWidget(button)
    return row, button
