"""A pane that is a table: filter, empty state, and the arrangement kept in the settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from octopus_desktop.actions.context import Context
from octopus_desktop.model.identifiers import InstrumentId
from ui.models.rows_model import RowsModel
from ui.models.table import Table
from ui.panes.pane import Pane, price_age_s
from ui.session import Session
from ui.theme.icons import icon
from ui.widgets.line_edit import LineEdit
from ui.widgets.state_overlay import StateOverlay

_FOOT = 26
"""The height in which a chip stands at the bottom."""


class FilterEdit(LineEdit):
    """Esc empties it, then gives the keyboard back to the table."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Escape if self.text():
                self.clear()
            case Qt.Key.Key_Escape | Qt.Key.Key_Down | Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.left.emit()
            case _:
                super().keyPressEvent(event)


class TablePane(Pane):
    """Subclasses make a RowsModel, hand it to `set_table` and fill it in `refresh`."""

    slow = True
    hint = QSize(900, 200)
    contexts: tuple[Context, ...] = (Context.TABLE,)
    empty_text = "Nothing yet"
    empty_hint = ""
    loading_text = "Waiting for the venue"
    no_account_text = "No account in this profile: market data only"

    table: Table[Any]

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        self.filter_edit = FilterEdit()
        self.filter_edit.setPlaceholderText("Filter")
        self.filter_edit.setAccessibleName(f"Filter {self.title.lower()}")
        self.filter_edit.setToolTip("Show only rows that hold this text (Ctrl+F)")
        self.filter_edit.setClearButtonEnabled(False)
        self.filter_edit.setFixedSize(130, 18)
        self.filter_edit.setStyleSheet("min-height: 16px; max-height: 16px; padding: 0 4px")
        self._lens = self.filter_edit.addAction(
            icon("search", session.theme.tokens, 12), QLineEdit.ActionPosition.LeadingPosition
        )
        session.theme.changed.connect(lambda: self._lens.setIcon(icon("search", session.theme.tokens, 12)))
        self.controls = QWidget()
        self.controls_row = QHBoxLayout(self.controls)
        self.controls_row.setContentsMargins(0, 0, 0, 0)
        self.controls_row.setSpacing(4)
        self.controls_row.addWidget(self.filter_edit)

    def add_control(self, text: str, tooltip: str, clicked: Callable[[], None], *, name: str = "") -> QPushButton:
        """A flat button beside the filter. `name` says more than its text to who can't see the pane."""
        button = QPushButton(text)
        button.setProperty("role", "flat")
        button.setToolTip(tooltip)
        button.setAccessibleName(name or text)
        button.setStyleSheet("min-height: 16px; max-height: 18px; padding: 0 8px")
        button.clicked.connect(clicked)
        self.controls_row.addWidget(button)
        return button

    def set_table(self, model: RowsModel[Any], sort: tuple[str, bool] | None) -> None:
        self.table = Table(self.session.theme, model, self.title, self, sort=sort)
        self.column.addWidget(self.table)
        self.setFocusProxy(self.table)
        self.overlay = StateOverlay(self.session.theme, self.table.viewport(), chip_in=self._foot)
        self.filter_edit.textChanged.connect(self._filtered)
        self.filter_edit.left.connect(self.table.setFocus)
        kept = self.session.setting(f"table.{self.pane_id}")
        if kept is not None:
            self.table.arrange(kept)
        self.table.arranged.connect(lambda: self.session.save(f"table.{self.pane_id}", self.table.arrangement()))

    def focus_target(self) -> QWidget:
        return self.table

    def _foot(self) -> QRect:
        """The bottom of the table, where its rows end first."""
        size = self.table.viewport().size()
        return QRect(0, size.height() - _FOOT, size.width(), _FOOT)

    def entered(self) -> None:
        self.table.stand_on_a_row(anew=True)

    def focus_filter(self) -> None:
        self.filter_edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter_edit.selectAll()

    def export(self, path: Path) -> int:
        return self.table.export(path)

    def show_state(self, *, known: bool = True) -> None:
        """Empty, loading, stale or live, by what there is. `known` is False before the venue told anything."""
        self.table.stand_on_a_row()
        if self.table.rows_model.rowCount() == 0:
            if known:
                self.overlay.show_state("empty", self.empty_text, self.empty_hint, blank=True)
            else:
                self.overlay.show_state("loading", self.loading_text, blank=True)
        elif self.table.filter_text and not self.table.shown_rows():
            self.overlay.show_state(
                "empty", f"No row holds “{self.filter_edit.text().strip()}”", "Esc in the filter shows all", blank=True
            )
        elif (age := self._oldest_price_s()) is not None:
            self.overlay.show_state("stale", age_s=age)
        else:
            self.overlay.show_state("live")

    def show_account_state(self, *, remembered: bool = True) -> None:
        """The same of what an account has. `remembered`: the journal may tell of it before the venue does."""
        state = self.session.state
        if state.no_account is not None and self.table.rows_model.rowCount() == 0:
            self.overlay.show_state("empty", self.no_account_text, state.no_account.reason, blank=True)
        else:
            self.show_state(known=bool(state.reconciled) or (remembered and bool(state.orders)))

    def priced(self) -> Iterable[InstrumentId]:
        """The instruments whose prices of now are in the table."""
        return ()

    def _oldest_price_s(self) -> float | None:
        state, now_ns = self.session.state, time.time_ns()
        ages = (price_age_s(state, name, now_ns) for name in self.priced())
        return max((age for age in ages if age is not None), default=None)

    def _filtered(self, text: str) -> None:
        self.table.filter(text)
        self.show_state()
