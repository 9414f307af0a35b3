"""The checks an order passes before it may leave: lock, level, the venue's own filters, and the trader's limits.

Each answer is a sentence for the trader, with its numbers. The order of the checks is the order in which one would
mend a ticket. An order that makes a position smaller passes the trader's limits; what the venue asks holds for it too.
"""

from __future__ import annotations

import time
from collections import deque
from decimal import Decimal
from typing import Final

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.day_limits import DayLimits
from octopus_desktop.engine.entry import EntryLock
from octopus_desktop.engine.exposure import Exposure, base_quantity, position_of
from octopus_desktop.engine.filters import filters, funds, numbers, reference_price, shape
from octopus_desktop.engine.level import level_refusal
from octopus_desktop.engine.staleness import depends_on_price, staleness
from octopus_desktop.engine.trading_day import TradingDay
from octopus_desktop.engine.valuation import mark_of, rate_of
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import InstrumentId, symbol_of
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.limits import InstrumentLimits, RiskLimits
from octopus_desktop.model.orders import ZERO, OrderIntent, OrderType, Side
from octopus_desktop.model.queries import RiskStatus, Verdict
from octopus_desktop.ports import Clock
from octopus_desktop.state import State

SECOND_NS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND_NS
_NO_OWN: Final = InstrumentLimits()
_RESTING: Final = (OrderType.LIMIT, OrderType.POST_ONLY)
_SIZED: Final = ("", "entry")
"""The roles of what a trader has sized himself. The others are parts of an algo, whose whole is judged at its start."""


class OrderRate:
    """How many orders left within the last second and minute."""

    def __init__(self) -> None:
        self._sent: deque[int] = deque()

    def note(self, now_ns: int) -> None:
        self._sent.append(now_ns)

    def within_second(self, now_ns: int) -> int:
        count = 0
        for sent in reversed(self._sent):
            if sent <= now_ns - SECOND_NS:
                break
            count += 1
        return count

    def within_minute(self, now_ns: int) -> int:
        while self._sent and self._sent[0] <= now_ns - MINUTE_NS:
            self._sent.popleft()
        return len(self._sent)


class Risk:
    """On the node's loop. Made before the journal is folded: the day is a fold of it."""

    def __init__(self, bus: Bus, lock: EntryLock, clock: Clock, limits: RiskLimits) -> None:
        self.limits = limits
        self.day = TradingDay(bus.state)
        self.day_limits = DayLimits(self.day)
        self.exposure = Exposure(bus.state)
        self._state = bus.state
        self._lock = lock
        self._clock = clock
        self._rate = OrderRate()
        bus.subscribe(self.day.apply)
        bus.subscribe(self.day_limits.apply)
        bus.subscribe(self.exposure.apply)

    def judge(self, intent: OrderIntent, *, flattening: bool = False) -> Verdict:
        """It changes nothing. `flattening`: the kill switch closes a position with it."""
        if unreadable := numbers(intent):
            return Verdict(unreadable)
        state = self._state
        reducing = flattening or self.exposure.reduces(intent)
        if refusal := self._barred(reducing=reducing, flattening=flattening):
            return Verdict(refusal)
        instrument = state.instruments.get(intent.instrument_id)
        if instrument is None:
            return Verdict(f"{symbol_of(intent.instrument_id)} is not an instrument of this venue.")
        now = self._clock.now_ns()
        stale = None if flattening else staleness(state, intent.instrument_id)
        denial = (
            shape(intent, instrument)
            or self._more_than_closes(intent, instrument)
            or filters(intent, instrument, state, reducing=reducing)
            or (None if reducing else _stale_denial(intent, instrument, stale) or self._own(intent, instrument, now))
            # Whether the coins are free is for the venue to say when it is asked to close: ours may be the older word.
            or (None if flattening else funds(intent, instrument, state))
            or (None if reducing else self._too_many(now))
        )
        if denial is not None:
            return Verdict(denial)
        if stale is not None and intent.parent is None:
            return Verdict(warning=f"The price of {instrument.symbol} may be old: {stale}.")
        return Verdict()

    def barred(self, intent: OrderIntent) -> str | None:
        """Whether the trader's lock or the level holds it back by now, though it was judged before."""
        return self._barred(reducing=self.exposure.reduces(intent), under_way=True)

    def _barred(self, *, reducing: bool, flattening: bool = False, under_way: bool = False) -> str | None:
        refusal = self._lock.refusal(reducing=reducing, flattening=flattening, under_way=under_way)
        return refusal if refusal is not None or flattening else level_refusal(self._state.level, reducing)

    def judge_algo(self, whole: OrderIntent, largest: OrderIntent) -> str | None:
        """What its sizes break of the trader's limits before anything of it is sent.

        Cut into orders that are small enough it is no smaller: `whole` is all of it. `largest` is its largest order.
        """
        if self.exposure.reduces(whole):
            return None
        instrument = self._state.instruments[whole.instrument_id]
        return self._order_size(largest, instrument) or self._sizes(whole, instrument)

    def note(self, intent: OrderIntent, now_ns: int) -> None:
        """It leaves."""
        self._rate.note(now_ns)

    def status(self) -> RiskStatus:
        now = self._clock.now_ns()
        limits, level = self.limits, self._state.level
        standing = self.day.standing(limits.currency, now)
        return RiskStatus(
            level=level.level,
            level_reason=level.reason,
            currency=limits.currency,
            day_start_ns=self.day.start_ns,
            profit=standing.profit,
            peak=standing.peak,
            drawdown=standing.drawdown,
            fees=standing.fees,
            unvalued=standing.unvalued,
            losses_in_a_row=self.day.losses_in_a_row,
            cooldown_until_ns=self.day.cooldown_until(limits, now),
            orders_last_second=self._rate.within_second(now),
            orders_last_minute=self._rate.within_minute(now),
            usual_sizes=dict(self.day.usual_sizes),
        )

    def _more_than_closes(self, intent: OrderIntent, instrument: Instrument) -> str | None:
        """A spot venue knows no reduce-only orders, so it is seen to here."""
        if not intent.reduce_only or instrument.kind is not InstrumentKind.SPOT:
            return None
        held = position_of(self._state, intent.instrument_id)
        quantity = base_quantity(intent, self._state)
        if intent.side is Side.SELL and quantity is not None and quantity <= held:
            return None
        text = f"Reduce only: the position in {instrument.symbol} is {figure(held)}"
        return f"{text}, and this order is more than closes it."

    # The trader's own limits ------------------------------------------------

    def _own(self, intent: OrderIntent, instrument: Instrument, now_ns: int) -> str | None:
        limits = self.limits
        return (
            _where_and_when(intent, instrument, limits, now_ns)
            or self._order_size(intent, instrument)
            or _collar(intent, instrument, self._state, limits)
            or self._sizes(intent, instrument)
            or self.day_limits.refusal(limits, now_ns)
            or self._cooling(now_ns)
        )

    def _sizes(self, intent: OrderIntent, instrument: Instrument) -> str | None:
        """Of what the trader has asked for as a whole, in one order or in many."""
        return (
            self._unusual(intent, instrument) or self._position(intent, instrument) or self._total(intent, instrument)
        )

    def _order_size(self, intent: OrderIntent, instrument: Instrument) -> str | None:
        own = self.limits.instruments.get(intent.instrument_id, _NO_OWN)
        reference = reference_price(intent, self._state)
        assert reference is not None, "the filters asked for it"
        notional = intent.quote_quantity if intent.quote_quantity is not None else reference * intent.quantity
        most = self.limits.max_order_notional if own.max_order_notional is None else own.max_order_notional
        if notional > most:
            return f"The order is worth {notional:,.2f} {instrument.quote}, your limit for one order is {figure(most)}."
        return None

    def _position(self, intent: OrderIntent, instrument: Instrument) -> str | None:
        limits, state = self.limits, self._state
        own = limits.instruments.get(intent.instrument_id, _NO_OWN)
        most_worth = limits.max_position_notional if own.max_position_notional is None else own.max_position_notional
        if own.max_position is None and most_worth is None:
            return None
        worst = self.exposure.worst_case(intent)
        if worst is None:
            return f"There is no price of {instrument.symbol} yet to judge the position by."
        if own.max_position is not None and abs(worst) > own.max_position:
            return (
                f"With all working orders filled you would hold {figure(worst)} {instrument.base}, "
                f"your limit is {figure(own.max_position)}."
            )
        if most_worth is not None:
            price = mark_of(state, intent.instrument_id) or reference_price(intent, state) or ZERO
            if abs(worst) * price > most_worth:
                return (
                    f"With all working orders filled the position would be worth {abs(worst) * price:,.2f} "
                    f"{instrument.quote}, your limit is {figure(most_worth)}."
                )
        return None

    def _total(self, intent: OrderIntent, instrument: Instrument) -> str | None:
        """Of all positions, and of those in the same coin."""
        state, limits = self._state, self.limits
        most, most_of_one = limits.max_total_notional, limits.max_asset_notional
        if most is None and most_of_one is None:
            return None
        touched = self.exposure.instruments
        touched.update(name for name, position in state.positions.items() if position.quantity)
        touched.add(intent.instrument_id)
        total = of_one = ZERO
        for name in touched:
            listed = state.instruments.get(name)
            same = listed is not None and listed.base == instrument.base
            if most is None and not same:
                continue
            worth = self._worst_worth(intent, name, limits.currency)
            if worth is None:
                return (
                    f"There is no price of {symbol_of(name)} in {limits.currency} to judge the sum of all positions by."
                )
            total += worth
            of_one += worth if same else ZERO
        if most is not None and total > most:
            return (
                f"With all working orders filled all positions would be worth {total:,.2f} {limits.currency}, "
                f"your limit is {figure(most)}."
            )
        if most_of_one is not None and of_one > most_of_one:
            return (
                f"With all working orders filled your {instrument.base} would be worth {of_one:,.2f} "
                f"{limits.currency} over all its instruments, your limit for one coin is {figure(most_of_one)}."
            )
        return None

    def _worst_worth(self, intent: OrderIntent, name: InstrumentId, currency: str) -> Decimal | None:
        """What one instrument's position may become worth, on the worse of its two sides, with this order."""
        state = self._state
        instrument = state.instruments.get(name)
        price = mark_of(state, name)
        if instrument is None or price is None:
            return None
        rate = rate_of(state, instrument.venue, instrument.quote, currency)
        if rate is None:
            return None
        held = position_of(state, name)
        bought = self.exposure.working(name, Side.BUY, intent)
        sold = self.exposure.working(name, Side.SELL, intent)
        if name == intent.instrument_id:
            quantity = base_quantity(intent, state) or ZERO
            if intent.side is Side.BUY:
                bought += quantity
            else:
                sold += quantity
        # What was there before is sold on spot without a short.
        short = abs(held - sold) if instrument.kind is not InstrumentKind.SPOT else ZERO
        return max(abs(held + bought), short) * price * rate

    def _unusual(self, intent: OrderIntent, instrument: Instrument) -> str | None:
        multiple = self.limits.max_size_multiple
        usual = self.day.usual_sizes.get(intent.instrument_id)
        if multiple is None or usual is None or intent.role not in _SIZED:
            return None
        quantity = base_quantity(intent, self._state)
        if quantity is None or quantity <= usual * multiple:
            return None
        return (
            f"{figure(quantity)} {instrument.base} is {quantity / usual:.0f} times your usual order of "
            f"{figure(usual)}, your limit is {figure(multiple)} times."
        )

    def _cooling(self, now_ns: int) -> str | None:
        until = self.day.cooldown_until(self.limits, now_ns)
        if until is None:
            return None
        seconds = -(-(until - now_ns) // SECOND_NS)
        return (
            f"{self.day.losses_in_a_row} losing trades in a row: nothing is added for another "
            f"{seconds // 60}:{seconds % 60:02} minutes."
        )

    def _too_many(self, now_ns: int) -> str | None:
        limits, working = self.limits, len(self._state.working)
        if working >= limits.max_open_orders:
            return f"{working} orders are open, your limit is {limits.max_open_orders}."
        if self._rate.within_second(now_ns) >= limits.max_orders_per_second:
            return f"More than {limits.max_orders_per_second} orders within a second: wait a moment."
        if self._rate.within_minute(now_ns) >= limits.max_orders_per_minute:
            return f"More than {limits.max_orders_per_minute} orders within a minute: wait a moment."
        return None


def _stale_denial(intent: OrderIntent, instrument: Instrument, stale: str | None) -> str | None:
    if stale is None or not depends_on_price(intent):
        return None
    return f"The price of {instrument.symbol} may be old ({stale}): no market order adds to a position now."


def _where_and_when(intent: OrderIntent, instrument: Instrument, limits: RiskLimits, now_ns: int) -> str | None:
    if limits.allowed is not None and intent.instrument_id not in limits.allowed:
        return f"{instrument.symbol} is not among the instruments you allowed."
    if limits.hours is not None and not limits.hours.contains(now_ns):
        now = time.strftime("%H:%M", time.gmtime(now_ns // SECOND_NS))
        return f"It is {now} UTC, your trading hours are {limits.hours}."
    return None


def _collar(intent: OrderIntent, instrument: Instrument, state: State, limits: RiskLimits) -> str | None:
    if intent.price is None:
        return None
    if intent.type in _RESTING:
        touch = state.market(intent.instrument_id).touch
        if touch is None:
            return f"There is no quote of {instrument.symbol} to judge the price by."
        base = Decimal(repr(touch[1] if intent.side is Side.BUY else touch[0]))
        of = "the market"
    else:
        assert intent.trigger_price is not None, "the shape asked for it"
        base, of = intent.trigger_price, "its trigger"
    through = (intent.price / base - 1) * intent.side.sign
    most, away = limits.max_touch_distance, limits.max_resting_distance
    if through > most:
        return f"The price is {through * 100:.1f} % through {of}, your limit is {most * 100:.1f} %."
    if away is not None and -through > away:
        return f"The price is {-through * 100:.1f} % away from {of}, your limit is {away * 100:.1f} %."
    return None
