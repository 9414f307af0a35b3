"""A mistake in an override of one of Qt's functions is told like any other that nobody caught.

Left to PySide it may end the process. While Python waits in a call of Qt (a `raise_()` that brings a pane up and has
it laid out), what an override raises is kept for later and comes out of whatever PySide calls next; before Python 3.12
already keeping it is a segmentation fault where C code raised it: a missing key, an object that Qt has deleted.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

from PySide6.QtCore import QObject


def tell_mistakes() -> None:
    """From now on, in every class made of one of Qt's. What failed then answers nothing, which Qt takes for no."""

    def init_subclass(cls: Any, /, **options: Any) -> None:
        super(QObject, cls).__init_subclass__(**options)
        for name, function in list(vars(cls).items()):
            if isinstance(function, FunctionType) and not name.startswith("__") and _is_of_qt(name, cls):
                setattr(cls, name, _told(function))

    QObject.__init_subclass__ = classmethod(init_subclass)  # type: ignore[assignment]  # of its subclasses, not its own


def _is_of_qt(name: str, cls: type) -> bool:
    return any(base.__module__.startswith("PySide6.") and name in vars(base) for base in cls.__mro__[1:])


def _told(override: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(override)
    def run(*arguments: Any) -> Any:
        try:
            return override(*arguments)
        except Exception as error:  # noqa: BLE001  # whatever it is must not reach PySide
            sys.excepthook(type(error), error, error.__traceback__)
            return None

    return run
