"""The matching engine: orders are checked, placed, matched, triggered, settled and canceled, single or in lists.

It knows no clock and no crowd: whoever owns it keeps the books and tells it when somebody else took from them.
"""

from __future__ import annotations

from octopus_desktop.simulator import filters
from octopus_desktop.simulator.accounts import Accounts, M
from octopus_desktop.simulator.book import CROWD, Match, Print, Resting
from octopus_desktop.simulator.errors import (
    FilterFailure,
    Refusal,
    bad_combination,
    bad_prices,
    duplicate_order,
    insufficient_balance,
    nothing_to_cancel,
    would_take,
    would_trigger,
)
from octopus_desktop.simulator.ledger import HOUSE
from octopus_desktop.simulator.orders import (
    LIMIT_TYPES,
    STP_MODES,
    TRIGGER_TYPES,
    Execution,
    NewOrder,
    Order,
    OrderList,
)
from octopus_desktop.simulator.units import UNIT, notional

_PROFIT_TYPES = frozenset(("LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"))
_STOP_TYPES = frozenset(("STOP_LOSS", "STOP_LOSS_LIMIT"))


class Matching(Accounts[M]):
    """What accounts may do, and what becomes of it when somebody trades."""

    def take_from_outside(self, market: M, is_buy: bool, order_id: int, matches: list[Match]) -> None:
        """Somebody who is no account has taken from the book: settle the accounts' part, and fire triggers."""
        self._trade(market, is_buy, None, order_id, matches)
        self._fire(market)

    # ── accounts ─────────────────────────────────────────────────────────────────────────────────────────

    def validate(self, account: int, request: NewOrder) -> M:
        """Everything that can be said against an order before it is one. Raises Refusal."""
        market = self.check(account, request)
        self._check_funds(account, *self._needs(market, request))
        return market

    def check_filters(self, account: int, request: NewOrder) -> M:
        """The instrument's rules alone. Raises FilterFailure."""
        market = self.market(request.symbol)
        triggers = sum(1 for order in self._triggers[request.symbol] if order.owner == account)
        filters.check(
            market.listing,
            request,
            average=market.average_price(self.now_ns),
            open_orders=len(self.open_orders(account, request.symbol)),
            trigger_orders=triggers,
        )
        return market

    def check(self, account: int, request: NewOrder) -> M:
        """As `validate`, whatever the account has. Raises Refusal."""
        market = self.check_filters(account, request)
        if request.stp not in STP_MODES:
            raise Refusal(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")
        same = self._by_client_id.get((account, request.symbol, request.client_order_id))
        if same is not None and same.is_open:
            raise duplicate_order()
        if request.type == "LIMIT_MAKER" and self._crosses(market, request.is_buy, request.price):
            raise would_take()
        if request.stop_price and Order(0, account, request, 0).reaches_stop(market.last_price):
            raise would_trigger()
        return market

    def _check_funds(self, account: int, asset: str, amount: int) -> None:
        if amount > self.ledger.balance(account, asset).free:
            raise insufficient_balance()

    def place(self, account: int, request: NewOrder) -> Order:
        """Accept an order and match it. Raises Refusal where it is not accepted."""
        market = self.validate(account, request)
        order = self._accept(market, account, request)
        if order.type in LIMIT_TYPES or order.type in TRIGGER_TYPES:
            self._lock(order, *self._needs(market, request))
        self._tell(order, "NEW")
        self._start(market, order)
        self._fire(market)
        self._settle_up()
        return order

    def place_list(self, account: int, requests: tuple[NewOrder, NewOrder], client_id: str = "") -> OrderList:
        """Accept two orders of which the execution of one ends the other. Raises Refusal where neither is accepted."""
        self._check_list(account, requests, client_id)
        market = self.market(requests[0].symbol)
        asset, amount = max(self._needs(market, request) for request in requests)
        self._check_funds(account, asset, amount)
        orders = [self._accept(market, account, request) for request in requests]
        list_id = next(self._ids)
        group = OrderList(list_id, client_id or f"sim{list_id:x}", orders)
        self._lists.setdefault(account, {})[list_id] = group
        # One of the two holds what the list locks: only one of them will ever spend it.
        self._lock(orders[0], asset, amount)
        if self.listener is not None:
            self.listener.on_list(group)
        for order in orders:
            self._tell(order, "NEW")
        for order in orders:
            self._start(market, order)
        self._settle_up()
        return group

    def _check_list(self, account: int, requests: tuple[NewOrder, NewOrder], client_id: str) -> None:
        profit = next((one for one in requests if one.type in _PROFIT_TYPES), None)
        stop = next((one for one in requests if one.type in _STOP_TYPES), None)
        if profit is None or stop is None:
            raise bad_combination()
        last = self.market(profit.symbol).last_price
        low, high = profit.price or profit.stop_price, stop.stop_price
        if not profit.is_buy:
            low, high = high, low
        if (low and low >= last) or (high and high <= last):
            raise bad_prices()
        mine = [one for one in self.order_lists(account) if one.is_open]
        names = [request.client_order_id for request in requests if request.client_order_id]
        if len(names) != len(set(names)) or any(client_id and one.client_id == client_id for one in mine):
            raise duplicate_order()
        if sum(one.symbol == profit.symbol for one in mine) >= filters.MAX_ORDER_LISTS:
            raise FilterFailure("MAX_NUM_ORDER_LISTS")
        for request in requests:
            self.check(account, request)

    def _accept(self, market: M, account: int, request: NewOrder) -> Order:
        order = Order(next(self._ids), account, request, self.now_ns)
        if not order.client_order_id:
            order.client_order_id = f"sim{order.order_id:x}"
        if request.trailing_bips and not request.stop_price:
            order.extreme, order.tracking_ns = market.last_price, self.now_ns
        self._register(order)
        return order

    def _lock(self, order: Order, asset: str, amount: int) -> None:
        self.ledger.lock(order.owner, asset, amount)
        order.locked = amount

    def _start(self, market: M, order: Order) -> None:
        """Let an accepted order work, or wait for its trigger."""
        if order.triggered:
            self._work(market, order)
            return
        self._triggers[order.symbol].append(order)

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
        self._cancel(order, new_id)
        self._settle_up()
        return order

    def cancel_list(self, account: int, list_id: int | None, client_id: str | None, new_id: str = "") -> OrderList:
        """Raises Refusal −2011 where no such list is open."""
        try:
            group = self.find_list(account, list_id, client_id)
        except Refusal as error:
            raise nothing_to_cancel() from error
        first = next((order for order in group.orders if order.is_open), None)
        if first is None:
            raise nothing_to_cancel()
        self._cancel(first, new_id)
        self._settle_up()
        return group

    def _cancel(self, order: Order, new_id: str) -> None:
        for one in (order, *(order.group.others(order) if order.group is not None else ())):
            one.original_client_id = one.client_order_id
            one.client_order_id = new_id or f"sim{next(self._ids):x}"
        self._withdraw(order)
        self._close(order, "CANCELED")

    def keep_priority(self, account: int, order: Order, quantity: int, new_id: str) -> None:
        """Make an order smaller without losing its place. Raises Refusal −2038 where it would not shrink."""
        if not order.is_open or order.owner != account or order.group is not None:
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
        shown = min(order.remaining, order.unfilled)
        order.hidden = order.unfilled - shown if order.triggered else 0
        if order.triggered:
            market.book.reduce(order, shown)
        else:
            order.remaining = shown
        order.locked -= freed
        self.ledger.unlock(account, self._spent_asset(order), freed)
        order.updated_ns = self.now_ns
        self._tell(order, "REPLACED")
        self._settle_up()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _needs(self, market: M, request: NewOrder) -> tuple[str, int]:
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
        if not price and request.trailing_bips:
            price = market.last_price * (10_000 + request.trailing_bips) // 10_000
        if price:
            return listing.quote, notional(price, request.quantity)
        return listing.quote, market.book.cost(True, request.quantity)

    def _crosses(self, market: M, is_buy: bool, price: int) -> bool:
        best = market.book.asks.best() if is_buy else market.book.bids.best()
        return best is not None and (price >= best if is_buy else price <= best)

    def _work(self, market: M, order: Order) -> None:
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
            order.remaining = min(order.display or order.unfilled, order.unfilled)
            order.hidden = order.unfilled - order.remaining
            book.add(order)
            if order.hidden and self.store is not None:
                self.store.save_order(order)

    def fill_resting(self, market: M, order: Order, quantity: int) -> None:
        """Somebody outside has traded with a resting order at its own price."""
        market.book.hit(order, quantity)
        self._trade(market, not order.is_buy, None, 0, [Match(order, order.price, quantity)])

    def _trade(self, market: M, is_buy: bool, taker: Order | None, taker_id: int, matches: list[Match]) -> None:
        """Make matches public, move the money, and tell the accounts on either side."""
        if not matches:
            return
        prints = market.print_matches(is_buy, taker_id, matches, self.now_ns)
        for match, one in zip(matches, prints, strict=True):
            maker = match.maker
            if taker is None and maker.owner == CROWD:
                continue
            self._settle(market, is_buy, taker, maker, one)

    def _settle(self, market: M, is_buy: bool, taker: Order | None, maker: Resting, one: Print) -> None:
        ledger, listing = self.ledger, market.listing
        maker_order = maker if isinstance(maker, Order) else None
        if maker_order is not None:
            self._outlive(maker_order)
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
            fee = received * (listing.maker_ppm if is_maker else listing.taker_ppm) // 1_000_000
            fee_asset = asset
            if order.owner in self.fee_payers:
                fee_asset, fee = self._discounted(order.owner, asset, fee, one.price if asset == listing.base else UNIT)
            ledger.transfer(order.owner, HOUSE, fee_asset, fee)
            self._fill(order, one, quote, fee, fee_asset, is_maker)

    def _discounted(self, account: int, asset: str, fee: int, price: int) -> tuple[str, int]:
        """The fee in the exchange's own coin, at a quarter less; as it is where the account has too little of it."""
        coin, symbol = self.fee_payers[account]
        market = self.markets.get(symbol)
        if asset != coin and market is not None and market.last_price:
            less = notional(price, fee) * UNIT // market.last_price * 3 // 4
            if less <= self.ledger.balance(account, coin).free:
                return coin, less
        return asset, fee

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
            ts_ns=max(one.ts_ns, self.reopened_ns),
        )
        order.executions.append(execution)
        self._executions.setdefault(order.owner, []).append(execution)
        order.filled += one.quantity
        order.filled_quote += quote
        order.updated_ns = max(self.now_ns, self.reopened_ns)
        if not is_maker:
            order.remaining = order.unfilled
        is_whole = order.filled == order.quantity
        order.status = "FILLED" if is_whole else "PARTIALLY_FILLED"
        if self.store is not None:
            self.store.save_execution(order.owner, execution)
        self._tell(order, "TRADE", execution)
        if is_whole:
            self._shut(order)

    def _outlive(self, order: Order) -> None:
        """An order of a list is executed: the others end before it, and what the list has locked is its own."""
        if order.group is None or not (others := order.group.others(order)):
            return
        for other in others:
            self._withdraw(other)
            order.locked += other.locked
            other.locked = 0
            self._close(other, "EXPIRED", with_list=False)
        asset, amount = self._needs(self.markets[order.symbol], order.request)
        if order.locked > amount:
            self.ledger.unlock(order.owner, asset, order.locked - amount)
            order.locked = amount

    def _withdraw(self, order: Order) -> None:
        """Take an order out of the book or from among the triggers."""
        if order.triggered:
            self.markets[order.symbol].book.cancel(order)
        else:
            self._triggers[order.symbol].remove(order)

    def _close(self, order: Order, status: str, reason: str = "", *, with_list: bool = True) -> None:
        """End an order without a fill, and with it the list it belongs to."""
        order.status = status
        order.reason = reason
        order.updated_ns = self.now_ns
        self._release(order)
        self._tell(order, "CANCELED" if status == "CANCELED" else "EXPIRED")
        if with_list and order.group is not None:
            for other in order.group.others(order):
                self._withdraw(other)
                self._close(other, status, reason, with_list=False)
        self._shut(order)

    def _shut(self, order: Order) -> None:
        """What is true of every order that is over: nothing set aside, not among the open ones."""
        self._release(order)
        self._open.get(order.owner, {}).pop(order.order_id, None)
        if self.store is not None:
            self.store.save_order(order)
        self._touched = True
        if order.group is not None and not order.group.is_open and self.listener is not None:
            self.listener.on_list(order.group)

    def _fire(self, market: M) -> None:
        """Activate every order whose trigger the last price has reached, until none is left."""
        triggers = self._triggers[market.listing.symbol]
        while triggers:
            due = [order for order in triggers if self._look(order, market.last_price)]
            if not due:
                return
            for order in due:
                if not order.is_open:
                    continue  # it went with its list a moment ago
                triggers.remove(order)
                order.triggered = True
                order.working_ns = order.updated_ns = self.now_ns
                self._outlive(order)
                self._tell(order, "NEW")
                self._work(market, order)

    def _look(self, order: Order, price: int) -> bool:
        before = order.extreme
        due = order.is_triggered_by(price)
        if order.extreme != before:
            if not before:
                order.tracking_ns = self.now_ns
            self._touched = True
            if self.store is not None:
                self.store.save_order(order)
        return due
