"""Who has what: accounts with their orders, lists of orders, fills and balances, kept and told about.

It knows no clock: whoever owns it says what time it is. What happened is told to one `Listener` and written to one
`Store`, in this order: decide, store, tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from octopus_desktop.simulator.account_store import AccountStore
from octopus_desktop.simulator.book import CROWD, Book, Match, Print
from octopus_desktop.simulator.errors import invalid_symbol, no_such_list, no_such_order
from octopus_desktop.simulator.filters import Rules
from octopus_desktop.simulator.ledger import Ledger
from octopus_desktop.simulator.orders import Execution, Order, OrderList


class Listener(Protocol):
    """Who is told. Called in the order in which things happen."""

    def on_order(self, order: Order, kind: str, execution: Execution | None) -> None:
        """`kind` is the venue's execution type: NEW, TRADE, CANCELED, EXPIRED, REPLACED."""

    def on_list(self, group: OrderList) -> None:
        """It was placed, or it is over."""

    def on_balances(self, account: int, assets: list[str]) -> None: ...

    def on_deposit(self, account: int, asset: str, amount: int) -> None: ...


class Store(Protocol):
    """Where what belongs to accounts is kept. `commit` returns when it would survive the process."""

    def save_order(self, order: Order) -> None: ...
    def save_execution(self, account: int, execution: Execution) -> None: ...
    def save_balance(self, account: int, asset: str, free: int, locked: int) -> None: ...
    def commit(self) -> None: ...


class TradedMarket(Protocol):
    """What the matching engine needs of a market."""

    @property
    def listing(self) -> Rules: ...
    @property
    def book(self) -> Book: ...

    last_price: int

    def average_price(self, now_ns: int) -> int: ...

    def print_matches(self, is_buy: bool, taker_id: int, matches: list[Match], ts_ns: int) -> list[Print]:
        """Make a taker's matches public: one print each, and the last price."""
        ...


M = TypeVar("M", bound=TradedMarket)


class Accounts(Generic[M]):
    """All accounts at one moment, `now_ns` (UTC), in the markets that are listed."""

    def __init__(self, now_ns: int, ids: Iterator[int], listener: Listener | None, store: Store | None) -> None:
        self.now_ns = now_ns
        self.listener = listener
        self.store = store
        self.ledger = Ledger()
        self.markets: dict[str, M] = {}
        self._ids = ids
        self._open: dict[int, dict[int, Order]] = {}
        self._by_client_id: dict[tuple[int, str, str], Order] = {}
        self._orders: dict[int, dict[int, Order]] = {}
        self._lists: dict[int, dict[int, OrderList]] = {}
        self._executions: dict[int, list[Execution]] = {}
        self._triggers: dict[str, list[Order]] = {}
        self._touched = False
        self.reopened_ns = 0
        """No account's fill is of a time before: it had been told how it stood until the exchange went away."""
        self.fee_payers: dict[int, tuple[str, str]] = {}
        """Accounts that pay fees in the exchange's own coin: the coin, and the market that prices it."""

    def list_market(self, market: M) -> None:
        self.markets[market.listing.symbol] = market
        self._triggers[market.listing.symbol] = []

    def market(self, symbol: str) -> M:
        """Raises Refusal −1121 where there is none."""
        found = self.markets.get(symbol)
        if found is None:
            raise invalid_symbol()
        return found

    def deposit(self, account: int, asset: str, amount: int) -> None:
        """Money from outside: the crowd's, so that nothing is created."""
        self.ledger.transfer(CROWD, account, asset, amount)
        if self.listener is not None:
            self.listener.on_deposit(account, asset, amount)
        self._touched = True
        self._settle_up()

    def open_orders(self, account: int, symbol: str | None = None) -> list[Order]:
        """Oldest first."""
        orders = self._open.get(account, {}).values()
        return [order for order in orders if symbol is None or order.symbol == symbol]

    def orders(self, account: int, symbol: str) -> list[Order]:
        """Every order of the account in one instrument, oldest first."""
        return [order for order in self._orders.get(account, {}).values() if order.symbol == symbol]

    def executions(self, account: int, symbol: str) -> list[Execution]:
        """Every fill of the account in one instrument, oldest first."""
        return [fill for fill in self._executions.get(account, ()) if fill.symbol == symbol]

    def find(self, account: int, symbol: str, order_id: int | None, client_order_id: str | None) -> Order:
        """Raises Refusal −2013 where the account has no such order."""
        order: Order | None
        if order_id is not None:
            order = self._orders.get(account, {}).get(order_id)
        else:
            order = self._by_client_id.get((account, symbol, client_order_id or ""))
        if order is None or order.symbol != symbol:
            raise no_such_order()
        return order

    def order_lists(self, account: int) -> list[OrderList]:
        """Every list of the account, oldest first."""
        return list(self._lists.get(account, {}).values())

    def find_list(self, account: int, list_id: int | None, client_id: str | None) -> OrderList:
        """The newest of that name. Raises Refusal −2013 where the account has none."""
        lists = self._lists.get(account, {})
        found = lists.get(list_id) if list_id is not None else None
        if list_id is None:
            found = next((one for one in reversed(lists.values()) if one.client_id == client_id), None)
        if found is None:
            raise no_such_list()
        return found

    def restore_all(self, store: AccountStore) -> None:
        """Take everything back from the store, before anything is traded."""
        for account, asset, free, locked in store.balances():
            self.ledger.restore(account, asset, free, locked)
        by_order: dict[int, list[Execution]] = {}
        for account, execution in store.executions():
            by_order.setdefault(execution.order_id, []).append(execution)
            self._executions.setdefault(account, []).append(execution)
        for order in store.orders():
            self.restore(order, by_order.get(order.order_id, []))

    def restore(self, order: Order, executions: list[Execution]) -> None:
        """Take an order back from the store, before `open`. Balances are restored by themselves."""
        self._register(order)
        order.executions = executions
        if order.list_id >= 0:
            lists = self._lists.setdefault(order.owner, {})
            known = lists.get(order.list_id)
            others = known.orders if known is not None else []
            lists[order.list_id] = OrderList(order.list_id, order.list_client_id, [*others, order])
        if order.is_open:
            if order.triggered:
                self.market(order.symbol).book.add(order)
            else:
                self._triggers[order.symbol].append(order)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _register(self, order: Order) -> None:
        self._orders.setdefault(order.owner, {})[order.order_id] = order
        if order.is_open:
            self._open.setdefault(order.owner, {})[order.order_id] = order
        self._by_client_id[order.owner, order.symbol, order.name] = order

    def _spent_asset(self, order: Order) -> str:
        listing = self.markets[order.symbol].listing
        return listing.quote if order.is_buy else listing.base

    def _release(self, order: Order) -> None:
        if order.locked:
            self.ledger.unlock(order.owner, self._spent_asset(order), order.locked)
            order.locked = 0

    def _tell(self, order: Order, kind: str, execution: Execution | None = None) -> None:
        self._touched = True
        if self.store is not None:
            self.store.save_order(order)
        if self.listener is not None:
            self.listener.on_order(order, kind, execution)

    def _settle_up(self) -> None:
        """After anything that concerned an account: balances to the store, commit, then tell."""
        if not self._touched:
            return
        self._touched = False
        changed: dict[int, list[str]] = {}
        for account, asset in self.ledger.take_changed():
            changed.setdefault(account, []).append(asset)
            if self.store is not None:
                balance = self.ledger.balance(account, asset)
                self.store.save_balance(account, asset, balance.free, balance.locked)
        if self.store is not None:
            self.store.commit()
        if self.listener is not None:
            for account, assets in changed.items():
                self.listener.on_balances(account, assets)
