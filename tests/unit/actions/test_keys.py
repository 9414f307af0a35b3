"""Keys as text, and what a sequence of them means where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octopus_desktop.actions.context import Context
from octopus_desktop.actions.keys import MODIFIERS, NAMED_KEYS, KeyTrie, parse_keys, show_keys

HERE = (Context.ORDERS, Context.TABLE, Context.WINDOW)


@pytest.mark.parametrize(
    ("text", "sequence"),
    [
        ("ctrl+k", ("Ctrl+K",)),
        ("Shift+Ctrl+x", ("Ctrl+Shift+X",)),
        ("g 5", ("G", "5")),
        ("del", ("Del",)),
        ("Ctrl++", ("Ctrl++",)),
        ("+", ("+",)),
        ("ctrl+pgdown", ("Ctrl+PgDown",)),
    ],
)
def test_keys_are_read_in_any_spelling(text: str, sequence: tuple[str, ...]) -> None:
    """A key map written by hand is read whatever its capitals and the order of its modifiers."""
    assert parse_keys(text) == sequence


@pytest.mark.parametrize(("text", "says"), [("Ctlr+K", "Ctrl"), ("Ctrl+Retrun", "Return"), ("Hyper+K", "no modifier")])
def test_a_mistyped_key_is_refused_with_the_near_name(text: str, says: str) -> None:
    """A typing error in a key map is named, and the key that was meant is offered."""
    with pytest.raises(ValueError, match=says):
        parse_keys(text)


def test_no_key_is_refused() -> None:
    """An action without a key has an empty list of keys, not an empty key."""
    with pytest.raises(ValueError, match="missing"):
        parse_keys("  ")


def test_a_sequence_is_shown_as_it_is_pressed() -> None:
    """The cheat sheet says what to press first and what then."""
    assert show_keys("g 5") == "G then 5"
    assert show_keys("ctrl+k") == "Ctrl+K"


def test_the_innermost_context_has_the_key() -> None:
    """Del in open orders cancels an order, elsewhere it is what it is elsewhere."""
    trie = KeyTrie()
    trie.add(("Del",), Context.ORDERS, "cancel")
    trie.add(("Del",), Context.WATCHLIST, "remove")
    assert trie.action(("Del",), HERE) == "cancel"
    assert trie.action(("Del",), (Context.WATCHLIST, Context.WINDOW)) == "remove"
    assert trie.action(("Del",), (Context.CHART, Context.WINDOW)) is None


def test_one_key_belongs_to_one_action_of_a_context() -> None:
    """Two actions on one key would both stay silent, so the second one is refused by name."""
    trie = KeyTrie()
    trie.add(("G", "1"), Context.WINDOW, "one")
    with pytest.raises(ValueError, match="one and to two"):
        trie.add(("G", "1"), Context.WINDOW, "two")
    with pytest.raises(ValueError, match="begins the keys of one"):
        trie.add(("G",), Context.WINDOW, "two")
    trie.add(("K",), Context.WINDOW, "short")
    with pytest.raises(ValueError, match="short has the first"):
        trie.add(("K", "1"), Context.WINDOW, "long")


def test_what_may_follow_is_known() -> None:
    """After the first key of a sequence, the next ones can be shown."""
    trie = KeyTrie()
    trie.add(("G", "1"), Context.WINDOW, "one")
    trie.add(("G", "2", "3"), Context.CHART, "deep")
    assert trie.continuations(("G",), HERE) == {"1": "one"}
    assert trie.continuations(("G",), (Context.CHART, Context.WINDOW)) == {"1": "one", "2": None}
    assert trie.continuations(("X",), HERE) == {}


@given(
    st.lists(st.sampled_from(MODIFIERS), unique=True),
    st.one_of(st.sampled_from(sorted(NAMED_KEYS)), st.characters(codec="ascii", categories=["Ll", "Nd", "Po"])),
)
def test_reading_what_was_written_changes_nothing(modifiers: list[str], key: str) -> None:
    """A key map that the program writes is the one it reads."""
    (chord,) = parse_keys("+".join([*modifiers, key]))
    assert parse_keys(chord) == (chord,)
