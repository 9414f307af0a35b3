"""Everything that is asked of the engine: which part carries out a command, which one answers a query."""

from __future__ import annotations

from typing import Any, Final, assert_never

import msgspec

from octopus_desktop.engine.algos.desk import AlgoDesk
from octopus_desktop.engine.amend import Amendments
from octopus_desktop.engine.audit import Auditor
from octopus_desktop.engine.candles import CandleHistory
from octopus_desktop.engine.comparisons import Comparisons
from octopus_desktop.engine.confirmation import FirstOrder
from octopus_desktop.engine.entry import EntryLock, Lock
from octopus_desktop.engine.kill_switch import Switch
from octopus_desktop.engine.level import Levels
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.engine.risk import Risk
from octopus_desktop.engine.subscriptions import Subscriptions
from octopus_desktop.model.commands import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    Command,
    ConfirmLive,
    Done,
    KillSwitch,
    LockEntry,
    NeedsConfirmation,
    Outcome,
    PauseAlgo,
    Reconcile,
    Refused,
    ResumeAlgo,
    SaveSetting,
    SetRiskLimits,
    SetTradingLevel,
    StartAlgo,
    StopAlgo,
    SubmitOrder,
    Subscribe,
    TradingCommand,
    UnlockEntry,
    Unsubscribe,
)
from octopus_desktop.model.errors import StorageError, VenueUnavailable
from octopus_desktop.model.orders import OrderIntent
from octopus_desktop.model.profile import Profile
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
from octopus_desktop.ports import MarketDataClient, Repository

LIMITS_SETTING: Final = "risk.limits"


class Trading(msgspec.Struct):
    """What there is once the profile has an account to trade on."""

    orders: OrderDesk
    amendments: Amendments
    algos: AlgoDesk


class Requests:
    """`repository` and `history`, then `market`, then `trading` are there as the engine starts; what comes too early
    is refused with a sentence."""

    def __init__(
        self,
        profile: Profile,
        lock: EntryLock,
        subscriptions: Subscriptions,
        comparisons: Comparisons,
        risk: Risk,
        levels: Levels,
        kill: Switch,
        first_order: FirstOrder,
        auditor: Auditor,
    ) -> None:
        self._profile = profile
        self._lock = lock
        self._subscriptions = subscriptions
        self._comparisons = comparisons
        self._risk = risk
        self._levels = levels
        self._kill = kill
        self._first_order = first_order
        self._auditor = auditor
        self.repository: Repository | None = None
        self.history: CandleHistory | None = None
        self.market: MarketDataClient | None = None
        self.trading: Trading | None = None

    # Commands ---------------------------------------------------------------

    async def execute(self, command: Command) -> Outcome:
        """Every command and what came of it is in the audit, also where it failed, and mostly before it is told."""
        limits = self._risk.limits
        self._auditor.asked(command)
        try:
            outcome = await self._carry_out(command)
        except Exception as error:
            self._auditor.answered(command, Refused(f"{type(error).__name__}: {error}"), limits)
            raise
        self._auditor.answered(command, outcome, limits)
        await self._auditor.written(command)
        return outcome

    async def _carry_out(self, command: Command) -> Outcome:
        if isinstance(command, TradingCommand):
            return await self._trade(command, self.trading) if self.trading is not None else self._no_desk()
        match command:
            case Subscribe():
                return self._subscriptions.subscribe(command)
            case Unsubscribe():
                return self._subscriptions.unsubscribe(command)
            case UnlockEntry():
                return self._unlock(command)
            case LockEntry():
                self._lock.shut(Lock.TRADER)
                return Done()
            case ConfirmLive():
                return await self._first_order.confirm(command)
            case SetRiskLimits():
                return await self._set_limits(command)
            case SaveSetting():
                if self.repository is None:
                    return Refused("The data is not open: the setting is not kept.")
                await self.repository.save_setting(command.key, command.value)
                return Done()
            case KillSwitch():
                return await self._kill.pull(command)
            case SetTradingLevel():
                return await self._levels.set(command)
            case _:
                assert_never(command)

    async def _trade(self, command: TradingCommand, trading: Trading) -> Outcome:
        match command:
            case SubmitOrder():
                return self._unconfirmed(command.intent, trading) or await trading.orders.submit(command)
            case CancelOrder():
                trading.algos.canceling(command)
                return trading.amendments.called_off(command) or await trading.orders.cancel(command)
            case CancelAllOrders():
                trading.algos.canceling(command)
                return await trading.orders.cancel_all(command)
            case AmendOrder():
                return self._unconfirmed_change(command, trading) or await trading.amendments.amend(command)
            case StartAlgo():
                return self._first_order.missing() or await trading.algos.start(command)
            case PauseAlgo():
                return await trading.algos.pause(command)
            case ResumeAlgo():
                return await trading.algos.resume(command)
            case StopAlgo():
                return await trading.algos.stop(command)
            case Reconcile():
                self._comparisons.ask(at_once=True)
                return Done()
            case _:
                assert_never(command)

    def _no_desk(self) -> Refused:
        return Refused(self._lock.reason or "There is no connection to the venue yet.")

    def _unconfirmed(self, intent: OrderIntent, trading: Trading) -> NeedsConfirmation | None:
        """Asked only of an order that would leave, and never of one that closes what was bought or sold before it."""
        missing = self._first_order.missing()
        if missing is None or self._risk.exposure.closes(intent):
            return None
        return missing if trading.orders.opinion(intent).denial is None else None

    def _unconfirmed_change(self, command: AmendOrder, trading: Trading) -> NeedsConfirmation | None:
        """A changed order is a new one, also where the one it replaces was made elsewhere."""
        missing = self._first_order.missing()
        intent = trading.amendments.replacement(command)
        if missing is None or intent is None or self._risk.exposure.closes(intent):
            return None
        return missing if trading.amendments.opinion(command) is None else None

    def _unlock(self, command: UnlockEntry) -> Outcome:
        if self._lock.holds(Lock.LIVE) and command.typed.strip() != self._profile.name:
            return Refused(f"Type the profile's name, {self._profile.name}, to unlock order entry.")
        self._auditor.unlocked(self._profile.mode)
        self._lock.open(Lock.LIVE)
        self._lock.open(Lock.TRADER)
        self._lock.open(Lock.DEFECT)
        return Done() if self._lock.reason is None else Refused(self._lock.reason)

    async def _set_limits(self, command: SetRiskLimits) -> Outcome:
        if self.repository is None:
            return Refused("The data is not open: the limits are not kept.")
        text = msgspec.json.encode(command.limits).decode()
        await self.repository.save_setting(LIMITS_SETTING, text)
        self._risk.limits = command.limits
        return Done()

    # Queries ----------------------------------------------------------------

    async def answer(self, query: Query[Any]) -> Any:
        """Raises StorageError or VenueError where there is no answer for now."""
        match query:
            case RiskQuery():
                known = self.trading
                return known.orders.opinion(query.intent) if known is not None else Verdict(self._no_desk().reason)
            case AlgoQuery():
                known = self.trading
                return known.algos.opinion(query.spec) if known is not None else AlgoVerdict(self._no_desk().reason)
            case LimitsQuery():
                return self._risk.limits
            case RiskStatusQuery():
                return self._risk.status()
            case RecentTradesQuery():
                if self.market is None:
                    raise VenueUnavailable("There is no connection to the venue yet.")
                return await self.market.recent_trades(query.instrument_id, query.limit)
        if self.repository is None or self.history is None:
            raise StorageError("The data is not open.")
        match query:
            case CandlesQuery():
                return await self.history.answer(query)
            case BalanceHistoryQuery():
                return await self.repository.balance_history(query.since_ns)
            case LogQuery():
                return await self.repository.log(query.limit)
        raise TypeError(f"no answer to {type(query).__name__}")
