"""An account's order at the exchange, its executions, and orders that are one list."""

from __future__ import annotations

import msgspec

from octopus_desktop.simulator.book import Resting

LIMIT_TYPES = frozenset(("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"))
TRIGGER_TYPES = frozenset(("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"))
ORDER_TYPES = LIMIT_TYPES | TRIGGER_TYPES | {"MARKET"}
TIMES_IN_FORCE = frozenset(("GTC", "IOC", "FOK"))
STP_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
OPEN = frozenset(("NEW", "PARTIALLY_FILLED"))


class NewOrder(msgspec.Struct):
    """What an account asks for. Prices and quantities in units of 1e-8; 0 is "not given"."""

    symbol: str
    is_buy: bool
    type: str
    quantity: int = 0
    quote_quantity: int = 0
    price: int = 0
    stop_price: int = 0
    time_in_force: str = "GTC"
    client_order_id: str = ""
    stp: str = "NONE"
    strategy_id: int | None = None
    strategy_type: int | None = None
    iceberg_quantity: int = 0
    trailing_bips: int = 0
    """How far a trailing stop follows the best price, in hundredths of a per cent."""


class Execution(msgspec.Struct, frozen=True):
    """One fill of an account's order. `commission` is in `commission_asset`, units of 1e-8."""

    trade_id: int
    order_id: int
    symbol: str
    is_buy: bool
    price: int
    quantity: int
    quote_quantity: int
    commission: int
    commission_asset: str
    is_maker: bool
    ts_ns: int


class Order(Resting):
    """An account's order with its whole life. `price` is 0 while a MARKET order has none."""

    __slots__ = (
        "client_order_id",
        "created_ns",
        "executions",
        "extreme",
        "filled",
        "filled_quote",
        "group",
        "list_client_id",
        "list_id",
        "locked",
        "original_client_id",
        "quantity",
        "quote_quantity",
        "reason",
        "request",
        "status",
        "stop_price",
        "symbol",
        "time_in_force",
        "tracking_ns",
        "triggered",
        "type",
        "updated_ns",
        "working_ns",
    )

    def __init__(self, order_id: int, owner: int, request: NewOrder, ts_ns: int) -> None:
        super().__init__(order_id, owner, request.is_buy, request.price, request.quantity, request.stp)
        self.request = request
        self.symbol = request.symbol
        self.type = request.type
        self.client_order_id = request.client_order_id
        self.original_client_id = ""
        """What the order was called before a cancel request brought a name of its own."""
        self.quantity = request.quantity
        self.quote_quantity = request.quote_quantity
        self.stop_price = request.stop_price
        self.time_in_force = request.time_in_force
        self.status = "NEW"
        self.reason = ""
        self.filled = 0
        self.filled_quote = 0
        self.locked = 0
        """What the order still holds aside: quote for a buy, base for a sell."""
        self.triggered = request.type not in TRIGGER_TYPES
        self.created_ns = ts_ns
        self.updated_ns = ts_ns
        self.working_ns = ts_ns if self.triggered else -1
        self.executions: list[Execution] = []
        self.display = request.iceberg_quantity
        self.extreme = 0
        """The best price a trailing stop has seen: the lowest for a buy; 0 while it does not follow yet."""
        self.tracking_ns = -1
        self.list_id = -1
        self.list_client_id = ""
        self.group: OrderList | None = None

    @property
    def unfilled(self) -> int:
        return self.quantity - self.filled

    @property
    def name(self) -> str:
        """What the account called it: a cancel request gives the cancellation a name, not the order."""
        return self.original_client_id if self.status == "CANCELED" else self.client_order_id

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def rises_to_trigger(self) -> bool:
        """Whether the trigger waits for a price at or above it (else at or below)."""
        return self.is_buy == self.type.startswith("STOP")

    def reaches_stop(self, price: int) -> bool:
        return price >= self.stop_price if self.rises_to_trigger else price <= self.stop_price

    def is_triggered_by(self, price: int) -> bool:
        """Whether a trade at `price` activates it. A trailing stop remembers the price."""
        bips = self.request.trailing_bips
        if not bips:
            return self.reaches_stop(price)
        if not self.extreme and self.stop_price and not self.reaches_stop(price):
            return False
        if self.is_buy:
            self.extreme = min(self.extreme, price) if self.extreme else price
            return price * 10_000 >= self.extreme * (10_000 + bips)
        self.extreme = max(self.extreme, price)
        return price * 10_000 <= self.extreme * (10_000 - bips)


class OrderList:
    """Two orders of which the execution of one ends the other. What it locks, it locks once."""

    def __init__(self, list_id: int, client_id: str, orders: list[Order]) -> None:
        self.list_id = list_id
        self.client_id = client_id
        self.orders = orders
        for order in orders:
            order.group, order.list_id, order.list_client_id = self, list_id, client_id

    @property
    def owner(self) -> int:
        return self.orders[0].owner

    @property
    def symbol(self) -> str:
        return self.orders[0].symbol

    @property
    def created_ns(self) -> int:
        return self.orders[0].created_ns

    @property
    def is_open(self) -> bool:
        return any(order.is_open for order in self.orders)

    def others(self, order: Order) -> list[Order]:
        """Those that still work."""
        return [one for one in self.orders if one is not order and one.is_open]
