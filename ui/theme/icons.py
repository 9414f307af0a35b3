"""The program's own icons, painted from paths on a 16 × 16 grid: no icon font, sharp at every scale."""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QGuiApplication, QIcon, QPainter, QPainterPath, QPen, QPixmap

from ui.theme.tokens import Tokens, mix

# Polylines; a leading "o" is a circle (x, y, radius), "." a filled dot.
_SHAPES: dict[str, tuple[tuple[str | float, ...], ...]] = {
    "close": ((4.5, 4.5, 11.5, 11.5), (11.5, 4.5, 4.5, 11.5)),
    "plus": ((8, 3.5, 8, 12.5), (3.5, 8, 12.5, 8)),
    "minus": ((3.5, 8, 12.5, 8),),
    "check": ((3.5, 8.5, 6.5, 11.5, 12.5, 5),),
    "search": (("o", 7, 7, 4), (10, 10, 13.5, 13.5)),
    "chevron-down": ((4.5, 6.5, 8, 10, 11.5, 6.5),),
    "chevron-up": ((4.5, 9.5, 8, 6, 11.5, 9.5),),
    "chevron-left": ((9.5, 4.5, 6, 8, 9.5, 11.5),),
    "chevron-right": ((6.5, 4.5, 10, 8, 6.5, 11.5),),
    "lock": ((4, 7.5, 12, 7.5, 12, 13, 4, 13, 4, 7.5), (5.5, 7.5, 5.5, 5, 7, 3, 9, 3, 10.5, 5, 10.5, 7.5)),
    "unlock": ((4, 7.5, 12, 7.5, 12, 13, 4, 13, 4, 7.5), (5.5, 7.5, 5.5, 5, 7, 3, 9, 3, 10.3, 4.4)),
    "trash": (
        (3.5, 4.5, 12.5, 4.5),
        (6.5, 4.5, 6.5, 3, 9.5, 3, 9.5, 4.5),
        (4.5, 4.5, 5, 13, 11, 13, 11.5, 4.5),
    ),
    "warning": ((8, 2.8, 14, 13, 2, 13, 8, 2.8), (8, 6.5, 8, 9.4), (".", 8, 11.2, 0.8)),
    "info": (("o", 8, 8, 5.5), (8, 7.5, 8, 11), (".", 8, 5.3, 0.8)),
    "float": ((3.5, 5.5, 10.5, 5.5, 10.5, 12.5, 3.5, 12.5, 3.5, 5.5), (6, 5.5, 6, 3.5, 12.5, 3.5, 12.5, 10, 10.5, 10)),
    "columns": ((3, 3.5, 13, 3.5, 13, 12.5, 3, 12.5, 3, 3.5), (6.5, 3.5, 6.5, 12.5), (9.7, 3.5, 9.7, 12.5)),
    "export": ((8, 2.5, 8, 9.5), (5, 6.5, 8, 9.5, 11, 6.5), (3, 10, 3, 13, 13, 13, 13, 10)),
    "copy": ((5.5, 5.5, 12.5, 5.5, 12.5, 13, 5.5, 13, 5.5, 5.5), (3.5, 10.5, 3.5, 3, 10.5, 3)),
    "filter": ((2.5, 3.5, 13.5, 3.5, 9.5, 8.5, 9.5, 13, 6.5, 11.5, 6.5, 8.5, 2.5, 3.5),),
    "settings": ((2.5, 5, 13.5, 5), (2.5, 11, 13.5, 11), ("o", 6, 5, 1.8), ("o", 10, 11, 1.8)),
    "candles": (
        (5, 2.5, 5, 4.5),
        (3.5, 4.5, 6.5, 4.5, 6.5, 10, 3.5, 10, 3.5, 4.5),
        (5, 10, 5, 13),
        (11, 3.5, 11, 6),
        (9.5, 6, 12.5, 6, 12.5, 11.5, 9.5, 11.5, 9.5, 6),
        (11, 11.5, 11, 13.5),
    ),
    "book": ((3, 4, 13, 4), (3, 6.7, 9, 6.7), (3, 9.4, 11, 9.4), (3, 12, 7, 12)),
    "clock": (("o", 8, 8, 5.5), (8, 4.8, 8, 8, 10.5, 9.5)),
    "link": ((6, 8, 10, 8), (7, 5, 5, 5, 3, 8, 5, 11, 7, 11), (9, 5, 11, 5, 13, 8, 11, 11, 9, 11)),
    "refresh": (
        (12.5, 6.5, 11, 4.2, 8, 3.2, 5, 4.3, 3.3, 7.5, 4.2, 10.8, 7.4, 12.8, 11, 11.6, 12.7, 9.5),
        (12.8, 3.2, 12.8, 6.7, 9.3, 6.7),
    ),
    "star": (
        (8, 2.5, 9.7, 6.2, 13.6, 6.6, 10.7, 9.3, 11.5, 13.2, 8, 11.2),
        (8, 11.2, 4.5, 13.2, 5.3, 9.3, 2.4, 6.6, 6.3, 6.2, 8, 2.5),
    ),
    "pause": ((5.5, 4, 5.5, 12), (10.5, 4, 10.5, 12)),
    "play": ((5, 3.5, 12, 8, 5, 12.5, 5, 3.5),),
    "sun": (
        ("o", 8, 8, 2.6),
        (8, 2, 8, 3.3),
        (8, 12.7, 8, 14),
        (2, 8, 3.3, 8),
        (12.7, 8, 14, 8),
        (3.8, 3.8, 4.7, 4.7),
        (11.3, 11.3, 12.2, 12.2),
        (3.8, 12.2, 4.7, 11.3),
        (11.3, 4.7, 12.2, 3.8),
    ),
}  # fmt: skip

NAMES = tuple(_SHAPES)


def icon(name: str, tokens: Tokens, size: int = 16) -> QIcon:
    """A toolbar icon in the theme's greys; checked it takes the accent. Raises `KeyError` for another name.

    Painted at the scales of the screens there are: a window with thirty icons opens no later for them.
    """
    result = QIcon()
    for scale in sorted({screen.devicePixelRatio() for screen in QGuiApplication.screens()} or {1.0}):
        for mode, state, colour in (
            (QIcon.Mode.Normal, QIcon.State.Off, tokens.text_mid),
            (QIcon.Mode.Active, QIcon.State.Off, tokens.text_hi),
            (QIcon.Mode.Disabled, QIcon.State.Off, mix(tokens.bg0, tokens.text_lo, 0.6)),
            (QIcon.Mode.Normal, QIcon.State.On, tokens.accent),
        ):
            result.addPixmap(icon_pixmap(name, QColor(colour), size, scale), mode, state)
    return result


def icon_pixmap(name: str, colour: QColor, size: int = 16, scale: float = 1.0) -> QPixmap:
    """One icon as a transparent pixmap of `size` logical pixels at a screen's `scale`."""
    return _painted(name, colour.rgba(), size, scale)


@lru_cache(maxsize=256)
def _painted(name: str, rgba: int, size: int, scale: float) -> QPixmap:
    colour = QColor.fromRgba(rgba)
    pixmap = QPixmap(round(size * scale), round(size * scale))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(pixmap.width() / 16, pixmap.height() / 16)
    pen = QPen(colour, 1.3)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    for shape in _SHAPES[name]:
        path = QPainterPath()
        if isinstance(shape[0], str):
            x, y, radius = (float(number) for number in shape[1:])
            path.addEllipse(QPointF(x, y), radius, radius)
            painter.setBrush(colour if shape[0] == "." else Qt.BrushStyle.NoBrush)
        else:
            points = [float(number) for number in shape]
            path.moveTo(points[0], points[1])
            for x, y in zip(points[2::2], points[3::2], strict=True):
                path.lineTo(x, y)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen if shape[0] != "." else QPen(Qt.PenStyle.NoPen))
        painter.drawPath(path)
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap


@cache
def app_icon() -> QIcon:
    """The octopus, at the sizes task bars and window lists ask for. Needs a QGuiApplication."""
    result = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        result.addPixmap(octopus_pixmap(size))
    return result


def octopus_pixmap(size: int) -> QPixmap:
    """The octopus on its dark tile, `size` device pixels wide."""
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / 64, size / 64)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#141B2B"))
    painter.drawRoundedRect(QRectF(0, 0, 64, 64), 14, 14)
    arm = QPen(QColor("#8B7CFF"), 5)
    arm.setCapStyle(Qt.PenCapStyle.RoundCap)
    arm.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(arm)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for path in _arms():
        painter.drawPath(path)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(QColor("#8B7CFF")))
    painter.drawPath(_head())
    painter.setBrush(QColor("#FFFFFF"))
    for x in (25.5, 38.5):
        painter.drawEllipse(QPointF(x, 28.5), 4.6, 4.6)
    painter.setBrush(QColor("#141B2B"))
    for x in (26.7, 37.3):
        painter.drawEllipse(QPointF(x, 29.2), 2.2, 2.2)
    painter.end()
    return pixmap


def _head() -> QPainterPath:
    path = QPainterPath(QPointF(15, 37))
    path.cubicTo(12, 20, 19, 9, 32, 9)
    path.cubicTo(45, 9, 52, 20, 49, 37)
    path.cubicTo(47, 43, 17, 43, 15, 37)
    return path


def _arms() -> list[QPainterPath]:
    """Two pairs of four: each arm of the left half and its mirror."""
    left = (
        ((18, 36), (13, 44), (6, 41), (8, 35)),
        ((21, 38), (19, 48), (9, 51), (8, 46)),
        ((25, 39), (25, 50), (19, 57), (15, 54)),
        ((30, 39), (30, 50), (28, 56), (25, 57)),
    )
    arms = []
    for start, a, b, end in left:
        for mirror in (False, True):
            xy = [(64 - x, y) if mirror else (x, y) for x, y in (start, a, b, end)]
            path = QPainterPath(QPointF(*xy[0]))
            path.cubicTo(QPointF(*xy[1]), QPointF(*xy[2]), QPointF(*xy[3]))
            arms.append(path)
    return arms
