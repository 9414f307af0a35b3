"""The dialogs of one window: each is asked here, and answered by a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from octopus_desktop.model.commands import (
    AmendOrder,
    Command,
    ConfirmLive,
    SetTradingLevel,
    StartAlgo,
    SubmitOrder,
    UnlockEntry,
)
from octopus_desktop.model.safety import TradingLevel
from ui.session import Session

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from ui.dialogs.profile import AddProfile
    from ui.dialogs.typed_name import TypedNameDialog


class Questions:
    """Dialogs are imported when they are asked: most sessions need none."""

    def __init__(self, session: Session, window: QWidget) -> None:
        self._session, self._window = session, window

    def unlock(self) -> None:
        venue = self._session.node.profile.venue
        self._typed_name(
            "Unlock order entry", "Stay locked", f"Orders sent from here trade real money at {venue}.", UnlockEntry
        )

    def activate(self) -> None:
        """Back to the level ACTIVE."""
        level = self._session.state.level
        self._typed_name(
            "Go back to ACTIVE",
            f"Stay {level.level.value}",
            f"Orders that add risk will be let through again. {level.reason}".strip(),
            lambda typed: SetTradingLevel(TradingLevel.ACTIVE, typed),
        )

    def confirm(self, command: SubmitOrder | StartAlgo | AmendOrder, reason: str, then: Callable[[], None]) -> None:
        """The first order of a LIVE profile; `then` sends it."""
        from ui.outcomes import act_of

        act = act_of(command, self._session.state)
        dialog = self._typed_name(act, "Send nothing", f"{act}. {reason}", ConfirmLive)
        dialog.accepted.connect(then)

    def risk_limits(self) -> None:
        from ui.dialogs.risk_limits import open_risk_limits

        open_risk_limits(self._session, self._window)

    def ledger(self) -> None:
        from ui.dialogs.ledger import LedgerDialog

        LedgerDialog(self._session, self._window).open()

    def quit(self, then: Callable[[], None]) -> None:
        """`then` closes the window; it is asked first where algos would stand still."""
        from ui.dialogs.quit import QuitDialog, held_here

        held = held_here(self._session.state)
        if not held:
            then()
            return
        dialog = QuitDialog(held, self._window)
        dialog.accepted.connect(then)
        dialog.open()

    def profile(self, add: AddProfile | None) -> None:
        if add is None:
            self._session.tell("info", "Profiles are added on the command line", "octopus-desktop profile add NAME")
            return
        from ui.dialogs.profile import ProfileDialog

        dialog = ProfileDialog(add, self._window)
        dialog.accepted.connect(lambda: self._session.tell("success", "Profile added", dialog.message))
        dialog.open()

    def _typed_name(self, act: str, leave: str, warning: str, command: Callable[[str], Command]) -> TypedNameDialog:
        from ui.dialogs.typed_name import TypedNameDialog

        dialog = TypedNameDialog(self._session, self._window, act=act, leave=leave, warning=warning, command=command)
        dialog.open()
        return dialog
