"""Trades and orders of the account that cannot be booked: whose trade it is is not told, or the row cannot be read.

The venue's orders may be a step behind its trades, so one that is new is waited for. Then order entry opens without it:
the trader is told, and it is asked for again with every comparison until it can be booked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from octopus_desktop.model.errors import VenueUnavailable
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, TradeId, VenueOrderId
from octopus_desktop.model.orders import Fill, Side

WAITED_NS: Final = 2 * 60 * 1_000_000_000
"""Since the first comparison that met it."""
OLD_NS: Final = 24 * 3_600_000_000_000
"""A trade that is older is of an order the venue no longer tells of: it is not waited for."""
KEPT: Final = 50
"""Trades that the next comparisons ask for by their orders. The cursor waits before whatever is more than these."""
NAMED: Final = 5
"""In one notice."""


class Key(NamedTuple):
    """A trade with oneself is one trade id of two orders. Where there is none, it is the order that is meant."""

    instrument_id: InstrumentId
    venue_order_id: VenueOrderId
    trade_id: TradeId
    client_order_id: ClientOrderId


class Stranger(msgspec.Struct, frozen=True):
    """`fill` is None where the venue's row cannot be read, `trade_id` empty where that is the row of an order."""

    instrument_id: InstrumentId
    venue_order_id: VenueOrderId
    since_ns: int
    trade_id: TradeId = TradeId("")
    client_order_id: ClientOrderId = ClientOrderId("")
    fill: Fill | None = None

    @property
    def key(self) -> Key:
        return Key(self.instrument_id, self.venue_order_id, self.trade_id, self.client_order_id)

    def is_waited_for(self, now_ns: int) -> bool:
        """Not where the clock was set back behind its beginning: nobody knows how long that would be."""
        is_old = self.fill is not None and now_ns - self.fill.ts_venue_ns >= OLD_NS
        return not is_old and 0 <= now_ns - self.since_ns < WAITED_NS

    def __str__(self) -> str:
        fill = self.fill
        if fill is not None:
            bought = "bought" if fill.side is Side.BUY else "sold"
            return (
                f"trade {fill.trade_id} in {fill.instrument_id}, {figure(fill.quantity)} {bought} at "
                f"{figure(fill.price)}, of order {fill.venue_order_id}"
            )
        order = f"order {self.venue_order_id or self.client_order_id}"
        if self.trade_id:
            return f"trade {self.trade_id} in {self.instrument_id} of {order}, which cannot be read"
        return f"{order} in {self.instrument_id}, which cannot be read"


def wait_for(strangers: Iterable[Stranger], now_ns: int) -> None:
    """Raises VenueUnavailable where the venue may still tell of one."""
    waited = [one for one in strangers if one.is_waited_for(now_ns)]
    if waited:
        more = f", and {len(waited) - 1} more" if len(waited) > 1 else ""
        raise VenueUnavailable(f"Part of the account is not known yet: {waited[-1]}{more}.")


def told(strangers: list[Stranger]) -> str:
    """For the trader, who reads the others in the log."""
    named = "; ".join(str(one) for one in strangers[:NAMED])
    more = f"; and {len(strangers) - NAMED} more, which the log names" if len(strangers) > NAMED else ""
    what = "this is" if len(strangers) == 1 else "these are"
    return (
        f"The venue does not tell enough of it: {named}{more}. Until it does, {what} not in the positions. Every "
        "comparison asks again; look at the venue's own page for it."
    )
