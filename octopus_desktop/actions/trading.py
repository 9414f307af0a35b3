"""Actions that make, cancel or prepare orders."""

from __future__ import annotations

from typing import Final

from octopus_desktop.actions.context import Context
from octopus_desktop.actions.registry import Action, Menu

_T, _K = Menu.TRADE, Context.TICKET

ACTIONS: Final = (
    Action("ticket.buy", "Buy…", "Bring the ticket up on its buying side.", _T, keys=("B", "Alt+B"), group="ticket"),
    Action("ticket.sell", "Sell…", "Bring the ticket up on its selling side.", _T, keys=("S", "Alt+S"), group="ticket"),
    Action(
        "ticket.submit",
        "Send the order in the ticket",
        "Send what the ticket's button says; pressed twice it is still one order.",
        _T,
        _K,
        keys=("Return", "Ctrl+Return"),
        group="ticket",
    ),
    Action("ticket.limit", "Limit order", "Make it a limit order.", _T, _K, keys=("Alt+L",), submenu="Order type"),
    Action("ticket.market", "Market order", "Make it a market order.", _T, _K, keys=("Alt+M",), submenu="Order type"),
    Action(
        "ticket.next_type",
        "Next order type",
        "Go through limit, market, post-only, stop and take profit.",
        _T,
        _K,
        keys=("Alt+T",),
        submenu="Order type",
    ),
    Action(
        "ticket.post_only",
        "Post only",
        "A limit order that the venue refuses rather than fills at once.",
        _T,
        _K,
        keys=("Alt+P",),
        submenu="Order type",
    ),
    Action(
        "ticket.next_unit",
        "Quantity in base, quote or % of free",
        "Change what the quantity is counted in.",
        _T,
        _K,
        keys=("Alt+U",),
        group="ticket",
    ),
    Action(
        "ticket.price_bid",
        "Price at the bid",
        "Put the best bid into the ticket.",
        _T,
        keys=("Alt+Down",),
        group="price",
    ),
    Action(
        "ticket.price_ask", "Price at the ask", "Put the best ask into the ticket.", _T, keys=("Alt+Up",), group="price"
    ),
    *(
        Action(
            f"ticket.percent_{percent}",
            f"{percent} % of free",
            f"Put {percent} % of what is free into the ticket.",
            _T,
            _K,
            keys=(key,),
            submenu="Quantity",
        )
        for percent, key in ((25, "Alt+1"), (50, "Alt+2"), (75, "Alt+3"), (100, "Alt+4"))
    ),
    Action(
        "order.cancel",
        "Cancel the selected orders",
        "Cancel the orders selected in open orders.",
        _T,
        Context.ORDERS,
        keys=("Del",),
        group="cancel",
    ),
    Action(
        "order.cancel_instrument",
        "Cancel the orders of this instrument",
        "Cancel every open order of the instrument on the screen.",
        _T,
        keys=("Ctrl+Shift+Z",),
        group="cancel",
    ),
    Action(
        "order.cancel_all",
        "Cancel all orders",
        "Cancel every open order of every instrument.",
        _T,
        keys=("Ctrl+Shift+X",),
        group="cancel",
    ),
    Action(
        "position.close",
        "Close the position…",
        "Fill the ticket with the market order that closes the position.",
        _T,
        keys=("Ctrl+Shift+C",),
        group="position",
    ),
    Action(
        "entry.unlock",
        "Unlock order entry…",
        "Allow new orders; a LIVE profile asks for its name first.",
        _T,
        keys=("Ctrl+U",),
        group="entry",
    ),
    Action(
        "entry.lock",
        "Lock order entry",
        "Refuse every new order until it is unlocked; cancelling stays possible.",
        _T,
        keys=("Ctrl+Shift+U",),
        group="entry",
    ),
    Action(
        "account.reconcile",
        "Compare with the venue",
        "Ask the venue for orders, fills and balances, and mend what differs.",
        _T,
        keys=("Ctrl+R",),
        group="entry",
    ),
)
