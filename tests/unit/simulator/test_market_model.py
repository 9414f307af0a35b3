"""The market that lives by itself: deterministic, deep, uncrossed, and of one piece with its history."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from octopus_desktop.simulator.crowd import step_of
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.history import INTERVALS, Candle, History, end_of, open_of
from octopus_desktop.simulator.listings import LISTINGS
from octopus_desktop.simulator.orders import NewOrder
from octopus_desktop.simulator.path import GENESIS_S, Path
from octopus_desktop.simulator.units import DAY_S, SECOND_NS, UNIT

START_S = 1_795_244_400
TENTH_NS = SECOND_NS // 10


def live(seed: int = 1, seconds: int = 0, count: int = 1, start_s: int = START_S) -> Exchange:
    exchange = Exchange(seed, start_s * SECOND_NS, listings=LISTINGS[:count])
    exchange.open()
    exchange.advance(exchange.now_ns + seconds * SECOND_NS)
    return exchange


def tape(exchange: Exchange) -> list[tuple[int, ...]]:
    return [tuple(one) for market in exchange.markets.values() for one in market.trades]


def test_the_same_seed_and_orders_give_the_same_market_however_time_is_cut() -> None:
    """Two runs with the same seed, start and orders print the same trades, in big steps or small ones."""
    runs = []
    for cut_ns in (5_000_000, 37_000_000, 5 * SECOND_NS):
        exchange = live(count=3)
        exchange.deposit(1, "USDT", 100_000 * UNIT)
        for at_s in (7, 20, 130):
            while exchange.now_ns < (START_S + at_s) * SECOND_NS:
                exchange.advance(min(exchange.now_ns + cut_ns, (START_S + at_s) * SECOND_NS))
            exchange.place(1, NewOrder("BTCUSDT", True, "MARKET", quantity=UNIT // 10))
        markets = exchange.markets.values()
        seconds = [m.history.candles("1s", exchange.now_ns // SECOND_NS, None, None, 100) for m in markets]
        books = [(m.book.update_id, m.book.bids.depth(2_000), m.book.asks.depth(2_000)) for m in markets]
        runs.append((tape(exchange), books, [[one.columns() for one in candles] for candles in seconds]))
    assert runs[0] == runs[1] == runs[2]
    assert len(runs[0][0]) > 200
    assert tape(live(seed=2, seconds=40, count=3)) != tape(live(seed=1, seconds=40, count=3))


def test_the_price_that_ought_to_be_is_drawn_ahead_and_the_same() -> None:
    """What a market that lives has drawn in parts is what another would draw at once from there."""
    exchange = live(seconds=230)
    crowd = exchange._crowds["BTCUSDT"]
    step = step_of(exchange.now_ns)
    fresh = live(start_s=START_S + 229)._crowds["BTCUSDT"]
    assert [crowd.look(step + at) for at in range(60)] == [fresh.look(step + at) for at in range(60)]


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.symbol)
def test_books_are_deep_and_never_cross(listing: object) -> None:
    """After a minute of life there are a thousand levels a side, on tick and lot, and a narrow spread."""
    at = [one is listing for one in LISTINGS].index(True)
    exchange = Exchange(4, START_S * SECOND_NS, listings=LISTINGS[at : at + 1])
    exchange.open()
    (market,) = exchange.markets.values()
    tick, lot = market.listing.tick, market.listing.lot
    changes, spreads = market.book.update_id, []
    for _ in range(600):
        exchange.advance(exchange.now_ns + TENTH_NS)
        bid, ask = market.book.bids.best(), market.book.asks.best()
        assert bid is not None
        assert ask is not None
        assert bid < ask
        spreads.append((ask - bid) // tick)
    assert float(np.median(spreads)) <= 2
    assert market.book.update_id - changes > 2_000
    for side in (market.book.bids, market.book.asks):
        assert len(side.keys) >= 1_000
        for price, quantity in side.depth(5_000):
            assert price % tick == quantity % lot == 0
            assert quantity == sum(order.remaining for order in side.levels[price].values()) > 0


def test_every_interval_tells_the_same_story() -> None:
    """A longer candle opens with its first minute, closes with its last, and spans their highs, lows and volume."""
    history = History(Path(9, LISTINGS[1]))
    now_s = START_S // DAY_S * DAY_S
    for interval, parts in (("1m", "1s"), ("3m", "1m"), ("1h", "1m"), ("4h", "15m"), ("1d", "1h"), ("1w", "1d")):
        (whole,) = history.candles(interval, now_s, open_of(interval, now_s - 9 * DAY_S), None, 1)
        inner = [
            candle
            for candle in history.candles(parts, now_s, whole.open_s, None, 1_000)
            if candle.open_s < end_of(interval, whole.open_s)
        ]
        assert whole.open == inner[0].open
        assert whole.close == inner[-1].close
        assert whole.high == max(candle.high for candle in inner)
        assert whole.low == min(candle.low for candle in inner)
        assert whole.volume == pytest.approx(sum(candle.volume for candle in inner), rel=0.01)


@pytest.mark.parametrize("interval", INTERVALS)
def test_candles_follow_each_other_without_a_hole(interval: str) -> None:
    """Opening times run on without gap or repeat, each candle opens where the last closed, none is yet to open."""
    exchange = live(seconds=3)
    history, now_s = exchange.markets["BTCUSDT"].history, exchange.now_ns // SECOND_NS
    candles = history.candles(interval, now_s, None, None, 300)
    assert len(candles) == (95 if interval == "1M" else 300)
    assert candles[-1].open_s == open_of(interval, now_s)
    for before, after in pairwise(candles):
        assert after.open_s == end_of(interval, before.open_s)
        assert after.low <= min(after.open, after.close) <= max(after.open, after.close) <= after.high
    quiet = [(b, a) for b, a in pairwise(candles) if a.open_s + 10 < START_S]
    assert all(before.close == after.open for before, after in quiet[:-2])


def test_bounds_are_inclusive_and_limits_hold() -> None:
    """startTime and endTime are opening times, inclusive; nothing before the first day."""
    history = History(Path(9, LISTINGS[0]))
    first = START_S // 60 * 60
    got = history.candles("1m", START_S, first - 600, first - 300, 1_000)
    assert [candle.open_s for candle in got] == list(range(first - 600, first - 299, 60))
    assert len(history.candles("1m", START_S, first - 600, None, 3)) == 3
    oldest = history.candles("1d", START_S, 0, None, 2)
    assert [candle.open_s for candle in oldest] == [GENESIS_S, GENESIS_S + DAY_S]
    assert history.candles("1m", START_S, START_S + 120, None, 10) == []


def test_live_minutes_join_history_without_a_seam() -> None:
    """Minutes made of prints move as the path's minutes do: same level, like range and like volume."""
    exchange = live(seconds=900, count=2)
    for market in exchange.markets.values():
        plain = History(market.path)
        now_s = exchange.now_ns // SECOND_NS
        real = market.history.candles("1m", now_s, START_S, START_S + 780, 14)
        drawn = plain.candles("1m", now_s, START_S, START_S + 780, 14)
        assert max(abs(a.close / b.close - 1) for a, b in zip(real, drawn, strict=True)) < 2e-4
        assert 0.5 < sum(a.high - a.low for a in real) / sum(b.high - b.low for b in drawn) < 1.6
        assert 0.4 < sum(a.volume for a in real) / sum(b.volume for b in drawn) < 2.5


def test_a_candle_over_two_lives_and_the_time_between_is_the_sum_of_its_minutes() -> None:
    """Where the market lived, was away, and lived again, each longer candle spans just its minutes."""
    exchange = live(seconds=400)
    exchange.sleep_until(exchange.now_ns + 7_300 * SECOND_NS)
    exchange.advance(exchange.now_ns + 200 * SECOND_NS)
    history, now_s = exchange.markets["BTCUSDT"].history, exchange.now_ns // SECOND_NS
    assert len(history.minutes) < 20
    minutes = {c.open_s: c for c in history.candles("1m", now_s, None, None, 1_000)}
    lived = {c.open_s: c for c in history.minutes.values()}
    assert {open_s: minutes[open_s] for open_s in lived} == lived
    for interval in ("3m", "5m", "15m", "30m", "1h", "2h", "4h"):
        for _ in range(2):  # also where the path's answer is remembered
            candles = history.candles(interval, now_s, now_s - 5 * 3_600, None, 1_000)
            for candle in candles:
                parts = [one for at, one in minutes.items() if candle.open_s <= at < end_of(interval, candle.open_s)]
                assert (candle.open, candle.close) == (parts[0].open, parts[-1].close)
                assert candle.high == max(one.high for one in parts)
                assert candle.low == min(one.low for one in parts)
                assert candle.volume == pytest.approx(sum(one.volume for one in parts), rel=0.01)


def test_the_average_price_is_of_five_minutes() -> None:
    """Weighed by volume over the present minute and the four before, from the first minute of a life on."""
    exchange = live()
    market = exchange.markets["BTCUSDT"]
    for seconds in (20, 60, 70, 200, 30):
        exchange.advance(exchange.now_ns + seconds * SECOND_NS)
        now_s = exchange.now_ns // SECOND_NS
        five = market.history.candles("1m", now_s, None, None, 5)
        expected = sum(one.quote for one in five) * UNIT // sum(one.volume for one in five)
        assert market.average_price(exchange.now_ns) == expected


def test_live_candles_are_the_sum_of_the_prints() -> None:
    """The minute that klines answer is exactly what the tape printed in it, and so is the hour's part of it."""
    exchange = live(seconds=200)
    market = exchange.markets["BTCUSDT"]
    minute = START_S + 60
    prints = [one for one in market.trades if minute <= one.ts_ns // SECOND_NS < minute + 60]
    (candle,) = market.history.candles("1m", START_S + 200, minute, minute, 1)
    assert candle.trades == len(prints)
    assert candle.volume == sum(one.quantity for one in prints)
    assert candle.quote == sum(one.price * one.quantity // UNIT for one in prints)
    assert (candle.open, candle.close) == (prints[0].price, prints[-1].price)
    assert (candle.high, candle.low) == (max(p.price for p in prints), min(p.price for p in prints))
    assert candle.taker_base == sum(one.quantity for one in prints if not one.buyer_is_maker)
    seconds = market.history.candles("1s", START_S + 200, minute, minute + 59, 60)
    assert sum(second.volume for second in seconds) == candle.volume
    (hour,) = market.history.candles("1h", START_S + 200, None, None, 1)
    assert hour.close == market.last_price
    ids = [one.trade_id for one in market.trades]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_returns_are_clustered_and_fat_tailed_and_instruments_move_together() -> None:
    """What every study of markets finds: no memory in returns, long memory in their size, fat tails, correlation."""
    columns = []
    for listing in LISTINGS[:2]:
        returns = np.diff(Path(2, listing).seconds(60, START_S - 14 * DAY_S, START_S).last)
        sizes = np.abs(returns)
        assert abs(np.corrcoef(returns[:-1], returns[1:])[0, 1]) < 0.1
        assert np.corrcoef(sizes[:-10], sizes[10:])[0, 1] > 0.05
        assert ((returns - returns.mean()) ** 4).mean() / returns.var() ** 2 > 4.0
        columns.append(returns)
    assert np.corrcoef(columns[0], columns[1])[0, 1] > 0.25


def test_a_market_put_down_and_taken_up_is_where_its_path_is() -> None:
    """A later start, without any life between, is within a few ticks of the price the live market reached."""
    stayed = live(seconds=300).markets["BTCUSDT"]
    joined = live(start_s=START_S + 300).markets["BTCUSDT"]
    assert abs(stayed.last_price / joined.last_price - 1) < 2e-4
    assert joined.next_trade_id > stayed.next_trade_id


def test_a_flat_candle_takes_its_first_print_as_open() -> None:
    """A candle opened by the clock has the last price until something trades."""
    candle = Candle(0, 100, 100, 100, 100)
    candle.print(90, 5, 450, True)
    assert (candle.open, candle.high, candle.low, candle.close, candle.trades) == (90, 90, 90, 90, 1)


def test_a_machine_that_slept_wakes_up_in_the_market_of_now() -> None:
    """After a pause the market is where its path is, deep and uncrossed; what it passed meanwhile is filled."""
    exchange = live(seconds=30)
    exchange.deposit(1, "USDT", 100_000 * UNIT)
    market = exchange.markets["BTCUSDT"]
    low, high = market.history.extremes(START_S + 30, START_S + 3 * 3_600)
    bids = [
        exchange.place(1, NewOrder("BTCUSDT", True, "LIMIT", quantity=UNIT // 100, price=low + away * UNIT))
        for away in (20, -20)
    ]
    exchange.sleep_until((START_S + 3 * 3_600) * SECOND_NS)
    assert [order.status for order in bids] == ["FILLED", "NEW"]
    exchange.advance(exchange.now_ns + 5 * SECOND_NS)
    joined = live(start_s=START_S + 3 * 3_600, seconds=5).markets["BTCUSDT"]
    assert abs(market.last_price / joined.last_price - 1) < 2e-4
    bid, ask = market.book.bids.best(), market.book.asks.best()
    assert bid is not None
    assert ask is not None
    assert bid < ask
    assert len(market.book.bids.keys) >= 1_000
    candles = market.history.candles("1m", START_S + 3 * 3_600, START_S, None, 200)
    assert len(candles) == 181
    assert max(c.high for c in candles) <= high * 1.001
    assert all(abs(after.open / before.close - 1) < 5e-4 for before, after in pairwise(candles))
