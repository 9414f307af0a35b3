"""Orders that are held and worked here: brackets, pairs, trailing stops, slices and pegs.

The word for all of them is *algo*. Its `spec` is what the trader asked for and never changes; the orders it sends are
ordinary ones whose intent names it as `parent`, so that what it did is told by the journal alone.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from octopus_desktop.model.identifiers import AlgoId, ClientOrderId, InstrumentId
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import ZERO, OrderIntent, Side
from octopus_desktop.model.word import Word


class OnRestart(Word):
    """What becomes of an algo that was running when the program ended; the trader chooses with the algo."""

    RESUME = "resume"
    """Go on by itself once the venue has been compared with."""
    PAUSE = "pause"
    """Its orders stay at the venue, and nothing is sent until the trader resumes it."""
    END = "end"
    """Its working orders are canceled. A stop that protects a position stays at the venue."""


class AlgoStatus(Word):
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        return self in (AlgoStatus.COMPLETED, AlgoStatus.STOPPED, AlgoStatus.FAILED)


class AlgoSpec(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """`quantity` is in base currency, the whole of what is to be done."""

    instrument_id: InstrumentId
    side: Side
    quantity: Decimal


class Target(msgspec.Struct, frozen=True):
    """A part of the position that leaves with a profit at `price`."""

    price: Decimal
    quantity: Decimal


class Bracket(AlgoSpec, frozen=True, kw_only=True):
    """An entry whose fills are protected by a stop at once and leave at the targets.

    `entry` has `side` and `quantity`; stop and targets are on the other side. The targets' quantities add up to
    `quantity`. `stop_limit` None: the stop is a market order when triggered.
    """

    entry: OrderIntent
    stop_trigger: Decimal
    stop_limit: Decimal | None = None
    targets: tuple[Target, ...] = ()


class Oco(AlgoSpec, frozen=True, kw_only=True):
    """Two orders, the one's execution cancels the other: a limit at `price` and a stop at `stop_trigger`."""

    price: Decimal
    stop_trigger: Decimal
    stop_limit: Decimal | None = None


class TrailingStop(AlgoSpec, frozen=True, kw_only=True):
    """A stop that follows the price at a distance, and never turns back.

    Either `offset`, in quote currency, or `fraction` of the best price (0.01 is one per cent). It follows from
    `activation_price` on, None: at once.
    """

    offset: Decimal | None = None
    fraction: Decimal | None = None
    activation_price: Decimal | None = None


class GoodTillDate(AlgoSpec, frozen=True, kw_only=True):
    """`entry` rests at the venue until `expire_ns`, then it is canceled from here."""

    entry: OrderIntent
    expire_ns: int


class Iceberg(AlgoSpec, frozen=True, kw_only=True):
    """A limit at `price` of which only `display_quantity` is ever in the book."""

    price: Decimal
    display_quantity: Decimal


class Twap(AlgoSpec, frozen=True, kw_only=True):
    """`slices` equal orders over `duration_s`, at the market or no worse than `limit_price`.

    What a slice did not get is added to the next one. `jitter` (0 to 1) moves each slice's moment by up to this part
    of the pause between two, so that no one can set a clock by it.
    """

    duration_s: float
    slices: int
    limit_price: Decimal | None = None
    jitter: float = 0.0


class Scale(AlgoSpec, frozen=True, kw_only=True):
    """`count` limit orders from `first_price` to `last_price`, both included.

    `skew` is the size of the last order against the first: 1 is flat, 2 doubles towards the last.
    """

    first_price: Decimal
    last_price: Decimal
    count: int
    skew: Decimal = Decimal(1)
    post_only: bool = False

    def rungs(self, instrument: Instrument) -> list[tuple[Decimal, Decimal]]:
        """(price, quantity) of each order, on ticks and in lots, from the first to the last.

        The quantities add up to `quantity`: the last takes what cutting to lots left over.
        """
        last = max(1, self.count - 1)
        weights = [1 + (self.skew - 1) * place / last for place in range(self.count)]
        whole = sum(weights, ZERO)
        quantities = [instrument.quantity(self.quantity * weight / whole) for weight in weights[:-1]]
        quantities.append(self.quantity - sum(quantities, ZERO))
        reach = self.last_price - self.first_price
        prices = [instrument.price(self.first_price + reach * place / last) for place in range(self.count)]
        return list(zip(prices, quantities, strict=True))


class Chase(AlgoSpec, frozen=True, kw_only=True):
    """A limit order pegged to the touch of its own side, never beyond `limit_price`.

    It moves when the touch is `step` or more away from it. After `timeout_s` (None: never) it is canceled, or, with
    `take_at_timeout`, what is left is sent as a limit at `limit_price` that fills at once or not.
    """

    limit_price: Decimal
    step: Decimal
    timeout_s: float | None = None
    take_at_timeout: bool = False


AnyAlgoSpec = Bracket | Oco | TrailingStop | GoodTillDate | Iceberg | Twap | Scale | Chase


class Algo(msgspec.Struct):
    """The state of one algo: a fold of its events and of its orders'. Only `State.apply` writes to it.

    `native`: the venue holds it and works it, whether this terminal runs or not. `filled` sums the fills of its
    orders by their intent's `role`, `net` by their side (sold below zero). `memo` is what its own code must remember
    beside them (a trailing stop's best price), `note` its progress as the trader reads it.
    """

    algo_id: AlgoId
    spec: AnyAlgoSpec
    on_restart: OnRestart
    status: AlgoStatus
    created_ns: int
    updated_ns: int
    native: bool = False
    children: list[ClientOrderId] = msgspec.field(default_factory=list)
    filled: dict[str, Decimal] = msgspec.field(default_factory=dict)
    filled_notional: dict[str, Decimal] = msgspec.field(default_factory=dict)
    net: Decimal = ZERO
    memo: dict[str, str] = msgspec.field(default_factory=dict)
    note: str = ""
    reason: str = ""

    def filled_as(self, *roles: str) -> Decimal:
        """Base currency filled by orders of these roles; of all, where none is named."""
        return sum((q for role, q in self.filled.items() if not roles or role in roles), ZERO)
