"""A new profile: its name, its venue, and a key that goes to the system keyring and is never shown again."""

from __future__ import annotations

import re
from concurrent.futures import Future
from typing import Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QLabel,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from octopus_desktop.config.add_profile import WITH_ACCOUNT
from octopus_desktop.config.profiles import PRESETS
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.profile import Dialect
from ui.dialogs.answers import Answer, answer_row, problem_line
from ui.widgets.line_edit import LineEdit


class AddProfile(Protocol):
    """What asks the venue, and keeps the key."""

    def __call__(self, name: str, venue: str, credentials: Credentials) -> Future[str]:
        """`venue` as the command line calls it. The future gives a sentence for the trader; where the key is refused
        (it may withdraw, it may not trade, there is no keyring) it raises, with the sentence that says why."""
        ...

    def keyring_problem(self) -> Future[str]:
        """Why no key can be kept here, and what to do; empty where one can."""
        ...


_TITLES = {
    Dialect.BINANCE_SPOT: "Binance spot",
    Dialect.BINANCE_USDM: "Binance USD-M futures",
}


def preset_title(key: str) -> str:
    """`Binance spot`, with the preset's own name where several speak one dialect."""
    title = _TITLES[PRESETS[key].dialect]
    alike = [other for other, profile in PRESETS.items() if profile.dialect is PRESETS[key].dialect]
    return title if len(alike) == 1 else f"{title} ({key})"


_PEM = re.compile(r"(-----BEGIN [A-Z ]+-----)(.*)(-----END [A-Z ]+-----)", re.DOTALL)


def whole_pem(text: str) -> str:
    """A private key in PEM with its lines again: an entry of one line takes them out when it is pasted."""
    found = _PEM.search(text)
    if found is None:
        return text
    body = re.sub(r"[^A-Za-z0-9+/=]", "", found[2])
    return "\n".join([found[1], *(body[at : at + 64] for at in range(0, len(body), 64)), found[3]]) + "\n"


class ProfileDialog(QDialog):
    """It asks the venue what the key may do before anything is kept."""

    _answered = Signal(object)
    _looked = Signal(object)

    def __init__(self, add: AddProfile, parent: QWidget) -> None:
        super().__init__(parent)
        self._add = add
        self._waiting = False
        self._no_keyring: str | None = None
        """None while it is looked for, empty where there is one."""
        self.setWindowTitle("Add a profile")
        self.setFixedWidth(480)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 16)
        column.setSpacing(10)
        words = QLabel(
            "The key goes into the system keyring and is never shown again. Make it without permission to withdraw: "
            "one that may withdraw is refused."
        )
        words.setWordWrap(True)
        column.addWidget(words)
        form = QFormLayout()
        form.setSpacing(8)
        self.name = LineEdit()
        self.venue = QComboBox()
        for key in PRESETS:
            self.venue.addItem(preset_title(key), key)
        self.key = LineEdit()
        self.secret = LineEdit()
        for entry in (self.key, self.secret):
            entry.setEchoMode(LineEdit.EchoMode.Password)
            entry.setInputMethodHints(Qt.InputMethodHint.ImhHiddenText | Qt.InputMethodHint.ImhNoPredictiveText)
        for word, widget in (
            ("Name", self.name),
            ("Venue", self.venue),
            ("API key", self.key),
            ("Secret", self.secret),
        ):
            widget.setAccessibleName(word)
            form.addRow(word, widget)
        column.addLayout(form)
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.hide()
        column.addWidget(self.progress)
        self.problem = problem_line()
        column.addWidget(self.problem)
        buttons, self.accept_button = answer_row(
            self,
            Answer("Cancel", "Keep nothing"),
            Answer("Check and keep the key", "Ask the venue what the key may do, then keep it"),
            self._send,
        )
        column.addLayout(buttons)
        self.message = ""
        for entry in (self.name, self.key, self.secret):
            entry.textChanged.connect(self._check)
        self.venue.currentIndexChanged.connect(self._say_keyring)
        # The answers come on a thread that is not the screen's.
        self._answered.connect(self._done, Qt.ConnectionType.QueuedConnection)
        self._looked.connect(self._found, Qt.ConnectionType.QueuedConnection)
        self._check()
        add.keyring_problem().add_done_callback(self._looked.emit)

    def _found(self, future: Future[str]) -> None:
        error = future.exception()
        self._no_keyring = str(error) if error is not None else future.result()
        self._say_keyring()

    def _say_keyring(self) -> None:
        """Before a secret is typed."""
        self.problem.setText((self._no_keyring or "") if self._needs_key() else "")
        self._check()

    def _check(self) -> None:
        needs_key = self._needs_key()
        needed = (self.name, self.key, self.secret) if needs_key else (self.name,)
        can_keep = not needs_key or self._no_keyring == ""
        whole = can_keep and all(entry.text().strip() for entry in needed)
        if not needs_key:
            why_not = "Market data only: no key is needed"
        elif self._no_keyring is None:
            why_not = "Looking for the keyring…"
        else:
            why_not = "There is no keyring to keep it in" if self._no_keyring else ""
        for entry in (self.key, self.secret):
            entry.setEnabled(needs_key and can_keep)
            entry.setPlaceholderText(why_not)
        self.accept_button.setText("Check and keep the key" if needs_key else "Add the profile")
        self.accept_button.setEnabled(whole and not self._waiting)

    def _needs_key(self) -> bool:
        return PRESETS[self.venue.currentData()].dialect in WITH_ACCOUNT

    def _send(self) -> None:
        self._wait(True)
        credentials = Credentials(self.key.text().strip(), whole_pem(self.secret.text().strip()))
        future = self._add(self.name.text().strip(), self.venue.currentData(), credentials)
        future.add_done_callback(self._answered.emit)

    def _wait(self, waiting: bool) -> None:
        self._waiting = waiting
        self.progress.setVisible(waiting)
        if waiting:
            self.problem.setText("")
        self._check()

    def _done(self, future: Future[str]) -> None:
        self._wait(False)
        error = future.exception()
        if error is not None:
            self.problem.setText(str(error))
            return
        self.message = future.result()
        self._forget()
        self.accept()

    def _forget(self) -> None:
        for entry in (self.key, self.secret):
            entry.clear()

    def reject(self) -> None:
        self._forget()
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._forget()
        super().closeEvent(event)
