"""Actions on the program itself."""

from __future__ import annotations

from typing import Final

from octopus_desktop.actions.registry import Action, Menu

ACTIONS: Final = (
    Action(
        "profile.add",
        "Add a profile…",
        "Name a venue and put its key into the system keyring.",
        Menu.FILE,
        keys=("Ctrl+N",),
    ),
    Action(
        "window.screenshot",
        "Save a picture of the window…",
        "Write the window as a PNG file.",
        Menu.FILE,
        keys=("Ctrl+Shift+S",),
        group="window",
    ),
    Action(
        "app.quit",
        "Quit",
        "Close the terminal; working orders stay at the venue.",
        Menu.FILE,
        keys=("Ctrl+Q",),
        group="quit",
    ),
    Action(
        "palette.open",
        "All actions…",
        "Find any action by a few letters of its name.",
        Menu.HELP,
        keys=("Ctrl+K", "Ctrl+Shift+P"),
    ),
    Action(
        "message.dismiss",
        "Dismiss the newest message",
        "Take the newest message off the screen.",
        Menu.VIEW,
        keys=("Ctrl+D",),
        group="window",
    ),
    Action("help.keys", "Keys", "Every action and its keys on one page.", Menu.HELP, keys=("F1", "?")),
)
