"""Handlers of the actions in `octopus_desktop/actions/layout.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from octopus_desktop.actions.layout import PANES, focus_action, show_action
from ui.panes.table_pane import TablePane
from ui.theme.numbers import count_of

if TYPE_CHECKING:
    from ui.main_window import MainWindow


def handlers(window: MainWindow) -> dict[str, Callable[[], object]]:
    def table() -> TablePane | None:
        pane = window.focused_pane() or window.last_pane
        return pane if isinstance(pane, TablePane) else None

    def in_table(verb: str, act: Callable[[TablePane], object]) -> Callable[[], None]:
        def run() -> None:
            pane = table()
            if pane is None:
                window.session.tell("info", "No table is in front", f"Go into one first, then {verb} it.")
            else:
                act(pane)

        return run

    def copy(pane: TablePane) -> None:
        of_selection = bool(pane.table.selected_rows())
        count = pane.table.copy()
        window.session.tell("info", f"{count_of(count, 'row')} copied", "" if of_selection else _of_filter(pane))

    def export(pane: TablePane) -> None:
        name, _ = QFileDialog.getSaveFileName(window, f"Export {pane.title}", f"{pane.pane_id}.csv", "CSV (*.csv)")
        if name:
            write_table(window, pane, Path(name))

    def show(pane_id: str) -> Callable[[], None]:
        return lambda: window.toggle_pane(pane_id)

    def focus(pane_id: str) -> Callable[[], None]:
        return lambda: window.focus_pane(pane_id)

    return {
        **{focus_action(pane_id): focus(pane_id) for pane_id, _ in PANES},
        **{show_action(pane_id): show(pane_id) for pane_id, _ in PANES},
        "pane.next": lambda: window.step_pane(1),
        "pane.previous": lambda: window.step_pane(-1),
        "pane.close": window.close_pane,
        "pane.float": window.float_pane,
        "layout.reset": window.reset_layout,
        "theme.dark": lambda: window.set_theme("dark"),
        "theme.light": lambda: window.set_theme("light"),
        "theme.toggle": lambda: window.set_theme("light" if window.theme.tokens.is_dark else "dark"),
        "theme.colour_blind": lambda: window.set_theme(colour_blind=not window.colour_blind),
        "window.full_screen": window.toggle_full_screen,
        "table.copy": in_table("copy", copy),
        "table.export": in_table("export", export),
        "table.filter": in_table("filter", TablePane.focus_filter),
        "table.sort_next": in_table("sort", lambda pane: pane.table.step_sort(1)),
        "table.sort_previous": in_table("sort", lambda pane: pane.table.step_sort(-1)),
        "table.sort_turn": in_table("sort", lambda pane: pane.table.turn_sort()),
    }


def write_table(window: MainWindow, pane: TablePane, path: Path) -> None:
    """Write it, and say what came of it."""
    try:
        count = pane.export(path)
    except OSError as error:
        window.session.tell("error", f"{pane.title} is not exported", f"{path}: {error.strerror or error}.")
    else:
        text = f"{path}. {_of_filter(pane)}".removesuffix(". ")
        window.session.tell("success", f"{count_of(count, 'row')} exported", text)


def _of_filter(pane: TablePane) -> str:
    """That rows are missing, and why; empty where none is."""
    if not pane.table.filter_text:
        return ""
    count = len(pane.table.rows_model.rows)
    return f"The filter is on: of {count_of(count, 'row')} those that hold “{pane.filter_edit.text().strip()}”."


def checks(window: MainWindow) -> dict[str, Callable[[], bool]]:
    """What the toggles among them say now."""

    def is_open(pane_id: str) -> Callable[[], bool]:
        return lambda: not window.docks[pane_id].isHidden()

    return {
        **{show_action(pane_id): is_open(pane_id) for pane_id, _ in PANES},
        "theme.dark": lambda: window.theme.tokens.is_dark,
        "theme.light": lambda: not window.theme.tokens.is_dark,
        "theme.colour_blind": lambda: window.colour_blind,
        "window.full_screen": window.isFullScreen,
    }
