"""Whether the stop covers what was filled: a bracket's orders by the exchange's own book, not by what is known here.

What its entry brought in and its exits have not taken out yet is under a stop, or leaving at a target, as soon as the
world has been well for a while; where it is not, the bracket says `unprotected` and why. Its exits never take out more
than its entry brought in, and never could, at any moment of any day.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from octopus_desktop.engine.algos.desk import KEEP
from octopus_desktop.model.algos import Algo, AlgoStatus, Bracket
from octopus_desktop.model.events import AlgoEnded
from octopus_desktop.model.identifiers import symbol_of
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.orders import Order
from octopus_desktop.state import State

WELL_S: Final = 30.0
"""An order whose answer was lost may be in doubt for half of this after the world is well again."""
COVERED_WITHIN_S: Final = 10.0
_EXITS: Final = ("stop", "target")
_UNIT: Final = Decimal("1e-8")


class Held(NamedTuple):
    """Of one bracket, at the exchange, in base currency."""

    room: Decimal
    """What came in less what has left."""
    stopped: Decimal
    """What open stops cover, alone or in a pair with a target."""
    leaving: Decimal
    """What open targets without a stop may still take."""

    @property
    def bare(self) -> Decimal:
        return self.room - self.stopped - self.leaving


class Protection:
    """`look` often: it remembers since when a bracket is not covered."""

    def __init__(self, account: int) -> None:
        self._account = account
        self._bare_since: dict[str, float] = {}
        self._told: set[str] = set()

    def look(self, exchange: Exchange, state: State, now_s: float, well_since: float | None) -> list[str]:
        """What is wrong, once."""
        found = []
        for algo, spec in _brackets(state):
            held = self._held(exchange, state, algo, spec)
            if held is None:
                continue
            if held.bare < 0 and not _amended_by_hand(state, algo):
                found += self._once(f"doubled: the exits of {algo.algo_id} may take more than came in: {held}")
            if not _must_cover(state, algo) or _is_dust(state, spec, held.bare) or _says_why(algo):
                self._bare_since.pop(algo.algo_id, None)
                continue
            since = self._bare_since.setdefault(algo.algo_id, now_s)
            well = well_since is not None and now_s - well_since >= WELL_S
            if well and now_s - since >= COVERED_WITHIN_S:
                found += self._once(f"lost: what {algo.algo_id} brought in is not protected: {held}, {algo.note!r}")
        return found

    def uncovered(self, exchange: Exchange, state: State) -> list[str]:
        """Now, in a world that has been well for long."""
        found = []
        for algo, spec in _brackets(state):
            held = self._held(exchange, state, algo, spec)
            if held is None or not _must_cover(state, algo) or _says_why(algo):
                continue
            if not _is_dust(state, spec, held.bare):
                found.append(f"lost: what {algo.algo_id} brought in is not protected: {held}, {algo.note!r}")
        return found

    def ended(self, exchange: Exchange, state: State, event: AlgoEnded) -> list[str]:
        """`event` was just applied: what is left behind is what the algo says."""
        algo = state.algos[event.algo_id]
        if not isinstance(algo.spec, Bracket) or not self._is_known(exchange, state, algo):
            return []
        held = self._held(exchange, state, algo, algo.spec)
        if held is None:
            return []
        if event.status is AlgoStatus.COMPLETED and not _is_dust(state, algo.spec, held.room):
            return [f"guessed: {algo.algo_id} says that it has left: {held}, {event.reason!r}"]
        kept = event.status is AlgoStatus.STOPPED and algo.memo.get(KEEP) == "1"
        if kept and not _is_dust(state, algo.spec, held.bare):
            return [f"lost: {algo.algo_id} ended and left behind what is not protected: {held}, {event.reason!r}"]
        return []

    def _held(self, exchange: Exchange, state: State, algo: Algo, spec: Bracket) -> Held | None:
        """None: the market of this life is not listed yet."""
        instrument = state.instruments.get(spec.instrument_id)
        if instrument is None:
            return None
        entered = left = stopped = leaving = 0
        lists: dict[int, list[tuple[str, Order]]] = {}
        for role, order in self._orders(exchange, state, algo):
            if role == "entry":
                entered += order.filled
                if order.is_buy:
                    entered -= sum(
                        one.commission for one in order.executions if one.commission_asset == instrument.base
                    )
                continue
            left += order.filled
            if order.is_open and order.list_id >= 0:
                lists.setdefault(order.list_id, []).append((role, order))
            elif order.is_open and role == "stop":
                stopped += order.unfilled
            elif order.is_open:
                leaving += order.unfilled
        for pair in lists.values():
            most = max(order.unfilled for _, order in pair)
            if any(role == "stop" for role, _ in pair):
                stopped += most
            else:
                leaving += most
        room = instrument.quantity(max(entered, 0) * _UNIT) - left * _UNIT
        return Held(room, stopped * _UNIT, leaving * _UNIT)

    def _orders(self, exchange: Exchange, state: State, algo: Algo) -> Iterator[tuple[str, Order]]:
        symbol = symbol_of(algo.spec.instrument_id)
        for name in algo.children:
            order = exchange._by_client_id.get((self._account, symbol, name))
            if order is not None:
                yield state.orders[name].intent.role, order

    def _is_known(self, exchange: Exchange, state: State, algo: Algo) -> bool:
        """Nothing has happened to its orders that is still on its way here."""
        symbol = symbol_of(algo.spec.instrument_id)
        for name in algo.children:
            there = exchange._by_client_id.get((self._account, symbol, name))
            if there is not None and there.is_open is state.orders[name].status.is_terminal:
                return False
        return True

    def _once(self, text: str) -> list[str]:
        kind = " ".join(text.split()[:6])
        if kind in self._told:
            return []
        self._told.add(kind)
        return [text]


def _brackets(state: State) -> Iterator[tuple[Algo, Bracket]]:
    for algo in state.algos.values():
        if isinstance(algo.spec, Bracket):
            yield algo, algo.spec


def _must_cover(state: State, algo: Algo) -> bool:
    """Not once it is over, its trader gave the protection up, or nothing but a cancel may leave."""
    if algo.status.is_over or state.level.level is TradingLevel.HALTED or state.entry_locked is not None:
        return False
    return algo.status is not AlgoStatus.STOPPING or algo.memo.get(KEEP) == "1"


def _says_why(algo: Algo) -> bool:
    return algo.note.startswith("unprotected: ") and "least order" not in algo.note


def _is_dust(state: State, spec: Bracket, quantity: Decimal) -> bool:
    instrument = state.instruments[spec.instrument_id]
    small = quantity < instrument.min_quantity
    return quantity <= 0 or small or quantity * (spec.stop_limit or spec.stop_trigger) < instrument.min_notional


def _amended_by_hand(state: State, algo: Algo) -> bool:
    """The trader gave an exit another size."""
    exits = (name for name in algo.children if state.orders[name].intent.role in _EXITS)
    return any(not name.startswith(algo.algo_id) for name in exits)
