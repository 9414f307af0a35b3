"""What the venue has on record of the account: orders, fills and balances, asked for over REST."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

from octopus_desktop.model.account import Balance
from octopus_desktop.model.errors import MessageError, RequestRefused, UnreadableRecord
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, TradeId, Venue, VenueOrderId
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import Fill
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.venues.binance import parse_orders
from octopus_desktop.venues.binance.errors import NO_SUCH_ORDER
from octopus_desktop.venues.binance.host import Host
from octopus_desktop.venues.binance.messages import Account, MyTrade, OrderResponse
from octopus_desktop.venues.binance.rest import Rest
from octopus_desktop.venues.binance.session import Params

TRADES_PAGE: Final = 1000
ORDERS_PAGE: Final = 1000
KEPT_NAMES: Final = 20_000
STATUS_WEIGHT: Final = 4
OPEN_ORDERS_WEIGHT: Final = 80
ALL_ORDERS_WEIGHT: Final = 20
MY_TRADES_WEIGHT: Final = 20
MY_TRADES_OF_ORDER_WEIGHT: Final = 5
ACCOUNT_WEIGHT: Final = 20
_NAMED: Final = {OrderResponse: "an order", MyTrade: "a trade", Account: "the account"}
"""What was asked for, in a sentence."""


class History:
    """`order`, `orders`, `fills` and `balances` are those of ports.ExecutionClient.

    It remembers the names of orders, for fills, and the assets that were ever held, for balances: whoever hears of
    either elsewhere says so with `told` and `held`.
    """

    def __init__(self, venue: Venue, rest: Rest, host: Host) -> None:
        self._venue = venue
        self._rest = rest
        self._host = host
        self._names: OrderedDict[tuple[InstrumentId, VenueOrderId], ClientOrderId] = OrderedDict()
        self._held: set[str] = set()

    async def order(
        self, instrument: Instrument, client_order_id: ClientOrderId, venue_order_id: VenueOrderId | None
    ) -> OrderReport | None:
        params: Params = {"symbol": instrument.symbol, **naming(client_order_id, venue_order_id)}
        try:
            answer = await self._rest.signed("GET", "order", OrderResponse, params, weight=STATUS_WEIGHT, urgent=True)
        except RequestRefused as error:
            if error.code == NO_SUCH_ORDER:
                return None
            raise
        try:
            return self.told(parse_orders.report_of_response(answer, self._venue))
        except MessageError as error:
            raise self._unreadable(answer, error) from error

    async def open_orders(self) -> list[OrderResponse]:
        return await self._rest.signed("GET", "openOrders", list[OrderResponse], weight=OPEN_ORDERS_WEIGHT, urgent=True)

    async def orders(self, instrument: Instrument, first: VenueOrderId) -> list[OrderReport]:
        reports: list[OrderReport] = []
        start = int(first)
        while True:
            params: Params = {"symbol": instrument.symbol, "orderId": start, "limit": ORDERS_PAGE}
            page = await self._rest.signed(
                "GET", "allOrders", list[OrderResponse], params, weight=ALL_ORDERS_WEIGHT, urgent=True
            )
            for answer in page:
                try:
                    reports.append(self.told(parse_orders.report_of_response(answer, self._venue)))
                except MessageError as error:
                    self._unreadable(answer, error)  # who needs this one asks for it by its number
            if len(page) < ORDERS_PAGE:
                return reports
            start = page[-1].orderId + 1

    async def fills(
        self, instrument: Instrument, after: str | None, venue_order_id: VenueOrderId | None = None
    ) -> list[Fill]:
        fills: list[Fill] = []
        unread: list[tuple[TradeId, VenueOrderId]] = []
        unreadable: UnreadableRecord | None = None
        first = int(after) + 1 if after is not None else 0
        weight = MY_TRADES_WEIGHT if venue_order_id is None else MY_TRADES_OF_ORDER_WEIGHT
        before: set[tuple[int, int]] = set()
        while True:
            params: Params = {"symbol": instrument.symbol, "fromId": first, "limit": TRADES_PAGE}
            if venue_order_id is not None:
                params["orderId"] = venue_order_id
            page = await self._rest.signed("GET", "myTrades", list[MyTrade], params, weight=weight, urgent=True)
            fresh = [row for row in page if (row.id, row.orderId) not in before]
            for row in fresh:
                key = (instrument.instrument_id, VenueOrderId(str(row.orderId)))
                name = self._names.get(key, ClientOrderId(""))
                try:
                    fills.append(parse_orders.fill(row, instrument.instrument_id, name))
                except MessageError as error:
                    unreadable = self._unreadable(row, error)
                    unread.append((TradeId(str(row.id)), VenueOrderId(str(row.orderId))))
            if len(page) < TRADES_PAGE:
                break
            # The last id once more: a trade with oneself has two rows of one id, and the page may end between them.
            before = {(row.id, row.orderId) for row in page}
            first = page[-1].id if fresh else page[-1].id + 1
        if unreadable is not None:
            raise UnreadableRecord(str(unreadable), unread, fills)
        return fills

    async def balances(self) -> list[Balance]:
        """Every asset that is held or was held since the start: one that went to zero must be seen to do so."""
        account = await self._rest.signed("GET", "account", Account, weight=ACCOUNT_WEIGHT, urgent=True)
        try:
            told = parse_orders.balances_of_account(account, self._venue)
        except MessageError as error:
            raise self._unreadable(account, error) from error
        balances = [balance for balance in told if balance.total or balance.asset in self._held]
        self._held.update(balance.asset for balance in balances)
        return balances

    def told(self, report: OrderReport) -> OrderReport:
        """Remembers the order's name: with a trade the venue tells only its own number of the order."""
        if report.venue_order_id:
            self._names[report.intent.instrument_id, report.venue_order_id] = report.client_order_id
            while len(self._names) > KEPT_NAMES:
                self._names.popitem(last=False)
        return report

    def held(self, asset: str) -> None:
        self._held.add(asset)

    def _unreadable(self, answer: OrderResponse | MyTrade | Account, error: MessageError) -> UnreadableRecord:
        """Asked again it may be right. What raises is a VenueError: only those are retried, and told."""
        what = _NAMED[type(answer)]
        self._host.bad.note(f"answer to {what}", msgspec.json.encode(answer), error)
        return UnreadableRecord(f"The venue's answer to {what} cannot be read: {error}")


def naming(client_order_id: ClientOrderId, venue_order_id: VenueOrderId | None) -> Params:
    """The venue's own number is the surer name: a client's may be used again once its order is done."""
    if venue_order_id:
        return {"orderId": venue_order_id}
    return {"origClientOrderId": client_order_id}
