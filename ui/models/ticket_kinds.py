"""What the ticket can make: the venue's own types of order, and the algos. No Qt here."""

from __future__ import annotations

from enum import Enum
from typing import Final

from octopus_desktop.model.orders import OrderType


class PriceIs(Enum):
    """What the price field means. Where the next kind means another thing by it, it starts empty."""

    WHERE_IT_RESTS = "where it rests"
    LIMIT_OF_A_STOP = "limit of a stop"
    LIMIT_OF_A_PROFIT = "limit of a profit"
    WORST = "worst"


class TriggerIs(Enum):
    """A stop and a profit lie on two sides of the market: the one's trigger sets the other off at once."""

    LOSS = "loss"
    PROFIT = "profit"


class Kind(Enum):
    """The value is what the list says."""

    LIMIT = "Limit"
    MARKET = "Market"
    STOP = "Stop"
    STOP_LIMIT = "Stop limit"
    TAKE_PROFIT = "Take profit"
    TAKE_PROFIT_LIMIT = "TP limit"
    TRAILING_STOP = "Trailing stop"
    GOOD_TILL_DATE = "Good till date"
    ICEBERG = "Iceberg"
    BRACKET = "Bracket"
    OCO = "OCO"
    TWAP = "TWAP"
    SCALE = "Scale"
    CHASE = "Chase"

    @property
    def is_algo(self) -> bool:
        return self not in _ORDER_TYPES

    @property
    def has_price(self) -> bool:
        return self in PRICE_WORDS

    @property
    def needs_price(self) -> bool:
        return self.has_price and self not in _PRICE_OPTIONAL

    @property
    def has_trigger(self) -> bool:
        return self in _TRIGGER_IS

    @property
    def price_is(self) -> PriceIs | None:
        return _PRICE_IS.get(self)

    @property
    def trigger_is(self) -> TriggerIs | None:
        return _TRIGGER_IS.get(self)

    @property
    def may_be_post_only(self) -> bool:
        return self in _MAYBE_POST_ONLY

    @property
    def may_be_reduce_only(self) -> bool:
        return self in _MAYBE_REDUCE_ONLY

    @property
    def has_tif(self) -> bool:
        return self in (Kind.LIMIT, Kind.STOP_LIMIT, Kind.TAKE_PROFIT_LIMIT)

    def order_type(self, *, priced: bool) -> OrderType:
        """Of the order that costs, fees and risk are worked out for; `priced`: a limit is given."""
        plain = _ORDER_TYPES.get(self)
        if plain is not None:
            return plain
        return OrderType.LIMIT if priced or self is Kind.SCALE else OrderType.MARKET


GROUPS: Final[tuple[tuple[str, tuple[Kind, ...]], ...]] = (
    ("Orders", (Kind.LIMIT, Kind.MARKET, Kind.GOOD_TILL_DATE, Kind.ICEBERG)),
    (
        "Stops and profits",
        (Kind.STOP, Kind.STOP_LIMIT, Kind.TAKE_PROFIT, Kind.TAKE_PROFIT_LIMIT, Kind.TRAILING_STOP),
    ),
    ("Together", (Kind.BRACKET, Kind.OCO)),
    ("Execution", (Kind.TWAP, Kind.SCALE, Kind.CHASE)),
)
PRICE_WORDS: Final = {
    Kind.LIMIT: "Limit price",
    Kind.STOP_LIMIT: "Limit price",
    Kind.TAKE_PROFIT_LIMIT: "Limit price",
    Kind.GOOD_TILL_DATE: "Limit price",
    Kind.ICEBERG: "Limit price",
    Kind.BRACKET: "Entry price",
    Kind.OCO: "Limit price",
    Kind.TWAP: "No worse than",
    Kind.CHASE: "No worse than",
}
"""What the price field is called in those that have one."""
_PRICE_OPTIONAL: Final = {Kind.BRACKET, Kind.TWAP}
_PRICE_IS: Final = {
    Kind.LIMIT: PriceIs.WHERE_IT_RESTS,
    Kind.GOOD_TILL_DATE: PriceIs.WHERE_IT_RESTS,
    Kind.ICEBERG: PriceIs.WHERE_IT_RESTS,
    Kind.BRACKET: PriceIs.WHERE_IT_RESTS,
    Kind.OCO: PriceIs.WHERE_IT_RESTS,
    Kind.STOP_LIMIT: PriceIs.LIMIT_OF_A_STOP,
    Kind.TAKE_PROFIT_LIMIT: PriceIs.LIMIT_OF_A_PROFIT,
    Kind.TWAP: PriceIs.WORST,
    Kind.CHASE: PriceIs.WORST,
}
_TRIGGER_IS: Final = {
    Kind.STOP: TriggerIs.LOSS,
    Kind.STOP_LIMIT: TriggerIs.LOSS,
    Kind.TAKE_PROFIT: TriggerIs.PROFIT,
    Kind.TAKE_PROFIT_LIMIT: TriggerIs.PROFIT,
}
_MAYBE_POST_ONLY: Final = {Kind.LIMIT, Kind.GOOD_TILL_DATE, Kind.SCALE}
_MAYBE_REDUCE_ONLY: Final = {
    Kind.LIMIT,
    Kind.MARKET,
    Kind.GOOD_TILL_DATE,
    Kind.STOP,
    Kind.STOP_LIMIT,
    Kind.TAKE_PROFIT,
    Kind.TAKE_PROFIT_LIMIT,
}
"""The engine's own exits reduce only by themselves; its other orders can't be told to."""
_ORDER_TYPES: Final = {
    Kind.LIMIT: OrderType.LIMIT,
    Kind.MARKET: OrderType.MARKET,
    Kind.STOP: OrderType.STOP,
    Kind.STOP_LIMIT: OrderType.STOP_LIMIT,
    Kind.TAKE_PROFIT: OrderType.TAKE_PROFIT,
    Kind.TAKE_PROFIT_LIMIT: OrderType.TAKE_PROFIT_LIMIT,
}
