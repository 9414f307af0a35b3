"""Faults on request: what the server does wrong, and how often."""

from __future__ import annotations

from random import Random
from typing import Literal

import msgspec


class HttpFault(msgspec.Struct):
    """Answer a REST or WebSocket API request with an error status instead of doing it.

    `path` and `method` narrow it ("" is any); `every` n-th matching request fails, `times` at most (0: always).
    """

    status: int
    path: str = ""
    method: str = ""
    every: int = 1
    times: int = 0
    retry_after_s: int = 1
    done: bool = False
    """Do what is asked all the same: only the answer is an error."""


class Swallow(msgspec.Struct):
    """Do what is asked and never answer. `what` is a REST path or a WebSocket API method."""

    what: str
    method: str = ""
    times: int = 1


class FaultPlan(msgspec.Struct, forbid_unknown_fields=True):
    """What is wrong at the moment. Shares are probabilities per frame; `frames` says which frames they hit."""

    delay_ms: float = 0.0
    """Every REST answer and every frame comes this much later."""
    drop: float = 0.0
    duplicate: float = 0.0
    truncate: float = 0.0
    garbage: float = 0.0
    """A frame of nonsense before a real one."""
    cut: float = 0.0
    """The connection is cut instead of sending the frame."""
    frames: Literal["market", "user", "all"] = "market"
    refuse: bool = False
    """New connections are closed at once."""
    http: list[HttpFault] = []
    swallow: list[Swallow] = []
    clock_skew_ms: int = 0


GARBAGE = (b'{"e":"depthUpdate","s":', b"\xff\xfe\x00 nonsense", b"[1,2", b'{"e":"trade","p":"NaN","q":"-1"}', b"")


class Faults:
    """The plan in force, and the counters behind it."""

    def __init__(self, seed: int, plan: FaultPlan | None = None) -> None:
        self._random = Random(seed)
        self._seen: dict[int, int] = {}
        self._hits: dict[int, int] = {}
        self.plan = plan or FaultPlan()

    def change(self, plan: FaultPlan) -> None:
        self.plan = plan
        self._seen.clear()
        self._hits.clear()

    def http_fault(self, path: str, method: str) -> HttpFault | None:
        """The fault that this request meets, if any."""
        for at, fault in enumerate(self.plan.http):
            if (fault.path and fault.path not in path) or (fault.method and fault.method != method):
                continue
            self._seen[at] = self._seen.get(at, 0) + 1
            if self._seen[at] % max(1, fault.every):
                continue
            if fault.times and self._hits.get(at, 0) >= fault.times:
                continue
            self._hits[at] = self._hits.get(at, 0) + 1
            return fault
        return None

    def swallows(self, what: str, method: str = "") -> bool:
        """Whether the answer to this request is to be kept back."""
        for swallow in self.plan.swallow:
            if swallow.times and swallow.what in what and swallow.method in ("", method):
                swallow.times -= 1
                return True
        return False

    def bend(self, frame: bytes, kind: str) -> list[bytes] | None:
        """What is really sent for a frame; None cuts the connection."""
        plan = self.plan
        if plan.frames not in ("all", kind):
            return [frame]
        if not (plan.drop or plan.duplicate or plan.truncate or plan.garbage or plan.cut):
            return [frame]
        draw = self._random.random
        if draw() < plan.cut:
            return None
        if draw() < plan.drop:
            return []
        if draw() < plan.truncate:
            return [frame[: self._random.randrange(1, len(frame))]]
        if draw() < plan.garbage:
            return [self._random.choice(GARBAGE), frame]
        if draw() < plan.duplicate:
            return [frame, frame]
        return [frame]
