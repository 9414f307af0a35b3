"""A table model over rows with keys that changes row by row: a reset would lose selection and scroll position."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final, Generic

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from ui.models.columns import Column, Row, sortable

SORT_ROLE: Final = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex
_NOWHERE: Final = QModelIndex()


class RowsModel(QAbstractTableModel, Generic[Row]):
    """Rows in the order of their coming. `faded` says which rows are pending or past and shown dim."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        key: Callable[[Row], Hashable],
        parent: QObject | None = None,
        *,
        faded: Callable[[Row], bool] = lambda row: False,
    ) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.faded = faded
        self._key = key
        self._rows: list[Row] = []
        self._places: dict[Hashable, int] = {}

    # Rows -------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    def row(self, index: _Index) -> Row:
        return self._rows[index.row()]

    def place(self, key: Hashable) -> int | None:
        return self._places.get(key)

    def append(self, rows: Iterable[Row]) -> None:
        """New rows at once; their keys must be new."""
        fresh = list(rows)
        if not fresh:
            return
        first = len(self._rows)
        self.beginInsertRows(_NOWHERE, first, first + len(fresh) - 1)
        self._rows += fresh
        for offset, row in enumerate(fresh):
            self._places[self._key(row)] = first + offset
        self.endInsertRows()

    def upsert(self, row: Row) -> None:
        place = self._places.get(self._key(row))
        if place is None:
            self.append([row])
        else:
            self._rows[place] = row
            self.dataChanged.emit(self.index(place, 0), self.index(place, len(self.columns) - 1))

    def remove(self, key: Hashable) -> None:
        """Nothing happens where there is no such row."""
        place = self._places.get(key)
        if place is not None:
            self._remove_range(place, 1)

    def drop_first(self, count: int) -> None:
        """Forget the oldest rows."""
        if count > 0:
            self._remove_range(0, min(count, len(self._rows)))

    def replace(self, rows: Iterable[Row]) -> None:
        """Make these the rows, touching only what differs."""
        wanted = {self._key(row): row for row in rows}
        gone = sorted((place for key, place in self._places.items() if key not in wanted), reverse=True)
        while gone:
            # Neighbours go together: one by one, a table of ten thousand rows would be renumbered ten thousand times.
            last = first = gone.pop(0)
            while gone and gone[0] == first - 1:
                first = gone.pop(0)
            self._remove_range(first, last - first + 1)
        fresh = []
        for key, row in wanted.items():
            place = self._places.get(key)
            if place is None:
                fresh.append(row)
            else:
                self._rows[place] = row
        self.touch_all()
        self.append(fresh)

    def touch_all(self) -> None:
        """Every row may read differently now."""
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(self.columns) - 1))

    def touch_cells(self, cells: Iterable[tuple[int, int]]) -> None:
        """(row, column) pairs that read differently now."""
        for row, column in cells:
            index = self.index(row, column)
            self.dataChanged.emit(index, index)

    def _remove_range(self, first: int, count: int) -> None:
        self.beginRemoveRows(_NOWHERE, first, first + count - 1)
        del self._rows[first : first + count]
        self._places = {self._key(row): place for place, row in enumerate(self._rows)}
        self.endRemoveRows()

    # Qt ---------------------------------------------------------------------

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column = self.columns[index.column()]
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return column.text(row)
            case Qt.ItemDataRole.ToolTipRole:
                return column.tip(row) if column.tip is not None else None
            case _ if role == SORT_ROLE:
                return sortable(column.raw(row))
            case _:
                return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.title
            case Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
                return int(side | Qt.AlignmentFlag.AlignVCenter)
            case _:
                return None
