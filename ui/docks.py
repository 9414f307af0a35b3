"""Native docks with thin title bars; where docks share tabs, the pane's own controls sit in the row of tabs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QMouseEvent, QMoveEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QHBoxLayout, QMainWindow, QPushButton, QTabBar, QWidget

from ui.panes.pane import Pane
from ui.theme import fonts
from ui.theme.icons import icon
from ui.theme.text import TextCache
from ui.theme.theme import Theme
from ui.widgets.mode_frame import ModeFrame

TITLE_HEIGHT = 22
_SETTLED_MS = 50
_PULL = 3
"""So many drag distances from its row a tab is pulled out."""
_GRIP = 60
"""Where on its title bar the mouse holds a pane that was pulled out."""


def _send(widget: QWidget, kind: QEvent.Type, point: QPoint) -> None:
    """What the left button does, at a point of the screen."""
    left = Qt.MouseButton.LeftButton
    down = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else left
    cause = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else left
    at, on_screen = QPointF(widget.mapFromGlobal(point)), QPointF(point)
    QApplication.sendEvent(widget, QMouseEvent(kind, at, on_screen, cause, down, QApplication.keyboardModifiers()))


class TitleBar(QWidget):
    """22 px: link dot, title, the pane's controls, and on hover float and close. Dragging it is Qt's own."""

    def __init__(self, theme: Theme, dock: PaneDock) -> None:
        super().__init__(dock)
        self._theme, self._dock = theme, dock
        self._text = TextCache(fonts.words(fonts.TABLE, bold=True))
        self.collapsed = False
        self.setAccessibleName(f"{dock.pane.title} title bar")
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(round(self._text.width(dock.pane.title)) + 28, 0, 2, 0)
        self.row.setSpacing(2)
        self.row.addStretch(1)
        self._buttons = [
            self._button("float", f"Float {dock.pane.title} (Ctrl+Shift+F)", dock.toggle_floating),
            self._button("close", f"Close {dock.pane.title} (Ctrl+W); View brings it back", dock.close),
        ]
        for button in self._buttons:
            self.row.addWidget(button)
            button.setVisible(False)
        theme.changed.connect(self._dress)
        self._dress()

    def _button(self, name: str, tooltip: str, clicked: object) -> QPushButton:
        button = QPushButton()
        button.setProperty("role", "flat")
        button.setProperty("picture", name)
        button.setStyleSheet("min-height: 16px; max-height: 16px; padding: 0; border: none")
        button.setFixedSize(18, 18)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(tooltip)
        button.setAccessibleName(tooltip.partition(" (")[0])
        button.clicked.connect(clicked)
        return button

    def _dress(self) -> None:
        for button in self._buttons:
            button.setIcon(icon(str(button.property("picture")), self._theme.tokens, 14))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(60, 0 if self.collapsed else TITLE_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def collapse(self, collapsed: bool) -> None:
        """In a row of tabs the tab is the title."""
        if collapsed != self.collapsed:
            self.collapsed = collapsed
            self.setFixedHeight(0 if collapsed else TITLE_HEIGHT)
            self.updateGeometry()

    def enterEvent(self, event: QEnterEvent) -> None:
        for button in self._buttons:
            button.setVisible(True)

    def leaveEvent(self, event: QEvent) -> None:
        for button in self._buttons:
            button.setVisible(self._dock.isFloating())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._dock.toggle_floating()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = self._theme.colors
        painter = QPainter(self)
        painter.fillRect(self.rect(), colors.bg1)
        painter.fillRect(0, self.height() - 1, self.width(), 1, colors.line)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.accent if self._dock.active else colors.text_lo)
        painter.drawEllipse(QPoint(10, self.height() // 2), 3, 3)
        painter.setPen(colors.text_hi if self._dock.active else colors.text_mid)
        self._text.left(painter, 20, self.height() / 2, self._dock.pane.title)
        painter.end()


class PaneDock(QDockWidget):
    """The dock of one pane. Its object name is what the kept layout knows it by."""

    arranged = Signal()
    brought_up = Signal()

    def __init__(self, theme: Theme, pane: Pane, window: QMainWindow) -> None:
        super().__init__(pane.title, window)
        self.pane = pane
        self.active = False
        self.setObjectName(f"pane.{pane.pane_id}")
        self.setWidget(pane)
        self.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable
            | QDockWidget.DockWidgetFeature.DockWidgetFloatable
            | QDockWidget.DockWidgetFeature.DockWidgetClosable
        )
        self.bar = TitleBar(theme, self)
        self.setTitleBarWidget(self.bar)
        # A floating pane is a window of its own: it tells the mode, too.
        self.mode_frame = ModeFrame(theme, self, pane.session.node.profile.mode.value)
        self.mode_frame.setVisible(False)
        self.topLevelChanged.connect(self.mode_frame.setVisible)
        if pane.controls is not None:
            self.adopt_controls()

    def adopt_controls(self) -> None:
        """The pane's controls into the title bar, in front of float and close."""
        controls = self.pane.controls
        if controls is not None and controls.parentWidget() is not self.bar:
            self.bar.row.insertWidget(0 if self.pane.controls_left else 1, controls)
            controls.show()

    def set_active(self, active: bool) -> None:
        """It holds the keyboard."""
        if active != self.active:
            self.active = active
            self.bar.update()

    def toggle_floating(self) -> None:
        self.setFloating(not self.isFloating())

    def drag_from(self, point: QPoint) -> None:
        """Into the hand of the mouse, whose button is down at `point`: Qt's drag of a title bar goes on from there."""
        self.bar.collapse(False)
        layout = self.layout()
        assert layout is not None, "a dock has one"
        layout.activate()
        grip = self.mapToGlobal(QPoint(min(_GRIP, self.width() // 2), TITLE_HEIGHT // 2))
        _send(self, QEvent.Type.MouseButtonPress, grip)
        _send(self, QEvent.Type.MouseMove, point)

    def set_count(self, count: int) -> None:
        """How many there are, beside the title on the tab: `Open orders 5`."""
        title = f"{self.pane.title} {count}" if count else self.pane.title
        if self.windowTitle() != title:
            self.setWindowTitle(title)

    def bring_up(self) -> None:
        """Visible and in front, also among tabs."""
        self.show()
        self.raise_()
        self.brought_up.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arranged.emit()

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        self.arranged.emit()


class TabRows(QObject):
    """Collapses the title bars of docks that share tabs, and lays the controls of the one in front over the tabs.

    A tab that is pulled out of its row is a title bar that is dragged.
    """

    def __init__(self, window: QMainWindow, docks: dict[str, PaneDock], above: Callable[[], Iterable[QWidget]]) -> None:
        """`above` names what lies over docks and controls: toasts and pages. A dock that comes up would hide them."""
        super().__init__(window)
        self._window, self._docks, self._above = window, docks, above
        self._bars: set[QTabBar] = set()
        self._held: PaneDock | None = None
        """Whose tab the mouse holds."""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.arrange)
        # While docks are put into tabs Qt keeps a row of tabs that it is about to empty, and tells nobody when it has.
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLED_MS)
        self._settled.timeout.connect(self.arrange)
        self._found: list[bool] = []
        for dock in docks.values():
            dock.dockLocationChanged.connect(self._soon.start)
            dock.topLevelChanged.connect(self._soon.start)
            dock.visibilityChanged.connect(self._soon.start)
            dock.brought_up.connect(self._raise_above)
        self._soon.start()  # the docks were placed before anybody listened

    def arrange(self) -> None:
        for dock in self._docks.values():
            # Tabs that were dragged out together are a window of their own, with title bars.
            tabbed = dock.window() is self._window and any(
                not other.isHidden() and not other.isFloating() for other in self._window.tabifiedDockWidgets(dock)
            )
            dock.bar.collapse(tabbed)
            if tabbed:
                self._lay_over(dock)
            else:
                dock.adopt_controls()
        self._raise_above()
        found = [dock.pane.controls is not None and dock.pane.controls.isVisible() for dock in self._docks.values()]
        if found != self._found:
            self._found = found
            self._settled.start()

    def _raise_above(self) -> None:
        for widget in self._above():
            widget.raise_()

    def _lay_over(self, dock: PaneDock) -> None:
        controls = dock.pane.controls
        if controls is None:
            return
        bar, index = self._place_of(dock)
        if controls.parentWidget() is not self._window:
            controls.setParent(self._window)
            controls.installEventFilter(self)  # a button that says how many orders grows
            controls.raise_()
        if bar is None or bar.currentIndex() != index or not bar.isVisible():
            controls.hide()
            return
        tabs = bar.tabRect(bar.count() - 1).right() + 12
        width = min(controls.sizeHint().width(), bar.width() - tabs)
        if width < 60:
            controls.hide()
            return
        corner = bar.mapTo(self._window, QPoint(bar.width() - width - 4, 0))
        controls.setGeometry(corner.x(), corner.y() + 2, width, bar.height() - 4)
        controls.show()

    def _place_of(self, dock: PaneDock) -> tuple[QTabBar | None, int]:
        """Qt doesn't tell which tab is a dock's; its title does, and no two panes have the same."""
        for bar in self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if bar not in self._bars:
                self._bars.add(bar)
                bar.installEventFilter(self)
                bar.currentChanged.connect(self._soon.start)
                bar.destroyed.connect(lambda _=None, bar=bar: self._bars.discard(bar))
                bar.setAccessibleName("Panes")
                bar.setExpanding(False)
            for index in range(bar.count()):
                if bar.isVisible() and bar.tabText(index) == dock.windowTitle():
                    return bar, index
        return None, -1

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, QTabBar) and isinstance(event, QMouseEvent):
            return self._pulled(watched, event)
        kinds = {QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide}
        if event.type() in (kinds if isinstance(watched, QTabBar) else {QEvent.Type.LayoutRequest}):
            self._soon.start()
        return False

    def _pulled(self, bar: QTabBar, event: QMouseEvent) -> bool:
        """Within the row Qt moves the tabs; from its edge on the mouse is the dock's. True: the row gets it no more."""
        at = event.position().toPoint()
        if event.type() is QEvent.Type.MouseButtonPress:
            title = bar.tabText(bar.tabAt(at)) if event.button() is Qt.MouseButton.LeftButton else None
            self._held = next((dock for dock in self._docks.values() if dock.windowTitle() == title), None)
        elif event.type() is QEvent.Type.MouseMove and self._held is not None:
            edge = _PULL * QApplication.startDragDistance()
            if event.buttons() & Qt.MouseButton.LeftButton and not bar.rect().adjusted(
                -edge, -edge, edge, edge
            ).contains(at):
                dock, self._held = self._held, None
                _send(bar, QEvent.Type.MouseButtonRelease, bar.mapToGlobal(at))  # the tab stands where it belongs
                dock.drag_from(event.globalPosition().toPoint())
                return True
        return False
