"""User data streams: what happens to an account, told to every session that listens for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import count

import msgspec

from octopus_desktop.simulator import wire, wire_account
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.orders import Execution, Order, OrderList
from octopus_desktop.simulator.units import spelled

Sink = Callable[[bytes], None]
LISTEN_KEY_S = 3_600


class UserStreams:
    """The exchange's listener: turns what happens into the venue's events."""

    def __init__(self) -> None:
        self._exchange: Exchange | None = None
        self._sinks: dict[int, dict[Sink, None]] = {}
        self._keys: dict[str, tuple[int, float]] = {}
        self._event_ids = count(1)

    def attach(self, exchange: Exchange) -> None:
        self._exchange = exchange

    # ── who listens ──────────────────────────────────────────────────────────────────────────────────────

    def listen(self, account: int, sink: Sink) -> None:
        self._sinks.setdefault(account, {})[sink] = None

    def leave(self, account: int, sink: Sink) -> None:
        self._sinks.get(account, {}).pop(sink, None)

    def new_key(self, account: int, now_s: float) -> str:
        """The account's listen key: the same one while it is valid."""
        for key, (owner, until) in self._keys.items():
            if owner == account and until > now_s:
                self._keys[key] = (owner, now_s + LISTEN_KEY_S)
                return key
        key = secrets.token_hex(30)
        self._keys[key] = (account, now_s + LISTEN_KEY_S)
        return key

    def account_of(self, key: str, now_s: float) -> int | None:
        """Whose stream a listen key opens, if it is valid."""
        owner, until = self._keys.get(key, (0, 0.0))
        return owner if until > now_s else None

    def extend(self, key: str, now_s: float) -> bool:
        account = self.account_of(key, now_s)
        if account is None:
            return False
        self._keys[key] = (account, now_s + LISTEN_KEY_S)
        return True

    def forget(self, key: str) -> bool:
        return self._keys.pop(key, None) is not None

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────

    def on_order(self, order: Order, kind: str, execution: Execution | None) -> None:
        if not self._sinks.get(order.owner):
            return
        report = wire_account.execution_report(order, kind, execution, self._now_ns(), next(self._event_ids))
        self._tell(order.owner, report)

    def on_list(self, group: OrderList) -> None:
        if self._sinks.get(group.owner):
            self._tell(group.owner, wire_account.list_status(group, self._now_ns()))

    def on_balances(self, account: int, assets: list[str]) -> None:
        if not self._sinks.get(account) or self._exchange is None:
            return
        ledger, now = self._exchange.ledger, wire.ms(self._now_ns())
        rows = []
        for asset in assets:
            balance = ledger.balance(account, asset)
            rows.append({"a": asset, "f": spelled(balance.free), "l": spelled(balance.locked)})
        self._tell(account, {"e": "outboundAccountPosition", "E": now, "u": now, "B": rows})

    def on_deposit(self, account: int, asset: str, amount: int) -> None:
        now = wire.ms(self._now_ns())
        self._tell(account, {"e": "balanceUpdate", "E": now, "a": asset, "d": spelled(amount), "T": now})

    def _now_ns(self) -> int:
        return self._exchange.now_ns if self._exchange is not None else 0

    def _tell(self, account: int, event: wire.Json) -> None:
        sinks = self._sinks.get(account)
        if sinks:
            frame = msgspec.json.encode(event)
            for sink in list(sinks):
                sink(frame)
