"""The chart of the instrument on the screen: history asked for, live candles, own orders and fills."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from octopus_desktop.actions.context import Context
from octopus_desktop.model.events import CandleChanged, Channel, Link, LinkStatus
from octopus_desktop.model.identifiers import InstrumentId, Interval, symbol_of, venue_of
from octopus_desktop.model.instrument import Instrument, decimals_of
from octopus_desktop.model.market import Candles, Trade
from octopus_desktop.model.orders import Fill, Order, OrderStatus, Side
from octopus_desktop.model.queries import CandlesQuery
from octopus_desktop.state import State
from ui.chart.chart_widget import PriceChart
from ui.chart.scene import ChartFill, ChartOrder
from ui.frame import Dirty
from ui.models.own_orders import OwnOrders
from ui.panes.order_columns import TYPE_WORDS
from ui.panes.pane import Pane, stale_age_s
from ui.session import Session
from ui.theme.numbers import format_quantity
from ui.widgets.segmented import Segment, Segmented

FIRST_CANDLES: Final = 1000
MORE_CANDLES: Final = 2000
KEPT_AFTER_MS: Final = 400
"""A venue that has not answered by then finds what is kept on this disk on the screen."""
_PENDING = {OrderStatus.INITIATED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN}


@dataclass(slots=True)
class _Forming:
    """The candle that trades go into until the venue's own word of it comes."""

    open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    def take(self, trade: Trade) -> None:
        self.high, self.low = max(self.high, trade.price), min(self.low, trade.price)
        self.close = trade.price
        self.volume += trade.quantity


class ChartPane(Pane):
    pane_id = "chart"
    title = "Chart"
    contexts = (Context.CHART,)
    hint = QSize(760, 560)

    price_chosen = Signal(float, object)
    """A price of the plot, and no side."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        theme = session.theme
        self.intervals = Segmented(
            theme,
            [
                Segment(interval.value, interval.value, tooltip=f"{interval.value} candles (G then {number})")
                for number, interval in enumerate(Interval, start=1)
            ],
            height=19,
            name="Timeframe",
        )
        self.intervals.set_value(session.interval.value)
        self.controls = self.intervals
        self.controls_left = True
        self.chart = PriceChart(theme, self)
        self.chart.set_timezone(session.zone)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.chart, 1)
        self.setFocusProxy(self.chart)
        self.intervals.changed.connect(lambda value: session.set_interval(Interval(value)))
        self.chart.history_needed.connect(self._ask_for_older)
        self.chart.price_clicked.connect(lambda price: self.price_chosen.emit(price, None))
        self.chart.state_overlay.action_triggered.connect(self.load)
        session.instrument_changed.connect(self._show)
        session.interval_changed.connect(self._show_interval)
        self._own = OwnOrders[ChartOrder](self._own_order)
        self._fills: list[ChartFill] = []
        self._forming: _Forming | None = None
        self._loaded = False
        self._older_end: int | None = None
        self._kept: tuple[InstrumentId, Interval] | None = None
        """Whose candles of this disk were asked for, and are shown until the venue's come."""
        self._kept_until_ns = 0
        self._ends_in_an_outage = False
        self.chart.set_state("loading", "Waiting for the venue")

    def focus_target(self) -> QWidget:
        return self.chart

    def _show(self, instrument: Instrument) -> None:
        self.chart.set_instrument(
            instrument.symbol,
            instrument.price_precision,
            float(instrument.tick_size),
            f"{self.session.interval.value} · {instrument.venue}",
        )
        self.load()

    def _show_interval(self, interval: Interval) -> None:
        self.intervals.set_value(interval.value)
        if self.session.instrument is not None:
            self._show(self.session.instrument)
        else:
            self._clear(interval)
            self.chart.set_state("loading", "Waiting for the venue")
            self._ask_for_kept()

    # History ----------------------------------------------------------------

    def load(self) -> None:
        """Ask for the newest candles of what is to be shown."""
        instrument, interval = self.session.instrument, self.session.interval
        if instrument is None:
            return
        asked = instrument.instrument_id, interval
        self._loaded, self._forming, self._older_end = False, None, None
        if self._kept != asked or not len(self.chart.series):
            self._clear(interval)
            self.chart.set_state("loading", f"Loading {interval.value} candles of {instrument.symbol}")
        self.missed = True
        self.session.query(
            CandlesQuery(instrument.instrument_id, interval, FIRST_CANDLES),
            self._came,
            lambda reason: self._failed(asked, reason),
        )
        QTimer.singleShot(KEPT_AFTER_MS, self, self._ask_for_kept)

    def _clear(self, interval: Interval) -> None:
        self._kept = None
        none = np.empty(0, np.float64)
        self.chart.set_interval(interval.ns)
        self.chart.set_candles(np.empty(0, np.int64), none, none, none, none, none)

    @property
    def _name(self) -> InstrumentId | None:
        """What is on the screen: until the venue has listed anything, what was there last."""
        instrument = self.session.instrument
        return instrument.instrument_id if instrument is not None else self.session.wanted

    def _is_shown(self, name: InstrumentId, interval: Interval) -> bool:
        return self._name == name and self.session.interval is interval

    def _ask_for_kept(self) -> None:
        name, interval = self._name, self.session.interval
        if name is not None and not self._loaded and self._kept != (name, interval):
            query = CandlesQuery(name, interval, FIRST_CANDLES, kept=True)
            # Where the disk cannot be read, or not yet, the venue's answer is waited for as ever.
            self.session.query(query, self._kept_came, lambda reason: None)

    def _kept_came(self, candles: Candles) -> None:
        name, interval = candles.instrument_id, candles.interval
        if self._loaded or not self._is_shown(name, interval):
            return
        self._kept = name, interval
        if not len(candles):
            return
        chart = self.chart
        if self.session.instrument is None:
            precision = _precision_of(candles.close)
            chart.set_instrument(symbol_of(name), precision, 10.0**-precision, f"{interval.value} · {venue_of(name)}")
            chart.set_interval(interval.ns)
        chart.set_candles(candles.open_ns, candles.open, candles.high, candles.low, candles.close, candles.volume)
        self._kept_until_ns = int(candles.open_ns[-1]) + interval.ns
        self._show_age(self.session.state, time.time_ns())

    def _came(self, candles: Candles) -> None:
        if not self._is_shown(candles.instrument_id, candles.interval):
            return
        self._loaded, self._kept = True, None
        last_ns = int(candles.open_ns[-1]) if len(candles) else 0
        behind = time.time_ns() - last_ns > 2 * candles.interval.ns
        self._ends_in_an_outage = behind and not self._is_connected(candles.instrument_id)
        chart = self.chart
        chart.set_candles(candles.open_ns, candles.open, candles.high, candles.low, candles.close, candles.volume)
        if len(candles):
            chart.set_state("live")
            last = len(candles) - 1
            self._forming = _Forming(
                int(candles.open_ns[last]),
                float(candles.open[last]),
                float(candles.high[last]),
                float(candles.low[last]),
                float(candles.close[last]),
                float(candles.volume[last]),
            )
        else:
            chart.set_state("empty", "No candles yet", hint="The first one appears with the next trade")
        self.missed = True

    def _failed(self, asked: tuple[InstrumentId, Interval], reason: str) -> None:
        if self._is_shown(*asked):
            self._kept = None
            self.chart.set_state("error", "The history did not come", hint=reason, action="Try again")

    def _ask_for_older(self, first_open_ns: int) -> None:
        name, interval = self._name, self.session.interval
        kept = not self._loaded
        if name is None or (kept and self._kept != (name, interval)) or self._older_end == first_open_ns:
            return
        self._older_end = first_open_ns
        query = CandlesQuery(name, interval, MORE_CANDLES, first_open_ns, kept)
        self.session.query(query, lambda older: self._older_came(older, first_open_ns), self._older_failed)

    def _older_came(self, older: Candles, end_ns: int) -> None:
        """Those that end where the chart began when they were asked for, and it has not begun elsewhere since."""
        if self._older_end == end_ns and len(older) and self._is_shown(older.instrument_id, older.interval):
            self.chart.prepend(older.open_ns, older.open, older.high, older.low, older.close, older.volume)

    def _older_failed(self, reason: str) -> None:
        self._older_end = None
        self.session.tell("warn", "Older candles did not come", reason)

    # Live -------------------------------------------------------------------

    def refresh(self, state: State, dirty: Dirty) -> None:
        instrument = self.session.instrument
        if instrument is None:
            return
        name = instrument.instrument_id
        if dirty.everything or dirty.orders:
            self._show_own(state, name, dirty)
        if self._loaded:
            if dirty.everything:
                known = state.market(name).candles.get(self.session.interval)
                self._advance([known] if known is not None else [], [])
            elif name in dirty.candles or name in dirty.trades:
                self._advance(dirty.candles.get(name, ()), dirty.trades.get(name, ()))
        if dirty.everything or name in dirty.feeds:
            self._show_age(state, state.market(name).book.ts_venue_ns)

    def each_second(self, state: State, now_ns: int) -> None:
        if self.session.instrument is None:
            self._ask_for_kept()
        elif self._ends_in_an_outage and self._is_connected(self.session.instrument.instrument_id):
            self._ends_in_an_outage = False
            self._kept = self.session.instrument.instrument_id, self.session.interval  # shown until the whole comes
            self._kept_until_ns = self.chart.series.time_at(len(self.chart.series) - 1) + self.session.interval.ns
            self.load()
        self._show_age(state, now_ns)

    def _is_connected(self, name: InstrumentId) -> bool:
        link = self.session.state.links.get((venue_of(name), Link.MARKET))
        return link is not None and link.status is LinkStatus.UP

    def _advance(self, candles: list[CandleChanged] | tuple[()], trades: list[Trade] | tuple[()]) -> None:
        """Trades move the forming candle; the venue's own candle then has the last word."""
        interval = self.session.interval
        forming = self._forming
        changed = False
        for trade in trades:
            opened = trade.ts_venue_ns // interval.ns * interval.ns
            if forming is None or opened > forming.open_ns:
                if forming is not None and changed:
                    self._draw(forming)
                price = trade.price
                forming = self._forming = _Forming(opened, price, price, price, price, 0.0)
            if opened == forming.open_ns:
                forming.take(trade)
                changed = True
        for candle in candles:
            if candle.interval is not interval or (forming is not None and candle.open_ns < forming.open_ns):
                continue
            if forming is not None and changed and candle.open_ns > forming.open_ns:
                self._draw(forming)
            forming = self._forming = _Forming(
                candle.open_ns, candle.open, candle.high, candle.low, candle.close, candle.volume
            )
            changed = True
        if forming is not None and changed:
            self._draw(forming)

    def _draw(self, candle: _Forming) -> None:
        if not len(self.chart.series):
            self.chart.set_state("live")
        self.chart.update_candle(candle.open_ns, candle.open, candle.high, candle.low, candle.close, candle.volume)

    def _show_own(self, state: State, name: InstrumentId, dirty: Dirty) -> None:
        if self._own.take(state, name, dirty):
            self.chart.set_orders(self._own.shown)
        if dirty.everything:
            self._fills = _fills_of(state.fills, name)
        elif fresh := _fills_of(dirty.fills, name):
            self._fills += fresh
        else:
            return
        self.chart.set_fills(self._fills)

    def _own_order(self, order: Order) -> ChartOrder | None:
        intent = order.intent
        price = intent.price or intent.trigger_price
        if price is None:
            return None
        return ChartOrder(
            order.client_order_id,
            intent.side is Side.BUY,
            float(price),
            format_quantity(order.remaining, self.session.state.instruments[intent.instrument_id].quantity_precision),
            TYPE_WORDS[intent.type],
            order.status in _PENDING or order.cancel_requested,
        )

    def _show_age(self, state: State, now_ns: int) -> None:
        if not len(self.chart.series):
            return
        if not self._loaded:
            if self._kept is not None:
                since_s = max(0.0, (now_ns - self._kept_until_ns) / 1e9)
                self.chart.set_state("stale", "Kept on this disk, waiting for the venue", since_s)
            return
        instrument = self.session.instrument
        if instrument is None:
            return
        age = stale_age_s(state, instrument.instrument_id, Channel.TRADES, now_ns)
        if age is None:
            self.chart.set_state("live")
        else:
            self.chart.set_state("stale", "Stale", age)


def _precision_of(prices: NDArray[np.float64]) -> int:
    """Of an instrument that is not listed yet: the digits its last prices have."""
    return max(decimals_of(Decimal(repr(float(price)))) for price in prices[-100:])


def _fills_of(fills: Iterable[Fill], name: InstrumentId) -> list[ChartFill]:
    return [
        ChartFill(fill.ts_venue_ns, float(fill.price), float(fill.quantity), fill.side is Side.BUY)
        for fill in fills
        if fill.instrument_id == name
    ]
