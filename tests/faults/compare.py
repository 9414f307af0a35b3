"""The exchange's own book beside what the engine believes."""

from __future__ import annotations

from decimal import Decimal

from octopus_desktop.engine.orders import NEVER_SENT
from octopus_desktop.model.account import Position
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId
from octopus_desktop.model.orders import OrderStatus
from octopus_desktop.simulator.orders import Execution, Order
from octopus_desktop.state import State
from tests.faults.trader import Trader
from tests.faults.world import ACCOUNT, VENUE, World

_STATUSES = {
    "NEW": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
_NEVER_THERE = (OrderStatus.DENIED, OrderStatus.REJECTED)


def differences(world: World, state: State, trader: Trader) -> list[str]:
    """What is lost, doubled, unknown or guessed. Empty is the proof."""
    found: list[str] = []
    exchange = world.exchange
    orders = [order for symbol in exchange.markets for order in exchange.orders(ACCOUNT, symbol)]
    fills = [fill for symbol in exchange.markets for fill in exchange.executions(ACCOUNT, symbol)]
    found += _of_orders(orders, state, trader)
    found += _of_fills(fills, state)
    found += _of_positions(fills, state)
    found += _of_balances(world, state)
    found += _of_ledger(state)
    return found


def _of_orders(orders: list[Order], state: State, trader: Trader) -> list[str]:
    found = []
    names: dict[str, Order] = {}
    for order in orders:
        if order.name in names:
            found.append(f"doubled: two orders at the exchange are called {order.name}")
        names[order.name] = order
    tokens: dict[str, str] = {}
    for name in names:
        intent = trader.sent.get(ClientOrderId(name))
        if intent is not None and intent.token is not None:
            if intent.token in tokens:
                found.append(f"doubled: one keypress, two orders: {name} and {tokens[intent.token]}")
            tokens[intent.token] = name
    for name, order in names.items():
        mine = state.orders.get(ClientOrderId(name))
        if mine is None:
            if name not in trader.outside:
                found.append(f"lost: {name} is {order.status} at the exchange and unknown here")
            elif order.is_open or order.filled:
                found.append(f"lost: {name}, made outside, is {order.status} at the exchange and unknown here")
            continue
        wanted = _STATUSES[order.status]
        if mine.status is not wanted:
            found.append(f"guessed: {name} is {order.status} at the exchange, {mine.status.value} here")
        if mine.filled_quantity != _money(order.filled):
            found.append(f"guessed: {name} filled {_money(order.filled)} there, {mine.filled_quantity} here")
        if mine.venue_order_id != str(order.order_id):
            found.append(f"guessed: {name} is {order.order_id} there, {mine.venue_order_id} here")
        if mine.adopted is not (name in trader.outside):
            found.append(f"guessed: {name} adopted {mine.adopted}")
        is_working = mine.client_order_id in state.working
        if is_working is mine.status.is_terminal:
            found.append(f"guessed: {name} is {mine.status.value}, and among the working: {is_working}")
    for mine in state.orders.values():
        name = mine.client_order_id
        if mine.status in (OrderStatus.INITIATED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN):
            found.append(f"unknown: {name} is still {mine.status.value}: {mine.reason}")
        elif name in names and mine.reason == NEVER_SENT:
            found.append(f"guessed: {name} was held back here and stands at the exchange")
        elif name not in names and mine.status not in _NEVER_THERE and mine.reason != NEVER_SENT:
            found.append(f"guessed: {name} is {mine.status.value} here and was never at the exchange")
        elif name in names and mine.status is OrderStatus.DENIED:
            found.append(f"guessed: {name} is denied here and stands at the exchange")
    for name in trader.taken:
        if name not in state.orders:
            found.append(f"lost: {name} was taken, and is forgotten")
    return found


def _of_fills(fills: list[Execution], state: State) -> list[str]:
    found = []
    theirs = {(f"{fill.symbol}.{VENUE}", str(fill.trade_id), fill.is_buy): fill for fill in fills}
    ours: dict[tuple[str, str, bool], Decimal] = {}
    for fill in state.fills:
        key = (fill.instrument_id, fill.trade_id, fill.side.sign > 0)
        if key in ours:
            found.append(f"doubled: fill {key}")
        ours[key] = fill.quantity
        real = theirs.get(key)
        if real is None:
            found.append(f"guessed: fill {key} never happened")
        elif (fill.price, fill.quantity, fill.fee, fill.fee_asset, fill.venue_order_id) != (
            _money(real.price),
            _money(real.quantity),
            _money(real.commission),
            real.commission_asset,
            str(real.order_id),
        ):
            found.append(f"guessed: fill {key} is {fill}, at the exchange {real}")
    found += [f"lost: fill {key} of order {theirs[key].order_id}" for key in theirs if key not in ours]
    return found


def _of_positions(fills: list[Execution], state: State) -> list[str]:
    """On spot nothing is held that no fill brought, nor what its fee took; of a trade with ourselves the bought half
    comes first."""
    sums: dict[InstrumentId, Decimal] = {}
    for fill in sorted(fills, key=lambda fill: (fill.trade_id, not fill.is_buy)):
        where = InstrumentId(f"{fill.symbol}.{VENUE}")
        signed = _money(fill.quantity) * (1 if fill.is_buy else -1)
        if fill.symbol.startswith(fill.commission_asset):
            signed -= _money(fill.commission)
        sums[where] = max(sums.get(where, Decimal(0)) + signed, Decimal(0))
    found = []
    for where in {*sums, *state.positions}:
        mine = state.positions.get(where, Position(where)).quantity
        if mine != sums.get(where, Decimal(0)):
            found.append(f"guessed: position {where} is {sums.get(where)} there, {mine} here")
    return found


def _of_balances(world: World, state: State) -> list[str]:
    found = []
    ledger = world.exchange.ledger
    for asset in ledger.assets(ACCOUNT):
        real = ledger.balance(ACCOUNT, asset)
        mine = state.balances.get((VENUE, asset))
        told = (mine.free, mine.locked) if mine is not None else (Decimal(0), Decimal(0))
        if told != (_money(real.free), _money(real.locked)):
            found.append(f"guessed: {asset} is {_money(real.free)} + {_money(real.locked)} there, {told} here")
    return found


def _of_ledger(state: State) -> list[str]:
    """The engine's own sum check: what the balances were, and the fills since."""
    checked = state.ledger.get(VENUE)
    return [f"guessed: the ledger is off: {one}" for one in checked.differences] if checked is not None else []


def _money(units: int) -> Decimal:
    return Decimal(units).scaleb(-8)
