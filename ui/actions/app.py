"""Handlers of the actions in `octopus_desktop/actions/app.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

if TYPE_CHECKING:
    from ui.main_window import MainWindow


def handlers(window: MainWindow) -> dict[str, Callable[[], object]]:
    def screenshot() -> None:
        name, _ = QFileDialog.getSaveFileName(window, "Save a picture of the window", "octopus.png", "PNG (*.png)")
        if name and not window.write_picture(Path(name)):
            window.session.tell("error", "The picture is not saved", f"{name} cannot be written.")

    return {
        "profile.add": lambda: window.questions.profile(window.add_profile),
        "window.screenshot": screenshot,
        "app.quit": window.quit,
        "palette.open": window.open_palette,
        "message.dismiss": window.toasts.dismiss_newest,
        "help.keys": window.cheat_sheet.open_page,
    }
