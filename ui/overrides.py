"""A mistake in an override of one of Qt's functions is an exception; before Python 3.12 it may end the process.

While Python waits in a call of Qt, PySide puts words before the message of what an override raised, and takes it for
an exception object. Before 3.12 what C code raised (a missing key, a division by zero, an object that Qt deleted) is
none until a Python frame has had it in its hands: the process ends in `PepException_GetArgs`, in the `raise_()` that
brought a pane up because of that pane's `resizeEvent`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

from PySide6.QtCore import QObject


def make_whole() -> None:
    """From now on, in every class made of one of Qt's."""

    def init_subclass(cls: Any, /, **options: Any) -> None:
        super(QObject, cls).__init_subclass__(**options)
        for name, function in list(vars(cls).items()):
            if isinstance(function, FunctionType) and not name.startswith("__") and _is_of_qt(name, cls):
                setattr(cls, name, _whole(function))

    QObject.__init_subclass__ = classmethod(init_subclass)  # type: ignore[assignment]  # of its subclasses, not of itself


def _is_of_qt(name: str, cls: type) -> bool:
    return any(base.__module__.startswith("PySide6.") and name in vars(base) for base in cls.__mro__[1:])


def _whole(override: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(override)
    def run(*arguments: Any) -> Any:
        try:
            return override(*arguments)
        except BaseException:  # an exception that was caught is a whole one
            raise

    return run
