"""Lists of orders, trailing stops and icebergs at the embedded exchange, in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from octopus_desktop.simulator.book import CROWD, Resting
from octopus_desktop.simulator.errors import Refusal
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.listings import LISTINGS
from octopus_desktop.simulator.main import open_exchange
from octopus_desktop.simulator.orders import Execution, NewOrder, Order, OrderList
from octopus_desktop.simulator.store import SqliteStore
from octopus_desktop.simulator.units import SECOND_NS, UNIT, notional
from octopus_desktop.simulator.user_streams import UserStreams

START_NS = 1_795_244_400 * SECOND_NS
BTC = LISTINGS[0]
QUANTITY = UNIT // 100
FUNDS = 100_000 * UNIT


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def on_order(self, order: Order, kind: str, execution: Execution | None) -> None:
        self.lines.append((order.client_order_id, kind))

    def on_list(self, group: OrderList) -> None:
        self.lines.append((group.client_id, "EXECUTING" if group.is_open else "ALL_DONE"))

    def on_balances(self, account: int, assets: list[str]) -> None:
        pass

    def on_deposit(self, account: int, asset: str, amount: int) -> None:
        pass


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def exchange(log: Log) -> Exchange:
    exchange = Exchange(3, START_NS, listings=LISTINGS[:1], listener=log)
    exchange.open()
    exchange.deposit(1, "USDT", FUNDS)
    exchange.deposit(1, "BTC", UNIT)
    return exchange


def last(exchange: Exchange) -> int:
    return exchange.markets["BTCUSDT"].last_price


def pair(exchange: Exchange, is_buy: bool = False, away: int = 5_000, **stop: int) -> tuple[NewOrder, NewOrder]:
    """A limit order on the good side of the price, and a stop on the other, `away` ticks each."""
    step = away * BTC.tick * (-1 if is_buy else 1)
    target = NewOrder("BTCUSDT", is_buy, "LIMIT_MAKER", QUANTITY, price=last(exchange) + step, client_order_id="t")
    stopping = NewOrder("BTCUSDT", is_buy, "STOP_LOSS", QUANTITY, client_order_id="s")
    stopping.stop_price = last(exchange) - step
    for name, value in stop.items():
        setattr(stopping, name, value)
    return target, stopping


def trade_at(exchange: Exchange, price: int, quantity: int = QUANTITY) -> None:
    """Somebody of the crowd trades through to `price`."""
    market = exchange.markets["BTCUSDT"]
    is_buy = price > market.last_price
    market.book.add(Resting(-price, CROWD, not is_buy, price, quantity))
    sweep = market.book.take(is_buy, market.book.available(is_buy, price, 1 << 62), price)
    exchange.take_from_outside(market, is_buy, 1, sweep.matches)
    exchange.advance(exchange.now_ns)


def money(exchange: Exchange) -> tuple[int, int, int, int]:
    usdt, btc = exchange.ledger.balance(1, "USDT"), exchange.ledger.balance(1, "BTC")
    return usdt.free, usdt.locked, btc.free, btc.locked


@pytest.mark.parametrize("is_buy", [False, True])
def test_a_list_locks_its_money_once(exchange: Exchange, log: Log, is_buy: bool) -> None:
    """Only one of the two orders can ever spend it; the dearer one decides. A cancel of one cancels both."""
    group = exchange.place_list(1, pair(exchange, is_buy), "mine")
    stop = group.orders[1]
    if is_buy:
        assert exchange.ledger.balance(1, "USDT").locked == notional(stop.stop_price, QUANTITY)
    else:
        assert exchange.ledger.balance(1, "BTC").locked == QUANTITY
    assert log.lines == [("mine", "EXECUTING"), ("t", "NEW"), ("s", "NEW")]
    exchange.cancel(1, "BTCUSDT", group.orders[1].order_id, None)
    assert [order.status for order in group.orders] == ["CANCELED", "CANCELED"]
    assert [order.name for order in group.orders] == ["t", "s"]
    assert money(exchange) == (FUNDS, 0, UNIT, 0)
    assert log.lines[-1] == ("mine", "ALL_DONE")
    assert not exchange.open_orders(1)


def test_the_target_is_filled_and_the_stop_expires(exchange: Exchange, log: Log) -> None:
    """The price rises to the target: sold there once, and the stop is gone for good."""
    group = exchange.place_list(1, pair(exchange), "mine")
    target, stop = group.orders
    trade_at(exchange, target.price + BTC.tick)
    assert (target.status, stop.status) == ("FILLED", "EXPIRED")
    assert log.lines[3:] == [("s", "EXPIRED"), ("t", "TRADE"), ("mine", "ALL_DONE")]
    trade_at(exchange, stop.stop_price - 1_000 * BTC.tick)
    assert stop.filled == 0
    usdt, locked, btc, locked_btc = money(exchange)
    assert (locked, btc, locked_btc) == (0, UNIT - QUANTITY, 0)
    assert usdt == FUNDS + notional(target.price, QUANTITY) * 999 // 1000


def test_a_part_of_the_target_is_enough(exchange: Exchange) -> None:
    """The first part of a fill ends the stop; the rest of the target keeps working and keeps its lock."""
    group = exchange.place_list(1, pair(exchange), "mine")
    target, stop = group.orders
    market = exchange.markets["BTCUSDT"]
    ahead = market.book.available(True, target.price - BTC.tick, 1 << 62)
    sweep = market.book.take(True, ahead + market.book.asks.totals[target.price] - QUANTITY // 2, target.price)
    exchange.take_from_outside(market, True, 1, sweep.matches)
    assert (target.status, stop.status) == ("PARTIALLY_FILLED", "EXPIRED")
    assert group.is_open
    assert exchange.ledger.balance(1, "BTC").locked == target.unfilled == target.locked
    exchange.cancel(1, "BTCUSDT", target.order_id, None)
    assert exchange.ledger.balance(1, "BTC").locked == 0


@pytest.mark.parametrize("is_buy", [False, True])
def test_the_stop_triggers_and_the_target_is_out_of_the_book_before(exchange: Exchange, is_buy: bool) -> None:
    """The price goes the wrong way: one market order, and nothing left in the book."""
    group = exchange.place_list(1, pair(exchange, is_buy), "mine")
    target, stop = group.orders
    trade_at(exchange, stop.stop_price + (1 if is_buy else -1) * BTC.tick)
    assert (target.status, stop.status) == ("EXPIRED", "FILLED")
    assert not exchange.markets["BTCUSDT"].book.cancel(target)
    assert exchange.ledger.balance(1, "USDT").locked == exchange.ledger.balance(1, "BTC").locked == 0


def test_prices_on_the_wrong_side_are_refused(exchange: Exchange) -> None:
    """Target below or stop above the last price of a sale: refused whole, and nothing is locked."""
    for away in (-5_000, 0):
        with pytest.raises(Refusal, match="relationship of the prices"):
            exchange.place_list(1, pair(exchange, away=away))
    target, stop = pair(exchange)
    with pytest.raises(Refusal, match="Unsupported order combination"):
        exchange.place_list(1, (target, target))
    stop.client_order_id = "t"
    with pytest.raises(Refusal, match="Duplicate"):
        exchange.place_list(1, (target, stop))
    assert money(exchange) == (FUNDS, 0, UNIT, 0)
    assert not exchange.orders(1, "BTCUSDT")


def test_a_list_needs_the_money_once(exchange: Exchange) -> None:
    """All there is may be sold by a list; a second one finds nothing."""
    first = pair(exchange)
    for leg in first:
        leg.quantity = UNIT
    exchange.place_list(1, first)
    second = pair(exchange)
    for leg, name in zip(second, ("t2", "s2"), strict=True):
        leg.client_order_id = name
    with pytest.raises(Refusal, match="insufficient balance"):
        exchange.place_list(1, second)


@pytest.mark.parametrize("is_buy", [False, True])
def test_a_trailing_stop_follows_and_never_turns_back(exchange: Exchange, is_buy: bool) -> None:
    """One per cent behind the best price since it was placed, to the last digit."""
    sign = -1 if is_buy else 1
    order = exchange.place(1, NewOrder("BTCUSDT", is_buy, "STOP_LOSS", QUANTITY, trailing_bips=100))
    best = (last(exchange) + sign * 20_000 * BTC.tick) // 10_000_000 * 10_000_000
    trade_at(exchange, best)
    assert order.extreme == best
    reached = best * (10_000 - sign * 100) // 10_000
    trade_at(exchange, reached + sign * BTC.tick)
    assert order.status == "NEW"
    assert order.extreme == best
    trade_at(exchange, reached)
    assert order.status == "FILLED"


def test_a_trailing_stop_waits_for_its_activation_price(exchange: Exchange) -> None:
    """With a stop price it follows from there on, as the venue documents it."""
    activation = last(exchange) + 20_000 * BTC.tick
    order = exchange.place(
        1, NewOrder("BTCUSDT", False, "TAKE_PROFIT", QUANTITY, trailing_bips=20, stop_price=activation)
    )
    trade_at(exchange, last(exchange) - 15_000 * BTC.tick)
    assert (order.status, order.extreme) == ("NEW", 0)
    trade_at(exchange, activation)
    assert order.extreme == activation
    exchange.markets["BTCUSDT"].book.add(Resting(-1, CROWD, True, last(exchange) // 2, UNIT))
    trade_at(exchange, activation * 998 // 1000 // BTC.tick * BTC.tick)
    assert order.status == "FILLED"


def test_an_iceberg_shows_a_part_and_goes_to_the_end_when_it_is_refilled(exchange: Exchange) -> None:
    """A tenth is in the book; when it is gone the next tenth stands behind everyone who came in the meantime."""
    book = exchange.markets["BTCUSDT"].book
    best = book.bids.best()
    assert best is not None
    price = best + BTC.tick if best + BTC.tick < (book.asks.best() or 0) else best - 7 * BTC.tick
    before = book.bids.totals.get(price, 0)
    order = exchange.place(
        1, NewOrder("BTCUSDT", True, "LIMIT", QUANTITY, price=price, iceberg_quantity=QUANTITY // 10)
    )
    assert book.bids.totals[price] - before == QUANTITY // 10
    later = Resting(-1, CROWD, True, price, QUANTITY)
    book.add(later)
    take = book.available(False, price, 1 << 62)
    sweep = book.take(False, take, price)
    exchange.take_from_outside(exchange.markets["BTCUSDT"], False, 1, sweep.matches)
    mine = [index for index, match in enumerate(sweep.matches) if match.maker is order]
    assert [match.maker for match in sweep.matches][mine[0] + 1] is later or order.filled == QUANTITY // 10
    assert (order.filled, order.remaining, order.hidden) == (QUANTITY // 10, QUANTITY // 10, QUANTITY * 8 // 10)
    assert order.remaining + order.hidden == order.unfilled
    exchange.cancel(1, "BTCUSDT", order.order_id, None)
    assert exchange.ledger.balance(1, "USDT").locked == 0


def test_filters_of_icebergs_and_trailing_stops(exchange: Exchange) -> None:
    """More than ten parts, or a distance out of range: refused by the filter's name."""
    price = last(exchange) * 9 // 10 // BTC.tick * BTC.tick
    with pytest.raises(Refusal, match="ICEBERG_PARTS"):
        exchange.place(
            1, NewOrder("BTCUSDT", True, "LIMIT", QUANTITY, price=price, iceberg_quantity=QUANTITY * 9 // 100)
        )
    for bips in (9, 2_001):
        with pytest.raises(Refusal, match="TRAILING_DELTA"):
            exchange.place(1, NewOrder("BTCUSDT", False, "STOP_LOSS", QUANTITY, trailing_bips=bips))


def test_lists_icebergs_and_trailing_stops_survive_the_process(tmp_path: Path) -> None:
    """Killed and started again: one list of two, a trailing stop's best price, what an iceberg hides, one lock."""
    path = tmp_path / "state.db"
    store = SqliteStore(path)
    exchange, _ = open_exchange(3, START_NS, 1.0, UserStreams(), store)
    group = exchange.place_list(1, pair(exchange, away=500_000), "mine")
    price = (last(exchange) - 500_000 * BTC.tick) // BTC.tick * BTC.tick
    hiding = NewOrder("BTCUSDT", True, "LIMIT", QUANTITY, price=price, iceberg_quantity=QUANTITY // 5)
    iceberg = exchange.place(1, hiding)
    trailing = exchange.place(1, NewOrder("BTCUSDT", False, "STOP_LOSS", QUANTITY, trailing_bips=2_000))
    best, before = trailing.extreme, money(exchange)
    store.close()

    store = SqliteStore(path)
    again, _ = open_exchange(3, exchange.now_ns, 1.0, UserStreams(), store)
    assert money(again) == before
    (found,) = again.order_lists(1)
    assert (found.list_id, found.client_id, found.is_open) == (group.list_id, "mine", True)
    assert [order.order_id for order in found.orders] == [order.order_id for order in group.orders]
    order = again.find(1, "BTCUSDT", iceberg.order_id, None)
    assert (order.display, order.remaining, order.hidden) == (QUANTITY // 5, QUANTITY // 5, QUANTITY * 4 // 5)
    assert again.find(1, "BTCUSDT", trailing.order_id, None).extreme >= best
    again.cancel(1, "BTCUSDT", found.orders[0].order_id, None)
    assert not found.is_open
    again.cancel(1, "BTCUSDT", trailing.order_id, None)
    assert again.ledger.balance(1, "BTC").locked == 0
    store.close()
