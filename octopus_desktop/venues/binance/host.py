"""What all clients of one venue in this process share: request budget, clock, breakers, count of bad messages."""

from __future__ import annotations

from typing import Final

from octopus_desktop.model.identifiers import Venue
from octopus_desktop.net.bad_messages import BadMessages
from octopus_desktop.net.breaker import Breakers
from octopus_desktop.net.clock_offset import ClockOffset
from octopus_desktop.net.rate_budget import RateBudget
from octopus_desktop.venues.binance.product import Product


class Host:
    def __init__(self, venue: Venue, product: Product) -> None:
        self.clock = ClockOffset()
        self.budget = RateBudget(product.weight_limit, lambda: self.clock.now_ns() / 1e9)
        self.bad = BadMessages(venue)
        self.breakers = Breakers(venue)
        self.breakers.recovered = self.budget.turns.resume


_hosts: Final[dict[str, Host]] = {}
"""By base URL. The venue counts by our address, so two clients with a budget each would spend it twice."""


def host_of(rest_url: str, venue: Venue, product: Product) -> Host:
    host = _hosts.get(rest_url)
    if host is None:
        host = _hosts[rest_url] = Host(venue, product)
    return host
