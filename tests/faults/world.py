"""One seed's world: an exchange, a wire, a disk, and the lives of one engine, all in simulated time."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest import mock

from octopus_desktop import node
from octopus_desktop.config.paths import DATABASE_NAME
from octopus_desktop.engine import comparisons, reconciliation
from octopus_desktop.model.algos import Chase
from octopus_desktop.model.commands import Command, Outcome, Refused
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import OctopusError, StorageError
from octopus_desktop.model.events import (
    AlgoEnded,
    BookChanged,
    BookReset,
    Event,
    KillProgressed,
    KillStep,
    LogRecorded,
    OrderEvent,
    OrderInitiated,
    QuoteChanged,
    Reconciled,
    TradesPrinted,
)
from octopus_desktop.model.identifiers import ClientOrderId, Venue
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.profile import Dialect, Mode, Profile, VenueUrls
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.simulator import auth, crowd, ws_api
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.faults import Faults
from octopus_desktop.simulator.server import Server
from octopus_desktop.state import State
from octopus_desktop.storage import database
from octopus_desktop.venues import factory
from octopus_desktop.venues.binance import history, host
from tests.faults.disk import Disk, SimulatedWriter
from tests.faults.exchange_process import ExchangeProcess
from tests.faults.market import MarketFeed, MarketLine
from tests.faults.network import Network, wired
from tests.faults.power import Platter
from tests.faults.protection import Protection
from tests.faults.simulated_time import Life, SimulatedLoop, simulated_time
from tests.faults.timeline import Timeline

ACCOUNT: Final = 1
VENUE: Final = Venue("SIM")
PROFILE: Final = Profile(
    "chaos",
    VENUE,
    Dialect.BINANCE_SPOT,
    Mode.DEMO,
    VenueUrls(rest="http://exchange", stream="ws://exchange", ws_api="ws://exchange/ws-api/v3"),
)
BEAT_S: Final = 0.1
LEVELS: Final = 60
"""Prices the crowd keeps up on each side: a tenth of a second of ours buys a minute of such a market."""
_UNTOLD: Final = (QuoteChanged, TradesPrinted, BookChanged, BookReset, LogRecorded)


class World:
    def __init__(self, seed: int, loop: SimulatedLoop, folder: Path, timeline: Timeline) -> None:
        self.random = Random(f"world {seed}")
        self.loop = loop
        self.folder = folder
        self.timeline = timeline
        keys = _keys()
        self.process = ExchangeProcess(seed, loop, folder, timeline, Faults(seed), keys, self.random)
        self.network = Network(loop, Random(f"network {seed}"), timeline, self.process)
        self.market_line = MarketLine()
        self.disk = Disk(Random(f"disk {seed}"), timeline, Platter(folder / DATABASE_NAME))
        self.power_fails = False
        """The next death is the machine's: what was not synced may be gone."""
        self._credentials = (
            Credentials(keys.ed25519_api_key, keys.ed25519_private_key)
            if self.random.random() < 0.7
            else Credentials(keys.api_key, keys.api_secret)
        )
        self.lives: list[Life] = []
        self.databases: list[database.Database] = []
        self.engine: node.Engine | None = None
        self.running: asyncio.Task[None] | None = None
        self.page = self.random.choice((2, 3, 1000))
        self.asked_one_by_one = self.random.choice((1, 5))
        self.reconciliations = 0
        self._compared = False
        self.troubles = 0
        """Misfortunes at work."""
        self.well_since = 0.0
        self.is_honest = True
        """Nothing is lost in silence."""
        self.protection = Protection(ACCOUNT)
        self.broken_rules: list[str] = []
        """What no comparison at the end could show: it was put right since, or is about bytes."""
        self._statuses: dict[ClientOrderId, OrderStatus] = {}
        self._created: set[str] = set()
        self._reader: sqlite3.Connection | None = None
        self.network.on_create = self._leaves

    # ── the exchange ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def exchange(self) -> Exchange:
        return self.process.exchange

    @property
    def server(self) -> Server:
        return self.process.server

    def kill_exchange(self) -> None:
        self.process.kill()
        self.network.exchange_gone()

    def open_market(self) -> None:
        self.loop.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            if self.process.is_up:
                self.process.beat()
                if self.alive:
                    well = self.is_honest and not self.troubles
                    self.broken_rules += self.protection.look(
                        self.exchange, self.state, self.loop.now_s, self.well_since if well else None
                    )
            await asyncio.sleep(BEAT_S)

    def freeze_market(self) -> None:
        """From now on time passes at the exchange and nobody trades."""
        exchange = self.exchange

        def advance(to_ns: int) -> None:
            exchange.now_ns = max(exchange.now_ns, to_ns)

        exchange.advance = advance  # type: ignore[method-assign]

    def has_compared(self) -> bool:
        """Whether a comparison was ever kept, as the file says it."""
        if not self._compared:
            with closing(sqlite3.connect(self.folder / DATABASE_NAME)) as connection:
                asked = "SELECT 1 FROM settings WHERE key = ?"
                kept = connection.execute(asked, (comparisons.COMPARED_SETTING,)).fetchone()
            self._compared = kept is not None
        return self._compared

    # ── the engine ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def life(self) -> Life:
        return self.lives[-1]

    @property
    def alive(self) -> bool:
        return self.engine is not None and not self.life.dead

    @property
    def state(self) -> State:
        assert self.engine is not None
        return self.engine.state

    def start_engine(self) -> None:
        assert not self.alive
        host._hosts.clear()  # a new process knows nothing
        self.well_since = self.loop.now_s
        self.market_line.is_stale = False
        self._statuses.clear()
        life = Life(f"life {len(self.lives) + 1}")
        life.on_death = self._buried
        self.lives.append(life)
        self.timeline.note("start", life.name)
        engine = self.engine = life.context.run(
            lambda: node.Engine(PROFILE, self.folder, credentials=lambda: self._credentials)
        )
        engine.bus.subscribe(self._told)
        self.running = self.loop.create_task(engine.run(), context=life.context)

    def _told(self, event: Event) -> None:
        if isinstance(event, Reconciled):
            self.reconciliations += 1
        if isinstance(event, OrderEvent):
            self._follow(event)
        if isinstance(event, AlgoEnded) and self.process.is_up:
            self.broken_rules += self.protection.ended(self.exchange, self.state, event)
        if isinstance(event, KillProgressed) and event.step is KillStep.VERIFY_FLAT and event.done:
            self.broken_rules += self._still_open()
        if isinstance(event, OrderInitiated) and self.market_line.is_stale and self._is_pegged(event.intent):
            self.broken_rules.append(f"guessed: {event.client_order_id} was pegged to a stale price")
        if not isinstance(event, _UNTOLD):
            self.timeline.note("event", event if self.timeline.kept else "")
            self.network.on_sent(type(event).__name__)

    def _still_open(self) -> list[str]:
        """The kill switch says that nothing is open: no coins of ours are left there that an order could sell."""
        found: list[str] = []
        if not self.process.is_up or VENUE not in self.state.reconciled:  # read from the journal, it is of another day
            return found
        for position in self.state.positions.values():
            at = self.state.instruments[position.instrument_id]
            touch = self.state.market(position.instrument_id).touch
            there = self.exchange.ledger.balance(ACCOUNT, at.base)
            coins = Decimal(there.free + there.locked).scaleb(-8)
            quantity = at.quantity(min(position.quantity, coins))
            worth = quantity * Decimal(repr(touch[0])) if touch is not None else at.min_notional
            if quantity >= at.min_quantity and quantity and worth > at.min_notional:
                found.append(f"guessed: {quantity} {at.base} are called closed: {self.state.kill}")
        return found

    def _follow(self, event: OrderEvent) -> None:
        """What was called over stays over: an end is the venue's word, never a guess."""
        name = event.client_order_id
        order = self.state.orders[name]
        before = self._statuses.get(name)
        if before is not None and before.is_terminal and order.status is not before:
            self.broken_rules.append(f"guessed: {name} was {before.value}, and then {order.status.value}")
        self._statuses[name] = order.status

    def _is_pegged(self, intent: OrderIntent) -> bool:
        algo = self.state.algos.get(intent.parent) if intent.parent is not None else None
        by_itself = algo is not None and intent.client_order_id.startswith(algo.algo_id)
        return by_itself and isinstance(algo.spec, Chase)

    def _leaves(self, name: str) -> None:
        """The first byte of a create: its intent is durable, and it never left before."""
        if name in self._created:
            self.broken_rules.append(f"doubled: {name} was sent twice")
        self._created.add(name)
        if self._reader is None:
            self._reader = sqlite3.connect(self.folder / DATABASE_NAME)
        rows = self._reader.execute("SELECT kind, seq FROM journal WHERE client_order_id = ?", (name,)).fetchall()
        intent = self.state.orders[ClientOrderId(name)].intent
        if self.market_line.is_stale and _needs_a_price(intent):
            self.broken_rules.append(f"guessed: {name} left on a stale price: {intent}")
        if self.state.level.level is TradingLevel.HALTED and intent.role != "flatten":
            self.broken_rules.append(f"guessed: {name} left though trading is halted: {intent}")
        seq = dict(rows).get("OrderSubmitted")
        if seq is None:
            self.broken_rules.append(f"lost: {name} left and is not in the journal: {rows}")
        elif seq > (self.disk.synced_seq or 0):
            self.broken_rules.append(f"lost: {name} left and would not outlast the power: {seq}")

    def kill(self, why: str) -> None:
        if self.alive:
            self.timeline.note("kill", why)
            self.life.kill()

    def _buried(self) -> None:
        """By a kill all that was written is there, and all that was sent arrives; without power neither is sure."""
        platter, power_fails = self.disk.platter, self.power_fails
        self.power_fails = False
        self.timeline.note("power" if power_fails else "dead", f"{self.life.name} after {self.life.steps} steps")
        left = platter.after_a_power_loss(self.random) if power_fails else platter.after_a_kill()
        self.network.close_ends_of(self.life, cut=power_fails)
        self._let_go()
        self._stop_reading()
        platter.leave(*left)
        self.disk.synced_seq = None
        self._compared = False

    def close(self) -> None:
        self._let_go()
        self._stop_reading()
        self.process.close()

    def _stop_reading(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _let_go(self) -> None:
        for writer in list(self.disk.writers):
            writer.let_go()
        for opened in self.databases:
            reading = opened.repository._connection
            if reading is not None:
                reading.close()
            opened._engine.dispose()
            opened._lock.release()
        self.databases.clear()

    async def stop_engine(self) -> None:
        """As the trader quits: everything is written and closed."""
        assert self.engine is not None
        assert self.running is not None
        self.timeline.note("stop", self.life.name)
        self.engine.stop()
        await asyncio.wait({self.running})
        self.life.dead = True
        self.network.close_ends_of(self.life)
        self._let_go()

    async def execute(self, command: Command) -> Outcome | None:
        """None: the process died before it answered."""
        if not self.alive:
            return None
        assert self.engine is not None
        self.timeline.note("command", command if self.timeline.kept else "")
        life = self.life
        asked = self.loop.create_task(_executed(self.engine, command), context=life.context.copy())
        while not asked.done() and not life.dead:
            await asyncio.wait({asked}, timeout=0.05)
        outcome = asked.result() if asked.done() else None
        self.timeline.counts[f"{type(command).__name__} {type(outcome).__name__}"] += 1
        self.timeline.note("outcome", outcome if self.timeline.kept else "")
        return outcome

    def open_database(self, path: Path) -> database.Database:
        if self.disk.trouble is not None and self.disk.trouble != "ghost":
            raise StorageError(str(self.disk.fail("open")))
        opened = _really_open(path)
        self.databases.append(opened)
        return opened


def _needs_a_price(intent: OrderIntent) -> bool:
    """It adds, for whatever the market asks: on spot that is to buy, but for what closes an algo's or all."""
    closes = intent.role in ("stop", "target", "flatten")
    return intent.type is OrderType.MARKET and intent.side is Side.BUY and not closes


async def _executed(engine: node.Engine, command: Command) -> Outcome:
    """As LocalNode does it."""
    try:
        return await engine.execute(command)
    except OctopusError as error:
        return Refused(str(error))


_really_open = database.open_database


@cache
def _keys() -> auth.Credentials:
    return auth.Credentials.generate(ACCOUNT)


@cache
def _empty_file() -> bytes:
    """A data file as the program makes it, with all its migrations, made once for all seeds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / DATABASE_NAME
        _really_open(path).close()
        return path.read_bytes()


@contextmanager
def a_world(seed: int, *, kept: bool = False) -> Iterator[World]:
    """Everything of the world is in the block: time, sockets, disk; nothing is left behind."""
    empty, _ = _empty_file(), _keys()
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="octopus-chaos-", dir=memory if memory.is_dir() else None))
    try:
        (folder / DATABASE_NAME).write_bytes(empty)
        with simulated_time(seed) as loop, mock.patch.object(crowd, "LEVELS", LEVELS):
            timeline = Timeline(loop.time, folder, kept=kept)
            world = World(seed, loop, folder, timeline)

            def session_method(*asked: Any) -> Any:
                return world.process.session_method(*asked)

            writer = type("SeedsWriter", (SimulatedWriter,), {"disk": world.disk})
            feed: Any = lambda profile, urls: MarketFeed(VENUE, world.process, world.market_line, loop)  # noqa: E731  # in place of a class
            with (
                wired(world.network),
                mock.patch.object(database, "Writer", writer),
                mock.patch.object(database, "open_database", world.open_database),
                mock.patch.object(ws_api.Session, "_session_method", session_method),
                mock.patch.object(factory, "market_data_client", feed),
                mock.patch.multiple(history, **dict.fromkeys(("TRADES_PAGE", "ORDERS_PAGE"), world.page)),
                mock.patch.object(reconciliation, "ASKED_ONE_BY_ONE", world.asked_one_by_one),
            ):
                try:
                    yield world
                finally:
                    world.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
