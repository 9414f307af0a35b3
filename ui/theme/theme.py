"""The theme in force: apply it to the application, and hear when it changes."""

from __future__ import annotations

from PySide6.QtCore import QDir, QObject, Signal
from PySide6.QtWidgets import QApplication

from ui.theme import fonts
from ui.theme.colors import Colors
from ui.theme.resources import resources_dir
from ui.theme.style import palette, stylesheet
from ui.theme.tokens import DARK, Tokens, tokens

_STYLE = "Fusion"
_STYLED = "octopus_style"
_DRESSED = "octopus_fonts_loaded"


def application(name: str) -> QApplication:
    """The process's own, made where there is none yet: then it has its style from the start.

    A style that is set later is handed out as a Python object, whose enums take longer to make than a window to paint.
    """
    app = QApplication.instance()
    if app is None:
        app = QApplication([name, "-style", _STYLE])
        app.setProperty(_STYLED, True)
    assert isinstance(app, QApplication)
    return app


class Theme(QObject):
    """Colours and fonts in force. Painted widgets take it as their first argument and repaint on `changed`.

    Apply it before the first of them is made: they measure their texts in the shipped fonts.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._colors = Colors(DARK)

    @property
    def colors(self) -> Colors:
        return self._colors

    @property
    def tokens(self) -> Tokens:
        return self._colors.tokens

    def apply(self, app: QApplication, name: str = "dark", colour_blind: bool = False) -> None:
        """Dress `app`: style, palette, style sheet, base font. Emits `changed`.

        Raises `KeyError` for a theme that doesn't exist, before anything is touched.
        """
        table = tokens(name, colour_blind=colour_blind)
        if not app.property(_DRESSED):
            fonts.load_fonts()
            QDir.addSearchPath("octopus", str(resources_dir()))  # the style sheet's url(octopus:…)
            app.setProperty(_DRESSED, True)
        self._colors = Colors(table)
        if not app.property(_STYLED):
            app.setStyle(_STYLE)
        app.setPalette(palette(table))
        app.setFont(fonts.words())
        app.setStyleSheet(stylesheet(table))
        self.changed.emit()
