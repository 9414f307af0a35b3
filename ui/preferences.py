"""What the settings file says about the screen, and the time zone it is told in."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

import msgspec


class Preferences(msgspec.Struct, frozen=True):
    """`watchlist` and `instrument` are symbols; they count until the window keeps its own."""

    local_time: bool = False
    watchlist: tuple[str, ...] = ()
    instrument: str = ""

    @property
    def zone(self) -> tzinfo:
        return LOCAL if self.local_time else UTC


class _Local(tzinfo):
    """The machine's own zone, with its summer times: what the standard library gives is one offset for all days."""

    def fromutc(self, moment: datetime) -> datetime:
        local = time.localtime(moment.replace(tzinfo=UTC).timestamp())
        return datetime(*local[:6], moment.microsecond, tzinfo=self)

    def utcoffset(self, moment: datetime | None) -> timedelta:
        naive = moment.replace(tzinfo=None) if moment is not None else datetime.now()  # noqa: DTZ005  # naive is local
        return naive - datetime.fromtimestamp(naive.timestamp(), UTC).replace(tzinfo=None)

    def dst(self, moment: datetime | None) -> None:
        return None

    def tzname(self, moment: datetime | None) -> str:
        minutes = round(self.utcoffset(moment).total_seconds() / 60)
        hours, rest = divmod(abs(minutes), 60)
        if not minutes:
            return "UTC"
        return f"UTC{'+' if minutes > 0 else '−'}{hours}" + (f":{rest:02d}" if rest else "")


LOCAL = _Local()


def zone_word(zone: tzinfo, ts_ns: int) -> str:
    """`UTC`, `UTC+2`, `UTC+5:30`: what a time of that moment is written in."""
    return datetime.fromtimestamp(ts_ns // 1_000_000_000, zone).tzname() or "UTC"


DEFAULTS: Final = Preferences()
