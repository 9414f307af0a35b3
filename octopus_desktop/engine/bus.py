"""Update the state, then publish: the one way an event becomes known."""

from __future__ import annotations

from collections.abc import Callable

from octopus_desktop.model.events import Event
from octopus_desktop.state import State


class Bus:
    """On the node's loop only. A subscriber is called with the state already changed, and must not raise."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._subscribers: list[Callable[[Event], None]] = []

    def subscribe(self, subscriber: Callable[[Event], None]) -> None:
        self._subscribers.append(subscriber)

    def publish(self, event: Event) -> None:
        self.state.apply(event)
        for subscriber in self._subscribers:
            subscriber(event)
