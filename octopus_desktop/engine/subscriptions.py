"""Who wants which channel: a stream runs while anyone does."""

from __future__ import annotations

from collections import Counter

from octopus_desktop.model.commands import Done, Outcome, Refused, Subscribe, Unsubscribe
from octopus_desktop.model.events import Channel
from octopus_desktop.model.identifiers import InstrumentId, Interval
from octopus_desktop.ports import MarketDataClient

Topic = tuple[InstrumentId, Channel, Interval | None]


class Subscriptions:
    """Wishes made before there is a client are kept and passed on by `connect`.

    What the engine needs for itself is `held` and not counted: no one else's unsubscribing ends it.
    """

    def __init__(self) -> None:
        self._wanted: Counter[Topic] = Counter()
        self._held: set[Topic] = set()
        self._client: MarketDataClient | None = None

    def connect(self, client: MarketDataClient) -> None:
        self._client = client
        for topic in [*self._wanted, *(self._held - self._wanted.keys())]:
            client.subscribe(*topic)

    def streams(self, instrument_id: InstrumentId, channel: Channel, interval: Interval | None = None) -> bool:
        topic = (instrument_id, channel, interval)
        return topic in self._wanted or topic in self._held

    def hold(self, topics: set[Topic]) -> None:
        """These from now on, and those held before no longer."""
        before, self._held = self._held, topics
        if self._client is None:
            return
        for topic in topics - before - self._wanted.keys():
            self._client.subscribe(*topic)
        for topic in before - topics - self._wanted.keys():
            self._client.unsubscribe(*topic)

    def subscribe(self, command: Subscribe) -> Outcome:
        topic = (command.instrument_id, command.channel, command.interval)
        if (command.channel is Channel.CANDLES) != (command.interval is not None):
            return Refused("Candles, and only candles, are subscribed to with an interval.")
        if not self.streams(*topic) and self._client is not None:
            self._client.subscribe(*topic)
        self._wanted[topic] += 1
        return Done()

    def unsubscribe(self, command: Unsubscribe) -> Outcome:
        topic = (command.instrument_id, command.channel, command.interval)
        if topic not in self._wanted:
            return Refused(f"Nobody is subscribed to {command.channel.value} of {command.instrument_id}.")
        self._wanted[topic] -= 1
        if not self._wanted[topic]:
            del self._wanted[topic]
            if topic not in self._held and self._client is not None:
                self._client.unsubscribe(*topic)
        return Done()
