"""The exchange itself: accounts, orders and markets, with a clock that only moves when it is told to.

It knows no sockets and no wall clock, so a server drives it in real time and a test drives it as fast as it
likes. Everything is decided inside `advance` and the calls of the accounts; what happened is told to one
`Listener` and written to one `Store`, in this order: decide, store, tell.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from itertools import count
from typing import Protocol

from octopus_desktop.simulator import filters
from octopus_desktop.simulator.book import CROWD, Match, Resting
from octopus_desktop.simulator.crowd import STEP_NS, Crowd, Took, step_of
from octopus_desktop.simulator.errors import (
    Refusal,
    duplicate_order,
    insufficient_balance,
    invalid_symbol,
    no_such_order,
    nothing_to_cancel,
    would_take,
    would_trigger,
)
from octopus_desktop.simulator.ledger import HOUSE, Ledger
from octopus_desktop.simulator.listings import LISTINGS, Listing
from octopus_desktop.simulator.market import Market, Print
from octopus_desktop.simulator.orders import LIMIT_TYPES, STP_MODES, TRIGGER_TYPES, Execution, NewOrder, Order
from octopus_desktop.simulator.path import GENESIS_S, Path
from octopus_desktop.simulator.units import SECOND_NS, UNIT, notional

MAKER_FEE_BPS = 10
TAKER_FEE_BPS = 10


class Listener(Protocol):
    """Who is told. Called in the order in which things happen."""

    def on_order(self, order: Order, kind: str, execution: Execution | None) -> None:
        """`kind` is the venue's execution type: NEW, TRADE, CANCELED, EXPIRED, REPLACED."""

    def on_balances(self, account: int, assets: list[str]) -> None: ...

    def on_deposit(self, account: int, asset: str, amount: int) -> None: ...


class Store(Protocol):
    """Where what belongs to accounts is kept. `commit` returns when it would survive the process."""

    def save_order(self, order: Order) -> None: ...
    def save_execution(self, account: int, execution: Execution) -> None: ...
    def save_balance(self, account: int, asset: str, free: int, locked: int) -> None: ...
    def commit(self) -> None: ...


class Exchange:
    """All markets and all accounts at one moment, `now_ns` (UTC)."""

    def __init__(
        self,
        seed: int,
        start_ns: int,
        *,
        listings: Iterable[Listing] = LISTINGS,
        activity: float = 1.0,
        listener: Listener | None = None,
        store: Store | None = None,
    ) -> None:
        if start_ns < (GENESIS_S + 86_400) * SECOND_NS:
            raise ValueError("the market begins on 2019-01-02")
        self.seed = seed
        self.listener = listener
        self.store = store
        self._step = step_of(start_ns)
        # On a step's edge, so that the same start means the same market to the nanosecond.
        self.now_ns = self.start_ns = GENESIS_S * SECOND_NS + self._step * STEP_NS
        self.ledger = Ledger()
        self._activity = activity
        self._ids = count((self.now_ns // SECOND_NS - GENESIS_S) * 6_000)
        self.markets: dict[str, Market] = {}
        self._crowds: dict[str, Crowd] = {}
        self._open: dict[int, dict[int, Order]] = {}
        self._by_client_id: dict[tuple[int, str, str], Order] = {}
        self._orders: dict[int, dict[int, Order]] = {}
        self._executions: dict[int, list[Execution]] = {}
        self._triggers: dict[str, list[Order]] = {}
        self._agenda: list[tuple[int, int, str, bool]] = []
        self._agenda_step = self._step - 1
        self._touched = False
        for listing in listings:
            path = Path(seed, listing)
            market = self.markets[listing.symbol] = Market(listing, path, self.now_ns)
            self._crowds[listing.symbol] = Crowd(
                seed, path, market.book, self.now_ns, self._ids.__next__, self._taker_of(market), activity
            )
            self._triggers[listing.symbol] = []

    def _taker_of(self, market: Market) -> Took:
        def took(is_buy: bool, order_id: int, matches: list[Match], ts_ns: int) -> None:
            self._trade(market, is_buy, None, order_id, matches)
            self._fire(market)

        return took

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, known_until_s: int = 0) -> None:
        """Open the markets: books are filled, and what accounts left resting stands in them already.

        `known_until_s` is the Unix second up to which an earlier life of the market is on record.
        """
        now_s = self.now_ns // SECOND_NS
        for symbol, market in self.markets.items():
            crowd = self._crowds[symbol]
            reference, _ = crowd.look(self._step)
            tick = market.listing.tick
            market.last_price = round(reference * UNIT / tick) * tick
            market.history.go_live(now_s, market.last_price, known_until_s)
            if known_until_s:
                self._make_up(market, known_until_s, now_s)
            crowd.open_book(self._step, self.now_ns)
            self._fire(market)
        self._settle_up()

    def sleep_until(self, to_ns: int) -> None:
        """Let time pass without living it, as when the machine was asleep: a restart without the restart."""
        from_s = self.now_ns // SECOND_NS
        self._step = step_of(to_ns)
        self._agenda_step = self._step - 1
        self._agenda.clear()
        self.now_ns = max(self.now_ns, to_ns)
        for crowd in self._crowds.values():
            crowd.leave()
        self.open(from_s)

    def advance(self, to_ns: int) -> None:
        """Let the market live until `to_ns`. Never goes back; what is due happens at its own moment."""
        agenda = self._agenda
        while True:
            step_start = GENESIS_S * SECOND_NS + self._step * STEP_NS
            if self._agenda_step < self._step:
                if step_start > to_ns:
                    break
                self._agenda_step = self._step
                self.now_ns = max(self.now_ns, step_start)
                for order, (symbol, crowd) in enumerate(self._crowds.items()):
                    makers_at, takers_at = crowd.plan(self._step, step_start)
                    heapq.heappush(agenda, (makers_at, order, symbol, True))
                    for at in takers_at:
                        heapq.heappush(agenda, (at, order, symbol, False))
            while agenda and agenda[0][0] <= to_ns:
                self.now_ns, _, symbol, is_maker = heapq.heappop(agenda)
                crowd = self._crowds[symbol]
                (crowd.requote if is_maker else crowd.taker)(self._step, self.now_ns)
            if step_start + STEP_NS > to_ns:
                break
            self._step += 1
        self.now_ns = max(self.now_ns, to_ns)
        now_s = self.now_ns // SECOND_NS
        for market in self.markets.values():
            market.history.roll(now_s, market.last_price)
        self._settle_up()

    def _make_up(self, market: Market, from_s: int, to_s: int) -> None:
        """Fill what the market has passed while nobody was there to see it: at its own price, as a maker.

        Triggers the price has passed in that time are left to the first price now.
        """
        if to_s <= from_s:
            return
        low, high = market.history.extremes(from_s, to_s)
        for orders in list(self._open.values()):
            for order in list(orders.values()):
                if order.symbol != market.listing.symbol or not order.triggered:
                    continue
                if order.price > low if order.is_buy else order.price < high:
                    market.book.cancel(order)
                    quantity, order.remaining = order.remaining, 0
                    buyer, seller = (order.order_id, 0) if order.is_buy else (0, order.order_id)
                    one = Print(market.next_trade_id, order.price, quantity, self.now_ns, order.is_buy, buyer, seller)
                    market.next_trade_id += 1
                    self._settle(market, not order.is_buy, None, order, one)

    # ── accounts ─────────────────────────────────────────────────────────────────────────────────────────

    def market(self, symbol: str) -> Market:
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

    def validate(self, account: int, request: NewOrder) -> Market:
        """Everything that can be said against an order before it is one. Raises Refusal."""
        market = self.market(request.symbol)
        triggers = sum(1 for order in self._triggers[request.symbol] if order.owner == account)
        filters.check(
            market.listing,
            request,
            average=market.average_price(self.now_ns),
            open_orders=len(self.open_orders(account, request.symbol)),
            trigger_orders=triggers,
        )
        if request.stp not in STP_MODES:
            raise Refusal(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")
        same = self._by_client_id.get((account, request.symbol, request.client_order_id))
        if same is not None and same.is_open:
            raise duplicate_order()
        if request.type == "LIMIT_MAKER" and self._crosses(market, request.is_buy, request.price):
            raise would_take()
        if request.type in TRIGGER_TYPES and self._is_triggered(
            market, Order(0, account, request, 0).rises_to_trigger, request.stop_price
        ):
            raise would_trigger()
        asset, amount = self._needs(market, request)
        if amount > self.ledger.balance(account, asset).free:
            raise insufficient_balance()
        return market

    def place(self, account: int, request: NewOrder) -> Order:
        """Accept an order and match it. Raises Refusal where it is not accepted."""
        market = self.validate(account, request)
        order = Order(next(self._ids), account, request, self.now_ns)
        if not order.client_order_id:
            order.client_order_id = f"sim{order.order_id:x}"
        self._register(order)
        if order.type in LIMIT_TYPES or order.type in TRIGGER_TYPES:
            asset, amount = self._needs(market, request)
            self.ledger.lock(account, asset, amount)
            order.locked = amount
        self._tell(order, "NEW")
        if order.triggered:
            self._work(market, order)
        else:
            self._triggers[order.symbol].append(order)
        self._fire(market)
        self._settle_up()
        return order

    def cancel(
        self, account: int, symbol: str, order_id: int | None, client_order_id: str | None, new_id: str = ""
    ) -> Order:
        """Raises Refusal −2011 where there is nothing open by that name."""
        try:
            order = self.find(account, symbol, order_id, client_order_id)
        except Refusal as error:
            raise nothing_to_cancel() from error
        if not order.is_open or (order_id is not None and client_order_id and order.client_order_id != client_order_id):
            raise nothing_to_cancel()
        order.original_client_id = order.client_order_id
        order.client_order_id = new_id or f"sim{next(self._ids):x}"
        self._withdraw(order)
        self._close(order, "CANCELED")
        self._settle_up()
        return order

    def keep_priority(self, account: int, order: Order, quantity: int, new_id: str) -> None:
        """Make an order smaller without losing its place. Raises Refusal −2038 where it would not shrink."""
        if not order.is_open or order.owner != account:
            raise nothing_to_cancel()
        market = self.market(order.symbol)
        smaller = order.quantity - quantity
        if smaller <= 0 or quantity <= order.filled or quantity % market.listing.lot:
            raise Refusal(-2038, "The requested action would change the order quantity to an invalid value.")
        freed = smaller if not order.is_buy else notional(order.price, smaller)
        order.original_client_id = order.client_order_id
        self._by_client_id.pop((account, order.symbol, order.client_order_id), None)
        order.client_order_id = new_id or f"sim{next(self._ids):x}"
        self._by_client_id[account, order.symbol, order.client_order_id] = order
        order.quantity = quantity
        if order.triggered:
            market.book.reduce(order, order.remaining - smaller)
        else:
            order.remaining -= smaller
        order.locked -= freed
        self.ledger.unlock(account, self._spent_asset(order), freed)
        order.updated_ns = self.now_ns
        self._tell(order, "REPLACED")
        self._settle_up()

    def restore(self, order: Order, executions: list[Execution]) -> None:
        """Take an order back from the store, before `open`. Balances are restored by themselves."""
        self._register(order)
        order.executions = executions
        if order.is_open:
            if order.triggered:
                self.market(order.symbol).book.add(order)
            else:
                self._triggers[order.symbol].append(order)

    def restore_executions(self, account: int, executions: list[Execution]) -> None:
        self._executions[account] = executions

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _register(self, order: Order) -> None:
        self._orders.setdefault(order.owner, {})[order.order_id] = order
        if order.is_open:
            self._open.setdefault(order.owner, {})[order.order_id] = order
        self._by_client_id[order.owner, order.symbol, order.name] = order

    def _spent_asset(self, order: Order) -> str:
        listing = self.markets[order.symbol].listing
        return listing.quote if order.is_buy else listing.base

    def _needs(self, market: Market, request: NewOrder) -> tuple[str, int]:
        """What an order may cost: the asset, and the amount to have free."""
        listing = market.listing
        if not request.is_buy:
            if request.quantity:
                return listing.base, request.quantity
            best = market.book.bids.best() or market.last_price
            return listing.base, request.quote_quantity * UNIT // best
        if request.quote_quantity:
            return listing.quote, request.quote_quantity
        price = request.price or request.stop_price
        if price:
            return listing.quote, notional(price, request.quantity)
        return listing.quote, market.book.cost(True, request.quantity)

    def _crosses(self, market: Market, is_buy: bool, price: int) -> bool:
        best = market.book.asks.best() if is_buy else market.book.bids.best()
        return best is not None and (price >= best if is_buy else price <= best)

    @staticmethod
    def _is_triggered(market: Market, rises: bool, stop_price: int) -> bool:
        return market.last_price >= stop_price if rises else market.last_price <= stop_price

    def _work(self, market: Market, order: Order) -> None:
        """Match an order that has become active; what is left rests, or expires as its type says."""
        book, is_limit = market.book, order.type in LIMIT_TYPES
        limit = order.price if is_limit else None
        if order.time_in_force == "FOK" and is_limit:
            reachable = book.available(order.is_buy, limit, order.quantity)
            if reachable < order.quantity:
                self._close(order, "EXPIRED", "INSUFFICIENT_LIQUIDITY")
                return
        budget = order.quote_quantity or None
        if not is_limit:
            # What a trigger had set aside was an estimate; a buy may use whatever is free, and no more.
            self._release(order)
            if order.is_buy and budget is None:
                budget = self.ledger.balance(order.owner, self._spent_asset(order)).free
        wanted = order.remaining
        if order.quote_quantity:
            wanted = market.listing.max_quantity * 1_000
            if not order.is_buy:
                free = self.ledger.balance(order.owner, market.listing.base).free
                wanted = min(wanted, free // market.listing.lot * market.listing.lot)
        sweep = book.take(
            order.is_buy, wanted, limit, budget=budget, lot=market.listing.lot, owner=order.owner, stp=order.stp
        )
        if order.quote_quantity:  # now its quantity is known
            order.quantity = sum(match.quantity for match in sweep.matches)
        self._trade(market, order.is_buy, order, order.order_id, sweep.matches)
        for maker in sweep.prevented:
            assert isinstance(maker, Order)
            self._close(maker, "EXPIRED_IN_MATCH")
        if order.status == "FILLED":
            return
        if sweep.taker_expires:
            self._close(order, "EXPIRED_IN_MATCH")
        elif not is_limit or order.time_in_force in ("IOC", "FOK"):
            self._close(order, "EXPIRED", "" if is_limit else "INSUFFICIENT_LIQUIDITY")
        else:
            book.add(order)

    def _trade(self, market: Market, is_buy: bool, taker: Order | None, taker_id: int, matches: list[Match]) -> None:
        """Make matches public, move the money, and tell the accounts on either side."""
        if not matches:
            return
        prints = market.print_matches(is_buy, taker_id, matches, self.now_ns)
        for match, one in zip(matches, prints, strict=True):
            maker = match.maker
            if taker is None and maker.owner == CROWD:
                continue
            self._settle(market, is_buy, taker, maker, one)

    def _settle(self, market: Market, is_buy: bool, taker: Order | None, maker: Resting, one: Print) -> None:
        ledger, listing = self.ledger, market.listing
        maker_order = maker if isinstance(maker, Order) else None
        quote = notional(one.price, one.quantity)
        buyer, seller = (taker, maker_order) if is_buy else (maker_order, taker)
        for order, amount_at_limit in (
            (buyer, notional(buyer.price, one.quantity) if buyer else 0),
            (seller, one.quantity),
        ):
            if order is not None and order.locked:
                amount = min(order.locked, amount_at_limit)
                order.locked -= amount
                ledger.unlock(order.owner, self._spent_asset(order), amount)
        buyer_account = buyer.owner if buyer else CROWD
        seller_account = seller.owner if seller else CROWD
        ledger.transfer(buyer_account, seller_account, listing.quote, quote)
        ledger.transfer(seller_account, buyer_account, listing.base, one.quantity)
        for order, asset, received in ((buyer, listing.base, one.quantity), (seller, listing.quote, quote)):
            if order is None:
                continue
            is_maker = order is maker
            fee = received * (MAKER_FEE_BPS if is_maker else TAKER_FEE_BPS) // 10_000
            ledger.transfer(order.owner, HOUSE, asset, fee)
            self._fill(order, one, quote, fee, asset, is_maker)

    def _fill(self, order: Order, one: Print, quote: int, fee: int, asset: str, is_maker: bool) -> None:
        execution = Execution(
            trade_id=one.trade_id,
            order_id=order.order_id,
            symbol=order.symbol,
            is_buy=order.is_buy,
            price=one.price,
            quantity=one.quantity,
            quote_quantity=quote,
            commission=fee,
            commission_asset=asset,
            is_maker=is_maker,
            ts_ns=one.ts_ns,
        )
        order.executions.append(execution)
        self._executions.setdefault(order.owner, []).append(execution)
        order.filled += one.quantity
        order.filled_quote += quote
        order.updated_ns = self.now_ns
        if not is_maker:
            order.remaining = order.quantity - order.filled
        is_whole = order.filled == order.quantity
        order.status = "FILLED" if is_whole else "PARTIALLY_FILLED"
        if self.store is not None:
            self.store.save_execution(order.owner, execution)
        self._tell(order, "TRADE", execution)
        if is_whole:
            self._shut(order)

    def _withdraw(self, order: Order) -> None:
        """Take an order out of the book or from among the triggers."""
        if order.triggered:
            self.markets[order.symbol].book.cancel(order)
        else:
            self._triggers[order.symbol].remove(order)

    def _close(self, order: Order, status: str, reason: str = "") -> None:
        """End an order without a fill."""
        order.status = status
        order.reason = reason
        order.updated_ns = self.now_ns
        self._shut(order)
        self._tell(order, "CANCELED" if status == "CANCELED" else "EXPIRED")

    def _shut(self, order: Order) -> None:
        """What is true of every order that is over: nothing set aside, not among the open ones."""
        self._release(order)
        self._open.get(order.owner, {}).pop(order.order_id, None)
        if self.store is not None:
            self.store.save_order(order)
        self._touched = True

    def _release(self, order: Order) -> None:
        if order.locked:
            self.ledger.unlock(order.owner, self._spent_asset(order), order.locked)
            order.locked = 0

    def _fire(self, market: Market) -> None:
        """Activate every order whose trigger the last price has reached, until none is left."""
        triggers = self._triggers[market.listing.symbol]
        while triggers:
            due = [o for o in triggers if self._is_triggered(market, o.rises_to_trigger, o.stop_price)]
            if not due:
                return
            for order in due:
                triggers.remove(order)
                order.triggered = True
                order.working_ns = order.updated_ns = self.now_ns
                self._tell(order, "NEW")
                self._work(market, order)

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
