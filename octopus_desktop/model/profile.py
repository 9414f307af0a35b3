"""Where a session trades, and how much it can hurt."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from octopus_desktop.model.identifiers import Venue
from octopus_desktop.model.word import Word


class Mode(Word):
    """The value is the badge on the window."""

    DEMO = "DEMO"
    PAPER = "PAPER"
    LIVE = "LIVE"


class Dialect(Word):
    """Which client talks to the venue."""

    BINANCE_SPOT = "binance"
    BINANCE_USDM = "binance-usdm"


class VenueUrls(msgspec.Struct, frozen=True):
    """Base URLs without a trailing slash.

    `rest` goes before `/api/v3` or `/fapi/v1`, `stream` before `/stream`; `ws_api` is whole.
    """

    rest: str
    stream: str
    ws_api: str


class Profile(msgspec.Struct, frozen=True):
    """`urls` is None for the embedded exchange: they are known once its process is up.

    `data_dir` None: below the application's own data folder, by the profile's name. `paper_account` is what a PAPER
    profile's account begins with, by asset; None: 100,000 USDT.
    """

    name: str
    venue: Venue
    dialect: Dialect
    mode: Mode
    urls: VenueUrls | None = None
    data_dir: str | None = None
    paper_account: dict[str, Decimal] | None = None
