"""The first order of a LIVE profile leaves only after its name was typed once more."""

from __future__ import annotations

from typing import Final

from octopus_desktop.model.commands import ConfirmLive, Done, NeedsConfirmation, Outcome, Refused
from octopus_desktop.model.orders import OrderStatus
from octopus_desktop.model.profile import Mode, Profile
from octopus_desktop.ports import Repository
from octopus_desktop.state import State

CONFIRMED_SETTING: Final = "live.confirmed"


class FirstOrder:
    """Asked once in the life of a profile; an order in its journal that was sent from here counts, too."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._confirmed = profile.mode is not Mode.LIVE
        self._repository: Repository | None = None

    async def remember(self, state: State, repository: Repository) -> None:
        """After the journal is folded."""
        self._repository = repository
        never_left = (OrderStatus.INITIATED, OrderStatus.DENIED)
        sent = any(not order.adopted and order.status not in never_left for order in state.orders.values())
        if sent or await repository.setting(CONFIRMED_SETTING) is not None:
            self._confirmed = True

    def missing(self) -> NeedsConfirmation | None:
        if self._confirmed:
            return None
        return NeedsConfirmation(f"This is the first order of “{self._profile.name}”, with real money.")

    async def confirm(self, command: ConfirmLive) -> Outcome:
        if self._confirmed:
            return Done(0)
        if command.typed.strip() != self._profile.name:
            return Refused(f"Type the profile's name, “{self._profile.name}”, to allow its first order.")
        if self._repository is None:
            return Refused("The data is not open yet: the confirmation is not kept.")
        await self._repository.save_setting(CONFIRMED_SETTING, "yes")
        self._confirmed = True
        return Done()
