"""Opens the terminal: a window at once, what is in it a moment later, and an orderly end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QByteArray, QObject, QSize, Signal
from PySide6.QtWidgets import QApplication

from octopus_desktop.model.profile import Profile
from ui.main_window import LAYOUT_SETTING, MainWindow
from ui.theme.theme import Theme
from ui.theme.tokens import THEMES

if TYPE_CHECKING:
    from octopus_desktop.ports import Node
    from ui.dialogs.profile import AddProfile

logger = logging.getLogger(__name__)

_MODULES_OF_THE_WINDOW: Final = ("ui.panes.all_panes", "ui.palette", "ui.cheat_sheet", "ui.frame", "ui.status_line")


@dataclass(frozen=True, slots=True)
class Options:
    """How a window is to be opened. `size` is in points, `theme` None is the kept one.

    With `screenshot_after_s` the window writes one picture and closes; with `screenshot_every_s` it goes on writing.
    """

    profile: Profile
    theme: str | None = None
    colour_blind: bool | None = None
    safe_mode: bool = False
    size: tuple[int, int] | None = None
    scale: float | None = None
    screenshot_out: Path | None = None
    screenshot_after_s: float | None = None
    screenshot_every_s: float | None = None

    @property
    def takes_pictures(self) -> bool:
        asked = self.screenshot_after_s is not None or self.screenshot_every_s is not None
        return asked and self.screenshot_out is not None


def open_window(node: Node, theme: Theme, options: Options, *, since_ns: int | None = None) -> MainWindow:
    """A window over any node, furnished at once and not shown yet. The node is the caller's to start and stop.

    `since_ns`: orders' events before this are history, and raise no toast (None: before now).
    """
    size = QSize(*options.size) if options.size is not None else None
    window = MainWindow(theme, options.profile, safe_mode=options.safe_mode, size=size)
    for _ in window.furnish(node, since_ns=since_ns):
        pass
    return window


def main(
    options: Options,
    node_factory: Callable[[], Node],
    *,
    setting: Callable[[str], str | None] = lambda key: None,
    add_profile: AddProfile | None = None,
) -> int:
    """Run until the window is closed; the exit code.

    `node_factory` is called on a thread of its own once the window is painted: it may import and open what it needs.
    `setting` answers what an earlier session kept before there is a node (theme, place of the window).
    """
    if options.scale is not None:
        os.environ["QT_SCALE_FACTOR"] = str(options.scale)
    app = QApplication.instance() or QApplication(["octopus-desktop"])
    assert isinstance(app, QApplication)
    app.setApplicationName("Octopus Desktop")
    app.setDesktopFileName("octopus-desktop")
    app.setQuitOnLastWindowClosed(False)  # the loop ends when everything is written, not when the window is gone
    theme = Theme()
    name, colour_blind = _look(options, setting)
    theme.apply(app, name, colour_blind)
    size = QSize(*options.size) if options.size is not None else None
    window = MainWindow(theme, options.profile, safe_mode=options.safe_mode, size=size)
    window.colour_blind = colour_blind
    window.add_profile = add_profile
    if size is None and not options.safe_mode:
        _place_early(window, setting(LAYOUT_SETTING))
    window.show()
    app.processEvents()  # painted, before anything else is even imported
    return _run(app, window, options, node_factory)


def _look(options: Options, setting: Callable[[str], str | None]) -> tuple[str, bool]:
    kept = setting("theme")
    name = options.theme or (kept if kept in THEMES else None) or "dark"
    blind = options.colour_blind if options.colour_blind is not None else setting("colour_blind") == "yes"
    return name, blind


def _place_early(window: MainWindow, layout: str | None) -> None:
    """The window opens where it was closed, and doesn't jump there later."""
    import json

    try:
        geometry = json.loads(layout)["geometry"] if layout else None
    except (ValueError, KeyError, TypeError):
        return  # said once, when the whole layout is read
    if isinstance(geometry, str):
        window.restoreGeometry(QByteArray.fromBase64(geometry.encode()))


def _run(app: QApplication, window: MainWindow, options: Options, node_factory: Callable[[], Node]) -> int:
    import asyncio

    import qasync

    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    terminal = _Terminal(window, options, node_factory)
    failures = Failures(window)
    loop.set_exception_handler(failures.of_loop)
    before = [(number, signal.signal(number, lambda *_: window.close())) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        with loop:
            return int(loop.run_until_complete(terminal.run()))
    finally:
        failures.release()
        for number, handler in before:
            signal.signal(number, handler)


class _Terminal:
    """One session of the window, from the first paint to the last."""

    def __init__(self, window: MainWindow, options: Options, node_factory: Callable[[], Node]) -> None:
        import asyncio

        self._window, self._options, self._factory = window, options, node_factory
        self._closed = asyncio.Event()
        window.closing.connect(self._closed.set)

    async def run(self) -> int:
        import asyncio

        window = self._window
        code = 0
        node: Node | None = None
        pictures: asyncio.Task[int] | None = None
        try:
            node = await self._furnish()
            if self._options.takes_pictures:
                pictures = asyncio.ensure_future(self._take_pictures())
                pictures.add_done_callback(lambda _: self._closed.set())
        except Exception as error:
            logger.exception("the terminal does not start")
            window.show_failure(str(error) or type(error).__name__)
            code = 1
            if self._options.screenshot_after_s is not None:
                self._closed.set()
        await self._closed.wait()
        if pictures is not None:
            if pictures.done():
                code = pictures.result()
            pictures.cancel()
        if node is not None:
            await self._stop(node)
        window.may_close = True
        window.close()
        return code

    async def _furnish(self) -> Node:
        import asyncio
        import importlib

        def prepare() -> Node:
            for name in _MODULES_OF_THE_WINDOW:
                importlib.import_module(name)
            return self._factory()

        node = await asyncio.to_thread(prepare)
        if self._closed.is_set():
            return node
        for _ in self._window.furnish(node):
            await asyncio.sleep(0)  # a turn of the event loop: the window stays alive while it is built
        node.start()
        return node

    async def _stop(self, node: Node) -> None:
        """The node writes down and closes on its own thread; the window says so meanwhile."""
        import asyncio

        if hasattr(self._window, "frames"):
            self._window.frames.stop()
            self._window.show_closing()
        try:
            await asyncio.to_thread(node.stop)
        except Exception:
            logger.exception("the engine did not end well")

    async def _take_pictures(self) -> int:
        import asyncio

        out, once, every = (
            self._options.screenshot_out,
            self._options.screenshot_after_s,
            self._options.screenshot_every_s,
        )
        assert out is not None
        while True:
            await asyncio.sleep(once if once is not None else every or 0)
            ok = self._window.write_picture(out)
            if not ok:
                logger.error("the picture %s cannot be written", out)
            if once is not None:
                return 0 if ok else 1


class Failures(QObject):
    """What nobody caught: logged, and told to the trader; the terminal goes on."""

    _happened = Signal(str)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._happened.connect(window.tell_failure)
        self._before: tuple[Any, Any] = sys.excepthook, threading.excepthook
        sys.excepthook = self._of_main
        threading.excepthook = self._of_thread

    def release(self) -> None:
        sys.excepthook, threading.excepthook = self._before

    def of_loop(self, loop: object, context: dict[str, Any]) -> None:
        """For `loop.set_exception_handler`."""
        error = context.get("exception")
        self._take(error if isinstance(error, BaseException) else None, str(context.get("message", "")))

    def _of_main(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._window.close()
        else:
            self._take(error, "")

    def _of_thread(self, args: threading.ExceptHookArgs) -> None:
        self._take(args.exc_value, "")

    def _take(self, error: BaseException | None, message: str) -> None:
        logger.error("not caught: %s", message or type(error).__name__, exc_info=error)
        self._happened.emit(f"{type(error).__name__}: {error}" if error is not None else message)
