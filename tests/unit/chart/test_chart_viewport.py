"""What is seen of a chart: panning, zooming, following, and round numbers on the axes."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.chart.scale import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    SECOND_NS,
    YEAR,
    format_countdown,
    format_moment,
    log_price_ticks,
    price_step,
    price_ticks,
    time_step,
    time_ticks,
)
from ui.chart.viewport import MAX_SPACING, MIN_SPACING, Viewport


def view(**changes: float) -> Viewport:
    result = Viewport(width=800, height=400, low=100.0, high=200.0, wanted_spacing=8.0)
    result.show_last(1000)
    for name, value in changes.items():
        setattr(result, name, value)
    return result


def test_the_newest_candle_stands_near_the_prices_and_the_future_can_be_scrolled_to() -> None:
    """Three candles of air at the right, and more of it for who drags the chart there."""
    v = view()
    assert v.width - v.x_of(1000) == 3 * v.spacing
    v.pan(-400, 1000)
    assert v.width - v.x_of(1000) == 3 * v.spacing + 400


@given(st.floats(-500, 1500), st.floats(0.05, 150))
def test_pixels_and_candles_agree(index: float, spacing: float) -> None:
    """What is under a pixel is painted at that pixel."""
    v = view(wanted_spacing=spacing)
    assert v.index_at(v.x_of(index)) == pytest.approx(index, abs=1e-6)


@given(st.floats(1, 1e6), st.booleans())
def test_pixels_and_prices_agree(price: float, log: bool) -> None:
    """A click at a price line gives that price, on both kinds of axis."""
    v = view()
    v.log = log
    assert v.price_at(v.y_of(price)) == pytest.approx(price, rel=1e-6)
    assert v.y_of(v.high) == pytest.approx(0)
    assert v.y_of(v.low) == pytest.approx(v.height - 1)


@given(st.lists(st.tuples(st.floats(0.5, 2), st.floats(0, 800)), max_size=20))
def test_zoom_keeps_the_candle_under_the_pointer(zooms: list[tuple[float, float]]) -> None:
    """Zooming about the pointer never slides the chart away from under it, nor out of view."""
    v = view()
    v.right = 500_000
    for factor, x in zooms:
        anchor = v.index_at(x)
        v.zoom(factor, x, 1_000_000)
        assert v.index_at(x) == pytest.approx(anchor, abs=1e-6)
        assert MIN_SPACING <= v.wanted_spacing <= MAX_SPACING


def test_wide_candles_stand_on_whole_pixels() -> None:
    """At any zoom where a gap can be seen, every gap is the same."""
    for wanted in (3.2, 5.7, 8.4, 40.6):
        assert view(wanted_spacing=wanted).spacing == round(wanted)
    assert view(wanted_spacing=0.3).spacing == 0.3


def test_one_wheel_notch_always_zooms() -> None:
    """Rounding to whole pixels never swallows a notch."""
    v = view(wanted_spacing=3.0)
    for _ in range(10):
        before = v.spacing
        v.zoom(1.05, 400, 1000)
        assert v.spacing > before
    for _ in range(5):
        before = v.spacing
        v.zoom(0.97, 400, 1000)
        assert v.spacing < before


def test_following_moves_on_with_new_candles() -> None:
    """The newest candle stays where it is as time goes on, until the trader looks back."""
    v = view()
    at = v.x_of(999)
    v.appended(1)
    assert v.x_of(1000) == at
    v.pan(300, 1001)
    assert not v.following
    at = v.x_of(700)
    v.appended(1)
    assert v.x_of(700) == at
    v.show_last(1002)
    assert v.following


def test_history_in_front_moves_nothing() -> None:
    """Loading older candles keeps those on the screen where they are."""
    v = view()
    v.pan(1000, 1000)
    at = v.x_of(800)
    v.prepended(500)
    assert v.x_of(1300) == at


def test_candles_can_never_be_lost_from_view() -> None:
    """However far one drags, some candles stay in sight."""
    v = view()
    v.pan(1e9, 1000)
    assert v.visible(1000) == (0, 3)
    v.pan(-1e9, 1000)
    assert v.visible(1000)[0] >= 990


def test_scaling_prices_by_hand_stops_the_automatic() -> None:
    """Dragging the price axis stretches about the middle and stays until it is fitted again."""
    v = view()
    v.zoom_price(2.0)
    assert not v.auto_price
    assert (v.low, v.high) == (pytest.approx(125), pytest.approx(175))
    v.pan_price(0)
    assert (v.low, v.high) == (pytest.approx(125), pytest.approx(175))
    for _ in range(2000):
        v.zoom_price(2.0)
    assert v.high > v.low
    assert v.fit(100, 200)
    assert v.low < 100
    assert v.high > 200


def test_flat_prices_still_have_a_range() -> None:
    """A market that didn't move is a line in the middle, not a division by zero."""
    v = view()
    v.fit(50, 50)
    assert v.low < 50 < v.high
    assert not v.fit(float("nan"), 1)


@given(st.floats(0.01, 1e6), st.floats(1e-6, 0.5), st.sampled_from([0.01, 0.5, 0.25, 1e-8, 5.0]), st.integers(3, 12))
def test_price_ticks_are_round_and_few(low: float, share: float, tick: float, most: int) -> None:
    """Labels stand on prices the instrument can have, evenly, not more than there is room for."""
    high = low * (1 + share)
    ticks = price_ticks(low, high, tick, most)
    assert len(ticks) <= most + 1
    step = price_step(low, high, tick, most)
    assert step / tick == pytest.approx(round(step / tick))
    for a, b in pairwise(ticks):
        assert b - a == pytest.approx(step, rel=1e-6)
    assert all(low - step * 1e-6 <= price <= high + step * 1e-6 for price in ticks)


def test_price_steps() -> None:
    """The steps are those a trader counts in, also for ticks that divide nothing round."""
    assert price_step(38_000, 39_000, 0.1, 10) == 100
    assert price_step(38_000, 39_000, 0.1, 5) == 200
    assert price_step(0.00001230, 0.00001260, 1e-8, 6) == pytest.approx(5e-8)
    assert price_step(10, 11, 0.3, 4) == pytest.approx(0.3)
    assert price_ticks(1, 1, 0.01, 5) == [1.0]
    assert log_price_ticks(1, 1000, 0.01, 20) == [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    assert log_price_ticks(100, 110, 0.01, 5) == price_ticks(100, 110, 0.01, 5)


def ns(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * SECOND_NS  # type: ignore[arg-type]


def test_days_are_marked_at_midnight() -> None:
    """On an hourly axis the day's first label is its date; a month's and a year's first are theirs."""
    ticks = time_ticks(ns(2021, 12, 31, 13), ns(2022, 1, 2, 1), 6 * HOUR)
    assert [(t.text, t.major) for t in ticks] == [
        ("18:00", False),
        ("2022", True),
        ("06:00", False),
        ("12:00", False),
        ("18:00", False),
        ("2 Jan", True),
    ]


@pytest.mark.parametrize(
    ("step", "start", "stop", "texts"),
    [
        (DAY, (2022, 1, 30), (2022, 2, 2), ["30", "31", "Feb", "2"]),
        (7 * DAY, (2022, 1, 1), (2022, 2, 9), ["2022", "8", "15", "22", "Feb", "8"]),
        (2 * DAY, (2022, 2, 24), (2022, 3, 4), ["25", "27", "Mar", "3"]),
        (3 * MONTH, (2021, 11, 5), (2022, 8, 1), ["2022", "Apr", "Jul"]),
        (YEAR, (2019, 5, 1), (2022, 1, 1), ["2020", "2021", "2022"]),
        (30, (2022, 1, 1, 0, 0, 10), (2022, 1, 1, 0, 1, 30), ["00:00:30", "00:01:00", "00:01:30"]),
    ],
)
def test_calendar_steps(step: int, start: tuple[int, ...], stop: tuple[int, ...], texts: list[str]) -> None:
    """Days count within a month, months within a year; no two labels crowd a month's end."""
    assert [tick.text for tick in time_ticks(ns(*start), ns(*stop), step)] == texts


def test_local_time_survives_daylight_saving() -> None:
    """In Berlin the night the clocks change still has its labels at full six hours of the clock."""
    ticks = time_ticks(ns(2022, 3, 26, 20), ns(2022, 3, 27, 20), 6 * HOUR, ZoneInfo("Europe/Berlin"))
    assert [tick.text for tick in ticks] == ["27 Mar", "06:00", "12:00", "18:00"]
    assert [(b.ts_ns - a.ts_ns) // (HOUR * SECOND_NS) for a, b in pairwise(ticks)] == [5, 6, 6]


def test_time_steps_never_under_a_candle() -> None:
    """Hourly candles get no labels by the minute, however far one zooms in."""
    assert time_step(10, HOUR) == HOUR
    assert time_step(100, 1) == 2 * MINUTE
    assert time_step(1e12, 1) == 10 * YEAR


def test_moments_and_countdowns() -> None:
    """The crosshair names a candle as finely as it is long; the countdown is as wide as it needs."""
    moment = ns(2022, 1, 14, 12, 30, 5)
    assert format_moment(moment, 60) == "Fri 14 Jan 2022  12:30"
    assert format_moment(moment, 1) == "Fri 14 Jan 2022  12:30:05"
    assert format_moment(moment, DAY) == "Fri 14 Jan 2022"
    assert [format_countdown(s) for s in (-3, 37, 271.2, 11_071, 100_000)] == [
        "00:00",
        "00:37",
        "04:32",
        "3:04:31",
        "1d 3h",
    ]
