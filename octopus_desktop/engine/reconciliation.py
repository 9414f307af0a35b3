"""Comparing our orders, fills and balances with the venue's, at the start and after every reconnect."""

from __future__ import annotations

import logging
from collections.abc import Collection
from decimal import Decimal
from typing import Final

import msgspec

from octopus_desktop.engine import strangers
from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.engine.strangers import Stranger
from octopus_desktop.model.errors import UnreadableRecord
from octopus_desktop.model.events import BalanceChanged, Cause, Reconciled
from octopus_desktop.model.identifiers import InstrumentId, TradeId, Venue, VenueOrderId, venue_of
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import ZERO, Fill, Order, OrderStatus
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.ports import Clock, ExecutionClient

logger = logging.getLogger(__name__)

OrderKey = tuple[InstrumentId, VenueOrderId]
ASKED_ONE_BY_ONE: Final = 5
"""Orders; of more than these the whole list is asked for, a thousand in one request."""
ASKED_AGAIN: Final = 20
"""Orders that the whole list did not name, though there are trades of them: the newest are asked for singly."""
BALANCES_ASKED: Final = 4


class Compared(msgspec.Struct):
    """How far the last whole comparison with a venue came. Kept, so that the next start goes on from there.

    `trades`: the venue's last trade in each instrument up to which every one is known, or is one of the `strangers`,
    which are asked for by themselves. The newest one we know would not do: one before it may have been missed.
    `totals` are of assets: where both sides of an instrument have changed since, there may have been trades, though
    nothing here has ever heard of an order in it.
    """

    trades: dict[InstrumentId, TradeId] = {}  # msgspec copies an empty default
    totals: dict[str, Decimal] = {}
    strangers: list[Stranger] = []


async def reconcile(bus: Bus, desk: OrderDesk, client: ExecutionClient, clock: Clock, compared: Compared) -> Reconciled:
    """Mends every difference by events and moves `compared` on.

    Raises VenueError where the venue cannot be asked, or may still tell of a stranger: then not everything is known,
    and it is to be done again.
    """
    before = _count(bus)
    working = await _Comparison(bus, desk, client, compared, clock.now_ns()).run()
    strangers.wait_for(compared.strangers, clock.now_ns())
    done = Reconciled(client.venue, _count(bus) - before, working, clock.now_ns())
    bus.publish(done)
    return done


class _Comparison:
    def __init__(self, bus: Bus, desk: OrderDesk, client: ExecutionClient, compared: Compared, now_ns: int) -> None:
        self._bus = bus
        self._state = bus.state
        self._desk = desk
        self._client = client
        self._compared = compared
        self._now_ns = now_ns
        self._known = {one.key: one for one in compared.strangers}
        self._missed: dict[OrderKey, dict[TradeId, Stranger]] = {}
        """By order, oldest first: the trades the venue has and we have not."""
        for one in compared.strangers:
            if one.trade_id:
                self._missed.setdefault((one.instrument_id, one.venue_order_id), {})[one.trade_id] = one
        self._unread: list[Stranger] = []
        """Our orders of which the venue's word cannot be read."""
        self._reached: dict[InstrumentId, TradeId] = {}
        """The venue's last trade in each instrument."""

    async def run(self) -> int:
        """How many orders work at the venue.

        The order of steps: working orders first (their reports bring or miss fills), then fills by trade id, balances
        last, so that a balance is never older than the fills it contains.
        """
        reports = await self._client.open_orders()
        wanted = {order.intent.instrument_id for order in self._state.orders.values()}
        wanted |= {report.intent.instrument_id for report in reports} | self._compared.trades.keys()
        await self._find_missed(wanted)
        resting = set()
        for report in reports:
            resting.add(report.client_order_id)
            self._desk.report(report, self._fills_of(report), Cause.RECONCILED)
        for order in list(self._state.working.values()):
            here = venue_of(order.intent.instrument_id) == self._client.venue
            if here and order.client_order_id not in resting:
                await self._inquire(order)
        await self._recover(wanted)
        totals = await _compare_balances(self._bus, self._client)
        suspects = _suspects(self._bus, self._client.venue, self._compared.totals, totals) - wanted
        if suspects:
            await self._find_missed(suspects)
            await self._recover(suspects)
            totals = await _compare_balances(self._bus, self._client)
        self._move_on()
        self._compared.totals = totals
        self._desk.resume()
        return len(reports)

    async def _find_missed(self, wanted: set[InstrumentId]) -> None:
        for instrument_id in sorted(wanted):
            instrument = self._listed(instrument_id)
            if instrument is None:
                continue
            unread: Collection[tuple[TradeId, VenueOrderId]] = ()
            try:
                fills = await self._client.fills(instrument, self._compared.trades.get(instrument_id))
            except UnreadableRecord as error:
                fills, unread = list(error.readable), error.trades
            ids = [fill.trade_id for fill in fills] + [trade_id for trade_id, _ in unread]
            if ids:
                self._reached[instrument_id] = max(ids, key=int)
            for fill in fills:
                stranger = Stranger(
                    instrument_id, fill.venue_order_id, self._now_ns, fill.trade_id, fill.client_order_id, fill
                )
                self._miss(stranger)
            for trade_id, number in unread:
                self._miss(Stranger(instrument_id, number, self._now_ns, trade_id))

    def _miss(self, stranger: Stranger) -> None:
        if self._is_booked(stranger):
            return
        trades = self._missed.setdefault((stranger.instrument_id, stranger.venue_order_id), {})
        before = trades.get(stranger.trade_id)
        if before is not None:
            stranger = msgspec.structs.replace(stranger, since_ns=before.since_ns)  # it may be readable by now
        trades[stranger.trade_id] = stranger

    async def _inquire(self, order: Order) -> None:
        """Of one that does not rest at the venue any more."""
        name, where = order.client_order_id, order.intent.instrument_id
        number = order.venue_order_id or VenueOrderId("")
        trades = self._missed.get((where, number), {}) if number else {}
        fills = tuple(one.fill for one in trades.values() if one.fill is not None)
        try:
            told = await self._desk.inquiry.inquire(order, fills, Cause.RECONCILED)
        except UnreadableRecord:
            told = False
            stranger = Stranger(where, number, self._now_ns, client_order_id=name)
            self._unread.append(self._known.get(stranger.key, stranger))
        if not told and not order.status.is_terminal:
            self._desk.inquiry.resolve(order)

    async def _recover(self, wanted: set[InstrumentId]) -> None:
        """Orders that ended without our hearing of it, or were made elsewhere: the venue's report has the totals."""
        by_instrument: dict[InstrumentId, list[VenueOrderId]] = {}
        for (instrument_id, number), trades in self._missed.items():
            if instrument_id in wanted and not all(self._is_booked(one) for one in trades.values()):
                by_instrument.setdefault(instrument_id, []).append(number)
        for instrument_id, numbers in by_instrument.items():
            instrument = self._listed(instrument_id)
            if instrument is None:
                continue
            asked_before = {(one.instrument_id, one.venue_order_id) for one in self._compared.strangers}
            fresh = [number for number in numbers if (instrument_id, number) not in asked_before]
            reports: list[OrderReport | None] = []
            if len(fresh) > ASKED_ONE_BY_ONE:
                reports += await self._client.orders(instrument, min(fresh, key=int))
                named = {report.venue_order_id for report in reports if report is not None}
                numbers = [number for number in numbers if number not in named]
                unnamed = sorted(set(fresh) - named, key=int, reverse=True)
                numbers = [number for number in numbers if number not in unnamed[ASKED_AGAIN:]]
            for number in numbers:
                reports.append(await self._order(instrument, number))
            for report in reports:
                if report is not None and (instrument_id, report.venue_order_id) in self._missed:
                    self._desk.report(report, self._fills_of(report), Cause.RECONCILED)

    async def _order(self, instrument: Instrument, number: VenueOrderId) -> OrderReport | None:
        first, *_ = self._missed[instrument.instrument_id, number].values()
        try:
            return await self._client.order(instrument, first.client_order_id, number)
        except UnreadableRecord as error:
            logger.warning("order %s in %s: %s", number, instrument.instrument_id, error)
            return None

    def _move_on(self) -> None:
        """The cursor never passes a trade that is neither known nor kept."""
        found = [one for trades in self._missed.values() for one in trades.values() if not self._is_booked(one)]
        found.sort(key=lambda one: one.key not in self._known)  # the cursor is past those that were kept before
        kept, beyond = found[: strangers.KEPT], found[strangers.KEPT :]
        for one in sorted(beyond, key=lambda one: int(one.trade_id), reverse=True):
            self._reached[one.instrument_id] = TradeId(str(int(one.trade_id) - 1))  # the oldest is the next to be told
        if beyond:
            logger.error("%d more trades than can be kept cannot be booked, the first is %s", len(beyond), beyond[0])
        unfinished = self._desk.inquiry.fetching()
        self._compared.trades.update({at: last for at, last in self._reached.items() if at not in unfinished})
        self._compared.strangers = kept + self._unread

    def _listed(self, instrument_id: InstrumentId) -> Instrument | None:
        instrument = self._state.instruments.get(instrument_id)
        return instrument if instrument is not None and instrument.venue == self._client.venue else None

    def _fills_of(self, report: OrderReport) -> tuple[Fill, ...]:
        trades = self._missed.get((report.intent.instrument_id, report.venue_order_id), {})
        return tuple(one.fill for one in trades.values() if one.fill is not None)

    def _is_booked(self, stranger: Stranger) -> bool:
        if stranger.fill is not None:
            name = self._desk.name_of(stranger.fill)
            order = self._state.orders.get(name) if name is not None else None
            return order is not None and stranger.trade_id in order.trade_ids
        of = (stranger.instrument_id, stranger.venue_order_id)
        return any(
            stranger.trade_id in order.trade_ids
            for order in self._state.orders.values()
            if (order.intent.instrument_id, order.venue_order_id) == of
        )


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


def _count(bus: Bus) -> int:
    """Changes whenever an order or fill does."""
    state = bus.state
    terminal = sum(order.status.is_terminal for order in state.orders.values())
    doubtful = sum(order.status in (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN) for order in state.working.values())
    return len(state.orders) + len(state.fills) + terminal - doubtful
