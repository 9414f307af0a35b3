"""The pane around the order book: what is in its title bar."""

from __future__ import annotations

import pytest
from conftest import settle
from PySide6.QtWidgets import QStyle, QStyleOptionComboBox

from ui.main_window import MainWindow
from ui.panes.book import BookPane

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_the_height_of_the_books_rows_can_be_read(window: MainWindow) -> None:
    """The smallest tick of a cheap coin stands in its box as a whole, also after another instrument was shown."""
    book = window.panes["book"]
    assert isinstance(book, BookPane)
    for symbol in ("ETHUSDT", "DOGEUSDT"):
        name = next(name for name in window.session.state.instruments if symbol in name)
        window.session.select(name)
        settle(window)
        box = book.grouping
        option = QStyleOptionComboBox()
        box.initStyleOption(option)
        field = box.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, box
        )
        texts = [box.itemText(place) for place in range(box.count())]
        assert field.width() >= max(box.fontMetrics().horizontalAdvance(text) for text in texts), texts
