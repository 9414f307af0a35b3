"""What a venue says of one of our orders, whichever way it said it: a response, the account stream, or when asked."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from octopus_desktop.model.identifiers import ClientOrderId, VenueOrderId
from octopus_desktop.model.orders import Fill, OrderIntent, OrderStatus


class OrderReport(msgspec.Struct, frozen=True, gc=False):
    """`intent` is the order as the venue knows it, so that an order made elsewhere can be adopted.

    `fills` are the executions this report tells of, often none or one, not all there were: `filled_quantity` is the
    total, so a difference shows which are missing. `status` is one of ACCEPTED, PARTIALLY_FILLED, FILLED, CANCELED,
    REJECTED, EXPIRED.
    """

    client_order_id: ClientOrderId
    venue_order_id: VenueOrderId
    intent: OrderIntent
    status: OrderStatus
    filled_quantity: Decimal
    fills: tuple[Fill, ...]
    ts_venue_ns: int
    reason: str = ""
