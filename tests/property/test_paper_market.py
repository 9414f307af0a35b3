"""Paper orders in any course of a market: nothing is made up, and nothing fills twice against what was once there."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from octopus_desktop.model.events import BookBroken, BookChanged, BookReset
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.orders import Side
from octopus_desktop.paper.exchange import ACCOUNT, PaperExchange
from octopus_desktop.paper.mirror import MirroredMarket
from octopus_desktop.simulator.book import CROWD
from octopus_desktop.simulator.errors import Refusal
from octopus_desktop.simulator.filters import Rules
from octopus_desktop.simulator.orders import NewOrder
from octopus_desktop.simulator.units import UNIT
from tests.printed import printed as trade

BTC = InstrumentId("BTCUSDT.TEST")
RULES = Rules("BTCUSDT", "BTC", "USDT", UNIT, UNIT // 10, 0, 1000 * UNIT, 1000 * UNIT, 1000, 1000)

prices = st.integers(95, 105)
sizes = st.integers(1, 40).map(lambda tenths: tenths / 10)
bid_levels = st.lists(st.tuples(st.integers(95, 100), st.one_of(st.just(0.0), sizes)), max_size=4)
ask_levels = st.lists(st.tuples(st.integers(101, 105), st.one_of(st.just(0.0), sizes)), max_size=4)
steps = st.one_of(
    st.tuples(st.just("change"), bid_levels, ask_levels),
    st.tuples(st.just("change"), bid_levels, ask_levels),
    st.tuples(st.just("reset"), bid_levels, ask_levels),
    st.tuples(st.just("print"), prices, sizes, st.sampled_from(list(Side)), st.integers(-3, 1)),
    st.tuples(st.just("print"), prices, sizes, st.sampled_from(list(Side)), st.integers(-3, 1)),
    st.tuples(
        st.just("order"), st.booleans(), st.sampled_from(("LIMIT", "MARKET", "ICEBERG", "STOP", "OCO")), prices, sizes
    ),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("broken")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=40))
def test_fills_come_from_prints_and_displayed_quantities(course: list[tuple[Any, ...]]) -> None:
    """Makers get no more than was printed or crossed, takers no more than was displayed and new; money sums to zero."""
    exchange, market = PaperExchange(10**15), MirroredMarket(RULES, 1)
    exchange.list_market(market)
    exchange.deposit(ACCOUNT, "USDT", 10_000 * UNIT)
    exchange.deposit(ACCOUNT, "BTC", 100 * UNIT)
    market.reset([(100, 2.0), (98, 2.0)], [(101, 2.0), (103, 2.0)], 1)
    displayed = {100: 2.0, 98: 2.0, 101: 2.0, 103: 2.0}
    ever_shown = sum(displayed.values())
    printed = 0.0
    for now, step in enumerate(course, start=2):
        match step:
            case ("change" | "reset", bids, asks):
                if step[0] == "reset":
                    ever_shown += sum(q for _, q in dict(bids + asks).items())
                    exchange.apply(
                        market, BookReset(BTC, list(dict(bids).items()), list(dict(asks).items()), 1, now, now)
                    )
                    displayed = {p: q for p, q in {**dict(bids), **dict(asks)}.items() if q}
                else:
                    for price, quantity in {**dict(bids), **dict(asks)}.items():
                        ever_shown += max(0.0, quantity - displayed.get(price, 0.0))
                        displayed[price] = quantity
                    exchange.apply(market, BookChanged(BTC, bids, asks, 1, now, now))
            case ("print", price, quantity, side, age):
                printed += quantity
                exchange.apply(market, trade(BTC, price, quantity, side, now, now + age, now))
            case ("order", is_buy, kind, price, size):
                with suppress(Refusal):
                    _place(exchange, is_buy, kind, price * UNIT, round(size * UNIT))
            case ("cancel", which):
                found = exchange.open_orders(ACCOUNT)
                if found:
                    exchange.cancel(ACCOUNT, "BTCUSDT", found[which % len(found)].order_id, None)
            case _:
                exchange.apply(market, BookBroken(BTC, "gap", now))
        exchange.settle_up()
        _check(exchange, market, displayed)
    fills = exchange.executions(ACCOUNT, "BTCUSDT")
    assert sum(one.quantity for one in fills) <= (printed + ever_shown) * UNIT + 1000
    assert sum(one.quantity for one in fills if not one.is_maker) <= ever_shown * UNIT + 1000


def _place(exchange: PaperExchange, is_buy: bool, kind: str, price: int, quantity: int) -> None:
    if kind == "OCO":
        step = UNIT if is_buy else -UNIT
        limit = NewOrder("BTCUSDT", is_buy, "LIMIT_MAKER", quantity, price=price - step)
        exchange.place_list(
            ACCOUNT, (limit, NewOrder("BTCUSDT", is_buy, "STOP_LOSS", quantity, stop_price=price + step))
        )
        return
    request = NewOrder("BTCUSDT", is_buy, {"ICEBERG": "LIMIT", "STOP": "STOP_LOSS"}.get(kind, kind), quantity)
    request.stp = "EXPIRE_MAKER"
    if kind == "STOP":
        request.stop_price = price
    elif kind != "MARKET":
        request.price = price
    if kind == "ICEBERG":
        request.iceberg_quantity = UNIT // 10 * max(1, quantity // UNIT)
    exchange.place(ACCOUNT, request)


def _check(exchange: PaperExchange, market: MirroredMarket, displayed: dict[int, float]) -> None:
    for asset in ("BTC", "USDT"):
        assert exchange.ledger.total(asset) == 0
        balance = exchange.ledger.balance(ACCOUNT, asset)
        held = sum(order.locked for order in exchange.open_orders(ACCOUNT) if (asset == "USDT") == order.is_buy)
        assert balance.free >= 0
        assert balance.locked == held
    for group in exchange.order_lists(ACCOUNT):
        assert not any(group.others(order) for order in group.orders if order.filled)
    for half in (market.book.bids, market.book.asks):
        for price, level in half.levels.items():
            assert half.totals[price] == sum(one.remaining for one in level.values())
            crowd = sum(one.remaining for one in level.values() if one.owner == CROWD)
            assert crowd <= round(displayed.get(price // UNIT, 0.0) * UNIT), "more of the crowd than the venue displays"
    for order in exchange.open_orders(ACCOUNT):
        if order.triggered:
            assert order.remaining + order.hidden == order.unfilled
    bid, ask = market.book.bids.best(), market.book.asks.best()
    assert bid is None or ask is None or bid < ask
