"""What the venue asks of an order: its shape, the instrument's filters, and that what it needs is owned.

Each answer is a sentence for the trader. These hold for every order, one that reduces a position too.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from octopus_desktop.model.figures import BEYOND, figure
from octopus_desktop.model.identifiers import venue_of
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import ZERO, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.state import State

_NOT_YET_LOCKED: Final = {OrderStatus.INITIATED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN}


def reference_price(intent: OrderIntent, state: State) -> Decimal | None:
    """What a unit of this order is expected to cost: its limit, its trigger, else the touch it would hit."""
    if intent.price is not None:
        return intent.price
    if intent.trigger_price is not None:
        return intent.trigger_price
    market = state.markets.get(intent.instrument_id)
    if market is None:
        return None
    touch = market.touch
    if touch is not None:
        return Decimal(repr(touch[1] if intent.side is Side.BUY else touch[0]))
    last = market.last_price
    return Decimal(repr(last)) if last is not None else None


def numbers(intent: OrderIntent) -> str | None:
    """What is no price or no quantity. Nothing is reckoned with them before: a NaN raises where it is compared."""
    for price in (intent.price, intent.trigger_price):
        if price is not None and (wrong := no_price(price)):
            return wrong
    return no_quantity(intent.quote_quantity if intent.quote_quantity is not None else intent.quantity)


def shape(intent: OrderIntent, instrument: Instrument) -> str | None:
    """What is missing or impossible in the order itself."""
    name = instrument.symbol
    if not instrument.trading:
        return f"{name} is not trading now."
    if intent.type.has_limit and intent.price is None:
        return "A limit price is missing."
    if intent.type.has_trigger and intent.trigger_price is None:
        return "A trigger price is missing."
    if intent.quote_quantity is not None and intent.type is not OrderType.MARKET:
        return f"Only a market order can be given in {instrument.quote}."
    return None


def off_tick(instrument: Instrument, price: Decimal) -> str | None:
    if not price % instrument.tick_size:
        return None
    tick = figure(instrument.tick_size)
    return f"The price {figure(price)} is not a multiple of the tick {tick} of {instrument.symbol}."


def off_lot(instrument: Instrument, quantity: Decimal) -> str | None:
    if not quantity % instrument.lot_size:
        return None
    lot = figure(instrument.lot_size)
    return f"The quantity {figure(quantity)} is not a multiple of the lot {lot} of {instrument.symbol}."


def no_price(price: Decimal) -> str | None:
    if not (price.is_finite() and price > 0):
        return f"The price {figure(price)} is not above zero."
    return None if price < BEYOND else "No market has so large a price."


def no_quantity(quantity: Decimal) -> str | None:
    if not (quantity.is_finite() and quantity > 0):
        return "The quantity is missing."
    return None if quantity < BEYOND else "No market has so large a quantity."


def filters(intent: OrderIntent, instrument: Instrument, state: State, *, reducing: bool = False) -> str | None:
    """What the venue would refuse it for. Where there is no price, it is left to the venue to refuse what reduces."""
    name = instrument.symbol
    for price in (intent.price, intent.trigger_price):
        if price is not None and (off := off_tick(instrument, price)):
            return off
    if intent.quote_quantity is None:
        quantity = intent.quantity
        if off := off_lot(instrument, quantity):
            return off
        if quantity < instrument.min_quantity:
            return f"The smallest order in {name} is {figure(instrument.min_quantity)} {instrument.base}."
        most = instrument.max_quantity
        if intent.type is OrderType.MARKET and instrument.market_max_quantity is not None:
            most = min(most, instrument.market_max_quantity)
        if quantity > most:
            return f"The largest order in {name} is {figure(most)} {instrument.base}."
    reference = reference_price(intent, state)
    if reference is None and reducing:
        return None
    if reference is None:
        return f"There is no price of {name} yet to judge this order by."
    notional = intent.quote_quantity if intent.quote_quantity is not None else reference * intent.quantity
    if notional < instrument.min_notional:
        least = figure(instrument.min_notional)
        return f"The order is worth {notional:,.2f} {instrument.quote}; the least is {least} in {name}."
    market_order = intent.type is OrderType.MARKET
    highest = instrument.market_max_notional if market_order else instrument.max_notional
    if highest is not None and notional > highest:
        text = f"The order is worth {notional:,.2f} {instrument.quote}"
        return f"{text}; the venue takes {figure(highest)} at most."
    market = state.markets.get(intent.instrument_id)
    last = market.last_price if market is not None else None
    if intent.price is not None and last is not None:
        average = Decimal(repr(last))
        if instrument.price_up is not None and intent.price > average * instrument.price_up:
            return f"The price is above the venue's band ({figure(instrument.price(average * instrument.price_up))})."
        if instrument.price_down is not None and intent.price < average * instrument.price_down:
            return f"The price is below the venue's band ({figure(instrument.price(average * instrument.price_down))})."
    return None


def funds(intent: OrderIntent, instrument: Instrument, state: State) -> str | None:
    """Whether what it needs is free."""
    asset, needed = _needs(intent, instrument, state)
    free = free_for(intent, instrument, state)
    if needed > free:
        # Eight decimals are the finest any spot venue books.
        return f"This needs {figure(needed, 8)} {asset}, free is {figure(max(free, ZERO), 8)}."
    return None


def free_for(intent: OrderIntent, instrument: Instrument, state: State) -> Decimal:
    """How much of the asset it needs no other order holds."""
    asset, _ = _needs(intent, instrument, state)
    venue = venue_of(intent.instrument_id)
    balance = state.balances.get((venue, asset))
    free = balance.free if balance is not None else ZERO
    # Orders on their way are not in the venue's `locked` yet; an order must not spend the same coin twice.
    replaced = state.working.get(intent.replaces) if intent.replaces is not None else None
    lists = {intent.list_id}  # the orders of one list lock their coins once
    if replaced is not None:
        lists.add(replaced.intent.list_id)
    for order in state.working.values():
        if order.status in _NOT_YET_LOCKED and order.client_order_id not in (intent.client_order_id, intent.replaces):
            if order.intent.replaces in state.working:
                continue  # what it takes is what the other one gives back
            if order.intent.list_id is not None:
                if order.intent.list_id in lists:
                    continue
                lists.add(order.intent.list_id)
            listed = state.instruments.get(order.intent.instrument_id)
            if listed is not None and listed.venue == venue:
                other, amount = _needs(order.intent, listed, state)
                if other == asset:
                    free -= amount
    if replaced is not None and replaced.status not in _NOT_YET_LOCKED:
        rest = msgspec.structs.replace(replaced.intent, quantity=replaced.remaining)
        free += _needs(rest, instrument, state)[1]
    return free


def _needs(intent: OrderIntent, instrument: Instrument, state: State) -> tuple[str, Decimal]:
    """The asset an order takes out of the free balance, and how much of it."""
    if intent.side is Side.SELL:
        if intent.quote_quantity is not None:
            reference = reference_price(intent, state)
            return instrument.base, intent.quote_quantity / reference if reference else ZERO
        return instrument.base, intent.quantity
    if intent.quote_quantity is not None:
        return instrument.quote, intent.quote_quantity
    reference = reference_price(intent, state)
    return instrument.quote, intent.quantity * reference if reference is not None else ZERO
