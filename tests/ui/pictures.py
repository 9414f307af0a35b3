"""What a widget has painted, as pixels."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from ui.widgets.state_overlay import StateOverlay


def image(widget: QWidget) -> QImage:
    QApplication.processEvents()
    return widget.grab().toImage()


def has_colour(picture: QImage, colour: str) -> bool:
    wanted = int(colour[1:], 16)
    buffer = np.frombuffer(picture.convertToFormat(QImage.Format.Format_RGB32).constBits(), np.uint32)
    return bool(((buffer & 0xFFFFFF) == wanted).any())


def covers_nothing(overlay: StateOverlay) -> bool:
    """It is whole inside of its pane, and what is painted under it is one plain colour."""
    pane = overlay.parentWidget()
    overlay.hide()
    under = image(pane).copy(overlay.geometry()).convertToFormat(QImage.Format.Format_RGB32)
    overlay.show()
    pixels = np.frombuffer(under.constBits(), np.uint32)
    return pane.rect().contains(overlay.geometry()) and bool((pixels == pixels[0]).all())
