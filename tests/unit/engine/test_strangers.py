"""A trade that cannot be booked keeps nobody from trading for long, is told, and is never lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any, cast

import msgspec
import pytest

from octopus_desktop.engine import strangers
from octopus_desktop.engine.comparisons import COMPARED_SETTING, Comparisons
from octopus_desktop.engine.entry import Lock
from octopus_desktop.engine.ledger import Ledger
from octopus_desktop.engine.reconciliation import Compared, reconcile
from octopus_desktop.model.errors import UnreadableRecord, VenueError, VenueUnavailable
from octopus_desktop.model.events import Event, NoticeRaised, Severity
from octopus_desktop.model.identifiers import ClientOrderId, TradeId, VenueOrderId
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import Fill, OrderIntent, OrderStatus, Side
from octopus_desktop.model.reports import OrderReport
from octopus_desktop.ports import ExecutionClient, Repository
from tests.unit.engine.scripted import BTC, Desk, buy, until

HOUR_NS = 3_600_000_000_000
SECOND_NS = 1_000_000_000


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    await desk.desk.stop()


def traded_elsewhere(desk: Desk, trade: int, order: int) -> tuple[OrderIntent, OrderReport]:
    """An hour ago, by an order that the venue does not tell of: `later` it may."""
    intent = buy("0.001")
    number, name = VenueOrderId(str(order)), intent.client_order_id
    at = desk.clock.ns - HOUR_NS
    price, size = Decimal(60000), Decimal("0.001")
    fill = Fill(BTC, ClientOrderId(""), number, TradeId(str(trade)), Side.BUY, price, size, Decimal(0), "BTC", True, at)
    desk.account.trades.append(fill)
    return intent, OrderReport(name, number, intent, OrderStatus.FILLED, Decimal("0.001"), (), 2)


async def hold_an_order(desk: Desk) -> OrderIntent:
    """So that there is an instrument whose trades are asked for."""
    intent = buy("0.1")
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    return intent


async def compare(desk: Desk) -> None:
    await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)


async def shut_for_minutes(desk: Desk, what: str) -> None:
    """Not from the first comparison on for two minutes; then it is clean."""
    for _ in range(2):
        with pytest.raises(VenueUnavailable, match=what):
            await compare(desk)
        desk.clock.ns += 59 * SECOND_NS
    desk.clock.ns += 2 * SECOND_NS
    await compare(desk)


async def test_a_trade_whose_order_is_never_told_is_waited_for_minutes(desk: Desk) -> None:
    """Not a day. It is asked for by its order from then on, and booked when the venue tells that."""
    await hold_an_order(desk)
    intent, later = traded_elsewhere(desk, 5, 999)
    await shut_for_minutes(desk, r"trade 5 in BTCUSDT\.SIM, 0\.001 bought at 60,000, of order 999")
    for _ in range(2):
        await compare(desk)
        assert not desk.state.fills
    desk.account.book[intent.client_order_id] = later
    await compare(desk)
    assert desk.order(intent).filled_quantity == Decimal("0.001")
    assert desk.compared.strangers == []


async def test_trades_are_not_fetched_anew_for_one_that_cannot_be_booked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old stranger does not make each comparison read everything since, nor the list of all orders since."""
    await hold_an_order(desk)
    asked: list[str | None] = []
    plain = desk.account.fills

    async def fills(instrument: Instrument, after: str | None, number: VenueOrderId | None = None) -> list[Fill]:
        asked.append(after)
        return await plain(instrument, after, number)

    async def orders(instrument: Instrument, first: VenueOrderId) -> list[OrderReport]:
        raise AssertionError("the list is long")

    monkeypatch.setattr(desk.account, "fills", fills)
    for number in range(8):
        traded_elsewhere(desk, 5 + number, 900 + number)
    with pytest.raises(VenueUnavailable):
        await compare(desk)
    monkeypatch.setattr(desk.account, "orders", orders)
    desk.clock.ns += 121 * SECOND_NS
    await compare(desk)
    await compare(desk)
    assert asked == [None, "12", "12"]


async def test_more_than_can_be_kept_are_not_passed_by(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor waits before the first that is not kept; none is waited for longer than the others."""
    monkeypatch.setattr(strangers, "KEPT", 3)
    await hold_an_order(desk)
    later = [traded_elsewhere(desk, 5 + number, 999 - number) for number in range(5)]
    await shut_for_minutes(desk, "trade 7 in BTC.*, and 2 more")
    assert [one.trade_id for one in desk.compared.strangers] == ["5", "6", "7"]
    assert desk.compared.trades == {BTC: "7"}
    for intent, report in later:
        desk.account.book[intent.client_order_id] = report
    await compare(desk)
    assert sorted(fill.trade_id for fill in desk.state.fills) == ["5", "6", "7", "8", "9"]
    assert (desk.compared.trades, desk.compared.strangers) == ({BTC: "9"}, [])


async def test_an_unreadable_trade_is_waited_for_minutes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others count at once; it is asked for again, and booked when it can be read."""
    await hold_an_order(desk)
    intent, report = traded_elsewhere(desk, 5, 900)
    other, its_report = traded_elsewhere(desk, 6, 901)
    desk.account.book |= {intent.client_order_id: report, other.client_order_id: its_report}
    plain = desk.account.fills

    async def fills(instrument: Instrument, after: str | None, number: VenueOrderId | None = None) -> list[Fill]:
        found = await plain(instrument, after, number)
        readable = [fill for fill in found if fill.trade_id != "5"]
        if len(readable) < len(found):
            raise UnreadableRecord("a trade", [(TradeId("5"), VenueOrderId("900"))], readable)
        return found

    monkeypatch.setattr(desk.account, "fills", fills)
    await shut_for_minutes(desk, r"trade 5 in BTCUSDT\.SIM of order 900, which cannot be read")
    assert [fill.trade_id for fill in desk.state.fills] == ["6"]
    monkeypatch.setattr(desk.account, "fills", plain)
    await compare(desk)
    await until(lambda: len(desk.state.fills) == 2)
    await compare(desk)
    assert desk.compared.strangers == []


async def test_an_unreadable_order_of_a_trade_is_waited_for_minutes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left out of the list and asked for by its number, it still cannot be read: its trade is a stranger's."""
    await hold_an_order(desk)
    intent, report = traded_elsewhere(desk, 5, 900)
    plain = desk.account.order

    async def order(instrument: Instrument, name: ClientOrderId, number: VenueOrderId | None) -> OrderReport | None:
        if number == "900":
            raise UnreadableRecord("an order")
        return await plain(instrument, name, number)

    monkeypatch.setattr(desk.account, "order", order)
    await shut_for_minutes(desk, "trade 5 in BTC")
    monkeypatch.setattr(desk.account, "order", plain)
    desk.account.book[intent.client_order_id] = report
    await compare(desk)
    assert desk.order(intent).filled_quantity == Decimal("0.001")


async def test_our_own_order_that_cannot_be_read_is_waited_for_minutes(desk: Desk) -> None:
    """It works on, and is asked for again: its end comes with the first word that can be read."""
    intent = await hold_an_order(desk)
    report = desk.account.book.pop(intent.client_order_id)
    desk.account.fail_order = UnreadableRecord("an order")
    await shut_for_minutes(desk, f"order {report.venue_order_id} in BTCUSDT.SIM, which cannot be read")
    assert desk.order(intent).status is OrderStatus.ACCEPTED
    desk.account.fail_order = None
    desk.account.book[intent.client_order_id] = report
    desk.account.end(intent.client_order_id, OrderStatus.CANCELED)
    await compare(desk)
    assert desk.order(intent).status is OrderStatus.CANCELED
    assert desk.compared.strangers == []


class Settings:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def setting(self, key: str) -> str | None:
        return self.kept.get(key)

    async def save_setting(self, key: str, value: str) -> None:
        self.kept[key] = value

    def record_setting(self, key: str, value: str) -> None:
        self.kept[key] = value


class Sound:
    async def check(self, client: ExecutionClient) -> None:
        pass


class Session:
    def __init__(self, desk: Desk, settings: Settings) -> None:
        self.desk = desk
        self.settings = settings
        self.attempts = 0
        self.cleans = 0
        self.notices: list[NoticeRaised] = []
        desk.bus.subscribe(self._see)
        self.comparisons = Comparisons(desk.bus, desk.lock, desk.clock, self._retried, self._clean)

    def _see(self, event: Event) -> None:
        if isinstance(event, NoticeRaised):
            self.notices.append(event)

    async def _retried(self, attempt: Callable[[], Awaitable[None]], title: str, at_once: asyncio.Event) -> None:
        while True:
            self.attempts += 1
            try:
                return await attempt()
            except VenueError:
                self.desk.clock.ns += 30 * SECOND_NS

    async def _clean(self) -> None:
        self.cleans += 1

    async def start(self) -> None:
        await self.comparisons.remember(cast(Repository, self.settings), cast(Ledger, Sound()))
        self.comparisons.start(self.desk.desk, cast(Any, self.desk.account))
        await until(lambda: self.cleans == 1)

    async def again(self) -> None:
        before = self.cleans
        self.comparisons.ask()
        await until(lambda: self.cleans > before)


async def test_the_trader_is_told_what_is_not_in_the_positions(desk: Desk) -> None:
    """Once in a session, with all there is to know of it. The next session knows it, tells it too, and waits for
    nothing: what is kept is asked for by its order."""
    await hold_an_order(desk)
    intent, later = traded_elsewhere(desk, 5, 999)
    settings = Settings()
    first = Session(desk, settings)
    await first.start()
    assert not desk.lock.holds(Lock.RECONCILING)
    assert first.attempts == 5
    await first.again()
    (notice,) = first.notices
    assert notice.severity is Severity.WARNING
    assert "trade 5 in BTCUSDT.SIM, 0.001 bought at 60,000, of order 999" in notice.text
    assert "not in the positions" in notice.text
    await first.comparisons.stop()
    kept = msgspec.json.decode(settings.kept[COMPARED_SETTING], type=Compared)
    assert kept.trades == {BTC: "5"}

    second = Session(desk, settings)
    await second.start()
    assert second.attempts == 1
    assert [one.text for one in second.notices] == [notice.text]
    desk.account.book[intent.client_order_id] = later
    await second.again()
    assert desk.order(intent).filled_quantity == Decimal("0.001")
    assert msgspec.json.decode(settings.kept[COMPARED_SETTING], type=Compared).strangers == []
    await second.comparisons.stop()
