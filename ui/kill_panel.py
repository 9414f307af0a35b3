"""What the kill switch is doing, step by step, and its second step: closing the positions, which is asked."""

from __future__ import annotations

from typing import Final

from PySide6 import QtCore
from PySide6.QtCore import QEvent, QObject, QRectF, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from shiboken6 import isValid

from octopus_desktop.model.events import KillStep
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.haste import Haste
from ui.panes.instrument_bar import set_text
from ui.session import Session
from ui.theme.numbers import count_of

_WIDTH: Final = 380
_TOP: Final = 30
_WORDS: Final = {
    KillStep.STOP_ALGOS: "Stop algos",
    KillStep.CANCEL: "Cancel all orders",
    KillStep.VERIFY_CANCELED: "Verify that none works",
    KillStep.FLATTEN: "Close positions",
    KillStep.VERIFY_FLAT: "Verify that none is open",
}
_PRESSING: Final = {QtCore.Qt.Key.Key_Return, QtCore.Qt.Key.Key_Enter, QtCore.Qt.Key.Key_Space}
_CLICKS: Final = {QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick}
_SECOND: Final = (KillStep.FLATTEN, KillStep.VERIFY_FLAT)


class KillPanel(QWidget):
    """Lies over the upper right corner of its window, below the switch, until it is dismissed."""

    slow = False
    flatten_wanted = Signal()
    """Asked and answered: close every position."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._window = session, window
        self.missed = True
        self.seen_ns = 0
        """Steps up to this moment are history, and don't bring it up."""
        self._from: QWidget | None = None
        self._only_asks = False
        self.setAccessibleName("Kill switch")
        self.setFixedWidth(_WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        head = QHBoxLayout()
        self.title = QLabel("Kill switch")
        self.title.setProperty("tone", "hi")
        self.title.setStyleSheet("font-weight: 600")
        self.close_button = QPushButton("Close")
        self.close_button.setProperty("role", "flat")
        self.close_button.setStyleSheet("min-height: 18px; max-height: 18px; padding: 0 8px")
        self.close_button.setToolTip("Put this away; trading stays halted (Esc)")
        self.close_button.clicked.connect(self._put_away)
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        column.addLayout(head)
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(2, 1)
        self.rows: dict[KillStep, tuple[QLabel, QLabel, QLabel]] = {}
        for number, step in enumerate(KillStep):
            mark, word, text = QLabel("○"), QLabel(_WORDS[step]), QLabel()
            mark.setFixedWidth(14)
            text.setTextFormat(QtCore.Qt.TextFormat.PlainText)
            text.setWordWrap(True)
            text.setAlignment(QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter)
            for place, label in enumerate((mark, word, text)):
                grid.addWidget(label, number, place)
            self.rows[step] = mark, word, text
        column.addLayout(grid)
        self.question = QLabel()
        self.question.setWordWrap(True)
        column.addWidget(self.question)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        self.flatten_button = QPushButton("Flatten positions…")
        self.flatten_button.setToolTip("Close every position at the market; it is asked first (Ctrl+Shift+Q)")
        self.flatten_button.clicked.connect(self.ask)
        self.no_button = QPushButton("Leave them open")
        self.no_button.setToolTip("Close nothing (Esc)")
        self.no_button.clicked.connect(self._decline)
        self.yes_button = QPushButton()
        self.yes_button.setProperty("role", "danger")
        self.yes_button.setToolTip("Send a market order for each of them")
        self.yes_button.clicked.connect(self._confirm)
        buttons.addStretch(1)
        for button in (self.flatten_button, self.no_button, self.yes_button):
            buttons.addWidget(button)
        column.addLayout(buttons)
        self._haste = Haste(self)
        self._haste.over.connect(self._quiet)
        self._leaves = False
        for button in (self.flatten_button, self.no_button, self.yes_button, self.close_button):
            button.installEventFilter(self)
        window.installEventFilter(self)
        session.theme.changed.connect(self.update)
        self._leave()
        self.hide()

    # Once per frame ---------------------------------------------------------

    def is_seen(self) -> bool:
        """Always: it must come up by itself."""
        return True

    def refresh(self, state: State, dirty: Dirty) -> None:
        if not (dirty.everything or dirty.system or dirty.fills):
            return
        newest = max((event.ts_ns for event in state.kill.values()), default=0)
        if newest > self.seen_ns:
            self.seen_ns = newest
            self._only_asks = False
            self._come_up()
        if not self.isHidden():
            self._write(state)

    def each_second(self, state: State, now_ns: int) -> None:
        """It changes with the engine's own words only."""

    def _write(self, state: State) -> None:
        for step, (mark, word, text) in self.rows.items():
            event = state.kill.get(step)
            sign, tone = ("○", "lo") if event is None else ("●", "up") if event.done else ("◐", "warn")
            set_text(mark, sign, tone)
            set_text(word, _WORDS[step], "lo" if event is None else "hi")
            set_text(text, event.text if event is not None else "", "mid")
            for label in (mark, word, text):
                label.setVisible(step not in _SECOND or event is not None)
        held = self._held(state)
        self.flatten_button.setText(f"Flatten {count_of(held, 'position')}…" if held else "No positions to close")
        self.flatten_button.setEnabled(held > 0)
        if not self.yes_button.isHidden():
            self._write_question(held)
        self._place()

    @staticmethod
    def _held(state: State) -> int:
        return sum(1 for position in state.positions.values() if position.quantity)

    # Flatten ----------------------------------------------------------------

    def ask(self) -> None:
        """The second step, asked."""
        if self.isHidden():
            self._only_asks = True
        self._come_up()
        held = self._held(self._session.state)
        for button in (self.no_button, self.yes_button):
            button.setVisible(held > 0)
        self.flatten_button.setVisible(not held)
        self._write(self._session.state)
        if held:
            self._write_question(held)
        self._take_keyboard(self.no_button if held else self.close_button)
        self._place()

    def pulled(self) -> None:
        """The trader pulled it here: Esc puts it away, Tab comes to what may follow."""
        self._only_asks = False
        self._come_up()
        self._write(self._session.state)
        self._take_keyboard(self.close_button)

    def _take_keyboard(self, button: QPushButton) -> None:
        focused = QApplication.focusWidget()
        if focused is None or not self.isAncestorOf(focused):
            self._from = focused
        button.setFocus()

    def _put_away(self) -> None:
        """The keyboard goes back to where it was, once the key that did it is let go: there it may send an order."""
        self._leaves = self._haste.is_on
        if self._leaves:
            return
        focused = QApplication.focusWidget()
        held = focused is None or self.isAncestorOf(focused)
        self.hide()
        if held and self._from is not None and isValid(self._from) and self._from.isVisible():
            self._from.setFocus()

    def _write_question(self, held: int) -> None:
        self.question.setVisible(True)
        set_text(self.question, f"Close {count_of(held, 'position')} with market orders?", "warn")
        self.yes_button.setText(f"Close {count_of(held, 'position')}")

    def _leave(self) -> None:
        self.question.hide()
        self.no_button.hide()
        self.yes_button.hide()
        self.flatten_button.show()
        self._place()

    def _confirm(self) -> None:
        self._withdraw()
        self.flatten_wanted.emit()

    def _decline(self) -> None:
        """Where it came up for the question alone, it goes with the answer."""
        self._withdraw()
        if self._only_asks:
            self._put_away()

    def _withdraw(self) -> None:
        """The question is answered; the keyboard stays here."""
        self._leave()
        self.close_button.setFocus()

    # Where it lies ----------------------------------------------------------

    def _come_up(self) -> None:
        self._leaves = False
        if self.isHidden():
            self._leave()
            self.show()
        self._place()
        self.raise_()

    def _place(self) -> None:
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(_WIDTH, layout.heightForWidth(_WIDTH) if layout.hasHeightForWidth() else self.sizeHint().height())
        self.move(self._window.width() - _WIDTH - 12, _TOP)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window:
            if event.type() == QEvent.Type.Resize and not self.isHidden():
                self._place()
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._is_hasty(event)
        elif event.type() not in _CLICKS:
            return False
        elif watched is self.flatten_button:
            self._haste.begin()
        elif watched is self.yes_button:
            return self._haste.is_on  # it lies where the button that asks was: a double click is no answer
        else:
            self._act_anew()
        return False

    def _is_hasty(self, event: QKeyEvent) -> bool:
        """A key that presses a button and is held on must not press what comes up next."""
        if event.key() not in _PRESSING:
            self._act_anew()
            return False
        if event.isAutoRepeat() or self._haste.catches():
            return True
        self._haste.begin()
        return False

    def _act_anew(self) -> None:
        """Another key, or another button: whoever does that has let go of the first."""
        self._haste.end()
        self._quiet()

    def _quiet(self) -> None:
        if self._leaves:
            self._put_away()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        focused = QApplication.focusWidget()
        match event.key():
            case QtCore.Qt.Key.Key_Escape if self.yes_button.isHidden():
                self._put_away()
            case QtCore.Qt.Key.Key_Escape:
                self._decline()
            case QtCore.Qt.Key.Key_Return | QtCore.Qt.Key.Key_Enter if isinstance(focused, QPushButton):
                focused.click()
            case _:
                super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = self._session.theme.colors
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(colors.danger)
        painter.setBrush(colors.bg1)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()
