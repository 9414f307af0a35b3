"""Open orders: what rests or may rest at the venue, with cancel one and cancel all."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from octopus_desktop.actions.context import Context
from octopus_desktop.model.commands import CancelAllOrders, CancelOrder, Done, Outcome
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId
from octopus_desktop.model.orders import Order, OrderStatus
from octopus_desktop.state import State
from ui.dialogs.amend import AmendDialog
from ui.frame import Dirty
from ui.models.rows_model import RowsModel
from ui.panes.order_columns import order_columns, status_word
from ui.panes.table_pane import TablePane
from ui.session import Session
from ui.theme.numbers import count_of

_COLUMNS = (
    "time", "instrument", "side", "type", "price", "trigger", "quantity", "filled", "share", "remaining", "value",
    "tif", "status", "parent", "role", "client_order_id",
)  # fmt: skip
_PENDING = {OrderStatus.INITIATED, OrderStatus.SUBMITTED}
"""Shown dim. Not the unknown ones: they have to be seen."""


class OpenOrdersPane(TablePane):
    pane_id = "open_orders"
    title = "Open orders"
    slow = False
    contexts = (Context.ORDERS, Context.TABLE)
    empty_text = "No open orders"
    empty_hint = "B or S brings up the ticket"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        columns = order_columns(session.state, session.zone)
        self.model = RowsModel[Order](
            [columns[key] for key in _COLUMNS],
            lambda order: order.client_order_id,
            self,
            faded=lambda order: order.status in _PENDING or order.cancel_requested,
        )
        self.set_table(self.model, ("time", True))
        self.amend_button = self.add_control(
            "Change…", "Another price or quantity for the order (F2)", self.amend_selected
        )
        self.cancel_button = self.add_control("Cancel", "Cancel the selected orders (Del)", self.cancel_selected)
        self.cancel_all_button = self.add_control(
            "Cancel all", "Cancel every open order (Ctrl+Shift+X)", self.cancel_all
        )
        self.table.selectionModel().selectionChanged.connect(self._label)
        self.table.chosen.connect(self.amend_selected)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._open_menu)
        self._label()

    def refresh(self, state: State, dirty: Dirty) -> None:
        if dirty.everything:
            self.model.replace(state.working.values())
        else:
            if not dirty.orders and not dirty.system:
                return
            selected = [order.client_order_id for order in self.table.selected_rows()]
            for order_id in dirty.orders:
                order = state.working.get(order_id)
                if order is not None:
                    self.model.upsert(order)
                else:
                    self.model.remove(order_id)
            if len(selected) == 1 and selected[0] not in state.working:
                self._follow(selected[0], state)
        self._label()
        self.show_account_state()

    def _follow(self, order_id: ClientOrderId, state: State) -> None:
        """A changed order is another one to the venue, and the same to the trader: it stays selected."""
        for new in state.working.values():
            place = self.model.place(new.client_order_id) if new.intent.replaces == order_id else None
            if place is not None:
                self.table.select_place(place)

    def _label(self) -> None:
        """A dangerous act names itself."""
        count, selected = len(self.model.rows), len(self.table.selectionModel().selectedRows())
        self.cancel_all_button.setText(f"Cancel {count_of(count, 'order')}" if count else "Cancel all")
        self.cancel_all_button.setEnabled(count > 0)
        self.cancel_button.setText(f"Cancel {selected} selected" if selected > 1 else "Cancel selected")
        self.cancel_button.setEnabled(selected > 0)
        self.amend_button.setEnabled(selected == 1)
        for button in (self.cancel_button, self.cancel_all_button):
            button.setAccessibleName(button.text())

    def amend_selected(self) -> None:
        orders = self.table.selected_rows()
        if not orders:
            self._tell_none_chosen("change", "press F2")
        elif len(orders) > 1:
            self.session.tell(
                "info", "One order is changed at a time", f"{len(orders)} are selected. Select one, then press F2."
            )
        elif orders[0].status not in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED):
            said = f"The order is {status_word(orders[0]).lower()}. Press F2 again when it is open."
            self.session.tell("info", "It can't be changed now", said)
        elif orders[0].intent.list_id is not None:
            self.session.tell("info", "One of a pair can't be changed", "Cancel the pair and place it anew.")
        else:
            AmendDialog(self.session, orders[0], self.window()).open()

    def _open_menu(self, at: QPoint) -> None:
        count = len(self.table.selected_rows())
        if not count:
            return
        menu = QMenu(self)
        change = menu.addAction("Change…\tF2")
        change.setEnabled(count == 1)
        change.triggered.connect(self.amend_selected)
        menu.addAction(f"Cancel {count_of(count, 'order')}\tDel").triggered.connect(self.cancel_selected)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.table.viewport().mapToGlobal(at))

    def cancel_selected(self) -> None:
        orders = self.table.selected_rows()
        if not orders:
            self._tell_none_chosen("cancel", "press Del")
        for order in orders:
            self.session.execute(CancelOrder(order.client_order_id))

    def _tell_none_chosen(self, verb: str, then: str) -> None:
        if not self.model.rows:
            self.session.tell("info", f"There is no open order to {verb}", "B or S brings up the ticket for a new one.")
        elif not self.table.shown_rows():
            self.session.tell(
                "info", "No order is selected", f"The filter hides all: empty it, select an order, then {then}."
            )
        else:
            self.session.tell("info", "No order is selected", f"Select one in open orders, then {then}.")

    def cancel_all(self) -> None:
        self._cancel(None)

    def cancel_instrument(self) -> None:
        """Those of the instrument on the screen."""
        if self.session.instrument is not None:
            self._cancel(self.session.instrument.instrument_id)

    def _cancel(self, name: InstrumentId | None) -> None:
        self.session.execute(CancelAllOrders(name), self._canceled)

    def _canceled(self, outcome: Outcome) -> None:
        if isinstance(outcome, Done):
            if outcome.count:
                self.session.tell("info", f"Canceling {count_of(outcome.count, 'order')}")
            else:
                self.session.tell("info", "No open orders to cancel")
        else:
            self.session.tell("warn", "Not canceled", outcome.reason)
