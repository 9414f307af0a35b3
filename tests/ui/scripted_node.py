"""A Node whose market and account follow a script, and that records every command. For tests of the screen only."""

from __future__ import annotations

import math
import random
import time
from concurrent.futures import Future
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from octopus_desktop.engine.bus import Bus
from octopus_desktop.engine.entry import EntryLock
from octopus_desktop.engine.risk import Risk
from octopus_desktop.model.account import Balance
from octopus_desktop.model.algos import AlgoStatus
from octopus_desktop.model.commands import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    Command,
    ConfirmLive,
    Done,
    KillSwitch,
    LockEntry,
    NeedsAcknowledgement,
    NeedsConfirmation,
    Outcome,
    PauseAlgo,
    Refused,
    ResumeAlgo,
    SaveSetting,
    SetRiskLimits,
    SetTradingLevel,
    StartAlgo,
    StopAlgo,
    SubmitOrder,
    UnlockEntry,
)
from octopus_desktop.model.events import (
    AlgoEnded,
    AlgoPaused,
    AlgoResumed,
    AlgoStarted,
    BalanceChanged,
    BookChanged,
    BookReset,
    CandleChanged,
    EntryLocked,
    EntryUnlocked,
    Event,
    InstrumentListed,
    KillProgressed,
    KillStep,
    Link,
    LinkChanged,
    LinkStatus,
    LogRecorded,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRequested,
    OrderDenied,
    OrderFilled,
    OrderInitiated,
    OrderRejected,
    OrderSubmitted,
    QuoteChanged,
    Reconciled,
    Severity,
    TickerChanged,
    TradePrinted,
    TradingLevelChanged,
    VenueMeasured,
)
from octopus_desktop.model.identifiers import (
    AlgoId,
    ClientOrderId,
    InstrumentId,
    Interval,
    TradeId,
    Venue,
    VenueOrderId,
    instrument_id,
)
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.market import Candles
from octopus_desktop.model.orders import Fill, OrderIntent, OrderType, Side, TimeInForce
from octopus_desktop.model.profile import Dialect, Mode, Profile
from octopus_desktop.model.queries import (
    AlgoQuery,
    AlgoVerdict,
    BalanceHistoryQuery,
    CandlesQuery,
    LimitsQuery,
    LogQuery,
    Query,
    RecentTradesQuery,
    RiskQuery,
    RiskStatusQuery,
    Verdict,
)
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.state import State

SIM = Venue("SIM")
BTC, ETH, SOL = (instrument_id(f"{base}USDT", SIM) for base in ("BTC", "ETH", "SOL"))
START_NS = 1_760_000_000_000_000_000

_LISTING = (
    # symbol, last, tick, lot, change, daily volume in base
    ("BTCUSDT", 67412.30, "0.01", "0.00001", 0.0184, 21_480.0),
    ("ETHUSDT", 3481.12, "0.01", "0.0001", -0.0062, 310_204.0),
    ("SOLUSDT", 171.43, "0.01", "0.001", 0.0341, 4_120_880.0),
    ("BNBUSDT", 592.80, "0.01", "0.001", 0.0021, 182_100.0),
    ("XRPUSDT", 0.5214, "0.0001", "1", -0.0118, 302_551_000.0),
    ("DOGEUSDT", 0.12345, "0.00001", "1", 0.0512, 1_204_300_000.0),
    ("ADAUSDT", 0.4471, "0.0001", "0.1", -0.0205, 98_400_000.0),
    ("LINKUSDT", 14.27, "0.01", "0.01", 0.0077, 5_310_000.0),
)


def demo_profile(mode: Mode = Mode.DEMO) -> Profile:
    return Profile(mode.value.lower(), SIM, Dialect.BINANCE_SPOT, mode)


class _Clock:
    def __init__(self, node: ScriptedNode) -> None:
        self._node = node

    def now_ns(self) -> int:
        return self._node.now_ns


class ScriptedNode:
    """Answers at once, on the caller's thread. `answers` False leaves orders without the venue's word."""

    def __init__(self, profile: Profile | None = None, settings: dict[str, str] | None = None) -> None:
        self.profile = profile or demo_profile()
        self.settings = dict(settings or {})
        self.commands: list[Command] = []
        self.queries: list[Query[Any]] = []
        self.state = State()
        bus, clock = Bus(self.state), _Clock(self)
        self._risk = Risk(bus, EntryLock(bus, clock), clock, RiskLimits())
        self.started = self.stopped = False
        self.answers = True
        self.limits = RiskLimits()
        self.confirmed = True
        self.warns = ""
        self.refuses: str | None = None
        self.candle_answer: BaseException | None = None
        self.verdict: Verdict | None = None
        self.native: set[type] = set()
        self.log_lines: list[LogRecorded] = []
        self.now_ns = START_NS
        self._pending: list[Event] = []
        self._number = 0
        self._random = random.Random(7)

    # The port

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        self.stopped = True

    def take_frame(self) -> list[Event]:
        frame, self._pending = self._pending, []
        return frame

    def setting(self, key: str) -> str | None:
        return self.settings.get(key)

    def execute(self, command: Command) -> Future[Outcome]:
        self.commands.append(command)
        answer: Future[Outcome] = Future()
        answer.set_result(Refused(self.refuses) if self.refuses else self._carry_out(command))
        return answer

    def query(self, query: Query[Any]) -> Future[Any]:
        self.queries.append(query)
        answer: Future[Any] = Future()
        match query:
            case CandlesQuery() if self.candle_answer is not None:
                answer.set_exception(self.candle_answer)
            case CandlesQuery():
                answer.set_result(self.candles(query))
            case RecentTradesQuery():
                answer.set_result([])
            case RiskQuery():
                locked = self.state.entry_locked
                judged = Verdict(locked) if locked is not None else self._risk.judge(query.intent)
                answer.set_result(self.verdict or judged)
            case AlgoQuery():
                answer.set_result(AlgoVerdict(native=type(query.spec) in self.native))
            case LimitsQuery():
                answer.set_result(self.limits)
            case RiskStatusQuery():
                answer.set_result(self._risk.status())
            case BalanceHistoryQuery():
                answer.set_result([])
            case LogQuery():
                answer.set_result(self.log_lines)
            case _:
                raise TypeError(type(query))
        return answer

    # The script

    def emit(self, *events: Event) -> None:
        for event in events:
            self.state.apply(event)
            self._pending.append(event)

    def of(self, kind: type) -> list[Any]:
        """The commands of one kind, in their order."""
        return [command for command in self.commands if type(command) is kind]

    def _carry_out(self, command: Command) -> Outcome:
        self.now_ns += 1_000_000
        match command:
            case SubmitOrder():
                if not self.confirmed:
                    return NeedsConfirmation("This is the first order of this LIVE profile.")
                if self.warns and not command.acknowledged:
                    return NeedsAcknowledgement(self.warns)
                return self._submit(command.intent)
            case CancelOrder():
                self._cancel(command.client_order_id)
            case CancelAllOrders():
                ids = [
                    order_id
                    for order_id, order in self.state.working.items()
                    if command.instrument_id in (None, order.intent.instrument_id)
                ]
                for order_id in ids:
                    self._cancel(order_id)
                return Done(len(ids))
            case SaveSetting():
                self.settings[command.key] = command.value
            case UnlockEntry():
                if self.profile.mode is Mode.LIVE and command.typed != self.profile.name:
                    return Refused(f"Type the profile's name, {self.profile.name}, to unlock order entry.")
                self.emit(EntryUnlocked(self.now_ns))
            case LockEntry():
                self.emit(EntryLocked("Locked by you.", self.now_ns))
            case SetTradingLevel():
                back = command.level is TradingLevel.ACTIVE and self.profile.mode is Mode.LIVE
                if back and command.typed != self.profile.name:
                    return Refused(f"Type the profile's name, {self.profile.name}, to go back to ACTIVE.")
                self.emit(TradingLevelChanged(command.level, "Set by you.", self.now_ns))
            case KillSwitch():
                self._kill(command.flatten)
            case StartAlgo():
                native = type(command.spec) in self.native
                self.emit(AlgoStarted(command.algo_id, self.now_ns, command.spec, command.on_restart, native))
            case SetRiskLimits():
                self.limits = command.limits
            case ConfirmLive():
                if command.typed != self.profile.name:
                    return Refused(f"Type the profile's name, {self.profile.name}, to confirm.")
                self.confirmed = True
            case PauseAlgo():
                self.emit(AlgoPaused(command.algo_id, self.now_ns))
            case ResumeAlgo():
                self.emit(AlgoResumed(command.algo_id, self.now_ns))
            case StopAlgo():
                self.emit(AlgoEnded(command.algo_id, self.now_ns, AlgoStatus.STOPPED, "Stopped by you."))
            case AmendOrder():
                self._amend(command)
            case _:
                pass
        return Done()

    def _submit(self, intent: OrderIntent) -> Outcome:
        order_id, now = intent.client_order_id, self.now_ns
        self.emit(OrderInitiated(order_id, now, intent))
        reason = self.state.entry_locked or self._risk.judge(intent).denial
        if reason is not None:
            self.emit(OrderDenied(order_id, now, reason))
            return Refused(reason)
        self.emit(OrderSubmitted(order_id, now))
        if not self.answers:
            return Done()
        self._number += 1
        venue_order_id = VenueOrderId(str(880_000 + self._number))
        touch = self.state.market(intent.instrument_id).touch
        assert touch is not None
        crossing = intent.price is not None and (
            intent.price >= Decimal(repr(touch[1]))
            if intent.side is Side.BUY
            else intent.price <= Decimal(repr(touch[0]))
        )
        if intent.type is OrderType.POST_ONLY and crossing:
            self.emit(OrderRejected(order_id, now, "Order would immediately match and take.", -2010))
            return Done()
        self.emit(OrderAccepted(order_id, now, venue_order_id))
        if intent.type is OrderType.MARKET or crossing:
            price = Decimal(repr(touch[1] if intent.side is Side.BUY else touch[0]))
            instrument = self.state.instruments[intent.instrument_id]
            quantity = intent.quantity or instrument.quantity((intent.quote_quantity or Decimal(0)) / price)
            self.fill(order_id, price, quantity, complete=True)
        return Done()

    def fill(self, order_id: ClientOrderId, price: Decimal, quantity: Decimal, *, complete: bool) -> None:
        self._number += 1
        order = self.state.orders[order_id]
        intent = order.intent
        fill = Fill(
            intent.instrument_id,
            order_id,
            order.venue_order_id or VenueOrderId("1"),
            TradeId(str(4_400_000 + self._number)),
            intent.side,
            price,
            quantity,
            (price * quantity * Decimal("0.001")).quantize(Decimal("0.00000001")),
            "USDT",
            intent.type is OrderType.POST_ONLY,
            self.now_ns,
        )
        self.emit(OrderFilled(order_id, self.now_ns, fill, complete))

    def _cancel(self, order_id: ClientOrderId) -> None:
        if order_id in self.state.working:
            self.emit(OrderCancelRequested(order_id, self.now_ns))
            if self.answers:
                self.emit(OrderCanceled(order_id, self.now_ns))

    def _kill(self, flatten: bool) -> None:
        self._kill_step(KillStep.STOP_ALGOS, False, "")
        for algo in [each for each in self.state.algos.values() if not each.status.is_over]:
            self.emit(AlgoEnded(algo.algo_id, self.now_ns, AlgoStatus.STOPPED, "The kill switch was pulled."))
        self._kill_step(KillStep.STOP_ALGOS, True, "none runs")
        self.emit(TradingLevelChanged(TradingLevel.HALTED, "The kill switch was pulled.", self.now_ns))
        count = len(self.state.working)
        self._kill_step(KillStep.CANCEL, False, f"{count} orders")
        for order_id in list(self.state.working):
            self._cancel(order_id)
        if not self.answers:
            return
        self._kill_step(KillStep.CANCEL, True, f"{count} orders canceled")
        self._kill_step(KillStep.VERIFY_CANCELED, True, "the venue has none")
        if flatten:
            self._kill_step(KillStep.FLATTEN, False, "closing")

    def _kill_step(self, step: KillStep, done: bool, text: str) -> None:
        self.now_ns += 1_000_000
        self.emit(KillProgressed(step, done, text, self.now_ns))

    def _amend(self, command: AmendOrder) -> None:
        order = self.state.orders[command.client_order_id]
        intent = msgspec.structs.replace(
            order.intent,
            client_order_id=command.replacement,
            replaces=command.client_order_id,
            price=command.price or order.intent.price,
            trigger_price=command.trigger_price or order.intent.trigger_price,
            quantity=(command.quantity or order.intent.quantity) - order.filled_quantity,
        )
        self.emit(OrderCanceled(command.client_order_id, self.now_ns, "Replaced."))
        self._submit(intent)

    def candles(self, query: CandlesQuery) -> Candles:
        """A walk that ends at the last price; the same query has the same answer."""
        end_ns = query.end_ns if query.end_ns is not None else self.now_ns + 1
        last_open = (end_ns - 1) // query.interval.ns * query.interval.ns
        opens = np.arange(query.limit, dtype=np.int64)[::-1] * -query.interval.ns + last_open
        last = self.state.market(query.instrument_id).last_price or 100.0
        noise = np.random.default_rng((int(opens[-1]) + sum(query.instrument_id.encode()) * 7919) % 2**32)
        volatility = 0.0006 * math.sqrt(query.interval.ns / 60e9)
        calm = np.exp(
            0.5 * np.convolve(noise.standard_normal(query.limit + 40), np.ones(40) / 6, "valid")[: query.limit]
        )
        steps = noise.standard_t(5, query.limit) * volatility * calm
        closes = last * np.exp(np.cumsum(steps) - np.sum(steps))
        first = np.concatenate([closes[:1], closes[:-1]])
        reach = np.abs(noise.standard_normal((2, query.limit))) * volatility * calm * 0.6
        high = np.maximum(first, closes) * (1 + reach[0])
        low = np.minimum(first, closes) * (1 - reach[1])
        volume = np.exp(noise.standard_normal(query.limit) * 0.5) * calm * (1 + np.abs(steps) / volatility) * 12
        return Candles(query.instrument_id, query.interval, opens, first, high, low, closes, volume)


def list_market(node: ScriptedNode) -> None:
    """Eight instruments, their tickers, quotes, books of 500 levels a side, and recent trades."""
    for symbol, last, tick, lot, change, volume in _LISTING:
        name = instrument_id(symbol, SIM)
        instrument = Instrument(
            name,
            SIM,
            symbol,
            symbol.removesuffix("USDT"),
            "USDT",
            InstrumentKind.SPOT,
            Decimal(tick),
            Decimal(lot),
            Decimal(lot),
            Decimal(9000),
            Decimal(10),
        )
        node.emit(InstrumentListed(name, instrument))
        node.emit(TickerChanged(name, last, change, last * 1.021, last * 0.974, volume, volume * last, node.now_ns))
        set_book(node, name, last, float(tick))
        step = float(tick)
        for number in range(60):
            side = Side.BUY if node._random.random() < 0.55 else Side.SELL
            price = round(last + step * node._random.randint(-3, 3), 8)
            quantity = round(node._random.lognormvariate(-3, 1.4) * 67000 / last, 5)
            ts = node.now_ns - (60 - number) * 210_000_000
            node.emit(TradePrinted(name, price, quantity, side, 10_000 + number, ts, ts + 4_000_000))


def set_book(node: ScriptedNode, name: InstrumentId, last: float, tick: float, levels: int = 500) -> None:
    noise = random.Random(11)
    scale = 67_000 / last

    def side(sign: int) -> list[tuple[float, float]]:
        at, out = last + sign * tick, []
        for _ in range(levels):
            out.append((round(at, 8), round(noise.lognormvariate(-1.2, 1.1) * scale, 5)))
            at += sign * tick * noise.choice((1, 1, 1, 2, 3))
        return out

    bids, asks = side(-1), side(1)
    node.emit(BookReset(name, bids, asks, 1, node.now_ns, node.now_ns))
    node.emit(QuoteChanged(name, *bids[0], *asks[0], node.now_ns, node.now_ns))


def connect(node: ScriptedNode) -> None:
    """The links are up, the account is known, order entry is open (but on a LIVE profile)."""
    for link in Link:
        node.emit(LinkChanged(SIM, link, LinkStatus.UP, "", node.now_ns))
    node.emit(VenueMeasured(SIM, 12.4, 3.2, 61, 6000, 842.0, 0, node.now_ns))
    for asset, free, locked in (("USDT", "81204.55", "13465.20"), ("BTC", "0.4312", "0.05"), ("ETH", "6.5", "0")):
        node.emit(BalanceChanged(Balance(SIM, asset, Decimal(free), Decimal(locked), node.now_ns)))
    node.emit(Reconciled(SIM, 0, 0, node.now_ns))
    if node.profile.mode is Mode.LIVE:
        node.emit(EntryLocked("This is a LIVE profile: type its name to unlock order entry.", node.now_ns))
    else:
        node.emit(EntryUnlocked(node.now_ns))


def place(
    node: ScriptedNode,
    name: InstrumentId,
    side: Side,
    price: str | None,
    quantity: str,
    kind: OrderType = OrderType.LIMIT,
    trigger: str | None = None,
    *,
    parent: AlgoId | None = None,
    role: str = "",
) -> ClientOrderId:
    """An order of an earlier moment, as the journal would tell it."""
    node._number += 1
    order_id = ClientOrderId(f"od-mgxk2a{node._number:04d}-9b2e11c07a")
    intent = OrderIntent(
        order_id,
        name,
        side,
        kind,
        Decimal(quantity),
        Decimal(price) if price else None,
        Decimal(trigger) if trigger else None,
        None,
        TimeInForce.GTC,
        parent=parent,
        role=role,
    )
    node.now_ns += 7_350_000_000
    node.emit(
        OrderInitiated(order_id, node.now_ns, intent),
        OrderSubmitted(order_id, node.now_ns),
        OrderAccepted(order_id, node.now_ns + 11_000_000, VenueOrderId(str(880_000 + node._number))),
    )
    return order_id


def trade_a_while(node: ScriptedNode) -> None:
    """Fills, a position, finished and open orders, and a log."""
    for name, side, price, quantity in (
        (BTC, Side.BUY, "66980.10", "0.25"),
        (ETH, Side.BUY, "3502.40", "4"),
        (BTC, Side.SELL, "67240.00", "0.1"),
        (SOL, Side.BUY, "166.20", "40"),
        (SOL, Side.SELL, "170.10", "40"),
        (BTC, Side.BUY, "67105.55", "0.05"),
    ):
        order_id = place(node, name, side, price, quantity)
        half = node.state.instruments[name].quantity(Decimal(quantity) / 2)
        node.fill(order_id, Decimal(price), half, complete=False)
        node.now_ns += 900_000_000
        node.fill(order_id, Decimal(price), Decimal(quantity) - half, complete=True)
    canceled = place(node, BTC, Side.BUY, "65000.00", "0.1")
    node.emit(OrderCanceled(canceled, node.now_ns))
    for name, side, price, quantity in (
        (BTC, Side.BUY, "67411.50", "0.05"),
        (BTC, Side.BUY, "67390.00", "0.1"),
        (BTC, Side.SELL, "67413.60", "0.05"),
        (ETH, Side.SELL, "3550.00", "2"),
    ):
        order_id = place(node, name, side, price, quantity)
    node.fill(order_id, Decimal("3550.00"), Decimal("0.5"), complete=False)
    place(node, BTC, Side.SELL, "66400.00", "0.2", OrderType.STOP_LIMIT, "66500.00")
    for severity, source, text in (
        (Severity.INFO, "octopus_desktop.node", "data opened, 31 events of the journal folded"),
        (Severity.INFO, "octopus_desktop.venues.binance.stream", "market data connected"),
        (Severity.WARNING, "octopus_desktop.venues.binance.sequencer", "BTCUSDT.SIM: 2 updates missed, new snapshot"),
        (Severity.INFO, "octopus_desktop.node", "reconciled with SIM: 0 differences"),
    ):
        node.now_ns += 130_000_000
        node.emit(LogRecorded(severity, source, text, node.now_ns))


def scripted_session(mode: Mode = Mode.DEMO, settings: dict[str, str] | None = None) -> ScriptedNode:
    """A node in the middle of a trading day."""
    node = ScriptedNode(demo_profile(mode), settings)
    list_market(node)
    connect(node)
    trade_a_while(node)
    return node


class LivelyNode(ScriptedNode):
    """The same, with a market that moves at every frame, by the real clock; for looking at the screen."""

    def take_frame(self) -> list[Event]:
        self.now_ns = time.time_ns()
        for name, market in list(self.state.markets.items()):
            instrument = self.state.instruments[name]
            if self._random.random() < 0.25:
                self._move(name, market.last_price or 1.0, float(instrument.tick_size), instrument.price_precision)
        if self._random.random() < 0.02:
            rate = 780 + 120 * self._random.random()
            self.emit(VenueMeasured(SIM, 11 + self._random.random() * 4, 3.2, 61, 6000, rate, 0, self.now_ns))
        return super().take_frame()

    def _move(self, name: InstrumentId, last: float, tick: float, precision: int) -> None:
        rng, now, market = self._random, self.now_ns, self.state.market(name)
        touch = market.touch
        if touch is None:
            return
        buy = rng.random() < 0.5
        price = touch[1] if buy else touch[0]
        self._number += 1
        quantity = round(rng.lognormvariate(-3, 1.4) * 67000 / last, 5)
        self.emit(
            TradePrinted(name, price, quantity, Side.BUY if buy else Side.SELL, self._number + 20_000, now, now + 10**6)
        )
        side = market.book.asks if buy else market.book.bids
        other = market.book.bids if buy else market.book.asks
        changes, behind = [(price, 0.0)], []
        if rng.random() < 0.7:
            changes = [(price, round(rng.lognormvariate(-1.2, 1.1) * 67000 / last, 5))]
        else:
            step = tick if buy else -tick
            inner = (other.prices[-1] if buy else other.prices[0]) + step
            behind = [(round(inner, precision), round(rng.lognormvariate(-1.2, 1.1) * 67000 / last, 5))]
        deep = rng.choice(side.prices[:30] if buy else side.prices[-30:])
        if deep != price:
            changes.append((deep, round(rng.lognormvariate(-1.2, 1.1) * 67000 / last, 5)))
        if market.book.last_id and behind and (behind[0][0] in side.quantities):
            behind = []
        bids, asks = (behind, changes) if buy else (changes, behind)
        self.emit(BookChanged(name, bids, asks, market.book.last_id + 1, now, now))
        bid, ask = market.book.best_bid, market.book.best_ask
        assert bid is not None
        assert ask is not None
        self.emit(QuoteChanged(name, *bid, *ask, now, now))
        ticker = market.ticker
        assert ticker is not None
        self.emit(
            TickerChanged(
                name,
                price,
                ticker.change + (price / last - 1),
                ticker.high,
                ticker.low,
                ticker.volume,
                ticker.quote_volume,
                now,
            )
        )
        for interval in (Interval.M1,):
            opened = now // interval.ns * interval.ns
            old = market.candles.get(interval)
            if old is None or old.open_ns != opened:
                self.emit(CandleChanged(name, interval, opened, price, price, price, price, quantity, False))
            else:
                high, low = max(old.high, price), min(old.low, price)
                self.emit(
                    CandleChanged(name, interval, opened, old.open, high, low, price, old.volume + quantity, False)
                )


def lively_session(mode: Mode = Mode.DEMO, settings: dict[str, str] | None = None) -> LivelyNode:
    """A trading day that goes on, ending now."""
    node = LivelyNode(demo_profile(mode), settings)
    node.now_ns = time.time_ns() - 150_000_000_000
    list_market(node)
    connect(node)
    trade_a_while(node)
    return node
