"""What the panes share: the node, the screen's copy of the state, and which instrument and timeframe are shown."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Final, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from octopus_desktop.model.commands import (
    Command,
    Outcome,
    Refused,
    SaveSetting,
    Subscribe,
    Unsubscribe,
    UrgentCommand,
)
from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import InstrumentId, Interval, symbol_of
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.queries import Query
from octopus_desktop.ports import Node
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.preferences import DEFAULTS, Preferences
from ui.theme.theme import Theme

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SAVE_AFTER_MS: Final = 400
_GIVES_WAY_S: Final = 0.008
"""Half a display frame: as long as the screen stands still for an order at most."""
_FIRST_WATCHED: Final = 12
_CHOOSES_FOR_S: Final = 3.0
"""How long after the first instrument a better one may take its place on the screen."""
_KNOWN_FIRST: Final = ("BTC", "ETH", "SOL", "BNB", "XRP", "DOGE", "ADA", "LINK", "AVAX", "LTC", "TRX", "DOT")
_ALWAYS: Final = (Channel.BOOK, Channel.TRADES)


class Session(QObject):
    """One window's dealings with one node. Every answer of the node arrives on the Qt thread."""

    instrument_changed = Signal(object)
    """The `Instrument` that every pane shows from now on."""
    interval_changed = Signal(object)
    watchlist_changed = Signal()
    told = Signal(str, str, str, str)
    """Kind (`info`, `success`, `warn`, `error`), title and text of something the trader should see now; and what it is
    about, where it takes the place of an earlier word on that."""
    _answered = Signal(object)

    def __init__(
        self,
        node: Node,
        theme: Theme,
        parent: QObject | None = None,
        *,
        safe_mode: bool = False,
        preferences: Preferences = DEFAULTS,
    ) -> None:
        super().__init__(parent)
        self.preferences = preferences
        self.zone = preferences.zone
        self.node = node
        self.theme = theme
        self.state = State()
        self.safe_mode = safe_mode
        self.instrument: Instrument | None = None
        self.interval = self._kept_interval()
        self.watchlist: list[InstrumentId] = self._kept_watchlist()
        self._has_watchlist = bool(self.watchlist)
        self._watched: set[InstrumentId] = set()
        self._choosing = True
        self._choosing_until: float | None = None
        self._wanted: InstrumentId | None = InstrumentId(node.setting("instrument") or "") or None
        self._unsaved: dict[str, str] = {}
        self._saving = QTimer(self)
        self._saving.setSingleShot(True)
        self._saving.setInterval(_SAVE_AFTER_MS)
        self._saving.timeout.connect(self.save_now)
        # Futures are resolved on the node's thread; the queue of the receiver brings the answer over to this one.
        self._answered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    # The node ---------------------------------------------------------------

    def execute(self, command: Command, then: Callable[[Outcome], None] | None = None) -> None:
        """Send a command; a refusal is told to the trader unless `then` takes the outcome."""
        future = self.node.execute(command)
        if isinstance(command, UrgentCommand):
            # Nothing is painted meanwhile, so the interpreter is the node's: behind repaints each of an order's
            # five changes of thread would wait up to 4 ms.
            with suppress(TimeoutError, CancelledError):
                future.exception(_GIVES_WAY_S)
        self._when_done(future, then or self._tell_refusal, self._tell_failure)

    def query(self, query: Query[T], then: Callable[[T], None], failed: Callable[[str], None]) -> None:
        """Ask; `failed` gets the sentence of the error where there is no answer."""
        self._when_done(self.node.query(query), then, lambda error: failed(str(error) or type(error).__name__))

    def tell(self, kind: str, title: str, text: str = "", about: str = "") -> None:
        self.told.emit(kind, title, text, about)

    def _when_done(
        self, future: Future[Any], then: Callable[[Any], None], failed: Callable[[BaseException], None]
    ) -> None:
        future.add_done_callback(lambda done: self._answered.emit((done, then, failed)))

    def _deliver(self, answer: tuple[Future[Any], Callable[[Any], None], Callable[[BaseException], None]]) -> None:
        future, then, failed = answer
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            failed(error)
        else:
            then(future.result())

    def _tell_refusal(self, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            self.tell("warn", "Refused", outcome.reason)

    def _tell_failure(self, error: BaseException) -> None:
        logger.error("a command failed: %s", error)
        self.tell("error", "It did not work", str(error))

    # Settings ---------------------------------------------------------------

    def setting(self, key: str) -> str | None:
        """What is to be saved counts as saved."""
        return self._unsaved.get(key, self.node.setting(key))

    def save(self, key: str, value: str) -> None:
        """Kept a moment later, so that a splitter being dragged is written once."""
        if self.setting(key) != value:
            self._unsaved[key] = value
            self._saving.start()

    def save_now(self) -> None:
        unsaved, self._unsaved = self._unsaved, {}
        for key, value in unsaved.items():
            self.execute(SaveSetting(key, value), lambda outcome, key=key: self._saved(key, outcome))  # type: ignore[misc]  # the default binds the loop's variable

    def _saved(self, key: str, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            logger.warning("the setting %s is not kept: %s", key, outcome.reason)

    def _kept_interval(self) -> Interval:
        kept = self.node.setting("interval")
        return next((interval for interval in Interval if interval.value == kept), Interval.M1)

    def _kept_watchlist(self) -> list[InstrumentId]:
        text = self.node.setting("watchlist")
        if text is None:
            return []
        try:
            names = json.loads(text)
        except ValueError:
            logger.warning("the kept watchlist cannot be read; starting with a new one")
            return []
        return [InstrumentId(name) for name in names if isinstance(name, str)] if isinstance(names, list) else []

    # What is shown ----------------------------------------------------------

    def listed(self, dirty: Dirty) -> None:
        """Instruments became known, or known better. The first ones decide what the screen shows.

        A venue's list may come over several frames: what was chosen of its first part gives way, for a moment, to
        what is wanted and comes later.
        """
        state = self.state
        if self._choosing_until is None:
            self._choosing_until = time.monotonic() + _CHOOSES_FOR_S
        choosing = self._choosing and time.monotonic() < self._choosing_until
        best = self._best_instrument() if choosing else None
        if not self._has_watchlist and (choosing or not self.watchlist):
            first = self._first_watched()
            if best is not None and best not in first:
                first.append(best)
            if first != self.watchlist:
                self.watchlist = first
                self.watchlist_changed.emit()
        self._watch(self.watchlist)
        self.watch_held()
        if best is not None and (self.instrument is None or self.instrument.instrument_id != best):
            # A turn of the event loop of its own: every pane has much to do then.
            QTimer.singleShot(0, self, lambda: self._choose(best))
        elif self.instrument is not None and self.instrument.instrument_id in dirty.instruments:
            self.instrument = state.instruments[self.instrument.instrument_id]

    @property
    def wanted(self) -> InstrumentId | None:
        """What was on the screen when the last session ended, for whoever has something to show of it already."""
        return self._wanted

    def _choose(self, name: InstrumentId) -> None:
        if self._choosing:  # the trader has not chosen meanwhile
            self._show(name)

    def _best_instrument(self) -> InstrumentId | None:
        """To start with: the one of the last session, the settings', the watchlist's first, any."""
        listed = self.state.instruments
        if self._wanted in listed:
            return self._wanted
        known = (name for name in self.watchlist or self._first_watched() if name in listed)
        return self._named(self.preferences.instrument) or next(known, None) or next(iter(listed), None)

    def select(self, name: InstrumentId) -> None:
        """The trader's choice: show this instrument in every pane."""
        self._choosing = False
        self._show(name)

    def _show(self, name: InstrumentId) -> None:
        instrument = self.state.instruments.get(name)
        if instrument is None:
            self.tell("warn", "No such instrument", f"{name} is not listed by the venue.")
            return
        before = self.instrument
        if before is not None and before.instrument_id == name:
            return
        self.instrument = instrument
        if name not in self.watchlist:
            self.set_watchlist([*self.watchlist, name])
        self._stream(Subscribe, instrument)
        if before is not None:
            self._stream(Unsubscribe, before)
        self.save("instrument", name)
        self.instrument_changed.emit(instrument)

    def set_interval(self, interval: Interval) -> None:
        if interval is self.interval:
            return
        before, self.interval = self.interval, interval
        if self.instrument is not None:
            name = self.instrument.instrument_id
            self.execute(Subscribe(name, Channel.CANDLES, interval))
            self.execute(Unsubscribe(name, Channel.CANDLES, before))
        self.save("interval", interval.value)
        self.interval_changed.emit(interval)

    def step_instrument(self, step: int) -> None:
        """The next (1) or previous (-1) one of the watchlist."""
        known = [name for name in self.watchlist if name in self.state.instruments]
        if known and self.instrument is not None:
            self.select(known[(known.index(self.instrument.instrument_id) + step) % len(known)])

    def set_watchlist(self, names: list[InstrumentId]) -> None:
        self._has_watchlist = True
        gone = set(self.watchlist) - set(names) - self._held()
        self.watchlist = names
        self._watch(names)
        for name in gone:
            if name in self._watched:
                self._watched.discard(name)
                for channel in (Channel.TICKER, Channel.QUOTES):
                    self.execute(Unsubscribe(name, channel))
        self.save("watchlist", json.dumps(names))
        self.watchlist_changed.emit()

    def watch_held(self) -> None:
        """What is held or has orders needs a price, in the watchlist or not."""
        self._watch(self._held())

    def _held(self) -> set[InstrumentId]:
        held = {name for name, position in self.state.positions.items() if position.quantity}
        return held | {order.intent.instrument_id for order in self.state.working.values()}

    def _watch(self, names: Iterable[InstrumentId]) -> None:
        for name in names:
            if name in self.state.instruments and name not in self._watched:
                self._watched.add(name)
                for channel in (Channel.TICKER, Channel.QUOTES):
                    self.execute(Subscribe(name, channel))

    def _stream(self, kind: type[Subscribe] | type[Unsubscribe], instrument: Instrument) -> None:
        name = instrument.instrument_id
        for channel in _ALWAYS:
            self.execute(kind(name, channel))
        if instrument.kind is InstrumentKind.PERPETUAL:
            self.execute(kind(name, Channel.MARK_PRICE))
        self.execute(kind(name, Channel.CANDLES, self.interval))

    def _named(self, symbol: str) -> InstrumentId | None:
        return next((name for name in self.state.instruments if symbol_of(name) == symbol), None)

    def _first_watched(self) -> list[InstrumentId]:
        """A first start's watchlist: the settings', else the best-known coins, then what is traded most.

        Never a dated future: it is thin, and soon over.
        """
        chosen = [name for symbol in self.preferences.watchlist if (name := self._named(symbol)) is not None]
        if chosen:
            return chosen
        listed = [
            each for each in self.state.instruments.values() if each.trading and each.kind is not InstrumentKind.FUTURE
        ]
        by_base = {each.base: each.instrument_id for each in listed if each.quote == "USDT"}
        known = [by_base[base] for base in _KNOWN_FIRST if base in by_base]
        # What has the same volume, or none that is known, keeps the venue's order.
        others = sorted((each for each in listed if each.instrument_id not in known), key=self._traded, reverse=True)
        return known + [each.instrument_id for each in others[: _FIRST_WATCHED - len(known)]]

    def _traded(self, instrument: Instrument) -> tuple[bool, float]:
        """The more, the larger: in dollars first, whose volumes compare, by that of 24 hours where it is known."""
        market = self.state.markets.get(instrument.instrument_id)
        ticker = market.ticker if market is not None else None
        return instrument.quote == "USDT", ticker.quote_volume if ticker is not None else 0.0
