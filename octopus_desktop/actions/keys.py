"""Keys as text (`Ctrl+Shift+X`, `G 5`) and the trie that knows what each sequence of them means where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Final

from octopus_desktop.actions.context import Context, Contexts

MODIFIERS: Final = ("Ctrl", "Alt", "Shift", "Meta")
NAMED_KEYS: Final = frozenset(
    ["Return", "Esc", "Tab", "Space", "Backspace", "Del", "Ins", "Home", "End", "PgUp", "PgDown"]
    + ["Up", "Down", "Left", "Right"]
    + [f"F{number}" for number in range(1, 13)]
)

Sequence = tuple[str, ...]
"""Chords pressed one after the other."""


def parse_keys(text: str) -> Sequence:
    """`"ctrl+shift+x"` is `("Ctrl+Shift+X",)`, `"g 5"` is `("G", "5")`.

    Raises ValueError with a sentence that offers the near name where one was mistyped.
    """
    chords = tuple(_chord(part) for part in text.split())
    if not chords:
        raise ValueError("A key is missing.")
    return chords


def show_keys(text: str) -> str:
    """As a key cap reads: `Del`, `Ctrl+K`, `G then 5`."""
    return " then ".join(parse_keys(text))


def _chord(text: str) -> str:
    # The plus sign itself is a key: "Ctrl++".
    head, plus, last = (text[:-1].rstrip("+"), "+", "+") if text.endswith("+") else text.rpartition("+")
    modifiers = []
    for name in head.split("+") if plus and head else []:
        word = name.capitalize()
        if word not in MODIFIERS:
            raise ValueError(f"{name!r} is no modifier{_near(word, MODIFIERS)}.")
        modifiers.append(word)
    ordered = [name for name in MODIFIERS if name in modifiers]
    return "+".join([*ordered, _key(last)])


def _key(name: str) -> str:
    if len(name) == 1:
        return name.upper()
    for known in NAMED_KEYS:
        if known.lower() == name.lower():
            return known
    raise ValueError(f"{name!r} is no key{_near(name.capitalize(), NAMED_KEYS)}.")


def _near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


class _Node:
    __slots__ = ("actions", "next")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.actions: dict[Context, str] = {}


class KeyTrie:
    """Sequences of chords to action ids, by context."""

    def __init__(self) -> None:
        self._root = _Node()
        self._sequences: set[Sequence] = set()

    def add(self, sequence: Sequence, context: Context, action_id: str) -> None:
        """Raises ValueError where the keys are taken in that context, or begin or continue others that are."""
        node = self._root
        for chord in sequence:
            if context in node.actions:
                raise ValueError(f"{' '.join(sequence)}: {node.actions[context]} has the first of these keys")
            node = node.next.setdefault(chord, _Node())
        if context in node.actions:
            raise ValueError(f"{' '.join(sequence)} belongs to {node.actions[context]} and to {action_id}")
        longer = next(_actions_below(node, context), None)
        if longer is not None:
            raise ValueError(f"{' '.join(sequence)} begins the keys of {longer}")
        node.actions[context] = action_id
        self._sequences.add(sequence)

    def action(self, sequence: Sequence, contexts: Contexts) -> str | None:
        """What the whole sequence means here: the innermost context's word."""
        node = self._find(sequence)
        if node is None:
            return None
        return next((node.actions[context] for context in contexts if context in node.actions), None)

    def continuations(self, sequence: Sequence, contexts: Contexts) -> dict[str, str | None]:
        """What may be pressed next: chord to action id, or to None where more keys follow."""
        node = self._find(sequence)
        found: dict[str, str | None] = {}
        for chord, below in node.next.items() if node is not None else ():
            action_id = next((below.actions[context] for context in contexts if context in below.actions), None)
            if action_id is not None or any(next(_actions_below(below, each), None) for each in contexts):
                found[chord] = action_id
        return found

    @property
    def sequences(self) -> frozenset[Sequence]:
        return frozenset(self._sequences)

    def _find(self, sequence: Sequence) -> _Node | None:
        node: _Node | None = self._root
        for chord in sequence:
            node = node.next.get(chord) if node is not None else None
        return node


def _actions_below(node: _Node, context: Context) -> Iterator[str]:
    for below in node.next.values():
        if context in below.actions:
            yield below.actions[context]
        yield from _actions_below(below, context)
