"""The candle series: what it keeps, and that its coarser levels always tell the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ui.chart.series import CandleSeries

Floats = NDArray[np.float64]
Columns = tuple[NDArray[np.int64], Floats, Floats, Floats, Floats, Floats]


def columns(count: int, start: int = 0, seed: int = 1) -> Columns:
    rng = np.random.default_rng(seed)
    o, c = 100 + rng.normal(0, 5, count), 100 + rng.normal(0, 5, count)
    return (
        np.arange(start, start + count, dtype=np.int64),
        o,
        np.maximum(o, c) + rng.random(count),
        np.minimum(o, c) - rng.random(count),
        c,
        rng.random(count),
    )


def check_level(series: CandleSeries, level: int) -> None:
    """Compare every group of a level with its candles, one by one."""
    part = series.slice(0, len(series), level)
    all_ = series.candles
    for number in range(len(part.candles.open)):
        start = part.first + number * part.width
        inside = slice(max(0, start), start + part.width)
        assert part.candles.open[number] == all_.open[inside][0]
        assert part.candles.high[number] == all_.high[inside].max()
        assert part.candles.low[number] == all_.low[inside].min()
        assert part.candles.close[number] == all_.close[inside][-1]
        assert part.candles.volume[number] == pytest.approx(all_.volume[inside].sum())
    assert part.first <= 0
    assert part.first + len(part.candles.open) * part.width >= len(series)


def test_levels_summarise_all_candles() -> None:
    """A thousand candles in two hundred pixels still show every high and low."""
    series = CandleSeries()
    series.replace(*columns(1000))
    for level in range(7):
        check_level(series, level)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 40)),
        st.tuples(st.just("update"), st.floats(50, 150)),
        st.tuples(st.just("prepend"), st.integers(1, 60)),
        st.tuples(st.just("replace"), st.integers(1, 50)),
        st.tuples(st.just("look"), st.integers(0, 6)),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), steps)
def test_levels_stay_true_through_any_history(count: int, actions: list[tuple[str, float]]) -> None:
    """Live candles, new ones and older history in any order: the coarse picture never lags behind."""
    series = CandleSeries()
    series.replace(*columns(count, start=10_000))
    for name, value in actions:
        match name:
            case "append":
                for _ in range(int(value)):
                    series.append(series.time_at(len(series) - 1) + 1, 100, 101 + value, 99 - value, 100.5, 2)
            case "update":
                series.update_last(100, value + 60, value - 60, value, 3)
            case "prepend":
                first = series.time_at(0)
                series.prepend(*columns(int(value), start=first - int(value), seed=int(value)))
            case "replace":
                series.replace(*columns(int(value), start=10_000, seed=int(value)))
            case _:
                check_level(series, int(value))
    for level in range(6):
        check_level(series, level)


def test_grows_past_its_room() -> None:
    """A day of one-second candles, and a year of minutes put in front, fit like ten of them."""
    series = CandleSeries()
    series.replace(*columns(10, start=1_000_000))
    for number in range(40_000):
        series.append(1_000_010 + number, 1, 2, 0.5, 1.5, 1)
    assert series.prepend(*columns(50_000, start=900_000)) == 50_000
    assert len(series) == 90_010
    assert series.time_at(0) == 900_000
    assert series.last() == (1, 2, 0.5, 1.5, 1)
    check_level(series, 9)


def test_history_that_overlaps_is_taken_once() -> None:
    """A page of history that reaches into what is there adds only the older part."""
    series = CandleSeries()
    series.replace(*columns(10, start=100))
    assert series.prepend(*columns(10, start=95)) == 5
    assert series.times.tolist() == list(range(95, 110))
    assert series.prepend(*columns(5, start=95)) == 0


def test_group_borders_stay_when_history_comes() -> None:
    """Scrolling left doesn't make candles on the screen regroup and shimmer."""
    series = CandleSeries()
    series.replace(*columns(500, start=1000))
    before = series.slice(0, 500, 3)
    series.prepend(*columns(37, start=963))
    after = series.slice(37, 537, 3)
    assert after.first - 37 == before.first
    assert after.candles.high[1:].tolist() == before.candles.high[1:].tolist()


def test_bad_input_is_refused() -> None:
    """Candles out of order or columns of different length raise; a row with a hole in it is left out."""
    series = CandleSeries()
    t, o, h, low, c, v = columns(5)
    with pytest.raises(ValueError, match="order"):
        series.replace(t[::-1], o, h, low, c, v)
    with pytest.raises(ValueError, match="length"):
        series.replace(t[:3], o, h, low, c, v)
    h[2] = np.nan
    series.replace(t, o, h, low, c, v)
    assert series.times.tolist() == [0, 1, 3, 4]
    with pytest.raises(ValueError, match="after"):
        series.append(4, 1, 1, 1, 1, 1)
    with pytest.raises(IndexError):
        series.at(4)
    with pytest.raises(IndexError):
        CandleSeries().update_last(1, 1, 1, 1, 1)


def test_price_range_and_lookup() -> None:
    """Fitting prices sees every wick of the view; a moment finds its candle."""
    series = CandleSeries()
    assert series.price_range(0, 10) is None
    data = columns(5000)
    series.replace(*data)
    low, high = series.price_range(100, 300) or (0.0, 0.0)
    assert (low, high) == (data[3][100:300].min(), data[2][100:300].max())
    assert series.index_at_or_before(250) == 250
    assert series.index_at_or_before(-1) == -1
