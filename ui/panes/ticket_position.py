"""What is held in the instrument of the ticket, where the decision about it is made."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from octopus_desktop.state import State
from ui.panes.instrument_bar import set_text
from ui.panes.pane import price_age_s
from ui.panes.positions import sign_tone
from ui.session import Session
from ui.theme.numbers import NOTHING, format_change, format_price
from ui.widgets.ticket_parts import Hairline, sum_row

_ROWS: Final = (
    ("position", "Position"),
    ("average", "Average entry"),
    ("unrealised", "Unrealised"),
    ("realised", "Realised"),
)
_TONES: Final = {"up": "up", "down": "down", "text_mid": "mid"}
_GIVE_WAY: Final = ("realised", "average", "button")
"""What is left out where the ticket is low, first to last."""


class Held(QWidget):
    """The position, its gain, and the button that closes it: as much of it as there is room for."""

    close_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 0, 10, 8)
        column.setSpacing(3)
        column.addWidget(Hairline(session.theme))
        column.addSpacing(5)
        self._boxes: dict[str, QWidget] = {}
        self.figures = {}
        for key, word in _ROWS:
            self._boxes[key], self.figures[key] = sum_row(word, 136)  # both fit: the longest word, and millions
            column.addWidget(self._boxes[key])
        self.close_button = QPushButton("Close position…")
        self.close_button.setToolTip("Fill the ticket with the order that closes the position (Ctrl+Shift+C)")
        self.close_button.clicked.connect(self.close_wanted)
        column.addWidget(self.close_button)
        self._boxes["button"] = self.close_button

    def fit(self, room: int) -> None:
        """Show what fits into so many pixels of height, and nothing where not even the gain does."""
        for box in self._boxes.values():
            box.setVisible(True)
        for key in (*_GIVE_WAY, None):
            if self.sizeHint().height() <= room:
                break
            if key is not None:
                self._boxes[key].setVisible(False)
        self.setVisible(self.sizeHint().height() <= room)

    def write(self, state: State) -> None:
        """Of the instrument on the screen."""
        instrument = self._session.instrument
        position = state.positions.get(instrument.instrument_id) if instrument is not None else None
        held = position is not None and position.quantity != 0
        self.close_button.setEnabled(held)
        if instrument is None or position is None or not held:
            for label in self.figures.values():
                set_text(label, NOTHING, "lo")
            return
        mark = state.market(instrument.instrument_id).fair_price
        gain = position.unrealised(mark) if mark is not None else None
        is_old = price_age_s(state, instrument.instrument_id, 0) is not None
        digits, lots = instrument.price_precision, instrument.quantity_precision
        texts = {
            "position": (f"{format_change(position.quantity, lots)} {instrument.base}", position.quantity),
            "average": (format_price(position.average_price, digits), None),
            "unrealised": (f"{format_change(gain, 2)} {instrument.quote}", gain),
            "realised": (f"{format_change(position.realised, 2)} {instrument.quote}", position.realised),
        }
        for key, (text, signed) in texts.items():
            tone = _TONES[sign_tone(signed, None if key == "position" else 2)] if key != "average" else "hi"
            set_text(self.figures[key], text, "lo" if key == "unrealised" and is_old else tone)
