"""A Node whose market and account follow a script, and that records every command. For tests of the screen only."""

from __future__ import annotations

import random
from concurrent.futures import Future
from decimal import Decimal
from typing import Any

import msgspec
from scripted_market import SIM, START_NS, candle_walk

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.entry import EntryLock
from octopus_desktop.engine.risk import Risk
from octopus_desktop.model.algos import AlgoStatus
from octopus_desktop.model.commands import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    Command,
    ConfirmLive,
    Done,
    KillSwitch,
    LockEntry,
    NeedsAcknowledgement,
    NeedsConfirmation,
    Outcome,
    PauseAlgo,
    Refused,
    ResumeAlgo,
    SaveSetting,
    SetRiskLimits,
    SetTradingLevel,
    StartAlgo,
    StopAlgo,
    SubmitOrder,
    UnlockEntry,
)
from octopus_desktop.model.events import (
    AlgoEnded,
    AlgoPaused,
    AlgoResumed,
    AlgoStarted,
    EntryLocked,
    EntryUnlocked,
    Event,
    KillProgressed,
    KillStep,
    LogRecorded,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRequested,
    OrderDenied,
    OrderFilled,
    OrderInitiated,
    OrderRejected,
    OrderSubmitted,
    TradingLevelChanged,
)
from octopus_desktop.model.identifiers import (
    ClientOrderId,
    TradeId,
    VenueOrderId,
)
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import Fill, OrderIntent, OrderType, Side
from octopus_desktop.model.profile import Dialect, Mode, Profile
from octopus_desktop.model.queries import (
    AlgoQuery,
    AlgoVerdict,
    BalanceHistoryQuery,
    CandlesQuery,
    LimitsQuery,
    LogQuery,
    Query,
    RecentTradesQuery,
    RiskQuery,
    RiskStatusQuery,
    Verdict,
)
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.state import State


def demo_profile(mode: Mode = Mode.DEMO) -> Profile:
    return Profile(mode.value.lower(), SIM, Dialect.BINANCE_SPOT, mode)


class _Clock:
    def __init__(self, node: ScriptedNode) -> None:
        self._node = node

    def now_ns(self) -> int:
        return self._node.now_ns

    monotonic_ns = now_ns


class ScriptedNode:
    """Answers at once, on the caller's thread. `answers` False leaves orders without the venue's word."""

    def __init__(self, profile: Profile | None = None, settings: dict[str, str] | None = None) -> None:
        self.profile = profile or demo_profile()
        self.settings = dict(settings or {})
        self.commands: list[Command] = []
        self.queries: list[Query[Any]] = []
        self.state = State()
        bus, clock = Bus(self.state), _Clock(self)
        self._risk = Risk(bus, EntryLock(bus, clock), clock, RiskLimits())
        self.started = self.stopped = False
        self.answers = True
        self.limits = RiskLimits()
        self.confirmed = True
        self.warns = ""
        self.refuses: str | None = None
        self.candle_answer: BaseException | None = None
        self.earlier_trades: Future[Any] | None = None
        self.verdict: Verdict | None = None
        self.algo_verdict: AlgoVerdict | None = None
        self.native: set[type] = set()
        self.log_lines: list[LogRecorded] = []
        self.now_ns = START_NS
        self._pending: list[Event] = []
        self._number = 0
        self._random = random.Random(7)

    # The port

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        self.stopped = True

    def take_frame(self) -> list[Event]:
        frame, self._pending = self._pending, []
        return frame

    def setting(self, key: str) -> str | None:
        return self.settings.get(key)

    def execute(self, command: Command) -> Future[Outcome]:
        self.commands.append(command)
        answer: Future[Outcome] = Future()
        answer.set_result(Refused(self.refuses) if self.refuses else self._carry_out(command))
        return answer

    def query(self, query: Query[Any]) -> Future[Any]:
        self.queries.append(query)
        answer: Future[Any] = Future()
        match query:
            case CandlesQuery() if self.candle_answer is not None:
                answer.set_exception(self.candle_answer)
            case CandlesQuery():
                last = self.state.market(query.instrument_id).last_price or 100.0
                answer.set_result(candle_walk(query, last, self.now_ns))
            case RecentTradesQuery():
                answer = self.earlier_trades or answer
                if self.earlier_trades is None:
                    answer.set_result([])
            case RiskQuery():
                locked = self.state.entry_locked
                judged = Verdict(locked) if locked is not None else self._risk.judge(query.intent)
                answer.set_result(self.verdict or judged)
            case AlgoQuery():
                answer.set_result(self.algo_verdict or AlgoVerdict(native=type(query.spec) in self.native))
            case LimitsQuery():
                answer.set_result(self.limits)
            case RiskStatusQuery():
                answer.set_result(self._risk.status())
            case BalanceHistoryQuery():
                answer.set_result([])
            case LogQuery():
                answer.set_result(self.log_lines)
            case _:
                raise TypeError(type(query))
        return answer

    # The script

    def emit(self, *events: Event) -> None:
        for event in events:
            self.state.apply(event)
            self._pending.append(event)

    def of(self, kind: type) -> list[Any]:
        """The commands of one kind, in their order."""
        return [command for command in self.commands if type(command) is kind]

    def _carry_out(self, command: Command) -> Outcome:
        self.now_ns += 1_000_000
        match command:
            case SubmitOrder():
                if not self.confirmed:
                    return NeedsConfirmation("This is the first order of this LIVE profile.")
                if self.warns and not command.acknowledged:
                    return NeedsAcknowledgement(self.warns)
                return self._submit(command.intent)
            case CancelOrder():
                self._cancel(command.client_order_id)
            case CancelAllOrders():
                ids = [
                    order_id
                    for order_id, order in self.state.working.items()
                    if command.instrument_id in (None, order.intent.instrument_id)
                ]
                for order_id in ids:
                    self._cancel(order_id)
                return Done(len(ids))
            case SaveSetting():
                self.settings[command.key] = command.value
            case UnlockEntry():
                if self.profile.mode is Mode.LIVE and command.typed != self.profile.name:
                    return Refused(f"Type the profile's name, {self.profile.name}, to unlock order entry.")
                self.emit(EntryUnlocked(self.now_ns))
            case LockEntry():
                self.emit(EntryLocked("Locked by you.", self.now_ns))
            case SetTradingLevel():
                back = command.level is TradingLevel.ACTIVE and self.profile.mode is Mode.LIVE
                if back and command.typed != self.profile.name:
                    return Refused(f"Type the profile's name, {self.profile.name}, to go back to ACTIVE.")
                self.emit(TradingLevelChanged(command.level, "Set by you.", self.now_ns))
            case KillSwitch():
                self._kill(command.flatten)
            case StartAlgo():
                native = type(command.spec) in self.native
                self.emit(AlgoStarted(command.algo_id, self.now_ns, command.spec, command.on_restart, native))
            case SetRiskLimits():
                self.limits = command.limits
            case ConfirmLive():
                if command.typed != self.profile.name:
                    return Refused(f"Type the profile's name, {self.profile.name}, to confirm.")
                self.confirmed = True
            case PauseAlgo():
                self.emit(AlgoPaused(command.algo_id, self.now_ns))
            case ResumeAlgo():
                self.emit(AlgoResumed(command.algo_id, self.now_ns))
            case StopAlgo():
                self.emit(AlgoEnded(command.algo_id, self.now_ns, AlgoStatus.STOPPED, "Stopped by you."))
            case AmendOrder():
                if not self.confirmed:
                    return NeedsConfirmation("This is the first order of this LIVE profile.")
                self._amend(command)
            case _:
                pass
        return Done()

    def _submit(self, intent: OrderIntent) -> Outcome:
        order_id, now = intent.client_order_id, self.now_ns
        self.emit(OrderInitiated(order_id, now, intent))
        reason = self.state.entry_locked or self._risk.judge(intent).denial
        if reason is not None:
            self.emit(OrderDenied(order_id, now, reason))
            return Refused(reason)
        self.emit(OrderSubmitted(order_id, now))
        if not self.answers:
            return Done()
        self._number += 1
        venue_order_id = VenueOrderId(str(880_000 + self._number))
        touch = self.state.market(intent.instrument_id).touch
        assert touch is not None
        crossing = intent.price is not None and (
            intent.price >= Decimal(repr(touch[1]))
            if intent.side is Side.BUY
            else intent.price <= Decimal(repr(touch[0]))
        )
        if intent.type is OrderType.POST_ONLY and crossing:
            self.emit(OrderRejected(order_id, now, "Order would immediately match and take.", -2010))
            return Done()
        self.emit(OrderAccepted(order_id, now, venue_order_id))
        if intent.type is OrderType.MARKET or crossing:
            price = Decimal(repr(touch[1] if intent.side is Side.BUY else touch[0]))
            instrument = self.state.instruments[intent.instrument_id]
            quantity = intent.quantity or instrument.quantity((intent.quote_quantity or Decimal(0)) / price)
            self.fill(order_id, price, quantity, complete=True)
        return Done()

    def fill(self, order_id: ClientOrderId, price: Decimal, quantity: Decimal, *, complete: bool) -> None:
        self._number += 1
        order = self.state.orders[order_id]
        intent = order.intent
        fill = Fill(
            intent.instrument_id,
            order_id,
            order.venue_order_id or VenueOrderId("1"),
            TradeId(str(4_400_000 + self._number)),
            intent.side,
            price,
            quantity,
            (price * quantity * Decimal("0.001")).quantize(Decimal("0.00000001")),
            "USDT",
            intent.type is OrderType.POST_ONLY,
            self.now_ns,
        )
        self.emit(OrderFilled(order_id, self.now_ns, fill, complete))

    def _cancel(self, order_id: ClientOrderId) -> None:
        if order_id in self.state.working:
            self.emit(OrderCancelRequested(order_id, self.now_ns))
            if self.answers:
                self.emit(OrderCanceled(order_id, self.now_ns))

    def _kill(self, flatten: bool) -> None:
        self._kill_step(KillStep.STOP_ALGOS, False, "")
        for algo in [each for each in self.state.algos.values() if not each.status.is_over]:
            self.emit(AlgoEnded(algo.algo_id, self.now_ns, AlgoStatus.STOPPED, "The kill switch was pulled."))
        self._kill_step(KillStep.STOP_ALGOS, True, "none runs")
        self.emit(TradingLevelChanged(TradingLevel.HALTED, "The kill switch was pulled.", self.now_ns))
        count = len(self.state.working)
        self._kill_step(KillStep.CANCEL, False, f"{count} orders")
        for order_id in list(self.state.working):
            self._cancel(order_id)
        if not self.answers:
            return
        self._kill_step(KillStep.CANCEL, True, f"{count} orders canceled")
        self._kill_step(KillStep.VERIFY_CANCELED, True, "the venue has none")
        if flatten:
            self._kill_step(KillStep.FLATTEN, False, "closing")

    def _kill_step(self, step: KillStep, done: bool, text: str) -> None:
        self.now_ns += 1_000_000
        self.emit(KillProgressed(step, done, text, self.now_ns))

    def _amend(self, command: AmendOrder) -> None:
        order = self.state.orders[command.client_order_id]
        intent = msgspec.structs.replace(
            order.intent,
            client_order_id=command.replacement,
            replaces=command.client_order_id,
            price=command.price or order.intent.price,
            trigger_price=command.trigger_price or order.intent.trigger_price,
            quantity=(command.quantity or order.intent.quantity) - order.filled_quantity,
        )
        self.emit(OrderCanceled(command.client_order_id, self.now_ns, "Replaced."))
        self._submit(intent)
