"""Comparing our orders, fills and balances with the venue's, at the start and after every reconnect."""

from __future__ import annotations

import logging
from typing import Final

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.model.events import BalanceChanged, Reconciled
from octopus_desktop.model.identifiers import InstrumentId, TradeId, VenueOrderId, venue_of
from octopus_desktop.model.orders import Fill, OrderStatus
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.ports import Clock, ExecutionClient

logger = logging.getLogger(__name__)

OrderKey = tuple[InstrumentId, VenueOrderId]
ASKED_ONE_BY_ONE: Final = 5
"""Orders; of more than these the whole list is asked for, a thousand in one request."""


async def reconcile(bus: Bus, desk: OrderDesk, client: ExecutionClient, clock: Clock) -> Reconciled:
    """Mends every difference by events. Raises VenueError where the venue cannot be asked: then nothing is known.

    The order of steps: working orders first (their reports bring or miss fills), then fills by trade id, balances
    last, so that a balance is never older than the fills it contains.
    """
    state = bus.state
    before = _count(bus)
    reports = await client.open_orders()
    missed = await _missed_fills(bus, desk, client, reports)
    resting = set()
    for report in reports:
        resting.add(report.client_order_id)
        desk.report(report, missed.pop((report.intent.instrument_id, report.venue_order_id), ()))
    for order in list(state.working.values()):
        if venue_of(order.intent.instrument_id) != client.venue or order.client_order_id in resting:
            continue
        known_as = order.venue_order_id or VenueOrderId("")
        fills = missed.pop((order.intent.instrument_id, known_as), ())
        if not await desk.ask(order, fills) and not order.status.is_terminal:
            desk.resolve(order)
    await _recover(bus, desk, client, missed)
    for balance in await client.balances():
        known = state.balances.get((balance.venue, balance.asset))
        if known is None or (known.free, known.locked) != (balance.free, balance.locked):
            bus.publish(BalanceChanged(balance))
    done = Reconciled(client.venue, _count(bus) - before, len(reports), clock.now_ns())
    bus.publish(done)
    return done


async def _missed_fills(
    bus: Bus, desk: OrderDesk, client: ExecutionClient, resting: list[OrderReport]
) -> dict[OrderKey, tuple[Fill, ...]]:
    """By order, oldest first: what the venue has and we have not."""
    state = bus.state
    missed: dict[OrderKey, list[Fill]] = {}
    last = _last_trades(bus)
    for report in resting:
        last.setdefault(report.intent.instrument_id, None)
    for instrument_id, newest in last.items():
        instrument = state.instruments.get(instrument_id)
        if instrument is None or instrument.venue != client.venue:
            continue
        for fill in await client.fills(instrument, newest):
            name = desk.name_of(fill)
            order = state.orders.get(name) if name is not None else None
            if order is None or fill.trade_id not in order.trade_ids:
                missed.setdefault((instrument_id, fill.venue_order_id), []).append(fill)
    return {key: tuple(fills) for key, fills in missed.items()}


async def _recover(
    bus: Bus, desk: OrderDesk, client: ExecutionClient, missed: dict[OrderKey, tuple[Fill, ...]]
) -> None:
    """Orders that ended without our hearing of it, or were made elsewhere: the venue's own report has the totals."""
    by_instrument: dict[InstrumentId, list[VenueOrderId]] = {}
    for instrument_id, number in missed:
        by_instrument.setdefault(instrument_id, []).append(number)
    for instrument_id, numbers in by_instrument.items():
        instrument = bus.state.instruments[instrument_id]
        reports: list[OrderReport | None] = []
        if len(numbers) > ASKED_ONE_BY_ONE:
            reports += await client.orders(instrument, min(numbers, key=int))
        else:
            for number in numbers:
                fill = missed[instrument_id, number][0]
                reports.append(await client.order(instrument, fill.client_order_id, number))
        for report in reports:
            fills = missed.pop((instrument_id, report.venue_order_id), ()) if report is not None else ()
            if report is not None and fills:
                desk.report(report, fills)
    for (_, number), fills in missed.items():
        logger.error("trades %s belong to an order the venue does not know: %s", [f.trade_id for f in fills], number)


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
