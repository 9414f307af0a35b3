"""Segments, the frame of the mode, toasts, states of a pane, sparklines."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import has_colour, image
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from ui.theme.theme import Theme
from ui.widgets.mode_frame import FRAME, ModeBadge, ModeFrame
from ui.widgets.segmented import Segment, Segmented
from ui.widgets.sparkline import paint_sparkline
from ui.widgets.state_overlay import StateOverlay
from ui.widgets.toast import Toast, Toasts


def test_segments_by_key_and_mouse(theme: Theme, qtbot: QtBot) -> None:
    """A timeframe is chosen by arrows or a click, and told once; following along tells nothing."""
    control = Segmented(theme, [Segment(v, v) for v in ("1m", "5m", "1h")], name="Timeframe")
    qtbot.addWidget(control)
    control.resize(control.sizeHint())
    control.show()
    chosen: list[str] = []
    control.changed.connect(chosen.append)
    control.setFocus()
    qtbot.keyClick(control, Qt.Key.Key_Right)
    qtbot.keyClick(control, Qt.Key.Key_End)
    qtbot.keyClick(control, Qt.Key.Key_Right)
    qtbot.mouseClick(control, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    control.set_value("5m")
    assert chosen == ["5m", "1h", "1m"]
    assert control.value == "5m"
    assert control.accessibleName() == "Timeframe: 5m"
    with pytest.raises(ValueError, match="2h"):
        control.set_value("2h")
    before = image(control)
    control.set_value("1h")
    assert image(control) != before


def test_frame_shows_the_mode_and_lets_clicks_through(theme: Theme, qtbot: QtBot) -> None:
    """The window's edge is in the mode's colour, nothing inside is covered, a wrong mode is refused."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(200, 100)
    button = QPushButton("Buy", window)
    button.setGeometry(0, 0, 200, 100)
    frame = ModeFrame(theme, window, "demo")
    window.show()
    for mode, colour in (("demo", theme.tokens.demo), ("LIVE", theme.tokens.live)):
        frame.set_mode(mode)
        picture = image(window)
        for x, y in ((0, 50), (199, 50), (100, 1), (100, 98)):
            assert picture.pixelColor(x, y).name().upper() == colour
        assert picture.pixelColor(FRAME + 10, 50).name().upper() != colour
    with qtbot.waitSignal(button.clicked):
        qtbot.mouseClick(window.childAt(100, 50), Qt.MouseButton.LeftButton)
    window.resize(300, 150)
    assert image(window).pixelColor(299, 75).name().upper() == theme.tokens.live
    with pytest.raises(KeyError):
        frame.set_mode("prod")
    assert frame.mode == "live"
    badge = ModeBadge(theme, "paper")
    qtbot.addWidget(badge)
    assert (badge.accessibleName(), badge.mode) == ("PAPER", "paper")
    assert has_colour(image(badge), theme.tokens.paper)


def test_toasts_stack_act_and_go(theme: Theme, qtbot: QtBot) -> None:
    """Messages stack at the bottom right, are not doubled, carry one action, and leave by key or time."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(600, 500)
    window.show()
    toasts = Toasts(theme, window)
    done: list[str] = []
    first = toasts.show("info", "Bought 0.5 BTC")
    second = toasts.show(
        "error", "Refused", "Too far.", action="Settings", on_action=lambda: done.append("settings"), stay_ms=0
    )
    assert toasts.show("info", "Bought 0.5 BTC") is first
    assert toasts.toasts == [first, second]
    assert first.geometry().bottom() < second.geometry().top()
    assert second.geometry().right() < window.width()
    qtbot.mouseClick(second.button, Qt.MouseButton.LeftButton)
    assert done == ["settings"]
    assert toasts.toasts == [first]
    assert toasts.dismiss_newest()
    assert not toasts.dismiss_newest()
    brief = toasts.show("success", "Done", stay_ms=30)
    with qtbot.waitSignal(brief.gone, timeout=3000):
        pass
    assert toasts.toasts == []
    assert brief.isHidden()
    again = toasts.show("error", "Refused", "Too far again, and with a reason that takes more than one line of it.")
    assert again in (first, second, brief)  # none is made where one is spare
    assert (again.title, again.button.isHidden(), again.isVisible()) == ("Refused", True, True)
    assert again.height() > first.height()
    for number in range(9):
        toasts.show("warn", f"Warning {number}")
    assert [toast.title for toast in toasts.toasts] == ["Refused", *(f"Warning {number}" for number in (5, 6, 7, 8))]


def test_an_error_stays_until_it_is_dismissed(theme: Theme, qtbot: QtBot) -> None:
    """No time and no other message takes it off the screen; of many the newest are kept."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(600, 900)
    window.show()
    toasts = Toasts(theme, window)
    error = toasts.show("error", "Refused by the venue")
    assert error.stays
    assert not error._timer.isActive()
    for number in range(20):
        assert not toasts.show("info", f"Filled {number}").stays
    assert toasts.toasts[0] is error
    assert len(toasts.toasts) == 5
    for number in range(20):
        toasts.show("error", f"Refused {number}")
    kept = [toast.title for toast in toasts.toasts if toast.stays]
    assert kept == [f"Refused {number}" for number in range(12, 20)]
    assert toasts.dismiss_newest()
    assert toasts.toasts[-1].title == "Refused 18"


def test_what_has_nothing_to_say_is_not_seen(theme: Theme, qtbot: QtBot) -> None:
    """Messages that are kept ready before the window comes up do not come up with it."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(600, 500)
    toasts = Toasts(theme, window)
    for _ in toasts.make_ready():
        pass
    window.show()
    said = toasts.show("info", "One")
    assert [toast for toast in toasts.layer.findChildren(Toast) if toast.isVisible()] == [said]


def test_messages_lie_where_they_are_told_to(theme: Theme, qtbot: QtBot) -> None:
    """From a lower left corner upwards, the newest lowest, and there again after what is below has moved."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(900, 500)
    window.show()
    toasts = Toasts(theme, window)
    corner = [QPoint(50, 300)]
    asked: list[int] = []
    toasts.set_place(lambda size: (asked.append(size.height()), corner[0])[1])
    first = toasts.show("warn", "One")
    second = toasts.show("warn", "Two", "With a second line.")
    layer = toasts.layer.geometry()
    assert (layer.left(), layer.bottom() + 1) == (50, 300)
    assert first.geometry().bottom() < second.geometry().top()
    assert second.geometry().bottom() + 1 == layer.height()
    assert asked[-1] == layer.height()
    corner[0] = QPoint(80, 200)
    toasts.place()
    assert toasts.layer.geometry() == layer.translated(30, -100)


def test_overlay_states(theme: Theme, qtbot: QtBot) -> None:
    """Each state takes no more room than it needs, and its button can be pressed."""
    pane = QWidget()
    qtbot.addWidget(pane)
    pane.resize(300, 200)
    overlay = StateOverlay(theme, pane)
    pane.show()
    assert not overlay.isVisible()
    overlay.show_state("loading")
    assert overlay.height() == 2
    qtbot.waitUntil(lambda: overlay._phase > 0, timeout=2000)
    overlay.show_state("stale", age_s=61)
    assert overlay.text == "Stale · 61 s"
    assert overlay.geometry().right() < 300
    assert overlay.width() < 150
    overlay.show_state("error", "The venue refused the connection.", "Check the clock.", action="Reconnect", blank=True)
    image(pane)
    assert overlay.size() == pane.size()
    button = overlay.findChild(QPushButton)
    assert button is not None
    with qtbot.waitSignal(overlay.action_triggered):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    pane.resize(500, 300)
    assert overlay.size() == pane.size()
    overlay.show_state("live")
    assert not overlay.isVisible()


@pytest.mark.parametrize("values", [[], [1.0], [5.0, 5.0], [1.0, float("nan"), 2.0], list(range(5000))])
def test_sparkline_takes_any_values(theme: Theme, values: list[float]) -> None:
    """Nothing, a flat line, a hole or far too many values: only a line needs two of them."""
    pixmap = QPixmap(80, 20)
    pixmap.fill(theme.colors.bg0)
    painter = QPainter(pixmap)
    paint_sparkline(painter, QRectF(2, 2, 76, 16), np.array(values, dtype=np.float64), theme.colors.up, fill=False)
    painter.end()
    picture = pixmap.toImage()
    blank = QPixmap(80, 20)
    blank.fill(theme.colors.bg0)
    assert (picture == blank.toImage()) == (len(values) < 2)
