"""The table of every pane: sorts, filters, copies, exports, and keeps how the trader arranged it."""

from __future__ import annotations

import csv
import io
import json
import logging
from pathlib import Path
from typing import Any, Final, Generic

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QFocusEvent,
    QGuiApplication,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QToolTip, QWidget

from ui.models.cells import PAD, ROW_HEIGHT, CellPainter, fitted
from ui.models.columns import Column, Paint, Row, exported
from ui.models.rows_model import SORT_ROLE, RowsModel
from ui.theme import fonts
from ui.theme.text import TextCache
from ui.theme.theme import Theme

logger = logging.getLogger(__name__)

_HEADER_HEIGHT: Final = 20


class _Filter(QSortFilterProxyModel):
    """Keeps the rows in which any cell holds the text."""

    def __init__(self, rows: RowsModel[Any]) -> None:
        super().__init__(rows)
        self._rows = rows
        self._text = ""
        self.setSortRole(SORT_ROLE)
        self.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setSourceModel(rows)

    def set_text(self, text: str) -> None:
        text = text.strip().casefold()
        if not hasattr(self, "endFilterChange"):  # before Qt 6.10, which deprecates the other way
            self._text = text
            self.invalidateFilter()
            return
        self.beginFilterChange()
        self._text = text
        self.endFilterChange()

    @property
    def text(self) -> str:
        return self._text

    def filterAcceptsRow(self, source_row: int, source_parent: QModelIndex | QPersistentModelIndex) -> bool:
        if not self._text:
            return True
        row = self._rows.rows[source_row]
        return any(self._text in column.text(row).casefold() for column in self._rows.columns)


class _Header(QHeaderView):
    """Painted by hand: a title stands over its column's digits whether the column is sorted by or not."""

    def __init__(self, theme: Theme, rows: RowsModel[Any]) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._theme, self._rows = theme, rows
        self._text = TextCache(fonts.words(fonts.TABLE))
        self.setSectionsClickable(True)
        self.setMouseTracking(True)
        theme.changed.connect(self.viewport().update)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        colors = self._theme.colors
        column = self._rows.columns[section]
        sorted_by = section == self.sortIndicatorSection()
        middle = rect.top() + rect.height() / 2
        painter.fillRect(rect, colors.bg0)
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, colors.line)
        painter.setPen(colors.text_hi if sorted_by else colors.text_lo)
        room = rect.width() - 2 * PAD
        title = column.title if self._text.width(column.title) <= room else fitted(self._text, column.title, room)
        if column.right:
            self._text.right(painter, rect.right() - PAD, middle, title)
            mark = rect.right() - PAD - self._text.width(title) - 7
        else:
            self._text.left(painter, rect.left() + PAD, middle, title)
            mark = rect.left() + PAD + self._text.width(title) + 7
        if sorted_by and title and rect.left() < mark < rect.right():
            up = self.sortIndicatorOrder() is Qt.SortOrder.AscendingOrder
            tip, foot = (middle - 2, middle + 2) if up else (middle + 2, middle - 2)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.accent)
            painter.drawPolygon(QPolygonF([QPointF(mark - 3, foot), QPointF(mark + 3, foot), QPointF(mark, tip)]))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


class Table(QTableView, Generic[Row]):
    """A table over a RowsModel. `table_id` names its arrangement in the settings."""

    arranged = Signal()
    """The trader moved, resized or sorted columns; `arrangement` is to be kept."""
    chosen = Signal()
    """A row was double-clicked."""

    def __init__(
        self,
        theme: Theme,
        model: RowsModel[Row],
        name: str,
        parent: QWidget | None = None,
        *,
        sort: tuple[str, bool] | None = None,
    ) -> None:
        """`sort` is the first order: a column's key, and True for descending."""
        super().__init__(parent)
        self._rows = model
        self._first_sort = sort
        self._filter = _Filter(model)
        self.setModel(self._filter)
        self._theme = theme
        self._cells = CellPainter(theme)
        self._hovered = -1
        self._mouse_y: int | None = None
        self._saw_current = False
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        rows = self.verticalHeader()
        rows.hide()
        rows.setMinimumSectionSize(ROW_HEIGHT)
        rows.setDefaultSectionSize(ROW_HEIGHT)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = _Header(theme, model)
        self.setHorizontalHeader(header)
        header.setFixedHeight(_HEADER_HEIGHT)
        header.setSectionsMovable(True)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setStretchLastSection(model.columns[-1].paint is Paint.WORDS)
        header.setAccessibleName(f"Columns of {name}")
        for section, column in enumerate(model.columns):
            self.setColumnWidth(section, column.width)
        self.setSortingEnabled(True)
        self.reset_arrangement()
        header.sectionMoved.connect(self.arranged)
        header.sectionResized.connect(self._resized_by_hand)
        header.sortIndicatorChanged.connect(self.arranged)
        self.doubleClicked.connect(self.chosen)
        self.verticalScrollBar().valueChanged.connect(lambda: self._hover(self._under_mouse()))
        self._filter.rowsAboutToBeInserted.connect(self._note_current)
        self._filter.rowsInserted.connect(self._keep_current_in_sight)
        theme.changed.connect(self.viewport().update)

    @property
    def rows_model(self) -> RowsModel[Row]:
        return self._rows

    # Painting ---------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """By hand: a delegate is asked for each cell by itself, and the asking takes five times what painting does."""
        header = self.horizontalHeader()
        spans = [
            (column, header.sectionViewportPosition(section), header.sectionSize(section))
            for section, column in enumerate(self._rows.columns)
            if not header.isSectionHidden(section)
        ]
        wanted: dict[int, set[int]] = {}
        for area in event.region():  # type: ignore[attr-defined]  # its rectangles; the stubs do not know
            first, last = self.rowAt(area.top()), self.rowAt(area.bottom())
            if first >= 0:
                touched = {
                    place
                    for place, (_, left, width) in enumerate(spans)
                    if left <= area.right() and left + width > area.left()
                }
                for place in range(first, (last if last >= 0 else self._filter.rowCount() - 1) + 1):
                    wanted.setdefault(place, set()).update(touched)
        colors, selection, wide = self._theme.colors, self.selectionModel(), self.viewport().width()
        painter = QPainter(self.viewport())
        for place, touched in wanted.items():
            row, top = self._row(place), self.rowViewportPosition(place)
            if selection.isSelected(self._filter.index(place, 0)):
                painter.fillRect(0, top, wide, ROW_HEIGHT, colors.select)
            elif place == self._hovered:
                painter.fillRect(0, top, wide, ROW_HEIGHT, colors.hover)
            faded = self._rows.faded(row)
            for number in touched:
                column, left, width = spans[number]
                self._cells.paint(painter, column, row, left, top, width, faded=faded)
        painter.end()

    def sizeHintForColumn(self, column: int) -> int:
        """What its title and the rows in view need: a double click on a border fits the column."""
        shown, last = self._rows.columns[column], self.rowAt(self.viewport().height() - 1)
        first, end = self.rowAt(0), (last if last >= 0 else self._filter.rowCount() - 1) + 1
        widths = (self._cells.width(shown, self._row(place)) for place in range(max(0, first), end))
        return max(widths, default=shown.width)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._mouse_y = round(event.position().y())
        self._hover(self._under_mouse())

    def viewportEvent(self, event: QEvent) -> bool:
        """What a cell has no room for is in its tooltip, where the column has none of its own."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self.indexAt(event.pos())
            if index.isValid() and not index.data(Qt.ItemDataRole.ToolTipRole):
                column, row = self._rows.columns[index.column()], self._row(index.row())
                if self._cells.is_cut(column, row, self.columnWidth(index.column())):
                    QToolTip.showText(event.globalPos(), column.text(row), self, self.visualRect(index))
                    return True
        return super().viewportEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._mouse_y = None
        self._hover(-1)

    def _under_mouse(self) -> int:
        return self.rowAt(self._mouse_y) if self._mouse_y is not None else -1

    def _hover(self, place: int) -> None:
        for changed in {place, self._hovered} - {-1} if place != self._hovered else ():
            self.viewport().update(0, self.rowViewportPosition(changed), self.viewport().width(), ROW_HEIGHT)
        self._hovered = place

    # Rows -------------------------------------------------------------------

    def selected_rows(self) -> list[Row]:
        """From top to bottom."""
        indexes = sorted(self.selectionModel().selectedRows(), key=lambda index: index.row())
        return [self._row(index.row()) for index in indexes]

    def shown_rows(self) -> list[Row]:
        """Filtered and in the order of the screen."""
        return [self._row(place) for place in range(self._filter.rowCount())]

    def _row(self, place: int) -> Row:
        """The row that is shown at `place`, filtered and sorted."""
        return self._rows.rows[self._filter.mapToSource(self._filter.index(place, 0)).row()]

    def select_place(self, place: int) -> None:
        """Make the row of the model at `place` the current and only selected one, and bring it into view."""
        index = self._filter.mapFromSource(self._rows.index(place, 0))
        if index.isValid():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.selectionModel().setCurrentIndex(index, flags)
            self.scrollTo(index)

    def filter(self, text: str) -> None:
        self._filter.set_text(text)

    @property
    def filter_text(self) -> str:
        return self._filter.text

    # Out of the program -----------------------------------------------------

    def copy(self) -> int:
        """The selected rows, or all that are shown, as tab-separated text under the titles. Returns how many."""
        self._rows.flush()
        rows = self.selected_rows() or self.shown_rows()
        titles = [column.title for column in self._written_columns()]
        QGuiApplication.clipboard().setText(self._written(titles, rows, "\t"))
        return len(rows)

    def export(self, path: Path) -> int:
        """Write the rows that are shown, in their order, as CSV under the columns' keys. Returns how many.

        Raises OSError.
        """
        self._rows.flush()
        rows = self.shown_rows()
        keys = [column.key for column in self._written_columns()]
        path.write_text(self._written(keys, rows, ","), encoding="utf-8", newline="")
        return len(rows)

    def _written_columns(self) -> list[Column[Row]]:
        return [column for column in self._rows.columns if column.paint is not Paint.SPARKLINE]

    def _written(self, header: list[str], rows: list[Row], delimiter: str) -> str:
        """Values unrounded and without separators: what is pasted is calculated with."""
        columns = self._written_columns()
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([exported(column.raw(row)) for column in columns])
        return out.getvalue()

    # Arrangement ------------------------------------------------------------

    def arrangement(self) -> str:
        """Order, widths and sort by the columns' keys, so that a later version with other columns can read it."""
        header, columns = self.horizontalHeader(), self._rows.columns
        by_place = sorted(range(len(columns)), key=header.visualIndex)
        sort = header.sortIndicatorSection()
        descending = header.sortIndicatorOrder() is Qt.SortOrder.DescendingOrder
        return json.dumps(
            {
                "order": [columns[section].key for section in by_place],
                "widths": {column.key: header.sectionSize(section) for section, column in enumerate(columns)},
                "sort": [columns[sort].key, descending] if 0 <= sort < len(columns) else None,
            }
        )

    def arrange(self, text: str) -> None:
        """What `arrangement` said earlier; what no longer fits is left out."""
        try:
            kept = json.loads(text)
            order, widths, sort = list(kept["order"]), dict(kept["widths"]), kept["sort"]
        except (ValueError, KeyError, TypeError):
            logger.warning("the arrangement of %s cannot be read; it starts as at first", self.accessibleName())
            return
        header = self.horizontalHeader()
        sections = {column.key: section for section, column in enumerate(self._rows.columns)}
        known = [key for key in order if key in sections]
        header.blockSignals(True)
        for place, key in enumerate(known):
            header.moveSection(header.visualIndex(sections[key]), place)
            width = widths.get(key)
            if isinstance(width, int) and 24 <= width <= 2000:
                header.resizeSection(sections[key], width)
        header.blockSignals(False)
        if isinstance(sort, list) and len(sort) == 2 and sort[0] in sections:
            self._sort(sort[0], bool(sort[1]))

    def reset_arrangement(self) -> None:
        header = self.horizontalHeader()
        for section, column in enumerate(self._rows.columns):
            header.moveSection(header.visualIndex(section), section)
            header.resizeSection(section, column.width)
        if self._first_sort is not None:
            self._sort(*self._first_sort)
        else:
            header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)

    def _sort(self, key: str, descending: bool) -> None:
        section = next(place for place, column in enumerate(self._rows.columns) if column.key == key)
        self.sortByColumn(section, Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder)

    def step_sort(self, step: int) -> None:
        """Sort by the next column on the screen or the one before, upwards or downwards as it was.

        Round the end; by way of no order where the table starts without one.
        """
        header, columns = self.horizontalHeader(), self._rows.columns
        across = [header.logicalIndex(place) for place in range(header.count())]
        seen = [
            each for each in across if not header.isSectionHidden(each) and columns[each].paint is not Paint.SPARKLINE
        ]
        stops = seen if self._first_sort is not None else [-1, *seen]
        sorted_by = header.sortIndicatorSection()
        here = stops.index(sorted_by) if sorted_by in stops else min(0, -step)
        self._sort_and_show(stops[(here + step) % len(stops)], header.sortIndicatorOrder())

    def turn_sort(self) -> None:
        """Downwards what was upwards. A table without an order gets one, by its first column."""
        header = self.horizontalHeader()
        if header.sortIndicatorSection() < 0:
            self.step_sort(1)
            return
        up = header.sortIndicatorOrder() is Qt.SortOrder.AscendingOrder
        order = Qt.SortOrder.DescendingOrder if up else Qt.SortOrder.AscendingOrder
        self._sort_and_show(header.sortIndicatorSection(), order)

    def _sort_and_show(self, section: int, order: Qt.SortOrder) -> None:
        """The column's title stays in sight, and so does the row that Del means."""
        header, bar = self.horizontalHeader(), self.horizontalScrollBar()
        header.setSortIndicator(section, order)
        if section >= 0:
            left = header.sectionPosition(section)
            right = left + header.sectionSize(section)
            bar.setValue(min(left, max(bar.value(), right - self.viewport().width())))
        if self.selectionModel().isSelected(self.currentIndex()):
            self.scrollTo(self._filter.index(self.currentIndex().row(), max(0, section)))

    def _resized_by_hand(self, section: int, old: int, new: int) -> None:
        stretched = section == len(self._rows.columns) - 1 and self.horizontalHeader().stretchLastSection()
        if not stretched and old and new:
            self.arranged.emit()

    # Input ------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for section, column in enumerate(self._rows.columns):
            if column.least:
                self.setColumnHidden(section, self.viewport().width() < column.least)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        self._snap()

    def updateGeometries(self) -> None:
        super().updateGeometries()
        self._snap()

    def _snap(self) -> None:
        """The first row in view is a whole one. At the end Qt puts the last to the bottom edge and cuts the first."""
        rows, offset = self.verticalHeader(), self.verticalScrollBar().value() * ROW_HEIGHT
        if rows.offset() != offset:
            rows.setOffset(offset)
            self.viewport().update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.stand_on_a_row()

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Home and End go to the first and the last row: rows are selected here, not cells."""
        rows, column = self._filter.rowCount(), max(0, self.currentIndex().column())
        match action:
            case QAbstractItemView.CursorAction.MoveHome if rows:
                return self._filter.index(0, column)
            case QAbstractItemView.CursorAction.MoveEnd if rows:
                return self._filter.index(rows - 1, column)
            case _:
                return super().moveCursor(action, modifiers)

    def stand_on_a_row(self, *, anew: bool = False) -> None:
        """While the table has the keyboard a row is current: the arrows and Del need one.

        What takes the place of a row that went is current and not selected: a second Del must not cancel the next
        order. `anew`: the trader came to the table, and means the row that is shown as selected.
        """
        if not self.hasFocus() or not self._filter.rowCount():
            return
        if not self.currentIndex().isValid() or (anew and not self.selectionModel().hasSelection()):
            self.setCurrentIndex(self._filter.index(max(0, self.currentIndex().row()), 0))
        if anew:
            self.scrollTo(self.currentIndex())

    def _note_current(self) -> None:
        at = self.currentIndex()
        view = self.viewport().rect()
        self._saw_current = at.isValid() and self.hasFocus() and view.intersects(self.visualRect(at))

    def _keep_current_in_sight(self) -> None:
        """New rows come in above: the one that Del and F2 mean must not leave the screen with the keyboard on it."""
        if self._saw_current and self.selectionModel().isSelected(self.currentIndex()):
            self.scrollTo(self.currentIndex())
