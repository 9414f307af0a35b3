"""Numbers in sentences."""

from __future__ import annotations

from decimal import Decimal

import pytest

from octopus_desktop.model.figures import figure


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("60000.01", "60,000.01"),
        ("0.50000000", "0.5"),
        ("1000", "1,000"),
        ("1E+3", "1,000"),
        ("100.00", "100"),
        ("0", "0"),
        ("0E-8", "0"),
        ("-1234.50", "-1,234.5"),
        ("1E-8", "0.00000001"),
        ("NaN", "NaN"),
    ],
)
def test_a_figure_separates_thousands_and_says_no_empty_zeros(value: str, text: str) -> None:
    assert figure(Decimal(value)) == text


def test_a_figure_is_rounded_where_it_is_asked_for() -> None:
    assert figure(Decimal(2) / 3, 8) == "0.66666667"
    assert figure(Decimal("1200.000000001"), 8) == "1,200"
