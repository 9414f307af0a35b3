"""What counts as one losing trade, for the pause after several of them."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.trading_day import TradingDay
from octopus_desktop.model.algos import AlgoStatus, Bracket, OnRestart
from octopus_desktop.model.events import (
    AlgoEnded,
    AlgoStarted,
    Event,
    InstrumentListed,
    OrderCanceled,
    OrderFilled,
    OrderInitiated,
    OrderSubmitted,
)
from octopus_desktop.model.identifiers import AlgoId, InstrumentId, TradeId, VenueOrderId, new_algo_id
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.orders import ZERO, Fill, OrderIntent, Side
from octopus_desktop.state import State
from tests.unit.engine.scripted import BTC, ManualClock, bitcoin, buy

ETH = InstrumentId("ETHUSDT.SIM")


class Count:
    """The fold of what it is told; each event is a second after the one before."""

    def __init__(self) -> None:
        self.state = State()
        self.bus = Bus(self.state)
        self.day = TradingDay(self.state)
        self.bus.subscribe(self.day.apply)
        self.ns = ManualClock().ns
        self.journal: list[Event] = []
        self._trade = 0

    def tell(self, *events: Event) -> None:
        for event in events:
            self.bus.publish(event)
            self.journal.append(event)

    def order(
        self,
        quantity: str,
        side: Side = Side.BUY,
        *,
        name: InstrumentId = BTC,
        parent: AlgoId | None = None,
        role: str = "",
    ) -> OrderIntent:
        intent = msgspec.structs.replace(buy(quantity, side=side), instrument_id=name, parent=parent, role=role)
        self.tell(
            OrderInitiated(intent.client_order_id, self.ns, intent), OrderSubmitted(intent.client_order_id, self.ns)
        )
        return intent

    def fill(self, intent: OrderIntent, quantity: str, price: str, number: int | None = None) -> OrderFilled:
        """`number` is the venue's, of a trade that is told out of its turn."""
        self.ns += 1_000_000_000
        self._trade += 1
        fill = Fill(
            intent.instrument_id,
            intent.client_order_id,
            VenueOrderId(intent.client_order_id),
            TradeId(str(number or self._trade)),
            intent.side,
            Decimal(price),
            Decimal(quantity),
            ZERO,
            "USDT",
            True,
            self.ns,
        )
        filled = OrderFilled(intent.client_order_id, self.ns, fill, False)
        self.tell(filled)
        return filled

    def buy(self, quantity: str, price: str, **order: object) -> None:
        self.fill(self.order(quantity, **order), quantity, price)  # type: ignore[arg-type]  # by name

    def sell(self, quantity: str, price: str, **order: object) -> None:
        self.fill(self.order(quantity, Side.SELL, **order), quantity, price)  # type: ignore[arg-type]  # by name

    @property
    def losses(self) -> int:
        return self.day.losses_in_a_row


@pytest.fixture
def count() -> Count:
    return Count()


def test_a_position_closed_in_parts_is_one_losing_trade(count: Count) -> None:
    """Three sales of one purchase are one loss, known at the first; the pause runs from the last. What is bought then
    is another trade, and a restart counts the same."""
    count.buy("0.03", "60000")
    for _ in range(3):
        count.sell("0.01", "59900")
        assert (count.losses, count.day.last_loss_ns) == (1, count.ns)
    count.buy("0.01", "60000")
    count.sell("0.01", "59900")
    assert count.losses == 2
    again = Count()
    again.tell(*count.journal)
    assert (again.losses, again.day.last_loss_ns) == (2, count.ns)


def test_what_is_added_to_a_position_begins_another_trade(count: Count) -> None:
    """What is left of the first one is in it."""
    count.buy("0.03", "60000")
    count.sell("0.01", "59900")
    count.buy("0.01", "59900")
    count.sell("0.02", "59800")
    count.sell("0.01", "59800")
    assert count.losses == 2


def test_a_trade_is_won_by_what_its_parts_come_to(count: Count) -> None:
    """A small loss and then a larger gain is a win; given back once more it is a loss, and one at that."""
    count.buy("0.02", "60000")
    count.sell("0.02", "59900")
    count.buy("0.05", "60000")
    count.sell("0.01", "59900")
    lost_ns = count.ns
    count.sell("0.01", "60050")
    assert (count.losses, count.day.last_loss_ns) == (2, lost_ns), "a part that gained is no newer loss"
    for price, losses in (("60200", 0), ("59000", 1), ("59000", 1)):
        count.sell("0.01", price)
        assert count.losses == losses


def test_trades_of_two_instruments_are_two(count: Count) -> None:
    """They are closed in parts by turns: each is lost once, and won by its own sum."""
    for name in (BTC, ETH):
        count.buy("0.04", "100", name=name)
    for _ in range(2):
        for name in (BTC, ETH):
            count.sell("0.01", "99", name=name)
    assert count.losses == 2
    count.sell("0.01", "200", name=ETH)
    count.sell("0.01", "99")
    assert count.losses == 0, "this one was counted before"


def test_an_order_is_judged_at_its_end(count: Count) -> None:
    """In the middle it may still come to a gain. What it closed counts also where the position grew meanwhile."""
    count.buy("0.03", "60000")
    closing = count.order("0.03", Side.SELL)
    count.fill(closing, "0.01", "59900")
    assert count.losses == 0
    count.buy("0.01", "60000")
    assert count.losses == 0
    count.tell(OrderCanceled(closing.client_order_id, count.ns, ""))
    assert count.losses == 1


def test_fills_out_of_turn_and_told_twice_make_no_second_loss(count: Count) -> None:
    """Half of the purchase is told after the first sale, and one sale again: it is one trade all the same."""
    purchase = count.order("0.04")
    count.fill(purchase, "0.02", "60000", 1)
    count.fill(count.order("0.01", Side.SELL), "0.01", "59900", 3)
    count.fill(purchase, "0.02", "60000", 2)
    count.tell(count.fill(count.order("0.01", Side.SELL), "0.01", "59900", 4))
    count.day.settle()
    count.fill(count.order("0.01", Side.SELL), "0.01", "59900", 5)
    assert count.losses == 1


def test_a_restart_judges_by_what_was_put_right(count: Count) -> None:
    """A sale is told before its purchase: nothing is held, and what is won later on is no loss for a restart either."""
    count.fill(count.order("0.01", Side.SELL), "0.01", "60000", 2)
    count.fill(count.order("0.01"), "0.01", "60000", 1)
    count.day.settle()
    count.ns += 10_000_000_000
    count.buy("0.01", "50000")
    count.sell("0.01", "49900")
    count.buy("0.01", "50000")
    count.sell("0.01", "50100")
    again = Count()
    again.tell(*count.journal)
    assert (count.losses, again.losses) == (0, 0)
    for one in (count, again):
        one.day.settle()
        assert one.day.standing("USDT", count.ns).profit == 0


def test_a_trade_of_nothing_is_none(count: Count) -> None:
    """It neither wins nor adds."""
    count.buy("0.03", "60000")
    count.sell("0.01", "59900")
    nothing = count.order("0.01")
    count.fill(nothing, "0", "60000")
    count.sell("0.01", "59900")
    assert count.losses == 1


def test_an_algo_closes_once(count: Count) -> None:
    """Its slices are one part of the trade, judged at its end."""
    count.buy("0.03", "60000")
    count.sell("0.01", "59900")
    algo = new_algo_id()
    spec = Bracket(instrument_id=BTC, side=Side.BUY, quantity=ZERO, entry=buy(), stop_trigger=ZERO)
    count.tell(AlgoStarted(algo, count.ns, spec, OnRestart.RESUME))
    for price in ("59900", "60500"):
        count.sell("0.01", price, parent=algo)
        assert count.losses == 1
    count.tell(AlgoEnded(algo, count.ns, AlgoStatus.COMPLETED))
    assert count.losses == 0


def test_each_bracket_is_a_trade(count: Count) -> None:
    """Two brackets in one instrument, both stopped in two parts: counted at their ends, each once. What is sold of it
    by hand is of the last one."""
    algos = [new_algo_id(), new_algo_id()]
    for algo in algos:
        spec = Bracket(instrument_id=BTC, side=Side.BUY, quantity=ZERO, entry=buy(), stop_trigger=ZERO)
        count.tell(AlgoStarted(algo, count.ns, spec, OnRestart.RESUME))
        count.buy("0.03", "60000", parent=algo, role="entry")
    for algo in algos:
        count.sell("0.01", "59900", parent=algo, role="stop")
        count.sell("0.01", "59900", parent=algo, role="stop")
    assert count.losses == 0
    for losses, algo in enumerate(algos, 1):
        count.tell(AlgoEnded(algo, count.ns, AlgoStatus.COMPLETED))
        assert count.losses == losses
    count.sell("0.01", "59900")
    assert count.losses == 2


def test_a_position_that_is_turned_is_two_trades(count: Count) -> None:
    """A contract sold past zero: the loss is of what was held, and the short is a trade of its own."""
    count.tell(InstrumentListed(BTC, bitcoin(InstrumentKind.PERPETUAL)))
    count.buy("0.01", "60000")
    count.sell("0.02", "59900")
    assert count.losses == 1
    count.buy("0.01", "60000")
    assert count.losses == 2
