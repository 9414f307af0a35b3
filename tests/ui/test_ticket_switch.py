"""From one kind of order to another: what stays in the ticket, what does not, and that nothing unseen is sent."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest
from conftest import settle
from PySide6.QtWidgets import QLineEdit
from scripted_market import BTC, ETH
from scripted_node import ScriptedNode

from octopus_desktop.model.commands import StartAlgo, SubmitOrder
from octopus_desktop.model.events import InstrumentListed
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.orders import OrderIntent, Side
from ui.main_window import MainWindow
from ui.models.ticket_kinds import Kind

# Said by the platform plugin that draws into memory, of wishes only a real window manager can grant.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

RESTS, STOPS, PROFITS, WORST = "where it rests", "limit of a stop", "limit of a profit", "no worse than"
LOSS, GAIN = "sets a stop off", "sets a profit off"

MATRIX: Final[dict[Kind, dict[str, str]]] = {
    Kind.LIMIT: {"price": RESTS},
    Kind.MARKET: {},
    Kind.GOOD_TILL_DATE: {"price": RESTS, "until": "when it ends"},
    Kind.ICEBERG: {"price": RESTS, "display": "what the book shows"},
    Kind.STOP: {"trigger": LOSS},
    Kind.STOP_LIMIT: {"trigger": LOSS, "price": STOPS},
    Kind.TAKE_PROFIT: {"trigger": GAIN},
    Kind.TAKE_PROFIT_LIMIT: {"trigger": GAIN, "price": PROFITS},
    Kind.TRAILING_STOP: {"offset": "distance", "activation": "from where it follows"},
    Kind.BRACKET: {
        "price": RESTS,
        "stop": "leaves the position",
        "stop_limit": "leaves the position",
        "target_0": "leaves with a profit",
        "share_0": "part of the position",
    },
    Kind.OCO: {"price": RESTS, "stop": "the other side of the pair", "stop_limit": "the other side of the pair"},
    Kind.TWAP: {"price": WORST, "duration": "how long", "slices": "how many parts", "jitter": "how irregular"},
    Kind.SCALE: {"first": "first price", "last": "last price", "count": "how many orders", "skew": "how unequal"},
    Kind.CHASE: {"price": WORST, "step": "how far behind", "timeout": "when it gives up"},
}
"""What each field of a kind means, besides the quantity, which means the same everywhere. A field keeps its text from
one kind to the next where the same name means the same, and starts empty where it does not."""

EARLIER: Final = {
    "price": "67011.11",
    "trigger": "67022.22",
    "until": "3h",
    "display": "0.00333",
    "offset": "4.44",
    "activation": "67055.55",
    "stop": "66066.66",
    "stop_limit": "66077.77",
    "target_0": "68088.88",
    "share_0": "100",
    "duration": "99m",
    "slices": "11",
    "jitter": "12",
    "first": "67131.31",
    "last": "66141.41",
    "count": "15",
    "skew": "1.6",
    "step": "17.17",
    "timeout": "18m",
}
NOW: Final = {
    "price": "67000",
    "trigger": "66900",
    "until": "2h",
    "display": "0.01",
    "offset": "1",
    "stop": "66500",
    "duration": "10m",
    "slices": "8",
    "first": "67000",
    "last": "66000",
    "count": "3",
    "step": "0.5",
}
"""What is typed anew: all that a kind has, or what it NEEDs."""
OTHERWISE: Final = {Kind.OCO: {"stop": "67500"}}
NEEDED: Final = {Kind.BRACKET: {"stop"}, Kind.TWAP: {"duration", "slices"}, Kind.TRAILING_STOP: {"offset"}}


def fields(window: MainWindow) -> dict[str, QLineEdit]:
    """The fields that are in sight, besides the quantity."""
    ticket = window.ticket
    every = {"price": ticket.price, "trigger": ticket.trigger, **ticket.extras.fields}
    return {name: entry for name, entry in every.items() if entry.isVisibleTo(ticket)}


def fill(window: MainWindow, texts: dict[str, str]) -> None:
    for name, entry in fields(window).items():
        if name in texts:
            entry.setText(texts[name])


@pytest.mark.parametrize("before", Kind, ids=lambda kind: kind.value)
def test_a_field_stays_only_where_it_means_the_same(window: MainWindow, before: Kind) -> None:
    """From each kind to each other one, and back."""
    ticket = window.ticket
    for after in Kind:
        ticket.set_type(before)
        fill(window, EARLIER)
        typed = {name: entry.text() for name, entry in fields(window).items()}
        assert set(MATRIX[before]) <= set(typed), before
        ticket.set_type(after)
        for name, entry in fields(window).items():
            same = MATRIX[before].get(name) == MATRIX[after].get(name, "none")
            assert entry.text() == (typed[name] if same else ""), (before, after, name)
        for entry in fields(window).values():
            entry.clear()


def test_a_price_is_not_carried_through_a_kind_that_has_none(window: MainWindow) -> None:
    """A limit, then a market order, then a TWAP: the limit is not the TWAP's worst price."""
    ticket = window.ticket
    fill(window, EARLIER)
    for kind in (Kind.MARKET, Kind.TWAP):
        ticket.set_type(kind)
    assert not ticket.price.text()


@pytest.mark.parametrize("after", Kind, ids=lambda kind: kind.value)
def test_nothing_unseen_is_sent(window: MainWindow, node: ScriptedNode, after: Kind) -> None:
    """Whatever was typed and ticked for other kinds: what is sent is what a ticket sends that was never another one."""
    contract = msgspec.structs.replace(node.state.instruments[BTC], kind=InstrumentKind.PERPETUAL)
    node.emit(InstrumentListed(BTC, contract))
    settle(window)
    window.session.select(ETH)
    window.session.select(BTC)
    ticket = window.ticket

    def sent() -> dict[str, object]:
        ticket.set_type(after)
        if after is Kind.BRACKET:
            ticket.extras.exit_unit.choose("price")
        needed = {
            name: text for name, text in (NOW | OTHERWISE.get(after, {})).items() if name in NEEDED.get(after, NOW)
        }
        fill(window, dict.fromkeys(EARLIER, "") | needed)
        ticket.amount.setText("0.1")
        settle(window)
        ticket.submit()
        settle(window)
        (command,) = node.of(SubmitOrder) + node.of(StartAlgo)
        node.commands.clear()
        ticket.amount.clear()
        asked = command.intent if isinstance(command, SubmitOrder) else command.spec
        return told(msgspec.structs.asdict(asked))

    at_first = sent()
    for before in Kind:
        ticket.set_type(before)
        ticket.extras.exit_unit.choose("percent" if before is Kind.BRACKET else "price")
        fill(window, EARLIER | ({"stop": "1", "target_0": "1"} if before is Kind.BRACKET else {}))
        for box in (ticket.post_only, ticket.reduce_only, ticket.extras.take):
            box.setChecked(True)
    ticket.extras.exit_unit.choose("percent")
    ticket.set_type(after)
    for box in (ticket.post_only, ticket.reduce_only, ticket.extras.take):
        if box.isVisibleTo(ticket):
            box.setChecked(False)
    assert sent() == at_first


def told(asked: dict[str, object]) -> dict[str, object]:
    """What the order is, without what tells it from the next one."""
    entry = asked.get("entry")
    inner = told(msgspec.structs.asdict(entry)) if isinstance(entry, OrderIntent) else entry
    names = {"client_order_id", "token", "parent", "expire_ns"}
    return {name: value for name, value in asked.items() if name not in names} | {"entry": inner}


def test_a_click_in_the_book_fills_a_price_that_is_in_sight(window: MainWindow) -> None:
    """A scale's first price, then its last; a market order becomes a limit order; where the kind has no price that is
    empty, nothing is filled behind the trader's back."""
    ticket = window.ticket
    ticket.set_type(Kind.SCALE)
    ticket.take_price(67400.0, None)
    ticket.take_price(67300.0, None)
    ticket.take_price(67200.0, None)
    first, last = (ticket.extras.fields[name].text() for name in ("first", "last"))
    assert (first, last, ticket.price.text()) == ("67,400.00", "67,300.00", "")
    ticket.set_type(Kind.MARKET)
    ticket.take_price(67100.0, Side.BUY)
    assert (ticket.type.currentData(), ticket.price.text()) == (Kind.LIMIT, "67,100.00")
