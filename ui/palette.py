"""The palette: any action or instrument by a few letters of its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget
from rapidfuzz import fuzz, process, utils

from ui.models.cells import fitted
from ui.overlay_page import OverlayPage
from ui.theme import fonts
from ui.theme.text import TextCache
from ui.theme.theme import Theme
from ui.widgets.line_edit import LineEdit

ROW: Final = 38
_SHOWN: Final = 10
_BEST: Final = 60
_LEAST_SCORE: Final = 45.0
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Entry:
    """`words` is what is searched; `keys` is shown as a key cap, `mark` as a small word before it."""

    entry_id: str
    title: str
    doc: str
    run: Callable[[], None]
    keys: str = ""
    mark: str = ""
    enabled: bool = True

    @property
    def words(self) -> str:
        return f"{self.title} {self.mark} {self.doc}"


def ranked(entries: list[Entry], text: str, recent: Iterable[str] = ()) -> list[Entry]:
    """The entries that fit the text, best first; without a text, the ones used last, then all."""
    order = {entry_id: place for place, entry_id in enumerate(recent)}
    if not text.strip():
        return sorted(entries, key=lambda entry: order.get(entry.entry_id, len(order)))
    titles = {place: entry.title for place, entry in enumerate(entries)}
    words = {place: entry.words for place, entry in enumerate(entries)}
    wanted = utils.default_process(text)
    scores: dict[int, float] = {}
    for choices, weight in ((titles, 1.0), (words, 0.8)):
        for _, score, place in process.extract(
            text, choices, scorer=fuzz.partial_token_set_ratio, processor=utils.default_process, limit=_BEST
        ):
            scores[place] = max(scores.get(place, 0.0), score * weight)
    for place, entry in enumerate(entries):
        title = utils.default_process(entry.title)
        initials = "".join(word[0] for word in title.split())
        bonus = 0.0
        if title.startswith(wanted):
            bonus = 60
        elif any(word.startswith(wanted) for word in title.split()):
            bonus = 45
        elif wanted in title:
            bonus = 30
        elif initials.startswith(wanted.replace(" ", "")):
            bonus = 25
        if bonus:
            scores[place] = scores.get(place, _LEAST_SCORE) + bonus
        if place in scores:
            scores[place] += fuzz.ratio(wanted, title) * 0.2 + (3 if entry.entry_id in order else 0)
    best = sorted(scores.items(), key=lambda item: -item[1])
    return [entries[place] for place, score in best if score >= _LEAST_SCORE][:_BEST]


class _Entries(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def show(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature; it is immutable
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            entry = self.entries[index.row()]
            return f"{entry.title}. {entry.doc} {entry.keys}" if role != Qt.ItemDataRole.DisplayRole else entry.title
        return None


class _EntryPainter(QStyledItemDelegate):
    def __init__(self, theme: Theme, entries: _Entries) -> None:
        super().__init__(entries)
        self._theme, self._entries = theme, entries
        self._title = TextCache(fonts.words(fonts.BASE, bold=True))
        self._doc = TextCache(fonts.words(fonts.TABLE))
        self._keys = TextCache(fonts.numbers(fonts.TABLE))

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(200, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        colors = self._theme.colors
        rect: QRect = option.rect
        entry = self._entries.entries[index.row()]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.select)
            painter.drawRoundedRect(QRectF(rect).adjusted(0, 1, 0, -1), 4, 4)
        right = float(rect.right() - 10)
        for key in reversed(entry.keys.split(" then ") if entry.keys else []):
            width = self._keys.width(key) + 12
            cap = QRectF(right - width, rect.center().y() - 9, width, 19)
            painter.setPen(colors.line)
            painter.setBrush(colors.bg2)
            painter.drawRoundedRect(cap, 3, 3)
            painter.setPen(colors.text_mid)
            self._keys.center(painter, cap.center().x(), cap.center().y(), key)
            right -= width + 4
        if entry.mark:
            painter.setPen(colors.text_lo)
            self._doc.right(painter, right - 4, rect.center().y(), entry.mark)
            right -= self._doc.width(entry.mark) + 12
        painter.setPen(colors.text_hi if entry.enabled else colors.text_lo)
        self._title.left(painter, rect.left() + 10, rect.top() + 12, entry.title)
        painter.setPen(colors.text_lo)
        room = right - rect.left() - 20
        doc = entry.doc if self._doc.width(entry.doc) <= room else fitted(self._doc, entry.doc, room)
        self._doc.left(painter, rect.left() + 10, rect.top() + 27, doc)
        painter.restore()


class _Search(LineEdit):
    """Typing stays here; the arrows, Return and Esc go to the palette."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Down:
                self._palette.step(1)
            case Qt.Key.Key_Up:
                self._palette.step(-1)
            case Qt.Key.Key_PageDown:
                self._palette.step(_SHOWN)
            case Qt.Key.Key_PageUp:
                self._palette.step(-_SHOWN)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._palette.run_current()
            case Qt.Key.Key_Escape:
                self._palette.close_page()
            case Qt.Key.Key_Tab | Qt.Key.Key_Backtab:
                pass  # there is nowhere else to go
            case _:
                super().keyPressEvent(event)


class Palette(OverlayPage):
    """A search over entries that are given anew at each opening."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(theme, window, "Palette")
        self._entries: list[Entry] = []
        self._recent: list[str] = []
        self._used: Callable[[list[str]], None] = lambda recent: None
        self.search = _Search(self)
        self.search.setAccessibleName("Find an action or an instrument")
        self.search.textChanged.connect(self._filter)
        self.model = _Entries(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(_EntryPainter(theme, self.model))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("What was found")
        self.list.setStyleSheet("background: transparent")
        self.list.clicked.connect(self.run_current)
        self.column.addWidget(self.search)
        self.column.addWidget(self.list)

    def offer(
        self, entries: list[Entry], placeholder: str, recent: list[str], used: Callable[[list[str]], None]
    ) -> None:
        """Open over these entries. `used` gets the ids of the last ones run, newest first."""
        self._entries, self._recent, self._used = entries, recent, used
        self.search.setPlaceholderText(placeholder)
        self.search.clear()
        self._filter("")
        self.open_page()

    @property
    def shown(self) -> list[Entry]:
        return self.model.entries

    def focus_first(self) -> None:
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def place_box(self) -> None:
        width = min(620, self.width() - 40)
        height = min(_SHOWN * ROW + 54, self.height() - 80)
        self.box.setGeometry((self.width() - width) // 2, min(70, self.height() // 10), width, height)

    def step(self, by: int) -> None:
        count = len(self.model.entries)
        if count:
            row = self.list.currentIndex().row()
            row = (row + by) % count if abs(by) == 1 else max(0, min(count - 1, row + by))
            self.list.setCurrentIndex(self.model.index(row, 0))

    def run_current(self) -> None:
        row = self.list.currentIndex().row()
        if not 0 <= row < len(self.model.entries):
            return
        entry = self.model.entries[row]
        self.close_page()
        recent = [entry.entry_id, *(each for each in self._recent if each != entry.entry_id)]
        self._used(recent[:20])
        entry.run()

    def _filter(self, text: str) -> None:
        self.model.show(ranked(self._entries, text, self._recent))
        if self.model.entries:
            self.list.setCurrentIndex(self.model.index(0, 0))
