"""The matching book against a book so simple that it is right by inspection."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from octopus_desktop.simulator.book import Book, Resting
from octopus_desktop.simulator.units import UNIT


class PlainBook:
    """A list of orders, searched from end to end for whoever is next by price, then by time."""

    def __init__(self) -> None:
        self.orders: list[list[int]] = []  # [id, is_buy, price, remaining], oldest first

    def take(self, is_buy: bool, quantity: int, limit: int | None) -> list[tuple[int, int, int]]:
        fills = []
        while quantity:
            others = [o for o in self.orders if bool(o[1]) != is_buy]
            if limit is not None:
                others = [o for o in others if (o[2] <= limit if is_buy else o[2] >= limit)]
            if not others:
                break
            best = min(o[2] for o in others) if is_buy else max(o[2] for o in others)
            first = next(o for o in others if o[2] == best)
            filled = min(quantity, first[3])
            fills.append((first[0], best, filled))
            first[3] -= filled
            quantity -= filled
            if not first[3]:
                self.orders.remove(first)
        return fills

    def depth(self, is_buy: bool) -> list[tuple[int, int]]:
        prices = {o[2] for o in self.orders if bool(o[1]) == is_buy}
        return [
            (price, sum(o[3] for o in self.orders if o[2] == price and bool(o[1]) == is_buy))
            for price in sorted(prices, reverse=is_buy)
        ]


def _taken(queue: list[list[int]], quantity: int, limit: int) -> list[tuple[int, int, int]]:
    """[id, price, shown, hidden, display] of sellers in time: the first gives what is shown, then queues anew."""
    fills = []
    while quantity and (within := [one for one in queue if one[1] <= limit]):
        first = min(within, key=lambda one: one[1])
        filled = min(quantity, first[2])
        fills.append((first[0], first[1], filled))
        quantity -= filled
        first[2] -= filled
        if not first[2]:
            queue.remove(first)
            if first[3]:
                first[2] = min(first[3], first[4])
                first[3] -= first[2]
                queue.append(first)
    return fills


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(98, 102), st.integers(1, 40), st.integers(1, 40)), max_size=12),
    st.lists(st.tuples(st.integers(97, 103), st.integers(1, 60)), max_size=12),
)
def test_icebergs_give_all_they_have_and_wait_behind_others_when_refilled(
    makers: list[tuple[int, int, int]], takers: list[tuple[int, int]]
) -> None:
    """Whatever is shown: a taker gets all there is at its price, and after each shown part the others have a turn."""
    book = Book()
    orders = []
    for number, (price, quantity, display) in enumerate(makers):
        order = Resting(number, 1, False, price, min(quantity, display))
        order.display, order.hidden = display, quantity - order.remaining
        book.add(order)
        orders.append(order)
    queue = [[o.order_id, o.price, o.remaining, o.hidden, o.display] for o in orders]
    for limit, quantity in takers:
        sweep = book.take(True, quantity, limit)
        assert [(m.maker.order_id, m.price, m.quantity) for m in sweep.matches] == _taken(queue, quantity, limit)
        assert dict(book.asks.depth(100)) == {
            price: total
            for price in {o.price for o in orders}
            if (total := sum(o.remaining for o in orders if o.price == price))
        }


limits = st.tuples(st.just("limit"), st.booleans(), st.integers(90, 110), st.integers(1, 50))
markets = st.tuples(st.just("market"), st.booleans(), st.just(0), st.integers(1, 120))
cancels = st.tuples(st.just("cancel"), st.booleans(), st.integers(0, 40), st.just(1))
shrinks = st.tuples(st.just("shrink"), st.booleans(), st.integers(0, 40), st.just(1))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(limits, limits, markets, cancels, shrinks), max_size=60))
def test_fills_go_by_price_then_time_and_nothing_is_lost(steps: list[tuple[str, bool, int, int]]) -> None:
    """Whoever offers the better price, and was there first, trades first; quantities add up; books never cross."""
    book, plain = Book(), PlainBook()
    alive: list[Resting] = []
    for number, (kind, is_buy, at, quantity) in enumerate(steps):
        before = book.update_id
        alive = [order for order in alive if order.remaining]
        if kind in ("limit", "market"):
            limit = at if kind == "limit" else None
            sweep = book.take(is_buy, quantity, limit)
            expected = plain.take(is_buy, quantity, limit)
            assert [(m.maker.order_id, m.price, m.quantity) for m in sweep.matches] == expected
            rest = quantity - sum(m.quantity for m in sweep.matches)
            assert rest >= 0
            if kind == "limit" and rest:
                order = Resting(number, 1, is_buy, at, rest)
                book.add(order)
                alive.append(order)
                plain.orders.append([number, is_buy, at, rest])
            assert book.update_id > before or (kind == "market" and not expected)
        elif alive:
            order = alive[at % len(alive)]
            if kind == "cancel":
                assert book.cancel(order)
                assert not book.cancel(order)
                alive.remove(order)
                plain.orders = [o for o in plain.orders if o[0] != order.order_id]
            elif order.remaining > 1:
                book.reduce(order, order.remaining // 2 or 1)
                next(o for o in plain.orders if o[0] == order.order_id)[3] = order.remaining
        bid, ask = book.bids.best(), book.asks.best()
        assert bid is None or ask is None or bid < ask
        assert book.bids.depth(1000) == plain.depth(True)
        assert book.asks.depth(1000) == plain.depth(False)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(90, 110), st.integers(1, 50)), max_size=20),
    st.integers(1, 10_000),
    st.integers(1, 7),
)
def test_a_budget_is_never_overspent_and_spent_as_far_as_it_goes(
    asks: list[tuple[int, int]], budget: int, lot: int
) -> None:
    """Buying for a sum of money spends at most that sum, in whole lots, and stops only short of one more lot."""
    book = Book()
    for number, (price, quantity) in enumerate(asks):
        book.add(Resting(number, 1, False, price * UNIT, quantity * lot))
    sweep = book.take(True, 10**9, None, budget=budget, lot=lot)
    spent = sum(m.price * m.quantity // UNIT for m in sweep.matches)
    assert spent <= budget
    assert all(m.quantity % lot == 0 for m in sweep.matches)
    best = book.asks.best()
    assert best is None or best * lot // UNIT > budget - spent


def _own_book() -> tuple[Book, Resting, Resting]:
    book = Book()
    mine, other = Resting(1, 7, False, 100, 10), Resting(2, 8, False, 100, 10)
    book.add(mine)
    book.add(other)
    return book, mine, other


def test_an_own_maker_expires_before_it_would_trade_with_its_owner() -> None:
    """With EXPIRE_MAKER the own resting order goes, and the taker trades with the next in line."""
    book, mine, other = _own_book()
    sweep = book.take(True, 10, 100, owner=7, stp="EXPIRE_MAKER")
    assert sweep.prevented == [mine]
    assert [(m.maker, m.quantity) for m in sweep.matches] == [(other, 10)]
    assert book.asks.best() is None


def test_an_own_taker_expires_before_it_would_trade_with_its_owner() -> None:
    """With EXPIRE_TAKER the taker stops at its own order; with EXPIRE_BOTH both go."""
    book, _, _ = _own_book()
    sweep = book.take(True, 10, 100, owner=7, stp="EXPIRE_TAKER")
    assert (sweep.matches, sweep.prevented, sweep.taker_expires) == ([], [], True)
    assert book.asks.totals[100] == 20
    book, mine, _ = _own_book()
    sweep = book.take(True, 10, 100, owner=7, stp="EXPIRE_BOTH")
    assert (sweep.matches, sweep.prevented, sweep.taker_expires) == ([], [mine], True)
    assert book.asks.totals[100] == 10
