"""The painted tape: whole prints, scrolled back, big ones, clicks."""

from __future__ import annotations

import pytest
from pictures import covers_nothing, image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.theme.theme import Theme
from ui.widgets.book_view import ROW
from ui.widgets.tape_view import LEAST_WIDTH, TapeView

SECOND = 1_000_000_000


@pytest.fixture
def tape(theme: Theme, qtbot: QtBot) -> TapeView:
    view = TapeView(theme)
    qtbot.addWidget(view)
    view.resize(260, 20 + 10 * ROW)
    view.set_precision(1, 3)
    view.show()
    return view


def prints(first: int, count: int) -> list[tuple[int, float, float, bool]]:
    return [(n * SECOND // 3, 100 + n % 7 * 0.5, 1 + n % 5 * 0.1, n % 3 == 0) for n in range(first, first + count)]


def test_a_tape_shows_whole_prints_only(tape: TapeView) -> None:
    """What doesn't fit is left out, not cut in half: the rest of the pane is empty."""
    tape.append(prints(0, 40))
    tape.resize(260, 20 + 10 * ROW + 13)
    shown = image(tape)
    below = shown.copy(0, 20 + 10 * ROW, 260, 13)
    assert {below.pixel(x, y) for x in range(260) for y in range(13)} == {below.pixel(0, 12)}


def test_scrolled_tape_equals_one_painted_at_once(tape: TapeView) -> None:
    """Prints that came in batches look exactly as if they had come together."""
    first = 0
    for count in (3, 1, 25, 2, 0, 7, 1):
        tape.append(prints(first, count))
        first += count
        image(tape)
    after = image(tape)
    tape._repaint()
    assert after == image(tape)


def test_tape_keeps_a_ring_of_prints(tape: TapeView) -> None:
    """A busy day doesn't grow the memory: the newest stay, newest first."""
    tape.append(prints(0, 5000))
    assert len(tape.prints) == 2000
    assert tape.prints[0].ts_ns == 4999 * SECOND // 3


def test_scrolling_back_stops_the_tape(tape: TapeView, qtbot: QtBot) -> None:
    """Looking back, the rows stand still while prints come; Home returns to the newest."""
    tape.append(prints(0, 100))
    image(tape)
    tape.setFocus()
    with qtbot.waitSignal(tape.paused_changed):
        qtbot.keyClick(tape, Qt.Key.Key_Down)
    shown = tape.prints[tape._scroll]
    tape.append(prints(100, 8))
    assert tape.prints[tape._scroll] == shown
    assert "8 newer" in tape._chip_text()
    before = image(tape)
    tape._repaint()
    assert image(tape) == before
    with qtbot.waitSignal(tape.paused_changed):
        qtbot.keyClick(tape, Qt.Key.Key_Home)
    assert not tape.paused


def test_earlier_prints_go_under_those_there_are(tape: TapeView) -> None:
    """Whatever was printed before stands below, and the newest are never pushed out for it."""
    tape.append(prints(1000, 1500))
    tape.precede(prints(0, 1000))
    assert [trade.ts_ns for trade in tape.prints] == [n * SECOND // 3 for n in range(2499, 499, -1)]
    shown = image(tape)
    tape._repaint()
    assert image(tape) == shown


def test_big_prints_stand_out(tape: TapeView) -> None:
    """A print far over the usual size is emphasised, an ordinary one isn't."""
    tape.append(prints(0, 50))
    tape.append([(100 * SECOND, 100.0, 50.0, True), (101 * SECOND, 100.0, 1.0, True)])
    assert [trade.big for trade in tape.prints[:2]] == [False, True]


def test_click_on_a_print_gives_its_price(tape: TapeView, qtbot: QtBot) -> None:
    """The price of a print goes to whoever asks for it."""
    tape.append([(0, 100.5, 1, True), (1, 101.0, 1, False)])
    with qtbot.waitSignal(tape.price_clicked) as clicked:
        qtbot.mouseClick(tape, Qt.MouseButton.LeftButton, pos=QPoint(100, 20 + ROW + 4))
    assert clicked.args == [100.5]


def test_tape_leaves_its_empty_state_with_the_first_print(tape: TapeView) -> None:
    """Until something traded the tape says so; a stale one turns live with the next print."""
    tape.set_empty("No trades yet.")
    assert tape.state_overlay.state == "empty"
    tape.append(prints(0, 1))
    assert tape.state_overlay.state == "live"
    tape.set_stale(3)
    tape.append(prints(1, 1))
    assert tape.state_overlay.state == "live"


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("width", [LEAST_WIDTH, 260, 600])
def test_the_age_of_a_stale_tape_hides_no_print(
    tape: TapeView, theme: Theme, qapp: QApplication, name: str, width: int
) -> None:
    """It has the lowest row for itself: titles and prints stay readable, and none moves when it comes or goes."""
    theme.apply(qapp, name)
    tape.append(prints(0, 100))
    for height in (20 + 3 * ROW, 20 + 10 * ROW, 20 + 10 * ROW + 13):
        tape.resize(width, height)
        fresh = tape.prints[tape._scroll]
        tape.set_stale(3)
        assert tape.state_overlay.isVisible()
        assert covers_nothing(tape.state_overlay), height
        assert tape.prints[tape._scroll] == fresh
        tape.set_stale(None)


def test_a_tape_at_its_end_stays_there_when_it_is_fresh_again(tape: TapeView, qtbot: QtBot) -> None:
    """The row that the age gave back holds a print, not nothing."""
    tape.append(prints(0, 100))
    tape.set_stale(3)
    qtbot.keyClick(tape, Qt.Key.Key_End)
    tape.set_stale(None)
    assert tape.prints[tape._scroll :][: tape._shown()] == tape.prints[-10:]
