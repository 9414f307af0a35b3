"""Handlers of the actions in `octopus_desktop/actions/trading.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPushButton

from octopus_desktop.model.commands import LockEntry, Reconcile, UnlockEntry
from octopus_desktop.model.orders import Side
from octopus_desktop.model.profile import Mode
from ui.models.ticket_kinds import Kind

if TYPE_CHECKING:
    from ui.main_window import MainWindow

_KINDS = {
    "limit": Kind.LIMIT,
    "market": Kind.MARKET,
    "stop": Kind.STOP,
    "trailing": Kind.TRAILING_STOP,
    "good_till_date": Kind.GOOD_TILL_DATE,
    "iceberg": Kind.ICEBERG,
    "bracket": Kind.BRACKET,
    "oco": Kind.OCO,
    "twap": Kind.TWAP,
    "scale": Kind.SCALE,
    "chase": Kind.CHASE,
}
"""By the last part of the action's id."""


def handlers(window: MainWindow) -> dict[str, Callable[[], object]]:
    ticket, orders, session = window.ticket, window.open_orders, window.session

    def bring_ticket(side: Side) -> None:
        window.bring_up("ticket")
        ticket.take_side(side)

    def price_at(side: Side) -> None:
        ticket.take_touch(side)

    def cancel_selected() -> None:
        window.bring_up("open_orders")
        orders.cancel_selected()

    def amend_selected() -> None:
        window.bring_up("open_orders")
        orders.amend_selected()

    def typed(kind: Kind) -> Callable[[], None]:
        return lambda: ticket.take_kind(kind)

    def submit() -> None:
        focused = window.focusWidget()
        if isinstance(focused, QPushButton) and focused is not ticket.submit_button:
            focused.click()  # Enter presses the button it stands on, and nothing else
        else:
            ticket.submit()

    def close_position() -> None:
        window.positions.close_selected()

    def unlock() -> None:
        if session.node.profile.mode is Mode.LIVE and session.state.entry_locked is not None:
            window.questions.unlock()
        else:
            session.execute(UnlockEntry())

    return {
        "ticket.buy": lambda: bring_ticket(Side.BUY),
        "ticket.sell": lambda: bring_ticket(Side.SELL),
        "ticket.submit": submit,
        **{f"ticket.{name}": typed(kind) for name, kind in _KINDS.items()},
        "ticket.next_type": lambda: ticket.step_type(1),
        "ticket.previous_type": lambda: ticket.step_type(-1),
        "ticket.post_only": ticket.post_only.toggle,
        "ticket.next_unit": ticket.next_unit,
        "ticket.price_bid": lambda: price_at(Side.BUY),
        "ticket.price_ask": lambda: price_at(Side.SELL),
        "ticket.percent_25": lambda: ticket.take_percent(25),
        "ticket.percent_50": lambda: ticket.take_percent(50),
        "ticket.percent_75": lambda: ticket.take_percent(75),
        "ticket.percent_100": lambda: ticket.take_percent(100),
        "order.amend": amend_selected,
        "order.cancel": cancel_selected,
        "order.cancel_instrument": orders.cancel_instrument,
        "order.cancel_all": orders.cancel_all,
        "position.close": close_position,
        "entry.unlock": unlock,
        "entry.lock": lambda: session.execute(LockEntry()),
        "account.reconcile": lambda: session.execute(Reconcile(session.node.profile.venue)),
    }
