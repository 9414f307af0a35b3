"""Lists of orders: one cancels the other. The present way to place them, the deprecated one, and asking for them.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints#order-lists
"""

from __future__ import annotations

from typing import Any

from octopus_desktop.simulator import wire, wire_account
from octopus_desktop.simulator.endpoints import Context, Endpoint, Security, weigh
from octopus_desktop.simulator.errors import Refusal
from octopus_desktop.simulator.orders import ORDER_TYPES, STP_MODES, NewOrder, OrderList
from octopus_desktop.simulator.params import Params, Prefixed
from octopus_desktop.simulator.read_orders import SIDES, read_terms


def place(context: Context, account: int, params: Params) -> Any:
    symbol, is_buy, quantity, stp = _common(params)
    legs = []
    for where in ("above", "below"):
        leg = Prefixed(params, where)
        kind = leg.one_of("type", ORDER_TYPES)
        legs.append(read_terms(leg, NewOrder(symbol, is_buy, kind, quantity, stp=stp), "clientOrderId"))
    return _placed(context, account, params, (legs[0], legs[1]))


def place_deprecated(context: Context, account: int, params: Params) -> Any:
    """A limit order and a stop, each with parameters of its own name."""
    symbol, is_buy, quantity, stp = _common(params)
    limit = NewOrder(symbol, is_buy, "LIMIT_MAKER", quantity, price=params.amount("price"), stp=stp)
    limit.client_order_id = params.client_id("limitClientOrderId")
    limit.iceberg_quantity = params.optional_amount("limitIcebergQty")
    has_limit = "stopLimitPrice" in params
    stop = NewOrder(symbol, is_buy, "STOP_LOSS_LIMIT" if has_limit else "STOP_LOSS", quantity, stp=stp)
    stop.client_order_id = params.client_id("stopClientOrderId")
    stop.iceberg_quantity = params.optional_amount("stopIcebergQty")
    stop.trailing_bips = params.integer("trailingDelta", 0)
    stop.stop_price = params.optional_amount("stopPrice") if stop.trailing_bips else params.amount("stopPrice")
    if has_limit:
        stop.price = params.amount("stopLimitPrice")
        stop.time_in_force = params.one_of("stopLimitTimeInForce", ("GTC", "IOC", "FOK"))
    return _placed(context, account, params, (stop, limit) if is_buy else (limit, stop))


def _common(params: Params) -> tuple[str, bool, int, str]:
    symbol = params.symbol()
    is_buy = params.one_of("side", SIDES) == "BUY"
    return symbol, is_buy, params.amount("quantity"), params.one_of("selfTradePreventionMode", STP_MODES, "NONE")


def _placed(context: Context, account: int, params: Params, legs: tuple[NewOrder, NewOrder]) -> Any:
    kind = params.one_of("newOrderRespType", ("ACK", "RESULT", "FULL"), "RESULT")
    context.exchange.market(legs[0].symbol)
    group = context.exchange.place_list(account, legs, params.client_id("listClientOrderId"))
    tell = wire_account.order_ack if kind == "ACK" else wire_account.order_result
    return wire_account.order_list(group) | {"orderReports": [tell(order) for order in group.orders]}


def canceled(group: OrderList) -> Any:
    return wire_account.order_list(group) | {"orderReports": [wire_account.canceled(order) for order in group.orders]}


def cancel(context: Context, account: int, params: Params) -> Any:
    symbol = context.exchange.market(params.symbol()).listing.symbol
    which = _which(params, "listClientOrderId")
    group = context.exchange.find_list(account, *which)
    if group.symbol != symbol:
        raise Refusal(-2011, "Unknown order list sent.")
    return canceled(context.exchange.cancel_list(account, *which, params.client_id("newClientOrderId")))


def status(context: Context, account: int, params: Params) -> Any:
    return wire_account.order_list(context.exchange.find_list(account, *_which(params, "origClientOrderId")))


def _which(params: Params, name: str) -> tuple[int | None, str | None]:
    list_id, client_id = params.optional_integer("orderListId"), params.optional(name) or None
    if list_id is None and client_id is None:
        raise Refusal(-1102, f"Param '{name}' or 'orderListId' must be sent, but both were empty/null!")
    return list_id, client_id


def open_lists(context: Context, account: int, params: Params) -> Any:
    return [wire_account.order_list(group) for group in context.exchange.order_lists(account) if group.is_open]


def all_lists(context: Context, account: int, params: Params) -> Any:
    found = context.exchange.order_lists(account)
    limit = params.limit(500, 1_000)
    first = params.optional_integer("fromId")
    start, end = params.optional_integer("startTime"), params.optional_integer("endTime")
    if first is not None:
        found = [group for group in found if group.list_id >= first][:limit]
    elif start is not None or end is not None:
        low, high = start or 0, end if end is not None else 1 << 62
        found = [group for group in found if low <= wire.ms(group.created_ns) <= high][:limit]
    return [wire_account.order_list(group) for group in found[-limit:]]


def _signed(method: str, path: str, ws: str, handler: Any, weight: int, *, order: bool = False) -> Endpoint:
    return Endpoint(handler, (method, f"/api/v3/{path}"), ws, weigh(weight), Security.SIGNED, order)


ENDPOINTS: tuple[Endpoint, ...] = (
    _signed("POST", "orderList/oco", "orderList.place.oco", place, 1, order=True),
    _signed("POST", "order/oco", "orderList.place", place_deprecated, 1, order=True),
    _signed("DELETE", "orderList", "orderList.cancel", cancel, 1),
    _signed("GET", "orderList", "orderList.status", status, 4),
    _signed("GET", "allOrderList", "allOrderLists", all_lists, 20),
    _signed("GET", "openOrderList", "openOrderLists.status", open_lists, 6),
)
