"""Empty, loading, stale and error: the states of any pane, each saying what is missing and what to press."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QWidget

from ui.theme import fonts
from ui.theme.icons import icon_pixmap
from ui.theme.numbers import format_age
from ui.theme.text import TextCache
from ui.theme.theme import Theme

State = Literal["live", "loading", "stale", "empty", "error"]

_LINE = 2
_CHIP_HEIGHT = 18
_CHIP_PAD = 14
_CHIP_GAP = 6


class StateOverlay(QWidget):
    """Laid over its parent, no larger than what it has to say, so that a stale book can still be read.

    `live` hides it. `loading` is a thin moving line at the top (with a sentence in the middle of a pane that
    has nothing else to show). `stale` is a chip with an age. `empty` and `error` are a sentence, a hint and,
    where something can be done, a button.
    """

    action_triggered = Signal()

    def __init__(self, theme: Theme, parent: QWidget, *, chip_in: Callable[[], QRect] | None = None) -> None:
        """`chip_in`: the room of the chip, in whose right end it stands; without it the corner at the top.

        Where that is too narrow for its words the chip is the age alone.
        """
        super().__init__(parent)
        self._theme = theme
        self._chip_in = chip_in
        self._chip = ""
        self._pane = parent
        self._state: State = "live"
        self._text = self._hint = ""
        self._blank = False
        self._phase = 0.0
        self._bold = fonts.words(fonts.BASE, bold=True)
        self._plain = TextCache(fonts.words(fonts.TABLE))
        self._button = QPushButton(self)
        self._button.setProperty("role", "primary")
        self._button.hide()
        self._button.clicked.connect(self.action_triggered)
        self._timer = QTimer(self)
        self._timer.setInterval(50)
        self._timer.timeout.connect(self._advance)
        theme.changed.connect(self.update)
        parent.installEventFilter(self)
        self.hide()

    @property
    def state(self) -> State:
        return self._state

    @property
    def text(self) -> str:
        return self._text

    def show_state(
        self, state: State, text: str = "", hint: str = "", *, action: str = "", age_s: float = 0.0, blank: bool = False
    ) -> None:
        """Show a state. `blank` says that the pane has no data to leave visible underneath.

        `action` is the label of a button (`action_triggered`), for empty and error.
        """
        if state == "stale":
            text = f"{text or 'Stale'} · {format_age(age_s)}"
        if (state, text, hint, blank, action) == (
            self._state,
            self._text,
            self._hint,
            self._blank,
            self._button.text() if not self._button.isHidden() else "",
        ):
            return
        self._state, self._text, self._hint, self._blank = state, text, hint, blank
        self._button.setText(action)
        self._button.setVisible(bool(action) and state in ("empty", "error"))
        if state != "loading":
            self._timer.stop()
        elif self.isVisible():
            self._timer.start()
        self.setAccessibleName(f"{text} {hint}".strip())
        self.setVisible(state != "live")
        self._place()
        self.raise_()
        self.update()

    def focus_action(self) -> None:
        """The keyboard goes to the button."""
        self._button.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What its button does not take: Enter presses it, too."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._button.hasFocus():
            self._button.click()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def showEvent(self, event: QShowEvent) -> None:
        if self._state == "loading":
            self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = self._theme.colors
        painter = QPainter(self)
        match self._state:
            case "loading":
                if self._blank:
                    painter.fillRect(self.rect(), colors.bg0)
                self._paint_line(painter)
                if self._blank and self._text:
                    painter.setPen(colors.text_lo)
                    self._plain.center(painter, self.width() / 2, self.height() / 2, self._text)
            case "stale":
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(colors.warn)
                painter.setBrush(colors.bg1)
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
                self._plain.center(painter, self.width() / 2, self.height() / 2, self._chip)
            case "empty" | "error":
                self._paint_sentence(painter)
            case "live":
                pass
        painter.end()

    def _paint_line(self, painter: QPainter) -> None:
        colors, width = self._theme.colors, self.width()
        part = max(40, width // 4)
        left = round(self._phase * (width + part)) - part
        painter.fillRect(QRect(0, 0, width, _LINE), colors.bg2)
        painter.fillRect(QRect(left, 0, part, _LINE), colors.accent)

    def _paint_sentence(self, painter: QPainter) -> None:
        colors = self._theme.colors
        painter.fillRect(self.rect(), colors.bg0)
        x, y = self.width() / 2, self.height() / 2 - (24 if not self._button.isHidden() else 6)
        failed = self._state == "error"
        if self.height() > 110:
            name, colour = ("warning", colors.danger) if failed else ("info", colors.text_lo)
            picture = icon_pixmap(name, colour, 20, self.devicePixelRatioF())
            painter.drawPixmap(round(x) - 10, round(y) - 40, picture)
        flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap)
        top = round(y) - 8
        for text, font, tone in (
            (self._text, self._bold, colors.text_hi if failed else colors.text_mid),
            (self._hint, self._plain.font, colors.text_lo),
        ):
            painter.setFont(font)
            painter.setPen(tone)
            room = QRect(12, top, max(1, self.width() - 24), self.height())
            top += painter.drawText(room, flags, text).height() + 4
        if not self._button.isHidden() and self._button.y() != top + 6:
            self._button.move((self.width() - self._button.width()) // 2, top + 6)

    def _place(self) -> None:
        size = self._pane.size()
        match self._state:
            case "loading" if not self._blank:
                self.setGeometry(0, 0, size.width(), _LINE)
            case "stale":
                self._place_chip()
            case _:
                self.setGeometry(0, 0, size.width(), size.height())
        if not self._button.isHidden():
            self._button.adjustSize()

    def _place_chip(self) -> None:
        room = self._chip_in() if self._chip_in is not None else QRect(0, 0, self._pane.width(), _CHIP_HEIGHT + 8)
        self._chip = self._text
        width = round(self._plain.width(self._chip)) + _CHIP_PAD
        if width + _CHIP_GAP > room.width():
            self._chip = self._text.rpartition(" · ")[2]
            width = round(self._plain.width(self._chip)) + _CHIP_PAD
        left = room.right() + 1 - width - _CHIP_GAP
        self.setGeometry(max(0, left), room.center().y() + 1 - _CHIP_HEIGHT // 2, width, _CHIP_HEIGHT)

    def _advance(self) -> None:
        self._phase = (self._phase + 0.033) % 1.0
        self.update(0, 0, self.width(), _LINE)
