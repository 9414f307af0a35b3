"""Orders and their lifecycle."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from octopus_desktop.model.identifiers import AlgoId, ClientOrderId, InstrumentId, IntentToken, TradeId, VenueOrderId
from octopus_desktop.model.word import Word

ZERO: Final = Decimal(0)


class Side(Word):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1


class OrderType(Word):
    LIMIT = "limit"
    MARKET = "market"
    POST_ONLY = "post_only"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    TRAILING_STOP = "trailing_stop"

    @property
    def has_limit(self) -> bool:
        return self in _WITH_LIMIT

    @property
    def has_trigger(self) -> bool:
        return self in _WITH_TRIGGER


_WITH_LIMIT = {OrderType.LIMIT, OrderType.POST_ONLY, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
_WITH_TRIGGER = {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}


class TimeInForce(Word):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderStatus(Word):
    INITIATED = "initiated"
    DENIED = "denied"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL

    @property
    def is_working(self) -> bool:
        """It rests, or may rest, at the venue."""
        return self in _WORKING


_S = OrderStatus
_TERMINAL = {_S.DENIED, _S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED}
_WORKING = {_S.SUBMITTED, _S.UNKNOWN, _S.ACCEPTED, _S.PARTIALLY_FILLED}


class Step(Word):
    """What may happen to an order; each is one event."""

    DENY = "deny"
    SUBMIT = "submit"
    LOSE_TRACK = "lose track"
    ACCEPT = "accept"
    REJECT = "reject"
    FILL_PART = "fill part"
    FILL_ALL = "fill all"
    CANCEL = "cancel"
    EXPIRE = "expire"


_ANSWERS = {
    Step.ACCEPT: _S.ACCEPTED,
    Step.REJECT: _S.REJECTED,
    Step.FILL_PART: _S.PARTIALLY_FILLED,  # the fill may overtake the acceptance: two sockets
    Step.FILL_ALL: _S.FILLED,
    Step.CANCEL: _S.CANCELED,
    Step.EXPIRE: _S.EXPIRED,
}

LIFECYCLE: Final[dict[OrderStatus, dict[Step, OrderStatus]]] = {
    _S.INITIATED: {Step.DENY: _S.DENIED, Step.SUBMIT: _S.SUBMITTED, Step.LOSE_TRACK: _S.UNKNOWN},
    _S.DENIED: {},
    # Denied after it was submitted: the disk refused the intent, and had kept it all the same. Nothing left.
    _S.SUBMITTED: {**_ANSWERS, Step.LOSE_TRACK: _S.UNKNOWN, Step.DENY: _S.DENIED},
    _S.UNKNOWN: {**_ANSWERS, Step.LOSE_TRACK: _S.UNKNOWN},
    _S.ACCEPTED: {
        Step.ACCEPT: _S.ACCEPTED,  # the response and the stream both say so
        Step.FILL_PART: _S.PARTIALLY_FILLED,
        Step.FILL_ALL: _S.FILLED,
        Step.CANCEL: _S.CANCELED,
        Step.EXPIRE: _S.EXPIRED,
        Step.REJECT: _S.REJECTED,  # a stop that triggers and then fails the venue's checks
    },
    _S.PARTIALLY_FILLED: {
        Step.ACCEPT: _S.PARTIALLY_FILLED,  # the acceptance came after the first fill
        Step.FILL_PART: _S.PARTIALLY_FILLED,
        Step.FILL_ALL: _S.FILLED,
        Step.CANCEL: _S.CANCELED,
        Step.EXPIRE: _S.EXPIRED,
    },
    _S.FILLED: {Step.ACCEPT: _S.FILLED},
    # A fill that was on its way when the cancel was confirmed still counts; only a completing one changes the word.
    _S.CANCELED: {Step.ACCEPT: _S.CANCELED, Step.FILL_PART: _S.CANCELED, Step.FILL_ALL: _S.FILLED},
    _S.EXPIRED: {Step.ACCEPT: _S.EXPIRED, Step.FILL_PART: _S.EXPIRED, Step.FILL_ALL: _S.FILLED},
    # A refusal is the venue's last word on a create; a fill after it means that the refusal was of something else.
    _S.REJECTED: {Step.FILL_PART: _S.PARTIALLY_FILLED, Step.FILL_ALL: _S.FILLED, Step.ACCEPT: _S.ACCEPTED},
}
"""Where an order goes from where it is. A step that has no place here changes nothing and is logged."""


class OrderIntent(msgspec.Struct, frozen=True, gc=False):
    """What the trader wants, before anything was decided about it.

    `quantity` is in base currency; a market order may be given `quote_quantity` instead (then `quantity` is zero
    until the fills say). `price` is the limit, `trigger_price` the stop's. `token` names the keypress.
    `trailing_fraction` is how far a trailing stop follows the best price (0.01 is one per cent). `display_quantity`
    is how much of an iceberg the venue shows. `parent` is the algo that sends it and `role` its part there (`entry`,
    `stop`, `target`, `slice`). `replaces` is the working order whose place it takes. Orders with the same
    `list_id` are one list at the venue: the execution of one cancels the others.
    """

    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    quote_quantity: Decimal | None = None
    tif: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    token: IntentToken | None = None
    trailing_fraction: Decimal | None = None
    display_quantity: Decimal | None = None
    parent: AlgoId | None = None
    role: str = ""
    replaces: ClientOrderId | None = None
    list_id: str | None = None


class Order(msgspec.Struct):
    """The state of one order: a fold of its events. Only `State.apply` writes to it."""

    intent: OrderIntent
    status: OrderStatus
    created_ns: int
    updated_ns: int
    venue_order_id: VenueOrderId | None = None
    filled_quantity: Decimal = ZERO
    filled_notional: Decimal = ZERO
    cancel_requested: bool = False
    reason: str = ""
    adopted: bool = False
    trade_ids: set[TradeId] = msgspec.field(default_factory=set)

    @property
    def client_order_id(self) -> ClientOrderId:
        return self.intent.client_order_id

    @property
    def remaining(self) -> Decimal:
        """In base currency; zero for a market order given in quote currency."""
        return max(ZERO, self.intent.quantity - self.filled_quantity)

    @property
    def average_price(self) -> Decimal | None:
        return self.filled_notional / self.filled_quantity if self.filled_quantity else None


class Fill(msgspec.Struct, frozen=True, gc=False):
    """One execution of ours. `fee` is in `fee_asset`, positive when paid."""

    instrument_id: InstrumentId
    client_order_id: ClientOrderId
    venue_order_id: VenueOrderId
    trade_id: TradeId
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool
    ts_venue_ns: int
