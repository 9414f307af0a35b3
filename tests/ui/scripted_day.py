"""A trading day up to now, for the scripted node: links, balances, orders, fills and a log."""

from __future__ import annotations

from decimal import Decimal

from scripted_market import BTC, ETH, SIM, SOL, list_market
from scripted_node import ScriptedNode, demo_profile

from octopus_desktop.model.account import Balance
from octopus_desktop.model.events import (
    BalanceChanged,
    EntryLocked,
    EntryUnlocked,
    Link,
    LinkChanged,
    LinkStatus,
    LogRecorded,
    OrderAccepted,
    OrderCanceled,
    OrderInitiated,
    OrderSubmitted,
    Reconciled,
    Severity,
    VenueMeasured,
)
from octopus_desktop.model.identifiers import AlgoId, ClientOrderId, InstrumentId, VenueOrderId
from octopus_desktop.model.orders import OrderIntent, OrderType, Side, TimeInForce
from octopus_desktop.model.profile import Mode


def connect(node: ScriptedNode) -> None:
    """The links are up, the account is known, order entry is open (but on a LIVE profile)."""
    for link in Link:
        node.emit(LinkChanged(SIM, link, LinkStatus.UP, "", node.now_ns))
    node.emit(VenueMeasured(SIM, 12.4, 3.2, 61, 6000, 842.0, 0, node.now_ns))
    for asset, free, locked in (("USDT", "81204.55", "13465.20"), ("BTC", "0.4312", "0.05"), ("ETH", "6.5", "0")):
        node.emit(BalanceChanged(Balance(SIM, asset, Decimal(free), Decimal(locked), node.now_ns)))
    node.emit(Reconciled(SIM, 0, 0, node.now_ns))
    if node.profile.mode is Mode.LIVE:
        node.emit(EntryLocked("This is a LIVE profile: type its name to unlock order entry.", node.now_ns))
    else:
        node.emit(EntryUnlocked(node.now_ns))


def place(
    node: ScriptedNode,
    name: InstrumentId,
    side: Side,
    price: str | None,
    quantity: str,
    kind: OrderType = OrderType.LIMIT,
    trigger: str | None = None,
    *,
    parent: AlgoId | None = None,
    role: str = "",
    list_id: str | None = None,
) -> ClientOrderId:
    """An order of an earlier moment, as the journal would tell it."""
    node._number += 1
    order_id = ClientOrderId(f"od-mgxk2a{node._number:04d}-9b2e11c07a")
    intent = OrderIntent(
        order_id,
        name,
        side,
        kind,
        Decimal(quantity),
        Decimal(price) if price else None,
        Decimal(trigger) if trigger else None,
        None,
        TimeInForce.GTC,
        parent=parent,
        role=role,
        list_id=list_id,
    )
    node.now_ns += 7_350_000_000
    node.emit(
        OrderInitiated(order_id, node.now_ns, intent),
        OrderSubmitted(order_id, node.now_ns),
        OrderAccepted(order_id, node.now_ns + 11_000_000, VenueOrderId(str(880_000 + node._number))),
    )
    return order_id


def trade_a_while(node: ScriptedNode) -> None:
    """Fills, a position, finished and open orders, and a log."""
    for name, side, price, quantity in (
        (BTC, Side.BUY, "66980.10", "0.25"),
        (ETH, Side.BUY, "3502.40", "4"),
        (BTC, Side.SELL, "67240.00", "0.1"),
        (SOL, Side.BUY, "166.20", "40"),
        (SOL, Side.SELL, "170.10", "40"),
        (BTC, Side.BUY, "67105.55", "0.05"),
    ):
        order_id = place(node, name, side, price, quantity)
        half = node.state.instruments[name].quantity(Decimal(quantity) / 2)
        node.fill(order_id, Decimal(price), half, complete=False)
        node.now_ns += 900_000_000
        node.fill(order_id, Decimal(price), Decimal(quantity) - half, complete=True)
    canceled = place(node, BTC, Side.BUY, "65000.00", "0.1")
    node.emit(OrderCanceled(canceled, node.now_ns))
    for name, side, price, quantity in (
        (BTC, Side.BUY, "67411.50", "0.05"),
        (BTC, Side.BUY, "67390.00", "0.1"),
        (BTC, Side.SELL, "67413.60", "0.05"),
        (ETH, Side.SELL, "3550.00", "2"),
    ):
        order_id = place(node, name, side, price, quantity)
    node.fill(order_id, Decimal("3550.00"), Decimal("0.5"), complete=False)
    place(node, BTC, Side.SELL, "66400.00", "0.2", OrderType.STOP_LIMIT, "66500.00")
    for severity, source, text in (
        (Severity.INFO, "octopus_desktop.node", "data opened, 31 events of the journal folded"),
        (Severity.INFO, "octopus_desktop.venues.binance.stream", "market data connected"),
        (Severity.WARNING, "octopus_desktop.venues.binance.sequencer", "BTCUSDT.SIM: 2 updates missed, new snapshot"),
        (Severity.INFO, "octopus_desktop.node", "reconciled with SIM: 0 differences"),
    ):
        node.now_ns += 130_000_000
        node.emit(LogRecorded(severity, source, text, node.now_ns))


def scripted_session(mode: Mode = Mode.DEMO, settings: dict[str, str] | None = None) -> ScriptedNode:
    """A node in the middle of a trading day."""
    node = ScriptedNode(demo_profile(mode), settings)
    list_market(node)
    connect(node)
    trade_a_while(node)
    return node
