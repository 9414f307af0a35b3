"""The status line: venue, links, latency, load, journal, clock, and the time of this screen."""

from __future__ import annotations

import time
from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QPushButton, QStatusBar, QWidget

from octopus_desktop.model.events import Link, LinkStatus, Severity, VenueMeasured
from octopus_desktop.model.identifiers import ClientOrderId
from octopus_desktop.model.orders import OrderStatus
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.models.columns import clock
from ui.panes.instrument_bar import set_text
from ui.preferences import zone_word
from ui.session import Session
from ui.theme import fonts
from ui.theme.numbers import count_of, format_change

SLOW_MS = 500.0
SKEWED_MS = 500.0
HEAVY = 0.8

_ITEMS = (
    ("venue", "Venue and the state of its links"),
    ("latency", "The larger of two: the round trip to the venue, and how old market data is when it arrives"),
    ("messages", "Messages a second from the venue"),
    ("weight", "Request weight used of the venue's limit, this minute"),
    ("journal", "The journal that every order is written into before it leaves"),
    ("clock", "The venue's clock minus ours"),
    ("entry", "Order entry"),
    ("unknown", "Orders whose outcome nobody knows yet; the venue is being asked"),
    ("breakers", "Endpoints of the venue that failed so often that they are left alone for a while"),
)


class StatusLine(QStatusBar):
    """What is as it should be is one quiet line; what is not comes up in its colour."""

    slow = True
    ledger_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.missed = True
        self._broken = False
        self._unknown: set[ClientOrderId] = set()
        self.setSizeGripEnabled(False)
        self.setFixedHeight(24)
        self.setAccessibleName("Status")
        self.labels: dict[str, QLabel] = {}
        for key, tooltip in _ITEMS:
            label = QLabel()
            label.setToolTip(tooltip)
            label.setAccessibleName(tooltip)
            label.setContentsMargins(6, 0, 6, 0)
            self.labels[key] = label
            self.addWidget(label)
        self.ledger = QPushButton()
        self.ledger.setProperty("role", "notice")
        self.ledger.setStyleSheet(f"min-height: 18px; max-height: 18px; padding: 0 6px; font-size: {fonts.TABLE}px")
        self.ledger.setToolTip("The venue's balances are not what our fills add up to: show it (Ctrl+Shift+D)")
        self.ledger.setAccessibleName("Ledger differences")
        self.ledger.clicked.connect(self.ledger_wanted)
        self.ledger.hide()
        self.addWidget(self.ledger)
        self.time = QLabel("")
        self.time.setFont(fonts.numbers(fonts.TABLE))
        self.time.setToolTip("Every time on this screen is in this zone; time_zone in settings.toml chooses it")
        self.time.setAccessibleName("Time")
        self.time.setContentsMargins(6, 0, 10, 0)
        self.addPermanentWidget(self.time)
        self.each_second(session.state, time.time_ns())

    def is_seen(self) -> bool:
        return self.isVisible()

    def refresh(self, state: State, dirty: Dirty) -> None:
        if dirty.everything or dirty.orders:
            if dirty.everything:
                self._unknown.clear()
            self._count_unknown(state, state.working.keys() if dirty.everything else dirty.orders)
        if not (dirty.everything or dirty.system or dirty.log):
            return
        profile = self.session.node.profile
        venue = profile.venue
        links = {link: state.links.get((venue, link)) for link in Link}
        down = [link.value for link, event in links.items() if event is not None and event.status is LinkStatus.DOWN]
        going = [link.value for link, event in links.items() if event is None or event.status is LinkStatus.CONNECTING]
        market = links[Link.MARKET]
        if down:
            self._say("venue", f"{venue} ● {' and '.join(down)} down", "danger")
        elif market is None or market.status is not LinkStatus.UP:
            self._say("venue", f"{venue} ● connecting", "warn")
        elif going and len(going) < len(links) - 1:
            self._say("venue", f"{venue} ● {' and '.join(going)} connecting", "warn")
        else:
            self._say("venue", f"{venue} ● connected", "up")
        measured = state.measured.get(venue)
        if measured is not None:
            self._say_latency(measured)
            bad = f" · {measured.bad_messages} bad" if measured.bad_messages else ""
            self._say("messages", f"{measured.messages_per_second:,.0f} msg/s{bad}", "warn" if bad else "mid")
            heavy = measured.weight_limit and measured.weight_used > HEAVY * measured.weight_limit
            self._say("weight", f"weight {measured.weight_used}/{measured.weight_limit}", "warn" if heavy else "mid")
            offset = measured.clock_offset_ms
            self._say("clock", f"clock {format_change(offset, 0)} ms", "warn" if abs(offset) > SKEWED_MS else "mid")
        for line in state.log if dirty.everything else dirty.log:
            if line.severity is Severity.ERROR and line.source.startswith("octopus_desktop.storage"):
                self._broken = True
            elif line.severity is Severity.INFO and line.source == "octopus_desktop.storage.writer":
                self._broken = False  # all that it tells in so low a voice is that it writes again
        if self._broken:
            self._say("journal", "journal: see the log", "danger")
        else:
            self._say("journal", "journal ok" if state.reconciled or state.no_account else "journal …", "mid")
        locked = "safe mode" if self.session.safe_mode else state.entry_locked
        level = state.level.level
        limited = level is not TradingLevel.ACTIVE
        if state.no_account is not None:
            self._say("entry", "no account: market data only", "warn")
        else:
            word = "locked" if locked else level.value.lower() if limited else "open"
            self._say("entry", f"entry {word}", "warn" if locked or limited else "mid")
        why = state.no_account.reason if state.no_account is not None else state.entry_locked or state.level.reason
        self.labels["entry"].setToolTip(why or "Orders can be sent")
        self._say_breakers(state)
        differences = sum(len(check.differences) for check in state.ledger.values())
        self.ledger.setVisible(differences > 0)
        text = f"ledger: {count_of(differences, 'difference')}"
        if self.ledger.text() != text:
            self.ledger.setText(text)

    def _say_latency(self, measured: VenueMeasured) -> None:
        """A line whose pings are quick may bring its data late: the worse of the two is what is traded on."""
        round_trip, age = measured.latency_ms, measured.data_age_ms
        worse = max(round_trip, age or 0.0)
        slow = worse > SLOW_MS
        text = f"data {worse:,.0f} ms late" if slow and worse > round_trip else f"{worse:,.0f} ms"
        self._say("latency", text, "warn" if slow else "mid")
        data = "none came lately that bears a time" if age is None else f"{age:,.0f} ms old when it arrives"
        tip = f"Round trip to the venue: {round_trip:,.0f} ms\nMarket data: {data}\nThe larger one is shown"
        self.labels["latency"].setToolTip(tip)

    def _count_unknown(self, state: State, touched: Iterable[ClientOrderId]) -> None:
        for order_id in touched:
            order = state.orders.get(order_id)
            if order is not None and order.status is OrderStatus.UNKNOWN:
                self._unknown.add(order_id)
            else:
                self._unknown.discard(order_id)
        text = f"{count_of(len(self._unknown), 'order')} UNKNOWN" if self._unknown else ""
        self._say_if("unknown", text, "warn")

    def _say_breakers(self, state: State) -> None:
        """The one that is open longest, and how many more."""
        breakers = sorted(state.breakers.values(), key=lambda each: each.retry_ns, reverse=True)
        if not breakers:
            self._say_if("breakers", "", "danger")
            return
        zone, last = self.session.zone, breakers[0]
        more = f" and {len(breakers) - 1} more" if len(breakers) > 1 else ""
        self._say_if("breakers", f"breaker open: {last.endpoint}{more} until {clock(last.retry_ns, zone)}", "danger")
        lines = [f"{each.endpoint}: {each.reason}; tried again at {clock(each.retry_ns, zone)}" for each in breakers]
        self.labels["breakers"].setToolTip("\n".join(lines))

    def each_second(self, state: State, now_ns: int) -> None:
        zone = self.session.zone
        self.time.setText(f"{clock(now_ns, zone)} {zone_word(zone, now_ns)}")

    def _say_if(self, key: str, text: str, tone: str) -> None:
        """Nothing to say takes no room."""
        self._say(key, text, tone)
        self.labels[key].setVisible(bool(text))

    def _say(self, key: str, text: str, tone: str) -> None:
        set_text(self.labels[key], text, tone)
