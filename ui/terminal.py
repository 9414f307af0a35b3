"""One session of a painted window: what is in it, what it takes when something fails, and an orderly end."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import qasync
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from octopus_desktop.health.stall import StallWatch
from octopus_desktop.redaction import redact
from ui.main_window import MainWindow
from ui.options import Options

if TYPE_CHECKING:
    from octopus_desktop.ports import Node

logger = logging.getLogger(__name__)

_MODULES_OF_THE_WINDOW: Final = (
    "octopus_desktop.actions.catalog",
    "ui.actions.algos",
    "ui.actions.app",
    "ui.actions.chart",
    "ui.actions.layout",
    "ui.actions.safety",
    "ui.actions.trading",
    "ui.bursts",
    "ui.cheat_sheet",
    "ui.docks",
    "ui.kill_panel",
    "ui.menus",
    "ui.message_place",
    "ui.offers",
    "ui.outcomes",
    "ui.palette",
    "ui.panes.all_panes",
    "ui.panes.instrument_bar",
    "ui.questions",
    "ui.session",
    "ui.shortcuts",
    "ui.status_line",
    "ui.top_row",
    "ui.widgets.toast",
)
"""What `furnish` imports; here it is done beside the window."""
_PAINTED_S: Final = 0.03
"""What the window was filled with is painted in this time, before the node's imports want the interpreter."""
LOADED_S: Final = 5.0
"""After which everything is imported, built and filled for the first time."""


def run(app: QApplication, window: MainWindow, options: Options, node_factory: Callable[[], Node]) -> int:
    """Until the window is closed and the node has stopped; the exit code."""
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    # By itself qasync starts ten QThreads for the first thing that wants one: threads of PySide's, at a moment when the
    # Qt thread makes its first enums. One start in hundreds ended there, in a segmentation fault.
    loop.set_default_executor(ThreadPoolExecutor(2, thread_name_prefix="screen"))
    terminal = _Terminal(window, options, node_factory)
    failures = Failures(window)
    loop.set_exception_handler(failures.of_loop)
    loop.call_later(LOADED_S, _collect_from_now_on)
    watch = StallWatch("the screen's loop", threading.get_ident(), loop.call_soon_threadsafe)
    before = [(number, signal.signal(number, lambda *_: window.close())) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        with loop:
            try:
                return int(loop.run_until_complete(terminal.run()))
            finally:
                watch.stop()
    finally:
        failures.release()
        for number, handler in before:
            signal.signal(number, handler)


def _collect_from_now_on() -> None:
    """The garbage collector, stopped while the program loads, never looks at what was loaded.

    A search through all of it holds up every thread, a repaint or an order, for a tenth of a second.
    """
    gc.freeze()
    gc.enable()


class _Terminal:
    """One session of the window, from the first paint to the last."""

    def __init__(self, window: MainWindow, options: Options, node_factory: Callable[[], Node]) -> None:
        self._window, self._options, self._factory = window, options, node_factory
        self._closed = asyncio.Event()
        self._code = 0
        window.closing.connect(self._closed.set)
        if window.may_close:  # it was closed before anybody listened
            self._closed.set()

    async def run(self) -> int:
        window = self._window
        node: Node | None = None
        pictures: asyncio.Task[int] | None = None
        try:
            node = await self._furnish()
            if self._options.takes_pictures:
                pictures = asyncio.ensure_future(self._take_pictures())
                pictures.add_done_callback(lambda _: self._closed.set())
        except Exception as error:
            logger.exception("the terminal does not start")
            title, reason = "The terminal could not start", str(error) or type(error).__name__
            window.show_failure(title, reason)
            self._fail(f"{title}: {reason}")
            if self._options.screenshot_after_s is not None:
                self._closed.set()
        await self._closed.wait()
        if pictures is not None:
            if pictures.done():
                self._code = max(self._code, pictures.result())
            pictures.cancel()
        if node is not None:
            await self._stop(node)
        window.may_close = True
        window.close()
        return self._code

    def _fail(self, sentence: str) -> None:
        """The window says it over everything; whoever waits at a command line hears it, too."""
        self._code = 1
        _tell(sentence)

    def _look_for_failure(self) -> None:
        failure = self._window.session.state.failure
        if failure is not None and self._code == 0:
            self._fail(f"{failure.title}: {failure.text}")

    async def _furnish(self) -> Node:
        def prepare() -> Node:
            for name in _MODULES_OF_THE_WINDOW:
                importlib.import_module(name)
            return self._factory()

        # PySide makes the enums of `Qt` when it is first wanted, with no lock and for 50 ms: so after the first paint,
        # and before two threads want them at once, this one to end a timer, the other in the modules it imports.
        from PySide6.QtCore import Qt  # noqa: F401

        node = await asyncio.to_thread(prepare)
        if self._closed.is_set():
            return node
        for _ in self._window.furnish(node):
            await asyncio.sleep(0)  # a turn of the event loop: the window stays alive while it is built
        self._window.frames.ticked.connect(self._look_for_failure)
        await asyncio.sleep(_PAINTED_S)
        node.start()
        return node

    async def _stop(self, node: Node) -> None:
        """The node writes down and closes on its own thread; the window says so meanwhile."""
        if hasattr(self._window, "frames"):
            self._window.frames.stop()
            self._window.show_closing()
        try:
            await asyncio.to_thread(node.stop)
        except Exception:
            logger.exception("the engine did not end well")

    async def _take_pictures(self) -> int:
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
            if once is None:
                continue
            if not ok:
                _tell(f"The picture {out} cannot be written.")
            return 0 if ok else 1


def _tell(sentence: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{sentence}\n")


class Failures(QObject):
    """What nobody caught: logged, told to the trader, and given to who listened before; the terminal goes on.

    What is told may be photographed and posted, so it has no secret in it either.
    """

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
        if isinstance(error, Exception):
            self._before[0](type(error), error, error.__traceback__)

    def _of_main(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._window.close()
        else:
            self._take(error, "")
            self._before[0](kind, error, traceback)

    def _of_thread(self, args: threading.ExceptHookArgs) -> None:
        self._take(args.exc_value, "")
        self._before[1](args)

    def _take(self, error: BaseException | None, message: str) -> None:
        logger.error("not caught: %s", message or type(error).__name__, exc_info=error)
        self._happened.emit(redact(f"{type(error).__name__}: {error}" if error is not None else message))
