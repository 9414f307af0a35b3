"""The day of an engine without a screen, against the embedded exchange."""

from __future__ import annotations

from pathlib import Path

import pytest

from octopus_desktop.model.commands import Subscribe
from octopus_desktop.model.events import Channel
from octopus_desktop.model.orders import OrderStatus, Side
from octopus_desktop.model.queries import RiskStatusQuery
from tests.e2e.session import BTC, Session, market

pytestmark = pytest.mark.xdist_group("exchange")


def test_what_is_held_is_valued_though_nobody_watches(tmp_path: Path) -> None:
    """Bought, and the program started anew without a wish for any price: the day's profit is known all the same."""
    with Session(tmp_path) as first:
        first.execute(Subscribe(BTC, Channel.QUOTES))
        first.open_for_orders()
        first.touch()
        bought = market(Side.BUY, "0.1")
        first.submit(bought)
        first.until(lambda: first.status(bought) is OrderStatus.FILLED, "filled")
    with Session(tmp_path) as second:
        second.until(lambda: second.state.market(BTC).touch, "a quote of what is held")
        second.until(lambda: second.node.query(RiskStatusQuery()).result(10).unvalued == (), "a day that is known")
