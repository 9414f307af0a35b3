"""Orders and account of paper trading. The ExecutionClient: the matching engine, here, on the venue's market."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from octopus_desktop.model.account import Balance
from octopus_desktop.model.errors import AmendHalfDone, MessageError, RequestRefused, VenueError
from octopus_desktop.model.events import (
    BalanceChanged,
    BookBroken,
    BookChanged,
    BookReset,
    Channel,
    Event,
    Link,
    LinkChanged,
    LinkStatus,
    TradesPrinted,
)
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, Interval, Venue, VenueOrderId, instrument_id
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.market import Candles
from octopus_desktop.model.orders import Fill, Order, OrderIntent
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.paper import words
from octopus_desktop.paper.exchange import ACCOUNT, PaperExchange
from octopus_desktop.paper.mirror import MirroredMarket
from octopus_desktop.ports import Capability, Clock, Publish
from octopus_desktop.simulator import orders as matched
from octopus_desktop.simulator.account_store import AccountStore, StateFileError
from octopus_desktop.simulator.errors import Refusal
from octopus_desktop.simulator.filters import Rules
from octopus_desktop.simulator.units import UNIT
from octopus_desktop.state import State

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

CandlesOf = Callable[[InstrumentId, Interval, int, int | None], Awaitable[Candles]]

BOOK_WITHIN_S: Final = 5.0
SEEN_EVERY_NS: Final = 10_000_000_000
MOST_CANDLES: Final = 1000
FIRST_ACCOUNT: Final[Mapping[str, Decimal]] = {"USDT": Decimal(100_000)}
"""What a paper account begins with, where its profile does not say."""

_WANTED: Final = (TradesPrinted, BookChanged, BookReset, BookBroken)


class PaperExecution:
    """See ports.ExecutionClient. `see` is given every event of the market; `watch` asks for an instrument's channels.

    An instrument is watched from its first order on, and from the start while an order of ours rests in it.
    """

    capabilities = frozenset(Capability)

    def __init__(
        self,
        venue: Venue,
        state: State,
        clock: Clock,
        path: Path,
        watch: Callable[[InstrumentId, Channel], None],
        candles: CandlesOf,
        first_account: Mapping[str, Decimal] | None = None,
    ) -> None:
        self.venue = venue
        self._state = state
        self._clock = clock
        self._path = path
        self._watch = watch
        self._candles = candles
        self._first_account = first_account or FIRST_ACCOUNT
        self._store: AccountStore | None = None
        self._exchange = PaperExchange(clock.now_ns())
        self._publish: Publish = _not_started
        self._report: Callable[[OrderReport], None] = _not_started
        self._watched: dict[InstrumentId, MirroredMarket] = {}
        self._waiting: dict[InstrumentId, asyncio.Event] = {}
        self._seen_ns = 0
        self._reports: list[OrderReport] = []
        self._changed: list[str] = []

    async def start(self, publish: Publish, report: Callable[[OrderReport], None]) -> None:
        """Raises VenueError where the account's file cannot be used: no retry will help."""
        self._publish, self._report = publish, report
        try:
            store = self._store = AccountStore(self._path)
        except StateFileError as error:
            raise VenueError(str(error)) from error
        exchange = self._exchange = PaperExchange(self._clock.now_ns(), self, store)
        for order in store.orders():
            if order.symbol not in exchange.markets:
                exchange.list_market(MirroredMarket(self._rules(order.symbol), exchange.now_ns // 1_000))
        exchange.restore_all(store)
        if store.meta("opened") is None:
            for asset, amount in self._first_account.items():
                exchange.deposit(ACCOUNT, asset, words.units(amount))
            store.set_meta("opened", str(exchange.now_ns))
        for order in exchange.open_orders(ACCOUNT):
            self._mirror(instrument_id(order.symbol, self.venue))
        await self._make_up(int(store.meta("seen") or exchange.now_ns))
        self._tell()
        for link in (Link.ORDERS, Link.ACCOUNT):
            publish(LinkChanged(self.venue, link, LinkStatus.UP, "", self._clock.now_ns()))

    async def stop(self) -> None:
        self._watched.clear()
        if self._store is not None:
            store, self._store = self._store, None
            store.set_meta("seen", str(self._clock.now_ns()))
            store.close()

    async def _make_up(self, seen_ns: int) -> None:
        """Fill what the market passed while nobody looked: at its own price, all of it by no more than was traded.

        A trigger that was passed then waits for the first price now.
        """
        for symbol in {order.symbol for order in self._exchange.open_orders(ACCOUNT)}:
            resting = self._exchange.resting(symbol)
            if not resting:
                continue
            since = min(max(seen_ns, order.created_ns) for order in resting)
            interval, count = _span(self._clock.now_ns() - since)
            if not count:
                continue
            try:
                candles = await self._candles(instrument_id(symbol, self.venue), interval, count, None)
            except (VenueError, MessageError) as error:
                logger.warning("%s: what it did since the last session is not known: %s", symbol, error)
                continue
            self._fill_passed(resting, candles, seen_ns)
        self._exchange.settle_up()

    def _fill_passed(self, resting: Sequence[matched.Order], candles: Candles, seen_ns: int) -> None:
        """What was traded is there once: who comes first in `resting` takes of it first."""
        left = [words.units(float(volume)) for volume in candles.volume]
        for order in resting:
            # The first candle began before, so that what passed in it may have been before as well.
            after = candles.open_ns >= max(seen_ns, order.created_ns)
            passed = candles.low < order.price / UNIT if order.is_buy else candles.high > order.price / UNIT
            filled = 0
            for at in (after & passed).nonzero()[0]:
                taken = min(left[at], order.unfilled - filled)
                left[at] -= taken
                filled += taken
            if filled and order.is_open:
                self._exchange.fill_resting(self._exchange.markets[order.symbol], order, filled)

    # The port: orders -------------------------------------------------------

    async def submit(self, intent: OrderIntent, instrument: Instrument) -> OrderReport:
        request = words.new_order(intent, instrument)
        await self._known(instrument)
        return self._whole(self._done(lambda: self._exchange.place(ACCOUNT, request)))

    async def submit_list(self, intents: Sequence[OrderIntent], instrument: Instrument) -> list[OrderReport]:
        requests = [words.new_order(intent, instrument) for intent in intents]
        if len(requests) != 2:
            raise RequestRefused("A paper list is two orders: one stop, and one limit or take-profit.", 0)
        for request in requests:
            if request.type == "LIMIT":  # a list takes no limit order but one that rests
                request.type, request.time_in_force = "LIMIT_MAKER", "GTC"
        await self._known(instrument)
        pair, name = (requests[0], requests[1]), intents[0].list_id or ""
        group = self._done(lambda: self._exchange.place_list(ACCOUNT, pair, name))
        return [self._whole(order) for order in group.orders]

    async def cancel(self, order: Order, instrument: Instrument) -> OrderReport:
        return self._whole(self._done(lambda: self._canceled(order, instrument)))

    async def cancel_all(self, instrument: Instrument) -> list[OrderReport]:
        found = self._exchange.open_orders(ACCOUNT, instrument.symbol)

        def cancel() -> None:
            for order in found:
                if order.is_open:  # of a list the first takes the other along
                    self._exchange.cancel(ACCOUNT, instrument.symbol, order.order_id, None)

        self._done(cancel)
        return [self._whole(order) for order in found]

    async def amend(self, order: Order, intent: OrderIntent, instrument: Instrument) -> tuple[OrderReport, OrderReport]:
        request = words.new_order(intent, instrument)
        await self._known(instrument)
        self._done(lambda: self._exchange.check_filters(ACCOUNT, request))
        gone = self._whole(self._done(lambda: self._canceled(order, instrument)))
        try:
            return gone, self._whole(self._done(lambda: self._exchange.place(ACCOUNT, request)))
        except RequestRefused as error:
            raise AmendHalfDone(str(error), error.code, gone) from error

    # The port: what is known ------------------------------------------------

    async def order(
        self, instrument: Instrument, client_order_id: ClientOrderId, venue_order_id: VenueOrderId | None
    ) -> OrderReport | None:
        number = int(venue_order_id) if venue_order_id else None
        try:
            return self._whole(self._exchange.find(ACCOUNT, instrument.symbol, number, client_order_id))
        except Refusal:
            return None

    async def open_orders(self, *, pressing: bool = False) -> list[OrderReport]:
        return [self._whole(order) for order in self._exchange.open_orders(ACCOUNT)]

    async def orders(self, instrument: Instrument, first: VenueOrderId) -> list[OrderReport]:
        found = self._exchange.orders(ACCOUNT, instrument.symbol)
        return [self._whole(order) for order in found if order.order_id >= int(first)]

    async def fills(
        self, instrument: Instrument, after: str | None, venue_order_id: VenueOrderId | None = None
    ) -> list[Fill]:
        names = {
            order.order_id: ClientOrderId(order.name) for order in self._exchange.orders(ACCOUNT, instrument.symbol)
        }
        return [
            words.fill(one, instrument.instrument_id, names[one.order_id])
            for one in self._exchange.executions(ACCOUNT, instrument.symbol)
            if (after is None or one.trade_id > int(after)) and venue_order_id in (None, str(one.order_id))
        ]

    async def balances(self) -> list[Balance]:
        return [self._balance(asset) for asset in self._exchange.ledger.assets(ACCOUNT)]

    # The venue's market -----------------------------------------------------

    def see(self, event: Event) -> None:
        """A subscriber of the bus."""
        if not isinstance(event, _WANTED):
            return
        market = self._watched.get(event.instrument_id)
        if market is None:
            return
        now_ns = self._exchange.now_ns = self._clock.now_ns()
        self._exchange.apply(market, event)
        if now_ns - self._seen_ns > SEEN_EVERY_NS and self._store is not None:
            self._seen_ns = now_ns
            self._store.set_meta("seen", str(now_ns))
        if market.is_known and (waiting := self._waiting.pop(event.instrument_id, None)) is not None:
            waiting.set()
        self._tell()

    async def _known(self, instrument: Instrument) -> None:
        """Returns when the instrument's book is mirrored. Raises RequestRefused where it does not come."""
        where = instrument.instrument_id
        market = self._mirror(where)
        known = self._state.markets.get(where)
        if known is not None and Channel.BOOK in known.stale:
            raise RequestRefused("The venue's book is stale, and paper orders trade with it. Try again.", 0)
        if market.is_known:
            return
        waiting = self._waiting.setdefault(where, asyncio.Event())
        try:
            async with asyncio.timeout(BOOK_WITHIN_S):
                await waiting.wait()
        except TimeoutError as error:
            raise RequestRefused(
                "The venue's book did not come, and paper orders trade with it. Try again.", 0
            ) from error

    def _mirror(self, where: InstrumentId) -> MirroredMarket:
        market = self._watched.get(where)
        if market is not None:
            return market
        symbol = where.rpartition(".")[0]
        market = self._exchange.markets.get(symbol)
        if market is None:
            market = MirroredMarket(self._rules(symbol), self._clock.now_ns() // 1_000)
            self._exchange.list_market(market)
        self._watched[where] = market
        for channel in (Channel.TRADES, Channel.BOOK):
            self._watch(where, channel)
        known = self._state.markets.get(where)
        if known is not None:
            market.last_price = words.units(known.last_price or 0)
            if known.book.valid:
                book = known.book
                market.reset(book.bids.quantities.items(), book.asks.quantities.items(), book.ts_venue_ns)
        return market

    def _rules(self, symbol: str) -> Rules:
        """As the venue lists it; of an instrument that it lists no more, as it last did."""
        assert self._store is not None, "started"
        instrument = self._state.instruments.get(instrument_id(symbol, self.venue))
        if instrument is not None:
            rules = words.rules(instrument)
            self._store.set_meta(f"rules of {symbol}", msgspec.json.encode(rules).decode())
            return rules
        kept = self._store.meta(f"rules of {symbol}")
        if kept is None:
            raise VenueError(f"{self._path} has an order in {symbol}, which is not known. Move the file away.")
        return msgspec.json.decode(kept, type=Rules)

    # What the matching engine tells: kept until it is stored, then told ------

    def on_order(self, order: matched.Order, kind: str, execution: matched.Execution | None) -> None:
        self._reports.append(words.report(order, self.venue, [execution] if execution is not None else []))

    def on_list(self, group: matched.OrderList) -> None:
        """Its orders tell all there is."""

    def on_balances(self, account: int, assets: list[str]) -> None:
        self._changed += assets

    def on_deposit(self, account: int, asset: str, amount: int) -> None:
        """Of the first account: the balance tells it."""

    def _tell(self) -> None:
        reports, self._reports = self._reports, []
        changed, self._changed = self._changed, []
        for report in reports:
            self._report(report)
        for asset in dict.fromkeys(changed):
            self._publish(BalanceChanged(self._balance(asset)))

    # ------------------------------------------------------------------------

    def _done(self, work: Callable[[], _T]) -> _T:
        self._exchange.now_ns = self._clock.now_ns()
        try:
            return work()
        except Refusal as refusal:
            raise RequestRefused(f"Paper: {refusal.message} (code {refusal.code})", refusal.code) from refusal
        finally:
            self._tell()

    def _canceled(self, order: Order, instrument: Instrument) -> matched.Order:
        number = int(order.venue_order_id) if order.venue_order_id else None
        name = order.client_order_id if number is None else None
        return self._exchange.cancel(ACCOUNT, instrument.symbol, number, name)

    def _whole(self, order: matched.Order) -> OrderReport:
        return words.report(order, self.venue, order.executions)

    def _balance(self, asset: str) -> Balance:
        balance = self._exchange.ledger.balance(ACCOUNT, asset)
        free, locked = words.money(balance.free), words.money(balance.locked)
        return Balance(self.venue, asset, free, locked, self._exchange.now_ns)


def _span(length_ns: int) -> tuple[Interval, int]:
    """The finest candles that reach that far back in one page, and how many of them."""
    for interval in (Interval.M1, Interval.M15, Interval.H4):
        if length_ns // interval.ns < MOST_CANDLES:
            return interval, length_ns // interval.ns + 1
    return Interval.D1, MOST_CANDLES


def _not_started(_: object) -> None:
    raise RuntimeError("the client was not started")
