"""What Binance sends, as typed as it is documented: one step from bytes to these.

Numbers that are only looked at are checked and made float by the decoder itself, so NaN, infinities and negative
prices never get past it. Money is Decimal from the venue's own digits. Fields nobody reads are left out; fields
Binance adds one day are skipped.

Sources: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams,
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams and
https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct, field

from octopus_desktop.model.orders import Side

MS: Final = 1_000_000
"""Nanoseconds."""
Price = Annotated[float, Meta(gt=0.0, lt=1e15)]
PriceOrNone = Annotated[float, Meta(ge=0.0, lt=1e15)]
"""Zero where a side of the book is empty, or nothing was traded yet."""
Quantity = Annotated[float, Meta(ge=0.0, lt=1e18)]
Signed = Annotated[float, Meta(gt=-1e18, lt=1e18)]
Milliseconds = Annotated[int, Meta(ge=0, lt=10**14)]
Id = Annotated[int, Meta(ge=0, lt=2**62)]
Levels = list[tuple[Price, Quantity]]


# ── market streams ───────────────────────────────────────────────────────────────────────────────────────────


class AggTrade(Struct, frozen=True, gc=False):
    """A model.market.Trade as it is, of stream and REST alike."""

    trade_id: Id = field(name="a")
    price: Price = field(name="p")
    quantity: Quantity = field(name="q")
    T: Milliseconds
    m: bool
    """The buyer was the maker: the aggressor sold."""

    @property
    def aggressor(self) -> Side:
        return Side.SELL if self.m else Side.BUY

    @property
    def ts_venue_ns(self) -> int:
        return self.T * MS


class BookTicker(Struct, gc=False):
    u: Id
    b: PriceOrNone
    B: Quantity
    a: PriceOrNone
    A: Quantity
    T: Milliseconds = 0
    """Futures only."""


class DepthUpdate(Struct, gc=False):
    E: Milliseconds
    U: Id
    u: Id
    b: Levels
    a: Levels
    pu: int | None = None
    """Futures only: `u` of the update before."""


class KlineBody(Struct, gc=False):
    t: Milliseconds
    o: PriceOrNone
    c: PriceOrNone
    h: PriceOrNone
    l: PriceOrNone  # noqa: E741  # the venue's spelling
    v: Quantity
    x: bool


class Kline(Struct, gc=False):
    k: KlineBody


class Ticker(Struct, gc=False):
    E: Milliseconds
    P: Signed
    c: PriceOrNone
    h: PriceOrNone
    l: PriceOrNone  # noqa: E741
    v: Quantity
    q: Quantity


class MarkPrice(Struct, gc=False):
    E: Milliseconds
    p: Price
    i: PriceOrNone
    T: Milliseconds
    r: Signed | str = 0.0
    """The funding rate; an empty text on delivery contracts."""


class AggTradeFrame(Struct, gc=False):
    data: AggTrade


class BookTickerFrame(Struct, gc=False):
    data: BookTicker


class DepthFrame(Struct, gc=False):
    data: DepthUpdate


class KlineFrame(Struct, gc=False):
    data: Kline


class TickerFrame(Struct, gc=False):
    data: Ticker


class MarkPriceFrame(Struct, gc=False):
    data: MarkPrice


class StreamError(Struct):
    code: int = 0
    msg: str = ""


class ControlAnswer(Struct):
    """To SUBSCRIBE and UNSUBSCRIBE. An error comes in either of two shapes."""

    id: int | str | None = None
    error: StreamError | None = None
    code: int | None = None
    msg: str = ""


# ── REST, public ─────────────────────────────────────────────────────────────────────────────────────────────


class ServerTime(Struct):
    serverTime: Milliseconds


class DepthSnapshot(Struct):
    last_update_id: Id = field(name="lastUpdateId")
    bids: Levels
    asks: Levels
    E: Milliseconds = 0


class RestKline(Struct, array_like=True, gc=False):
    open_ms: Milliseconds
    open: PriceOrNone
    high: PriceOrNone
    low: PriceOrNone
    close: PriceOrNone
    volume: Quantity


class RestTicker(Struct):
    lastPrice: PriceOrNone
    priceChangePercent: Signed
    highPrice: PriceOrNone
    lowPrice: PriceOrNone
    volume: Quantity
    quoteVolume: Quantity
    closeTime: Milliseconds


class RestQuote(Struct):
    bidPrice: PriceOrNone
    bidQty: Quantity
    askPrice: PriceOrNone
    askQty: Quantity
    time: Milliseconds = 0


class RateLimitRule(Struct):
    rateLimitType: str
    interval: str
    intervalNum: int
    limit: int


class Filter(Struct):
    """All filters in one: each uses its own few fields."""

    filter_type: str = field(name="filterType")
    tick_size: Decimal | None = field(name="tickSize", default=None)
    step_size: Decimal | None = field(name="stepSize", default=None)
    min_quantity: Decimal | None = field(name="minQty", default=None)
    max_quantity: Decimal | None = field(name="maxQty", default=None)
    min_notional: Decimal | None = field(name="minNotional", default=None)
    max_notional: Decimal | None = field(name="maxNotional", default=None)
    apply_max_to_market: bool = field(name="applyMaxToMarket", default=True)
    notional: Decimal | None = None
    multiplier_up: Decimal | None = field(name="multiplierUp", default=None)
    multiplier_down: Decimal | None = field(name="multiplierDown", default=None)
    bid_multiplier_up: Decimal | None = field(name="bidMultiplierUp", default=None)
    bid_multiplier_down: Decimal | None = field(name="bidMultiplierDown", default=None)
    ask_multiplier_up: Decimal | None = field(name="askMultiplierUp", default=None)
    ask_multiplier_down: Decimal | None = field(name="askMultiplierDown", default=None)


class SymbolInfo(Struct):
    symbol: str
    status: str
    base_asset: str = field(name="baseAsset")
    quote_asset: str = field(name="quoteAsset")
    filters: list[Filter]
    contract_type: str | None = field(name="contractType", default=None)


class ExchangeInfo(Struct):
    """`symbols` raw, so that one that cannot be read does not cost the others."""

    rate_limits: list[RateLimitRule] = field(name="rateLimits")
    symbols: list[msgspec.Raw]


# ── orders and account ───────────────────────────────────────────────────────────────────────────────────────


class ResponseFill(Struct):
    price: Decimal
    qty: Decimal
    commission: Decimal
    commissionAsset: str
    tradeId: int


class OrderResponse(Struct):
    """Of `order.place`, `order.cancel`, `order.status` and their REST twins: each sends some of these."""

    symbol: str
    orderId: int
    clientOrderId: str
    origClientOrderId: str = ""
    transactTime: Milliseconds = 0
    updateTime: Milliseconds = 0
    price: Decimal = Decimal(0)
    origQty: Decimal = Decimal(0)
    executedQty: Decimal = Decimal(0)
    origQuoteOrderQty: Decimal = Decimal(0)
    stopPrice: Decimal = Decimal(0)
    status: str = ""
    timeInForce: str = "GTC"
    type: str = ""
    side: str = ""
    fills: list[ResponseFill] = []
    orderListId: int = -1
    trailingDelta: int = 0
    icebergQty: Decimal = Decimal(0)


class OrderListResponse(Struct):
    """Of `orderList.place.oco`, and of a cancel that took a whole list with it; without reports it is of one order."""

    orderReports: list[OrderResponse] | None = None


class ReplaceResponse(Struct):
    """Of `order.cancelReplace`. What it says where one half failed is in the refusal's data, with these names."""

    cancelResponse: msgspec.Raw
    newOrderResponse: msgspec.Raw


class ExecutionReport(Struct, tag_field="e", tag="executionReport"):
    E: Milliseconds
    s: str
    c: str
    S: str
    o: str
    f: str
    q: Decimal
    p: Decimal
    P: Decimal
    x: str
    X: str
    r: str
    i: int
    l: Decimal  # noqa: E741
    z: Decimal
    L: Decimal
    n: Decimal
    T: Milliseconds
    t: int
    m: bool
    C: str = ""
    N: str | None = None
    Q: Decimal = Decimal(0)
    eR: str | int = ""
    F: Decimal = Decimal(0)
    d: int = 0
    g: int = -1


class AccountBalance(Struct):
    a: str
    f: Decimal
    l: Decimal  # noqa: E741


class AccountPosition(Struct, tag_field="e", tag="outboundAccountPosition"):
    u: Milliseconds
    B: list[AccountBalance]


class StreamEnded(Struct, tag_field="e", tag="eventStreamTerminated"):
    E: Milliseconds = 0


class ListenKeyExpired(Struct, tag_field="e", tag="listenKeyExpired"):
    E: Milliseconds = 0


AccountEvent = ExecutionReport | AccountPosition | StreamEnded | ListenKeyExpired


class EventKind(Struct):
    e: str


class RateLimitCount(Struct):
    rateLimitType: str
    interval: str
    limit: int
    count: int
    intervalNum: int = 1


class RefusalData(Struct):
    serverTime: Milliseconds = 0
    retryAfter: Milliseconds = 0
    cancelResponse: msgspec.Raw = msgspec.Raw(b"")
    newOrderResponse: msgspec.Raw = msgspec.Raw(b"")


class Refusal(Struct):
    code: int
    msg: str = ""
    data: RefusalData | None = None


class ApiFrame(Struct):
    """Anything on the WebSocket API: a response (`id`, `status`), or an account event (`event`)."""

    id: str | int | None = None
    status: int = 0
    result: msgspec.Raw = msgspec.Raw(b"")
    error: Refusal | None = None
    event: msgspec.Raw = msgspec.Raw(b"")
    rateLimits: list[RateLimitCount] = []


class RestBalance(Struct):
    asset: str
    free: Decimal
    locked: Decimal


class Account(Struct):
    balances: list[RestBalance]
    updateTime: Milliseconds = 0
    canTrade: bool = True


class MyTrade(Struct):
    id: int
    orderId: int
    price: Decimal
    qty: Decimal
    commission: Decimal
    commissionAsset: str
    time: Milliseconds
    isBuyer: bool
    isMaker: bool


class KeyRestrictions(Struct):
    enableReading: bool = False
    enableSpotAndMarginTrading: bool = False
    enableWithdrawals: bool = False


class ListenKey(Struct):
    listenKey: str
