"""What the positions say of coins that were there before."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

import msgspec
import pytest
from scripted_day import scripted_session

from octopus_desktop.model.account import Position
from octopus_desktop.model.events import InstrumentListed, QuoteChanged
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


@pytest.mark.parametrize(
    ("quantity", "ask", "mark", "value", "gain"),
    [
        ("2", 60000.01, "60,000.00", "120,000.01", "+0.01"),
        ("-2", 60000.01, "60,000.01", "120,000.01", "−0.01"),
        ("2", 60000.02, "60,000.01", "120,000.02", "+0.02"),
        ("-2", 60000.02, "60,000.01", "120,000.02", "−0.02"),
        ("2", 60000.03, "60,000.01", "120,000.03", "+0.03"),
    ],
)
def test_the_mark_between_two_ticks_is_the_worse_one(
    quantity: str, ask: float, mark: str, value: str, gain: str
) -> None:
    """A long sees the lower tick, a short the higher; value and gain are of the exact middle, and so is the CSV."""
    node = scripted_session()
    columns = {column.key: column for column in position_columns(node.state, UTC)}
    position = Position(BTC, quantity=Decimal(quantity), average_price=Decimal(60000))
    node.now_ns += 1_000_000_000
    node.state.apply(QuoteChanged(BTC, 60000.0, 1.0, ask, 1.0, node.now_ns, node.now_ns))
    assert columns["mark"].text(position) == mark
    assert columns["value"].text(position) == value
    assert columns["unrealised"].text(position) == gain
    assert columns["mark"].raw(position) == (60000 + Decimal(repr(ask))) / 2


@pytest.mark.parametrize(("quantity", "shown"), [("1", "60,000.0"), ("-1", "60,000.5")])
def test_the_mark_is_on_a_tick_that_is_no_power_of_ten(quantity: str, shown: str) -> None:
    """Where prices go by halves, no mark of 60,000.2 or 60,000.3 is shown."""
    node = scripted_session()
    instrument = msgspec.structs.replace(node.state.instruments[BTC], tick_size=Decimal("0.5"))
    node.state.apply(InstrumentListed(BTC, instrument))
    mark = next(column for column in position_columns(node.state, UTC) if column.key == "mark")
    node.now_ns += 1_000_000_000
    node.state.apply(QuoteChanged(BTC, 60000.0, 1.0, 60000.5, 1.0, node.now_ns, node.now_ns))
    assert mark.text(Position(BTC, quantity=Decimal(quantity), average_price=Decimal(60000))) == shown
