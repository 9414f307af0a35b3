from decimal import Decimal

import msgspec
import pytest

from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import OrderIntent, OrderStatus, OrderType, Side
from tests.unit.engine.scripted import BTC, Desk, buy, until


def verdict(intent: OrderIntent, limits: RiskLimits | None = None) -> str | None:
    return Desk(limits).desk.opinion(intent).denial


@pytest.mark.parametrize(
    ("intent", "says"),
    [
        (buy("0.1", None), "limit price is missing"),
        (buy("0"), "quantity is missing"),
        (buy("NaN"), "quantity is missing"),
        (buy("0.1", "-1"), "not above zero"),
        (buy("0.1", "60000.001"), "The price 60,000.001 is not a multiple of the tick 0.01"),
        (buy("0.100001"), "multiple of the lot 0.00001"),
        (buy("10000", "10"), "largest order in BTCUSDT is 9,000 BTC"),
        (buy("0.00001", "60000"), "the least is 5 in BTCUSDT"),
        (buy("0.5", "60000"), "needs 30,000 USDT, free is 20,000"),
        (buy("0.1", "66000"), "10.0 % through the market"),
        (buy("0.1", "30000"), None),
        (buy("1", "60000"), "limit for one order is 50,000"),
        (buy("1", "60100", side=Side.SELL), None),
        (buy("2", "60100", side=Side.SELL), "needs 2 BTC, free is 1"),
        (buy("0.5", None, type_=OrderType.MARKET), "needs 30,000.005 USDT"),
        (buy("0.1", None, type_=OrderType.STOP), "trigger price is missing"),
        (buy("0", None, type_=OrderType.MARKET, quote_quantity="100"), None),
        (buy("0", None, type_=OrderType.MARKET, quote_quantity="25000"), "needs 25,000 USDT"),
        (buy("0", "60000", quote_quantity="100"), "Only a market order"),
    ],
)
def test_every_denial_is_a_sentence(intent: OrderIntent, says: str | None) -> None:
    """The trader reads what is wrong and by how much; a sound order passes."""
    said = verdict(intent)
    if says is None:
        assert said is None
    else:
        assert said is not None
        assert says in said


def test_an_instrument_not_allowed_is_denied() -> None:
    """A trader who allowed ETH only cannot buy BTC by mistake."""
    limits = RiskLimits(allowed=frozenset({InstrumentId("ETHUSDT.SIM")}))
    assert "not among the instruments you allowed" in (verdict(buy(), limits) or "")


async def test_reduce_only_on_spot_is_never_more_than_the_position() -> None:
    """The venue would not see to it: with nothing bought here, neither a purchase nor a sale of older coins passes."""
    desk = Desk()
    for intent in (buy(), buy("0.1", "60100", side=Side.SELL)):
        said = desk.desk.opinion(msgspec.structs.replace(intent, reduce_only=True)).denial
        assert said == "Reduce only: the position in BTCUSDT is 0, and this order is more than closes it."
    bought = buy("0.1")
    await desk.submit(bought)
    await until(lambda: desk.order(bought).status is OrderStatus.ACCEPTED)
    desk.account.fill(bought.client_order_id, "0.1", 1)
    await desk.desk.inquiry.ask(desk.order(bought))
    await until(lambda: desk.order(bought).status is OrderStatus.FILLED)
    await desk.submit(buy("0.1", "70000", side=Side.SELL))  # a target that rests takes nothing away from what may close
    for quantity, passes in (("0.1", True), ("0.11", False)):
        sale = msgspec.structs.replace(buy(quantity, "60100", side=Side.SELL), reduce_only=True)
        assert (desk.desk.opinion(sale).denial is None) is passes
    await desk.desk.stop()


def test_an_unknown_instrument_is_denied() -> None:
    """A name the venue does not list never reaches it."""
    intent = OrderIntent(
        buy().client_order_id, InstrumentId("NOPE.SIM"), Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(1)
    )
    assert "NOPE is not an instrument" in (verdict(intent) or "")


async def test_two_quick_orders_do_not_spend_the_same_money() -> None:
    """The first order is still on its way: what it needs is no longer free."""
    desk = Desk()
    await desk.submit(buy("0.3", "60000"))
    said = desk.desk.opinion(buy("0.1", "60000")).denial
    assert said is not None
    assert "free is 2,000" in said
    await desk.desk.stop()


async def test_a_burst_of_orders_is_stopped() -> None:
    """A key that got stuck sends at most so many orders a second."""
    desk = Desk(RiskLimits(max_orders_per_second=2))
    for _ in range(2):
        assert desk.desk.opinion(buy("0.001")).denial is None
        await desk.submit(buy("0.001"))
    assert "within a second" in (desk.desk.opinion(buy("0.001")).denial or "")
    desk.clock.ns += 1_100_000_000
    assert desk.desk.opinion(buy("0.001")).denial is None
    await desk.desk.stop()


async def test_open_orders_have_a_limit() -> None:
    """Past the limit on open orders the next one is denied."""
    desk = Desk(RiskLimits(max_open_orders=1))
    await desk.submit(buy("0.001"))
    assert "your limit is 1" in (desk.desk.opinion(buy("0.001")).denial or "")
    assert len(desk.state.working) == 1
    assert desk.state.orders.keys() == desk.state.working.keys()
    assert BTC in desk.state.instruments
    await desk.desk.stop()
