"""A PAPER session on the embedded exchange's market: fills by its prints, an account of its own, kept over restarts."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import msgspec

from octopus_desktop.config.profiles import PAPER
from octopus_desktop.model.commands import CancelOrder, Done, Reconcile, Subscribe
from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import new_client_order_id
from octopus_desktop.model.orders import OrderIntent, OrderStatus, Side
from tests.e2e.session import SIM, Session, ask_exchange, limit, market


def exchange_of(session: Session) -> str:
    exchange = session.node._engine._exchange  # type: ignore[attr-defined]
    return str(exchange.urls.rest)


def _at_touch(session: Session, side: Side) -> OrderIntent:
    bid, ask = session.touch()
    price = session.state.instruments[session.btc].price(bid if side is Side.BUY else ask)
    return msgspec.structs.replace(limit(side, "0.001", price), instrument_id=session.btc)


def _filled_by_prints(session: Session, far: OrderIntent) -> bool:
    """Rests at both sides of the touch until one is filled, whichever way the price goes; whether as a maker."""
    time.sleep(0.3)  # ten orders a second are the limit
    at_touch = [_at_touch(session, side) for side in Side]
    for intent in at_touch:
        session.submit(intent)

    def filled() -> list[OrderIntent]:
        return [intent for intent in at_touch if session.status(intent) is OrderStatus.FILLED]

    session.until(filled, "one of two at the touch is filled")
    near = filled()[0]
    for intent in at_touch:
        session.execute(CancelOrder(intent.client_order_id))
    session.until(lambda: set(session.state.working) == {far.client_order_id}, "the other one is canceled")
    return all(fill.is_maker for fill in session.state.fills if fill.client_order_id == near.client_order_id)


def test_a_paper_session_from_its_first_order_to_a_restart(tmp_path: Path) -> None:
    """A market order fills from the book, a bid at the touch by prints, a far one rests; a restart finds them again."""
    with Session(tmp_path, PAPER) as session:
        session.open_for_orders()
        session.execute(Subscribe(session.btc, Channel.QUOTES))
        session.touch()
        session.until(lambda: session.free("USDT") == 100_000, "the first account")
        bought = market(Side.BUY, "0.01")
        session.submit(bought)
        session.until(lambda: session.status(bought) is OrderStatus.FILLED, "the market order filled")
        session.until(lambda: (SIM, "BTC") in session.state.balances, "its coins")  # perhaps in the next frame
        assert session.free("BTC") == Decimal("0.01") * Decimal("0.999")
        far = session.resting_bid()
        session.submit(far)
        session.until(lambda: session.status(far) is OrderStatus.ACCEPTED, "the far bid rests")
        # The market moves while an order is on its way: one at the touch may meet the other side, and takes.
        assert any(_filled_by_prints(session, far) for _ in range(40))
        assert session.execute(Reconcile(PAPER.venue)) == Done()
        session.until(lambda: session.state.entry_locked is None, "compared")
        locked = session.state.balances[PAPER.venue, "USDT"].locked
        assert locked == far.quantity * (far.price or 0)
        held, free = session.free("BTC"), session.free("USDT")
        assert not ask_exchange(exchange_of(session), "account")["orders"], "a paper order reached the exchange"

    with Session(tmp_path, PAPER) as session:
        session.open_for_orders()
        assert session.status(far) is OrderStatus.ACCEPTED
        assert (session.free("BTC"), session.free("USDT")) == (held, free)
        assert session.state.balances[PAPER.venue, "USDT"].locked == locked
        assert session.state.reconciled[PAPER.venue].differences == 0
        session.until(lambda: PAPER.venue in session.state.ledger, "the sums were checked")
        assert not session.state.unexplained
        session.execute(CancelOrder(far.client_order_id))
        session.until(lambda: session.status(far) is OrderStatus.CANCELED, "canceled after the restart")
        session.until(lambda: session.free("USDT") == free + locked, "its money is free")


def test_the_journal_is_lost_and_the_paper_venue_still_knows(tmp_path: Path) -> None:
    """What rests at the paper venue is adopted by a terminal that has never heard of it, as at any venue."""
    with Session(tmp_path, PAPER) as session:
        session.open_for_orders()
        session.execute(Subscribe(session.btc, Channel.QUOTES))
        far = session.resting_bid()
        session.submit(far)
        session.until(lambda: session.status(far) is OrderStatus.ACCEPTED, "the far bid rests")
    for name in tmp_path.glob("octopus.db*"):
        name.unlink()
    with Session(tmp_path, PAPER) as session:
        session.open_for_orders()
        order = session.order(far)
        assert order is not None
        assert order.adopted
        assert order.status is OrderStatus.ACCEPTED
        assert order.intent.price == far.price
        session.execute(Subscribe(session.btc, Channel.QUOTES))
        session.touch()
        again = msgspec.structs.replace(far, client_order_id=new_client_order_id())
        session.submit(again)
        session.until(lambda: session.status(again) is OrderStatus.ACCEPTED, "orders go on")
