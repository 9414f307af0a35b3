"""Columns that tell of orders and fills, shared by open orders, history and fills."""

from __future__ import annotations

from datetime import tzinfo
from decimal import Decimal

from octopus_desktop.model.identifiers import AlgoId, InstrumentId, symbol_of
from octopus_desktop.model.orders import Order, OrderStatus, OrderType, Side
from octopus_desktop.state import State
from ui.models.algo_words import kind_word
from ui.models.columns import Column, Paint, day_and_clock, iso
from ui.theme.numbers import NOTHING, format_percent, format_price, format_quantity

TYPE_WORDS = {
    OrderType.LIMIT: "Limit",
    OrderType.MARKET: "Market",
    OrderType.POST_ONLY: "Post only",
    OrderType.STOP: "Stop",
    OrderType.STOP_LIMIT: "Stop limit",
    OrderType.TAKE_PROFIT: "Take profit",
    OrderType.TAKE_PROFIT_LIMIT: "TP limit",
    OrderType.TRAILING_STOP: "Trailing stop",
}
STATUS_TONES = {
    OrderStatus.INITIATED: "text_lo",
    OrderStatus.SUBMITTED: "text_lo",
    OrderStatus.UNKNOWN: "warn",
    OrderStatus.ACCEPTED: "text_mid",
    OrderStatus.PARTIALLY_FILLED: "accent",
    OrderStatus.FILLED: "text_hi",
    OrderStatus.CANCELED: "text_lo",
    OrderStatus.EXPIRED: "text_lo",
    OrderStatus.DENIED: "danger",
    OrderStatus.REJECTED: "danger",
}


def side_tone(side: Side) -> str:
    return "up" if side is Side.BUY else "down"


def side_word(side: Side) -> str:
    return "Buy" if side is Side.BUY else "Sell"


def algo_word(state: State, algo_id: AlgoId | None) -> str:
    """`TWAP`: what kind of algo sent an order; empty for an order of the trader's own."""
    algo = state.algos.get(algo_id) if algo_id is not None else None
    return kind_word(algo.spec) if algo is not None else ""


def status_word(order: Order) -> str:
    """As the trader calls it: what rests is open, what was asked to go is going."""
    if order.cancel_requested and not order.status.is_terminal:
        return "Canceling"
    match order.status:
        case OrderStatus.ACCEPTED:
            return "Open"
        case OrderStatus.INITIATED | OrderStatus.SUBMITTED:
            return "Sending"
        case OrderStatus.PARTIALLY_FILLED:
            return "Part filled"
        case _:
            return str(order.status.value).capitalize()


class Precisions:
    """Writes prices and quantities at their instrument's precision; in full where it isn't known."""

    def __init__(self, state: State) -> None:
        self._state = state

    def price(self, name: InstrumentId, value: Decimal | float | None) -> str:
        if value is None:
            return NOTHING
        instrument = self._state.instruments.get(name)
        return format_price(value, instrument.price_precision) if instrument else f"{value}"

    def quantity(self, name: InstrumentId, value: Decimal | float | None) -> str:
        if value is None:
            return NOTHING
        instrument = self._state.instruments.get(name)
        return format_quantity(value, instrument.quantity_precision) if instrument else f"{value}"


def order_columns(state: State, zone: tzinfo) -> dict[str, Column[Order]]:
    """By key, for each table to take what it needs."""
    write = Precisions(state)

    def name(order: Order) -> InstrumentId:
        return order.intent.instrument_id

    def wanted(order: Order) -> str:
        if order.intent.quote_quantity is not None:
            instrument = state.instruments.get(name(order))
            return f"{format_price(order.intent.quote_quantity, 2)} {instrument.quote if instrument else ''}".strip()
        return write.quantity(name(order), order.intent.quantity)

    def share(order: Order) -> Decimal | None:
        return order.filled_quantity / order.intent.quantity * 100 if order.intent.quantity else None

    def value(order: Order) -> Decimal | None:
        price = order.intent.price or order.intent.trigger_price
        return price * order.remaining if price is not None else None

    columns: list[Column[Order]] = [
        Column("time", "Time", lambda o: iso(o.created_ns), lambda o: day_and_clock(o.created_ns, zone), 104,
               tone=lambda o: "text_mid", rank=lambda o: o.created_ns),
        Column("updated", "Updated", lambda o: iso(o.updated_ns), lambda o: day_and_clock(o.updated_ns, zone), 104,
               tone=lambda o: "text_mid", rank=lambda o: o.updated_ns),
        Column("instrument", "Instrument", lambda o: symbol_of(name(o)), lambda o: symbol_of(name(o)), 86,
               Paint.NAME, tone=lambda o: "text_hi"),
        Column("side", "Side", lambda o: o.intent.side, lambda o: side_word(o.intent.side), 44, Paint.WORDS,
               tone=lambda o: side_tone(o.intent.side)),
        Column("type", "Type", lambda o: o.intent.type, lambda o: TYPE_WORDS[o.intent.type], 76, Paint.WORDS),
        Column("price", "Price", lambda o: o.intent.price, lambda o: write.price(name(o), o.intent.price), 92),
        Column("trigger", "Trigger", lambda o: o.intent.trigger_price,
               lambda o: write.price(name(o), o.intent.trigger_price), 92),
        Column("average", "Average", lambda o: o.average_price,
               lambda o: write.price(name(o), o.average_price), 92),
        Column("quantity", "Quantity", lambda o: o.intent.quantity or o.intent.quote_quantity, wanted, 96),
        Column("filled", "Filled", lambda o: o.filled_quantity,
               lambda o: write.quantity(name(o), o.filled_quantity), 92),
        Column("share", "Filled %", share, lambda o: format_percent(share(o), 0).lstrip("+"), 62,
               tone=lambda o: "accent" if o.filled_quantity else "text_lo"),
        Column("remaining", "Remaining", lambda o: o.remaining, lambda o: write.quantity(name(o), o.remaining), 92,
               least=1400),
        Column("value", "Value", value, lambda o: format_price(value(o), 2), 92, tone=lambda o: "text_mid"),
        Column("tif", "TIF", lambda o: o.intent.tif, lambda o: o.intent.tif.value, 40, Paint.WORDS),
        Column("status", "Status", lambda o: o.status, status_word, 84, Paint.WORDS,
               tone=lambda o: STATUS_TONES[o.status], tip=lambda o: o.reason),
        Column("parent", "Algo", lambda o: algo_word(state, o.intent.parent),
               lambda o: algo_word(state, o.intent.parent), 84, Paint.WORDS,
               tip=lambda o: f"Sent by {o.intent.parent}" if o.intent.parent else ""),
        Column("role", "Part", lambda o: o.intent.role, lambda o: o.intent.role.capitalize(), 56, Paint.WORDS),
        Column("reason", "Reason", lambda o: o.reason, lambda o: o.reason, 200, Paint.WORDS, tip=lambda o: o.reason),
        Column("client_order_id", "Order id", lambda o: o.client_order_id, lambda o: o.client_order_id, 190,
               Paint.WORDS, tone=lambda o: "text_lo",
               tip=lambda o: f"At the venue: {o.venue_order_id}" if o.venue_order_id else ""),
    ]  # fmt: skip
    return {column.key: column for column in columns}
