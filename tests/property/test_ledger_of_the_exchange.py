"""Money at the embedded exchange: whatever the accounts do, nothing is created and nothing is lost."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from octopus_desktop.simulator.errors import Refusal
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.ledger import Ledger, Overdraft
from octopus_desktop.simulator.listings import LISTINGS
from octopus_desktop.simulator.orders import LIMIT_TYPES, NewOrder
from octopus_desktop.simulator.units import SECOND_NS, UNIT, notional

START_NS = 1_795_244_400 * SECOND_NS
BTC = LISTINGS[0]

orders = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(
            (
                *("LIMIT", "LIMIT", "MARKET", "QUOTE", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"),
                *("OCO", "OCO", "ICEBERG", "TRAILING"),
            )
        ),
        "account": st.sampled_from((1, 2)),
        "is_buy": st.booleans(),
        "lots": st.integers(10, 60_000),
        "ticks": st.integers(-4_000, 4_000),
        "tif": st.sampled_from(("GTC", "GTC", "IOC", "FOK")),
        "stp": st.sampled_from(("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")),
        "cancel": st.booleans(),
        "wait_ms": st.sampled_from((0, 100, 400, 3_000)),
    }
)


def _place(exchange: Exchange, account: int, step: dict[str, object]) -> None:
    if step["kind"] != "OCO":
        exchange.place(account, _request(exchange, step))
        return
    limit, stop = (_request(exchange, {**step, "kind": kind}) for kind in ("LIMIT_MAKER", "STOP_LOSS"))
    last = exchange.markets[BTC.symbol].last_price
    away = max(1, abs(int(str(step["ticks"])) // 100)) * BTC.tick * (-1 if limit.is_buy else 1)
    limit.price, stop.stop_price = last + away, last - away
    exchange.place_list(account, (limit, stop))


def _request(exchange: Exchange, step: dict[str, object]) -> NewOrder:
    last = exchange.markets[BTC.symbol].last_price
    near = last + int(str(step["ticks"])) * BTC.tick
    kind, quantity = str(step["kind"]), int(str(step["lots"])) * BTC.lot
    sent = {"QUOTE": "MARKET", "ICEBERG": "LIMIT", "TRAILING": "STOP_LOSS"}.get(kind, kind)
    request = NewOrder(BTC.symbol, bool(step["is_buy"]), sent, stp=str(step["stp"]))
    if kind == "QUOTE":
        request.quote_quantity = notional(last, quantity)
    else:
        request.quantity = quantity
    if kind == "ICEBERG":
        request.iceberg_quantity = -(-int(str(step["lots"])) // 5) * BTC.lot
    if kind == "TRAILING":
        request.trailing_bips = 10
    if sent in LIMIT_TYPES:
        request.price = near
    if kind in ("LIMIT", "STOP_LOSS_LIMIT"):
        request.time_in_force = str(step["tif"])
    if kind.startswith(("STOP", "TAKE")):
        request.stop_price = near
    return request


@settings(max_examples=60, deadline=None)
@given(st.lists(orders, min_size=1, max_size=25))
def test_every_asset_sums_to_zero_and_what_is_locked_is_what_open_orders_hold(steps: list[dict[str, object]]) -> None:
    """After each order, fill and cancel: no negative balance, locked money belongs to open orders, sums hold."""
    exchange = Exchange(3, START_NS, listings=LISTINGS[:1])
    exchange.open()
    for account in (1, 2):
        exchange.deposit(account, "USDT", 20_000 * UNIT)
        exchange.deposit(account, "BTC", UNIT // 2)
    for step in steps:
        account = int(str(step["account"]))
        # Too dear, off a filter, or crossing where it must not: nothing may have moved then.
        with suppress(Refusal):
            _place(exchange, account, step)
        found = exchange.open_orders(account)
        if step["cancel"] and found:
            exchange.cancel(account, BTC.symbol, found[0].order_id, None)
        exchange.advance(exchange.now_ns + int(str(step["wait_ms"])) * 1_000_000)
        _check(exchange)


def _check(exchange: Exchange) -> None:
    ledger = exchange.ledger
    for asset in ("BTC", "USDT"):
        assert ledger.total(asset) == 0
        for account in (1, 2):
            balance = ledger.balance(account, asset)
            held = sum(order.locked for order in exchange.open_orders(account) if (asset == "USDT") == order.is_buy)
            assert balance.free >= 0
            assert balance.locked == held
    for account in (1, 2):
        bought = paid = 0
        for fill in exchange.executions(account, BTC.symbol):
            sign = 1 if fill.is_buy else -1
            bought += sign * fill.quantity - (fill.commission if fill.commission_asset == "BTC" else 0)
            paid += sign * fill.quote_quantity + (fill.commission if fill.commission_asset == "USDT" else 0)
        base, quote = ledger.balance(account, "BTC"), ledger.balance(account, "USDT")
        assert base.free + base.locked == UNIT // 2 + bought
        assert quote.free + quote.locked == 20_000 * UNIT - paid
        for order in exchange.orders(account, BTC.symbol):
            mine = [f for f in exchange.executions(account, BTC.symbol) if f.order_id == order.order_id]
            assert order.filled == sum(fill.quantity for fill in mine)
            assert order.filled <= order.quantity
            assert order.is_open or not order.locked
            if order.is_open and order.triggered:
                assert order.remaining + order.hidden == order.unfilled
        for group in exchange.order_lists(account):
            assert sum(order.filled > 0 for order in group.orders) <= 1, "both orders of a list were executed"
            assert not any(group.others(order) for order in group.orders if order.filled)
    book = exchange.markets[BTC.symbol].book
    bid, ask = book.bids.best(), book.asks.best()
    assert bid is not None
    assert ask is not None
    assert bid < ask


@given(
    st.lists(
        st.tuples(st.sampled_from(("lock", "unlock", "pay", "deposit")), st.sampled_from((1, 2)), st.integers(-5, 500)),
        max_size=40,
    )
)
def test_the_ledger_refuses_what_is_not_there(steps: list[tuple[str, int, int]]) -> None:
    """No account can spend or lock more than it has, and a refused movement moves nothing."""
    ledger = Ledger()
    for kind, account, amount in steps:
        other = 3 - account
        balance = ledger.balance(account, "USDT")
        before = (balance.free, balance.locked)
        try:
            match kind:
                case "lock":
                    ledger.lock(account, "USDT", amount)
                case "unlock":
                    ledger.unlock(account, "USDT", amount)
                case "pay":
                    ledger.transfer(account, other, "USDT", amount)
                case _:
                    ledger.transfer(0, account, "USDT", amount)
        except Overdraft:
            assert (balance.free, balance.locked) == before
        assert ledger.total("USDT") == 0
        assert all(min(ledger.balance(a, "USDT").free, ledger.balance(a, "USDT").locked) >= 0 for a in (1, 2))
