"""An action as it is declared, and the one registry: palette, menus, toolbar, shortcuts, cheat sheet are its views."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

import msgspec

from octopus_desktop.actions.context import Context
from octopus_desktop.actions.keys import KeyTrie, parse_keys


class Menu(Enum):
    """Menus of the menu bar, in their order. `NONE`: reached by keys and palette only."""

    FILE = "File"
    TRADE = "Trade"
    INSTRUMENT = "Instrument"
    CHART = "Chart"
    VIEW = "View"
    HELP = "Help"
    NONE = ""


class Action(msgspec.Struct, frozen=True):
    """`doc` is one sentence: the palette's and the status tip's text. `keys`: alternatives, the first is shown.

    `group` keeps neighbours together in a menu; a line parts the groups. `submenu` puts it one level deeper.
    `toggles`: it has a state that a check mark shows. `repeats`: held down, it happens again and again.
    `button`: what stands on its button on the toolbar; it has none where that is empty.
    """

    id: str
    title: str
    doc: str
    menu: Menu
    context: Context = Context.WINDOW
    keys: tuple[str, ...] = ()
    group: str = ""
    submenu: str = ""
    toggles: bool = False
    repeats: bool = False
    button: str = ""


class ActionRegistry:
    """All actions by id, in the order of their declaration.

    Raises ValueError for an id or a key that is given twice in one context, and for an action without a text.
    """

    def __init__(self, actions: Iterable[Action]) -> None:
        self._actions: dict[str, Action] = {}
        self.trie = KeyTrie()
        for action in actions:
            if action.id in self._actions:
                raise ValueError(f"the action {action.id} is declared twice")
            if not action.title or not action.doc.endswith("."):
                raise ValueError(f"the action {action.id} needs a title and one sentence of documentation")
            self._actions[action.id] = action
            for keys in action.keys:
                self.trie.add(parse_keys(keys), action.context, action.id)

    def __iter__(self) -> Iterator[Action]:
        return iter(self._actions.values())

    def __len__(self) -> int:
        return len(self._actions)

    def __getitem__(self, action_id: str) -> Action:
        return self._actions[action_id]

    def __contains__(self, action_id: str) -> bool:
        return action_id in self._actions
