"""What an account may ask about itself and do: orders, fills, balances, and what its key allows."""

from __future__ import annotations

from typing import Any

from octopus_desktop.simulator import endpoints_lists, wire, wire_account
from octopus_desktop.simulator.endpoints import Context, Endpoint, Security, weigh
from octopus_desktop.simulator.errors import (
    Refusal,
    nothing_to_cancel,
)
from octopus_desktop.simulator.listings import MAKER_FEE_BPS, TAKER_FEE_BPS
from octopus_desktop.simulator.orders import Order
from octopus_desktop.simulator.params import Params
from octopus_desktop.simulator.read_orders import read_order
from octopus_desktop.simulator.units import spelled


def _answer(order: Order, params: Params) -> Any:
    kind = params.one_of("newOrderRespType", ("ACK", "RESULT", "FULL"), _default_answer(order))
    if kind == "ACK":
        return wire_account.order_ack(order)
    return wire_account.order_result(order) if kind == "RESULT" else wire_account.order_full(order)


def _default_answer(order: Order) -> str:
    return "FULL" if order.type in ("MARKET", "LIMIT") else "ACK"


def place(context: Context, account: int, params: Params) -> Any:
    request = read_order(params)
    params.one_of("newOrderRespType", ("ACK", "RESULT", "FULL"), "FULL")
    return _answer(context.exchange.place(account, request), params)


def test_order(context: Context, account: int, params: Params) -> Any:
    """Everything but the order itself."""
    context.exchange.validate(account, read_order(params))
    if params.optional("computeCommissionRates") == "true":
        return {
            "standardCommissionForOrder": {"maker": _rate(MAKER_FEE_BPS), "taker": _rate(TAKER_FEE_BPS)},
            "specialCommissionForOrder": {"maker": spelled(0), "taker": spelled(0)},
            "taxCommissionForOrder": {"maker": spelled(0), "taker": spelled(0)},
            "discount": _DISCOUNT,
        }
    return {}


def _which(params: Params) -> tuple[int | None, str | None]:
    order_id = params.optional_integer("orderId")
    client_id = params.optional("origClientOrderId") or None
    if order_id is None and client_id is None:
        raise Refusal(
            -1102,
            "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
        )
    return order_id, client_id


def status(context: Context, account: int, params: Params) -> Any:
    symbol = context.exchange.market(params.symbol()).listing.symbol
    order = context.exchange.find(account, symbol, *_which(params))
    return wire_account.order_status(order)


def cancel(context: Context, account: int, params: Params) -> Any:
    symbol = context.exchange.market(params.symbol()).listing.symbol
    order_id, client_id = _which(params)
    _keep_restrictions(context, account, symbol, order_id, client_id, params)
    return _canceled(
        context.exchange.cancel(account, symbol, order_id, client_id, params.client_id("newClientOrderId"))
    )


def _keep_restrictions(
    context: Context, account: int, symbol: str, order_id: int | None, client_id: str | None, params: Params
) -> None:
    only = params.optional("cancelRestrictions")
    if only:
        wanted = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}.get(only)
        found = context.exchange.find(account, symbol, order_id, client_id)
        if found.status != wanted:
            raise Refusal(-2011, "Order was not canceled due to cancel restrictions.")


def _canceled(order: Order) -> Any:
    """The whole list, where the order was one of a list."""
    return wire_account.canceled(order) if order.group is None else endpoints_lists.canceled(order.group)


def cancel_all(context: Context, account: int, params: Params) -> Any:
    exchange = context.exchange
    symbol = exchange.market(params.symbol()).listing.symbol
    found = exchange.open_orders(account, symbol)
    if not found:
        raise nothing_to_cancel()
    # Of the orders of a list the first takes the others along.
    return [_canceled(exchange.cancel(account, symbol, one.order_id, None)) for one in found if one.is_open]


def cancel_replace(context: Context, account: int, params: Params) -> Any:
    """Cancel one order and place another; what became of each half is told apart."""
    exchange = context.exchange
    mode = params.one_of("cancelReplaceMode", ("STOP_ON_FAILURE", "ALLOW_FAILURE"))
    request = read_order(params)
    order_id = params.optional_integer("cancelOrderId")
    client_id = params.optional("cancelOrigClientOrderId") or None
    if order_id is None and client_id is None:
        raise Refusal(
            -1102,
            "Param 'cancelOrigClientOrderId' or 'cancelOrderId' must be sent, but both were empty/null!",
        )
    exchange.check_filters(account, request)
    answer: dict[str, Any] = {"cancelResult": "SUCCESS", "newOrderResult": "NOT_ATTEMPTED"}
    failures = 0
    try:
        _keep_restrictions(context, account, request.symbol, order_id, client_id, params)
        gone = exchange.cancel(account, request.symbol, order_id, client_id, params.client_id("cancelNewClientOrderId"))
        answer["cancelResponse"] = _canceled(gone)
    except Refusal as refusal:
        failures += 1
        answer["cancelResult"] = "FAILURE"
        answer["cancelResponse"] = {"code": refusal.code, "msg": refusal.message}
    if failures and mode == "STOP_ON_FAILURE":
        answer["newOrderResponse"] = None
        raise ReplaceFailed(-2022, "Order cancel-replace failed.", 400, answer)
    try:
        answer["newOrderResponse"] = _answer(exchange.place(account, request), params)
        answer["newOrderResult"] = "SUCCESS"
    except Refusal as refusal:
        failures += 1
        answer["newOrderResult"] = "FAILURE"
        answer["newOrderResponse"] = {"code": refusal.code, "msg": refusal.message}
    if failures == 1:
        raise ReplaceFailed(-2021, "Order cancel-replace partially failed.", 409, answer)
    if failures:
        raise ReplaceFailed(-2022, "Order cancel-replace failed.", 400, answer)
    return answer


class ReplaceFailed(Refusal):
    """A cancel-replace of which at least one half failed; `data` tells both."""

    def __init__(self, code: int, message: str, status: int, data: dict[str, Any]) -> None:
        super().__init__(code, message, status)
        self.data = data


def amend(context: Context, account: int, params: Params) -> Any:
    exchange = context.exchange
    symbol = exchange.market(params.symbol()).listing.symbol
    order = exchange.find(account, symbol, *_which(params))
    exchange.keep_priority(account, order, params.amount("newQty"), params.client_id("newClientOrderId"))
    return {
        "transactTime": wire.ms(order.updated_ns),
        "executionId": exchange.markets[symbol].next_trade_id,
        "amendedOrder": {
            "symbol": symbol,
            "orderId": order.order_id,
            "orderListId": -1,
            "origClientOrderId": order.original_client_id,
            "clientOrderId": order.client_order_id,
            "price": spelled(order.price),
            "qty": spelled(order.quantity),
            "executedQty": spelled(order.filled),
            "preventedQty": spelled(0),
            "quoteOrderQty": spelled(0),
            "cumulativeQuoteQty": spelled(order.filled_quote),
            "status": order.status,
            "timeInForce": order.time_in_force,
            "type": order.type,
            "side": "BUY" if order.is_buy else "SELL",
            "workingTime": wire.ms(order.working_ns),
            "selfTradePreventionMode": order.stp,
        },
    }


def open_orders(context: Context, account: int, params: Params) -> Any:
    symbol = context.exchange.market(params.symbol()).listing.symbol if "symbol" in params else None
    return [wire_account.order_status(order) for order in context.exchange.open_orders(account, symbol)]


def all_orders(context: Context, account: int, params: Params) -> Any:
    symbol = context.exchange.market(params.symbol()).listing.symbol
    found = context.exchange.orders(account, symbol)
    limit = params.limit(500, 1_000)
    first = params.optional_integer("orderId")
    if first is not None:
        return [wire_account.order_status(order) for order in found if order.order_id >= first][:limit]
    start, end = params.optional_integer("startTime"), params.optional_integer("endTime")
    if start is not None or end is not None:
        low, high = start or 0, end if end is not None else 1 << 62
        found = [order for order in found if low <= wire.ms(order.created_ns) <= high]
        return [wire_account.order_status(order) for order in found[:limit]]
    return [wire_account.order_status(order) for order in found[-limit:]]


def my_trades(context: Context, account: int, params: Params) -> Any:
    symbol = context.exchange.market(params.symbol()).listing.symbol
    found = context.exchange.executions(account, symbol)
    limit = params.limit(500, 1_000)
    order_id = params.optional_integer("orderId")
    if order_id is not None:
        found = [fill for fill in found if fill.order_id == order_id]
    first = params.optional_integer("fromId")
    start, end = params.optional_integer("startTime"), params.optional_integer("endTime")
    if first is not None:
        return [wire_account.my_trade(fill) for fill in found if fill.trade_id >= first][:limit]
    if start is not None or end is not None:
        low, high = start or 0, end if end is not None else 1 << 62
        found = [fill for fill in found if low <= wire.ms(fill.ts_ns) <= high]
        return [wire_account.my_trade(fill) for fill in found[:limit]]
    return [wire_account.my_trade(fill) for fill in found[-limit:]]


def _rate(bps: int) -> str:
    return f"{bps / 10_000:.8f}"


_DISCOUNT = {
    "enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": "0.75000000",
}  # fmt: skip


def account_status(context: Context, account: int, params: Params) -> Any:
    ledger = context.exchange.ledger
    rows = []
    assets = {listing.base for listing in (m.listing for m in context.exchange.markets.values())} | {"USDT"}
    for asset in sorted(assets | set(ledger.assets(account))):
        balance = ledger.balance(account, asset)
        if params.optional("omitZeroBalances") == "true" and not (balance.free or balance.locked):
            continue
        rows.append({"asset": asset, "free": spelled(balance.free), "locked": spelled(balance.locked)})
    return {
        "makerCommission": MAKER_FEE_BPS,
        "takerCommission": TAKER_FEE_BPS,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": _rate(MAKER_FEE_BPS),
            "taker": _rate(TAKER_FEE_BPS),
            "buyer": spelled(0),
            "seller": spelled(0),
        },
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": context.exchange.now_ns // 1_000_000,  # of the matching engine, as its trades are
        "accountType": "SPOT",
        "balances": rows,
        "permissions": ["SPOT"],
        "uid": account,
    }


def commission(context: Context, account: int, params: Params) -> Any:
    symbol = context.exchange.market(params.symbol()).listing.symbol
    none = {"maker": spelled(0), "taker": spelled(0), "buyer": spelled(0), "seller": spelled(0)}
    standard = none | {"maker": _rate(MAKER_FEE_BPS), "taker": _rate(TAKER_FEE_BPS)}
    return {
        "symbol": symbol,
        "standardCommission": standard,
        "specialCommission": none,
        "taxCommission": none,
        "discount": _DISCOUNT,
    }


def order_rate(context: Context, account: int, params: Params) -> Any:
    return context.orders_of(account).report(context.wall_s())


def api_restrictions(context: Context, account: int, params: Params) -> Any:
    return {
        "ipRestrict": False,
        "createTime": context.exchange.start_ns // 1_000_000,
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": True,
        "enablePortfolioMarginTrading": False,
    }


def coins(context: Context, account: int, params: Params) -> Any:
    """Which assets there are. Nothing can be deposited or withdrawn, so there are no networks."""
    ledger = context.exchange.ledger
    assets = sorted({m.listing.base for m in context.exchange.markets.values()} | {"USDT"})
    rows = []
    for asset in assets:
        balance = ledger.balance(account, asset)
        rows.append(
            {
                "coin": asset,
                "name": asset,
                "depositAllEnable": False,
                "withdrawAllEnable": False,
                "free": spelled(balance.free),
                "locked": spelled(balance.locked),
                "freeze": "0",
                "withdrawing": "0",
                "ipoing": "0",
                "ipoable": "0",
                "storage": "0",
                "isLegalMoney": False,
                "trading": True,
                "networkList": [],
            }
        )
    return rows


def trade_fees(context: Context, account: int, params: Params) -> Any:
    names = params.symbols(context.exchange.markets) or list(context.exchange.markets)
    return [
        {"symbol": name, "makerCommission": _rate(MAKER_FEE_BPS), "takerCommission": _rate(TAKER_FEE_BPS)}
        for name in names
    ]


def nothing(context: Context, account: int, params: Params) -> Any:
    """Products that this exchange does not have: an empty list, which clients ask for anyway."""
    return []


_WHICH = "symbol orderId origClientOrderId"
_ORDER = (
    "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId strategyId strategyType stopPrice "
    "trailingDelta icebergQty newOrderRespType selfTradePreventionMode"
)
_TAKES = {
    "order.place": _ORDER,
    "order.test": f"{_ORDER} computeCommissionRates",
    "order.status": _WHICH,
    "order.cancel": f"{_WHICH} newClientOrderId cancelRestrictions",
    "order.cancelReplace": f"{_ORDER} cancelReplaceMode cancelNewClientOrderId cancelOrigClientOrderId cancelOrderId "
    "cancelRestrictions orderRateLimitExceededMode",
    "order.amend.keepPriority": f"{_WHICH} newClientOrderId newQty",
    "openOrders.status": "symbol",
    "openOrders.cancelAll": "symbol",
    "allOrders": "symbol orderId startTime endTime limit",
    "myTrades": "symbol orderId startTime endTime fromId limit",
    "account.status": "omitZeroBalances",
}
"""What a request may have beside its signature: the venue refuses a name that it does not know."""
_OF_SIGNED = ("timestamp", "recvWindow", "signature")


def _signed(method: str, path: str, ws: str | None, handler: Any, weight: Any, *, order: bool = False) -> Endpoint:
    cost = weight if callable(weight) else weigh(weight)
    takes = frozenset((*_TAKES[ws].split(), *_OF_SIGNED)) if ws in _TAKES else None
    return Endpoint(handler, (method, path), ws, cost, Security.SIGNED, order, takes)


_V3 = "/api/v3"
ENDPOINTS: tuple[Endpoint, ...] = (
    _signed("POST", f"{_V3}/order", "order.place", place, 1, order=True),
    _signed("POST", f"{_V3}/order/test", "order.test", test_order, 1),
    _signed("GET", f"{_V3}/order", "order.status", status, 4),
    _signed("DELETE", f"{_V3}/order", "order.cancel", cancel, 1),
    _signed("POST", f"{_V3}/order/cancelReplace", "order.cancelReplace", cancel_replace, 1, order=True),
    _signed("PUT", f"{_V3}/order/amend/keepPriority", "order.amend.keepPriority", amend, 4),
    _signed("GET", f"{_V3}/openOrders", "openOrders.status", open_orders, lambda p: 6 if "symbol" in p else 80),
    _signed("DELETE", f"{_V3}/openOrders", "openOrders.cancelAll", cancel_all, 1),
    _signed("GET", f"{_V3}/allOrders", "allOrders", all_orders, 20),
    _signed("GET", f"{_V3}/myTrades", "myTrades", my_trades, lambda p: 5 if "orderId" in p else 20),
    _signed("GET", f"{_V3}/account", "account.status", account_status, 20),
    _signed("GET", f"{_V3}/account/commission", "account.commission", commission, 20),
    _signed("GET", f"{_V3}/rateLimit/order", "account.rateLimits.orders", order_rate, 40),
    _signed("GET", f"{_V3}/myPreventedMatches", "myPreventedMatches", nothing, 20),
    _signed("GET", "/sapi/v1/account/apiRestrictions", None, api_restrictions, 1),
    _signed("GET", "/sapi/v1/capital/config/getall", None, coins, 10),
    _signed("GET", "/sapi/v1/asset/tradeFee", None, trade_fees, 1),
    _signed("GET", "/sapi/v1/margin/allPairs", None, nothing, 1),
    _signed("GET", "/sapi/v1/margin/isolated/allPairs", None, nothing, 10),
)
