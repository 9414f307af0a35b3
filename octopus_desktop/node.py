"""The composition root of the engine: everything of one profile, without a screen."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from octopus_desktop import __version__
from octopus_desktop.config.paths import DATABASE_NAME, EXCHANGE_STATE_NAME, PAPER_STATE_NAME
from octopus_desktop.embedded_exchange import EmbeddedExchange
from octopus_desktop.engine.algos.desk import AlgoDesk
from octopus_desktop.engine.amend import Amendments
from octopus_desktop.engine.audit import Actor, Auditor
from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.candles import CandleHistory
from octopus_desktop.engine.comparisons import COMPARED_SETTING, Comparisons
from octopus_desktop.engine.confirmation import FirstOrder
from octopus_desktop.engine.day_guard import DAY_SETTING, DayGuard
from octopus_desktop.engine.diary import Diary
from octopus_desktop.engine.entry import EntryLock, Lock
from octopus_desktop.engine.kill_switch import Switch
from octopus_desktop.engine.ledger import LEDGER_SETTING, Ledger
from octopus_desktop.engine.level import Levels
from octopus_desktop.engine.orders import OrderDesk
from octopus_desktop.engine.outages import Outages
from octopus_desktop.engine.requests import LIMITS_SETTING, Requests, Trading
from octopus_desktop.engine.resting import Resting
from octopus_desktop.engine.risk import Risk
from octopus_desktop.engine.subscriptions import Subscriptions
from octopus_desktop.health.tasks import tell_failure
from octopus_desktop.model.commands import (
    Command,
    Outcome,
    Subscribe,
)
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import StorageError, VenueError, sentence
from octopus_desktop.model.events import (
    AccountMissing,
    BalanceChanged,
    BreakerChanged,
    Channel,
    EngineFailed,
    Event,
    Link,
    LinkChanged,
    LinkStatus,
    LogRecorded,
    NoticeRaised,
    OrderDenied,
    Severity,
)
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import OrderStatus
from octopus_desktop.model.profile import Mode, Profile, VenueUrls
from octopus_desktop.model.queries import (
    Query,
)
from octopus_desktop.model.safety import LevelCause, TradingLevel
from octopus_desktop.net.policy import until_it_works
from octopus_desktop.ports import ExecutionClient, MarketDataClient
from octopus_desktop.redaction import protect
from octopus_desktop.state import State

if TYPE_CHECKING:
    from octopus_desktop.storage.database import Database

logger = logging.getLogger(__name__)

NO_KEY: Final = "It has no key. “Add a profile…” makes one that has."


class SystemClock:
    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


class Engine:
    """Everything of one profile without a screen; `run` until `stop`, all on one loop.

    The way it starts is the way it recovers: fold the journal, connect, compare with the venue, only then open
    order entry.
    """

    def __init__(
        self,
        profile: Profile,
        data_dir: Path,
        *,
        credentials: Callable[[], Credentials | None],
        limits: RiskLimits | None = None,
        safe_mode: bool = False,
    ) -> None:
        self.profile = profile
        self.state = State()
        self.bus = Bus(self.state)
        self._data_dir = data_dir
        self._credentials = credentials
        self._clock = SystemClock()
        self._lock = EntryLock(self.bus, self._clock)
        self._auditor = Auditor(self.bus, self._clock)
        self._subscriptions = Subscriptions()
        self._comparisons = Comparisons(self.bus, self._lock, self._clock, self._retried, self._compared_clean)
        self._outages = Outages(self._comparisons.ask, self._notice)
        self._risk = Risk(self.bus, self._lock, self._clock, limits or RiskLimits())
        self._levels = Levels(self.bus, self._clock, profile)
        self._kill = Switch(self.bus, self._levels, self._clock)
        self._first_order = FirstOrder(profile)
        self._requests = Requests(
            profile,
            self._lock,
            self._subscriptions,
            self._comparisons,
            self._risk,
            self._levels,
            self._kill,
            self._first_order,
            self._auditor,
        )
        self._database: Database | None = None
        self._exchange: EmbeddedExchange | None = None
        self._market: MarketDataClient | None = None
        self._execution: ExecutionClient | None = None
        self._trading: Trading | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self._stopping = asyncio.Event()
        self._auditor.note(
            Actor.PROGRAM,
            "program",
            {"what": "started", "version": __version__, "process": os.getpid(), "safe_mode": safe_mode},
        )
        self._login("profile opened", profile.mode.value)
        self._lock.shut(Lock.RECONCILING)
        if safe_mode:
            self._lock.shut(Lock.SAFE_MODE)
        if profile.mode is Mode.LIVE:
            self._lock.shut(Lock.LIVE)

    async def run(self) -> None:
        """Returns after `stop`, with everything written and closed."""
        starting = asyncio.create_task(self._start(), name="start")
        starting.add_done_callback(tell_failure)
        try:
            await self._stopping.wait()
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await self._close()

    def stop(self) -> None:
        self._stopping.set()

    # Start and recovery -----------------------------------------------------

    async def _start(self) -> None:
        exchange = asyncio.create_task(self._open_exchange(), name="embedded exchange")
        try:
            await self._open_storage()
        except StorageError as error:
            exchange.cancel()
            await asyncio.gather(exchange, return_exceptions=True)
            self._lock.shut(Lock.STORAGE)
            logger.error("the data cannot be opened: %s", error)
            self.bus.publish(EngineFailed("The data cannot be opened", str(error), self._clock.now_ns()))
            return
        await asyncio.to_thread(_load_clients)
        urls, credentials = await exchange
        await self._connect(urls, credentials)

    async def _open_storage(self) -> None:
        database = await asyncio.to_thread(_open_database, self._data_dir / DATABASE_NAME)
        self._database = database
        if database.replaced is not None:
            await self._carry_over(database, database.replaced.settings)
        for event in database.journal.read():
            self.bus.publish(event)
        for order in list(self.state.working.values()):
            if order.status is OrderStatus.INITIATED:
                # The intent and its submission are one commit: alone it means that risk's answer was lost with us.
                denied = OrderDenied(order.client_order_id, self._clock.now_ns(), "Never sent: the program ended.")
                database.journal.record(denied)
                self.bus.publish(denied)
        self._risk.limits = await self._kept_limits(database)
        self._levels.connect(database.journal)
        if database.replaced is not None:
            await self._tell_data_loss(database, database.replaced.notice)
        self._kill.open(database.journal)
        await self._first_order.remember(self.state, database.repository)
        guard = DayGuard(self.bus, self._risk, self._levels, self._subscriptions, self._clock, database.repository)
        await guard.remember()
        self._in_background(guard.watch(), "the day's limits")
        ledger = Ledger(self.bus, database.journal, database.repository, self._clock, self.profile.venue)
        await ledger.remember()
        await self._comparisons.remember(database.repository, ledger)
        self._requests.repository = database.repository
        self._requests.history = CandleHistory(database.repository, self._clock)
        self.bus.subscribe(self._keep)
        # After the fold: what is remembered is not news.
        self.bus.subscribe(Diary(self.state).write)
        self.bus.subscribe(Resting(self.bus, self._risk.exposure).hear)
        self._auditor.connect(database.audit)

    async def _carry_over(self, database: Database, settings: dict[str, str]) -> None:
        """What does not count on the journal that is gone, and an earlier start has not carried over."""
        for key in settings.keys() - {COMPARED_SETTING, DAY_SETTING, LEDGER_SETTING}:
            if await database.repository.setting(key) is None:
                database.repository.record_setting(key, settings[key])
        await asyncio.to_thread(database.flush)

    async def _tell_data_loss(self, database: Database, notice: str) -> None:
        """The level and the day's losses were in what is lost: nothing adds risk until the trader has looked."""
        reason = "The data file was damaged: look at your orders and limits first."
        await self._levels.lower(TradingLevel.REDUCING, reason, LevelCause.DATA_LOSS)
        level = self._levels.level.value
        more = f"Open orders and balances come from the venue. The level is {level} until you set another."
        self._notice(Severity.ERROR, "The data file was damaged, a new one is begun", f"{notice} {more}")
        self._auditor.note(Actor.PROGRAM, "error", {"what": notice})
        try:
            await database.journal.commit([])  # the level is on the disk, also where it was low before
            await asyncio.to_thread(database.told)
        except StorageError as error:
            logger.error("the next start tells of the damaged file once more: %s", error)

    async def _kept_limits(self, database: Database) -> RiskLimits:
        text = await database.repository.setting(LIMITS_SETTING)
        if text is None:
            return self._risk.limits
        try:
            return msgspec.json.decode(text, type=RiskLimits)
        except msgspec.DecodeError as error:
            self._notice(
                Severity.WARNING, "Risk limits are those of the settings", f"The kept ones cannot be read: {error}"
            )
            return self._risk.limits

    def _keep(self, event: Event) -> None:
        assert self._database is not None
        if isinstance(event, BalanceChanged):
            self._database.repository.record_balance(event, self._clock.now_ns())
        elif isinstance(event, LogRecorded):
            self._database.repository.record_log(event)
        elif isinstance(event, LinkChanged):
            self._link_changed(event)
        elif isinstance(event, BreakerChanged):
            self._outages.breaker_changed(event)

    async def _open_exchange(self) -> tuple[VenueUrls, Credentials | None]:
        if self.profile.urls is not None:
            paper = self.profile.mode is Mode.PAPER
            return self.profile.urls, None if paper else await asyncio.to_thread(self._credentials)
        exchange = self._exchange = EmbeddedExchange(self._data_dir / EXCHANGE_STATE_NAME)
        await self._start_exchange(exchange)
        self._in_background(self._supervise(exchange), "embedded exchange")
        assert exchange.urls is not None
        return exchange.urls, exchange.credentials

    async def _start_exchange(self, exchange: EmbeddedExchange) -> None:
        await self._retried(exchange.start, "The embedded exchange does not start")
        if exchange.notice:
            self._notice(Severity.WARNING, "The demo account begins anew", exchange.notice)

    async def _supervise(self, exchange: EmbeddedExchange) -> None:
        while True:
            code = await exchange.ended()
            logger.warning("the embedded exchange ended with exit code %d", code)
            self._outages.passing("The embedded exchange ended", "It is being started again, with the same account.")
            await self._start_exchange(exchange)

    async def _connect(self, urls: VenueUrls, credentials: Credentials | None) -> None:
        # Loaded by `_load_clients`.
        from octopus_desktop.venues.factory import execution_client, market_data_client, why_no_account

        market = self._market = market_data_client(self.profile, urls)
        await self._retried(lambda: market.start(self.bus.publish), "The venue cannot be reached")
        self._subscriptions.connect(market)
        assert self._requests.history is not None
        assert self._database is not None
        self._requests.history.connect(market)
        self._requests.market = market
        if self.profile.mode is Mode.PAPER:
            execution = self._execution = self._paper(market)
        elif credentials is None or why_no_account(self.profile) is not None:
            self._login("no key")
            self._lock.shut(Lock.NO_ACCOUNT)
            self._lock.open(Lock.RECONCILING)
            self._tell_no_account(why_no_account(self.profile) or NO_KEY)
            return
        else:
            protect(credentials.secret.reveal())
            protect(credentials.api_key)
            execution = self._execution = execution_client(self.profile, urls, credentials)
        desk = OrderDesk(self.bus, self._database.journal, execution, self._lock, self._clock, self._risk)
        amendments = Amendments(self.bus, desk, execution, self._clock)
        algos = AlgoDesk(
            self.bus,
            self._database.journal,
            desk,
            amendments,
            execution,
            self._lock,
            self._subscriptions,
            self._clock,
        )
        self._trading = self._requests.trading = Trading(desk, amendments, algos)
        self._kill.connect(desk, execution, algos)
        try:
            await self._retried(
                lambda: execution.start(self.bus.publish, desk.report), "The venue's account cannot be reached"
            )
        except VenueError as error:
            # The notice said why; the market goes on without an account.
            self._login("key refused", str(error))
            self._lock.shut(Lock.KEY_REFUSED)
            self._tell_no_account(f"The venue refused the key: {sentence(error)}")
            return
        self._login("key accepted")
        self._comparisons.start(desk, execution)

    def _tell_no_account(self, reason: str) -> None:
        self.bus.publish(AccountMissing(self.profile.venue, reason, self._clock.now_ns()))

    def _paper(self, market: MarketDataClient) -> ExecutionClient:
        from octopus_desktop.paper.execution import PaperExecution  # a matching engine: of PAPER profiles only

        def watch(instrument_id: InstrumentId, channel: Channel) -> None:
            self._subscriptions.subscribe(Subscribe(instrument_id, channel))

        paper = PaperExecution(
            self.profile.venue,
            self.state,
            self._clock,
            self._data_dir / PAPER_STATE_NAME,
            watch,
            market.candles,
            self.profile.paper_account,
        )
        self.bus.subscribe(paper.see)
        return paper

    async def _retried(
        self, attempt: Callable[[], Awaitable[None]], title: str, at_once: asyncio.Event | None = None
    ) -> None:
        """By the policy, until it works."""
        try:
            await until_it_works(attempt, lambda error, wait_s: self._outages.failed(title, error, wait_s), at_once)
            self._outages.worked(title)
        finally:
            self._outages.given_up(title)

    def _link_changed(self, event: LinkChanged) -> None:
        if self._stopping.is_set():
            return  # a line that goes down because we end is no outage
        self._outages.link_changed(event)
        if event.link is Link.MARKET or self._trading is None:
            return
        if all(self._is_up(link) for link in (Link.ORDERS, Link.ACCOUNT)):
            self._comparisons.ask(at_once=True)  # it shuts entry before these open it
        for lock, link in ((Lock.LINK, Link.ORDERS), (Lock.ACCOUNT, Link.ACCOUNT)):
            (self._lock.open if self._is_up(link) else self._lock.shut)(lock)

    def _in_background(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(tell_failure)
        self._tasks.append(task)

    def _is_up(self, link: Link) -> bool:
        known = self.state.links.get((self.profile.venue, link))
        return known is not None and known.status is LinkStatus.UP

    async def _compared_clean(self) -> None:
        if self._trading is not None:
            self._trading.amendments.restart()
            await self._trading.algos.restart()

    async def _close(self) -> None:
        self._outages.stop()
        for task in self._tasks:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._comparisons.stop()
        await self._kill.stop()
        if self._trading is not None:
            await self._trading.algos.close()
            await self._trading.amendments.stop()
            await self._trading.orders.stop()
        for client in (self._execution, self._market):
            if client is not None:
                await client.stop()
        if self._exchange is not None:
            await self._exchange.stop()
        if self._database is not None:
            self._auditor.note(Actor.PROGRAM, "program", {"what": "ended"})
            self._auditor.close()
            await asyncio.to_thread(self._database.close)

    def defect(self, what: str) -> None:
        """Something broke that can't: nothing that adds risk leaves until the trader has looked."""
        self._auditor.note(Actor.PROGRAM, "error", {"what": what})
        if not self._lock.holds(Lock.DEFECT):
            self._lock.shut(Lock.DEFECT)
            text = f"{what}. The journal is intact and cancelling works. Look at your orders, then unlock or restart."
            self._notice(Severity.ERROR, "An internal error: order entry is locked", text)

    def _login(self, what: str, detail: str = "") -> None:
        told = {"what": what, "profile": self.profile.name, "venue": self.profile.venue, "detail": detail}
        self._auditor.note(Actor.PROGRAM, "login", told)

    def _notice(self, severity: Severity, title: str, text: str, about: str = "") -> None:
        logger.log(getattr(logging, severity.value), "%s: %s", title, text)
        self.bus.publish(NoticeRaised(severity, title, text, self._clock.now_ns(), about))

    # What is asked of it ----------------------------------------------------

    async def execute(self, command: Command) -> Outcome:
        return await self._requests.execute(command)

    async def query(self, query: Query[Any]) -> Any:
        return await self._requests.answer(query)


def _open_database(path: Path) -> Database:
    """Imported on a thread, as SQLAlchemy takes longer than a loop may stall, and after the first window."""
    from octopus_desktop.storage.database import open_database

    return open_database(path)


def _load_clients() -> None:
    import aiohttp  # noqa: F401  # the clients import it when they first need it, which is on the loop

    import octopus_desktop.venues.factory  # noqa: F401
