"""What a trader and the engine did is in the audit; what only moves the window is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from octopus_desktop.engine import audit
from octopus_desktop.engine.audit import Actor, Auditor
from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.comparisons import Comparisons
from octopus_desktop.engine.confirmation import FirstOrder
from octopus_desktop.engine.kill_switch import Switch
from octopus_desktop.engine.level import Levels
from octopus_desktop.engine.requests import Requests
from octopus_desktop.engine.subscriptions import Subscriptions
from octopus_desktop.model.commands import (
    CancelAllOrders,
    CancelOrder,
    Command,
    ConfirmLive,
    Done,
    KillSwitch,
    LockEntry,
    Outcome,
    Refused,
    SaveSetting,
    SetRiskLimits,
    SetTradingLevel,
    SubmitOrder,
    Subscribe,
    UnlockEntry,
    Unsubscribe,
)
from octopus_desktop.model.errors import StorageError
from octopus_desktop.model.events import (
    Channel,
    EntryLocked,
    EntryUnlocked,
    Event,
    NoticeRaised,
    OrderDenied,
    OrderInitiated,
    OrderSubmitted,
    TradingLevelChanged,
)
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.profile import Dialect, Mode, Profile
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.state import State
from tests.unit.engine.scripted import BTC, SIM, Desk, ManualClock, buy, until


class MemoryAudit:
    """The Audit port; entries as they would stand in the file."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, Any]] = []
        self.disk = asyncio.Event()
        self.disk.set()
        self.failing: StorageError | None = None
        self.durable = 0

    async def commit(self) -> None:
        await self.disk.wait()
        if self.failing is not None:
            raise self.failing
        self.durable = len(self.entries)

    def append(self, ts_ns: int, actor: str, kind: str, detail: object) -> None:
        self.entries.append((actor, kind, msgspec.json.decode(msgspec.json.encode(detail))))


class Scene:
    def __init__(self) -> None:
        self.bus = Bus(State())
        self.auditor = Auditor(self.bus, ManualClock())
        self.audit = MemoryAudit()

    def connect(self) -> None:
        self.auditor.connect(self.audit)

    def say(self, command: Command, outcome: Outcome) -> None:
        self.auditor.asked(command)
        self.auditor.answered(command, outcome, RiskLimits())

    def entries(self) -> list[tuple[str, str, Any]]:
        self.auditor.close()
        return self.audit.entries


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.auditor.close()


async def test_the_start_waits_for_the_file(scene: Scene) -> None:
    """What happened before the data file was open comes first; the history that it remembers is no news."""
    scene.auditor.note(Actor.PROGRAM, "program", {"what": "started"})
    intent = buy()
    scene.bus.publish(OrderInitiated(intent.client_order_id, 1, intent))
    scene.bus.publish(OrderSubmitted(intent.client_order_id, 1))
    scene.connect()
    assert scene.entries() == [("program", "program", {"what": "started"})]


async def test_an_order_is_a_command_and_a_decision(scene: Scene) -> None:
    """Who wanted it, and that risk approved it or with which sentence it was denied; the engine's own orders, too."""
    scene.connect()
    intent, denied = buy(), buy()
    scene.auditor.asked(SubmitOrder(intent))
    scene.bus.publish(OrderInitiated(intent.client_order_id, 1, intent))
    scene.bus.publish(OrderSubmitted(intent.client_order_id, 1))
    scene.auditor.answered(SubmitOrder(intent), Done(), RiskLimits())
    scene.bus.publish(OrderInitiated(denied.client_order_id, 1, denied))
    scene.bus.publish(OrderDenied(denied.client_order_id, 1, "Too large."))
    (trader, command, asked), (risk, decision, approved), (_, _, refused) = scene.entries()
    assert (trader, command, asked["type"]) == ("trader", "command", "SubmitOrder")
    assert asked["intent"]["client_order_id"] == intent.client_order_id
    assert (risk, decision, approved["approved"], approved["reason"]) == ("risk", "risk", True, "")
    assert (refused["approved"], refused["reason"]) == (False, "Too large.")
    assert refused["order"]["client_order_id"] == denied.client_order_id


async def test_other_commands_have_their_outcome(scene: Scene) -> None:
    """What came of it, or the sentence it was refused with."""
    scene.connect()
    scene.say(CancelAllOrders(), Done(3))
    scene.say(CancelAllOrders(), Refused("No connection."))
    assert [detail["outcome"] for _, kind, detail in scene.entries() if kind == "outcome"] == [
        {"type": "Done", "count": 3},
        {"type": "Refused", "reason": "No connection."},
    ]


async def test_overrides_and_logins(scene: Scene) -> None:
    """Limits with the old and the new ones, unlocking, a level, a warning that was read, the first LIVE order."""
    scene.connect()
    wider = RiskLimits(max_order_notional=Decimal(9_000_000))
    scene.say(SetRiskLimits(wider), Done())
    scene.say(SetRiskLimits(wider), Refused("The data is not open."))
    scene.auditor.unlocked(Mode.LIVE)
    scene.auditor.unlocked(Mode.DEMO)
    scene.bus.publish(TradingLevelChanged(TradingLevel.REDUCING, "daily loss", 2))
    scene.say(ConfirmLive("name"), Done())
    scene.say(SubmitOrder(buy(), acknowledged=True), Done())
    entries = scene.entries()
    overrides = [detail for _, kind, detail in entries if kind == "override"]
    assert [one["what"] for one in overrides] == [
        *("limits changed", "order entry unlocked", "order entry unlocked"),
        *("level changed", "LIVE orders confirmed", "warning acknowledged"),
    ]
    assert overrides[0]["old"]["max_order_notional"] == str(RiskLimits().max_order_notional)
    assert overrides[0]["new"]["max_order_notional"] == "9000000"
    assert (overrides[3]["old"], overrides[3]["new"], overrides[3]["reason"]) == ("ACTIVE", "REDUCING", "daily loss")
    assert [detail["what"] for _, kind, detail in entries if kind == "login"] == ["LIVE unlocked"]


async def test_an_order_made_elsewhere_was_not_judged_here(scene: Scene) -> None:
    """Risk approved nothing that another terminal sent."""
    scene.connect()
    intent = buy()
    scene.bus.publish(OrderInitiated(intent.client_order_id, 1, intent, adopted=True))
    scene.bus.publish(OrderSubmitted(intent.client_order_id, 1))
    assert scene.entries() == []


async def never() -> None:
    raise AssertionError("nothing is compared here")


def requests_of(scene: Scene) -> Requests:
    """Whoever carries out what the window asks for, with nothing connected yet."""
    desk, clock = Desk(), ManualClock()
    profile = Profile("demo", SIM, Dialect.BINANCE_SPOT, Mode.DEMO)
    levels = Levels(scene.bus, clock, profile)
    comparisons = Comparisons(scene.bus, desk.lock, clock, lambda attempt, title, at_once: never(), never)
    kill = Switch(scene.bus, levels, clock)
    parts = (profile, desk.lock, Subscriptions(), comparisons, desk.risk, levels, kill, FirstOrder(profile))
    return Requests(*parts, scene.auditor)


@pytest.mark.parametrize("command", [UnlockEntry(), LockEntry(), SetTradingLevel(TradingLevel.ACTIVE)])
async def test_an_outcome_is_told_when_it_is_on_the_disk(scene: Scene, command: Command) -> None:
    """Who unlocked, lifted or allowed something has it in the audit when he reads that it is done."""
    scene.connect()
    scene.audit.disk.clear()
    told = asyncio.create_task(requests_of(scene).execute(command))
    await until(lambda: any(kind == "outcome" for _, kind, _ in scene.audit.entries))
    assert not told.done()
    scene.audit.disk.set()
    await told
    assert scene.audit.durable == len(scene.audit.entries)


async def test_what_is_urgent_waits_for_no_audit(scene: Scene) -> None:
    """An order, a cancel and the kill switch; but the word that a warning was read is on the disk with the outcome."""
    scene.connect()
    scene.audit.disk.clear()
    for command in (SubmitOrder(buy()), CancelOrder(buy().client_order_id), CancelAllOrders(), KillSwitch()):
        scene.say(command, Done())
        await scene.auditor.written(command)
    read = SubmitOrder(buy(), acknowledged=True)
    scene.say(read, Done())
    waiting = asyncio.create_task(scene.auditor.written(read))
    await until(lambda: any(detail.get("what") == "warning acknowledged" for _, _, detail in scene.audit.entries))
    assert not waiting.done()
    scene.audit.disk.set()
    await waiting
    assert scene.audit.durable == len(scene.audit.entries)


async def test_a_disk_that_fails_holds_no_outcome_back(scene: Scene) -> None:
    """It stands as it is: the trader reads it, and that the audit has not got it yet."""
    scene.connect()
    scene.audit.failing = StorageError("full")
    told: list[Event] = []
    scene.bus.subscribe(told.append)
    assert isinstance(await requests_of(scene).execute(UnlockEntry()), Done)
    (notice,) = [event for event in told if isinstance(event, NoticeRaised)]
    assert notice.title == "UnlockEntry is not in the audit yet"


async def test_the_head_is_noted_from_time_to_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """While there is news, and not where there is none."""
    monkeypatch.setattr(audit, "COMMITTED_EVERY_S", 0.001)
    monkeypatch.setattr(audit, "TOGETHER_S", 600.0)
    scene.connect()
    scene.say(CancelAllOrders(), Done())
    await until(lambda: scene.audit.durable == 2)
    scene.audit.failing = StorageError("full")
    scene.say(CancelAllOrders(), Done())
    await until(lambda: len(scene.audit.entries) == 4)
    scene.audit.failing = None
    await until(lambda: scene.audit.durable == 4)


async def test_what_was_typed_is_not_kept(scene: Scene) -> None:
    """A password pasted into the wrong field stays out of the audit."""
    scene.connect()
    for command in (UnlockEntry("hunter2"), SetTradingLevel(TradingLevel.ACTIVE, "hunter2"), ConfirmLive("hunter2")):
        scene.say(command, Refused("Type the profile's name."))
    entries = scene.entries()
    assert len(entries) == 6
    assert "hunter2" not in str(entries)


async def test_the_windows_housekeeping_is_left_out(scene: Scene) -> None:
    """Panes that open and layouts that are kept would drown what matters."""
    scene.connect()
    for command in (Subscribe(BTC, Channel.BOOK), Unsubscribe(BTC, Channel.BOOK), SaveSetting("layout", "…")):
        scene.say(command, Done())
    assert scene.entries() == []


async def test_locks_of_order_entry_are_there(scene: Scene) -> None:
    """When orders could be sent, and why not."""
    scene.connect()
    scene.bus.publish(EntryLocked("No connection.", 1))
    scene.bus.publish(EntryUnlocked(2))
    assert [detail["locked"] for _, _, detail in scene.entries()] == ["No connection.", None]


async def test_nothing_of_it_runs_while_an_order_leaves(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries go to the file together, a moment after the order's bytes."""
    monkeypatch.setattr(audit, "TOGETHER_S", 600.0)
    scene.connect()
    scene.say(CancelAllOrders(), Done())
    assert scene.audit.entries == []
    assert len(scene.entries()) == 2
