"""What is held after fees."""

from __future__ import annotations

from decimal import Decimal

import pytest

from octopus_desktop.model.account import Position
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, TradeId, VenueOrderId
from octopus_desktop.model.orders import Fill, Side

DOGE = InstrumentId("DOGEUSDT.SIM")
D = Decimal


def fill(side: Side, quantity: str, price: str, fee: str, asset: str, number: int) -> Fill:
    return Fill(
        DOGE,
        ClientOrderId("od"),
        VenueOrderId("v"),
        TradeId(str(number)),
        side,
        D(price),
        D(quantity),
        D(fee),
        asset,
        True,
        number,
    )


@pytest.mark.parametrize(("asset", "held"), [("DOGE", "2997"), ("BNB", "3000"), ("USDT", "3000")])
def test_a_fee_in_the_coin_itself_is_not_held(asset: str, held: str) -> None:
    """Of 3,000 bought 2,997 arrive: so many can be sold, at the price they cost, and then nothing is left."""
    position = Position(DOGE)
    position.apply(fill(Side.BUY, "3000", "0.2", "3", asset, 1))
    assert (position.quantity, position.average_price, position.bought) == (D(held), D("0.2"), D(3000))
    assert position.fees == {asset: D(3)}
    position.apply(fill(Side.SELL, held, "0.3", "0.9", "USDT", 2))
    assert (position.quantity, position.from_before) == (D(0), D(0))
    assert position.realised == D(held) * D("0.1")


def test_a_contract_is_held_whole_whatever_its_fee() -> None:
    position = Position(DOGE, can_be_short=True)
    position.apply(fill(Side.BUY, "3000", "0.2", "3", "DOGE", 1))
    assert position.quantity == D(3000)
