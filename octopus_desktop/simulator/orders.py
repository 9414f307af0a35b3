"""An account's order at the exchange, and its executions."""

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
        "filled",
        "filled_quote",
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
