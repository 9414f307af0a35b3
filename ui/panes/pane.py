"""What every pane is: a widget that the frame loop brings up to date, with states for having nothing to show."""

from __future__ import annotations

from collections.abc import Generator

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QWidget

from octopus_desktop.actions.context import Context
from octopus_desktop.model.events import Channel, Link, LinkStatus
from octopus_desktop.model.identifiers import InstrumentId, venue_of
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.session import Session


class Pane(QWidget):
    """`pane_id` is part of the kept layout. `contexts` are the key contexts inside it, innermost first."""

    pane_id: str
    title: str
    contexts: tuple[Context, ...] = ()
    slow = False
    hint = QSize(300, 200)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.missed = True
        self.setAccessibleName(self.title)
        self.controls: QWidget | None = None
        """What sits in the pane's title bar, or in the row of tabs it shares."""
        self.controls_left = False

    @classmethod
    def in_steps(cls, session: Session) -> Generator[None, None, Pane]:
        """The pane, built in steps of a few milliseconds, so that a window that is being filled stays alive."""
        yield
        return cls(session)

    def sizeHint(self) -> QSize:
        return self.hint

    def is_seen(self) -> bool:
        if not self.isVisible():
            return False
        window = self.window()
        return window.rect().intersects(QRect(self.mapTo(window, QPoint(0, 0)), self.size()))

    def refresh(self, state: State, dirty: Dirty) -> None:
        raise NotImplementedError

    def each_second(self, state: State, now_ns: int) -> None:
        """Nothing ages here, unless the pane says so."""

    def focus_target(self) -> QWidget:
        """What gets the keyboard when the pane does."""
        return self

    def entered(self) -> None:
        """The trader came here by a key; the keyboard is in the pane's target."""


def price_age_s(state: State, name: InstrumentId, now_ns: int) -> float | None:
    """The same of what a price in a table comes from."""
    ages = [stale_age_s(state, name, channel, now_ns) for channel in (Channel.QUOTES, Channel.TICKER)]
    return max((age for age in ages if age is not None), default=None)


def stale_age_s(state: State, name: InstrumentId, channel: Channel, now_ns: int) -> float | None:
    """How long ago this channel last told anything, or None while it is live."""
    feed = state.market(name).stale.get(channel)
    if feed is not None:
        return max(0.0, (now_ns - feed.last_ns) / 1e9) if feed.last_ns else 0.0
    link = state.links.get((venue_of(name), Link.MARKET))
    if link is not None and link.status is not LinkStatus.UP:
        return max(0.0, (now_ns - link.ts_ns) / 1e9)
    return None
