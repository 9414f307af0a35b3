"""What a widget has painted, as pixels."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget


def image(widget: QWidget) -> QImage:
    QApplication.processEvents()
    return widget.grab().toImage()


def has_colour(picture: QImage, colour: str) -> bool:
    wanted = int(colour[1:], 16)
    buffer = np.frombuffer(picture.convertToFormat(QImage.Format.Format_RGB32).constBits(), np.uint32)
    return bool(((buffer & 0xFFFFFF) == wanted).any())
