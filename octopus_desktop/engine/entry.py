"""The lock on order entry: it opens when no one has a reason to keep it shut."""

from __future__ import annotations

from typing import Final

from octopus_desktop.engine.bus import Bus
from octopus_desktop.model.events import EntryLocked, EntryUnlocked
from octopus_desktop.model.word import Word
from octopus_desktop.ports import Clock


class Lock(Word):
    """Who holds it shut, the gravest first; the value is what the trader reads."""

    SAFE_MODE = "Safe mode: this session sends no orders."
    DEFECT = "An internal error: order entry is locked. Look at your orders, then unlock it or restart."
    STORAGE = "The journal cannot be written: no order may leave."
    NO_ACCOUNT = "No account in this profile: market data only, no order can be sent."
    KEY_REFUSED = "The venue refused the key: market data only, no order can be sent."
    LINK = "No connection to the venue: orders cannot be sent."
    ACCOUNT = "The account stream is down: what adds to a position waits for it."
    RECONCILING = "Comparing with the venue: orders are possible in a moment."
    LIVE = "LIVE: unlock order entry by typing the profile's name."
    TRADER = "You locked order entry."


NOTHING_LEAVES: Final = {Lock.SAFE_MODE, Lock.STORAGE, Lock.NO_ACCOUNT, Lock.KEY_REFUSED, Lock.LINK}
"""No order can be sent, or none may be. The others hold back what adds risk, and never what reduces it."""


PASSING: Final = {Lock.LINK, Lock.ACCOUNT, Lock.RECONCILING}


class EntryLock:
    """Publishes only changes of what the trader would read."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._held: set[Lock] = set()

    @property
    def reason(self) -> str | None:
        for lock in Lock:
            if lock in self._held:
                return lock.value
        return None

    def refusal(self, *, reducing: bool, flattening: bool = False, under_way: bool = False) -> str | None:
        """Why this kind of order may not leave. A LIVE profile that is not unlocked only flattens.

        `under_way`: it passed before, and what passes by itself does not hold it back now.
        """
        if not self._held:
            return None
        for lock in Lock:
            if lock in self._held and not (under_way and lock in PASSING):
                passes = flattening or (reducing and lock is not Lock.LIVE)
                if lock in NOTHING_LEAVES or not passes:
                    return lock.value
        return None

    def holds(self, lock: Lock) -> bool:
        return lock in self._held

    def shut(self, lock: Lock) -> None:
        self._held.add(lock)
        self._tell()

    def open(self, lock: Lock) -> None:
        self._held.discard(lock)
        self._tell()

    def _tell(self) -> None:
        reason = self.reason
        if reason == self._bus.state.entry_locked:
            return
        now = self._clock.now_ns()
        self._bus.publish(EntryLocked(reason, now) if reason is not None else EntryUnlocked(now))
