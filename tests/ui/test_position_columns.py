"""What the positions say of coins that were there before."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

from scripted_day import scripted_session

from octopus_desktop.model.account import Position
from octopus_desktop.model.events import QuoteChanged
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, TradeId, VenueOrderId
from octopus_desktop.model.orders import Fill, Side
from octopus_desktop.state import State
from ui.panes.positions import position_columns
from ui.theme.numbers import NOTHING

BTC = InstrumentId("BTCUSDT.SIM")


def fill(side: Side, quantity: str, price: str, number: int) -> Fill:
    return Fill(
        BTC,
        ClientOrderId("od"),
        VenueOrderId("v"),
        TradeId(str(number)),
        side,
        Decimal(price),
        Decimal(quantity),
        Decimal(0),
        "USDT",
        True,
        number,
    )


def test_the_gain_of_coins_held_before_is_not_guessed() -> None:
    """Sold without having been bought: no short, and the gain is not known; what is bought here gains as ever."""
    columns = {column.key: column for column in position_columns(State(), UTC)}
    realised = columns["realised"]
    assert realised.tip is not None
    position = Position(BTC)
    assert realised.text(position) == "0.00"
    position.apply(fill(Side.SELL, "0.6", "60000", 1))
    assert columns["side"].text(position) == "Flat"
    assert columns["opened"].text(position) == NOTHING, "no position was ever opened"
    assert (realised.text(position), realised.raw(position)) == ("not known", None)
    assert "0.6 sold that were held before" in realised.tip(position)
    position.apply(fill(Side.BUY, "0.1", "60000", 2))
    position.apply(fill(Side.SELL, "0.1", "60100", 3))
    assert realised.text(position) == "+10.00"
    assert "0.6 sold" in realised.tip(position)


def test_the_mark_between_two_ticks_has_one_more_digit() -> None:
    """Mark times quantity is the value beside it, also where the middle is half a tick; on a tick nothing is added."""
    node = scripted_session()
    state, name = node.state, BTC
    columns = {column.key: column for column in position_columns(state, UTC)}
    position = Position(name)
    position.apply(fill(Side.BUY, "2", "60000", 1))
    for ask, mark, value in ((60000.01, "60,000.005", "120,000.01"), (60000.02, "60,000.01", "120,000.02")):
        node.now_ns += 1_000_000_000
        state.apply(QuoteChanged(name, 60000.0, 1.0, ask, 1.0, node.now_ns, node.now_ns))
        assert columns["mark"].text(position) == mark
        assert columns["value"].text(position) == value
