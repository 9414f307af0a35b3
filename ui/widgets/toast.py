"""Short messages that come, can be acted upon, and go; errors stay until they are dismissed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from PySide6.QtCore import QEasingCurve, QEvent, QObject, QPoint, QPropertyAnimation, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QGraphicsOpacityEffect, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ui.theme.icons import icon, icon_pixmap
from ui.theme.theme import Theme

Kind = Literal["info", "success", "warn", "error"]

_WIDTH = 340
_GAP = 8
_MARGIN = 16
_MOST = 4
_MOST_KEPT = 8
"""Of those that stay: all of them are in the log."""
_FADE_MS = 160
_STAY_MS: dict[Kind, int] = {"info": 4000, "success": 4000, "warn": 8000, "error": 0}
_ICONS: dict[Kind, str] = {"info": "info", "success": "check", "warn": "warning", "error": "warning"}


class Toast(QWidget):
    """One message after the other. It stays while the pointer is over it."""

    gone = Signal(QWidget)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.kind: Kind = "info"
        self.title = self.text = self.about = ""
        self.setFixedWidth(_WIDTH)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row = QHBoxLayout(self)
        row.setContentsMargins(36, 9, 6, 9)
        row.setSpacing(6)
        words = QVBoxLayout()
        words.setSpacing(2)
        self._labels: list[QLabel] = []
        for tone in ("hi", "mid"):
            label = QLabel()
            label.setTextFormat(Qt.TextFormat.PlainText)  # a venue's message must not become markup
            label.setProperty("tone", tone)
            label.setWordWrap(True)
            words.addWidget(label)
            self._labels.append(label)
        row.addLayout(words, 1)
        self.button = QPushButton()
        self.button.clicked.connect(self._act)
        self._on_action: Callable[[], object] | None = None
        row.addWidget(self.button)
        self._close = close = QPushButton()
        close.setProperty("role", "flat")
        close.setFixedWidth(24)
        close.setStyleSheet("padding: 0")
        close.setAccessibleName("Dismiss")
        close.setToolTip("Dismiss (Ctrl+D)")
        close.clicked.connect(self.dismiss)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._effect = QGraphicsOpacityEffect(self)
        self.setGraphicsEffect(self._effect)
        self._fade = QPropertyAnimation(self._effect, b"opacity", self)
        self._fade.setDuration(_FADE_MS)
        self._fade.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._fade.finished.connect(self._faded)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        self.leaving = False
        self._dress()
        theme.changed.connect(self._dress)
        self.hide()  # one that is made before its window is shown would come up with it, empty

    @property
    def stays(self) -> bool:
        """Until it is dismissed."""
        return self._timer.interval() == 0

    def _dress(self) -> None:
        self._close.setIcon(icon("close", self._theme.tokens, 14))

    def say(
        self, kind: Kind, title: str, text: str, action: str, on_action: Callable[[], object] | None, stay_ms: int
    ) -> None:
        """Fade in and stay so long; 0 stays until it is dismissed."""
        self.kind, self.title, self.text = kind, title, text
        self.setAccessibleName(f"{title} {text}".strip())
        for label, content in zip(self._labels, (title, text), strict=True):
            label.setText(content)
            label.setVisible(bool(content))
        self.button.setText(action)
        self.button.setVisible(on_action is not None)
        self._on_action = on_action
        self.leaving = False
        self.show()
        self._run(0.0, 1.0)
        self._timer.stop()
        self._timer.setInterval(stay_ms)
        if stay_ms:
            self._timer.start()

    def _act(self) -> None:
        if self._on_action is not None:
            self._on_action()
        self.dismiss()

    def dismiss(self) -> None:
        if not self.leaving:
            self.leaving = True
            self._timer.stop()
            self._run(self._effect.opacity(), 0.0)

    def _run(self, start: float, end: float) -> None:
        self._effect.setEnabled(True)
        self._fade.stop()
        self._fade.setStartValue(start)
        self._fade.setEndValue(end)
        self._fade.start()

    def _faded(self) -> None:
        if self.leaving:
            self.hide()
            self.gone.emit(self)
        else:
            self._effect.setEnabled(False)  # an effect makes every repaint beneath it dear

    def enterEvent(self, event: QEnterEvent) -> None:
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        if self._timer.interval() and not self.leaving:
            self._timer.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = self._theme.colors
        tones: dict[Kind, QColor] = {
            "info": colors.accent,
            "success": colors.up,
            "warn": colors.warn,
            "error": colors.danger,
        }
        tone = tones[self.kind]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(tone if self.hasFocus() else colors.line)
        painter.setBrush(colors.bg2)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tone)
        painter.drawRoundedRect(QRectF(0, 0, 4, self.height()), 2, 2)
        painter.drawPixmap(12, 10, icon_pixmap(_ICONS[self.kind], tone, 16, self.devicePixelRatioF()))
        painter.end()


class Toasts(QObject):
    """The stack of messages of one window, newest at the bottom."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme, self._window = theme, window
        # A widget shown in a main window has it lay out all its docks anew: in a layer of their own they don't.
        self.layer = QWidget(window)
        self.layer.resize(_WIDTH, 0)
        self.layer.show()
        self._bottom = 0
        self._wanted: Callable[[QSize], QPoint | None] = lambda size: None
        self._stack: list[Toast] = []
        self._spare: list[Toast] = []
        """Said what they had to: to dress a new widget takes four milliseconds, which a fast fill must not cost."""
        window.installEventFilter(self)

    @property
    def toasts(self) -> list[Toast]:
        """Those on the screen, oldest first."""
        return [toast for toast in self._stack if not toast.leaving]

    def set_bottom(self, pixels: int) -> None:
        """Keep so much of the window's lower edge free (the status bar)."""
        self._bottom = pixels
        self.place()

    def set_place(self, lower_left: Callable[[QSize], QPoint | None]) -> None:
        """Where messages that take so much room begin; None: in the window's lower right corner."""
        self._wanted = lower_left

    def show(
        self,
        kind: Kind,
        title: str,
        text: str = "",
        *,
        action: str = "",
        on_action: Callable[[], object] | None = None,
        stay_ms: int | None = None,
        about: str = "",
    ) -> Toast:
        """Show a message. An equal one that is still there is not shown twice, and one `about` the same gives way.

        `stay_ms` 0 keeps it.
        """
        for toast in self.toasts:
            if (toast.kind, toast.title, toast.text) == (kind, title, text):
                return toast
            if about and toast.about == about:
                toast.dismiss()
        stays = (_STAY_MS[kind] if stay_ms is None else stay_ms) == 0
        alike = [toast for toast in self.toasts if toast.stays == stays]  # what passes pushes no error off the screen
        for toast in alike[: max(0, len(alike) - (_MOST_KEPT if stays else _MOST) + 1)]:
            toast.dismiss()
        toast = self._spare.pop() if self._spare else self._make()
        self._stack.append(toast)
        toast.about = about
        toast.say(kind, title, text, action, on_action, _STAY_MS[kind] if stay_ms is None else stay_ms)
        self.place()
        return toast

    def make_ready(self) -> Iterator[None]:
        """Have as many as there can be, in steps of a few milliseconds."""
        while len(self._spare) + len(self._stack) < _MOST:
            self._spare.append(self._make())
            yield

    def _make(self) -> Toast:
        toast = Toast(self._theme, self.layer)
        toast.gone.connect(self._drop)
        return toast

    def dismiss_newest(self) -> bool:
        """For a key: take away the newest message. False when there is none."""
        if not (toasts := self.toasts):
            return False
        toasts[-1].dismiss()
        self.place()
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.place()
        return False

    def _drop(self, toast: Toast) -> None:
        self._stack.remove(toast)
        self._spare.append(toast)
        self.place()

    def place(self) -> None:
        """Where they are to lie now; to be called when what they lie over has moved."""
        toasts = self.toasts
        for toast in toasts:
            height = toast.heightForWidth(_WIDTH) if toast.hasHeightForWidth() else toast.sizeHint().height()
            toast.resize(_WIDTH, max(40, height))
        whole = sum(toast.height() + _GAP for toast in self._stack)
        for toast in self._stack:
            if toast.leaving:  # it fades where it is, from the layer's lower edge
                toast.move(0, toast.y() + whole - self.layer.height())
        corner = self._wanted(QSize(_WIDTH, whole))
        if corner is None:
            right, bottom = self._window.width() - _MARGIN, self._window.height() - _MARGIN - self._bottom
            corner = QPoint(right - _WIDTH, bottom)
        self.layer.setGeometry(corner.x(), corner.y() - whole, _WIDTH, whole)
        top = whole
        for toast in reversed(toasts):
            top -= toast.height()
            toast.move(0, top)
            toast.raise_()
            top -= _GAP
