"""Names of things, each of its own type so that one is never taken for another."""

from __future__ import annotations

import os
import time
from typing import NewType

from octopus_desktop.model.word import Word

Venue = NewType("Venue", str)
"""A place to trade, as the profile calls it: `SIM`, `BINANCE`, `BINANCE_FUTURES`."""

InstrumentId = NewType("InstrumentId", str)
"""`BTCUSDT.SIM`: the venue's own name of the instrument, a dot, the venue."""

ClientOrderId = NewType("ClientOrderId", str)
"""Chosen here before the order is sent; the one name an order always has."""

VenueOrderId = NewType("VenueOrderId", str)
"""Given by the venue when it accepts the order."""

TradeId = NewType("TradeId", str)
"""The venue's name of one execution; unique within an instrument."""

AlgoId = NewType("AlgoId", str)
"""Chosen here when an algo is asked for; its orders name it as their parent."""

IntentToken = NewType("IntentToken", str)
"""One keypress on one ticket. The same token sent twice is the same order."""


class Interval(Word):
    """Length of a candle. The value is the label on screen; `ns` is its length, counted from the epoch in UTC."""

    S1 = "1s"
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def ns(self) -> int:
        return _INTERVAL_NS[self]


_SECOND = 1_000_000_000
_INTERVAL_NS = {
    Interval.S1: _SECOND,
    Interval.M1: 60 * _SECOND,
    Interval.M5: 300 * _SECOND,
    Interval.M15: 900 * _SECOND,
    Interval.M30: 1800 * _SECOND,
    Interval.H1: 3600 * _SECOND,
    Interval.H4: 14400 * _SECOND,
    Interval.D1: 86400 * _SECOND,
}


def instrument_id(symbol: str, venue: Venue) -> InstrumentId:
    return InstrumentId(f"{symbol}.{venue}")


def symbol_of(instrument: InstrumentId) -> str:
    """The venue's own name, for the screen and the wire."""
    return instrument.rpartition(".")[0]


def venue_of(instrument: InstrumentId) -> Venue:
    return Venue(instrument.rpartition(".")[2])


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _base36(number: int) -> str:
    out = ""
    while number:
        number, rest = divmod(number, 36)
        out = _DIGITS[rest] + out
    return out or "0"


def new_client_order_id() -> ClientOrderId:
    """Sorts by time and is unique across starts and machines; 24 characters of `[a-z0-9-]`.

    Binance allows 36 characters of `[.A-Z:/a-z0-9_-]`, the narrowest rule among the venues at hand.
    """
    return ClientOrderId(f"od-{_unique()}")


def new_algo_id() -> AlgoId:
    """As a ClientOrderId, and never equal to one."""
    return AlgoId(f"al-{_unique()}")


def _unique() -> str:
    chance = int.from_bytes(os.urandom(7), "big") >> 6  # 50 bits: ten digits
    return f"{_base36(time.time_ns() // 1000)}-{_base36(chance):0>10}"
