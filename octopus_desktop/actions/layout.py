"""Actions on panes, layout and theme."""

from __future__ import annotations

from typing import Final

from octopus_desktop.actions.context import Context
from octopus_desktop.actions.registry import Action, Menu

PANES: Final = (
    ("chart", "Chart"),
    ("watchlist", "Watchlist"),
    ("book", "Order book"),
    ("tape", "Time and sales"),
    ("ticket", "Order ticket"),
    ("positions", "Positions"),
    ("open_orders", "Open orders"),
    ("order_history", "Order history"),
    ("fills", "Fills"),
    ("balances", "Balances"),
    ("log", "Log"),
    ("algos", "Algos"),
)
"""Every pane's id and title. The id is part of the kept layout: never rename one."""

_FOCUS_KEYS = ("Ctrl+1", "Ctrl+2", "Ctrl+3", "Ctrl+4", "Ctrl+5", "Ctrl+6", "Ctrl+7", "Ctrl+8", "Ctrl+9", "Ctrl+0")


def focus_action(pane_id: str) -> str:
    return f"pane.{pane_id}"


def show_action(pane_id: str) -> str:
    return f"pane.show_{pane_id}"


ACTIONS: Final = (
    *(
        Action(
            focus_action(pane_id),
            f"Go to {title.lower()}",
            f"Bring the pane {title} to the front and put the keyboard into it.",
            Menu.VIEW,
            keys=(key,) if key else (),
            submenu="Go to",
        )
        for (pane_id, title), key in zip(PANES, (*_FOCUS_KEYS, "Ctrl+Shift+L", "Ctrl+Shift+A"), strict=True)
    ),
    *(
        Action(
            show_action(pane_id),
            title,
            f"Show or close the pane {title}.",
            Menu.VIEW,
            submenu="Panes",
            toggles=True,
        )
        for pane_id, title in PANES
    ),
    Action("pane.next", "Next pane", "Put the keyboard into the next pane.", Menu.VIEW, keys=("F6",), group="panes"),
    Action(
        "pane.previous",
        "Previous pane",
        "Put the keyboard into the previous pane.",
        Menu.VIEW,
        keys=("Shift+F6",),
        group="panes",
    ),
    Action(
        "pane.close",
        "Close this pane",
        "Close the pane that has the keyboard.",
        Menu.VIEW,
        keys=("Ctrl+W",),
        group="panes",
    ),
    Action(
        "pane.float",
        "Float this pane",
        "Take the pane that has the keyboard out of the window, or put it back.",
        Menu.VIEW,
        keys=("Ctrl+Shift+F",),
        group="panes",
    ),
    Action(
        "layout.reset",
        "Reset the layout",
        "Put every pane back to where it was at the first start.",
        Menu.VIEW,
        keys=("Ctrl+Shift+R",),
        group="layout",
    ),
    Action("theme.dark", "Dark", "Light text on dark ground.", Menu.VIEW, submenu="Theme", toggles=True),
    Action("theme.light", "Light", "Dark text on light ground.", Menu.VIEW, submenu="Theme", toggles=True),
    Action(
        "theme.toggle",
        "Switch dark and light",
        "Change to the other theme.",
        Menu.VIEW,
        keys=("Ctrl+T",),
        submenu="Theme",
    ),
    Action(
        "theme.colour_blind",
        "Blue and orange for up and down",
        "Colours that stay apart for colour-blind eyes.",
        Menu.VIEW,
        submenu="Theme",
        toggles=True,
    ),
    Action(
        "window.full_screen",
        "Full screen",
        "Fill the whole screen, or go back.",
        Menu.VIEW,
        keys=("F11",),
        group="window",
        toggles=True,
    ),
    Action(
        "table.copy",
        "Copy the selected rows",
        "Copy the selected rows, or all that are shown, unrounded, to be pasted into a spreadsheet.",
        Menu.FILE,
        Context.TABLE,
        keys=("Ctrl+C",),
        group="table",
    ),
    Action(
        "table.export",
        "Export the table as CSV…",
        "Write the rows that the table in front shows to a file, in their order, numbers unrounded.",
        Menu.FILE,
        Context.TABLE,
        keys=("Ctrl+E",),
        group="table",
    ),
    Action(
        "table.filter",
        "Filter the table",
        "Show only the rows that hold a text.",
        Menu.FILE,
        Context.TABLE,
        keys=("Ctrl+F",),
        group="table",
    ),
    Action(
        "table.sort_next",
        "Sort by the next column",
        "Sort the table by the column to the right, round the end.",
        Menu.FILE,
        Context.TABLE,
        keys=(">",),
        group="table",
    ),
    Action(
        "table.sort_previous",
        "Sort by the previous column",
        "Sort the table by the column to the left, round the end.",
        Menu.FILE,
        Context.TABLE,
        keys=("<",),
        group="table",
    ),
    Action(
        "table.sort_turn",
        "Sort the other way round",
        "Largest first or smallest first, by the same column.",
        Menu.FILE,
        Context.TABLE,
        keys=("I",),
        group="table",
    ),
)
