"""One market-data connection: which streams it carries, and where each frame goes."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from operator import length_hint
from typing import Final

import msgspec

from octopus_desktop.model.errors import MessageError, VenueError
from octopus_desktop.model.events import Channel, LinkStatus
from octopus_desktop.net.data_age import DataAge
from octopus_desktop.net.websocket import WebSocket
from octopus_desktop.venues.binance.feeds.feed import ON_ITS_WAY_S, Feed, Surroundings
from octopus_desktop.venues.binance.messages import MS, ControlAnswer
from octopus_desktop.venues.binance.rhythm import Rhythm

logger = logging.getLogger(__name__)

STREAMS_A_MESSAGE: Final = 100
CONFIRM_WITHIN_S: Final = 5.0
SILENT_FACTOR: Final = 2.5
SILENT_LEAST_S: Final = 0.5
"""Of the link as a whole. Each stream has pauses of its own; all of them together hardly ever."""
CUT_AFTER_S: Final = 10.0
"""Pongs and nothing else for so long: another connection may be led elsewhere."""
PINGS_AND_PONGS_A_SECOND: Final = 3
"""Of the messages a second the venue accepts, what the link itself may need."""
_ASKED_FIRST: Final = {Channel.TRADES: 1, Channel.QUOTES: 2}
"""Whose now the venue tells for little weight."""
_PREFIX: Final = len(b'{"stream":"')


class _Named(msgspec.Struct):
    stream: str


_NEAR: Final = 24
_NEAR_PART: Final = slice(_PREFIX, _PREFIX + _NEAR)
_BEHIND: Final = b'","data":{'
_EVENT_TIME: Final = re.compile(rb'"E":(\d{13})\b')
_EVENT_TIME_WITHIN: Final = 300
"""Bytes of a frame: it stands in front of all that is long. Spot's quotes bear none."""

_control_decoder: Final = msgspec.json.Decoder(ControlAnswer)
_named_decoder: Final = msgspec.json.Decoder(_Named)


class _Asked(msgspec.Struct):
    streams: list[str]
    at: float


class Connection:
    """`add` and `remove` at any time; what is wanted is subscribed to again after every reconnect.

    Binance drops a connection that sends more than its control messages a second, so wishes are sent in batches and
    paced.
    """

    def __init__(self, url: str, around: Surroundings, name: str, status: Callable[[LinkStatus, str], None]) -> None:
        self._around = around
        self._status = status
        self._name = name
        self._feeds: dict[str, Feed] = {}
        self._routes: dict[bytes, Feed] = {}
        self._near: dict[bytes, Feed] = {}
        self._touched: deque[Feed] = deque()
        self._rhythms: dict[str, Rhythm] = {}
        self._looking: set[str] = set()
        self._link = Rhythm(SILENT_FACTOR, SILENT_LEAST_S, 0)
        self._moves = 0
        self._asking = False
        self._silent_since: float | None = None
        self._is_doubted = False
        self._to_open: dict[str, None] = {}
        self._to_close: dict[str, None] = {}
        self._retired: set[bytes] = set()
        self._asked: dict[int, _Asked] = {}
        self._next_id = 1
        self._spacing_s = 1.0 / max(1, around.product.control_messages_per_second - PINGS_AND_PONGS_A_SECOND)
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flushed_at = 0.0
        self.age = DataAge()
        self._age_wanted = False
        self.socket = WebSocket(url, self, name=name)

    def __len__(self) -> int:
        return len(self._feeds)

    def start(self) -> None:
        self.socket.start()

    async def stop(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        for feed in self._feeds.values():
            feed.close()
        # An end that was asked for makes nothing stale.
        self._feeds.clear()
        self._routes.clear()
        self._near.clear()
        self._rhythms.clear()
        await self.socket.stop()

    def add(self, feed: Feed) -> None:
        self._feeds[feed.stream] = feed
        self._routes[feed.stream.encode()] = feed
        self._rhythms[feed.stream] = Rhythm(feed.quiet_factor, feed.quiet_least_s, feed.heard)
        self._retired.discard(feed.stream.encode())
        self._open(feed.stream)

    def remove(self, feed: Feed) -> None:
        feed.close()
        self._feeds.pop(feed.stream, None)
        self._routes.pop(feed.stream.encode(), None)
        self._near.clear()
        self._rhythms.pop(feed.stream, None)
        self._retired.add(feed.stream.encode())
        self._to_open.pop(feed.stream, None)
        if self.socket.is_up:
            self._to_close[feed.stream] = None
            self._flush_soon()

    def look(self, now_ns: int) -> None:
        """A few times a second: streams that should have spoken, requests that were not confirmed."""
        if not self.socket.is_up:
            return
        self._age_wanted = True
        now = time.monotonic()
        for request, asked in list(self._asked.items()):
            if now - asked.at > CONFIRM_WITHIN_S:
                logger.warning("%d streams were not confirmed; asking again", len(asked.streams))
                del self._asked[request]
                for stream in asked.streams:
                    self._open(stream)
        moved = False
        for stream, rhythm in self._rhythms.items():
            feed = self._feeds[stream]
            overdue = rhythm.overdue(feed.heard, now_ns)
            moved |= rhythm.last_ns == now_ns
            feed.last_ns = rhythm.last_ns
            if overdue and stream not in self._looking and not feed.is_stale:
                self._looking.add(stream)
                self._around.spawn(self._look_into(feed, rhythm), f"look into {stream}")
        self._look_at_the_link(now_ns, moved=moved)

    def _look_at_the_link(self, now_ns: int, *, moved: bool) -> None:
        """A line can be dead for everything but pings, or bring only what cannot be read."""
        if moved:
            self._moves += 1
            self._link.forgive()
        overdue = self._link.overdue(self._moves, now_ns)
        if moved and (self._is_doubted or self._silent_since is not None):
            self._believe(now_ns)
        elif self._silent_since is not None:
            if time.monotonic() - self._silent_since > CUT_AFTER_S:
                self._is_doubted = True
                self.socket.cut("it is alive and brings nothing")
        elif overdue and not self._asking and self._feeds:
            self._asking = True
            self._around.spawn(self._look_into_the_link(), f"look into {self._name}")

    def _believe(self, now_ns: int) -> None:
        """What the streams would have told meanwhile may never come, and their prices are old: all is asked for."""
        self._silent_since = None
        self._is_doubted = False
        for stream, feed in self._feeds.items():
            self._rhythms[stream].restart(now_ns)
            feed.opened()

    async def _look_into_the_link(self) -> None:
        """By the stream that spoke last: where it has missed something, so have all others."""
        feed = max(self._feeds.values(), key=lambda feed: (_ASKED_FIRST.get(feed.channel, 0), feed.last_ns))
        heard = [each.heard for each in self._feeds.values()]
        try:
            missed = await feed.missed_something()
            if feed.channel is not Channel.QUOTES:  # which has waited itself
                await asyncio.sleep(ON_ITS_WAY_S)
        except (VenueError, MessageError) as error:
            logger.info("%s: silent, and the venue cannot be asked: %s", self._name, error)
            missed = True
        finally:
            self._asking = False
        if not self.socket.is_up or heard != [each.heard for each in self._feeds.values()]:
            return
        if not missed:
            self._link.calm(time.time_ns())
            if self._is_doubted:
                self._believe(time.time_ns())
            return
        self._silent_since = time.monotonic()
        self._link.restart(time.time_ns())
        logger.warning("%s: alive, and nothing comes that can be read", self._name)
        for each in self._feeds.values():
            each.quiet("nothing comes over the link to the venue")

    async def _look_into(self, feed: Feed, rhythm: Rhythm) -> None:
        silence = (time.time_ns() - feed.last_ns) / 1e9
        try:
            missed = await feed.missed_something()
        except (VenueError, MessageError) as error:
            logger.info("%s: silent, and the venue cannot be asked: %s", feed.stream, error)
            missed = True
        finally:
            self._looking.discard(feed.stream)
        if self._feeds.get(feed.stream) is not feed:
            return
        if not missed:
            rhythm.calm(time.time_ns())
            return
        rhythm.restart(time.time_ns())
        feed.quiet(f"nothing came for {silence:.1f} s")
        logger.warning("%s: nothing came for %.1f s; subscribing anew", feed.stream, silence)
        self._to_close[feed.stream] = None
        self._open(feed.stream)

    # The socket's listener --------------------------------------------------

    def on_connecting(self) -> None:
        self._status(LinkStatus.CONNECTING, "")

    def on_up(self) -> None:
        self._asked.clear()
        self._to_close.clear()
        self._retired.clear()
        self._flushed_at = 0.0
        self._silent_since = None
        self._link.restart(time.time_ns())
        self._status(LinkStatus.UP, "")
        for stream in self._feeds:
            self._open(stream)

    def on_frames(self, payloads: Iterator[bytes], ts_received_ns: int) -> None:
        """Sorted by stream first: a feed is called once for what the read brought of its stream.

        So the order within a stream is kept, and among streams it is that of their first frames; they have none that
        the venue would promise.
        """
        near, part = self._near, _NEAR_PART
        touched = self._touched
        payload = b""
        for payload in payloads:
            try:
                feed = near[payload[part]]
            except KeyError:
                routed = self._route(payload)
                if routed is None:
                    self._other(payload, ts_received_ns)
                    continue
                feed = routed
            arrived = feed.arrived
            if not arrived:
                touched.append(feed)
            arrived.append(payload)
        if self._age_wanted:
            self._date(payload, ts_received_ns)
        while touched:
            feed = touched.popleft()
            arrived, feed.arrived = feed.arrived, []
            self._hand_to(feed, arrived, ts_received_ns)

    def _date(self, payload: bytes, ts_received_ns: int) -> None:
        """One message after each look: to date them all would cost each of them."""
        found = _EVENT_TIME.search(payload, _PREFIX, _EVENT_TIME_WITHIN)
        if found is not None:
            self._age_wanted = False
            self.age.sample(int(found[1]) * MS, ts_received_ns)

    def _hand_to(self, feed: Feed, arrived: list[bytes], ts_received_ns: int) -> None:
        payloads = iter(arrived)
        before = feed.mark
        while True:
            try:
                feed.take(payloads, ts_received_ns)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, MessageError) as error:
                self._bad(arrived[-length_hint(payloads) - 1], error)
            else:
                break
        if feed.mark != before:
            feed.heard += 1

    def on_quiet(self, quiet: bool) -> None:
        for feed in self._feeds.values():
            if quiet:
                feed.quiet("the link to the venue is silent")
            else:
                feed.recovered()

    def on_down(self, reason: str) -> None:
        self._asked.clear()
        self._status(LinkStatus.DOWN, reason)
        for feed in self._feeds.values():
            feed.lost(reason)

    # ------------------------------------------------------------------------

    def _route(self, payload: bytes) -> Feed | None:
        """By the stream's whole name; finding its end costs as much as all other routing together.

        A name of ordinary length is therefore remembered by the first bytes of its frames: they hold all of the name
        and, behind it, only what every frame has (`","data":{`), so they are the name's own.
        """
        name = payload[_PREFIX : payload.find(b'"', _PREFIX)]
        feed = self._routes.get(name)
        if feed is not None and _NEAR - len(_BEHIND) <= len(name) < _NEAR:
            near = payload[_NEAR_PART]
            if (name + _BEHIND).startswith(near):
                self._near[near] = feed
        return feed

    def _other(self, payload: bytes, ts_received_ns: int) -> None:
        """An answer to a request, a stream whose name is spelled with escapes, one just left, or nonsense."""
        try:
            if payload.startswith(b'{"stream"'):
                stream = _named_decoder.decode(payload).stream
                feed = self._feeds.get(stream)
                if feed is not None:
                    self._hand_to(feed, [payload], ts_received_ns)
                elif stream.encode() not in self._retired:
                    raise MessageError("nobody subscribed to this stream")
                return
            answer = _control_decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, MessageError) as error:
            self._bad(payload, error)
            return
        self._answered(answer, payload)

    def _bad(self, payload: bytes, error: Exception) -> None:
        name = payload[_PREFIX : payload.find(b'"', _PREFIX)]
        # Only the names of streams we know make a kind: noise has no end of names.
        of = name.partition(b"@")[2].decode() if name in self._routes else "frame"
        self._around.rest.host.bad.note(f"{of}: {type(error).__name__}", payload, error)

    def _answered(self, answer: ControlAnswer, payload: bytes) -> None:
        asked = self._asked.pop(answer.id, None) if isinstance(answer.id, int) else None
        if answer.error is not None or answer.code is not None:
            self._around.rest.host.bad.note("request refused", payload, "the venue refused a subscription")
            for stream in asked.streams if asked is not None else ():
                feed = self._feeds.get(stream)
                if feed is not None:
                    feed.quiet("the venue refused the subscription")
            return
        for stream in asked.streams if asked is not None else ():
            feed = self._feeds.get(stream)
            if feed is not None:
                self._rhythms[stream].restart(time.time_ns())
                if not self._is_doubted:  # else a price of now would stand for one that is kept up to date
                    feed.opened()

    def _open(self, stream: str) -> None:
        self._to_open[stream] = None
        self._flush_soon()

    def _flush_soon(self) -> None:
        if self._flush_timer is None and self.socket.is_up:
            loop = asyncio.get_running_loop()
            wait = max(0.0, self._flushed_at + self._spacing_s - loop.time())
            self._flush_timer = loop.call_later(wait, self._flush)

    def _flush(self) -> None:
        """One message: what is to be closed first, then what is to be opened."""
        self._flush_timer = None
        loop = asyncio.get_running_loop()
        if not self.socket.is_up:
            return
        if self._to_close:
            streams = list(self._to_close)[:STREAMS_A_MESSAGE]
            for stream in streams:
                del self._to_close[stream]
            self._send("UNSUBSCRIBE", streams)
        elif self._to_open:
            streams = list(self._to_open)[:STREAMS_A_MESSAGE]
            for stream in streams:
                del self._to_open[stream]
            self._asked[self._send("SUBSCRIBE", streams)] = _Asked(streams, time.monotonic())
        self._flushed_at = loop.time()
        if self._to_close or self._to_open:
            self._flush_soon()

    def _send(self, method: str, streams: list[str]) -> int:
        number = self._next_id
        self._next_id += 1
        self.socket.send(msgspec.json.encode({"method": method, "params": streams, "id": number}))
        return number
