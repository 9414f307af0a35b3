"""The painted and small widgets: book, tape, entries, toasts, frame, states."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap, QWheelEvent
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from ui.theme.theme import Theme
from ui.widgets.book_rows import Level, book_rows, spread_text
from ui.widgets.book_view import ROW, BookView
from ui.widgets.mode_frame import FRAME, ModeBadge, ModeFrame
from ui.widgets.number_edit import NumberEdit
from ui.widgets.segmented import Segment, Segmented
from ui.widgets.sparkline import paint_sparkline
from ui.widgets.state_overlay import StateOverlay
from ui.widgets.tape_view import TapeView
from ui.widgets.toast import Toasts

BIDS = [(100.0 - n * 0.5, 1.0 + n) for n in range(50)]
ASKS = [(101.0 + n * 0.5, 2.0 + n) for n in range(50)]
SECOND = 1_000_000_000


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    theme = Theme()
    theme.apply(qapp, "dark")
    yield theme
    theme.deleteLater()


def image(widget: QWidget) -> QImage:
    QApplication.processEvents()
    return widget.grab().toImage()


def has_colour(picture: QImage, colour: str) -> bool:
    wanted = int(colour[1:], 16)
    buffer = np.frombuffer(picture.convertToFormat(QImage.Format.Format_RGB32).constBits(), np.uint32)
    return bool(((buffer & 0xFFFFFF) == wanted).any())


# -- order book


@pytest.fixture
def book(theme: Theme, qtbot: QtBot) -> BookView:
    view = BookView(theme)
    qtbot.addWidget(view)
    view.resize(260, 20 + 28 + 10 * ROW)
    view.set_book(BIDS, ASKS, 0.5, 1, 2)
    view.show()
    image(view)
    return view


levels = st.lists(st.tuples(st.integers(1, 500), st.floats(0.01, 100)), max_size=60, unique_by=lambda level: level[0])


@given(levels, st.integers(1, 20), st.integers(1, 30))
def test_grouped_rows_lose_no_quantity(raw: list[tuple[int, float]], group: int, count: int) -> None:
    """Grouping gathers quantities and never drops, doubles or misplaces one, on either side."""
    best_first = sorted(raw, reverse=True)
    bids = [(ticks * 0.5, quantity) for ticks, quantity in best_first]
    asks = [(ticks * 0.5, quantity) for ticks, quantity in reversed(best_first)]
    rows = book_rows(bids, asks, 1000, tick=0.5, group=group)
    for side, source, sign in ((rows.bids, bids, -1), (rows.asks, asks, 1)):
        assert sum(row.quantity for row in side) == pytest.approx(sum(quantity for _, quantity in source))
        if side:
            assert side[-1].cumulative == pytest.approx(sum(quantity for _, quantity in source))
        prices = [row.price for row in side]
        assert prices == sorted(prices, reverse=sign < 0)
        for row in side:  # what is bought to the end of a row costs no more than its price
            inside = [q for p, q in source if 0 <= sign * (row.price - p) < group * 0.5 - 1e-9]
            assert row.quantity == pytest.approx(sum(inside))
    few = book_rows(bids, asks, count, tick=0.5, group=group)
    assert few.bids == rows.bids[:count]
    assert few.asks == rows.asks[:count]


def test_spread_in_ticks_and_basis_points() -> None:
    """A spread of one tick says so, whatever floats make of it."""
    assert spread_text(67412.3, 67412.4, 0.1) == (1, pytest.approx(0.01483, abs=1e-5))


def test_click_on_a_row_gives_its_price(book: BookView, qtbot: QtBot) -> None:
    """A click on the best ask is that price on the ask side, however the book is grouped."""
    middle = 20 + 5 * ROW
    for y, expected in (
        (middle - 5, [101.0, "ask"]),
        (middle + 28 + 5, [100.0, "bid"]),
        (middle - ROW - 5, [101.5, "ask"]),
    ):
        with qtbot.waitSignal(book.price_clicked) as clicked:
            qtbot.mouseClick(book, Qt.MouseButton.LeftButton, pos=QPoint(60, y))
        assert clicked.args == expected
    book.set_grouping(4)
    image(book)
    with qtbot.waitSignal(book.price_clicked) as clicked:
        qtbot.mouseClick(book, Qt.MouseButton.LeftButton, pos=QPoint(60, middle - 5))
    assert clicked.args == [102.0, "ask"]


def test_click_beside_the_rows_is_nothing(book: BookView, qtbot: QtBot) -> None:
    """The spread row and the header are no prices."""
    with qtbot.assertNotEmitted(book.price_clicked):
        qtbot.mouseClick(book, Qt.MouseButton.LeftButton, pos=QPoint(60, 5))
        qtbot.mouseClick(book, Qt.MouseButton.LeftButton, pos=QPoint(60, 20 + 5 * ROW + 10))


def test_selection_stays_with_its_price(book: BookView, qtbot: QtBot) -> None:
    """A book that moves under the selected row never changes the price that Enter sends."""
    book.setFocus()
    qtbot.keyClick(book, Qt.Key.Key_Up)
    qtbot.keyClick(book, Qt.Key.Key_Up)
    book.set_book(BIDS, ASKS[1:], 0.5, 1, 2)
    image(book)
    with qtbot.waitSignal(book.price_clicked) as clicked:
        qtbot.keyClick(book, Qt.Key.Key_Return)
    assert clicked.args == [101.5, "ask"]
    qtbot.keyClick(book, Qt.Key.Key_Down)
    with qtbot.waitSignal(book.price_clicked) as clicked:
        qtbot.keyClick(book, Qt.Key.Key_Return)
    assert clicked.args == [100.0, "bid"]


def test_incremental_book_equals_a_fresh_one(book: BookView, theme: Theme, qtbot: QtBot) -> None:
    """After many updates the rows are those of a book painted for the first time."""
    rng = np.random.default_rng(3)
    for number in range(30):
        bids = [(100.0 - n * 0.5, float(rng.integers(1, 9))) for n in range(number % 7, 20)]
        asks = [(101.0 + n * 0.5, float(rng.integers(1, 9))) for n in range(number % 3, 20)]
        book.set_book(bids, asks, 0.5, 1, 2)
        book.set_own_orders({99.0: 1.0} if number % 2 else {})
        image(book)
    book._flashes.clear()
    book._moved = None
    book.clearFocus()
    after = image(book)
    fresh = BookView(theme)
    qtbot.addWidget(fresh)
    fresh.resize(book.size())
    fresh.set_book(bids, asks, 0.5, 1, 2)
    fresh.set_own_orders({99.0: 1.0})
    assert after == image(fresh)


def test_changed_quantity_flashes_once(book: BookView, theme: Theme, qtbot: QtBot) -> None:
    """A grown quantity shows in the colour of up, and is plain again within a moment."""
    bids = [(price, quantity + (5 if price == 99.0 else 0)) for price, quantity in BIDS]
    book.set_book(bids, ASKS, 0.5, 1, 2)
    flashed = image(book)
    qtbot.waitUntil(lambda: image(book) != flashed, timeout=2000)
    settled = image(book)
    book._painted.clear()
    assert image(book) == settled


def test_own_orders_stale_and_empty_book(book: BookView, theme: Theme) -> None:
    """Own orders are marked, a stale book is grey, an empty one says why, and a new one clears it all."""
    plain = image(book)
    book.set_own_orders({99.5: 0.3, 5.0: 1.0})
    assert has_colour(image(book), theme.tokens.accent)
    book.set_own_orders({})
    book.set_stale(4.2)
    assert not has_colour(image(book), theme.tokens.up)
    assert book.state_overlay.text == "Stale · 4 s"
    book.set_stale(None)
    assert image(book) == plain
    book.set_empty("No book for this instrument.")
    assert book.state_overlay.state == "empty"
    image(book)
    book.set_book(BIDS, ASKS, 0.5, 1, 2)
    assert not book.state_overlay.isVisible()


@pytest.mark.parametrize(("bids", "asks"), [([], []), (BIDS[:1], []), ([], ASKS[:2]), (BIDS, ASKS[:3])])
def test_one_sided_and_thin_books(book: BookView, bids: list[Level], asks: list[Level]) -> None:
    """A book with one side, or few levels, is painted as it is."""
    book.set_book(bids, asks, 0.5, 1, 2)
    image(book)
    book.resize(150, 90)
    image(book)
    assert len(book._rows.bids) == min(len(bids), book.row_count())


@pytest.mark.parametrize("height", [220, 333, 397, 420, 421, 900])
def test_the_rows_of_a_book_fill_its_pane(book: BookView, height: int) -> None:
    """No stripe is left below the last bid: whatever the height, the row at the bottom can be clicked."""
    book.set_book(BIDS, ASKS, 0.5, 1, 2)
    book.resize(260, height)
    image(book)
    count = book.row_count()
    assert book.row_at(QPoint(100, height - 1)) == (BIDS[count - 1][0], True)
    assert book.row_at(QPoint(100, 21)) == (ASKS[count - 1][0], False)


# -- tape


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


# -- number entry


@pytest.fixture
def entry(theme: Theme, qtbot: QtBot) -> Iterator[NumberEdit]:
    host = QWidget()
    qtbot.addWidget(host)
    edit = NumberEdit(host, step=Decimal("0.10"), maximum=Decimal(100_000), name="Price", tooltip="Price (P)")
    host.show()
    edit.setFocus()
    yield edit
    host.close()


def test_typed_number_is_an_exact_decimal(entry: NumberEdit, qtbot: QtBot) -> None:
    """What is typed is what is sent, to the last digit."""
    with qtbot.waitSignal(entry.value_changed):
        qtbot.keyClicks(entry, "0.1")
    assert entry.value() == Decimal("0.1")
    entry.set_value(None)
    qtbot.keyClicks(entry, "1.5k")
    assert entry.value() == Decimal(1500)
    entry.clearFocus()
    entry._tidy()
    assert entry.text() == "1,500.0"


def test_steps_go_to_the_next_tick(entry: NumberEdit, qtbot: QtBot) -> None:
    """Up and Down move by ticks, from between two ticks to the next one, Shift by ten, never out of range."""
    entry.set_value(Decimal("10.03"))
    qtbot.keyClick(entry, Qt.Key.Key_Up)
    assert entry.value() == Decimal("10.1")
    entry.set_value(Decimal("10.03"))
    qtbot.keyClick(entry, Qt.Key.Key_Down)
    assert entry.value() == Decimal("10.0")
    qtbot.keyClick(entry, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert entry.value() == Decimal("11.0")
    entry.set_value(Decimal("0.1"))
    for _ in range(3):
        qtbot.keyClick(entry, Qt.Key.Key_Down)
    assert entry.value() == 0
    entry.set_value(Decimal("99999.95"))
    qtbot.keyClick(entry, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert entry.value() == Decimal("100000")


def test_unusable_text_says_why(entry: NumberEdit, qtbot: QtBot) -> None:
    """A wrong entry has no value and a red border, and its tooltip is the reason."""
    entry.set_value(Decimal(5))
    with qtbot.waitSignal(entry.value_changed) as changed:
        entry.setText("0,5")
    assert changed.args == [None]
    assert entry.property("invalid") is True
    assert "comma" in entry.toolTip()
    entry.setText("200000")
    assert entry.reason == "At most 100,000.0."
    entry.setText("7")
    assert (entry.reason, entry.toolTip()) == ("", "Price (P)")
    entry.set_reason("Above your balance.")
    assert entry.property("invalid") is True
    assert entry.value() == Decimal(7)


def test_wheel_over_an_unfocused_entry_changes_nothing(entry: NumberEdit) -> None:
    """Scrolling the window past the ticket can't change an order."""

    def turn() -> None:
        event = QWheelEvent(
            QPointF(5, 5),
            QPointF(5, 5),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(entry, event)

    entry.set_value(Decimal(5))
    entry.clearFocus()
    turn()
    assert entry.value() == 5
    entry.setFocus()
    turn()
    assert entry.value() == Decimal("5.1")


# -- the small ones


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
    with qtbot.waitSignal(brief.destroyed, timeout=3000):
        pass
    assert toasts.toasts == []
    for number in range(9):
        toasts.show("warn", f"Warning {number}")
    assert [toast.title for toast in toasts.toasts] == [f"Warning {number}" for number in (5, 6, 7, 8)]


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
