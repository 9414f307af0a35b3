"""One seed from its first command to the comparison."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec

from octopus_desktop.config.paths import DATABASE_NAME
from octopus_desktop.model.commands import CancelAllOrders, Done, Reconcile, SetTradingLevel
from octopus_desktop.model.errors import StorageError
from octopus_desktop.model.events import KillStep
from octopus_desktop.model.orders import Order, OrderStatus
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.state import State
from tests.faults.compare import differences
from tests.faults.misfortune import Misfortune
from tests.faults.trader import Trader
from tests.faults.world import VENUE, World, a_world

SETTLES_WITHIN_S: Final = 240.0
COMPARED_WITHIN_S: Final = 60.0
PROTECTED_WITHIN_S: Final = 30.0
STAYS_SO: Final = 4
"""Looks in a row, four a second."""
_CANCELS = (KillStep.STOP_ALGOS, KillStep.CANCEL, KillStep.VERIFY_CANCELED)
_DOUBT = (OrderStatus.INITIATED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN)


class Result(msgspec.Struct):
    seed: int
    failures: list[str]
    counts: dict[str, int]
    timeline: list[str]


class _Defects(logging.Handler):
    """What the engine logs with a traceback is a defect, whatever the comparison says."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.INFO if world.timeline.kept else logging.ERROR)
        self.found: list[str] = []
        self._world = world

    def not_caught(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What reaches the loop itself; in the product it locks order entry and writes a report."""
        error, message = context.get("exception"), context["message"]
        if "never retrieved" not in message:  # told by the collector, of the dead
            self._found(f"{message} ({type(error).__name__}: {error} at {_place(error)})")

    def _found(self, text: str) -> None:
        self.found.append(f"defect: {text}")
        self._world.timeline.note("defect", text)

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info is not None and record.exc_info[1] is not None:
            error = record.exc_info[1]
            self._found(f"{text} ({type(error).__name__}: {error} at {_place(error)})")
        self._world.timeline.note("log", f"{record.levelname} {record.name}: {text}")


def _place(error: BaseException | None) -> str:
    where = error.__traceback__ if error is not None else None
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    return f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where is not None else "?"


def run(seed: int, *, kept: bool = False) -> Result:
    """Deterministic: the same seed gives the same result, with or without its timeline (`kept`)."""
    gc.disable()
    try:
        with a_world(seed, kept=kept) as world:
            handler = _Defects(world)
            log = logging.getLogger("octopus_desktop")
            level, spreads = log.level, log.propagate
            log.addHandler(handler)
            world.loop.set_exception_handler(handler.not_caught)
            log.setLevel(handler.level)
            log.propagate = False
            try:
                failures = world.loop.run_until_complete(_session(seed, world))
            except Exception as error:  # the timeline is what is needed then
                failures = [f"broken: {type(error).__name__}: {error}"]
                if kept:
                    logging.getLogger(__name__).exception("seed %d", seed)
            finally:
                log.removeHandler(handler)
                log.setLevel(level)
                log.propagate = spreads
            timeline = world.timeline
            timeline.counts["lives"] = len(world.lives)
            found = failures + world.broken_rules + handler.found
            return Result(seed, found, dict(timeline.counts), timeline.lines)
    finally:
        gc.enable()


async def _session(seed: int, world: World) -> list[str]:
    random = Random(f"session {seed}")
    honest = world.is_honest = random.random() < 0.5
    trader, misfortune = Trader(seed, world), Misfortune(seed, world, honest=honest)
    world.open_market()
    world.start_engine()
    calm = random.random() < 0.05
    striking = world.loop.create_task(_strikes(Random(f"strikes {seed}"), misfortune)) if not calm else None
    await asyncio.sleep(random.uniform(0.1, 2.0))
    for _ in range(random.randrange(12, 36)):
        if not world.alive:
            await asyncio.sleep(random.choice((0.05, 1.0, 6.0)) * random.random())
            world.start_engine()
        await trader.act()
        await asyncio.sleep(random.expovariate(1.0 / random.choice((0.02, 0.3, 1.0))))
    if striking is not None:
        striking.cancel()
    failures = await _settled(world, misfortune, random)
    failures = failures or await _protected(world) or await _closed_for_the_day(world, trader)
    if not failures and honest:
        failures = await _compared(world, trader)
    if not failures:
        failures = await _asked_to_compare(world) or await _compared(world, trader)
    world.timeline.counts["orders"] = len(world.state.orders)
    world.timeline.counts["fills"] = len(world.state.fills)
    return failures or await _after_a_restart(world)


async def _strikes(random: Random, misfortune: Misfortune) -> None:
    while True:
        await asyncio.sleep(random.expovariate(1 / 2.0))
        await misfortune.strike()


async def _settled(world: World, misfortune: Misfortune, random: Random) -> list[str]:
    """The world is well again: now the engine must come to know everything by itself."""
    if random.random() < 0.3:
        world.kill("before the end")
    await misfortune.end()
    if world.alive and world.databases == []:
        world.kill("it could not open its data: the trader starts it again")
    if not world.alive:
        world.start_engine()
    world.life.dies_at = None
    if not await _until_known(world):
        doubtful = [f"{o.client_order_id} {o.status.value}" for o in world.state.working.values() if o.status in _DOUBT]
        return [f"unknown: not settled after {SETTLES_WITHIN_S:.0f} s: {world.state.entry_locked}; {doubtful}"]
    return []


async def _protected(world: World) -> list[str]:
    """The market goes on, and what comes in meanwhile is protected too; what was lost in silence once it is known."""
    failures = await _asked_to_compare(world) if not world.is_honest else []
    if failures:
        return failures

    def uncovered() -> list[str]:
        return world.protection.uncovered(world.exchange, world.state)

    return [] if await _until(lambda: not uncovered(), PROTECTED_WITHIN_S) else uncovered()


async def _closed_for_the_day(world: World, trader: Trader) -> list[str]:
    """No algo and no kill switch sends anything any more, and nobody trades."""

    def canceled() -> bool:
        """A flattening that a crash left unfinished waits for the trader; the cancels never do."""
        state = world.state
        steps = [state.kill[step] for step in _CANCELS if step in state.kill]
        return state.level.level is not TradingLevel.HALTED or all(step.done for step in steps)

    def over() -> bool:
        return all(algo.status.is_over for algo in world.state.algos.values())

    if not await _until(canceled, SETTLES_WITHIN_S):
        return [f"unknown: the kill switch does not end: {list(world.state.kill.values())}"]
    await world.execute(SetTradingLevel(TradingLevel.ACTIVE))
    await trader.stop_algos()
    await asyncio.sleep(1.0)
    world.freeze_market()
    if not await _until(over, PROTECTED_WITHIN_S):
        # Something keeps a position from being protected, and the algo says so: the trader gives that up.
        await world.execute(CancelAllOrders())
        await trader.stop_algos(keep_protection=False)
    if not await _until(over, SETTLES_WITHIN_S):
        left = [(algo.algo_id, algo.status.value, algo.note) for algo in world.state.algos.values()]
        return [f"unknown: algos do not end: {left}"]
    return [] if await _until_known(world) else ["unknown: orders of algos did not settle"]


async def _compared(world: World, trader: Trader) -> list[str]:
    """Trades that are known to be missing are still asked for, with growing pauses."""
    await _until(lambda: not differences(world, world.state, trader), COMPARED_WITHIN_S)
    return differences(world, world.state, trader)


async def _asked_to_compare(world: World) -> list[str]:
    before = world.reconciliations
    if not isinstance(await world.execute(Reconcile(VENUE)), Done):
        return ["broken: it would not reconcile"]
    if not await _until(lambda: world.reconciliations > before, SETTLES_WITHIN_S):
        return ["unknown: the reconciliation that was asked for did not end"]
    if not await _until_known(world):
        return ["unknown: something came up after the reconciliation"]
    return []


async def _until_known(world: World) -> bool:
    def known() -> bool:
        state = world.state
        if state.entry_locked is not None or any(order.status in _DOUBT for order in state.working.values()):
            return False
        return not any(order.cancel_requested for order in state.working.values())

    return await _until(known, SETTLES_WITHIN_S)


async def _until(condition: Callable[[], object], within_s: float) -> bool:
    end = asyncio.get_running_loop().time() + within_s
    held = 0
    while held < STAYS_SO:
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.25)
        held = held + 1 if condition() else 0
    return True


async def _after_a_restart(world: World) -> list[str]:
    """What the journal remembers is what the engine knew."""
    before = world.state
    await world.stop_engine()
    path_problem: list[str] = []
    try:
        kept = world.open_database(world.folder / DATABASE_NAME)
    except StorageError as error:
        return [f"broken: the data does not open: {error}"]
    state = State()
    for event in kept.journal.read():
        state.apply(event)
    for name, order in before.orders.items():
        again = state.orders.get(name)
        if again is None:
            path_problem.append(f"lost: {name} is not in the journal")
        elif _facts(again) != _facts(order):
            path_problem.append(f"lost: {name} was {_facts(order)}, the journal says {_facts(again)}")
    if len(state.fills) != len(before.fills):
        path_problem.append(f"lost: {len(before.fills)} fills, {len(state.fills)} in the journal")
    if len(state.orders) != len(before.orders):
        path_problem.append(f"doubled: {len(before.orders)} orders, {len(state.orders)} in the journal")
    return path_problem


def _facts(order: Order) -> tuple[object, ...]:
    return order.status, order.venue_order_id, order.filled_quantity, order.filled_notional, order.adopted
