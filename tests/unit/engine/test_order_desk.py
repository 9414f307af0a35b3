import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from decimal import Decimal

import pytest

from octopus_desktop.engine.diary import Diary
from octopus_desktop.engine.entry import Lock
from octopus_desktop.engine.inquiry import NEVER_ARRIVED_NS
from octopus_desktop.engine.reconciliation import reconcile
from octopus_desktop.model.commands import CancelAllOrders, CancelOrder, Done, Refused, SubmitOrder
from octopus_desktop.model.errors import LinkError, RequestRefused, StorageError, VenueTimeout
from octopus_desktop.model.events import AnyOrderEvent, OrderDenied, OrderInitiated, OrderSubmitted
from octopus_desktop.model.orders import OrderIntent, OrderStatus, Side
from octopus_desktop.model.queries import Verdict
from octopus_desktop.model.reports import OrderReport
from tests.unit.engine.scripted import BTC, Desk, buy, until


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    await desk.desk.stop()


async def test_an_order_is_in_the_journal_before_it_is_on_the_wire(desk: Desk) -> None:
    """A crash right after the send finds the order in the journal."""
    intent = buy()
    assert await desk.submit(intent) == Done()
    assert desk.account.submitted == []
    assert [type(event) for event in desk.journal.events] == [OrderInitiated, OrderSubmitted]
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    assert desk.account.submitted == [intent]


async def test_an_order_is_on_the_wire_before_the_engine_hears_of_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who listens to the engine may take his time: the bytes are away. A venue that says no at once is heard, too."""
    left: list[OrderStatus] = []

    def submit(intent: OrderIntent, instrument: object) -> Awaitable[OrderReport]:
        left.append(desk.order(intent).status)
        raise LinkError("no connection")

    monkeypatch.setattr(desk.account, "submit", submit)
    intent = buy()
    assert await desk.submit(intent) == Done()
    assert left == [OrderStatus.INITIATED]
    assert desk.order(intent).status is OrderStatus.SUBMITTED
    await until(lambda: desk.order(intent).status is OrderStatus.UNKNOWN)


async def test_a_second_enter_is_the_same_order(desk: Desk) -> None:
    """Two presses on one ticket carry one token and make one order, though their ids differ."""
    first, second = buy(token="ticket-1"), buy(token="ticket-1")
    assert await desk.submit(first) == Done()
    assert await desk.submit(second) == Done(0)
    await until(lambda: desk.order(first).status is OrderStatus.ACCEPTED)
    assert desk.account.submitted == [first]


async def test_a_dead_journal_sends_nothing(desk: Desk) -> None:
    """When the disk is full the order does not leave, the trader reads why, and entry locks until there is room."""
    desk.journal.failing = StorageError("The disk is full.")
    intent = buy()
    outcome = await desk.submit(intent)
    assert isinstance(outcome, Refused)
    assert "disk is full" in outcome.reason
    assert desk.order(intent).status is OrderStatus.DENIED
    assert desk.account.submitted == []
    assert desk.lock.holds(Lock.STORAGE)
    desk.journal.failing = None
    await until(lambda: not desk.lock.holds(Lock.STORAGE))
    assert [type(event) for event in desk.journal.events] == [OrderInitiated, OrderDenied]
    again = buy()
    assert await desk.submit(again) == Done()
    await until(lambda: desk.order(again).status is OrderStatus.ACCEPTED)


async def test_a_timeout_is_not_a_rejection(desk: Desk) -> None:
    """The order that timed out was accepted all the same; it is asked for by name and never sent again."""
    desk.account.fail_submit = VenueTimeout("no answer within 5 s")
    desk.account.accept_though_failing = True
    desk.account.fail_order = LinkError("cut")
    intent = buy()
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.UNKNOWN)
    desk.account.fail_order = None
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    assert len(desk.account.submitted) == 1


async def test_an_order_that_never_arrived_ends_only_when_it_cannot_arrive_any_more(desk: Desk) -> None:
    """The venue does not know it yet: it stays UNKNOWN until its receive window has surely passed."""
    desk.account.fail_submit = LinkError("cut while sending")
    intent = buy()
    await desk.submit(intent)
    order = None
    await until(lambda: intent.client_order_id in desk.state.orders)
    order = desk.order(intent)
    await until(lambda: order.status is OrderStatus.UNKNOWN)
    assert not await desk.desk.inquiry.ask(order)
    assert order.status is OrderStatus.UNKNOWN
    desk.clock.ns += NEVER_ARRIVED_NS + 1
    assert await desk.desk.inquiry.ask(order)
    assert order.status is OrderStatus.REJECTED


async def test_an_order_the_disk_still_holds_is_not_called_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison asks for it while its intent is written: the venue cannot know it yet, and it leaves a moment on."""
    desk.clock.ns += 2 * NEVER_ARRIVED_NS
    written, commit = asyncio.Event(), desk.journal.commit

    async def slow(events: Sequence[AnyOrderEvent]) -> None:
        await written.wait()
        await commit(events)

    monkeypatch.setattr(desk.journal, "commit", slow)
    intent = buy()
    sending = asyncio.create_task(desk.submit(intent))
    await until(lambda: intent.client_order_id in desk.state.orders)
    assert not await desk.desk.inquiry.ask(desk.order(intent))
    written.set()
    assert await sending == Done()
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)


async def test_an_order_whose_answer_broke_here_is_not_called_lost_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It left a moment ago, whatever happened to the venue's answer: its time to arrive begins then."""
    desk.clock.ns += 2 * NEVER_ARRIVED_NS

    def broken(report: OrderReport) -> None:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as trouble:
        trouble.setattr(desk.desk, "report", broken)
        intent = buy()
        await desk.submit(intent)
        await until(lambda: desk.account.submitted == [intent])
        await asyncio.sleep(0.01)
    desk.account.book.clear()
    assert not await desk.desk.inquiry.ask(desk.order(intent))
    assert not desk.order(intent).status.is_terminal


async def test_a_clock_put_forward_loses_no_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock is set a minute forward while the order may still arrive: what has passed is what counts."""
    passed = desk.clock.ns
    monkeypatch.setattr(desk.clock, "monotonic_ns", lambda: passed)
    desk.account.fail_submit = LinkError("cut while sending")
    intent = buy()
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.UNKNOWN)
    desk.clock.ns += 4 * NEVER_ARRIVED_NS
    assert not await desk.desk.inquiry.ask(desk.order(intent))
    assert desk.order(intent).status is OrderStatus.UNKNOWN


async def test_a_cancel_that_breaks_is_no_cancel_for_ever(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Something nobody thought of goes wrong: the order can be canceled again, and the log says what it was."""
    intent = buy()
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    desk.account.fail_cancel = ZeroDivisionError("a bug")  # type: ignore[assignment]  # no error of the venue's
    await desk.desk.cancel(CancelOrder(intent.client_order_id))
    await until(lambda: not desk.order(intent).cancel_requested)
    assert "a bug" in caplog.text
    desk.account.fail_cancel = None
    await desk.desk.cancel(CancelOrder(intent.client_order_id))
    await until(lambda: desk.order(intent).status is OrderStatus.CANCELED)


async def test_a_refusal_says_why(desk: Desk) -> None:
    """The venue's own words reach the trader."""
    desk.account.fail_submit = RequestRefused("Account has insufficient balance for requested action.", -2010)
    intent = buy()
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.REJECTED)
    assert "insufficient balance" in desk.order(intent).reason


async def test_a_cancel_that_comes_too_late_shows_the_fill(desk: Desk) -> None:
    """The order was filled while the cancel was on its way: it ends filled, with its trade."""
    intent = buy()
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    desk.account.fill(intent.client_order_id, "0.1", 1)
    desk.account.fail_cancel = RequestRefused("Unknown order sent.", -2011)
    assert await desk.desk.cancel(CancelOrder(intent.client_order_id)) == Done()
    await until(lambda: desk.order(intent).status is OrderStatus.FILLED)
    assert [fill.trade_id for fill in desk.state.fills] == ["1"]


async def test_cancel_all_takes_what_was_meant(desk: Desk) -> None:
    """Cancelling the buys leaves the sells."""
    bids = [buy("0.01"), buy("0.01", "59000")]
    ask = buy("0.01", "70000", side=Side.SELL)
    for intent in (*bids, ask):
        await desk.submit(intent)
    await until(lambda: all(o.status is OrderStatus.ACCEPTED for o in desk.state.orders.values()))
    assert await desk.desk.cancel_all(CancelAllOrders(BTC, Side.BUY)) == Done(2)
    await until(lambda: len(desk.state.working) == 1)
    assert desk.order(ask).status is OrderStatus.ACCEPTED


async def test_a_locked_desk_denies_but_cancels(desk: Desk) -> None:
    """A lock on entry never keeps an order from being cancelled."""
    intent = buy()
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    desk.lock.shut(Lock.TRADER)
    refused = buy()
    assert await desk.submit(refused) == Refused(Lock.TRADER.value)
    assert desk.order(refused).status is OrderStatus.DENIED
    assert await desk.desk.cancel(CancelOrder(intent.client_order_id)) == Done()
    await until(lambda: desk.order(intent).status is OrderStatus.CANCELED)


async def test_reconciliation_finds_what_happened_while_we_were_away(desk: Desk) -> None:
    """A missed fill, cancel and order from elsewhere are all there afterwards; a second look finds nothing."""
    filled, canceled = buy("0.01"), buy("0.02")
    for intent in (filled, canceled):
        await desk.submit(intent)
    await until(lambda: all(o.status is OrderStatus.ACCEPTED for o in desk.state.orders.values()))
    desk.account.fill(filled.client_order_id, "0.01", 5)
    desk.account.end(canceled.client_order_id, OrderStatus.CANCELED)
    elsewhere = buy("0.03")
    await desk.account.submit(elsewhere, desk.state.instruments[BTC])
    done = await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    assert done.differences > 0
    await until(lambda: desk.order(filled).status is OrderStatus.FILLED)
    assert desk.order(canceled).status is OrderStatus.CANCELED
    assert desk.order(elsewhere).adopted
    assert desk.state.positions[BTC].quantity == Decimal("0.01")
    again = await reconcile(desk.bus, desk.desk, desk.account, desk.clock, desk.compared)
    assert again.differences == 0


async def test_the_log_tells_the_course_of_an_order(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Afterwards one can read when it was sent, accepted and canceled, and why another one was denied."""
    desk.bus.subscribe(Diary(desk.state).write)
    with caplog.at_level(logging.INFO):
        intent = buy()
        await desk.submit(intent)
        await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
        await desk.desk.cancel(CancelOrder(intent.client_order_id))
        await until(lambda: desk.order(intent).status is OrderStatus.CANCELED)
        await desk.submit(buy("5"))
    lines = [record.getMessage() for record in caplog.records if record.name.endswith("diary")]
    assert [line.split(" BTCUSDT ")[1].split(" ")[0] for line in lines] == ["sent", "accepted", "canceled", "denied:"]
    assert lines[0].startswith("buy 0.1 BTCUSDT sent")


async def test_the_end_of_an_order_outlasts_an_older_word_with_the_same_fills(desk: Desk) -> None:
    """The cancel's answer overtakes the stream's last fill: both count fills that are still being asked for."""
    intent = buy("0.3")
    await desk.submit(intent)
    await until(lambda: desk.order(intent).status is OrderStatus.ACCEPTED)
    name = intent.client_order_id
    desk.account.fill(name, "0.1", 5)
    desk.account.fill(name, "0.1", 6)
    partly = desk.account.book[name]
    canceled = desk.account.end(name, OrderStatus.CANCELED)
    desk.desk.report(canceled)
    desk.desk.report(partly)
    await until(lambda: desk.order(intent).status is OrderStatus.CANCELED)
    assert desk.order(intent).filled_quantity == Decimal("0.2")


@pytest.mark.parametrize("acknowledged", [False, True])
@pytest.mark.parametrize("quantity", ["0.1", "10"])
async def test_an_order_is_judged_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, acknowledged: bool, quantity: str
) -> None:
    """Between the press and the wire the checks cost what they cost once, for an order that passes and one that does
    not."""
    judged: list[OrderIntent] = []
    judge = desk.risk.judge

    def counted(intent: OrderIntent, *, flattening: bool = False) -> Verdict:
        judged.append(intent)
        return judge(intent, flattening=flattening)

    monkeypatch.setattr(desk.risk, "judge", counted)
    intent = buy(quantity)
    outcome = await desk.desk.submit(SubmitOrder(intent, acknowledged=acknowledged))
    assert isinstance(outcome, Done) is (quantity == "0.1")
    assert judged == [intent]
