"""The exchange's state file on a disk that is full for a while, and when its bytes are damaged."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from octopus_desktop.config.paths import set_aside
from octopus_desktop.simulator.account_store import StateFileDamaged, StateFileError
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.main import ACCOUNT, open_exchange
from octopus_desktop.simulator.orders import Execution, NewOrder, Order, OrderList
from octopus_desktop.simulator.store import SqliteStore
from octopus_desktop.simulator.units import SECOND_NS, UNIT
from octopus_desktop.simulator.user_streams import UserStreams

START_NS = 1_795_244_400 * SECOND_NS


class Told:
    """In place of the account's streams."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.assets: list[str] = []

    def on_order(self, order: Order, kind: str, execution: Execution | None) -> None:
        self.orders.append(kind)

    def on_list(self, group: OrderList) -> None: ...

    def on_balances(self, account: int, assets: list[str]) -> None:
        self.assets += assets

    def on_deposit(self, account: int, asset: str, amount: int) -> None: ...


@contextmanager
def full(store: SqliteStore) -> Iterator[None]:
    """Not a page more fits on the disk; each write is refused, and SQLite rolls back by itself."""
    (most,) = store._db.execute("PRAGMA max_page_count").fetchone()
    store._db.execute("PRAGMA max_page_count = 1").fetchone()  # no less than there are
    yield
    with contextlib.suppress(sqlite3.ProgrammingError):  # it was closed meanwhile
        store._db.execute(f"PRAGMA max_page_count = {most}").fetchone()


def a_traded_account(exchange: Exchange) -> None:
    """A hundred orders, of which half are filled: more than fits into the pages there are."""
    market = exchange.markets["BTCUSDT"]
    tick = market.listing.tick
    for number in range(100):
        if number % 2:
            exchange.place(ACCOUNT, NewOrder("BTCUSDT", bool(number & 2), "MARKET", quantity=UNIT // 1_000))
        else:
            price = market.last_price * 8 // 10 // tick * tick - number * tick
            exchange.place(ACCOUNT, NewOrder("BTCUSDT", True, "LIMIT", quantity=UNIT // 1_000, price=price))


def test_a_disk_full_for_a_while_loses_nothing_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While it is full orders work and are told; once it has room the file has all that happened meanwhile, once."""
    path = tmp_path / "state"
    store = SqliteStore(path)
    exchange, _ = open_exchange(1, START_NS, 1.0, UserStreams(), store)
    told = exchange.listener = Told()
    with full(store), caplog.at_level(logging.WARNING):
        a_traded_account(exchange)
        assert told.orders.count("TRADE") >= 50
        assert {"BTC", "USDT"} <= set(told.assets)  # pushed, though they could not be stored
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert f"{path} cannot be written" in caplog.text
    with caplog.at_level(logging.WARNING):
        caplog.clear()
        victim = exchange.open_orders(ACCOUNT)[0]
        exchange.cancel(ACCOUNT, "BTCUSDT", victim.order_id, None)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
    expected = {order.order_id: (order.status, order.filled) for order in exchange.orders(ACCOUNT, "BTCUSDT")}
    fills = exchange.executions(ACCOUNT, "BTCUSDT")
    ledger = {asset: exchange.ledger.balance(ACCOUNT, asset) for asset in exchange.ledger.assets(ACCOUNT)}
    store._db.close()  # as kill -9 leaves it: nothing is written at the end

    store = SqliteStore(path)
    assert {order.order_id: (order.status, order.filled) for order in store.orders()} == expected
    assert [fill for _, fill in store.executions()] == fills
    assert {asset: (free, locked) for _, asset, free, locked in store.balances()} == {
        asset: (balance.free, balance.locked) for asset, balance in ledger.items()
    }
    store.close()


def test_a_disk_that_is_full_at_the_end_of_a_session_ends_it_all_the_same(tmp_path: Path) -> None:
    """Closing raises nothing: there is nobody left who could do anything about it."""
    store = SqliteStore(tmp_path / "state")
    exchange, _ = open_exchange(1, START_NS, 1.0, UserStreams(), store)
    with full(store):
        a_traded_account(exchange)
        assert store._unwritten
        store.close()


@pytest.mark.parametrize("at", [0, 5_000])
def test_a_damaged_state_file_is_set_aside_whole(tmp_path: Path, at: int) -> None:
    """Damage at its head or in the middle is noticed when it is opened; the bytes are kept under another name."""
    path = tmp_path / "exchange.db"
    store = SqliteStore(path)
    open_exchange(1, START_NS, 1.0, UserStreams(), store)
    store.close()
    broken = bytearray(path.read_bytes())
    broken[at : at + 3_000] = b"\xff" * 3_000
    path.write_bytes(broken)
    with pytest.raises(StateFileDamaged, match=r"exchange\.db is damaged, or not a state file \(.*\)\. Move it away"):
        SqliteStore(path)
    assert path.read_bytes() == broken
    aside = [set_aside(path)]
    path.write_bytes(b"another")
    aside.append(set_aside(path))
    assert not path.exists()
    assert [one.read_bytes() for one in aside] == [broken, b"another"]
    assert all(one.name.startswith("exchange.db.damaged-") for one in aside)
    SqliteStore(path).close()


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    """A folder in its place is not "in use": the sentence says what is wrong, and ends."""
    with pytest.raises(StateFileError, match=r"cannot be written \(.*\): .*\.$") as told:
        SqliteStore(tmp_path)
    assert not isinstance(told.value, StateFileDamaged)
