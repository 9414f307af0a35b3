"""The instrument's rules for an order, checked in the venue's order and refused in its words."""

from __future__ import annotations

import msgspec

from octopus_desktop.simulator.errors import FilterFailure
from octopus_desktop.simulator.orders import LIMIT_TYPES, TRIGGER_TYPES, NewOrder
from octopus_desktop.simulator.units import UNIT, notional

MAX_OPEN_ORDERS = 200
MAX_TRIGGER_ORDERS = 5
MAX_ORDER_LISTS = 20
MAX_ICEBERG_PARTS = 10
TRAILING_BIPS = (10, 2_000)
MAX_PRICE_TICKS = 100_000_000
MAX_NOTIONAL = 9_000_000 * UNIT
# PERCENT_PRICE_BY_SIDE: a bid from a fifth of the average price to five times it; an ask likewise.
BAND_UP, BAND_DOWN = 5, 5


class Rules(msgspec.Struct, frozen=True):
    """What an order in an instrument has to keep to, and its fees. Ticks, lots and amounts in units of 1e-8."""

    symbol: str
    base: str
    quote: str
    tick: int
    lot: int
    min_notional: int
    max_quantity: int
    max_market_quantity: int
    maker_ppm: int
    """Fee in millionths of what is received."""
    taker_ppm: int


def check(listing: Rules, order: NewOrder, *, average: int, open_orders: int, trigger_orders: int) -> None:
    """Raises FilterFailure with the first filter the order breaks.

    `average` is the mean price of the last minutes, for what has no price of its own and for the band.
    """
    tick, lot = listing.tick, listing.lot
    for price in (order.price, order.stop_price):
        if price and (price % tick or price < tick or price > tick * MAX_PRICE_TICKS):
            raise FilterFailure("PRICE_FILTER")
    if order.price and not average // BAND_DOWN <= order.price <= average * BAND_UP:
        raise FilterFailure("PERCENT_PRICE_BY_SIDE")
    if order.quantity or not order.quote_quantity:
        if order.quantity < lot or order.quantity > listing.max_quantity or order.quantity % lot:
            raise FilterFailure("LOT_SIZE")
        if order.type not in LIMIT_TYPES and order.quantity > listing.max_market_quantity:
            raise FilterFailure("MARKET_LOT_SIZE")
    if shown := order.iceberg_quantity:
        if shown < lot or shown % lot:
            raise FilterFailure("LOT_SIZE")
        if -(-order.quantity // shown) > MAX_ICEBERG_PARTS:
            raise FilterFailure("ICEBERG_PARTS")
    if order.trailing_bips and not TRAILING_BIPS[0] <= order.trailing_bips <= TRAILING_BIPS[1]:
        raise FilterFailure("TRAILING_DELTA")
    value = order.quote_quantity or notional(order.price or order.stop_price or average, order.quantity)
    if value < listing.min_notional or (order.type in LIMIT_TYPES and value > MAX_NOTIONAL):
        raise FilterFailure("NOTIONAL")
    if open_orders >= MAX_OPEN_ORDERS and order.type != "MARKET":
        raise FilterFailure("MAX_NUM_ORDERS")
    if trigger_orders >= MAX_TRIGGER_ORDERS and order.type in TRIGGER_TYPES:
        raise FilterFailure("MAX_NUM_ALGO_ORDERS")
