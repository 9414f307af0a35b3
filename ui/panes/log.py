"""The log: what the program did and met, of this session and the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from PySide6.QtCore import QItemSelectionModel, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from octopus_desktop.model.events import LogRecorded, Severity
from octopus_desktop.model.queries import LogQuery
from octopus_desktop.state import KEPT_LOG_LINES, State
from ui.frame import Dirty
from ui.models.columns import Column, Paint, day_and_clock, iso
from ui.models.rows_model import RowsModel
from ui.panes.table_pane import TablePane
from ui.session import Session

_TONES = {
    Severity.DEBUG: "text_lo",
    Severity.INFO: "text_mid",
    Severity.WARNING: "warn",
    Severity.ERROR: "danger",
}
EARLIER_LINES: Final = 500


@dataclass(frozen=True, slots=True)
class Line:
    """`number` tells two equal lines apart."""

    number: int
    event: LogRecorded


def _source(line: Line) -> str:
    return line.event.source.removeprefix("octopus_desktop.")


def log_columns(zone: tzinfo) -> list[Column[Line]]:
    return [
        Column("time", "Time", lambda x: iso(x.event.ts_ns),
               lambda x: f"{day_and_clock(x.event.ts_ns, zone)}.{x.event.ts_ns // 1_000_000 % 1000:03d}", 134,
               tone=lambda x: "text_mid", rank=lambda x: x.event.ts_ns),
        Column("severity", "Level", lambda x: x.event.severity, lambda x: x.event.severity.value.capitalize(), 62,
               Paint.WORDS, tone=lambda x: _TONES[x.event.severity]),
        Column("source", "From", _source, _source, 180, Paint.WORDS, tone=lambda x: "text_lo"),
        Column("text", "What happened", lambda x: x.event.text, lambda x: x.event.text, 600, Paint.WORDS,
               tone=lambda x: "text_hi" if x.event.severity in (Severity.WARNING, Severity.ERROR) else "text_mid",
               tip=lambda x: x.event.text),
    ]  # fmt: skip


class LogPane(TablePane):
    """It collects while it is behind other tabs, too: the state keeps only the last lines, and a gap would lie."""

    pane_id = "log"
    title = "Log"
    empty_text = "Nothing logged yet"
    empty_hint = "What the program does and meets appears here"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._number = 0
        self._asked = False
        self._follows = True
        self.model = RowsModel[Line](log_columns(session.zone), lambda line: line.number, self)
        self.set_table(self.model, None)
        self.table.verticalScrollBar().valueChanged.connect(self._scrolled)

    def showEvent(self, event: QShowEvent) -> None:
        """The newest line is in sight, until somebody scrolls up to read: behind other tabs nothing has a place yet."""
        super().showEvent(event)
        QTimer.singleShot(0, self.table, self._to_the_end)

    def entered(self) -> None:
        if not self.table.selectionModel().hasSelection():
            self._to_the_end()
        super().entered()

    def _to_the_end(self) -> None:
        if self._follows:
            self.table.scrollToBottom()
            rows = self.table.model().rowCount()
            if rows and not self.table.selectionModel().hasSelection():
                last = self.table.model().index(rows - 1, 0)
                self.table.selectionModel().setCurrentIndex(last, QItemSelectionModel.SelectionFlag.NoUpdate)

    def _scrolled(self, value: int) -> None:
        if self.table.isVisible():
            self._follows = value >= self.table.verticalScrollBar().maximum()

    def collect(self, lines: list[LogRecorded]) -> None:
        """Lines of this session, as they come."""
        if lines:
            self._add(lines)

    def refresh(self, state: State, dirty: Dirty) -> None:
        if not self._asked:
            self._asked = True
            self.session.query(LogQuery(EARLIER_LINES), self._earlier, lambda reason: None)
        self.show_state()

    def _earlier(self, lines: list[LogRecorded]) -> None:
        """What earlier sessions wrote; lines of this one may be among them."""
        here = [line.event for line in self.model.rows]
        known = {(event.ts_ns, event.text) for event in here}
        older = [event for event in lines if (event.ts_ns, event.text) not in known]
        if older:
            self.model.drop_first(len(here))
            self._add(sorted([*older, *here], key=lambda event: event.ts_ns))
        self.show_state()

    def _add(self, events: list[LogRecorded]) -> None:
        follows = self._follows  # a longer table is not a reader who scrolled up
        self.model.append(Line(self._number + offset, event) for offset, event in enumerate(events))
        self.model.flush()  # nothing may move under a reader who follows the end
        self._number += len(events)
        self.model.drop_first(len(self.model.rows) - KEPT_LOG_LINES)
        self.show_state()
        self._follows = follows
        if follows:
            self.table.scrollToBottom()
