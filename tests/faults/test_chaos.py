"""Three hundred bad days of a trader, each compared with the exchange's own book; and that the proof can fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from octopus_desktop import node
from octopus_desktop.engine import reconciliation
from octopus_desktop.engine.algos.bracket import BracketWork
from octopus_desktop.engine.algos.desk import AlgoDesk
from octopus_desktop.engine.entry import Lock
from octopus_desktop.engine.inquiry import Inquiry
from octopus_desktop.engine.orders import OrderDesk, Sending
from octopus_desktop.model.events import JournalEvent, Link, LinkChanged
from octopus_desktop.model.orders import OrderIntent
from octopus_desktop.storage import writer
from octopus_desktop.storage.journal import SqliteJournal
from tests.faults.seed import run

ROOT = Path(__file__).resolve().parents[2]
PARTS = 6
SEEDS = 300 // PARTS
ENOUGH = 60


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_doubled_or_guessed(part: int) -> None:
    """Whatever breaks and whenever the program dies: orders, fills, positions and balances are the exchange's."""
    arguments = ["--seeds", str(SEEDS), "--first", str(1 + part * SEEDS), "--jobs", "1"]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]


def test_a_seed_replays() -> None:
    """Twice the same seed is twice the same day, to the message and the microsecond."""
    first, second = run(7, kept=True), run(7, kept=True)
    assert first == second
    assert first.timeline
    untold = run(7)
    assert {**untold.counts, "log": first.counts["log"]} == first.counts, "the same without anyone reading it"


# The proof would notice: each of these is a terminal that somebody has shipped.


def sends_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    send = OrderDesk.send

    def twice(self: OrderDesk, intent: OrderIntent) -> Sending:
        first, second = send(self, intent), send(self, intent)

        async def both() -> None:
            await first()
            await second()

        return both

    monkeypatch.setattr(OrderDesk, "send", twice)


def takes_a_timeout_for_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(self: OrderDesk, names: Sequence[Any], error: Exception) -> None:
        for name in names:
            self.refused(name, str(error))

    monkeypatch.setattr(OrderDesk, "failed", failed)


def writes_after_it_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def commit(self: SqliteJournal, events: Sequence[JournalEvent]) -> None:
        for event in events:
            self.record(event)

    monkeypatch.setattr(SqliteJournal, "commit", commit)


def asks_for_no_missed_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(reconciliation._Comparison, "_find_missed", nothing)


def forgets_what_it_was_asking_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: Inquiry, order: object) -> None:
        return None

    monkeypatch.setattr(Inquiry, "_resolve", never)


def trusts_the_disks_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    tuned = writer._tuned
    monkeypatch.setattr(writer, "_tuned", lambda connection, synchronous: tuned(connection, "NORMAL"))


def goes_on_after_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchange, its line or its account stream were gone: it takes up where it was."""

    def unlocked(self: node.Engine, event: LinkChanged) -> None:
        for lock, link in ((Lock.LINK, Link.ORDERS), (Lock.ACCOUNT, Link.ACCOUNT)):
            (self._lock.open if self._is_up(link) else self._lock.shut)(lock)

    monkeypatch.setattr(node.Engine, "_link_changed", unlocked)


def protects_nothing_after_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    async def restart(self: AlgoDesk) -> None:
        self._restarted = True

    monkeypatch.setattr(AlgoDesk, "restart", restart)


def protects_what_has_not_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BracketWork, "owned", lambda self: self.spec.quantity)


BROKEN: list[Callable[[pytest.MonkeyPatch], None]] = [
    sends_twice,
    takes_a_timeout_for_a_refusal,
    writes_after_it_sent,
    asks_for_no_missed_fills,
    forgets_what_it_was_asking_for,
    trusts_the_disks_cache,
    goes_on_after_an_outage,
    protects_nothing_after_a_restart,
    protects_what_has_not_come_in,
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_broken_terminal_is_found_out(
    broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal that does this loses, doubles or guesses an order within a few seeds."""
    broken(monkeypatch)
    assert any(run(seed).failures for seed in range(1, ENOUGH))
