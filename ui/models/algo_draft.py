"""What the ticket's further fields say, and the algo they ask for. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

from octopus_desktop.model.algos import (
    AnyAlgoSpec,
    Bracket,
    Chase,
    GoodTillDate,
    Iceberg,
    Oco,
    OnRestart,
    Scale,
    Target,
    TrailingStop,
    Twap,
)
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import AlgoId, new_client_order_id
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import ZERO, OrderIntent, Side
from ui.models.ticket_draft import Draft, Estimate, intent_of, off_tick
from ui.models.ticket_kinds import Kind

MOST_TARGETS: Final = 4
MOST_ORDERS: Final = 100
_HUNDRED: Final = Decimal(100)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Extras:
    """The fields as typed; None where nothing usable is.

    A bracket's `stop` and the prices of its `targets` are, with `in_percent`, percent of the entry; the second figure
    of a target is its share of the position in percent. `offset` is in percent with `offset_in_percent`. `jitter` is
    in percent.
    """

    stop: Decimal | None = None
    stop_limit: Decimal | None = None
    in_percent: bool = False
    targets: tuple[tuple[Decimal | None, Decimal | None], ...] = ()
    offset: Decimal | None = None
    offset_in_percent: bool = False
    activation: Decimal | None = None
    until_ns: int | None = None
    display: Decimal | None = None
    duration_s: float | None = None
    slices: int | None = None
    jitter: Decimal | None = None
    first: Decimal | None = None
    last: Decimal | None = None
    count: int | None = None
    skew: Decimal | None = None
    step: Decimal | None = None
    timeout_s: float | None = None
    take: bool = False
    on_restart: OnRestart = OnRestart.PAUSE


class WrongField(ValueError):
    """A sentence for the trader, and the name of the field it is about."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def middle_of(extras: Extras) -> Decimal | None:
    """What a scale's orders cost on average, were they all of one size."""
    if extras.first is None or extras.last is None:
        return None
    return (extras.first + extras.last) / 2


def spec_of(
    draft: Draft, extras: Extras, told: Estimate, instrument: Instrument, algo_id: AlgoId, now_ns: int
) -> AnyAlgoSpec:
    """The algo that the ticket asks for. Only where `told` has no problem. Raises WrongField."""
    quantity, reference = told.quantity, told.reference
    assert quantity is not None
    assert reference is not None
    name, side, price = instrument.instrument_id, draft.side, draft.price
    match draft.kind:
        case Kind.TRAILING_STOP:
            return _trailing(extras, instrument, side, quantity)
        case Kind.GOOD_TILL_DATE:
            until = _given("until", extras.until_ns, "Type until when: 2h, 18:30 or 2026-11-30 18:00.")
            if until <= now_ns:
                raise WrongField("until", "That moment has passed.")
            entry = _entry(draft, told, instrument, algo_id)
            return GoodTillDate(instrument_id=name, side=side, quantity=quantity, entry=entry, expire_ns=until)
        case Kind.ICEBERG:
            assert price is not None
            display = _given("display", extras.display, "Type how much of it is shown.")
            if not ZERO < display < quantity:
                raise WrongField("display", "Less than the whole is shown, and more than nothing.")
            if display % instrument.lot_size:
                raise WrongField("display", f"The lot is {figure(instrument.lot_size)}.")
            return Iceberg(instrument_id=name, side=side, quantity=quantity, price=price, display_quantity=display)
        case Kind.BRACKET:
            return _bracket(draft, extras, told, instrument, algo_id)
        case Kind.OCO:
            assert price is not None
            stop = _priced("stop", _given("stop", extras.stop, "Type the stop's price."), instrument)
            _apart(stop, price, side.sign, "stop", "The stop", "the limit price")
            return Oco(
                instrument_id=name,
                side=side,
                quantity=quantity,
                price=price,
                stop_trigger=stop,
                stop_limit=_priced("stop_limit", extras.stop_limit, instrument) if extras.stop_limit else None,
            )
        case Kind.TWAP:
            duration = _given("duration", extras.duration_s, "Type how long it takes: 90s, 10m or 2h.")
            slices = _given("slices", extras.slices, "Type how many orders it is cut into.")
            if slices < 2:
                raise WrongField("slices", "It is cut into two orders at least.")
            if quantity / slices < instrument.min_quantity:
                raise WrongField("slices", f"Each would be less than {figure(instrument.min_quantity)}.")
            return Twap(
                instrument_id=name,
                side=side,
                quantity=quantity,
                duration_s=duration,
                slices=slices,
                limit_price=price,
                jitter=float(extras.jitter or 0) / 100,
            )
        case Kind.SCALE:
            return _scale(draft, extras, instrument, quantity)
        case Kind.CHASE:
            assert price is not None
            return Chase(
                instrument_id=name,
                side=side,
                quantity=quantity,
                limit_price=price,
                step=_priced("step", _given("step", extras.step, "Type how far it may be left behind."), instrument),
                timeout_s=extras.timeout_s,
                take_at_timeout=extras.take and extras.timeout_s is not None,
            )
        case _:
            raise ValueError(f"{draft.kind} is no algo")


def at_risk(spec: Bracket, entry: Decimal) -> tuple[Decimal, Decimal]:
    """What the stop loses and the targets gain, in quote currency and before fees."""
    sign = spec.side.sign
    loss = (entry - spec.stop_trigger) * spec.quantity * sign
    gain = sum(((target.price - entry) * target.quantity for target in spec.targets), ZERO) * sign
    return loss, gain


def largest_order(spec: AnyAlgoSpec, instrument: Instrument) -> tuple[Decimal, Decimal | None]:
    """Quantity and limit of the largest order it would send at once: what risk is asked about."""
    match spec:
        case Scale():
            price, quantity = max(spec.rungs(instrument), key=lambda rung: rung[1])
            return quantity, price
        case Twap():
            return instrument.quantity(spec.quantity / spec.slices), spec.limit_price
        case _:
            return spec.quantity, None


def _trailing(extras: Extras, instrument: Instrument, side: Side, quantity: Decimal) -> TrailingStop:
    offset = _given("offset", extras.offset, "Type how far behind the price it follows.")
    if offset <= 0 or (extras.offset_in_percent and offset >= _HUNDRED):
        raise WrongField("offset", "Between nothing and all of the price.")
    percent = extras.offset_in_percent
    return TrailingStop(
        instrument_id=instrument.instrument_id,
        side=side,
        quantity=quantity,
        offset=None if percent else _priced("offset", offset, instrument),
        fraction=offset / _HUNDRED if percent else None,
        activation_price=_priced("activation", extras.activation, instrument) if extras.activation else None,
    )


def _bracket(draft: Draft, extras: Extras, told: Estimate, instrument: Instrument, algo_id: AlgoId) -> Bracket:
    assert told.quantity is not None
    assert told.reference is not None
    entry, sign = told.reference, draft.side.sign

    def price_of(field: str, typed: Decimal, towards: int) -> Decimal:
        if extras.in_percent:
            return instrument.price(entry * (1 + towards * typed / _HUNDRED))
        return _priced(field, typed, instrument)

    stop = price_of("stop", _given("stop", extras.stop, "Type where the stop is."), -sign)
    _apart(stop, entry, -sign, "stop", "The stop", "the entry")
    targets: list[Target] = []
    left = told.quantity
    chosen = [pair for pair in extras.targets if pair != (None, None)]
    for place, (typed, share) in enumerate(chosen):
        field = f"target_{place}"
        price = price_of(field, _given(field, typed, f"Type the price of target {place + 1}."), sign)
        _apart(price, entry, sign, field, f"Target {place + 1}", "the entry")
        part = _given(f"share_{place}", share, f"Type which part leaves at target {place + 1}.")
        last = place == len(chosen) - 1
        targets.append(Target(price, left if last else instrument.quantity(told.quantity * part / _HUNDRED)))
        left -= targets[-1].quantity
    shares = sum((share or ZERO for _, share in chosen), ZERO)
    if chosen and shares != _HUNDRED:
        raise WrongField(f"share_{len(chosen) - 1}", f"The targets' parts add up to {figure(shares)} %, not to 100 %.")
    if any(target.quantity <= 0 for target in targets):
        raise WrongField("share_0", "A target's part is less than a lot.")
    limit = None
    if extras.stop_limit is not None and not extras.in_percent:
        limit = _priced("stop_limit", extras.stop_limit, instrument)
    return Bracket(
        instrument_id=instrument.instrument_id,
        side=draft.side,
        quantity=told.quantity,
        entry=_entry(draft, told, instrument, algo_id),
        stop_trigger=stop,
        stop_limit=limit,
        targets=tuple(targets),
    )


def _scale(draft: Draft, extras: Extras, instrument: Instrument, quantity: Decimal) -> Scale:
    first = _priced("first", _given("first", extras.first, "Type the first price."), instrument)
    last = _priced("last", _given("last", extras.last, "Type the last price."), instrument)
    count = _given("count", extras.count, "Type how many orders.")
    if not 2 <= count <= MOST_ORDERS:
        raise WrongField("count", f"From 2 to {MOST_ORDERS} orders.")
    skew = extras.skew if extras.skew is not None else Decimal(1)
    if skew <= 0:
        raise WrongField("skew", "The last order against the first: 1 is flat, 2 doubles.")
    spec = Scale(
        instrument_id=instrument.instrument_id,
        side=draft.side,
        quantity=quantity,
        first_price=first,
        last_price=last,
        count=count,
        skew=skew,
        post_only=draft.post_only,
    )
    if min(size for _, size in spec.rungs(instrument)) < instrument.min_quantity:
        raise WrongField("count", f"The smallest would be less than {figure(instrument.min_quantity)}.")
    return spec


def _entry(draft: Draft, told: Estimate, instrument: Instrument, algo_id: AlgoId) -> OrderIntent:
    intent = intent_of(draft, told, instrument, new_client_order_id(), None)
    return OrderIntent(
        intent.client_order_id,
        intent.instrument_id,
        intent.side,
        intent.type,
        intent.quantity,
        intent.price,
        reduce_only=intent.reduce_only,
        parent=algo_id,
        role="entry",
    )


def _given(field: str, value: T | None, sentence: str) -> T:
    if value is None:
        raise WrongField(field, sentence)
    return value


def _priced(field: str, price: Decimal, instrument: Instrument) -> Decimal:
    problem = off_tick(price, instrument) or ("" if price > 0 else "It is above zero.")
    if problem:
        raise WrongField(field, problem)
    return price


def _apart(price: Decimal, other: Decimal, towards: int, field: str, what: str, than: str) -> None:
    """Above the other for `towards` 1, below it for -1."""
    if (price - other) * towards <= 0:
        raise WrongField(field, f"{what} must be {'above' if towards > 0 else 'below'} {than}, {figure(other)}.")
