"""Balances: free, locked, total, and what it is worth in USDT."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from PySide6.QtWidgets import QWidget

from octopus_desktop.model.account import Balance
from octopus_desktop.model.identifiers import InstrumentId, instrument_id
from octopus_desktop.model.orders import ZERO
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.models.columns import Column, Paint
from ui.models.rows_model import RowsModel
from ui.panes.pane import price_age_s
from ui.panes.table_pane import TablePane
from ui.session import Session
from ui.theme.numbers import format_price

_DOLLARS = {"USDT", "USD", "USDC", "FDUSD", "TUSD"}
"""Counted as one USDT each: the pane says what the account is worth, not what a conversion would bring."""


def _priced_by(balance: Balance) -> InstrumentId:
    return instrument_id(f"{balance.asset}USDT", balance.venue)


def worth(state: State, balance: Balance) -> Decimal | None:
    """In USDT at the last price; None where nothing tells a price."""
    if balance.asset in _DOLLARS:
        return balance.total
    market = state.markets.get(_priced_by(balance))
    last = market.last_price if market is not None else None
    return balance.total * Decimal(repr(last)) if last is not None else None


def _is_old(state: State, balance: Balance) -> bool:
    """Its worth comes from a price that is stale."""
    name = _priced_by(balance)
    return balance.asset not in _DOLLARS and name in state.markets and price_age_s(state, name, 0) is not None


def balance_columns(state: State) -> list[Column[Balance]]:
    def precision(balance: Balance) -> int:
        return 2 if balance.asset in _DOLLARS else 8

    def share(balance: Balance) -> Decimal | None:
        value = worth(state, balance)
        whole = sum((worth(state, each) or ZERO for each in state.balances.values()), ZERO)
        return value / whole * 100 if value is not None and whole else None

    return [
        Column("asset", "Asset", lambda b: b.asset, lambda b: b.asset, 70, Paint.WORDS, tone=lambda b: "text_hi"),
        Column("free", "Free", lambda b: b.free, lambda b: format_price(b.free, precision(b)), 128),
        Column("locked", "Locked", lambda b: b.locked, lambda b: format_price(b.locked, precision(b)), 128,
               tone=lambda b: "text_hi" if b.locked else "text_lo"),
        Column("total", "Total", lambda b: b.total, lambda b: format_price(b.total, precision(b)), 128),
        Column("worth", "Value in USDT", lambda b: worth(state, b), lambda b: format_price(worth(state, b), 2), 116,
               tone=lambda b: "text_lo" if _is_old(state, b) else "text_hi"),
        Column("share", "Share", share,
               lambda b: f"{share(b):.1f} %" if share(b) is not None else "", 64,
               tone=lambda b: "text_lo" if any(_is_old(state, each) for each in state.balances.values() if each.total)
               else "text_mid"),
        Column("venue", "Venue", lambda b: b.venue, lambda b: b.venue, 90, Paint.WORDS, tone=lambda b: "text_lo"),
    ]  # fmt: skip


class BalancesPane(TablePane):
    pane_id = "balances"
    title = "Balances"
    empty_text = "No balances"
    empty_hint = "The account is empty"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.model = RowsModel[Balance](
            balance_columns(session.state),
            lambda balance: (balance.venue, balance.asset),
            self,
            faded=lambda balance: not balance.total,
        )
        self.set_table(self.model, ("worth", True))

    def refresh(self, state: State, dirty: Dirty) -> None:
        if dirty.everything or dirty.balances:
            self.model.replace(state.balances.values())
        elif dirty.tickers or dirty.trades or dirty.feeds or dirty.system:
            self.model.touch_all()
        self.show_account_state(remembered=False)

    def priced(self) -> Iterable[InstrumentId]:
        held = [balance for balance in self.model.rows if balance.total and balance.asset not in _DOLLARS]
        return [name for balance in held if (name := _priced_by(balance)) in self.session.state.markets]

    def each_second(self, state: State, now_ns: int) -> None:
        self.show_account_state(remembered=False)
