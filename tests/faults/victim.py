"""The process that `kill9` kills: the real engine on its thread, trading as fast as the venue allows.

It reads one line of JSON from standard input (where the exchange is, and its keys) and writes what it was told: `taken
NAME` for each order that the engine took on. With `--settle` it trades no more: it waits until nothing is in doubt,
cancels what rests, compares, and writes all it knows as one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any

from octopus_desktop.local_node import LocalNode
from octopus_desktop.model.commands import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    Command,
    Done,
    Outcome,
    Reconcile,
    SubmitOrder,
    Subscribe,
)
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.events import Channel, Reconciled
from octopus_desktop.model.identifiers import InstrumentId, Venue, new_client_order_id
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.profile import Dialect, Mode, Profile, VenueUrls
from octopus_desktop.state import State

VENUE = Venue("SIM")
BNB = InstrumentId(f"BNBUSDT.{VENUE}")
PAUSE_S = 0.12
"""On average: the exchange takes a hundred orders in ten seconds."""
PATIENCE_S = 60.0
_DOUBT = (OrderStatus.INITIATED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN)


class Victim:
    def __init__(self, folder: Path, ready: dict[str, Any]) -> None:
        urls = VenueUrls(ready["rest"], ready["ws"], ready["ws_api"])
        profile = Profile("kill9", VENUE, Dialect.BINANCE_SPOT, Mode.DEMO, urls)
        credentials = Credentials(ready["ed25519_api_key"], ready["ed25519_private_key"])
        self.node = LocalNode(profile, folder, credentials=lambda: credentials)
        self.state = State()
        self.reconciled = 0
        self._random = random.Random()

    def pump(self) -> None:
        for event in self.node.take_frame():
            self.state.apply(event)
            self.reconciled += isinstance(event, Reconciled)

    def until(self, condition: Callable[[], object], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                doubtful = [o.client_order_id for o in self.state.working.values() if o.status in _DOUBT]
                raise TimeoutError(f"never: {what}; {self.state.entry_locked}; {doubtful}")
            time.sleep(0.005)
            self.pump()

    def execute(self, command: Command) -> Outcome:
        return self.node.execute(command).result(PATIENCE_S)

    def trade(self) -> None:
        self.execute(Subscribe(BNB, Channel.QUOTES))
        self.until(lambda: self.state.entry_locked is None and self.state.market(BNB).touch, "order entry and a quote")
        _say("trading")
        while True:
            self._act()
            end = time.monotonic() + self._random.expovariate(1 / PAUSE_S)
            while time.monotonic() < end:
                self.pump()
                time.sleep(0.002)

    def _act(self) -> None:
        working = list(self.state.working.values())
        draw = self._random.random()
        if working and draw < 0.25:
            self.execute(CancelOrder(self._random.choice(working).client_order_id))
        elif working and draw < 0.35:
            order = self._random.choice(working)
            name = new_client_order_id()
            outcome = self.execute(AmendOrder(order.client_order_id, name, price=self._price(-order.intent.side.sign)))
            if isinstance(outcome, Done) and outcome.count:
                _say(f"taken {name}")
        else:
            intent = self._intent()
            outcome = self.execute(SubmitOrder(intent, acknowledged=True))
            if isinstance(outcome, Done) and outcome.count:
                _say(f"taken {intent.client_order_id}")

    def _intent(self) -> OrderIntent:
        side = self._random.choice((Side.BUY, Side.SELL))
        kind = OrderType.MARKET if self._random.random() < 0.2 else OrderType.LIMIT
        quantity = Decimal(self._random.randrange(20, 900)).scaleb(-3)
        price = self._price(-side.sign) if kind.has_limit else None
        return OrderIntent(new_client_order_id(), BNB, side, kind, quantity, price)

    def _price(self, sign: int) -> Decimal:
        touch = self.state.market(BNB).touch
        assert touch is not None
        away = 1 + sign * self._random.choice((0.0, 0.0002, 0.002, -0.0005))
        return (Decimal(repr(touch[0] * away)) / Decimal("0.01")).to_integral_value(ROUND_DOWN) * Decimal("0.01")

    def settle(self) -> dict[str, Any]:
        def known() -> bool:
            states = [order.status for order in self.state.working.values()]
            return self.state.entry_locked is None and not any(status in _DOUBT for status in states)

        self.until(known, "everything known after the start")
        self.execute(CancelAllOrders())
        self.until(lambda: not self.state.working, "nothing working")
        before = self.reconciled
        self.execute(Reconcile(VENUE))
        self.until(lambda: self.reconciled > before and known(), "compared once more")
        return self._knowledge()

    def _knowledge(self) -> dict[str, Any]:
        return {
            "orders": {
                name: [order.status.value, order.venue_order_id, str(order.filled_quantity.normalize()), order.reason]
                for name, order in self.state.orders.items()
            },
            "fills": [[fill.trade_id, fill.side.value, str(fill.quantity.normalize())] for fill in self.state.fills],
            "positions": {where: str(one.quantity.normalize()) for where, one in self.state.positions.items()},
            "balances": {
                asset: [str(one.free.normalize()), str(one.locked.normalize())]
                for (_, asset), one in self.state.balances.items()
            },
        }


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--settle", action="store_true")
    args = parser.parse_args()
    victim = Victim(args.folder, json.loads(sys.stdin.readline()))
    victim.node.start()
    if not args.settle:
        victim.trade()
    _say(json.dumps(victim.settle()))
    victim.node.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
