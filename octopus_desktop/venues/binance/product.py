"""What differs between Binance's products, as data: the client is one."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from octopus_desktop.model.identifiers import Interval


class Product(msgspec.Struct, frozen=True):
    """Weights are of one request; `depth_weights` ascend as (up to this limit, weight).

    Sources: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints and
    https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api
    """

    name: str
    rest_prefix: str
    weight_limit: int
    depth_limit: int
    depth_weights: tuple[tuple[int, int], ...]
    candles_limit: int
    candles_weight: int
    trades_weight: int
    instruments_weight: int
    ticker_weight: int
    quote_weight: int
    intervals: frozenset[Interval]
    has_mark_price: bool
    control_messages_per_second: int
    streams_per_connection: int
    maker_fee: Decimal
    taker_fee: Decimal

    def depth_weight(self, limit: int) -> int:
        return next((weight for up_to, weight in self.depth_weights if limit <= up_to), self.depth_weights[-1][1])


SPOT: Final = Product(
    name="spot",
    rest_prefix="/api/v3",
    weight_limit=6000,
    depth_limit=1000,
    depth_weights=((100, 5), (500, 25), (1000, 50), (5000, 250)),
    candles_limit=1000,
    candles_weight=2,
    trades_weight=4,
    instruments_weight=20,
    ticker_weight=2,
    quote_weight=2,
    intervals=frozenset(Interval),
    has_mark_price=False,
    control_messages_per_second=5,
    streams_per_connection=1024,
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.001"),
)

USDM: Final = Product(
    name="USD-M futures",
    rest_prefix="/fapi/v1",
    weight_limit=2400,
    depth_limit=1000,
    depth_weights=((50, 2), (100, 5), (500, 10), (1000, 20)),
    candles_limit=1000,
    candles_weight=5,
    trades_weight=20,
    instruments_weight=1,
    ticker_weight=1,
    quote_weight=2,
    intervals=frozenset(Interval) - {Interval.S1},
    has_mark_price=True,
    control_messages_per_second=10,
    streams_per_connection=200,
    maker_fee=Decimal("0.0002"),
    taker_fee=Decimal("0.0005"),
)
