"""What happened: facts in the past tense, never refused, never changed.

`Event` is closed: a `match` over it ends with `assert_never`. Order events carry the ClientOrderId, everything of a
market its InstrumentId. `ts_venue_ns` is the venue's clock, `ts_received_ns` ours when the bytes came in; `ts_ns` is
ours where there is no venue in it.
"""

from __future__ import annotations

import msgspec

from octopus_desktop.model.account import Balance
from octopus_desktop.model.algos import AlgoStatus, AnyAlgoSpec, OnRestart
from octopus_desktop.model.identifiers import AlgoId, ClientOrderId, InstrumentId, Interval, Venue, VenueOrderId
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.market import Trade
from octopus_desktop.model.orders import Fill, OrderIntent
from octopus_desktop.model.safety import DayLimit, LedgerDifference, LevelCause, TradingLevel
from octopus_desktop.model.word import Word


class MarketEvent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Of one instrument; only ever looked at, so numbers are float."""

    instrument_id: InstrumentId


class InstrumentListed(MarketEvent, frozen=True, gc=False):
    """Known from now on, or known better (fees, filters)."""

    instrument: Instrument


class TradesPrinted(MarketEvent, frozen=True, gc=False):
    """Public trades that came in together: at least one, oldest first, none told before. Not to be changed."""

    trades: list[Trade]
    ts_received_ns: int


class QuoteChanged(MarketEvent, frozen=True, gc=False):
    """Of quotes that came in together only the last is told."""

    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float
    ts_venue_ns: int
    ts_received_ns: int


class BookReset(MarketEvent, frozen=True, gc=False):
    """The whole book, (price, quantity) each, in any order."""

    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]
    last_id: int
    ts_venue_ns: int
    ts_received_ns: int


class BookChanged(MarketEvent, frozen=True, gc=False):
    """New totals at some prices; 0.0 takes a price out. It follows on the book's `last_id` without a gap."""

    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]
    last_id: int
    ts_venue_ns: int
    ts_received_ns: int


class BookBroken(MarketEvent, frozen=True, gc=False):
    """A change was missed. The book is not to be trusted until the next `BookReset`."""

    reason: str
    ts_ns: int


class CandleChanged(MarketEvent, frozen=True, gc=False):
    """The venue's own candle, forming or `closed`."""

    interval: Interval
    open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    closed: bool


class TickerChanged(MarketEvent, frozen=True, gc=False):
    """Rolling 24 hours. `change` is a fraction (0.0184 is +1.84 %), `quote_volume` in quote currency."""

    last: float
    change: float
    high: float
    low: float
    volume: float
    quote_volume: float
    ts_venue_ns: int


class MarkPriceChanged(MarketEvent, frozen=True, gc=False):
    """Perpetuals only. `funding_rate` is a fraction for the period that ends at `next_funding_ns`."""

    mark: float
    index: float
    funding_rate: float
    next_funding_ns: int
    ts_venue_ns: int


class Channel(Word):
    """What can be subscribed to of an instrument."""

    TRADES = "trades"
    QUOTES = "quotes"
    BOOK = "book"
    TICKER = "ticker"
    CANDLES = "candles"
    MARK_PRICE = "mark price"


class FeedStale(MarketEvent, frozen=True, gc=False):
    """Nothing has come over this channel for longer than it may be quiet, or its link is down."""

    channel: Channel
    last_ns: int
    reason: str
    interval: Interval | None = None


class FeedRecovered(MarketEvent, frozen=True, gc=False):
    """Or nobody is subscribed to it any more."""

    channel: Channel
    interval: Interval | None = None


class Link(Word):
    """The connections to a venue."""

    MARKET = "market data"
    ORDERS = "order entry"
    ACCOUNT = "account stream"


class LinkStatus(Word):
    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"


class LinkChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    venue: Venue
    link: Link
    status: LinkStatus
    reason: str
    ts_ns: int


class VenueMeasured(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Once a second. Latency is a round trip in ms; clock offset is venue minus ours, in ms.

    `data_age_ms` is how old market data was when it arrived, lately; None where none came that bears a time.
    """

    venue: Venue
    latency_ms: float
    clock_offset_ms: float
    weight_used: int
    weight_limit: int
    messages_per_second: float
    bad_messages: int
    ts_ns: int
    data_age_ms: float | None = None


class Cause(Word):
    """How an order event came to be known."""

    TOLD = "told"
    """By the trader, the venue's answer or its account stream."""
    RECONCILED = "reconciled"
    """A comparison with the venue found it: nobody had told us."""


class _Caused(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    cause: Cause = Cause.TOLD


class OrderEvent(_Caused, frozen=True, gc=False, tag=True, omit_defaults=True):
    client_order_id: ClientOrderId
    ts_ns: int


class OrderInitiated(OrderEvent, frozen=True, gc=False):
    """The trader asked for it. In the journal before anything else happens to it.

    `adopted`: it was made outside this terminal and found at the venue.
    """

    intent: OrderIntent
    adopted: bool = False


class OrderDenied(OrderEvent, frozen=True, gc=False):
    """Risk said no; it never left."""

    reason: str


class OrderSubmitted(OrderEvent, frozen=True, gc=False):
    """Its bytes are about to be written to the venue's socket."""


class OrderAccepted(OrderEvent, frozen=True, gc=False):
    venue_order_id: VenueOrderId


class OrderRejected(OrderEvent, frozen=True, gc=False):
    """The venue's refusal, with its code where it has one."""

    reason: str
    code: int | None = None


class OrderFilled(OrderEvent, frozen=True, gc=False):
    """`complete` is the venue's word that nothing is left; it decides where the order was given in quote currency."""

    fill: Fill
    complete: bool


class OrderCanceled(OrderEvent, frozen=True, gc=False):
    reason: str = ""


class OrderExpired(OrderEvent, frozen=True, gc=False):
    """The venue took it back by its own rules: IOC or FOK without a counterpart, or self-trade prevention."""

    reason: str = ""


class OrderUnknown(OrderEvent, frozen=True, gc=False):
    """It may or may not have reached the venue. It is asked for until the venue answers."""

    reason: str


class OrderCancelRequested(OrderEvent, frozen=True, gc=False):
    pass


class OrderCancelRejected(OrderEvent, frozen=True, gc=False):
    """The order is as it was; often it was filled first."""

    reason: str


class AlgoEvent(msgspec.Struct, frozen=True, tag=True):
    algo_id: AlgoId
    ts_ns: int


class AlgoStarted(AlgoEvent, frozen=True):
    """In the journal before the first of its orders. `native`: the venue works it."""

    spec: AnyAlgoSpec
    on_restart: OnRestart
    native: bool = False


class AlgoProgressed(AlgoEvent, frozen=True):
    """What the trader reads of its progress, and what it must remember beside its orders: `memo` is merged."""

    note: str
    memo: dict[str, str] = {}  # msgspec copies an empty default


class AlgoPaused(AlgoEvent, frozen=True):
    """It sends nothing new; what rests at the venue stays."""

    reason: str = ""


class AlgoResumed(AlgoEvent, frozen=True):
    pass


class AlgoStopping(AlgoEvent, frozen=True):
    """Its orders are being canceled."""

    reason: str = ""


class AlgoEnded(AlgoEvent, frozen=True):
    """`status` is one that is over. None of its orders works any more, unless the reason says which does."""

    status: AlgoStatus
    reason: str = ""


class TradingLevelChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    """In the journal, so that it survives a restart. `limits` are those of the day that set it."""

    level: TradingLevel
    reason: str
    ts_ns: int
    cause: LevelCause = LevelCause.TRADER
    limits: tuple[DayLimit, ...] = ()


class KillStep(Word):
    """What the kill switch does, in this order; the last three only when asked for."""

    STOP_ALGOS = "stop algos"
    CANCEL = "cancel all orders"
    VERIFY_CANCELED = "verify that none works"
    FLATTEN = "close positions"
    VERIFY_FLAT = "verify that none is open"


class KillProgressed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One step of the kill switch, being worked on or `done`; `text` counts what is left.

    In the journal: a switch that was not verified goes on after a restart.
    """

    step: KillStep
    done: bool
    text: str
    ts_ns: int


class LedgerChecked(msgspec.Struct, frozen=True, tag=True):
    """After each comparison with the venue: the assets whose balance our own fills do not explain.

    Deposits, withdrawals and what other terminals traded. In the journal where there are any.
    """

    venue: Venue
    differences: tuple[LedgerDifference, ...]
    ts_ns: int


class BreakerChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    """`open`: the venue's `endpoint` failed so often that it is left alone until `retry_ns`."""

    venue: Venue
    endpoint: str
    open: bool
    reason: str
    retry_ns: int
    ts_ns: int


class BalanceChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    balance: Balance


class EntryLocked(msgspec.Struct, frozen=True, gc=False, tag=True):
    """No order that adds risk leaves. Cancelling is never locked."""

    reason: str
    ts_ns: int


class EntryUnlocked(msgspec.Struct, frozen=True, gc=False, tag=True):
    ts_ns: int


class Reconciled(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Our orders, fills and balances were compared with the venue's; `differences` were mended by events."""

    venue: Venue
    differences: int
    open_orders: int
    ts_ns: int


class AccountMissing(msgspec.Struct, frozen=True, gc=False, tag=True):
    """This session has no account at the venue and gets none: it is market data only. `reason` is a sentence."""

    venue: Venue
    reason: str
    ts_ns: int


class Severity(Word):
    """Of a log line; the value is what the standard `logging` calls it."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogRecorded(msgspec.Struct, frozen=True, gc=False, tag=True):
    severity: Severity
    source: str
    text: str
    ts_ns: int


class NoticeRaised(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Something the trader should see now: what happened, and what to do.

    It takes the place of an earlier one with the same `about`, which it continues or ends.
    """

    severity: Severity
    title: str
    text: str
    ts_ns: int
    about: str = ""


class EngineFailed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The engine has nothing to work with and has ended its start: why, and what to do before the next one."""

    title: str
    text: str
    ts_ns: int


AnyMarketEvent = (
    InstrumentListed
    | TradesPrinted
    | QuoteChanged
    | BookReset
    | BookChanged
    | BookBroken
    | CandleChanged
    | TickerChanged
    | MarkPriceChanged
    | FeedStale
    | FeedRecovered
)
AnyOrderEvent = (
    OrderInitiated
    | OrderDenied
    | OrderSubmitted
    | OrderAccepted
    | OrderRejected
    | OrderFilled
    | OrderCanceled
    | OrderExpired
    | OrderUnknown
    | OrderCancelRequested
    | OrderCancelRejected
)
AnyAlgoEvent = AlgoStarted | AlgoProgressed | AlgoPaused | AlgoResumed | AlgoStopping | AlgoEnded
JournalEvent = AnyOrderEvent | AnyAlgoEvent | TradingLevelChanged | KillProgressed | LedgerChecked
"""What the order journal remembers."""
SystemEvent = (
    LinkChanged
    | VenueMeasured
    | BalanceChanged
    | EntryLocked
    | EntryUnlocked
    | Reconciled
    | AccountMissing
    | BreakerChanged
    | LogRecorded
    | NoticeRaised
    | EngineFailed
)
Event = AnyMarketEvent | JournalEvent | SystemEvent
