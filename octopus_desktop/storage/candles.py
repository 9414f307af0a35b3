"""Candles as columns: a chunk is a row, a row one blob.

A chunk holds the candles that opened in one stretch of CHUNK lengths of the interval, counted from the epoch, so that
a candle has one place and an older stretch can come later. Its blob is six columns one after the other, each `count`
little-endian 8-byte numbers: open_ns (int64, UTC), open, high, low, close, volume (float64).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from octopus_desktop.model.identifiers import InstrumentId, Interval
from octopus_desktop.model.market import Candles

CHUNK: Final = 1024
"""48 KB. Rewriting the last chunk for one new candle stays cheap; more candles a chunk read no faster."""

_INT: Final = np.dtype("<i8")
_FLOAT: Final = np.dtype("<f8")
_COLUMNS: Final = 6


def chunk_start(open_ns: int, interval: Interval) -> int:
    """The time its chunk is filed under, in UTC nanoseconds."""
    length = interval.ns * CHUNK
    return open_ns // length * length


def pack(candles: Candles) -> bytes:
    floats = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    return b"".join([candles.open_ns.astype(_INT).tobytes(), *(column.astype(_FLOAT).tobytes() for column in floats)])


def unpack(instrument_id: InstrumentId, interval: Interval, blobs: list[bytes]) -> Candles:
    """One series of the chunks in `blobs`, oldest first. Raises ValueError where a blob is not whole columns."""
    parts = []
    for blob in blobs:
        whole, rest = divmod(len(blob), _COLUMNS * _INT.itemsize)
        if rest:
            raise ValueError(f"a chunk of {len(blob)} bytes is not {_COLUMNS} columns")
        parts.append(np.frombuffer(blob, _INT).reshape(_COLUMNS, whole))
    if not parts:
        return Candles.empty(instrument_id, interval)
    table = np.concatenate(parts, axis=1)
    floats: NDArray[np.float64] = table.view(_FLOAT)
    return Candles(instrument_id, interval, table[0], *floats[1:])


def split(candles: Candles) -> list[tuple[int, Candles]]:
    """Chunk start and the candles of that chunk."""
    if not len(candles):
        return []
    length = candles.interval.ns * CHUNK
    starts = candles.open_ns // length * length
    edges = [0, *(np.flatnonzero(np.diff(starts)) + 1).tolist(), len(candles)]
    return [
        (int(starts[low]), candles.before(int(starts[low]) + length).tail(high - low)) for low, high in pairwise(edges)
    ]


def merged(kept: Candles, new: Candles) -> Candles:
    """Both, by time; where both have a candle, the new one counts."""
    if not len(kept) or kept.open_ns[-1] < new.open_ns[0]:
        return kept.joined(new)
    open_ns = np.concatenate([new.open_ns, kept.open_ns])
    times, first = np.unique(open_ns, return_index=True)  # of equal ones the first, which is the new one
    return Candles(
        kept.instrument_id,
        kept.interval,
        times,
        np.concatenate([new.open, kept.open])[first],
        np.concatenate([new.high, kept.high])[first],
        np.concatenate([new.low, kept.low])[first],
        np.concatenate([new.close, kept.close])[first],
        np.concatenate([new.volume, kept.volume])[first],
    )
