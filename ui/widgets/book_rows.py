"""What an order-book view shows: levels grouped by ticks, with cumulative quantities. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Level = tuple[float, float]  # price, quantity


class BookRow(NamedTuple):
    """One row: a (grouped) price, its quantity, and the sum from the touch to here."""

    price: float
    quantity: float
    cumulative: float
    own: float


@dataclass(frozen=True, slots=True)
class BookRows:
    """Rows of both sides, best first."""

    bids: tuple[BookRow, ...] = ()
    asks: tuple[BookRow, ...] = ()

    @property
    def highest_quantity(self) -> float:
        return max((row.quantity for row in (*self.bids, *self.asks)), default=0.0)

    @property
    def deepest(self) -> float:
        """The larger cumulative quantity of both sides, which every depth bar is measured by."""
        return max((side[-1].cumulative for side in (self.bids, self.asks) if side), default=0.0)


def book_rows(
    bids: Sequence[Level],
    asks: Sequence[Level],
    count: int,
    *,
    tick: float,
    group: int = 1,
    own: Mapping[float, float] | None = None,
) -> BookRows:
    """At most `count` rows a side from levels that come best first.

    A group of `group` ticks is named by its border away from the touch, bids down and asks up: what is
    bought to the end of a row costs no more than its price. `own` maps prices of own orders to quantities.
    """
    bid_rows = _side(bids, count, tick, group, up=False)
    ask_rows = _side(asks, count, tick, group, up=True)
    step = tick * group
    own = own or {}
    result = []
    for rows, up in ((bid_rows, False), (ask_rows, True)):
        edges = (rows[0][0] * step, rows[-1][0] * step) if rows else (0.0, 0.0)
        low, high = min(edges) - step, max(edges) + step
        near = {price: size for price, size in own.items() if low <= price <= high}
        own_rows = _own(near, tick, group, up=up)
        total, side = 0.0, []
        for number, quantity in rows:
            total += quantity
            side.append(BookRow(number * step, quantity, total, own_rows.get(number, 0.0)))
        result.append(tuple(side))
    return BookRows(*result)


def spread_text(best_bid: float, best_ask: float, tick: float) -> tuple[int, float]:
    """The spread in ticks, and in basis points of the mid."""
    spread = best_ask - best_bid
    mid = (best_ask + best_bid) / 2
    return round(spread / tick) if tick > 0 else 0, spread / mid * 10_000 if mid > 0 else 0.0


def _side(levels: Iterable[Level], count: int, tick: float, group: int, *, up: bool) -> list[tuple[int, float]]:
    rows: list[tuple[int, float]] = []
    for price, quantity in levels:
        number = _group_of(price, tick, group, up=up)
        if rows and rows[-1][0] == number:
            rows[-1] = (number, rows[-1][1] + quantity)
        elif len(rows) == count:
            break
        else:
            rows.append((number, quantity))
    return rows


def _own(own: Mapping[float, float], tick: float, group: int, *, up: bool) -> dict[int, float]:
    result: dict[int, float] = {}
    for price, quantity in own.items():
        number = _group_of(price, tick, group, up=up)
        result[number] = result.get(number, 0.0) + quantity
    return result


def _group_of(price: float, tick: float, group: int, *, up: bool) -> int:
    ticks = round(price / tick)
    return -(-ticks // group) if up else ticks // group
