"""The kill switch: stop the algos, halt, cancel everything, ask the venue whether it is so, and close what is open.

It never gives up: a step is tried again, by whichever way the venue answers, until the venue says that it is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import count
from typing import Final, NamedTuple, Protocol

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.cut import cut, is_order
from octopus_desktop.engine.level import Levels
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.model.account import Balance, Position
from octopus_desktop.model.commands import CancelAllOrders, Done, KillSwitch, Outcome, Refused, SubmitOrder
from octopus_desktop.model.errors import OctopusError, UnreadableOrders
from octopus_desktop.model.events import (
    BalanceChanged,
    Event,
    KillProgressed,
    KillStep,
    NoticeRaised,
    OrderEvent,
    Severity,
)
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import InstrumentId, new_client_order_id, symbol_of, venue_of
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import ZERO, Order, OrderIntent, OrderType, Side
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.model.safety import LevelCause, TradingLevel
from octopus_desktop.net.backoff import Backoff
from octopus_desktop.ports import Clock, ExecutionClient, Journal

logger = logging.getLogger(__name__)

REASON: Final = "The kill switch was pulled."
ROLE: Final = "flatten"
ALGOS_STOP_WITHIN_S: Final = 2.0
ROUNDS_BEFORE_CLOSING: Final = 5
FIRST_WAIT_S: Final = 0.2
SLOWEST_WAIT_S: Final = 5.0


class LeftOpen(NamedTuple):
    """What flattening still finds."""

    closing: list[OrderIntent]
    waiting: list[str]
    """In words what cannot be closed yet, and why."""
    dust: list[str]
    """In words what is too little for an order."""
    gone: list[str]
    """In words what our fills say we hold and the venue says is not there."""
    unlisted: list[str]
    """What our fills say we hold in instruments that the venue does not list: nothing can be sent for them."""


class Algos(Protocol):
    async def stop_all(self, reason: str) -> None: ...


class Switch:
    """One run at a time, on the node's loop. Before there is a venue to ask it halts, and goes on when there is."""

    def __init__(self, bus: Bus, levels: Levels, clock: Clock) -> None:
        self._bus = bus
        self._state = bus.state
        self._levels = levels
        self._clock = clock
        self._journal: Journal | None = None
        self._desk: OrderDesk | None = None
        self._client: ExecutionClient | None = None
        self._algos: Algos | None = None
        self._run: asyncio.Task[None] | None = None
        self._pulled = False
        self._flatten = False
        self._unreadable: frozenset[InstrumentId] = frozenset()
        self._changed = asyncio.Event()
        levels.when_raised(self._stand_down)
        bus.subscribe(self._heard)

    async def pull(self, command: KillSwitch) -> Outcome:
        """Never refused. Twice is once; the second time may add the flattening."""
        self._flatten = self._flatten or command.flatten
        if self._run is None or self._run.done():
            self._pulled = True
            self._flatten = command.flatten
            self._tell(KillStep.STOP_ALGOS, False, "")
            self._start()
        elif command.flatten:
            self._tell(KillStep.FLATTEN, False, "waits for the cancels")
        await self._levels.lower(TradingLevel.HALTED, REASON, LevelCause.KILL_SWITCH)
        return Done()

    def open(self, journal: Journal) -> None:
        """The journal is folded. What a run of an earlier session left undone is told, and goes on with the venue."""
        self._journal = journal
        if self._pulled:
            # Pulled before the file was open: what was read from it since is older.
            self._tell(KillStep.STOP_ALGOS, False, "")
            return
        halted = self._state.level.level is TradingLevel.HALTED
        undone = any(not step.done for step in self._state.kill.values())
        if halted and undone:
            verified = self._state.kill.get(KillStep.VERIFY_CANCELED)
            if verified is None or not verified.done:
                self._pulled = True
            flatten = self._state.kill.get(KillStep.FLATTEN)
            if flatten is not None and not flatten.done:
                # Hours may have passed: an order leaves only when the trader asks for it again.
                text = "not finished when the program ended; pull the switch again to close what is open"
                self._tell(KillStep.FLATTEN, False, text)
        if halted:
            left = len(self._state.working)
            orders = f"{left} orders may still work at the venue. " if left else ""
            going_on = "Cancelling goes on. " if self._pulled else ""
            text = f"{self._state.level.reason} {orders}{going_on}Only you can set the level back to ACTIVE."
            self._bus.publish(NoticeRaised(Severity.WARNING, "Trading is HALTED", text.strip(), self._clock.now_ns()))

    def connect(self, desk: OrderDesk, client: ExecutionClient, algos: Algos | None) -> None:
        """There is a venue to ask."""
        self._desk, self._client, self._algos = desk, client, algos
        if self._pulled:
            self._start()

    async def stop(self) -> None:
        """The journal knows how far it came; the next start goes on."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)

    def _stand_down(self) -> None:
        """The trader has left HALTED: what is not done is not wanted any more."""
        self._pulled = self._flatten = False
        if self._run is not None and not self._run.done():
            self._run.cancel()
            self._bus.publish(
                NoticeRaised(
                    Severity.WARNING,
                    "The kill switch was stopped",
                    "You set the level before every step was verified. Look at the open orders.",
                    self._clock.now_ns(),
                )
            )

    def _ended(self, run: asyncio.Task[None]) -> None:
        if not run.cancelled() and run.exception() is not None:
            logger.error("the kill switch stopped before it was done", exc_info=run.exception())
            text = "Trading stays HALTED. Pull it again, and look at the open orders at the venue."
            self._bus.publish(NoticeRaised(Severity.ERROR, "The kill switch broke", text, self._clock.now_ns()))

    # A run ------------------------------------------------------------------

    def _start(self) -> None:
        if self._desk is not None and (self._run is None or self._run.done()):
            self._run = asyncio.get_running_loop().create_task(self._carry_out(), name="kill switch")
            self._run.add_done_callback(self._ended)

    async def _carry_out(self) -> None:
        await self._stop_algos()
        await self._cancel_all()
        self._pulled = False
        if self._flatten:
            await self._close_all()

    async def _stop_algos(self) -> None:
        text = "none runs"
        if self._algos is not None:
            running = sum(not algo.status.is_over for algo in self._state.algos.values())
            try:
                async with asyncio.timeout(ALGOS_STOP_WITHIN_S):
                    await self._algos.stop_all(REASON)
                text = f"{running} stopped" if running else text
            except TimeoutError:
                text = f"{running} were told to; halted, they can send nothing"
            except Exception as error:
                logger.exception("the algos could not be stopped")
                text = f"{type(error).__name__}; halted, they can send nothing"
        self._tell(KillStep.STOP_ALGOS, True, text)

    async def _cancel_all(self) -> None:
        """Until the venue says that nothing of the account works, and we know how each of our orders ended."""
        backoff = Backoff(FIRST_WAIT_S, SLOWEST_WAIT_S)
        self._tell(KillStep.CANCEL, False, _count(len(self._state.working), "order"))
        for number in count(1):
            problem = await self._cancel_once()
            self._tell(KillStep.VERIFY_CANCELED, False, "asking the venue")
            # Where the cancels were refused the venue gets the pause it asked for: a ban would stop everything.
            problem = await self._verify(pressing=problem is None) or problem
            left = len(self._working())
            if not left and problem is None:
                break
            rest = f"{_count(left, 'order')} left" if left else "of ours none is left"
            self._tell(KillStep.CANCEL, False, f"{rest}{f': {problem}' if problem else ''}")
            if self._flatten and not left and number >= ROUNDS_BEFORE_CLOSING:
                await self._close_all()  # what cannot be verified must not keep positions open
            await asyncio.sleep(backoff.next_s())
        self._tell(KillStep.CANCEL, True, "none is left")
        self._tell(KillStep.VERIFY_CANCELED, True, "the venue has none")

    async def _cancel_once(self) -> str | None:
        """One request for each instrument; where that does not work, one for each order."""
        instruments = {order.intent.instrument_id for order in self._working()} | self._unreadable
        problems = await asyncio.gather(*(self._cancel_instrument(name) for name in sorted(instruments)))
        problem = next(filter(None, problems), None)
        if problem is not None:
            assert self._desk is not None
            await self._desk.cancel_all(CancelAllOrders())
        return problem

    async def _cancel_instrument(self, instrument_id: InstrumentId) -> str | None:
        assert self._desk is not None
        assert self._client is not None
        instrument = self._state.instruments.get(instrument_id)
        if instrument is None:
            return f"{symbol_of(instrument_id)} is not listed"
        try:
            for report in await self._client.cancel_all(instrument):
                self._desk.report(report)
        except OctopusError as error:
            return str(error)
        except Exception as error:
            logger.exception("cancelling everything in %s failed", instrument_id)
            return type(error).__name__
        return None

    async def _verify(self, *, pressing: bool) -> str | None:
        assert self._desk is not None
        assert self._client is not None
        reports: Sequence[OrderReport]
        try:
            reports = await self._client.open_orders(pressing=pressing)
            self._unreadable, problem = frozenset(), None
        except UnreadableOrders as error:
            reports, self._unreadable, problem = error.readable, error.instruments, str(error)
        except OctopusError as error:
            return str(error)
        except Exception as error:
            logger.exception("asking for the open orders failed")
            return type(error).__name__
        for report in reports:
            self._desk.report(report)  # one that was made elsewhere is adopted, and canceled in the next round
        resting = {report.client_order_id for report in reports}
        gone = [order for order in self._working() if order.client_order_id not in resting]
        await asyncio.gather(*(self._desk.inquiry.ask(order) for order in gone))
        return problem

    def _working(self) -> list[Order]:
        assert self._client is not None
        venue = self._client.venue
        return [order for order in self._state.working.values() if venue_of(order.intent.instrument_id) == venue]

    # Closing positions ------------------------------------------------------

    async def _close_all(self) -> None:
        backoff = Backoff(FIRST_WAIT_S, SLOWEST_WAIT_S)
        while True:
            problem = await self._refresh_balances()
            left = self._left_open(told=problem is None)
            if not left.closing and not left.waiting:
                break
            names = [symbol_of(intent.instrument_id) for intent in left.closing] + left.waiting
            self._tell(KillStep.FLATTEN, False, f"{', '.join(names)}{f': {problem}' if problem else ''}")
            assert self._desk is not None
            for intent in left.closing:
                outcome = await self._desk.submit(SubmitOrder(intent, acknowledged=True), flattening=True)
                if isinstance(outcome, Refused):
                    self._tell(KillStep.FLATTEN, False, f"{symbol_of(intent.instrument_id)}: {outcome.reason}")
            # The next round is of what is left: no second order while the first one's end is not known.
            await self._until_over(left.closing)
            again = self._left_open(told=problem is None)
            if again.closing or again.waiting:
                await self._wait(backoff.next_s())
        self._flatten = False
        self._tell(KillStep.FLATTEN, True, "all positions are closed")
        dust = f"; too little to trade: {', '.join(left.dust)}" if left.dust else ""
        gone = f"; not in the account any more: {', '.join(left.gone)}" if left.gone else ""
        if left.unlisted:
            text = f"{', '.join(left.unlisted)}: not listed any more, look at the venue{dust}{gone}"
            self._tell(KillStep.VERIFY_FLAT, False, text)
        else:
            self._tell(KillStep.VERIFY_FLAT, True, f"none is open{dust}{gone}")

    def _left_open(self, *, told: bool) -> LeftOpen:
        """What is open. `told`: the venue has just said what is in the account."""
        assert self._client is not None
        left = LeftOpen([], [], [], [], [])
        for position in self._state.positions.values():
            if not position.quantity or venue_of(position.instrument_id) != self._client.venue:
                continue
            instrument = self._state.instruments.get(position.instrument_id)
            if instrument is None:
                left.unlisted.append(symbol_of(position.instrument_id))
                continue
            what = f"{figure(abs(position.quantity))} {instrument.base}"
            quantity = self._closable(position, instrument, told=told)
            if self._is_dust(abs(position.quantity), instrument):
                left.dust.append(what)
            elif not self._is_dust(quantity, instrument):
                left.closing.append(_closing_order(position, quantity, instrument))
            elif told and not self._balance(instrument).locked:
                left.gone.append(what)
            else:
                left.waiting.append(f"{what} not free")
        return left

    def _closable(self, position: Position, instrument: Instrument, *, told: bool) -> Decimal:
        """As much as one market order may close."""
        quantity = abs(position.quantity)
        if instrument.kind is InstrumentKind.SPOT:
            # A fee taken in the base currency leaves less than was bought. Where the venue does not tell, what its
            # canceled orders had locked counts as free: it is, and the worst that comes of it is another refusal.
            balance = self._balance(instrument)
            quantity = min(quantity, balance.free if told else balance.free + balance.locked)
        return cut(instrument, quantity, self._price(instrument))

    def _balance(self, instrument: Instrument) -> Balance:
        """None told is nothing owned: the venue leaves out what is zero."""
        known = self._state.balances.get((instrument.venue, instrument.base))
        return known if known is not None else Balance(instrument.venue, instrument.base, ZERO, ZERO, 0)

    def _is_dust(self, quantity: Decimal, instrument: Instrument) -> bool:
        lots, price = instrument.quantity(quantity), self._price(instrument)
        if price is None:
            return lots < max(instrument.min_quantity, instrument.lot_size)
        return not lots or not is_order(instrument, lots, price)

    def _price(self, instrument: Instrument) -> Decimal | None:
        market = self._state.market(instrument.instrument_id)
        price = market.touch[0] if market.touch is not None else market.last_price
        return Decimal(repr(price)) if price is not None else None

    async def _refresh_balances(self) -> str | None:
        """What the canceled orders had locked is free again."""
        assert self._client is not None
        try:
            for balance in await self._client.balances():
                self._bus.publish(BalanceChanged(balance))
        except OctopusError as error:
            return str(error)
        except Exception as error:
            logger.exception("asking for the balances failed")
            return type(error).__name__
        return None

    async def _until_over(self, intents: Iterable[OrderIntent]) -> None:
        orders = [self._state.orders[i.client_order_id] for i in intents if i.client_order_id in self._state.orders]
        while any(not order.status.is_terminal for order in orders):
            await self._wait(SLOWEST_WAIT_S)

    # ------------------------------------------------------------------------

    async def _wait(self, seconds: float) -> None:
        """Until something happens to an order, but not longer."""
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _heard(self, event: Event) -> None:
        if isinstance(event, OrderEvent):
            self._changed.set()

    def _tell(self, step: KillStep, done: bool, text: str) -> None:
        known = self._state.kill.get(step)
        if known is not None and (known.done, known.text) == (done, text) and step is not KillStep.STOP_ALGOS:
            return
        event = KillProgressed(step, done, text, self._clock.now_ns())
        if self._journal is not None:
            self._journal.record(event)
        self._bus.publish(event)


def _closing_order(position: Position, quantity: Decimal, instrument: Instrument) -> OrderIntent:
    return OrderIntent(
        new_client_order_id(),
        position.instrument_id,
        Side.SELL if position.quantity > 0 else Side.BUY,
        OrderType.MARKET,
        quantity,
        reduce_only=instrument.kind is not InstrumentKind.SPOT,
        role=ROLE,
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
