"""Whatever bytes come in: a message is understood or is an error of its own, and nothing else happens."""

from __future__ import annotations

import asyncio
import json
import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octopus_desktop.model.errors import MessageError
from octopus_desktop.model.events import BookBroken, BookChanged, Event, QuoteChanged, TradesPrinted
from octopus_desktop.model.identifiers import Interval, Venue, instrument_id
from octopus_desktop.venues.binance import parse, parse_orders
from octopus_desktop.venues.binance.account_stream import AccountStream
from octopus_desktop.venues.binance.connection import Connection
from octopus_desktop.venues.binance.feeds.book import BookFeed
from octopus_desktop.venues.binance.feeds.candles import CandleFeed
from octopus_desktop.venues.binance.feeds.feed import Feed, Surroundings
from octopus_desktop.venues.binance.feeds.quotes import QuoteFeed
from octopus_desktop.venues.binance.feeds.tickers import MarkPriceFeed, TickerFeed
from octopus_desktop.venues.binance.feeds.trades import TradeFeed
from octopus_desktop.venues.binance.host import Host
from octopus_desktop.venues.binance.messages import AccountPosition, DepthSnapshot, ExecutionReport, OrderResponse
from octopus_desktop.venues.binance.product import SPOT, USDM
from octopus_desktop.venues.binance.rest import Rest

SHARED = Path(__file__).parents[3] / "shared" / "data"
FIXTURES = SHARED / "exchange_fixtures" / "crates" / "adapters" / "binance" / "test_data"
VENUE = Venue("TEST")
NAME = instrument_id("BTCUSDT", VENUE)

FRAMES = [
    b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1,"s":"BTCUSDT","a":7,"p":"1.5","q":"2","T":3,"m":true}}',
    b'{"stream":"btcusdt@bookTicker","data":{"u":9,"s":"BTCUSDT","b":"1.5","B":"1","a":"1.6","A":"2"}}',
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":11,"u":12,"b":[["1.5","2"]],"a":[]}}',
    b'{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":0,"T":59999,"i":"1m","o":"1","c":"2",'
    b'"h":"3","l":"1","v":"5","x":false}}}',
    b'{"stream":"btcusdt@ticker","data":{"e":"24hrTicker","E":1,"s":"BTCUSDT","P":"1.8","c":"2","h":"3","l":"1","v":"5","q":"9"}}',
    b'{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":1,"s":"BTCUSDT","p":"2","i":"2","r":"0.0001","T":5}}',
]


def recorded() -> list[bytes]:
    path = SHARED / "captures" / "BINANCE_FUTURES.ws.1.0"
    if not path.exists():
        return []
    lines = path.read_text().splitlines()
    found = [match.group(1) for line in lines if (match := re.match(r"^\d+\.\d+: (\{.*)$", line))]
    return [text.replace("sushiusdt", "btcusdt").encode() for text in found[::9]]


INSERTS = [b'"', b"{", b"]", b"-", b"NaN", b"\xff", b"\\u0000"]
NONSENSE = ['"NaN"', '"Infinity"', '"-1"', "-1.5", "null", '"1e400"', "true", '""', "[]", '"0x10"', "1" * 400]
KEYS = ["symbol", "filters", "filterType", "tickSize", "status"]
ALL_FRAMES = FRAMES + recorded()


class Harness:
    """A connection with every feed of one instrument; no socket."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.host = Host(VENUE, USDM)
        rest = Rest("http://127.0.0.1:1", USDM, self.host)
        around = Surroundings(self.events.append, rest, USDM, self._spawn)
        self.connection = Connection("ws://127.0.0.1:1", around, "test", lambda status, reason: None)
        self.book = BookFeed(around, NAME)
        feeds: list[Feed] = [
            TradeFeed(around, NAME),
            QuoteFeed(around, NAME),
            self.book,
            CandleFeed(around, NAME, Interval.M1),
            TickerFeed(around, NAME),
            MarkPriceFeed(around, NAME),
        ]
        for feed in feeds:
            self.connection.add(feed)
        self.book._sequencer.snapshot(DepthSnapshot(10, [(1.0, 1.0)], [(2.0, 1.0)]), 0, 0)
        self.events.clear()

    def frames(self, *payloads: bytes) -> None:
        """As one read of the socket."""
        self.connection.on_frames(iter(payloads), 1)

    def _spawn(self, work: object, name: str) -> asyncio.Task[None]:
        work.close()  # type: ignore[attr-defined]
        return None  # type: ignore[return-value]


def depth(number: int, **more: object) -> bytes:
    data = {"E": number, "U": number, "u": number, "b": [["1.5", str(number)]], "a": [], **more}
    return json.dumps({"stream": "btcusdt@depth@100ms", "data": data}, separators=(",", ":")).encode()


def quote(number: int) -> bytes:
    return FRAMES[1].replace(b'"u":9', b'"u":%d' % number).replace(b'"1.5"', b'"1.%d"' % number)


def trade(number: int) -> bytes:
    return FRAMES[0].replace(b'"a":7', b'"a":%d' % number)


def test_what_one_read_brought_is_one_event_of_each_stream() -> None:
    """All trades, the whole change of the book, the last quote; a bad frame among them costs itself alone."""
    harness = Harness()
    bad = [frame[:-6] for frame in FRAMES[:3]]
    harness.frames(
        *(trade(1), depth(11), quote(1), bad[0], trade(2), bad[2], quote(2), bad[1]),
        *(trade(3), depth(12), quote(3), depth(13)),
    )
    assert harness.host.bad.count == 3
    told: dict[type, list[Any]] = {}
    for event in harness.events:
        told.setdefault(type(event), []).append(event)
    assert [[one.trade_id for one in event.trades] for event in told[TradesPrinted]] == [[1], [2, 3]]
    assert [event.bid for event in told[QuoteChanged]] == [1.2, 1.3]
    assert [(event.last_id, event.bids) for event in told[BookChanged]] == [
        (11, [(1.5, 11.0)]),
        (13, [(1.5, 12.0), (1.5, 13.0)]),
    ]


def test_a_hole_within_a_read_is_a_hole() -> None:
    """Trades behind a missing one wait for it, and the book says that it is broken: told is what was whole."""
    harness = Harness()
    harness.frames(trade(1), trade(2), trade(4), trade(5), depth(11), depth(13), depth(14))
    assert [[one.trade_id for one in event.trades] for event in harness.events if isinstance(event, TradesPrinted)] == [
        [1, 2]
    ]
    book = [event for event in harness.events if isinstance(event, BookChanged | BookBroken)]
    assert [type(event) for event in book] == [BookChanged, BookBroken]


def test_a_read_may_bring_repeats() -> None:
    """What comes twice, or late, within a read is told once."""
    harness = Harness()
    harness.frames(
        trade(1), trade(2), trade(2), trade(1), trade(3), depth(11), depth(11), depth(12), quote(2), quote(1)
    )
    assert [[one.trade_id for one in event.trades] for event in harness.events if isinstance(event, TradesPrinted)] == [
        [1, 2, 3]
    ]
    assert [event.last_id for event in harness.events if isinstance(event, BookChanged)][-1] == 12
    assert [event.bid for event in harness.events if isinstance(event, QuoteChanged)] == [1.2]


@pytest.mark.parametrize("frame", FRAMES)
def test_a_good_frame_is_an_event(frame: bytes) -> None:
    """Each channel's documented message becomes its event, and none is counted as bad."""
    harness = Harness()
    harness.frames(frame)
    assert len(harness.events) == 1
    assert harness.host.bad.count == 0


@given(st.sampled_from(ALL_FRAMES), st.data())
@settings(max_examples=400, deadline=None)
def test_frames_cut_and_bent(frame: bytes, data: st.DataObject) -> None:
    """A frame cut short, with bytes changed or inserted: it is counted or understood, and never raises."""
    harness = Harness()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(frame)))
        how = data.draw(st.sampled_from(["cut", "change", "insert"]))
        if how == "cut":
            frame = frame[:at]
        elif how == "change":
            frame = frame[:at] + data.draw(st.binary(min_size=1, max_size=3)) + frame[at + 1 :]
        else:
            frame = frame[:at] + data.draw(st.sampled_from(INSERTS)) + frame[at:]
    harness.frames(frame)
    _only_sane_numbers(harness.events)


@given(
    st.sampled_from(FRAMES),
    st.sampled_from(NONSENSE),
    st.integers(0, 20),
)
@settings(max_examples=300, deadline=None)
def test_no_nonsense_number_gets_through(frame: bytes, nonsense: str, which: int) -> None:
    """NaN, infinity and negative prices never reach the State, whichever field they stand in."""
    values = list(re.finditer(rb'(?<=:)"[\d.]+"|(?<=:)\d+|(?<=\[)"[\d.]+"|(?<=,)"[\d.]+"', frame))
    found = values[which % len(values)]
    harness = Harness()
    harness.frames(frame[: found.start()] + nonsense.encode() + frame[found.end() :])
    _only_sane_numbers(harness.events)


def _only_sane_numbers(events: list[Event]) -> None:
    for event in events:
        if isinstance(event, TradesPrinted):
            for trade in event.trades:
                assert 0 < trade.price < math.inf
                assert 0 <= trade.quantity < math.inf
        elif isinstance(event, QuoteChanged):
            assert 0 <= event.bid < math.inf
            assert 0 <= event.ask < math.inf
        elif isinstance(event, BookChanged):
            for price, quantity in (*event.bids, *event.asks):
                assert 0 < price < math.inf
                assert 0 <= quantity < math.inf


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_at_all(noise: bytes) -> None:
    """Noise on the wire is counted and passed over."""
    harness = Harness()
    harness.frames(noise)
    assert harness.events == []


def test_deep_nesting_is_only_a_bad_message() -> None:
    """A frame made to exhaust the stack costs itself and nothing more."""
    harness = Harness()
    harness.frames(b'{"stream":"btcusdt@bookTicker","data":' + b"[" * 100_000)
    harness.frames(b"[" * 100_000)
    assert harness.host.bad.count == 2
    harness.frames(FRAMES[1])
    assert len(harness.events) == 1


def test_a_name_beyond_ascii_works_in_both_spellings() -> None:
    """Instruments are named in any script; the venue may write them plainly or with escapes."""
    harness = Harness()
    name = instrument_id("币安人生USDT", VENUE)
    harness.connection.add(QuoteFeed(harness.connection._around, name))
    quote = {"u": 9, "s": "币安人生USDT", "b": "1.5", "B": "1", "a": "1.6", "A": "2"}
    frame = {"stream": "币安人生usdt@bookTicker", "data": quote}
    harness.frames(json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode())
    frame["data"] = {**quote, "u": 10}
    harness.frames(json.dumps(frame, ensure_ascii=True, separators=(",", ":")).encode())
    assert [event.instrument_id for event in harness.events] == [name, name]
    assert harness.host.bad.count == 0


def test_more_digits_than_the_venue_promises() -> None:
    """Twenty decimals are read, not refused: what is looked at is rounded, what is money is kept."""
    harness = Harness()
    harness.frames(FRAMES[1].replace(b'"1.5"', b'"1.50000000000000000001"'))
    event = harness.events[0]
    assert isinstance(event, QuoteChanged)
    assert event.bid == 1.5
    answer = (
        b'{"symbol":"A","orderId":1,"clientOrderId":"c","price":"0.00000000000000000001","origQty":"1","executedQty":"0",'
        b'"status":"NEW","type":"LIMIT","side":"BUY"}'
    )
    report = parse_orders.report_of_response(msgspec.json.decode(answer, type=OrderResponse, strict=False), VENUE)
    assert report.intent.price == Decimal("0.00000000000000000001")


ORDER_FIXTURES = (
    sorted(FIXTURES.glob("spot/user_data_json/*.json"))
    + sorted(FIXTURES.glob("spot/http_json/*order*.json"))
    + sorted(FIXTURES.glob("spot/http_json/account*.json"))
    if FIXTURES.exists()
    else []
)


@pytest.mark.skipif(not ORDER_FIXTURES, reason="the recorded fixtures are not beside this checkout")
@given(st.data())
@settings(max_examples=300, deadline=None)
def test_account_messages_cut_and_bent(data: st.DataObject) -> None:
    """What the account stream and the order session send, damaged: a MessageError or a decoding error, nothing else."""
    raw = data.draw(st.sampled_from(ORDER_FIXTURES)).read_bytes()
    at = data.draw(st.integers(0, len(raw)))
    bent = data.draw(
        st.sampled_from([raw[:at], raw[:at] + b"x" + raw[at + 1 :], re.sub(rb'"[\d.]+"', b'"NaN"', raw, count=at % 9)])
    )
    try:
        event = AccountStream.decode(bent)
        if isinstance(event, ExecutionReport):
            report = parse_orders.report_of_event(event, VENUE)
            assert report.filled_quantity.is_finite()
        elif isinstance(event, AccountPosition):
            assert all(balance.total.is_finite() for balance in parse_orders.balances_of_event(event, VENUE))
    except (msgspec.DecodeError, UnicodeDecodeError, MessageError):
        pass
    try:
        order = msgspec.json.decode(bent, type=OrderResponse, strict=False)
        assert parse_orders.report_of_response(order, VENUE).filled_quantity >= 0
    except (msgspec.DecodeError, UnicodeDecodeError, MessageError):
        pass


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5) | st.floats(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
    )
)
@settings(max_examples=200, deadline=None)
def test_an_instrument_of_nonsense_is_a_message_error(nonsense: object) -> None:
    """One unreadable instrument is left out by name; the others are listed."""
    with pytest.raises(MessageError):
        parse.instrument(msgspec.json.encode(nonsense), VENUE, SPOT)
