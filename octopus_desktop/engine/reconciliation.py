"""Comparing our orders, fills and balances with the venue's, at the start and after every reconnect."""

from __future__ import annotations

import logging

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.model.events import BalanceChanged, Reconciled
from octopus_desktop.model.identifiers import InstrumentId, TradeId, venue_of
from octopus_desktop.model.orders import Fill, OrderStatus
from octopus_desktop.ports import Clock, ExecutionClient

logger = logging.getLogger(__name__)


async def reconcile(bus: Bus, desk: OrderDesk, client: ExecutionClient, clock: Clock) -> Reconciled:
    """Mends every difference by events. Raises VenueError where the venue cannot be asked: then nothing is known.

    The order of steps: working orders first (their reports bring or miss fills), then fills by trade id, balances
    last, so that a balance is never older than the fills it contains.
    """
    state = bus.state
    before = _count(bus)
    reports = await client.open_orders()
    resting = set()
    for report in reports:
        resting.add(report.client_order_id)
        desk.report(report)
    for order in list(state.working.values()):
        if venue_of(order.intent.instrument_id) != client.venue or order.client_order_id in resting:
            continue
        if not await desk.ask(order) and not order.status.is_terminal:
            desk.resolve(order)
    for instrument_id, last in _last_trades(bus).items():
        instrument = state.instruments.get(instrument_id)
        if instrument is None or instrument.venue != client.venue:
            continue
        for fill in await client.fills(instrument, last):
            await _recover(bus, desk, client, fill)
    for balance in await client.balances():
        known = state.balances.get((balance.venue, balance.asset))
        if known is None or (known.free, known.locked) != (balance.free, balance.locked):
            bus.publish(BalanceChanged(balance))
    done = Reconciled(client.venue, _count(bus) - before, len(reports), clock.now_ns())
    bus.publish(done)
    return done


async def _recover(bus: Bus, desk: OrderDesk, client: ExecutionClient, fill: Fill) -> None:
    name = desk.name_of(fill)
    order = bus.state.orders.get(name) if name is not None else None
    if order is not None and fill.trade_id in order.trade_ids:
        return
    # The venue's own report of the order carries the totals; the desk fetches what it misses.
    instrument = bus.state.instruments[fill.instrument_id]
    report = await client.order(instrument, fill.client_order_id, fill.venue_order_id)
    if report is None:
        logger.error("trade %s belongs to an order the venue does not know: %s", fill.trade_id, fill.venue_order_id)
        return
    desk.report(report)


def _last_trades(bus: Bus) -> dict[InstrumentId, TradeId | None]:
    """The newest trade known of each instrument that has ever had an order."""
    last: dict[InstrumentId, TradeId | None] = {o.intent.instrument_id: None for o in bus.state.orders.values()}
    for fill in bus.state.fills:
        known = last.get(fill.instrument_id)
        if known is None or int(fill.trade_id) > int(known):
            last[fill.instrument_id] = fill.trade_id
    return last


def _count(bus: Bus) -> int:
    """Changes whenever an order or fill does."""
    state = bus.state
    terminal = sum(order.status.is_terminal for order in state.orders.values())
    unknown = sum(order.status is OrderStatus.UNKNOWN for order in state.working.values())
    return len(state.orders) + len(state.fills) + terminal - unknown
