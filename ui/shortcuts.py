"""The keyboard as a view of the registry: one QShortcut for each sequence of keys, whatever it means where."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QWidget

from octopus_desktop.actions.context import Context, Contexts
from octopus_desktop.actions.keys import Sequence
from octopus_desktop.actions.registry import ActionRegistry


def qt_sequences(sequence: Sequence) -> list[QKeySequence]:
    """As Qt writes it; the Enter key of the number pad is as good as Return."""
    text = ", ".join(sequence)
    texts = [text, text.replace("Return", "Enter")] if "Return" in text else [text]
    return [QKeySequence(each, QKeySequence.SequenceFormat.PortableText) for each in texts]


class Shortcuts(QObject):
    """Two actions with one key would fire neither in Qt, so no QAction has one: this asks the registry instead.

    A key that means nothing where the keyboard is stays with the widget that has it.
    """

    def __init__(
        self, registry: ActionRegistry, window: QWidget, contexts: Callable[[], Contexts], run: Callable[[str], None]
    ) -> None:
        super().__init__(window)
        self._registry = registry
        self._contexts = contexts
        self._run = run
        self._holding: Contexts | None = None
        self._shortcuts: list[tuple[Sequence, QShortcut]] = []
        for sequence in sorted(registry.trie.sequences):
            for keys in qt_sequences(sequence):
                shortcut = QShortcut(keys, window)
                shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
                shortcut.activated.connect(self._runner(sequence))
                self._shortcuts.append((sequence, shortcut))
        QApplication.instance().focusChanged.connect(self._focus_changed)  # type: ignore[union-attr]  # there is one
        self.update()

    def update(self) -> None:
        """The keyboard is somewhere else."""
        contexts = self._contexts()
        if contexts == self._holding:
            return
        self._holding = contexts
        for sequence, shortcut in self._shortcuts:
            action_id = self._registry.trie.action(sequence, contexts)
            shortcut.setEnabled(action_id is not None)
            # A key held down is struck once, where the platform tells a repeat; what sends has its own haste besides.
            shortcut.setAutoRepeat(action_id is not None and self._registry[action_id].repeats)

    def reach_into(self, dialog: QWidget) -> None:
        """A dialog shuts the window's keys off: what must work everywhere gets its keys there, too."""
        if dialog.property("reached"):
            return
        dialog.setProperty("reached", True)
        for sequence, _ in self._shortcuts:
            if self._registry.trie.action(sequence, (Context.EVERYWHERE,)) is not None:
                for keys in qt_sequences(sequence):
                    shortcut = QShortcut(keys, dialog)
                    shortcut.setAutoRepeat(False)
                    shortcut.activated.connect(self._runner(sequence))

    def _focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        self.update()

    def _runner(self, sequence: Sequence) -> Callable[[], None]:
        def run() -> None:
            action_id = self._registry.trie.action(sequence, self._contexts())
            if action_id is not None:
                self._run(action_id)

        return run
