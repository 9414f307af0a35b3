"""The watchlist: the instruments a trader keeps an eye on. Choosing one shows it in every pane."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from octopus_desktop.actions.context import Context
from octopus_desktop.model.identifiers import InstrumentId, Interval, symbol_of
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.market import Candles
from octopus_desktop.model.market_state import Market
from octopus_desktop.model.queries import CandlesQuery
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.models.columns import Column, Paint
from ui.models.rows_model import RowsModel
from ui.panes.pane import price_age_s
from ui.panes.positions import sign_tone
from ui.panes.table_pane import TablePane
from ui.session import Session
from ui.theme.numbers import NOTHING, format_compact, format_percent, format_price

_TREND_CANDLES: Final = 96
_TREND_INTERVAL: Final = Interval.M15
_LEAST_WIDTH: Final = 252
"""Instrument, last price, change and trend; what else there is gives way."""
_TREND: Final = 3
"""The column of the small line. It costs ten times a figure, and its end hardly moves: each second will do."""
_TICKING: Final = (1, 2, 4, 5)
_ASK_AGAIN_NS: Final = 30_000_000_000


class Watched:
    """One instrument of the list: what is known of its market, and a day of closes."""

    __slots__ = ("ask_at_ns", "closes", "instrument", "market")

    def __init__(self, instrument: Instrument, market: Market) -> None:
        self.instrument = instrument
        self.market = market
        self.closes: deque[float] = deque(maxlen=_TREND_CANDLES)
        self.ask_at_ns = 0

    @property
    def spread_bp(self) -> float | None:
        touch = self.market.touch
        return (touch[1] - touch[0]) / ((touch[1] + touch[0]) / 2) * 10_000 if touch is not None else None

    @property
    def change(self) -> float | None:
        return self.market.ticker.change * 100 if self.market.ticker is not None else None

    def trend(self) -> NDArray[np.float64] | None:
        """A day of 15-minute closes, the last one replaced by the price of now."""
        if len(self.closes) < 2:
            return None
        values = np.fromiter(self.closes, np.float64, len(self.closes))
        last = self.market.last_price
        if last is not None:
            values[-1] = last
        return values


def watch_columns() -> list[Column[Watched]]:
    def volume(row: Watched) -> float | None:
        return row.market.ticker.quote_volume if row.market.ticker is not None else None

    def spread(row: Watched) -> str:
        value = row.spread_bp
        return f"{value:.2f}" if value is not None else NOTHING

    return [
        Column("instrument", "Instrument", lambda w: w.instrument.symbol, lambda w: w.instrument.symbol, 78,
               Paint.NAME, tone=lambda w: "text_hi"),
        Column("last", "Last", lambda w: w.market.last_price,
               lambda w: format_price(w.market.last_price, w.instrument.price_precision), 68),
        Column("change", "24 h", lambda w: w.change, lambda w: format_percent(w.change), 60,
               tone=lambda w: sign_tone(w.change, 4)),
        Column("trend", "Day", lambda w: w.trend(), lambda w: "", 44, Paint.SPARKLINE,
               tone=lambda w: sign_tone(w.change, 4)),
        Column("spread", "bp", lambda w: w.spread_bp, spread, 42, tone=lambda w: "text_mid", least=294,
               tip=lambda w: "Spread in hundredths of a percent"),
        Column("volume", "Vol", volume, lambda w: format_compact(volume(w)), 50, tone=lambda w: "text_mid",
               least=340, tip=lambda w: f"24 hours, in {w.instrument.quote}"),
    ]  # fmt: skip


class WatchlistPane(TablePane):
    pane_id = "watchlist"
    title = "Watchlist"
    contexts = (Context.WATCHLIST, Context.TABLE)
    hint = QSize(340, 420)
    empty_text = "No instruments"
    empty_hint = "Ctrl+L finds one and adds it"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.model = RowsModel[Watched](
            watch_columns(),
            lambda row: row.instrument.instrument_id,
            self,
            faded=lambda row: price_age_s(session.state, row.instrument.instrument_id, 0) is not None,
        )
        self.set_table(self.model, None)
        self.filter_edit.setFixedWidth(110)
        self.table.setMinimumWidth(_LEAST_WIDTH)
        self.table.clicked.connect(self.open_selected)
        self.table.horizontalHeader().setStretchLastSection(False)
        session.watchlist_changed.connect(self._relist)
        session.instrument_changed.connect(self._mark)

    def refresh(self, state: State, dirty: Dirty) -> None:
        if dirty.everything or dirty.instruments:
            self._relist()
        touched = dirty.tickers | dirty.quotes | dirty.trades.keys()
        places = [place for name in touched if (place := self.model.place(name)) is not None]
        # Cell by cell: Qt gives a range a pixel more than its own, and that would be the small line's.
        self.model.touch_cells((place, column) for place in places for column in _TICKING)
        if dirty.feeds or dirty.system:
            self.model.touch_all()
        self.show_state(known=bool(state.instruments))

    def priced(self) -> Iterable[InstrumentId]:
        return [row.instrument.instrument_id for row in self.model.rows]

    def _relist(self) -> None:
        state = self.session.state
        rows = {row.instrument.instrument_id: row for row in self.model.rows}
        wanted = []
        for name in self.session.watchlist:
            instrument = state.instruments.get(name)
            if instrument is None:
                continue
            row = rows.get(name)
            if row is None:
                row = Watched(instrument, state.market(name))
                self._ask_for_trend(row, time.time_ns())
            row.instrument = instrument
            wanted.append(row)
        self.model.replace(wanted)
        if self.session.instrument is not None:
            self._mark(self.session.instrument)

    def each_second(self, state: State, now_ns: int) -> None:
        """A day goes on: every quarter of an hour has a new candle, and what is old gets older."""
        self.show_state(known=bool(state.instruments))
        for row in self.model.rows:
            if now_ns >= row.ask_at_ns:
                self._ask_for_trend(row, now_ns)
        self.model.touch_cells((place, _TREND) for place in range(len(self.model.rows)))

    def _ask_for_trend(self, row: Watched, now_ns: int) -> None:
        """A missing trend is not worth a message: the row says everything else, and it is asked for again."""
        row.ask_at_ns = now_ns + _ASK_AGAIN_NS
        query = CandlesQuery(row.instrument.instrument_id, _TREND_INTERVAL, _TREND_CANDLES)
        self.session.query(query, self._trend_came, lambda reason: None)

    def _trend_came(self, candles: Candles) -> None:
        place = self.model.place(candles.instrument_id)
        if place is None or not len(candles):
            return
        row = self.model.rows[place]
        row.closes.clear()
        row.closes.extend(candles.close.tolist())
        row.ask_at_ns = max(row.ask_at_ns, int(candles.open_ns[-1]) + _TREND_INTERVAL.ns)
        self.model.touch_cells([(place, _TREND)])

    def _mark(self, instrument: Instrument) -> None:
        place = self.model.place(instrument.instrument_id)
        if place is not None and self.selected() != instrument.instrument_id:
            self.table.select_place(place)

    def selected(self) -> InstrumentId | None:
        rows = self.table.selected_rows()
        return rows[0].instrument.instrument_id if rows else None

    def open_selected(self) -> None:
        """Show the selected instrument everywhere."""
        name = self.selected()
        if name is not None:
            self.session.select(name)

    def remove_selected(self) -> None:
        """Take the selected instruments off the list; the one on the screen stays."""
        shown = self.session.instrument.instrument_id if self.session.instrument is not None else None
        chosen = {row.instrument.instrument_id for row in self.table.selected_rows()}
        if shown is not None and shown in chosen:
            self.session.tell("info", f"{symbol_of(shown)} stays", "It is the instrument on the screen.")
        gone = chosen - {shown}
        if gone:
            self.session.set_watchlist([name for name in self.session.watchlist if name not in gone])
