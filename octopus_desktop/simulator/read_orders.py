"""A new order as it was sent: which parameters a type needs, and which it must not have, is the venue's table."""

from __future__ import annotations

from octopus_desktop.simulator.errors import missing, too_many_parameters
from octopus_desktop.simulator.orders import (
    LIMIT_TYPES,
    ORDER_TYPES,
    STP_MODES,
    TIMES_IN_FORCE,
    TRIGGER_TYPES,
    NewOrder,
)
from octopus_desktop.simulator.params import Params

SIDES = ("BUY", "SELL")


def read_order(params: Params) -> NewOrder:
    """Raises Refusal."""
    order = NewOrder(
        symbol=params.symbol(),
        is_buy=params.one_of("side", SIDES) == "BUY",
        type=params.one_of("type", ORDER_TYPES),
        stp=params.one_of("selfTradePreventionMode", STP_MODES, "NONE"),
    )
    by_quote = "quoteOrderQty" in params
    if by_quote and (order.type != "MARKET" or "quantity" in params):
        raise too_many_parameters("quoteOrderQty")
    if by_quote:
        order.quote_quantity = params.amount("quoteOrderQty")
    else:
        order.quantity = params.amount("quantity")
    return read_terms(params, order, "newClientOrderId")


def read_terms(params: Params, order: NewOrder, name: str) -> NewOrder:
    """What may differ between the orders of one list: prices, time in force, name, and how much is shown."""
    kind = order.type
    needs_tif = kind in LIMIT_TYPES and kind != "LIMIT_MAKER"
    if needs_tif and "timeInForce" not in params:
        raise missing("timeInForce")
    if not needs_tif and "timeInForce" in params:
        raise too_many_parameters("timeInForce")
    if kind not in LIMIT_TYPES and "price" in params:
        raise too_many_parameters("price")
    for only in ("stopPrice", "trailingDelta"):
        if kind not in TRIGGER_TYPES and only in params:
            raise too_many_parameters(only)
    if needs_tif:
        order.time_in_force = params.one_of("timeInForce", TIMES_IN_FORCE)
    if "icebergQty" in params and (kind not in LIMIT_TYPES or order.time_in_force != "GTC"):
        raise too_many_parameters("icebergQty")
    if kind in LIMIT_TYPES:
        order.price = params.amount("price")
        order.iceberg_quantity = params.optional_amount("icebergQty")
    if kind in TRIGGER_TYPES:
        order.trailing_bips = params.integer("trailingDelta", 0)
        order.stop_price = params.optional_amount("stopPrice") if order.trailing_bips else params.amount("stopPrice")
    order.client_order_id = params.client_id(name)
    order.strategy_id = params.optional_integer("strategyId")
    order.strategy_type = params.optional_integer("strategyType")
    return order
