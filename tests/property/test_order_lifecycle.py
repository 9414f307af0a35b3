"""Any sequence of order events, sensible or not, leaves a state that adds up."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from octopus_desktop.model.events import (
    AnyOrderEvent,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderInitiated,
    OrderRejected,
    OrderSubmitted,
    OrderUnknown,
)
from octopus_desktop.model.identifiers import ClientOrderId, InstrumentId, TradeId, VenueOrderId
from octopus_desktop.model.orders import LIFECYCLE, Fill, OrderIntent, OrderStatus, OrderType, Side, Step
from octopus_desktop.state import State

NAMES = Bundle("names")
INSTRUMENTS = (InstrumentId("BTCUSDT.SIM"), InstrumentId("ETHUSDT.SIM"))
QUANTITIES = st.integers(1, 300).map(lambda lots: Decimal(lots) / 100)
PRICES = st.integers(1, 100_000).map(lambda ticks: Decimal(ticks) / 100)


class Orders(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.events: list[AnyOrderEvent] = []
        self.trades = 0
        self.before: dict[ClientOrderId, tuple[OrderStatus, Decimal, Decimal]] = {}
        self.last: tuple[ClientOrderId, Step] | None = None

    def apply(self, event: AnyOrderEvent, step: Step | None = None) -> None:
        self.before = {
            name: (order.status, order.filled_quantity, order.filled_notional)
            for name, order in self.state.orders.items()
        }
        self.last = (event.client_order_id, step) if step is not None else None
        self.events.append(event)
        self.state.apply(event)

    @rule(
        target=NAMES,
        instrument=st.sampled_from(INSTRUMENTS),
        side=st.sampled_from(Side),
        quantity=QUANTITIES,
        in_quote=st.booleans(),
    )
    def initiate(self, instrument: InstrumentId, side: Side, quantity: Decimal, in_quote: bool) -> ClientOrderId:
        name = ClientOrderId(f"od-{len(self.state.orders)}")
        if in_quote:
            intent = OrderIntent(name, instrument, side, OrderType.MARKET, Decimal(0), quote_quantity=quantity)
        else:
            intent = OrderIntent(name, instrument, side, OrderType.LIMIT, quantity, Decimal(100))
        self.apply(OrderInitiated(name, len(self.events), intent))
        return name

    @rule(name=NAMES)
    def initiate_again(self, name: ClientOrderId) -> None:
        order = self.state.orders[name]
        status = order.status
        self.apply(OrderInitiated(name, len(self.events), order.intent))
        assert self.state.orders[name] is order
        assert order.status is status

    @rule(name=NAMES)
    def deny(self, name: ClientOrderId) -> None:
        self.apply(OrderDenied(name, len(self.events), "too large"), Step.DENY)

    @rule(name=NAMES)
    def submit(self, name: ClientOrderId) -> None:
        self.apply(OrderSubmitted(name, len(self.events)), Step.SUBMIT)

    @rule(name=NAMES)
    def accept(self, name: ClientOrderId) -> None:
        self.apply(OrderAccepted(name, len(self.events), VenueOrderId(f"v-{name}")), Step.ACCEPT)

    @rule(name=NAMES)
    def reject(self, name: ClientOrderId) -> None:
        self.apply(OrderRejected(name, len(self.events), "no", -2010), Step.REJECT)

    @rule(name=NAMES)
    def lose_track(self, name: ClientOrderId) -> None:
        self.apply(OrderUnknown(name, len(self.events), "no answer"), Step.LOSE_TRACK)

    @rule(name=NAMES)
    def cancel(self, name: ClientOrderId) -> None:
        self.apply(OrderCanceled(name, len(self.events), "by hand"), Step.CANCEL)

    @rule(name=NAMES)
    def expire(self, name: ClientOrderId) -> None:
        self.apply(OrderExpired(name, len(self.events), "IOC"), Step.EXPIRE)

    @rule(name=NAMES)
    def ask_to_cancel(self, name: ClientOrderId) -> None:
        self.apply(OrderCancelRequested(name, len(self.events)))
        assert self.state.orders[name].cancel_requested is (not self.state.orders[name].status.is_terminal)

    @rule(name=NAMES)
    def refuse_to_cancel(self, name: ClientOrderId) -> None:
        self.apply(OrderCancelRejected(name, len(self.events), "filled first"))
        assert not self.state.orders[name].cancel_requested

    @rule(name=NAMES, quantity=QUANTITIES, price=PRICES, complete=st.booleans())
    def fill(self, name: ClientOrderId, quantity: Decimal, price: Decimal, complete: bool) -> None:
        self.trades += 1
        order = self.state.orders[name]
        intent = order.intent
        wanted = intent.quantity
        whole = complete or bool(wanted and order.filled_quantity + quantity >= wanted)
        fill = Fill(
            intent.instrument_id,
            name,
            VenueOrderId(f"v-{name}"),
            TradeId(str(self.trades * 389 % 1009)),  # not in the order of the venue
            intent.side,
            price,
            quantity,
            Decimal("0.01"),
            "BNB",
            False,
            self.trades,
        )
        self.apply(OrderFilled(name, len(self.events), fill, complete), Step.FILL_ALL if whole else Step.FILL_PART)

    @rule(name=NAMES, data=st.data())
    def tell_a_trade_again(self, name: ClientOrderId, data: st.DataObject) -> None:
        told = [event for event in self.events if isinstance(event, OrderFilled) and event.client_order_id == name]
        known = self.state.orders[name].trade_ids
        told = [event for event in told if event.fill.trade_id in known]
        if told:
            count = len(self.state.fills)
            again = data.draw(st.sampled_from(told))
            news = again.complete and not self.state.orders[name].status.is_terminal
            self.apply(again, Step.FILL_ALL if news else None)
            assert len(self.state.fills) == count, "a trade told twice counts once"

    @invariant()
    def the_table_is_the_only_way(self) -> None:
        for name, (status, _, _) in self.before.items():
            now = self.state.orders[name].status
            if self.last is not None and self.last[0] == name:
                assert now is LIFECYCLE[status].get(self.last[1], status)
            else:
                assert now is status, "an event of one order changes no other"

    @invariant()
    def filled_never_shrinks(self) -> None:
        for name, (_, quantity, notional) in self.before.items():
            order = self.state.orders[name]
            assert order.filled_quantity >= quantity
            assert order.filled_notional >= notional

    @invariant()
    def orders_are_the_sum_of_their_fills(self) -> None:
        for order in self.state.orders.values():
            own = [fill for fill in self.state.fills if fill.client_order_id == order.client_order_id]
            assert order.filled_quantity == sum(fill.quantity for fill in own)
            assert order.filled_notional == sum(fill.quantity * fill.price for fill in own)
            assert order.trade_ids == {fill.trade_id for fill in own}
            if order.status is OrderStatus.FILLED and order.intent.quantity:
                told = [event for event in self.events if isinstance(event, OrderFilled) and event.complete]
                said = any(event.client_order_id == order.client_order_id for event in told)
                assert order.remaining == 0 or said, "the venue's word that nothing is left"
            if order.status in (OrderStatus.INITIATED, OrderStatus.DENIED, OrderStatus.SUBMITTED):
                assert not own

    @invariant()
    def positions_are_the_sum_of_all_fills(self) -> None:
        """In the venue's order: what is sold without having been bought was there before."""
        for instrument in INSTRUMENTS:
            own = [fill for fill in self.state.fills if fill.instrument_id == instrument]
            position = self.state.positions.get(instrument)
            assert (position is None) == (not own)
            if position is not None:
                held = Decimal(0)
                for fill in sorted(own, key=lambda fill: int(fill.trade_id)):
                    held = max(Decimal(0), held + fill.quantity * fill.side.sign)
                assert position.quantity == held
                assert position.bought - position.sold + position.from_before == position.quantity
                assert position.fees == {"BNB": Decimal("0.01") * len(own)}

    @invariant()
    def working_is_what_has_not_ended(self) -> None:
        assert set(self.state.working) == {
            name for name, order in self.state.orders.items() if not order.status.is_terminal
        }
        for order in self.state.orders.values():
            assert not (order.status.is_terminal and order.cancel_requested)

    def teardown(self) -> None:
        again = State()
        for event in self.events:
            again.apply(event)
        assert again.orders == self.state.orders, "the same events are the same state"
        assert again.fills == self.state.fills
        assert again.positions == self.state.positions


Orders.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestOrders = Orders.TestCase
