"""One table of what can be asked, shared by REST and the WebSocket API, and the session a caller asks in."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

import msgspec

from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.limits import Limits, OrderLimits
from octopus_desktop.simulator.params import Params


class Security(Enum):
    """What a request has to prove."""

    NONE = auto()
    API_KEY = auto()
    SIGNED = auto()


class Context:
    """What handlers work on: the exchange and the counters of this server."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.limits = Limits()
        self.order_limits: dict[int, OrderLimits] = {}

    def orders_of(self, account: int) -> OrderLimits:
        return self.order_limits.setdefault(account, OrderLimits())

    @staticmethod
    def wall_s() -> float:
        return time.time()

    def now_ms(self) -> int:
        return (self.exchange.now_ns + self.exchange.skew_ns) // 1_000_000


Handler = Callable[[Context, int, Params], Any]
"""(context, account or 0, parameters) → a JSON-ready answer, or bytes that are JSON already."""


class Endpoint(msgspec.Struct, frozen=True):
    """One thing to ask: how, at which weight, and who answers."""

    handler: Handler
    rest: tuple[str, str] | None
    ws: str | None
    weight: Callable[[Params], int]
    security: Security
    counts_as_order: bool = False
    takes: frozenset[str] | None = None
    """All parameters it knows; over REST any other is refused. None: whatever is sent."""


def weigh(weight: int) -> Callable[[Params], int]:
    return lambda _params: weight
