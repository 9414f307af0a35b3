"""Fills: every execution of ours."""

from __future__ import annotations

from datetime import tzinfo

from PySide6.QtWidgets import QWidget

from octopus_desktop.model.identifiers import symbol_of
from octopus_desktop.model.orders import Fill
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.models.columns import Column, Paint, day_and_clock, iso
from ui.models.rows_model import RowsModel
from ui.panes.order_columns import Precisions, side_tone, side_word
from ui.panes.table_pane import TablePane
from ui.session import Session
from ui.theme.numbers import format_price


def fee_text(fill: Fill) -> str:
    """Fees in coins are small: as many digits as it takes, up to eight."""
    text = format_price(fill.fee, 8).rstrip("0")
    return text + "00" if text.endswith(".") else text


def fill_columns(state: State, zone: tzinfo) -> list[Column[Fill]]:
    write = Precisions(state)
    return [
        Column("time", "Time", lambda f: iso(f.ts_venue_ns),
               lambda f: f"{day_and_clock(f.ts_venue_ns, zone)}.{f.ts_venue_ns // 1_000_000 % 1000:03d}", 134,
               tone=lambda f: "text_mid", rank=lambda f: f.ts_venue_ns),
        Column("instrument", "Instrument", lambda f: symbol_of(f.instrument_id),
               lambda f: symbol_of(f.instrument_id), 86, Paint.NAME, tone=lambda f: "text_hi"),
        Column("side", "Side", lambda f: f.side, lambda f: side_word(f.side), 44, Paint.WORDS,
               tone=lambda f: side_tone(f.side)),
        Column("price", "Price", lambda f: f.price, lambda f: write.price(f.instrument_id, f.price), 92),
        Column("quantity", "Quantity", lambda f: f.quantity,
               lambda f: write.quantity(f.instrument_id, f.quantity), 92),
        Column("value", "Value", lambda f: f.price * f.quantity, lambda f: format_price(f.price * f.quantity, 2), 92),
        Column("fee", "Fee", lambda f: f.fee, fee_text, 84),
        Column("fee_asset", "Asset", lambda f: f.fee_asset, lambda f: f.fee_asset, 52, Paint.WORDS),
        Column("role", "Role", lambda f: "maker" if f.is_maker else "taker",
               lambda f: "Maker" if f.is_maker else "Taker", 52, Paint.WORDS),
        Column("trade_id", "Trade id", lambda f: f.trade_id, lambda f: f.trade_id, 124, tone=lambda f: "text_lo"),
        Column("client_order_id", "Order id", lambda f: f.client_order_id, lambda f: f.client_order_id, 180,
               Paint.WORDS, tone=lambda f: "text_lo"),
    ]  # fmt: skip


class FillsPane(TablePane):
    pane_id = "fills"
    title = "Fills"
    empty_text = "No fills yet"
    empty_hint = "Every execution of your orders is kept here"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        # A trade id is unique within its instrument.
        self.model = RowsModel[Fill](
            fill_columns(session.state, session.zone), lambda fill: (fill.instrument_id, fill.trade_id), self
        )
        self.set_table(self.model, ("time", True))
        self._taken = 0

    def refresh(self, state: State, dirty: Dirty) -> None:
        # State.fills only ever grows.
        self.model.append(state.fills[self._taken :])
        self._taken = len(state.fills)
        self.show_account_state()
