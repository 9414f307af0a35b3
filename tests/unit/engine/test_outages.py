"""While a part of the venue is out, there is another way and a word to the trader."""

from __future__ import annotations

import asyncio

from octopus_desktop.engine.outages import EVERY_S, PATIENCE_S, Outages
from octopus_desktop.model.events import BreakerChanged, Link, LinkChanged, LinkStatus, Severity
from octopus_desktop.model.identifiers import Venue

SIM = Venue("SIM")


class Scene:
    """Time passes when `pass_time` says so."""

    def __init__(self) -> None:
        self.compared = 0
        self.notices: list[tuple[Severity, str]] = []
        self.asleep: list[tuple[float, asyncio.Future[None]]] = []
        self.outages = Outages(self._compare, lambda severity, title, text: self.notices.append((severity, title)),
                               sleep=self._sleep)  # fmt: skip

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
