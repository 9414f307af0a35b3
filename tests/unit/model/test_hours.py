"""The hours in which something may be added, as a trader writes them."""

from __future__ import annotations

import pytest

from octopus_desktop.model.limits import MINUTE_NS, Hours


def allowed(hours: Hours) -> set[int]:
    """The hours of the day, by their first minute."""
    return {hour for hour in range(24) if hours.contains(hour * 60 * MINUTE_NS)}


@pytest.mark.parametrize("text", ["22:00 - 00:00", "22:00 - 24:00", "22:00 to 0:00"])
def test_midnight_is_the_end_of_the_day(text: str) -> None:
    """Written as either of its two names, and shown as the one that is after the beginning."""
    hours = Hours.parse(text)
    assert allowed(hours) == {22, 23}
    assert hours.as_typed == "22:00 - 24:00"
    assert Hours.parse(hours.as_typed) == hours


@pytest.mark.parametrize("text", ["00:00 - 24:00", "00:00 - 00:00"])
def test_from_midnight_to_midnight_is_the_whole_day(text: str) -> None:
    assert allowed(Hours.parse(text)) == set(range(24))
    assert Hours.parse(text).as_typed == "00:00 - 24:00"


def test_hours_may_pass_midnight() -> None:
    assert allowed(Hours.parse("22:00 - 02:00")) == {22, 23, 0, 1}


def test_what_begins_as_it_ends_is_not_guessed() -> None:
    """It could mean the whole day or none of it: the sentence says how the whole day is written."""
    with pytest.raises(ValueError, match="begins and ends at 08:00, type 00:00 - 24:00 for the whole day"):
        Hours.parse("08:00 - 08:00")


@pytest.mark.parametrize("text", ["24:00 - 06:00", "20:00 - 25:00"])
def test_no_day_has_such_hours(text: str) -> None:
    with pytest.raises(ValueError, match="24 hours of 60 minutes"):
        Hours.parse(text)
