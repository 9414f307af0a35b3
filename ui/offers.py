"""What the palette offers: every action, and every instrument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from octopus_desktop.actions.keys import show_keys
from octopus_desktop.actions.registry import ActionRegistry
from ui.palette import Entry, Palette
from ui.session import Session
from ui.theme.numbers import format_price

RECENT_SETTING: Final = "palette.recent"


class Offers:
    """Fills the palette of one window."""

    def __init__(
        self, session: Session, registry: ActionRegistry, palette: Palette, run: Callable[[str], None]
    ) -> None:
        self._session, self._registry, self._palette, self._run = session, registry, palette, run

    def everything(self) -> None:
        entries = [
            Entry(
                action.id,
                action.title,
                action.doc,
                lambda action_id=action.id: self._run(action_id),  # type: ignore[misc]  # binds the loop's variable
                show_keys(action.keys[0]) if action.keys else "",
                action.menu.value,
            )
            for action in self._registry
            if action.id != "palette.open"
        ]
        self._offer([*entries, *self._instruments()], "Find an action or an instrument")

    def instruments(self) -> None:
        entries = self._instruments()
        if entries:
            self._offer(entries, "Find an instrument")
        else:
            self._session.tell("info", "No instruments yet", "The venue has not listed any.")

    def _instruments(self) -> list[Entry]:
        watched = {name: place for place, name in enumerate(self._session.watchlist)}
        state = self._session.state
        listed = sorted(state.instruments, key=lambda name: (watched.get(name, len(watched)), name))
        entries = []
        for name in listed:
            instrument = state.instruments[name]
            last = state.market(name).last_price
            price = format_price(last, instrument.price_precision) if last is not None else ""
            doc = f"{instrument.base} in {instrument.quote}, {instrument.kind.value} at {instrument.venue}"
            entries.append(
                Entry(name, instrument.symbol, doc, lambda name=name: self._session.select(name), mark=price)  # type: ignore[misc]  # binds the loop's variable
            )
        return entries

    def _offer(self, entries: list[Entry], placeholder: str) -> None:
        kept = self._session.setting(RECENT_SETTING)
        recent = kept.split("\n") if kept else []
        self._palette.offer(
            entries, placeholder, recent, lambda used: self._session.save(RECENT_SETTING, "\n".join(used))
        )
