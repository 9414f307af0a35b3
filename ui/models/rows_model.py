"""A table model over rows with keys that changes row by row: a reset would lose selection and scroll position."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final, Generic

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer

from ui.models.columns import Column, Row, sortable

SORT_ROLE: Final = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex
_NOWHERE: Final = QModelIndex()
AT_ONCE: Final = 64
"""As many rows go in at once: a table of thousands would stand still for half a second."""
_TURN_S: Final = 0.008
_PAUSE_MS: Final = 4


class RowsModel(QAbstractTableModel, Generic[Row]):
    """Rows in the order of their coming. `faded` says which rows are pending or past and shown dim.

    Of many new rows the last are there at once and the others follow, slice by slice, in front of them.
    """

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
        self._keys: list[Hashable] = []
        self._places: dict[Hashable, int] = {}
        self._coming: dict[Hashable, Row] = {}
        self._gap = 0  # where the coming rows belong
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.setInterval(_PAUSE_MS)
        self._turn.timeout.connect(self._let_in)

    # Rows -------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[Row]:
        """Those that are in."""
        return self._rows

    def row(self, index: _Index) -> Row:
        return self._rows[index.row()]

    def place(self, key: Hashable) -> int | None:
        return self._places.get(key)

    def append(self, rows: Iterable[Row]) -> None:
        """New rows after all others; their keys must be new."""
        fresh = list(rows)
        if len(fresh) > AT_ONCE:
            self.flush()
            self._gap = len(self._rows)
            self._coming = {self._key(row): row for row in fresh[:-AT_ONCE]}
            self._turn.start()
        self._insert(len(self._rows), fresh[-AT_ONCE:])

    def flush(self) -> None:
        """Let everything in that is still coming."""
        self._turn.stop()
        coming, self._coming = list(self._coming.values()), {}
        if coming:
            self._insert(self._gap, coming)
            self._number(self._gap)

    def _let_in(self) -> None:
        """A turn's worth of what is coming, the newest first."""
        until = time.monotonic() + _TURN_S
        while self._coming and time.monotonic() < until:
            newest = [self._coming.popitem()[1] for _ in range(min(AT_ONCE, len(self._coming)))]
            self._insert(self._gap, newest[::-1])
        self._number(self._gap)
        if self._coming:
            self._turn.start()

    def _insert(self, first: int, fresh: list[Row]) -> None:
        """Whoever inserts before the end numbers the rows anew, once."""
        if not fresh:
            return
        self.beginInsertRows(_NOWHERE, first, first + len(fresh) - 1)
        keys = [self._key(row) for row in fresh]
        self._rows[first:first] = fresh
        self._keys[first:first] = keys
        self._places.update((key, first + offset) for offset, key in enumerate(keys))
        self.endInsertRows()

    def _number(self, first: int) -> None:
        """From that row on: those before it stay where they are."""
        self._places.update(zip(itertools.islice(self._keys, first, None), itertools.count(first)))

    def upsert(self, row: Row) -> None:
        key = self._key(row)
        place = self._places.get(key)
        if key in self._coming:
            self._coming[key] = row
        elif place is None:
            self.append([row])
        else:
            self._rows[place] = row
            self.dataChanged.emit(self.index(place, 0), self.index(place, len(self.columns) - 1))

    def remove(self, key: Hashable) -> None:
        """Nothing happens where there is no such row."""
        place = self._places.get(key)
        if place is not None:
            self._remove_range(place, 1)
        self._coming.pop(key, None)

    def drop_first(self, count: int) -> None:
        """Forget the oldest rows."""
        if count > 0:
            self.flush()
            self._remove_range(0, min(count, len(self._rows)))

    def replace(self, rows: Iterable[Row]) -> None:
        """Make these the rows, touching only what differs."""
        wanted = {self._key(row): row for row in rows}
        self._coming = {}
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
        for key in self._keys[first : first + count]:
            del self._places[key]
        del self._rows[first : first + count]
        del self._keys[first : first + count]
        self._number(first)
        self._gap -= max(0, min(count, self._gap - first))
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
                return sortable((column.rank or column.raw)(row))
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
