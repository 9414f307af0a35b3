"""Typing the name of a LIVE profile opens what a habit of pressing Enter must not."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from octopus_desktop.model.commands import Command, Done, Outcome
from ui.dialogs.answers import Answer, answer_row, problem_line
from ui.session import Session
from ui.widgets.line_edit import LineEdit
from ui.widgets.mode_frame import ModeBadge


class TypedNameDialog(QDialog):
    """It stays until the node agrees, or the trader leaves.

    `act` is what the button does and names (`Unlock order entry`), `leave` the way out, `warning` one sentence of what
    it means. `command` makes the command of what was typed.
    """

    def __init__(
        self,
        session: Session,
        parent: QWidget,
        *,
        act: str,
        leave: str,
        warning: str,
        command: Callable[[str], Command],
    ) -> None:
        super().__init__(parent)
        self._session, self._command = session, command
        name = session.node.profile.name
        self.setWindowTitle(act)
        self.setFixedWidth(420)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 16)
        column.setSpacing(10)
        head = QHBoxLayout()
        head.addWidget(ModeBadge(session.theme, session.node.profile.mode.value))
        title = QLabel(warning)
        title.setProperty("tone", "hi")
        title.setWordWrap(True)
        head.addWidget(title, 1)
        column.addLayout(head)
        label = QLabel(f"Type the profile's name, “{name}”, to {act[0].lower()}{act[1:]}:")
        label.setWordWrap(True)
        column.addWidget(label)
        self.entry = LineEdit()
        self.entry.setAccessibleName(f"The profile's name, {name}")
        label.setBuddy(self.entry)
        column.addWidget(self.entry)
        self.problem = problem_line()
        column.addWidget(self.problem)
        buttons, self.act_button = answer_row(
            self, Answer(leave, "Nothing changes"), Answer(act, act), self._send, role="danger"
        )
        self.act_button.setEnabled(False)
        column.addLayout(buttons)
        self.entry.textChanged.connect(lambda text: self.act_button.setEnabled(bool(text.strip())))
        self.entry.setFocus()

    def _send(self) -> None:
        self.problem.setText("")
        self._session.execute(self._command(self.entry.text().strip()), self._answered)

    def _answered(self, outcome: Outcome) -> None:
        if isinstance(outcome, Done):
            self.accept()
        else:
            self.problem.setText(outcome.reason)
            self.entry.selectAll()
