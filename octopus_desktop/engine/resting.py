"""What a lower trading level leaves in the market: orders that rest there fill whatever the level is."""

from __future__ import annotations

from typing import Final

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.exposure import Exposure
from octopus_desktop.model.events import Event, NoticeRaised, Severity, TradingLevelChanged
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import symbol_of
from octopus_desktop.model.orders import Order
from octopus_desktop.model.safety import LevelCause, TradingLevel

NAMED: Final = 3


class Resting:
    """On the bus once the journal is folded: a level that was set before is no news."""

    def __init__(self, bus: Bus, exposure: Exposure) -> None:
        self._bus = bus
        self._exposure = exposure
        self._level = bus.state.level.level

    def hear(self, event: Event) -> None:
        if type(event) is not TradingLevelChanged:
            return
        before, self._level = self._level, event.level
        # The kill switch cancels them itself.
        if event.level.rank > before.rank and event.cause is not LevelCause.KILL_SWITCH:
            self._tell(event)

    def _tell(self, event: TradingLevelChanged) -> None:
        adding = [order for order in self._bus.state.working.values() if not self._exposure.reduces(order.intent)]
        if not adding:
            return
        named = ", ".join(map(_words, adding[:NAMED])) + (" and others" if len(adding) > NAMED else "")
        text = f"They add to a position when they fill, and are left alone: {named}. Cancel what should not fill."
        if event.level is TradingLevel.HALTED:
            text += " No stop is placed for what they bring in while trading is halted."
        count = f"{len(adding)} orders rest" if len(adding) > 1 else "One order rests"
        title = f"{count} in the market at {event.level.value}"
        self._bus.publish(NoticeRaised(Severity.WARNING, title, text, event.ts_ns))


def _words(order: Order) -> str:
    intent = order.intent
    return f"{intent.side.value} {figure(order.remaining)} {symbol_of(intent.instrument_id)}"
