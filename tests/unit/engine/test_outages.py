"""While a part of the venue is out, there is another way and a word to the trader."""

from __future__ import annotations

import asyncio

from octopus_desktop.engine.outages import ABOUT, EVERY_S, PATIENCE_S, Outages
from octopus_desktop.model.errors import AuthenticationError, BreakerOpen, LinkError, UnreadableOrders, VenueTimeout
from octopus_desktop.model.events import BreakerChanged, Link, LinkChanged, LinkStatus, Severity
from octopus_desktop.model.identifiers import Venue

SIM = Venue("SIM")


class Scene:
    """Time passes when `pass_time` says so."""

    def __init__(self) -> None:
        self.compared = 0
        self.notices: list[tuple[Severity, str]] = []
        self.texts: list[str] = []
        self.shown: dict[str, tuple[Severity, str]] = {}
        """What the screen would show, each in the place of the last about the same."""
        self.asleep: list[tuple[float, asyncio.Future[None]]] = []
        self.outages = Outages(self._compare, self._notice, sleep=self._sleep)

    def _notice(self, severity: Severity, title: str, text: str, about: str) -> None:
        self.notices.append((severity, title))
        self.texts.append(text)
        self.shown[about] = severity, title

    def _compare(self) -> None:
        self.compared += 1

    async def _sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.asleep.append((seconds, future))
        await future

    async def pass_time(self) -> float:
        """To the end of the sleep that is on; how long it was."""
        await asyncio.sleep(0)
        seconds, future = self.asleep.pop()
        future.set_result(None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return seconds

    def link(self, status: LinkStatus, link: Link = Link.ACCOUNT) -> None:
        self.outages.link_changed(LinkChanged(SIM, link, status, "", 1))


async def test_rest_stands_in_for_the_account_stream_and_gives_way_to_it() -> None:
    """The stream is down for a while: the account is asked for again and again, and the trader knows both ends."""
    scene = Scene()
    scene.link(LinkStatus.UP)
    scene.link(LinkStatus.DOWN)
    scene.link(LinkStatus.CONNECTING)
    assert await scene.pass_time() == PATIENCE_S
    assert scene.compared == 1
    assert await scene.pass_time() == EVERY_S
    assert await scene.pass_time() == EVERY_S
    assert scene.compared == 3
    scene.link(LinkStatus.UP)
    await asyncio.sleep(0)
    assert all(future.cancelled() for _, future in scene.asleep)
    assert scene.notices == [
        (Severity.WARNING, "The account stream is down"),
        (Severity.INFO, "The account stream is back"),
    ]


async def test_a_short_reconnect_is_no_news() -> None:
    """A stream that is back within moments asks nothing and says nothing."""
    scene = Scene()
    scene.link(LinkStatus.UP)
    scene.link(LinkStatus.DOWN)
    await asyncio.sleep(0)
    scene.link(LinkStatus.UP)
    await asyncio.sleep(0)
    assert (scene.compared, scene.notices) == (0, [])


async def test_before_the_first_connection_there_is_nothing_to_stand_in_for() -> None:
    """The start has its own way of waiting; other links are not the account's."""
    scene = Scene()
    scene.link(LinkStatus.CONNECTING)
    scene.link(LinkStatus.DOWN)
    scene.link(LinkStatus.UP, Link.ORDERS)
    scene.link(LinkStatus.DOWN, Link.ORDERS)
    await asyncio.sleep(0)
    assert scene.asleep == []


async def test_an_open_breaker_is_told_once() -> None:
    """One notice when an endpoint begins to fail, not one at each attempt; and again when it fails another day."""
    scene = Scene()

    def breaker(is_open: bool) -> None:
        scene.outages.breaker_changed(BreakerChanged(SIM, "GET klines", is_open, "503", 2, 1))

    for is_open in (True, True, True, False):
        breaker(is_open)
    assert scene.notices == [(Severity.WARNING, "SIM: GET klines keeps failing")]
    breaker(True)
    assert len(scene.notices) == 2


async def test_one_outage_is_one_message() -> None:
    """Line cut and venue down: stream, comparison and endpoints all fail, and one message stands until it is over."""
    scene = Scene()
    scene.link(LinkStatus.UP)
    scene.link(LinkStatus.DOWN, Link.MARKET)
    scene.link(LinkStatus.DOWN)
    await scene.pass_time()
    assert scene.shown == {ABOUT: (Severity.WARNING, "The account stream is down")}
    for error in (LinkError("x cannot be reached"), VenueTimeout("no answer"), BreakerOpen("left alone", 9.0)):
        scene.outages.failed("Orders cannot be compared", error, 2.0)
        scene.outages.breaker_changed(BreakerChanged(SIM, "GET order", True, str(error), 2, 1))
        scene.outages.passing("The exchange ended", "It is started again.")
    assert scene.shown == {ABOUT: (Severity.ERROR, "Orders cannot be compared")}
    assert len(scene.notices) == 2
    assert scene.texts[-1].startswith("x cannot be reached. It is tried again")
    scene.link(LinkStatus.UP)
    scene.link(LinkStatus.UP, Link.MARKET)
    assert scene.shown[ABOUT][0] is Severity.ERROR, "the orders are not compared yet"
    scene.outages.worked("Orders cannot be compared")
    assert scene.shown == {ABOUT: (Severity.INFO, "The venue answers again")}
    scene.outages.worked("Orders cannot be compared")
    assert len(scene.notices) == 3


async def test_a_stream_that_is_still_down_is_told_when_requests_work_again() -> None:
    """REST is back and the stream is not: the message says what still holds, and its end is the stream's."""
    scene = Scene()
    scene.link(LinkStatus.UP)
    scene.link(LinkStatus.DOWN)
    scene.outages.failed("Orders cannot be compared", LinkError("cut"), 2.0)
    await scene.pass_time()
    assert scene.shown == {ABOUT: (Severity.ERROR, "Orders cannot be compared")}
    scene.outages.worked("Orders cannot be compared")
    assert scene.shown == {ABOUT: (Severity.WARNING, "The account stream is down")}
    scene.link(LinkStatus.UP)
    assert scene.shown == {ABOUT: (Severity.INFO, "The account stream is back")}


def test_another_cause_is_told_in_its_place() -> None:
    """The venue answers, and an order in its answer cannot be read: that is something else to look at."""
    scene = Scene()
    scene.outages.failed("Orders cannot be compared", LinkError("cut"), 2.0)
    scene.outages.failed("Orders cannot be compared", UnreadableOrders(frozenset(), []), 2.0)
    scene.outages.failed("Orders cannot be compared", LinkError("cut"), 2.0)
    assert len(scene.notices) == 2


def test_two_that_fail_are_not_over_with_the_first_that_works() -> None:
    """Of two things the session cannot do without, the one that still fails is on the screen."""
    scene = Scene()
    scene.outages.failed("One", LinkError("cut"), 2.0)
    scene.outages.failed("Two", LinkError("cut"), 2.0)
    scene.outages.worked("Two")
    assert scene.shown == {ABOUT: (Severity.ERROR, "One")}


def test_what_is_not_tried_again_says_so() -> None:
    """A refused key: the error's own sentence, and no word of another attempt."""
    scene = Scene()
    scene.outages.failed("The account cannot be reached", AuthenticationError("The key is refused"), None)
    assert scene.notices == [(Severity.ERROR, "The account cannot be reached")]
    assert scene.texts == ["The key is refused."]


def test_endpoints_that_fail_at_once_are_one_message() -> None:
    """Three of them within a moment, every link up: one message that counts them."""
    scene = Scene()
    for endpoint in ("GET klines", "GET depth", "GET order"):
        scene.outages.breaker_changed(BreakerChanged(SIM, endpoint, True, "Status 503", 2, 1))
    assert scene.shown == {f"{ABOUT}: endpoints": (Severity.WARNING, "SIM: GET order and 2 more keep failing")}
    assert scene.texts[-1].startswith("Status 503. It is tried again")
