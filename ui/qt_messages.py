"""What Qt has to say goes to the log: the terminal that the program was started from is the trader's."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

logger = logging.getLogger(__name__)

_LEVELS: Final = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_HARMLESS: Final = "This plugin does not support "
"""Said by the platform plugin that draws into memory, of wishes only a real window manager can grant."""


@contextmanager
def logged() -> Iterator[None]:
    """From after the QApplication is made: why it cannot be belongs on standard error, where Qt puts it."""
    qInstallMessageHandler(_log)
    try:
        yield
    finally:
        qInstallMessageHandler(None)


def _log(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    level = logging.DEBUG if text.startswith(_HARMLESS) else _LEVELS[kind]
    category = context.category
    logger.log(level, "Qt: %s", text if category in (None, "default") else f"{category}: {text}")
    if kind is QtMsgType.QtFatalMsg and sys.stderr is not None:
        sys.stderr.write(f"{text}\n")  # the process ends here, perhaps before the log is written
