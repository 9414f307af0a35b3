"""The sum check: what the venue says we have, against what it said last and our own fills since.

A difference is a deposit, a withdrawal, funding, or a trade made elsewhere. It is shown and kept, never hidden, and
the venue's word is what the next check begins with.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from octopus_desktop.engine.bus import Bus
from octopus_desktop.model.account import Position
from octopus_desktop.model.events import Event, LedgerChecked, NoticeRaised, OrderFilled, Severity
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import InstrumentId, Venue
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import ZERO, Fill
from octopus_desktop.model.safety import LedgerDifference
from octopus_desktop.ports import Clock, ExecutionClient, Journal, Repository

logger = logging.getLogger(__name__)

LEDGER_SETTING: Final = "ledger.baseline"
ROUNDING: Final = Decimal("0.00000001")
"""A venue books eight decimals; each fill may be rounded once."""
FILL_COMES_WITHIN_S: Final = 2.0
QUIET_S: Final = 0.5
ASKED: Final = 2

Amounts = dict[str, Decimal]


class Baseline(msgspec.Struct, frozen=True):
    """`totals` by asset as the venue told them, made to hold the first `fills` of our own, and what was filled before
    `ts_venue_ns`, the venue's time of its answer, and is told later."""

    venue: Venue
    fills: int
    totals: dict[str, Decimal]
    ts_venue_ns: int = 0


def effect_of(fill: Fill, instrument: Instrument, gained: Decimal) -> Amounts:
    """What a fill does to the balances. `gained` is what it realised in quote currency, for what is no spot market."""
    amounts: Amounts = {}
    if instrument.kind is InstrumentKind.SPOT:
        signed = fill.quantity * fill.side.sign
        amounts[instrument.base] = signed
        amounts[instrument.quote] = amounts.get(instrument.quote, ZERO) - signed * fill.price
    else:
        amounts[instrument.quote] = gained
    amounts[fill.fee_asset] = amounts.get(fill.fee_asset, ZERO) - fill.fee
    return amounts


def added(totals: Mapping[str, Decimal], effects: Iterable[Amounts], sign: int = 1) -> Amounts:
    out = dict(totals)
    for effect in effects:
        for asset, amount in effect.items():
            out[asset] = out.get(asset, ZERO) + sign * amount
    return out


def differences(
    expected: Mapping[str, Decimal], actual: Mapping[str, Decimal], slack: Decimal
) -> list[LedgerDifference]:
    """By asset; what is not named is nothing."""
    found = []
    for asset in sorted(expected.keys() | actual.keys()):
        wanted, has = expected.get(asset, ZERO), actual.get(asset, ZERO)
        if abs(has - wanted) > slack:
            found.append(LedgerDifference(asset, wanted, has))
    return found


def _by_venue_time(taken: tuple[Fill, Amounts]) -> tuple[int, int, str]:
    fill = taken[0]
    return fill.ts_venue_ns, len(fill.trade_id), fill.trade_id  # numbers, as text


class Ledger:
    """On the node's loop; one `check` at a time."""

    def __init__(self, bus: Bus, journal: Journal, repository: Repository, clock: Clock, venue: Venue) -> None:
        self._bus = bus
        self._state = bus.state
        self._journal = journal
        self._repository = repository
        self._clock = clock
        self._venue = venue
        self._baseline: Baseline | None = None
        self._taken = 0
        self._since: list[tuple[Fill, Amounts]] = []
        self._positions: dict[InstrumentId, Position] = {}
        self._filled = asyncio.Event()
        bus.subscribe(self._heard)

    async def remember(self) -> None:
        """The baseline of an earlier session; after the journal is folded."""
        text = await self._repository.setting(LEDGER_SETTING)
        if text is None:
            return
        try:
            kept = msgspec.json.decode(text, type=Baseline)
        except msgspec.DecodeError as error:
            logger.warning("the last checked balances cannot be read, the check begins anew: %s", error)
            return
        if kept.venue == self._venue and kept.fills <= len(self._state.fills):
            self._baseline = kept

    async def check(self, client: ExecutionClient) -> LedgerChecked:
        """Raises VenueError where the venue does not tell its balances; then nothing is concluded."""
        for asked in range(ASKED):
            known = len(self._state.fills)
            balances = await client.balances()
            totals = {balance.asset: balance.total for balance in balances}
            answered_ns = max((balance.ts_venue_ns for balance in balances), default=0)
            # The answer may hold a fill that nobody has told us yet: it is on its way.
            settled = await self._settled(totals, known, answered_ns)
            if settled or (self._baseline is not None and asked == ASKED - 1):
                return self._conclude(totals, known, answered_ns)
        return LedgerChecked(self._venue, (), self._clock.now_ns())  # no quiet moment yet: begun at the next check

    async def _settled(self, actual: Amounts, known: int, answered_ns: int) -> bool:
        if self._baseline is None:
            # There is nothing to compare with: a beginning needs a moment in which nothing was filled.
            await asyncio.sleep(QUIET_S)
            return len(self._state.fills) == known
        try:
            async with asyncio.timeout(FILL_COMES_WITHIN_S):
                while self._closest(actual, known, answered_ns)[0]:
                    self._filled.clear()
                    await self._filled.wait()
        except TimeoutError:
            return False
        return True

    def _closest(self, actual: Amounts, known: int, answered_ns: int) -> tuple[list[LedgerDifference], int]:
        """What stays unexplained, and how many of the fills since the baseline the answer holds.

        A fill known before the question is in the answer. Of those told since, the venue had done the first ones, by
        its own clock, when it wrote the answer: the number of them that explains the most is taken. Where something was
        done elsewhere none explains all, and of those that explain as much the one by that clock is.
        """
        self._take_in()
        if self._baseline is None:
            return [], len(self._since)
        sure = known - self._baseline.fills
        self._since[sure:] = sorted(self._since[sure:], key=_by_venue_time)
        expected = added(self._baseline.totals, (effect for _, effect in self._since[:sure]))
        slack = ROUNDING * len(self._since)
        best, held = differences(expected, actual, slack), sure
        by_clock = sure + sum(fill.ts_venue_ns <= answered_ns for fill, _ in self._since[sure:])
        for count, (_, effect) in enumerate(self._since[sure:], sure + 1):
            expected = added(expected, [effect])
            left = differences(expected, actual, slack)
            if (len(left), abs(count - by_clock)) <= (len(best), abs(held - by_clock)):
                best, held = left, count
        return best, held

    def _conclude(self, actual: Amounts, known: int, answered_ns: int) -> LedgerChecked:
        left, held = self._closest(actual, known, answered_ns)
        event = LedgerChecked(self._venue, tuple(left), self._clock.now_ns())
        totals = added(actual, (effect for _, effect in self._since[held:]))
        self._baseline = Baseline(self._venue, self._taken, totals, answered_ns)
        self._since.clear()
        self._repository.record_setting(LEDGER_SETTING, msgspec.json.encode(self._baseline).decode())
        if left:
            self._journal.record(event)
            text = "; ".join(
                f"{each.asset} {each.difference.normalize():+,f} (expected {figure(each.expected)}, "
                f"the venue has {figure(each.actual)})"
                for each in left
            )
            logger.warning("balances at %s that our fills do not explain: %s", self._venue, text)
            title = "Balances changed by more than your fills here"
            text = f"{text}. A deposit, a withdrawal or a trade made elsewhere?"
            self._bus.publish(NoticeRaised(Severity.WARNING, title, text, event.ts_ns))
        self._bus.publish(event)
        return event

    def _take_in(self) -> None:
        """The fills since the last look, in the venue's order among those not yet in a baseline's answer."""
        fills = self._state.fills
        begin, answered_ns = (
            (self._baseline.fills, self._baseline.ts_venue_ns) if self._baseline is not None else (0, 0)
        )
        for at in range(self._taken, len(fills)):
            fill = fills[at]
            name = fill.instrument_id
            position = self._positions.get(name)
            if position is None:
                position = self._positions[name] = Position(name, can_be_short=self._state.can_be_short(name))
            before = position.realised
            position.apply(fill)
            instrument = self._state.instruments.get(name)
            if at < begin:
                continue
            effect: Amounts = {}
            if instrument is None:
                logger.error("fill %s is of %s, which the venue does not list", fill.trade_id, fill.instrument_id)
            elif fill.ts_venue_ns >= answered_ns:
                # An older one was told late, its message was lost: the totals we began with hold it already.
                effect = effect_of(fill, instrument, position.realised - before)
            self._since.append((fill, effect))
        self._taken = len(fills)

    def _heard(self, event: Event) -> None:
        if type(event) is OrderFilled:
            self._filled.set()
