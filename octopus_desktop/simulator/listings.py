"""What the exchange lists, and the character of each instrument's market."""

from __future__ import annotations

from octopus_desktop.simulator.filters import Rules
from octopus_desktop.simulator.units import to_units

MAKER_FEE_BPS = 10
TAKER_FEE_BPS = 10


class Listing(Rules, frozen=True):
    """One instrument: its rules, and the character of its market."""

    level: float
    """Price on the anchor day."""
    daily_volatility: float
    """Standard deviation of a day's log return, in an average year."""
    beta: float
    """Share of its moves that it has in common with the rest, as a correlation."""
    daily_volume: float
    """Base quantity traded on an average day."""
    trades_per_second: float
    """Takers arriving in an average second."""
    touch_quantity: float
    """Base quantity that usually stands at the best price."""


def _listing(
    base: str,
    tick: str,
    lot: str,
    *,
    level: float,
    daily_volatility: float,
    beta: float,
    daily_volume: float,
    trades_per_second: float,
    touch_quantity: float,
    max_quantity: str,
    max_market_quantity: str,
) -> Listing:
    return Listing(
        symbol=base + "USDT",
        base=base,
        quote="USDT",
        tick=to_units(tick),
        lot=to_units(lot),
        min_notional=to_units("5"),
        max_quantity=to_units(max_quantity),
        max_market_quantity=to_units(max_market_quantity),
        maker_ppm=MAKER_FEE_BPS * 100,
        taker_ppm=TAKER_FEE_BPS * 100,
        level=level,
        daily_volatility=daily_volatility,
        beta=beta,
        daily_volume=daily_volume,
        trades_per_second=trades_per_second,
        touch_quantity=touch_quantity,
    )


LISTINGS: tuple[Listing, ...] = (
    _listing(
        "BTC", "0.01", "0.00001", level=67_000.0, daily_volatility=0.026, beta=0.93, daily_volume=22_000.0,
        trades_per_second=7.0, touch_quantity=2.2, max_quantity="9000", max_market_quantity="120",
    ),
    _listing(
        "ETH", "0.01", "0.0001", level=3_480.0, daily_volatility=0.034, beta=0.86, daily_volume=340_000.0,
        trades_per_second=5.5, touch_quantity=28.0, max_quantity="9000", max_market_quantity="2300",
    ),
    _listing(
        "SOL", "0.01", "0.001", level=158.0, daily_volatility=0.043, beta=0.78, daily_volume=3_100_000.0,
        trades_per_second=3.5, touch_quantity=160.0, max_quantity="90000", max_market_quantity="18000",
    ),
    _listing(
        "BNB", "0.01", "0.001", level=592.0, daily_volatility=0.029, beta=0.72, daily_volume=190_000.0,
        trades_per_second=2.2, touch_quantity=9.0, max_quantity="90000", max_market_quantity="1400",
    ),
    _listing(
        "XRP", "0.0001", "0.1", level=2.18, daily_volatility=0.044, beta=0.70, daily_volume=190_000_000.0,
        trades_per_second=2.8, touch_quantity=9_000.0, max_quantity="9222449", max_market_quantity="1100000",
    ),
    _listing(
        "DOGE", "0.00001", "1", level=0.1640, daily_volatility=0.050, beta=0.74, daily_volume=1_100_000_000.0,
        trades_per_second=2.4, touch_quantity=70_000.0, max_quantity="9000000", max_market_quantity="8000000",
    ),
    _listing(
        "ADA", "0.0001", "0.1", level=0.5840, daily_volatility=0.045, beta=0.76, daily_volume=110_000_000.0,
        trades_per_second=1.6, touch_quantity=60_000.0, max_quantity="900000", max_market_quantity="900000",
    ),
    _listing(
        "LINK", "0.001", "0.01", level=14.60, daily_volatility=0.046, beta=0.73, daily_volume=3_400_000.0,
        trades_per_second=1.3, touch_quantity=900.0, max_quantity="90000", max_market_quantity="25000",
    ),
    _listing(
        "LTC", "0.01", "0.001", level=84.0, daily_volatility=0.038, beta=0.70, daily_volume=320_000.0,
        trades_per_second=1.0, touch_quantity=120.0, max_quantity="90000", max_market_quantity="3000",
    ),
    _listing(
        "AVAX", "0.001", "0.01", level=27.4, daily_volatility=0.048, beta=0.75, daily_volume=2_100_000.0,
        trades_per_second=1.1, touch_quantity=40.0, max_quantity="90000", max_market_quantity="9000",
    ),
)  # fmt: skip
