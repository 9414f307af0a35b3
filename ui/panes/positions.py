"""Positions: average entry, mark, what was won or lost and what would be, and fees."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from octopus_desktop.actions.context import Context
from octopus_desktop.model.account import Position
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import InstrumentId, symbol_of
from octopus_desktop.model.orders import ZERO
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.models.columns import Column, Paint, day_and_clock, iso
from ui.models.rows_model import RowsModel
from ui.panes.order_columns import Precisions
from ui.panes.pane import price_age_s
from ui.panes.table_pane import TablePane
from ui.session import Session
from ui.theme.numbers import NOTHING, format_change, format_percent, format_price


def sign_tone(value: Decimal | float | None, digits: int | None = None) -> str:
    """Grey for nothing, and for what is nothing when it is written with so many `digits`."""
    if value is None or not (value if digits is None else round(value, digits)):
        return "text_mid"
    return "up" if value > 0 else "down"


def position_columns(state: State, zone: tzinfo) -> list[Column[Position]]:
    write = Precisions(state)

    def mark(position: Position) -> Decimal | None:
        market = state.markets.get(position.instrument_id)
        return market.fair_price if market is not None else None

    def mark_text(position: Position) -> str:
        """On a tick, as every price; between two the worse one for the holder: a long's lower, a short's higher.

        Rounded half to even it would stand still for one step of the middle and jump two ticks with the next. Value and
        gain are counted from the exact price, and copies and CSV have that one.
        """
        at, instrument = mark(position), state.instruments.get(position.instrument_id)
        if at is not None and instrument is not None:
            worse = ROUND_CEILING if position.quantity < 0 else ROUND_FLOOR
            at = (at / instrument.tick_size).to_integral_value(worse) * instrument.tick_size
        return write.price(position.instrument_id, at)

    def value(position: Position) -> Decimal | None:
        at = mark(position)
        return abs(position.quantity) * at if at is not None else None

    def unrealised(position: Position) -> Decimal | None:
        at = mark(position)
        return position.unrealised(at) if at is not None else None

    def percent(position: Position) -> Decimal | None:
        at = mark(position)
        if at is None or not position.average_price or not position.quantity:
            return None
        return round((at / position.average_price - 1) * 100 * (1 if position.quantity > 0 else -1), 4)

    def gained(position: Position) -> Decimal | None:
        return position.realised if position.sold != position.from_before or not position.sold else None

    def gained_text(position: Position) -> str:
        gain = gained(position)
        return format_change(gain, 2) if gain is not None else "not known"

    def from_before(position: Position) -> str:
        sold = position.from_before
        return f"Without {figure(sold)} sold that were held before: what they gained is not known" if sold else ""

    def side(position: Position) -> str:
        return "Long" if position.quantity > 0 else "Short" if position.quantity < 0 else "Flat"

    def fees(position: Position) -> str:
        paid = [f"{figure(fee)} {asset}" if asset != "USDT" else f"{fee:,.2f} {asset}"
                for asset, fee in position.fees.items() if fee]  # fmt: skip
        return " + ".join(paid) or NOTHING

    def fees_exported(position: Position) -> str:
        return " + ".join(f"{fee:f} {asset}" for asset, fee in position.fees.items() if fee)

    return [
        Column("instrument", "Instrument", lambda p: symbol_of(p.instrument_id),
               lambda p: symbol_of(p.instrument_id), 86, Paint.NAME, tone=lambda p: "text_hi"),
        Column("side", "Side", side, side, 48, Paint.WORDS, tone=lambda p: sign_tone(p.quantity)),
        Column("quantity", "Quantity", lambda p: p.quantity,
               lambda p: format_change(p.quantity, _precision(state, p.instrument_id)), 96),
        Column("average", "Average entry", lambda p: p.average_price,
               lambda p: write.price(p.instrument_id, p.average_price) if p.quantity else NOTHING, 104),
        Column("mark", "Mark", mark, mark_text, 96),
        Column("value", "Value", value, lambda p: format_price(value(p), 2), 96, tone=lambda p: "text_mid"),
        Column("unrealised", "Unrealised", unrealised, lambda p: format_change(unrealised(p), 2), 92,
               tone=lambda p: sign_tone(unrealised(p), 2)),
        Column("percent", "%", percent, lambda p: format_percent(percent(p)), 68,
               tone=lambda p: sign_tone(percent(p), 2)),
        Column("realised", "Realised", gained, gained_text, 92,
               tone=lambda p: sign_tone(gained(p), 2), tip=from_before),
        Column("bought", "Bought", lambda p: p.bought, lambda p: write.quantity(p.instrument_id, p.bought), 92,
               tone=lambda p: "text_mid"),
        Column("sold", "Sold", lambda p: p.sold, lambda p: write.quantity(p.instrument_id, p.sold), 92,
               tone=lambda p: "text_mid"),
        Column("opened", "Opened", lambda p: iso(p.opened_ns) if p.opened_ns else None,
               lambda p: day_and_clock(p.opened_ns, zone) if p.opened_ns else NOTHING, 104,
               tone=lambda p: "text_mid", rank=lambda p: p.opened_ns),
        Column("fees", "Fees", fees_exported, fees, 120, Paint.WORDS, tip=fees,
               rank=lambda p: sum(p.fees.values(), ZERO)),
    ]  # fmt: skip


def _precision(state: State, name: InstrumentId) -> int:
    instrument = state.instruments.get(name)
    return instrument.quantity_precision if instrument is not None else 8


class PositionsPane(TablePane):
    pane_id = "positions"
    title = "Positions"
    contexts = (Context.POSITIONS, Context.TABLE)
    empty_text = "No positions"
    empty_hint = "Your fills in an instrument add up to one"
    close_wanted = Signal(object)
    """The `Position` that the trader wants to close."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.model = RowsModel[Position](
            position_columns(session.state, session.zone),
            lambda position: position.instrument_id,
            self,
            faded=lambda position: (
                not position.quantity or price_age_s(session.state, position.instrument_id, 0) is not None
            ),
        )
        self.set_table(self.model, ("value", True))
        self.close_button = self.add_control(
            "Close position…",
            "Fill the ticket with the order that closes the position (Ctrl+Shift+C)",
            self.close_selected,
            name="Close position",
        )
        self.table.chosen.connect(self._show_instrument)

    def refresh(self, state: State, dirty: Dirty) -> None:
        if dirty.everything or dirty.fills:
            self.model.replace(state.positions.values())
            self.session.watch_held()
        elif dirty.tickers or dirty.trades or dirty.quotes or dirty.feeds or dirty.system:
            self.model.touch_all()
        self.close_button.setEnabled(any(position.quantity for position in self.model.rows))
        self.show_account_state()

    def priced(self) -> Iterable[InstrumentId]:
        return [position.instrument_id for position in self.model.rows if position.quantity]

    def each_second(self, state: State, now_ns: int) -> None:
        self.show_account_state()

    def close_selected(self) -> None:
        """The selected position, else the one in the instrument on the screen, else the only one."""
        selected = [position for position in self.table.selected_rows() if position.quantity]
        held = [position for position in self.session.state.positions.values() if position.quantity]
        shown = self.session.instrument
        here = [each for each in held if shown is not None and each.instrument_id == shown.instrument_id]
        chosen = (selected if self.table.hasFocus() else []) or here or selected or (held if len(held) == 1 else [])
        if chosen:
            self.close_wanted.emit(chosen[0])
        else:
            self.session.tell("info", "No position to close", "Choose one in positions.")

    def _show_instrument(self) -> None:
        for position in self.table.selected_rows()[:1]:
            self.session.select(position.instrument_id)
