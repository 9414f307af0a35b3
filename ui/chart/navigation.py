"""Mouse, wheel and keys move the view of a chart."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent

from ui.chart.scene import Scene

_CLICK = 4  # logical pixels a press may wander and still be a click
_WHEEL = 1.15  # zoom of one notch


class Zone(Enum):
    """What of the chart lies under the pointer."""

    PLOT = auto()
    PRICES = auto()
    TIMES = auto()


class Navigation:
    """Turns input into moves of the scene's viewport. Methods answer whether the view changed.

    Positions are logical; the viewport counts device pixels.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._pressed: QPointF | None = None
        self._zone = Zone.PLOT
        self._at = QPointF()
        self.dragging = False

    def zone(self, at: QPointF) -> Zone:
        scene = self._scene
        if at.x() * scene.dpr >= scene.viewport.width:
            return Zone.PRICES
        return Zone.TIMES if at.y() * scene.dpr >= scene.plot_height else Zone.PLOT

    def press(self, event: QMouseEvent) -> None:
        self._pressed = self._at = event.position()
        self._zone = self.zone(event.position())
        self.dragging = False

    def move(self, event: QMouseEvent) -> bool:
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return False
        at = event.position()
        if not self.dragging and (at - self._pressed).manhattanLength() < _CLICK:
            return False
        self.dragging = True
        scene, view = self._scene, self._scene.viewport
        moved = (at - self._at) * scene.dpr
        self._at = at
        match self._zone:
            case Zone.PRICES:
                view.zoom_price(1.005 ** -moved.y())
            case Zone.TIMES:
                view.zoom(1.005 ** moved.x(), view.width, len(scene.series))
            case Zone.PLOT:
                view.pan(moved.x(), len(scene.series))
                if not view.auto_price:
                    view.pan_price(moved.y())
        return True

    def release(self) -> bool:
        """Ends a press; true when it was a click into the plot."""
        clicked = self._pressed is not None and not self.dragging and self._zone is Zone.PLOT
        self._pressed = None
        self.dragging = False
        return clicked

    def double_click(self, event: QMouseEvent) -> bool:
        """On the prices: fit them again. On the times: the newest candles at their usual width."""
        self._pressed = None
        view = self._scene.viewport
        match self.zone(event.position()):
            case Zone.PRICES:
                view.auto_price = True
            case Zone.TIMES:
                view.wanted_spacing = 8.0 * self._scene.dpr
                view.show_last(len(self._scene.series))
            case Zone.PLOT:
                return False
        return True

    def wheel(self, event: QWheelEvent) -> bool:
        """A wheel zooms about the pointer; sideways, or with Shift, it pans; over the prices it scales them."""
        scene, view = self._scene, self._scene.viewport
        pixels, angle = event.pixelDelta(), event.angleDelta()
        sideways = pixels.x() or angle.x() / 2
        upwards = angle.y() / 120 if angle.y() else pixels.y() / 60
        count = len(scene.series)
        if self.zone(event.position()) is Zone.PRICES:
            view.zoom_price(_WHEEL**upwards, event.position().y() * scene.dpr)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            view.pan((sideways or upwards * 60) * scene.dpr, count)
        elif abs(sideways) > abs(upwards) * 60:
            view.pan(sideways * scene.dpr, count)
        elif upwards:
            # While following, the newest candle stays put: a trader zooms history, not the present.
            x = view.x_of(count) if view.following else event.position().x() * scene.dpr
            view.zoom(_WHEEL**upwards, min(float(view.width), x), count)
        else:
            return False
        return True

    def key(self, event: QKeyEvent) -> bool:
        """Arrows pan (Ctrl: by a screen), + and − zoom, Home and End go to the first and the newest candle."""
        scene, view = self._scene, self._scene.viewport
        count = len(scene.series)
        far = view.width * (0.9 if event.modifiers() & Qt.KeyboardModifier.ControlModifier else 0.1)
        match event.key():
            case Qt.Key.Key_Left:
                view.pan(far, count)
            case Qt.Key.Key_Right:
                view.pan(-far, count)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                view.zoom(1.25, view.width, count)
            case Qt.Key.Key_Minus | Qt.Key.Key_Underscore:
                view.zoom(0.8, view.width, count)
            case Qt.Key.Key_Up:
                view.zoom_price(1.1)
            case Qt.Key.Key_Down:
                view.zoom_price(1 / 1.1)
            case Qt.Key.Key_Home:
                view.show_first()
            case Qt.Key.Key_End:
                view.show_last(count)
                view.auto_price = True
            case _:
                return False
        return True
