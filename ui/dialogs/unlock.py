"""Typing the name of a LIVE profile opens order entry: a habit of pressing Enter must not."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from octopus_desktop.model.commands import Done, Outcome, UnlockEntry
from ui.session import Session
from ui.widgets.mode_frame import ModeBadge


class UnlockDialog(QDialog):
    """It stays until the node agrees, or the trader leaves."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._name = session.node.profile.name
        self.setWindowTitle("Unlock order entry")
        self.setFixedWidth(420)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 16)
        column.setSpacing(10)
        head = QHBoxLayout()
        head.addWidget(ModeBadge(session.theme, session.node.profile.mode.value))
        title = QLabel(f"Orders sent from here trade real money at {session.node.profile.venue}.")
        title.setProperty("tone", "hi")
        title.setWordWrap(True)
        head.addWidget(title, 1)
        column.addLayout(head)
        label = QLabel(f"Type the profile's name, {self._name}, to unlock order entry:")
        column.addWidget(label)
        self.entry = QLineEdit()
        self.entry.setAccessibleName(f"The profile's name, {self._name}")
        label.setBuddy(self.entry)
        column.addWidget(self.entry)
        self.problem = QLabel()
        self.problem.setProperty("tone", "danger")
        self.problem.setWordWrap(True)
        column.addWidget(self.problem)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        leave = QPushButton("Stay locked")
        leave.setToolTip("Nothing changes (Esc)")
        leave.setAutoDefault(False)
        leave.clicked.connect(self.reject)
        self.unlock = QPushButton("Unlock order entry")
        self.unlock.setProperty("role", "danger")
        self.unlock.setToolTip("Allow orders (Enter)")
        self.unlock.setDefault(True)
        self.unlock.setEnabled(False)
        self.unlock.clicked.connect(self._send)
        buttons.addWidget(leave)
        buttons.addWidget(self.unlock)
        column.addLayout(buttons)
        self.entry.textChanged.connect(lambda text: self.unlock.setEnabled(bool(text.strip())))
        self.entry.setFocus()

    def _send(self) -> None:
        self.problem.setText("")
        self._session.execute(UnlockEntry(self.entry.text().strip()), self._answered)

    def _answered(self, outcome: Outcome) -> None:
        if isinstance(outcome, Done):
            self.accept()
        else:
            self.problem.setText(outcome.reason)
            self.entry.selectAll()
