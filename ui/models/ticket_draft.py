"""What is in the order ticket, and what it comes to: the intent, its cost, fee and what is left. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from enum import Enum
from typing import Final

from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import ClientOrderId, IntentToken
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import ZERO, OrderIntent, OrderType, Side, TimeInForce
from octopus_desktop.state import State
from ui.models.ticket_kinds import Kind

_HUNDRED: Final = Decimal(100)
_CENT: Final = Decimal("0.01")
_SHARE: Final = Decimal("0.0001")


class Unit(Enum):
    """What the quantity is counted in."""

    BASE = "base"
    QUOTE = "quote"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields as typed; None where nothing usable is. `amount` is counted in `unit`.

    `middle` is what a scale's orders cost on average.
    """

    side: Side = Side.BUY
    kind: Kind = Kind.LIMIT
    price: Decimal | None = None
    trigger: Decimal | None = None
    amount: Decimal | None = None
    unit: Unit = Unit.BASE
    tif: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    middle: Decimal | None = None

    @property
    def order_type(self) -> OrderType:
        plain = self.kind.order_type(priced=self.limit is not None)
        return OrderType.POST_ONLY if self.rests_only and plain is OrderType.LIMIT else plain

    @property
    def rests_only(self) -> bool:
        return self.post_only and self.kind.may_be_post_only

    @property
    def limit(self) -> Decimal | None:
        """The price, where this kind has one; of a scale, the average."""
        return self.middle if self.kind is Kind.SCALE else self.price if self.kind.has_price else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the draft comes to. Money is in quote currency unless `asset` says otherwise.

    `problem` is the sentence for what is still missing or wrong; then there is no intent. `free_after` is what is
    left of `asset`, which the order takes from the free balance.
    """

    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    reference: Decimal | None = None
    cost: Decimal | None = None
    fee: Decimal | None = None
    maker: bool = False
    asset: str = ""
    free: Decimal = ZERO
    free_after: Decimal | None = None
    problem: str = ""
    field: str = ""
    """Which field the problem is about: `price`, `trigger`, `amount` or none of them."""


def estimate(draft: Draft, instrument: Instrument, state: State) -> Estimate:
    """Work the draft out at the market of now."""
    market = state.market(instrument.instrument_id)
    touch = market.touch
    asset = instrument.quote if draft.side is Side.BUY else instrument.base
    balance = state.balances.get((instrument.venue, asset))
    free = balance.free if balance is not None else ZERO
    told = Estimate(asset=asset, free=free)
    if draft.kind.needs_price and draft.price is None:
        return replace(told, problem="Type a price, or click one in the book.", field="price")
    if draft.kind.has_trigger and draft.trigger is None:
        return replace(told, problem="Type the price that triggers the order.", field="trigger")
    for name, price, used in (
        ("price", draft.price, draft.kind.has_price),
        ("trigger", draft.trigger, draft.kind.has_trigger),
    ):
        problem = off_tick(price, instrument) if used else ""
        if problem:
            return replace(told, problem=problem, field=name)
    reference = _reference(draft, touch, market.last_price)
    if reference is None:
        return replace(told, problem=f"There is no price of {instrument.symbol} yet.")
    told = replace(told, reference=reference)
    if draft.amount is None or draft.amount <= 0:
        return replace(told, problem="Type a quantity.", field="amount")
    quantity, quote_quantity = _quantities(draft, instrument, reference, free)
    if not quantity and quote_quantity is None:
        least = f"{figure(instrument.min_quantity)} {instrument.base}"
        return replace(told, problem=f"That is less than the smallest order, {least}.", field="amount")
    if quote_quantity is None and draft.unit is Unit.BASE and draft.amount % instrument.lot_size:
        problem = f"The lot is {figure(instrument.lot_size)}; the nearest quantity is {figure(quantity)}."
        return replace(told, problem=problem, field="amount")
    cost = quote_quantity if quote_quantity is not None else quantity * reference
    maker = _rests(draft, touch)
    fee = cost * (instrument.maker_fee if maker else instrument.taker_fee)
    taken = cost if draft.side is Side.BUY else quantity or cost / reference
    return replace(
        told,
        quantity=quantity,
        quote_quantity=quote_quantity,
        cost=cost,
        fee=fee,
        maker=maker,
        free_after=free - taken,
    )


def counted_in(unit: Unit, told: Estimate) -> Decimal | None:
    """The quantity an estimate came to, in that unit; None where it came to none, or to more than is free.

    Rounded up, so that there and back it is the same lots.
    """
    if told.quantity is None or told.cost is None or told.free_after is None or not told.quantity:
        return None
    if unit is Unit.BASE:
        return told.quantity
    if unit is Unit.QUOTE:
        return told.cost.quantize(_CENT, ROUND_UP)
    if told.free <= 0 or told.free_after < 0:
        return None
    share = ((told.free - told.free_after) / told.free * _HUNDRED).quantize(_SHARE, ROUND_UP)
    return min(_HUNDRED, share)


def off_tick(price: Decimal | None, instrument: Instrument) -> str:
    """The sentence for a price between two ticks; empty where there is nothing wrong with it."""
    if price is None or not price % instrument.tick_size:
        return ""
    return f"The tick is {figure(instrument.tick_size)}; the nearest price is {figure(instrument.price(price))}."


def follows_the_market(draft: Draft) -> bool:
    """Is it worked out from the price of now, so that a stale one would be a trap?"""
    return draft.kind in (Kind.MARKET, Kind.CHASE, Kind.TRAILING_STOP) or (
        draft.kind in (Kind.BRACKET, Kind.TWAP) and draft.price is None
    )


def intent_of(
    draft: Draft, told: Estimate, instrument: Instrument, order_id: ClientOrderId, token: IntentToken | None
) -> OrderIntent:
    """The order that the draft asks for. Only where `told` has no problem."""
    assert told.quantity is not None
    return OrderIntent(
        order_id,
        instrument.instrument_id,
        draft.side,
        draft.order_type,
        told.quantity if told.quote_quantity is None else ZERO,
        draft.limit,
        draft.trigger if draft.kind.has_trigger else None,
        told.quote_quantity,
        draft.tif if draft.kind.has_tif and not draft.rests_only else TimeInForce.GTC,
        draft.reduce_only and draft.kind.may_be_reduce_only and instrument.kind is not InstrumentKind.SPOT,
        token,
    )


def _reference(draft: Draft, touch: tuple[float, float] | None, last: float | None) -> Decimal | None:
    """What a unit is expected to cost: the limit, the trigger, else the touch the order would hit."""
    if draft.limit is not None:
        return draft.limit
    if draft.kind.has_trigger:
        return draft.trigger
    if touch is not None:
        return Decimal(repr(touch[1] if draft.side is Side.BUY else touch[0]))
    return Decimal(repr(last)) if last is not None else None


def _quantities(
    draft: Draft, instrument: Instrument, reference: Decimal, free: Decimal
) -> tuple[Decimal, Decimal | None]:
    """Base quantity, and the quote quantity where the order is better given in it.

    A market buy for an amount of money is sent as that: the venue then spends exactly so much.
    """
    assert draft.amount is not None
    if draft.unit is Unit.BASE:
        return instrument.quantity(draft.amount), None
    money = draft.amount if draft.unit is Unit.QUOTE else free * draft.amount / _HUNDRED
    if draft.unit is Unit.PERCENT and draft.side is Side.SELL:
        return instrument.quantity(money), None
    quantity = instrument.quantity(money / reference)
    spends = draft.kind is Kind.MARKET and draft.side is Side.BUY and instrument.kind is InstrumentKind.SPOT
    return quantity, money.quantize(_CENT, ROUND_DOWN) if spends and quantity else None


def _rests(draft: Draft, touch: tuple[float, float] | None) -> bool:
    """Would it wait in the book, and so pay the maker's fee?"""
    if draft.order_type is OrderType.POST_ONLY:
        return True
    if draft.order_type is not OrderType.LIMIT or draft.limit is None or touch is None:
        return False
    if draft.kind.has_tif and draft.tif is not TimeInForce.GTC:
        return False
    price = float(draft.limit)
    return price < touch[1] if draft.side is Side.BUY else price > touch[0]
