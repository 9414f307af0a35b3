"""Order history: every order that came to an end, and how."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from octopus_desktop.model.orders import Order, OrderStatus
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.models.rows_model import RowsModel
from ui.panes.order_columns import order_columns
from ui.panes.table_pane import TablePane
from ui.session import Session

_COLUMNS = (
    "updated", "instrument", "side", "type", "price", "trigger", "average", "quantity", "filled", "tif", "status",
    "client_order_id", "reason",
)  # fmt: skip


class OrderHistoryPane(TablePane):
    pane_id = "order_history"
    title = "Order history"
    empty_text = "No order has ended yet"
    empty_hint = "Filled, canceled and refused orders are kept here"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        columns = order_columns(session.state, session.zone)
        self.model = RowsModel[Order](
            [columns[key] for key in _COLUMNS],
            lambda order: order.client_order_id,
            self,
            faded=lambda order: order.status is OrderStatus.CANCELED and not order.filled_quantity,
        )
        self.set_table(self.model, ("updated", True))

    def refresh(self, state: State, dirty: Dirty) -> None:
        if dirty.everything:
            self.model.replace(order for order in state.orders.values() if order.status.is_terminal)
        else:
            for order_id in dirty.orders:
                order = state.orders.get(order_id)
                if order is None:
                    continue
                if order.status.is_terminal:
                    self.model.upsert(order)
                else:
                    self.model.remove(order_id)  # the venue took its last word back: it works again
        self.show_account_state()
