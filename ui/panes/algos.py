"""Algos: what each is for, how far it has come, and the keys that pause, resume and stop it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from octopus_desktop.actions.context import Context
from octopus_desktop.model.algos import Algo, AlgoStatus
from octopus_desktop.model.commands import PauseAlgo, ResumeAlgo, StopAlgo
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.models.rows_model import RowsModel
from ui.panes.algo_columns import algo_columns
from ui.panes.table_pane import TablePane
from ui.session import Session


class AlgosPane(TablePane):
    pane_id = "algos"
    title = "Algos"
    contexts = (Context.ALGOS, Context.TABLE)
    empty_text = "No algos"
    empty_hint = "Choose bracket, OCO, TWAP, scale or chase in the ticket"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.model = RowsModel[Algo](
            algo_columns(session.state, session.zone),
            lambda algo: algo.algo_id,
            self,
            faded=lambda algo: algo.status.is_over,
        )
        self.set_table(self.model, ("status", True))
        self._buttons = [
            (self.add_control("Pause", "Send nothing new; what rests stays (P)", self.pause), self._pausable),
            (self.add_control("Resume", "Let it go on (R)", self.resume), self._resumable),
            (
                self.add_control("Stop", "Cancel its orders and end it; a protecting stop stays (Del)", self.stop),
                self._live,
            ),
        ]
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._open_menu)
        self.table.selectionModel().selectionChanged.connect(self._label)
        self._label()

    def refresh(self, state: State, dirty: Dirty) -> None:
        if dirty.everything:
            self.model.replace(state.algos.values())
        else:
            touched = dict.fromkeys(dirty.algos)
            for order_id in dirty.orders:
                order = state.orders.get(order_id)
                if order is not None and order.intent.parent is not None:
                    touched[order.intent.parent] = None
            if not touched and not dirty.system:
                return
            for algo_id in touched:
                if algo_id in state.algos:
                    self.model.upsert(state.algos[algo_id])
        self._label()
        self.show_account_state()

    def _label(self) -> None:
        chosen = self.table.selected_rows()
        for button, may in self._buttons:
            button.setEnabled(any(may(algo) for algo in chosen))

    # What may be done -------------------------------------------------------

    @staticmethod
    def _pausable(algo: Algo) -> bool:
        return algo.status is AlgoStatus.RUNNING and not algo.native

    @staticmethod
    def _resumable(algo: Algo) -> bool:
        return algo.status is AlgoStatus.PAUSED

    @staticmethod
    def _live(algo: Algo) -> bool:
        return not algo.status.is_over

    def pause(self) -> None:
        for algo in self._chosen(self._pausable, "No running algo is selected"):
            self.session.execute(PauseAlgo(algo.algo_id))

    def resume(self) -> None:
        for algo in self._chosen(self._resumable, "No paused algo is selected"):
            self.session.execute(ResumeAlgo(algo.algo_id))

    def stop(self, *, keep_protection: bool = True) -> None:
        for algo in self._chosen(self._live, "No algo at work is selected"):
            self.session.execute(StopAlgo(algo.algo_id, keep_protection))

    def _chosen(self, may: Callable[[Algo], bool], otherwise: str) -> list[Algo]:
        chosen = [algo for algo in self.table.selected_rows() if may(algo)]
        if not chosen:
            self.session.tell("info", otherwise, "Choose one in algos.")
        return chosen

    def _open_menu(self, at: QPoint) -> None:
        chosen = self.table.selected_rows()
        if not chosen:
            return
        menu = QMenu(self)
        for text, do, may in (
            ("Pause\tP", self.pause, self._pausable),
            ("Resume\tR", self.resume, self._resumable),
            ("Stop, keep protecting stops\tDel", self.stop, self._live),
            ("Stop all of it\tShift+Del", lambda: self.stop(keep_protection=False), self._live),
        ):
            item = menu.addAction(text)
            item.setEnabled(any(may(algo) for algo in chosen))
            item.triggered.connect(lambda _=False, do=do: do())
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.table.viewport().mapToGlobal(at))
