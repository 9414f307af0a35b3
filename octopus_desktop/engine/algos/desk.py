"""The algo desk: starts algos, wakes each when something of its may have changed, brings them over a restart."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from octopus_desktop.engine.algos.kinds import KINDS
from octopus_desktop.engine.algos.work import SECOND, Tools, Work, locked
from octopus_desktop.engine.amend import Amendments
from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.entry import EntryLock
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.engine.subscriptions import Subscriptions
from octopus_desktop.model.algos import Algo, AlgoStatus, AnyAlgoSpec, Bracket, OnRestart
from octopus_desktop.model.commands import (
    CancelAllOrders,
    CancelOrder,
    Done,
    Outcome,
    PauseAlgo,
    Refused,
    ResumeAlgo,
    StartAlgo,
    StopAlgo,
    Subscribe,
    Unsubscribe,
)
from octopus_desktop.model.errors import StorageError
from octopus_desktop.model.events import (
    AlgoPaused,
    AlgoProgressed,
    AlgoResumed,
    AlgoStarted,
    AlgoStopping,
    AnyAlgoEvent,
    BalanceChanged,
    Channel,
    EntryLocked,
    EntryUnlocked,
    Event,
    FeedRecovered,
    FeedStale,
    NoticeRaised,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderUnknown,
    QuoteChanged,
    Severity,
    TradingLevelChanged,
)
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import AlgoId, InstrumentId, symbol_of
from octopus_desktop.model.orders import Order
from octopus_desktop.model.queries import AlgoVerdict
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.ports import Clock, ExecutionClient, Journal

logger = logging.getLogger(__name__)

KEEP: Final = "keep"
"""In the memo of an algo that is being stopped: its protection stays."""
NOT_YET: Final = "Comparing with the venue: algos are possible in a moment."
_NAME: Final = re.compile(r"[a-z0-9-]{1,30}")
"""An order's name is the algo's and a number; Binance takes 36 characters."""
_OF_AN_ORDER: Final[tuple[type, ...]] = (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderUnknown,
)
_OF_A_MARKET: Final[tuple[type, ...]] = (QuoteChanged, FeedStale, FeedRecovered)
_OF_ALL: Final[tuple[type, ...]] = (BalanceChanged, EntryLocked, EntryUnlocked, TradingLevelChanged)


class _Run:
    """One algo's work and the task that steps it: woken as often as one likes, never stepped twice at a time."""

    def __init__(self, work: Work[Any], failed: Callable[[Work[Any], Exception], None]) -> None:
        self.work = work
        self._failed = failed
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self.wake()
        self.task = asyncio.get_running_loop().create_task(self._loop(), name=f"algo {self.work.algo.algo_id}")

    def wake(self) -> None:
        self._woken.set()

    async def until_idle(self) -> None:
        await self._idle.wait()

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def _loop(self) -> None:
        work = self.work
        while not work.algo.status.is_over:
            await self._woken.wait()
            self._woken.clear()
            self._idle.clear()
            try:
                await self._look(work)
            except Exception as error:  # noqa: BLE001  # whatever it is, the trader must know
                self._failed(work, error)
            finally:
                self._idle.set()
            self._set_timer(work)

    async def _look(self, work: Work[Any]) -> None:
        work.wake_ns = None
        if work.algo.status is AlgoStatus.STOPPING:
            await work.wind_down(work.algo.memo.get(KEEP) == "1")
            return
        reason = work.blocked()
        if reason is not None:
            work.pause(reason)
        if work.algo.status is AlgoStatus.RUNNING or work.guards:
            await work.step()

    def _set_timer(self, work: Work[Any]) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if work.wake_ns is not None and not work.algo.status.is_over:
            delay = max(0.0, (work.wake_ns - work.now_ns) / SECOND)
            self._timer = asyncio.get_running_loop().call_later(delay, self.wake)


class AlgoDesk:
    """On the node's loop."""

    def __init__(
        self,
        bus: Bus,
        journal: Journal,
        orders: OrderDesk,
        amendments: Amendments,
        client: ExecutionClient,
        lock: EntryLock,
        subscriptions: Subscriptions,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._state = bus.state
        self._journal = journal
        self._lock = lock
        self._subscriptions = subscriptions
        self._clock = clock
        self._tools = Tools(bus.state, orders, amendments, lock, clock, self._publish, bus.publish, client.capabilities)
        self._runs: dict[AlgoId, _Run] = {}
        self._by_instrument: dict[InstrumentId, list[_Run]] = {}
        self._starting: set[AlgoId] = set()
        self._restarted = False
        self._on: dict[type, Callable[[Any], None]] = {
            **dict.fromkeys(_OF_AN_ORDER, self._order_changed),
            **dict.fromkeys(_OF_A_MARKET, self._market_changed),
            **dict.fromkeys(_OF_ALL, self._all_changed),
        }
        bus.subscribe(self._told)
        amendments.on_settled = self._settled

    # Commands ---------------------------------------------------------------

    async def start(self, command: StartAlgo) -> Outcome:
        name, spec = command.algo_id, command.spec
        if name in self._state.algos or name in self._starting:
            return Done(0)
        if not self._restarted:
            return Refused(self._lock.reason or NOT_YET)
        if not _NAME.fullmatch(name):
            return Refused("An algo's name is made of a to z, 0 to 9 and dashes, 30 at most.")
        opinion = self.opinion(spec)
        if opinion.refusal is not None:
            return Refused(opinion.refusal)
        started = AlgoStarted(name, self._clock.now_ns(), spec, command.on_restart, opinion.native)
        self._starting.add(name)
        try:
            await self._journal.commit([started])
        except StorageError as error:
            return Refused(f"The journal could not be written, so nothing was started: {error}")
        finally:
            self._starting.discard(name)
        self._bus.publish(started)
        self._run(self._state.algos[name])
        return Done()

    def opinion(self, spec: AnyAlgoSpec) -> AlgoVerdict:
        """Would it be refused now, and who would hold it? It changes nothing."""
        instrument = self._state.instruments.get(spec.instrument_id)
        if instrument is None:
            return AlgoVerdict(f"{symbol_of(spec.instrument_id)} is not an instrument of this venue.")
        kind, tools = KINDS[type(spec)], self._tools
        refusal = kind.refusal(spec, instrument, self._state, self._clock.now_ns())
        if refusal is not None:
            return AlgoVerdict(refusal)
        # What the venue does not take in one order is worked here.
        native = kind.is_native(spec, tools.capabilities) and spec.quantity <= instrument.max_quantity
        largest = kind.largest(spec, instrument, self._state, native)
        whole = msgspec.structs.replace(largest, quantity=spec.quantity)
        return AlgoVerdict(locked(whole, tools) or tools.orders.opinion_of_algo(whole, largest), native)

    async def pause(self, command: PauseAlgo) -> Outcome:
        algo = self._state.algos.get(command.algo_id)
        refusal = self._not_lively(algo, command.algo_id)
        if refusal is not None:
            return refusal
        assert algo is not None
        if algo.status is AlgoStatus.RUNNING:
            self._publish(AlgoPaused(algo.algo_id, self._clock.now_ns()))
            await self._idle(algo.algo_id)
        return Done()

    async def resume(self, command: ResumeAlgo) -> Outcome:
        algo = self._state.algos.get(command.algo_id)
        refusal = self._not_lively(algo, command.algo_id)
        if refusal is not None:
            return refusal
        assert algo is not None
        if not self._restarted:
            return Refused(NOT_YET)
        if algo.status is AlgoStatus.PAUSED:
            self._publish(AlgoResumed(algo.algo_id, self._clock.now_ns()))
            self._wake(algo.algo_id)
        return Done()

    async def stop(self, command: StopAlgo) -> Outcome:
        algo = self._state.algos.get(command.algo_id)
        if algo is None:
            return Refused(f"There is no algo {command.algo_id}.")
        if algo.status.is_over:
            return Refused(f"The algo is {algo.status.value} already.")
        self._stop(algo, "", keep=command.keep_protection)
        await self._idle(algo.algo_id)
        return Done()

    async def stop_all(self, reason: str) -> None:
        """Once it returns no algo sends anything more; their orders are being canceled, protection too."""
        at_work = [algo for algo in self._state.algos.values() if not algo.status.is_over]
        for algo in at_work:
            self._stop(algo, reason, keep=False)
        for algo in at_work:
            await self._idle(algo.algo_id)

    def canceling(self, command: CancelOrder | CancelAllOrders) -> None:
        """By hand. An order that is being changed goes with the one that was to take its place.

        What a bracket protects it protects again at once: that is told, so that nobody believes it bare.
        """
        if isinstance(command, CancelOrder):
            self._tools.amendments.call_off(
                [command.client_order_id]
            )  # it may be gone already, and the other on its way
            order = self._state.working.get(command.client_order_id)
            meant = [order] if order is not None else []
        else:
            meant = [o for o in self._state.working.values() if command.instrument_id in (None, o.intent.instrument_id)]
            meant = [order for order in meant if command.side in (None, order.intent.side)]
            self._tools.amendments.call_off(order.client_order_id for order in meant)
        if self._state.level.level is TradingLevel.HALTED:
            return  # nothing leaves
        for name in {order.intent.parent for order in meant if order.intent.role in ("stop", "target")}:
            algo = self._state.algos.get(name) if name is not None else None
            if algo is not None and isinstance(algo.spec, Bracket) and not algo.status.is_over:
                title = f"The bracket in {symbol_of(algo.spec.instrument_id)} places its stop again"
                text = "As long as it is there it protects what it bought. To take that away, stop it in Algos."
                self._bus.publish(NoticeRaised(Severity.WARNING, title, text, self._clock.now_ns()))

    async def restart(self) -> None:
        """After the first comparison with the venue: each goes on by the rule the trader chose for it.

        What the venue holds never stood still, so it is not called paused.
        """
        if self._restarted:
            return
        self._restarted = True
        for algo in list(self._state.algos.values()):
            if algo.status.is_over:
                continue
            if algo.status is AlgoStatus.RUNNING:
                works_there = algo.native and any(name in self._state.working for name in algo.children)
                if algo.on_restart is OnRestart.PAUSE and not works_there:
                    reason = "The program was restarted; resume it when you are ready."
                    self._publish(AlgoPaused(algo.algo_id, self._clock.now_ns(), reason))
                elif algo.on_restart is OnRestart.END:
                    self._stop(algo, "The program was restarted.", keep=True)
            self._run(algo)

    async def close(self) -> None:
        """What rests at the venue stays; the journal knows the rest."""
        runs, self._runs = list(self._runs.values()), {}
        self._by_instrument.clear()
        for run in runs:
            await run.stop()

    # ------------------------------------------------------------------------

    def _not_lively(self, algo: Algo | None, name: AlgoId) -> Refused | None:
        if algo is None:
            return Refused(f"There is no algo {name}.")
        if algo.status in (AlgoStatus.RUNNING, AlgoStatus.PAUSED):
            return None
        return Refused(f"The algo is {algo.status.value} already.")

    def _stop(self, algo: Algo, reason: str, *, keep: bool) -> None:
        """Stopping again without protection counts; stopping again with it does not bring it back."""
        now = self._clock.now_ns()
        stopping = algo.status is AlgoStatus.STOPPING
        if not stopping or not keep:
            self._publish(AlgoProgressed(algo.algo_id, now, "stopping", {KEEP: "1" if keep else ""}))
        if not stopping:
            self._publish(AlgoStopping(algo.algo_id, now, reason))
        self._wake(algo.algo_id)

    def _run(self, algo: Algo) -> None:
        instrument = self._state.instruments.get(algo.spec.instrument_id)
        if instrument is None:
            title = f"An algo in {symbol_of(algo.spec.instrument_id)} does not go on"
            text = "The venue does not list the instrument now. It goes on with the next start that finds it."
            self._bus.publish(NoticeRaised(Severity.ERROR, title, text, self._clock.now_ns()))
            return
        kind = KINDS[type(algo.spec)]
        work: Work[Any] = kind(algo, algo.spec, self._tools, instrument)
        wanted = Subscribe(algo.spec.instrument_id, Channel.QUOTES)
        if not self._subscriptions.streams(wanted.instrument_id, wanted.channel):
            work.price_since_ns = self._clock.now_ns()
        self._subscriptions.subscribe(wanted)
        run = self._runs[algo.algo_id] = _Run(work, self._failed)
        self._by_instrument.setdefault(algo.spec.instrument_id, []).append(run)
        run.begin()
        assert run.task is not None
        run.task.add_done_callback(lambda _: self._over(run))

    def _over(self, run: _Run) -> None:
        algo = run.work.algo
        if self._runs.pop(algo.algo_id, None) is None:
            return  # the desk is closing
        instrument_id = algo.spec.instrument_id
        self._by_instrument[instrument_id].remove(run)
        self._subscriptions.unsubscribe(Unsubscribe(instrument_id, Channel.QUOTES))

    def _failed(self, work: Work[Any], error: Exception) -> None:
        logger.error("algo %s failed", work.algo.algo_id, exc_info=error)
        if work.algo.status is AlgoStatus.RUNNING:
            work.pause(f"Something went wrong here: {type(error).__name__}: {error}.")
        else:
            work.notice(f"{work.title} is in trouble", f"{type(error).__name__}: {error}", Severity.ERROR)
            work.wake_in(1.0)

    async def _idle(self, name: AlgoId) -> None:
        run = self._runs.get(name)
        if run is not None:
            await run.until_idle()

    def _wake(self, name: AlgoId) -> None:
        run = self._runs.get(name)
        if run is not None:
            run.wake()

    def _publish(self, event: AnyAlgoEvent) -> None:
        self._journal.record(event)
        self._bus.publish(event)

    # What happens -----------------------------------------------------------

    def _told(self, event: Event) -> None:
        react = self._on.get(type(event))
        if react is not None:
            react(event)

    def _order_changed(self, event: OrderEvent) -> None:
        order = self._state.orders.get(event.client_order_id)
        if order is None or order.intent.parent is None:
            return
        if order.intent.parent in self._runs:
            self._wake(order.intent.parent)
        elif self._restarted:
            self._after_the_end(event, order)

    def _after_the_end(self, event: OrderEvent, order: Order) -> None:
        """Nobody looks after the orders of an algo that is over, so the trader must."""
        algo = self._state.algos.get(order.intent.parent or AlgoId(""))
        if algo is None or not algo.status.is_over:
            return
        symbol, role = symbol_of(order.intent.instrument_id), order.intent.role
        if isinstance(event, OrderFilled) and role not in ("stop", "target"):
            title = f"An order in {symbol} was filled after its algo had ended"
            text = f"{figure(event.fill.quantity)} at {figure(event.fill.price)}: it has no stop and no target."
        elif role == "stop" and order.status.is_terminal and order.remaining and not self._list_filled(order):
            title = f"A stop in {symbol} is gone"
            left = figure(order.remaining)
            text = f"The algo that left {left} under it is over: nothing protects that now. {order.reason}"
        else:
            return
        logger.warning("algo %s: %s: %s", algo.algo_id, title, text)
        self._bus.publish(NoticeRaised(Severity.WARNING, title, text.strip(), self._clock.now_ns()))

    def _list_filled(self, order: Order) -> bool:
        list_id = order.intent.list_id
        algo = self._state.algos[order.intent.parent or AlgoId("")]
        others = (self._state.orders[name] for name in algo.children)
        return list_id is not None and any(o.intent.list_id == list_id and o.filled_quantity for o in others)

    def _settled(self, order: Order) -> None:
        if order.intent.parent is not None:
            self._wake(order.intent.parent)

    def _market_changed(self, event: QuoteChanged | FeedStale | FeedRecovered) -> None:
        for run in self._by_instrument.get(event.instrument_id, ()):
            if run.work.follows_price:
                run.wake()

    def _all_changed(self, event: object) -> None:
        for run in self._runs.values():
            run.wake()
