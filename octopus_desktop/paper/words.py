"""Between the terminal's words and the matching engine's: instruments, orders, fills and balances."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from octopus_desktop.model.errors import RequestRefused
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, TradeId, Venue, VenueOrderId, instrument_id
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import Fill, OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.simulator.filters import Rules
from octopus_desktop.simulator.orders import LIMIT_TYPES, TRIGGER_TYPES, Execution, NewOrder, Order
from octopus_desktop.simulator.units import UNIT

_NAMES: Final = {
    OrderType.LIMIT: "LIMIT",
    OrderType.MARKET: "MARKET",
    OrderType.POST_ONLY: "LIMIT_MAKER",
    OrderType.STOP: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
}
_TYPES: Final = {name: kind for kind, name in _NAMES.items()}
_STATUSES: Final = {
    "NEW": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
_BIP: Final = Decimal("0.0001")


def units(x: float | Decimal) -> int:
    """In units of 1e-8, the nearest."""
    return round(x * UNIT)


def money(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-8)


def rules(instrument: Instrument) -> Rules:
    return Rules(
        symbol=instrument.symbol,
        base=instrument.base,
        quote=instrument.quote,
        tick=units(instrument.tick_size),
        lot=units(instrument.lot_size),
        min_notional=units(instrument.min_notional),
        max_quantity=units(instrument.max_quantity),
        max_market_quantity=units(instrument.market_max_quantity or instrument.max_quantity),
        maker_ppm=round(instrument.maker_fee * 1_000_000),
        taker_ppm=round(instrument.taker_fee * 1_000_000),
    )


def new_order(intent: OrderIntent, instrument: Instrument) -> NewOrder:
    """Raises RequestRefused for what the matching engine has no word for."""
    kind, bips = intent.type, 0
    if kind is OrderType.TRAILING_STOP:
        fraction = (intent.trailing_fraction or Decimal(0)) / _BIP
        bips = int(fraction)
        if bips != fraction or bips <= 0:
            raise RequestRefused("A paper trailing stop follows in whole steps of 0.01 %.", 0)
        # An activation price waits for a better price, as a take-profit does.
        activated = intent.trigger_price is not None
        if intent.price is not None:
            kind = OrderType.TAKE_PROFIT_LIMIT if activated else OrderType.STOP_LIMIT
        else:
            kind = OrderType.TAKE_PROFIT if activated else OrderType.STOP
    name = _NAMES[kind]
    return NewOrder(
        symbol=instrument.symbol,
        is_buy=intent.side is Side.BUY,
        type=name,
        quantity=units(intent.quantity) if intent.quote_quantity is None else 0,
        quote_quantity=units(intent.quote_quantity or 0),
        price=units(intent.price or 0) if name in LIMIT_TYPES else 0,
        stop_price=units(intent.trigger_price or 0) if name in TRIGGER_TYPES else 0,
        time_in_force=intent.tif.value if name in LIMIT_TYPES and name != "LIMIT_MAKER" else "GTC",
        client_order_id=intent.client_order_id,
        # Nobody trades with himself; the resting order gives way, so that a stop is never in vain.
        stp="EXPIRE_MAKER",
        iceberg_quantity=units(intent.display_quantity or 0) if name in LIMIT_TYPES else 0,
        trailing_bips=bips,
    )


def report(order: Order, venue: Venue, executions: list[Execution]) -> OrderReport:
    where, name = instrument_id(order.symbol, venue), ClientOrderId(order.name)
    fills = tuple(fill(one, where, name) for one in executions)
    reason = ""
    if order.status == "EXPIRED_IN_MATCH":
        reason = "It would have traded with an order of the same account."
    elif order.status == "EXPIRED":
        in_list = order.group is not None and any(one.filled for one in order.group.orders if one is not order)
        reason = "The other order of its list was executed." if in_list else "Nothing was left for it in the book."
    return OrderReport(
        name,
        VenueOrderId(str(order.order_id)),
        _intent(order, where, name),
        _STATUSES[order.status],
        money(order.filled),
        fills,
        order.updated_ns,
        reason,
    )


def fill(one: Execution, where: InstrumentId, name: ClientOrderId) -> Fill:
    return Fill(
        where,
        name,
        VenueOrderId(str(one.order_id)),
        TradeId(str(one.trade_id)),
        Side.BUY if one.is_buy else Side.SELL,
        money(one.price),
        money(one.quantity),
        money(one.commission),
        one.commission_asset,
        one.is_maker,
        one.ts_ns,
    )


def _intent(order: Order, where: InstrumentId, name: ClientOrderId) -> OrderIntent:
    bips = order.request.trailing_bips
    return OrderIntent(
        name,
        where,
        Side.BUY if order.is_buy else Side.SELL,
        OrderType.TRAILING_STOP if bips else _TYPES[order.type],
        money(order.quantity),
        money(order.price) if order.type in LIMIT_TYPES else None,
        money(order.stop_price) if order.stop_price else None,
        money(order.quote_quantity) if order.quote_quantity else None,
        TimeInForce(order.time_in_force),
        trailing_fraction=bips * _BIP if bips else None,
        display_quantity=money(order.display) if order.display else None,
        list_id=order.list_client_id or None,
    )
