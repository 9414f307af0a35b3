"""Orders at the embedded exchange, in process: what each type and time in force does to book and balances."""

from __future__ import annotations

import pytest

from octopus_desktop.simulator.errors import Refusal
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.listings import LISTINGS
from octopus_desktop.simulator.orders import Execution, NewOrder, Order
from octopus_desktop.simulator.units import SECOND_NS, UNIT, notional, spelled, to_units

START_NS = 1_795_244_400 * SECOND_NS
BTC = LISTINGS[0]
USD = UNIT


class Log:
    """A listener that writes everything down."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def on_order(self, order: Order, kind: str, execution: Execution | None) -> None:
        self.lines.append((kind, order.status))

    def on_balances(self, account: int, assets: list[str]) -> None:
        self.lines.append(("balances", ",".join(sorted(assets))))

    def on_deposit(self, account: int, asset: str, amount: int) -> None:
        self.lines.append(("deposit", asset))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def exchange(log: Log) -> Exchange:
    exchange = Exchange(3, START_NS, listings=LISTINGS[:1], listener=log)
    exchange.open()
    exchange.deposit(1, "USDT", 100_000 * USD)
    exchange.deposit(1, "BTC", UNIT)
    log.lines.clear()
    return exchange


def bid(exchange: Exchange) -> int:
    best = exchange.markets["BTCUSDT"].book.bids.best()
    assert best is not None
    return best


def ask(exchange: Exchange) -> int:
    best = exchange.markets["BTCUSDT"].book.asks.best()
    assert best is not None
    return best


def buy(kind: str, **fields: object) -> NewOrder:
    return NewOrder(**({"symbol": "BTCUSDT", "is_buy": True, "type": kind, "quantity": UNIT // 100} | fields))  # type: ignore[arg-type]


def test_a_resting_order_locks_its_cost_and_a_cancel_gives_it_back(exchange: Exchange, log: Log) -> None:
    """A buy below the market locks price × quantity; canceling frees all of it."""
    price = bid(exchange) - 100 * BTC.tick
    order = exchange.place(1, buy("LIMIT", price=price))
    cost = notional(price, UNIT // 100)
    usdt = exchange.ledger.balance(1, "USDT")
    assert (order.status, usdt.locked, usdt.free) == ("NEW", cost, 100_000 * USD - cost)
    exchange.cancel(1, "BTCUSDT", order.order_id, None)
    assert (order.status, usdt.locked, usdt.free) == ("CANCELED", 0, 100_000 * USD)
    assert log.lines == [("NEW", "NEW"), ("balances", "USDT"), ("CANCELED", "CANCELED"), ("balances", "USDT")]


def test_a_taker_pays_the_book_and_a_tenth_of_a_percent_of_what_it_receives(exchange: Exchange, log: Log) -> None:
    """A marketable limit buy fills at the ask, not at its limit, and pays its fee in the coin."""
    best = ask(exchange)
    order = exchange.place(1, buy("LIMIT", price=best + 500 * BTC.tick))
    assert order.status == "FILLED"
    assert order.executions[0].price == best
    assert sum(fill.commission for fill in order.executions) == UNIT // 100 // 1000
    assert exchange.ledger.balance(1, "BTC").free == UNIT + UNIT // 100 - UNIT // 100 // 1000
    assert exchange.ledger.balance(1, "USDT").locked == 0
    assert exchange.ledger.balance(1, "USDT").free == 100_000 * USD - order.filled_quote
    assert log.lines[0] == ("NEW", "NEW")
    assert log.lines[-2:] == [("TRADE", "FILLED"), ("balances", "BTC,USDT")]


def test_spending_a_sum_of_money_fills_in_whole_lots(exchange: Exchange) -> None:
    """A market buy for 500 USDT ends filled, spends no more, and less than a lot's price remains."""
    order = exchange.place(1, buy("MARKET", quantity=0, quote_quantity=500 * USD))
    assert order.status == "FILLED"
    assert order.quantity == order.filled
    assert order.filled % BTC.lot == 0
    assert 0 <= 500 * USD - order.filled_quote < notional(ask(exchange), BTC.lot) * 2


def test_the_market_fills_a_resting_order_in_its_turn(exchange: Exchange) -> None:
    """An order at the touch waits behind what was there, then is filled as maker at its own price."""
    book = exchange.markets["BTCUSDT"].book
    price = ask(exchange)
    ahead = list(book.asks.levels[price])
    order = exchange.place(1, buy("LIMIT", is_buy=False, price=price))
    assert list(book.asks.levels[price]) == [*ahead, order.order_id]
    for _ in range(3_000):
        exchange.advance(exchange.now_ns + SECOND_NS // 10)
        if not order.is_open:
            break
    assert order.status == "FILLED"
    assert all(fill.is_maker and fill.price == price for fill in order.executions)
    assert order.filled_quote == notional(price, order.quantity)


def test_immediate_or_cancel_takes_what_is_there_and_expires(exchange: Exchange) -> None:
    """IOC beyond the first level's quantity fills that level and expires with the rest unlocked."""
    best = ask(exchange)
    there = exchange.markets["BTCUSDT"].book.asks.totals[best]
    exchange.deposit(1, "USDT", 10_000_000 * USD)
    order = exchange.place(1, buy("LIMIT", price=best, quantity=there + BTC.lot * 100, time_in_force="IOC"))
    assert (order.status, order.filled) == ("EXPIRED", there)
    assert exchange.ledger.balance(1, "USDT").locked == 0


def test_fill_or_kill_takes_all_or_nothing(exchange: Exchange) -> None:
    """FOK for more than the book has at the limit trades nothing."""
    best = ask(exchange)
    there = exchange.markets["BTCUSDT"].book.asks.totals[best]
    exchange.deposit(1, "USDT", 10_000_000 * USD)
    killed = exchange.place(1, buy("LIMIT", price=best, quantity=there + BTC.lot, time_in_force="FOK"))
    assert (killed.status, killed.filled) == ("EXPIRED", 0)
    filled = exchange.place(1, buy("LIMIT", price=best, quantity=there, time_in_force="FOK"))
    assert filled.status == "FILLED"


def test_a_maker_only_order_is_refused_if_it_would_take(exchange: Exchange) -> None:
    """LIMIT_MAKER at the ask is refused; at the bid it rests."""
    with pytest.raises(Refusal, match="immediately match") as refused:
        exchange.place(1, buy("LIMIT_MAKER", price=ask(exchange)))
    assert refused.value.code == -2010
    assert exchange.place(1, buy("LIMIT_MAKER", price=bid(exchange))).status == "NEW"


@pytest.mark.parametrize(
    ("kind", "is_buy", "direction"),
    [("STOP_LOSS", False, -1), ("STOP_LOSS", True, 1), ("TAKE_PROFIT", False, 1), ("TAKE_PROFIT", True, -1)],
)
def test_a_trigger_waits_for_its_price_and_then_trades(
    exchange: Exchange, kind: str, is_buy: bool, direction: int
) -> None:
    """A stop fires on the far side of the market, a take-profit on the near side, and not before."""
    market = exchange.markets["BTCUSDT"]
    stop = market.last_price + direction * 3_000 * BTC.tick
    order = exchange.place(1, buy(kind, is_buy=is_buy, stop_price=stop))
    assert (order.status, order.triggered) == ("NEW", False)
    for _ in range(36_000):
        exchange.advance(exchange.now_ns + SECOND_NS // 10)
        if order.triggered:
            break
        assert (market.last_price - stop) * direction < 0
    assert order.status == "FILLED"


def test_a_trigger_already_reached_is_refused(exchange: Exchange) -> None:
    """A sell stop above the market would fire at once, and is refused."""
    above = exchange.markets["BTCUSDT"].last_price + 1_000 * BTC.tick
    with pytest.raises(Refusal, match="trigger immediately"):
        exchange.place(1, buy("STOP_LOSS", is_buy=False, stop_price=above))


def test_a_stop_limit_rests_once_triggered(exchange: Exchange) -> None:
    """A sell stop-limit with its limit far above the trigger becomes a resting limit order."""
    market = exchange.markets["BTCUSDT"]
    stop = market.last_price - 200 * BTC.tick
    limit = market.last_price + 100_000 * BTC.tick
    order = exchange.place(1, buy("STOP_LOSS_LIMIT", is_buy=False, stop_price=stop, price=limit))
    for _ in range(36_000):
        exchange.advance(exchange.now_ns + SECOND_NS // 10)
        if order.triggered:
            break
    assert order.status == "NEW"
    assert order.order_id in market.book.asks.levels[limit]


def test_a_client_order_id_is_unique_among_open_orders(exchange: Exchange) -> None:
    """A second order of the same name is refused while the first is open, and accepted after."""
    low = bid(exchange) - 1_000 * BTC.tick
    exchange.place(1, buy("LIMIT", price=low, client_order_id="mine"))
    with pytest.raises(Refusal, match="Duplicate order sent") as refused:
        exchange.place(1, buy("LIMIT", price=low, client_order_id="mine"))
    assert refused.value.code == -2010
    exchange.cancel(1, "BTCUSDT", None, "mine")
    assert exchange.place(1, buy("LIMIT", price=low, client_order_id="mine")).status == "NEW"


def test_what_is_not_there_can_not_be_spent(exchange: Exchange) -> None:
    """An order beyond the free balance is refused and locks nothing."""
    for request in (
        buy("LIMIT", price=bid(exchange), quantity=2 * UNIT),
        buy("LIMIT", is_buy=False, price=ask(exchange), quantity=2 * UNIT),
        buy("MARKET", quantity=2 * UNIT),
        buy("MARKET", quantity=0, quote_quantity=200_000 * USD),
    ):
        with pytest.raises(Refusal, match="insufficient balance"):
            exchange.place(1, request)
    assert exchange.ledger.balance(1, "USDT").locked == 0


def test_an_amended_order_keeps_its_place(exchange: Exchange) -> None:
    """Shrinking an order frees the difference and leaves it where it stood in the queue."""
    price = bid(exchange) - 7 * BTC.tick
    first = exchange.place(1, buy("LIMIT", price=price))
    second = exchange.place(1, buy("LIMIT", price=price))
    exchange.keep_priority(1, first, UNIT // 200, "smaller")
    queue = list(exchange.markets["BTCUSDT"].book.bids.levels[price])
    assert queue.index(first.order_id) < queue.index(second.order_id)
    assert first.locked == notional(price, UNIT // 200)
    assert exchange.find(1, "BTCUSDT", None, "smaller") is first


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"price": to_units("60000.001")}, "PRICE_FILTER"),
        ({"price": to_units("1")}, "PERCENT_PRICE_BY_SIDE"),
        ({"quantity": to_units("0.000001")}, "LOT_SIZE"),
        ({"quantity": to_units("0.000015")}, "LOT_SIZE"),
        ({"quantity": to_units("0.00001")}, "NOTIONAL"),
        ({"type": "MARKET", "price": 0, "quantity": to_units("200")}, "MARKET_LOT_SIZE"),
        ({"type": "MARKET", "price": 0, "quantity": 0, "quote_quantity": to_units("1")}, "NOTIONAL"),
    ],
)
def test_filters_refuse_by_name(exchange: Exchange, fields: dict[str, object], name: str) -> None:
    """Each filter answers −1013 with its own name."""
    request = buy("LIMIT", price=bid(exchange))
    for field, value in fields.items():
        setattr(request, field, value)
    with pytest.raises(Refusal, match=f"Filter failure: {name}$") as refused:
        exchange.place(1, request)
    assert refused.value.code == -1013


def test_only_so_many_orders_and_triggers_at_once(exchange: Exchange) -> None:
    """The 201st open order and the 6th trigger are refused."""
    low = bid(exchange) - 5_000 * BTC.tick
    for number in range(5):
        exchange.place(1, buy("STOP_LOSS", is_buy=False, stop_price=low, quantity=UNIT // 1000 + number * BTC.lot))
    with pytest.raises(Refusal, match="MAX_NUM_ALGO_ORDERS"):
        exchange.place(1, buy("STOP_LOSS", is_buy=False, stop_price=low, quantity=UNIT // 1000))
    for _ in range(195):
        exchange.place(1, buy("LIMIT", price=low, quantity=UNIT // 1000))
    with pytest.raises(Refusal, match="MAX_NUM_ORDERS"):
        exchange.place(1, buy("LIMIT", price=low, quantity=UNIT // 1000))


def test_amounts_are_spelled_and_read_exactly() -> None:
    """Eight decimals out and in, nothing rounded, nonsense refused."""
    for text in ("0.00000001", "67000.01000000", "92233720368.54775807"):
        assert spelled(to_units(text)) == text
    assert spelled(-to_units("1.5")) == "-1.50000000"
    for text in ("0.000000001", "NaN", "Infinity", "one", ""):
        with pytest.raises(ValueError, match=r"number|decimals"):
            to_units(text)


def test_fees_in_the_exchanges_own_coin(log: Log) -> None:
    """Paid in BNB, at a quarter less, while there is any; then in what was received, as ever. The sums hold."""
    exchange = Exchange(3, START_NS, listings=LISTINGS[:4], listener=log)
    exchange.open()
    exchange.deposit(1, "USDT", 100_000 * USD)
    exchange.deposit(1, "BNB", UNIT // 1000)
    exchange.fee_payers[1] = ("BNB", "BNBUSDT")
    first = exchange.place(1, buy("MARKET"))
    value = notional(first.executions[0].price, first.executions[0].quantity) // 1000 * 3 // 4
    price = exchange.markets["BNBUSDT"].last_price
    assert {fill.commission_asset for fill in first.executions} == {"BNB"}
    assert first.executions[0].commission == pytest.approx(value * UNIT / price, rel=1e-3)
    assert exchange.ledger.balance(1, "BTC").free == first.filled
    second = exchange.place(1, buy("MARKET", quantity=UNIT // 10))
    assert second.executions[-1].commission_asset == "BTC"
    assert exchange.ledger.balance(1, "BNB").free >= 0
    for asset in ("BTC", "USDT", "BNB"):
        assert exchange.ledger.total(asset) == 0
