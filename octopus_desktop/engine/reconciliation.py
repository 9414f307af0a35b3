"""Comparing our orders, fills and balances with the venue's, at the start and after every reconnect."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Final

import msgspec

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.model.errors import VenueUnavailable
from octopus_desktop.model.events import BalanceChanged, Cause, Reconciled
from octopus_desktop.model.identifiers import InstrumentId, TradeId, Venue, VenueOrderId, venue_of
from octopus_desktop.model.orders import ZERO, Fill, OrderStatus
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.ports import Clock, ExecutionClient

logger = logging.getLogger(__name__)

OrderKey = tuple[InstrumentId, VenueOrderId]
ASKED_ONE_BY_ONE: Final = 5
"""Orders; of more than these the whole list is asked for, a thousand in one request."""
ASKED_AGAIN: Final = 20
"""Orders that the whole list did not name, though there are trades of them: the newest are asked for singly."""
LAGS_NS: Final = 24 * 3_600_000_000_000
"""A venue's orders may be a step behind its trades, not a day. An older trade is of an order it no longer tells of."""
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
    """Mends every difference by events and moves `compared` on, never past a trade whose order is not known.

    Raises VenueError where the venue cannot be asked, or tells a new trade and not its order: then not everything is
    known, and it is to be done again.

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
        fills = missed.get((report.intent.instrument_id, report.venue_order_id), ())
        desk.report(report, fills, Cause.RECONCILED)
    for order in list(state.working.values()):
        if venue_of(order.intent.instrument_id) != client.venue or order.client_order_id in resting:
            continue
        known_as = order.venue_order_id or VenueOrderId("")
        fills = missed.get((order.intent.instrument_id, known_as), ())
        if not await desk.inquire(order, fills, Cause.RECONCILED) and not order.status.is_terminal:
            desk.resolve(order)
    await _recover(bus, desk, client, missed)
    totals = await _compare_balances(bus, client)
    suspects = _suspects(bus, client.venue, compared.totals, totals) - wanted
    if suspects:
        more = await _missed_fills(bus, desk, client, suspects, compared, reached)
        await _recover(bus, desk, client, more)
        missed |= more
        totals = await _compare_balances(bus, client)
    strangers = [fill for fills in missed.values() for fill in fills if not _is_known(bus, desk, fill)]
    strangers.sort(key=lambda fill: int(fill.trade_id))
    for fill in reversed(strangers):
        reached[fill.instrument_id] = TradeId(str(int(fill.trade_id) - 1))  # the oldest is the next to be told
    unfinished = desk.fetching()
    compared.trades.update({where: last for where, last in reached.items() if where not in unfinished})
    compared.totals = totals
    desk.resume()
    _tell(strangers, clock.now_ns())
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
    missed: dict[OrderKey, list[Fill]] = {}
    for instrument_id in sorted(wanted):
        instrument = bus.state.instruments.get(instrument_id)
        if instrument is None or instrument.venue != client.venue:
            continue
        fills = await client.fills(instrument, compared.trades.get(instrument_id))
        if fills:
            reached[instrument_id] = fills[-1].trade_id
        for fill in fills:
            if not _is_known(bus, desk, fill):
                missed.setdefault((instrument_id, fill.venue_order_id), []).append(fill)
    return {key: tuple(fills) for key, fills in missed.items()}


async def _recover(
    bus: Bus, desk: OrderDesk, client: ExecutionClient, missed: dict[OrderKey, tuple[Fill, ...]]
) -> None:
    """Orders that ended without our hearing of it, or were made elsewhere: the venue's own report has the totals."""
    by_instrument: dict[InstrumentId, list[VenueOrderId]] = {}
    for (instrument_id, number), fills in missed.items():
        if not all(_is_known(bus, desk, fill) for fill in fills):
            by_instrument.setdefault(instrument_id, []).append(number)
    for instrument_id, numbers in by_instrument.items():
        instrument = bus.state.instruments[instrument_id]
        reports: list[OrderReport | None] = []
        if len(numbers) > ASKED_ONE_BY_ONE:
            reports += await client.orders(instrument, min(numbers, key=int))
            named = {report.venue_order_id for report in reports if report is not None}
            numbers = sorted(set(numbers) - named, key=int, reverse=True)[:ASKED_AGAIN]
        for number in numbers:
            reports.append(await client.order(instrument, missed[instrument_id, number][0].client_order_id, number))
        for report in reports:
            fills = missed.get((instrument_id, report.venue_order_id), ()) if report is not None else ()
            if report is not None and fills:
                desk.report(report, fills, Cause.RECONCILED)


def _is_known(bus: Bus, desk: OrderDesk, fill: Fill) -> bool:
    name = desk.name_of(fill)
    order = bus.state.orders.get(name) if name is not None else None
    return order is not None and fill.trade_id in order.trade_ids


def _tell(strangers: list[Fill], now_ns: int) -> None:
    """Trades of orders the venue does not tell of, oldest first. Raises VenueUnavailable where one is so new that it
    will.

    Old ones do not keep order entry shut for ever; they are asked for again with each comparison.
    """
    if not strangers:
        return
    last = max(strangers, key=lambda fill: fill.ts_venue_ns)
    what = f"trade {last.trade_id} in {last.instrument_id}, order {last.venue_order_id}"
    if now_ns - last.ts_venue_ns < LAGS_NS:
        raise VenueUnavailable(f"The venue does not tell yet whose trade it is: {what}.")
    logger.error("%d old trades are of orders the venue does not know, the last is %s", len(strangers), what)


def _count(bus: Bus) -> int:
    """Changes whenever an order or fill does."""
    state = bus.state
    terminal = sum(order.status.is_terminal for order in state.orders.values())
    unknown = sum(order.status is OrderStatus.UNKNOWN for order in state.working.values())
    return len(state.orders) + len(state.fills) + terminal - unknown
