"""Binance's spelling of orders and account ends here: reports, fills, balances, and the parameters of an order.

Raises MessageError where the shape is right and the content cannot be.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from octopus_desktop.model.account import Balance
from octopus_desktop.model.errors import MessageError, RequestRefused
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, TradeId, Venue, VenueOrderId, instrument_id
from octopus_desktop.model.orders import ZERO, Fill, OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.venues.binance.endings import why_ended
from octopus_desktop.venues.binance.errors import NEVER_SENT
from octopus_desktop.venues.binance.messages import (
    MS,
    Account,
    AccountPosition,
    ExecutionReport,
    MyTrade,
    OrderResponse,
)


class _Spelling(NamedTuple):
    """How the venue calls a type of order, and which fields it wants with it: any other is refused."""

    name: str
    limit: bool = False
    trigger: bool = False
    timed: bool = False


_SPELLINGS: Final = {
    OrderType.LIMIT: _Spelling("LIMIT", limit=True, timed=True),
    OrderType.MARKET: _Spelling("MARKET"),
    OrderType.POST_ONLY: _Spelling("LIMIT_MAKER", limit=True),
    OrderType.STOP: _Spelling("STOP_LOSS", trigger=True),
    OrderType.STOP_LIMIT: _Spelling("STOP_LOSS_LIMIT", limit=True, trigger=True, timed=True),
    OrderType.TAKE_PROFIT: _Spelling("TAKE_PROFIT", trigger=True),
    OrderType.TAKE_PROFIT_LIMIT: _Spelling("TAKE_PROFIT_LIMIT", limit=True, trigger=True, timed=True),
}
_TYPES: Final = {spelling.name: kind for kind, spelling in _SPELLINGS.items()}
_BIP: Final = Decimal("0.0001")
_STOPS: Final = frozenset((OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP))
_PROFITS: Final = frozenset((OrderType.LIMIT, OrderType.POST_ONLY, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT))
_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
_STATUSES: Final = {
    "NEW": OrderStatus.ACCEPTED,
    "PENDING_NEW": OrderStatus.ACCEPTED,
    "PENDING_CANCEL": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}


def order_params(intent: OrderIntent, symbol: str) -> dict[str, str | int]:
    """Of `order.place`, keys in alphabetical order, as the signature wants them. Money in plain digits.

    Raises RequestRefused for what the venue has no word for; then nothing was sent.
    """
    name, *_ = spelling = _spelling(intent)
    params: dict[str, str | int] = {"newClientOrderId": intent.client_order_id, "newOrderRespType": "FULL"}
    if intent.quote_quantity is None:
        params["quantity"] = format(intent.quantity, "f")
    else:
        params["quoteOrderQty"] = format(intent.quote_quantity, "f")
    params["side"] = "BUY" if intent.side is Side.BUY else "SELL"
    params["symbol"] = symbol
    params["type"] = name
    params.update(_terms(intent, spelling))
    return dict(sorted(params.items()))


def list_params(intents: Sequence[OrderIntent], symbol: str) -> dict[str, str | int]:
    """Of `orderList.place.oco`: one order that waits above the price, one below.

    Raises RequestRefused where the two cannot be a list at the venue; then nothing was sent.
    https://developers.binance.com/docs/binance-spot-api-docs/websocket-api/trading-requests
    """
    first = intents[0]
    stops = [intent for intent in intents if intent.type in _STOPS]
    profits = [intent for intent in intents if intent.type in _PROFITS]
    if len(intents) != 2 or not stops or not profits:
        raise RequestRefused("Not sent: a list at the venue is one stop, and one limit or take-profit.", NEVER_SENT)
    if any((i.side, i.quantity, i.list_id) != (first.side, first.quantity, first.list_id) for i in intents):
        raise RequestRefused("Not sent: a list's orders have one side, one quantity and one name.", NEVER_SENT)
    params: dict[str, str | int] = {
        "symbol": symbol,
        "side": "BUY" if first.side is Side.BUY else "SELL",
        "quantity": format(first.quantity, "f"),
        "newOrderRespType": "FULL",
    }
    if first.list_id is not None:
        params["listClientOrderId"] = first.list_id
    above, below = (profits, stops) if first.side is Side.SELL else (stops, profits)
    for where, (intent,) in (("above", above), ("below", below)):
        # The venue takes no limit order into a list but one that rests.
        spelling = _SPELLINGS[OrderType.POST_ONLY] if intent.type is OrderType.LIMIT else _spelling(intent)
        params[f"{where}Type"] = spelling.name
        params[f"{where}ClientOrderId"] = intent.client_order_id
        for name, value in _terms(intent, spelling).items():
            params[where + name[0].upper() + name[1:]] = value
    return params


def _spelling(intent: OrderIntent) -> _Spelling:
    if intent.type is not OrderType.TRAILING_STOP:
        return _SPELLINGS[intent.type]
    # A trailing stop is a stop with a delta. An activation price waits for a better price, as a take-profit does.
    if intent.price is not None:
        return _SPELLINGS[OrderType.STOP_LIMIT if intent.trigger_price is None else OrderType.TAKE_PROFIT_LIMIT]
    return _SPELLINGS[OrderType.STOP if intent.trigger_price is None else OrderType.TAKE_PROFIT]


def _terms(intent: OrderIntent, spelling: _Spelling) -> dict[str, str | int]:
    """Prices, time in force, and how much is shown."""
    terms: dict[str, str | int] = {}
    if spelling.limit and intent.price is not None:
        terms["price"] = format(intent.price, "f")
    if spelling.trigger and intent.trigger_price is not None:
        terms["stopPrice"] = format(intent.trigger_price, "f")
    if intent.type is OrderType.TRAILING_STOP:
        bips = (intent.trailing_fraction or ZERO) / _BIP
        if bips != int(bips) or bips <= 0:
            raise RequestRefused("Not sent: the venue's trailing stop follows in whole steps of 0.01 %.", NEVER_SENT)
        terms["trailingDelta"] = int(bips)
    if intent.display_quantity is not None:
        terms["icebergQty"] = format(intent.display_quantity, "f")
    if spelling.timed:
        terms["timeInForce"] = intent.tif.value
    return terms


def report_of_response(message: OrderResponse, venue: Venue) -> OrderReport:
    """Of an order's own answer to place, cancel or status."""
    name = ClientOrderId(message.origClientOrderId or message.clientOrderId)
    status = _status(message.status)
    ts_ns = (message.transactTime or message.updateTime) * MS
    where = instrument_id(message.symbol, venue)
    side = _side(message.side)
    venue_order_id = VenueOrderId(str(message.orderId))
    fills = tuple(
        Fill(
            where,
            name,
            venue_order_id,
            TradeId(str(fill.tradeId)),
            side,
            _money(fill.price, "fill price"),
            _money(fill.qty, "fill quantity"),
            _finite(fill.commission, "commission"),
            fill.commissionAsset,
            False,  # what fills in the answer to a new order took what was resting
            ts_ns,
        )
        for fill in message.fills
    )
    intent = _intent(
        name,
        where,
        side,
        message.type,
        message.timeInForce,
        quantity=message.origQty,
        price=message.price,
        trigger=message.stopPrice,
        quote_quantity=message.origQuoteOrderQty,
        trailing_bips=message.trailingDelta,
        display=message.icebergQty,
        list_number=message.orderListId,
    )
    filled = _money(message.executedQty, "filled quantity")
    reason = why_ended(message.status, message.timeInForce, message.orderListId)
    return OrderReport(name, venue_order_id, intent, status, filled, fills, ts_ns, reason)


def report_of_event(message: ExecutionReport, venue: Venue) -> OrderReport:
    """Of the account stream. A cancel's event names the order in `C`; in `c` stands the name of the cancel itself."""
    name = ClientOrderId(message.C or message.c)
    where = instrument_id(message.s, venue)
    side = _side(message.S)
    venue_order_id = VenueOrderId(str(message.i))
    fills: tuple[Fill, ...] = ()
    if message.x == "TRADE":
        fills = (
            Fill(
                where,
                name,
                venue_order_id,
                TradeId(str(message.t)),
                side,
                _money(message.L, "fill price"),
                _money(message.l, "fill quantity"),
                _finite(message.n, "commission"),
                message.N or "",
                message.m,
                message.T * MS,
            ),
        )
    intent = _intent(
        name,
        where,
        side,
        message.o,
        message.f,
        quantity=message.q,
        price=message.p,
        trigger=message.P,
        quote_quantity=message.Q,
        trailing_bips=message.d,
        display=message.F,
        list_number=message.g,
    )
    word = str(message.eR) or ("" if message.r == "NONE" else message.r)
    reason = why_ended(message.X, message.f, message.g, word)
    filled = _money(message.z, "filled quantity")
    return OrderReport(name, venue_order_id, intent, _status(message.X), filled, fills, message.T * MS, reason)


def fill(message: MyTrade, where: InstrumentId, name: ClientOrderId) -> Fill:
    """`name` is empty where it is not known: the venue tells only its own order id with a trade."""
    return Fill(
        where,
        name,
        VenueOrderId(str(message.orderId)),
        TradeId(str(message.id)),
        Side.BUY if message.isBuyer else Side.SELL,
        _money(message.price, "fill price"),
        _money(message.qty, "fill quantity"),
        _finite(message.commission, "commission"),
        message.commissionAsset,
        message.isMaker,
        message.time * MS,
    )


def balances_of_event(message: AccountPosition, venue: Venue) -> list[Balance]:
    return [
        Balance(venue, one.a, _finite(one.f, "free balance"), _finite(one.l, "locked balance"), message.u * MS)
        for one in message.B
    ]


def balances_of_account(message: Account, venue: Venue) -> list[Balance]:
    return [
        Balance(
            venue,
            one.asset,
            _finite(one.free, "free balance"),
            _finite(one.locked, "locked balance"),
            message.updateTime * MS,
        )
        for one in message.balances
    ]


def _intent(
    name: ClientOrderId,
    where: InstrumentId,
    side: Side,
    kind: str,
    tif: str,
    *,
    quantity: Decimal,
    price: Decimal,
    trigger: Decimal,
    quote_quantity: Decimal,
    trailing_bips: int,
    display: Decimal,
    list_number: int,
) -> OrderIntent:
    type_ = _TYPES.get(kind)
    if type_ is None or trailing_bips < 0:
        raise MessageError(f"order {name} is of a type not known here: {kind!r}, trailing by {trailing_bips}")
    return OrderIntent(
        name,
        where,
        side,
        OrderType.TRAILING_STOP if trailing_bips else type_,
        _money(quantity, "quantity"),
        _money(price, "price") if type_.has_limit else None,
        (_money(trigger, "trigger price") or None) if trailing_bips or type_.has_trigger else None,
        _money(quote_quantity, "quote quantity") or None,
        TimeInForce(tif) if tif in TimeInForce.__members__ else TimeInForce.GTC,
        trailing_fraction=trailing_bips * _BIP if trailing_bips else None,
        display_quantity=_money(display, "display quantity") or None,
        list_id=str(list_number) if list_number >= 0 else None,
    )


def _status(text: str) -> OrderStatus:
    status = _STATUSES.get(text)
    if status is None:
        raise MessageError(f"order status not known: {text!r}")
    return status


def _side(text: str) -> Side:
    side = _SIDES.get(text)
    if side is None:
        raise MessageError(f"side not known: {text!r}")
    return side


def _finite(x: Decimal, what: str) -> Decimal:
    """A maker may be paid, so a commission may be negative; nothing may be infinite or no number."""
    if not x.is_finite():
        raise MessageError(f"{what} is {x}")
    return x


def _money(x: Decimal, what: str) -> Decimal:
    if not x.is_finite() or x < 0:
        raise MessageError(f"{what} is {x}")
    return x
