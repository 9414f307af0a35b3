"""A session without a screen: a LocalNode and a State folded from its frames, as the screen does it."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from octopus_desktop.config.profiles import DEMO
from octopus_desktop.local_node import LocalNode
from octopus_desktop.model.commands import CancelOrder, Command, Done, Outcome, SubmitOrder
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.events import Event
from octopus_desktop.model.identifiers import InstrumentId, IntentToken, new_client_order_id
from octopus_desktop.model.orders import Order, OrderIntent, OrderStatus, OrderType, Side
from octopus_desktop.model.profile import Profile
from octopus_desktop.state import State

SIM = DEMO.venue
BTC = InstrumentId(f"BTCUSDT.{SIM}")
PATIENCE_S = 40.0


class Session:
    """`with Session(folder) as session:` starts the engine and the embedded exchange, and ends both."""

    def __init__(self, folder: Path, profile: Profile = DEMO, credentials: Credentials | None = None) -> None:
        self.state = State()
        self.events: list[Event] = []
        self.btc = InstrumentId(f"BTCUSDT.{profile.venue}")
        self.node = LocalNode(profile, folder, credentials=lambda: credentials)

    def __enter__(self) -> Session:
        self.node.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.node.stop()

    def pump(self) -> None:
        for event in self.node.take_frame():
            self.state.apply(event)
            self.events.append(event)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                notices = [f"{notice.title}: {notice.text}" for notice in self.state.notices]
                raise AssertionError(f"never: {what}; notices {notices}, log {list(self.state.log)[-5:]}")
            time.sleep(0.01)
            self.pump()

    def open_for_orders(self) -> None:
        self.until(lambda: self.state.entry_locked is None, "order entry open")

    def execute(self, command: Command) -> Outcome:
        return self.node.execute(command).result(PATIENCE_S)

    def order(self, intent: OrderIntent) -> Order | None:
        return self.state.orders.get(intent.client_order_id)

    def status(self, intent: OrderIntent) -> OrderStatus | None:
        order = self.order(intent)
        return order.status if order is not None else None

    def submit(self, intent: OrderIntent) -> None:
        outcome = self.execute(SubmitOrder(intent))
        assert isinstance(outcome, Done), outcome

    def cancel(self, intent: OrderIntent) -> None:
        assert isinstance(self.execute(CancelOrder(intent.client_order_id)), Done)

    def touch(self) -> tuple[float, float]:
        self.until(lambda: self.state.market(self.btc).touch, "a quote")
        touch = self.state.market(self.btc).touch
        assert touch is not None
        return touch

    def resting_bid(self, quantity: str = "0.01", token: str | None = None) -> OrderIntent:
        """A buy that will not fill by itself: 3 % below the market."""
        price = self.state.instruments[self.btc].price(self.touch()[0] * 0.97)
        return msgspec.structs.replace(limit(Side.BUY, quantity, price, token), instrument_id=self.btc)

    def free(self, asset: str) -> Decimal:
        return self.state.balances[SIM, asset].free


def limit(side: Side, quantity: str, price: Decimal, token: str | None = None) -> OrderIntent:
    return OrderIntent(
        new_client_order_id(),
        BTC,
        side,
        OrderType.LIMIT,
        Decimal(quantity),
        price,
        token=IntentToken(token) if token is not None else None,
    )


def market(side: Side, quantity: str) -> OrderIntent:
    return OrderIntent(new_client_order_id(), BTC, side, OrderType.MARKET, Decimal(quantity))


def ask_exchange(base: str, path: str, body: object | None = None) -> Any:
    """The exchange's own truth, or a fault for it, over its control endpoint on loopback."""
    data = msgspec.json.encode(body) if body is not None else None
    request = urllib.request.Request(f"{base}/control/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return msgspec.json.decode(answer.read())
