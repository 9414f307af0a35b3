"""What streams for the day: prices of what is held or may be filled."""

from __future__ import annotations

from decimal import Decimal

from octopus_desktop.model.commands import Done, Refused, Subscribe, Unsubscribe
from octopus_desktop.model.events import Channel, InstrumentListed, OrderFilled
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.instrument import InstrumentKind
from octopus_desktop.model.orders import Side
from tests.unit.engine.day import ETH, LONG_AGO, NOW, Start, listing, opened, traded
from tests.unit.engine.scripted import BTC


async def test_prices_of_what_is_held_stream_without_a_screen() -> None:
    """From the start on while something is held, or may be filled; no watchlist ends it, and being flat does."""
    quotes = (BTC, Channel.QUOTES)
    start = Start([traded(1, LONG_AGO, "1", "60000")])
    await start.look()
    assert not start.streams.running
    start.connect(BTC, ETH)
    await start.look()
    assert start.streams.running == {quotes}
    assert start.subscriptions.streams(*quotes)
    assert start.subscriptions.subscribe(Subscribe(*quotes)) == Done()
    assert start.subscriptions.unsubscribe(Unsubscribe(*quotes)) == Done()
    assert isinstance(start.subscriptions.unsubscribe(Unsubscribe(*quotes)), Refused)
    assert (start.streams.running, start.streams.ended) == ({quotes}, [])
    start.tell(traded(2, NOW, "1", "60000", Side.SELL))
    working = traded(3, NOW, "1", "3000", name=ETH)
    assert isinstance(working, OrderFilled)
    start.tell(*opened(working))
    await start.look()
    assert start.streams.running == {(ETH, Channel.QUOTES)}
    assert start.streams.ended == [quotes]


async def test_crumbs_have_no_streams() -> None:
    """Each coin ever traded leaves some: too little for an order, and nothing that a limit would notice."""
    names = [InstrumentId(f"C{number}USDT.SIM") for number in range(20)]
    fills = []
    for number, name in enumerate(names, 1):
        fills.append(traded(2 * number, LONG_AGO, "1", "100", name=name))
        fills.append(traded(2 * number + 1, LONG_AGO, "0.999", "100", Side.SELL, name=name))
    start = Start([*fills, traded(1, LONG_AGO, "0.001", "60000")], max_daily_loss=Decimal(1000))
    start.connect(BTC, *names)
    await start.look()
    assert start.streams.running == {(BTC, Channel.QUOTES)}
    start.quote(6000.0, names[0])
    start.quote(4000.0)
    status = await start.look()
    assert start.streams.running == {(names[0], Channel.QUOTES)}, "what each is worth now"
    assert status.unvalued == ()


async def test_what_fell_deep_today_is_watched_on() -> None:
    """Of 600 USDT less than an order are left: a wick, perhaps, and what comes back is seen."""
    start = Start([traded(1, LONG_AGO, "0.01", "60000")])
    start.connect(BTC)
    await start.look()
    start.quote(60000.0)
    await start.look()
    start.quote(300.0)
    assert (await start.look()).profit == -597
    assert start.streams.running == {(BTC, Channel.QUOTES)}


async def test_who_else_watches_is_not_cut_off() -> None:
    """The position is closed while the screen shows the coin: its stream goes on."""
    quotes = (BTC, Channel.QUOTES)
    start = Start([traded(1, LONG_AGO, "1", "60000")])
    start.subscriptions.subscribe(Subscribe(*quotes))
    start.connect(BTC)
    await start.look()
    start.tell(traded(2, NOW, "1", "60000", Side.SELL))
    await start.look()
    assert (start.streams.running, start.streams.ended) == ({quotes}, [])
    start.subscriptions.unsubscribe(Unsubscribe(*quotes))
    assert not start.streams.running


async def test_what_is_held_before_there_is_a_client_streams_once_there_is() -> None:
    """The wish is kept like anyone's; a contract is judged by its mark price."""
    start = Start([traded(1, LONG_AGO, "1", "60000")])
    start.tell(InstrumentListed(BTC, listing(BTC, InstrumentKind.PERPETUAL)))
    await start.look()
    start.subscriptions.connect(start.streams)  # type: ignore[arg-type]  # the part it needs
    assert start.streams.running == {(BTC, Channel.MARK_PRICE)}
