"""Where the venue's balances are not what our own fills add up to."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

import msgspec
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from octopus_desktop.model.commands import Reconcile
from octopus_desktop.model.events import LedgerChecked
from octopus_desktop.model.safety import LedgerDifference
from octopus_desktop.state import State
from ui.models.columns import Column, Paint, day_and_clock, iso
from ui.models.rows_model import RowsModel
from ui.models.table import Table
from ui.panes.positions import sign_tone
from ui.session import Session
from ui.theme.numbers import format_change, format_price
from ui.widgets.state_overlay import StateOverlay

_EACH_MS: Final = 500


class Line(msgspec.Struct, frozen=True):
    """One asset of one check."""

    check: LedgerChecked
    difference: LedgerDifference
    newest: bool


def lines_of(state: State) -> list[Line]:
    """Every difference that is known, those of the last check too."""
    checks = list(state.unexplained)
    newest = {id(check) for check in state.ledger.values()}
    return [Line(check, difference, id(check) in newest) for check in checks for difference in check.differences]


def ledger_columns(zone: tzinfo) -> list[Column[Line]]:
    def digits(line: Line) -> int:
        return 2 if line.difference.asset.startswith("USD") else 8

    return [
        Column("time", "Checked", lambda line: iso(line.check.ts_ns),
               lambda line: day_and_clock(line.check.ts_ns, zone), 110, tone=lambda line: "text_mid",
               rank=lambda line: line.check.ts_ns),
        Column("asset", "Asset", lambda line: line.difference.asset, lambda line: line.difference.asset, 70,
               Paint.WORDS, tone=lambda line: "text_hi"),
        Column("expected", "Expected", lambda line: line.difference.expected,
               lambda line: format_price(line.difference.expected, digits(line)), 140),
        Column("actual", "At the venue", lambda line: line.difference.actual,
               lambda line: format_price(line.difference.actual, digits(line)), 140),
        Column("difference", "Difference", lambda line: line.difference.difference,
               lambda line: format_change(line.difference.difference, digits(line)), 140,
               tone=lambda line: sign_tone(line.difference.difference)),
        Column("venue", "Venue", lambda line: line.check.venue, lambda line: line.check.venue, 80, Paint.WORDS,
               tone=lambda line: "text_lo"),
    ]  # fmt: skip


class LedgerDialog(QDialog):
    """A table of them, the newest first, those of the last check not dimmed."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Ledger differences")
        self.resize(740, 320)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        words = QLabel(
            "After each comparison with the venue our own sums are held against its balances. What our fills do not "
            "explain is here: deposits, withdrawals, and what was traded elsewhere."
        )
        words.setWordWrap(True)
        column.addWidget(words)
        self.model = RowsModel[Line](
            ledger_columns(session.zone),
            lambda line: (line.check.venue, line.check.ts_ns, line.difference.asset),
            self,
            faded=lambda line: not line.newest,
        )
        self.table = Table(session.theme, self.model, "Ledger differences", self, sort=("time", True))
        column.addWidget(self.table, 1)
        self.overlay = StateOverlay(session.theme, self.table.viewport())
        buttons = QHBoxLayout()
        self.summary = QLabel()
        buttons.addWidget(self.summary, 1)
        again = QPushButton("Compare again")
        again.setToolTip("Ask the venue for orders, fills and balances now (Ctrl+R)")
        again.clicked.connect(lambda: session.execute(Reconcile(session.node.profile.venue)))
        close = QPushButton("Close")
        close.setToolTip("Back to the screen (Esc)")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        buttons.addWidget(again)
        buttons.addWidget(close)
        column.addLayout(buttons)
        self._timer = QTimer(self)
        self._timer.setInterval(_EACH_MS)
        self._timer.timeout.connect(lambda: self.write(session.state))
        self._timer.start()
        self.finished.connect(self._timer.stop)
        self.write(session.state)

    def write(self, state: State) -> None:
        """What is known now."""
        lines = lines_of(state)
        self.model.replace(lines)
        if lines:
            self.overlay.show_state("live")
        elif state.ledger:
            self.overlay.show_state("empty", "No differences", "The balances are what our fills say", blank=True)
        else:
            self.overlay.show_state("empty", "Not compared yet", "Compare again asks the venue", blank=True)
        open_ = sum(1 for line in lines if line.newest)
        checked = bool(state.ledger)
        self.summary.setText(
            f"{open_} unexplained at the last check" if open_ else "The last check found none" if checked else
            "Not checked yet"
        )  # fmt: skip
