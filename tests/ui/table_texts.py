"""What stands in a table, as it is on the screen."""

from __future__ import annotations

from ui.main_window import MainWindow
from ui.panes.table_pane import TablePane


def shown(window: MainWindow, pane_id: str, column: str) -> list[str]:
    """The texts of a column, as they stand on the screen."""
    pane = window.panes[pane_id]
    assert isinstance(pane, TablePane)
    spec = next(each for each in pane.table.rows_model.columns if each.key == column)
    return [spec.text(row) for row in pane.table.shown_rows()]
