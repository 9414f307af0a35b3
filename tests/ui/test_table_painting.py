"""What a table paints: the same by parts as in one piece, and where the mouse and the selection are."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.models.cells import ROW_HEIGHT
from ui.models.columns import Column, Paint
from ui.models.rows_model import RowsModel
from ui.models.table import Table
from ui.theme.theme import Theme

ROWS = 40


@dataclass(frozen=True)
class Item:
    number: int
    price: int
    word: str


COLUMNS: tuple[Column[Item], ...] = (
    Column("number", "No.", lambda item: item.number, lambda item: f"{item.number}", 60),
    Column("word", "Word", lambda item: item.word, lambda item: item.word, 60, Paint.WORDS),
    Column("price", "Price", lambda item: item.price, lambda item: f"{item.price:,}", 90),
    Column("share", "%", lambda item: item.price % 100, lambda item: f"{item.price % 100}", 70, Paint.PROGRESS),
)


@pytest.fixture
def table(qtbot: QtBot, theme: Theme) -> Table[Item]:
    model = RowsModel(COLUMNS, lambda item: item.number)
    model.replace([Item(number, 1000 + 7 * number, "a word that is too long") for number in range(ROWS)])
    table = Table(theme, model, "Items")
    qtbot.addWidget(table)
    table.resize(420, 14 * ROW_HEIGHT)
    with qtbot.waitExposed(table):
        table.show()
    QApplication.processEvents()
    return table


def on_screen(table: Table[Item]) -> QImage:
    return table.viewport().grab().toImage()


def colour_at(table: Table[Item], place: int, x: int) -> QColor:
    return on_screen(table).pixelColor(x, table.rowViewportPosition(place) + 1)


def test_changes_are_painted_once_each(table: Table[Item]) -> None:
    """Rows here and there: all their cells, and none of them twice, which would make its letters bold."""
    chance = random.Random(5)
    seen: list[tuple[str, int]] = []
    table._cells.paint = lambda painter, column, row, *place, faded: seen.append((column.key, row.number))  # type: ignore[method-assign]  # counted
    for _ in range(20):
        places = chance.sample(range(13), 4)
        for place in places:
            row = table.rows_model.rows[place]
            table.rows_model.upsert(replace(row, price=row.price + chance.randrange(1, 9999)))
        seen.clear()
        QApplication.processEvents()
        assert len(seen) == len(set(seen))
        assert {(column.key, place) for place in places for column in COLUMNS} <= set(seen)


def test_a_cell_that_changes_is_painted_alone(table: Table[Item]) -> None:
    """A figure that ticks does not repaint its table."""
    seen: list[tuple[str, int]] = []
    table._cells.paint = lambda painter, column, row, *place, faded: seen.append((column.key, row.number))  # type: ignore[method-assign]  # counted
    table.rows_model.touch_cells([(3, 2), (9, 3)])
    QApplication.processEvents()
    assert sorted(seen) == [("price", 3), ("share", 9)]


def test_the_row_under_the_mouse_is_lit_from_edge_to_edge(table: Table[Item], theme: Theme) -> None:
    """The eye follows the row, not the cell; when the mouse has left nothing is lit."""
    view = table.viewport()
    QTest.mouseMove(view, QPoint(30, 5 * ROW_HEIGHT + 8))
    QApplication.processEvents()
    for x in (1, view.width() - 2):
        assert colour_at(table, 5, x).name() == theme.colors.hover.name()
        assert colour_at(table, 6, x).name() == theme.colors.bg0.name()
    QTest.mouseMove(view, QPoint(30, 6 * ROW_HEIGHT + 8))
    QApplication.processEvents()
    assert colour_at(table, 5, 1).name() == theme.colors.bg0.name()
    assert colour_at(table, 6, 1).name() == theme.colors.hover.name()


def test_the_light_stays_under_the_mouse_when_the_wheel_turns(table: Table[Item], theme: Theme) -> None:
    """The rows move and the mouse does not: another row is lit, in the same place."""
    QTest.mouseMove(table.viewport(), QPoint(30, 5 * ROW_HEIGHT + 8))
    QApplication.processEvents()
    table.verticalScrollBar().setValue(3)
    QApplication.processEvents()
    assert table.rowAt(5 * ROW_HEIGHT + 8) == 8
    assert colour_at(table, 8, 1).name() == theme.colors.hover.name()
    assert colour_at(table, 5, 1).name() == theme.colors.bg0.name()


def test_the_selected_row_is_marked_from_edge_to_edge(table: Table[Item], theme: Theme) -> None:
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(30, 2 * ROW_HEIGHT + 8))
    QApplication.processEvents()
    for x in (1, table.viewport().width() - 2):
        assert colour_at(table, 2, x).name() == theme.colors.select.name()


@pytest.mark.parametrize("height", [10 * ROW_HEIGHT, 10 * ROW_HEIGHT + 7, 10 * ROW_HEIGHT + 19])
def test_rows_in_view_are_whole(table: Table[Item], height: int) -> None:
    """Wherever it is scrolled to, also at the end and when rows come there: the first row in view is not cut, and the
    last one is in sight."""
    table.resize(420, height + table.horizontalHeader().height())
    QApplication.processEvents()
    bar, view = table.verticalScrollBar(), table.viewport()

    def first_top() -> int:
        return table.rowViewportPosition(table.rowAt(0))

    for value in (0, 5, bar.maximum(), bar.maximum() - 1, bar.maximum()):
        bar.setValue(value)
        QApplication.processEvents()
        assert first_top() == 0, value
    assert table.rowViewportPosition(ROWS - 1) + ROW_HEIGHT <= view.height()
    table.rows_model.append([Item(ROWS + more, 1, "new") for more in range(3)])
    table.rows_model.flush()
    table.scrollToBottom()
    QApplication.processEvents()
    assert first_top() == 0
    assert 0 <= view.height() - table.rowViewportPosition(ROWS + 2) - ROW_HEIGHT < ROW_HEIGHT


def test_a_double_click_on_a_border_fits_the_column(table: Table[Item]) -> None:
    """The column becomes as wide as what is in view needs."""
    table.resizeColumnToContents(1)
    need = table._cells._words.width("a word that is too long")
    assert need < table.columnWidth(1) < need + 20
