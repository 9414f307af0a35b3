"""The bar at the top: which instrument it is, what it costs, and how its day went."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from octopus_desktop.model.events import Channel
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.models.columns import clock
from ui.panes.pane import stale_age_s
from ui.panes.positions import sign_tone
from ui.session import Session
from ui.theme import fonts
from ui.theme.numbers import NOTHING, format_age, format_change, format_compact, format_percent, format_price


class _Figure(QWidget):
    """A small label over a number."""

    def __init__(self, label: str, width: int) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.label = QLabel(label)
        self.label.setProperty("tone", "lo")
        self.label.setFont(fonts.words(fonts.TABLE))
        self.value = QLabel(NOTHING)
        self.value.setProperty("numeric", True)
        self.value.setProperty("tone", "hi")
        # A fixed size: a text that changes each frame must not have the whole window laid out anew.
        self.value.setFixedSize(width, 16)
        self.setAccessibleName(label)
        column.addWidget(self.label)
        column.addWidget(self.value)

    def say(self, text: str, tone: str = "hi") -> None:
        set_text(self.value, text, tone)


def set_text(label: QLabel, text: str, tone: str) -> None:
    """Touch the label only where something changed: a new tone is a new style."""
    if label.text() != text:
        label.setText(text)
    if label.property("tone") != tone:
        label.setProperty("tone", tone)
        label.style().unpolish(label)
        label.style().polish(label)


_TONES = {"up": "up", "down": "down", "text_mid": "mid"}
_WRITTEN_FROM = (Channel.TRADES, Channel.TICKER, Channel.QUOTES, Channel.MARK_PRICE)


class InstrumentBar(QWidget):
    """It is always there, so it is no dock."""

    search_wanted = Signal()
    slow = False

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.missed = True
        self.setFixedHeight(44)
        self.setAccessibleName("Instrument")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 10, 0)
        row.setSpacing(20)
        self.name = QPushButton("No instrument")
        self.name.setProperty("role", "flat")
        self.name.setFont(fonts.words(fonts.HEADING, bold=True))
        self.name.setStyleSheet(f"font-size: {fonts.HEADING}px; font-weight: 600; padding: 0 6px")
        self.name.setToolTip("Find an instrument (Ctrl+L)")
        self.name.clicked.connect(self.search_wanted)
        self.last = QLabel(NOTHING)
        self.last.setFont(fonts.numbers(fonts.PRICE, bold=True))
        self.last.setStyleSheet(f'font-family: "{fonts.NUMBERS}"; font-size: {fonts.PRICE}px; font-weight: 700')
        self.last.setProperty("tone", "hi")
        self.last.setAccessibleName("Last price")
        self.last.setFixedSize(124, 24)
        self.change = _Figure("24 h change", 150)
        self.high = _Figure("24 h high", 78)
        self.low = _Figure("24 h low", 78)
        self.volume = _Figure("24 h volume", 96)
        self.spread = _Figure("Spread", 116)
        self.funding = _Figure("Funding", 136)
        self.funding.hide()  # perpetuals only
        self.stale = QLabel()
        self.stale.setProperty("tone", "warn")
        row.addWidget(self.name)
        row.addWidget(self.last)
        self._figures = (self.change, self.high, self.low, self.volume, self.spread, self.funding)
        for figure in self._figures:
            row.addWidget(figure)
        row.addStretch(1)
        row.addWidget(self.stale, 0, Qt.AlignmentFlag.AlignVCenter)
        self.right = row
        session.instrument_changed.connect(self._show)

    def _show(self, instrument: Instrument) -> None:
        self.name.setText(f"{instrument.symbol}  ▾")
        self.name.setAccessibleName(f"Instrument {instrument.symbol}, find another")
        self.funding.setVisible(instrument.kind is InstrumentKind.PERPETUAL)
        for figure in self._figures:
            figure.say(NOTHING)  # the last one's day is not this one's, of which nothing may be known yet
        self.missed = True

    def is_seen(self) -> bool:
        return self.isVisible()

    def refresh(self, state: State, dirty: Dirty) -> None:
        instrument = self.session.instrument
        if instrument is None:
            return
        name = instrument.instrument_id
        if dirty.everything or name in dirty.feeds or dirty.system:
            self.each_second(state, time.time_ns())
        elif name in dirty.trades or name in dirty.tickers or name in dirty.quotes:
            self._write(state, instrument, self._ages(state, instrument, 0))

    def _write(self, state: State, instrument: Instrument, ages: dict[Channel, float]) -> None:
        """What comes from a channel with an age is grey."""

        def tone(fresh: str, channel: Channel) -> str:
            return "lo" if channel in ages else fresh

        market, digits = state.market(instrument.instrument_id), instrument.price_precision
        trades = market.trades
        way = str(self.last.property("tone"))
        if len(trades) > 1:
            step = trades[-1].price - trades[-2].price
            way = "up" if step > 0 else "down" if step < 0 else way
        if way == "lo" or not trades:
            way = "hi"
        set_text(self.last, format_price(market.last_price, digits), tone(way, Channel.TRADES))
        ticker = market.ticker
        if ticker is not None:
            first = ticker.last / (1 + ticker.change) if ticker.change > -1 else ticker.last
            moved = format_change(ticker.last - first, digits)
            change = f"{format_percent(ticker.change * 100)}  {moved}"
            self.change.say(change, tone(_TONES[sign_tone(ticker.change, 4)], Channel.TICKER))
            self.high.say(format_price(ticker.high, digits), tone("hi", Channel.TICKER))
            self.low.say(format_price(ticker.low, digits), tone("hi", Channel.TICKER))
            volume = f"{format_compact(ticker.quote_volume)} {instrument.quote}"
            self.volume.say(volume, tone("mid", Channel.TICKER))
        touch = market.touch
        if touch is not None:
            spread = touch[1] - touch[0]
            points = spread / ((touch[0] + touch[1]) / 2) * 10_000
            self.spread.say(f"{format_price(spread, digits)}  {points:.2f} bp", tone("mid", Channel.QUOTES))
        if market.mark is not None:
            rate = format_percent(market.mark.funding_rate * 100, 4)
            funding = f"{rate}  {clock(market.mark.next_funding_ns, self.session.zone)}"
            self.funding.say(funding, tone("mid", Channel.MARK_PRICE))

    def each_second(self, state: State, now_ns: int) -> None:
        instrument = self.session.instrument
        if instrument is None:
            return
        ages = self._ages(state, instrument, now_ns)
        self._write(state, instrument, ages)
        set_text(self.stale, f"Stale · {format_age(max(ages.values()))}" if ages else "", "warn")

    def _ages(self, state: State, instrument: Instrument, now_ns: int) -> dict[Channel, float]:
        """Of the channels that the bar is written from and that are stale."""
        name = instrument.instrument_id
        ages: dict[Channel, float] = {}
        for channel in _WRITTEN_FROM:
            age = stale_age_s(state, name, channel, now_ns)
            if age is not None:
                ages[channel] = age
        if stale_age_s(state, name, Channel.BOOK, now_ns) is None:
            ages.pop(Channel.QUOTES, None)  # the book has the spread, too
        return ages
