"""The registry of actions: what palette, menus, keys and cheat sheet can rely on."""

from __future__ import annotations

import pytest

from octopus_desktop.actions.catalog import standard_actions
from octopus_desktop.actions.chart import interval_action
from octopus_desktop.actions.context import Context
from octopus_desktop.actions.keys import parse_keys
from octopus_desktop.actions.layout import PANES, focus_action, show_action
from octopus_desktop.actions.registry import Action, ActionRegistry, Menu
from octopus_desktop.model.identifiers import Interval


def test_no_two_actions_share_a_key_in_one_context() -> None:
    """Every default key means one thing where it counts: the registry refuses to be built otherwise."""
    seen: dict[tuple[Context, tuple[str, ...]], str] = {}
    for action in standard_actions():
        for keys in action.keys:
            at = (action.context, parse_keys(keys))
            assert at not in seen, f"{keys}: {action.id} and {seen.get(at)}"
            seen[at] = action.id


def test_every_action_says_what_it_does() -> None:
    """Palette and menus have a title and one whole sentence for each action, and no title twice in a menu."""
    titles = set()
    for action in standard_actions():
        assert action.title.strip() == action.title != ""
        assert action.doc[0].isupper()
        assert action.doc.endswith(".")
        assert len(action.doc) < 120
        assert (action.menu, action.submenu, action.title) not in titles
        titles.add((action.menu, action.submenu, action.title))


def test_every_pane_and_every_order_can_be_reached_by_keys() -> None:
    """Hands stay on the keyboard: every pane has a key, and so has everything that makes or cancels an order."""
    registry = standard_actions()
    for pane_id, _ in PANES:
        assert registry[focus_action(pane_id)].keys, pane_id
        assert show_action(pane_id) in registry
    for action_id in (
        "ticket.buy",
        "ticket.sell",
        "ticket.submit",
        "order.cancel",
        "order.cancel_all",
        "position.close",
    ):
        assert registry[action_id].keys, action_id
    for interval in Interval:
        assert registry[interval_action(interval)].keys


def test_an_order_key_held_down_acts_once() -> None:
    """A hand resting on Enter sends one order: no action of the Trade menu repeats."""
    assert not [action.id for action in standard_actions() if action.menu is Menu.TRADE and action.repeats]


def test_a_careless_declaration_is_refused() -> None:
    """Two actions of one name, or one without words, never get into the program."""
    good = Action("a.b", "Title", "What it does.", Menu.FILE)
    with pytest.raises(ValueError, match="declared twice"):
        ActionRegistry([good, good])
    with pytest.raises(ValueError, match="documentation"):
        ActionRegistry([Action("a.c", "Title", "no sentence", Menu.FILE)])
    with pytest.raises(ValueError, match="is no key"):
        ActionRegistry([Action("a.c", "Title", "What it does.", Menu.FILE, keys=("Ctrl+Foo",))])
