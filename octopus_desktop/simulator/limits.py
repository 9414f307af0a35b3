"""Request weight and order counts, as the venue counts them: a minute, ten seconds and a day by the clock."""

from __future__ import annotations

from typing import Any

from octopus_desktop.simulator.errors import TooManyRequests

WEIGHT_PER_MINUTE = 6_000
ORDERS_PER_10S = 100
ORDERS_PER_DAY = 200_000
_PATIENCE = 10
"""How many requests past a 429 in the same minute earn a 418."""
_BAN_S = 120


class Window:
    """A counter that starts anew with each period of the clock."""

    def __init__(self, length_s: int, limit: int) -> None:
        self.length_s = length_s
        self.limit = limit
        self._period = -1
        self._used = 0

    def used(self, now_s: float) -> int:
        period = int(now_s // self.length_s)
        if period != self._period:
            self._period, self._used = period, 0
        return self._used

    def add(self, now_s: float, amount: int) -> bool:
        """Count; False once the limit is passed."""
        self._used = self.used(now_s) + amount
        return self._used <= self.limit

    def rest_s(self, now_s: float) -> int:
        """Whole seconds until the next period."""
        return int(self.length_s - now_s % self.length_s) + 1


class Limits:
    """What one caller's address has used. Times are seconds of the server's wall clock."""

    def __init__(self) -> None:
        self.weight = Window(60, WEIGHT_PER_MINUTE)
        self._past = Window(60, _PATIENCE)
        self._banned_until = 0.0

    def spend(self, now_s: float, weight: int) -> None:
        """Raises TooManyRequests −1003: 429 over the limit, 418 for who does not stop."""
        if now_s < self._banned_until:
            raise self._ban(now_s)
        if self.weight.add(now_s, weight):
            return
        if not self._past.add(now_s, 1):
            self._banned_until = now_s + _BAN_S
            raise self._ban(now_s)
        wait = self.weight.rest_s(now_s)
        raise TooManyRequests(
            -1003,
            f"Too much request weight used; current limit is {WEIGHT_PER_MINUTE} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API.",
            429,
            wait,
        )

    def _ban(self, now_s: float) -> TooManyRequests:
        until = int(self._banned_until * 1000)
        message = f"Way too much request weight used; IP banned until {until}. Please use WebSocket Streams."
        return TooManyRequests(-1003, message, 418, int(self._banned_until - now_s) + 1)


class OrderLimits:
    """How many orders one account has sent."""

    def __init__(self) -> None:
        self.short = Window(10, ORDERS_PER_10S)
        self.long = Window(86_400, ORDERS_PER_DAY)

    def count(self, now_s: float) -> None:
        """Raises TooManyRequests −1015."""
        for window, words in ((self.short, "10 SECOND"), (self.long, "1 DAY")):
            if not window.add(now_s, 1):
                raise TooManyRequests(
                    -1015,
                    f"Too many new orders; current limit is {window.limit} orders per {words}.",
                    429,
                    window.rest_s(now_s),
                )

    def report(self, now_s: float) -> list[dict[str, Any]]:
        rows = ((self.short, "SECOND", 10), (self.long, "DAY", 1))
        return [
            {
                "rateLimitType": "ORDERS",
                "interval": interval,
                "intervalNum": number,
                "limit": window.limit,
                "count": window.used(now_s),
            }
            for window, interval, number in rows
        ]
