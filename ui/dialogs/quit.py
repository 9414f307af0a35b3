"""Asked before the terminal is closed over algos that work only while it runs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from octopus_desktop.model.algos import Algo
from octopus_desktop.model.identifiers import symbol_of
from octopus_desktop.state import State
from ui.dialogs.answers import Answer, answer_row
from ui.models.algo_words import kind_word
from ui.theme.numbers import count_of

_NAMED = 4
"""So many are named singly."""


def held_here(state: State) -> list[Algo]:
    """Those at work that the venue does not work by itself."""
    return [algo for algo in state.algos.values() if not algo.native and not algo.status.is_over]


class QuitDialog(QDialog):
    """Accepted is to quit. The button says what is left alone by it."""

    def __init__(self, held: Sequence[Algo], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Quit")
        self.setFixedWidth(400)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        named = [f"{kind_word(algo.spec)} {symbol_of(algo.spec.instrument_id)}" for algo in held[:_NAMED]]
        more = f" and {len(held) - _NAMED} more" if len(held) > _NAMED else ""
        words = QLabel(
            f"Works only while this terminal runs: {', '.join(named)}{more}. Orders that rest at the venue stay there, "
            "and nobody looks after them until the next start."
        )
        words.setProperty("tone", "hi")
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setWordWrap(True)
        column.addWidget(words)
        row, self.quit = answer_row(
            self,
            Answer("Stay", "The terminal goes on"),
            Answer(f"Quit and leave {count_of(len(held), 'algo')}", "Close the terminal"),
            self.accept,
            role="danger",
        )
        column.addLayout(row)
