"""The painted order book: rows, clicks, flashes, stale and thin books."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import covers_nothing, has_colour, image
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.theme.theme import Theme
from ui.widgets.book_rows import Level, book_rows, spread_text
from ui.widgets.book_view import LEAST_WIDTH, ROW, BookView

BIDS = [(100.0 - n * 0.5, 1.0 + n) for n in range(50)]
ASKS = [(101.0 + n * 0.5, 2.0 + n) for n in range(50)]


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
    book._rose = None
    book.clearFocus()
    after = image(book)
    fresh = BookView(theme)
    qtbot.addWidget(fresh)
    fresh.resize(book.size())
    fresh.set_book(bids, asks, 0.5, 1, 2)
    fresh.set_own_orders({99.0: 1.0})
    assert after == image(fresh)


def test_the_arrow_beside_the_middle_is_green_where_it_rose(book: BookView, theme: Theme) -> None:
    """Whichever side of the touch made it move."""
    row = QRect(0, 20 + 5 * ROW, 260, 28)

    def colours() -> tuple[bool, bool]:
        picture = image(book).copy(row)
        return has_colour(picture, theme.colors.up.name()), has_colour(picture, theme.colors.down.name())

    assert colours() == (False, False), "nothing has moved"
    book.set_book(BIDS, ASKS[1:], 0.5, 1, 2)  # the best ask went away: up
    assert colours() == (True, False)
    book.set_book(BIDS[1:], ASKS[1:], 0.5, 1, 2)  # and the best bid: down
    assert colours() == (False, True)
    book.set_book(BIDS, ASKS, 0.5, 1, 2)  # both come back: the spread alone
    assert colours() == (False, True)


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


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("width", [LEAST_WIDTH, 260, 291, 600])
def test_the_age_of_a_stale_book_hides_nothing(
    book: BookView, theme: Theme, qapp: QApplication, name: str, width: int
) -> None:
    """Titles, prices, quantities and the middle stay readable, also in a narrow pane; the age stands beside it."""
    theme.apply(qapp, name)
    book.resize(width, 333)
    for price, age_s in ((67_000.0, 3), (67_000.0, 61), (67_000.0, 9000), (1_067_000_000.0, 3)):
        bids = [(price - n * 0.01, 1.5 + n) for n in range(40)]
        asks = [(price + 0.01 + n * 0.01, 2.5 + n) for n in range(40)]
        book.set_book(bids, asks, 0.01, 2, 5)
        book.set_stale(age_s)
        assert book.state_overlay.isVisible()
        assert covers_nothing(book.state_overlay), (price, age_s)
    book.resize(width, 421)
    assert covers_nothing(book.state_overlay), "it goes where its row goes"


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
