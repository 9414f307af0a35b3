"""Orders and account of a Binance spot venue. The ExecutionClient: a logged-on session, with REST beside it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, Final, TypeVar

import msgspec

from octopus_desktop.health.tasks import tell_failure
from octopus_desktop.model.account import Balance
from octopus_desktop.model.errors import (
    AmendHalfDone,
    AuthenticationError,
    ClockError,
    LinkError,
    MessageError,
    RateLimited,
    RequestRefused,
    UnreadableOrders,
    VenueError,
    VenueTimeout,
    VenueUnavailable,
)
from octopus_desktop.model.events import BalanceChanged, Link, LinkChanged, LinkStatus
from octopus_desktop.model.identifiers import ClientOrderId, Venue, VenueOrderId, instrument_id
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import Fill, Order, OrderIntent
from octopus_desktop.model.profile import VenueUrls
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.net.backoff import Backoff
from octopus_desktop.ports import Capability, Publish
from octopus_desktop.venues.binance import parse_orders
from octopus_desktop.venues.binance.account_stream import AccountStream
from octopus_desktop.venues.binance.errors import (
    CANCEL_REJECTED,
    REPLACE_HALF_DONE,
    ReplaceRefused,
    from_code,
)
from octopus_desktop.venues.binance.history import OPEN_ORDERS_WEIGHT, History, naming
from octopus_desktop.venues.binance.host import Host
from octopus_desktop.venues.binance.messages import (
    AccountPosition,
    ExecutionReport,
    OrderListResponse,
    OrderResponse,
    Refusal,
    ReplaceResponse,
)
from octopus_desktop.venues.binance.rest import Rest
from octopus_desktop.venues.binance.session import Params, Session
from octopus_desktop.venues.binance.signing import Signer

logger = logging.getLogger(__name__)

T = TypeVar("T")

CONNECTED_WITHIN_S: Final = 10.0
CLOCK_EVERY_S: Final = 120.0
SLOWEST_SET_UP_S: Final = 10.0
"""Between two tries to open the account stream: what adds to a position waits for it."""
MISSED_TOLD_AFTER_S: Final = 2.0
"""Where one message is unreadable the next often are, too: they are told of together."""
PLACE_WEIGHT: Final = 1
CANCEL_WEIGHT: Final = 1
CANCEL_ALL_WEIGHT: Final = 1

_decode_order: Final = msgspec.json.Decoder(OrderResponse, strict=False).decode
_decode_orders: Final = msgspec.json.Decoder(list[OrderResponse], strict=False).decode
_decode_list: Final = msgspec.json.Decoder(OrderListResponse, strict=False).decode
_decode_replaced: Final = msgspec.json.Decoder(ReplaceResponse).decode
_decode_refusal: Final = msgspec.json.Decoder(Refusal, strict=False).decode
_decode_raws: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_PLACE_LIST: Final = "orderList.place.oco"
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, MessageError)


class BinanceExecution:
    """See ports.ExecutionClient."""

    capabilities = frozenset(Capability)

    def __init__(self, venue: Venue, rest: Rest, host: Host, signer: Signer, urls: VenueUrls) -> None:
        self.venue = venue
        self._rest = rest
        self._host = host
        self._signer = signer
        self._urls = urls
        self._publish: Publish = _not_started
        self._report: Callable[[OrderReport], None] = _not_started
        self._session: Session | None = None
        self._account: AccountStream | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._setup: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._statuses: dict[Link, tuple[LinkStatus, str]] = {}
        self._history = History(venue, rest, host)
        self._missed: asyncio.TimerHandle | None = None

    # The port ---------------------------------------------------------------

    async def start(self, publish: Publish, report: Callable[[OrderReport], None]) -> None:
        """Returns when order entry and account stream are up. It may be called again after it failed."""
        self._publish = self._host.breakers.publish = publish
        self._report = report
        await self._rest.measure_clock()
        self._first = asyncio.get_running_loop().create_future()
        session = self._session = Session(
            self._urls.ws_api,
            self._host,
            self._signer,
            f"{self.venue} orders",
            on_up=self._session_up,
            on_down=self._session_down,
            on_connecting=lambda: self._link(Link.ORDERS, LinkStatus.CONNECTING),
            on_event=self._account_event,
            on_unreadable=self._missed_something,
        )
        self._account = AccountStream(session, self._rest, self._signer, self._urls.stream, self._account_event)
        session.start()
        try:
            async with asyncio.timeout(CONNECTED_WITHIN_S):
                await self._first
        except TimeoutError as error:
            reasons = [reason for _, reason in self._statuses.values() if reason]
            await self._disconnect()
            raise LinkError(f"The venue's order entry does not open: {'; '.join(reasons) or 'no answer'}") from error
        except VenueError:
            await self._disconnect()
            raise
        finally:
            self._first = None
        self._spawn(self._keep_the_clock(), "keep the clock")

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._missed is not None:
            self._missed.cancel()
        await self._disconnect()
        await self._rest.close()

    def submit(self, intent: OrderIntent, instrument: Instrument) -> Awaitable[OrderReport]:
        params = parse_orders.order_params(intent, instrument.symbol)
        return _Placed(self, self._connected().request("order.place", params, weight=PLACE_WEIGHT))

    async def placed(self, answer: Awaitable[msgspec.Raw]) -> OrderReport:
        return self._reports_of(await self._created(answer))[0]

    async def cancel(self, order: Order, instrument: Instrument) -> OrderReport:
        params: Params = {"symbol": instrument.symbol, **naming(order.client_order_id, order.venue_order_id)}
        raw = await self._cancel("order.cancel", "order", params, CANCEL_WEIGHT)
        return self._canceled(raw, order)

    async def cancel_all(self, instrument: Instrument) -> list[OrderReport]:
        params: Params = {"symbol": instrument.symbol}
        try:
            raw = await self._cancel("openOrders.cancelAll", "openOrders", params, CANCEL_ALL_WEIGHT, pressing=True)
        except RequestRefused as error:
            if error.code == CANCEL_REJECTED:
                return []
            raise
        try:
            return [report for one in _decode_raws(raw) for report in self._reports_of(one)]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._unreadable(raw, error) from error

    async def amend(self, order: Order, intent: OrderIntent, instrument: Instrument) -> tuple[OrderReport, OrderReport]:
        params = parse_orders.order_params(intent, instrument.symbol)
        params["cancelReplaceMode"] = "STOP_ON_FAILURE"
        if not order.filled_quantity:
            # What fills while the request is on its way would be ordered again: then nothing is to be done.
            params["cancelRestrictions"] = "ONLY_NEW"
        if order.venue_order_id:
            params["cancelOrderId"] = order.venue_order_id
        else:
            params["cancelOrigClientOrderId"] = order.client_order_id
        try:
            raw = await self._create("order.cancelReplace", params)
            answer = _decode_replaced(raw)
        except ReplaceRefused as refused:
            raise self._half_done(refused, order) from refused
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._unreadable(raw, error) from error
        return self._canceled(answer.cancelResponse, order), self._reports_of(answer.newOrderResponse)[0]

    async def submit_list(self, intents: Sequence[OrderIntent], instrument: Instrument) -> list[OrderReport]:
        params = parse_orders.list_params(intents, instrument.symbol)
        reports = {
            report.client_order_id: report for report in self._reports_of(await self._create(_PLACE_LIST, params))
        }
        if not all(intent.client_order_id in reports for intent in intents):
            raise VenueUnavailable("The venue's answer to a list of orders does not name them all.")
        return [reports[intent.client_order_id] for intent in intents]

    async def order(
        self, instrument: Instrument, client_order_id: ClientOrderId, venue_order_id: VenueOrderId | None
    ) -> OrderReport | None:
        return await self._history.order(instrument, client_order_id, venue_order_id)

    async def orders(self, instrument: Instrument, first: VenueOrderId) -> list[OrderReport]:
        return await self._history.orders(instrument, first)

    async def fills(
        self, instrument: Instrument, after: str | None, venue_order_id: VenueOrderId | None = None
    ) -> list[Fill]:
        return await self._history.fills(instrument, after, venue_order_id)

    async def balances(self) -> list[Balance]:
        return await self._history.balances()

    async def open_orders(self, *, pressing: bool = False) -> list[OrderReport]:
        answers = await self._pressed_for_open_orders() if pressing else None
        if answers is None:
            answers = await self._history.open_orders()
        reports, unreadable = [], set()
        for answer in answers:
            try:
                reports.append(self._history.told(parse_orders.report_of_response(answer, self.venue)))
            except MessageError as error:
                self._host.bad.note("open order", msgspec.json.encode(answer), error)
                unreadable.add(instrument_id(answer.symbol, self.venue))
        if unreadable and pressing:  # who presses wants to know that there is none
            raise UnreadableOrders(frozenset(unreadable), reports)
        return reports

    async def _pressed_for_open_orders(self) -> list[OrderResponse] | None:
        """Over the session, which may answer where REST does not; None where it does not either."""
        try:
            raw = await self._connected().request("openOrders.status", {}, weight=OPEN_ORDERS_WEIGHT, pressing=True)
            return _decode_orders(raw)
        except VenueError as error:
            logger.warning("open orders over the session: %s; trying REST", error)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._host.bad.note("open orders", bytes(raw), error)
        return None

    # The links --------------------------------------------------------------

    def _session_up(self) -> None:
        self._setup = self._spawn(self._set_up(), "set up the session")

    def _session_down(self, reason: str) -> None:
        if self._setup is not None:
            self._setup.cancel()
            self._setup = None
        if self._account is not None:
            self._account.lost()
        self._link(Link.ORDERS, LinkStatus.DOWN, reason)
        self._link(Link.ACCOUNT, LinkStatus.DOWN, reason)

    async def _set_up(self) -> None:
        """Log on and listen to the account; again until it works, or a start that waits for it has failed."""
        assert self._session is not None
        assert self._account is not None
        backoff = Backoff(1.0, SLOWEST_SET_UP_S)
        while True:
            try:
                await self._session.log_on()
                self._link(Link.ORDERS, LinkStatus.UP)
                self._link(Link.ACCOUNT, LinkStatus.CONNECTING)
                await self._account.open()
            except LinkError as error:
                if not self._session.socket.is_up:
                    return  # it sets up anew when it is back
                logger.warning("%s: the account stream does not open: %s", self.venue, error)
            except ClockError as error:
                await self._measure_clock()
                self._link(Link.ACCOUNT, LinkStatus.DOWN, str(error))
            except (VenueError, MessageError) as error:
                self._link(Link.ACCOUNT, LinkStatus.DOWN, str(error))
                if isinstance(error, AuthenticationError) and self._first is not None and not self._first.done():
                    self._first.set_exception(error)
                    return
                logger.warning("%s: the account stream does not open: %s", self.venue, error)
            else:
                self._link(Link.ACCOUNT, LinkStatus.UP)
                if self._first is not None and not self._first.done():
                    self._first.set_result(None)
                return
            await asyncio.sleep(0.1 + backoff.next_s())

    def _account_event(self, raw: msgspec.Raw | bytes) -> None:
        assert self._account is not None
        try:
            event = self._account.decode(raw)
            if event is None:
                return
            if isinstance(event, ExecutionReport):
                self._report(self._history.told(parse_orders.report_of_event(event, self.venue)))
            elif isinstance(event, AccountPosition):
                for balance in parse_orders.balances_of_event(event, self.venue):
                    self._history.held(balance.asset)
                    self._publish(BalanceChanged(balance))
            else:
                self._account.lost()
                self._set_up_again("the venue ended the account stream")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, MessageError) as error:
            self._host.bad.note(f"account event: {type(error).__name__}", bytes(raw), error)
            self._missed_something()

    def _missed_something(self) -> None:
        """A message that cannot be read may have been a fill, or the end of the stream: as after a broken line, the
        stream is opened anew and all is compared again."""
        if self._missed is None:
            self._missed = asyncio.get_running_loop().call_later(MISSED_TOLD_AFTER_S, self._tell_missed)

    def _tell_missed(self) -> None:
        self._missed = None
        if self._statuses.get(Link.ACCOUNT, (None, ""))[0] is LinkStatus.UP:
            self._set_up_again("a message of the account could not be read")

    def _set_up_again(self, reason: str) -> None:
        if self._setup is not None:
            self._setup.cancel()
        self._link(Link.ACCOUNT, LinkStatus.DOWN, reason)
        self._setup = self._spawn(self._set_up(), "set up the session")

    def _link(self, link: Link, status: LinkStatus, reason: str = "") -> None:
        if self._statuses.get(link) != (status, reason):
            self._statuses[link] = (status, reason)
            self._publish(LinkChanged(self.venue, link, status, reason, time.time_ns()))

    async def _disconnect(self) -> None:
        if self._account is not None:
            await self._account.stop()
            self._account = None
        if self._session is not None:
            session, self._session = self._session, None
            await session.stop()

    # ------------------------------------------------------------------------

    def _connected(self) -> Session:
        if self._session is None:
            error = LinkError("There is no connection to the venue's order entry.")
            error.outcome_unknown = False
            raise error
        return self._session

    async def _create(self, method: str, params: Params) -> msgspec.Raw:
        """Sent once, whatever comes of it."""
        return await self._created(self._connected().request(method, params, weight=PLACE_WEIGHT))

    async def _created(self, answer: Awaitable[msgspec.Raw]) -> msgspec.Raw:
        try:
            return await answer
        except ClockError:
            # A create is never sent twice; the next one goes out with the right time.
            self._spawn(self._measure_clock(), "measure the clock")
            raise

    async def _cancel(
        self, method: str, path: str, params: Params, weight: int, *, pressing: bool = False
    ) -> msgspec.Raw:
        """`pressing` only where one request does the work of many: each one in a pause brings a ban nearer."""
        try:
            return await self._connected().request(method, params, weight=weight, pressing=pressing)
        except (LinkError, VenueTimeout, VenueUnavailable, RateLimited, ClockError) as error:
            # Cancelling twice is cancelling once, so the other way is open.
            logger.warning("%s over the session: %s; trying REST", method, error)
            return await self._rest.signed("DELETE", path, msgspec.Raw, params, weight=weight, urgent=True)

    def _reports_of(self, raw: msgspec.Raw) -> list[OrderReport]:
        """Of one order, or of each in a list. The request was carried out; an unreadable answer leaves open how."""
        try:
            answers = _decode_list(raw).orderReports
            if answers is None:
                answers = [_decode_order(raw)]
            return [self._history.told(parse_orders.report_of_response(answer, self.venue)) for answer in answers]
        except _UNREADABLE as error:
            raise self._unreadable(raw, error) from error

    def _canceled(self, raw: msgspec.Raw, order: Order) -> OrderReport:
        """The report of `order`; those that were canceled along with it, as its list's, are told by themselves."""
        mine: OrderReport | None = None
        for report in self._reports_of(raw):
            if report.client_order_id == order.client_order_id or report.venue_order_id == order.venue_order_id:
                mine = report
            else:
                self._report(report)
        if mine is None:
            raise VenueUnavailable(f"The venue's answer to a cancel does not name {order.client_order_id}.")
        return mine

    def _half_done(self, refused: ReplaceRefused, order: Order) -> VenueError:
        """What a refused cancel-replace left behind.

        https://developers.binance.com/docs/binance-spot-api-docs/websocket-api/trading-requests: the first code says
        that the cancel was done and the new order refused; the second that the cancel failed and nothing was tried.
        """
        half_done = refused.code == REPLACE_HALF_DONE
        raw = refused.data.newOrderResponse if half_done else refused.data.cancelResponse
        try:
            refusal = _decode_refusal(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return self._unreadable(raw, error)
        reason = from_code(refusal.code, refusal.msg)
        if not half_done:
            return reason if reason.outcome_unknown else RequestRefused(str(reason), refusal.code)
        try:
            canceled = self._canceled(refused.data.cancelResponse, order)
        except VenueUnavailable as error:
            return error
        if reason.outcome_unknown:
            self._report(canceled)
            return reason
        return AmendHalfDone(str(reason), refusal.code, canceled)

    def _unreadable(self, raw: msgspec.Raw, error: Exception) -> VenueUnavailable:
        self._host.bad.note("answer to an order", bytes(raw), error)
        return VenueUnavailable(f"The venue's answer to an order cannot be read: {error}")

    async def _measure_clock(self) -> None:
        try:
            await self._rest.measure_clock()
        except (VenueError, MessageError) as error:
            logger.warning("%s: its clock could not be read: %s", self.venue, error)

    async def _keep_the_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_EVERY_S)
            await self._measure_clock()

    def _spawn(self, work: Any, name: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work, name=f"{self.venue}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        tell_failure(task)


def _not_started(_: object) -> None:
    raise RuntimeError("the client was not started")


class _Placed:
    """The answer to an order that has left. No coroutine: an engine that ends before it waits leaves nothing undone."""

    def __init__(self, client: BinanceExecution, answer: Awaitable[msgspec.Raw]) -> None:
        self._client = client
        self._answer = answer

    def __await__(self) -> Generator[Any, None, OrderReport]:
        return self._client.placed(self._answer).__await__()
