"""The doors between rooms: what a service must offer, whoever offers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Protocol, TypeVar

from octopus_desktop.model.account import Balance
from octopus_desktop.model.commands import Command, Outcome
from octopus_desktop.model.events import (
    BalanceChanged,
    Channel,
    Event,
    JournalEvent,
    LogRecorded,
)
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, Interval, Venue, VenueOrderId
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.market import Candles, Trade
from octopus_desktop.model.orders import Fill, Order, OrderIntent
from octopus_desktop.model.profile import Profile
from octopus_desktop.model.queries import BalancePoint, Query
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.model.word import Word

T = TypeVar("T")
Publish = Callable[[Event], None]


class Clock(Protocol):
    def now_ns(self) -> int:
        """UTC nanoseconds."""
        ...

    def monotonic_ns(self) -> int:
        """For what has passed: nobody sets it, and it has no date."""
        ...


class MarketDataClient(Protocol):
    """The streams and the public history of one venue. All calls on the node's loop."""

    venue: Venue

    async def start(self, publish: Publish) -> None:
        """Publishes InstrumentListed for every instrument, then LinkChanged and market events until `stop`.

        Returns when the instruments are listed; the link keeps itself up from then on. Raises VenueError where not
        even the instruments can be had.
        """
        ...

    async def stop(self) -> None: ...

    def subscribe(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None = None) -> None:
        """Kept across reconnects. Twice is once."""
        ...

    def unsubscribe(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None = None) -> None: ...

    async def candles(
        self, instrument_id: InstrumentId, interval: Interval, limit: int, end_ns: int | None = None
    ) -> Candles:
        """As CandlesQuery. Pages through the venue's limit by itself."""
        ...

    async def recent_trades(self, instrument_id: InstrumentId, limit: int) -> list[Trade]: ...


class Capability(Word):
    """What a venue does natively; what it does not is held and worked here."""

    AMEND = "amend"
    """One request that cancels an order and places another, or does neither."""
    OCO = "oco"
    TRAILING_FRACTION = "trailing fraction"
    ICEBERG = "iceberg"


class ExecutionClient(Protocol):
    """Order entry and account of one venue. All calls on the node's loop; every one may raise a VenueError."""

    venue: Venue
    capabilities: frozenset[Capability]

    async def start(self, publish: Publish, report: Callable[[OrderReport], None]) -> None:
        """Connects. `publish` gets LinkChanged and BalanceChanged, `report` what the account stream says of orders."""
        ...

    async def stop(self) -> None: ...

    def submit(self, intent: OrderIntent, instrument: Instrument) -> Awaitable[OrderReport]:
        """The request's bytes are written before it returns, with the answer to come. Never retried.

        RequestRefused is the venue's refusal; an error whose `outcome_unknown` is true leaves the order unknown.
        """
        ...

    async def cancel(self, order: Order, instrument: Instrument) -> OrderReport:
        """RequestRefused where the venue has no such open order (it may just have been filled)."""
        ...

    async def amend(self, order: Order, intent: OrderIntent, instrument: Instrument) -> tuple[OrderReport, OrderReport]:
        """Cancel `order` and place `intent` in one request: the reports of both. Never retried.

        RequestRefused: nothing changed, `order` works on. AmendHalfDone: `order` is canceled and `intent` was refused.
        """
        ...

    async def submit_list(self, intents: Sequence[OrderIntent], instrument: Instrument) -> list[OrderReport]:
        """Place orders that cancel each other, all or none; they share a `list_id`. Never retried."""
        ...

    async def cancel_all(self, instrument: Instrument) -> list[OrderReport]:
        """Cancel every working order of the account in one request. None working is no error. Harmless to repeat."""
        ...

    async def order(
        self, instrument: Instrument, client_order_id: ClientOrderId, venue_order_id: VenueOrderId | None
    ) -> OrderReport | None:
        """None: the venue knows no such order. UnreadableRecord where its word on it cannot be read."""
        ...

    async def open_orders(self, *, pressing: bool = False) -> list[OrderReport]:
        """`pressing`: by every way there is, even where the venue has asked for a pause (not where it banned us).

        It raises UnreadableOrders where one of them cannot be read; without, that one is left out.
        """
        ...

    async def orders(self, instrument: Instrument, first: VenueOrderId) -> list[OrderReport]:
        """Whatever became of them, from `first` on by the venue's own count, every page, but for the unreadable."""
        ...

    async def fills(
        self, instrument: Instrument, after: str | None, venue_order_id: VenueOrderId | None = None
    ) -> list[Fill]:
        """Oldest first, every page: of one order, or all with a trade id above `after` (None: from the first).

        UnreadableRecord where one cannot be read: it has the others, and the ids of those.
        """
        ...

    async def balances(self) -> list[Balance]: ...


class Journal(Protocol):
    """The memory that an order is written into before it leaves."""

    async def commit(self, events: Sequence[JournalEvent]) -> None:
        """Returns when they are durable. Raises StorageError, and then nothing of them may be acted on."""
        ...

    def record(self, event: JournalEvent) -> None:
        """Kept soon, in order, with the next commit or batch."""
        ...

    def read(self) -> list[JournalEvent]:
        """Everything, in order. Blocking; before the start only."""
        ...


class Audit(Protocol):
    """The trader's and the program's deeds, append-only. What is appended can't be changed or left out unseen."""

    def append(self, ts_ns: int, actor: str, kind: str, detail: object) -> None:
        """Returns at once, written with the next batch. `detail` is JSON later, so nothing that changes; any secret
        that is known is taken out.
        """
        ...

    async def commit(self) -> None:
        """Returns when all that was appended is durable. Raises StorageError, and it is then written when it can be."""
        ...


class Repository(Protocol):
    """What is kept beside the journal. `record_*` return at once and are written in batches."""

    def record_balance(self, event: BalanceChanged, ts_ns: int) -> None: ...

    def record_log(self, line: LogRecorded) -> None: ...

    def record_candles(self, candles: Candles) -> None:
        """Closed candles only; a candle already there is replaced."""
        ...

    async def candles(
        self, instrument_id: InstrumentId, interval: Interval, limit: int, end_ns: int | None = None
    ) -> Candles:
        """As CandlesQuery, from what was kept; holes are not filled."""
        ...

    async def balance_history(self, since_ns: int) -> list[BalancePoint]: ...

    async def log(self, limit: int) -> list[LogRecorded]: ...

    async def setting(self, key: str) -> str | None: ...

    def record_setting(self, key: str, value: str) -> None:
        """Kept soon, behind everything recorded before it, and never lost to a disk that fails for a while."""
        ...

    async def save_setting(self, key: str, value: str) -> None:
        """Returns when it is durable."""
        ...


class Node(Protocol):
    """The engine as the screen sees it: a thread beside it, a child process, or a server far away."""

    profile: Profile

    def start(self) -> None:
        """Returns at once; what goes wrong comes as LogRecorded and NoticeRaised."""
        ...

    def stop(self) -> None:
        """Returns when everything is written and closed."""
        ...

    def execute(self, command: Command) -> Future[Outcome]:
        """From any thread; the command is on its way when this returns. Errors of the engine come as Refused."""
        ...

    def query(self, query: Query[T]) -> Future[T]:
        """From any thread. The future raises VenueError or StorageError where there is no answer."""
        ...

    def take_frame(self) -> list[Event]:
        """What happened since the last call, once per display frame, to be folded into the screen's own State.

        All trades and all events of our own orders in their order; of quotes, tickers and candles the latest; of
        each book one merged change. The first frames carry the history that the journal remembers.
        """
        ...

    def setting(self, key: str) -> str | None:
        """What an earlier session saved with SaveSetting. Answers at once, also before the start."""
        ...
