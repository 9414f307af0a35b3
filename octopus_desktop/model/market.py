"""Values of the market that are asked for rather than streamed."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from octopus_desktop.model.identifiers import InstrumentId, Interval
from octopus_desktop.model.orders import Side


class Level(NamedTuple):
    """One price of a book. Plain floats: it is looked at, never sent."""

    price: float
    quantity: float


class Trade(Protocol):
    """A public trade. `trade_id` rises within an instrument, `aggressor` took what `price` offered, `ts_venue_ns` is
    the venue's time.

    A protocol, because thousands come each second: what a venue's bytes are decoded to is the trade, and nothing is
    made of it. What is read once per trade may be a property there.
    """

    @property
    def trade_id(self) -> int: ...
    @property
    def price(self) -> float: ...
    @property
    def quantity(self) -> float: ...
    @property
    def aggressor(self) -> Side: ...
    @property
    def ts_venue_ns(self) -> int: ...


class Candles(msgspec.Struct, frozen=True):
    """Columns of equal length, oldest first; `open_ns` is int64 UTC nanoseconds, strictly rising, the rest float64.

    `volume` is in base currency. The last candle may still be forming.
    """

    instrument_id: InstrumentId
    interval: Interval
    open_ns: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.open_ns)

    @classmethod
    def empty(cls, instrument_id: InstrumentId, interval: Interval) -> Candles:
        none = np.empty(0, np.float64)
        return cls(instrument_id, interval, np.empty(0, np.int64), none, none, none, none, none)

    def tail(self, count: int) -> Candles:
        cut = slice(max(0, len(self) - count), None)
        return self._cut(cut)

    def before(self, end_ns: int) -> Candles:
        """The candles that opened before `end_ns`."""
        return self._cut(slice(0, int(np.searchsorted(self.open_ns, end_ns))))

    def _cut(self, cut: slice) -> Candles:
        return Candles(
            self.instrument_id,
            self.interval,
            self.open_ns[cut],
            self.open[cut],
            self.high[cut],
            self.low[cut],
            self.close[cut],
            self.volume[cut],
        )

    def joined(self, newer: Candles) -> Candles:
        """These candles with `newer` behind them; where both have a candle, the newer word counts."""
        if not len(newer):
            return self
        old = self.before(int(newer.open_ns[0]))
        return Candles(
            self.instrument_id,
            self.interval,
            np.concatenate([old.open_ns, newer.open_ns]),
            np.concatenate([old.open, newer.open]),
            np.concatenate([old.high, newer.high]),
            np.concatenate([old.low, newer.low]),
            np.concatenate([old.close, newer.close]),
            np.concatenate([old.volume, newer.volume]),
        )
