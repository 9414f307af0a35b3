"""The window: menu, instrument bar, docks, status line, and the frame that says which mode this is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from PySide6 import QtCore  # for Qt: its hundred enums are made with the first look at it, which can wait
from PySide6.QtCore import QEvent, QPoint, QSize, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QMainWindow, QWidget

from octopus_desktop.model.profile import Profile
from ui.preferences import DEFAULTS, Preferences
from ui.theme.theme import Theme
from ui.widgets.mode_frame import FRAME, ModeFrame
from ui.widgets.opening import Opening

if TYPE_CHECKING:
    from octopus_desktop.actions.context import Contexts
    from octopus_desktop.ports import Node
    from ui.dialogs.profile import AddProfile
    from ui.docks import PaneDock
    from ui.frame import Dirty
    from ui.panes.pane import Pane
    from ui.widgets.state_overlay import StateOverlay

P = TypeVar("P")

logger = logging.getLogger(__name__)

DEFAULT_SIZE: Final = QSize(1600, 1000)
LEAST_SIZE: Final = QSize(1000, 600)
_CLOSING: Final = ("kill.pull",)
_FAILED: Final = (*_CLOSING, "app.quit")
"""What the keys still do under the page that says so."""
_KINDS: Final = {"info": "info", "success": "success", "warn": "warn", "error": "error", "alarm": "error"}


class MainWindow(QMainWindow):
    """Shown before anything is in it: `furnish` builds the rest, a step for each turn of the event loop."""

    closing = Signal()
    furnished = Signal()

    def __init__(
        self,
        theme: Theme,
        profile: Profile,
        *,
        safe_mode: bool = False,
        size: QSize | None = None,
        preferences: Preferences = DEFAULTS,
    ) -> None:
        super().__init__()
        self._preferences = preferences
        self.theme = theme
        self.colour_blind = False
        self.safe_mode = safe_mode
        self.add_profile: AddProfile | None = None
        self.docks: dict[str, PaneDock] = {}
        self.last_pane: Pane | None = None
        self.may_close = False
        self._has_failed = False
        self._page: StateOverlay | None = None
        self._profile = profile
        self._asked_size = size
        self.setWindowTitle(f"{profile.name} · {profile.mode.value} · Octopus Desktop")
        self.setMinimumSize(LEAST_SIZE)
        self.resize(size or DEFAULT_SIZE)
        self.setContentsMargins(FRAME, FRAME, FRAME, FRAME)
        # No GroupedDragging: in Qt 6.11 a few tabs dragged with it end in a segmentation fault, often not before a
        # later raise() of a dock. TabRows lets a tab be pulled out without it.
        self.setDockOptions(QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AllowTabbedDocks)
        self.mode_frame = ModeFrame(theme, self, profile.mode.value)
        self.setCentralWidget(Opening("Opening"))
        self._unpainted: list[PaneDock] = []
        self._paint_timer = QTimer(self)
        self._paint_timer.setInterval(0)
        self._paint_timer.timeout.connect(self._paint_next)

    # Building ---------------------------------------------------------------

    def _build_top(self) -> None:
        from ui.theme.icons import app_icon
        from ui.top_row import TopRow
        from ui.widgets.toast import Toasts

        self.setWindowIcon(app_icon())
        self.toasts = Toasts(self.theme, self)
        self.toasts.set_bottom(24)
        self.top = TopRow(self.theme, self._profile.mode)
        self.setMenuWidget(self.top)

    def furnish(self, node: Node, *, since_ns: int | None = None) -> Iterator[None]:
        """Build everything that needs the node, in steps of a few milliseconds each. `node` may not run yet."""
        self._build_top()
        yield
        from ui.questions import Questions
        from ui.session import Session

        self.session = Session(node, self.theme, self, safe_mode=self.safe_mode, preferences=self._preferences)
        self.questions = Questions(self.session, self)
        self.session.told.connect(self._show_toast)
        self.session.instrument_changed.connect(self._paint_in_turns)  # the first who hears of it
        yield
        from ui.panes.all_panes import PANE_CLASSES

        yield
        panes: dict[str, Pane] = {}
        for pane_class in PANE_CLASSES:
            panes[pane_class.pane_id] = yield from pane_class.in_steps(self.session)
        self._name_panes(panes)
        from ui.docks import PaneDock, TabRows
        from ui.kill_panel import KillPanel
        from ui.layout import Layout
        from ui.panes.instrument_bar import InstrumentBar
        from ui.status_line import StatusLine

        self.bar = InstrumentBar(self.session)
        self.bar.search_wanted.connect(self.search_instrument)
        self.kill_panel = KillPanel(self.session, self)
        self.status = StatusLine(self.session)
        yield
        for pane_id, pane in panes.items():
            self.docks[pane_id] = PaneDock(self.theme, pane, self)
            self.docks[pane_id].hide()
            self.docks[pane_id].setUpdatesEnabled(False)
            yield
        # From here to the first whole picture nothing is painted: half a window is worse than a moment's wait.
        self.setUpdatesEnabled(False)
        try:
            self.top.column.addWidget(self.bar)
            self.setStatusBar(self.status)
            yield
            self.setCentralWidget(None)  # type: ignore[arg-type]  # Qt takes None for none; docks then fill the window
            self.layout_keeper = Layout(self, self.docks, self.session, safe_mode=self.safe_mode)
            self.layout_keeper.place()
            yield
            self.layout_keeper.restore(place_window=self._asked_size is None)
            self._tab_rows = TabRows(self, self.docks, self._over_the_tabs)
            yield
        finally:
            self.setUpdatesEnabled(True)
        yield
        for dock in self.docks.values():  # the whole picture at once would be a stutter
            dock.setUpdatesEnabled(True)
            yield
        self._join_panes()
        self._place_messages()
        yield
        yield from self._build_views()
        yield from self.toasts.make_ready()
        yield
        self._start_frames(node, since_ns)
        self.furnished.emit()

    def _place_messages(self) -> None:
        from ui.message_place import place_of_messages

        self.toasts.set_place(lambda size: place_of_messages(self, size))
        for pane_id in ("chart", "ticket"):
            self.docks[pane_id].arranged.connect(self.toasts.place)
            self.docks[pane_id].visibilityChanged.connect(self.toasts.place)

    def _paint_in_turns(self) -> None:
        """Something else is about to be in every pane: the whole picture at once would be a stutter."""
        self._unpainted = list(self.docks.values())
        for dock in self._unpainted:
            dock.setUpdatesEnabled(False)
        self._paint_timer.start()

    def _paint_next(self) -> None:
        if self._unpainted:
            self._unpainted.pop(0).setUpdatesEnabled(True)
        else:
            self._paint_timer.stop()

    def _over_the_tabs(self) -> list[QWidget]:
        pages = [self.palette_page, self.cheat_sheet] if hasattr(self, "palette_page") else []
        last = [self._page] if self._page is not None else []
        return [self.toasts.layer, self.kill_panel, *pages, *last, *self.mode_frame.strips]

    def _name_panes(self, panes: dict[str, Pane]) -> None:
        from ui.panes.algos import AlgosPane
        from ui.panes.chart import ChartPane
        from ui.panes.log import LogPane
        from ui.panes.open_orders import OpenOrdersPane
        from ui.panes.positions import PositionsPane
        from ui.panes.ticket import TicketPane
        from ui.panes.watchlist import WatchlistPane

        def of(kind: type[P]) -> P:
            return next(pane for pane in panes.values() if isinstance(pane, kind))

        self.panes = panes
        self.chart, self.log, self.ticket = of(ChartPane), of(LogPane), of(TicketPane)
        self.algos = of(AlgosPane)
        self.open_orders, self.positions, self.watchlist = of(OpenOrdersPane), of(PositionsPane), of(WatchlistPane)

    def _join_panes(self) -> None:
        """A price clicked anywhere is in the ticket; a position to close is, too."""
        from octopus_desktop.actions.safety import level_action
        from octopus_desktop.model.commands import KillSwitch
        from ui.panes.book import BookPane
        from ui.panes.tape import TapePane

        for pane in self.panes.values():
            if isinstance(pane, BookPane | TapePane):
                pane.price_chosen.connect(self.ticket.take_level)
        self.chart.price_chosen.connect(self.ticket.take_price)
        self.positions.close_wanted.connect(self.ticket.take_closing)
        self.ticket.close_wanted.connect(self.positions.close_selected)
        self.ticket.unlock_wanted.connect(lambda: self.run("entry.unlock"))
        self.status.ledger_wanted.connect(lambda: self.run("ledger.show"))
        self.ticket.confirmation_wanted.connect(self.questions.confirm)
        self.kill_panel.flatten_wanted.connect(lambda: self.session.execute(KillSwitch(flatten=True)))
        self.top.level.chosen.connect(lambda level: self.run(level_action(level)))
        self.layout_keeper.watch()

    def _build_views(self) -> Iterator[None]:
        """Menus, toolbar, keys, palette and cheat sheet: views of one registry."""
        from octopus_desktop.actions.catalog import standard_actions
        from ui.actions import algos, app, chart, layout, safety, trading
        from ui.cheat_sheet import CheatSheet
        from ui.menus import Menus
        from ui.offers import Offers
        from ui.palette import Palette
        from ui.shortcuts import Shortcuts

        self.registry = standard_actions()
        self.cheat_sheet = CheatSheet(self.theme, self, self.registry)
        yield
        self.palette_page = Palette(self.theme, self)
        self._offers = Offers(self.session, self.registry, self.palette_page, self.run)
        yield
        self.handlers: dict[str, Callable[[], object]] = {}
        for subject in (trading, algos, safety, chart, layout, app):
            self.handlers.update(subject.handlers(self))
        self.checks = {**chart.checks(self), **layout.checks(self), **safety.checks(self)}
        yield
        self.menus = Menus(self.registry, self.top.menu_bar, self.run, lambda action_id: self.checks[action_id]())
        yield
        self.shortcuts = Shortcuts(self.registry, self, self.contexts, self.run)
        yield
        self.top.fill(self.registry, self.run)
        self.palette_page.closed.connect(self.shortcuts.update)
        self.cheat_sheet.closed.connect(self.shortcuts.update)
        app_instance = QApplication.instance()
        assert isinstance(app_instance, QApplication)
        app_instance.focusChanged.connect(self._focus_changed)

    def _start_frames(self, node: Node, since_ns: int | None) -> None:
        from ui.frame import FrameLoop
        from ui.outcomes import Outcomes

        self.frames = FrameLoop(node, self.session.state, self)
        since_ns = time.time_ns() if since_ns is None else since_ns
        self._outcomes = Outcomes(self.session, since_ns)
        self.kill_panel.seen_ns = since_ns
        self.frames.ticked.connect(self._ticked)
        self.frames.add(self.top)
        self.frames.add(self.kill_panel)
        self.frames.add(self.bar)
        for pane in self.panes.values():
            self.frames.add(pane)
        self.frames.add(self.status)
        self.frames.start()

    def _ticked(self, dirty: Dirty) -> None:
        failure = self.session.state.failure
        if failure is not None and not self._has_failed:
            self.show_failure(failure.title, failure.text)
        if dirty.instruments:
            self.session.listed(dirty)
        if dirty.log:
            self.log.collect(dirty.log)
        if dirty.order_events:
            state = self.session.state
            self.docks["open_orders"].set_count(len(state.working))
            self.docks["positions"].set_count(sum(1 for each in state.positions.values() if each.quantity))
        if dirty.algos:
            self.docks["algos"].set_count(
                sum(1 for each in self.session.state.algos.values() if not each.status.is_over)
            )
        if dirty.order_events or dirty.algo_events or dirty.notices:
            self._outcomes.take(dirty)

    # Actions ----------------------------------------------------------------

    def run(self, action_id: str) -> None:
        """What every key, menu item and palette entry ends in."""
        if self._page is not None and action_id not in (_FAILED if self._has_failed else _CLOSING):
            return
        try:
            self.handlers[action_id]()
        except Exception:
            logger.exception("%s failed", action_id)
            self.session.tell("error", f"{self.registry[action_id].title} failed", "The log says more.")

    def contexts(self) -> Contexts:
        """Where the keyboard is, innermost first."""
        from octopus_desktop.actions.context import Context

        if not self.palette_page.isHidden() or not self.cheat_sheet.isHidden():
            return (Context.EVERYWHERE,)
        pane = self.focused_pane()
        inside = pane.contexts if pane is not None else ()
        if pane is not None and Context.TABLE in inside and isinstance(QApplication.focusWidget(), QLineEdit):
            inside = ()  # Return and Del belong to the filter's text
        return (*inside, Context.WINDOW, Context.EVERYWHERE)

    def open_palette(self) -> None:
        self._offers.everything()
        self.shortcuts.update()

    def search_instrument(self) -> None:
        self._offers.instruments()
        self.shortcuts.update()

    def _show_toast(self, kind: str, title: str, text: str, about: str) -> None:
        self.toasts.show(_KINDS[kind], title, text, about=about)  # type: ignore[arg-type]  # the keys are all there are

    # Panes ------------------------------------------------------------------

    def focused_pane(self) -> Pane | None:
        """The pane that holds the keyboard, its controls in a row of tabs included."""
        widget = QApplication.focusWidget()
        while widget is not None:
            for dock in self.docks.values():
                if widget is dock or (widget is dock.pane.controls):
                    return dock.pane
            widget = widget.parentWidget()
        return None

    def bring_up(self, pane_id: str) -> None:
        self.docks[pane_id].bring_up()

    def focus_pane(self, pane_id: str) -> None:
        dock = self.docks[pane_id]
        dock.bring_up()
        if dock.isFloating():
            dock.activateWindow()
        dock.pane.focus_target().setFocus(QtCore.Qt.FocusReason.ShortcutFocusReason)
        dock.pane.entered()

    def step_pane(self, step: int) -> None:
        """Among the panes that can be seen, in the order of the registry."""
        seen = [pane_id for pane_id, dock in self.docks.items() if dock.pane.is_seen()]
        if not seen:
            return
        pane = self.focused_pane() or self.last_pane
        here = seen.index(pane.pane_id) if pane is not None and pane.pane_id in seen else -step
        self.focus_pane(seen[(here + step) % len(seen)])

    def toggle_pane(self, pane_id: str) -> None:
        dock = self.docks[pane_id]
        if dock.isHidden():
            self.focus_pane(pane_id)
        else:
            dock.close()

    def close_pane(self) -> None:
        pane = self.focused_pane() or self.last_pane
        if pane is not None:
            self.docks[pane.pane_id].close()
            self.session.tell("info", f"{pane.title} is closed", "View → Panes brings it back.")

    def float_pane(self) -> None:
        pane = self.focused_pane() or self.last_pane
        if pane is not None:
            self.docks[pane.pane_id].toggle_floating()

    def _focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        if new is not None and isinstance(new.window(), QDialog):
            self.shortcuts.reach_into(new.window())
        pane = self.focused_pane()
        if pane is not None:
            self.last_pane = pane
            if not pane.is_seen():
                self.bring_up(pane.pane_id)  # Tab went on to a pane behind other tabs
        for dock in self.docks.values():
            dock.set_active(dock.pane is pane)

    # Layout -----------------------------------------------------------------

    def reset_layout(self) -> None:
        from ui.panes.table_pane import TablePane

        self.layout_keeper.reset()
        for pane in self.panes.values():
            if isinstance(pane, TablePane):
                pane.table.reset_arrangement()
        self.focus_pane("chart")  # the pane with the keyboard may be behind others now

    def toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ QtCore.Qt.WindowState.WindowFullScreen)

    # Theme ------------------------------------------------------------------

    def set_theme(self, name: str | None = None, *, colour_blind: bool | None = None) -> None:
        """Change what is given, and keep it."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        name = name or self.theme.tokens.name
        self.colour_blind = self.colour_blind if colour_blind is None else colour_blind
        self.theme.apply(app, name, self.colour_blind)
        self.session.save("theme", name)
        self.session.save("colour_blind", "yes" if self.colour_blind else "no")

    # Out --------------------------------------------------------------------

    def write_picture(self, path: Path) -> bool:
        """The window as a PNG, at the screen's own pixels, floating panes laid where they are. False if it can't be."""
        picture = self.grab()
        floating = [dock for dock in self.docks.values() if dock.isFloating() and dock.isVisible()]
        if floating:
            painter = QPainter(picture)
            for dock in floating:
                at = dock.mapToGlobal(QPoint(0, 0)) - self.mapToGlobal(QPoint(0, 0))
                painter.drawPixmap(at, dock.grab())
            painter.end()
        return _write(picture, path)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and hasattr(self, "frames"):
            self.frames.set_hidden(self.isMinimized())

    def closeEvent(self, event: QCloseEvent) -> None:
        """The first time the window only says that it is closing; who opened it then stops the node."""
        if self.may_close or not hasattr(self, "frames"):
            self.may_close = True
            self.closing.emit()
            super().closeEvent(event)
            return
        event.ignore()
        if event.spontaneous():  # the trader's own doing; a signal or the end of the program asks nobody
            self.quit()
        else:
            self._say_closing()

    def quit(self) -> None:
        self.questions.quit(self._say_closing)

    def _say_closing(self) -> None:
        self.layout_keeper.keep()
        self.session.save_now()
        self.closing.emit()

    def tell_failure(self, text: str) -> None:
        """Something nobody caught: said where there is a place to say it; the log has it anyway."""
        if hasattr(self, "toasts"):
            self.toasts.show("error", "Something went wrong", f"{text}. The log says more.")

    def show_failure(self, title: str, reason: str) -> None:
        """There is no engine: a sentence that says why and what to do, and a way out."""
        self._has_failed = True
        overlay = self._overlay()
        overlay.action_triggered.connect(self.close)
        overlay.show_state("error", title, reason, action="Close", blank=True)
        overlay.focus_action()
        self.mode_frame.raise_()

    def show_closing(self) -> None:
        """Orders are still being written down: say so rather than freeze."""
        self._overlay().show_state("loading", "Closing: writing everything down", blank=True)
        self.mode_frame.raise_()

    def _overlay(self) -> StateOverlay:
        """Over the whole window: nothing in it is of use any more, and a pane in a window of its own is not either."""
        from ui.widgets.state_overlay import StateOverlay

        if self._page is None:
            self._page = StateOverlay(self.theme, self)
        for dock in self.docks.values():
            dock.setEnabled(False)
        return self._page


def _write(picture: QPixmap, path: Path) -> bool:
    return picture.save(str(path), "PNG")
