"""Adding a profile: the key is checked, kept elsewhere, and gone from the dialog."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from octopus_desktop.config.profiles import PRESETS
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import ProfileError
from ui.dialogs.profile import ProfileDialog
from ui.main_window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


class Adder:
    """Stands for what asks the venue and keeps the key."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Credentials]] = []
        self.answer: Future[str] = Future()
        self.keyring: Future[str] = Future()

    def __call__(self, name: str, venue: str, credentials: Credentials) -> Future[str]:
        self.asked.append((name, venue, credentials))
        return self.answer

    def keyring_problem(self) -> Future[str]:
        return self.keyring


@pytest.fixture
def adder() -> Adder:
    return Adder()


@pytest.fixture
def dialog(qtbot: QtBot, window: MainWindow, adder: Adder) -> ProfileDialog:
    adder.keyring.set_result("")
    dialog = open_dialog(window, adder)
    qtbot.waitUntil(dialog.key.isEnabled)
    return dialog


def open_dialog(window: MainWindow, adder: Adder) -> ProfileDialog:
    window.add_profile = adder
    window.run("profile.add")
    dialog = window.findChild(ProfileDialog)
    assert dialog is not None
    return dialog


def fill(qtbot: QtBot, dialog: ProfileDialog) -> None:
    qtbot.keyClicks(dialog.name, "main")
    qtbot.keyClicks(dialog.key, "the key")
    qtbot.keyClicks(dialog.secret, "the secret")


def test_a_key_is_checked_kept_and_forgotten(
    qtbot: QtBot, window: MainWindow, dialog: ProfileDialog, adder: Adder
) -> None:
    """Name, key, secret, Enter: while the venue is asked nothing can be sent twice; then the dialog holds no key."""
    assert not dialog.accept_button.isEnabled()
    fill(qtbot, dialog)
    qtbot.keyClick(dialog.secret, Qt.Key.Key_Return)
    ((name, venue, credentials),) = adder.asked
    assert (name, venue) == ("main", "binance")
    assert (credentials.api_key, credentials.secret.reveal()) == ("the key", "the secret")
    assert dialog.progress.isVisible()
    assert not dialog.accept_button.isEnabled()
    adder.answer.set_result("It may trade and not withdraw.")
    qtbot.waitUntil(lambda: not dialog.isVisible())
    assert dialog.key.text() == dialog.secret.text() == ""
    assert window.toasts.toasts[-1].text == "It may trade and not withdraw."


def test_without_a_keyring_no_secret_is_asked_for(qtbot: QtBot, window: MainWindow, adder: Adder) -> None:
    """It says so when it opens, before a secret is typed; market data can be added all the same."""
    dialog = open_dialog(window, adder)
    assert not dialog.key.isEnabled(), "while it is looked for"
    adder.keyring.set_result("There is no keyring. Start one.")
    qtbot.waitUntil(lambda: dialog.problem.text() == "There is no keyring. Start one.")
    assert dialog.problem.isVisible()
    qtbot.keyClicks(dialog.name, "main")
    assert not dialog.key.isEnabled()
    assert not dialog.secret.isEnabled()
    assert not dialog.accept_button.isEnabled()
    dialog.venue.setCurrentIndex(list(PRESETS).index("binance-usdm"))
    assert dialog.problem.text() == ""
    assert dialog.accept_button.isEnabled()
    dialog.venue.setCurrentIndex(list(PRESETS).index("binance"))
    assert dialog.problem.text() == "There is no keyring. Start one."
    assert not adder.asked


def test_a_keyring_that_cannot_be_asked_is_said(qtbot: QtBot, window: MainWindow, adder: Adder) -> None:
    """The system's own words, and no entry for a secret that could not be kept."""
    adder.keyring.set_exception(OSError("The bus is closed."))
    dialog = open_dialog(window, adder)
    qtbot.waitUntil(lambda: dialog.problem.text() == "The bus is closed.")
    assert not dialog.secret.isEnabled()


def test_a_refused_key_says_why_and_can_be_mended(qtbot: QtBot, dialog: ProfileDialog, adder: Adder) -> None:
    """A key that may withdraw is refused with a sentence; the dialog stays for another one."""
    fill(qtbot, dialog)
    qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    adder.answer.set_exception(ProfileError("This key may withdraw."))
    qtbot.waitUntil(lambda: dialog.problem.text() == "This key may withdraw.")
    assert dialog.isVisible()
    assert dialog.accept_button.isEnabled()


def test_key_and_secret_are_never_readable(qtbot: QtBot, dialog: ProfileDialog) -> None:
    """Somebody looking over the shoulder sees dots, and Esc leaves nothing behind."""
    fill(qtbot, dialog)
    for entry in (dialog.key, dialog.secret):
        assert entry.echoMode() is QLineEdit.EchoMode.Password
        assert "secret" not in entry.displayText()
    qtbot.keyClick(dialog.name, Qt.Key.Key_Escape)
    assert dialog.key.text() == dialog.secret.text() == ""


def test_a_pasted_private_key_keeps_its_lines(qtbot: QtBot, dialog: ProfileDialog, adder: Adder) -> None:
    """An Ed25519 key has several lines and the entry one: what arrives is still the same key."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fill(qtbot, dialog)
    dialog.secret.clear()
    QApplication.clipboard().setText(pem.decode())
    dialog.secret.paste()
    qtbot.keyClick(dialog.secret, Qt.Key.Key_Return)
    arrived = load_pem_private_key(adder.asked[0][2].secret.reveal().encode(), None)
    assert isinstance(arrived, Ed25519PrivateKey)
    assert arrived.private_bytes_raw() == key.private_bytes_raw()


def test_without_a_way_to_keep_keys_the_command_line_is_named(window: MainWindow) -> None:
    """Where the window cannot add a profile it says what can."""
    window.run("profile.add")
    assert "octopus-desktop profile add" in window.toasts.toasts[-1].text


def test_the_venues_are_those_that_a_profile_can_be_made_of(dialog: ProfileDialog) -> None:
    """Every venue on offer can be chosen, and none is missing; no two are called the same."""
    offered = [dialog.venue.itemData(place) for place in range(dialog.venue.count())]
    assert offered == list(PRESETS)
    assert len({dialog.venue.itemText(place) for place in range(dialog.venue.count())}) == len(PRESETS)


def test_market_data_needs_no_key(qtbot: QtBot, dialog: ProfileDialog, adder: Adder) -> None:
    """Where no orders can be sent yet, no key is asked for: a name is enough."""
    dialog.venue.setCurrentIndex(list(PRESETS).index("binance-usdm"))
    assert not dialog.key.isEnabled()
    qtbot.keyClicks(dialog.name, "futures")
    qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    ((name, venue, credentials),) = adder.asked
    assert (name, venue) == ("futures", "binance-usdm")
    assert credentials.secret.reveal() == ""
