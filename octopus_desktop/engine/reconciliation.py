"""Comparing our orders, fills and balances with the venue's, at the start and after every reconnect."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Final

import msgspec

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.model.events import BalanceChanged, Cause, Reconciled
from octopus_desktop.model.identifiers import InstrumentId, TradeId, Venue, VenueOrderId, venue_of
from octopus_desktop.model.orders import ZERO, Fill, OrderStatus
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.ports import Clock, ExecutionClient

logger = logging.getLogger(__name__)

OrderKey = tuple[InstrumentId, VenueOrderId]
ASKED_ONE_BY_ONE: Final = 5
"""Orders; of more than these the whole list is asked for, a thousand in one request."""
BALANCES_ASKED: Final = 4


class Compared(msgspec.Struct):
    """How far the last whole comparison with a venue came. Kept, so that the next start goes on from there.

    `trades`: the venue's last trade in each instrument up to which every one is known. The newest one we know would not
    do: one before it may have been missed. `totals` are of assets: where both sides of an instrument have changed
    since, there may have been trades, though nothing here has ever heard of an order in it.
    """

    trades: dict[InstrumentId, TradeId] = {}  # msgspec copies an empty default
    totals: dict[str, Decimal] = {}


async def reconcile(bus: Bus, desk: OrderDesk, client: ExecutionClient, clock: Clock, compared: Compared) -> Reconciled:
    """Mends every difference by events and moves `compared` on.

    Raises VenueError where the venue cannot be asked: then nothing is known, and it is to be done again.

    The order of steps: working orders first (their reports bring or miss fills), then fills by trade id, balances
    last, so that a balance is never older than the fills it contains.
    """
    state = bus.state
    before = _count(bus)
    reports = await client.open_orders()
    wanted = {order.intent.instrument_id for order in state.orders.values()}
    wanted |= {report.intent.instrument_id for report in reports} | compared.trades.keys()
    reached: dict[InstrumentId, TradeId] = {}
    missed = await _missed_fills(bus, desk, client, wanted, compared, reached)
    resting = set()
    for report in reports:
        resting.add(report.client_order_id)
        fills = missed.pop((report.intent.instrument_id, report.venue_order_id), ())
        desk.report(report, fills, Cause.RECONCILED)
    for order in list(state.working.values()):
        if venue_of(order.intent.instrument_id) != client.venue or order.client_order_id in resting:
            continue
        known_as = order.venue_order_id or VenueOrderId("")
        fills = missed.pop((order.intent.instrument_id, known_as), ())
        if not await desk.inquire(order, fills, Cause.RECONCILED) and not order.status.is_terminal:
            desk.resolve(order)
    await _recover(bus, desk, client, missed)
    totals = await _compare_balances(bus, client)
    suspects = _suspects(bus, client.venue, compared.totals, totals) - wanted
    if suspects:
        missed = await _missed_fills(bus, desk, client, suspects, compared, reached)
        await _recover(bus, desk, client, missed)
        totals = await _compare_balances(bus, client)
    unfinished = desk.fetching()
    compared.trades.update({where: last for where, last in reached.items() if where not in unfinished})
    compared.totals = totals
    desk.resume()
    done = Reconciled(client.venue, _count(bus) - before, len(reports), clock.now_ns())
    bus.publish(done)
    return done


async def _compare_balances(bus: Bus, client: ExecutionClient) -> dict[str, Decimal]:
    """The venue's totals by asset. What the stream tells while we ask may be newer or older than the answer."""
    state = bus.state
    for _ in range(BALANCES_ASKED):
        before = dict(state.balances)
        answer = await client.balances()
        moved = {key for key, balance in state.balances.items() if before.get(key) is not balance}
        if not moved:
            break
    for balance in answer:
        key = (balance.venue, balance.asset)
        known = state.balances.get(key)
        changed = known is None or (known.free, known.locked) != (balance.free, balance.locked)
        if changed and key not in moved:
            bus.publish(BalanceChanged(balance))
    return {balance.asset: balance.total for balance in answer}


def _suspects(bus: Bus, venue: Venue, before: dict[str, Decimal], now: dict[str, Decimal]) -> set[InstrumentId]:
    """Instruments that may have been traded elsewhere since the last comparison; none before the first."""
    if not before:
        return set()
    changed = {asset for asset in before.keys() | now.keys() if before.get(asset, ZERO) != now.get(asset, ZERO)}
    listed = bus.state.instruments.values()
    return {one.instrument_id for one in listed if one.venue == venue and one.base in changed and one.quote in changed}


async def _missed_fills(
    bus: Bus,
    desk: OrderDesk,
    client: ExecutionClient,
    wanted: set[InstrumentId],
    compared: Compared,
    reached: dict[InstrumentId, TradeId],
) -> dict[OrderKey, tuple[Fill, ...]]:
    """By order, oldest first: what the venue has and we have not. `reached` is told the last of each instrument."""
    state = bus.state
    missed: dict[OrderKey, list[Fill]] = {}
    for instrument_id in sorted(wanted):
        instrument = state.instruments.get(instrument_id)
        if instrument is None or instrument.venue != client.venue:
            continue
        fills = await client.fills(instrument, compared.trades.get(instrument_id))
        if fills:
            reached[instrument_id] = fills[-1].trade_id
        for fill in fills:
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
                desk.report(report, fills, Cause.RECONCILED)
    for (_, number), fills in missed.items():
        logger.error("trades %s belong to an order the venue does not know: %s", [f.trade_id for f in fills], number)


def _count(bus: Bus) -> int:
    """Changes whenever an order or fill does."""
    state = bus.state
    terminal = sum(order.status.is_terminal for order in state.orders.values())
    unknown = sum(order.status is OrderStatus.UNKNOWN for order in state.working.values())
    return len(state.orders) + len(state.fills) + terminal - unknown
