"""The venue's spelling of what belongs to accounts: orders, lists of orders, fills, and the events of a user stream."""

from __future__ import annotations

from octopus_desktop.simulator.orders import LIMIT_TYPES, Execution, Order, OrderList
from octopus_desktop.simulator.units import spelled
from octopus_desktop.simulator.wire import Json, ms


def _shown_price(order: Order) -> str:
    return spelled(order.price if order.type in LIMIT_TYPES else 0)


def _extras(order: Order) -> Json:
    extras: Json = {}
    if order.stop_price:
        extras["stopPrice"] = spelled(order.stop_price)
    if order.request.trailing_bips:
        extras["trailingDelta"] = order.request.trailing_bips
        if order.tracking_ns >= 0:
            extras["trailingTime"] = ms(order.tracking_ns)
    if order.display:
        extras["icebergQty"] = spelled(order.display)
    if order.request.strategy_id is not None:
        extras["strategyId"] = order.request.strategy_id
    if order.request.strategy_type is not None:
        extras["strategyType"] = order.request.strategy_type
    return extras


def _body(order: Order) -> Json:
    """What every answer about an order has."""
    return {
        "price": _shown_price(order),
        "origQty": spelled(order.quantity),
        "executedQty": spelled(order.filled),
        "origQuoteOrderQty": spelled(order.quote_quantity),
        "cummulativeQuoteQty": spelled(order.filled_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": "BUY" if order.is_buy else "SELL",
        "selfTradePreventionMode": order.stp,
    } | _extras(order)


def _working_time(order: Order) -> int:
    return ms(order.working_ns) if order.triggered else -1


def order_status(order: Order) -> Json:
    """As `GET order`, `openOrders` and `allOrders` tell it."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.name,
        "stopPrice": spelled(order.stop_price),
        "icebergQty": spelled(order.display),
        "time": ms(order.created_ns),
        "updateTime": ms(order.updated_ns),
        "isWorking": order.triggered,
        "workingTime": _working_time(order),
    } | _body(order)


def order_ack(order: Order) -> Json:
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_order_id,
        "transactTime": ms(order.updated_ns),
    }


def order_result(order: Order) -> Json:
    return order_ack(order) | {"workingTime": _working_time(order)} | _body(order)


def order_full(order: Order) -> Json:
    return order_result(order) | {
        "fills": [
            {
                "price": spelled(fill.price),
                "qty": spelled(fill.quantity),
                "commission": spelled(fill.commission),
                "commissionAsset": fill.commission_asset,
                "tradeId": fill.trade_id,
            }
            for fill in order.executions
        ]
    }


def canceled(order: Order) -> Json:
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.original_client_id,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_order_id,
        "transactTime": ms(order.updated_ns),
    } | _body(order)


def my_trade(fill: Execution) -> Json:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": spelled(fill.price),
        "qty": spelled(fill.quantity),
        "quoteQty": spelled(fill.quote_quantity),
        "commission": spelled(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": ms(fill.ts_ns),
        "isBuyer": fill.is_buy,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def execution_report(order: Order, kind: str, fill: Execution | None, now_ns: int, event_id: int) -> Json:
    report: Json = {
        "e": "executionReport",
        "E": ms(now_ns),
        "s": order.symbol,
        "c": order.client_order_id,
        "S": "BUY" if order.is_buy else "SELL",
        "o": order.type,
        "f": order.time_in_force,
        "q": spelled(order.quantity),
        "p": _shown_price(order),
        "P": spelled(order.stop_price),
        "F": spelled(order.display),
        "g": order.list_id,
        "C": order.original_client_id if kind in ("CANCELED", "REPLACED") else "",
        "x": kind,
        "X": order.status,
        "r": "NONE",
        "i": order.order_id,
        "l": spelled(fill.quantity if fill else 0),
        "z": spelled(order.filled),
        "L": spelled(fill.price if fill else 0),
        "n": spelled(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": ms(order.updated_ns),
        "t": fill.trade_id if fill else -1,
        "I": event_id,
        "w": order.is_open and order.triggered and not (fill is None and kind != "NEW"),
        "m": bool(fill and fill.is_maker),
        "M": False,
        "O": ms(order.created_ns),
        "Z": spelled(order.filled_quote),
        "Y": spelled(fill.quote_quantity if fill else 0),
        "Q": spelled(order.quote_quantity),
        "V": order.stp,
    }
    if order.triggered:
        report["W"] = ms(order.working_ns)
    if order.request.trailing_bips:
        report["d"] = order.request.trailing_bips
        if order.tracking_ns >= 0:
            report["D"] = ms(order.tracking_ns)
    if order.request.strategy_id is not None:
        report["j"] = order.request.strategy_id
    if order.request.strategy_type is not None:
        report["J"] = order.request.strategy_type
    if kind == "EXPIRED" and order.reason:
        report["eR"] = order.reason
    return report


def order_list(group: OrderList) -> Json:
    """As `GET orderList` and its like tell it."""
    return {
        "orderListId": group.list_id,
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED" if group.is_open else "ALL_DONE",
        "listOrderStatus": "EXECUTING" if group.is_open else "ALL_DONE",
        "listClientOrderId": group.client_id,
        "transactionTime": ms(group.created_ns),
        "symbol": group.symbol,
        "orders": [
            {"symbol": order.symbol, "orderId": order.order_id, "clientOrderId": order.name} for order in group.orders
        ],
    }


def list_status(group: OrderList, now_ns: int) -> Json:
    """The event of a list that was placed or is over."""
    told = order_list(group)
    return {
        "e": "listStatus",
        "E": ms(now_ns),
        "s": group.symbol,
        "g": group.list_id,
        "c": "OCO",
        "l": told["listStatusType"],
        "L": told["listOrderStatus"],
        "r": "NONE",
        "C": group.client_id,
        "T": ms(now_ns),
        "O": [{"s": order.symbol, "i": order.order_id, "c": order.name} for order in group.orders],
    }
